use flightdeck_domain::id::OrganizationId;
use flightdeck_store::{StoreError, organization, server, setting};

use crate::fixture::{self, Fixture, at};

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let fixture = Fixture::new();
    let main = fixture.store.main();
    let pages = |tx: &rusqlite::Transaction<'_>, max: u32| {
        tx.query_row(&format!("PRAGMA max_page_count = {max}"), [], |_| Ok(()))
    };
    let count: u32 = main
        .write_blocking(|tx| tx.query_row("PRAGMA page_count", [], |row| row.get(0)))
        .expect("it is readable");
    main.write_blocking(move |tx| pages(tx, count + 20)).expect("it is a setting");

    let mut written = 0_u32;
    let error = loop {
        let key = format!("key-{written}");
        let big = "x".repeat(8_000);
        match main.write_blocking(move |tx| {
            setting::set(tx, "count", &(written + 1).to_string(), at(0))?;
            setting::set(tx, &key, &big, at(0))
        }) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1_000, "20 pages can't hold that much");
    };

    assert!(error.is_full(), "{error:?}");
    assert!(written > 0, "there was room for some");
    let found = main.read_blocking(|conn| setting::get(conn, "count")).expect("it is readable");
    assert_eq!(found, Some(written.to_string()), "the failed write left a part of itself");
    main.write_blocking(move |tx| {
        pages(tx, 1_000_000)?;
        setting::set(tx, "after", "1", at(0))
    })
    .expect("with room again, it goes on");
}

#[test]
fn a_stored_value_that_nobody_writes_is_named_with_its_place() {
    let fixture = Fixture::new();
    let (author, row) = (fixture.author(0), fixture::organization("acme"));
    let main = fixture.store.main();
    main.write_blocking(move |tx| {
        organization::put(tx, &author, &row)?;
        tx.execute("UPDATE organization SET kind = 'cousin'", []).map(drop)
    })
    .expect("the disk takes it");

    let error = main.read_blocking(organization::list).expect_err("there are no cousins");

    match error {
        StoreError::Corrupt { table: "organization", column: "kind", reason, .. } => {
            assert!(reason.contains("cousin"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_number_out_of_range_is_named_with_its_place() {
    let fixture = Fixture::new();
    let (author, row) = (fixture.author(0), fixture::organization("acme"));
    let main = fixture.store.main();
    main.write_blocking(move |tx| {
        organization::put(tx, &author, &row)?;
        tx.execute("UPDATE organization SET level = 300", []).map(drop)
    })
    .expect("the disk takes it");

    let error = main.read_blocking(organization::list).expect_err("300 is not a level");

    assert!(matches!(error, StoreError::Corrupt { column: "level", .. }), "{error:?}");
}

#[test]
fn many_workspaces_share_the_file_descriptors_of_one_process() {
    let fixture = Fixture::new();
    let organizations: Vec<_> = (0..120).map(|_| OrganizationId::new()).collect();
    let held = fixture.workspace();

    for organization in &organizations {
        let (author, row) = (fixture.author(0), fixture::server("web-1"));
        fixture
            .store
            .workspace(*organization)
            .expect("there is a descriptor left")
            .write_blocking(move |tx| server::put(tx, &author, &row))
            .expect("the disk takes it");
        fixture.store.metrics(*organization).expect("there is a descriptor left");
    }

    let descriptors = std::fs::read_dir("/proc/self/fd").expect("this is Linux").count();
    assert!(descriptors < 500, "{descriptors} descriptors are open");
    held.read_blocking(server::list).expect("what somebody holds stays open");
    let first = fixture.store.workspace(organizations[0]).expect("it opens again");
    assert_eq!(first.read_blocking(server::list).expect("it is readable").len(), 1);
}
