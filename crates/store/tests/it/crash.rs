use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use flightdeck_store::{Store, change::Author, organization, setting};
use tempfile::TempDir;

use crate::fixture::{self, at};

const DIRECTORY: &str = "FLIGHTDECK_STORE_CRASH_DIRECTORY";

#[test]
fn a_killed_process_loses_nothing_that_was_committed() {
    let directory = tempfile::tempdir().expect("there is room");

    for round in 1..=3_usize {
        let acknowledged = kill_after(round * 40, &directory);

        let store = Store::open(directory.path()).expect("it opens after a crash");
        let (found, organizations, changes, check) = store
            .main()
            .read_blocking(|conn| {
                let check: String =
                    conn.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
                let changes: i64 =
                    conn.query_row("SELECT COUNT(DISTINCT row_id) FROM change", [], |r| r.get(0))?;
                let found = setting::get(conn, "count")?;
                Ok((found, organization::list(conn)?.len(), changes, check))
            })
            .expect("it is readable");
        let found: usize = found.and_then(|text| text.parse().ok()).expect("a number was stored");
        assert!(found >= acknowledged, "{acknowledged} were acknowledged, {found} are there");
        assert_eq!(organizations, found, "a transaction is there with all or not at all");
        assert_eq!(
            usize::try_from(changes),
            Ok(found),
            "a row without its record, or a record without its row"
        );
        assert_eq!(check, "ok");
    }
}

/// Starts a process that writes, kills it after `lines` commits, and returns the last it told.
#[expect(clippy::disallowed_methods, reason = "the child is this very test program")]
fn kill_after(lines: usize, directory: &TempDir) -> usize {
    let mut child = Command::new(env::current_exe().expect("this is a file"))
        .args(["--exact", "crash::a_process_that_writes_until_it_is_killed", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this file runs");
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut told = 0;
    let mut seen = 0;

    for line in stdout.lines() {
        let line = line.expect("it prints text");
        let Some(number) = line.strip_prefix("committed ") else { continue };
        told = number.parse().expect("it prints numbers");
        seen += 1;
        if seen == lines {
            child.kill().expect("it is ours");
        }
    }
    let status = child.wait().expect("it is ours");
    assert!(seen >= lines, "it ended by itself after {seen} commits: {status}");
    assert!(!status.success(), "it was killed in the middle of its work: {status}");
    told
}

/// The process of the test above; on its own it has nothing to do.
#[test]
fn a_process_that_writes_until_it_is_killed() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let store = Store::open(Path::new(&directory)).expect("it opens");
    let author = Author { actor: None, device: store.device_id(), now: at(0) };
    let mut stdout = std::io::stdout().lock();

    loop {
        let author = author.clone();
        let count = store
            .main()
            .write_blocking(move |tx| {
                let count = setting::get(tx, "count")?.and_then(|text| text.parse().ok());
                let count: usize = count.unwrap_or(0) + 1;
                organization::put(tx, &author, &fixture::organization(&format!("o-{count}")))?;
                setting::set(tx, "count", &count.to_string(), at(0))?;
                Ok(count)
            })
            .expect("the disk takes it");
        writeln!(stdout, "committed {count}").expect("somebody listens");
        stdout.flush().expect("somebody listens");
    }
}
