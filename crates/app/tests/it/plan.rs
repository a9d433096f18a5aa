//! Every plan there is: what comes before it, how it starts, what must hold after it.

use flightdeck_app::{App, ApplicationDetail};
use flightdeck_domain::{
    application::DeploymentStatus,
    id::JobId,
    job::{Job, JobStatus},
    server::ServerStatus,
    stack::{RunStatus, StackStatus},
};
use flightdeck_testkit::hosts::docker::Container;

use crate::{
    process::Process,
    world::{BLOG, DOMAIN, EDGES, World},
};

/// A kind of job, in the situation in which it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    Verify,
    StackPreview,
    StackApply,
    StackDestroy,
    FirstRelease,
    SecondRelease,
    RollBack,
    Remove,
}

impl Plan {
    /// Makes the world in which the job is started.
    pub(crate) async fn world(self) -> World {
        let world = World::new().await;
        let process = Process::start(&world, "past").await;
        let before: &[Self] = match self {
            Self::Verify | Self::StackPreview | Self::FirstRelease => &[],
            Self::StackApply => &[Self::StackPreview],
            Self::StackDestroy => &[Self::StackPreview, Self::StackApply],
            Self::SecondRelease => &[Self::FirstRelease],
            Self::RollBack | Self::Remove => &[Self::FirstRelease, Self::SecondRelease],
        };
        for plan in before {
            let job = plan.start(&world, &process.app).await;
            assert_eq!(process.end(job).await.status, JobStatus::Succeeded, "{plan:?}");
        }
        if self == Self::StackDestroy {
            let ctx = world.known.ctx;
            let job = process.app.stacks().plan(&ctx, world.known.stack, true).await;
            let job = process.end(job.expect("a job")).await;
            assert_eq!(job.status, JobStatus::Succeeded);
        }
        process.kill().await;
        world
    }

    /// Starts the job.
    pub(crate) async fn start(self, world: &World, app: &App) -> JobId {
        let known = world.known;
        let ctx = &known.ctx;
        let started = match self {
            Self::Verify => app.servers().verify(ctx, known.servers[0]).await,
            Self::StackPreview => app.stacks().plan(ctx, known.stack, false).await,
            Self::StackApply | Self::StackDestroy => {
                let detail = app.stacks().get(ctx, known.stack).await.expect("the stack");
                let plan = detail.stack.latest_run.expect("a plan").run.id;
                app.stacks().apply(ctx, known.stack, plan, Some("web")).await
            }
            Self::FirstRelease => {
                app.applications().deploy(ctx, known.shop, "ghcr.io/acme/shop:1").await
            }
            Self::SecondRelease => {
                app.applications().deploy(ctx, known.shop, "ghcr.io/acme/shop:2").await
            }
            Self::RollBack => {
                let detail = app.applications().get(ctx, known.shop).await.expect("shop");
                let first = detail.releases.iter().find(|release| release.number == 1);
                let first = first.expect("a first release").id;
                app.applications().roll_back(ctx, known.shop, first).await
            }
            Self::Remove => app.applications().remove(ctx, known.shop, "shop").await,
        };
        started.expect("the job starts")
    }

    /// Says what must hold after the job has ended, however it ended.
    pub(crate) async fn check(self, world: &World, app: &App, job: &Job) {
        let done = job.status == JobStatus::Succeeded;
        assert!(done || job.failure.is_some(), "a job that ended badly says why");
        if let Some(failure) = &job.failure {
            assert!(
                failure.hint.is_some(),
                "{}: {} has a next step",
                failure.code,
                failure.message
            );
        }
        match self {
            Self::Verify => {
                let server = app.servers().get(&world.known.ctx, world.known.servers[0]).await;
                let wanted = if done { ServerStatus::Ready } else { ServerStatus::Failed };
                assert_eq!(server.expect("the server").server.status, wanted);
            }
            Self::StackPreview | Self::StackApply | Self::StackDestroy => {
                self.check_stack(world, app, done).await;
            }
            Self::FirstRelease => check_shop(world, app, done.then_some(1), job).await,
            Self::SecondRelease => check_shop(world, app, Some(1 + u32::from(done)), job).await,
            Self::RollBack => check_shop(world, app, Some(2 - u32::from(done)), job).await,
            Self::Remove if done => {
                let gone = app.applications().get(&world.known.ctx, world.known.shop).await;
                assert!(gone.is_err(), "a removed application is forgotten");
                check_edges(world, None);
            }
            // It goes forward only: what is left is still on record.
            Self::Remove => {
                let left = app.applications().get(&world.known.ctx, world.known.shop).await;
                left.expect("what is still there is still known");
                assert_eq!(names(&world.hosts.serving(EDGES[0], BLOG)), ["blog-r1"]);
            }
        }
    }

    async fn check_stack(self, world: &World, app: &App, done: bool) {
        let ctx = &world.known.ctx;
        let detail = app.stacks().get(ctx, world.known.stack).await.expect("the stack");
        let objects = world.terraform.objects();
        let known = detail.state_versions.first().map_or(0, |version| version.resources);
        assert_eq!(objects.len(), known as usize, "the state lists what exists: {objects:?}");
        let mut once = objects.clone();
        once.dedup();
        assert_eq!(objects, once, "nothing was made twice");
        assert!(!world.terraform.has_leftovers(), "no run directory is left");
        let running = detail.runs.iter().filter(|run| run.run.status == RunStatus::Running);
        assert_eq!(running.count(), 0, "no run claims to be at work");
        let status = detail.stack.stack.status;
        let servers = detail.stack.servers.len();
        match (self, done) {
            (Self::StackPreview, true) => assert_eq!(status, StackStatus::AwaitingApproval),
            (Self::StackApply, true) => {
                assert_eq!((status, servers, objects.len()), (StackStatus::Completed, 2, 3));
            }
            (Self::StackDestroy, true) => {
                assert_eq!((status, servers, objects.len()), (StackStatus::Destroyed, 0, 0));
            }
            _ => assert!(
                matches!(status, StackStatus::Failed | StackStatus::Cancelled),
                "a run that failed is shown as failed, not as {status}"
            ),
        }
    }
}

/// Exactly `release` of `shop` must run, on every server, and be on record.
async fn check_shop(world: &World, app: &App, release: Option<u32>, job: &Job) {
    let detail = app.applications().get(&world.known.ctx, world.known.shop).await.expect("shop");
    let current = detail.current_release.as_ref().map(|release| release.number);
    assert_eq!(current, release, "the release on record is the one that runs");
    check_edges(world, release);
    check_deployments(&detail, job);
}

fn check_edges(world: &World, release: Option<u32>) {
    let wanted: Vec<String> = release.iter().map(|number| format!("shop-r{number}")).collect();
    for edge in EDGES {
        let own = if edge == EDGES[0] { vec!["blog-r1".to_owned()] } else { Vec::new() };
        let all = names(&world.hosts.containers(edge));
        let known: Vec<String> = own.iter().chain(&wanted).cloned().collect();
        assert_eq!(all, known, "{edge} runs what the application knows, and nothing else");
        let serving = names(&world.hosts.serving(edge, DOMAIN));
        assert_eq!(serving, wanted, "{edge} serves exactly one version");
        let backends = world.hosts.backends(edge);
        let has_backend = backends.contains(&"app-shop".to_owned());
        assert_eq!(has_backend, release.is_some(), "{edge} has a back end for what runs");
        let logins = world.hosts.files(edge);
        let logins = logins.keys().filter(|path| path.contains("registry-login")).count();
        assert_eq!(logins, 0, "no registry login stays on {edge}");
    }
    assert_eq!(names(&world.hosts.serving(EDGES[0], BLOG)), ["blog-r1"], "others are left alone");
}

fn check_deployments(detail: &ApplicationDetail, job: &Job) {
    let deployment = detail.deployments.iter().find(|deployment| deployment.job_id == job.id);
    let wanted = match job.status {
        JobStatus::Succeeded => DeploymentStatus::Succeeded,
        JobStatus::Stuck => DeploymentStatus::Failed,
        _ => DeploymentStatus::RolledBack,
    };
    assert_eq!(deployment.expect("the job's deployment").status, wanted);
}

pub(crate) fn names(containers: &[Container]) -> Vec<String> {
    containers.iter().map(|container| container.name.clone()).collect()
}
