//! What is refused because something else would break, and what mends itself.

use flightdeck_app::error::Code;
use flightdeck_domain::{
    application::{Deployment, DeploymentStatus},
    credential::Provider,
    id::{DeploymentId, JobId},
    job::JobStatus,
    stack::StackInputs,
};
use flightdeck_store::{audit_event, deployment};
use flightdeck_testkit::hosts::fault::Fault;

use crate::{
    plan::Plan,
    process::Process,
    use_case::branch,
    world::{World, application},
};

#[tokio::test]
async fn the_vault_stays_open_while_a_job_needs_its_keys() {
    let world = Plan::FirstRelease.world().await;
    let process = Process::start(&world, "one").await;
    world.hosts.faults.plan(8, Fault::Hangs);
    let job = Plan::FirstRelease.start(&world, &process.app).await;

    let refused = process.app.vault().lock().await.expect_err("a job is at work");

    assert_eq!(refused.code, Code::Busy);
    assert!(refused.message.contains("Deploy shop"), "{refused}");
    process.app.jobs().cancel(&world.known.ctx, job).await.expect("a wish");
    world.hosts.faults.mend();
    process.end(job).await;
    process.app.vault().lock().await.expect("nothing is at work any more");
    process.kill().await;
}

#[tokio::test]
async fn the_keys_of_an_organization_that_another_process_made_are_found() {
    let world = World::new().await;
    let desktop = Process::start(&world, "desktop").await;
    let cli = Process::start(&world, "cli").await;
    let made = cli.app.organizations().create(&world.known.ctx, branch("Guest")).await;
    let id = made.expect("an organization").id;
    let ctx = cli.app.organizations().context(id).await.expect("a context");
    let sealed = cli.app.credentials().generate_ssh_key(&ctx, "key").await.expect("a key");
    assert_eq!(sealed.provider, Provider::SshKey);

    let opened = desktop.app.credentials().test(&ctx, sealed.id).await;

    opened.expect("what the other process sealed opens here");
    desktop.app.credentials().generate_ssh_key(&ctx, "second").await.expect("and this one seals");
    desktop.kill().await;
    cli.kill().await;
}

#[tokio::test]
async fn a_newer_plan_takes_the_older_ones_place_even_if_it_fails_at_first() {
    let world = Plan::StackApply.world().await;
    let process = Process::start(&world, "one").await;
    let (ctx, stack) = (world.known.ctx, world.known.stack);
    let stacks = process.app.stacks();
    let first = stacks.get(&ctx, stack).await.expect("the stack").runs[0].run.id;
    world.terraform.faults.plan(1, Fault::Refused);
    let failed = stacks.plan(&ctx, stack, false).await.expect("a job");
    assert_eq!(process.end(failed).await.status, JobStatus::Failed);

    let refused = stacks.apply(&ctx, stack, first, None).await.expect_err("it is put away");

    assert_eq!(refused.code, Code::PlanStale);
    world.terraform.faults.mend();
    process.app.jobs().retry(&ctx, failed).await.expect("a retry");
    assert_eq!(process.end(failed).await.status, JobStatus::Succeeded);
    let job = Plan::StackApply.start(&world, &process.app).await;
    assert_eq!(process.end(job).await.status, JobStatus::Succeeded);
    process.kill().await;
}

#[tokio::test]
async fn a_server_that_applications_are_placed_on_is_not_scaled_away() {
    let world = Plan::StackApply.world().await;
    let process = Process::start(&world, "one").await;
    let (ctx, stack) = (world.known.ctx, world.known.stack);
    let job = Plan::StackApply.start(&world, &process.app).await;
    assert_eq!(process.end(job).await.status, JobStatus::Succeeded);
    let stacks = process.app.stacks();
    let servers = stacks.get(&ctx, stack).await.expect("the stack").stack.servers;
    let last = servers.iter().find(|(_, name)| name == "web-2").expect("a second server").0;
    let news = application("news", "news.example.org", &[last], None);
    process.app.applications().create(&ctx, news).await.expect("an application");
    let inputs = StackInputs { server_count: 1, ..inputs(&process, &world).await };
    stacks.update(&ctx, stack, inputs).await.expect("an update");
    let job = stacks.plan(&ctx, stack, false).await.expect("a job");
    assert_eq!(process.end(job).await.status, JobStatus::Succeeded);
    let plan = stacks.get(&ctx, stack).await.expect("the stack").runs[0].run.id;

    let refused = stacks.apply(&ctx, stack, plan, None).await.expect_err("it is in use");

    assert_eq!(refused.code, Code::InUse);
    assert!(refused.message.contains("`news`"), "{refused}");
    process.kill().await;
}

#[tokio::test]
async fn a_deployment_whose_job_never_was_ends_with_the_next_process() {
    let world = World::new().await;
    let process = Process::start(&world, "one").await;
    let (ctx, blog) = (world.known.ctx, world.known.blog);
    let detail = process.app.applications().get(&ctx, blog).await.expect("blog");
    let left = Deployment {
        id: DeploymentId::new(),
        job_id: JobId::new(),
        status: DeploymentStatus::Running,
        ended_at: None,
        ..detail.deployments[0].clone()
    };
    let (id, db) = (left.id, process.app.store().workspace(ctx.organization_id));
    let db = db.expect("the workspace");
    db.write(move |tx| deployment::insert(tx, &left)).await.expect("it is written down");
    process.kill().await;

    let next = Process::start(&world, "next").await;

    let detail = next.app.applications().get(&ctx, blog).await.expect("blog");
    let ended = detail.deployments.iter().find(|deployment| deployment.id == id);
    assert_eq!(ended.expect("the deployment").status, DeploymentStatus::RolledBack);
    next.kill().await;
}

#[tokio::test]
async fn a_use_of_a_secret_is_on_record_once_in_an_hour() {
    let world = World::new().await;
    let process = Process::start(&world, "one").await;
    let main = process.app.store().main();
    let uses = async || {
        let events = main.read(|conn| audit_event::list(conn, None, 10_000)).await;
        let events = events.expect("the audit log");
        events.iter().filter(|event| event.action == "credential.use").count()
    };
    let before = uses().await;
    for _ in 0..2 {
        let tested = process.app.credentials().test(&world.known.ctx, world.known.token).await;
        tested.expect("the provider takes it");
    }

    assert_eq!(uses().await, before + 1);
    process.kill().await;
}

#[tokio::test]
async fn a_variable_of_two_lines_is_refused() {
    let world = World::new().await;
    let process = Process::start(&world, "one").await;
    let mut news = application("news", "news.example.org", &world.known.servers, None);
    news.configuration.environment.insert("MODE".to_owned(), "a\nPATH=/tmp".to_owned());

    let refused = process.app.applications().create(&world.known.ctx, news).await;

    assert_eq!(refused.expect_err("two lines are two variables").code, Code::InvalidInput);
    process.kill().await;
}

async fn inputs(process: &Process, world: &World) -> StackInputs {
    let detail = process.app.stacks().get(&world.known.ctx, world.known.stack).await;
    detail.expect("the stack").stack.stack.inputs
}
