//! Which package may know which.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Finding, Repository,
    repository::{Dependency, Package},
};

const DESKTOP: &str = "flightdeck-desktop";
const TEST_KIT: &str = "flightdeck-testkit";

/// Each of our packages with those of ours that it may be linked with, bottom first.
///
/// A package may use in its tests all that stands above it here, and the test kit.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("flightdeck-domain", &[]),
    ("flightdeck-store", &["domain"]),
    ("flightdeck-vault", &["domain"]),
    ("flightdeck-render", &["domain"]),
    ("flightdeck-app", &["domain", "store", "vault", "render"]),
    ("flightdeck-hosts", &["app", "domain"]),
    ("flightdeck-terraform", &["app", "domain"]),
    ("flightdeck-cloud", &["app", "domain"]),
    (
        "flightdeck-engine",
        &["app", "cloud", "domain", "hosts", "render", "store", "terraform", "vault"],
    ),
    ("flightdeck-cli", &["app", "domain", "engine"]),
    (DESKTOP, &["app", "domain", "engine"]),
    (TEST_KIT, &["app", "domain", "store", "vault"]),
    ("xtask", &["render"]),
    ("terraform-provider-fleet", &[]),
    (
        "flightdeck-fleet-journeys",
        &["app", "domain", "engine", "testkit", "terraform-provider-fleet"],
    ),
];

/// What a package must not name itself, though it may be linked with it through another.
const ABSENT: &[(&str, &[&str])] = &[
    (
        "flightdeck-app",
        &["axum", "grass", "image", "keyring", "reqwest", "rusqlite", "ssh2", "tauri"],
    ),
    ("flightdeck-cli", &["keyring", "reqwest", "rusqlite", "ssh2"]),
    (DESKTOP, &["keyring", "reqwest", "rusqlite", "ssh2"]),
];

/// What must not even be linked into a package.
const UNREACHABLE: &[(&str, &[&str])] = &[(
    "flightdeck-domain",
    &["async-trait", "futures", "reqwest", "rusqlite", "ssh2", "tokio", "tracing"],
)];

/// Every package depends only downwards, and stands in the table at all.
pub(super) fn directions(repository: &Repository) -> Vec<Finding> {
    let ours: BTreeSet<&str> =
        repository.members.iter().map(|member| member.name.as_str()).collect();
    let mut findings = Vec::new();
    for member in &repository.members {
        let Some(place) = DIRECTIONS.iter().position(|(name, _)| *name == member.name) else {
            findings.push(Finding::new(
                &member.name,
                "has no place in the table of dependency directions",
            ));
            continue;
        };
        for dependency in &member.dependencies {
            if ours.contains(dependency.name.as_str()) && !may_use(place, dependency) {
                let text = format!(
                    "must not depend on `{}`: dependencies point downwards",
                    dependency.name
                );
                findings.push(Finding::new(&member.name, text));
            }
        }
    }
    findings
}

fn may_use(place: usize, dependency: &Dependency) -> bool {
    let name = dependency.name.as_str();
    let linked = DIRECTIONS[place].1.contains(&name.strip_prefix("flightdeck-").unwrap_or(name));
    let tested = dependency.kind.as_deref() == Some("dev")
        && (name == TEST_KIT || DIRECTIONS[..place].iter().any(|(above, _)| *above == name));
    linked || tested
}

/// Only the desktop package names the window toolkit or its type exporter.
pub(super) fn window_toolkit_stays_in_the_desktop(repository: &Repository) -> Vec<Finding> {
    let of_the_window = |name: &str| {
        ["tauri", "specta", "wry", "tao"].iter().any(|root| {
            name.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    repository
        .members
        .iter()
        .filter(|member| member.name != DESKTOP)
        .flat_map(|member| {
            member.dependencies.iter().filter(|dependency| of_the_window(&dependency.name)).map(
                |dependency| {
                    let text = format!("names `{}`, which only `{DESKTOP}` may", dependency.name);
                    Finding::new(&member.name, text)
                },
            )
        })
        .collect()
}

/// What a package is defined by not knowing.
pub(super) fn absences(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, absent) in ABSENT {
        let linked =
            repository.members.iter().filter(|member| member.name == *name).flat_map(|member| {
                member.dependencies.iter().filter(|dependency| dependency.kind.is_none())
            });
        for dependency in linked.filter(|dependency| absent.contains(&dependency.name.as_str())) {
            findings.push(Finding::new(*name, format!("must not name `{}`", dependency.name)));
        }
    }
    for (name, absent) in UNREACHABLE {
        for reached in reachable(repository, name) {
            if absent.contains(&reached) {
                findings.push(Finding::new(*name, format!("must not be linked with `{reached}`")));
            }
        }
    }
    findings
}

/// The names of all packages that end up in the package called `name`.
fn reachable<'a>(repository: &'a Repository, name: &str) -> BTreeSet<&'a str> {
    let packages = || repository.members.iter().chain(&repository.foreign);
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open: Vec<&Package> = packages().filter(|package| package.name == name).collect();
    while let Some(package) = open.pop() {
        let next = repository.edges.iter().filter(|edge| edge.from == package.id);
        for target in next.filter_map(|edge| packages().find(|package| package.id == edge.to)) {
            if found.insert(&target.id, &target.name).is_none() {
                open.push(target);
            }
        }
    }
    found.into_values().collect()
}

/// Simulations never end up in what ships.
pub(super) fn test_kit_stays_in_tests(repository: &Repository) -> Vec<Finding> {
    repository
        .members
        .iter()
        .filter(|member| !member.is_a_test())
        .filter(|member| {
            member.dependencies.iter().any(|dependency| {
                dependency.name == TEST_KIT && dependency.kind.as_deref() != Some("dev")
            })
        })
        .map(|member| Finding::new(&member.name, "needs the test kit outside of its tests"))
        .collect()
}

/// The workspace's lints hold in every member.
pub(super) fn workspace_lints_apply(repository: &Repository) -> Vec<Finding> {
    repository
        .files
        .iter()
        .filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"))
        .filter(|file| !file.text.contains("[lints]\nworkspace = true"))
        .map(|file| Finding::new(&file.path, "does not take the workspace's lints"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{TextFile, repository::Edge};

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        Package {
            id: format!("id of {name}"),
            name: name.to_owned(),
            license: None,
            manifest_path: format!("/repository/crates/{name}/Cargo.toml").into(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: kind.map(str::to_owned),
                })
                .collect(),
        }
    }

    fn workspace(members: Vec<Package>) -> Repository {
        Repository { members, ..Repository::default() }
    }

    #[test]
    fn a_dependency_that_points_upwards_is_found() {
        let fine = package("flightdeck-app", &[("flightdeck-store", None)]);
        let store = package("flightdeck-store", &[("flightdeck-app", None)]);

        let findings = directions(&workspace(vec![fine, store]));

        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].place, "flightdeck-store");
    }

    #[test]
    fn tests_may_use_what_stands_below_and_the_test_kit() {
        let store = package("flightdeck-store", &[]);
        let kit = package(TEST_KIT, &[]);
        let cli = package(
            "flightdeck-cli",
            &[("flightdeck-store", Some("dev")), (TEST_KIT, Some("dev"))],
        );
        let wrong = package("flightdeck-domain", &[("flightdeck-store", Some("dev"))]);

        let findings = directions(&workspace(vec![store, kit, cli, wrong]));

        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].place, "flightdeck-domain");
    }

    #[test]
    fn a_package_without_a_place_is_found() {
        assert_eq!(directions(&workspace(vec![package("flightdeck-extra", &[])])).len(), 1);
    }

    #[test]
    fn the_window_toolkit_is_found_outside_of_the_desktop() {
        let desktop = package(DESKTOP, &[("tauri", None)]);
        let cli = package("flightdeck-cli", &[("tauri-plugin-opener", None), ("taong", None)]);

        let findings = window_toolkit_stays_in_the_desktop(&workspace(vec![desktop, cli]));

        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].place, "flightdeck-cli");
    }

    #[test]
    fn a_use_case_crate_that_names_ssh_is_found() {
        let app = package("flightdeck-app", &[("ssh2", None), ("reqwest", Some("dev"))]);

        assert_eq!(absences(&workspace(vec![app])).len(), 1);
    }

    #[test]
    fn a_runtime_that_reaches_the_domain_through_another_crate_is_found() {
        let edge = |from: &str, to: &str| Edge {
            from: format!("id of {from}"),
            to: format!("id of {to}"),
        };
        let repository = Repository {
            members: vec![package("flightdeck-domain", &[])],
            foreign: vec![package("innocent", &[]), package("tokio", &[])],
            edges: vec![edge("flightdeck-domain", "innocent"), edge("innocent", "tokio")],
            ..Repository::default()
        };

        assert_eq!(absences(&repository).len(), 1);
    }

    #[test]
    fn a_test_kit_that_would_ship_is_found() {
        let engine = package("flightdeck-engine", &[(TEST_KIT, None)]);
        let app = package("flightdeck-app", &[(TEST_KIT, Some("dev"))]);

        let findings = test_kit_stays_in_tests(&workspace(vec![engine, app]));

        assert_eq!(findings.len(), 1, "{findings:?}");
    }

    #[test]
    fn a_manifest_without_the_lints_is_found() {
        let manifest = |text: &str| Repository {
            files: vec![TextFile { path: "crates/x/Cargo.toml".to_owned(), text: text.to_owned() }],
            ..Repository::default()
        };

        assert_eq!(workspace_lints_apply(&manifest("[package]\n")).len(), 1);
        assert!(workspace_lints_apply(&manifest("[lints]\nworkspace = true\n")).is_empty());
    }
}
