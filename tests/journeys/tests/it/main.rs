//! Journeys on real servers.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]
#![expect(clippy::print_stdout, reason = "the log of a job that failed says why")]
#![expect(clippy::too_many_lines, reason = "a journey is told in one go")]
#![expect(clippy::disallowed_methods, reason = "a journey does what a person at a shell does")]

mod cli;
mod core;
mod kill;
