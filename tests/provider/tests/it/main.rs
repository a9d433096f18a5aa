//! The provider and the modules, driven by the real Terraform.

#![expect(clippy::disallowed_methods, reason = "tests start Terraform as a person would")]

mod faults;
mod interruption;
mod lifecycle;
mod modules;
mod servers;
mod stage;
