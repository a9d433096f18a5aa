//! SSH: sessions, pool, commands, host keys, tunnels.
//!
//! One thread drives each connection, because libssh2 is neither async nor safe
//! to share; it carries any number of requests at once, each on a channel of its
//! own. The async side only waits on one-shot channels, so a server that hangs
//! holds up its own thread and nothing else.

#![expect(
    clippy::result_large_err,
    reason = "`HostError` names both keys of a changed host; it is moved a few times a connection"
)]

mod circuit;
mod command;
mod file;
mod forward;
mod http;
mod pool;
mod quote;
mod session;
mod task;
mod wake;
mod worker;

use std::time::Duration;

use async_trait::async_trait;
use flightdeck_app::port::hosts::{
    Command, HostError, Hosts, HttpAnswer, HttpRequest, Lane, Output, Target,
};
use flightdeck_domain::{
    id::ServerId,
    server::{Endpoint, HostKey},
};
use tokio::sync::oneshot;

use crate::{pool::Pool, session::Stage};

/// Servers reached with libssh2.
///
/// Commands are written for a POSIX login shell (`sh`, `dash`, `bash`, `ash`):
/// quoting in `fish` and `csh` is not the same.
#[derive(Default)]
pub struct SshHosts {
    pool: Pool,
}

impl SshHosts {
    /// Starts without any connection.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Hosts for SshHosts {
    async fn host_key(&self, endpoint: &Endpoint) -> Result<HostKey, HostError> {
        let (reply, answer) = oneshot::channel();
        let place = endpoint.clone();
        session::on_own_thread(endpoint, move || {
            let met = session::meet(&place, None, &Stage::default());
            let _ = reply.send(met.map(|met| met.host_key));
        })?;
        answer.await.unwrap_or_else(|_| {
            Err(HostError::Broken {
                endpoint: endpoint.clone(),
                reason: "the connection's thread ended".to_owned(),
            })
        })
    }

    async fn run(
        &self,
        target: &Target,
        lane: Lane,
        command: Command,
    ) -> Result<Output, HostError> {
        command::run(&self.pool, target, lane, command).await
    }

    async fn write_file(
        &self,
        target: &Target,
        path: &str,
        mode: u32,
        content: &[u8],
    ) -> Result<(), HostError> {
        file::write(&self.pool, target, path, mode, content).await
    }

    async fn ask_socket(
        &self,
        target: &Target,
        socket_path: &str,
        request: &[u8],
        deadline: Duration,
    ) -> Result<Vec<u8>, HostError> {
        forward::ask_socket(&self.pool, target, socket_path, request, deadline).await
    }

    async fn http_get(
        &self,
        target: &Target,
        request: HttpRequest,
    ) -> Result<HttpAnswer, HostError> {
        forward::http_get(&self.pool, target, request).await
    }

    async fn disconnect(&self, server_id: ServerId) {
        self.pool.forget(server_id);
    }
}
