//! The data directory and the databases in it.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use flightdeck_domain::id::{DeviceId, OrganizationId};

use crate::{database::Database, device, error::StoreError, migration::Purpose};

/// The data directory of one person on one device; clones share it.
///
/// Several processes may have the same directory open.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    directory: PathBuf,
    device: DeviceId,
    main: Database,
    /// Databases of workspaces that were asked for, which stay open.
    open: Mutex<HashMap<(OrganizationId, Purpose), Database>>,
}

impl Store {
    /// Opens `directory`, makes it if it is new, and lets nobody else in.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        make_private(directory)?;
        let main = Database::open(&directory.join(Purpose::Main.file_name()), Purpose::Main)?;
        let device = main.write_blocking(device::this)?;
        let shared =
            Shared { directory: directory.to_owned(), device, main, open: Mutex::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Where everything is.
    pub fn directory(&self) -> &Path {
        &self.shared.directory
    }

    /// The id that this data directory has among all that share rows.
    pub fn device_id(&self) -> DeviceId {
        self.shared.device
    }

    /// What spans workspaces: organizations, people, jobs, audit.
    pub fn main(&self) -> &Database {
        &self.shared.main
    }

    /// What belongs to one workspace: credentials, servers, stacks, applications.
    pub fn workspace(&self, organization: OrganizationId) -> Result<Database, StoreError> {
        self.of(organization, Purpose::Workspace)
    }

    /// What the servers of one workspace measured.
    pub fn metrics(&self, organization: OrganizationId) -> Result<Database, StoreError> {
        self.of(organization, Purpose::Metrics)
    }

    /// Removes the databases of one workspace, with their backups, for good.
    ///
    /// Calls on a [`Database`] of it that somebody still holds end in
    /// [`StoreError::Stopped`]. Rows about it in the main database stay.
    pub fn erase_workspace(&self, organization: OrganizationId) -> Result<(), StoreError> {
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        for purpose in [Purpose::Workspace, Purpose::Metrics] {
            if let Some(database) = open.remove(&(organization, purpose)) {
                database.close();
            }
        }
        let path = self.workspace_directory(organization);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Io { path, doing: "remove", source })
            }
            _ => Ok(()),
        }
    }

    fn of(&self, organization: OrganizationId, purpose: Purpose) -> Result<Database, StoreError> {
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = open.get(&(organization, purpose)) {
            return Ok(database.clone());
        }
        let directory = self.workspace_directory(organization);
        make_private(&directory)?;
        let database = Database::open(&directory.join(purpose.file_name()), purpose)?;
        open.insert((organization, purpose), database.clone());
        Ok(database)
    }

    fn workspace_directory(&self, organization: OrganizationId) -> PathBuf {
        self.shared.directory.join("workspaces").join(organization.to_string())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("directory", &self.shared.directory).finish_non_exhaustive()
    }
}

/// Makes `directory`, if it is new, and takes it from everybody but its owner.
fn make_private(directory: &Path) -> Result<(), StoreError> {
    let failed = |doing| {
        let path = directory.to_owned();
        move |source| StoreError::Io { path, doing, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed("make"))?;
    fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(failed("close off"))
}
