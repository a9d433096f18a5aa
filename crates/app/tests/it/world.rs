//! A data directory with everything around it, which outlives processes.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use flightdeck_app::{
    ApplicationRequest, Ctx, ServerRequest, SetUp, StackRequest,
    port::cloud::{Account, Catalog, Cloud, CloudError},
};
use flightdeck_domain::{
    application::{Configuration, HealthCheck},
    credential::{Fields, Provider},
    id::{ApplicationId, CredentialId, ServerId, StackId},
    job::JobStatus,
    secret::Secret,
    stack::StackInputs,
};
use flightdeck_testkit::{
    clock::ManualClock,
    hosts::{SimHosts, docker::Behaviour},
    keychain::MemoryKeychain,
    terraform::SimTerraform,
};
use tempfile::TempDir;

use crate::process::Process;

pub(crate) const EDGES: [&str; 2] = ["192.0.2.11", "192.0.2.12"];
pub(crate) const DOMAIN: &str = "shop.example.org";
pub(crate) const BLOG: &str = "blog.example.org";
pub(crate) const TOKEN: &str = "canaryTokencanaryTokencanaryTokencanaryTokencanaryTokencanaryTok";
pub(crate) const PASSWORD: &str = "canary-registry-password";

/// What tests need to know of the things that are defined in every world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) ctx: Ctx,
    pub(crate) token: CredentialId,
    pub(crate) ssh_key: CredentialId,
    pub(crate) registry: CredentialId,
    pub(crate) servers: [ServerId; 2],
    pub(crate) shop: ApplicationId,
    pub(crate) blog: ApplicationId,
    pub(crate) stack: StackId,
}

/// A data directory, the machines, the cloud, the clock, and who died.
pub(crate) struct World {
    pub(crate) known: Known,
    pub(crate) hosts: Arc<SimHosts>,
    pub(crate) terraform: Arc<SimTerraform>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keychain: Arc<MemoryKeychain>,
    pub(crate) dead: Arc<Mutex<HashSet<String>>>,
    directory: TempDir,
}

impl World {
    /// Two verified servers, the application `blog` running on the first one,
    /// and `shop` and the stack `web` defined and nothing more.
    pub(crate) async fn new() -> Self {
        let hosts = Arc::new(SimHosts::new());
        for edge in EDGES {
            hosts.boot(edge);
        }
        hosts.push_private_image("ghcr.io/acme/shop:1", Behaviour::Answers(200), PASSWORD);
        hosts.push_private_image("ghcr.io/acme/shop:2", Behaviour::Answers(200), PASSWORD);
        hosts.push_image("ghcr.io/acme/blog:1", Behaviour::Answers(200));
        let ctx = Ctx {
            user_id: flightdeck_domain::id::UserId::new(),
            organization_id: flightdeck_domain::id::OrganizationId::new(),
        };
        let mut world = Self {
            known: Known {
                ctx,
                token: CredentialId::new(),
                ssh_key: CredentialId::new(),
                registry: CredentialId::new(),
                servers: [ServerId::new(), ServerId::new()],
                shop: ApplicationId::new(),
                blog: ApplicationId::new(),
                stack: StackId::new(),
            },
            terraform: Arc::new(SimTerraform::new(hosts.clone())),
            hosts,
            clock: Arc::new(ManualClock::default()),
            keychain: Arc::new(MemoryKeychain::default()),
            dead: Arc::default(),
            directory: scratch(),
        };
        world.furnish().await;
        world
    }

    async fn furnish(&mut self) {
        let process = Process::bare(self, "first");
        let app = &process.app;
        let set_up = SetUp {
            passphrase: None,
            user_name: "Ada".to_owned(),
            organization_name: "House".to_owned(),
        };
        let organization = app.vault().set_up(set_up).await.expect("a first run");
        let ctx = app.organizations().context(organization.id).await.expect("a context");
        self.known.ctx = ctx;
        let fields = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), Secret::new(*v)));
            Fields(pairs.collect::<BTreeMap<_, _>>())
        };
        let credentials = app.credentials();
        let token = fields(&[("token", TOKEN)]);
        let token = credentials.create(&ctx, "hetzner", Provider::Hetzner, token).await;
        self.known.token = token.expect("a credential").id;
        self.known.ssh_key =
            credentials.generate_ssh_key(&ctx, "key").await.expect("an SSH key").id;
        let login = fields(&[("server", "ghcr.io"), ("user", "ci"), ("password", PASSWORD)]);
        let login = credentials.create(&ctx, "registry", Provider::Registry, login).await;
        self.known.registry = login.expect("a credential").id;
        for (at, host) in EDGES.into_iter().enumerate() {
            let request = ServerRequest {
                name: format!("edge-{}", at + 1),
                host: host.to_owned(),
                port: 22,
                user: "root".to_owned(),
                credential_id: self.known.ssh_key,
            };
            let (server, job) = app.servers().register(&ctx, request).await.expect("a server");
            assert_eq!(process.end(job).await.status, JobStatus::Succeeded);
            self.known.servers[at] = server.id;
        }
        let [first, second] = self.known.servers;
        let blog = application("blog", BLOG, &[first], None);
        self.known.blog = app.applications().create(&ctx, blog).await.expect("blog").id;
        let registry = Some(self.known.registry);
        let shop = application("shop", DOMAIN, &[first, second], registry);
        self.known.shop = app.applications().create(&ctx, shop).await.expect("shop").id;
        let job = app.applications().deploy(&ctx, self.known.blog, "ghcr.io/acme/blog:1").await;
        assert_eq!(process.end(job.expect("a job")).await.status, JobStatus::Succeeded);
        let stack = StackRequest {
            name: "web".to_owned(),
            module: "hetzner".to_owned(),
            credential_id: self.known.token,
            ssh_credential_id: self.known.ssh_key,
            inputs: StackInputs {
                region: "fsn1".to_owned(),
                size: "cx22".to_owned(),
                image: "debian-12".to_owned(),
                server_count: 2,
            },
        };
        self.known.stack = app.stacks().create(&ctx, stack).await.expect("a stack").id;
        process.kill().await;
    }

    /// Makes a second world that begins as this one is. No process may be alive.
    pub(crate) fn fork(&self) -> Self {
        let directory = scratch();
        copy(self.directory.path(), directory.path());
        let hosts = Arc::new(self.hosts.fork());
        let dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            known: self.known,
            terraform: Arc::new(self.terraform.fork(hosts.clone())),
            hosts,
            clock: Arc::new(ManualClock::default()),
            keychain: self.keychain.clone(),
            dead: Arc::new(Mutex::new(dead)),
            directory,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// An application whose health check wastes no time.
pub(crate) fn application(
    name: &str,
    domain: &str,
    servers: &[ServerId],
    registry_credential_id: Option<CredentialId>,
) -> ApplicationRequest {
    ApplicationRequest {
        name: name.to_owned(),
        image: format!("ghcr.io/acme/{name}"),
        domain: Some(domain.to_owned()),
        servers: servers.to_vec(),
        registry_credential_id,
        configuration: Configuration {
            port: 8080,
            health_check: HealthCheck {
                start_period_seconds: 0,
                interval_seconds: 1,
                failure_threshold: 1,
                ..HealthCheck::default()
            },
            environment: BTreeMap::from([("MODE".to_owned(), "production".to_owned())]),
            stop_grace_seconds: 1,
        },
    }
}

/// A provider that takes every token and offers nothing.
pub(crate) struct AgreeableCloud;

#[async_trait]
impl Cloud for AgreeableCloud {
    async fn test(&self, _account: &Account) -> Result<(), CloudError> {
        Ok(())
    }

    async fn catalog(&self, _account: &Account) -> Result<Catalog, CloudError> {
        Ok(Catalog::default())
    }
}

/// In memory where there is such a place: hundreds of worlds wait for the disk.
fn scratch() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.expect("a scratch directory")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the directory is there") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            fs::create_dir_all(&to).expect("a directory");
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a copy");
        }
    }
}
