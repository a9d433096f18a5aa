//! What a kill left behind: run directories, and runs that nobody carries.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use flightdeck_domain::{id::StackId, stack::RunStatus};
use flightdeck_store::{organization, run as run_table, stack as stack_table, user};
use tokio::sync::{mpsc, watch};

use super::{Stacks, listener::RunListener};
use crate::{
    Desk,
    error::{Code, Error, Result},
    port::terraform::Leftover,
};

/// Longer than a recovery takes that has to stop Terraform by force.
const PATIENCE: Duration = Duration::from_mins(6);

/// How often a run that another process recovers is looked at.
const PAUSE: Duration = Duration::from_millis(200);

impl Stacks<'_> {
    /// Seals the state of every run that a kill cut off, and wipes its directory.
    ///
    /// Runs before interrupted jobs resume: they go on from what this saved.
    /// Needs an open vault. Returns how many runs were recovered.
    pub async fn recover(&self) -> Result<usize> {
        let leftovers = self.0.ports().terraform.leftovers().await?;
        let (mut recovered, mut failed) = (0, None);
        for leftover in leftovers.iter().filter(|leftover| !leftover.is_held) {
            let Some(desk) = self.desk_of(leftover).await? else {
                // Another data directory's run: its own program adopts it.
                tracing::info!(run.id = %leftover.run_id, "A run directory belongs to another installation");
                continue;
            };
            // One that can't be recovered yet must not keep the others from it.
            match self.adopt(&desk, leftover).await {
                Ok(was_ours) => recovered += usize::from(was_ours),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(recovered), Err)
    }

    /// Does the same for the runs of one stack.
    ///
    /// Waits for another process that is at it: what that one is about to save is
    /// newer than what is kept.
    pub(crate) async fn recover_stack(
        &self,
        stack_id: StackId,
        mut stop: watch::Receiver<bool>,
    ) -> Result<()> {
        let begun = Instant::now();
        loop {
            let mut is_held = false;
            for leftover in self.0.ports().terraform.leftovers().await? {
                if leftover.stack_id == stack_id
                    && let Some(desk) = self.desk_of(&leftover).await?
                {
                    is_held |= leftover.is_held || !self.adopt(&desk, &leftover).await?;
                }
            }
            if !is_held {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let message = "another process still works on a run of this stack";
                return Err(Error::new(Code::Busy, message).hint("retry once it has ended"));
            }
            if tokio::time::timeout(PAUSE, stop.wait_for(|stop| *stop)).await.is_ok() {
                return Err(Error::new(Code::Cancelled, "it was cancelled")
                    .hint("retry the job to go on with it"));
            }
        }
    }

    /// False: another process does it, or did.
    async fn adopt(&self, desk: &Desk, leftover: &Leftover) -> Result<bool> {
        let (run_id, stack_id) = (leftover.run_id, leftover.stack_id);
        let run = desk.db.read(move |conn| run_table::by_id(conn, run_id)).await?;
        let planned = run.as_ref().map(|run| run.resources.clone()).unwrap_or_default();
        let (lines, _said) = mpsc::unbounded_channel();
        let listener = Arc::new(RunListener::new(
            self.0.clone(),
            desk.clone(),
            (stack_id, run_id),
            planned,
            lines,
        ));
        if !self.0.ports().terraform.adopt(leftover, listener.clone()).await? {
            return Ok(false);
        }
        if let Some(mut run) = run {
            run.status = RunStatus::Interrupted;
            run.resources = listener.resources();
            run.ended_at = Some(self.0.now());
            desk.db.write(move |tx| run_table::update(tx, &run)).await?;
        }
        tracing::info!(run.id = %run_id, "Recovered the state of a run that was cut off");
        self.0.announce_stack(desk, stack_id);
        Ok(true)
    }

    async fn desk_of(&self, leftover: &Leftover) -> Result<Option<Desk>> {
        let main = self.0.store().main();
        let (organizations, user) =
            main.read(|conn| Ok((organization::list(conn)?, user::first(conn)?))).await?;
        let Some(user) = user else { return Ok(None) };
        for organization in organizations {
            let desk = self.0.desk(organization.id, user.id)?;
            let stack_id = leftover.stack_id;
            if desk.db.read(move |conn| stack_table::by_id(conn, stack_id)).await?.is_some() {
                return Ok(Some(desk));
            }
        }
        Ok(None)
    }
}
