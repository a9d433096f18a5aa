use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::support::{Desk, Ended, TOKEN};

/// One clear sentence and the next step, with the right code and exit.
#[track_caller]
fn assert_failed(ended: &Ended, exit: i32, code: &str) -> Value {
    let failure = ended.failure();
    assert_eq!((ended.exit, failure["code"].as_str()), (exit, Some(code)), "{failure}");
    let message = failure["message"].as_str().expect("it has a message");
    assert!(!message.is_empty() && !message.contains('\n'), "not one sentence: {message}");
    assert!(
        failure["hint"].as_str().is_some_and(|hint| !hint.is_empty()),
        "no next step: {failure}"
    );
    assert!(ended.out.is_empty(), "a failure prints nothing to the standard output: {}", ended.out);
    failure
}

#[test]
fn an_argument_that_makes_no_sense_is_a_usage_failure_in_both_forms() {
    let desk = Desk::bare();

    let text = desk.call(&["server", "regster"]);
    assert_eq!(text.exit, 2);
    assert!(text.err.contains("similar subcommand exists: 'register'"), "{}", text.err);

    assert_failed(&desk.call(&["server", "regster", "--json"]), 2, "usage");
    assert_failed(&desk.call(&["server", "show", "--json"]), 2, "usage");
    assert!(!desk.directory().exists(), "the core was touched before the arguments were read");
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let desk = Desk::set_up();
    let field = format!("token={TOKEN}");

    let ended = desk.call(&["credential", "add", "hetzner", "cloud", "--field", &field, "--json"]);

    let failure = assert_failed(&ended, 2, "usage");
    assert!(!failure.to_string().contains(TOKEN), "the secret is in the failure");
}

#[test]
fn bad_fields_of_a_credential_are_named() {
    let desk = Desk::set_up();

    let short = ["credential", "add", "hetzner", "cloud", "--field", "token=-", "--json"];
    let failure = assert_failed(&desk.call_with_input(&short, "abc"), 3, "invalid_input");
    assert!(!failure.to_string().contains("abc"), "{failure}");

    let unknown = ["credential", "add", "hetzner", "cloud", "--field", "user=jo", "--json"];
    let failure = assert_failed(&desk.call(&unknown), 3, "invalid_input");
    assert_eq!(failure["hint"], "its fields are token");

    fs::write(desk.path("key"), "not a key").expect("it is ours");
    let key =
        ["credential", "add", "ssh_key", "fleet", "--field-file", "private_key=key", "--json"];
    assert_failed(&desk.call(&key), 6, "ssh_key_unusable");
}

#[test]
fn a_provider_that_does_not_answer_is_told_apart_from_one_that_refuses() {
    let desk = Desk::set_up();
    desk.with_token();

    assert_failed(
        &desk.call(&["credential", "test", "cloud", "--json"]),
        7,
        "provider_unreachable",
    );
}

#[test]
fn what_is_not_there_is_named() {
    let desk = Desk::set_up();
    let id = "srv_01a206d37ded77b1a546ec396a2e2c4b";

    for (arguments, named) in [
        (&["server", "show", "nope", "--json"][..], "nope"),
        (&["server", "show", id, "--json"], id),
        (&["stack", "plan", "nope", "--json"], "nope"),
        (&["app", "deploy", "nope", "--json"], "nope"),
        (&["credential", "test", "nope", "--json"], "nope"),
        (&["org", "set-role", "nope", "admin", "--json"], "nope"),
        (&["server", "list", "--org", "nope", "--json"], "nope"),
    ] {
        let failure = assert_failed(&desk.call(arguments), 3, "not_found");
        assert!(failure["message"].to_string().contains(named), "{failure}");
    }
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let desk = Desk::set_up();
    desk.with_key();

    let ended = desk.call(&["credential", "generate-ssh-key", "fleet", "--json"]);

    assert_failed(&ended, 3, "already_exists");
}

#[test]
fn two_members_of_one_name_are_told_apart_by_their_ids() {
    let desk = Desk::set_up();
    let add = ["org", "add-member", "Kim", "--role", "viewer", "--json"];
    let first = crate::support::id(&desk.call(&add).json());
    desk.call(&add).json();

    let ended = desk.call(&["org", "set-role", "Kim", "admin", "--json"]);

    let failure = assert_failed(&ended, 3, "invalid_input");
    assert!(failure["hint"].to_string().contains(&first), "{failure}");
    desk.call(&["org", "set-role", &first, "admin"]).text();
}

#[test]
fn an_organization_named_in_its_place_wins_over_the_option() {
    let desk = Desk::set_up();
    desk.call(&["org", "create", "Client A"]).text();

    let shown = desk.call(&["org", "show", "client-a", "--org", "acme-hosting", "--json"]).json();

    assert_eq!(shown["name"], "Client A");
}

#[test]
fn with_two_organizations_one_has_to_be_chosen() {
    let desk = Desk::set_up();
    desk.call(&["org", "create", "Client A"]).text();

    let failure = assert_failed(&desk.call(&["server", "list", "--json"]), 2, "usage");
    assert_eq!(failure["hint"], "choose one with `--org`: `acme-hosting`, `client-a`");

    desk.call(&["server", "list", "--org", "client-a"]).text();
    let by_variable = desk.command(&["server", "list"]).env("FLIGHTDECK_ORG", "client-a").spawn();
    crate::support::ended(by_variable.expect("the binary was built")).text();
}

#[test]
fn an_unreachable_host_leaves_a_registered_server_and_says_what_to_check() {
    let desk = Desk::set_up();
    desk.with_key();

    let failure = assert_failed(&desk.register_dead_server(), 6, "host_unreachable");

    assert!(failure["job_id"].is_string(), "a script can look the job up: {failure}");
    let shown = desk.call(&["server", "show", "s1", "--json"]).json();
    assert_eq!(shown["status"], "failed");
    assert_eq!(shown["checks"][0]["check"], "connect");
}

#[test]
fn a_host_that_speaks_no_ssh_is_a_failure_of_the_host() {
    let desk = Desk::set_up();
    desk.with_key();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port().to_string();
    std::thread::spawn(move || {
        use std::io::Write;
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });

    let ended = desk.call(&[
        "server",
        "register",
        "s1",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--key",
        "fleet",
        "--json",
    ]);

    let failure = ended.failure();
    assert_eq!(ended.exit, 6, "{failure}");
    assert!(failure["hint"].is_string(), "no next step: {failure}");
}

#[test]
fn bad_names_hosts_and_numbers_are_refused_before_anything_happens() {
    let desk = Desk::set_up();
    desk.with_key();
    desk.with_token();

    let register = |name: &str, host: &str, user: &str| {
        desk.call(&[
            "server", "register", name, "--host", host, "--user", user, "--key", "fleet", "--json",
        ])
    };
    assert_failed(&register("Web 1", "10.0.0.1", "root"), 3, "invalid_input");
    assert_failed(&register("web", "ho st", "root"), 3, "invalid_input");
    assert_failed(&register("web", "10.0.0.1", "ro;ot"), 3, "invalid_input");

    let stack = |region: &str, count: &str| {
        desk.call(&[
            "stack",
            "create",
            "web",
            "--credential",
            "cloud",
            "--ssh-key",
            "fleet",
            "--region",
            region,
            "--size",
            "cx22",
            "--image",
            "debian-12",
            "--count",
            count,
            "--json",
        ])
    };
    assert_failed(&stack("fs n1", "1"), 3, "invalid_input");
    assert_failed(&stack("fsn1", "51"), 3, "invalid_input");
    assert_eq!(desk.call(&["stack", "list", "--json"]).json().as_array().map(Vec::len), Some(0));
    assert_eq!(desk.call(&["server", "list", "--json"]).json().as_array().map(Vec::len), Some(0));
}

#[test]
fn a_credential_of_the_wrong_kind_is_refused() {
    let desk = Desk::set_up();
    desk.with_token();

    let ended =
        desk.call(&["server", "register", "s1", "--host", "127.0.0.1", "--key", "cloud", "--json"]);

    let failure = assert_failed(&ended, 3, "invalid_input");
    assert_eq!(failure["message"], "`cloud` is no SSH key");
}

#[test]
fn what_is_used_is_not_deleted() {
    let desk = Desk::set_up();
    desk.with_key();
    desk.with_token();
    desk.with_stack();

    let ended = desk.call(&["credential", "delete", "cloud", "--yes", "--json"]);

    assert_failed(&ended, 3, "in_use");
}

#[test]
fn nothing_is_taken_away_without_a_yes() {
    let desk = Desk::set_up();
    desk.with_key();

    assert_failed(&desk.call(&["credential", "delete", "fleet", "--json"]), 2, "usage");
    assert_eq!(
        desk.call(&["credential", "list", "--json"]).json().as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_missing_and_a_too_old_terraform_are_told_before_a_job_starts() {
    let desk = Desk::set_up();
    desk.with_key();
    desk.with_token();
    desk.with_stack();

    let ended = desk.call(&["stack", "plan", "web", "--json"]);
    assert_failed(&ended, 7, "terraform_missing");

    let old = desk.path("terraform");
    fs::write(&old, "#!/bin/sh\necho '{\"terraform_version\": \"1.4.6\"}'\n").expect("it is ours");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let old = old.to_str().expect("it is UTF-8");
    desk.call(&["settings", "set", "terraform_path", old]).text();
    let ended = desk.call(&["stack", "plan", "web", "--json"]);
    let failure = assert_failed(&ended, 7, "terraform_too_old");
    assert!(failure["message"].to_string().contains("1.4.6"), "{failure}");

    let jobs = desk.call(&["job", "list", "--json"]).json();
    assert_eq!(jobs.as_array().map(Vec::len), Some(0), "no job was started");
}

#[test]
fn a_setting_outside_of_its_bounds_changes_nothing() {
    let desk = Desk::set_up();

    for (key, value) in [
        ("font_size", "15"),
        ("font_size", "big"),
        ("locale", "xx"),
        ("nope", "1"),
        ("theme", "pink"),
    ] {
        let ended = desk.call(&["settings", "set", key, value, "--json"]);
        assert_eq!(ended.exit, 3, "{key}={value}: {}", ended.err);
    }

    let shown = desk.call(&["settings", "show", "--json"]).json();
    assert_eq!((&shown["font_size"], &shown["locale"]), (&16.into(), &"en".into()));
}

#[test]
fn an_application_needs_a_server_that_is_ready_before_it_is_deployed() {
    let desk = Desk::set_up();
    desk.with_key();
    desk.register_dead_server();
    desk.call(&["app", "create", "shop", "--image", "shop", "--server", "s1", "--port", "80"])
        .text();

    assert_failed(&desk.call(&["app", "deploy", "shop", "--json"]), 3, "wrong_state");
    assert_failed(&desk.call(&["app", "log", "shop", "--json"]), 3, "wrong_state");
    let bad = ["app", "deploy", "shop", "--image", "Shop:", "--json"];
    assert_failed(&desk.call(&bad), 3, "invalid_input");
    let wrong = ["app", "remove", "shop", "--confirm-name", "shoq", "--json"];
    assert_failed(&desk.call(&wrong), 3, "invalid_input");
}

#[test]
fn a_data_directory_that_can_not_be_made_is_a_storage_failure() {
    let desk = Desk::bare();
    fs::write(desk.path("file"), "").expect("it is ours");
    let inside = desk.path("file").join("data");

    let ended =
        desk.call(&["org", "list", "--data-dir", inside.to_str().expect("it is UTF-8"), "--json"]);

    assert_eq!((ended.exit, ended.failure()["code"].as_str()), (11, Some("storage")));
}
