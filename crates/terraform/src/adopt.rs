//! Finishes what a killed program began.

use std::{io, path::PathBuf, sync::Arc, thread, time::Instant};

use flightdeck_app::port::terraform::{Event, Listener, TerraformError};
use flightdeck_domain::id::RunId;

use crate::{
    Graces,
    directory::{RunDirectory, Stage},
    identity::Identity,
    redaction::Redaction,
    run::TICK,
    session::Session,
    stop::Ladder,
};

/// Waits for the process of `run_id`, keeps what it wrote, wipes its directory.
///
/// The guard has asked the process to stop when its program died, so it is given
/// time to do that. If the newest state can't be kept, the directory
/// stays for the next attempt. False: another process has it, or is done with it.
pub(crate) fn adopt(
    roots: &[PathBuf],
    graces: Graces,
    run_id: RunId,
    listener: Arc<dyn Listener>,
) -> Result<bool, TerraformError> {
    let mut paths = roots.iter().map(|root| root.join(run_id.to_string()));
    let Some(path) = paths.find(|path| path.exists()) else { return Ok(false) };
    let failed = |source: io::Error| TerraformError::Directory { path: path.clone(), source };
    let directory = match RunDirectory::open(path.clone()) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock || !path.exists() => {
            return Ok(false);
        }
        directory => directory.map_err(failed)?,
    };
    let stage = current(&directory);
    let mut session = Session::new(directory, listener, Redaction::default());
    if let Some(stage) = stage {
        let process = stage.process;
        session.resume(stage);
        outlive(&mut session, process, graces)?;
    }
    session.drain()?;
    match session.not_kept {
        Some(source) if session.is_newest_lost => Err(TerraformError::StateNotKept { source }),
        _ => session.directory.wipe().map(|()| true).map_err(failed),
    }
}

/// Returns what was started last, also if the program died before it said so.
fn current(directory: &RunDirectory) -> Option<Stage> {
    let marked = directory.marker().stage.clone();
    if marked.as_ref().is_some_and(|stage| stage.process.is_alive()) {
        return marked;
    }
    let Some(process) = Identity::with_argument(&directory.plan()) else { return marked };
    let name = if directory.stdout("apply").exists() { "apply" } else { "plan" };
    Some(Stage { name: name.to_owned(), process, stdout: 0, stderr: 0 })
}

fn outlive(session: &mut Session, process: Identity, graces: Graces) -> Result<(), TerraformError> {
    let begun = Instant::now();
    let mut ladder: Option<Ladder> = None;
    while process.is_alive() {
        session.pump()?;
        if ladder.is_none() && begun.elapsed() > graces.adopted {
            ladder = Some(Ladder::new(process, graces));
        }
        if let Some(rung) = ladder.as_mut().and_then(Ladder::climb) {
            session.say(Event::Stopping(rung));
        }
        thread::sleep(TICK);
    }
    Ok(())
}
