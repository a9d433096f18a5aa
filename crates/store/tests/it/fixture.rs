//! A data directory of its own for each test, and rows to put in it.

use std::collections::BTreeMap;

use flightdeck_domain::{
    application::{
        Application, Configuration, Deployment, DeploymentStatus, HealthCheck, Release, Strategy,
    },
    credential::{Credential, CredentialStatus, Provider},
    id::{
        ApplicationId, CredentialId, DeploymentId, JobId, OrganizationId, ReleaseId, RunId,
        ServerId, StackId, UserId,
    },
    image_reference::ImageReference,
    job::{Job, JobStatus, StepRecord, StepStatus},
    metrics::Sample,
    organization::{Kind, Organization},
    server::{Check, CheckResult, Endpoint, Facts, HostKey, Server, ServerStatus},
    stack::{
        Action, Diagnostic, Operation, PlannedChange, ResourceProgress, ResourceState, Run,
        RunStatus, Stack, StackInputs, StackStatus, StateVersion,
    },
};
use flightdeck_store::{Store, change::Author, job};
use jiff::Timestamp;
use tempfile::TempDir;

/// A store in a directory that goes when the test ends.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) organization: OrganizationId,
    pub(crate) directory: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("there is room");
        let store = Store::open(directory.path()).expect("a new directory opens");
        Self { store, organization: OrganizationId::new(), directory }
    }

    /// Opens the same directory once more, as another process would.
    pub(crate) fn second(&self) -> Store {
        Store::open(self.directory.path()).expect("a directory opens twice")
    }

    pub(crate) fn workspace(&self) -> flightdeck_store::Database {
        self.store.workspace(self.organization).expect("a new workspace opens")
    }

    pub(crate) fn metrics(&self) -> flightdeck_store::Database {
        self.store.metrics(self.organization).expect("new metrics open")
    }

    pub(crate) fn author(&self, second: i64) -> Author {
        Author { actor: Some(UserId::new()), device: self.store.device_id(), now: at(second) }
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("this century is in range")
}

pub(crate) fn organization(slug: &str) -> Organization {
    Organization {
        id: OrganizationId::new(),
        name: format!("{slug} & Söhne"),
        slug: slug.to_owned(),
        kind: Kind::TopBranch,
        parent_id: None,
        level: 0,
        color: "#2563eb".to_owned(),
        created_at: at(0),
        archived_at: None,
    }
}

pub(crate) fn credential(name: &str) -> Credential {
    Credential {
        id: CredentialId::new(),
        name: name.to_owned(),
        provider: Provider::Registry,
        fingerprint: "…wxyz".to_owned(),
        public_fields: BTreeMap::from([("user".to_owned(), "ci".to_owned())]),
        status: CredentialStatus::Invalid { at: at(1), reason: "no such user".to_owned() },
        created_at: at(0),
        last_used_at: None,
    }
}

pub(crate) fn server(name: &str) -> Server {
    Server {
        id: ServerId::new(),
        name: name.to_owned(),
        endpoint: Endpoint::new("10.77.0.4", 2222, "deploy").expect("a fine endpoint"),
        credential_id: CredentialId::new(),
        host_key: Some(HostKey {
            algorithm: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:abc".to_owned(),
        }),
        status: ServerStatus::Failed,
        checks: vec![CheckResult {
            check: Check::Docker,
            passed: false,
            detail: "docker does not answer".to_owned(),
            hint: Some("start it".to_owned()),
        }],
        facts: Some(Facts {
            os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            kernel: "6.1.0".to_owned(),
            architecture: "x86_64".to_owned(),
            cores: 2,
            memory_bytes: 4_000_000_000,
            disk_bytes: 40_000_000_000,
            docker: None,
        }),
        stack_id: Some(StackId::new()),
        created_at: at(0),
    }
}

pub(crate) fn stack(name: &str) -> Stack {
    Stack {
        id: StackId::new(),
        name: name.to_owned(),
        module: "hetzner".to_owned(),
        credential_id: CredentialId::new(),
        ssh_credential_id: CredentialId::new(),
        inputs: StackInputs {
            region: "fsn1".to_owned(),
            size: "cx22".to_owned(),
            image: "ubuntu-24.04".to_owned(),
            server_count: 3,
        },
        status: StackStatus::AwaitingApproval,
        created_at: at(0),
    }
}

pub(crate) fn run(stack: StackId, second: i64) -> Run {
    let address = "module.servers.hcloud_server.this[\"web-1\"]".to_owned();
    Run {
        id: RunId::new(),
        stack_id: stack,
        job_id: JobId::new(),
        operation: Operation::PlanDestroy,
        status: RunStatus::Running,
        changes: vec![PlannedChange {
            address: address.clone(),
            resource_type: "hcloud_server".to_owned(),
            action: Action::Replace,
        }],
        resources: vec![ResourceProgress {
            address,
            action: Action::Replace,
            state: ResourceState::Running,
            elapsed_seconds: 7,
            resource_id: Some("42".to_owned()),
        }],
        diagnostics: vec![Diagnostic {
            is_error: false,
            summary: "deprecated".to_owned(),
            detail: String::new(),
            place: Some("main.tf:12".to_owned()),
        }],
        started_at: at(second),
        ended_at: None,
    }
}

pub(crate) fn state_version(run: RunId, serial: u64, second: i64) -> StateVersion {
    StateVersion {
        serial,
        lineage: "b0a1".to_owned(),
        sha256: format!("{serial:064x}"),
        size: 2_048,
        resources: 5,
        run_id: run,
        created_at: at(second),
    }
}

pub(crate) fn configuration() -> Configuration {
    Configuration {
        port: 8080,
        health_check: HealthCheck::default(),
        environment: BTreeMap::from([("MODE".to_owned(), "production".to_owned())]),
        stop_grace_seconds: 10,
    }
}

pub(crate) fn image(text: &str) -> ImageReference {
    ImageReference::parse(text).expect("a fine reference")
}

pub(crate) fn application(name: &str, servers: Vec<ServerId>) -> Application {
    Application {
        id: ApplicationId::new(),
        name: name.to_owned(),
        image: image("ghcr.io/acme/shop"),
        domain: Some("shop.example.org".to_owned()),
        servers,
        registry_credential_id: Some(CredentialId::new()),
        configuration: configuration(),
        current_release_id: None,
        created_at: at(0),
    }
}

pub(crate) fn release(application: ApplicationId, number: u32) -> Release {
    Release {
        id: ReleaseId::new(),
        application_id: application,
        number,
        image: image("ghcr.io/acme/shop:1.2"),
        digest: None,
        configuration: configuration(),
        created_at: at(0),
    }
}

pub(crate) fn deployment(release: &Release, second: i64) -> Deployment {
    Deployment {
        id: DeploymentId::new(),
        application_id: release.application_id,
        release_id: release.id,
        previous_release_id: None,
        job_id: JobId::new(),
        strategy: Strategy::Standard,
        status: DeploymentStatus::Running,
        reason: None,
        started_at: at(second),
        ended_at: None,
    }
}

pub(crate) fn sample(server: ServerId, second: i64) -> Sample {
    Sample {
        server_id: server,
        at: at(second),
        cpu_percent: Some(12.5),
        load_1: 0.25,
        cores: 2,
        memory_total: 4_000_000_000,
        memory_used: 1_000_000_000,
        disk_total: 40_000_000_000,
        disk_used: 9_000_000_000,
        disk_read_rate: None,
        disk_write_rate: Some(1.5),
        net_receive_rate: Some(2.5),
        net_send_rate: None,
        uptime_seconds: 86_400.5,
        containers_running: Some(3),
    }
}

pub(crate) fn job_row(target: &str, second: i64) -> job::Row {
    let step = |name: &str| StepRecord {
        name: name.to_owned(),
        status: StepStatus::Pending,
        progress: None,
        started_at: None,
        ended_at: None,
    };
    let job = Job {
        id: JobId::new(),
        organization_id: OrganizationId::new(),
        actor: UserId::new(),
        kind: "stack.apply".to_owned(),
        target: target.to_owned(),
        title: "Apply web".to_owned(),
        status: JobStatus::Queued,
        steps: vec![step("plan"), step("apply"), step("register")],
        failure: None,
        cancel_requested: false,
        created_at: at(second),
        ended_at: None,
        dismissed: false,
    };
    let payload = serde_json::json!({ "stack": target });
    job::Row { job, payload, outputs: serde_json::Map::new(), owner: None }
}
