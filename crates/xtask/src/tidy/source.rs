//! What stands in a source file: how much, and what must not.

use super::{Finding, Repository, TextFile};

const LONGEST: usize = 600;
const LONGEST_TEST: usize = 1000;
const COUNTED: &[&str] = &["rs", "ts", "vue", "css", "sh", "sql", "tf", "py"];

/// Words that mark work which is not done. In two parts, so that this file has none.
const UNFINISHED: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimplemen", "ted!("),
    concat!("db", "g!("),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("#[ig", "nore"),
    concat!("it.sk", "ip("),
    concat!("test.sk", "ip("),
    concat!("describe.sk", "ip("),
    concat!("it.on", "ly("),
    concat!("test.on", "ly("),
    concat!("describe.on", "ly("),
    concat!("debug", "ger;"),
];

/// Where package managers fetch from: a matter of each machine's configuration.
const REGISTRIES: &[&str] = &[
    concat!("crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("registry.yarnpkg", ".com"),
];

/// A file can be read in one sitting.
pub(super) fn length(repository: &Repository) -> Vec<Finding> {
    repository
        .files
        .iter()
        .filter(|file| is_code(file) && !is_generated(file))
        .filter_map(|file| {
            let (lines, most) = (file.text.lines().count(), longest(&file.path));
            let text = format!("has {lines} lines, {most} are allowed: split it by concept");
            (lines > most).then(|| Finding::new(&file.path, text))
        })
        .collect()
}

fn is_code(file: &TextFile) -> bool {
    COUNTED.iter().any(|extension| file.is(extension))
}

fn is_generated(file: &TextFile) -> bool {
    file.path.contains(".gen.")
}

fn longest(path: &str) -> usize {
    let is_test = path.starts_with("tests/")
        || path.contains("/tests/")
        || path.contains("/e2e/")
        || [".test.ts", ".spec.ts", "/tests.rs"].iter().any(|ending| path.ends_with(ending));
    if is_test { LONGEST_TEST } else { LONGEST }
}

/// Every Rust file begins by saying what it is for, but the modules of a test binary:
/// the names of their tests say it.
pub(super) fn module_docs(repository: &Repository) -> Vec<Finding> {
    repository
        .files
        .iter()
        .filter(|file| file.is("rs") && !file.text.starts_with("//!"))
        .filter(|file| !file.path.contains("tests/it/") || file.path.ends_with("/main.rs"))
        .map(|file| Finding::new(&file.path, "does not begin with `//!` and what it is for"))
        .collect()
}

/// Nothing is left for later without an issue, and no test is left out.
pub(super) fn unfinished_work(repository: &Repository) -> Vec<Finding> {
    lines(repository.files.iter().filter(|file| is_code(file)), |line| {
        let word = UNFINISHED.iter().find(|word| line.contains(**word))?;
        Some(format!("`{word}` is left"))
    })
}

/// No package registry is named: it differs from machine to machine.
///
/// Cargo writes its index into its lock file itself.
pub(super) fn registry_hosts(repository: &Repository) -> Vec<Finding> {
    lines(repository.files.iter().filter(|file| file.path != "Cargo.lock"), |line| {
        let host = REGISTRIES.iter().find(|host| line.contains(**host))?;
        Some(format!("names the package registry `{host}`"))
    })
}

/// Findings of `look` in each line of each file, with its number.
fn lines<'a>(
    files: impl Iterator<Item = &'a TextFile>,
    look: impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    files
        .flat_map(|file| {
            file.text.lines().zip(1..).filter_map(|(line, number): (&str, u32)| {
                look(line).map(|text| Finding::new(format!("{}:{number}", file.path), text))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(path: &str, text: &str) -> Repository {
        let file = TextFile { path: path.to_owned(), text: text.to_owned() };
        Repository { files: vec![file], ..Repository::default() }
    }

    #[test]
    fn a_file_that_is_too_long_is_found() {
        let text = "a line\n".repeat(601);

        assert_eq!(length(&repository("crates/app/src/lib.rs", &text)).len(), 1);
        assert!(length(&repository("crates/app/tests/it/main.rs", &text)).is_empty());
        assert!(length(&repository("ui/src/ipc/bindings.gen.ts", &text)).is_empty());
        assert_eq!(length(&repository("ui/src/App.test.ts", &text.repeat(2))).len(), 1);
    }

    #[test]
    fn a_module_without_a_purpose_is_found() {
        assert_eq!(module_docs(&repository("a.rs", "use std::fmt;\n")).len(), 1);
        assert!(module_docs(&repository("a.rs", "//! Formats.\n")).is_empty());
        assert!(module_docs(&repository("crates/a/tests/it/crash.rs", "")).is_empty());
        assert_eq!(module_docs(&repository("crates/a/tests/it/main.rs", "")).len(), 1);
    }

    #[test]
    fn every_mark_of_unfinished_work_is_found() {
        for word in UNFINISHED {
            let line = format!("// {word}\n");

            assert_eq!(unfinished_work(&repository("a.rs", &line)).len(), 1, "{word}");
        }
    }

    #[test]
    fn an_iterator_may_pass_elements_over() {
        assert!(unfinished_work(&repository("a.rs", "items.iter().skip(1)\n")).is_empty());
    }

    #[test]
    fn every_package_registry_is_found_outside_of_cargos_lock_file() {
        for host in REGISTRIES {
            let line = format!("\"resolved\": \"https://{host}/a\"\n");

            assert!(
                !registry_hosts(&repository("ui/package-lock.json", &line)).is_empty(),
                "{host}"
            );
            assert!(registry_hosts(&repository("Cargo.lock", &line)).is_empty(), "{host}");
        }
    }
}
