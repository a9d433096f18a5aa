use flightdeck_app::port::terraform::{Event, TerraformError, Work};
use flightdeck_domain::stack::Action;
use serde_json::json;

use crate::support::{Bench, fixture, named};

fn actions(changes: &[flightdeck_domain::stack::PlannedChange]) -> Vec<(&str, Action)> {
    let mut actions: Vec<_> = changes.iter().map(|c| (c.address.as_str(), c.action)).collect();
    actions.sort_unstable();
    actions
}

#[tokio::test]
async fn a_plan_says_what_it_would_make_and_makes_nothing() {
    let bench = Bench::new();

    let outcome = bench.plan("basic", named("web")).await;

    assert!(outcome.success && !outcome.stopped);
    assert_eq!(
        actions(&outcome.changes),
        [
            ("terraform_data.network", Action::Create),
            ("terraform_data.server[0]", Action::Create),
            ("terraform_data.server[1]", Action::Create),
        ]
    );
    assert!(outcome.plan.is_some());
    assert!(bench.ear.serials().is_empty(), "a plan writes no state");
    let stages: Vec<Event> =
        bench.ear.events().into_iter().filter(|e| matches!(e, Event::Stage(_))).collect();
    assert_eq!(stages, [Event::Stage("init"), Event::Stage("plan")]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_replaced_resource_is_one_change() {
    let bench = Bench::new();
    let first = bench.plan("replaced", json!({ "trigger": "one" })).await;
    bench.apply("replaced", json!({ "trigger": "one" }), first).await;

    let second = bench.plan("replaced", json!({ "trigger": "two" })).await;

    assert_eq!(actions(&second.changes), [("terraform_data.server", Action::Replace)]);
}

#[tokio::test]
async fn a_changed_input_is_an_update() {
    let bench = Bench::new();
    let first = bench.plan("basic", named("web")).await;
    bench.apply("basic", named("web"), first).await;

    let second = bench.plan("basic", named("db")).await;

    assert_eq!(second.changes.len(), 3);
    assert!(second.changes.iter().all(|change| change.action == Action::Update));
    assert!(second.changes.iter().all(|change| change.resource_type == "terraform_data"));
}

#[tokio::test]
async fn a_module_that_is_wrong_fails_with_a_reason_and_leaves_nothing() {
    let bench = Bench::new();

    let outcome = bench.plan("basic", json!({})).await;

    assert!(!outcome.success && !outcome.stopped && outcome.plan.is_none());
    let complaint = outcome.diagnostics.iter().find(|d| d.is_error).expect("a reason");
    assert_eq!(complaint.summary, "No value for required variable");
    assert_eq!(complaint.place.as_deref(), Some("main.tf:1"));
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_backend_of_the_module_is_not_used() {
    let bench = Bench::new();

    let planned = bench.plan("legacy_backend", json!({})).await;
    let applied = bench.apply("legacy_backend", json!({}), planned).await;

    assert!(applied.success, "{:?}", applied.diagnostics);
    assert_eq!(bench.ear.resources(), ["network"]);
}

#[tokio::test]
async fn the_module_itself_is_not_written_to() {
    let bench = Bench::new();

    bench.plan("basic", named("web")).await;

    let entries = std::fs::read_dir(fixture("modules/basic")).expect("readable");
    assert_eq!(entries.count(), 1);
}

#[tokio::test]
async fn a_damaged_state_is_not_taken_for_an_empty_one() {
    let bench = Bench::new();
    let mut request = bench.request("basic", named("web"), Work::Plan { destroy: false }).await;
    request.state = Some(flightdeck_app::port::terraform::Sensitive::new(b"{\"version\":4".into()));

    let error = bench.run(request).await.expect_err("it has to be refused");

    assert!(matches!(error, TerraformError::Directory { .. }));
    assert!(bench.is_clean());
}
