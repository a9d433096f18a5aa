use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use flightdeck_app::port::terraform::Terraform;
use flightdeck_domain::id::RunId;
use flightdeck_terraform::TerraformCli;
use serde_json::Value;

use crate::support::{Bench, eventually, fixture};

/// Stands for the program that is killed; built with the tests.
fn example() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let built = test.ancestors().nth(2).expect("target/<profile>").join("examples/apply");
    assert!(built.is_file(), "`cargo build --examples` makes {}", built.display());
    built
}

#[expect(
    clippy::disallowed_methods,
    reason = "it stands for a whole program, not for a child of ours"
)]
fn start(bench: &Bench, kept: &Path, run_id: RunId) -> Child {
    Command::new(example())
        .arg(bench.terraform.root())
        .arg(fixture("modules/slow"))
        .arg(kept)
        .arg(run_id.to_string())
        .stdin(Stdio::null())
        .spawn()
        .expect("started")
}

fn serial(kept: &Path) -> Option<u64> {
    let state: Value = serde_json::from_slice(&fs::read(kept.join("state")).ok()?).ok()?;
    state["serial"].as_u64()
}

#[tokio::test]
async fn a_run_whose_program_is_killed_is_adopted_with_its_newest_state() {
    let bench = Bench::new();
    let kept = tempfile::tempdir().expect("a directory");
    let run_id = RunId::new();
    let mut program = start(&bench, kept.path(), run_id);
    eventually("the first state", || serial(kept.path()).is_some());

    let alive = bench.terraform.leftovers().await.expect("listed");
    assert!(alive.iter().all(|leftover| leftover.is_held), "its owner lives");
    program.kill().expect("killed");
    program.wait().expect("reaped");
    let leftover = bench.leftover().await;
    assert_eq!(leftover.run_id, run_id);
    // The one who adopts it has another environment, and so another root.
    let elsewhere = TerraformCli::new(bench.root().join("elsewhere"))
        .with_searched(vec![bench.terraform.root().to_owned()]);
    let was_ours = elsewhere.adopt(&leftover, bench.ear.clone()).await.expect("adopted");
    assert!(was_ours);
    let was_ours = bench.terraform.adopt(&leftover, bench.ear.clone()).await.expect("looked for");
    assert!(!was_ours, "another one was first");

    let before = serial(kept.path()).expect("a state");
    assert!(bench.ear.serials().iter().all(|serial| *serial > before), "older ones were kept");
    assert_eq!(bench.ear.resources(), ["network", "server"], "the one in flight is remembered");
    let lines = bench.ear.lines();
    let interrupts = lines.iter().filter(|line| line.contains("nterrupt")).count();
    assert_eq!(interrupts, 1, "a second one would cost the state: {lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("Terraform 1.")), "that was heard before");
    assert!(bench.ear.rungs().is_empty(), "its guard had asked it to stop");
    assert!(bench.is_clean());
    assert!(bench.terraform.leftovers().await.expect("listed").is_empty());
}

#[tokio::test]
async fn a_process_that_was_not_noted_any_more_is_waited_for() {
    let bench = Bench::new();
    let kept = tempfile::tempdir().expect("a directory");
    let run_id = RunId::new();
    let mut program = start(&bench, kept.path(), run_id);
    eventually("the first state", || serial(kept.path()).is_some());
    program.kill().expect("killed");
    program.wait().expect("reaped");
    let leftover = bench.leftover().await;
    let path = bench.terraform.root().join(run_id.to_string()).join("marker.json");
    let mut marker: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    marker["stage"] = Value::Null;
    fs::write(&path, marker.to_string()).expect("written");

    bench.terraform.adopt(&leftover, bench.ear.clone()).await.expect("adopted");

    assert_eq!(bench.ear.resources(), ["network", "server"]);
    assert!(bench.is_clean());
}

#[tokio::test]
async fn a_leftover_without_news_is_only_wiped() {
    let bench = Bench::new();
    let kept = tempfile::tempdir().expect("a directory");
    let run_id = RunId::new();
    let mut program = start(&bench, kept.path(), run_id);
    let apply = bench.terraform.root().join(run_id.to_string());
    eventually("the run directory", || apply.is_dir());

    program.kill().expect("killed");
    program.wait().expect("reaped");
    let leftover = bench.leftover().await;
    bench.terraform.adopt(&leftover, bench.ear.clone()).await.expect("adopted");

    assert!(bench.is_clean());
}
