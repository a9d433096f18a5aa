use std::{net::TcpListener, time::Duration};

use flightdeck_app::port::terraform::{TerraformError, Work};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;

use crate::support::{Bench, processes_in};

fn has_network(ear: &crate::support::Ear) -> bool {
    ear.resources().contains(&"network".to_owned())
}

#[tokio::test]
async fn a_cancelled_apply_keeps_what_it_made() {
    let bench = Bench::new();
    let running = bench.start_slow("slow", json!({})).await;
    bench.until("the first state", has_network).await;

    bench.stop.send_replace(true);
    let outcome = running.await.expect("no panic").expect("an outcome");

    assert!(outcome.stopped && !outcome.success);
    assert_eq!(bench.ear.rungs().first(), Some(&"SIGINT"));
    assert_eq!(bench.ear.resources(), ["network", "server"], "the last state is handed over");
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_stop_before_the_start_starts_nothing() {
    let bench = Bench::new();
    bench.stop.send_replace(true);

    let outcome = bench.plan("basic", json!({ "name": "web" })).await;

    assert!(outcome.stopped && !outcome.success);
    assert!(bench.ear.events().is_empty());
    assert!(bench.is_clean());
}

/// A server that takes requests and answers none: its backlog is never read.
fn silent_server() -> (TcpListener, String) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/state", server.local_addr().expect("an address"));
    (server, address)
}

#[tokio::test]
async fn an_apply_that_waits_for_a_silent_server_ends_at_the_second_request() {
    let (_server, address) = silent_server();
    let bench = Bench::new();
    let running = bench.start_slow("frozen", json!({ "address": address })).await;
    bench.until("the first state", has_network).await;

    bench.stop.send_replace(true);
    let outcome = running.await.expect("no panic").expect("an outcome");

    assert!(outcome.stopped && !outcome.success);
    assert_eq!(bench.ear.rungs(), ["SIGINT", "SIGINT"]);
    assert_eq!(bench.ear.resources(), ["network"]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn an_apply_that_hears_no_signal_is_killed_and_its_state_survives() {
    let bench = Bench::new();
    let running = bench.start_slow("slow", json!({})).await;
    bench.until("the first state", has_network).await;
    let terraform = processes_in(bench.terraform.root())
        .into_iter()
        .find(|process| process.runs("-backup=-"))
        .expect("Terraform runs");

    kill(Pid::from_raw(terraform.pid), Signal::SIGSTOP).expect("frozen");
    bench.stop.send_replace(true);
    let outcome = running.await.expect("no panic").expect("an outcome");

    assert!(outcome.stopped && !outcome.success);
    assert_eq!(bench.ear.rungs(), ["SIGINT", "SIGINT", "plugins", "SIGKILL"]);
    assert_eq!(bench.ear.resources(), ["network"]);
    let reason = outcome.diagnostics.last().expect("a reason");
    assert_eq!(reason.summary, "terraform apply was ended by signal 9");
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_frozen_provider_is_killed_so_that_the_run_can_save() {
    let bench = Bench::new().with_binary("frozen-plugin");
    let request = bench.request("basic", json!({}), Work::Plan { destroy: false }).await;
    let (terraform, ear, stop) =
        (bench.terraform.clone(), bench.ear.clone(), bench.stop.subscribe());
    let running = tokio::spawn(async move {
        flightdeck_app::port::terraform::Terraform::run(&terraform, request, ear, stop).await
    });
    bench.until("the plan", |ear| ear.events().len() >= 2).await;

    bench.stop.send_replace(true);
    let outcome = running.await.expect("no panic").expect("an outcome");

    assert_eq!(bench.ear.rungs(), ["SIGINT", "SIGINT", "plugins"]);
    assert!(outcome.success, "it ended by itself once the provider was gone");
    assert_eq!(outcome.plan.expect("a plan").expose(), b"saved\n");
    assert!(bench.ear.lines().contains(&"the provider is gone".to_owned()));
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_is_stopped() {
    let bench = Bench::new();
    let running = bench.start_slow("slow", json!({})).await;
    bench.until("the first state", has_network).await;

    running.abort();

    let root = bench.terraform.root().to_owned();
    bench
        .until("a clean root", move |_| {
            std::fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_none())
        })
        .await;
    assert_eq!(bench.ear.rungs().first(), Some(&"SIGINT"));
}

#[tokio::test]
async fn a_late_apply_is_stopped_and_its_state_survives() {
    let mut bench = Bench::new();
    bench.deadlines.apply = Duration::from_secs(1);

    let running = bench.start_slow("slow", json!({})).await;
    let error = running.await.expect("no panic").expect_err("it is late");

    assert!(matches!(error, TerraformError::Deadline { stage: "apply", .. }), "{error}");
    assert_eq!(bench.ear.resources(), ["network", "server"]);
    assert!(bench.is_clean());
}
