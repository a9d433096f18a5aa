//! What the web view may call at all.

use std::{collections::BTreeSet, fs, path::Path};

use flightdeck_desktop::ipc::{Need, REGISTRY};
use serde_json::json;

use crate::window::Window;

const SETS: [&str; 3] = ["read", "operate", "vault"];

#[test]
fn every_command_stands_in_exactly_one_set() {
    let all: Vec<String> = SETS.into_iter().flat_map(granted_by).collect();
    let named: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    let registered: BTreeSet<&str> = REGISTRY.iter().map(|command| command.name).collect();

    assert_eq!(named, registered);
    assert_eq!(all.len(), named.len(), "a command stands in two sets");
}

#[test]
fn what_only_looks_needs_only_a_permission_to_look() {
    let read = granted_by("read");

    for command in REGISTRY.iter().filter(|command| read.iter().any(|name| name == command.name)) {
        if let Need::Permission(permission) = command.need {
            assert!(
                permission.as_str().ends_with(":read"),
                "`{}` takes {permission}",
                command.name
            );
        }
    }
}

#[test]
fn another_window_may_call_nothing() {
    let other = Window::without_a_core("report");

    for command in REGISTRY {
        let refused = other.call(command.name, &json!({}));

        let text = refused.expect_err("a window without a capability was answered").to_string();
        assert!(text.contains("not allowed"), "`{}`: {text}", command.name);
    }
}

#[test]
fn the_toolkits_own_commands_stay_out_of_reach() {
    let window = Window::without_a_core("main");

    for command in ["plugin:opener|open_url", "plugin:window|close", "plugin:event|emit"] {
        let refused = window.call(command, &json!({ "url": "https://example.test" }));

        assert!(refused.is_err(), "`{command}` was answered");
    }
}

/// The commands that a file of `src-tauri/permissions` allows.
fn granted_by(set: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src-tauri/permissions")
        .join(format!("{set}.toml"));
    let text = fs::read_to_string(&path).expect("the set exists");
    let list = text.split_once("commands.allow = [").expect("the set allows commands").1;
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}
