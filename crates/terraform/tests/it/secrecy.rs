use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::support::{Bench, processes_in};

const CANARY: &str = "canary-7f3a91c2d84e";

#[tokio::test]
async fn a_sensitive_value_is_in_the_outputs_and_in_no_event() {
    let bench = Bench::new();
    let variables = json!({ "canary": CANARY });
    let planned = bench.plan("sensitive", variables.clone()).await;

    let outcome = bench.apply("sensitive", variables, planned).await;

    assert!(outcome.success, "{:?}", outcome.diagnostics);
    assert_eq!(outcome.outputs.expect("outputs")["secret"], CANARY);
    assert!(!format!("{:?}", bench.ear.events()).contains(CANARY));
    assert!(!format!("{:?}", outcome.diagnostics).contains(CANARY));
}

#[tokio::test]
async fn a_credential_that_a_script_prints_is_masked() {
    let mut bench = Bench::new();
    bench.credentials.push(("HCLOUD_TOKEN".into(), CANARY.into()));
    let planned = bench.plan("environment", json!({})).await;

    bench.apply("environment", json!({}), planned).await;

    let lines = bench.ear.lines();
    assert!(lines.iter().any(|line| line.ends_with("HCLOUD_TOKEN=(secret)")), "{lines:#?}");
    assert!(!format!("{:?}", bench.ear.events()).contains(CANARY));
}

#[tokio::test]
async fn a_child_knows_only_what_it_needs() {
    let bench = Bench::new();
    let planned = bench.plan("environment", json!({})).await;

    bench.apply("environment", json!({}), planned).await;

    let lines = bench.ear.lines();
    let said = |text: &str| lines.iter().any(|line| line.contains(text));
    assert!(said("LANG=C.UTF-8") && said("TF_IN_AUTOMATION=1") && said("CHECKPOINT_DISABLE=1"));
    let runs = bench.terraform.root().display();
    assert!(said(&format!("HOME={runs}")) && said(&format!("TMPDIR={runs}")));
    assert!(!said("CARGO_MANIFEST_DIR"), "our own environment stays ours");
    assert!(said("(local-exec): 0077"), "{lines:#?}");
    assert!(said("-rw------- "), "what the child makes is private as well");
}

#[tokio::test]
async fn a_credential_is_in_no_file_and_no_argument_while_terraform_runs() {
    let mut bench = Bench::new();
    bench.credentials.push(("HCLOUD_TOKEN".into(), CANARY.into()));
    let running = bench.start_slow("slow", json!({})).await;
    bench.until("the first state", |ear| !ear.resources().is_empty()).await;

    let files = files_below(bench.terraform.root());
    let processes = processes_in(bench.terraform.root());

    assert!(files.iter().any(|file| file.ends_with("apply.out")), "{files:#?}");
    for file in &files {
        let content = fs::read(file).unwrap_or_default();
        assert!(!contains(&content, CANARY), "{} holds the credential", file.display());
    }
    assert!(processes.iter().any(|process| process.runs("-backup=-")), "Terraform was looked at");
    assert!(!processes.iter().any(|process| process.runs(CANARY)));
    bench.stop.send_replace(true);
    running.await.expect("no panic").expect("an outcome");
}

#[tokio::test]
async fn a_run_directory_is_closed_to_others() {
    let bench = Bench::new();
    let running = bench.start_slow("slow", json!({})).await;
    bench.until("the first state", |ear| !ear.resources().is_empty()).await;

    let root = bench.terraform.root().to_owned();
    let run = fs::read_dir(&root).expect("readable").flatten().next().expect("a run").path();

    assert_eq!(mode(&root), 0o700);
    for folder in [run.clone(), run.join("module"), run.join("home"), run.join("tmp")] {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
    for file in files_below(&run) {
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
    for file in ["module/terraform.tfstate", "plan.bin", "apply.out", "marker.json"] {
        assert_eq!(mode(&run.join(file)), 0o600, "{file}");
    }
    bench.stop.send_replace(true);
    running.await.expect("no panic").expect("an outcome");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn contains(content: &[u8], text: &str) -> bool {
    content.windows(text.len()).any(|window| window == text.as_bytes())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
