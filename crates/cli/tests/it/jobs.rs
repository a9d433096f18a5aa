use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::support::{Desk, ended};

/// Somebody who takes connections and never says a word, as a hung host does.
struct SilentHost {
    _listener: TcpListener,
    port: String,
}

impl SilentHost {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port().to_string();
        Self { _listener: listener, port }
    }

    fn register(&self) -> [&str; 10] {
        [
            "server",
            "register",
            "s1",
            "--host",
            "127.0.0.1",
            "--port",
            &self.port,
            "--key",
            "fleet",
            "--json",
        ]
    }
}

/// Waits until the newest job says that it is at work.
fn until_running(desk: &Desk) -> Value {
    let begun = Instant::now();
    loop {
        let list = desk.call(&["job", "list", "--json"]).json();
        if list[0]["status"] == "running" {
            return list[0].clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no job is running: {list}");
    }
}

fn signal(child: &std::process::Child, signal: Signal) {
    let pid = i32::try_from(child.id()).expect("it is a process id");
    kill(Pid::from_raw(pid), signal).expect("the child is ours");
}

#[test]
fn a_job_that_is_not_waited_for_is_only_written_down() {
    let desk = Desk::set_up();
    desk.with_key();

    let answer = desk
        .call(&[
            "server",
            "register",
            "s1",
            "--host",
            "127.0.0.1",
            "--port",
            "1",
            "--key",
            "fleet",
            "--no-wait",
            "--json",
        ])
        .json();

    assert_eq!(answer["job"]["status"], "queued");
    let waited = desk.call(&["job", "wait", "--json"]);
    assert_eq!((waited.exit, waited.failure()["code"].as_str()), (6, Some("host_unreachable")));
    assert_eq!(desk.call(&["server", "show", "s1", "--json"]).json()["status"], "failed");
    let idle = desk.call(&["job", "wait"]);
    assert_eq!(idle.text(), "no job is unfinished\n");
}

#[test]
fn watch_carries_out_what_was_written_down() {
    let desk = Desk::set_up();
    desk.with_key();
    desk.call(&[
        "server",
        "register",
        "s1",
        "--host",
        "127.0.0.1",
        "--port",
        "1",
        "--key",
        "fleet",
        "--no-wait",
    ])
    .text();

    let watched = desk.call(&["watch", "--until-idle"]);

    let list = desk.call(&["job", "list", "--json"]).json();
    assert_eq!(list[0]["status"], "failed", "{watched:?}");
    assert!(watched.text().contains("job `Verify s1` failed: no connection"), "{watched:?}");
}

#[test]
fn a_job_that_failed_is_retried_shown_and_put_away() {
    let desk = Desk::set_up();
    desk.with_key();
    let failure = desk.register_dead_server().failure();
    let job = failure["job_id"].as_str().expect("a job failed").to_owned();

    let again = desk.call(&["job", "retry", &job, "--json"]);
    assert_eq!((again.exit, again.failure()["code"].as_str()), (6, Some("host_unreachable")));
    let undone = desk.call(&["job", "undo", &job, "--json"]);
    assert_eq!((undone.exit, undone.failure()["code"].as_str()), (3, Some("wrong_state")));
    let shown = desk.call(&["job", "show", &job]);
    assert!(shown.text().contains("Why      no connection to"), "{}", shown.text());

    desk.call(&["job", "dismiss", &job]).text();
    assert_eq!(desk.call(&["job", "list"]).text(), "no job\n");
}

#[test]
fn the_first_ctrl_c_cancels_the_job() {
    let desk = Desk::set_up();
    desk.with_key();
    let host = SilentHost::new();
    let child = desk.spawn(&host.register());
    until_running(&desk);

    signal(&child, Signal::SIGINT);
    let ended = ended(child);

    assert_eq!(ended.exit, 9, "{ended:?}");
    let last = ended.err.lines().last().expect("it says so");
    let failure: Value = serde_json::from_str(last).expect("it is a document");
    assert_eq!(failure["code"], "cancelled");
    assert_eq!(desk.call(&["job", "list", "--json"]).json()[0]["status"], "cancelled");
}

#[test]
fn a_job_is_cancelled_from_another_process() {
    let desk = Desk::set_up();
    desk.with_key();
    let host = SilentHost::new();
    let child = desk.spawn(&host.register());
    let job = until_running(&desk);
    let id = job["id"].as_str().expect("it has an id");

    let cancelled = desk.call(&["job", "cancel", id, "--json"]).json();

    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(ended(child).exit, 9, "whoever waited for it is told");
}

#[test]
fn a_job_whose_process_was_killed_is_finished_by_the_next_that_waits() {
    let desk = Desk::set_up();
    desk.with_key();
    let host = SilentHost::new();
    let child = desk.spawn(&host.register());
    let job = until_running(&desk);
    signal(&child, Signal::SIGKILL);
    ended(child);
    drop(host);

    let busy = desk.call(&["server", "verify", "s1", "--json"]);
    assert_eq!((busy.exit, busy.failure()["code"].as_str()), (10, Some("busy")));
    let waited = desk.call(&["job", "wait", job["id"].as_str().expect("it has an id"), "--json"]);

    assert_eq!((waited.exit, waited.failure()["code"].as_str()), (6, Some("host_unreachable")));
    let list = desk.call(&["job", "list", "--json"]).json();
    assert_eq!(list.as_array().map(Vec::len), Some(1), "it is the same job: {list}");
}
