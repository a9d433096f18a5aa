//! Where answers, failures and questions go.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use flightdeck_domain::secret::Secret;
use jiff::Timestamp;

use crate::{
    answer::{Answer, Form},
    exit,
    failure::{Failure, Result},
};

/// What stands at the three ends of this process.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, not one state")]
pub(crate) struct Terminal {
    /// Answers are JSON.
    pub(crate) json: bool,
    /// A person can be asked.
    asks: bool,
    /// A person watches the error output: progress may be drawn.
    pub(crate) draws: bool,
    /// Answers may have colour.
    colours: bool,
}

/// What a state means to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should be.
    Good,
    /// On its way, or waiting for somebody.
    Open,
    /// Somebody must look.
    Bad,
    /// Neither.
    Plain,
}

impl Terminal {
    /// Looks at this process' ends once.
    pub(crate) fn of_this_process(json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            json,
            asks: io::stdin().is_terminal() && err && !json,
            draws: err && !json,
            colours: out && !plain && !json,
        }
    }

    /// Prints an answer.
    pub(crate) fn answer(self, answer: &Answer) -> ExitCode {
        let text = match &answer.json {
            Form::Document(document) if self.json => format!("{document:#}\n"),
            _ => answer.text.clone(),
        };
        self.print(&text)
    }

    /// Prints text to the standard output as it is.
    ///
    /// A reader that went away (`| head`) is no failure: it has what it wanted.
    pub(crate) fn print(self, text: &str) -> ExitCode {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => ExitCode::from(exit::SUCCESS),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                ExitCode::from(exit::SUCCESS)
            }
            Err(error) => {
                self.failure(&Failure::internal(format!("the answer can't be written: {error}")))
            }
        }
    }

    /// Prints a line, and says whether anybody still reads.
    pub(crate) fn line(line: &str) -> bool {
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush())
            .is_ok()
    }

    /// Tells a person what goes on, apart from the answer.
    pub(crate) fn note(line: &str) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Prints a failure and returns its exit code.
    pub(crate) fn failure(self, failure: &Failure) -> ExitCode {
        let mut text = if self.json {
            serde_json::to_string(failure).unwrap_or_else(|error| error.to_string())
        } else {
            format!("error: {}", failure.message)
        };
        if let (false, Some(hint)) = (self.json, &failure.hint) {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        Self::note(&text);
        ExitCode::from(failure.exit)
    }

    /// Colours a word by what it means, where colours are wanted.
    ///
    /// Only for words outside of tables: their columns count characters.
    pub(crate) fn paint(self, mood: Mood, word: &str) -> String {
        let colour = match mood {
            Mood::Good => "32",
            Mood::Open => "33",
            Mood::Bad => "31",
            Mood::Plain => return word.to_owned(),
        };
        if self.colours { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.to_owned() }
    }

    /// Asks for a yes, unless it was given by `--yes`.
    pub(crate) fn confirm(self, question: &str, yes: bool) -> Result<()> {
        if yes {
            return Ok(());
        }
        let answer = self.ask(&format!("{question} [y/N] "), "--yes")?;
        if ["y", "yes"].contains(&answer.to_lowercase().as_str()) {
            Ok(())
        } else {
            Err(declined())
        }
    }

    /// Asks for a name that must be typed, unless it was given by `--confirm-name`.
    pub(crate) fn typed_name(self, question: &str, given: Option<String>) -> Result<String> {
        match given {
            Some(name) => Ok(name),
            None => self.ask(&format!("{question}: "), "--confirm-name NAME"),
        }
    }

    /// Asks for a line, where there is a person; `instead` is the argument that
    /// answers it where there is none.
    pub(crate) fn ask(self, question: &str, instead: &str) -> Result<String> {
        self.need_a_person(question, instead)?;
        let mut err = io::stderr().lock();
        let mut line = String::new();
        err.write_all(question.as_bytes())
            .and_then(|()| err.flush())
            .and_then(|()| io::stdin().read_line(&mut line))
            .map_err(|error| Failure::usage(format!("no answer can be read: {error}")))?;
        Ok(line.trim().to_owned())
    }

    /// Asks for a line that is not shown.
    pub(crate) fn ask_secret(self, question: &str, instead: &str) -> Result<Secret> {
        self.need_a_person(question, instead)?;
        rpassword::prompt_password(question)
            .map(Secret::new)
            .map_err(|error| Failure::usage(format!("no answer can be read: {error}")))
    }

    fn need_a_person(self, question: &str, instead: &str) -> Result<()> {
        if self.asks {
            return Ok(());
        }
        let question = question.trim_end_matches([' ', ':']).trim_end_matches(" [y/N]");
        Err(Failure::usage(format!("nobody can be asked `{question}`: this is no terminal"))
            .hint(format!("answer it with `{instead}`")))
    }
}

fn declined() -> Failure {
    flightdeck_app::error::Error::new(
        flightdeck_app::error::Code::Cancelled,
        "it was not confirmed, so nothing was done",
    )
    .into()
}

/// `5m ago`, or `in 5m`.
pub(crate) fn ago(at: Timestamp) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long ago something was is for the reader's clock, and is stored nowhere"
    )]
    let now = Timestamp::now();
    relative(now.as_second() - at.as_second())
}

fn relative(seconds: i64) -> String {
    let (count, unit) = match seconds.abs() {
        0..5 => return "now".to_owned(),
        count @ 5..60 => (count, "s"),
        count @ 60..3_600 => (count / 60, "m"),
        count @ 3_600..172_800 => (count / 3_600, "h"),
        count => (count / 86_400, "d"),
    };
    if seconds < 0 { format!("in {count}{unit}") } else { format!("{count}{unit} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        let told: Vec<String> =
            [0, 42, 61, 7_300, 200_000, -90].map(relative).into_iter().collect();

        assert_eq!(told, ["now", "42s ago", "1m ago", "2h ago", "2d ago", "in 1m"]);
    }
}
