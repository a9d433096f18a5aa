//! The real Secret Service, in a D-Bus session of its own.
//!
//! Each test starts itself once more inside `dbus-run-session`, because the
//! client reads the session's address from the environment of its process.

use std::{
    env,
    process::{Command, Output},
    sync::Arc,
};

use flightdeck_domain::id::{DeviceId, OrganizationId};
use flightdeck_vault::{
    keychain::{KeyStore as _, KeyStoreError, OsKeychain},
    keys::{Purpose, WorkspaceKey},
    protection::{Choice, Protection, Vault, VaultError},
};
use jiff::Timestamp;

/// Set in the child, to the kind of session it is in.
const SESSION: &str = "FLIGHTDECK_TEST_SESSION";
const SERVICE: &str = "flightdeck-test";

/// Starts a Secret Service whose default collection is open, then the test.
const UNLOCKED: &str = r#"printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec "$0" "$@""#;

fn inside(session: &str) -> bool {
    env::var(SESSION).is_ok_and(|value| value == session)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the child is this test itself; the desktop's environment is what it tests"
)]
fn run_again(test: &str, session: &str, prepare: impl FnOnce(&mut Command)) {
    let home = tempfile::tempdir().expect("a temporary home");
    let mut command = Command::new("dbus-run-session");
    command
        .env(SESSION, session)
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .arg("--");
    prepare(&mut command);
    command.arg(env::current_exe().expect("this test's own path")).args([
        "--exact",
        test,
        "--nocapture",
    ]);
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| {
        panic!("can't start `dbus-run-session` ({error}): install dbus and gnome-keyring")
    });
    let stdout = String::from_utf8_lossy(&stdout);
    assert!(
        status.success() && stdout.contains("1 passed"),
        "the test failed in its session (are dbus and gnome-keyring installed?)\n{stdout}\n{}",
        String::from_utf8_lossy(&stderr)
    );
}

#[test]
fn the_secret_service_keeps_the_master_key() {
    if !inside("unlocked") {
        return run_again(
            "keychain::the_secret_service_keeps_the_master_key",
            "unlocked",
            |command| {
                command.args(["sh", "-c", UNLOCKED]);
            },
        );
    }

    let directory = tempfile::tempdir().expect("a temporary directory");
    let device = DeviceId::new();
    let vault = Vault::new(directory.path(), Arc::new(OsKeychain::new(SERVICE)));
    let now = Timestamp::UNIX_EPOCH;

    let made = vault.create(device, Choice::Keychain).expect("a Secret Service");
    let wrapped = made.wrap(&WorkspaceKey::random(OrganizationId::new(), Purpose::State, 1));

    let unlocked = vault.unlock(None, now).expect("the key is there");
    assert!(unlocked.unwrap(&wrapped).is_ok(), "the same key comes back");
    assert_eq!(vault.probe().expect("a readable vault"), Some(Protection::Keychain));

    let keychain = OsKeychain::new(SERVICE);
    let account = device.to_string();
    std::fs::remove_file(directory.path().join("vault.json")).expect("the vault's file");
    let again = vault.create(device, Choice::Keychain).expect("a Secret Service");
    assert!(again.unwrap(&wrapped).is_ok(), "a lost file must not cost the key");

    keychain.set(&account, &[7; 32]).expect("a Secret Service");
    assert!(matches!(vault.unlock(None, now), Err(VaultError::WrongKey { .. })));

    keychain.delete(&account).expect("the key is there");
    assert!(matches!(vault.unlock(None, now), Err(VaultError::KeyMissing { .. })));
    assert_eq!(keychain.delete(&account), Err(KeyStoreError::Absent { account }));
}

#[test]
fn the_keychain_answers_inside_an_async_runtime() {
    if !inside("unlocked") {
        return run_again(
            "keychain::the_keychain_answers_inside_an_async_runtime",
            "unlocked",
            |command| {
                command.args(["sh", "-c", UNLOCKED]);
            },
        );
    }

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let answer = runtime.block_on(async {
        let keychain = OsKeychain::new(SERVICE);
        keychain.set("someone", b"secret")?;
        keychain.get("someone")
    });

    assert_eq!(answer.expect("a Secret Service").as_slice(), b"secret");
}

#[test]
fn a_session_without_a_secret_service_is_unavailable_not_fatal() {
    if !inside("bare") {
        return run_again(
            "keychain::a_session_without_a_secret_service_is_unavailable_not_fatal",
            "bare",
            |command| {
                command.args(["env", "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent"]);
            },
        );
    }

    let directory = tempfile::tempdir().expect("a temporary directory");
    let vault = Vault::new(directory.path(), Arc::new(OsKeychain::new(SERVICE)));

    let refused = vault.create(DeviceId::new(), Choice::Keychain);

    assert!(matches!(refused, Err(VaultError::KeychainUnavailable { .. })), "{refused:?}");
    assert_eq!(vault.probe().expect("a readable directory"), None, "nothing half-made is left");
}
