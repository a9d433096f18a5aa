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
//! <root>/.<run id>/       one in the making, or one that is being wiped
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
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

impl Marker {
    fn read(directory: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(directory.join("marker.json"))?)?)
    }
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
        sweep(root)?;
        let _turn = turn(root)?;
        let path = root.join(run_id.to_string());
        if path.exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "this run has a directory"));
        }
        let staged = hidden(root, run_id);
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
        let marker = Marker::read(&path)?;
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
    ///
    /// Goes out of sight first: from here on nobody may take what is half wiped
    /// for a leftover. If this is cut off, the next sweep ends it.
    pub(crate) fn wipe(mut self) -> io::Result<()> {
        let root = self.path.parent().map(Path::to_owned).unwrap_or_default();
        let hidden = hidden(&root, self.marker.run_id);
        fs::rename(&self.path, &hidden)?;
        self.path = hidden;
        remove(&root, &self.path)
    }

    /// Replaces the marker whole: a crash leaves the old one or the new one.
    fn save(&self) -> io::Result<()> {
        let fresh = self.path.join("marker.new");
        private_file(&fresh)?.write_all(&serde_json::to_vec(&self.marker)?)?;
        fs::rename(fresh, self.path.join("marker.json"))
    }
}

/// Lists the run directories under `roots`, after a sweep.
pub(crate) fn leftovers(roots: &[PathBuf]) -> Result<Vec<Leftover>, TerraformError> {
    let mut found = Vec::new();
    for root in roots {
        let listed = sweep(root).and_then(|()| list(root, &mut found));
        listed.map_err(|source| TerraformError::Directory { path: root.clone(), source })?;
    }
    found.sort_by_key(|leftover| leftover.run_id);
    Ok(found)
}

fn list(root: &Path, found: &mut Vec<Leftover>) -> io::Result<()> {
    for path in entries(root, |name| name.parse().ok())? {
        let opened = match RunDirectory::open(path.clone()) {
            Ok(directory) => Ok((directory.marker, false)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Marker::read(&path).map(|marker| (marker, true))
            }
            Err(error) => Err(error),
        };
        match opened {
            Ok((Marker { run_id, stack_id, .. }, is_held)) => {
                found.push(Leftover { run_id, stack_id, is_held });
            }
            // Its owner has just wiped it.
            Err(_) if !path.exists() => {}
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "A left-behind run directory can't be read");
            }
        }
    }
    Ok(())
}

/// Removes what a kill left in the making, or half wiped.
fn sweep(root: &Path) -> io::Result<()> {
    for path in entries(root, |name| name.strip_prefix('.')?.parse().ok())? {
        let removed = claim(root, &path).and_then(|claimed| match claimed {
            Some(_lock) => remove(root, &path),
            None => Ok(()),
        });
        if let Err(error) = removed {
            tracing::error!(path = %path.display(), %error, "A run directory could not be wiped");
        }
    }
    Ok(())
}

/// Locks a hidden directory; none if somebody is at work in it, or it is gone.
fn claim(root: &Path, path: &Path) -> io::Result<Option<File>> {
    let _turn = turn(root)?;
    if !path.exists() {
        return Ok(None);
    }
    // Without a lock it is empty: the lock is the first to come and the last to go.
    let lock = private_file(&path.join("owner.lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Overwrites and removes a directory that is locked; the lock goes last.
fn remove(root: &Path, path: &Path) -> io::Result<()> {
    overwrite(path)?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != "owner.lock" {
            fs::remove_file(entry.path())?;
        }
    }
    let _turn = turn(root)?;
    fs::remove_file(path.join("owner.lock"))?;
    fs::remove_dir(path)
}

/// Waits for the turn to lock, or unlock, a hidden directory under `root`.
///
/// A directory and its lock can't be made, or removed, at once. Turns last for
/// moments: nothing is overwritten in one.
fn turn(root: &Path) -> io::Result<File> {
    let root = File::open(root)?;
    root.lock()?;
    Ok(root)
}

fn hidden(root: &Path, run_id: RunId) -> PathBuf {
    root.join(format!(".{run_id}"))
}

fn entries(root: &Path, run: impl Fn(&str) -> Option<RunId>) -> io::Result<Vec<PathBuf>> {
    let listed = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry?;
        if entry.file_name().to_str().and_then(&run).is_some() {
            found.push(entry.path());
        }
    }
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

    fn listed(roots: &[&Path]) -> Vec<(RunId, bool)> {
        let roots: Vec<PathBuf> = roots.iter().map(|root| root.to_path_buf()).collect();
        let found = leftovers(&roots).expect("listed");
        found.iter().map(|leftover| (leftover.run_id, leftover.is_held)).collect()
    }

    fn is_empty(root: &Path) -> bool {
        fs::read_dir(root).expect("a directory").next().is_none()
    }

    #[test]
    fn a_directory_is_held_until_its_owner_is_gone() {
        let root = tempfile::tempdir().expect("a directory");
        let owned = directory(root.path());
        let run_id = owned.marker.run_id;

        assert_eq!(listed(&[root.path()]), [(run_id, true)]);
        drop(owned);
        assert_eq!(listed(&[root.path()]), [(run_id, false)]);
        let adopted = RunDirectory::open(root.path().join(run_id.to_string())).expect("adopted");
        assert_eq!(listed(&[root.path()]), [(run_id, true)], "an adopter holds it too");
        drop(adopted);
    }

    #[test]
    fn leftovers_are_found_under_every_root() {
        let (here, there) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
        let run_id = directory(there.path()).marker.run_id;
        let missing = here.path().join("missing");

        assert_eq!(listed(&[here.path(), &missing, there.path()]), [(run_id, false)]);
    }

    #[test]
    fn a_kill_while_a_directory_is_made_blocks_nothing() {
        let run_id = RunId::new();
        let steps: [&dyn Fn(&Path); 6] = [
            &|staged| private_folder(staged).expect("made"),
            &|staged| drop(private_file(&staged.join("owner.lock")).expect("made")),
            &|staged| drop(private_file(&staged.join("guard.lock")).expect("made")),
            &|staged| private_folder(&staged.join("module")).expect("made"),
            &|staged| write_private(&staged.join("marker.new"), b"{").expect("written"),
            &|staged| write_private(&staged.join("marker.json"), b"{}").expect("written"),
        ];
        for done in 1..=steps.len() {
            let root = tempfile::tempdir().expect("a directory");
            let kill = || steps[..done].iter().for_each(|step| step(&hidden(root.path(), run_id)));

            kill();
            assert!(listed(&[root.path()]).is_empty(), "after {done} steps");
            assert!(is_empty(root.path()), "after {done} steps");
            kill();
            let made = RunDirectory::create(root.path(), run_id, StackId::new());
            made.expect("made").wipe().expect("wiped");
            assert!(is_empty(root.path()), "after {done} steps");
        }
    }

    #[test]
    fn a_kill_while_a_directory_is_wiped_leaves_no_state() {
        let gone = |path: &Path, name: &str| fs::remove_file(path.join(name)).expect("removed");
        let steps: [&dyn Fn(&Path); 6] = [
            &|_| {},
            // Overwritten in the middle, and the marker before the state.
            &|path| zero(&path.join("marker.json"), 3).expect("overwritten"),
            &|path| gone(path, "marker.json"),
            &|path| fs::remove_dir_all(path.join("module")).expect("removed"),
            &|path| {
                for name in ["home", "tmp"] {
                    fs::remove_dir(path.join(name)).expect("removed");
                }
            },
            &|path| {
                for name in ["guard.lock", "owner.lock"] {
                    gone(path, name);
                }
            },
        ];
        for done in 1..=steps.len() {
            let root = tempfile::tempdir().expect("a directory");
            let owned = directory(root.path());
            let state = owned.module().join("terraform.tfstate");
            write_private(&state, b"sensitive").expect("written");
            let path = hidden(root.path(), owned.marker.run_id);
            fs::rename(owned.path(), &path).expect("hidden");

            assert!(listed(&[root.path()]).is_empty());
            assert!(path.exists(), "its owner is at work");
            drop(owned);
            steps[..done].iter().for_each(|step| step(&path));
            assert!(listed(&[root.path()]).is_empty(), "after {done} steps");
            assert!(is_empty(root.path()), "after {done} steps");
        }
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
