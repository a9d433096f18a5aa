//! Bytes to bytes: stylesheets, icons, charts.
//!
//! Pure functions: no file is read or written, and the same input gives the same
//! output on every machine.

pub mod chart;
pub mod contrast;
pub mod icon;
pub mod ramp;
pub mod stylesheet;

mod axis;
