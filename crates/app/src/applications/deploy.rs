//! The standard strategy: start the new release beside the old one, healthy,
//! switch, drain, stop the old one.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use flightdeck_domain::{
    application::{Application, DeploymentStatus, Release},
    id::{ApplicationId, DeploymentId, ReleaseId, ServerId},
    job::Failure,
};
use flightdeck_store::{application as table, deployment, release};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::containers::{self, Login};
use crate::{
    App, Desk,
    error::{Code, Error, Result},
    jobs::{Step, StepContext},
    port::hosts::{Hosts, Target},
    proxy::{self, Container, Route},
};

/// The job that moves an application to a release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deploy {
    pub(crate) application_id: ApplicationId,
    pub(crate) deployment_id: DeploymentId,
    pub(crate) release_id: ReleaseId,
    pub(crate) previous_release_id: Option<ReleaseId>,
    /// Where, with the names that the journal shows.
    pub(crate) servers: Vec<(ServerId, String)>,
}

/// What a step does on one server. In the order of the plan: every server does
/// the first before any does the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Proxy,
    Pull,
    Start,
    Health,
    Switch,
    Drain,
    Stop,
}

impl Phase {
    const ALL: [Self; 7] =
        [Self::Proxy, Self::Pull, Self::Start, Self::Health, Self::Switch, Self::Drain, Self::Stop];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Pull => "pull",
            Self::Start => "start",
            Self::Health => "health",
            Self::Switch => "switch",
            Self::Drain => "drain",
            Self::Stop => "stop",
        }
    }
}

impl Deploy {
    pub(crate) fn steps(&self) -> Vec<Box<dyn Step>> {
        let mut steps: Vec<Box<dyn Step>> = Vec::new();
        for phase in Phase::ALL {
            for (server_id, server_name) in &self.servers {
                steps.push(Box::new(OnServer {
                    deploy: self.clone(),
                    phase,
                    server_id: *server_id,
                    server_name: server_name.clone(),
                }));
            }
        }
        steps.push(Box::new(Finish(self.clone())));
        steps
    }

    pub(crate) async fn ended_badly(
        &self,
        ctx: &StepContext,
        failure: Option<&Failure>,
        undone: bool,
    ) -> Result<()> {
        let (id, now) = (self.deployment_id, ctx.app.now());
        let status = if undone { DeploymentStatus::RolledBack } else { DeploymentStatus::Failed };
        let reason = failure.map(|failure| failure.message.clone());
        ctx.desk
            .db
            .write(move |tx| deployment::finish(tx, id, status, reason.as_deref(), Some(now)))
            .await?;
        ctx.app.announce_application(&ctx.desk, self.application_id);
        Ok(())
    }

    pub(crate) async fn before_retry(&self, app: &App, desk: &Desk) -> Result<()> {
        let application = app.application(desk, self.application_id).await?;
        if application.current_release_id != self.previous_release_id {
            return Err(Error::new(
                Code::WrongState,
                "another release was deployed since this one failed",
            )
            .hint("deploy the wanted image anew"));
        }
        Ok(())
    }

    pub(crate) async fn retried(&self, app: &App, desk: &Desk) -> Result<()> {
        let id = self.deployment_id;
        desk.db
            .write(move |tx| deployment::finish(tx, id, DeploymentStatus::Running, None, None))
            .await?;
        app.announce_application(desk, self.application_id);
        Ok(())
    }
}

struct OnServer {
    deploy: Deploy,
    phase: Phase,
    server_id: ServerId,
    server_name: String,
}

#[async_trait]
impl Step for OnServer {
    fn name(&self) -> String {
        format!("{}:{}", self.phase.as_str(), self.server_name)
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        let work = self.prepare(ctx).await?;
        let hosts = ctx.app.ports().hosts.as_ref();
        let new = (&work.application, &work.release);
        match self.phase {
            Phase::Proxy => {
                let image = ctx.app.settings().get().await?.proxy_image;
                proxy::ensure(hosts, &work.target, &image).await?;
                // What an undo has to bring back: a server that the application was
                // placed on since the last deployment never ran the previous release.
                let runs_previous = match &work.previous {
                    Some(previous) => {
                        let name = containers::name(&work.application, previous);
                        containers::is_there(hosts, &work.target, &name).await?
                    }
                    None => false,
                };
                return Ok(json!({ "runs_previous": runs_previous }));
            }
            Phase::Pull => return self.pull(ctx, hosts, &work).await,
            Phase::Start => {
                let organization = ctx.desk.organization_id;
                containers::start(hosts, &work.target, organization, new).await?;
            }
            Phase::Health => containers::wait_until_healthy(hosts, &work.target, new).await?,
            Phase::Switch => self.route_to(ctx, hosts, &work, Some(&work.release)).await?,
            Phase::Drain => {
                let keep = containers::name(&work.application, &work.release);
                // Up to here the old release could still take everything back.
                containers::refuse_if_ended(hosts, &work.target, &keep).await?;
                let grace = u64::from(work.release.configuration.stop_grace_seconds);
                proxy::drop_others(
                    hosts,
                    &work.target,
                    &work.application.name,
                    Some(&keep),
                    Duration::from_secs(grace),
                )
                .await?;
            }
            Phase::Stop => {
                if let Some(previous) = &work.previous {
                    let new = containers::name(&work.application, &work.release);
                    containers::refuse_if_ended(hosts, &work.target, &new).await?;
                    let name = containers::name(&work.application, previous);
                    let grace = previous.configuration.stop_grace_seconds;
                    containers::remove(hosts, &work.target, &name, grace).await?;
                }
            }
        }
        Ok(Value::Null)
    }

    async fn undo(&self, ctx: &StepContext) -> Result<()> {
        let work = self.prepare(ctx).await?;
        let hosts = ctx.app.ports().hosts.as_ref();
        match self.phase {
            Phase::Stop => {
                let Some(previous) = self.previous_here(ctx, &work).await? else { return Ok(()) };
                let old = (&work.application, previous);
                let organization = ctx.desk.organization_id;
                containers::start(hosts, &work.target, organization, old).await?;
                containers::wait_until_healthy(hosts, &work.target, old).await
            }
            Phase::Switch => {
                let previous = self.previous_here(ctx, &work).await?;
                if let Some(previous) = previous {
                    // Leaves it alone if it runs; it may have ended by itself meanwhile.
                    let old = (&work.application, previous);
                    let organization = ctx.desk.organization_id;
                    containers::start(hosts, &work.target, organization, old).await?;
                }
                self.route_to(ctx, hosts, &work, previous).await?;
                let keep = previous.map(|release| containers::name(&work.application, release));
                proxy::drop_others(
                    hosts,
                    &work.target,
                    &work.application.name,
                    keep.as_deref(),
                    Duration::from_secs(5),
                )
                .await
            }
            Phase::Start => {
                let name = containers::name(&work.application, &work.release);
                containers::remove(hosts, &work.target, &name, 0).await
            }
            Phase::Pull if work.application.registry_credential_id.is_some() => {
                containers::forget_login(hosts, &work.target, &work.release).await
            }
            Phase::Proxy | Phase::Pull | Phase::Health | Phase::Drain => Ok(()),
        }
    }
}

/// What every step needs to know.
struct Prepared {
    target: Target,
    application: Application,
    release: Release,
    previous: Option<Release>,
}

impl OnServer {
    async fn prepare(&self, ctx: &StepContext) -> Result<Prepared> {
        let (app, desk) = (&ctx.app, &ctx.desk);
        let server = app.server(desk, self.server_id).await?;
        let previous = match self.deploy.previous_release_id {
            Some(id) => Some(app.release(desk, id).await?),
            None => None,
        };
        Ok(Prepared {
            target: app.target(desk, &server).await?,
            application: app.application(desk, self.deploy.application_id).await?,
            release: app.release(desk, self.deploy.release_id).await?,
            previous,
        })
    }

    /// The release to go back to on this server, if it ran here when the job began.
    async fn previous_here<'a>(
        &self,
        ctx: &StepContext,
        work: &'a Prepared,
    ) -> Result<Option<&'a Release>> {
        let found = ctx.output(&format!("{}:{}", Phase::Proxy.as_str(), self.server_name)).await?;
        let ran = found.and_then(|output| output.get("runs_previous").and_then(Value::as_bool));
        Ok(work.previous.as_ref().filter(|_| ran == Some(true)))
    }

    async fn pull(&self, ctx: &StepContext, hosts: &dyn Hosts, work: &Prepared) -> Result<Value> {
        let login = match work.application.registry_credential_id {
            Some(id) => {
                let credential = ctx.app.credential(&ctx.desk, id).await?;
                let field =
                    |name: &str| credential.public_fields.get(name).cloned().unwrap_or_default();
                let password = ctx.app.secret(&ctx.desk, id, "password").await?;
                Some(Login { server: field("server"), user: field("user"), password })
            }
            None => None,
        };
        ctx.log(format!("{}: pulling {}", self.server_name, work.release.image)).await;
        let (lines, mut said) = tokio::sync::mpsc::unbounded_channel::<String>();
        let sink = Arc::new(move |line: &str| {
            let _ = lines.send(line.to_owned());
        });
        let pull = containers::pull(hosts, &work.target, &work.release, login.as_ref(), sink);
        tokio::pin!(pull);
        let digest = loop {
            tokio::select! {
                digest = &mut pull => break digest?,
                Some(line) = said.recv() => ctx.log(line).await,
            }
        };
        while let Ok(line) = said.try_recv() {
            ctx.log(line).await;
        }
        let (release_id, stored) = (work.release.id, digest.clone());
        ctx.desk.db.write(move |tx| release::set_digest(tx, release_id, &stored)).await?;
        Ok(json!({ "digest": digest }))
    }

    /// Points the server's proxy at `release`; every other application keeps its own.
    async fn route_to(
        &self,
        ctx: &StepContext,
        hosts: &dyn Hosts,
        work: &Prepared,
        release: Option<&Release>,
    ) -> Result<()> {
        let chosen = release.map(|release| (work.application.id, release.clone()));
        let absent = release.is_none().then_some(work.application.id);
        let routes = routes(&ctx.app, &ctx.desk, &work.target, Choice { chosen, absent }).await?;
        if !proxy::write(hosts, &work.target, &routes).await? {
            let own: Vec<Route> = routes
                .into_iter()
                .filter(|route| route.application == work.application.name)
                .collect();
            proxy::steer(hosts, &work.target, &own).await?;
        }
        Ok(())
    }
}

/// How the routes differ from what is stored.
#[derive(Default)]
pub(super) struct Choice {
    /// An application that is about to run another release.
    pub(super) chosen: Option<(ApplicationId, Release)>,
    /// An application that is about to run nothing.
    pub(super) absent: Option<ApplicationId>,
}

/// What a server's proxy must do: one route for each application that runs there.
pub(super) async fn routes(
    app: &App,
    desk: &Desk,
    target: &Target,
    choice: Choice,
) -> Result<Vec<Route>> {
    let server_id = target.server_id;
    let Choice { chosen, absent } = choice;
    let chosen_id = chosen.as_ref().map(|(id, _)| *id);
    let placed = desk
        .db
        .read(move |conn| {
            let mut placed = Vec::new();
            for application in table::on_server(conn, server_id)? {
                let release = match (&chosen, application.current_release_id) {
                    (Some((id, release)), _) if *id == application.id => Some(release.clone()),
                    _ if absent == Some(application.id) => None,
                    (_, Some(id)) => release::by_id(conn, id)?,
                    (_, None) => None,
                };
                if let Some(release) = release {
                    placed.push((application, release));
                }
            }
            Ok(placed)
        })
        .await?;
    let hosts = app.ports().hosts.as_ref();
    let mut routes = Vec::new();
    for (application, release) in placed {
        let name = containers::name(&application, &release);
        let address = if chosen_id == Some(application.id) {
            let address = containers::address(hosts, target, &name).await?;
            // Traffic that was sent to nothing could not be told from a success.
            Some(address.ok_or_else(|| {
                Error::new(Code::ContainerFailed, format!("`{name}` does not run any more"))
                    .hint("look at the container's log, then deploy again")
            })?)
        } else {
            None
        };
        let port = release.configuration.port;
        routes.push(Route {
            application: application.name,
            domain: application.domain,
            container: Container { name, address, port },
            health_check: release.configuration.health_check,
        });
    }
    Ok(routes)
}

/// Makes the new release the current one.
struct Finish(Deploy);

#[async_trait]
impl Step for Finish {
    fn name(&self) -> String {
        "finish".to_owned()
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        self.set_current(ctx, Some(self.0.release_id)).await?;
        let (id, now) = (self.0.deployment_id, ctx.app.now());
        ctx.desk
            .db
            .write(move |tx| {
                deployment::finish(tx, id, DeploymentStatus::Succeeded, None, Some(now))
            })
            .await?;
        ctx.app.announce_application(&ctx.desk, self.0.application_id);
        Ok(Value::Null)
    }

    async fn undo(&self, ctx: &StepContext) -> Result<()> {
        self.set_current(ctx, self.0.previous_release_id).await
    }
}

impl Finish {
    async fn set_current(&self, ctx: &StepContext, release: Option<ReleaseId>) -> Result<()> {
        let mut application = ctx.app.application(&ctx.desk, self.0.application_id).await?;
        application.current_release_id = release;
        ctx.app.put_application(&ctx.desk, application).await
    }
}
