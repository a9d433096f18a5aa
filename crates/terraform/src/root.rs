//! Where run directories are made.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::sys::statfs::{TMPFS_MAGIC, statfs};

/// A state, a plan and the copy of a module fit many times over.
const NEEDED_BYTES: u64 = 64 * 1024 * 1024;

/// Picks the folder for run directories: in memory if it can be, else in `data_dir`.
///
/// What never reaches a disk needs no wiping from it. A folder counts only if a
/// file can really be written there, by nobody but us: `/dev/shm` is open to all
/// users, and one of them may have made our folder before us. It comes first all
/// the same: the folder of a login is deleted at logout, under a run that goes on.
pub fn run_root(data_dir: &Path) -> PathBuf {
    for folder in in_memory(runtime_folder(), user()) {
        if is_private_memory(&folder) {
            return folder.join("runs");
        }
    }
    data_dir.join("runs")
}

/// Lists every folder in which any process of this user may have made run directories.
///
/// A process picks by its environment, and the one that finishes the run of a
/// killed one may have another: a desktop has a login's folder, a timer has none.
pub fn run_roots(data_dir: &Path) -> Vec<PathBuf> {
    candidates(runtime_folder(), user(), data_dir)
}

/// Whether `root` was made by us, for us alone: what it holds can be believed.
pub(crate) fn is_ours(root: &Path) -> bool {
    let user = user();
    let is_own = |path: &Path| fs::symlink_metadata(path).is_ok_and(|data| data.uid() == user);
    root.parent().is_some_and(is_own)
        && fs::symlink_metadata(root).is_ok_and(|data| {
            data.is_dir() && data.uid() == user && data.permissions().mode() & 0o777 & !0o700 == 0
        })
}

fn candidates(runtime: Option<PathBuf>, user: u32, data_dir: &Path) -> Vec<PathBuf> {
    let login = PathBuf::from(format!("/run/user/{user}/flightdeck"));
    let mut roots: Vec<PathBuf> = Vec::new();
    for folder in in_memory(runtime, user).into_iter().chain([login, data_dir.to_owned()]) {
        let root = folder.join("runs");
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

fn in_memory(runtime: Option<PathBuf>, user: u32) -> Vec<PathBuf> {
    [PathBuf::from(format!("/dev/shm/flightdeck-{user}"))]
        .into_iter()
        .chain(runtime.map(|folder| folder.join("flightdeck")))
        .collect()
}

fn runtime_folder() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute())
}

fn user() -> u32 {
    fs::metadata("/proc/self").map_or(0, |data| data.uid())
}

fn is_private_memory(folder: &Path) -> bool {
    let Some(parent) = folder.parent() else { return false };
    has_room_in_memory(parent) && is_private(folder).unwrap_or(false)
}

fn has_room_in_memory(folder: &Path) -> bool {
    statfs(folder).is_ok_and(|system| {
        let block = u64::try_from(system.block_size()).unwrap_or(0);
        system.filesystem_type() == TMPFS_MAGIC
            && system.blocks_available().saturating_mul(block) >= NEEDED_BYTES
    })
}

fn is_private(folder: &Path) -> io::Result<bool> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    fs::write(&probe, b"probe")?;
    let own = fs::metadata(&probe)?;
    fs::remove_file(&probe)?;
    let folder = fs::symlink_metadata(folder)?;
    let mode = folder.permissions().mode() & 0o777;
    Ok(folder.is_dir() && folder.uid() == own.uid() && mode == 0o700)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let parent = tempfile::tempdir().expect("a directory");
        let folder = parent.path().join("flightdeck");
        fs::create_dir(&folder).expect("made");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("opened");

        assert!(!is_private(&folder).expect("checked"));
    }

    #[test]
    fn a_link_to_somewhere_else_is_refused() {
        let parent = tempfile::tempdir().expect("a directory");
        let target = parent.path().join("target");
        let link = parent.path().join("link");
        fs::DirBuilder::new().mode(0o700).create(&target).expect("made");
        std::os::unix::fs::symlink(&target, &link).expect("linked");

        assert!(is_private(&target).expect("checked"));
        assert!(!is_private(&link).expect("checked"));
    }

    #[test]
    fn a_process_without_a_login_looks_where_one_with_a_login_works() {
        let data = Path::new("/data");
        let with_login = candidates(Some(PathBuf::from("/run/user/7")), 7, data);
        let without = candidates(None, 7, data);

        assert_eq!(with_login, without);
        assert!(without.contains(&PathBuf::from("/run/user/7/flightdeck/runs")));
        assert!(without.contains(&PathBuf::from("/data/runs")));
    }

    #[test]
    fn a_logout_deletes_no_run_if_that_can_be_helped() {
        let folders = in_memory(Some(PathBuf::from("/run/user/7")), 7);

        assert_eq!(folders[0], Path::new("/dev/shm/flightdeck-7"));
    }

    #[test]
    fn the_picked_folder_is_among_those_that_are_searched() {
        let data = tempfile::tempdir().expect("a directory");

        assert!(run_roots(data.path()).contains(&run_root(data.path())));
    }

    #[test]
    fn what_others_could_have_put_there_is_not_believed() {
        let parent = tempfile::tempdir().expect("a directory");
        let root = parent.path().join("runs");
        let link = parent.path().join("link");
        fs::DirBuilder::new().mode(0o700).create(&root).expect("made");
        std::os::unix::fs::symlink(&root, &link).expect("linked");

        assert!(is_ours(&root));
        assert!(!is_ours(&link));
        fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).expect("opened");
        assert!(!is_ours(&root));
    }

    #[test]
    fn the_picked_folder_can_can_be_used() {
        let data = tempfile::tempdir().expect("a directory");

        let root = run_root(data.path());

        let parent = root.parent().expect("a parent");
        assert!(parent.is_dir(), "{} has to stand already", parent.display());
    }
}
