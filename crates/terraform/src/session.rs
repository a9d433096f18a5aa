//! What a run and an adoption have in common: hearing, keeping, marking.

use std::{error::Error, io, sync::Arc};

use flightdeck_app::port::terraform::{Event, Listener, Sensitive, TerraformError};
use flightdeck_domain::stack::{Diagnostic, PlannedChange};

use crate::{
    directory::{Marker, RunDirectory, Stage},
    identity::Identity,
    plain,
    redaction::Redaction,
    state::{StateWatch, Version},
    stream,
    tail::Tail,
};

/// How many lines of a dead process's last words are kept.
const LAST_WORDS: usize = 60;

/// A directory, what is heard from it, and who hears it.
pub(crate) struct Session {
    /// Where the run lives.
    pub(crate) directory: RunDirectory,
    /// What a plan would change.
    pub(crate) changes: Vec<PlannedChange>,
    /// All complaints.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Why a version of the state was not kept, once that has happened.
    pub(crate) not_kept: Option<Box<dyn Error + Send + Sync>>,
    /// Whether the newest version of the state may be only in the directory.
    pub(crate) is_newest_lost: bool,
    listener: Arc<dyn Listener>,
    redaction: Redaction,
    watch: StateWatch,
    stage: Option<(Stage, Tail, Tail)>,
    last_words: Vec<String>,
}

impl Session {
    /// Watches for versions of the state that follow the one in the marker.
    pub(crate) fn new(
        directory: RunDirectory,
        listener: Arc<dyn Listener>,
        redaction: Redaction,
    ) -> Self {
        let watch = StateWatch::new(directory.module(), directory.marker().kept.clone());
        Self {
            directory,
            changes: Vec::new(),
            diagnostics: Vec::new(),
            not_kept: None,
            is_newest_lost: false,
            listener,
            redaction,
            watch,
            stage: None,
            last_words: Vec::new(),
        }
    }

    /// Begins to hear a process from its first word on.
    pub(crate) fn follow(&mut self, name: &str, process: Identity) -> Result<(), TerraformError> {
        self.resume(Stage { name: name.to_owned(), process, stdout: 0, stderr: 0 });
        self.mark()
    }

    /// Begins to hear a process where somebody else stopped hearing it.
    pub(crate) fn resume(&mut self, stage: Stage) {
        let stdout = Tail::new(self.directory.stdout(&stage.name), stage.stdout);
        let stderr = Tail::new(self.directory.stderr(&stage.name), stage.stderr);
        self.last_words.clear();
        self.stage = Some((stage, stdout, stderr));
    }

    /// Tells the listener.
    pub(crate) fn say(&mut self, event: Event) {
        let event = self.redaction.event(event);
        match &event {
            Event::Planned(change) => self.changes.push(change.clone()),
            Event::Diagnostic(diagnostic) => self.diagnostics.push(diagnostic.clone()),
            Event::Line(line) => {
                if self.last_words.len() == LAST_WORDS {
                    self.last_words.remove(0);
                }
                self.last_words.push(line.clone());
            }
            _ => {}
        }
        self.listener.event(event);
    }

    /// Hears what is new and keeps a version of the state that appeared.
    pub(crate) fn pump(&mut self) -> Result<(), TerraformError> {
        let fresh = self.watch.fresh().map_err(|source| self.failed(source))?;
        self.keep(fresh);
        self.hear(Tail::lines)?;
        self.mark()
    }

    /// As [`Session::pump`], after the end of the process: also what has no end of line.
    pub(crate) fn drain(&mut self) -> Result<(), TerraformError> {
        match self.watch.last() {
            Ok(last) => self.keep(last),
            Err(source) => {
                self.is_newest_lost = true;
                return Err(self.failed(source));
            }
        }
        self.hear(Tail::rest)?;
        self.mark()
    }

    /// Makes sure that a failure has a reason that people can read.
    ///
    /// Before its JSON stream begins, and when it crashes, Terraform prints text.
    pub(crate) fn explain(&mut self, otherwise: &str) {
        if self.diagnostics.iter().any(|diagnostic| diagnostic.is_error) {
            return;
        }
        let diagnostic = plain::diagnostic(&self.last_words, otherwise);
        self.say(Event::Diagnostic(diagnostic));
    }

    /// An error of the run directory.
    pub(crate) fn failed(&self, source: io::Error) -> TerraformError {
        TerraformError::Directory { path: self.directory.path().to_owned(), source }
    }

    fn hear(
        &mut self,
        read: impl Fn(&mut Tail) -> io::Result<Vec<Vec<u8>>>,
    ) -> Result<(), TerraformError> {
        let Some((_, stdout, stderr)) = &mut self.stage else { return Ok(()) };
        let lines = read(stdout).and_then(|mut lines| {
            lines.extend(read(stderr)?);
            Ok(lines)
        });
        for line in lines.map_err(|source| self.failed(source))? {
            for event in stream::parse(&line) {
                self.say(event);
            }
        }
        Ok(())
    }

    /// Hands a version to the listener before anything else happens.
    ///
    /// A refusal is not forgotten when a later version is kept: the listener
    /// said that it can't be relied on, so the run ends.
    fn keep(&mut self, fresh: Option<(Version, Sensitive)>) {
        let Some((version, state)) = fresh else { return };
        match self.listener.state(&state) {
            Ok(()) => {
                self.watch.keep(version);
                self.is_newest_lost = false;
            }
            Err(error) => {
                tracing::error!(%error, "A version of the state could not be kept");
                self.not_kept.get_or_insert(error);
                self.is_newest_lost = true;
            }
        }
    }

    fn mark(&mut self) -> Result<(), TerraformError> {
        let stage = self.stage.as_ref().map(|(stage, stdout, stderr)| Stage {
            stdout: stdout.offset(),
            stderr: stderr.offset(),
            ..stage.clone()
        });
        let kept = self.watch.kept().cloned();
        let marker = Marker { stage, kept, ..self.directory.marker().clone() };
        self.directory.mark(marker).map_err(|source| self.failed(source))
    }
}
