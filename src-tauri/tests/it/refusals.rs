//! Every command says why not: in a code, with a hint, and with an incident that
//! the log knows.

use flightdeck_app::error::Code;
use flightdeck_desktop::ipc::REGISTRY;
use serde_json::{Value, json};

use crate::{
    things::{Things, application_request, server_request, settings},
    window::{PASSPHRASE, Window, text},
};

#[test]
fn when_the_core_does_not_start_every_command_says_why() {
    let window = Window::without_a_core("main");
    let things = nothing();
    window.fail_to_start(Code::DatabaseTooNew);

    for command in REGISTRY.iter().filter(|command| command.name != "list_provider_forms") {
        let arguments = things.arguments(command.name, things.organization);

        assert_eq!(
            window.refused(command.name, &arguments),
            "database_too_new",
            "{}",
            command.name
        );
    }
}

#[test]
fn before_anybody_is_set_up_there_is_no_vault() {
    let window = Window::first_run();
    let things = nothing();

    for command in ["list_organizations", "list_servers", "create_credential", "unlock_vault"] {
        let arguments = things.arguments(command, things.organization);

        assert_eq!(window.refused(command, &arguments), "vault_absent", "{command}");
    }
}

#[test]
fn a_short_passphrase_makes_no_vault() {
    let window = Window::first_run();
    let mut arguments = nothing().arguments("set_up", nothing().organization);
    arguments["request"]["passphrase"] = json!("short");

    assert_eq!(window.refused("set_up", &arguments), "invalid_input");
    assert_eq!(window.ask("get_app_status", &json!({}))["vault"], "absent");
}

#[test]
fn a_refusal_carries_what_a_person_needs() {
    let window = Window::first_run();
    let root = window.set_up();
    let arguments = nothing().arguments("verify_server", root);

    let refusal = window.call("verify_server", &arguments).expect_err("there is no such server");

    assert_eq!(refusal["code"], "not_found");
    assert!(text(&refusal["message"]).contains("srv_"), "{refusal}");
    assert!(!text(&refusal["hint"]).is_empty());
    assert_eq!(refusal["retry"], false);
    assert_eq!(text(&refusal["incident"]).len(), 12, "the log is searched by it");
}

#[test]
fn a_malformed_id_is_invalid_input() {
    let window = Window::first_run();
    let root = window.set_up().to_string();
    let cases = [
        ("list_servers", json!({ "organizationId": "acme" })),
        ("get_stack", json!({ "organizationId": root, "stackId": "../../etc" })),
        ("get_application", json!({ "organizationId": root, "applicationId": root })),
        ("list_job_log", json!({ "organizationId": root, "jobId": "", "after": 0 })),
    ];

    for (command, arguments) in cases {
        assert_eq!(window.refused(command, &arguments), "invalid_input", "{command}");
    }
}

#[test]
fn a_locked_vault_seals_and_opens_nothing() {
    let window = Window::first_run();
    let root = window.set_up();
    let things = Things::put_into(&window, root);
    window.ask("lock_vault", &json!({}));

    for command in [
        "create_organization",
        "create_credential",
        "generate_ssh_key",
        "test_credential",
        "get_catalog",
        "get_container_log",
    ] {
        let arguments = things.arguments(command, root);

        assert_eq!(window.refused(command, &arguments), "vault_locked", "{command}");
    }
    assert_eq!(
        window.ask("list_servers", &things.arguments("list_servers", root))[0]["name"],
        "web-1",
        "what is no secret can still be seen"
    );
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_the_right_one_does() {
    let window = Window::first_run();
    window.set_up();
    let window = Window::again(window);

    assert_eq!(window.refused("unlock_vault", &json!({ "passphrase": null })), "vault_locked");
    assert_eq!(
        window.refused("unlock_vault", &json!({ "passphrase": "a guess that is long" })),
        "wrong_passphrase"
    );
    assert_eq!(window.ask("get_app_status", &json!({}))["vault"], "locked");
    window.ask("unlock_vault", &json!({ "passphrase": PASSPHRASE }));
    assert_eq!(window.ask("get_app_status", &json!({}))["vault"], "open");
}

#[test]
fn each_rule_that_a_request_breaks_has_its_code() {
    let window = Window::first_run();
    let root = window.set_up();
    let things = Things::put_into(&window, root);
    let id = root.to_string();
    let with = |command: &str, changes: Value| {
        let mut arguments = things.arguments(command, root);
        merge(&mut arguments, changes);
        arguments
    };
    let missing = "/nowhere/tofu";
    let (mut lost, mut wrong) = (settings(), settings());
    lost["terraformPath"] = json!(missing);
    wrong["sampleIntervalSeconds"] = json!(1);
    window.ask("update_settings", &json!({ "settings": lost }));

    let cases = [
        ("set_up", with("set_up", json!({})), "already_exists"),
        ("find_terraform", json!({}), "terraform_missing"),
        ("update_settings", json!({ "settings": wrong }), "invalid_input"),
        (
            "create_organization",
            json!({ "request": { "name": "X", "kind": "sub_user", "parentId": null, "color": null } }),
            "invalid_input",
        ),
        (
            "update_organization",
            with("update_organization", json!({ "request": { "color": "red" } })),
            "invalid_input",
        ),
        ("archive_organization", with("archive_organization", json!({})), "in_use"),
        (
            "create_credential",
            json!({ "organizationId": id, "request": {
                "name": "Cloud", "provider": "hetzner", "fields": { "token": "short" },
            } }),
            "invalid_input",
        ),
        ("generate_ssh_key", with("generate_ssh_key", json!({ "name": " " })), "invalid_input"),
        ("delete_credential", with("delete_credential", json!({})), "in_use"),
        (
            "get_catalog",
            with("get_catalog", json!({ "credentialId": things.ssh_key })),
            "invalid_input",
        ),
        (
            "register_server",
            json!({ "organizationId": id, "request": server_request("web-1", &things.ssh_key) }),
            "already_exists",
        ),
        (
            "update_server",
            with("update_server", json!({ "request": { "credentialId": things.cloud } })),
            "invalid_input",
        ),
        ("accept_host_key", with("accept_host_key", json!({})), "host_unreachable"),
        ("remove_server", with("remove_server", json!({})), "in_use"),
        (
            "create_stack",
            with("create_stack", json!({ "request": { "name": "web" } })),
            "already_exists",
        ),
        (
            "update_stack",
            with("update_stack", json!({ "inputs": { "serverCount": 0 } })),
            "invalid_input",
        ),
        ("plan_stack", with("plan_stack", json!({})), "terraform_missing"),
        ("apply_plan", with("apply_plan", json!({})), "terraform_missing"),
        (
            "create_application",
            json!({ "organizationId": id, "request": application_request("shop", &things.server.to_string()) }),
            "already_exists",
        ),
        ("update_application", with("update_application", json!({})), "wrong_state"),
        (
            "deploy_application",
            with("deploy_application", json!({ "image": "-v" })),
            "invalid_input",
        ),
        (
            "remove_application",
            with("remove_application", json!({ "confirmName": "web" })),
            "invalid_input",
        ),
        ("cancel_job", with("cancel_job", json!({})), "wrong_state"),
        ("undo_job", with("undo_job", json!({ "jobId": things.failed_job })), "wrong_state"),
        ("retry_job", with("retry_job", json!({ "jobId": things.deployment_job })), "wrong_state"),
    ];

    for (command, arguments, code) in cases {
        assert_eq!(window.refused(command, &arguments), code, "{command} with {arguments}");
    }
}

/// Ids of nothing that exists.
fn nothing() -> Things {
    use flightdeck_domain::id::{
        ApplicationId, CredentialId, JobId, OrganizationId, ReleaseId, RunId, ServerId, StackId,
    };
    Things {
        organization: OrganizationId::new(),
        ssh_key: CredentialId::new().to_string(),
        cloud: CredentialId::new().to_string(),
        server: ServerId::new(),
        stack: StackId::new(),
        plan: RunId::new(),
        application: ApplicationId::new(),
        release: ReleaseId::new(),
        failed_job: JobId::new(),
        deployment_job: JobId::new(),
    }
}

/// Puts `changes` over `base`, object by object.
fn merge(base: &mut Value, changes: Value) {
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(base.entry(name).or_insert(Value::Null), change);
            }
        }
        (base, changes) => *base = changes,
    }
}
