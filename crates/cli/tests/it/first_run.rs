use std::fs;

use crate::support::Desk;

#[test]
fn a_verb_before_the_first_run_says_how_to_set_up() {
    let desk = Desk::bare();

    for arguments in [&["server", "list"][..], &["stack", "plan", "web"], &["vault", "check"]] {
        let ended = desk.call(arguments);

        assert_eq!(ended.exit, 5, "{arguments:?}");
        assert_eq!(
            ended.err, "error: nothing is set up here yet\nhint: run `flightdeck setup` first\n",
            "{arguments:?}"
        );
    }
}

#[test]
fn the_first_run_makes_a_vault_and_an_organization_with_an_owner() {
    let desk = Desk::bare();

    let made =
        desk.call(&["setup", "--organization", "Müller & Söhne", "--user", "Jo", "--json"]).json();

    assert_eq!(made["slug"], "mueller-soehne");
    let status = desk.call(&["vault", "status", "--json"]).json();
    assert_eq!((&status["state"], &status["protection"]), (&"locked".into(), &"passphrase".into()));
    let list = desk.call(&["org", "list", "--json"]).json();
    assert_eq!(list[0]["role"], "owner");
    assert_eq!(desk.call(&["vault", "check"]).text(), "the vault opens by its passphrase\n");
}

#[test]
fn a_second_first_run_is_refused_and_changes_nothing() {
    let desk = Desk::set_up();

    let ended = desk.call(&["setup", "--organization", "Other", "--user", "Eve", "--json"]);

    assert_eq!(ended.exit, 3, "{}", ended.err);
    let list = desk.call(&["org", "list", "--json"]).json();
    assert_eq!(list.as_array().map(Vec::len), Some(1));
}

#[test]
fn where_nobody_can_be_asked_the_argument_that_answers_is_named() {
    let desk = Desk::bare();

    let ended = desk.call(&["setup", "--user", "Jo"]);

    assert_eq!(ended.exit, 2);
    assert_eq!(
        ended.err,
        "error: nobody can be asked `Name of your organization`: this is no terminal\n\
         hint: answer it with `--organization NAME`\n"
    );
}

#[test]
fn a_wrong_passphrase_opens_nothing() {
    let desk = Desk::set_up();
    fs::write(desk.path("passphrase"), "wrong\n").expect("it is ours");

    let ended = desk.call(&["credential", "generate-ssh-key", "fleet", "--json"]);

    assert_eq!(ended.exit, 5);
    assert_eq!(ended.failure()["code"], "wrong_passphrase");
    fs::write(desk.path("passphrase"), crate::support::PASSPHRASE).expect("it is ours");
    let list = desk.call(&["credential", "list", "--json"]).json();
    assert_eq!(list.as_array().map(Vec::len), Some(0), "nothing was made");
}

#[test]
fn a_locked_vault_says_how_a_script_opens_it() {
    let desk = Desk::set_up();

    let child = desk
        .command(&["credential", "generate-ssh-key", "fleet"])
        .env_remove("FLIGHTDECK_PASSPHRASE_FILE")
        .spawn()
        .expect("the binary was built");
    let ended = crate::support::ended(child);

    assert_eq!(ended.exit, 5);
    assert_eq!(
        ended.err,
        "error: the vault is locked, and this is no terminal to ask at\n\
         hint: give the passphrase with `--passphrase-file FILE` or FLIGHTDECK_PASSPHRASE_FILE\n"
    );
}

#[test]
fn a_passphrase_file_that_is_empty_or_missing_is_named() {
    let desk = Desk::set_up();
    fs::write(desk.path("empty"), "").expect("it is ours");

    for name in ["empty", "missing"] {
        let path = desk.path(name);
        let path = path.to_str().expect("it is UTF-8");
        let ended = desk.call(&["vault", "check", "--passphrase-file", path, "--json"]);

        assert_eq!(ended.exit, 3);
        let message = ended.failure()["message"].to_string();
        assert!(message.contains(path), "{message}");
    }
}
