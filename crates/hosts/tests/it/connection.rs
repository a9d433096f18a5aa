//! Connections that fail, hang, break and come back.

use std::{
    io::Write,
    net::TcpListener,
    process,
    time::{Duration, Instant},
};

use flightdeck_app::port::hosts::{Command, HostError, Hosts, Lane, Target};
use flightdeck_domain::server::Endpoint;
use flightdeck_hosts::SshHosts;

use crate::sshd::{Sshd, free_port};

fn elsewhere(target: &Target, port: u16) -> Target {
    let endpoint = Endpoint { port, ..target.endpoint.clone() };
    Target { server_id: flightdeck_domain::id::ServerId::new(), endpoint, ..target.clone() }
}

fn signal(name: &str, process: &str) {
    let sent = process::Command::new("kill").args(["-s", name, process.trim()]).status();
    assert!(sent.expect("kill runs").success());
}

/// The daemon's process for the connection that `lane` uses.
async fn far_end(hosts: &SshHosts, target: &Target, lane: Lane) -> String {
    let command = Command::new(["sh", "-c", "echo $PPID"]);
    hosts.run(target, lane, command).await.expect("an answer").stdout
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = elsewhere(&sshd.target(), free_port());

    let error = hosts.run(&target, Lane::Work, Command::new(["true"])).await.expect_err("closed");

    let HostError::Unreachable { reason, .. } = error else { panic!("{error}") };
    assert_eq!(reason, "connection refused");
}

#[tokio::test]
async fn a_name_without_an_address_can_not_be_resolved() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let mut target = sshd.target();
    target.endpoint.host = "no-such-host.invalid".to_owned();

    let error = hosts.run(&target, Lane::Work, Command::new(["true"])).await;

    assert!(matches!(error, Err(HostError::Resolve { .. })), "{error:?}");
}

#[tokio::test]
async fn a_silent_server_delays_nobody_else() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its number").port();
    let (good, bad) = (sshd.target(), elsewhere(&sshd.target(), port));
    let command = Command::new(["true"]).deadline(Duration::from_secs(2));
    let begun = Instant::now();

    let (answer, quick) = tokio::join!(hosts.run(&bad, Lane::Work, command), async {
        let answer = hosts.run(&good, Lane::Work, Command::new(["true"])).await;
        answer.map(|_| begun.elapsed())
    });

    let error = answer.expect_err("it says nothing");
    assert!(
        matches!(error, HostError::Timeout { doing: "finish the key exchange", .. }),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(3), "took {:?}", begun.elapsed());
    assert!(quick.expect("an answer") < Duration::from_secs(2), "the other one is prompt");
}

#[tokio::test]
async fn what_is_not_ssh_is_called_so() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let target = elsewhere(&sshd.target(), listener.local_addr().expect("its number").port());
    let chatter = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a visitor");
        while stream.write_all(b"HTTP/1.1 400 Bad Request\r\n").is_ok() {}
    });

    let error = hosts.run(&target, Lane::Work, Command::new(["true"])).await;

    assert!(matches!(error, Err(HostError::Protocol { .. })), "{error:?}");
    chatter.join().expect("the visitor left");
}

#[tokio::test]
async fn a_connection_that_the_server_ended_is_replaced() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();

    for _ in 0..5 {
        let process = far_end(&hosts, &target, Lane::Work).await;
        signal("KILL", &process);
        let next = far_end(&hosts, &target, Lane::Work).await;

        assert_ne!(process, next, "it runs on a new connection");
    }
}

#[tokio::test]
async fn a_command_that_was_started_is_not_repeated() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let count = sshd.path("count");
    let mut command = Command::new(["sh", "-c", "echo once >> $0; kill -9 $PPID; sleep 5"]);
    command.arguments.push(count.display().to_string());

    let error = hosts.run(&target, Lane::Work, command).await;

    assert!(matches!(error, Err(HostError::Broken { .. })), "{error:?}");
    assert_eq!(std::fs::read_to_string(count).expect("it ran"), "once\n");
}

#[tokio::test]
async fn a_frozen_connection_is_replaced() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let process = far_end(&hosts, &target, Lane::Work).await;
    signal("STOP", &process);
    let command = Command::new(["true"]).deadline(Duration::from_secs(1));

    let frozen = hosts.run(&target, Lane::Work, command).await;
    let next = far_end(&hosts, &target, Lane::Work).await;

    signal("KILL", &process);
    assert!(matches!(frozen, Err(HostError::Timeout { .. })), "{frozen:?}");
    assert_ne!(process, next, "it runs on a new connection");
}

#[tokio::test]
async fn lanes_have_connections_of_their_own_and_keep_them() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();

    let work = far_end(&hosts, &target, Lane::Work).await;
    let monitor = far_end(&hosts, &target, Lane::Monitor).await;

    assert_ne!(work, monitor);
    assert_eq!(work, far_end(&hosts, &target, Lane::Work).await);
    hosts.disconnect(target.server_id).await;
    assert_ne!(work, far_end(&hosts, &target, Lane::Work).await, "it was forgotten");
}

#[tokio::test]
async fn sampling_spares_a_dead_server_but_work_is_tried_at_once() {
    let (mut sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    sshd.stop();
    let run = |lane| hosts.run(&target, lane, Command::new(["true"]));
    let visitor = || TcpListener::bind(("127.0.0.1", sshd.port())).expect("the port is free");

    assert!(matches!(run(Lane::Monitor).await, Err(HostError::Unreachable { .. })));
    let listener = visitor();
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let spared = run(Lane::Monitor).await;

    assert!(matches!(spared, Err(HostError::Unreachable { .. })), "{spared:?}");
    assert!(listener.accept().is_err(), "nobody came");
    drop(listener);
    sshd.start_again();
    assert!(run(Lane::Work).await.is_ok(), "a person's wish is tried");
    assert!(run(Lane::Monitor).await.is_ok(), "and its success is remembered");
}
