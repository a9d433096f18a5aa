//! What the store promises, on real files.

mod change;
mod concurrency;
mod crash;
mod fixture;
mod job;
mod limits;
mod open;
mod round_trip;
mod tables;
