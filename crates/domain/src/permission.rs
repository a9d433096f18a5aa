//! Who may do what: permissions, and the four roles that hold them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// The right to do one kind of thing in one organization.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Permission {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The permission as `resource:action`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl FromStr for Permission {
            type Err = UnknownPermission;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$name),)*
                    _ => Err(UnknownPermission(text.to_owned())),
                }
            }
        }
    };
}

permissions! {
    /// See the organization, its members and its overview.
    OrganizationRead = "organization:read";
    /// Change the organization's name and colour.
    OrganizationWrite = "organization:write";
    /// Make an organization below this one.
    OrganizationCreate = "organization:create";
    /// Archive or erase the organization.
    OrganizationDelete = "organization:delete";
    /// Invite, change and remove members.
    MemberWrite = "member:write";
    /// See which credentials there are; never their values.
    CredentialRead = "credential:read";
    /// Add, replace, test and delete credentials.
    CredentialWrite = "credential:write";
    /// See servers and their metrics.
    ServerRead = "server:read";
    /// Register, verify, change and remove servers.
    ServerWrite = "server:write";
    /// See stacks, runs and what they would change.
    StackRead = "stack:read";
    /// Create stacks and plan them.
    StackWrite = "stack:write";
    /// Apply or destroy a stack: spends money, deletes machines.
    StackApply = "stack:apply";
    /// See applications, releases and deployments.
    ApplicationRead = "application:read";
    /// Create, change and remove applications.
    ApplicationWrite = "application:write";
    /// Deploy and roll back.
    DeploymentRun = "deployment:run";
    /// See jobs and their logs.
    JobRead = "job:read";
    /// Cancel, retry, undo and dismiss jobs.
    JobControl = "job:control";
    /// Read the audit log.
    AuditRead = "audit:read";
    /// Change settings of the organization.
    SettingsWrite = "settings:write";
}

/// Text that names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no permission `{0}`")]
pub struct UnknownPermission(pub String);

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A named set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Looks, and deploys and manages applications.
    Member,
    /// Everything but deleting the organization, billing and licences.
    Admin,
    /// Everything.
    Owner,
}

impl Role {
    /// Every role, the weakest first.
    pub const ALL: &'static [Self] = &[Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// The role's name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Says whether this role includes `permission`.
    pub const fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::OrganizationRead
            | P::CredentialRead
            | P::ServerRead
            | P::StackRead
            | P::ApplicationRead
            | P::JobRead => true,
            P::ApplicationWrite | P::DeploymentRun | P::JobControl => !matches!(self, Self::Viewer),
            P::OrganizationWrite
            | P::OrganizationCreate
            | P::MemberWrite
            | P::CredentialWrite
            | P::ServerWrite
            | P::StackWrite
            | P::StackApply
            | P::AuditRead
            | P::SettingsWrite => matches!(self, Self::Admin | Self::Owner),
            P::OrganizationDelete => matches!(self, Self::Owner),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// Text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role `{0}`; use owner, admin, member or viewer")]
pub struct UnknownRole(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stronger_role_keeps_what_the_weaker_one_has() {
        for pair in Role::ALL.windows(2) {
            for permission in Permission::ALL {
                assert!(
                    !pair[0].allows(*permission) || pair[1].allows(*permission),
                    "{} has {permission}, {} lost it",
                    pair[0],
                    pair[1],
                );
            }
        }
    }

    #[test]
    fn an_owner_may_do_everything() {
        assert!(Permission::ALL.iter().all(|permission| Role::Owner.allows(*permission)));
    }
}
