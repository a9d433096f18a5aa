//! Why a verb did not do what it was asked.

use flightdeck_app::error::{Code, Error};
use flightdeck_domain::{
    id::JobId,
    job::{Job, JobStatus},
};
use serde::Serialize;

use crate::exit;

/// What a verb returns.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// A failure as it is told to people, and to scripts with `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(skip)]
    pub(crate) exit: u8,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<JobId>,
}

impl Failure {
    /// The arguments make no sense together, or in this place.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: exit::USAGE,
            code: "usage",
            message: message.into(),
            hint: Some("run the verb with `--help`".to_owned()),
            job_id: None,
        }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Error::new(Code::Internal, message).into()
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Error::new(Code::InvalidInput, message).into()
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Why a job did not succeed; none if it did, or has not ended.
    pub(crate) fn of_job(job: &Job) -> Option<Self> {
        if matches!(
            job.status,
            JobStatus::Succeeded | JobStatus::Queued | JobStatus::Running | JobStatus::Undoing
        ) {
            return None;
        }
        let failure = job.failure.as_ref();
        let text = failure.map(|failure| failure.code.as_str());
        let code = Code::ALL.iter().copied().find(|code| Some(code.as_str()) == text);
        let code = code.unwrap_or(match job.status {
            JobStatus::Cancelled => Code::Cancelled,
            _ => Code::Internal,
        });
        let why = failure.map_or("it ended without a reason", |failure| &failure.message);
        Some(Self {
            exit: exit::of(code),
            code: code.as_str(),
            message: format!("{}: {why}", job.title),
            hint: failure.and_then(|failure| failure.hint.clone()),
            job_id: Some(job.id),
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match error.code {
            Code::VaultAbsent => Some("run `flightdeck setup` first".to_owned()),
            Code::Busy => Some("wait for it with `flightdeck job wait`, or cancel it".to_owned()),
            _ => error.hint.or_else(|| next_step(error.code).map(str::to_owned)),
        };
        Self {
            exit: exit::of(error.code),
            code: error.code.as_str(),
            message: error.message,
            hint,
            job_id: None,
        }
    }
}

/// What to do next where the core has nothing better to say.
const fn next_step(code: Code) -> Option<&'static str> {
    match code {
        Code::InvalidInput => Some("correct that and call again"),
        Code::WrongState => Some("look at it with the verb `show`"),
        Code::Internal => Some("look for the cause in the logs of the data directory"),
        _ => None,
    }
}
