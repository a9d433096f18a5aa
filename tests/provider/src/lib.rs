//! A Terraform provider whose cloud is a folder, for tests, demos and development.
//!
//! Terraform itself is real: it installs this provider from a mirror, starts it,
//! talks protocol 6 to it, plans and applies with it. The schema is the published
//! one of the real provider, so that a module which works here uses arguments that
//! exist. Only the far end is ours: objects are files that a test can read, edit
//! (drift) and count (orphans), and creating a server can boot a fleet server.
//!
//! The provider cannot be steered by its environment, because the application
//! clears the environment of Terraform. Everything comes from a `config.json`,
//! which is read again before each operation; see [`config`].

pub mod cloud;
pub mod config;
pub mod file;
pub mod fleet;
pub mod handshake;
pub mod mirror;
pub mod overlay;
pub mod pace;
pub mod protocol;
pub mod provider;
pub mod schema;
pub mod value;
