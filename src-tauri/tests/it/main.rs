//! The commands, called as the window calls them: through the toolkit's own
//! bridge, with the real configuration, core and data directory. Only the web
//! view itself is absent.

mod answers;
mod authorization;
mod bindings;
mod permissions;
mod refusals;
mod things;
mod window;
