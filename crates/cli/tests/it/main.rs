//! What the command line promises, asked of the real binary.

mod failures;
mod first_run;
mod golden;
mod jobs;
mod permissions;
mod streams;
mod support;
