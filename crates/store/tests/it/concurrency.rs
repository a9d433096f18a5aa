use std::sync::mpsc;

use flightdeck_store::{Database, Store, StoreError, setting};

use crate::fixture::{Fixture, at};

async fn get(db: &Database, key: &'static str) -> Option<String> {
    db.read(move |conn| setting::get(conn, key)).await.expect("it is readable")
}

async fn set(db: &Database, key: &'static str, value: &'static str) {
    db.write(move |tx| setting::set(tx, key, value, at(0))).await.expect("the disk takes it");
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing() {
    let fixture = Fixture::new();
    let db = fixture.store.main();

    let error = db
        .write(|tx| {
            setting::set(tx, "half", "1", at(0))?;
            tx.execute("INSERT INTO no_such_table VALUES (1)", []).map(drop)
        })
        .await
        .expect_err("there is no such table");

    assert!(matches!(error, StoreError::Sql { doing: "write", .. }), "{error:?}");
    assert_eq!(get(db, "half").await, None);
}

#[tokio::test]
async fn a_closure_that_says_no_leaves_nothing_and_is_heard() {
    #[derive(Debug, PartialEq)]
    enum Refusal {
        NotNow,
        Sql(String),
    }
    impl From<rusqlite::Error> for Refusal {
        fn from(error: rusqlite::Error) -> Self {
            Self::Sql(error.to_string())
        }
    }
    let fixture = Fixture::new();
    let db = fixture.store.main();

    let answer = db
        .try_write(|tx| {
            setting::set(tx, "half", "1", at(0))?;
            Err::<(), _>(Refusal::NotNow)
        })
        .await
        .expect("the database is well");

    assert_eq!(answer, Err(Refusal::NotNow));
    assert_eq!(get(db, "half").await, None);
}

#[tokio::test]
async fn a_closure_that_panics_leaves_nothing_and_the_next_write_works() {
    let fixture = Fixture::new();
    let db = fixture.store.main();

    let error = db
        .write(|tx| -> rusqlite::Result<()> {
            setting::set(tx, "half", "1", at(0))?;
            panic!("on purpose");
        })
        .await
        .expect_err("it gave no answer");

    assert!(matches!(error, StoreError::Stopped { .. }), "{error:?}");
    set(db, "whole", "1").await;
    assert_eq!(get(db, "half").await, None);
    assert_eq!(get(db, "whole").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn readers_go_on_while_a_write_is_open_and_see_the_state_before_it() {
    let fixture = Fixture::new();
    let db = fixture.store.main().clone();
    set(&db, "key", "1").await;
    let (go_on, wait) = mpsc::channel::<()>();
    let (written, is_written) = tokio::sync::oneshot::channel();

    let write = {
        let db = db.clone();
        tokio::spawn(async move {
            db.write(move |tx| {
                setting::set(tx, "key", "2", at(1))?;
                written.send(()).expect("the test waits");
                wait.recv().expect("the test goes on");
                Ok(())
            })
            .await
        })
    };
    is_written.await.expect("the write began");
    let reads = futures_of(10, || {
        let db = db.clone();
        async move { get(&db, "key").await }
    })
    .await;

    assert!(reads.iter().all(|value| value.as_deref() == Some("1")), "{reads:?}");
    go_on.send(()).expect("the write waits");
    write.await.expect("no panic").expect("the disk takes it");
    assert_eq!(get(&db, "key").await.as_deref(), Some("2"), "after a write, its result is read");
}

async fn futures_of<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    make: impl Fn() -> F,
) -> Vec<T> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        tasks.spawn(make());
    }
    tasks.join_all().await
}

#[tokio::test]
async fn a_read_sees_one_state_from_its_first_to_its_last_statement() {
    let fixture = Fixture::new();
    let db = fixture.store.main().clone();
    set(&db, "key", "1").await;

    let (first, second) = {
        let writer = db.clone();
        db.read(move |conn| {
            let first = setting::get(conn, "key")?;
            writer
                .write_blocking(|tx| setting::set(tx, "key", "2", at(1)))
                .expect("a write does not wait for a reader");
            Ok((first, setting::get(conn, "key")?))
        })
        .await
        .expect("it is readable")
    };

    assert_eq!(first, second);
    assert_eq!(get(&db, "key").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let fixture = Fixture::new();

    let answer = fixture.store.main().read(|conn| conn.execute("DELETE FROM setting", [])).await;

    assert!(answer.is_err(), "writes go through the writer alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_update_of_two_processes_is_lost() {
    const EACH: usize = 100;
    let fixture = Fixture::new();
    let stores = [fixture.store.clone(), fixture.second()];
    set(stores[0].main(), "count", "0").await;

    let mut tasks = tokio::task::JoinSet::new();
    for store in stores {
        for _ in 0..EACH {
            let db = store.main().clone();
            tasks.spawn(async move {
                db.write(|tx| {
                    let count = setting::get(tx, "count")?.unwrap_or_default();
                    let count: usize = count.parse().expect("a number was stored");
                    setting::set(tx, "count", &(count + 1).to_string(), at(0))
                })
                .await
            });
        }
    }
    let done = tasks.join_all().await;

    assert!(done.iter().all(Result::is_ok), "{:?}", done.iter().find(|d| d.is_err()));
    assert_eq!(get(fixture.store.main(), "count").await, Some((2 * EACH).to_string()));
}

#[tokio::test]
async fn only_writes_of_others_change_the_data_version() {
    let fixture = Fixture::new();
    let (ours, other) = (fixture.store.main(), fixture.second());
    let before = ours.data_version().await.expect("it is readable");

    set(ours, "key", "1").await;
    assert_eq!(ours.data_version().await.expect("it is readable"), before, "that was us");
    assert_eq!(get(other.main(), "key").await.as_deref(), Some("1"));
    assert_eq!(ours.data_version().await.expect("it is readable"), before, "that was a read");

    set(other.main(), "key", "2").await;
    assert_ne!(ours.data_version().await.expect("it is readable"), before);
}

#[tokio::test]
async fn a_database_dropped_by_its_own_task_ends_without_a_deadlock() {
    let Fixture { store, directory, .. } = Fixture::new();
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let (ended, has_ended) = tokio::sync::oneshot::channel();
    let (db, last) = (store.main().clone(), store.clone());

    let write = tokio::spawn(async move {
        db.write(move |tx| {
            began.send(()).expect("the test waits");
            wait.recv().expect("the test goes on");
            setting::set(tx, "key", "1", at(0))?;
            drop(last);
            ended.send(()).expect("the test waits");
            Ok(())
        })
        .await
    });
    has_begun.await.expect("the write began");
    drop(store);
    write.abort();
    assert!(write.await.is_err_and(|error| error.is_cancelled()), "nobody waits for the write");
    go_on.send(()).expect("the write waits");

    has_ended.await.expect("the last clone was dropped by the writer itself");
    let store = Store::open(directory.path()).expect("it opens again");
    // The first store's writer may be about to commit: a write of ours comes after it.
    set(store.main(), "other", "1").await;
    assert_eq!(get(store.main(), "key").await.as_deref(), Some("1"), "what is queued is done");
}
