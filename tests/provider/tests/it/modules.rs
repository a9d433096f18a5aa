//! Every module that ships: formatted, valid, tested, and pinned.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use terraform_provider_fleet::mirror::{HCLOUD_VERSION, Mirror};

use crate::stage::{Stage, copy_folder, repository, terraform_in};

fn modules() -> Vec<PathBuf> {
    let folders = fs::read_dir(repository().join("terraform-modules")).expect("the modules");
    let mut found: Vec<_> = folders.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.join("main.tf").is_file());
    assert!(!found.is_empty(), "there is at least one module");
    found
}

/// A copy that Terraform may write into.
fn copy_of(module: &Path) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let copy = folder.path().join(module.file_name().expect("a module has a name"));
    copy_folder(module, &copy);
    (folder, copy)
}

#[track_caller]
fn is_valid(mirror: &Mirror, folder: &Path) {
    terraform_in(mirror, folder, &["init", "-input=false", "-backend=false"]).succeeds();
    let said = terraform_in(mirror, folder, &["validate", "-json"]).succeeds();
    let report: Value = serde_json::from_str(&said.text).expect("a report in JSON");
    assert_eq!(report["error_count"], 0, "{}", said.text);
    assert_eq!(report["warning_count"], 0, "no deprecated argument is used: {}", said.text);
}

#[test]
fn every_module_is_formatted() {
    let stage = Stage::new();

    for module in modules() {
        terraform_in(&stage.mirror, &module, &["fmt", "-check", "-recursive", "-diff"]).succeeds();
    }
}

#[test]
fn every_module_and_every_example_is_valid_without_a_warning() {
    let stage = Stage::new();

    for module in modules() {
        let (_folder, copy) = copy_of(&module);
        is_valid(&stage.mirror, &copy);
        let examples = fs::read_dir(copy.join("examples")).expect("a module has examples");
        for example in examples.flatten() {
            is_valid(&stage.mirror, &example.path());
        }
    }
}

#[test]
fn a_deprecated_argument_would_be_noticed() {
    let stage = Stage::ready();
    let main = stage.run_folder().join("main.tf");
    let text = fs::read_to_string(&main).expect("the module");
    let aged = text.replace("  location     = var.region", "  datacenter   = var.region");
    assert_ne!(aged, text, "the server of the module has a location");
    fs::write(&main, aged).expect("the copy is changed");

    let said = stage.terraform(&["validate", "-json"]).succeeds();

    let report: Value = serde_json::from_str(&said.text).expect("a report in JSON");
    assert_eq!(report["warning_count"], 1, "{}", said.text);
    assert_eq!(report["diagnostics"][0]["summary"], "Argument is deprecated");
}

#[test]
fn every_module_passes_its_own_tests() {
    let stage = Stage::new();

    for module in modules() {
        let (_folder, copy) = copy_of(&module);
        terraform_in(&stage.mirror, &copy, &["init", "-input=false", "-backend=false"]).succeeds();
        let said = terraform_in(&stage.mirror, &copy, &["test"]).succeeds();
        assert!(said.text.contains(", 0 failed."), "{}", said.text);
        assert!(!said.text.contains("Success! 0 passed"), "a module has tests: {}", said.text);
    }
}

#[test]
fn the_module_pins_the_version_that_the_mirror_has() {
    let versions = repository().join("terraform-modules/hetzner/versions.tf");
    let text = fs::read_to_string(versions).expect("the module's versions");

    let pinned = text.lines().find_map(|line| line.trim().strip_prefix("version = "));

    assert_eq!(pinned, Some(format!("{HCLOUD_VERSION:?}").as_str()), "or nothing is installed");
}

#[test]
fn no_module_names_its_vendor() {
    for module in modules() {
        let (_folder, copy) = copy_of(&module);
        for file in
            [copy.join("main.tf"), copy.join("outputs.tf"), copy.join("templates/docker.yaml")]
        {
            let text = fs::read_to_string(&file).unwrap_or_default().to_lowercase();
            assert!(!text.contains("flightdeck"), "`{}` is white label", file.display());
        }
    }
}
