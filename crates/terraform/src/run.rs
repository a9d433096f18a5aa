//! One run, from an empty directory to a wiped one.

use std::{
    ffi::OsString,
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::{
        fs::{DirBuilderExt, OpenOptionsExt},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use flightdeck_app::port::terraform::{
    Event, Listener, Outcome, Request, Sensitive, TerraformError, Work,
};
use flightdeck_domain::stack::Diagnostic;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Graces,
    directory::{self, Marker, RunDirectory},
    environment,
    guard::Guard,
    locate,
    process::{self, Invocation},
    redaction::Redaction,
    session::Session,
    state::{self, Version},
    stop::Ladder,
};

/// How often the files of a run are looked at. Its end is heard at once.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// `output` reads one file.
const OUTPUT_DEADLINE: Duration = Duration::from_mins(1);

/// Overrides any backend that the module names. A killed run keeps what it made
/// only if the state is a file that is written after each resource.
const BACKEND: (&str, &str) =
    ("flightdeck_override.tf.json", r#"{"terraform":{"backend":{"local":{}}}}"#);

/// Runs `request` to its end, or up the stop ladder once `is_stopped`.
pub(crate) fn run(
    root: &Path,
    graces: Graces,
    request: Request,
    listener: Arc<dyn Listener>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Outcome, TerraformError> {
    if !request.binary.path.is_file() {
        return Err(TerraformError::Missing { searched: Some(request.binary.path) });
    }
    let path = root.join(request.run_id.to_string());
    let failed = |source| TerraformError::Directory { path: path.clone(), source };
    let mut directory =
        RunDirectory::create(root, request.run_id, request.stack_id).map_err(failed)?;
    if let Err(error) = fill(&mut directory, &request) {
        wipe(directory);
        return Err(failed(error));
    }
    let session = Session::new(directory, listener, Redaction::new(&request));
    let mut run = Run { session, graces, request: &request, is_stopped };
    let result = run.perform();
    let session = run.session;
    if session.is_newest_lost {
        tracing::error!(run.id = %request.run_id, "The run directory stays: it holds the only copy of the state");
    } else {
        wipe(session.directory);
    }
    result
}

/// Puts everything in its place that the child is to find.
fn fill(directory: &mut RunDirectory, request: &Request) -> io::Result<()> {
    directory.copy_module(&request.module)?;
    let module = directory.module();
    directory::write_private(&module.join(BACKEND.0), BACKEND.1.as_bytes())?;
    let variables = serde_json::to_vec(&request.variables)?;
    directory::write_private(&module.join("flightdeck.auto.tfvars.json"), &variables)?;
    if let Work::Apply { plan } = &request.work {
        directory::write_private(&directory.plan(), plan.expose())?;
    }
    if let Some(state) = &request.state {
        // A damaged state must not be taken for an empty one.
        let kept = Version::of(state.expose()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "what was given is not a complete state")
        })?;
        directory::write_private(&module.join("terraform.tfstate"), state.expose())?;
        let marker = Marker { kept: Some(kept), ..directory.marker().clone() };
        directory.mark(marker)?;
    }
    match DirBuilder::new().recursive(true).mode(0o700).create(&request.plugin_cache) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A failure leaves the directory to a sweep; the outcome matters more.
fn wipe(directory: RunDirectory) {
    let path = directory.path().to_owned();
    if let Err(error) = directory.wipe() {
        tracing::error!(path = %path.display(), %error, "A run directory could not be wiped");
    }
}

/// How a stage ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Well,
    Badly,
    Stopped,
}

struct Run<'a> {
    session: Session,
    graces: Graces,
    request: &'a Request,
    is_stopped: &'a dyn Fn() -> bool,
}

impl Run<'_> {
    fn perform(&mut self) -> Result<Outcome, TerraformError> {
        let deadlines = self.request.deadlines;
        let mut ended = self.init()?;
        if ended == Ended::Well {
            ended = match &self.request.work {
                Work::Plan { destroy } => {
                    let mut arguments = flags(&["plan", "-json", "-input=false", "-no-color"]);
                    arguments.push(assign("-out=", &self.session.directory.plan()));
                    if *destroy {
                        arguments.push("-destroy".into());
                    }
                    self.stage("plan", arguments, deadlines.plan)?
                }
                Work::Apply { .. } => {
                    let mut arguments =
                        flags(&["apply", "-json", "-input=false", "-no-color", "-backup=-"]);
                    arguments.push(self.session.directory.plan().into());
                    self.stage("apply", arguments, deadlines.apply)?
                }
            };
        }
        let is_apply = matches!(self.request.work, Work::Apply { .. });
        let succeeded = ended == Ended::Well;
        let plan = if succeeded && !is_apply { Some(self.take_plan()?) } else { None };
        let outputs = if succeeded && is_apply { self.outputs() } else { None };
        Ok(Outcome {
            success: succeeded,
            stopped: ended == Ended::Stopped,
            changes: std::mem::take(&mut self.session.changes),
            diagnostics: std::mem::take(&mut self.session.diagnostics),
            plan,
            outputs,
        })
    }

    /// Parallel `init`s corrupt the plugin cache, so there is one at a time,
    /// among all programs that use this cache.
    fn init(&mut self) -> Result<Ended, TerraformError> {
        let deadline = self.request.deadlines.init;
        let begun = Instant::now();
        let lock = open_lock(&self.request.plugin_cache).map_err(|e| self.session.failed(e))?;
        while let Err(error) = lock.try_lock() {
            let error = io::Error::from(error);
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(self.session.failed(error));
            }
            if (self.is_stopped)() {
                return Ok(Ended::Stopped);
            }
            if begun.elapsed() > deadline {
                return Err(TerraformError::Deadline { stage: "init", after: deadline });
            }
            thread::sleep(TICK);
        }
        let mut arguments = flags(&["init", "-input=false", "-no-color"]);
        if self.has_init_json() {
            arguments.push("-json".into());
        }
        self.stage("init", arguments, deadline.saturating_sub(begun.elapsed()))
    }

    fn has_init_json(&self) -> bool {
        self.request.binary.product == "Terraform"
            && locate::major_minor(&self.request.binary.version).is_some_and(|v| v >= (1, 9))
    }

    /// Runs one command and listens to it until it ends.
    fn stage(
        &mut self,
        name: &'static str,
        arguments: Vec<OsString>,
        deadline: Duration,
    ) -> Result<Ended, TerraformError> {
        if (self.is_stopped)() {
            return Ok(Ended::Stopped);
        }
        self.session.say(Event::Stage(name));
        let child = self.start(name, arguments)?;
        let begun = Instant::now();
        let mut ladder: Option<Ladder> = None;
        let mut is_late = false;
        let mut heard = self.session.follow(name, child.identity);
        let guard = Guard::set(&self.session.directory, child.identity);
        let exit = loop {
            if let Some(exit) = child.wait(TICK) {
                break exit;
            }
            // The child outlives a failure to listen: it has to be stopped, not left.
            if heard.is_ok() {
                heard = self.session.pump();
            }
            is_late = is_late || begun.elapsed() > deadline;
            let is_unheard = heard.is_err() || self.session.not_kept.is_some();
            if ladder.is_none() && (is_late || is_unheard || (self.is_stopped)()) {
                ladder = Some(Ladder::new(child.identity, self.graces));
            }
            if let Some(rung) = ladder.as_mut().and_then(Ladder::climb) {
                self.session.say(Event::Stopping(rung));
            }
        };
        drop(guard);
        let drained = self.session.drain();
        heard.and(drained)?;
        if let Some(source) = self.session.not_kept.take() {
            return Err(TerraformError::StateNotKept { source });
        }
        let status = exit.map_err(|source| self.session.failed(source))?;
        if status.success() {
            return Ok(Ended::Well);
        }
        if is_late {
            return Err(TerraformError::Deadline { stage: name, after: deadline });
        }
        self.session.explain(&ending(name, status));
        Ok(if ladder.is_some() { Ended::Stopped } else { Ended::Badly })
    }

    fn start(
        &self,
        name: &str,
        arguments: Vec<OsString>,
    ) -> Result<process::Child, TerraformError> {
        let directory = &self.session.directory;
        let invocation = Invocation {
            binary: self.request.binary.path.clone(),
            arguments,
            environment: environment::of_run(self.request, directory),
            directory: directory.module(),
            stdout: directory.stdout(name),
            stderr: directory.stderr(name),
        };
        process::start(invocation).map_err(|error| TerraformError::Broken {
            path: self.request.binary.path.clone(),
            reason: error.to_string(),
        })
    }

    /// Plan files hold sensitive variables in clear, so it is gone once read.
    fn take_plan(&self) -> Result<Sensitive, TerraformError> {
        let path = self.session.directory.plan();
        let plan = state::read(&path).and_then(|plan| {
            directory::wipe_file(&path)?;
            Ok(plan)
        });
        plan.map_err(|source| self.session.failed(source))
    }

    /// The apply stands whether or not its outputs can be read, so a failure here
    /// is a warning. What is printed holds secrets and is never heard.
    fn outputs(&mut self) -> Option<Map<String, Value>> {
        let outputs = self.read_outputs();
        if outputs.is_none() {
            self.session.say(Event::Diagnostic(Diagnostic {
                is_error: false,
                summary: "the outputs could not be read".to_owned(),
                detail: String::new(),
                place: None,
            }));
        }
        outputs
    }

    fn read_outputs(&self) -> Option<Map<String, Value>> {
        #[derive(Deserialize)]
        struct Output {
            value: Value,
        }

        let child = self.start("output", flags(&["output", "-json", "-no-color"])).ok()?;
        let Some(exit) = child.wait(OUTPUT_DEADLINE) else {
            child.identity.kill_group();
            drop(child.wait(OUTPUT_DEADLINE));
            return None;
        };
        if !exit.ok()?.success() {
            return None;
        }
        let path = self.session.directory.stdout("output");
        let printed = state::read(&path).ok()?;
        directory::wipe_file(&path).ok()?;
        let outputs: Map<String, Value> = serde_json::from_slice(printed.expose()).ok()?;
        outputs
            .into_iter()
            .map(|(name, output)| {
                let output: Output = serde_json::from_value(output).ok()?;
                Some((name, output.value))
            })
            .collect()
    }
}

fn ending(stage: &str, status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("terraform {stage} ended with code {code}"),
        (None, Some(signal)) => format!("terraform {stage} was ended by signal {signal}"),
        (None, None) => format!("terraform {stage} ended without a reason"),
    }
}

fn flags(arguments: &[&str]) -> Vec<OsString> {
    arguments.iter().map(OsString::from).collect()
}

fn assign(flag: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(flag);
    argument.push(path);
    argument
}

/// The lock stands beside the cache: what stands in it is taken for plugins.
fn open_lock(cache: &Path) -> io::Result<File> {
    let mut name = cache.as_os_str().to_owned();
    name.push(".lock");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(PathBuf::from(name))
}
