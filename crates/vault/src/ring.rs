//! The keys that are open right now.

use std::collections::HashMap;

use flightdeck_domain::id::{KeyId, OrganizationId};
use zeroize::Zeroizing;

use crate::{
    keys::{MasterKey, Purpose, UnwrapError, WorkspaceKey, WrappedKey},
    seal::{OpenError, Place, sealed_with},
};

/// The master key and the workspace keys that it opened, or nothing.
///
/// Keys are lent, never handed out: when [`KeyRing::lock`] returns, no copy of
/// any key is left in memory.
#[derive(Debug, Default)]
pub struct KeyRing(Option<Open>);

#[derive(Debug)]
struct Open {
    master: MasterKey,
    keys: HashMap<KeyId, WorkspaceKey>,
}

/// Why the ring can't seal or open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The keys are out of memory.
    #[error("the vault is locked")]
    Locked,
    /// The workspace has no key for this purpose on the ring.
    #[error("workspace {workspace} has no {purpose} key")]
    NoKey {
        /// Which workspace.
        workspace: OrganizationId,
        /// For what.
        purpose: Purpose,
    },
    /// A value names a key that is not on the ring, or not for this use.
    #[error("the value was sealed with key {id}, which is no {purpose} key of {workspace}")]
    UnknownKey {
        /// Which key.
        id: KeyId,
        /// Which workspace the value is in.
        workspace: OrganizationId,
        /// What it was to be opened for.
        purpose: Purpose,
    },
    /// A workspace key does not unwrap.
    #[error(transparent)]
    Unwrap(#[from] UnwrapError),
    /// A value does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl KeyRing {
    /// Starts with the master key and no workspace key.
    pub fn unlock(&mut self, master: MasterKey) {
        self.0 = Some(Open { master, keys: HashMap::new() });
    }

    /// Overwrites and drops every key.
    pub fn lock(&mut self) {
        self.0 = None;
    }

    /// Says whether the keys are in memory.
    pub const fn is_locked(&self) -> bool {
        self.0.is_none()
    }

    /// Makes a workspace's next key for `purpose`, keeps it, and returns it for storage.
    pub fn create(
        &mut self,
        workspace: OrganizationId,
        purpose: Purpose,
    ) -> Result<WrappedKey, RingError> {
        let version = self.current(workspace, purpose).map_or(1, |key| key.version + 1);
        let open = self.0.as_mut().ok_or(RingError::Locked)?;
        let key = WorkspaceKey::random(workspace, purpose, version);
        let wrapped = open.master.wrap(&key);
        open.keys.insert(key.id, key);
        Ok(wrapped)
    }

    /// Unwraps a stored workspace key and keeps it.
    ///
    /// Older versions are kept as well: values that they sealed must open until
    /// a rotation has sealed them anew.
    pub fn admit(&mut self, wrapped: &WrappedKey) -> Result<(), RingError> {
        let open = self.0.as_mut().ok_or(RingError::Locked)?;
        let key = open.master.unwrap(wrapped)?;
        open.keys.insert(key.id, key);
        Ok(())
    }

    /// Drops the keys of a workspace that was deleted or closed.
    pub fn forget(&mut self, workspace: OrganizationId) {
        if let Some(open) = &mut self.0 {
            open.keys.retain(|_, key| key.workspace != workspace);
        }
    }

    /// Seals `plain` with the newest key of the place's workspace.
    pub fn seal(
        &self,
        purpose: Purpose,
        place: &Place,
        plain: &[u8],
    ) -> Result<Vec<u8>, RingError> {
        Ok(self.current(place.workspace, purpose)?.seal(place, plain))
    }

    /// Opens a value with the key that it names, if that key is for this use.
    pub fn open(
        &self,
        purpose: Purpose,
        place: &Place,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, RingError> {
        let open = self.0.as_ref().ok_or(RingError::Locked)?;
        let id = sealed_with(sealed)?;
        let workspace = place.workspace;
        let key = open
            .keys
            .get(&id)
            .filter(|key| key.workspace == workspace && key.purpose == purpose)
            .ok_or(RingError::UnknownKey { id, workspace, purpose })?;
        Ok(key.open(place, sealed)?)
    }

    fn current(
        &self,
        workspace: OrganizationId,
        purpose: Purpose,
    ) -> Result<&WorkspaceKey, RingError> {
        let open = self.0.as_ref().ok_or(RingError::Locked)?;
        open.keys
            .values()
            .filter(|key| key.workspace == workspace && key.purpose == purpose)
            .max_by_key(|key| key.version)
            .ok_or(RingError::NoKey { workspace, purpose })
    }
}
