//! Setting up, locking and unlocking.

use std::time::Duration;

use flightdeck_domain::{
    audit::Outcome,
    id::{MemberId, OrganizationId, UserId},
    member::{Member, User},
    name,
    organization::{self, Kind, Organization},
    permission::Role,
    secret::Secret,
};
use flightdeck_store::{
    job, member, organization as organization_table, server, user, workspace_key,
};
use flightdeck_vault::{
    keys::{MasterKey, Purpose, WrappedKey},
    protection::{Choice, Protection, VaultError},
    ring::{KeyRing, RingError},
};
use serde::Serialize;

use crate::{
    App,
    error::{Code, Error, Result},
    event::{Event, Topic},
};

/// How long the first run waits to learn whether the keychain can be used.
///
/// A keychain that has to be started, and then asks nobody, answers after half a
/// minute; nobody should look at an empty window for that long.
const KEYCHAIN_PROBE: Duration = Duration::from_secs(3);

/// Whether the keys are at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultState {
    /// Nothing was set up yet.
    Absent,
    /// The keys are out of memory.
    Locked,
    /// The keys are in memory.
    Open,
}

/// How the vault stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VaultStatus {
    /// Whether the keys are at hand.
    pub state: VaultState,
    /// `keychain` or `passphrase`; none while absent.
    pub protection: Option<&'static str>,
    /// Why the keychain can't be used; none if it can.
    pub keychain_problem: Option<String>,
}

/// The answers of the first run.
#[derive(Debug)]
pub struct SetUp {
    /// What protects the vault; none: the keychain.
    pub passphrase: Option<Secret>,
    /// What the person at this desk is called.
    pub user_name: String,
    /// What the first organization is called.
    pub organization_name: String,
}

/// The use cases of the vault.
pub struct VaultUse<'a>(pub(crate) &'a App);

impl VaultUse<'_> {
    /// Says how the vault stands. Asks the keychain only while there is no vault.
    pub async fn status(&self) -> Result<VaultStatus> {
        let protection = self.blocking(|app| Ok(app.0.vault.probe()?)).await?;
        let state = match protection {
            None => VaultState::Absent,
            Some(_) if self.0.keys().is_locked() => VaultState::Locked,
            Some(_) => VaultState::Open,
        };
        let keychain_problem = if protection.is_none() {
            let probe = self.blocking(|app| {
                let probe = app.ports().keychain.get("probe");
                Ok(match probe {
                    Ok(_) | Err(flightdeck_vault::keychain::KeyStoreError::Absent { .. }) => None,
                    Err(error) => Some(error.to_string()),
                })
            });
            match tokio::time::timeout(KEYCHAIN_PROBE, probe).await {
                Ok(problem) => problem?,
                Err(_) => Some("the keychain does not answer".to_owned()),
            }
        } else {
            None
        };
        let protection = protection.map(|protection| match protection {
            Protection::Keychain => "keychain",
            Protection::Passphrase => "passphrase",
        });
        Ok(VaultStatus { state, protection, keychain_problem })
    }

    /// Makes the vault, the person at this desk, and the first organization.
    pub async fn set_up(&self, request: SetUp) -> Result<Organization> {
        let user_name =
            name::title("user name", &request.user_name).map_err(|e| Error::invalid(&e))?;
        let organization_name = name::title("organization name", &request.organization_name)
            .map_err(|e| Error::invalid(&e))?;
        let device = self.0.store().device_id();
        let passphrase = request.passphrase;
        let master = self
            .blocking(move |app| {
                let choice = passphrase.as_ref().map_or(Choice::Keychain, Choice::Passphrase);
                match app.0.vault.create(device, choice) {
                    Ok(master) => Ok(master),
                    // A first run that broke off after the vault is finished now.
                    Err(VaultError::Exists { .. }) if app.is_bare()? => {
                        Ok(app.0.vault.unlock(passphrase.as_ref(), app.now())?)
                    }
                    Err(error) => Err(error.into()),
                }
            })
            .await?;
        self.0.keys().unlock(master);

        let now = self.0.now();
        let user = User { id: UserId::new(), name: user_name };
        let organization = Organization {
            id: OrganizationId::new(),
            slug: name::slug(&organization_name),
            name: organization_name,
            kind: Kind::TopBranch,
            parent_id: None,
            level: 0,
            color: organization::COLORS[0].to_owned(),
            created_at: now,
            archived_at: None,
        };
        self.0.found(user, organization.clone()).await?;
        let (actor, id) = (None, organization.id);
        self.0.audit_installation(actor, "vault.create", id, Outcome::Success).await?;
        self.announce();
        Ok(organization)
    }

    /// Brings the keys into memory and picks up interrupted jobs.
    pub async fn unlock(&self, passphrase: Option<Secret>) -> Result<()> {
        if !self.0.keys().is_locked() {
            return Ok(());
        }
        let now = self.0.now();
        let unlocked =
            self.blocking(move |app| Ok(app.0.vault.unlock(passphrase.as_ref(), now)?)).await;
        let master: MasterKey = match unlocked {
            Ok(master) => master,
            Err(error) => {
                if error.code == Code::WrongPassphrase {
                    self.0
                        .audit_installation(None, "vault.unlock", "vault", Outcome::Denied)
                        .await?;
                }
                return Err(error);
            }
        };
        let rows = self.0.store().main().read(workspace_key::all).await?;
        // Read before the ring opens: it must not stay open with half of its keys.
        let wrapped = rows.into_iter().map(to_wrapped).collect::<Result<Vec<_>>>()?;
        {
            let mut keys = self.0.keys();
            keys.unlock(master);
            for key in &wrapped {
                if let Err(error) = keys.admit(key) {
                    keys.lock();
                    return Err(error.into());
                }
            }
        }
        self.0.audit_installation(None, "vault.unlock", "vault", Outcome::Success).await?;
        self.announce();
        Ok(())
    }

    /// Wipes the keys from memory, and those that connections to servers hold.
    ///
    /// Refused while a job of this process is at work: it would fail half way.
    pub async fn lock(&self) -> Result<()> {
        self.refuse_while_at_work().await?;
        self.0.keys().lock();
        self.0.forget_secrets();
        if let Err(error) = self.disconnect_all().await {
            self.0.report(&error, "Connections to servers stayed open");
        }
        self.0.audit_installation(None, "vault.lock", "vault", Outcome::Success).await?;
        self.announce();
        Ok(())
    }

    async fn refuse_while_at_work(&self) -> Result<()> {
        let ids: Vec<_> = self.0.running_jobs().keys().copied().collect();
        let main = self.0.store().main();
        let at_work = main
            .read(move |conn| {
                for id in ids {
                    let row = job::by_id(conn, id)?;
                    if let Some(row) = row.filter(|row| !row.job.status.is_over()) {
                        return Ok(Some(row.job.title));
                    }
                }
                Ok(None)
            })
            .await?;
        at_work.map_or(Ok(()), |title| {
            Err(Error::new(Code::Busy, format!("`{title}` is still at work and needs the keys"))
                .hint("wait for it, or cancel it, then lock the vault"))
        })
    }

    async fn disconnect_all(&self) -> Result<()> {
        let organizations = self.0.store().main().read(organization_table::list).await?;
        for organization in organizations {
            let servers = self.0.store().workspace(organization.id)?.read(server::list).await?;
            for server in servers {
                self.0.ports().hosts.disconnect(server.id).await;
            }
        }
        Ok(())
    }

    fn announce(&self) {
        self.0.publish(Event::Changed { organization_id: None, topic: Topic::Vault, id: None });
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let app = self.0.clone();
        tokio::task::spawn_blocking(move || work(&app)).await.map_err(|error| {
            Error::new(Code::Internal, "the vault's thread ended early").cause(error)
        })?
    }
}

impl App {
    /// Stores an organization with its keys and its first owner, all or nothing.
    pub(crate) async fn found(&self, owner: User, organization: Organization) -> Result<()> {
        let mut wrapped = Vec::new();
        {
            let mut keys = self.keys();
            for purpose in Purpose::ALL {
                wrapped.push(keys.create(organization.id, *purpose)?);
            }
        }
        let author = self.author(Some(owner.id));
        let membership = Member {
            id: MemberId::new(),
            organization_id: organization.id,
            user_id: owner.id,
            role: Role::Owner,
            created_at: author.now,
        };
        self.store()
            .main()
            .write(move |tx| {
                user::put(tx, &owner)?;
                organization_table::put(tx, &author, &organization)?;
                member::put(tx, &author, &membership)?;
                for key in wrapped {
                    workspace_key::insert(tx, &from_wrapped(key, author.now))?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// Uses the ring, and once more with the workspace's stored keys if it lacks one.
    ///
    /// Another process may have made the organization since the vault was opened.
    pub(crate) fn with_keys<T>(
        &self,
        organization_id: OrganizationId,
        work: impl Fn(&KeyRing) -> std::result::Result<T, RingError>,
    ) -> Result<T> {
        let first = work(&self.keys());
        if !matches!(first, Err(RingError::NoKey { .. } | RingError::UnknownKey { .. })) {
            return Ok(first?);
        }
        let rows = self
            .store()
            .main()
            .read_blocking(move |conn| workspace_key::of_organization(conn, organization_id))?;
        let wrapped = rows.into_iter().map(to_wrapped).collect::<Result<Vec<_>>>()?;
        let mut keys = self.keys();
        for key in &wrapped {
            keys.admit(key)?;
        }
        Ok(work(&keys)?)
    }

    /// Says whether a first run broke off before it stored anybody.
    fn is_bare(&self) -> Result<bool> {
        Ok(self.store().main().read_blocking(user::first)?.is_none())
    }
}

fn from_wrapped(key: WrappedKey, created_at: jiff::Timestamp) -> workspace_key::Row {
    workspace_key::Row {
        id: key.id,
        organization_id: key.workspace,
        purpose: key.purpose.as_str().to_owned(),
        version: key.version,
        wrapped: key.bytes,
        created_at,
    }
}

fn to_wrapped(row: workspace_key::Row) -> Result<WrappedKey> {
    let purpose =
        row.purpose.parse().map_err(|error: flightdeck_vault::keys::UnknownPurpose| {
            Error::new(Code::SealBroken, "a workspace key has an unknown purpose").cause(error)
        })?;
    Ok(WrappedKey {
        id: row.id,
        version: row.version,
        purpose,
        workspace: row.organization_id,
        bytes: row.wrapped,
    })
}
