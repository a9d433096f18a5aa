//! SQLite: one file per table, migrations, change log, metrics.
//!
//! One directory holds everything: `flightdeck.db` for what spans workspaces,
//! and `workspaces/<id>/{workspace.db, metrics.db}` for each organization. A
//! [`Store`] opens them; a [`Database`] runs closures on them; the functions of
//! the table modules are what those closures call.

pub mod application;
pub mod audit_event;
pub mod change;
mod column;
pub mod credential;
pub mod database;
pub mod deployment;
mod device;
pub mod error;
pub mod job;
pub mod lease;
pub mod member;
mod migration;
pub mod organization;
pub mod release;
pub mod run;
pub mod sample;
pub mod server;
pub mod setting;
pub mod stack;
pub mod stamp;
pub mod state_version;
pub mod store;
pub mod user;
pub mod workspace_key;

pub use database::Database;
pub use error::StoreError;
pub use rusqlite::{Connection, Result as SqlResult, Transaction};
pub use store::Store;
