//! The tenant tree.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::OrganizationId;

/// The deepest level of the tree; the root is level 0.
pub const MAX_LEVEL: u8 = 10;

/// The colours that a new organization is given in turn, so that no two
/// neighbours in the switcher look alike. All keep 4.5:1 against white text.
pub const COLORS: &[&str] =
    &["#2563eb", "#b45309", "#047857", "#7c3aed", "#be123c", "#0e7490", "#4d7c0f", "#a21caf"];

/// What an organization is in the business of its operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The operator's own house.
    TopBranch,
    /// A reseller or a department.
    MasterBranch,
    /// A client.
    SubUser,
    /// A client's client.
    EndUser,
}

impl Kind {
    /// Every kind, from the top of the tree down.
    pub const ALL: &'static [Self] =
        &[Self::TopBranch, Self::MasterBranch, Self::SubUser, Self::EndUser];

    /// The kind's name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TopBranch => "top_branch",
            Self::MasterBranch => "master_branch",
            Self::SubUser => "sub_user",
            Self::EndUser => "end_user",
        }
    }

    /// The kinds that may stand directly below this one.
    pub const fn children(self) -> &'static [Self] {
        match self {
            Self::TopBranch => &[Self::MasterBranch, Self::SubUser, Self::EndUser],
            Self::MasterBranch => &[Self::SubUser, Self::EndUser],
            Self::SubUser => &[Self::EndUser],
            Self::EndUser => &[],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// Text that names no kind of organization.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no kind `{0}`; use top_branch, master_branch, sub_user or end_user")]
pub struct UnknownKind(pub String);

/// A node of the tenant tree; owns one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Organization {
    /// Names it for good.
    pub id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// Unique in this data directory; used on the command line.
    pub slug: String,
    /// Its place in the business.
    pub kind: Kind,
    /// The node above; none for a root.
    pub parent_id: Option<OrganizationId>,
    /// Distance from the root.
    pub level: u8,
    /// `#rrggbb`: tints the window so that nobody works in the wrong client.
    pub color: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was put away, if it was.
    pub archived_at: Option<Timestamp>,
}

/// A place in the tree that the rules forbid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// The parent's kind can't hold this kind.
    #[error("a {parent} can't hold a {child}")]
    Kind {
        /// Kind of the parent.
        parent: Kind,
        /// Kind of the new child.
        child: Kind,
    },
    /// The tree would grow deeper than [`MAX_LEVEL`].
    #[error("the tree may be {MAX_LEVEL} levels deep")]
    TooDeep,
}

/// Returns the level of a `kind` organization below `parent`, if it may stand there.
pub fn level_below(parent: Option<&Organization>, kind: Kind) -> Result<u8, PlacementError> {
    let Some(parent) = parent else { return Ok(0) };
    if !parent.kind.children().contains(&kind) {
        return Err(PlacementError::Kind { parent: parent.kind, child: kind });
    }
    match parent.level + 1 {
        level if level > MAX_LEVEL => Err(PlacementError::TooDeep),
        level => Ok(level),
    }
}

/// Checks a `#rrggbb` colour and returns it in lower case.
pub fn parse_color(text: &str) -> Option<String> {
    let digits = text.strip_prefix('#')?;
    (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| text.to_ascii_lowercase())
}
