//! Every use case there is, with what it takes and what it leaves.

use std::{fs, path::Path};

use flightdeck_app::{App, Ctx, ServerRequest, StackRequest, error::Result};
use flightdeck_domain::{
    credential::{Fields, Provider},
    id::{CredentialId, JobId, MemberId, ReleaseId, RunId, ServerId, StackId},
    job::JobStatus,
    organization::Kind,
    permission::{Permission, Role},
    secret::Secret,
    stack::StackInputs,
};
use flightdeck_testkit::hosts::docker::Behaviour;
use futures::future::BoxFuture;

use crate::{
    plan::Plan,
    process::Process,
    world::{DOMAIN, EDGES, Known, TOKEN, World, application},
};

/// The ids that the use cases are called with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids {
    pub(crate) known: Known,
    pub(crate) spare_key: CredentialId,
    pub(crate) spare_server: ServerId,
    pub(crate) spare_stack: StackId,
    pub(crate) first_release: ReleaseId,
    pub(crate) deployed: JobId,
    pub(crate) failed: JobId,
    pub(crate) plan: RunId,
    pub(crate) colleague: MemberId,
}

/// A use case, and what is expected of it.
pub(crate) struct UseCase {
    /// `group.method`, as the source has it.
    pub(crate) name: &'static str,
    pub(crate) permission: Permission,
    /// The action of the audit event that it leaves; none for one that only reads.
    pub(crate) audit: Option<&'static str>,
    /// Whether it takes the id of something in the organization.
    pub(crate) takes_id: bool,
    pub(crate) call: fn(App, Ctx, Ids) -> BoxFuture<'static, Result<()>>,
}

macro_rules! use_cases {
    ($($group:ident.$method:ident: $permission:ident, $audit:expr, $takes_id:literal,
       |$app:ident, $ctx:ident, $ids:ident| $call:expr;)*) => {
        /// Every use case that asks for a permission.
        pub(crate) const ALL: &[UseCase] = &[$(UseCase {
            name: concat!(stringify!($group), ".", stringify!($method)),
            permission: Permission::$permission,
            audit: $audit,
            takes_id: $takes_id,
            call: |app, $ctx, $ids| Box::pin(async move {
                let _ = &$ids;
                let $app = app.$group();
                $call.await.map(drop)
            }),
        },)*];
    };
}

/// Use cases that ask for no permission, each for the reason that it says itself.
/// This list may only shrink.
pub(crate) const WITHOUT_PERMISSION: &[&str] = &[
    "jobs.pick_up",
    "jobs.resume",
    "jobs.wait",
    "monitor.prune",
    "monitor.sample",
    "monitor.watched",
    "organizations.context",
    "organizations.list",
    "organizations.local_user",
    "organizations.of_local_user",
    "settings.find_terraform",
    "settings.get",
    "settings.modules_directory",
    "settings.update",
    "stacks.recover",
    "vault.lock",
    "vault.set_up",
    "vault.status",
    "vault.unlock",
];

const SHOP_1: &str = "ghcr.io/acme/shop:1";

use_cases! {
    applications.list: ApplicationRead, None, false, |it, c, k| it.list(&c);
    applications.get: ApplicationRead, None, true, |it, c, k| it.get(&c, k.known.shop);
    applications.create: ApplicationWrite, Some("application.create"), true,
        |it, c, k| it.create(&c, application("news", "news.example", &k.known.servers, None));
    applications.update: ApplicationWrite, Some("application.update"), true,
        |it, c, k| it.update(
            &c, k.known.shop, application("shop", "new.example", &k.known.servers, None));
    applications.deploy: DeploymentRun, Some("application.deploy"), true,
        |it, c, k| it.deploy(&c, k.known.shop, SHOP_1);
    applications.roll_back: DeploymentRun, Some("application.roll_back"), true,
        |it, c, k| it.roll_back(&c, k.known.shop, k.first_release);
    applications.remove: ApplicationWrite, Some("application.remove"), true,
        |it, c, k| it.remove(&c, k.known.shop, "shop");
    applications.container_log: ApplicationRead, None, true,
        |it, c, k| it.container_log(&c, k.known.shop, k.known.servers[0], 10);
    credentials.list: CredentialRead, None, false, |it, c, k| it.list(&c);
    credentials.create: CredentialWrite, Some("credential.create"), false,
        |it, c, k| it.create(&c, "second", Provider::Hetzner, token());
    credentials.generate_ssh_key: CredentialWrite, Some("credential.create"), false,
        |it, c, k| it.generate_ssh_key(&c, "another");
    credentials.test: CredentialWrite, Some("credential.test"), true,
        |it, c, k| it.test(&c, k.known.token);
    credentials.delete: CredentialWrite, Some("credential.delete"), true,
        |it, c, k| it.delete(&c, k.spare_key);
    credentials.catalog: StackWrite, None, true, |it, c, k| it.catalog(&c, k.known.token);
    jobs.list: JobRead, None, false, |it, c, k| it.list(&c);
    jobs.get: JobRead, None, true, |it, c, k| it.get(&c, k.deployed);
    jobs.log: JobRead, None, true, |it, c, k| it.log(&c, k.deployed, 0);
    // What it leaves is looked at where there is a job to cancel.
    jobs.cancel: JobControl, None, true, |it, c, k| it.cancel(&c, k.deployed);
    jobs.retry: JobControl, Some("job.retry"), true, |it, c, k| it.retry(&c, k.failed);
    jobs.dismiss: JobControl, Some("job.dismiss"), true, |it, c, k| it.dismiss(&c, k.failed);
    jobs.undo: JobControl, Some("application.roll_back"), true, |it, c, k| it.undo(&c, k.deployed);
    organizations.membership: OrganizationRead, None, false, |it, c, k| it.membership(&c);
    organizations.stylesheet: OrganizationRead, None, false, |it, c, k| it.stylesheet(&c);
    organizations.create: OrganizationCreate, Some("organization.create"), false,
        |it, c, k| it.create(&c, branch("Branch"));
    organizations.update: OrganizationWrite, Some("organization.update"), false,
        |it, c, k| it.update(&c, "Home", "#112233");
    // What it leaves is looked at where there is an organization to archive.
    organizations.archive: OrganizationDelete, None, false, |it, c, k| it.archive(&c);
    organizations.members: OrganizationRead, None, false, |it, c, k| it.members(&c);
    organizations.add_member: MemberWrite, Some("member.create"), false,
        |it, c, k| it.add_member(&c, "Eve", Role::Viewer);
    organizations.set_role: MemberWrite, Some("member.update"), true,
        |it, c, k| it.set_role(&c, k.colleague, Role::Member);
    organizations.remove_member: MemberWrite, Some("member.delete"), true,
        |it, c, k| it.remove_member(&c, k.colleague);
    servers.list: ServerRead, None, false, |it, c, k| it.list(&c);
    servers.get: ServerRead, None, true, |it, c, k| it.get(&c, k.spare_server);
    servers.register: ServerWrite, Some("server.create"), true,
        |it, c, k| it.register(&c, server("new", "192.0.2.30", k.known.ssh_key));
    servers.update: ServerWrite, Some("server.update"), true,
        |it, c, k| it.update(&c, k.spare_server, server("other", "192.0.2.20", k.known.ssh_key));
    servers.verify: ServerWrite, Some("server.verify"), true,
        |it, c, k| it.verify(&c, k.spare_server);
    servers.accept_host_key: ServerWrite, Some("server.accept_host_key"), true,
        |it, c, k| it.accept_host_key(&c, k.spare_server, "SHA256:key5");
    servers.remove: ServerWrite, Some("server.delete"), true,
        |it, c, k| it.remove(&c, k.spare_server);
    servers.samples: ServerRead, None, true, |it, c, k| it.samples(&c, k.spare_server, 60);
    servers.chart: ServerRead, None, true,
        |it, c, k| it.chart(&c, k.spare_server, 60, flightdeck_app::Palette::Light);
    stacks.list: StackRead, None, false, |it, c, k| it.list(&c);
    stacks.get: StackRead, None, true, |it, c, k| it.get(&c, k.known.stack);
    stacks.create: StackWrite, Some("stack.create"), true, |it, c, k| it.create(&c, stack("db", k.known));
    stacks.update: StackWrite, Some("stack.update"), true,
        |it, c, k| it.update(&c, k.known.stack, inputs());
    stacks.plan: StackWrite, Some("stack.plan"), true,
        |it, c, k| it.plan(&c, k.known.stack, false);
    stacks.apply: StackApply, Some("stack.apply"), true,
        |it, c, k| it.apply(&c, k.known.stack, k.plan, None);
    stacks.discard: StackWrite, Some("stack.discard_plan"), true,
        |it, c, k| it.discard(&c, k.known.stack, k.plan);
    stacks.delete: StackWrite, Some("stack.delete"), true,
        |it, c, k| it.delete(&c, k.spare_stack);
}

/// A world in which every use case succeeds for an owner.
pub(crate) async fn world() -> (World, Ids) {
    let world = Plan::SecondRelease.world().await;
    let known = world.known;
    let ctx = &known.ctx;
    world.hosts.boot("192.0.2.20");
    world.hosts.boot("192.0.2.30");
    world.hosts.push_image("ghcr.io/acme/shop:bad", Behaviour::Exits(3, "no".to_owned()));
    let process = Process::start(&world, "furnisher").await;
    let app = &process.app;
    let deployed = Plan::SecondRelease.start(&world, app).await;
    process.end(deployed).await;
    let failed = app.applications().deploy(ctx, known.shop, "ghcr.io/acme/shop:bad").await;
    let failed = failed.expect("a job");
    assert_eq!(process.end(failed).await.status, JobStatus::Failed);
    let spare = server("spare", "192.0.2.20", known.ssh_key);
    let (spare_server, job) = app.servers().register(ctx, spare).await.expect("a server");
    process.end(job).await;
    world.hosts.change_key("192.0.2.20");
    let job = Plan::StackPreview.start(&world, app).await;
    process.end(job).await;
    let shop = app.applications().get(ctx, known.shop).await.expect("shop");
    let first = shop.releases.iter().find(|release| release.number == 1).expect("a release");
    let stacks = app.stacks().get(ctx, known.stack).await.expect("the stack");
    let ids = Ids {
        known,
        spare_key: app.credentials().generate_ssh_key(ctx, "spare").await.expect("a key").id,
        spare_server: spare_server.id,
        spare_stack: app.stacks().create(ctx, stack("spare", known)).await.expect("a stack").id,
        first_release: first.id,
        deployed,
        failed,
        plan: stacks.stack.latest_run.expect("a plan").run.id,
        colleague: {
            let colleague = app.organizations().add_member(ctx, "Bob", Role::Viewer).await;
            colleague.expect("a member").id
        },
    };
    process.kill().await;
    (world, ids)
}

pub(crate) fn branch(name: &str) -> flightdeck_app::OrganizationRequest {
    let name = name.to_owned();
    flightdeck_app::OrganizationRequest { name, kind: Kind::SubUser, color: None }
}

fn token() -> Fields {
    Fields([("token".to_owned(), Secret::new(TOKEN))].into())
}

fn server(name: &str, host: &str, credential_id: CredentialId) -> ServerRequest {
    let (name, host, user) = (name.to_owned(), host.to_owned(), "root".to_owned());
    ServerRequest { name, host, port: 22, user, credential_id }
}

fn inputs() -> StackInputs {
    StackInputs {
        region: "nbg1".to_owned(),
        size: "cx22".to_owned(),
        image: "debian-12".to_owned(),
        server_count: 1,
    }
}

fn stack(name: &str, known: Known) -> StackRequest {
    StackRequest {
        name: name.to_owned(),
        module: "hetzner".to_owned(),
        credential_id: known.token,
        ssh_credential_id: known.ssh_key,
        inputs: inputs(),
    }
}

#[test]
fn the_table_names_every_use_case_of_the_source() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut missing = Vec::new();
    let mut found = 0;
    for (file, group) in [
        ("applications.rs", "applications"),
        ("credentials.rs", "credentials"),
        ("jobs/control.rs", "jobs"),
        ("metrics.rs", "monitor"),
        ("organizations.rs", "organizations"),
        ("servers.rs", "servers"),
        ("settings.rs", "settings"),
        ("stacks.rs", "stacks"),
        ("stacks/recovery.rs", "stacks"),
        ("vault.rs", "vault"),
    ] {
        let text = fs::read_to_string(source.join(file)).expect("the source is there");
        for line in text.lines() {
            let Some(rest) = line.trim_start().strip_prefix("pub async fn ") else { continue };
            let name = format!("{group}.{}", rest.split(['(', '<']).next().unwrap_or_default());
            found += 1;
            let listed = ALL.iter().any(|case| case.name == name);
            if listed == WITHOUT_PERMISSION.contains(&name.as_str()) {
                missing.push(name);
            }
        }
    }
    assert_eq!(missing, [""; 0], "each use case stands in exactly one of the two lists");
    assert_eq!(found, ALL.len() + WITHOUT_PERMISSION.len(), "no list names what is gone");
}

#[tokio::test]
async fn a_role_that_lacks_the_permission_is_refused_and_written_down() {
    let (world, ids) = world().await;
    let process = Process::start(&world, "one").await;
    let app = &process.app;
    for role in [Role::Viewer, Role::Member, Role::Admin] {
        let member = app.organizations().add_member(&ids.known.ctx, role.as_str(), role).await;
        let ctx = Ctx { user_id: member.expect("a member").user_id, ..ids.known.ctx };
        for case in ALL.iter().filter(|case| !role.allows(case.permission)) {
            let before = denials(app, ctx, case.permission).await;

            let refused = (case.call)(app.clone(), ctx, ids).await;

            let error = refused.err().unwrap_or_else(|| panic!("{role} may {}", case.name));
            assert_eq!(error.code.as_str(), "forbidden", "{role}, {}: {error}", case.name);
            assert!(error.hint.is_some(), "{}: what to do", case.name);
            let after = denials(app, ctx, case.permission).await;
            assert_eq!(after, before + 1, "{}: the refusal is on record", case.name);
        }
    }
    process.kill().await;
}

async fn denials(app: &App, ctx: Ctx, permission: Permission) -> usize {
    use flightdeck_domain::audit::Outcome;
    let main = app.store().main();
    let events = main.read(move |conn| {
        flightdeck_store::audit_event::list(conn, Some(ctx.organization_id), 10_000)
    });
    let events = events.await.expect("the audit log");
    events
        .iter()
        .filter(|event| event.outcome == Outcome::Denied && event.actor == Some(ctx.user_id))
        .filter(|event| event.target == permission.as_str())
        .count()
}

#[tokio::test]
async fn a_role_that_has_the_permission_is_let_in() {
    let (origin, ids) = world().await;
    for case in ALL {
        let world = origin.fork();
        let process = Process::start(&world, "one").await;
        let role = Role::ALL.iter().find(|role| role.allows(case.permission));
        let role = *role.expect("an owner may do everything");
        let organizations = process.app.organizations();
        let member = organizations.add_member(&ids.known.ctx, "weakest", role).await;
        let ctx = Ctx { user_id: member.expect("a member").user_id, ..ids.known.ctx };

        let done = (case.call)(process.app.clone(), ctx, ids).await;

        let code = done.err().map(|error| error.code.as_str());
        assert_ne!(code, Some("forbidden"), "{role} may {}", case.name);
        process.kill().await;
    }
}

#[tokio::test]
async fn somebody_from_outside_learns_nothing() {
    let (world, ids) = world().await;
    let process = Process::start(&world, "one").await;
    let ctx = Ctx { user_id: flightdeck_domain::id::UserId::new(), ..ids.known.ctx };
    for case in ALL {
        let refused = (case.call)(process.app.clone(), ctx, ids).await;

        let error = refused.err().unwrap_or_else(|| panic!("a stranger may {}", case.name));
        assert_eq!(error.code.as_str(), "not_found", "{}", case.name);
    }
    process.kill().await;
}

#[tokio::test]
async fn the_ids_of_another_organization_are_not_found() {
    let (world, ids) = world().await;
    let process = Process::start(&world, "one").await;
    let own = &ids.known.ctx;
    let other = process.app.organizations().create(own, branch("Client")).await;
    let ctx = Ctx { organization_id: other.expect("an organization").id, ..*own };
    for case in ALL.iter().filter(|case| case.takes_id) {
        let refused = (case.call)(process.app.clone(), ctx, ids).await;

        let error = refused.err().unwrap_or_else(|| panic!("{} reaches across", case.name));
        assert_eq!(error.code.as_str(), "not_found", "{}: {error}", case.name);
    }
    process.kill().await;
}

#[tokio::test]
async fn an_archived_organization_can_only_be_looked_at() {
    let (world, ids) = world().await;
    let process = Process::start(&world, "one").await;
    let own = &ids.known.ctx;
    let organizations = process.app.organizations();
    let client = organizations.create(own, branch("Client")).await.expect("an organization");
    let ctx = Ctx { organization_id: client.id, ..*own };
    organizations.archive(&ctx).await.expect("nothing is in it");
    assert!(audited(&process.app, "organization.archive").await > 0, "that is on record");
    for case in ALL {
        let code = (case.call)(process.app.clone(), ctx, ids).await.err().map(|e| e.code.as_str());

        if case.permission.as_str().ends_with(":read") {
            let fine = matches!(code, None | Some("not_found"));
            assert!(fine, "{} only looks, and gives {code:?}", case.name);
        } else {
            assert_eq!(code, Some("wrong_state"), "{} would change something", case.name);
        }
    }
    process.kill().await;
}

#[tokio::test]
async fn whatever_changes_something_leaves_an_audit_event_and_a_change() {
    // What these write is not synced: jobs, plans and releases are of this device.
    let unsynced = [
        "applications.deploy",
        "applications.roll_back",
        "applications.remove",
        "jobs.retry",
        "jobs.dismiss",
        "jobs.undo",
        "stacks.plan",
        "stacks.apply",
        "servers.verify",
        "credentials.delete",
    ];
    let (origin, ids) = world().await;
    for case in ALL {
        let world = origin.fork();
        let process = Process::start(&world, "one").await;
        let Some(action) = case.audit else {
            process.kill().await;
            continue;
        };
        let (events, changes) = (audited(&process.app, action).await, changes(&process.app).await);

        let done = (case.call)(process.app.clone(), ids.known.ctx, ids).await;

        done.unwrap_or_else(|error| panic!("an owner may {}: {error}", case.name));
        let after = audited(&process.app, action).await;
        assert_eq!(after, events + 1, "{} leaves one `{action}`", case.name);
        if !unsynced.contains(&case.name) {
            let after = self::changes(&process.app).await;
            assert!(after > changes, "{} leaves changes for other devices", case.name);
        }
        process.kill().await;
    }
}

async fn audited(app: &App, action: &'static str) -> usize {
    let main = app.store().main();
    let events = main.read(move |conn| flightdeck_store::audit_event::list(conn, None, 10_000));
    let events = events.await.expect("the audit log");
    events.iter().filter(|event| event.action == action).count()
}

/// How many changes there are, in the main database and in every workspace.
async fn changes(app: &App) -> i64 {
    let count = |conn: &flightdeck_store::Connection| {
        conn.query_row("SELECT COUNT(*) FROM change", [], |row| row.get::<_, i64>(0))
    };
    let main = app.store().main();
    let mut all = main.read(count).await.expect("the change log");
    let organizations = main.read(flightdeck_store::organization::list).await.expect("the tree");
    for organization in organizations {
        let workspace = app.store().workspace(organization.id).expect("a workspace");
        all += workspace.read(count).await.expect("the change log");
    }
    all
}

#[tokio::test]
async fn a_locked_vault_gives_no_secret_away() {
    let (world, ids) = world().await;
    let process = Process::start(&world, "one").await;
    process.app.vault().lock().await.expect("it locks");
    let needs_secrets = [
        "applications.container_log",
        "credentials.create",
        "credentials.generate_ssh_key",
        "credentials.test",
        "credentials.catalog",
        "organizations.create",
    ];
    for case in ALL.iter().filter(|case| needs_secrets.contains(&case.name)) {
        let refused = (case.call)(process.app.clone(), ids.known.ctx, ids).await;

        let error = refused.err().unwrap_or_else(|| panic!("{} needs a secret", case.name));
        assert_eq!(error.code.as_str(), "vault_locked", "{}: {error}", case.name);
    }
    let job = Plan::Verify.start(&world, &process.app).await;
    let ended = process.end(job).await;
    assert_eq!(ended.failure.map(|f| f.code).as_deref(), Some("vault_locked"));
    process.kill().await;
}

#[tokio::test]
async fn secrets_that_come_back_from_outside_are_blanked() {
    use flightdeck_testkit::hosts::fault::Fault;
    let world = Plan::StackPreview.world().await;
    let known = world.known;
    let process = Process::start(&world, "one").await;
    let app = &process.app;
    let plan = Plan::StackPreview.start(&world, app).await;
    process.end(plan).await;
    world.terraform.faults.plan(2, Fault::Refused);
    let apply = Plan::StackApply.start(&world, app).await;
    let ended = process.end(apply).await;
    assert_eq!(ended.status, JobStatus::Failed);
    let mut shop = application("shop", DOMAIN, &known.servers, Some(known.registry));
    let password = crate::world::PASSWORD.to_owned();
    shop.configuration.environment.insert("LEAK".to_owned(), password);
    app.applications().update(&known.ctx, known.shop, shop).await.expect("an update");
    let deploy = Plan::FirstRelease.start(&world, app).await;
    assert_eq!(process.end(deploy).await.status, JobStatus::Succeeded);
    assert!(
        world.hosts.containers(EDGES[0])[1].environment.contains(crate::world::PASSWORD),
        "the container itself knows it"
    );

    let mut heard = vec![format!("{:?}", ended.failure)];
    for job in [plan, apply, deploy] {
        heard.push(format!("{:?}", app.jobs().log(&known.ctx, job, 0).await.expect("a log")));
    }
    let detail = app.stacks().get(&known.ctx, known.stack).await.expect("the stack");
    heard.push(format!("{:?}", detail.runs));
    let applications = app.applications();
    let log = applications.container_log(&known.ctx, known.shop, known.servers[0], 10);
    heard.push(log.await.expect("a log"));

    let heard = heard.join("\n");
    assert!(heard.contains("•••"), "there was something to blank out");
    assert!(heard.contains("the provider echoes •••"), "{heard}");
    for secret in [TOKEN, crate::world::PASSWORD] {
        assert!(!heard.contains(secret), "a secret came through: {heard}");
    }
    process.kill().await;
}
