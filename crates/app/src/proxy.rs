//! The reverse proxy of each server: `HAProxy` in a container of its own.
//!
//! Its configuration is made from the database, whole, each time. Servers of a
//! back end come and go through the admin socket, which drops no connection;
//! only a new or lost back end, or another host name, takes a reload.

mod admin;
mod config;
mod container;

pub(crate) use self::{
    admin::{drop_others, steer},
    config::{Container, Route},
    container::{NETWORK, ensure, is_there, write},
};
