use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::support::{Desk, ended};

#[test]
fn a_failure_in_a_pipe_is_two_lines_and_nothing_else() {
    let desk = Desk::set_up();
    desk.with_key();

    let ended = desk.call(&[
        "server",
        "register",
        "s1",
        "--host",
        "127.0.0.1",
        "--port",
        "1",
        "--key",
        "fleet",
    ]);

    assert_eq!(ended.out, "", "nothing was answered");
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(lines.len(), 2, "no progress is drawn in a pipe: {}", ended.err);
    assert_eq!(lines[0], "error: Verify s1: no connection to root@127.0.0.1:1: connection refused");
    assert!(lines[1].starts_with("hint: check the address"), "{}", lines[1]);
    assert!(!ended.err.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let desk = Desk::set_up();
    let mut child = desk.spawn(&["settings", "show"]);

    drop(child.stdout.take());
    let ended = ended(child);

    assert_eq!((ended.exit, ended.err.as_str()), (0, ""));
}

#[test]
fn watch_ends_on_a_signal_and_prints_one_document_a_line() {
    let desk = Desk::set_up();
    desk.with_key();
    let mut child = desk
        .command(&["watch", "--json"])
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary was built");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();

    // Written down by another process, carried out by the watching one.
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
    let ended_job = lines.find_map(|line| {
        let event: Value = serde_json::from_str(&line.ok()?).expect("each line is a document");
        (event["event"] == "job" && event["job"]["status"] == "failed").then_some(event)
    });
    assert!(ended_job.is_some(), "the job's end is told");

    let pid = i32::try_from(child.id()).expect("it is a process id");
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("the child is ours");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_log_is_followed_to_its_end() {
    let desk = Desk::set_up();
    desk.with_key();
    let failure = desk.register_dead_server().failure();
    let job = failure["job_id"].as_str().expect("a job failed");

    let followed = desk.call(&["job", "log", job, "--follow", "--json"]);
    let whole = desk.call(&["job", "log", job, "--json"]).json();

    assert_eq!(followed.exit, 0);
    let lines: Vec<Value> = followed
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is a document"))
        .collect();
    assert_eq!(Value::from(lines), whole);
}

#[test]
fn every_shell_gets_its_completions_without_a_data_directory() {
    let desk = Desk::bare();

    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = desk.call(&["completions", shell]);
        assert!(script.text().contains("accept-host-key"), "{shell}");
    }

    assert!(!desk.directory().exists(), "completions touch nothing");
}

#[test]
fn bash_takes_its_completions() {
    let desk = Desk::bare();
    let script = desk.call(&["completions", "bash"]).text().to_owned();
    std::fs::write(desk.path("completions"), script).expect("it is ours");
    let asked = "source completions; COMP_WORDS=(flightdeck server reg); COMP_CWORD=2; \
                 _flightdeck flightdeck reg server; echo \"${COMPREPLY[@]}\"";

    #[expect(clippy::disallowed_methods, reason = "the shell is who reads the script")]
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", asked])
        .current_dir(desk.path(""))
        .output()
        .expect("bash is there");

    let answer = String::from_utf8_lossy(&output.stdout);
    assert_eq!(answer.trim(), "register", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn help_touches_nothing() {
    let desk = Desk::bare();

    for arguments in [&["--help"][..], &["stack", "apply", "--help"], &["--version"]] {
        assert_eq!(desk.call(arguments).exit, 0);
    }

    assert!(!desk.directory().exists(), "help is printed before the core is started");
}
