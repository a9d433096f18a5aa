//! What compilers don't check: the shape that ARCHITECTURE.md and STYLE.md promise.
//!
//! Every rule is a function from what the repository holds to findings, so that its
//! tests can hand it a small repository that breaks it.

mod dependency;
mod layout;
mod licence;
mod permission;
mod repository;
mod source;
mod wording;

use std::fmt;

pub(crate) use repository::{Repository, TextFile};

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file, package or folder.
    pub(crate) place: String,
    /// What is wrong with it, and where it is not obvious, what to do.
    pub(crate) text: String,
}

impl Finding {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Checks the repository that this program was built from.
pub(crate) fn check() -> Vec<Finding> {
    match Repository::read() {
        Ok(repository) => rules().iter().flat_map(|rule| rule(&repository)).collect(),
        Err(problem) => vec![Finding::new("repository", problem)],
    }
}

fn rules() -> [fn(&Repository) -> Vec<Finding>; 18] {
    [
        dependency::directions,
        dependency::window_toolkit_stays_in_the_desktop,
        dependency::absences,
        dependency::test_kit_stays_in_tests,
        dependency::workspace_lints_apply,
        layout::known_root,
        layout::forbidden_names,
        layout::crates_are_on_the_map,
        layout::recipes_are_one_line,
        layout::links_lead_somewhere,
        licence::allowed,
        permission::every_command_is_in_a_set,
        source::length,
        source::module_docs,
        source::unfinished_work,
        source::registry_hosts,
        wording::locales_agree,
        wording::every_code_has_words,
    ]
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn the_repository_is_tidy() {
        let findings: Vec<String> = check().iter().map(ToString::to_string).collect();

        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}
