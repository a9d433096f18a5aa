//! Taking an application off its servers.

use async_trait::async_trait;
use flightdeck_domain::id::{ApplicationId, ServerId};
use flightdeck_store::{application as table, release};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    containers,
    deploy::{Choice, routes},
};
use crate::{
    error::Result,
    jobs::{Step, StepContext},
    proxy,
};

/// The job that removes an application.
///
/// It goes forward only: each step may be repeated, and a retry goes on where
/// it broke. Bringing back half an application would help nobody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Remove {
    pub(crate) application_id: ApplicationId,
    pub(crate) servers: Vec<(ServerId, String)>,
}

impl Remove {
    pub(crate) fn steps(&self) -> Vec<Box<dyn Step>> {
        let mut steps: Vec<Box<dyn Step>> = Vec::new();
        for (server_id, name) in &self.servers {
            steps.push(Box::new(TakeDown {
                application_id: self.application_id,
                server_id: *server_id,
                server_name: name.clone(),
            }));
        }
        steps.push(Box::new(Forget(self.application_id)));
        steps
    }
}

/// Ends the routes and the containers of an application on one server.
struct TakeDown {
    application_id: ApplicationId,
    server_id: ServerId,
    server_name: String,
}

#[async_trait]
impl Step for TakeDown {
    fn name(&self) -> String {
        format!("take_down:{}", self.server_name)
    }

    fn is_kept(&self) -> bool {
        true
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        let (app, desk, id) = (&ctx.app, &ctx.desk, self.application_id);
        let application = app.application(desk, id).await?;
        let releases = desk.db.read(move |conn| release::of_application(conn, id)).await?;
        // Not the current release: one that got stuck may have left something as well.
        if releases.is_empty() {
            return Ok(Value::Null);
        }
        let server = app.server(desk, self.server_id).await?;
        let target = app.target(desk, &server).await?;
        let hosts = app.ports().hosts.as_ref();
        let choice = Choice { absent: Some(id), ..Choice::default() };
        let routes = routes(app, desk, &target, choice).await?;
        if proxy::is_there(hosts, &target).await? {
            // The application's back end goes, so this reloads.
            proxy::write(hosts, &target, &routes).await?;
        }
        for name in containers::of_application(hosts, &target, id).await? {
            let release = releases.iter().find(|r| containers::name(&application, r) == name);
            let grace = release.map_or(10, |release| release.configuration.stop_grace_seconds);
            containers::remove(hosts, &target, &name, grace).await?;
        }
        Ok(Value::Null)
    }
}

/// Takes the application out of the inventory.
struct Forget(ApplicationId);

#[async_trait]
impl Step for Forget {
    fn name(&self) -> String {
        "forget".to_owned()
    }

    async fn run(&self, ctx: &StepContext) -> Result<Value> {
        let (author, id) = (ctx.app.author(Some(ctx.desk.actor)), self.0);
        ctx.desk.db.write(move |tx| table::delete(tx, &author, id)).await?;
        ctx.app.announce_application(&ctx.desk, id);
        Ok(Value::Null)
    }
}
