//! The main job through the core: credential, stack, servers, release, back, gone.

use std::collections::BTreeMap;

use flightdeck_app::{App, ApplicationRequest, Ctx, SetUp, StackRequest, error::Code};
use flightdeck_domain::{
    application::{Configuration, HealthCheck},
    credential::{CredentialStatus, Fields, Provider},
    id::JobId,
    job::{Job, JobStatus},
    secret::Secret,
    server::ServerStatus,
    setting::Settings,
    stack::{Action, StackInputs, StackStatus},
};
use flightdeck_engine::{Engine, Options, Role};
use flightdeck_fleet_journeys::{PASSPHRASE, REGISTRY, TOKEN, World, visit};

async fn succeed(app: &App, ctx: &Ctx, job: JobId) -> Job {
    let ended = app.jobs().wait(job).await.unwrap();
    if ended.status != JobStatus::Succeeded {
        for line in app.jobs().log(ctx, job, 0).await.unwrap() {
            println!("{} {}", line.step, line.text);
        }
    }
    assert_eq!(ended.status, JobStatus::Succeeded, "{}: {:?}", ended.title, ended.failure);
    ended
}

fn configuration() -> Configuration {
    Configuration {
        port: 8080,
        health_check: HealthCheck {
            path: "/health".to_owned(),
            interval_seconds: 1,
            start_period_seconds: 5,
            ..HealthCheck::default()
        },
        environment: BTreeMap::from([("GREETING".to_owned(), "hello world".to_owned())]),
        stop_grace_seconds: 5,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_credential_to_a_running_application_and_back() {
    let world = World::set_up(20).await;
    let options = Options { directory: Some(world.data()), role: Role::Desktop };
    let engine = Engine::start(options).unwrap();
    let app = engine.app();

    let set_up = SetUp {
        passphrase: Some(Secret::new(PASSPHRASE)),
        user_name: "Ada".to_owned(),
        organization_name: "Example Hosting".to_owned(),
    };
    let organization = app.vault().set_up(set_up).await.unwrap();
    engine.opened().await;
    let settings = Settings {
        terraform_cli_config: world.mirror.terraform_rc().display().to_string(),
        hetzner_endpoint: world.api.endpoint(),
        proxy_image: format!("{REGISTRY}/haproxy:2.6"),
        sample_interval_seconds: 5,
        ..Settings::default()
    };
    app.settings().update(settings).await.unwrap();
    let ctx = app.organizations().context(organization.id).await.unwrap();

    let token = Fields(BTreeMap::from([("token".to_owned(), Secret::new(TOKEN))]));
    let cloud = app.credentials().create(&ctx, "hetzner", Provider::Hetzner, token).await.unwrap();
    let cloud = app.credentials().test(&ctx, cloud.id).await.unwrap();
    assert!(matches!(cloud.status, CredentialStatus::Valid { .. }), "{:?}", cloud.status);
    let key = app.credentials().generate_ssh_key(&ctx, "web key").await.unwrap();
    let catalog = app.credentials().catalog(&ctx, cloud.id).await.unwrap();
    assert!(catalog.regions.iter().any(|region| region.name == "fsn1"));

    let request = StackRequest {
        name: "web".to_owned(),
        module: "hetzner".to_owned(),
        credential_id: cloud.id,
        ssh_credential_id: key.id,
        inputs: StackInputs {
            region: "fsn1".to_owned(),
            size: "cx23".to_owned(),
            image: "ubuntu-24.04".to_owned(),
            server_count: 1,
        },
    };
    let stack = app.stacks().create(&ctx, request).await.unwrap();
    let job = app.stacks().plan(&ctx, stack.id, false).await.unwrap();
    succeed(app, &ctx, job).await;
    let detail = app.stacks().get(&ctx, stack.id).await.unwrap();
    assert_eq!(detail.stack.stack.status, StackStatus::AwaitingApproval);
    let plan = detail.runs[0].run.clone();
    assert!(plan.changes.iter().all(|change| change.action == Action::Create));
    assert!(plan.changes.iter().any(|change| change.resource_type == "hcloud_server"));
    assert!(world.cloud().is_empty(), "a plan changes nothing");

    let job = app.stacks().apply(&ctx, stack.id, plan.id, None).await.unwrap();
    succeed(app, &ctx, job).await;
    let detail = app.stacks().get(&ctx, stack.id).await.unwrap();
    assert_eq!(detail.stack.stack.status, StackStatus::Completed);
    assert!(!detail.state_versions.is_empty());
    let servers = app.servers().list(&ctx).await.unwrap();
    let server = servers[0].server.clone();
    assert_eq!(server.status, ServerStatus::Ready, "{:?}", server.checks);
    assert_eq!(server.checks.len(), 7);

    let request = ApplicationRequest {
        name: "hello".to_owned(),
        image: format!("{REGISTRY}/hello:v1"),
        domain: None,
        servers: vec![server.id],
        registry_credential_id: None,
        configuration: configuration(),
    };
    let hello = app.applications().create(&ctx, request).await.unwrap();
    let address = format!("http://{}/", server.endpoint.host);
    for version in ["v1", "v2"] {
        let image = format!("{REGISTRY}/hello:{version}");
        let job = app.applications().deploy(&ctx, hello.id, &image).await.unwrap();
        succeed(app, &ctx, job).await;
        assert_eq!(visit(&address), (200, format!("hello {version}")));
    }

    for bad in ["broken", "sick"] {
        let image = format!("{REGISTRY}/hello:{bad}");
        let job = app.applications().deploy(&ctx, hello.id, &image).await.unwrap();
        let ended = app.jobs().wait(job).await.unwrap();
        assert_eq!(ended.status, JobStatus::Failed);
        let code = ended.failure.unwrap().code;
        let wanted = if bad == "broken" { Code::ContainerFailed } else { Code::Unhealthy };
        assert_eq!(code, wanted.as_str(), "{bad}");
        assert_eq!(visit(&address), (200, "hello v2".to_owned()), "the old release serves on");
    }

    let detail = app.applications().get(&ctx, hello.id).await.unwrap();
    let first = detail.releases.iter().find(|release| release.number == 1).unwrap();
    let job = app.applications().roll_back(&ctx, hello.id, first.id).await.unwrap();
    succeed(app, &ctx, job).await;
    assert_eq!(visit(&address), (200, "hello v1".to_owned()));

    let samples = app.servers().samples(&ctx, server.id, 60).await.unwrap();
    assert!(!samples.is_empty(), "the server was sampled meanwhile");

    let refused = app.stacks().plan(&ctx, stack.id, true).await.unwrap_err();
    assert_eq!(refused.code, Code::InUse, "an application is placed there");
    let job = app.applications().remove(&ctx, hello.id, "hello").await.unwrap();
    succeed(app, &ctx, job).await;
    let job = app.stacks().plan(&ctx, stack.id, true).await.unwrap();
    succeed(app, &ctx, job).await;
    let plan = app.stacks().get(&ctx, stack.id).await.unwrap().runs[0].run.clone();
    let refused = app.stacks().apply(&ctx, stack.id, plan.id, Some("wrong")).await.unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput, "the name must be typed");
    let job = app.stacks().apply(&ctx, stack.id, plan.id, Some("web")).await.unwrap();
    succeed(app, &ctx, job).await;
    assert!(world.cloud().is_empty(), "nothing is left at the provider: {:?}", world.cloud());
    assert!(app.servers().list(&ctx).await.unwrap().is_empty());
    engine.shut_down().await;
}
