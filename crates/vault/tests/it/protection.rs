//! The master key comes back by passphrase, and by nothing else.

use std::{fs, path::Path, sync::Arc};

use flightdeck_domain::{
    id::{DeviceId, OrganizationId},
    secret::Secret,
};
use flightdeck_vault::{
    keychain::OsKeychain,
    keys::{MasterKey, Purpose, WorkspaceKey},
    protection::{Choice, Protection, Vault, VaultError},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

const RIGHT: &str = "correct horse battery";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time in range")
}

fn vault(directory: &Path) -> Vault {
    Vault::new(directory, Arc::new(OsKeychain::new("flightdeck-test")))
}

fn with_passphrase() -> (TempDir, Vault, MasterKey) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let vault = vault(directory.path());
    let master = vault
        .create(DeviceId::new(), Choice::Passphrase(&Secret::new(RIGHT)))
        .expect("an empty directory takes a vault");
    (directory, vault, master)
}

fn unlock(vault: &Vault, passphrase: &str, second: i64) -> Result<MasterKey, VaultError> {
    vault.unlock(Some(&Secret::new(passphrase)), at(second))
}

fn edit(directory: &TempDir, change: impl FnOnce(&mut Value)) {
    let path = directory.path().join("vault.json");
    let text = fs::read(&path).expect("the vault's file");
    let mut value = serde_json::from_slice(&text).expect("JSON");
    change(&mut value);
    fs::write(path, value.to_string()).expect("a writable file");
}

/// As an attacker would: with a checksum that fits.
fn forge(directory: &TempDir, change: impl FnOnce(&mut Value)) {
    use sha2::Digest as _;

    edit(directory, |document| {
        change(&mut document["vault"]);
        let kept = &document["vault"]["protection"];
        let text = format!(
            r#"{{"device":{},"protection":{{"kind":{},"cost":{{"memory_kib":{},"passes":{},"lanes":{}}},"salt":{},"key":{}}}}}"#,
            document["vault"]["device"],
            kept["kind"],
            kept["cost"]["memory_kib"],
            kept["cost"]["passes"],
            kept["cost"]["lanes"],
            kept["salt"],
            kept["key"],
        );
        document["checksum"] = json!(hex::encode(sha2::Sha256::digest(text)));
    });
}

#[test]
fn the_right_passphrase_brings_back_the_same_key() {
    let (_directory, vault, master) = with_passphrase();
    let wrapped = master.wrap(&WorkspaceKey::random(OrganizationId::new(), Purpose::State, 1));

    let unlocked = unlock(&vault, RIGHT, 0).expect("the right passphrase");

    assert!(unlocked.unwrap(&wrapped).is_ok(), "it must open what the first one wrapped");
    assert_eq!(vault.probe().expect("a readable vault"), Some(Protection::Passphrase));
}

#[test]
fn a_directory_without_a_vault_says_so() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let vault = vault(directory.path());

    assert_eq!(vault.probe().expect("a readable directory"), None);
    assert!(matches!(vault.unlock(None, at(0)), Err(VaultError::Absent { .. })));
}

#[test]
fn a_second_vault_is_refused_before_it_destroys_the_first() {
    let (_directory, vault, _) = with_passphrase();

    let again = vault.create(DeviceId::new(), Choice::Passphrase(&Secret::new("another one")));

    assert!(matches!(again, Err(VaultError::Exists { .. })));
    assert!(unlock(&vault, RIGHT, 0).is_ok(), "the first vault is untouched");
}

#[test]
fn a_short_passphrase_is_refused_and_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let vault = vault(directory.path());

    let made = vault.create(DeviceId::new(), Choice::Passphrase(&Secret::new("sevench")));

    assert!(matches!(made, Err(VaultError::PassphraseTooShort)));
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0);
}

#[test]
fn no_passphrase_is_not_a_wrong_one() {
    let (directory, vault, _) = with_passphrase();

    assert!(matches!(vault.unlock(None, at(0)), Err(VaultError::PassphraseRequired)));
    assert!(!directory.path().join("vault-attempts.json").exists(), "nobody guessed");
}

#[test]
fn wrong_passphrases_cost_a_growing_pause() {
    let (_directory, vault, _) = with_passphrase();
    let wait = |second| match unlock(&vault, "wrong", second) {
        Err(VaultError::WrongPassphrase { wait_seconds }) => wait_seconds,
        other => panic!("expected a refusal, got {other:?}"),
    };

    assert_eq!((wait(0), wait(0), wait(0)), (0, 0, 1));
    assert!(
        matches!(unlock(&vault, RIGHT, 0), Err(VaultError::TooSoon { wait_seconds: 1 })),
        "during the pause not even the right one is tried"
    );
    assert_eq!(wait(1), 2);
    assert!(matches!(unlock(&vault, "wrong", 2), Err(VaultError::TooSoon { wait_seconds: 1 })));
    assert!(unlock(&vault, RIGHT, 3).is_ok());
    assert_eq!(wait(4), 0, "success clears the record");
}

#[test]
fn a_clock_that_went_back_does_not_lock_anybody_out() {
    let (_directory, vault, _) = with_passphrase();
    for _ in 0..3 {
        assert!(matches!(unlock(&vault, "wrong", 0), Err(VaultError::WrongPassphrase { .. })));
    }

    let a_year_ago = -365 * 86_400;

    assert!(matches!(
        unlock(&vault, RIGHT, a_year_ago),
        Err(VaultError::TooSoon { wait_seconds: 1 })
    ));
    assert!(unlock(&vault, RIGHT, a_year_ago + 1).is_ok());
}

#[test]
fn many_that_unlock_at_once_with_the_right_passphrase_all_may() {
    let (directory, _vault, _master) = with_passphrase();

    let refused: Vec<VaultError> = std::thread::scope(|scope| {
        let unlocking: Vec<_> =
            (0..6).map(|_| scope.spawn(|| unlock(&vault(directory.path()), RIGHT, 0))).collect();
        unlocking.into_iter().filter_map(|one| one.join().expect("no panic").err()).collect()
    });

    assert!(refused.is_empty(), "scripts run side by side: {refused:?}");
}

#[test]
fn a_damaged_record_of_attempts_does_not_lock_anybody_out() {
    let (directory, vault, _) = with_passphrase();
    fs::write(directory.path().join("vault-attempts.json"), b"{").expect("a writable directory");

    assert!(unlock(&vault, RIGHT, 0).is_ok());
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let (directory, vault, _) = with_passphrase();
    unlock(&vault, "wrong", 0).expect_err("a wrong passphrase");

    for entry in fs::read_dir(directory.path()).expect("a directory") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn a_damaged_file_is_told_from_a_wrong_passphrase() {
    let changes: [fn(&mut Value); 4] = [
        |document| document["vault"]["protection"]["key"] = json!("AAAA"),
        |document| document["vault"]["device"] = json!(DeviceId::new()),
        |document| document["checksum"] = json!("00"),
        |document| document["version"] = json!(0),
    ];

    for change in changes {
        let (directory, vault, _) = with_passphrase();
        edit(&directory, change);
        assert!(matches!(unlock(&vault, RIGHT, 0), Err(VaultError::Damaged { .. })));
    }
}

#[test]
fn a_file_cut_at_any_length_is_refused_as_damaged() {
    let (directory, vault, _) = with_passphrase();
    let path = directory.path().join("vault.json");
    let whole = fs::read(&path).expect("the vault's file");

    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).expect("a writable file");
        assert!(
            matches!(vault.probe(), Err(VaultError::Damaged { .. })),
            "cut to {length} bytes it must not pass for a vault, nor for no vault"
        );
    }
}

#[test]
fn a_newer_file_is_refused_in_words() {
    let (directory, vault, _) = with_passphrase();
    edit(&directory, |document| {
        document["version"] = json!(2);
        document["vault"] = json!("something else entirely");
    });

    assert!(matches!(unlock(&vault, RIGHT, 0), Err(VaultError::TooNew { version: 2, .. })));
}

#[test]
fn a_forged_file_does_not_make_this_machine_work_for_hours() {
    let changes: [fn(&mut Value); 4] = [
        |cost| cost["memory_kib"] = json!(u32::MAX),
        |cost| cost["passes"] = json!(u32::MAX),
        |cost| cost["lanes"] = json!(u32::MAX),
        |cost| cost["memory_kib"] = json!(8),
    ];

    for change in changes {
        let (directory, vault, _) = with_passphrase();
        forge(&directory, |vault| change(&mut vault["protection"]["cost"]));
        let refused = unlock(&vault, RIGHT, 0);
        assert!(
            matches!(&refused, Err(VaultError::Damaged { reason, .. }) if reason.contains("derivation")),
            "{refused:?}"
        );
    }
}

#[test]
fn a_forged_file_does_not_open() {
    let changes: [fn(&mut Value); 3] = [
        |vault| vault["device"] = json!(DeviceId::new()),
        |vault| vault["protection"]["cost"]["passes"] = json!(4),
        |vault| vault["protection"]["salt"] = json!("AAAAAAAAAAAAAAAAAAAAAA=="),
    ];

    for change in changes {
        let (directory, vault, _) = with_passphrase();
        forge(&directory, change);
        assert!(matches!(unlock(&vault, RIGHT, 0), Err(VaultError::WrongPassphrase { .. })));
    }
}

#[test]
fn neither_key_nor_passphrase_is_in_the_file() {
    let (directory, _vault, _) = with_passphrase();
    let text = fs::read_to_string(directory.path().join("vault.json")).expect("text");

    assert!(!text.contains(RIGHT));
}
