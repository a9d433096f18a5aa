//! From nothing to servers and back.

use serde_json::{Value, json};

use crate::stage::Stage;

#[test]
fn a_stack_is_planned_applied_unchanged_and_destroyed() {
    let stage = Stage::ready();
    stage.set(&json!({ "server_count": 2, "disk_gb": 10, "tags": { "run": "r-1" } }));

    let plan = stage.terraform(&["plan", "-input=false", "-out=plan"]).succeeds();
    assert!(plan.text.contains("Plan: 12 to add"), "the plan names each object:\n{}", plan.text);
    assert_eq!(stage.cloud(), [], "a plan makes nothing");

    stage.terraform(&["apply", "-input=false", "plan"]).succeeds();
    assert_eq!(stage.count("hcloud_server"), 2, "each server is an object of the cloud");

    let again = stage.terraform(&["plan", "-input=false", "-detailed-exitcode"]);
    assert_eq!(again.code, Some(0), "a second plan has nothing to do:\n{}", again.text);

    stage.destroy().succeeds();
    assert_eq!(stage.cloud(), [], "a destroyed stack leaves nothing behind");
}

#[test]
fn the_output_has_what_the_application_registers() {
    let stage = Stage::ready();

    stage.apply().succeeds();

    let output = stage.terraform(&["output", "-json", "servers"]).succeeds();
    let servers: Value = serde_json::from_str(&output.text).expect("the output is JSON");
    let server = &servers[0];
    assert_eq!(server["name"], "web-1");
    assert_eq!(server["ssh_user"], "root");
    assert_eq!(server["private_ipv4"], "10.0.0.10");
    for field in ["id", "public_ipv4", "public_ipv6"] {
        let value = server[field].as_str().unwrap_or_default();
        assert!(!value.is_empty(), "`{field}` is chosen by the cloud and known after the apply");
    }
}

#[test]
fn a_change_in_the_cloud_is_drift() {
    let stage = Stage::ready();
    stage.apply().succeeds();

    let cloud = stage.mirror.cloud().expect("a cloud");
    let mut server = cloud.all("hcloud_server").expect("servers").remove(0);
    server.set("server_type", terraform_provider_fleet::value::Value::Text("cx33".to_owned()));
    cloud.save("hcloud_server", &server).expect("the server is edited behind Terraform's back");

    let plan = stage.terraform(&["plan", "-input=false", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(2), "the plan wants the old size back:\n{}", plan.text);
}

#[test]
fn a_lost_server_is_made_again() {
    let stage = Stage::ready();
    stage.apply().succeeds();

    let cloud = stage.mirror.cloud().expect("a cloud");
    let server = cloud.all("hcloud_server").expect("servers").remove(0);
    cloud.remove("hcloud_server", &server.id()).expect("the server is lost");

    stage.apply().succeeds();
    assert_eq!(stage.count("hcloud_server"), 1, "the lost server is replaced");
}

#[test]
fn another_image_replaces_the_server_and_another_size_does_not() {
    let stage = Stage::ready();
    stage.apply().succeeds();

    stage.set(&json!({ "size": "cx33" }));
    let resized = stage.terraform(&["plan", "-input=false"]).succeeds();
    assert!(resized.text.contains("0 to add, 1 to change, 0 to destroy"), "{}", resized.text);

    stage.set(&json!({ "image": "debian-12" }));
    let replaced = stage.terraform(&["plan", "-input=false"]).succeeds();
    assert!(replaced.text.contains("must be replaced"), "{}", replaced.text);
}

#[test]
fn another_key_leaves_the_server_alone() {
    let stage = Stage::ready();
    stage.apply().succeeds();

    let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcU9zsV1wMAb0WWkvKc6dVnWZ0D4dB8uSgH2T4dS2hK two";
    stage.set(&json!({ "ssh_public_keys": [key] }));

    let plan = stage.terraform(&["plan", "-input=false"]).succeeds();
    assert!(plan.text.contains("1 to add, 0 to change, 1 to destroy"), "{}", plan.text);
    assert!(!plan.text.contains("# hcloud_server.this"), "no server changes:\n{}", plan.text);
}

#[test]
fn an_object_is_imported_by_its_id() {
    let stage = Stage::ready();
    stage.apply().succeeds();
    let address = "hcloud_network.this";
    let network = stage.mirror.cloud().expect("a cloud").all("hcloud_network").expect("networks");
    stage.terraform(&["state", "rm", address]).succeeds();

    stage.terraform(&["import", "-input=false", address, &network[0].id()]).succeeds();

    let plan = stage.terraform(&["plan", "-input=false", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "an imported object is as it was made:\n{}", plan.text);
}
