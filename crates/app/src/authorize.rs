//! The one place where rights are checked.

use flightdeck_domain::{
    id::{OrganizationId, UserId},
    permission::Permission,
};
use flightdeck_store::{Database, member, organization};
use flightdeck_vault::{keys::Purpose, seal};
use zeroize::Zeroizing;

use crate::{
    App,
    error::{Code, Error, Result},
};

/// Who asks, and in which organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ctx {
    /// Who.
    pub user_id: UserId,
    /// Where.
    pub organization_id: OrganizationId,
}

/// A workspace, open for somebody who may be there.
///
/// There is no other way to a workspace's database or keys, so a use case can't
/// forget to ask, and can't reach into another client's workspace.
#[derive(Clone)]
pub struct Desk {
    /// Whose workspace.
    pub organization_id: OrganizationId,
    /// Who is at work.
    pub actor: UserId,
    pub(crate) db: Database,
    pub(crate) metrics: Database,
}

impl App {
    /// Opens the organization's workspace if the user has the permission there.
    ///
    /// Somebody without any role gets `not_found`, not `forbidden`: whether the
    /// organization exists is none of their business.
    pub async fn authorize(&self, ctx: &Ctx, permission: Permission) -> Result<Desk> {
        let Ctx { user_id, organization_id } = *ctx;
        let (role, archived) = self
            .store()
            .main()
            .read(move |conn| {
                let role = member::role(conn, organization_id, user_id)?;
                let archived = organization::by_id(conn, organization_id)?
                    .is_none_or(|organization| organization.archived_at.is_some());
                Ok((role, archived))
            })
            .await?;
        let Some(role) = role else {
            return Err(Error::new(
                Code::NotFound,
                format!("there is no organization `{organization_id}`"),
            )
            .hint("list the organizations that you belong to"));
        };
        if !role.allows(permission) {
            self.audit_denied(ctx, permission).await?;
            return Err(Error::new(
                Code::Forbidden,
                format!("your role ({role}) lacks the permission `{permission}`"),
            )
            .hint("ask an owner of this organization"));
        }
        if archived && !is_read(permission) {
            return Err(Error::new(Code::WrongState, "the organization is archived"));
        }
        self.desk(organization_id, user_id)
    }

    /// Opens a workspace for work that was authorized when it was started.
    pub(crate) fn desk(&self, organization_id: OrganizationId, actor: UserId) -> Result<Desk> {
        Ok(Desk {
            organization_id,
            actor,
            db: self.store().workspace(organization_id)?,
            metrics: self.store().metrics(organization_id)?,
        })
    }

    /// Seals a value for its place in a workspace.
    pub(crate) fn seal(
        &self,
        desk: &Desk,
        purpose: Purpose,
        (table, row, column): (&'static str, String, &'static str),
        plain: &[u8],
    ) -> Result<Vec<u8>> {
        let place = seal::Place { workspace: desk.organization_id, table, row, column };
        self.with_keys(desk.organization_id, |keys| keys.seal(purpose, &place, plain))
    }

    /// Opens a value that was sealed for this place.
    pub(crate) fn open(
        &self,
        desk: &Desk,
        purpose: Purpose,
        (table, row, column): (&'static str, String, &'static str),
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let place = seal::Place { workspace: desk.organization_id, table, row, column };
        self.with_keys(desk.organization_id, |keys| keys.open(purpose, &place, sealed))
    }
}

fn is_read(permission: Permission) -> bool {
    permission.as_str().ends_with(":read")
}
