//! What the cloud refuses, and what is left of a run that failed.

use serde_json::json;
use terraform_provider_fleet::config::{Fault, Moment};

use crate::stage::{Stage, TOKEN};

fn fault(kind: &str, op: &str, name: Option<&str>, when: Moment) -> Fault {
    Fault {
        kind: kind.to_owned(),
        op: op.to_owned(),
        name: name.map(str::to_owned),
        message: "server limit reached (resource_limit_exceeded)".to_owned(),
        when,
    }
}

#[test]
fn a_wrong_token_is_refused_in_the_clouds_words() {
    let stage = Stage::ready();

    let plan = stage.terraform_with_token("another-token", &["plan", "-input=false"]).fails();

    let said = plan.unwrapped();
    assert!(said.contains("unable to authenticate (unauthorized)"), "{said}");
    assert!(said.contains("Status code: 401"), "{said}");
    assert!(!said.contains(TOKEN) && !said.contains("another-token"), "no token is ever printed");
}

#[test]
fn a_missing_token_is_named() {
    let stage = Stage::ready();

    let plan = stage.terraform_with_token("", &["plan", "-input=false"]).fails();

    assert!(plan.unwrapped().contains("HCLOUD_TOKEN"), "{}", plan.text);
}

#[test]
fn a_region_that_does_not_exist_is_refused_before_anything_is_made() {
    let stage = Stage::ready();
    stage.set(&json!({ "region": "moon1" }));

    let apply = stage.apply().fails();

    let said = apply.unwrapped();
    assert!(said.contains("Resource (location) was not found: name=moon1"), "{said}");
    assert_eq!(stage.cloud(), [], "the region is looked up while the plan is made");
}

#[test]
fn a_region_can_be_closed() {
    let stage = Stage::ready();
    let open = Some(vec!["fsn1".to_owned()]);
    stage.mirror.edit(|config| config.regions = open).expect("the settings are changed");

    let apply = stage.apply().fails();

    assert!(apply.unwrapped().contains("was not found: name=nbg1"), "{}", apply.text);
}

#[test]
fn a_size_and_an_image_that_do_not_exist_are_refused() {
    let stage = Stage::ready();

    stage.set(&json!({ "size": "cx999" }));
    let size = stage.apply().fails();
    assert!(size.unwrapped().contains("server type 'cx999' not found"), "{}", size.text);

    stage.set(&json!({ "image": "ubuntu-99.04" }));
    let image = stage.apply().fails();
    assert!(image.unwrapped().contains("image 'ubuntu-99.04' not found"), "{}", image.text);
}

#[test]
fn a_second_stack_with_the_same_name_clashes_as_in_a_real_project() {
    let stage = Stage::ready();
    stage.apply().succeeds();
    std::fs::remove_file(stage.run_folder().join("terraform.tfstate")).expect("a lost state");

    let apply = stage.apply().fails();

    assert!(apply.text.contains("uniqueness_error"), "{}", apply.text);
}

#[test]
fn a_failed_apply_keeps_what_was_made_and_can_be_finished() {
    let stage = Stage::ready();
    stage.set(&json!({ "server_count": 2 }));
    let refused = fault("hcloud_server", "create", Some("web-2"), Moment::Before);
    stage.mirror.edit(|config| config.fail = vec![refused]).expect("a fault is set");

    let apply = stage.apply().fails();
    assert!(apply.unwrapped().contains("server limit reached (resource_limit_exceeded)"));
    assert_eq!(stage.count("hcloud_server"), 1, "one server was made before the limit");
    assert_eq!(stage.state().len(), stage.cloud().len(), "all that was made is in the state");

    stage.mirror.edit(|config| config.fail.clear()).expect("the fault is gone");
    stage.apply().succeeds();
    assert_eq!(stage.count("hcloud_server"), 2, "a second apply makes what was missing");
    stage.destroy().succeeds();
    assert_eq!(stage.cloud(), [], "nothing is orphaned");
}

#[test]
fn an_object_whose_answer_was_lost_is_kept_as_tainted() {
    let stage = Stage::ready();
    let lost = fault("hcloud_server", "create", None, Moment::After);
    stage.mirror.edit(|config| config.fail = vec![lost]).expect("a fault is set");

    stage.apply().fails();

    let shown = stage.terraform(&["state", "show", "hcloud_server.this[\"web-1\"]"]).succeeds();
    assert!(shown.text.contains("(tainted)"), "{}", shown.text);
    stage.mirror.edit(|config| config.fail.clear()).expect("the fault is gone");
    stage.destroy().succeeds();
    assert_eq!(stage.cloud(), [], "a tainted server is destroyed with the rest");
}

#[test]
fn a_failed_destroy_keeps_the_object_in_the_state() {
    let stage = Stage::ready();
    stage.apply().succeeds();
    let stuck = fault("hcloud_network", "delete", None, Moment::Before);
    stage.mirror.edit(|config| config.fail = vec![stuck]).expect("a fault is set");

    stage.destroy().fails();

    assert_eq!(stage.state(), ["hcloud_network.this"], "only what still exists is in the state");
}
