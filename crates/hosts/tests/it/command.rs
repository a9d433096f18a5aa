//! Commands: arguments, input, output, deadlines.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use flightdeck_app::port::hosts::{Command, HostError, Hosts, Lane};
use flightdeck_domain::secret::Secret;
use flightdeck_hosts::SshHosts;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::sshd::{Sshd, until};

fn sh(script: &str) -> Command {
    Command::new(["sh", "-c", script])
}

#[tokio::test]
async fn a_command_leaves_its_output_and_its_exit_code() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();

    let output = hosts
        .run(&target, Lane::Work, sh("echo out; echo err >&2; exit 7"))
        .await
        .expect("a non-zero exit code is an answer");

    assert_eq!(output.exit_code, 7);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
}

#[tokio::test]
async fn a_signal_counts_from_128_and_a_missing_program_is_127() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();

    let killed = hosts.run(&target, Lane::Work, sh("kill -9 $$")).await.expect("an answer");
    let missing = Command::new(["no-such-program"]);
    let missing = hosts.run(&target, Lane::Work, missing).await.expect("an answer");

    assert_eq!(killed.exit_code, 137);
    assert_eq!(missing.exit_code, 127);
}

#[tokio::test]
async fn a_command_reads_all_of_its_input_and_no_more() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let text = "0123456789abcde\n".repeat(400_000);
    let mut command = Command::new(["md5sum"]).stdin(Secret::new(text.clone()));
    command.deadline = Duration::from_secs(30);

    let far = hosts.run(&target, Lane::Work, command).await.expect("an answer").stdout;
    let echoed = Command::new(["cat"]).stdin(Secret::new(&text[..800_000]));
    let echoed = hosts.run(&target, Lane::Work, echoed).await.expect("an answer").stdout;

    fs::write(sshd.path("same"), &text).expect("a copy");
    let near = std::process::Command::new("md5sum").arg(sshd.path("same")).output();
    let near = String::from_utf8(near.expect("md5sum runs").stdout).expect("text");
    assert_eq!(far.split(' ').next(), near.split(' ').next(), "6.4 MB, several windows long");
    assert!(echoed == text[..800_000], "what flows both ways must not block");
}

#[tokio::test]
async fn a_command_that_ignores_its_input_still_ends() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let command = Command::new(["true"]).stdin(Secret::new("x".repeat(8 << 20)));

    let output = hosts.run(&sshd.target(), Lane::Work, command).await.expect("an answer");

    assert_eq!(output.exit_code, 0);
}

#[tokio::test]
async fn much_on_both_streams_does_not_block() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let mut command = sh("head -c 3000000 /dev/zero | tr '\\0' e >&2; echo done");
    command.output_limit = 4 << 20;

    let output = hosts.run(&sshd.target(), Lane::Work, command).await.expect("an answer");

    assert_eq!(output.stdout, "done\n");
    assert!(output.stderr == "e".repeat(3_000_000), "{}", output.stderr.trim_matches('e'));
}

#[tokio::test]
async fn output_beyond_the_limit_is_an_error_and_ends_the_command() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let mut command = sh("echo $$ > $0; exec cat /dev/zero");
    command.arguments.push(sshd.path("pid").display().to_string());
    command.output_limit = 100_000;

    let error = hosts.run(&target, Lane::Work, command).await.expect_err("too much");

    assert!(matches!(error, HostError::TooMuchOutput { limit: 100_000, .. }), "{error}");
    until("the command is gone", || !is_running(&sshd.path("pid")));
    let next = hosts.run(&target, Lane::Work, Command::new(["true"])).await;
    assert_eq!(next.expect("the connection is fine").exit_code, 0);
}

#[tokio::test]
async fn lines_are_heard_while_the_command_runs() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let gate = sshd.path("gate");
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let (notes, opens) = (Arc::clone(&heard), gate.clone());
    let sink = Arc::new(move |line: &str| {
        notes.lock().expect("no panic").push(line.to_owned());
        if line == "first" {
            fs::write(&opens, "").expect("the gate opens");
        }
    });
    let mut command =
        sh("echo first; while [ ! -e $0 ]; do :; done; echo second >&2; printf third");
    command.arguments.push(gate.display().to_string());

    let output = hosts.run(&sshd.target(), Lane::Work, command.on_line(sink)).await;

    assert_eq!(output.expect("an answer").stdout, "first\nthird");
    let mut heard = heard.lock().expect("no panic").clone();
    heard.sort();
    assert_eq!(heard, ["first", "second", "third"], "and nothing of our own");
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_the_command() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let mut command = sh("echo $$ > $0; sleep 60");
    command.arguments.push(sshd.path("pid").display().to_string());
    let begun = Instant::now();

    let waited = hosts.run(&target, Lane::Work, command.deadline(Duration::from_secs(1))).await;

    let error = waited.expect_err("it takes a minute");
    assert!(matches!(error, HostError::Timeout { doing: "answer", .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2));
    until("the command is gone", || !is_running(&sshd.path("pid")));
}

#[tokio::test]
async fn a_dropped_future_ends_the_command() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let pid = sshd.path("pid");
    let mut command = sh("echo $$ > $0; sleep 60");
    command.arguments.push(pid.display().to_string());
    let started = async {
        while fs::read_to_string(&pid).unwrap_or_default().is_empty() {
            tokio::task::yield_now().await;
        }
    };

    tokio::select! {
        _ = hosts.run(&target, Lane::Work, command) => panic!("it takes a minute"),
        () = started => {}
    }

    until("the command is gone", || !is_running(&pid));
}

#[tokio::test]
async fn short_commands_do_not_wait_for_a_long_one() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let long = hosts.run(&target, Lane::Work, sh("sleep 5"));
    let short = async {
        for _ in 0..20 {
            hosts.run(&target, Lane::Work, Command::new(["true"])).await.expect("an answer");
        }
    };
    let begun = Instant::now();

    tokio::select! {
        _ = long => panic!("twenty short commands took {:?}", begun.elapsed()),
        () = short => {}
    }
}

#[tokio::test]
async fn many_commands_at_once_all_get_their_own_answer() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();

    let answers = futures::future::join_all((0..100).map(|number| {
        hosts.run(&target, Lane::Work, Command::new(["echo".to_owned(), number.to_string()]))
    }))
    .await;

    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.expect("an answer").stdout, format!("{number}\n"));
    }
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 1, "one connection for all");
}

#[tokio::test]
async fn a_server_that_allows_one_channel_is_served_one_by_one() {
    let (sshd, hosts) = (Sshd::start_with("MaxSessions 1"), SshHosts::new());
    let target = sshd.target();

    let answers = futures::future::join_all((0..5).map(|number| {
        hosts.run(&target, Lane::Work, Command::new(["echo".to_owned(), number.to_string()]))
    }))
    .await;

    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.expect("an answer").stdout, format!("{number}\n"));
    }
}

#[test]
fn hostile_arguments_arrive_unchanged() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let arguments =
        prop::collection::vec(r#"['"\\$`;&|<>(){}*?~!#%\n\t=a-]{0,24}|\PC{0,20}"#, 1..5);

    TestRunner::new(ProptestConfig::with_cases(64))
        .run(&arguments, |arguments| {
            let command = ["printf", r"%s\0"].map(str::to_owned).into_iter();
            let command = Command::new(command.chain(arguments.clone()));
            let output = runtime.block_on(hosts.run(&target, Lane::Work, command));
            let shown = output.expect("an answer").stdout;
            let shown: Vec<_> = shown.split_terminator('\0').map(str::to_owned).collect();
            prop_assert_eq!(shown, arguments);
            Ok(())
        })
        .expect("quoting holds");
}

fn is_running(pid: &Path) -> bool {
    let pid = fs::read_to_string(pid).unwrap_or_default();
    pid.trim().is_empty() || Path::new("/proc").join(pid.trim()).exists()
}
