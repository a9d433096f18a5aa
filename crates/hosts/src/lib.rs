//! SSH: sessions, pool, commands, host keys, tunnels.
