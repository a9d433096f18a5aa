//! Whether everything that people read exists, in every language.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Finding, Repository, TextFile};

const CODES: &str = "crates/app/src/error.rs";

/// English and its translations have the same keys, with the same placeholders.
pub(super) fn locales_agree(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let in_ui = |file: &&TextFile| file.path.starts_with("ui/src/");
    for english in
        repository.files.iter().filter(in_ui).filter(|file| file.path.ends_with("/en.json"))
    {
        let folder = english.path.trim_end_matches("en.json");
        let path = format!("{folder}de.json");
        let Some(german) = repository.text(&path) else {
            findings.push(Finding::new(path, "is missing, though there is an English file"));
            continue;
        };
        match (messages(&english.text), messages(german)) {
            (Ok(english), Ok(german)) => findings.extend(compare(&path, &english, &german)),
            (Err(problem), _) => findings.push(Finding::new(&english.path, problem)),
            (_, Err(problem)) => findings.push(Finding::new(path, problem)),
        }
    }
    findings
}

fn compare(
    path: &str,
    english: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, text) in english {
        match other.get(key) {
            None => findings.push(Finding::new(path, format!("lacks `{key}`"))),
            Some(other) if placeholders(other) != placeholders(text) => {
                findings.push(Finding::new(path, format!("has other placeholders in `{key}`")));
            }
            Some(_) => {}
        }
    }
    for key in other.keys().filter(|key| !english.contains_key(*key)) {
        findings.push(Finding::new(path, format!("has `{key}`, which English has not")));
    }
    findings
}

/// All messages of a locale file, by their keys joined with dots.
fn messages(text: &str) -> Result<BTreeMap<String, String>, String> {
    let value = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
    let mut messages = BTreeMap::new();
    flatten(String::new(), &value, &mut messages);
    Ok(messages)
}

fn flatten(key: String, value: &Value, messages: &mut BTreeMap<String, String>) {
    if let Value::Object(map) = value {
        for (name, value) in map {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            flatten(key, value, messages);
        }
    } else {
        messages.insert(key, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
}

/// The names in braces, each once: a plural may repeat one in each of its forms.
fn placeholders(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Every error code stands in the window's table of wordings.
pub(super) fn every_code_has_words(repository: &Repository) -> Vec<Finding> {
    let Some(table) = repository.files.iter().find(|file| {
        file.path.starts_with("ui/src/") && file.text.contains("satisfies Record<Code")
    }) else {
        return vec![Finding::new("ui/src", "has no table that `satisfies Record<Code, …>`")];
    };
    let codes = codes(repository.text(CODES).unwrap_or_default());
    if codes.is_empty() {
        return vec![Finding::new(CODES, "states no codes")];
    }
    codes
        .into_iter()
        .filter(|code| {
            let is_key = |line: &str| {
                let key = line.trim_start().split(':').next().unwrap_or_default();
                key.trim_matches(['\'', '"']) == *code
            };
            !table.text.lines().any(is_key)
        })
        .map(|code| Finding::new(&table.path, format!("has no words for the code `{code}`")))
        .collect()
}

/// The codes as they are on the wire: `Name = "wire_name";` inside of `codes!`.
fn codes(text: &str) -> Vec<&str> {
    let Some(block) = text.split("\ncodes! {").nth(1).and_then(|rest| rest.split("\n}").next())
    else {
        return Vec::new();
    };
    block
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .filter_map(|line| line.split_once(" = \"")?.1.strip_suffix("\";"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(files: &[(&str, &str)]) -> Repository {
        Repository {
            files: files
                .iter()
                .map(|(path, text)| TextFile { path: (*path).to_owned(), text: (*text).to_owned() })
                .collect(),
            ..Repository::default()
        }
    }

    #[test]
    fn a_translation_that_lacks_a_key_or_a_placeholder_is_found() {
        let english = r#"{"a": {"b": "{count} servers"}, "c": "Close"}"#;
        let locales = |german: &str| {
            locales_agree(&repository(&[
                ("ui/src/locales/en.json", english),
                ("ui/src/locales/de.json", german),
            ]))
        };

        assert!(locales(r#"{"a": {"b": "{count} Server"}, "c": "Zu"}"#).is_empty());
        assert_eq!(locales(r#"{"a": {"b": "Server"}, "c": "Zu"}"#).len(), 1, "placeholder");
        assert_eq!(locales(r#"{"a": {"b": "{count} Server"}}"#).len(), 1, "missing key");
        assert_eq!(locales(r#"{"a": {"b": "{count}"}, "c": "", "d": ""}"#).len(), 1, "extra key");
        assert_eq!(locales("{").len(), 1, "no JSON");
    }

    #[test]
    fn an_english_file_without_its_translation_is_found() {
        assert_eq!(locales_agree(&repository(&[("ui/src/locales/en.json", "{}")])).len(), 1);
    }

    #[test]
    fn a_code_without_words_is_found() {
        let rust = "codes!\n\ncodes! {\n    /// Closed = \"no\";\n    VaultLocked = \"vault_locked\";\n    \
                    NotFound = \"not_found\";\n}\n";
        let table =
            "  vault_locked: { title: 'x' },\n} as const satisfies Record<Code, Presentation>";

        let findings = every_code_has_words(&repository(&[
            (CODES, rust),
            ("ui/src/ipc/presentation.ts", table),
        ]));

        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].text.contains("not_found"), "{findings:?}");
    }

    #[test]
    fn a_table_or_codes_that_can_not_be_found_are_a_finding() {
        assert_eq!(every_code_has_words(&repository(&[(CODES, "")])).len(), 1);
        let table = ("ui/src/ipc/presentation.ts", "satisfies Record<Code, X>");
        assert_eq!(every_code_has_words(&repository(&[(CODES, ""), table])).len(), 1);
    }
}
