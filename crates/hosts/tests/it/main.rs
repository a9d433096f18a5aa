//! Claims about servers, checked against a real OpenSSH daemon.

#![expect(
    clippy::disallowed_methods,
    reason = "OpenSSH's daemon and tools, as a person calls them"
)]

mod command;
mod connection;
mod file;
mod forward;
mod login;
mod sshd;
