//! People, and their place in organizations.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    id::{MemberId, OrganizationId, UserId},
    permission::Role,
};

/// A person on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Names the person for good.
    pub id: UserId,
    /// What the person is called.
    pub name: String,
}

/// A person's role in one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Names this membership.
    pub id: MemberId,
    /// Where.
    pub organization_id: OrganizationId,
    /// Who.
    pub user_id: UserId,
    /// With which rights.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}
