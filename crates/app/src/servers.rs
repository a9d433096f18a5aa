//! Servers: registered, verified, pinned.

mod checks;
mod verify;

use flightdeck_domain::{
    id::{CredentialId, JobId, ServerId, StackId},
    metrics::Sample,
    name,
    permission::Permission,
    server::{Endpoint, Server, ServerStatus},
};
use flightdeck_render::chart::{self, Chart, ChartError, Series, Unit};
use flightdeck_store::{application, server as table};
use serde::Serialize;

pub use flightdeck_render::chart::Palette;

pub(crate) use self::verify::{Verify, VerifyStep, verify_now};
use crate::{
    App, Ctx, Desk,
    error::{Code, Error, Result},
    event::{Event, Topic},
    port::hosts::{HostError, Target},
    work::Work,
};

/// What registers a server.
#[derive(Debug, Clone)]
pub struct ServerRequest {
    /// What to call it.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// Port of its SSH daemon.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// The SSH key that opens it.
    pub credential_id: CredentialId,
}

/// A server with what is known of it right now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServerOverview {
    /// The server.
    #[serde(flatten)]
    pub server: Server,
    /// Its newest sample.
    pub latest: Option<Sample>,
    /// Whether it answered last time; none before the first sampling.
    pub reachable: Option<bool>,
    /// Names of the applications placed on it.
    pub applications: Vec<String>,
}

/// The use cases of servers.
pub struct Servers<'a>(pub(crate) &'a App);

impl Servers<'_> {
    /// Lists the servers, by name.
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<ServerOverview>> {
        let desk = self.0.authorize(ctx, Permission::ServerRead).await?;
        let (servers, applications) =
            desk.db.read(|conn| Ok((table::list(conn)?, application::list(conn)?))).await?;
        let latest = desk.metrics.read(flightdeck_store::sample::latest).await?;
        let overview = |server: Server| ServerOverview {
            latest: latest.iter().find(|sample| sample.server_id == server.id).cloned(),
            reachable: self.0.monitor().reachable(server.id),
            applications: applications
                .iter()
                .filter(|application| application.servers.contains(&server.id))
                .map(|application| application.name.clone())
                .collect(),
            server,
        };
        Ok(servers.into_iter().map(overview).collect())
    }

    /// Returns one server.
    pub async fn get(&self, ctx: &Ctx, id: ServerId) -> Result<ServerOverview> {
        let all = self.list(ctx).await?;
        all.into_iter()
            .find(|overview| overview.server.id == id)
            .ok_or_else(|| Error::not_found("server", id))
    }

    /// Writes a server down and starts its verification.
    pub async fn register(&self, ctx: &Ctx, request: ServerRequest) -> Result<(Server, JobId)> {
        let desk = self.0.authorize(ctx, Permission::ServerWrite).await?;
        let server = self.checked(&desk, ServerId::new(), None, request).await?;
        self.put(&desk, server.clone()).await?;
        self.0.audit(ctx, "server.create", server.id).await?;
        let job_id = self.start_verify(&desk, &server).await?;
        Ok((server, job_id))
    }

    /// Changes how a server is reached. It must be verified again.
    pub async fn update(&self, ctx: &Ctx, id: ServerId, request: ServerRequest) -> Result<Server> {
        let desk = self.0.authorize(ctx, Permission::ServerWrite).await?;
        let old = self.0.server(&desk, id).await?;
        self.refuse_while_verified(&old).await?;
        let mut server = self.checked(&desk, id, old.stack_id, request).await?;
        server.created_at = old.created_at;
        server.facts.clone_from(&old.facts);
        // Another machine has another key: only the same address keeps the pin.
        let same_machine =
            server.endpoint.host == old.endpoint.host && server.endpoint.port == old.endpoint.port;
        if same_machine {
            server.host_key.clone_from(&old.host_key);
        }
        self.put(&desk, server.clone()).await?;
        self.0.ports().hosts.disconnect(id).await;
        self.0.audit(ctx, "server.update", id).await?;
        Ok(server)
    }

    /// Runs every check again.
    pub async fn verify(&self, ctx: &Ctx, id: ServerId) -> Result<JobId> {
        let desk = self.0.authorize(ctx, Permission::ServerWrite).await?;
        let server = self.0.server(&desk, id).await?;
        let job_id = self.start_verify(&desk, &server).await?;
        self.0.audit(ctx, "server.verify", id).await?;
        Ok(job_id)
    }

    /// Pins the key that the server presents now, if it is the one that a person
    /// compared with the provider's console.
    pub async fn accept_host_key(
        &self,
        ctx: &Ctx,
        id: ServerId,
        fingerprint: &str,
    ) -> Result<Server> {
        let desk = self.0.authorize(ctx, Permission::ServerWrite).await?;
        let mut server = self.0.server(&desk, id).await?;
        self.refuse_while_verified(&server).await?;
        let presented = self.0.ports().hosts.host_key(&server.endpoint).await?;
        if presented.fingerprint != fingerprint.trim() {
            return Err(Error::new(
                Code::HostKeyChanged,
                format!(
                    "`{}` presents {}, not the fingerprint that was accepted",
                    server.name, presented.fingerprint
                ),
            )
            .hint("compare with the provider's console again"));
        }
        let before = server.host_key.replace(presented.clone());
        self.put(&desk, server.clone()).await?;
        self.0.ports().hosts.disconnect(id).await;
        let details = serde_json::json!({
            "before": before.map(|key| key.fingerprint),
            "after": presented.fingerprint,
        });
        self.0.audit_with(ctx, "server.accept_host_key", id, details).await?;
        Ok(server)
    }

    /// Takes a server out of the inventory. The machine itself is left alone.
    pub async fn remove(&self, ctx: &Ctx, id: ServerId) -> Result<()> {
        let desk = self.0.authorize(ctx, Permission::ServerWrite).await?;
        let server = self.0.server(&desk, id).await?;
        self.refuse_while_verified(&server).await?;
        if let Some(stack_id) = server.stack_id {
            let stack =
                desk.db.read(move |conn| flightdeck_store::stack::by_id(conn, stack_id)).await?;
            if let Some(stack) = stack {
                return Err(Error::new(
                    Code::InUse,
                    format!("`{}` belongs to the stack `{}`", server.name, stack.name),
                )
                .hint("destroy the stack, or lower its number of servers"));
            }
        }
        self.0.refuse_while_placed(&desk, &[id]).await?;
        let author = self.0.author(Some(ctx.user_id));
        desk.db.write(move |tx| table::delete(tx, &author, id)).await?;
        self.0.ports().hosts.disconnect(id).await;
        self.0.audit(ctx, "server.delete", id).await?;
        self.0.announce_server(&desk, id);
        Ok(())
    }

    /// Returns a server's samples of the last `minutes`, oldest first.
    pub async fn samples(&self, ctx: &Ctx, id: ServerId, minutes: u32) -> Result<Vec<Sample>> {
        const POINTS: usize = 1_000;
        let desk = self.0.authorize(ctx, Permission::ServerRead).await?;
        self.0.server(&desk, id).await?;
        let span = jiff::SignedDuration::from_mins(i64::from(minutes));
        let from = self.0.now() - span;
        Ok(desk
            .metrics
            .read(move |conn| flightdeck_store::sample::since(conn, id, from, POINTS))
            .await?)
    }

    /// Draws a server's last `minutes` as an SVG: processor, memory and disk.
    pub async fn chart(
        &self,
        ctx: &Ctx,
        id: ServerId,
        minutes: u32,
        palette: Palette,
    ) -> Result<String> {
        let server = self.get(ctx, id).await?.server;
        let samples = self.samples(ctx, id, minutes).await?;
        let series = |name: &str, value: fn(&Sample) -> Option<f64>| Series {
            name: name.to_owned(),
            points: samples.iter().map(|sample| (sample.at, value(sample))).collect(),
        };
        let chart = Chart {
            title: server.name,
            unit: Unit::Percent,
            series: vec![
                series("CPU", |sample| sample.cpu_percent),
                series("Memory", |sample| share(sample.memory_used, sample.memory_total)),
                series("Disk", |sample| share(sample.disk_used, sample.disk_total)),
            ],
            zone: jiff::tz::TimeZone::system(),
            palette,
            size: (960, 360),
        };
        chart::svg(&chart).map_err(|error| match error {
            ChartError::Empty => Error::new(Code::WrongState, error.to_string())
                .hint("wait for the next sample, or look at a longer time"),
            ChartError::Size(..) | ChartError::Draw(_) => {
                Error::new(Code::Internal, "the chart can't be drawn").cause(error)
            }
        })
    }

    /// Refuses while a verification would write over what is about to change.
    async fn refuse_while_verified(&self, server: &Server) -> Result<()> {
        self.0.jobs().refuse_if_busy(&server.id.to_string()).await?;
        match server.stack_id {
            Some(stack_id) => self.0.jobs().refuse_if_busy(&stack_id.to_string()).await,
            None => Ok(()),
        }
    }

    async fn start_verify(&self, desk: &Desk, server: &Server) -> Result<JobId> {
        let work = Work::Verify(Verify { server_id: server.id });
        self.0.jobs().start(desk, format!("Verify {}", server.name), work).await
    }

    async fn checked(
        &self,
        desk: &Desk,
        id: ServerId,
        stack_id: Option<StackId>,
        request: ServerRequest,
    ) -> Result<Server> {
        let name =
            name::label("server name", &request.name).map_err(|error| Error::invalid(&error))?;
        let endpoint = Endpoint::new(&request.host, request.port, &request.user)
            .map_err(|error| Error::invalid(&error))?;
        let credential = self.0.credential(desk, request.credential_id).await?;
        if credential.provider != flightdeck_domain::credential::Provider::SshKey {
            return Err(Error::new(
                Code::InvalidInput,
                format!("`{}` is no SSH key", credential.name),
            )
            .hint("choose or generate an SSH key"));
        }
        let wanted = name.clone();
        let taken = desk.db.read(move |conn| table::by_name(conn, &wanted)).await?;
        if taken.is_some_and(|server| server.id != id) {
            return Err(Error::new(
                Code::AlreadyExists,
                format!("there is a server `{name}` already"),
            )
            .hint("choose another name"));
        }
        Ok(Server {
            id,
            name,
            endpoint,
            credential_id: request.credential_id,
            host_key: None,
            status: ServerStatus::Pending,
            checks: Vec::new(),
            facts: None,
            stack_id,
            created_at: self.0.now(),
        })
    }

    async fn put(&self, desk: &Desk, server: Server) -> Result<()> {
        self.0.put_server(desk, server).await
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no 53rd bit")]
fn share(used: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| 100.0 * used as f64 / total as f64)
}

impl App {
    /// Finds a server of this workspace.
    pub(crate) async fn server(&self, desk: &Desk, id: ServerId) -> Result<Server> {
        desk.db
            .read(move |conn| table::by_id(conn, id))
            .await?
            .ok_or_else(|| Error::not_found("server", id))
    }

    pub(crate) async fn put_server(&self, desk: &Desk, server: Server) -> Result<()> {
        let (author, id) = (self.author(Some(desk.actor)), server.id);
        desk.db.write(move |tx| table::put(tx, &author, &server)).await?;
        self.announce_server(desk, id);
        Ok(())
    }

    pub(crate) fn announce_server(&self, desk: &Desk, id: ServerId) {
        self.publish(Event::Changed {
            organization_id: Some(desk.organization_id),
            topic: Topic::Servers,
            id: Some(id.to_string()),
        });
    }

    /// What a connection to a server needs: its pinned key and our key to it.
    pub(crate) async fn target(&self, desk: &Desk, server: &Server) -> Result<Target> {
        let host_key = server.host_key.clone().ok_or_else(|| {
            Error::new(Code::WrongState, format!("`{}` was never verified", server.name))
                .hint("verify the server first")
        })?;
        Ok(Target {
            server_id: server.id,
            endpoint: server.endpoint.clone(),
            host_key,
            key: self.ssh_key(desk, server.credential_id).await?,
        })
    }

    /// Refuses, by name, while applications are placed on any of these servers.
    pub(crate) async fn refuse_while_placed(&self, desk: &Desk, ids: &[ServerId]) -> Result<()> {
        let ids = ids.to_vec();
        let placed = desk
            .db
            .read(move |conn| {
                let placed = application::list(conn)?.into_iter().filter(|application| {
                    application.servers.iter().any(|server| ids.contains(server))
                });
                Ok(placed.map(|a| format!("`{}`", a.name)).collect::<Vec<_>>())
            })
            .await?;
        if placed.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            Code::InUse,
            format!("applications are placed there: {}", placed.join(", ")),
        )
        .hint("remove those applications, or place them elsewhere, first"))
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        let message = error.to_string();
        let (code, message, hint) = match &error {
            HostError::Resolve { .. } => (
                Code::HostUnreachable,
                message,
                "check the spelling of the host name, and your network's name server",
            ),
            HostError::Unreachable { .. } => (
                Code::HostUnreachable,
                message,
                "check the address and the port, that the machine runs, and its firewall",
            ),
            HostError::Timeout { .. } => (
                Code::HostTimeout,
                message,
                "check that the machine is not overloaded and that no firewall drops the packets",
            ),
            HostError::Protocol { .. } => {
                (Code::HostUnreachable, message, "check that the port is the one of the SSH daemon")
            }
            HostError::HostKeyChanged { endpoint, pinned, presented } => (
                Code::HostKeyChanged,
                format!(
                    "the host key of {endpoint} changed from {} to {}",
                    pinned.fingerprint, presented.fingerprint
                ),
                "compare the new fingerprint with the provider's console before you accept it",
            ),
            HostError::Key { .. } => {
                (Code::SshKeyUnusable, message, "choose another SSH key for this server")
            }
            HostError::Authentication { .. } => (
                Code::HostAuthentication,
                message,
                "check the login name, and that the public key is in its authorized_keys",
            ),
            HostError::Broken { .. } => {
                (Code::HostUnreachable, message, "try again; the connection is made anew")
            }
            HostError::TooMuchOutput { .. } => {
                (Code::RemoteCommand, message, "look at the server by hand")
            }
            HostError::File { .. } => (
                Code::RemoteCommand,
                message,
                "check that the server's disk has space and that the login may write there",
            ),
            HostError::Forward { .. } => {
                (Code::RemoteCommand, message, "look at what should listen there")
            }
        };
        Self::new(code, message).hint(hint).cause(error)
    }
}
