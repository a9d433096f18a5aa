//! What a verb prints when it has done its work.

use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, Result};

/// The same answer for people and for scripts.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The one document of `--json`.
    pub(crate) json: Form,
    /// What people read; empty for nothing.
    pub(crate) text: String,
}

/// What `--json` makes of an answer.
#[derive(Debug)]
pub(crate) enum Form {
    /// One document.
    Document(Value),
    /// The text itself: it is a program for another program (completions), or it
    /// was printed line by line already.
    AsText,
}

impl Answer {
    /// An answer with `subject` as its document.
    pub(crate) fn new(subject: &impl Serialize, text: impl Into<String>) -> Result<Self> {
        let json = serde_json::to_value(subject).map_err(|error| {
            Failure::internal(format!("the answer can't be written as JSON: {error}"))
        })?;
        Ok(Self { json: Form::Document(json), text: text.into() })
    }

    /// An answer that is the same text with and without `--json`.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { json: Form::AsText, text: text.into() }
    }
}
