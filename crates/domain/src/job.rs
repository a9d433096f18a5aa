//! Durable long work: what is written down of it.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{JobId, OrganizationId, UserId};

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Written down, not begun.
    Queued,
    /// A step is running.
    Running,
    /// Steps are being undone, last first.
    Undoing,
    /// Every step ran.
    Succeeded,
    /// A step failed; what could be undone is undone.
    Failed,
    /// Somebody stopped it; what could be undone is undone.
    Cancelled,
    /// An undo failed: somebody must look.
    Stuck,
}

impl JobStatus {
    /// Every status.
    pub const ALL: &'static [Self] = &[
        Self::Queued,
        Self::Running,
        Self::Undoing,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Stuck,
    ];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Undoing => "undoing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Stuck => "stuck",
        }
    }

    /// Says whether nothing more will happen by itself.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Stuck)
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobStatus {
    type Err = crate::server::UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::server::UnknownStatus(text.to_owned()))
    }
}

/// How a step stands in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Begun; after a crash: may have happened.
    Running,
    /// Happened.
    Done,
    /// Ended with an error.
    Failed,
    /// Begun to be taken back.
    Undoing,
    /// Taken back.
    Undone,
}

impl StepStatus {
    /// Every status.
    pub const ALL: &'static [Self] =
        &[Self::Pending, Self::Running, Self::Done, Self::Failed, Self::Undoing, Self::Undone];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }
}

impl FromStr for StepStatus {
    type Err = crate::server::UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::server::UnknownStatus(text.to_owned()))
    }
}

/// One line of a job's journal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepRecord {
    /// The step's name; renaming one strands unfinished jobs.
    pub name: String,
    /// How it stands.
    pub status: StepStatus,
    /// 0 to 1 while it runs, where the step knows.
    pub progress: Option<f64>,
    /// When it began last.
    pub started_at: Option<Timestamp>,
    /// When it ended last.
    pub ended_at: Option<Timestamp>,
}

/// Why a job failed, as people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The error's code.
    pub code: String,
    /// What happened, in a sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Durable long work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Names it for good.
    pub id: JobId,
    /// Where it works.
    pub organization_id: OrganizationId,
    /// Who started it.
    pub actor: UserId,
    /// Which plan it follows (`stack.apply`).
    pub kind: String,
    /// What it works on: an id.
    pub target: String,
    /// What it does, in words with names (`Apply web`).
    pub title: String,
    /// How it stands.
    pub status: JobStatus,
    /// Its journal.
    pub steps: Vec<StepRecord>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Whether somebody asked it to stop.
    pub cancel_requested: bool,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Whether somebody put it away.
    pub dismissed: bool,
}

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// Counts up from 1 within the job.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// The step that said it.
    pub step: String,
    /// What it said; redacted.
    pub text: String,
}
