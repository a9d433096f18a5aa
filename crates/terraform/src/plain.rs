//! Text for people: bounded, without colours, and the complaint in it.

use flightdeck_app::port::terraform::Event;
use flightdeck_domain::stack::Diagnostic;

/// More of one line tells nobody more.
const MAX_CHARACTERS: usize = 8_000;

/// How many last lines explain an end without a complaint.
const LAST_LINES: usize = 5;

/// Splits `text` into lines for people, empty ones left out.
pub(crate) fn lines(text: &str) -> Vec<Event> {
    text.lines().map(bounded).filter(|line| !line.trim().is_empty()).map(Event::Line).collect()
}

/// Takes out control sequences and what is too long to read.
pub(crate) fn bounded(text: &str) -> String {
    let clean = without_controls(text);
    match clean.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

/// Finds the complaint in what was printed before, or instead of, the JSON stream.
///
/// Terraform draws a box around it: `│ Error: summary`, then the detail. Without
/// a headline, `otherwise` is one, and the last lines are the detail.
pub(crate) fn diagnostic(printed: &[String], otherwise: &str) -> Diagnostic {
    let text: Vec<&str> = printed
        .iter()
        .map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']).trim_end())
        .filter(|line| !line.is_empty())
        .collect();
    let headline = text.iter().position(|line| line.starts_with("Error: "));
    let (summary, detail) = match headline {
        Some(at) => (text[at].trim_start_matches("Error: "), text[at + 1..].join("\n")),
        None => (otherwise, text[text.len().saturating_sub(LAST_LINES)..].join("\n")),
    };
    Diagnostic { is_error: true, summary: bounded(summary), detail: bounded(&detail), place: None }
}

fn without_controls(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' && characters.peek() == Some(&'[') {
            characters.next();
            // A control sequence ends with the first of these: ECMA-48, 5.4.
            for parameter in characters.by_ref() {
                if ('@'..='~').contains(&parameter) {
                    break;
                }
            }
        } else if !character.is_control() || matches!(character, '\n' | '\t') {
            clean.push(character);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_boxed_error_becomes_a_diagnostic() {
        let printed = ["╷", "│ Error: Too many arguments", "│ ", "│ Expected one.", "╵"];
        let printed: Vec<String> = printed.map(str::to_owned).into();

        let found = diagnostic(&printed, "it ended");

        assert_eq!(found.summary, "Too many arguments");
        assert_eq!(found.detail, "Expected one.");
    }

    #[test]
    fn a_line_of_a_million_characters_is_cut() {
        let line = bounded(&"ü".repeat(1_000_000));

        assert_eq!(line.chars().count(), MAX_CHARACTERS + 1);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            let clean = bounded(&text);

            let colours = clean.contains('\u{1b}');
            prop_assert!(!colours);
            diagnostic(&[text], "it ended");
        }
    }
}
