//! A process that is killed at any moment, and the one that comes after it.

use crate::{plan::Plan, process::Process};

/// Kills the process after each of its polls in turn; the next one must end the job.
async fn survives_every_crash(plan: Plan, step: u64) {
    let origin = plan.world().await;
    let mut polls = 0;
    loop {
        let world = origin.fork();
        let process = Process::unlocked(&world, "killed", polls).await;
        let job = plan.start(&world, &process.app).await;
        let completed = process.end_or_crash(job).await.is_some();
        let is_last = completed && process.life_left() > 0;
        process.kill().await;

        let next = Process::start(&world, "next").await;
        let ended = next.end(job).await;
        let why = ended.failure.as_ref().map(|failure| failure.message.clone());
        assert!(
            ended.status == flightdeck_domain::job::JobStatus::Succeeded,
            "{plan:?} killed after {polls} polls ends {}: {why:?}",
            ended.status,
        );
        plan.check(&world, &next.app, &ended).await;
        next.kill().await;
        if is_last {
            return;
        }
        polls += step;
    }
}

#[tokio::test]
async fn a_verification_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::Verify, 1).await;
}

#[tokio::test]
async fn a_plan_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::StackPlan, 1).await;
}

#[tokio::test]
async fn an_apply_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::StackApply, 1).await;
}

#[tokio::test]
async fn a_destroy_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::StackDestroy, 1).await;
}

#[tokio::test]
async fn a_first_deployment_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::FirstRelease, 1).await;
}

#[tokio::test]
async fn a_second_deployment_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::SecondRelease, 1).await;
}

#[tokio::test]
async fn a_roll_back_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::RollBack, 1).await;
}

#[tokio::test]
async fn a_removal_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::Remove, 1).await;
}
