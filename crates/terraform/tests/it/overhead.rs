use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Bench, fixture};

const ROUNDS: u32 = 6;

#[expect(clippy::disallowed_methods, reason = "a person at a shell takes no precautions")]
fn by_hand(folder: &Path, arguments: &[&str]) {
    let status = Command::new("terraform")
        .args(arguments)
        .env("CHECKPOINT_DISABLE", "1")
        .env_remove("TF_CLI_CONFIG_FILE")
        .current_dir(folder)
        .stdout(Stdio::null())
        .status()
        .expect("started");
    assert!(status.success());
}

/// Other work shares the machine, so each side is judged by its best round.
#[tokio::test]
async fn a_run_takes_hardly_longer_than_the_commands_by_hand() {
    let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let bench = Bench::new().located().await;
        let folder = TempDir::new_in(bench.root()).expect("a directory");
        let module = fixture("modules/environment/main.tf");
        std::fs::copy(module, folder.path().join("main.tf")).expect("copied");
        let begun = Instant::now();
        by_hand(folder.path(), &["init", "-json", "-input=false"]);
        by_hand(folder.path(), &["plan", "-json", "-out=plan"]);
        by_hand(folder.path(), &["init", "-json", "-input=false"]);
        by_hand(folder.path(), &["apply", "-json", "plan"]);
        by_hand(folder.path(), &["output", "-json"]);
        theirs = theirs.min(begun.elapsed());

        let begun = Instant::now();
        let planned = bench.plan("environment", json!({})).await;
        bench.apply("environment", json!({}), planned).await;
        ours = ours.min(begun.elapsed());

        if ours < theirs.mul_f64(1.05) {
            return;
        }
    }

    panic!("{ours:?} for what takes {theirs:?} by hand");
}
