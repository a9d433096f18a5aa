use flightdeck_app::port::terraform::{Event, Terraform, TerraformError};
use flightdeck_domain::stack::Action;
use serde_json::json;

use crate::support::{Bench, named};

#[tokio::test]
async fn an_apply_hands_over_states_and_outputs() {
    let bench = Bench::new();
    let planned = bench.plan("basic", named("web")).await;

    let outcome = bench.apply("basic", named("web"), planned).await;

    assert!(outcome.success && !outcome.stopped);
    let servers = ["web-0 in web-network", "web-1 in web-network"];
    assert_eq!(outcome.outputs.expect("outputs")["servers"], json!(servers));
    assert_eq!(bench.ear.resources(), ["network", "server"]);
    assert!(bench.ear.serials().is_sorted_by(|a, b| a < b), "{:?}", bench.ear.serials());
    let done = |event: &Event| {
        matches!(event, Event::ResourceDone { action: Action::Create, resource_id: Some(_), .. })
    };
    assert_eq!(bench.ear.events().iter().filter(|event| done(event)).count(), 3);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_version_is_handed_over_while_the_apply_goes_on() {
    let bench = Bench::new();

    let running = bench.start_slow("slow", json!({})).await;
    bench.until("the first state", |ear| ear.resources().contains(&"network".to_owned())).await;

    assert!(!running.is_finished(), "the server takes two minutes");
    bench.stop.send_replace(true);
    running.await.expect("no panic").expect("an outcome");
    assert!(bench.ear.serials().len() >= 2, "{:?}", bench.ear.serials());
}

#[tokio::test]
async fn what_was_applied_needs_no_change_until_it_is_destroyed() {
    let bench = Bench::new();
    let planned = bench.plan("basic", named("web")).await;
    bench.apply("basic", named("web"), planned).await;

    let again = bench.plan("basic", named("web")).await;
    assert!(again.success);
    assert_eq!(again.changes, []);

    let destroy = bench.plan_destroy("basic", named("web")).await;
    assert_eq!(destroy.changes.len(), 3);
    assert!(destroy.changes.iter().all(|change| change.action == Action::Delete));

    let destroyed = bench.apply("basic", named("web"), destroy).await;
    assert!(destroyed.success);
    assert!(bench.ear.resources().is_empty());
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_failed_apply_keeps_what_it_made() {
    let bench = Bench::new();
    let planned = bench.plan("failing", json!({})).await;

    let outcome = bench.apply("failing", json!({}), planned).await;

    assert!(!outcome.success && !outcome.stopped && outcome.outputs.is_none());
    assert_eq!(bench.ear.resources(), ["network", "server"], "the failed one is tainted");
    let failed = |event: &Event| matches!(event, Event::ResourceFailed { address, .. } if address == "terraform_data.server");
    assert!(bench.ear.events().iter().any(failed));
    let complaint = outcome.diagnostics.iter().find(|d| d.is_error).expect("a reason");
    assert_eq!(complaint.summary, "local-exec provisioner error");
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_plan_of_an_older_state_is_stale() {
    let bench = Bench::new();
    let old = bench.plan("basic", named("web")).await;
    let newer = bench.plan("basic", named("web")).await;
    bench.apply("basic", named("web"), newer).await;

    let outcome = bench.apply("basic", named("web"), old).await;

    assert!(!outcome.success);
    assert!(outcome.diagnostics.iter().any(|d| d.summary == "Saved plan is stale"));
}

#[tokio::test]
async fn a_state_that_is_not_kept_stops_the_run_and_is_not_lost() {
    let bench = Bench::new();
    bench.ear.refuse();

    let running = bench.start_slow("slow", json!({})).await;
    let error = running.await.expect("no panic").expect_err("it has to stop");

    assert!(matches!(error, TerraformError::StateNotKept { .. }));
    assert_eq!(bench.ear.rungs().first(), Some(&"SIGINT"));
    let leftovers = bench.terraform.leftovers().await.expect("listed");
    assert_eq!(leftovers.len(), 1, "the directory holds the only copy");
    assert_eq!(leftovers[0].stack_id, bench.stack_id);

    let refused = bench.terraform.adopt(&leftovers[0], bench.ear.clone()).await;
    assert!(matches!(refused, Err(TerraformError::StateNotKept { .. })));
    bench.ear.accept();
    bench.terraform.adopt(&leftovers[0], bench.ear.clone()).await.expect("adopted");
    assert_eq!(bench.ear.resources(), ["network", "server"]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn runs_beside_each_other_do_not_disturb_each_other() {
    let bench = Bench::new();

    let (web, db, api) = tokio::join!(
        bench.plan("basic", named("web")),
        bench.plan("basic", named("db")),
        bench.plan("replaced", json!({ "trigger": "one" })),
    );

    assert!(web.success && db.success && api.success);
    assert!(bench.is_clean());
}
