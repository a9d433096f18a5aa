//! Application containers on one server.

use std::time::Duration;

use flightdeck_domain::{
    application::{Application, Release},
    id::{ApplicationId, OrganizationId},
    secret::Secret,
};

use crate::{
    error::{Code, Error, Result},
    port::hosts::{Command, Hosts, HttpRequest, Lane, LineSink, Output, Target},
    proxy::NETWORK,
};

/// A registry login.
pub(super) struct Login {
    pub(super) server: String,
    pub(super) user: String,
    pub(super) password: Secret,
}

/// The name of a release's container; also its name in the proxy.
pub(super) fn name(application: &Application, release: &Release) -> String {
    format!("{}-r{}", application.name, release.number)
}

/// Pulls a release's image unless it is there, and returns its digest.
pub(super) async fn pull(
    hosts: &dyn Hosts,
    target: &Target,
    release: &Release,
    login: Option<&Login>,
    on_line: LineSink,
) -> Result<String> {
    let reference = match &release.digest {
        Some(digest) => release.image.pinned(digest).map_err(|error| Error::invalid(&error))?,
        None => release.image.clone(),
    };
    if let Some(digest) = &release.digest {
        let present = docker(hosts, target, ["image", "inspect", reference.as_str()]).await?;
        if present.exit_code == 0 {
            if login.is_some() {
                // A pull that was killed after it was done has left its login.
                forget_login(hosts, target, release).await?;
            }
            return Ok(digest.clone());
        }
    }
    let config = login_directory(release);
    let mut arguments = vec!["docker"];
    if let Some(login) = login {
        log_in(hosts, target, login, &config).await?;
        arguments.extend(["--config", &config]);
    }
    arguments.extend(["pull", reference.as_str()]);
    let command =
        Command::new(arguments).privileged().deadline(Duration::from_mins(30)).on_line(on_line);
    let pulled = hosts.run(target, Lane::Work, command).await;
    if login.is_some() {
        // The login must not stay on the server, whatever the pull did.
        forget_login(hosts, target, release).await?;
    }
    let pulled = pulled?;
    if pulled.exit_code != 0 {
        return Err(pull_failed(release, &pulled));
    }
    let digests = docker(
        hosts,
        target,
        [
            "image",
            "inspect",
            "-f",
            "{{range .RepoDigests}}{{println .}}{{end}}",
            reference.as_str(),
        ],
    )
    .await?;
    let prefix = format!("{}@", release.image.repository());
    digests
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix(&prefix))
        .map(str::to_owned)
        .ok_or_else(|| {
            Error::new(
                Code::ImageUnavailable,
                format!("the registry gave no digest for `{}`", release.image),
            )
            .hint("push the image to a registry that keeps digests")
        })
}

/// Removes what a pull that was cut off may have left of its login.
pub(super) async fn forget_login(
    hosts: &dyn Hosts,
    target: &Target,
    release: &Release,
) -> Result<()> {
    let remove = Command::new(["rm", "-rf", &login_directory(release)]).privileged();
    hosts.run(target, Lane::Work, remove).await?;
    Ok(())
}

/// In memory on every Linux, so that the login is never on the server's disk.
fn login_directory(release: &Release) -> String {
    format!("/run/registry-login-{}", release.id.short())
}

async fn log_in(hosts: &dyn Hosts, target: &Target, login: &Login, config: &str) -> Result<()> {
    let command = Command::new([
        "docker",
        "--config",
        config,
        "login",
        "--username",
        &login.user,
        "--password-stdin",
        &login.server,
    ])
    .privileged()
    .deadline(Duration::from_secs(30))
    .stdin(login.password.duplicate());
    let output = hosts.run(target, Lane::Work, command).await?;
    if output.exit_code == 0 {
        return Ok(());
    }
    Err(Error::new(
        Code::CredentialRefused,
        format!("the registry `{}` refuses the login", login.server),
    )
    .hint("check the registry credential's user and password"))
}

fn pull_failed(release: &Release, output: &Output) -> Error {
    let reason = last_line(&output.stderr);
    let text = reason.to_lowercase();
    let hint = if text.contains("manifest unknown") || text.contains("not found") {
        "check the image's name and tag"
    } else if text.contains("denied") || text.contains("unauthorized") {
        "give the application a registry credential that may pull this image"
    } else if text.contains("no space left") {
        "free disk space on the server"
    } else {
        "check that the server reaches the registry"
    };
    Error::new(Code::ImageUnavailable, format!("`{}` can't be pulled: {reason}", release.image))
        .hint(hint)
}

/// Starts a release's container, or leaves the one that runs.
pub(super) async fn start(
    hosts: &dyn Hosts,
    target: &Target,
    organization_id: OrganizationId,
    (application, release): (&Application, &Release),
) -> Result<()> {
    let name = name(application, release);
    let wanted = format!("true {}", release.id);
    let format = "{{.State.Running}} {{index .Config.Labels \"deploy.release\"}}";
    let state = docker(hosts, target, ["inspect", "-f", format, &name]).await?;
    if state.exit_code == 0 && state.stdout.trim() == wanted {
        return Ok(());
    }
    remove(hosts, target, &name, 0).await?;
    let digest = release.digest.as_deref().unwrap_or_default();
    let image = release.image.pinned(digest).map_err(|error| Error::invalid(&error))?;
    let labels = [
        format!("deploy.workspace={organization_id}"),
        format!("deploy.application={}", application.id),
        format!("deploy.release={}", release.id),
    ];
    let grace = release.configuration.stop_grace_seconds.to_string();
    let mut arguments = vec![
        "docker",
        "run",
        "-d",
        "--name",
        &name,
        "--network",
        NETWORK,
        "--restart",
        "unless-stopped",
        "--stop-timeout",
        &grace,
        "--env-file",
        "/dev/stdin",
    ];
    for label in &labels {
        arguments.extend(["--label", label]);
    }
    arguments.push(image.as_str());
    // Through standard input: an argument list is for everybody to read.
    let environment = release
        .configuration
        .environment
        .iter()
        .fold(String::new(), |text, (name, value)| text + name + "=" + value + "\n");
    let command = Command::new(arguments)
        .privileged()
        .deadline(Duration::from_mins(1))
        .stdin(Secret::new(environment));
    let started = hosts.run(target, Lane::Work, command).await?;
    if started.exit_code == 0 {
        return Ok(());
    }
    Err(Error::new(
        Code::ContainerFailed,
        format!("`{}` does not start: {}", release.image, last_line(&started.stderr)),
    )
    .hint("check that the image has a command to run"))
}

/// The address of a container in the proxy's network; none if it does not run.
pub(super) async fn address(
    hosts: &dyn Hosts,
    target: &Target,
    name: &str,
) -> Result<Option<String>> {
    let format = format!(
        "{{{{.State.Running}}}} {{{{(index .NetworkSettings.Networks \"{NETWORK}\").IPAddress}}}}"
    );
    let output = docker(hosts, target, ["inspect", "-f", &format, name]).await?;
    let address = output.stdout.trim().strip_prefix("true ").map(str::to_owned);
    Ok(address.filter(|address| output.exit_code == 0 && !address.is_empty()))
}

/// Says whether there is such a container, in whatever state.
pub(super) async fn is_there(hosts: &dyn Hosts, target: &Target, name: &str) -> Result<bool> {
    let state = docker(hosts, target, ["inspect", "-f", "{{.State.Running}}", name]).await?;
    Ok(state.exit_code == 0)
}

/// The names of all containers that were ever started for an application and
/// are still there, in whatever state.
pub(super) async fn of_application(
    hosts: &dyn Hosts,
    target: &Target,
    id: ApplicationId,
) -> Result<Vec<String>> {
    let filter = format!("label=deploy.application={id}");
    let listed =
        docker(hosts, target, ["ps", "-a", "--filter", &filter, "--format", "{{.Names}}"]).await?;
    if listed.exit_code == 0 {
        return Ok(listed.stdout.lines().map(str::to_owned).collect());
    }
    Err(Error::new(
        Code::RemoteCommand,
        format!("the containers can't be listed: {}", last_line(&listed.stderr)),
    )
    .hint("look at the server's Docker log"))
}

/// Waits until a release's container answers well.
pub(super) async fn wait_until_healthy(
    hosts: &dyn Hosts,
    target: &Target,
    (application, release): (&Application, &Release),
) -> Result<()> {
    let name = name(application, release);
    let check = &release.configuration.health_check;
    let begun = tokio::time::Instant::now();
    let start_period = Duration::from_secs(check.start_period_seconds.into());
    let interval = Duration::from_secs(check.interval_seconds.into());
    let (mut good, mut bad) = (0, 0);
    loop {
        refuse_if_ended(hosts, target, &name).await?;
        let answer = match address(hosts, target, &name).await? {
            Some(address) => {
                let request = HttpRequest {
                    address,
                    port: release.configuration.port,
                    host: application.domain.clone().unwrap_or_else(|| "health.check".to_owned()),
                    path: check.path.clone(),
                    deadline: Duration::from_secs(check.timeout_seconds.into()),
                };
                Some(hosts.http_get(target, request).await.map(|answer| answer.status))
            }
            None => None,
        };
        let said = match answer {
            None => {
                good = 0;
                "it has no address in the proxy's network".to_owned()
            }
            Some(Ok(status @ 200..400)) => {
                good += 1;
                bad = 0;
                if good >= check.success_threshold {
                    return Ok(());
                }
                format!("it answers {status}")
            }
            Some(Ok(status)) => {
                good = 0;
                format!("it answers {status}")
            }
            Some(Err(crate::port::hosts::HostError::Forward { reason, .. })) => {
                good = 0;
                format!("it does not answer: {reason}")
            }
            Some(Err(error)) => return Err(error.into()),
        };
        let starting = begun.elapsed() < start_period;
        if good == 0 && !starting {
            bad += 1;
        }
        if bad >= check.failure_threshold {
            let port = release.configuration.port;
            return Err(Error::new(
                Code::Unhealthy,
                format!("`{name}` is not healthy on port {port}, path `{}`: {said}", check.path),
            )
            .hint("check the port and the path, and look at the container's log"));
        }
        let pause = if starting { interval.min(Duration::from_millis(500)) } else { interval };
        tokio::time::sleep(pause).await;
    }
}

/// Refuses a container that ended, or that Docker had to restart.
pub(super) async fn refuse_if_ended(hosts: &dyn Hosts, target: &Target, name: &str) -> Result<()> {
    let format = "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}";
    let state = docker(hosts, target, ["inspect", "-f", format, name]).await?;
    let fields: Vec<&str> = state.stdout.split_whitespace().collect();
    let (status, exit_code, restarts) = match fields.as_slice() {
        [status, exit_code, restarts] => (*status, *exit_code, *restarts),
        _ => ("gone", "?", "0"),
    };
    if matches!(status, "running" | "created") && restarts == "0" {
        return Ok(());
    }
    let log = docker(hosts, target, ["logs", "--tail", "5", name]).await?;
    let said = format!("{}{}", log.stdout, log.stderr);
    Err(Error::new(
        Code::ContainerFailed,
        format!("`{name}` ended with code {exit_code} and said: {}", last_line(&said)),
    )
    .hint("mend the image or its environment variables, then deploy again"))
}

/// Stops and removes a container; one that is gone is fine.
pub(super) async fn remove(
    hosts: &dyn Hosts,
    target: &Target,
    name: &str,
    grace_seconds: u16,
) -> Result<()> {
    let grace = grace_seconds.to_string();
    if grace_seconds > 0 {
        let stop = Command::new(["docker", "stop", "-t", &grace, name])
            .privileged()
            .deadline(Duration::from_secs(u64::from(grace_seconds) + 30));
        hosts.run(target, Lane::Work, stop).await?;
    }
    let removed = docker(hosts, target, ["rm", "-f", name]).await?;
    if removed.exit_code == 0 || removed.stderr.contains("No such container") {
        return Ok(());
    }
    Err(Error::new(
        Code::RemoteCommand,
        format!("`{name}` can't be removed: {}", last_line(&removed.stderr)),
    )
    .hint("look at the server's Docker log"))
}

/// The last lines that a container said, on both of its outputs.
pub(super) async fn log(
    hosts: &dyn Hosts,
    target: &Target,
    name: &str,
    lines: u32,
) -> Result<String> {
    let lines = lines.to_string();
    let output = docker(hosts, target, ["logs", "--timestamps", "--tail", &lines, name]).await?;
    if output.exit_code != 0 {
        return Err(Error::new(Code::NotFound, format!("`{name}` does not run on that server"))
            .hint("deploy the application first"));
    }
    let mut all: Vec<&str> = output.stdout.lines().chain(output.stderr.lines()).collect();
    all.sort_unstable();
    Ok(all.join("\n"))
}

async fn docker<'a>(
    hosts: &dyn Hosts,
    target: &Target,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<Output> {
    let all = std::iter::once("docker").chain(arguments);
    let command = Command::new(all).privileged().deadline(Duration::from_secs(30));
    Ok(hosts.run(target, Lane::Work, command).await?)
}

fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
    line.trim().chars().take(300).collect()
}
