//! One simulated machine: its key, its files, its shell.

use std::collections::BTreeMap;

use flightdeck_app::port::hosts::{Command, Output};
use flightdeck_domain::server::HostKey;

use super::docker::{Docker, Image, Surroundings};

/// Bytes of memory of a machine that is large enough.
pub(super) const MEMORY: u64 = 4_000_000_000;

#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) key: HostKey,
    pub(super) is_reachable: bool,
    pub(super) memory: u64,
    pub(super) docker: Docker,
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

/// How a simulated command ended.
pub(super) struct Answer(pub(super) Output);

impl Answer {
    pub(super) fn fine() -> Self {
        Self::said(String::new())
    }

    pub(super) fn said(stdout: String) -> Self {
        Self(Output { exit_code: 0, stdout, stderr: String::new() })
    }

    pub(super) fn failed(exit_code: i32, stderr: &str) -> Self {
        Self(Output { exit_code, stdout: String::new(), stderr: stderr.to_owned() })
    }

    pub(super) fn of(is_fine: bool) -> Self {
        if is_fine { Self::fine() } else { Self::failed(1, "there is none") }
    }
}

impl Machine {
    pub(super) fn new(key: HostKey) -> Self {
        Self {
            key,
            is_reachable: true,
            memory: MEMORY,
            docker: Docker::installed("27.1.0"),
            files: BTreeMap::new(),
        }
    }

    pub(super) fn run(&mut self, command: &Command, registry: &BTreeMap<String, Image>) -> Output {
        let arguments: Vec<&str> = command.arguments.iter().map(String::as_str).collect();
        let stdin = command.stdin.as_ref().map_or("", |stdin| stdin.expose());
        let Answer(output) = match arguments.as_slice() {
            ["true"] | ["install", "-d", ..] => Answer::fine(),
            ["id", "-u" | "-g"] => Answer::said("0\n".to_owned()),
            ["sh", "-c", script] if script.contains("getconf") => Answer::said(format!(
                "Debian GNU/Linux 12 (bookworm)\n6.1.0\nx86_64\n2\n{}\n40000000000\n",
                self.memory,
            )),
            ["test", "-s", path] => {
                Answer::of(self.files.get(*path).is_some_and(|content| !content.is_empty()))
            }
            ["head", "-n", "1", path] => match self.files.get(*path) {
                Some(content) => {
                    let text = String::from_utf8_lossy(content);
                    Answer::said(text.lines().next().unwrap_or_default().to_owned() + "\n")
                }
                None => Answer::failed(1, "No such file or directory"),
            },
            ["rm", "-rf", path] => {
                self.files.remove(*path);
                Answer::fine()
            }
            ["docker", rest @ ..] => {
                let around = Surroundings { registry, files: &mut self.files, stdin };
                self.docker.run(rest, around)
            }
            _ => panic!("the simulated machine does not know `{}`", arguments.join(" ")),
        };
        if let Some(sink) = &command.on_line {
            output.stdout.lines().chain(output.stderr.lines()).for_each(|line| sink(line));
        }
        output
    }
}
