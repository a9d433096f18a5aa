//! The ring seals while it is unlocked and holds nothing while it is not.

use flightdeck_domain::id::OrganizationId;
use flightdeck_vault::{
    keys::{MasterKey, Purpose},
    ring::{KeyRing, RingError},
    seal::{OpenError, Place},
};

fn place(workspace: OrganizationId) -> Place {
    Place { workspace, table: "run", row: "run_1".to_owned(), column: "state" }
}

fn unlocked() -> KeyRing {
    let mut ring = KeyRing::default();
    ring.unlock(MasterKey::random());
    ring
}

#[test]
fn a_locked_ring_neither_seals_nor_opens() {
    let mut ring = unlocked();
    let workspace = OrganizationId::new();
    let wrapped = ring.create(workspace, Purpose::State).expect("the ring is unlocked");
    let sealed = ring.seal(Purpose::State, &place(workspace), b"plan").expect("there is a key");

    ring.lock();

    assert!(ring.is_locked());
    assert_eq!(ring.seal(Purpose::State, &place(workspace), b"plan"), Err(RingError::Locked));
    assert_eq!(ring.open(Purpose::State, &place(workspace), &sealed), Err(RingError::Locked));
    assert_eq!(ring.admit(&wrapped), Err(RingError::Locked));
    assert_eq!(ring.create(workspace, Purpose::State), Err(RingError::Locked));
}

#[test]
fn unlocking_brings_back_no_key_that_is_not_admitted_again() {
    let mut ring = unlocked();
    let workspace = OrganizationId::new();
    ring.create(workspace, Purpose::State).expect("the ring is unlocked");

    ring.lock();
    ring.unlock(MasterKey::random());

    assert_eq!(
        ring.seal(Purpose::State, &place(workspace), b"plan"),
        Err(RingError::NoKey { workspace, purpose: Purpose::State })
    );
}

#[test]
fn values_of_an_older_version_open_after_a_rotation() {
    let mut ring = unlocked();
    let workspace = OrganizationId::new();
    let first = ring.create(workspace, Purpose::State).expect("the ring is unlocked");
    let old = ring.seal(Purpose::State, &place(workspace), b"old").expect("there is a key");

    let second = ring.create(workspace, Purpose::State).expect("the ring is unlocked");
    let new = ring.seal(Purpose::State, &place(workspace), b"new").expect("there is a key");

    assert_eq!((first.version, second.version), (1, 2));
    let open = |sealed: &[u8]| {
        ring.open(Purpose::State, &place(workspace), sealed).map(|plain| plain.to_vec())
    };
    assert_eq!(open(&old), Ok(b"old".to_vec()), "a rotation leaves every value readable");
    assert_eq!(open(&new), Ok(b"new".to_vec()));
    assert_eq!(new[1..17], second.id.to_bytes(), "new values take the newest key");
}

#[test]
fn a_key_serves_its_purpose_and_workspace_only() {
    let mut ring = unlocked();
    let workspace = OrganizationId::new();
    let wrapped = ring.create(workspace, Purpose::State).expect("the ring is unlocked");
    ring.create(workspace, Purpose::Credentials).expect("the ring is unlocked");
    let sealed = ring.seal(Purpose::State, &place(workspace), b"plan").expect("there is a key");
    let other = OrganizationId::new();

    assert_eq!(
        ring.open(Purpose::Credentials, &place(workspace), &sealed),
        Err(RingError::UnknownKey { id: wrapped.id, workspace, purpose: Purpose::Credentials })
    );
    assert_eq!(
        ring.open(Purpose::State, &place(other), &sealed),
        Err(RingError::UnknownKey { id: wrapped.id, workspace: other, purpose: Purpose::State })
    );
}

#[test]
fn a_forgotten_workspace_has_no_key_left() {
    let mut ring = unlocked();
    let (kept, gone) = (OrganizationId::new(), OrganizationId::new());
    ring.create(kept, Purpose::State).expect("the ring is unlocked");
    ring.create(gone, Purpose::State).expect("the ring is unlocked");

    ring.forget(gone);

    assert!(ring.seal(Purpose::State, &place(kept), b"plan").is_ok());
    assert_eq!(
        ring.seal(Purpose::State, &place(gone), b"plan"),
        Err(RingError::NoKey { workspace: gone, purpose: Purpose::State })
    );
}

#[test]
fn a_damaged_value_says_so_before_a_key_is_looked_for() {
    let mut ring = unlocked();
    let workspace = OrganizationId::new();
    ring.create(workspace, Purpose::State).expect("the ring is unlocked");

    assert_eq!(
        ring.open(Purpose::State, &place(workspace), &[1, 2, 3]),
        Err(RingError::Open(OpenError::Truncated { length: 3 }))
    );
}
