//! What runs on the servers: defined, deployed, rolled back, removed.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use flightdeck_app::{ApplicationDetail, ApplicationRequest, Ctx};
use flightdeck_domain::{
    application::{Application, Configuration, HealthCheck},
    id::{ApplicationId, CredentialId, JobId, ReleaseId, ServerId},
};
use serde_json::json;

use crate::{
    answer::Answer,
    arguments::Waiting,
    failure::{Failure, Result},
    progress,
    session::Session,
    table::{Table, facts, names, or_dash},
    terminal::ago,
};

/// What can be done with applications.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the applications
    List,
    /// Show one application with its releases and deployments
    Show {
        /// Its name or id
        app: String,
    },
    /// Define an application; nothing runs yet
    Create {
        /// What to call it; part of container names
        name: String,
        /// The image that releases are made from
        #[arg(long, value_name = "IMAGE")]
        image: String,
        /// A server to run on: name or id; may be given more than once
        #[arg(long = "server", value_name = "SERVER", required = true)]
        servers: Vec<String>,
        /// The port that the container listens on
        #[arg(long, value_name = "PORT")]
        port: u16,
        #[command(flatten)]
        rest: Rest,
    },
    /// Change what the next release is made with
    Update {
        /// Its name or id
        app: String,
        /// Its new name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// The image that releases are made from
        #[arg(long, value_name = "IMAGE")]
        image: Option<String>,
        /// The servers to run on, all of them: name or id
        #[arg(long = "server", value_name = "SERVER")]
        servers: Vec<String>,
        /// The port that the container listens on
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
        #[command(flatten)]
        rest: Rest,
    },
    /// Make a release of an image and move the application to it
    Deploy {
        /// Its name or id
        app: String,
        /// The image with its version; the application's own image without
        #[arg(long, value_name = "IMAGE")]
        image: Option<String>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Move an application back to an earlier release
    RollBack {
        /// Its name or id
        app: String,
        /// The release's number or id; the one before the current one without
        #[arg(long, value_name = "RELEASE")]
        release: Option<String>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Take an application off its servers, then forget it
    Remove {
        /// Its name or id
        app: String,
        /// The application's name, typed as a confirmation
        #[arg(long, value_name = "NAME")]
        confirm_name: Option<String>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Print what an application's container said
    Log {
        /// Its name or id
        app: String,
        /// On which server; may be left out while there is one
        #[arg(long, value_name = "SERVER")]
        server: Option<String>,
        /// How many of the last lines
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        lines: u32,
    },
}

/// The parts of a definition that may be left out.
#[derive(Debug, Args)]
pub(crate) struct Rest {
    /// The host name to answer for; empty: whatever reaches the server
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// The registry login that pulls the image: a credential's name or id; empty: none
    #[arg(long, value_name = "CREDENTIAL")]
    registry: Option<String>,
    /// A plain environment variable; may be given more than once. Not for secrets
    #[arg(long = "env", value_name = "NAME=VALUE")]
    environment: Vec<String>,
    /// Path of the health check
    #[arg(long, value_name = "PATH")]
    health_path: Option<String>,
    /// Seconds that one answer to the health check may take
    #[arg(long, value_name = "SECONDS")]
    health_timeout: Option<u16>,
    /// Seconds between two health checks
    #[arg(long, value_name = "SECONDS")]
    health_interval: Option<u16>,
    /// Seconds after the start in which failures don't count
    #[arg(long, value_name = "SECONDS")]
    health_start_period: Option<u16>,
    /// Seconds that a container may take to stop
    #[arg(long, value_name = "SECONDS")]
    stop_grace: Option<u16>,
}

/// Calls a verb.
pub(crate) async fn run(session: &Session, verb: Verb) -> Result<Answer> {
    let applications = session.app().applications();
    let ctx = session.ctx().await?;
    match verb {
        Verb::List => {
            let list = applications.list(&ctx).await?;
            Answer::new(&list, table_of(&list))
        }
        Verb::Show { app } => {
            let id = session.application(&ctx, &app).await?;
            show(session, &ctx, id, None).await
        }
        Verb::Create { name, image, servers, port, rest } => {
            let plain = Definition {
                name,
                image,
                servers: servers_of(session, &ctx, &servers).await?,
                domain: None,
                registry: None,
                configuration: Configuration {
                    port,
                    health_check: HealthCheck::default(),
                    environment: BTreeMap::new(),
                    stop_grace_seconds: 10,
                },
            };
            let request = plain.with(session, &ctx, rest).await?;
            let made = applications.create(&ctx, request).await?;
            let text = format!(
                "`{0}` is defined; nothing runs yet\nnext: `flightdeck app deploy {0}`\n",
                made.name
            );
            Answer::new(&made, text)
        }
        Verb::Update { app, name, image, servers, port, rest } => {
            let id = session.application(&ctx, &app).await?;
            let old = applications.get(&ctx, id).await?.application;
            let mut definition = Definition::of(old);
            definition.name = name.unwrap_or(definition.name);
            definition.image = image.unwrap_or(definition.image);
            definition.configuration.port = port.unwrap_or(definition.configuration.port);
            if !servers.is_empty() {
                definition.servers = servers_of(session, &ctx, &servers).await?;
            }
            let request = definition.with(session, &ctx, rest).await?;
            let changed = applications.update(&ctx, id, request).await?;
            let text = format!(
                "`{0}` is changed; what runs stays as it is\nnext: `flightdeck app deploy {0}`\n",
                changed.name
            );
            Answer::new(&changed, text)
        }
        Verb::Deploy { app, image, waiting } => {
            let id = session.application(&ctx, &app).await?;
            let image = match image {
                Some(image) => image,
                None => applications.get(&ctx, id).await?.application.image.to_string(),
            };
            session.carry_out(waiting);
            let job_id = applications.deploy(&ctx, id, &image).await?;
            moved(session, &ctx, id, job_id, waiting).await
        }
        Verb::RollBack { app, release, waiting } => {
            let id = session.application(&ctx, &app).await?;
            let release = earlier_release(session, &ctx, id, release.as_deref()).await?;
            session.carry_out(waiting);
            let job_id = applications.roll_back(&ctx, id, release).await?;
            moved(session, &ctx, id, job_id, waiting).await
        }
        Verb::Remove { app, confirm_name, waiting } => {
            let id = session.application(&ctx, &app).await?;
            let question = format!("Type the application's name to remove `{app}`");
            let typed = session.terminal.typed_name(&question, confirm_name)?;
            session.carry_out(waiting);
            let job_id = applications.remove(&ctx, id, &typed).await?;
            let job = progress::of(session, &ctx, job_id, waiting.no_wait).await?;
            let text = format!("`{}`: {}\n", job.title, job.status);
            Answer::new(&json!({ "job": job }), text)
        }
        Verb::Log { app, server, lines } => {
            let id = session.application(&ctx, &app).await?;
            let server_id = match server {
                Some(server) => session.server(&ctx, &server).await?,
                None => only_server(session, &ctx, id).await?,
            };
            let log = applications.container_log(&ctx, id, server_id, lines).await?;
            Answer::new(&json!({ "server_id": server_id, "log": log }), log)
        }
    }
}

async fn moved(
    session: &Session,
    ctx: &Ctx,
    id: ApplicationId,
    job_id: JobId,
    waiting: Waiting,
) -> Result<Answer> {
    let job = progress::of(session, ctx, job_id, waiting.no_wait).await?;
    if waiting.no_wait {
        let text = format!("`{}` is written down as {}\n", job.title, job.id);
        return Answer::new(&json!({ "job": job }), text);
    }
    show(session, ctx, id, Some(&job)).await
}

async fn show(
    session: &Session,
    ctx: &Ctx,
    id: ApplicationId,
    job: Option<&flightdeck_domain::job::Job>,
) -> Result<Answer> {
    let detail = session.app().applications().get(ctx, id).await?;
    let text = shown(&detail, &session.server_names(ctx).await?);
    match job {
        Some(job) => Answer::new(&json!({ "job": job, "application": detail }), text),
        None => Answer::new(&detail, text),
    }
}

/// A definition on its way: what is there, or what was typed.
struct Definition {
    name: String,
    image: String,
    servers: Vec<ServerId>,
    domain: Option<String>,
    registry: Option<CredentialId>,
    configuration: Configuration,
}

impl Definition {
    fn of(application: Application) -> Self {
        Self {
            name: application.name,
            image: application.image.to_string(),
            servers: application.servers,
            domain: application.domain,
            registry: application.registry_credential_id,
            configuration: application.configuration,
        }
    }

    /// The definition with what the arguments change in it.
    async fn with(
        mut self,
        session: &Session,
        ctx: &Ctx,
        rest: Rest,
    ) -> Result<ApplicationRequest> {
        if let Some(domain) = rest.domain {
            self.domain = (!domain.is_empty()).then_some(domain);
        }
        if let Some(registry) = rest.registry {
            self.registry = match registry.as_str() {
                "" => None,
                wanted => Some(session.credential(ctx, wanted).await?),
            };
        }
        if !rest.environment.is_empty() {
            self.configuration.environment = environment(&rest.environment)?;
        }
        let health = &mut self.configuration.health_check;
        health.path = rest.health_path.unwrap_or_else(|| health.path.clone());
        health.timeout_seconds = rest.health_timeout.unwrap_or(health.timeout_seconds);
        health.interval_seconds = rest.health_interval.unwrap_or(health.interval_seconds);
        health.start_period_seconds =
            rest.health_start_period.unwrap_or(health.start_period_seconds);
        self.configuration.stop_grace_seconds =
            rest.stop_grace.unwrap_or(self.configuration.stop_grace_seconds);
        Ok(ApplicationRequest {
            name: self.name,
            image: self.image,
            domain: self.domain,
            servers: self.servers,
            registry_credential_id: self.registry,
            configuration: self.configuration,
        })
    }
}

fn environment(arguments: &[String]) -> Result<BTreeMap<String, String>> {
    arguments
        .iter()
        .map(|argument| {
            let (name, value) = argument.split_once('=').ok_or_else(|| {
                Failure::usage(format!("`--env` takes `NAME=VALUE`, not `{argument}`"))
            })?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

async fn servers_of(session: &Session, ctx: &Ctx, wanted: &[String]) -> Result<Vec<ServerId>> {
    let mut servers = Vec::with_capacity(wanted.len());
    for name in wanted {
        let id = session.server(ctx, name).await?;
        if !servers.contains(&id) {
            servers.push(id);
        }
    }
    Ok(servers)
}

/// The release called or numbered `wanted`, or the newest that ran before the current one.
async fn earlier_release(
    session: &Session,
    ctx: &Ctx,
    id: ApplicationId,
    wanted: Option<&str>,
) -> Result<ReleaseId> {
    if let Some(Ok(id)) = wanted.map(str::parse) {
        return Ok(id);
    }
    let detail = session.app().applications().get(ctx, id).await?;
    let current = detail.current_release.as_ref().map_or(0, |release| release.number);
    let found = match wanted {
        Some(number) => detail.releases.iter().find(|release| release.number.to_string() == number),
        None => detail
            .releases
            .iter()
            .filter(|release| release.number < current && release.digest.is_some())
            .max_by_key(|release| release.number),
    };
    match (found, wanted) {
        (Some(release), _) => Ok(release.id),
        (None, Some(wanted)) => {
            Err(flightdeck_app::error::Error::not_found("release", wanted).into())
        }
        // Who may not roll back is told so first, and not which releases there are.
        (None, None) => Ok(ReleaseId::new()),
    }
}

async fn only_server(session: &Session, ctx: &Ctx, id: ApplicationId) -> Result<ServerId> {
    let application = session.app().applications().get(ctx, id).await?.application;
    if let [only] = application.servers[..] {
        return Ok(only);
    }
    let names = names(&application.servers, &session.server_names(ctx).await?);
    Err(Failure::usage("the application runs on more than one server")
        .hint(format!("choose one with `--server`: {names}")))
}

fn table_of(list: &[ApplicationDetail]) -> String {
    let nothing = "there is no application; `flightdeck app create` defines one";
    let columns = ["name", "release", "image", "last deployment", "addresses"];
    let mut table = Table::new(columns, nothing);
    for one in list {
        let running = one.current_release.as_ref();
        let newest = one.deployments.first();
        table.row([
            one.application.name.clone(),
            or_dash(running.map(|release| release.number)),
            running.map_or(&one.application.image, |release| &release.image).to_string(),
            or_dash(newest.map(|d| format!("{} {}", d.status.as_str(), ago(d.started_at)))),
            addresses(one),
        ]);
    }
    table.text()
}

fn addresses(detail: &ApplicationDetail) -> String {
    if detail.current_release.is_none() {
        return "-".to_owned();
    }
    detail.placements.iter().map(|p| p.address.as_str()).collect::<Vec<_>>().join(", ")
}

fn shown(detail: &ApplicationDetail, servers: &[(ServerId, String)]) -> String {
    let application = &detail.application;
    let configuration = &application.configuration;
    let running = detail.current_release.as_ref();
    let lines = [
        ("Application", application.name.clone()),
        (
            "Runs",
            running.map_or_else(
                || "nothing yet".to_owned(),
                |release| format!("release {}, {}", release.number, release.image),
            ),
        ),
        ("Addresses", addresses(detail)),
        ("Servers", names(&application.servers, servers)),
        ("Domain", or_dash(application.domain.as_ref())),
        ("Port", configuration.port.to_string()),
        ("Health check", configuration.health_check.path.clone()),
        ("Id", application.id.to_string()),
    ];
    let mut releases = Table::new(["release", "image", "digest", "made", "id"], "no release yet");
    for release in &detail.releases {
        let digest = release.digest.as_deref().map(|d| d.chars().take(19).collect::<String>());
        releases.row([
            release.number.to_string(),
            release.image.to_string(),
            or_dash(digest),
            ago(release.created_at),
            release.id.to_string(),
        ]);
    }
    let mut deployments = Table::new(["deployment", "status", "started", "reason"], "");
    for deployment in &detail.deployments {
        let release = detail.releases.iter().find(|r| r.id == deployment.release_id);
        deployments.row([
            format!("to release {}", or_dash(release.map(|r| r.number))),
            deployment.status.as_str().to_owned(),
            ago(deployment.started_at),
            deployment.reason.clone().unwrap_or_default(),
        ]);
    }
    let mut text = format!("{}\n{}", facts(&lines), releases.text());
    if !detail.deployments.is_empty() {
        text.push('\n');
        text.push_str(&deployments.text());
    }
    text
}
