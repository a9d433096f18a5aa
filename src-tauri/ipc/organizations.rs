//! The tenant tree.

use flightdeck_app::{
    Membership,
    error::{Code, Error},
};
use flightdeck_domain::{
    organization,
    permission::{self, Permission},
};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::State;

use super::{IpcError, parse_id, time};
use crate::core::Core;

super::mirror! {
    /// A named set of permissions.
    Role of permission::Role { Viewer, Member, Admin, Owner }
}

super::mirror! {
    /// What an organization is in the business of its operator.
    Kind of organization::Kind { TopBranch, MasterBranch, SubUser, EndUser }
}

/// A node of the tenant tree, and what the person at this desk may do in it.
#[derive(Debug, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization {
    id: String,
    name: String,
    slug: String,
    kind: Kind,
    parent_id: Option<String>,
    level: u8,
    color: String,
    created_at: String,
    archived_at: Option<String>,
    role: Option<Role>,
    permissions: Vec<&'static str>,
}

/// What a new organization is to be.
#[derive(Debug, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationRequest {
    name: String,
    kind: Kind,
    parent_id: Option<String>,
    color: Option<String>,
}

/// What may be changed of an organization.
#[derive(Debug, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationUpdate {
    name: String,
    color: String,
}

/// Lists the organizations of the person at this desk: parents before children.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_organizations(
    core: State<'_, Core>,
) -> Result<Vec<Organization>, IpcError> {
    core.answer(|app| async move {
        let memberships = app.organizations().of_local_user().await?;
        Ok(memberships.into_iter().map(Organization::from).collect())
    })
    .await
}

/// Makes an organization below another one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn create_organization(
    core: State<'_, Core>,
    request: OrganizationRequest,
) -> Result<Organization, IpcError> {
    core.answer(|app| async move {
        let OrganizationRequest { name, kind, parent_id, color } = request;
        let parent_id = parent_id.ok_or_else(|| {
            Error::new(Code::InvalidInput, "a new organization needs one above it")
                .hint("choose the organization that it belongs to")
        })?;
        let ctx = app.organizations().context(parse_id(&parent_id)?).await?;
        let request = flightdeck_app::OrganizationRequest { name, kind: kind.into(), color };
        let organization = app.organizations().create(&ctx, request).await?;
        Ok(Organization::of_its_maker(organization))
    })
    .await
}

/// Changes an organization's name and colour.
#[tauri::command]
#[specta::specta]
pub(crate) async fn update_organization(
    core: State<'_, Core>,
    organization_id: String,
    request: OrganizationUpdate,
) -> Result<Organization, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        app.organizations().update(&ctx, &request.name, &request.color).await?;
        Ok(app.organizations().membership(&ctx).await?.into())
    })
    .await
}

/// Puts an organization away: it can be looked at and no more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn archive_organization(
    core: State<'_, Core>,
    organization_id: String,
) -> Result<Organization, IpcError> {
    core.within(organization_id, |app, ctx| async move {
        app.organizations().archive(&ctx).await?;
        Ok(app.organizations().membership(&ctx).await?.into())
    })
    .await
}

/// Returns the CSS that tints the window in the organization's colour.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_stylesheet(
    core: State<'_, Core>,
    organization_id: String,
) -> Result<String, IpcError> {
    core.within(
        organization_id,
        |app, ctx| async move { app.organizations().stylesheet(&ctx).await },
    )
    .await
}

impl Organization {
    /// An organization that the person at this desk has just made, and so owns.
    pub(super) fn of_its_maker(organization: organization::Organization) -> Self {
        Membership { organization, role: permission::Role::Owner }.into()
    }
}

impl From<Membership> for Organization {
    fn from(membership: Membership) -> Self {
        let Membership { organization, role } = membership;
        let allowed = Permission::ALL.iter().filter(|permission| role.allows(**permission));
        Self {
            id: organization.id.to_string(),
            name: organization.name,
            slug: organization.slug,
            kind: organization.kind.into(),
            parent_id: organization.parent_id.map(|id| id.to_string()),
            level: organization.level,
            color: organization.color,
            created_at: time(organization.created_at),
            archived_at: organization.archived_at.map(time),
            role: Some(role.into()),
            permissions: allowed.map(|permission| permission.as_str()).collect(),
        }
    }
}
