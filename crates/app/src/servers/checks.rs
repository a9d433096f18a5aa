//! What a verification asks a server, and how the answers are read.

use std::time::Duration;

use flightdeck_domain::server::{
    Check, CheckResult, Facts, MIN_DISK_BYTES, MIN_DOCKER, MIN_MEMORY_BYTES, docker_version,
};

use crate::{
    error::{Code, Error, Result},
    port::hosts::{Command, Hosts, Lane, Target},
};

/// Prints six lines: system, kernel, architecture, cores, memory, root disk.
const FACTS: &str = r#". /etc/os-release 2>/dev/null; echo "${PRETTY_NAME:-unknown}"
uname -r
uname -m
getconf _NPROCESSORS_ONLN
awk '/^MemTotal:/ { printf "%d\n", $2 * 1024 }' /proc/meminfo
df -Pk / | awk 'NR == 2 { printf "%.0f\n", $2 * 1024 }'"#;

/// Reads what the machine is.
pub(super) async fn facts(hosts: &dyn Hosts, target: &Target) -> Result<Facts> {
    let output = hosts.run(target, Lane::Work, Command::new(["sh", "-c", FACTS])).await?;
    let mut lines = output.stdout.lines();
    let mut next = || lines.next().unwrap_or_default().trim().to_owned();
    let (os, kernel, architecture) = (next(), next(), next());
    let (cores, memory, disk) = (next(), next(), next());
    let number = |text: &str| text.parse::<u64>().ok();
    match (cores.parse().ok(), number(&memory), number(&disk)) {
        (Some(cores), Some(memory_bytes), Some(disk_bytes)) => {
            Ok(Facts { os, kernel, architecture, cores, memory_bytes, disk_bytes, docker: None })
        }
        _ => Err(Error::new(Code::RemoteCommand, "the machine did not say what it is made of")
            .hint("check that it runs Linux with `awk`, `df` and /proc")),
    }
}

/// Checks for root, or sudo without a password.
pub(super) async fn privileges(hosts: &dyn Hosts, target: &Target) -> Result<String> {
    let id = hosts.run(target, Lane::Work, Command::new(["id", "-u"])).await?;
    if id.stdout.trim() == "0" {
        return Ok("root".to_owned());
    }
    let sudo = hosts.run(target, Lane::Work, Command::new(["sudo", "-n", "true"])).await?;
    if sudo.exit_code == 0 {
        return Ok("sudo without a password".to_owned());
    }
    let user = &target.endpoint.user;
    Err(Error::new(
        Code::PrivilegesMissing,
        format!("`{user}` is neither root nor may use sudo without a password"),
    )
    .hint(format!("add `{user} ALL=(ALL) NOPASSWD: ALL` to the server's sudoers")))
}

/// Checks that there is room to work.
pub(super) fn resources(facts: &Facts) -> Result<String> {
    let gb = |bytes: u64| format!("{:.1} GB", bytes_as_f64(bytes) / 1e9);
    if facts.disk_bytes < MIN_DISK_BYTES {
        return Err(Error::new(
            Code::ResourcesTooSmall,
            format!("the root file system has {}; 10 GB are needed", gb(facts.disk_bytes)),
        )
        .hint("enlarge the disk, or choose a larger server type"));
    }
    if facts.memory_bytes < MIN_MEMORY_BYTES {
        return Err(Error::new(
            Code::ResourcesTooSmall,
            format!("the machine has {} of memory; 512 MB are needed", gb(facts.memory_bytes)),
        )
        .hint("choose a larger server type"));
    }
    Ok(format!("{} disk, {} memory", gb(facts.disk_bytes), gb(facts.memory_bytes)))
}

#[expect(clippy::cast_precision_loss, reason = "only shown, with one decimal")]
fn bytes_as_f64(bytes: u64) -> f64 {
    bytes as f64
}

/// Checks that a Docker engine answers, and returns its version.
pub(super) async fn docker(hosts: &dyn Hosts, target: &Target) -> Result<String> {
    const INSTALL: &str = "install Docker 20.10 or newer on the server (`apt-get install \
                           docker.io`, `dnf install docker`, `apk add docker`), then verify again";
    let command = Command::new(["docker", "version", "--format", "{{.Server.Version}}"])
        .privileged()
        .deadline(Duration::from_secs(20));
    let output = hosts.run(target, Lane::Work, command).await?;
    let version = output.stdout.trim();
    match (output.exit_code, docker_version(version)) {
        (0, Some(found)) if found >= MIN_DOCKER => Ok(version.to_owned()),
        (0, Some(_)) => Err(Error::new(
            Code::DockerMissing,
            format!("Docker {version} is too old; 20.10 is needed"),
        )
        .hint(INSTALL)),
        (127, _) => Err(Error::new(Code::DockerMissing, "Docker is not installed").hint(INSTALL)),
        _ if output.stderr.contains("command not found") || output.stderr.contains("not found") => {
            Err(Error::new(Code::DockerMissing, "Docker is not installed").hint(INSTALL))
        }
        _ => Err(Error::new(
            Code::DockerMissing,
            "Docker is installed and its engine does not answer",
        )
        .hint("start it on the server (`systemctl start docker`), then verify again")),
    }
}

/// The line that people see for a check that passed.
pub(super) fn passed(check: Check, detail: impl Into<String>) -> CheckResult {
    CheckResult { check, passed: true, detail: detail.into(), hint: None }
}

/// The line that people see for a check that failed.
pub(super) fn failed(check: Check, error: &Error) -> CheckResult {
    CheckResult { check, passed: false, detail: error.message.clone(), hint: error.hint.clone() }
}
