//! The nouns of Flightdeck and the rules that are true on paper.
//!
//! Nothing here reads a clock, a file or a socket, and nothing is async: a rule
//! that needs the world belongs to `flightdeck-app`.

pub mod application;
pub mod audit;
pub mod credential;
pub mod id;
pub mod image_reference;
pub mod job;
pub mod member;
pub mod metrics;
pub mod name;
pub mod organization;
pub mod permission;
pub mod secret;
pub mod server;
pub mod setting;
pub mod stack;
