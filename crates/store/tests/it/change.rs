use flightdeck_domain::organization::Organization;
use flightdeck_store::{
    Store,
    change::{self, Change},
    credential, organization, server,
};
use proptest::prelude::*;

use crate::fixture::{self, Fixture, at};

fn changes(store: &Store, row: &Organization) -> Vec<Change> {
    let id = row.id.to_string();
    store
        .main()
        .read_blocking(move |conn| change::of_row(conn, &organization::TABLE, &id))
        .expect("it is readable")
}

fn put(fixture: &Fixture, second: i64, row: &Organization) {
    let (author, row) = (fixture.author(second), row.clone());
    fixture
        .store
        .main()
        .write_blocking(move |tx| organization::put(tx, &author, &row))
        .expect("the disk takes it");
}

fn fields(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.field.as_str()).collect()
}

#[test]
fn a_new_row_is_recorded_field_by_field() {
    let fixture = Fixture::new();
    let row = fixture::organization("acme");

    put(&fixture, 0, &row);

    let changes = changes(&fixture.store, &row);
    assert_eq!(fields(&changes), ["name", "slug", "kind", "level", "color", "created_at"]);
    assert_eq!(changes[1].value, "acme");
    assert_eq!(changes[3].value, 0);
    assert!(changes.iter().all(|change| change.stamp == changes[0].stamp), "it was one act");
    assert_eq!(changes[0].device, fixture.store.device_id());
}

#[test]
fn a_put_records_what_differs_and_nothing_else() {
    let fixture = Fixture::new();
    let row = fixture::organization("acme");
    put(&fixture, 0, &row);
    let renamed = Organization { name: "Acme".to_owned(), archived_at: Some(at(5)), ..row.clone() };

    put(&fixture, 1, &renamed);

    let changes = changes(&fixture.store, &row);
    assert_eq!(fields(&changes[6..]), ["name", "archived_at"]);
    assert_eq!(changes[6].value, "Acme");
    assert!(changes[6].stamp > changes[5].stamp);
}

#[test]
fn an_identical_put_writes_nothing() {
    let fixture = Fixture::new();
    let row = fixture::organization("acme");
    put(&fixture, 0, &row);
    let before = changes(&fixture.store, &row);

    put(&fixture, 9, &row);

    assert_eq!(changes(&fixture.store, &row), before);
}

#[test]
fn a_delete_is_recorded_once_and_a_put_brings_the_row_back() {
    let fixture = Fixture::new();
    let row = fixture::organization("acme");
    put(&fixture, 0, &row);

    for second in [1, 2] {
        let (author, id) = (fixture.author(second), row.id);
        fixture
            .store
            .main()
            .write_blocking(move |tx| organization::delete(tx, &author, id))
            .expect("the disk takes it");
    }
    let id = row.id;
    let found = fixture.store.main().read_blocking(move |conn| organization::by_id(conn, id));
    assert_eq!(found.expect("it is readable"), None);

    put(&fixture, 3, &row);
    let changes = changes(&fixture.store, &row);
    assert_eq!(fields(&changes[6..]), ["deleted_at", "deleted_at"]);
    assert_eq!(changes[6].value, at(1).as_millisecond());
    assert_eq!(changes[7].value, serde_json::Value::Null);
}

#[test]
fn the_name_of_a_deleted_row_is_free_and_a_taken_one_is_refused() {
    let fixture = Fixture::new();
    let (first, second) = (fixture::server("web-1"), fixture::server("web-1"));
    let db = fixture.workspace();
    let author = fixture.author(0);

    let (a, b, by) = (first.clone(), second.clone(), author.clone());
    let error = db
        .write_blocking(move |tx| {
            server::put(tx, &by, &a)?;
            server::put(tx, &by, &b)
        })
        .expect_err("the name is taken");
    assert!(error.is_unique_violation(), "{error:?}");

    db.write_blocking(move |tx| {
        server::put(tx, &author, &first)?;
        server::delete(tx, &author, first.id)?;
        server::put(tx, &author, &second)
    })
    .expect("the name is free again");
}

#[test]
fn a_secret_is_recorded_without_its_value_and_gone_after_a_delete() {
    let fixture = Fixture::new();
    let row = fixture::credential("registry");
    let (db, author, id) = (fixture.workspace(), fixture.author(0), row.id);

    let by = author.clone();
    db.write_blocking(move |tx| {
        credential::put(tx, &by, &row)?;
        credential::put_secret(tx, &by, id, "password", b"sealed bytes")
    })
    .expect("the disk takes it");

    let (changes, sealed) = db
        .read_blocking(move |conn| {
            let changes = change::of_row(conn, &credential::TABLE, &id.to_string())?;
            Ok((changes, credential::secret(conn, id, "password")?))
        })
        .expect("it is readable");
    let last = changes.last().expect("there are changes");
    assert_eq!(last.field, "secret.password");
    assert_eq!(last.value, serde_json::json!({ "sealed": true }));
    assert_eq!(sealed.as_deref(), Some(&b"sealed bytes"[..]));

    db.write_blocking(move |tx| credential::delete(tx, &author, id)).expect("the disk takes it");
    let left = db.read_blocking(move |conn| credential::secrets(conn, id));
    assert!(left.expect("it is readable").is_empty(), "sealed bytes must not stay behind");
}

#[test]
fn using_a_credential_is_no_change() {
    let fixture = Fixture::new();
    let row = fixture::credential("registry");
    let (db, author, id) = (fixture.workspace(), fixture.author(0), row.id);

    let (found, changes) = db
        .write_blocking(move |tx| {
            credential::put(tx, &author, &row)?;
            credential::touch_used(tx, id, at(3))?;
            credential::put(tx, &author, &row)?;
            let changes = change::of_row(tx, &credential::TABLE, &id.to_string())?;
            Ok((credential::by_id(tx, id)?, changes))
        })
        .expect("the disk takes it");

    assert_eq!(found.and_then(|credential| credential.last_used_at), Some(at(3)));
    assert_eq!(changes.len(), 6, "{changes:?}");
}

#[test]
fn stamps_go_on_after_a_restart_with_a_clock_that_went_back() {
    let fixture = Fixture::new();
    let row = fixture::organization("acme");
    put(&fixture, 1_000, &row);
    let Fixture { store, organization, directory } = fixture;
    drop(store);

    let store = Store::open(directory.path()).expect("it opens again");
    let fixture = Fixture { store, organization, directory };
    put(&fixture, 0, &Organization { name: "Later".to_owned(), ..row.clone() });

    let changes = changes(&fixture.store, &row);
    assert!(changes[6].stamp > changes[5].stamp, "{changes:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_record_of_a_row_is_in_stamp_order_whatever_the_clock_does(
        seconds in proptest::collection::vec(-1_000_000_i64..1_000_000, 1..12),
    ) {
        let fixture = Fixture::new();
        let row = fixture::organization("acme");

        for (number, second) in seconds.into_iter().enumerate() {
            put(&fixture, second, &Organization { name: format!("n{number}"), ..row.clone() });
        }

        let changes = changes(&fixture.store, &row);
        for pair in changes[5..].windows(2) {
            prop_assert!(pair[0].stamp < pair[1].stamp, "{pair:?}");
            prop_assert!(pair[0].stamp.to_string() < pair[1].stamp.to_string());
        }
    }
}
