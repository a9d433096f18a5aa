//! Deployments that a kill left without the job that would have ended them.

use flightdeck_domain::{application::DeploymentStatus, job::JobStatus};
use flightdeck_store::{deployment, job, organization};

use super::Applications;
use crate::error::Result;

impl Applications<'_> {
    /// Ends every deployment that is shown as running though no job will end it.
    ///
    /// A deployment is written down before its job, so that the job finds it; a
    /// kill between the two leaves it alone for good.
    pub(crate) async fn reconcile(&self) -> Result<()> {
        let main = self.0.store().main();
        for organization in main.read(organization::list).await? {
            let db = self.0.store().workspace(organization.id)?;
            for left in db.read(deployment::running).await? {
                let job_id = left.job_id;
                let row = main.read(move |conn| job::by_id(conn, job_id)).await?;
                let status = match row.map(|row| row.job.status) {
                    Some(status) if !status.is_over() => continue,
                    Some(JobStatus::Succeeded) => DeploymentStatus::Succeeded,
                    Some(JobStatus::Stuck) => DeploymentStatus::Failed,
                    Some(_) | None => DeploymentStatus::RolledBack,
                };
                let reason = (status != DeploymentStatus::Succeeded)
                    .then_some("the program ended before it was under way");
                let (id, now) = (left.id, self.0.now());
                db.write(move |tx| match deployment::by_id(tx, id)? {
                    Some(now_there) if now_there.status == DeploymentStatus::Running => {
                        deployment::finish(tx, id, status, reason, Some(now))
                    }
                    _ => Ok(()),
                })
                .await?;
            }
        }
        Ok(())
    }
}
