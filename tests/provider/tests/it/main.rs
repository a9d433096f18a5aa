//! The provider and the modules, driven by the real Terraform.

#![allow(clippy::disallowed_methods, reason = "tests start processes and read files as they are")]

mod faults;
mod interruption;
mod lifecycle;
mod modules;
mod servers;
mod stage;
