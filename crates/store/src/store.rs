//! The data directory and the databases in it.

use std::{
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
    open: Mutex<Opened>,
}

/// Databases of workspaces that are open, the least recently asked for first.
type Opened = Vec<((OrganizationId, Purpose), Database)>;

/// How many databases of workspaces stay open while nobody uses them.
///
/// Each costs about six file descriptors, of which a process has 1,024 on many
/// systems; to open one again takes a few milliseconds.
const IDLE: usize = 48;

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
            if let Some(at) = position(&open, organization, purpose) {
                open.remove(at).1.close();
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
        let database = if let Some(at) = position(&open, organization, purpose) {
            open.remove(at).1
        } else {
            close_idle(&mut open);
            let directory = self.workspace_directory(organization);
            make_private(&directory)?;
            Database::open(&directory.join(purpose.file_name()), purpose)?
        };
        open.push(((organization, purpose), database.clone()));
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

fn position(open: &Opened, organization: OrganizationId, purpose: Purpose) -> Option<usize> {
    open.iter().position(|(key, _)| *key == (organization, purpose))
}

/// Closes what nobody else holds, the least recently asked for first, down to [`IDLE`].
fn close_idle(open: &mut Opened) {
    let mut surplus = open.len().saturating_sub(IDLE - 1);
    open.retain(|(_, database)| {
        let closes = surplus > 0 && database.is_idle();
        surplus -= usize::from(closes);
        !closes
    });
}

/// Makes `directory`, if it is new, and takes it from everybody but its owner.
///
/// One that holds other people's files (`/tmp`, given by mistake) is left as it is.
fn make_private(directory: &Path) -> Result<(), StoreError> {
    let failed = |doing| {
        let path = directory.to_owned();
        move |source| StoreError::Io { path, doing, source }
    };
    if fs::read_dir(directory).is_ok_and(holds_only_foreign) {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed("make"))?;
    fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(failed("close off"))
}

/// Whether there are entries, and none of them is ours.
fn holds_only_foreign(entries: fs::ReadDir) -> bool {
    let mut any = false;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if ["flightdeck.db", "vault.json", "workspace.db", "logs"].iter().any(|own| name == *own) {
            return false;
        }
        any = true;
    }
    any
}
