//! Terraform is interrupted, or dies, while the cloud is at work.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{Stage, eventually};

const NEVER: u64 = 3_600_000;
const PROMPT: Duration = Duration::from_secs(10);

/// Starts an apply, and returns once a server is being created that takes an hour.
fn apply_in_flight(stage: &Stage) -> Child {
    let slow = ("hcloud_server.create".to_owned(), NEVER);
    stage.mirror.edit(|config| config.delay_ms.extend([slow])).expect("a delay is set");
    let arguments = ["apply", "-auto-approve", "-input=false", "-json"];
    let mut apply = stage.command(&arguments).spawn().expect("terraform is installed");
    let output = apply.stdout.as_mut().expect("its output is read");
    let started = BufReader::new(output).lines().map_while(Result::ok).any(|line| {
        line.contains("\"type\":\"apply_start\"") && line.contains("hcloud_server.this")
    });
    assert!(started, "the apply reaches the server");
    eventually("the cloud has the server", || stage.count("hcloud_server") == 1);
    apply
}

fn signal(process: &Child, signal: Signal) {
    let id = i32::try_from(process.id()).expect("a process id");
    kill(Pid::from_raw(id), signal).expect("the process is there");
}

#[test]
fn an_interrupt_ends_the_wait_and_keeps_the_server() {
    let stage = Stage::ready();
    let mut apply = apply_in_flight(&stage);

    let interrupted = Instant::now();
    signal(&apply, Signal::SIGINT);
    let mut rest = String::new();
    let output = apply.stdout.as_mut().expect("its output is read");
    output.read_to_string(&mut rest).expect("the rest of the output");
    let status = apply.wait().expect("terraform ends");

    assert!(!status.success(), "an interrupted apply is not a success");
    assert!(interrupted.elapsed() < PROMPT, "the provider does not wait for the hour to pass");
    assert!(rest.contains("operation cancelled"), "the reason is given:\n{rest}");
    assert_eq!(stage.state().len(), stage.cloud().len(), "the half-made server is in the state");
    stage.mirror.edit(|config| config.delay_ms.clear()).expect("the delay is gone");
    stage.destroy().succeeds();
    assert_eq!(stage.cloud(), [], "nothing is orphaned");
}

#[test]
fn a_killed_terraform_leaves_an_orphan_and_no_process() {
    let stage = Stage::ready();
    let mut apply = apply_in_flight(&stage);

    signal(&apply, Signal::SIGKILL);
    apply.wait().expect("terraform is dead");

    eventually("the provider's process has ended", || providers_of(&stage) == 0);
    assert_eq!(stage.count("hcloud_server"), 1, "the cloud has the server");
    let known = stage.state().into_iter().filter(|name| name.starts_with("hcloud_server.")).count();
    assert_eq!(known, 0, "the state does not: this is what an orphan finder has to find");
}

fn providers_of(stage: &Stage) -> usize {
    let folder = stage.run_folder();
    let processes = std::fs::read_dir("/proc").expect("the process table");
    let of_this_run = processes.flatten().filter(|process| {
        let path = process.path();
        let command = std::fs::read_to_string(path.join("cmdline")).unwrap_or_default();
        let own = std::fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd == folder);
        own && command.contains("terraform-provider-hcloud")
    });
    of_this_run.count()
}
