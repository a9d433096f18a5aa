//! What the core promises, with the parts that we don't control simulated.

mod crash;
mod fault;
mod guards;
mod plan;
mod process;
mod two_processes;
mod use_case;
mod world;
