//! Files on a server.

use std::{fs, os::unix::fs::PermissionsExt};

use flightdeck_app::port::hosts::{HostError, Hosts};
use flightdeck_hosts::SshHosts;

use crate::sshd::Sshd;

#[tokio::test]
async fn a_file_is_replaced_with_its_mode_and_nothing_stays_beside_it() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let dir = sshd.path("it's a \"folder\"");
    fs::create_dir(&dir).expect("a folder");
    let path = dir.join("$(secret) file");
    fs::write(&path, "old").expect("an old file");
    let content: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();

    let written =
        hosts.write_file(&sshd.target(), path.to_str().expect("text"), 0o640, &content).await;

    written.expect("it is written");
    assert!(fs::read(&path).expect("the new file") == content, "every byte, none of them text");
    let mode = fs::metadata(&path).expect("the new file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    assert_eq!(fs::read_dir(&dir).expect("the folder").count(), 1);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let path = sshd.path("empty");

    hosts
        .write_file(&sshd.target(), path.to_str().expect("text"), 0o600, b"")
        .await
        .expect("it is written");

    assert_eq!(fs::read(path).expect("the file"), b"");
}

#[tokio::test]
async fn a_file_that_can_not_be_written_says_why() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let (nowhere, folder) = (sshd.path("nowhere/file"), sshd.path("folder"));
    fs::create_dir(&folder).expect("a folder");

    for (path, words) in [(nowhere, "No such file"), (folder, "directory")] {
        let error = hosts
            .write_file(&sshd.target(), path.to_str().expect("text"), 0o600, b"x")
            .await
            .expect_err("no place for a file");

        let HostError::File { reason, .. } = error else { panic!("{error}") };
        assert!(reason.contains(words), "{reason}");
    }
}
