//! What lies where, under which name, and whether the maps say so.

use super::{Finding, Repository};

/// All that may lie at the root; a folder ends in a slash.
const ROOT: &[&str] = &[
    ".ci/",
    ".config/",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "STYLE.md",
    "assets/",
    "clippy.toml",
    "crates/",
    "deny.toml",
    "docs/",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "src-tauri/",
    "tauri.conf.json",
    "terraform-modules/",
    "tests/",
    "ui/",
];

/// Names that say nothing about what is inside.
///
/// A file may be called `core`: to the shells and the tests, the core is one thing with
/// that name. A folder of that name would hold anything.
const EMPTY_NAMES: &[&str] = &["common", "core", "helper", "helpers", "misc", "util", "utils"];

/// Nothing lies at the root that nobody expects there.
pub(super) fn known_root(repository: &Repository) -> Vec<Finding> {
    let mut entries: Vec<&str> = repository
        .paths
        .iter()
        .map(|path| path.find('/').map_or(path.as_str(), |slash| &path[..=slash]))
        .collect();
    entries.sort_unstable();
    entries.dedup();
    entries
        .into_iter()
        .filter(|entry| !ROOT.contains(entry))
        .map(|entry| Finding::new(entry, "is not one of the things that lie at the root"))
        .collect()
}

/// A module is called by the concept that it holds.
pub(super) fn forbidden_names(repository: &Repository) -> Vec<Finding> {
    let says_nothing = |part: &str| match part.split_once('.') {
        Some((name, _)) => name != "core" && EMPTY_NAMES.contains(&name),
        None => EMPTY_NAMES.contains(&part),
    };
    repository
        .paths
        .iter()
        .filter(|path| path.split('/').any(says_nothing))
        .map(|path| Finding::new(path, "has a name that says nothing: call it by its concept"))
        .collect()
}

/// ARCHITECTURE.md names the folder of every member, and no folder of a crate that isn't.
pub(super) fn crates_are_on_the_map(repository: &Repository) -> Vec<Finding> {
    let map = repository.text("ARCHITECTURE.md").unwrap_or_default();
    repository
        .paths
        .iter()
        .filter_map(|path| path.strip_suffix("/Cargo.toml"))
        .filter(|folder| !map.contains(folder))
        .map(|folder| Finding::new("ARCHITECTURE.md", format!("does not mention `{folder}`")))
        .collect()
}

/// What a recipe does can be read at a glance, and moved to CI by name.
pub(super) fn recipes_are_one_line(repository: &Repository) -> Vec<Finding> {
    let lines: Vec<&str> = repository.text("Makefile").unwrap_or_default().lines().collect();
    let is_recipe = |line: &str| line.starts_with('\t');
    lines
        .windows(2)
        .zip(1..)
        .filter(|(pair, _)| is_recipe(pair[0]) && (is_recipe(pair[1]) || pair[0].ends_with('\\')))
        .map(|(_, number)| {
            Finding::new(format!("Makefile:{number}"), "is a recipe of more than one line")
        })
        .collect()
}

/// A link from one page of ours to another file of ours finds it.
pub(super) fn links_lead_somewhere(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in repository.files.iter().filter(|file| file.is("md")) {
        for link in page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or(link);
            if target.is_empty() || target.contains(':') {
                continue;
            }
            let target = resolve(&page.path, target);
            let folder = format!("{target}/");
            if !repository.paths.iter().any(|path| *path == target || path.starts_with(&folder)) {
                findings.push(Finding::new(
                    &page.path,
                    format!("links to `{target}`, which is not there"),
                ));
            }
        }
    }
    findings
}

/// The path that `link` means on the page at `page`.
fn resolve(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::TextFile;

    fn repository(files: &[(&str, &str)]) -> Repository {
        Repository {
            paths: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
            files: files
                .iter()
                .map(|(path, text)| TextFile { path: (*path).to_owned(), text: (*text).to_owned() })
                .collect(),
            ..Repository::default()
        }
    }

    #[test]
    fn a_stranger_at_the_root_is_found() {
        let findings =
            known_root(&repository(&[("notes.txt", ""), ("ui/notes.txt", ""), ("scratch/a", "")]));

        assert_eq!(findings.len(), 2, "{findings:?}");
    }

    #[test]
    fn a_name_that_says_nothing_is_found() {
        let findings = forbidden_names(&repository(&[
            ("crates/app/src/utils.rs", ""),
            ("ui/src/common/date.ts", ""),
            ("crates/app/src/core/plan.rs", ""),
            ("src-tauri/core.rs", ""),
            ("crates/app/src/utilization.rs", ""),
        ]));

        assert_eq!(findings.len(), 3, "{findings:?}");
    }

    #[test]
    fn a_crate_that_the_map_forgets_is_found() {
        let findings = crates_are_on_the_map(&repository(&[
            ("ARCHITECTURE.md", "`crates/app` decides"),
            ("crates/app/Cargo.toml", ""),
            ("crates/vault/Cargo.toml", ""),
        ]));

        assert_eq!(findings.len(), 1, "{findings:?}");
    }

    #[test]
    fn a_recipe_of_two_lines_is_found() {
        assert_eq!(recipes_are_one_line(&repository(&[("Makefile", "a:\n\tx\n\ty\n")])).len(), 1);
        assert_eq!(
            recipes_are_one_line(&repository(&[("Makefile", "a:\n\tx \\\n  y\n")])).len(),
            1
        );
        assert!(
            recipes_are_one_line(&repository(&[("Makefile", "a:\n\tx\n\nb:\n\ty\n")])).is_empty()
        );
    }

    #[test]
    fn a_link_into_the_void_is_found() {
        let findings = links_lead_somewhere(&repository(&[
            ("docs/a.md", "[b](b.md#part) [c](../crates) [d](d.md) [e](https://example.com)"),
            ("docs/b.md", ""),
            ("crates/x", ""),
        ]));

        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].text.contains("docs/d.md"), "{findings:?}");
    }
}
