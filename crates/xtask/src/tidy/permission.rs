//! The window may call a command only if a permission set names it.

use std::collections::BTreeSet;

use super::{Finding, Repository};

const SOURCES: &str = "src-tauri/";
const SETS: &str = "src-tauri/permissions/";

/// Every command stands in a permission set, and every set names commands that exist.
pub(super) fn every_command_is_in_a_set(repository: &Repository) -> Vec<Finding> {
    let commands: BTreeSet<&str> = repository
        .files
        .iter()
        .filter(|file| file.path.starts_with(SOURCES) && file.is("rs"))
        .filter(|file| !file.path.starts_with("src-tauri/tests/"))
        .flat_map(|file| commands(&file.text))
        .collect();
    let mut granted: BTreeSet<String> = BTreeSet::new();
    let mut findings = Vec::new();
    for file in repository.files.iter().filter(|file| file.path.starts_with(SETS)) {
        match file.text.parse::<toml::Table>() {
            Ok(table) => granted.extend(grants(&table)),
            Err(error) => findings.push(Finding::new(&file.path, format!("is no TOML: {error}"))),
        }
    }
    for command in &commands {
        if !granted.contains(*command) {
            findings
                .push(Finding::new(*command, format!("is a command that no set in {SETS} names")));
        }
    }
    for command in granted.iter().filter(|command| !commands.contains(command.as_str())) {
        findings.push(Finding::new(
            command,
            format!("is named in {SETS}, but there is no such command"),
        ));
    }
    findings
}

/// The functions of `text` that are commands.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n#[tauri::command").skip(1).filter_map(|rest| {
        let name = rest.split("fn ").nth(1)?;
        name.split(|c: char| !c.is_alphanumeric() && c != '_').next()
    })
}

/// The commands that a file of permissions grants, by `commands.allow` of a permission
/// or by a set's `allow-…`, which the toolkit makes of a command's name.
fn grants(table: &toml::Table) -> Vec<String> {
    let entries =
        |key: &str| table.get(key).and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let strings = |list: Option<&toml::Value>| -> Vec<String> {
        list.and_then(toml::Value::as_array)
            .map(|list| list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let direct = entries("permission").into_iter().flat_map(|permission| {
        strings(permission.get("commands").and_then(|commands| commands.get("allow")))
    });
    let by_set = entries("set")
        .into_iter()
        .flat_map(|set| strings(set.get("permissions")))
        .filter_map(|name| name.strip_prefix("allow-").map(|name| name.replace('-', "_")));
    direct.chain(by_set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::TextFile;

    const COMMANDS: &str = "
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_servers(app: State<'_, App>) -> Result<(), IpcError> {}

#[tauri::command]
pub fn lock_vault() {}
";

    fn repository(sets: &str) -> Repository {
        let file =
            |path: &str, text: &str| TextFile { path: path.to_owned(), text: text.to_owned() };
        Repository {
            files: vec![
                file("src-tauri/ipc/server.rs", COMMANDS),
                file("src-tauri/permissions/sets.toml", sets),
            ],
            ..Repository::default()
        }
    }

    #[test]
    fn a_command_in_no_set_is_found() {
        let findings = every_command_is_in_a_set(&repository(
            "[[set]]\nidentifier = \"read\"\npermissions = [\"allow-list-servers\"]\n",
        ));

        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].place, "lock_vault");
    }

    #[test]
    fn a_set_that_names_no_command_is_found() {
        let findings = every_command_is_in_a_set(&repository(
            "[[permission]]\nidentifier = \"all\"\n\
             commands.allow = [\"list_servers\", \"lock_vault\", \"burn_servers\"]\n",
        ));

        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].place, "burn_servers");
    }
}
