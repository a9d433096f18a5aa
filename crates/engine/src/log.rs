//! Structured logs: one JSON object a line, a file a day, ten days kept.

use std::path::Path;

use tracing_appender::{
    non_blocking::WorkerGuard,
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::Role;

/// Keeps the writer's thread; dropping it writes what is left.
pub(crate) type Guard = WorkerGuard;

/// How many days of logs are kept.
const KEEP: usize = 10;

/// Starts logging to `DIRECTORY/logs`. A second start in a process changes nothing.
///
/// Only our own crates log below `warn`: libraries may quote what they handle.
pub(crate) fn start(directory: &Path, role: Role) -> Option<Guard> {
    let name = match role {
        Role::Desktop => "desktop",
        Role::Cli => "cli",
        Role::Watch => "watch",
    };
    let folder = directory.join("logs");
    std::fs::create_dir_all(&folder).ok()?;
    let logs = directory.join("logs");
    // The appender complains on the terminal about a folder that it makes itself.
    crate::paths::create(&logs).ok()?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .max_log_files(KEEP)
        .filename_prefix(name)
        .filename_suffix("log")
        .build(folder)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let ours = "flightdeck_app=info,flightdeck_engine=info,flightdeck_hosts=info,\
                flightdeck_terraform=info,flightdeck_cloud=info,flightdeck_store=info,\
                flightdeck_vault=info,flightdeck_desktop=info";
    let filter = EnvFilter::try_new(format!("warn,{ours}")).ok()?;
    let layer = fmt::layer().json().with_writer(writer).with_ansi(false);
    tracing_subscriber::registry().with(filter).with(layer).try_init().ok()?;
    Some(guard)
}
