use std::path::PathBuf;

use flightdeck_app::port::terraform::{Terraform, TerraformError};
use flightdeck_terraform::TerraformCli;

use crate::support::fixture;

async fn locate(path: PathBuf) -> Result<(String, String), TerraformError> {
    let folder = tempfile::tempdir().expect("a directory");
    let binary = TerraformCli::new(folder.path()).locate(Some(path)).await?;
    Ok((binary.product, binary.version))
}

#[tokio::test]
async fn the_binary_in_the_path_tells_its_version() {
    let folder = tempfile::tempdir().expect("a directory");

    let binary = TerraformCli::new(folder.path()).locate(None).await.expect("a binary");

    assert!(binary.path.is_absolute());
    assert!(binary.version.starts_with("1."), "{}", binary.version);
}

#[tokio::test]
async fn a_set_path_that_holds_nothing_is_named() {
    let path = PathBuf::from("/nowhere/terraform");

    let error = locate(path.clone()).await.expect_err("there is nothing");

    assert!(matches!(&error, TerraformError::Missing { searched: Some(p) } if *p == path));
    assert!(error.to_string().contains("/nowhere/terraform"));
}

#[tokio::test]
async fn an_old_version_is_refused_with_its_number() {
    let error = locate(fixture("bin/too-old")).await.expect_err("it is too old");

    let TerraformError::TooOld { binary } = error else { panic!("{error}") };
    assert_eq!(binary.version, "1.3.9");
}

#[tokio::test]
async fn opentofu_is_told_from_terraform() {
    let found = locate(fixture("bin/opentofu")).await.expect("a binary");

    assert_eq!(found, ("OpenTofu".to_owned(), "1.9.1".to_owned()));
}

#[tokio::test]
async fn a_binary_that_fails_is_quoted() {
    let error = locate(fixture("bin/broken")).await.expect_err("it fails");

    let TerraformError::Broken { reason, .. } = error else { panic!("{error}") };
    assert_eq!(reason, "cannot execute: no such instruction");
}

#[tokio::test]
async fn another_program_is_not_taken_for_terraform() {
    let error = locate(fixture("bin/chatty")).await.expect_err("it is another program");

    assert!(matches!(error, TerraformError::Broken { .. }));
}

#[tokio::test]
async fn a_file_that_is_no_program_is_broken() {
    let error = locate(fixture("plan.jsonl")).await.expect_err("it can't be run");

    assert!(matches!(error, TerraformError::Broken { .. }));
}
