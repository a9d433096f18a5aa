//! What a child may know: an allow-list, never our own environment.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use flightdeck_app::port::terraform::Request;

use crate::directory::RunDirectory;

/// What passes from our own environment: how to find programs and the network.
const PASSED: &[&str] = &[
    "PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
];

/// Returns the environment of every process of a run.
///
/// Ours comes after the credentials, so that none of them can move `HOME` or
/// the plugin cache.
pub(crate) fn of_run(request: &Request, directory: &RunDirectory) -> Vec<(OsString, OsString)> {
    let mut environment: Vec<(OsString, OsString)> = request
        .credentials
        .iter()
        .map(|(name, value)| (name.into(), value.expose().into()))
        .collect();
    environment.extend(passed());
    environment.extend([
        ("HOME".into(), directory.home().into()),
        ("TMPDIR".into(), directory.temporary().into()),
        ("TF_IN_AUTOMATION".into(), "1".into()),
        ("TF_INPUT".into(), "0".into()),
        ("TF_PLUGIN_CACHE_DIR".into(), request.plugin_cache.clone().into()),
    ]);
    if let Some(path) = &request.cli_config {
        environment.push(("TF_CLI_CONFIG_FILE".into(), path.into()));
    }
    if !request.module.join(".terraform.lock.hcl").is_file() {
        // Without a lock file of the module's own, the one that `init` makes is
        // thrown away with the directory, so the cache can't break it.
        environment.push(("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE".into(), "1".into()));
    }
    environment
}

/// Returns the environment of a process that is only asked for its version.
pub(crate) fn of_question() -> Vec<(OsString, OsString)> {
    let mut environment: Vec<_> = passed().collect();
    environment.push(("HOME".into(), "/".into()));
    environment.push(("TF_CLI_CONFIG_FILE".into(), "/dev/null".into()));
    environment
}

/// Finds an executable file in the path.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn passed() -> impl Iterator<Item = (OsString, OsString)> {
    PASSED
        .iter()
        .filter_map(|name| Some((name.into(), env::var_os(name)?)))
        .chain([("LANG".into(), "C.UTF-8".into()), ("CHECKPOINT_DISABLE".into(), "1".into())])
}
