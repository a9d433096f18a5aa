//! Machines that are reached over SSH.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use flightdeck_app::{Ctx, Palette, ServerOverview, ServerRequest};
use flightdeck_domain::{
    id::ServerId,
    metrics::Sample,
    server::{Server, ServerStatus},
};
use serde_json::json;

use crate::{
    answer::Answer,
    arguments::{Confirmation, Waiting},
    failure::{Failure, Result},
    progress,
    session::Session,
    table::{Table, bytes, facts, or_dash},
    terminal::{Mood, Terminal, ago},
};

/// What can be done with servers.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the servers
    List,
    /// Show one server: what it is made of, and how its checks ended
    Show {
        /// Its name or id
        server: String,
    },
    /// Register a machine and verify it over SSH
    Register {
        /// What to call it
        name: String,
        /// Host name or address
        #[arg(long, value_name = "HOST")]
        host: String,
        /// Port of its SSH daemon
        #[arg(long, value_name = "PORT", default_value_t = 22)]
        port: u16,
        /// Login name: root, or one that may use sudo without a password
        #[arg(long, value_name = "LOGIN", default_value = "root")]
        user: String,
        /// The SSH key that opens it: a credential's name or id
        #[arg(long, value_name = "CREDENTIAL")]
        key: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Change how a server is reached; it must be verified again
    Update {
        /// Its name or id
        server: String,
        /// Its new name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Host name or address
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
        /// Port of its SSH daemon
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
        /// Login name
        #[arg(long, value_name = "LOGIN")]
        user: Option<String>,
        /// The SSH key that opens it: a credential's name or id
        #[arg(long, value_name = "CREDENTIAL")]
        key: Option<String>,
    },
    /// Run every check again
    Verify {
        /// Its name or id
        server: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Pin the host key that a server presents now
    AcceptHostKey {
        /// Its name or id
        server: String,
        /// The fingerprint (`SHA256:…`) that you compared with the provider's console
        #[arg(long, value_name = "FINGERPRINT")]
        fingerprint: String,
    },
    /// Take a server out of the inventory; the machine is left alone
    Remove {
        /// Its name or id
        server: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Show a server's samples, or draw them
    Metrics {
        /// Its name or id
        server: String,
        /// How far back
        #[arg(long, value_name = "MINUTES", default_value_t = 60,
              value_parser = clap::value_parser!(u32).range(1..=2880))]
        minutes: u32,
        /// Write a chart to this file instead
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
        /// Draw the chart for a dark background
        #[arg(long, requires = "svg")]
        dark: bool,
    },
}

/// Calls a verb.
pub(crate) async fn run(session: &Session, verb: Verb) -> Result<Answer> {
    let servers = session.app().servers();
    let ctx = session.ctx().await?;
    match verb {
        Verb::List => {
            let list = servers.list(&ctx).await?;
            Answer::new(&list, table_of(&list))
        }
        Verb::Show { server } => {
            let id = session.server(&ctx, &server).await?;
            let found = servers.get(&ctx, id).await?;
            let text = shown(session.terminal, &found);
            Answer::new(&found, text)
        }
        Verb::Register { name, host, port, user, key, waiting } => {
            let credential_id = session.credential(&ctx, &key).await?;
            let request = ServerRequest { name, host, port, user, credential_id };
            session.carry_out(waiting);
            let (server, job_id) = servers.register(&ctx, request).await?;
            let again = format!(
                "`{}` is registered; run `flightdeck server verify {}` when that is mended",
                server.name, server.name
            );
            verified(session, &ctx, server.id, job_id, waiting).await.map_err(|failure| {
                let hint = match &failure.hint {
                    Some(hint) => format!("{hint}; {again}"),
                    None => again,
                };
                failure.hint(hint)
            })
        }
        Verb::Update { server, name, host, port, user, key } => {
            let id = session.server(&ctx, &server).await?;
            let old = servers.get(&ctx, id).await?.server;
            let credential_id = match key {
                Some(key) => session.credential(&ctx, &key).await?,
                None => old.credential_id,
            };
            let request = ServerRequest {
                name: name.unwrap_or(old.name),
                host: host.unwrap_or(old.endpoint.host),
                port: port.unwrap_or(old.endpoint.port),
                user: user.unwrap_or(old.endpoint.user),
                credential_id,
            };
            let changed = servers.update(&ctx, id, request).await?;
            let text = format!(
                "`{}` is changed\nnext: `flightdeck server verify {}`\n",
                changed.name, changed.name
            );
            Answer::new(&changed, text)
        }
        Verb::Verify { server, waiting } => {
            let id = session.server(&ctx, &server).await?;
            session.carry_out(waiting);
            let job_id = servers.verify(&ctx, id).await?;
            verified(session, &ctx, id, job_id, waiting).await
        }
        Verb::AcceptHostKey { server, fingerprint } => {
            let id = session.server(&ctx, &server).await?;
            let changed = servers.accept_host_key(&ctx, id, &fingerprint).await?;
            let text = format!(
                "`{}` is known by {} from now on\nnext: `flightdeck server verify {}`\n",
                changed.name,
                fingerprint.trim(),
                changed.name
            );
            Answer::new(&changed, text)
        }
        Verb::Remove { server, confirmation } => {
            let id = session.server(&ctx, &server).await?;
            let question = format!("Take `{server}` out of the inventory?");
            session.terminal.confirm(&question, confirmation.yes)?;
            servers.remove(&ctx, id).await?;
            Answer::new(&json!({ "removed": id }), format!("`{server}` is removed\n"))
        }
        Verb::Metrics { server, minutes, svg, dark } => {
            let id = session.server(&ctx, &server).await?;
            let Some(path) = svg else {
                let samples = servers.samples(&ctx, id, minutes).await?;
                return Answer::new(&samples, samples_table(&samples, minutes));
            };
            let palette = if dark { Palette::Dark } else { Palette::Light };
            let svg = servers.chart(&ctx, id, minutes, palette).await?;
            written(&svg, &path)
        }
    }
}

async fn verified(
    session: &Session,
    ctx: &Ctx,
    id: ServerId,
    job_id: flightdeck_domain::id::JobId,
    waiting: Waiting,
) -> Result<Answer> {
    let job = progress::of(session, ctx, job_id, waiting.no_wait).await?;
    let found = session.app().servers().get(ctx, id).await?;
    let text = if waiting.no_wait {
        format!("`{}` is written down as {}\n", job.title, job.id)
    } else {
        shown(session.terminal, &found)
    };
    Answer::new(&json!({ "server": found, "job": job }), text)
}

fn written(svg: &str, path: &Path) -> Result<Answer> {
    fs::write(path, svg).map_err(|error| {
        Failure::invalid(format!("`{}` can't be written: {error}", path.display()))
            .hint("choose a path that you may write to")
    })?;
    let document = json!({ "path": path, "bytes": svg.len() });
    Answer::new(&document, format!("the chart is in `{}`\n", path.display()))
}

fn state(overview: &ServerOverview) -> String {
    let silent = overview.reachable == Some(false);
    match overview.server.status {
        ServerStatus::Ready if silent => "silent".to_owned(),
        status => status.as_str().to_owned(),
    }
}

fn table_of(list: &[ServerOverview]) -> String {
    let nothing = "there is no server; `flightdeck server register` or a stack brings one";
    let columns = ["name", "address", "status", "cpu", "memory", "disk", "seen", "applications"];
    let mut table = Table::new(columns, nothing);
    for one in list {
        let latest = one.latest.as_ref();
        table.row([
            one.server.name.clone(),
            one.server.endpoint.to_string(),
            state(one),
            or_dash(latest.and_then(|s| s.cpu_percent).map(percent)),
            or_dash(latest.map(|s| share(s.memory_used, s.memory_total))),
            or_dash(latest.map(|s| share(s.disk_used, s.disk_total))),
            or_dash(latest.map(|s| ago(s.at))),
            one.applications.join(", "),
        ]);
    }
    table.text()
}

fn shown(terminal: Terminal, overview: &ServerOverview) -> String {
    let server: &Server = &overview.server;
    let mood = match server.status {
        ServerStatus::Ready if overview.reachable == Some(false) => Mood::Bad,
        ServerStatus::Ready => Mood::Good,
        ServerStatus::Pending => Mood::Open,
        ServerStatus::Failed => Mood::Bad,
    };
    let mut lines = vec![
        ("Server", server.name.clone()),
        ("Address", server.endpoint.to_string()),
        ("Status", terminal.paint(mood, &state(overview))),
        ("Host key", or_dash(server.host_key.as_ref().map(|key| &key.fingerprint))),
        ("Applications", overview.applications.join(", ")),
        ("Stack", or_dash(server.stack_id)),
        ("Id", server.id.to_string()),
    ];
    if let Some(made) = &server.facts {
        lines.push(("System", format!("{}, {}", made.os, made.architecture)));
        let size = format!(
            "{} cores, {} memory, {} disk",
            made.cores,
            bytes(made.memory_bytes),
            bytes(made.disk_bytes)
        );
        lines.push(("Size", size));
        lines.push(("Docker", or_dash(made.docker.as_ref())));
    }
    let mut table = Table::new(["check", "result", "found"], "it was not verified yet");
    for check in &server.checks {
        let result = if check.passed { "passed" } else { "failed" };
        let hint = check.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        table.row([
            check.check.as_str().to_owned(),
            result.to_owned(),
            format!("{}{hint}", check.detail),
        ]);
    }
    format!("{}\n{}", facts(&lines), table.text())
}

fn samples_table(samples: &[Sample], minutes: u32) -> String {
    let nothing =
        format!("there is no sample of the last {minutes} minutes; `flightdeck watch` takes them");
    let columns =
        ["at", "cpu", "load", "memory", "disk", "received/s", "sent/s", "read/s", "written/s"];
    let mut table = Table::new(columns, nothing);
    for sample in samples {
        table.row([
            sample.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            or_dash(sample.cpu_percent.map(percent)),
            format!("{:.2}", sample.load_1),
            share(sample.memory_used, sample.memory_total),
            share(sample.disk_used, sample.disk_total),
            rate(sample.net_receive_rate),
            rate(sample.net_send_rate),
            rate(sample.disk_read_rate),
            rate(sample.disk_write_rate),
        ]);
    }
    table.text()
}

fn percent(value: f64) -> String {
    format!("{value:.0}%")
}

#[expect(clippy::cast_precision_loss, reason = "a percentage is shown")]
fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { percent(100.0 * part as f64 / whole as f64) }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and shown with two digits"
)]
fn rate(value: Option<f64>) -> String {
    or_dash(value.map(|value| bytes(value as u64)))
}
