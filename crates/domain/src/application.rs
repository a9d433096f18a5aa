//! Applications, their releases, and moving from one to the next.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    id::{ApplicationId, CredentialId, DeploymentId, JobId, ReleaseId, ServerId},
    image_reference::ImageReference,
    name::{self, NameError},
};

/// How we learn that a container does its work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Path of the request.
    pub path: String,
    /// Seconds that one answer may take.
    pub timeout_seconds: u16,
    /// Seconds between two requests.
    pub interval_seconds: u16,
    /// Seconds after the start in which failures don't count.
    pub start_period_seconds: u16,
    /// Good answers in a row that make it healthy.
    pub success_threshold: u16,
    /// Bad answers in a row that make it sick.
    pub failure_threshold: u16,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            timeout_seconds: 5,
            interval_seconds: 10,
            start_period_seconds: 30,
            success_threshold: 1,
            failure_threshold: 3,
        }
    }
}

/// What a deployment makes of a release; part of what is immutable in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The port that the container listens on.
    pub port: u16,
    /// How we learn that it works.
    pub health_check: HealthCheck,
    /// Plain environment variables.
    pub environment: BTreeMap<String, String>,
    /// Seconds that a container may take to stop.
    pub stop_grace_seconds: u16,
}

/// Something deployable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Application {
    /// Names it for good.
    pub id: ApplicationId,
    /// What people call it; unique in the workspace, part of container names.
    pub name: String,
    /// The image without its version: where releases come from.
    pub image: ImageReference,
    /// Host name that the proxy answers for; none: whatever reaches the server.
    pub domain: Option<String>,
    /// The servers it runs on.
    pub servers: Vec<ServerId>,
    /// The registry login that pulls its image.
    pub registry_credential_id: Option<CredentialId>,
    /// What the next release is made with.
    pub configuration: Configuration,
    /// The release that runs; none before the first deployment.
    pub current_release_id: Option<ReleaseId>,
    /// When it was defined.
    pub created_at: Timestamp,
}

/// A definition that can't be deployed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplicationError {
    /// The name breaks a rule.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not a host name.
    #[error("`{0}` is not a host name")]
    Domain(String),
    /// Port 0.
    #[error("the port must be from 1 to 65535")]
    Port,
    /// No server to run on.
    #[error("an application needs at least one server")]
    NoServers,
    /// A path that is none.
    #[error("the health check's path must start with `/`")]
    HealthPath,
    /// A number that makes the health check meaningless.
    #[error("the health check's {what} must be from {min} to {max}")]
    HealthNumber {
        /// Which number.
        what: &'static str,
        /// Smallest allowed.
        min: u16,
        /// Largest allowed.
        max: u16,
    },
    /// A name that no shell would take.
    #[error("`{0}` is not a name for an environment variable")]
    Variable(String),
    /// A value that would not arrive as it is: variables travel as lines.
    #[error("the value of `{0}` must be one line without control characters")]
    VariableValue(String),
}

/// Checks an application's name: it becomes part of container names.
pub fn application_name(text: &str) -> Result<String, NameError> {
    name::label("application name", text)
}

/// Checks a host name and returns it in lower case.
pub fn parse_domain(text: &str) -> Result<String, ApplicationError> {
    let domain = text.trim().to_ascii_lowercase();
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label_ok) {
        Ok(domain)
    } else {
        Err(ApplicationError::Domain(text.trim().to_owned()))
    }
}

impl Configuration {
    /// Checks every bound.
    pub fn check(&self) -> Result<(), ApplicationError> {
        let health = &self.health_check;
        if self.port == 0 {
            return Err(ApplicationError::Port);
        }
        let path = &health.path;
        if !path.starts_with('/') || path.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(ApplicationError::HealthPath);
        }
        for (what, value, min, max) in [
            ("timeout", health.timeout_seconds, 1, 60),
            ("interval", health.interval_seconds, 1, 300),
            ("start period", health.start_period_seconds, 0, 600),
            ("success threshold", health.success_threshold, 1, 10),
            ("failure threshold", health.failure_threshold, 1, 10),
        ] {
            if !(min..=max).contains(&value) {
                return Err(ApplicationError::HealthNumber { what, min, max });
            }
        }
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if let Some(name) = self.environment.keys().find(|name| !is_name(name)) {
            return Err(ApplicationError::Variable(name.clone()));
        }
        let broken = self.environment.iter().find(|(_, value)| value.contains(char::is_control));
        match broken {
            Some((name, _)) => Err(ApplicationError::VariableValue(name.clone())),
            None => Ok(()),
        }
    }
}

/// One immutable version of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Release {
    /// Names it for good.
    pub id: ReleaseId,
    /// Of which application.
    pub application_id: ApplicationId,
    /// Counts up from 1 within the application.
    pub number: u32,
    /// The image as it was asked for.
    pub image: ImageReference,
    /// `sha256:…` that the registry answered; none before the first pull.
    pub digest: Option<String>,
    /// What it was made with.
    pub configuration: Configuration,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How traffic moves from one release to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Start the new one, healthy, switch, drain, stop the old one.
    Standard,
}

/// How a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentStatus {
    /// On its way.
    Running,
    /// The new release serves everything.
    Succeeded,
    /// It failed or was stopped; the old release serves everything.
    RolledBack,
    /// It failed and what runs is not known for sure.
    Failed,
}

impl DeploymentStatus {
    /// The status' name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::RolledBack => "rolled_back",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for DeploymentStatus {
    type Err = crate::server::UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Running, Self::Succeeded, Self::RolledBack, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::server::UnknownStatus(text.to_owned()))
    }
}

/// Moving an application from one release to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// Names it for good.
    pub id: DeploymentId,
    /// Of which application.
    pub application_id: ApplicationId,
    /// To which release.
    pub release_id: ReleaseId,
    /// From which one; none for the first.
    pub previous_release_id: Option<ReleaseId>,
    /// The job that carries it.
    pub job_id: JobId,
    /// How traffic moves.
    pub strategy: Strategy,
    /// How it stands.
    pub status: DeploymentStatus,
    /// Why it failed, in a sentence.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}
