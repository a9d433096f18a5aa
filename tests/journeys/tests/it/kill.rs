//! Kill -9 in each phase: nothing is orphaned, lost, or running unknown.

use std::time::{Duration, Instant};

use flightdeck_fleet_journeys::{REGISTRY, World, cli::Cli, visit};
use serde_json::Value;

const INDEX: u16 = 32;
const ADDRESS: &str = "http://10.77.0.42/";

/// Runs `line`, kills it without a word once `reached` says so, and returns the job.
async fn kill_when(cli: &Cli, line: &str, reached: impl Fn(&Value) -> bool) -> Value {
    let before = cli.newest_job()["id"].clone();
    let mut victim = cli.start(line);
    let limit = Instant::now() + Duration::from_mins(1);
    loop {
        let job = cli.newest_job();
        if job["id"] != before && reached(&job) {
            victim.kill().unwrap();
            victim.wait().unwrap();
            let job = cli.newest_job();
            assert!(job["ended_at"].is_null(), "`{line}` ended before it was killed: {job}");
            return job;
        }
        assert!(Instant::now() < limit, "`{line}` never got there: {job}");
        assert!(victim.try_wait().unwrap().is_none(), "`{line}` ended early: {job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether the step whose name starts with `step` has begun. A short one may be over
/// when it is first seen; the job must still be at work then.
fn at(step: &'static str) -> impl Fn(&Value) -> bool {
    move |job| {
        job["steps"].as_array().is_some_and(|steps| {
            steps.iter().any(|record| {
                let name = record["name"].as_str().unwrap_or_default();
                let begun = record["status"] == "running" || record["status"] == "done";
                name.starts_with(step) && begun && job["ended_at"].is_null()
            })
        })
    }
}

/// The next process goes on with the job.
fn resume(cli: &Cli, job: &Value) {
    let id = job["id"].as_str().unwrap();
    let answer = cli.ask(&format!("job wait {id}"));
    assert_eq!(answer.code, 0, "{} {}", answer.document, answer.error);
}

/// One version serves, and every container on the server is one that we know.
fn assert_serves(world: &World, cli: &Cli, version: &str) {
    assert_eq!(visit(ADDRESS), (200, format!("hello {version}")));
    let shown = cli.succeed("app show hello");
    let current = shown["current_release"]["id"].as_str().unwrap().to_owned();
    let containers = world.containers(INDEX);
    let own: Vec<&String> =
        containers.iter().filter(|line| !line.starts_with("deploy-proxy")).collect();
    assert_eq!(own.len(), 1, "exactly one version runs: {containers:?}");
    assert!(own[0].contains(&current), "the running one is the current one: {containers:?}");
}

fn servers_in_the_cloud(world: &World) -> usize {
    world.cloud().iter().filter(|(kind, _)| kind == "hcloud_server").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_any_phase_orphans_and_loses_nothing() {
    let world = World::set_up(INDEX).await;
    let cli = Cli::new(&world);
    cli.set_up(&world);
    let delay = |what: &str, milliseconds: u64| {
        let what = what.to_owned();
        world
            .mirror
            .edit(|config| {
                config.delay_ms.insert(what, milliseconds);
            })
            .unwrap();
    };

    let job = kill_when(&cli, "stack plan web", at("plan")).await;
    resume(&cli, &job);
    assert!(world.cloud().is_empty(), "a plan changes nothing, however often it runs");

    // In the middle of the apply: the network stands, the server is being made.
    delay("hcloud_server.create", 2_500);
    let network = || world.cloud().iter().any(|(kind, _)| kind == "hcloud_network");
    let job = kill_when(&cli, "stack apply web --yes", |job| at("apply")(job) && network()).await;
    resume(&cli, &job);
    assert_eq!(servers_in_the_cloud(&world), 1, "no server was made twice: {:?}", world.cloud());
    let shown = cli.succeed("stack show web");
    let newest = &shown["state_versions"][0];
    let in_state = newest["resources"].as_u64().unwrap();
    assert_eq!(in_state, world.cloud().len() as u64, "state and cloud agree: {newest}");

    // While a server is registered and verified: by hand, on the same machine.
    let server = cli.succeed("server list")[0]["name"].as_str().unwrap().to_owned();
    let job = kill_when(&cli, &format!("server verify {server}"), at("verify")).await;
    resume(&cli, &job);
    assert_eq!(cli.succeed("server list")[0]["status"], "ready");

    cli.succeed(&format!(
        "app create hello --image {REGISTRY}/hello --server {server} --port 8080 \
         --health-path /health --health-interval 1 --health-start-period 5 --stop-grace 3"
    ));
    let deploy = |version: &str| format!("app deploy hello --image {REGISTRY}/hello:{version}");
    let job = kill_when(&cli, &deploy("v1"), at("start:")).await;
    resume(&cli, &job);
    assert_serves(&world, &cli, "v1");
    let job = kill_when(&cli, &deploy("v2"), at("switch:")).await;
    resume(&cli, &job);
    assert_serves(&world, &cli, "v2");
    let job = kill_when(&cli, "app roll-back hello", at("drain:")).await;
    resume(&cli, &job);
    assert_serves(&world, &cli, "v1");

    cli.succeed("app remove hello --confirm-name hello");
    delay("hcloud_server.delete", 2_000);
    let job =
        kill_when(&cli, "stack destroy web --yes --confirm-name web", |job| at("destroy")(job))
            .await;
    resume(&cli, &job);
    assert!(world.cloud().is_empty(), "nothing is left: {:?}", world.cloud());
    assert!(cli.succeed("server list").as_array().unwrap().is_empty());
}
