//! Keeps what a run says and writes: progress, log lines, state versions.

use std::sync::{Mutex, PoisonError};

use flightdeck_domain::{
    id::{RunId, StackId},
    stack::{Action, ResourceProgress, ResourceState, StateVersion},
};
use flightdeck_store::{run as run_table, state_version};
use flightdeck_vault::keys::Purpose;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use crate::{
    App, Desk,
    error::{Code, Error, Result},
    port::terraform::{Event, Listener, Sensitive},
};

/// Hears one run.
///
/// Events arrive on Terraform's thread. They go to the journal through a
/// channel, so that a slow disk never delays the provider; only state versions
/// are written at once, because they must not be lost.
pub(super) struct RunListener {
    app: App,
    desk: Desk,
    stack_id: StackId,
    run_id: RunId,
    resources: Mutex<Vec<ResourceProgress>>,
    lines: mpsc::UnboundedSender<Said>,
}

/// What the listener passes on to the journal.
pub(super) enum Said {
    /// A line for the log.
    Line(String),
    /// The resources moved on; the fraction of them that is done.
    Progress(f64),
}

impl RunListener {
    pub(super) fn new(
        app: App,
        desk: Desk,
        (stack_id, run_id): (StackId, RunId),
        planned: Vec<ResourceProgress>,
        lines: mpsc::UnboundedSender<Said>,
    ) -> Self {
        Self { app, desk, stack_id, run_id, resources: Mutex::new(planned), lines }
    }

    pub(super) fn resources(&self) -> Vec<ResourceProgress> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn moved(
        &self,
        address: String,
        action: Option<Action>,
        state: ResourceState,
        elapsed_seconds: u32,
        resource_id: Option<String>,
    ) {
        let fraction = {
            let mut list = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
            let at = list.iter().position(|resource| resource.address == address);
            let at = at.unwrap_or_else(|| {
                list.push(ResourceProgress {
                    address,
                    action: action.unwrap_or(Action::Update),
                    state,
                    elapsed_seconds,
                    resource_id: None,
                });
                list.len() - 1
            });
            let resource = &mut list[at];
            resource.state = state;
            resource.elapsed_seconds = elapsed_seconds;
            if resource_id.is_some() {
                resource.resource_id = resource_id;
            }
            let done = list.iter().filter(|r| r.state == ResourceState::Done).count();
            #[expect(clippy::cast_precision_loss, reason = "a share of some dozens")]
            let fraction = done as f64 / list.len().max(1) as f64;
            fraction
        };
        let _ = self.lines.send(Said::Progress(fraction));
    }
}

impl Listener for RunListener {
    fn event(&self, event: Event) {
        match event {
            Event::Stage(stage) => {
                let _ = self.lines.send(Said::Line(format!("── {stage}")));
            }
            Event::Line(line) => {
                let _ = self.lines.send(Said::Line(line));
            }
            Event::Stopping(rung) => {
                let _ = self.lines.send(Said::Line(format!("stopping: {rung}")));
            }
            Event::ResourceStarted { address, action } => {
                self.moved(address, Some(action), ResourceState::Running, 0, None);
            }
            Event::ResourceProgress { address, elapsed_seconds } => {
                self.moved(address, None, ResourceState::Running, elapsed_seconds, None);
            }
            Event::ResourceDone { address, action, elapsed_seconds, resource_id } => {
                let done = ResourceState::Done;
                self.moved(address, Some(action), done, elapsed_seconds, resource_id);
            }
            Event::ResourceFailed { address, elapsed_seconds } => {
                self.moved(address, None, ResourceState::Failed, elapsed_seconds, None);
            }
            // Both come again, complete, with the outcome.
            Event::Planned(_) | Event::Diagnostic(_) => {}
        }
    }

    fn state(
        &self,
        state: &Sensitive,
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        keep(&self.app, &self.desk, self.stack_id, self.run_id, state).map_err(Into::into)
    }
}

/// The part of a state file that is no secret.
#[derive(Deserialize)]
struct Header {
    serial: u64,
    lineage: String,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    mode: String,
    #[serde(default)]
    instances: Vec<serde::de::IgnoredAny>,
}

/// Seals a state version into the workspace, and reads it back before it counts.
pub(super) fn keep(
    app: &App,
    desk: &Desk,
    stack_id: StackId,
    run_id: RunId,
    state: &Sensitive,
) -> Result<()> {
    let header: Header = serde_json::from_slice(state.expose())
        .map_err(|e| Error::new(Code::Storage, "a state file can't be read").cause(e))?;
    let managed = header.resources.iter().filter(|r| r.mode != "data");
    let resources = managed.map(|r| r.instances.len()).sum::<usize>();
    let version = StateVersion {
        serial: header.serial,
        lineage: header.lineage,
        sha256: hex::encode(Sha256::digest(state.expose())),
        size: state.expose().len() as u64,
        resources: u32::try_from(resources).unwrap_or(u32::MAX),
        run_id,
        created_at: app.now(),
    };
    let place = state_place(stack_id, &version);
    let sealed = app.seal(desk, Purpose::State, place, state.expose())?;
    let stored = version.clone();
    desk.db.write_blocking(move |tx| {
        let known =
            state_version::by_serial(tx, stack_id, &stored.lineage, stored.serial)?.is_some();
        // A crash may hand over a version that was kept already.
        if known { Ok(()) } else { state_version::insert(tx, stack_id, &stored, &sealed) }
    })?;
    let back = desk.db.read_blocking(move |conn| {
        state_version::by_serial(conn, stack_id, &version.lineage, version.serial)
    })?;
    let (version, sealed) =
        back.ok_or_else(|| Error::new(Code::Storage, "a state version is gone after it was kept"))?;
    open_state(app, desk, stack_id, &version, &sealed).map(|_| ())
}

/// Opens a sealed state version and checks it against its checksum.
pub(super) fn open_state(
    app: &App,
    desk: &Desk,
    stack_id: StackId,
    version: &StateVersion,
    sealed: &[u8],
) -> Result<Sensitive> {
    let plain = app.open(desk, Purpose::State, state_place(stack_id, version), sealed)?;
    if hex::encode(Sha256::digest(&plain)) != version.sha256 {
        return Err(Error::new(
            Code::SealBroken,
            format!("state version {} does not match its checksum", version.serial),
        )
        .hint("go back to the version before it"));
    }
    Ok(Sensitive::new(plain.to_vec()))
}

fn state_place(stack_id: StackId, version: &StateVersion) -> (&'static str, String, &'static str) {
    ("state_version", format!("{stack_id}/{}/{}", version.lineage, version.serial), "sealed")
}

/// Stores how far a run's resources are.
pub(super) async fn store_progress(
    desk: &Desk,
    run_id: RunId,
    resources: Vec<ResourceProgress>,
) -> Result<()> {
    desk.db
        .write(move |tx| {
            if let Some(mut run) = run_table::by_id(tx, run_id)? {
                run.resources = resources;
                run_table::update(tx, &run)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}
