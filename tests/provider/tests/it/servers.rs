//! The hook that turns a created server into a real one.
//!
//! The fleet's script is played by one that writes down how it was called: the
//! subject is what the provider asks for and remembers. Real servers come up in
//! `tests/e2e`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use terraform_provider_fleet::config::FleetConfig;

use crate::stage::Stage;

/// Writes a script that notes each call, then does `more`.
fn fleet(stage: &Stage, more: &str) -> PathBuf {
    let script = stage.run_folder().join("fleet.sh");
    let calls = stage.run_folder().join("calls");
    let text = format!("#!/bin/sh\necho \"$@\" >> {}\n{more}\n", calls.display());
    fs::write(&script, text).expect("a script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it can be run");
    let config = FleetConfig { script, base_index: 3, env: std::collections::BTreeMap::default() };
    stage.mirror.edit(|own| own.fleet = Some(config)).expect("the fleet is set");
    calls
}

fn addresses(stage: &Stage) -> Vec<Value> {
    let output = stage.terraform(&["output", "-json", "servers"]).succeeds();
    let servers: Vec<Value> = serde_json::from_str(&output.text).expect("the output is JSON");
    let mut addresses: Vec<_> = servers.iter().map(|own| own["public_ipv4"].clone()).collect();
    addresses.sort_by_key(ToString::to_string);
    addresses
}

#[test]
fn each_server_is_booted_at_its_own_address_with_the_operators_key() {
    let stage = Stage::ready();
    let calls = fleet(&stage, "[ \"$1\" != boot ] || grep -q ' operator$' \"$4\"");
    stage.set(&json!({ "server_count": 2 }));

    stage.apply().succeeds();

    assert_eq!(addresses(&stage), ["10.77.0.13", "10.77.0.14"], "counted from the base index");
    let calls = fs::read_to_string(calls).expect("the calls");
    assert_eq!(calls.lines().filter(|line| *line == "net").count(), 2, "the network comes first");
    for name in ["boot web-1 ", "boot web-2 "] {
        assert!(calls.contains(name), "the server has the name of the stack:\n{calls}");
    }
}

#[test]
fn a_destroyed_server_gives_its_index_back() {
    let stage = Stage::ready();
    let calls = fleet(&stage, "");
    stage.apply().succeeds();

    stage.destroy().succeeds();

    let calls = fs::read_to_string(calls).expect("the calls");
    assert!(calls.ends_with("destroy 3\n"), "the server is destroyed:\n{calls}");
    assert_eq!(stage.mirror.fleet_servers().expect("the notes").len(), 0, "no note is left");
}

#[test]
fn a_server_that_does_not_boot_is_kept_and_its_index_is_known() {
    let stage = Stage::ready();
    fleet(&stage, "[ \"$1\" != boot ] || { echo no such base; exit 3; }");

    let apply = stage.apply().fails();

    assert!(apply.unwrapped().contains("no such base"), "the script's reason: {}", apply.text);
    let noted = stage.mirror.fleet_servers().expect("the notes");
    assert_eq!(noted.len(), 1, "the index was written down before the boot");
    assert_eq!(noted[0].index, 3);
    stage.destroy().succeeds();
    assert_eq!(stage.mirror.fleet_servers().expect("the notes").len(), 0, "and is free again");
}
