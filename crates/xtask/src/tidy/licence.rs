//! Whether everything that is linked may be shipped: the allow list of deny.toml.
//!
//! `cargo deny` reads the same list, but takes minutes to build and wants the network.

use super::{Finding, Repository};

/// Every package's licence lets us choose one that is on the list.
pub(super) fn allowed(repository: &Repository) -> Vec<Finding> {
    let list = match allow_list(repository.text("deny.toml").unwrap_or_default()) {
        Ok(list) => list,
        Err(problem) => return vec![Finding::new("deny.toml", problem)],
    };
    let mut findings = Vec::new();
    for package in &repository.foreign {
        let Some(expression) = &package.license else {
            findings.push(Finding::new(&package.name, "states no licence"));
            continue;
        };
        match Parser::new(expression, &list).expression() {
            Some(true) => {}
            Some(false) => {
                let text = format!("is under `{expression}`, which deny.toml does not allow");
                findings.push(Finding::new(&package.name, text));
            }
            None => {
                let text = format!("has a licence expression that can't be read: `{expression}`");
                findings.push(Finding::new(&package.name, text));
            }
        }
    }
    findings
}

fn allow_list(text: &str) -> Result<Vec<String>, String> {
    let table: toml::Table = text.parse().map_err(|error| format!("is no TOML: {error}"))?;
    table
        .get("licenses")
        .and_then(|licences| licences.get("allow"))
        .and_then(toml::Value::as_array)
        .map(|list| list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect())
        .ok_or_else(|| "has no `licenses.allow`".to_owned())
}

/// Reads an SPDX expression and says whether the list satisfies it.
struct Parser<'a> {
    words: Vec<String>,
    at: usize,
    list: &'a [String],
}

impl<'a> Parser<'a> {
    fn new(expression: &str, list: &'a [String]) -> Self {
        // Old manifests write `MIT/Apache-2.0` for a choice.
        let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
        Self { words: spaced.split_whitespace().map(str::to_owned).collect(), at: 0, list }
    }

    /// The whole expression; `None` where it is not one.
    fn expression(mut self) -> Option<bool> {
        let verdict = self.choice()?;
        (self.at == self.words.len()).then_some(verdict)
    }

    fn choice(&mut self) -> Option<bool> {
        let mut verdict = self.conjunction()?;
        while self.take("OR") {
            verdict |= self.conjunction()?;
        }
        Some(verdict)
    }

    fn conjunction(&mut self) -> Option<bool> {
        let mut verdict = self.licence()?;
        while self.take("AND") {
            verdict &= self.licence()?;
        }
        Some(verdict)
    }

    fn licence(&mut self) -> Option<bool> {
        if self.take("(") {
            let verdict = self.choice()?;
            return self.take(")").then_some(verdict);
        }
        let mut name = self.next()?;
        if self.take("WITH") {
            name = format!("{name} WITH {}", self.next()?);
        }
        Some(self.list.contains(&name))
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|next| next == word);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at)?.clone();
        self.at += 1;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{TextFile, repository::Package};

    fn satisfied(expression: &str) -> Option<bool> {
        let list =
            ["MIT".to_owned(), "ISC".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
        Parser::new(expression, &list).expression()
    }

    #[test]
    fn a_choice_needs_one_and_a_conjunction_all() {
        assert_eq!(satisfied("MIT"), Some(true));
        assert_eq!(satisfied("GPL-3.0"), Some(false));
        assert_eq!(satisfied("GPL-3.0/MIT"), Some(true));
        assert_eq!(satisfied("MIT AND GPL-3.0"), Some(false));
        assert_eq!(satisfied("(MIT OR GPL-3.0) AND ISC"), Some(true));
        assert_eq!(satisfied("Apache-2.0 WITH LLVM-exception"), Some(true));
        assert_eq!(
            satisfied("Apache-2.0"),
            Some(false),
            "an exception does not allow the licence without it"
        );
    }

    #[test]
    fn an_expression_that_is_none_is_not_taken_for_allowed() {
        assert_eq!(satisfied("(MIT"), None);
        assert_eq!(satisfied("MIT MIT"), None);
        assert_eq!(satisfied(""), None);
    }

    #[test]
    fn a_package_under_a_licence_off_the_list_is_found() {
        let package = |license: Option<&str>| Package {
            id: String::new(),
            name: "foreign".to_owned(),
            license: license.map(str::to_owned),
            manifest_path: "Cargo.toml".into(),
            dependencies: Vec::new(),
        };
        let repository = Repository {
            files: vec![TextFile {
                path: "deny.toml".to_owned(),
                text: "[licenses]\nallow = [\"MIT\"]\n".to_owned(),
            }],
            foreign: vec![package(Some("MIT")), package(Some("AGPL-3.0")), package(None)],
            ..Repository::default()
        };

        assert_eq!(allowed(&repository).len(), 2);
        assert_eq!(allowed(&Repository::default()).len(), 1, "no list must not allow everything");
    }
}
