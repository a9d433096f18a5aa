//! One call of the command line on the core: who asks, where, and about what.

use std::{fs, path::Path, str::FromStr};

use flightdeck_app::{App, Ctx, VaultState, VaultStatus, error::Error};
use flightdeck_domain::{
    id::{ApplicationId, CredentialId, MemberId, OrganizationId, ServerId, StackId},
    secret::Secret,
};
use flightdeck_engine::{Engine, Options, Role};

use crate::{
    arguments::Globals,
    failure::{Failure, Result},
    terminal::Terminal,
};

/// The core, started for one verb.
pub(crate) struct Session {
    pub(crate) engine: Engine,
    pub(crate) globals: Globals,
    pub(crate) terminal: Terminal,
}

impl Session {
    /// Starts the core. Nothing is unlocked yet.
    pub(crate) fn open(globals: Globals, terminal: Terminal, role: Role) -> Result<Self> {
        let engine = Engine::start(Options { directory: globals.data_dir.clone(), role })?;
        Ok(Self { engine, globals, terminal })
    }

    pub(crate) fn app(&self) -> &App {
        self.engine.app()
    }

    /// Opens the vault: by the keychain, or by a passphrase from a file or a person.
    ///
    /// There is no argument or variable that holds the passphrase itself: both can
    /// be read by other programs of the same user, and end up in histories.
    pub(crate) async fn unlock(&self) -> Result<VaultStatus> {
        let status = self.app().vault().status().await?;
        match (status.state, status.protection) {
            (VaultState::Open, _) => {}
            (VaultState::Absent, _) => return Err(not_set_up()),
            (VaultState::Locked, Some("passphrase")) => {
                let passphrase = match &self.globals.passphrase_file {
                    Some(path) => passphrase_in(path)?,
                    None => self
                        .terminal
                        .ask_secret("Passphrase of the vault: ", "--passphrase-file FILE")
                        .map_err(locked)?,
                };
                self.app().vault().unlock(Some(passphrase)).await?;
            }
            (VaultState::Locked, _) => self.app().vault().unlock(None).await?,
        }
        Ok(self.app().vault().status().await?)
    }

    /// The person at this desk, in the organization that was named or is the only one.
    pub(crate) async fn ctx(&self) -> Result<Ctx> {
        self.ctx_in(self.globals.org.as_deref()).await
    }

    /// The person at this desk in the organization called or numbered `wanted`.
    pub(crate) async fn ctx_in(&self, wanted: Option<&str>) -> Result<Ctx> {
        let organizations = self.app().organizations();
        let user = organizations.local_user().await?.ok_or_else(not_set_up)?;
        let wanted = wanted.or(self.globals.org.as_deref());
        // An id is passed on as it is: the core says whether it is anybody's business.
        if let Some(Ok(id)) = wanted.map(OrganizationId::from_str) {
            return Ok(Ctx { user_id: user.id, organization_id: id });
        }
        let list = organizations.list(user.id).await?;
        let known: Vec<_> = list.into_iter().map(|m| m.organization).collect();
        let slugs = || known.iter().map(|o| format!("`{}`", o.slug)).collect::<Vec<_>>().join(", ");
        let found = match wanted {
            Some(wanted) => known
                .iter()
                .find(|o| o.slug == wanted || o.name.eq_ignore_ascii_case(wanted))
                .ok_or_else(|| {
                    Failure::from(Error::new(
                        flightdeck_app::error::Code::NotFound,
                        format!("there is no organization `{wanted}`"),
                    ))
                    .hint(format!("choose one of {}", slugs()))
                })?,
            None => {
                match known.iter().filter(|o| o.archived_at.is_none()).collect::<Vec<_>>()[..] {
                    [only] => only,
                    [] => return Err(not_set_up()),
                    _ => {
                        return Err(Failure::usage("there is more than one organization")
                            .hint(format!("choose one with `--org`: {}", slugs())));
                    }
                }
            }
        };
        Ok(Ctx { user_id: user.id, organization_id: found.id })
    }

    /// The server called or numbered `wanted`.
    pub(crate) async fn server(&self, ctx: &Ctx, wanted: &str) -> Result<ServerId> {
        if let Ok(id) = wanted.parse() {
            return Ok(id);
        }
        let all = self.app().servers().list(ctx).await?;
        let all = all.into_iter().map(|one| (one.server.id, one.server.name));
        pick("server", wanted, all)
    }

    /// The credential called or numbered `wanted`.
    pub(crate) async fn credential(&self, ctx: &Ctx, wanted: &str) -> Result<CredentialId> {
        if let Ok(id) = wanted.parse() {
            return Ok(id);
        }
        let all = self.app().credentials().list(ctx).await?;
        pick("credential", wanted, all.into_iter().map(|one| (one.id, one.name)))
    }

    /// The stack called or numbered `wanted`.
    pub(crate) async fn stack(&self, ctx: &Ctx, wanted: &str) -> Result<StackId> {
        if let Ok(id) = wanted.parse() {
            return Ok(id);
        }
        let all = self.app().stacks().list(ctx).await?;
        pick("stack", wanted, all.into_iter().map(|one| (one.stack.id, one.stack.name)))
    }

    /// The application called or numbered `wanted`.
    pub(crate) async fn application(&self, ctx: &Ctx, wanted: &str) -> Result<ApplicationId> {
        if let Ok(id) = wanted.parse() {
            return Ok(id);
        }
        let all = self.app().applications().list(ctx).await?;
        let all = all.into_iter().map(|one| (one.application.id, one.application.name));
        pick("application", wanted, all)
    }

    /// The member called or numbered `wanted`.
    pub(crate) async fn member(&self, ctx: &Ctx, wanted: &str) -> Result<MemberId> {
        if let Ok(id) = wanted.parse() {
            return Ok(id);
        }
        let all = self.app().organizations().members(ctx).await?;
        pick("member", wanted, all.into_iter().map(|(member, user)| (member.id, user.name)))
    }

    /// The names of all servers, for answers that hold only their ids.
    pub(crate) async fn server_names(&self, ctx: &Ctx) -> Result<Vec<(ServerId, String)>> {
        let all = self.app().servers().list(ctx).await?;
        Ok(all.into_iter().map(|one| (one.server.id, one.server.name)).collect())
    }

    /// Lets jobs that are started from now on run here, or only be written down.
    pub(crate) fn carry_out(&self, waiting: crate::arguments::Waiting) {
        if waiting.no_wait {
            self.app().jobs().leave_to_others();
        }
    }
}

/// Reads a passphrase: the first line of a file.
pub(crate) fn passphrase_in(path: &Path) -> Result<Secret> {
    let text = fs::read_to_string(path).map(Secret::new).map_err(|error| {
        Failure::invalid(format!("the passphrase file `{}` can't be read: {error}", path.display()))
            .hint("check the path, and that you may read it")
    })?;
    let first = text.expose().lines().next().unwrap_or_default();
    if first.is_empty() {
        return Err(Failure::invalid(format!("the passphrase file `{}` is empty", path.display()))
            .hint("put the passphrase into its first line"));
    }
    Ok(Secret::new(first))
}

/// The one that is called `wanted`.
fn pick<T: Copy + std::fmt::Display>(
    what: &'static str,
    wanted: &str,
    all: impl Iterator<Item = (T, String)>,
) -> Result<T> {
    let found: Vec<T> = all.filter(|(_, name)| name == wanted).map(|(id, _)| id).collect();
    match found[..] {
        [only] => Ok(only),
        [] => Err(Error::not_found(what, wanted).into()),
        _ => {
            let ids: Vec<String> = found.iter().map(|id| format!("`{id}`")).collect();
            Err(Failure::invalid(format!("there is more than one {what} `{wanted}`"))
                .hint(format!("use its id: {}", ids.join(", "))))
        }
    }
}

fn not_set_up() -> Failure {
    Error::new(flightdeck_app::error::Code::VaultAbsent, "nothing is set up here yet").into()
}

/// A vault that nobody can be asked for is locked, not misused.
fn locked(failure: Failure) -> Failure {
    let locked = flightdeck_app::error::Code::VaultLocked;
    Failure::from(Error::new(locked, "the vault is locked, and this is no terminal to ask at"))
        .hint(failure.hint.map_or_else(String::new, |_| {
            "give the passphrase with `--passphrase-file FILE` or FLIGHTDECK_PASSPHRASE_FILE"
                .to_owned()
        }))
}
