//! The main job by the command line alone, and no secret left lying about.

use std::{fs, path::Path};

use flightdeck_fleet_journeys::{PASSPHRASE, REGISTRY, TOKEN, World, cli::Cli, visit};

/// Every file below `folder` that holds `secret` in clear.
fn files_with(folder: &Path, secret: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files_with(&path, secret));
        } else if let Ok(content) = fs::read(&path) {
            let secret = secret.as_bytes();
            if content.windows(secret.len()).any(|window| window == secret) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_alone_does_the_main_job_and_leaves_no_secret() {
    let world = World::set_up(24).await;
    let cli = Cli::new(&world);
    cli.set_up(&world);

    let tested = cli.succeed("credential test cloud");
    assert_eq!(tested["status"]["state"], "valid", "{tested}");
    cli.succeed("stack plan web");
    assert!(world.cloud().is_empty(), "a plan changes nothing");

    // While Terraform works: no secret in an argument list, nor in the
    // environment of any process but Terraform and its provider.
    world
        .mirror
        .edit(|config| {
            config.delay_ms.insert("hcloud_server.create".to_owned(), 1_500);
        })
        .unwrap();
    let mut applying = cli.start("stack apply web --yes");
    let mut seen_terraform = false;
    while applying.try_wait().unwrap().is_none() {
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
            let (arguments, environment) = (read("cmdline"), read("environ"));
            let arguments = String::from_utf8_lossy(&arguments).into_owned();
            assert!(!arguments.contains("CANARY"), "a secret in an argument list: {arguments}");
            if String::from_utf8_lossy(&environment).contains(TOKEN) {
                assert!(
                    arguments.contains("terraform"),
                    "the token is in the environment of `{arguments}`"
                );
                seen_terraform = true;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(seen_terraform, "Terraform was never seen at work, so nothing was proved");
    assert!(applying.wait().unwrap().success(), "{:?}", cli.newest_job());

    let servers = cli.succeed("server list");
    assert_eq!(servers[0]["status"], "ready", "{servers}");
    let server = servers[0]["name"].as_str().unwrap().to_owned();
    cli.succeed(&format!(
        "app create hello --image {REGISTRY}/hello --server {server} --port 8080 \
         --health-path /health --health-interval 1 --health-start-period 5 --stop-grace 3"
    ));
    let mut watch = cli.start("watch");
    for version in ["v1", "v2"] {
        cli.succeed(&format!("app deploy hello --image {REGISTRY}/hello:{version}"));
        let shown = cli.succeed("app show hello");
        let address = shown["placements"][0]["address"].as_str().unwrap().to_owned();
        assert_eq!(visit(&address), (200, format!("hello {version}")));
    }
    cli.succeed("app roll-back hello");
    assert_eq!(visit("http://10.77.0.34/"), (200, "hello v1".to_owned()));

    let samples = cli.succeed(&format!("server metrics {server}"));
    assert!(!samples.to_string().contains("\"samples\":[]"), "watch sampled it: {samples}");
    let id = i32::try_from(watch.id()).unwrap();
    std::process::Command::new("kill").arg(id.to_string()).status().unwrap();
    assert!(watch.wait().unwrap().success(), "watch ends in order");

    cli.succeed("app remove hello --confirm-name hello");
    cli.succeed("stack destroy web --yes --confirm-name web");
    assert!(world.cloud().is_empty(), "nothing is left: {:?}", world.cloud());

    for secret in [TOKEN, PASSPHRASE, "OPENSSH PRIVATE KEY"] {
        let found = files_with(&world.data(), secret);
        assert!(found.is_empty(), "a secret in clear in {found:?}");
    }
    // Other installations run on this machine too, and a module's own tests speak of keys.
    for secret in [TOKEN, PASSPHRASE] {
        for runs in ["/dev/shm/flightdeck-0", "/run/user/0/flightdeck"] {
            let found = files_with(Path::new(runs), secret);
            assert!(found.is_empty(), "a secret in clear in {found:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_in_a_sentence_with_the_next_step() {
    let world = World::set_up(28).await;
    let cli = Cli::new(&world);
    cli.set_up(&world);
    let refused = |line: &str, code: &str, words: &str| {
        let answer = cli.ask(line);
        assert_ne!(answer.code, 0, "`{line}` was accepted: {}", answer.document);
        let said = format!("{} {}", answer.document, answer.error);
        assert!(said.contains(code), "`{line}` says: {said}");
        assert!(said.to_lowercase().contains(&words.to_lowercase()), "`{line}` says: {said}");
        assert!(said.contains("hint"), "`{line}` says no next step: {said}");
    };

    // A server that is there, with no Docker, and with our key.
    let public = cli.succeed("credential list");
    let key = public
        .as_array()
        .unwrap()
        .iter()
        .find_map(|credential| credential["public_fields"]["public_key"].as_str())
        .unwrap()
        .to_owned();
    let authorized = world.folder.path().join("authorized");
    fs::write(&authorized, key + "\n").unwrap();
    let authorized = authorized.to_str().unwrap();
    world.fleet(&["boot", "--no-docker", "bare", "28", authorized]);
    world.fleet(&["wait", "28"]);

    let register = "server register";
    refused(&format!("{register} bare --host 10.77.0.38 --key key"), "docker_missing", "install");
    refused(
        &format!("{register} nobody --host 10.77.0.39 --key key"),
        "host_unreachable",
        "check the address",
    );
    refused(
        &format!("{register} port --host 10.77.0.38 --port 2222 --key key"),
        "host_unreachable",
        "refused",
    );
    cli.succeed("credential generate-ssh-key other");
    refused(
        &format!("{register} wrong-key --host 10.77.0.38 --key other"),
        "host_authentication",
        "authorized_keys",
    );
    world.fleet(&["rekey", "28"]);
    refused("server verify bare", "host_key_changed", "compare");

    let bad = world.folder.path().join("bad-token");
    fs::write(&bad, "x".repeat(64)).unwrap();
    cli.succeed(&format!("credential add hetzner bad --field-file token={}", bad.display()));
    let tested = cli.ask("credential test bad");
    let said = format!("{}{}", tested.document, tested.error);
    assert!(said.contains("invalid") || said.contains("credential_refused"), "{said}");

    world.mirror.edit(|config| config.regions = Some(vec!["nbg1".to_owned()])).unwrap();
    refused("stack plan web", "terraform_failed", "region");
    cli.succeed("settings set terraform_path /nowhere/terraform");
    refused("stack plan web", "terraform_missing", "install");
    let old = world.folder.path().join("old-terraform");
    fs::write(&old, "#!/bin/sh\necho '{\"terraform_version\":\"1.3.9\"}'\n").unwrap();
    std::process::Command::new("chmod").arg("755").arg(&old).status().unwrap();
    cli.succeed(&format!("settings set terraform_path {}", old.display()));
    refused("stack plan web", "terraform_too_old", "newer");
    world.fleet(&["destroy", "28"]);
}
