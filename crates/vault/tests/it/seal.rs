//! Sealed values open in their place, whole, and nowhere else.

use flightdeck_domain::id::{KeyId, OrganizationId};
use flightdeck_vault::{
    keys::{MasterKey, Purpose, UnwrapError, WorkspaceKey, WrappedKey},
    seal::{OVERHEAD_BYTES, OpenError, Place, sealed_with},
};
use proptest::prelude::*;

const PLAIN: &[u8] = b"a token that nobody may read";

fn place(workspace: OrganizationId) -> Place {
    Place { workspace, table: "credential_field", row: "crd_1/token".to_owned(), column: "value" }
}

fn sealed() -> (WorkspaceKey, Place, Vec<u8>) {
    let workspace = OrganizationId::new();
    let key = WorkspaceKey::random(workspace, Purpose::Credentials, 1);
    let place = place(workspace);
    let sealed = key.seal(&place, PLAIN);
    (key, place, sealed)
}

proptest! {
    #[test]
    fn what_is_sealed_opens_in_its_place(plain: Vec<u8>, row: String) {
        let workspace = OrganizationId::new();
        let key = WorkspaceKey::random(workspace, Purpose::State, 7);
        let place = Place { row, ..place(workspace) };

        let sealed = key.seal(&place, &plain);

        prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD_BYTES);
        prop_assert_eq!(sealed_with(&sealed), Ok(key.id));
        prop_assert_eq!(key.open(&place, &sealed).map(|opened| opened.to_vec()), Ok(plain));
    }
}

#[test]
fn the_same_value_never_looks_the_same_twice() {
    let (key, place, sealed) = sealed();

    assert_ne!(key.seal(&place, PLAIN), sealed, "equal values must not be told from outside");
}

#[test]
fn a_value_that_was_moved_does_not_open() {
    let (key, home, sealed) = sealed();
    let elsewhere = [
        Place { row: "crd_2/token".to_owned(), ..home.clone() },
        Place { table: "setting", ..home.clone() },
        Place { column: "note", ..home.clone() },
        Place { workspace: OrganizationId::new(), ..home.clone() },
        Place { table: "credential", row: "_fieldcrd_1/token".to_owned(), ..home },
    ];

    for place in elsewhere {
        assert_eq!(
            key.open(&place, &sealed),
            Err(OpenError::NotAuthentic),
            "a row that was copied to {place:?} must not open there"
        );
    }
}

#[test]
fn a_value_that_was_truncated_does_not_open_at_any_length() {
    let (key, place, sealed) = sealed();

    for length in 0..sealed.len() {
        let expected = if length < OVERHEAD_BYTES {
            OpenError::Truncated { length }
        } else {
            OpenError::NotAuthentic
        };
        assert_eq!(key.open(&place, &sealed[..length]), Err(expected), "cut to {length} bytes");
    }
}

#[test]
fn a_value_with_something_behind_it_does_not_open() {
    let (key, place, mut sealed) = sealed();
    sealed.push(0);

    assert_eq!(key.open(&place, &sealed), Err(OpenError::NotAuthentic));
}

#[test]
fn a_single_flipped_bit_is_noticed_wherever_it_is() {
    let (key, place, sealed) = sealed();

    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let refusal = key.open(&place, &changed).expect_err("every bit counts");
        let named = match bit / 8 {
            0 => matches!(refusal, OpenError::Format { .. }),
            1..=16 => matches!(refusal, OpenError::WrongKey { .. }),
            _ => refusal == OpenError::NotAuthentic,
        };
        assert!(named, "bit {bit} was refused as {refusal:?}");
    }
}

#[test]
fn another_key_does_not_open_a_value() {
    let (key, place, sealed) = sealed();
    let other = WorkspaceKey::random(place.workspace, Purpose::Credentials, 1);

    assert_eq!(
        other.open(&place, &sealed),
        Err(OpenError::WrongKey { sealed_with: key.id, offered: other.id })
    );
}

#[test]
fn another_key_under_the_same_id_does_not_open_a_value() {
    let (key, place, sealed) = sealed();
    let mut impostor = WorkspaceKey::random(place.workspace, Purpose::Credentials, 1);
    impostor.id = key.id;

    assert_eq!(impostor.open(&place, &sealed), Err(OpenError::NotAuthentic));
}

#[test]
fn purpose_version_and_owner_of_the_key_are_bound() {
    let changes: [fn(&mut WorkspaceKey); 3] = [
        |key| key.purpose = Purpose::State,
        |key| key.version = 2,
        |key| key.workspace = OrganizationId::new(),
    ];

    for change in changes {
        let (mut key, place, sealed) = sealed();
        change(&mut key);
        assert_eq!(key.open(&place, &sealed), Err(OpenError::NotAuthentic), "{key:?}");
    }
}

#[test]
fn a_value_of_a_newer_format_is_told_from_a_damaged_one() {
    let (key, place, mut sealed) = sealed();
    sealed[0] = 2;

    assert_eq!(key.open(&place, &sealed), Err(OpenError::Format { format: 2 }));
}

#[test]
fn keys_show_nothing_of_themselves() {
    let key = WorkspaceKey::random(OrganizationId::new(), Purpose::Sync, 1);

    assert!(format!("{key:?}").contains("Key(…)"));
    assert_eq!(format!("{:?}", MasterKey::random()), "MasterKey(Key(…))");
}

#[test]
fn a_wrapped_key_unwraps_to_the_key_it_was() {
    let master = MasterKey::random();
    let (key, place, sealed) = sealed();

    let unwrapped = master.unwrap(&master.wrap(&key)).expect("the same master key");

    assert_eq!(unwrapped.open(&place, &sealed).expect("the same key").as_slice(), PLAIN);
}

#[test]
fn a_wrapped_key_opens_only_as_what_it_was_wrapped_as() {
    type Change = fn(WrappedKey) -> WrappedKey;
    let changes: [Change; 5] = [
        |key| WrappedKey { purpose: Purpose::State, ..key },
        |key| WrappedKey { version: 9, ..key },
        |key| WrappedKey { workspace: OrganizationId::new(), ..key },
        |key| WrappedKey { id: KeyId::new(), ..key },
        |mut key| {
            key.bytes[20] ^= 1;
            key
        },
    ];
    let master = MasterKey::random();
    let key = WorkspaceKey::random(OrganizationId::new(), Purpose::Credentials, 1);

    for change in changes {
        let forged = change(master.wrap(&key));
        assert_eq!(master.unwrap(&forged).err(), Some(UnwrapError::NotAuthentic { id: forged.id }));
    }
}

#[test]
fn a_wrapped_key_is_refused_at_every_other_length_and_format() {
    let master = MasterKey::random();
    let wrapped = master.wrap(&WorkspaceKey::random(OrganizationId::new(), Purpose::Sync, 1));

    for length in 0..wrapped.bytes.len() {
        let cut = WrappedKey { bytes: wrapped.bytes[..length].to_vec(), ..wrapped.clone() };
        assert_eq!(master.unwrap(&cut).err(), Some(UnwrapError::Length { id: wrapped.id, length }));
    }
    let mut newer = wrapped.clone();
    newer.bytes[0] = 2;
    assert_eq!(
        master.unwrap(&newer).err(),
        Some(UnwrapError::Format { id: wrapped.id, format: 2 })
    );
}

#[test]
fn another_master_key_unwraps_nothing() {
    let wrapped = MasterKey::random().wrap(&WorkspaceKey::random(
        OrganizationId::new(),
        Purpose::Credentials,
        1,
    ));

    assert_eq!(
        MasterKey::random().unwrap(&wrapped).err(),
        Some(UnwrapError::NotAuthentic { id: wrapped.id })
    );
}
