//! What the rules look at: the files that git knows or would add, and cargo's metadata.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// A repository as the rules see it.
#[derive(Default)]
pub(crate) struct Repository {
    /// Every text file, by path from the root.
    pub(crate) files: Vec<TextFile>,
    /// Every path, of texts and of everything else.
    pub(crate) paths: Vec<String>,
    /// The members of the workspace.
    pub(crate) members: Vec<Package>,
    /// What the members are made of.
    pub(crate) foreign: Vec<Package>,
    /// For each package, by id, what it is linked with.
    pub(crate) edges: Vec<Edge>,
}

/// One file of text.
pub(crate) struct TextFile {
    /// From the root, with slashes.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// One package of cargo's metadata.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) license: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a package's manifest.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or none for what is linked.
    pub(crate) kind: Option<String>,
}

/// One package linked with another, tests and build scripts apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Repository {
    /// Reads the repository around this crate; fails in words.
    pub(crate) fn read() -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let list = output(
            &root,
            "git",
            &["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        )?;
        let paths: Vec<String> = list
            .split('\0')
            .filter(|path| !path.is_empty() && root.join(path).exists())
            .map(str::to_owned)
            .collect();
        let files = paths
            .iter()
            .filter_map(|path| {
                // Pictures are not UTF-8, and have nothing that a rule could read.
                let text = String::from_utf8(fs::read(root.join(path)).ok()?).ok()?;
                Some(TextFile { path: path.clone(), text })
            })
            .collect();

        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let metadata = output(
            &root,
            &cargo,
            // What ships runs on Linux; other systems' packages may not even be downloaded.
            &[
                "metadata",
                "--format-version=1",
                "--locked",
                "--filter-platform=x86_64-unknown-linux-gnu",
            ],
        )?;
        let metadata: Metadata = serde_json::from_str(&metadata)
            .map_err(|error| format!("cargo's metadata: {error}"))?;
        let (members, foreign) = metadata
            .packages
            .into_iter()
            .partition(|package| metadata.workspace_members.contains(&package.id));
        Ok(Self { files, paths, members, foreign, edges: edges(metadata.resolve) })
    }

    /// The text of the file at `path`, if there is one.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }
}

impl TextFile {
    /// Says whether the file's name ends in `.extension`.
    pub(crate) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }
}

impl Package {
    /// Says whether the package lies in `tests/`, which never ships.
    pub(crate) fn is_a_test(&self) -> bool {
        self.manifest_path.ancestors().nth(2).is_some_and(|folder| folder.ends_with("tests"))
    }
}

fn edges(resolve: Resolve) -> Vec<Edge> {
    resolve
        .nodes
        .into_iter()
        .flat_map(|node| {
            let from = node.id;
            node.deps
                .into_iter()
                .filter(|to| to.dep_kinds.iter().any(|kind| kind.kind.is_none()))
                .map(move |to| Edge { from: from.clone(), to: to.pkg })
        })
        .collect()
}

fn output(root: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "git and cargo on a developer's machine, with all of the developer's environment"
    )]
    let output = std::process::Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| format!("`{program}` does not start: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{program} {}` failed: {}", arguments[0], said.trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("`{program}` wrote no UTF-8: {error}"))
}
