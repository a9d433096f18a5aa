//! Keys of both sides.

use flightdeck_app::port::hosts::{Command, HostError, Hosts, Lane, Target};
use flightdeck_hosts::SshHosts;

use crate::sshd::Sshd;

async fn run_true(target: &Target) -> Result<(), HostError> {
    SshHosts::new().run(target, Lane::Work, Command::new(["true"])).await.map(drop)
}

#[tokio::test]
async fn the_host_key_is_what_openssh_says_it_is() {
    let sshd = Sshd::start_with("LogLevel DEBUG1");

    let host_key = SshHosts::new().host_key(&sshd.endpoint()).await.expect("it has one");

    assert_eq!(host_key, sshd.host_key());
    assert!(!sshd.log().contains("userauth-request"), "nobody logged in for it");
}

#[tokio::test]
async fn every_usual_kind_of_key_logs_in() {
    let kinds: [&[&str]; 6] = [
        &["-t", "ed25519"],
        &["-t", "rsa", "-b", "2048"],
        &["-t", "rsa", "-b", "2048", "-m", "PEM"],
        &["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
        &["-t", "ecdsa"],
        &["-t", "ecdsa", "-m", "PEM"],
    ];
    for kind in kinds {
        let sshd = Sshd::start();
        let private = sshd.let_in(kind);

        let answer = run_true(&sshd.target_with(&private, None)).await;

        assert!(answer.is_ok(), "{kind:?}: {answer:?}");
    }
}

#[tokio::test]
async fn an_encrypted_key_needs_its_passphrase() {
    let kinds: [&[&str]; 3] = [
        &["-t", "ed25519", "-N", "open sesame"],
        &["-t", "rsa", "-b", "2048", "-N", "open sesame"],
        &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "open sesame"],
    ];
    for kind in kinds {
        let sshd = Sshd::start();
        let private = sshd.let_in(kind);

        let right = run_true(&sshd.target_with(&private, Some("open sesame"))).await;
        let wrong = run_true(&sshd.target_with(&private, Some("open barley"))).await;
        let none = run_true(&sshd.target_with(&private, None)).await;

        assert!(right.is_ok(), "{kind:?}: {right:?}");
        assert!(matches!(&wrong, Err(HostError::Key { .. })), "{kind:?}: {wrong:?}");
        assert!(
            matches!(&none, Err(HostError::Key { reason }) if reason.contains("passphrase")),
            "{kind:?}: {none:?}"
        );
    }
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let sshd = Sshd::start();
    let private = sshd.stranger(&["-t", "ed25519"]);

    let error = run_true(&sshd.target_with(&private, None)).await.expect_err("not let in");

    assert!(matches!(error, HostError::Authentication { .. }), "{error}");
}

#[tokio::test]
async fn text_that_is_no_key_is_called_so() {
    let sshd = Sshd::start();
    let torn = sshd.stranger(&["-t", "ed25519"]).lines().take(3).collect::<Vec<_>>().join("\n");

    for text in ["", "garbage", torn.as_str(), "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@here"] {
        let error = run_true(&sshd.target_with(text, None)).await.expect_err("no key");

        assert!(matches!(error, HostError::Key { .. }), "`{text}`: {error:?}");
        assert!(!error.to_string().contains("garbage"), "never the text itself");
    }
}

#[tokio::test]
async fn a_changed_host_key_stops_everything_before_the_login() {
    let mut sshd = Sshd::start_with("LogLevel DEBUG1");
    let target = sshd.target();
    run_true(&target).await.expect("the first key is right");
    assert!(sshd.log().contains("userauth-request"), "this is how a login looks");
    sshd.change_host_key();

    let error = run_true(&target).await.expect_err("another key");

    let HostError::HostKeyChanged { pinned, presented, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((pinned, &presented), (target.host_key, &sshd.host_key()));
    assert!(!sshd.log().contains("userauth-request"), "no login was tried: {}", sshd.log());
}

#[tokio::test]
async fn a_new_key_is_tried_although_a_connection_is_open() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let good = sshd.target();
    hosts.run(&good, Lane::Work, Command::new(["true"])).await.expect("the key is let in");
    let stranger = sshd.target_with(&sshd.stranger(&["-t", "ed25519"]), None);
    let stranger = Target { server_id: good.server_id, ..stranger };

    let error = hosts.run(&stranger, Lane::Work, Command::new(["true"])).await;

    assert!(matches!(error, Err(HostError::Authentication { .. })), "{error:?}");
}
