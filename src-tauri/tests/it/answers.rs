//! Every command, asked well.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::PoisonError,
};

use flightdeck_desktop::ipc::REGISTRY;
use flightdeck_domain::id::OrganizationId;
use flightdeck_testkit::hetzner::HetznerApi;
use serde_json::{Value, json};
use tauri::async_runtime::block_on;

use crate::{
    things::{Things, application_request, server_request, settings, token},
    window::{PASSPHRASE, Window, text},
};

/// What only a server that lets us in can answer: `tests/journeys` asks those.
const ASKED_ELSEWHERE: &[&str] = &["accept_host_key", "get_container_log"];

/// A walk through all commands that remembers which it took.
struct Walk {
    window: Window,
    asked: BTreeSet<String>,
    organization: OrganizationId,
}

impl Walk {
    fn ask(&mut self, command: &str, arguments: &Value) -> Value {
        self.asked.insert(command.to_owned());
        self.window.ask(command, arguments)
    }

    /// Asks about the organization, and lets the job that this may start end.
    fn within(&mut self, command: &str, mut arguments: Value) -> Value {
        arguments["organizationId"] = json!(self.organization.to_string());
        let answer = self.ask(command, &arguments);
        self.window.settle(self.organization);
        answer
    }
}

#[test]
fn every_command_answers() {
    let window = Window::first_run();
    let cloud = block_on(HetznerApi::start(&token())).expect("a port is free");
    let status = window.ask("get_app_status", &json!({}));
    assert_eq!(status["vault"], "absent");
    assert_eq!(status["protection"], Value::Null);

    let organization = window.set_up();
    let mut walk = Walk { window, asked: BTreeSet::new(), organization };
    walk.asked.insert("set_up".to_owned());
    the_installation(&mut walk, &cloud.endpoint());
    let things = Things::put_into(&walk.window, organization);
    organizations(&mut walk);
    credentials(&mut walk);
    servers(&mut walk, &things);
    stacks(&mut walk, &things);
    applications(&mut walk, &things);
    jobs(&mut walk, &things);

    let registered: BTreeSet<&str> = REGISTRY.iter().map(|command| command.name).collect();
    let mut covered: BTreeSet<&str> = walk.asked.iter().map(String::as_str).collect();
    covered.extend(ASKED_ELSEWHERE);
    assert_eq!(covered, registered, "a command that nobody asks is a command that may not work");
    block_on(cloud.stop());
}

fn the_installation(walk: &mut Walk, endpoint: &str) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/terraform/tests/fixtures");
    let tofu: PathBuf = fixtures.join("bin/opentofu");
    let mut changed = settings();
    changed["theme"] = json!("dark");
    changed["terraformPath"] = json!(tofu);
    changed["hetznerEndpoint"] = json!(endpoint);

    assert_eq!(walk.ask("update_settings", &json!({ "settings": changed })), changed);
    assert_eq!(walk.ask("get_settings", &json!({})), changed);
    assert_eq!(
        walk.ask("find_terraform", &json!({})),
        json!({ "path": tofu, "product": "OpenTofu", "version": "1.9.1" })
    );
    walk.ask("lock_vault", &json!({}));
    assert_eq!(walk.ask("get_app_status", &json!({}))["vault"], "locked");
    walk.ask("unlock_vault", &json!({ "passphrase": PASSPHRASE }));
    let status = walk.ask("get_app_status", &json!({}));
    assert_eq!(status["vault"], "open");
    assert_eq!(status["protection"], "passphrase");
    assert_eq!(status["userName"], "Ada");
    assert!(Path::new(&text(&status["modulesDirectory"])).join("hetzner/main.tf").is_file());
}

fn organizations(walk: &mut Walk) {
    let request = json!({
        "name": "Müller GmbH", "kind": "sub_user",
        "parentId": walk.organization.to_string(), "color": null,
    });
    let client = walk.ask("create_organization", &json!({ "request": request }));
    assert_eq!(client["slug"], "mueller-gmbh");
    assert_eq!(client["role"], "owner");
    assert_eq!(client["level"], 1);

    let client_id = json!(client["id"]);
    let request = json!({ "name": "Müller", "color": "#123456" });
    let renamed = walk
        .ask("update_organization", &json!({ "organizationId": client_id, "request": request }));
    assert_eq!(renamed["color"], "#123456");
    assert!(
        renamed["permissions"].as_array().is_some_and(|all| all.contains(&json!("server:write")))
    );

    let css = walk.ask("get_stylesheet", &json!({ "organizationId": client_id }));
    assert!(text(&css).contains("#123456"), "{css}");

    let archived = walk.ask("archive_organization", &json!({ "organizationId": client_id }));
    assert!(archived["archivedAt"].is_string());
    let all = walk.ask("list_organizations", &json!({}));
    let names: Vec<&Value> = all.as_array().into_iter().flatten().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Acme", "Müller"], "parents come first");
}

fn credentials(walk: &mut Walk) {
    let forms = walk.ask("list_provider_forms", &json!({}));
    assert_eq!(forms[0]["fields"][0], json!({ "name": "token", "secret": true, "required": true }));

    let request =
        json!({ "name": "Second cloud", "provider": "hetzner", "fields": { "token": token() } });
    let cloud = walk.within("create_credential", json!({ "request": request }));
    assert_eq!(cloud["status"], json!({ "state": "untested" }));
    assert!(!cloud.to_string().contains(&token()), "a secret came back");

    let id = json!(cloud["id"]);
    let tested = walk.within("test_credential", json!({ "credentialId": id }));
    assert_eq!(tested["status"]["state"], "valid");
    let catalog = walk.within("get_catalog", json!({ "credentialId": id }));
    assert!(catalog["sizes"][0]["hourlyPrice"].is_object(), "{catalog}");
    assert!(catalog["regions"][0]["name"].is_string());

    let key = walk.within("generate_ssh_key", json!({ "name": "Spare key" }));
    assert!(text(&key["publicFields"]["public_key"]).starts_with("ssh-ed25519 "));
    assert_eq!(walk.within("delete_credential", json!({ "credentialId": id })), Value::Null);
    let left = walk.within("list_credentials", json!({}));
    assert!(left.as_array().is_some_and(|all| all.iter().all(|one| one["id"] != id)));
}

fn servers(walk: &mut Walk, things: &Things) {
    let port = closed_port();
    let mut request = server_request("db-1", &things.ssh_key);
    request["port"] = json!(port);
    let registered = walk.within("register_server", json!({ "request": request }));
    assert_eq!(registered["server"]["status"], "pending");
    assert!(text(&registered["jobId"]).starts_with("job_"));
    let id = json!(registered["server"]["id"]);

    let renamed = server_request("db-2", &things.ssh_key);
    let updated = walk.within("update_server", json!({ "serverId": id, "request": renamed }));
    assert_eq!((&updated["name"], &updated["port"]), (&json!("db-2"), &json!(1)));
    let job = walk.within("verify_server", json!({ "serverId": id }));
    assert!(text(&job).starts_with("job_"));
    let all = walk.within("list_servers", json!({}));
    assert_eq!(all[0]["name"], "db-2");
    assert_eq!(all[0]["status"], "failed", "nothing listens there");
    assert_eq!(all[0]["checks"][0]["passed"], false);
    assert_eq!(all[1]["latest"]["cpuPercent"], 25.0);
    assert_eq!(all[1]["applications"], json!(["shop"]));
    assert_eq!(walk.within("remove_server", json!({ "serverId": id })), Value::Null);

    let asked = json!({ "serverId": things.server, "minutes": 60, "dark": true });
    let samples = walk.within("list_samples", asked.clone());
    assert_eq!(samples[0]["load1"], 0.5);
    assert_eq!(samples[0]["memoryTotal"], 4_294_967_296.0);
    let chart = walk.within("get_metrics_chart", asked);
    assert!(text(&chart).starts_with("<svg"), "{chart}");
}

fn stacks(walk: &mut Walk, things: &Things) {
    let all = walk.within("list_stacks", json!({}));
    assert_eq!(all[0]["latestRun"]["decided"], false);
    let on_the_stack = |more: Value| {
        let mut arguments = more;
        arguments["stackId"] = json!(things.stack);
        arguments
    };
    let detail = walk.within("get_stack", on_the_stack(json!({})));
    assert_eq!(detail["runs"][0]["operation"], "plan");
    assert_eq!(detail["stateVersions"], json!([]));

    let plan = json!({ "runId": things.plan, "confirmName": null });
    let applied = walk.within("apply_plan", on_the_stack(plan.clone()));
    assert!(text(&applied).starts_with("job_"));
    let planned = walk.within("plan_stack", on_the_stack(json!({ "destroy": false })));
    assert!(text(&planned).starts_with("job_"));

    let inputs =
        json!({ "region": "nbg1", "size": "cx32", "image": "debian-12", "serverCount": 3 });
    let updated = walk.within("update_stack", on_the_stack(json!({ "inputs": inputs })));
    assert_eq!(updated["inputs"], inputs);

    let mut request = things.arguments("create_stack", things.organization);
    request["request"]["name"] = json!("short-lived");
    let made = walk.within("create_stack", request);
    assert_eq!(made["status"], "pending");
    let other =
        Things { stack: text(&made["id"]).parse().expect("a stack has an id"), ..things.clone() };
    let waiting = other.another_plan(&walk.window);
    let on_the_other = json!({ "stackId": made["id"], "runId": waiting });
    let discarded = walk.within("discard_plan", on_the_other.clone());
    assert_eq!(discarded["latestRun"]["decided"], true);
    assert_eq!(walk.within("delete_stack", on_the_other), Value::Null);
}

fn applications(walk: &mut Walk, things: &Things) {
    let all = walk.within("list_applications", json!({}));
    assert_eq!(all[0]["currentRelease"]["number"], 2);
    let on_the_application = |more: Value| {
        let mut arguments = more;
        arguments["applicationId"] = json!(things.application);
        arguments
    };
    let detail = walk.within("get_application", on_the_application(json!({})));
    assert_eq!(detail["releases"][0]["number"], 2, "the newest comes first");

    walk.within("open_address", on_the_application(json!({ "serverId": things.server })));
    let opened = walk.window.opened.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(opened, ["http://shop.test/"]);

    let mut request = application_request("shop", &things.server.to_string());
    request["configuration"]["environment"] = json!({ "MODE": "live" });
    let updated =
        walk.within("update_application", on_the_application(json!({ "request": request })));
    assert_eq!(updated["configuration"]["environment"]["MODE"], "live");
    let deployed = walk.within(
        "deploy_application",
        on_the_application(json!({ "image": "registry.test/shop:3" })),
    );
    assert!(text(&deployed).starts_with("job_"));
    let back = walk.within(
        "roll_back_application",
        on_the_application(json!({ "releaseId": things.release })),
    );
    assert!(text(&back).starts_with("job_"));

    let request = application_request("blog", &things.server.to_string());
    let blog = walk.within("create_application", json!({ "request": request }));
    assert_eq!(blog["currentRelease"], Value::Null);
    let removal = json!({ "applicationId": blog["id"], "confirmName": "blog" });
    assert!(text(&walk.within("remove_application", removal)).starts_with("job_"));
}

fn jobs(walk: &mut Walk, things: &Things) {
    let all = walk.within("list_jobs", json!({}));
    let failed = all.as_array().into_iter().flatten();
    let failed: Vec<&Value> = failed.filter(|job| job["id"] == json!(things.failed_job)).collect();
    assert_eq!(failed[0]["status"], "failed");
    assert_eq!(failed[0]["failure"]["code"], "host_unreachable");
    assert_eq!(failed[0]["canUndo"], false);

    // Before the retry: that finds out that nothing listens where the server should be.
    walk.within("undo_job", json!({ "jobId": things.deployment_job }));

    let on_the_job = json!({ "jobId": things.failed_job, "after": 0 });
    let log = walk.within("list_job_log", on_the_job.clone());
    assert!(log.is_array());
    assert_eq!(walk.within("retry_job", on_the_job.clone()), Value::Null);
    assert_eq!(walk.within("dismiss_job", on_the_job), Value::Null);

    // A job that waits for another process, so that it is still there to be stopped.
    let waiting = things.job_of_another_process(&walk.window);
    assert_eq!(
        walk.ask(
            "cancel_job",
            &json!({
                "organizationId": things.organization, "jobId": waiting,
            })
        ),
        Value::Null
    );
}

/// A port that nothing listens on.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a listener has an address").port()
}
