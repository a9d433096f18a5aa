//! Runs the real Terraform on modules that need no provider.

mod apply;
mod crash;
mod locate;
mod overhead;
mod plan;
mod secrecy;
mod stop;
mod support;
