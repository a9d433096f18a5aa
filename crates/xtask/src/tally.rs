//! Claims about `.ci/tally.sh`, which decides whether a run of CI is green.

use std::{fmt::Write as _, fs, path::Path};

const NEXTEST: &str =
    "    Summary [  12.345s] 14/15 tests run: 12 passed (1 slow), 1 failed, 1 timed out, 3 skipped";
const HARNESS: &str = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                       test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
const VITEST: &str = " Test Files  2 passed (2)\n\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m7 passed\u{1b}[39m (7)";

/// What `.ci/tally.sh` says of stages, each a name, an exit status and a log.
fn tally(stages: &[(&str, u8, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut list = String::new();
    for (name, status, log) in stages {
        writeln!(list, "{name} {status} 1").unwrap();
        fs::write(path.join(format!("{name}.log")), log).unwrap();
    }
    fs::write(path.join("stages"), list).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the script under test, as CI calls it")]
    let output = std::process::Command::new("bash")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.ci/tally.sh"))
        .arg(path)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_sum_goes_over_every_test_runner() {
    let (green, text) = tally(&[("format", 0, ""), ("doc", 0, HARNESS), ("ui", 0, VITEST)]);

    assert!(green, "{text}");
    assert_eq!(text.lines().last(), Some("12 passed, 0 failed"), "{text}");
}

#[test]
fn failures_and_timeouts_both_count_as_failed() {
    let (green, text) = tally(&[("rust", 100, NEXTEST), ("doc", 0, HARNESS)]);

    assert!(!green, "{text}");
    assert_eq!(text.lines().last(), Some("17 passed, 2 failed"), "{text}");
}

#[test]
fn a_stage_that_dies_without_a_report_fails_the_run() {
    let (green, text) = tally(&[("ui", 0, VITEST), ("window", 124, "no such display")]);

    assert!(!green, "{text}");
    assert_eq!(text.lines().last(), Some("7 passed, 1 failed"), "{text}");
}

#[test]
fn test_runners_that_ran_no_test_fail_the_run() {
    let (green, text) = tally(&[("ui", 0, "nothing to do")]);

    assert!(!green, "{text}");
}
