//! The verification of a server: seven checks, each with its own error.

use async_trait::async_trait;
use flightdeck_domain::{
    id::ServerId,
    server::{Check, CheckResult, Facts, Server, ServerStatus},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checks;
use crate::{
    App, Desk,
    error::{Code, Result},
    jobs::{Step, StepContext},
};

/// The job that verifies one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verify {
    /// Which.
    pub(crate) server_id: ServerId,
}

/// Runs all checks of one server.
///
/// One step and not seven: a check alone proves nothing about the others, so
/// after a crash all of them run again. Each result is stored as it comes.
pub(crate) struct VerifyStep(pub(crate) Verify);

#[async_trait]
impl Step for VerifyStep {
    fn name(&self) -> String {
        "verify".to_owned()
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        let server = verify_now(&ctx.app, &ctx.desk, self.0.server_id, Some(ctx)).await?;
        Ok(json!({ "docker": server.facts.and_then(|facts| facts.docker) }))
    }
}

/// Checks a server from its connection to its Docker; stores every result.
pub(crate) async fn verify_now(
    app: &App,
    desk: &Desk,
    server_id: ServerId,
    ctx: Option<&StepContext>,
) -> Result<Server> {
    let server = app.server(desk, server_id).await?;
    let before = server.clone();
    let mut verification = Verification { app, desk, server, ctx };
    verification.server.checks.clear();
    verification.server.status = ServerStatus::Pending;
    let ended = verification.all().await;
    if ended.as_ref().is_err_and(|error| error.code == Code::VaultLocked) {
        // That says something about us, and nothing about the server.
        app.put_server(desk, before.clone()).await?;
        return ended.map(|()| before);
    }
    verification.server.status =
        if ended.is_ok() { ServerStatus::Ready } else { ServerStatus::Failed };
    app.put_server(desk, verification.server.clone()).await?;
    if ended.is_ok() {
        app.monitor().look_soon(server_id);
    }
    ended.map(|()| verification.server)
}

struct Verification<'a> {
    app: &'a App,
    desk: &'a Desk,
    server: Server,
    ctx: Option<&'a StepContext>,
}

impl Verification<'_> {
    async fn all(&mut self) -> Result<()> {
        let hosts = self.app.ports().hosts.clone();
        // A fresh connection: an old one proves nothing about the way in.
        hosts.disconnect(self.server.id).await;

        let presented = hosts.host_key(&self.server.endpoint).await.map_err(Into::into);
        let presented = self.note(Check::Connect, presented, |_| "answers".to_owned()).await?;

        let pinned = self.pin(presented);
        self.note(Check::HostKey, pinned, Clone::clone).await?;

        let target = self.app.target(self.desk, &self.server).await;
        let login = match &target {
            Ok(target) => {
                let hello = crate::port::hosts::Command::new(["true"]);
                hosts
                    .run(target, crate::port::hosts::Lane::Work, hello)
                    .await
                    .map(|_| ())
                    .map_err(Into::into)
            }
            Err(_) => Ok(()),
        };
        let user = self.server.endpoint.user.clone();
        let target = match (target, login) {
            (Ok(target), Ok(())) => Ok(target),
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        let target =
            self.note(Check::Authenticate, target, |_| format!("logged in as {user}")).await?;

        let facts = checks::facts(hosts.as_ref(), &target).await;
        let mut facts = self
            .note(Check::Facts, facts, |f: &Facts| {
                format!("{}, {}, {} cores", f.os, f.architecture, f.cores)
            })
            .await?;
        self.server.facts = Some(facts.clone());

        let privileges = checks::privileges(hosts.as_ref(), &target).await;
        self.note(Check::Privileges, privileges, Clone::clone).await?;
        let resources = checks::resources(&facts);
        self.note(Check::Resources, resources, Clone::clone).await?;
        let docker = checks::docker(hosts.as_ref(), &target).await;
        let version = self.note(Check::Docker, docker, |v| format!("Docker {v}")).await?;
        facts.docker = Some(version);
        self.server.facts = Some(facts);
        Ok(())
    }

    /// Pins the key at the first contact; a changed key stops everything.
    fn pin(&mut self, presented: flightdeck_domain::server::HostKey) -> Result<String> {
        match &self.server.host_key {
            Some(pinned) if *pinned != presented => {
                Err(crate::port::hosts::HostError::HostKeyChanged {
                    endpoint: self.server.endpoint.clone(),
                    pinned: pinned.clone(),
                    presented,
                }
                .into())
            }
            Some(pinned) => Ok(format!("{} as pinned", pinned.fingerprint)),
            None => {
                let line = format!("{} pinned at first contact", presented.fingerprint);
                self.server.host_key = Some(presented);
                Ok(line)
            }
        }
    }

    async fn note<T>(
        &mut self,
        check: Check,
        result: Result<T>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<T> {
        let line: CheckResult = match &result {
            Ok(value) => checks::passed(check, detail(value)),
            Err(error) => checks::failed(check, error),
        };
        if let Some(ctx) = self.ctx {
            let mark = if line.passed { "ok" } else { "failed" };
            ctx.log(format!("{}: {} {}: {}", self.server.name, check.as_str(), mark, line.detail))
                .await;
        }
        self.server.checks.push(line);
        self.app.put_server(self.desk, self.server.clone()).await?;
        if let Some(ctx) = self.ctx {
            let done = self.server.checks.len();
            #[expect(clippy::cast_precision_loss, reason = "seven checks")]
            ctx.progress(done as f64 / Check::ALL.len() as f64).await;
        }
        result
    }
}
