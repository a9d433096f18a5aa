use insta::{Settings, assert_json_snapshot, assert_snapshot};
use serde_json::Value;

use crate::support::Desk;

/// Replaces what differs between two runs: ids, times, keys.
fn redacted(document: &Value) -> Value {
    match document {
        Value::String(text) => Value::String(redacted_text(text)),
        Value::Array(items) => items.iter().map(redacted).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), redacted(value))).collect()
        }
        other => other.clone(),
    }
}

fn redacted_text(text: &str) -> String {
    if text.starts_with("ssh-ed25519 ") {
        return "[public key]".to_owned();
    }
    if text.starts_with("SHA256:") {
        return "[fingerprint]".to_owned();
    }
    if text.len() > 19 && text.starts_with("20") && text.ends_with('Z') {
        return "[time]".to_owned();
    }
    match text.split_once('_') {
        Some((kind, rest)) if kind.len() == 3 && rest.len() == 32 => format!("[{kind} id]"),
        _ => text.to_owned(),
    }
}

#[test]
fn an_organization_as_a_script_sees_it() {
    let desk = Desk::set_up();

    let list = desk.call(&["org", "list", "--json"]).json();

    assert_json_snapshot!(redacted(&list), @r##"
    [
      {
        "archived_at": null,
        "color": "#2563eb",
        "created_at": "[time]",
        "id": "[org id]",
        "kind": "top_branch",
        "level": 0,
        "name": "Acme Hosting",
        "parent_id": null,
        "role": "owner",
        "slug": "acme-hosting"
      }
    ]
    "##);
}

#[test]
fn credentials_as_a_script_sees_them_hold_no_secret() {
    let desk = Desk::set_up();
    desk.with_key();
    desk.with_token();

    let list = desk.call(&["credential", "list", "--json"]).json();

    assert_json_snapshot!(redacted(&list), @r#"
    [
      {
        "created_at": "[time]",
        "fingerprint": "7890",
        "id": "[crd id]",
        "last_used_at": null,
        "name": "cloud",
        "provider": "hetzner",
        "public_fields": {},
        "status": {
          "state": "untested"
        }
      },
      {
        "created_at": "[time]",
        "fingerprint": "[fingerprint]",
        "id": "[crd id]",
        "last_used_at": null,
        "name": "fleet",
        "provider": "ssh_key",
        "public_fields": {
          "public_key": "[public key]"
        },
        "status": {
          "state": "untested"
        }
      }
    ]
    "#);
}

#[test]
fn a_stack_is_defined_shown_changed_and_deleted() {
    let desk = Desk::set_up();
    desk.with_key();
    desk.with_token();
    desk.with_stack();

    let shown = desk.call(&["stack", "show", "web", "--json"]).json();
    assert_json_snapshot!(redacted(&shown), @r#"
    {
      "runs": [],
      "stack": {
        "created_at": "[time]",
        "credential_id": "[crd id]",
        "id": "[stk id]",
        "inputs": {
          "image": "debian-12",
          "region": "fsn1",
          "server_count": 1,
          "size": "cx22"
        },
        "latest_run": null,
        "module": "hetzner",
        "name": "web",
        "servers": [],
        "ssh_credential_id": "[crd id]",
        "status": "pending"
      },
      "state_versions": []
    }
    "#);

    let changed = desk.call(&["stack", "update", "web", "--count", "3", "--json"]).json();
    assert_eq!(changed["inputs"]["server_count"], 3);
    assert_eq!(changed["inputs"]["region"], "fsn1", "what was not named stays");

    desk.call(&["stack", "delete", "web", "--yes"]).text();
    let list = desk.call(&["stack", "list"]);
    assert_eq!(list.text(), "there is no stack; `flightdeck stack create` defines one\n");
}

#[test]
fn an_application_is_defined_and_changed_field_by_field() {
    let desk = Desk::set_up();
    desk.with_key();
    desk.register_dead_server();

    desk.call(&[
        "app",
        "create",
        "shop",
        "--image",
        "registry.test/shop",
        "--server",
        "s1",
        "--port",
        "8080",
        "--env",
        "MODE=live",
        "--health-path",
        "/up",
    ])
    .text();
    let changed =
        desk.call(&["app", "update", "shop", "--domain", "shop.example.org", "--json"]).json();

    assert_json_snapshot!(redacted(&changed), @r#"
    {
      "configuration": {
        "environment": {
          "MODE": "live"
        },
        "health_check": {
          "failure_threshold": 3,
          "interval_seconds": 10,
          "path": "/up",
          "start_period_seconds": 30,
          "success_threshold": 1,
          "timeout_seconds": 5
        },
        "port": 8080,
        "stop_grace_seconds": 10
      },
      "created_at": "[time]",
      "current_release_id": null,
      "domain": "shop.example.org",
      "id": "[app id]",
      "image": "registry.test/shop",
      "name": "shop",
      "registry_credential_id": null,
      "servers": [
        "[srv id]"
      ]
    }
    "#);
}

#[test]
fn a_table_is_aligned_and_has_no_colour_in_a_pipe() {
    let desk = Desk::set_up();
    desk.with_key();
    desk.register_dead_server();

    let list = desk.call(&["server", "list"]);

    let mut settings = Settings::clone_current();
    settings.set_omit_expression(true);
    settings.bind(|| {
        assert_snapshot!(list.text(), @r"
        NAME  ADDRESS           STATUS  CPU  MEMORY  DISK  SEEN  APPLICATIONS
        s1    root@127.0.0.1:1  failed  -    -       -     -
        ");
    });
}

#[test]
fn a_setting_is_changed_by_its_name() {
    let desk = Desk::set_up();

    let changed = desk.call(&["settings", "set", "sample_interval_seconds", "5", "--json"]).json();

    assert_eq!(changed["sample_interval_seconds"], 5);
    let shown = desk.call(&["settings", "show", "--json"]).json();
    assert_eq!(shown["sample_interval_seconds"], 5);
}

#[test]
fn the_doctor_says_what_is_missing_and_what_to_do() {
    let desk = Desk::set_up();

    let findings = desk.call(&["doctor", "--json"]).json();

    let terraform = &findings[2];
    assert_eq!(terraform["fine"], false);
    assert!(terraform["detail"].to_string().contains("/nowhere/terraform"), "{terraform}");
    assert!(terraform["hint"].is_string(), "{terraform}");
}
