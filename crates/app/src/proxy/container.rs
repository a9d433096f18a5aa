//! The proxy's container, its files, and its reload.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::config::{Route, hosts_map, topology, whole};
use crate::{
    error::{Code, Error, Result},
    port::hosts::{Command, HostError, Hosts, Lane, Output, Target},
};

/// The network that the proxy shares with the containers behind it.
pub(crate) const NETWORK: &str = "deploy";
const PROXY: &str = "deploy-proxy";
const DIRECTORY: &str = "/var/lib/deploy-proxy";
/// The admin socket, as the server sees it.
pub(super) const SOCKET: &str = "/var/lib/deploy-proxy/run/admin.sock";
const CONFIGURATION: &str = "/var/lib/deploy-proxy/etc/haproxy.cfg";
/// Names the topology that the running proxy was started or reloaded with.
const LOADED: &str = "/var/lib/deploy-proxy/etc/loaded";
const HOSTS_MAP: &str = "/var/lib/deploy-proxy/etc/hosts.map";
const INFO_DEADLINE: Duration = Duration::from_secs(5);
/// The user that the proxy's image runs as.
const PROXY_UID: &str = "99";

/// Says whether the proxy's container is there.
pub(crate) async fn is_there(hosts: &dyn Hosts, target: &Target) -> Result<bool> {
    let state = docker(hosts, target, &["inspect", "-f", "{{.State.Running}}", PROXY]).await?;
    Ok(state.exit_code == 0)
}

/// Makes sure that the proxy runs. Leaves one that runs alone.
pub(crate) async fn ensure(hosts: &dyn Hosts, target: &Target, image: &str) -> Result<()> {
    let state = docker(hosts, target, &["inspect", "-f", "{{.State.Running}}", PROXY]).await?;
    if state.exit_code == 0 && state.stdout.trim() == "true" {
        return Ok(());
    }
    // The set-group-id bit hands the admin socket to the SSH user's group: the
    // proxy runs without privileges and could not give it away.
    let group = hosts.run(target, Lane::Work, Command::new(["id", "-g"])).await?;
    let group = group.stdout.trim().to_owned();
    for arguments in [
        vec!["install", "-d", "-m", "755", DIRECTORY, "/var/lib/deploy-proxy/etc"],
        vec![
            "install",
            "-d",
            "-o",
            PROXY_UID,
            "-g",
            &group,
            "-m",
            "2770",
            "/var/lib/deploy-proxy/run",
        ],
    ] {
        let command = Command::new(arguments).privileged();
        succeed(hosts.run(target, Lane::Work, command).await?, "prepare the proxy's directory")?;
    }
    let network = docker(hosts, target, &["network", "inspect", NETWORK]).await?;
    if network.exit_code != 0 {
        let made = docker(hosts, target, &["network", "create", NETWORK]).await?;
        succeed(made, "make the proxy's network")?;
    }
    let present = docker(hosts, target, &["image", "inspect", image]).await?;
    if present.exit_code != 0 {
        let pull = Command::new(["docker", "pull", "-q", image])
            .privileged()
            .deadline(Duration::from_mins(10));
        let pulled = hosts.run(target, Lane::Work, pull).await?;
        if pulled.exit_code != 0 {
            return Err(Error::new(
                Code::ImageUnavailable,
                format!(
                    "the proxy's image `{image}` can't be pulled: {}",
                    last_line(&pulled.stderr)
                ),
            )
            .hint("check that the server reaches the registry, or set another proxy image"));
        }
    }
    let has_file =
        hosts.run(target, Lane::Work, Command::new(["test", "-s", CONFIGURATION])).await?;
    if has_file.exit_code != 0 {
        put_files(hosts, target, &[]).await?;
    }
    // A stopped one may have been made with other options: make it anew.
    docker(hosts, target, &["rm", "-f", PROXY]).await?;
    let started = docker(
        hosts,
        target,
        &[
            "run",
            "-d",
            "--name",
            PROXY,
            "--restart",
            "unless-stopped",
            "--network",
            NETWORK,
            "-p",
            "80:80",
            "--sysctl",
            "net.ipv4.ip_unprivileged_port_start=0",
            "-v",
            "/var/lib/deploy-proxy/etc:/usr/local/etc/haproxy:ro",
            "-v",
            "/var/lib/deploy-proxy/run:/run/haproxy",
            image,
        ],
    )
    .await?;
    if started.exit_code != 0 {
        let reason = last_line(&started.stderr);
        let hint = if reason.contains("port is already allocated") || reason.contains("in use") {
            "stop what listens on port 80 of that server"
        } else {
            "look at the server's Docker log"
        };
        return Err(
            Error::new(Code::ProxyFailed, format!("the proxy does not start: {reason}")).hint(hint)
        );
    }
    wait_for_worker(hosts, target, None).await
}

/// Writes the configuration. Reloads only if the topology changed, and says so;
/// servers alone are then steered through the admin socket.
pub(crate) async fn write(hosts: &dyn Hosts, target: &Target, routes: &[Route]) -> Result<bool> {
    let read = Command::new(["head", "-n", "1", LOADED]);
    let loaded = hosts.run(target, Lane::Work, read).await?.stdout;
    let mark = mark(routes);
    if loaded.trim() == mark {
        put_files(hosts, target, routes).await?;
        return Ok(false);
    }
    // From here until the worker has changed nobody knows what it runs with: a kill
    // in between must lead to one more reload, never to one less.
    hosts.write_file(target, LOADED, 0o644, b"\n").await?;
    put_files(hosts, target, routes).await?;
    let check = docker(
        hosts,
        target,
        &["exec", PROXY, "haproxy", "-c", "-q", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
    )
    .await?;
    if check.exit_code != 0 {
        return Err(Error::new(
            Code::ProxyFailed,
            format!("the proxy refuses its configuration: {}", last_line(&check.stderr)),
        )
        .hint("look at the applications' domains and health checks on this server"));
    }
    let before = worker(hosts, target).await?;
    succeed(docker(hosts, target, &["kill", "-s", "USR2", PROXY]).await?, "reload the proxy")?;
    wait_for_worker(hosts, target, before).await?;
    hosts.write_file(target, LOADED, 0o644, mark.as_bytes()).await?;
    Ok(true)
}

async fn put_files(hosts: &dyn Hosts, target: &Target, routes: &[Route]) -> Result<()> {
    let configuration = whole(routes);
    hosts.write_file(target, HOSTS_MAP, 0o644, hosts_map(routes).as_bytes()).await?;
    hosts.write_file(target, CONFIGURATION, 0o644, configuration.as_bytes()).await?;
    Ok(())
}

/// What a reload would have to change, as one word.
fn mark(routes: &[Route]) -> String {
    let mut digest = Sha256::new();
    digest.update(topology(routes));
    digest.update(hosts_map(routes));
    hex::encode(digest.finalize())
}

/// The process id of the worker that answers; none while none does.
async fn worker(hosts: &dyn Hosts, target: &Target) -> Result<Option<String>> {
    match hosts.ask_socket(target, SOCKET, b"show info\n", INFO_DEADLINE).await {
        Ok(answer) => Ok(process_id(&answer)),
        // The proxy is about to start, or between two workers.
        Err(HostError::Forward { .. }) => Ok(None),
        // A server that is gone will not come back within a few tries.
        Err(error) => Err(error.into()),
    }
}

fn process_id(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    text.lines().find_map(|line| line.strip_prefix("Pid: ").map(str::to_owned))
}

async fn wait_for_worker(hosts: &dyn Hosts, target: &Target, before: Option<String>) -> Result<()> {
    for _ in 0..75 {
        let now = worker(hosts, target).await?;
        if now.is_some() && now != before {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(Error::new(Code::ProxyFailed, "the proxy does not answer on its admin socket")
        .hint("look at the log of the server's proxy container"))
}

async fn docker(hosts: &dyn Hosts, target: &Target, arguments: &[&str]) -> Result<Output> {
    let all = std::iter::once("docker").chain(arguments.iter().copied());
    let command = Command::new(all).privileged().deadline(Duration::from_mins(1));
    Ok(hosts.run(target, Lane::Work, command).await?)
}

fn succeed(output: Output, doing: &str) -> Result<()> {
    if output.exit_code == 0 {
        return Ok(());
    }
    Err(Error::new(
        Code::RemoteCommand,
        format!("the server could not {doing}: {}", last_line(&output.stderr)),
    )
    .hint("look at the server by hand"))
}

fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    line.trim().chars().take(300).collect()
}
