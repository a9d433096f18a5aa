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
/// users, and one of them may have made our folder before us.
pub fn run_root(data_dir: &Path) -> PathBuf {
    let user = fs::metadata("/proc/self").map_or(0, |data| data.uid());
    let in_memory = env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("flightdeck"))
        .into_iter()
        .chain([PathBuf::from(format!("/dev/shm/flightdeck-{user}"))]);
    for folder in in_memory {
        if is_private_memory(&folder) {
            return folder.join("runs");
        }
    }
    data_dir.join("runs")
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
    fn the_picked_folder_can_be_used() {
        let data = tempfile::tempdir().expect("a directory");

        let root = run_root(data.path());

        let parent = root.parent().expect("a parent");
        assert!(parent.is_dir(), "{} has to stand already", parent.display());
    }
}
