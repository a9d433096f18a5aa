//! The master key wrapped by a passphrase.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flightdeck_domain::{id::DeviceId, secret::Secret};
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    aead::{Bound, KEY_BYTES, Key},
    keys::MasterKey,
};

const SALT_BYTES: usize = 16;

/// How expensive one guess is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// What new vaults use: about a third of a second on a small machine.
    const NEW: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

    /// The most that a file may ask of this machine.
    ///
    /// The file is read before anything authenticates it, so its numbers are
    /// a stranger's: these bounds keep one guess under a gigabyte and a minute.
    const MOST: Self = Self { memory_kib: 1024 * 1024, passes: 16, lanes: 8 };

    fn is_sane(self) -> bool {
        (Self::NEW.memory_kib..=Self::MOST.memory_kib).contains(&self.memory_kib)
            && (Self::NEW.passes..=Self::MOST.passes).contains(&self.passes)
            && (Self::NEW.lanes..=Self::MOST.lanes).contains(&self.lanes)
    }
}

/// A wrapped master key, as `vault.json` holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wrapped {
    cost: Cost,
    salt: String,
    key: String,
}

/// Why a wrapped master key stays closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The passphrase is not the one.
    WrongPassphrase,
    /// The file holds something that no version writes.
    Damaged(&'static str),
}

/// Wraps `master` under a key derived from `passphrase`.
pub(crate) fn wrap(device: DeviceId, passphrase: &Secret, master: &MasterKey) -> Wrapped {
    let cost = Cost::NEW;
    let mut salt = [0; SALT_BYTES];
    rand::rng().fill_bytes(&mut salt);
    let wrapping = derive(cost, &salt, passphrase).expect("the cost of new vaults is valid");
    let bytes = wrapping.encrypt_onto(Vec::new(), &bound(device, cost, &salt), master.0.expose());
    Wrapped { cost, salt: STANDARD.encode(salt), key: STANDARD.encode(bytes) }
}

/// Unwraps what [`wrap`] made.
pub(crate) fn unwrap(
    device: DeviceId,
    passphrase: &Secret,
    wrapped: &Wrapped,
) -> Result<MasterKey, Refusal> {
    let cost = wrapped.cost;
    if !cost.is_sane() {
        return Err(Refusal::Damaged("its key derivation asks for too much or too little"));
    }
    let salt = STANDARD.decode(&wrapped.salt).map_err(|_| Refusal::Damaged("bad salt"))?;
    let bytes = STANDARD.decode(&wrapped.key).map_err(|_| Refusal::Damaged("bad key"))?;
    if salt.len() != SALT_BYTES {
        return Err(Refusal::Damaged("the salt has another length"));
    }
    let wrapping = derive(cost, &salt, passphrase)
        .ok_or(Refusal::Damaged("its key derivation can't be run"))?;
    wrapping.decrypt(&bound(device, cost, &salt), &bytes).ok_or(Refusal::WrongPassphrase).and_then(
        |plain| Key::from_slice(&plain).map(MasterKey).ok_or(Refusal::Damaged("no key inside")),
    )
}

fn derive(cost: Cost, salt: &[u8], passphrase: &Secret) -> Option<Key> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_BYTES)).ok()?;
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, out.as_mut_slice())
        .ok()?;
    Key::from_slice(out.as_slice())
}

fn bound(device: DeviceId, cost: Cost, salt: &[u8]) -> Bound {
    Bound::to("flightdeck master key 1")
        .and(&device.to_bytes())
        .and(&cost.memory_kib.to_be_bytes())
        .and(&cost.passes.to_be_bytes())
        .and(&cost.lanes.to_be_bytes())
        .and(salt)
}
