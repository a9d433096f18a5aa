//! The steps that turn a stack's outputs into verified servers, and back.

use std::time::Duration;

use async_trait::async_trait;
use flightdeck_domain::{
    id::{ServerId, StackId},
    server::{Endpoint, Server, ServerStatus},
    stack::{OutputServer, StackStatus},
};
use flightdeck_store::server as table;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::run::Apply;
use crate::{
    error::{Code, Error, Result},
    jobs::{Step, StepContext},
    servers::verify_now,
};

/// How often, and how many times, a booting machine is tried: 5 minutes in all.
const PAUSE: Duration = Duration::from_secs(5);
const TRIES: u32 = 60;
/// How many machines are verified at once.
const AT_ONCE: usize = 10;

/// Writes a stack's servers into the inventory.
pub(crate) struct RegisterStep(pub(crate) Apply);

#[async_trait]
impl Step for RegisterStep {
    fn name(&self) -> String {
        "register".to_owned()
    }

    fn is_kept(&self) -> bool {
        true
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        let stack_id = self.0.stack_id;
        let stack = ctx.app.stack(&ctx.desk, stack_id).await?;
        ctx.app.set_stack_status(&ctx.desk, stack_id, StackStatus::Verifying).await?;
        let output = ctx.output("apply").await?.unwrap_or_default();
        let servers: Vec<OutputServer> = serde_json::from_value(
            output.get("servers").cloned().unwrap_or_default(),
        )
        .map_err(|error| {
            Error::new(Code::TerraformFailed, "the module's `servers` output can't be read")
                .hint("check the module's outputs against its contract")
                .cause(error)
        })?;
        let known = ctx.desk.db.read(move |conn| table::of_stack(conn, stack_id)).await?;
        let mut names = Vec::new();
        for output in &servers {
            let host = output.public_ipv4.as_deref().or(output.public_ipv6.as_deref());
            let host = host.ok_or_else(|| {
                Error::new(
                    Code::TerraformFailed,
                    format!("`{}` has no public address", output.name),
                )
                .hint("give the module's servers a public address")
            })?;
            let endpoint = Endpoint::new(host, 22, &output.ssh_user)
                .map_err(|error| Error::invalid(&error))?;
            let old = known.iter().find(|server| server.name == output.name);
            if old.is_some_and(|old| old.endpoint == endpoint) {
                names.push(output.name.clone());
                continue;
            }
            // Another address is another machine: nothing that was known holds.
            let server = Server {
                id: old.map_or_else(ServerId::new, |old| old.id),
                name: output.name.clone(),
                endpoint,
                credential_id: stack.ssh_credential_id,
                host_key: None,
                status: ServerStatus::Pending,
                checks: Vec::new(),
                facts: None,
                stack_id: Some(stack_id),
                created_at: ctx.app.now(),
            };
            ctx.log(format!("{} is {}", server.name, server.endpoint)).await;
            ctx.app.put_server(&ctx.desk, server).await?;
            names.push(output.name.clone());
        }
        // What the stack no longer has is no longer a server of ours.
        for server in known.iter().filter(|server| !names.contains(&server.name)) {
            forget(ctx, server.id).await?;
        }
        Ok(json!(names))
    }
}

/// Verifies every server of a stack, each as soon as it answers.
pub(crate) struct VerifyAllStep(pub(crate) Apply);

#[async_trait]
impl Step for VerifyAllStep {
    fn name(&self) -> String {
        "verify".to_owned()
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        let stack_id = self.0.stack_id;
        let servers = ctx.desk.db.read(move |conn| table::of_stack(conn, stack_id)).await?;
        let all = servers.len().max(1);
        let waiting: Vec<Server> =
            servers.into_iter().filter(|server| server.status != ServerStatus::Ready).collect();
        let mut failed = Vec::new();
        let mut results = stream::iter(waiting)
            .map(|server| async move { (wait_until_ready(ctx, server.id).await, server.name) })
            .buffer_unordered(AT_ONCE);
        let mut done = 0_usize;
        while let Some((result, name)) = results.next().await {
            done += 1;
            #[expect(clippy::cast_precision_loss, reason = "a share of some dozens")]
            ctx.progress(done as f64 / all as f64).await;
            if let Err(error) = result {
                failed.push((name, error));
            }
        }
        if failed.is_empty() {
            ctx.app.set_stack_status(&ctx.desk, stack_id, StackStatus::Completed).await?;
            return Ok(Value::Null);
        }
        let list: Vec<String> =
            failed.iter().map(|(name, error)| format!("`{name}`: {error}")).collect();
        let (_, first) = failed.swap_remove(0);
        let message = format!("{} of {all} servers are not ready: {}", list.len(), list.join("; "));
        let hint = first.hint.unwrap_or_else(|| "look at each server's checks".to_owned());
        Err(Error::new(first.code, message).hint(hint))
    }
}

/// Tries until the machine has booted and Docker is installed.
async fn wait_until_ready(ctx: &StepContext, id: ServerId) -> Result<()> {
    let mut tries = 0;
    loop {
        tries += 1;
        match verify_now(&ctx.app, &ctx.desk, id, (tries == 1).then_some(ctx)).await {
            Ok(_) => return Ok(()),
            // These pass by themselves while a machine boots and installs Docker.
            Err(error)
                if tries < TRIES
                    && matches!(
                        error.code,
                        Code::HostUnreachable
                            | Code::HostTimeout
                            | Code::HostAuthentication
                            | Code::DockerMissing
                    ) =>
            {
                tokio::time::sleep(if tries < 10 { Duration::from_secs(1) } else { PAUSE }).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Takes a destroyed stack's servers out of the inventory.
pub(crate) struct ForgetStep(pub(crate) Apply);

#[async_trait]
impl Step for ForgetStep {
    fn name(&self) -> String {
        "forget".to_owned()
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        let stack_id: StackId = self.0.stack_id;
        let servers = ctx.desk.db.read(move |conn| table::of_stack(conn, stack_id)).await?;
        for server in &servers {
            forget(ctx, server.id).await?;
        }
        ctx.app.set_stack_status(&ctx.desk, stack_id, StackStatus::Destroyed).await?;
        Ok(json!(servers.len()))
    }
}

async fn forget(ctx: &StepContext, id: ServerId) -> Result<()> {
    let author = ctx.app.author(Some(ctx.desk.actor));
    ctx.desk.db.write(move |tx| table::delete(tx, &author, id)).await?;
    ctx.app.ports().hosts.disconnect(id).await;
    ctx.app.announce_server(&ctx.desk, id);
    Ok(())
}
