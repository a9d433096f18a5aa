//! The generated types of the two protocols, and what they lack.

#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::all,
    clippy::pedantic,
    reason = "generated from the protocols' own definitions"
)]

/// Terraform's plugin protocol, version 6.
pub mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// The part of go-plugin's own protocol that ends a plugin.
pub mod plugin {
    tonic::include_proto!("plugin");
}
