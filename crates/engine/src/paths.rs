//! Where things lie on this machine.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use flightdeck_app::error::{Code, Error, Result};
use nix::sys::stat::{Mode, umask};

/// Sets a file mask under which only this user reads what we write.
pub(crate) fn make_private() {
    umask(Mode::from_bits_truncate(0o077));
}

/// Makes the data directory.
pub(crate) fn create(directory: &Path) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        Error::new(
            Code::Storage,
            format!("the data directory `{}` can't be made", directory.display()),
        )
        .hint("check that the disk has space and that you may write there")
        .cause(error)
    })
}

/// `FLIGHTDECK_DATA_DIR`, or the platform's place for a user's data.
pub(crate) fn data_directory() -> Result<PathBuf> {
    if let Some(directory) = set("FLIGHTDECK_DATA_DIR") {
        return Ok(directory);
    }
    if let Some(directory) = set("XDG_DATA_HOME") {
        return Ok(directory.join("flightdeck"));
    }
    set("HOME").map(|home| home.join(".local/share/flightdeck")).ok_or_else(|| {
        Error::new(Code::Storage, "there is no home directory to keep data in")
            .hint("set FLIGHTDECK_DATA_DIR")
    })
}

/// The modules that ship: beside the program, or where the package puts them, or
/// in the checkout that the program was built from.
pub(crate) fn modules_directory() -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../terraform-modules");
    let beside = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let candidates = [
        set("FLIGHTDECK_MODULES_DIR"),
        beside.as_ref().map(|dir| dir.join("terraform-modules")),
        beside.as_ref().map(|dir| dir.join("../lib/Flightdeck/terraform-modules")),
        Some(checkout),
    ];
    let found = candidates.into_iter().flatten().find(|path| path.is_dir());
    let found = found.unwrap_or_else(|| PathBuf::from("terraform-modules"));
    fs::canonicalize(&found).unwrap_or(found)
}

fn set(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
