//! A process that is killed at any moment, and the one that comes after it.

use flightdeck_domain::job::JobStatus;
use flightdeck_testkit::hosts::fault::Fault;

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
            ended.status == JobStatus::Succeeded,
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

/// Lets one call to a server fail, and kills the process after every `step`-th poll
/// in turn, most of which are polls of the undo.
async fn survives_every_crash_of_an_undo(plan: Plan, call: u64, step: u64) {
    let origin = plan.world().await;
    let (mut polls, mut undone) = (0, 0);
    loop {
        let world = origin.fork();
        world.hosts.faults.plan(call, Fault::Refused);
        let process = Process::unlocked(&world, "killed", polls).await;
        let job = plan.start(&world, &process.app).await;
        let completed = process.end_or_crash(job).await.is_some();
        let is_last = completed && process.life_left() > 0;
        process.kill().await;

        let next = Process::start(&world, "next").await;
        let ended = next.end(job).await;
        let is_fine = matches!(ended.status, JobStatus::Succeeded | JobStatus::Failed);
        assert!(is_fine, "killed after {polls} polls: {:?}", ended.failure);
        undone += u32::from(ended.status == JobStatus::Failed);
        plan.check(&world, &next.app, &ended).await;
        next.kill().await;
        if is_last {
            assert!(undone > 0, "the failure must come before the end");
            return;
        }
        polls += step;
    }
}

#[tokio::test]
async fn the_undo_of_a_first_deployment_survives_a_kill() {
    survives_every_crash_of_an_undo(Plan::FirstRelease, 45, 6).await;
}

#[tokio::test]
async fn the_undo_of_a_second_deployment_survives_a_kill() {
    survives_every_crash_of_an_undo(Plan::SecondRelease, 60, 5).await;
}

#[tokio::test]
async fn a_verification_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::Verify, 1).await;
}

#[tokio::test]
async fn a_plan_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::StackPreview, 1).await;
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
    survives_every_crash(Plan::RollBack, 3).await;
}

#[tokio::test]
async fn a_removal_survives_a_kill_at_any_moment() {
    survives_every_crash(Plan::Remove, 1).await;
}
