//! Completion scripts.

use clap_complete::Shell;

use crate::answer::Answer;

/// The script that completes verbs and options in `shell`.
pub(crate) fn script(shell: Shell) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::command(), "flightdeck", &mut script);
    Answer::plain(String::from_utf8_lossy(&script))
}
