//! Durable long work: a plan of steps with a journal.
//!
//! The journal is written before and after each step, so after a kill the step
//! in flight runs again. `run` and `undo` of every step must therefore leave
//! the world the same whether they happen once or twice.

mod control;
mod runner;
mod step;

pub use control::Jobs;
pub(crate) use control::Running;
pub use step::{Step, StepContext};
