//! The private directory of a run: made, marked, found again, wiped.
//!
//! ```text
//! <root>/<run id>/        0700
//!   owner.lock            held as long as the program that runs it lives
//!   guard.lock            the same, for the guard that waits for its death
//!   marker.json           what an adopter has to know
//!   module/               the copy; Terraform's working directory
//!   home/  tmp/           what the child takes for the user's
//!   <stage>.out .err      what it prints
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use flightdeck_app::port::terraform::{Leftover, TerraformError};
use flightdeck_domain::id::{RunId, StackId};
use serde::{Deserialize, Serialize};

use crate::{identity::Identity, state::Version};

/// Deeper is a link that leads back to itself.
const MAX_DEPTH: usize = 10;

/// What another process has to know to finish a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// Which run.
    pub(crate) run_id: RunId,
    /// Whose state.
    pub(crate) stack_id: StackId,
    /// What was started last.
    pub(crate) stage: Option<Stage>,
    /// The newest version of the state that was kept.
    pub(crate) kept: Option<Version>,
}

/// A part of the run, and how far its words were heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stage {
    /// `init`, `plan`, `apply`.
    pub(crate) name: String,
    /// The process.
    pub(crate) process: Identity,
    /// Bytes of its standard output that were heard.
    pub(crate) stdout: u64,
    /// As `stdout`.
    pub(crate) stderr: u64,
}

/// A run directory that is ours: made by us, or adopted.
///
/// Dropping it without [`RunDirectory::wipe`] leaves it for an adopter: whatever
/// goes wrong, the state in it is worth more than a clean disk.
pub(crate) struct RunDirectory {
    path: PathBuf,
    marker: Marker,
    /// The kernel gives the locks back when the program dies, however it dies.
    _locks: Vec<File>,
}

impl RunDirectory {
    /// Makes the directory of a run under `root`.
    ///
    /// It appears under its name only when it is locked and marked, so that
    /// nobody takes a directory in the making for a leftover.
    pub(crate) fn create(root: &Path, run_id: RunId, stack_id: StackId) -> io::Result<Self> {
        private_folders(root)?;
        let path = root.join(run_id.to_string());
        if path.exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "this run has a directory"));
        }
        let staged = root.join(format!(".{run_id}"));
        private_folder(&staged)?;
        let mut locks = Vec::new();
        for name in ["owner.lock", "guard.lock"] {
            let file = private_file(&staged.join(name))?;
            file.try_lock()?;
            locks.push(file);
        }
        for folder in ["module", "home", "tmp"] {
            private_folder(&staged.join(folder))?;
        }
        let marker = Marker { run_id, stack_id, stage: None, kept: None };
        let mut directory = Self { path: staged, marker, _locks: locks };
        directory.save()?;
        fs::rename(&directory.path, &path)?;
        directory.path = path;
        Ok(directory)
    }

    /// Takes over a directory whose owner is gone.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let owner = OpenOptions::new().read(true).write(true).open(path.join("owner.lock"))?;
        owner.try_lock()?;
        let marker = serde_json::from_slice(&fs::read(path.join("marker.json"))?)?;
        Ok(Self { path, marker, _locks: vec![owner] })
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Terraform's working directory.
    pub(crate) fn module(&self) -> PathBuf {
        self.path.join("module")
    }

    /// What the child takes for the user's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    /// What the child takes for the folder of temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path.join("tmp")
    }

    /// The lock that a guard waits for.
    pub(crate) fn guard(&self) -> PathBuf {
        self.path.join("guard.lock")
    }

    /// Where the plan file stands.
    pub(crate) fn plan(&self) -> PathBuf {
        self.path.join("plan.bin")
    }

    /// Where a stage's standard output goes.
    pub(crate) fn stdout(&self, stage: &str) -> PathBuf {
        self.path.join(format!("{stage}.out"))
    }

    /// Where a stage's standard error goes.
    pub(crate) fn stderr(&self, stage: &str) -> PathBuf {
        self.path.join(format!("{stage}.err"))
    }

    /// What an adopter would be told.
    pub(crate) fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Tells an adopter more. Costs nothing if nothing changed.
    pub(crate) fn mark(&mut self, marker: Marker) -> io::Result<()> {
        if self.marker == marker {
            return Ok(());
        }
        self.marker = marker;
        self.save()
    }

    /// Copies a module in, without what earlier runs of others left beside it.
    pub(crate) fn copy_module(&self, module: &Path) -> io::Result<()> {
        copy(module, &self.module(), 0)
    }

    /// Overwrites and removes everything.
    pub(crate) fn wipe(self) -> io::Result<()> {
        overwrite(&self.path)?;
        fs::remove_dir_all(&self.path)
    }

    /// Replaces the marker whole: a crash leaves the old one or the new one.
    fn save(&self) -> io::Result<()> {
        let fresh = self.path.join("marker.new");
        private_file(&fresh)?.write_all(&serde_json::to_vec(&self.marker)?)?;
        fs::rename(fresh, self.path.join("marker.json"))
    }
}

/// Lists the directories under `root` whose owner is gone.
pub(crate) fn leftovers(root: &Path) -> Result<Vec<Leftover>, TerraformError> {
    let failed = |source| TerraformError::Directory { path: root.to_owned(), source };
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_str().is_none_or(|name| name.parse::<RunId>().is_err()) {
            continue;
        }
        match RunDirectory::open(entry.path()) {
            Ok(directory) => found.push(Leftover {
                run_id: directory.marker.run_id,
                stack_id: directory.marker.stack_id,
            }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::error!(path = %entry.path().display(), %error, "A left-behind run directory can't be read");
            }
        }
    }
    found.sort_by_key(|leftover| leftover.run_id);
    Ok(found)
}

/// Overwrites and removes one file.
pub(crate) fn wipe_file(path: &Path) -> io::Result<()> {
    overwrite(path)?;
    fs::remove_file(path)
}

/// Writes a file that only we can read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    private_file(path)?.write_all(content)
}

fn private_folders(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn copy(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{}` is nested too deep", from.display()),
        ));
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if matches!(&*text, ".terraform" | ".git") || text.contains(".tfstate") {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        let data = fs::metadata(&source)?;
        if data.is_dir() {
            private_folder(&target)?;
            copy(&source, &target, depth + 1)?;
        } else if data.is_file() {
            fs::copy(&source, &target)?;
            let mode = if data.permissions().mode() & 0o111 == 0 { 0o600 } else { 0o700 };
            fs::set_permissions(&target, fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

/// Overwrites the files at and below `path` with zeros.
///
/// Links are not followed and provider plugins are left as they are: both can
/// lead to the plugin cache, which all runs share.
fn overwrite(path: &Path) -> io::Result<()> {
    let data = fs::symlink_metadata(path)?;
    if data.is_dir() {
        if path.ends_with(".terraform/providers") {
            return Ok(());
        }
        for entry in fs::read_dir(path)? {
            overwrite(&entry?.path())?;
        }
    } else if data.is_file() && data.len() > 0 {
        zero(path, data.len())?;
    }
    Ok(())
}

fn zero(path: &Path, length: u64) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            OpenOptions::new().write(true).open(path)?
        }
        file => file?,
    };
    file.rewind()?;
    io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
    // On a disk, the zeros of a file that is removed at once would never be written.
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn directory(root: &Path) -> RunDirectory {
        RunDirectory::create(root, RunId::new(), StackId::new()).expect("made")
    }

    #[test]
    fn a_directory_is_a_leftover_only_after_its_owner() {
        let root = tempfile::tempdir().expect("a directory");
        let owned = directory(root.path());

        assert!(leftovers(root.path()).expect("listed").is_empty());
        let run_id = owned.marker.run_id;
        drop(owned);
        let found = leftovers(root.path()).expect("listed");
        assert_eq!(found.iter().map(|leftover| leftover.run_id).collect::<Vec<_>>(), [run_id]);
    }

    #[test]
    fn a_run_has_one_directory() {
        let root = tempfile::tempdir().expect("a directory");
        let first = directory(root.path());

        let second = RunDirectory::create(root.path(), first.marker.run_id, StackId::new());

        assert_eq!(second.err().map(|error| error.kind()), Some(io::ErrorKind::AlreadyExists));
    }

    #[test]
    fn wiping_follows_no_link() {
        let root = tempfile::tempdir().expect("a directory");
        let cached = root.path().join("provider");
        fs::write(&cached, b"a provider").expect("written");
        let owned = directory(root.path());
        symlink(&cached, owned.module().join("link")).expect("linked");
        let providers = owned.module().join(".terraform/providers");
        fs::create_dir_all(&providers).expect("made");
        fs::hard_link(&cached, providers.join("provider")).expect("linked");
        let path = owned.path().to_owned();

        owned.wipe().expect("wiped");

        assert!(!path.exists());
        assert_eq!(fs::read(&cached).expect("still there"), b"a provider");
    }

    #[test]
    fn overwriting_leaves_only_zeros() {
        let root = tempfile::tempdir().expect("a directory");
        let path = root.path().join("plan");
        fs::write(&path, b"sensitive").expect("written");

        overwrite(&path).expect("overwritten");

        assert_eq!(fs::read(&path).expect("there"), [0; 9]);
    }

    #[test]
    fn a_copy_leaves_behind_what_other_runs_made() {
        let root = tempfile::tempdir().expect("a directory");
        let module = root.path().join("source");
        fs::create_dir_all(module.join(".terraform/modules")).expect("made");
        fs::create_dir_all(module.join("nested")).expect("made");
        for name in ["main.tf", ".terraform.lock.hcl", "terraform.tfstate", "nested/x.tf"] {
            fs::write(module.join(name), b"x").expect("written");
        }
        let owned = directory(root.path());

        owned.copy_module(&module).expect("copied");

        let has = |name: &str| owned.module().join(name).exists();
        assert!(has("main.tf") && has("nested/x.tf") && has(".terraform.lock.hcl"));
        assert!(!has(".terraform") && !has("terraform.tfstate"));
    }

    #[test]
    fn a_link_to_itself_does_not_fill_the_disk() {
        let root = tempfile::tempdir().expect("a directory");
        let module = root.path().join("source");
        fs::create_dir(&module).expect("made");
        symlink(&module, module.join("self")).expect("linked");

        assert!(directory(root.path()).copy_module(&module).is_err());
    }
}
