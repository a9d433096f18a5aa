use std::{fs, os::unix::fs::PermissionsExt, thread};

use flightdeck_store::{Store, StoreError, setting};
use rusqlite::Connection;

use crate::fixture::{Fixture, at};

#[test]
fn what_was_written_is_there_after_a_restart() {
    let fixture = Fixture::new();
    let device = fixture.store.device_id();
    fixture
        .store
        .main()
        .write_blocking(|tx| setting::set(tx, "theme", "\"dark\"", at(0)))
        .expect("the disk takes it");
    let Fixture { store, directory, .. } = fixture;
    drop(store);

    let store = Store::open(directory.path()).expect("it opens again");

    let theme = store.main().read_blocking(|conn| setting::get(conn, "theme"));
    assert_eq!(theme.expect("it is readable").as_deref(), Some("\"dark\""));
    assert_eq!(store.device_id(), device, "an installation keeps its name");
}

#[test]
fn nobody_else_can_look_into_the_directory() {
    let fixture = Fixture::new();
    fixture.workspace();

    for name in ["", "workspaces"] {
        let path = fixture.directory.path().join(name);
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others: {mode:o}", path.display());
    }
}

#[test]
fn a_directory_that_was_open_to_others_is_closed() {
    let directory = tempfile::tempdir().expect("there is room");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");

    let _store = Store::open(directory.path()).expect("it opens");

    let mode = fs::metadata(directory.path()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn processes_that_open_a_new_directory_at_once_agree_on_its_device() {
    let directory = tempfile::tempdir().expect("there is room");
    let open = || Store::open(directory.path()).expect("it opens").device_id();

    let devices: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });

    assert!(devices.iter().all(|device| *device == devices[0]), "{devices:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it plays a program that is not this one")]
fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    let Fixture { store, directory, .. } = Fixture::new();
    drop(store);
    let path = directory.path().join("flightdeck.db");
    let conn = Connection::open(&path).expect("it is a database");
    conn.execute_batch(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
         SELECT 99, 'future', applied_on, checksum FROM refinery_schema_history LIMIT 1;
         CREATE TABLE future (id TEXT);",
    )
    .expect("a newer program can do that");
    drop(conn);
    let before = fs::read(&path).expect("it is readable");

    let error = Store::open(directory.path()).expect_err("99 is not known");

    match error {
        StoreError::TooNew { found: 99, path: refused, .. } => assert_eq!(refused, path),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(&path).expect("it is readable"), before, "not a byte may change");
}

#[test]
fn a_file_that_is_no_database_is_refused_with_its_path() {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("flightdeck.db");
    fs::write(&path, "this is a text file, and long enough to be looked at ".repeat(100))
        .expect("there is room");

    let error = Store::open(directory.path()).expect_err("it is no database");

    assert!(
        matches!(&error, StoreError::Open { path: refused, .. } if *refused == path),
        "{error:?}"
    );
    assert!(error.to_string().contains("flightdeck.db"), "{error}");
}

#[test]
fn an_erased_workspace_is_gone_whoever_holds_it() {
    let fixture = Fixture::new();
    let held = fixture.workspace();
    let path = held.path().to_owned();
    held.write_blocking(|tx| tx.execute("DELETE FROM server", []).map(drop)).expect("it works");

    fixture.store.erase_workspace(fixture.organization).expect("it can be removed");

    assert!(!path.parent().expect("it has a directory").exists());
    let error = held.read_blocking(|_| Ok(())).expect_err("it was closed");
    assert!(matches!(error, StoreError::Stopped { .. }), "{error:?}");
    assert!(!path.exists(), "a held database must not make the file anew");
    fixture.workspace().read_blocking(|_| Ok(())).expect("a new one can be made");
}

#[test]
fn erasing_a_workspace_that_never_was_is_no_error() {
    let fixture = Fixture::new();

    fixture.store.erase_workspace(fixture.organization).expect("nothing is to do");
}
