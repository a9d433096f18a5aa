//! Terraform stacks, their runs, and what a run would change.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    id::{CredentialId, JobId, RunId, StackId},
    name::{self, NameError},
};

/// What a stack is to build: the inputs that all modules share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackInputs {
    /// The provider's region (`fsn1`).
    pub region: String,
    /// The provider's server type (`cx22`).
    pub size: String,
    /// The provider's image (`ubuntu-24.04`).
    pub image: String,
    /// How many servers, 1 to 50.
    pub server_count: u16,
}

/// Inputs that can't be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// The name breaks a rule.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not from 1 to 50.
    #[error("{0} servers were asked for; a stack has 1 to 50")]
    ServerCount(u16),
    /// Empty, or with characters that no provider uses.
    #[error("`{value}` is not a {what}")]
    Value {
        /// Which input.
        what: &'static str,
        /// What was given.
        value: String,
    },
}

impl StackInputs {
    /// Checks what can be checked without asking the provider.
    pub fn check(&self) -> Result<(), StackError> {
        for (what, value) in
            [("region", &self.region), ("size", &self.size), ("image", &self.image)]
        {
            let fine = !value.is_empty()
                && value.len() <= 64
                && value.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
            if !fine {
                return Err(StackError::Value { what, value: value.clone() });
            }
        }
        if !(1..=50).contains(&self.server_count) {
            return Err(StackError::ServerCount(self.server_count));
        }
        Ok(())
    }
}

/// Checks a stack's name: it becomes part of host names.
pub fn stack_name(text: &str) -> Result<String, NameError> {
    name::label("stack name", text)
}

macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// The name on the wire and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl FromStr for $name {
            type Err = crate::server::UnknownStatus;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(crate::server::UnknownStatus(text.to_owned())),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

statuses! {
    /// Where a stack stands.
    StackStatus {
        /// Defined; nothing was run.
        Pending = "pending",
        /// A plan is being made.
        Planning = "planning",
        /// A plan waits for somebody's yes.
        AwaitingApproval = "awaiting_approval",
        /// A plan is being applied.
        Applying = "applying",
        /// Servers are being registered and verified.
        Verifying = "verifying",
        /// What was planned stands.
        Completed = "completed",
        /// The last run failed; what it made is in the state.
        Failed = "failed",
        /// Everything is being taken down.
        Destroying = "destroying",
        /// Nothing is left.
        Destroyed = "destroyed",
        /// The last run was stopped by hand.
        Cancelled = "cancelled",
    }
}

statuses! {
    /// What a run does.
    Operation {
        /// Says what would change.
        Plan = "plan",
        /// Changes it.
        Apply = "apply",
        /// Says what a destroy would take away.
        PlanDestroy = "plan_destroy",
        /// Takes everything away.
        Destroy = "destroy",
    }
}

statuses! {
    /// How a run stands.
    RunStatus {
        /// Terraform is at work.
        Running = "running",
        /// Terraform ended well.
        Succeeded = "succeeded",
        /// Terraform said no.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// The program ended under it; its state was recovered.
        Interrupted = "interrupted",
    }
}

statuses! {
    /// What happens to one resource.
    Action {
        /// Made.
        Create = "create",
        /// Changed in place.
        Update = "update",
        /// Taken away and made anew.
        Replace = "replace",
        /// Taken away.
        Delete = "delete",
        /// Only read.
        Read = "read",
        /// Left alone.
        NoOp = "no_op",
    }
}

/// A Terraform root configuration with its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// Names it for good.
    pub id: StackId,
    /// What people call it; unique in the workspace, part of host names.
    pub name: String,
    /// The module in `terraform-modules/`.
    pub module: String,
    /// The cloud credential it spends.
    pub credential_id: CredentialId,
    /// The SSH key its servers are opened with.
    pub ssh_credential_id: CredentialId,
    /// What it is to build.
    pub inputs: StackInputs,
    /// Where it stands.
    pub status: StackStatus,
    /// When it was defined.
    pub created_at: Timestamp,
}

/// One change that a plan would make.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlannedChange {
    /// The resource's address (`module.servers.hcloud_server.this["web-1"]`).
    pub address: String,
    /// The resource's type (`hcloud_server`).
    pub resource_type: String,
    /// What would happen to it.
    pub action: Action,
}

impl PartialOrd for Action {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Action {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

/// What Terraform complains about, with the place if it named one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Whether it stopped the run.
    pub is_error: bool,
    /// The headline.
    pub summary: String,
    /// The rest.
    pub detail: String,
    /// `main.tf:12`, if Terraform named a place.
    pub place: Option<String>,
}

statuses! {
    /// How far one resource of a run is.
    ResourceState {
        /// Its turn has not come.
        Pending = "pending",
        /// The provider is at work.
        Running = "running",
        /// The provider is done.
        Done = "done",
        /// The provider said no.
        Failed = "failed",
    }
}

/// How far one resource of a run is, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceProgress {
    /// The resource's address.
    pub address: String,
    /// What happens to it.
    pub action: Action,
    /// How far it is.
    pub state: ResourceState,
    /// Seconds the provider has worked on it.
    pub elapsed_seconds: u32,
    /// The provider's own id, once it has one.
    pub resource_id: Option<String>,
}

/// One Terraform operation on a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Names it for good.
    pub id: RunId,
    /// On which stack.
    pub stack_id: StackId,
    /// The job that carries it.
    pub job_id: JobId,
    /// What it does.
    pub operation: Operation,
    /// How it stands.
    pub status: RunStatus,
    /// What it would change, or changed.
    pub changes: Vec<PlannedChange>,
    /// How far each resource is; empty for a plan.
    pub resources: Vec<ResourceProgress>,
    /// What Terraform complained about.
    pub diagnostics: Vec<Diagnostic>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A server as a module's `servers` output describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputServer {
    /// Its host name.
    pub name: String,
    /// The provider's own id.
    pub id: String,
    /// Its public IPv4 address.
    pub public_ipv4: Option<String>,
    /// Its public IPv6 address.
    pub public_ipv6: Option<String>,
    /// Its address in the private network.
    pub private_ipv4: Option<String>,
    /// The provider's region.
    pub region: String,
    /// The provider's server type.
    pub size: String,
    /// The login that the image's SSH daemon takes.
    pub ssh_user: String,
}

/// What is known of one version of a stack's state, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateVersion {
    /// Terraform's own counter.
    pub serial: u64,
    /// Terraform's name for the line of versions.
    pub lineage: String,
    /// SHA-256 of the plain content, in hex.
    pub sha256: String,
    /// Bytes of the plain content.
    pub size: u64,
    /// How many resources it lists.
    pub resources: u32,
    /// The run that wrote it.
    pub run_id: RunId,
    /// When it was sealed.
    pub created_at: Timestamp,
}
