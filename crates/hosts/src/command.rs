//! Commands: their text, their process, their answer.

use std::ops::Range;

use flightdeck_app::port::hosts::{Command, HostError, Lane, Output, Target};
use zeroize::Zeroizing;

use crate::{
    pool::{Pool, Track},
    quote,
    task::{Gathered, Input, Order, Purpose},
};

/// What starts the line by which a command tells its process id.
///
/// libssh2 can't send signals, and sshd does not end a program whose channel
/// closes. So the shell says who it is on standard error, becomes the program,
/// and a second command ends the process group where that is needed.
const PROCESS: &str = "flightdeck-process:";

/// Runs a command to its end.
pub(crate) async fn run(
    pool: &Pool,
    target: &Target,
    lane: Lane,
    command: Command,
) -> Result<Output, HostError> {
    let Command { arguments, privileged, stdin, deadline, output_limit, on_line } = command;
    let gathered = ask(pool, target, lane, deadline, &arguments, |order| Order {
        input: stdin.map(Input::Secret),
        limit: output_limit,
        on_line,
        privileged,
        ..order
    })
    .await?;
    Ok(output(&gathered))
}

/// Runs a command of this crate's own as root, with bytes to read.
pub(crate) async fn run_privileged(
    pool: &Pool,
    target: &Target,
    arguments: &[&str],
    input: &[u8],
    deadline: std::time::Duration,
) -> Result<Output, HostError> {
    let arguments: Vec<_> = arguments.iter().map(|it| (*it).to_owned()).collect();
    let input = Input::Bytes(Zeroizing::new(input.to_vec()));
    let gathered = ask(pool, target, Lane::Work, deadline, &arguments, |order| Order {
        input: Some(input),
        privileged: true,
        ..order
    })
    .await?;
    Ok(output(&gathered))
}

async fn ask(
    pool: &Pool,
    target: &Target,
    lane: Lane,
    deadline: std::time::Duration,
    arguments: &[String],
    complete: impl FnOnce(Order) -> Order,
) -> Result<Gathered, HostError> {
    if arguments.iter().any(|it| it.contains('\0')) {
        let reason = "an argument has a NUL character, which no command can take".to_owned();
        return Err(HostError::Broken { endpoint: target.endpoint.clone(), reason });
    }
    let mut order = complete(Order::quiet(Purpose::Probe));
    order.privileged &= target.endpoint.user != "root";
    order.purpose = Purpose::Exec(line(arguments, order.privileged));
    pool.ask(target, Track::Lane(lane), order, deadline).await
}

fn output(gathered: &Gathered) -> Output {
    Output {
        exit_code: gathered.exit_code,
        stdout: String::from_utf8_lossy(&gathered.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&gathered.stderr).into_owned(),
    }
}

/// The text for the login shell.
fn line(arguments: &[String], privileged: bool) -> String {
    let sudo = if privileged { "sudo -n -- " } else { "" };
    format!(r#"echo "{PROCESS}$$" >&2; exec {sudo}{}"#, quote::line(arguments))
}

/// The text that ends a process group: politely first.
pub(crate) fn kill_line(process: u32, privileged: bool) -> String {
    let script = r#"kill -s TERM -- "-$1"; sleep 2; kill -s KILL -- "-$1""#;
    line(&["sh", "-c", script, "sh", &process.to_string()].map(str::to_owned), privileged)
}

/// Finds the line that tells the process id, and where it stands.
///
/// It need not be the first: what a shell reads at its start may print, too.
pub(crate) fn find_process(stderr: &[u8]) -> Option<(u32, Range<usize>)> {
    let mut start = 0;
    for line in stderr.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        let process = line
            .strip_suffix(b"\n")
            .and_then(|line| line.strip_prefix(PROCESS.as_bytes()))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok());
        // 0 and 1 would mean our own group and everybody.
        if let Some(process) = process.filter(|it| *it > 1) {
            return Some((process, start..end));
        }
        start = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_found_after_what_a_shell_prints_at_its_start() {
        let stderr = b"motd\nflightdeck-process:4711\nreal error\n";

        let (process, range) = find_process(stderr).expect("it is there");

        assert_eq!(process, 4711);
        assert_eq!(&stderr[range], b"flightdeck-process:4711\n");
    }

    #[test]
    fn half_a_process_id_is_none() {
        assert!(find_process(b"flightdeck-process:47").is_none(), "more digits may follow");
        assert!(find_process(b"flightdeck-process:1\n").is_none(), "1 would mean everybody");
    }

    #[test]
    fn privileged_lines_ask_for_no_password() {
        let line = line(&["id".to_owned()], true);

        assert!(line.ends_with("exec sudo -n -- 'id'"), "{line}");
    }
}
