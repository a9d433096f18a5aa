//! Two processes on one data directory, and jobs that somebody stops.

use std::time::Duration;

use flightdeck_app::{error::Code, port::terraform::Terraform};
use flightdeck_domain::{job::JobStatus, stack::StackStatus};
use flightdeck_testkit::hosts::fault::Fault;

use crate::{plan::Plan, process::Process};

#[tokio::test]
async fn a_job_of_a_live_process_is_left_alone() {
    let world = Plan::FirstRelease.world().await;
    let desktop = Process::start(&world, "desktop").await;
    world.hosts.faults.plan(8, Fault::Hangs);
    let job = Plan::FirstRelease.start(&world, &desktop.app).await;

    let other = Process::unlocked(&world, "cli", u64::MAX).await;
    let resumed = other.app.jobs().resume().await.expect("resumption");

    assert_eq!(resumed, [], "its owner is alive");
    assert!(!other.app.jobs().pick_up(job).await.expect("an answer"));
    let applications = other.app.applications();
    let second = applications.deploy(&world.known.ctx, world.known.shop, "ghcr.io/acme/shop:2");
    let refused = second.await.expect_err("one job at a time");
    assert_eq!(refused.code, Code::Busy);
    other.kill().await;
    desktop.kill().await;
}

#[tokio::test]
async fn a_job_on_a_server_keeps_other_deployments_off_it() {
    let world = Plan::FirstRelease.world().await;
    let process = Process::start(&world, "one").await;
    world.hosts.faults.plan(8, Fault::Hangs);
    Plan::FirstRelease.start(&world, &process.app).await;

    let known = world.known;
    let applications = process.app.applications();
    let blog = applications.deploy(&known.ctx, known.blog, "ghcr.io/acme/blog:1");
    let refused = blog.await.expect_err("both would write the proxy's configuration");

    assert_eq!(refused.code, Code::Busy);
    process.kill().await;
}

#[tokio::test]
async fn a_deployment_that_another_process_cancels_is_undone() {
    let world = Plan::SecondRelease.world().await;
    let desktop = Process::start(&world, "desktop").await;
    for call in [1, 12, 25, 33] {
        world.hosts.faults.plan(call, Fault::Hangs);
        let job = Plan::SecondRelease.start(&world, &desktop.app).await;
        let cli = Process::unlocked(&world, &format!("cli-{call}"), u64::MAX).await;
        cli.app.jobs().cancel(&world.known.ctx, job).await.expect("a wish is written down");

        let ended = desktop.end(job).await;

        assert_eq!(ended.status, JobStatus::Cancelled, "cancelled at call {call}");
        world.hosts.faults.mend();
        Plan::SecondRelease.check(&world, &desktop.app, &ended).await;
        cli.kill().await;
    }
    desktop.kill().await;
}

#[tokio::test]
async fn an_apply_that_is_cancelled_keeps_what_it_built_and_can_go_on() {
    let world = Plan::StackApply.world().await;
    let process = Process::start(&world, "one").await;
    world.terraform.faults.plan(3, Fault::Hangs);
    let job = Plan::StackApply.start(&world, &process.app).await;
    process.app.jobs().cancel(&world.known.ctx, job).await.expect("a wish");

    let ended = process.end(job).await;

    assert_eq!(ended.status, JobStatus::Cancelled);
    Plan::StackApply.check(&world, &process.app, &ended).await;
    let main = process.app.store().main();
    let events = main.read(|conn| flightdeck_store::audit_event::list(conn, None, 100)).await;
    let events = events.expect("the audit log");
    assert!(events.iter().any(|event| event.action == "job.cancel"), "that is on record");
    world.terraform.faults.mend();
    process.app.jobs().retry(&world.known.ctx, job).await.expect("a retry");
    let again = process.end(job).await;
    assert_eq!(again.status, JobStatus::Succeeded, "{:?}", again.failure);
    Plan::StackApply.check(&world, &process.app, &again).await;
    process.kill().await;
}

#[tokio::test]
async fn a_job_goes_on_only_after_another_process_has_saved_what_a_kill_left() {
    let world = Plan::StackApply.world().await;
    let killed = Process::start(&world, "killed").await;
    world.terraform.faults.plan(3, Fault::Hangs);
    let job = Plan::StackApply.start(&world, &killed.app).await;
    while world.terraform.faults.calls() < 3 {
        tokio::task::yield_now().await;
    }
    killed.kill().await;
    world.terraform.faults.mend();
    let desktop = Process::unlocked(&world, "desktop", u64::MAX).await;
    let stacks = desktop.app.stacks();
    let mut recovery = Box::pin(stacks.recover());
    while world.terraform.leftovers().await.expect("listed").iter().any(|left| !left.is_held) {
        tokio::select! {
            biased;
            _ = &mut recovery => panic!("nobody saw the desktop hold it"),
            () = tokio::task::yield_now() => {}
        }
    }

    let cli = Process::start(&world, "cli").await;
    let waits = tokio::time::timeout(Duration::from_millis(500), cli.app.jobs().wait(job)).await;
    assert!(waits.is_err(), "the newest state is not saved yet");
    assert_eq!(recovery.await.expect("recovery"), 1);

    let ended = cli.end(job).await;
    assert_eq!(ended.status, JobStatus::Succeeded, "{:?}", ended.failure);
    Plan::StackApply.check(&world, &cli.app, &ended).await;
    cli.kill().await;
    desktop.kill().await;
}

#[tokio::test]
async fn a_job_that_was_cancelled_and_killed_is_undone_by_the_next_process() {
    let world = Plan::SecondRelease.world().await;
    let killed = Process::start(&world, "killed").await;
    world.hosts.faults.plan(20, Fault::Hangs);
    let job = Plan::SecondRelease.start(&world, &killed.app).await;
    let cli = Process::unlocked(&world, "cli", u64::MAX).await;
    killed.kill().await;
    cli.app.jobs().cancel(&world.known.ctx, job).await.expect("a wish");
    world.hosts.faults.mend();

    cli.app.jobs().resume().await.expect("resumption");

    let ended = cli.end(job).await;
    assert_eq!(ended.status, JobStatus::Cancelled);
    Plan::SecondRelease.check(&world, &cli.app, &ended).await;
    cli.kill().await;
}

#[tokio::test]
async fn an_undo_that_fails_is_stuck_and_says_so() {
    let world = Plan::SecondRelease.world().await;
    let process = Process::start(&world, "one").await;
    world.hosts.faults.plan(30, Fault::Dead);
    let job = Plan::SecondRelease.start(&world, &process.app).await;

    let stuck = process.end(job).await;

    assert_eq!(stuck.status, JobStatus::Stuck);
    let failure = stuck.failure.expect("a reason");
    assert!(failure.message.contains("undoing it failed"), "{}", failure.message);
    assert!(failure.hint.is_some(), "somebody must know what to do");
    world.hosts.faults.mend();
    process.app.jobs().retry(&world.known.ctx, job).await.expect("a retry");
    let again = process.end(job).await;
    assert_eq!(again.status, JobStatus::Succeeded, "{:?}", again.failure);
    Plan::SecondRelease.check(&world, &process.app, &again).await;
    process.kill().await;
}

#[tokio::test]
async fn a_container_that_dies_between_its_health_check_and_the_switch_takes_no_traffic() {
    let origin = Plan::SecondRelease.world().await;
    for call in 1..66 {
        let world = origin.fork();
        let process = Process::start(&world, "one").await;
        world.hosts.faults.plan(call, Fault::Hangs);
        let job = Plan::SecondRelease.start(&world, &process.app).await;
        while world.hosts.faults.calls() < call && !is_over(&process, job).await {
            tokio::task::yield_now().await;
        }
        process.kill().await;
        world.hosts.faults.mend();
        let edge = crate::world::EDGES[1];
        let present = crate::plan::names(&world.hosts.containers(edge));
        if present.contains(&"shop-r2".to_owned()) {
            world.hosts.stop_container(edge, "shop-r2");
        }
        let has_old = present.contains(&"shop-r1".to_owned());

        let next = Process::start(&world, "next").await;
        let ended = next.end(job).await;

        let serving = world.hosts.serving(edge, crate::world::DOMAIN);
        let healthy = serving.iter().filter(|container| container.running).count();
        assert!(healthy == 1 || !has_old, "stopped at call {call}, ended {}", ended.status);
        next.kill().await;
    }
}

async fn is_over(process: &Process, job: flightdeck_domain::id::JobId) -> bool {
    let jobs = process.app.store().main();
    let row = jobs.read(move |conn| flightdeck_store::job::by_id(conn, job)).await;
    row.expect("the journal").is_some_and(|row| row.job.status.is_over())
}

#[tokio::test]
async fn the_state_that_a_kill_left_is_adopted_before_the_next_run_also_without_a_restart() {
    let world = Plan::StackApply.world().await;
    let killed = Process::start(&world, "killed").await;
    world.terraform.faults.plan(4, Fault::Hangs);
    let job = Plan::StackApply.start(&world, &killed.app).await;
    while world.terraform.faults.calls() < 4 {
        tokio::task::yield_now().await;
    }
    killed.kill().await;
    world.terraform.faults.mend();
    // It resumes jobs and does not recover, as if the recovery had failed.
    let next = Process::unlocked(&world, "next", u64::MAX).await;

    next.app.jobs().resume().await.expect("resumption");

    let ended = next.end(job).await;
    assert_eq!(ended.status, JobStatus::Succeeded, "{:?}", ended.failure);
    Plan::StackApply.check(&world, &next.app, &ended).await;
    next.kill().await;
}

#[tokio::test]
async fn an_apply_whose_servers_are_not_ready_goes_on_with_the_servers_alone() {
    let world = Plan::StackApply.world().await;
    let process = Process::start(&world, "one").await;
    for host in ["10.9.0.2", "10.9.0.3", "10.9.0.4"] {
        world.hosts.boot(host);
        world.hosts.make_small(host);
    }
    let job = Plan::StackApply.start(&world, &process.app).await;
    let ended = process.end(job).await;
    assert_eq!(ended.status, JobStatus::Failed);
    assert_eq!(ended.failure.as_ref().map(|f| f.code.as_str()), Some("resources_too_small"));
    Plan::StackApply.check(&world, &process.app, &ended).await;
    let runs = world.terraform.faults.calls();
    for host in ["10.9.0.2", "10.9.0.3", "10.9.0.4"] {
        world.hosts.make_large(host);
    }

    process.app.jobs().retry(&world.known.ctx, job).await.expect("a retry");

    let again = process.end(job).await;
    assert_eq!(again.status, JobStatus::Succeeded, "{:?}", again.failure);
    assert_eq!(world.terraform.faults.calls(), runs, "what was built is not built again");
    let detail = process.app.stacks().get(&world.known.ctx, world.known.stack).await;
    assert_eq!(detail.expect("the stack").stack.stack.status, StackStatus::Completed);
    process.kill().await;
}

#[tokio::test]
async fn a_removal_takes_what_a_stuck_deployment_left() {
    let origin = Plan::FirstRelease.world().await;
    let mut stuck = 0;
    for call in (1..80).step_by(7) {
        let world = origin.fork();
        let process = Process::start(&world, "one").await;
        world.hosts.faults.plan(call, Fault::Dead);
        let job = Plan::FirstRelease.start(&world, &process.app).await;
        stuck += u32::from(process.end(job).await.status == JobStatus::Stuck);
        world.hosts.faults.mend();

        let removal = Plan::Remove.start(&world, &process.app).await;

        let removed = process.end(removal).await;
        assert_eq!(removed.status, JobStatus::Succeeded, "call {call}: {:?}", removed.failure);
        for edge in crate::world::EDGES {
            let left = crate::plan::names(&world.hosts.containers(edge));
            assert!(!left.iter().any(|name| name.starts_with("shop")), "call {call}: {left:?}");
            let backends = world.hosts.backends(edge);
            assert!(!backends.contains(&"app-shop".to_owned()), "call {call}: {backends:?}");
        }
        process.kill().await;
    }
    assert!(stuck > 0, "some of those deployments must get stuck");
}
