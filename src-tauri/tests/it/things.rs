//! One of everything in an organization, and arguments for every command on it.

#![expect(clippy::disallowed_methods, reason = "rows want a time, and now is as good as any")]

use std::collections::BTreeMap;

use flightdeck_domain::{
    application::{Configuration, HealthCheck, Release},
    id::{ApplicationId, JobId, OrganizationId, ReleaseId, RunId, ServerId, StackId, UserId},
    job::{Job, JobStatus},
    metrics::Sample,
    server::{HostKey, ServerStatus},
    stack::{Operation, Run, RunStatus},
};
use flightdeck_store::{application, job, release, run, sample, server};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::window::{Window, text};

/// A token of the right shape.
pub(crate) fn token() -> String {
    "t0kEn".repeat(13)[..64].to_owned()
}

/// The ids of one of everything.
#[derive(Debug, Clone)]
pub(crate) struct Things {
    pub(crate) organization: OrganizationId,
    pub(crate) ssh_key: String,
    pub(crate) cloud: String,
    pub(crate) server: ServerId,
    pub(crate) stack: StackId,
    /// A plan that waits for a decision.
    pub(crate) plan: RunId,
    pub(crate) application: ApplicationId,
    /// The release before the one that runs.
    pub(crate) release: ReleaseId,
    /// A verification that failed.
    pub(crate) failed_job: JobId,
    /// A deployment that succeeded.
    pub(crate) deployment_job: JobId,
}

impl Things {
    /// Puts one of everything into an organization.
    ///
    /// What only a real server or a real Terraform could bring about is stored
    /// as if one had.
    pub(crate) fn put_into(window: &Window, organization: OrganizationId) -> Self {
        let organization_id = organization.to_string();
        let key = window.ask(
            "generate_ssh_key",
            &json!({ "organizationId": organization_id, "name": "Deploy key" }),
        );
        let cloud = json!({
            "name": "Cloud", "provider": "hetzner", "fields": { "token": token() },
        });
        let cloud = window.ask(
            "create_credential",
            &json!({ "organizationId": organization_id, "request": cloud }),
        );
        let (ssh_key, cloud) = (text(&key["id"]), text(&cloud["id"]));
        let registered = window.ask(
            "register_server",
            &json!({ "organizationId": organization_id, "request": server_request("web-1", &ssh_key) }),
        );
        let stack = window.ask(
            "create_stack",
            &json!({ "organizationId": organization_id, "request": stack_request("web", &cloud, &ssh_key) }),
        );
        let server = text(&registered["server"]["id"]);
        let application = window.ask(
            "create_application",
            &json!({ "organizationId": organization_id, "request": application_request("shop", &server) }),
        );
        window.settle(organization);
        let id = |value: &Value| text(value);
        let things = Self {
            organization,
            ssh_key,
            cloud,
            server: server.parse().expect("a server has an id"),
            stack: id(&stack["id"]).parse().expect("a stack has an id"),
            plan: RunId::new(),
            application: id(&application["id"]).parse().expect("an application has an id"),
            release: ReleaseId::new(),
            failed_job: id(&registered["jobId"]).parse().expect("a job has an id"),
            deployment_job: JobId::new(),
        };
        things.store(window);
        things
    }

    fn store(&self, window: &Window) {
        let core = window.core();
        let store = core.store();
        let (things, author, now) = (self.clone(), window.author(), Timestamp::now());
        let workspace = store.workspace(self.organization).expect("the workspace opens");
        let stored = workspace.write_blocking(move |tx| {
            let mut ready = server::by_id(tx, things.server)?.expect("it was registered");
            ready.status = ServerStatus::Ready;
            ready.host_key = Some(HostKey {
                algorithm: "ssh-ed25519".to_owned(),
                fingerprint: "SHA256:0".to_owned(),
            });
            server::put(tx, &author, &ready)?;
            run::insert(tx, &things.waiting_plan(now))?;
            let before = things.release_numbered(1, things.release, now);
            let current = things.release_numbered(2, ReleaseId::new(), now);
            release::insert(tx, &before)?;
            release::insert(tx, &current)?;
            let mut shop = application::by_id(tx, things.application)?.expect("it was created");
            shop.current_release_id = Some(current.id);
            application::put(tx, &author, &shop)
        });
        stored.expect("things can be stored");
        let things = self.clone();
        let metrics = store.metrics(self.organization).expect("the metrics open");
        let stored = metrics.write_blocking(move |tx| sample::insert(tx, &things.sampled(now)));
        stored.expect("a sample can be stored");
        let things = self.clone();
        let stored = store.main().write_blocking(move |tx| job::insert(tx, &things.deployed(now)));
        stored.expect("a job can be stored");
    }

    fn waiting_plan(&self, now: Timestamp) -> Run {
        Run {
            id: self.plan,
            stack_id: self.stack,
            job_id: JobId::new(),
            operation: Operation::Plan,
            status: RunStatus::Succeeded,
            changes: Vec::new(),
            resources: Vec::new(),
            diagnostics: Vec::new(),
            started_at: now,
            ended_at: Some(now),
        }
    }

    /// Stores one more plan that waits for a decision.
    pub(crate) fn another_plan(&self, window: &Window) -> RunId {
        let plan = Run { id: RunId::new(), ..self.waiting_plan(Timestamp::now()) };
        let (id, core) = (plan.id, window.core());
        let workspace = core.store().workspace(self.organization).expect("the workspace opens");
        workspace.write_blocking(move |tx| run::insert(tx, &plan)).expect("a plan can be stored");
        id
    }

    /// Stores a job that another process, this test, is at work on.
    pub(crate) fn job_of_another_process(&self, window: &Window) -> JobId {
        let mut row = self.deployed(Timestamp::now());
        row.job.id = JobId::new();
        row.job.status = JobStatus::Running;
        row.job.ended_at = None;
        row.job.target = ApplicationId::new().to_string();
        row.owner = Some("another process".to_owned());
        let id = row.job.id;
        let stored = window.core().store().main().write_blocking(move |tx| job::insert(tx, &row));
        stored.expect("a job can be stored");
        id
    }

    fn release_numbered(&self, number: u32, id: ReleaseId, now: Timestamp) -> Release {
        Release {
            id,
            application_id: self.application,
            number,
            image: format!("registry.test/shop:{number}").try_into().expect("that is an image"),
            digest: Some(format!("sha256:{}", "0".repeat(64))),
            configuration: Configuration {
                port: 8080,
                health_check: HealthCheck::default(),
                environment: BTreeMap::default(),
                stop_grace_seconds: 10,
            },
            created_at: now,
        }
    }

    fn sampled(&self, now: Timestamp) -> Sample {
        Sample {
            server_id: self.server,
            at: now,
            cpu_percent: Some(25.0),
            load_1: 0.5,
            cores: 2,
            memory_total: 4 << 30,
            memory_used: 1 << 30,
            disk_total: 40 << 30,
            disk_used: 10 << 30,
            disk_read_rate: None,
            disk_write_rate: None,
            net_receive_rate: Some(1000.0),
            net_send_rate: Some(2000.0),
            uptime_seconds: 3600.0,
            containers_running: Some(1),
        }
    }

    fn deployed(&self, now: Timestamp) -> job::Row {
        let payload = json!({
            "kind": "application.deploy",
            "application_id": self.application,
            "deployment_id": flightdeck_domain::id::DeploymentId::new(),
            "release_id": self.release,
            "previous_release_id": self.release,
            "servers": [[self.server, "web-1"]],
        });
        let job = Job {
            id: self.deployment_job,
            organization_id: self.organization,
            actor: UserId::new(),
            kind: "application.deploy".to_owned(),
            target: self.application.to_string(),
            title: "Deploy shop".to_owned(),
            status: JobStatus::Succeeded,
            steps: Vec::new(),
            failure: None,
            cancel_requested: false,
            created_at: now,
            ended_at: Some(now),
            dismissed: false,
        };
        job::Row { job, payload, outputs: Map::new(), owner: None }
    }

    /// Arguments for a command on these things, asked in `organization`.
    ///
    /// Names that would be made are new ones, so that nothing but the caller's
    /// rights and the ids decides.
    pub(crate) fn arguments(&self, command: &str, organization: OrganizationId) -> Value {
        let mut arguments = match command {
            "set_up" => json!({ "request": {
                "protection": "passphrase", "passphrase": "another long passphrase",
                "userName": "Bob", "organizationName": "Other",
            } }),
            "unlock_vault" => json!({ "passphrase": null }),
            "update_settings" => json!({ "settings": settings() }),
            "create_organization" => {
                return json!({ "request": {
                    "name": "Umbrella", "kind": "sub_user",
                    "parentId": organization.to_string(), "color": null,
                } });
            }
            "update_organization" => json!({ "request": { "name": "New", "color": "#112233" } }),
            "create_credential" => json!({ "request": {
                "name": "Registry", "provider": "registry",
                "fields": { "server": "registry.test", "user": "ada", "password": "hunter2hunter2" },
            } }),
            "generate_ssh_key" => json!({ "name": "Another key" }),
            "test_credential" | "delete_credential" => json!({ "credentialId": self.ssh_key }),
            "get_catalog" => json!({ "credentialId": self.cloud }),
            "register_server" => json!({ "request": server_request("web-2", &self.ssh_key) }),
            "update_server" => json!({ "request": server_request("web-3", &self.ssh_key) }),
            "accept_host_key" => json!({ "fingerprint": "SHA256:0" }),
            "list_samples" => json!({ "minutes": 60 }),
            "get_metrics_chart" => json!({ "minutes": 60, "dark": false }),
            "create_stack" => {
                json!({ "request": stack_request("api", &self.cloud, &self.ssh_key) })
            }
            "update_stack" => json!({ "inputs": inputs(2) }),
            "plan_stack" => json!({ "destroy": false }),
            "apply_plan" => json!({ "runId": self.plan, "confirmName": null }),
            "discard_plan" => json!({ "runId": self.plan }),
            "create_application" | "update_application" => json!({
                "request": application_request("store", &self.server.to_string()),
            }),
            "deploy_application" => json!({ "image": "registry.test/shop:3" }),
            "roll_back_application" => json!({ "releaseId": self.release }),
            "remove_application" => json!({ "confirmName": "shop" }),
            "get_container_log" => json!({ "serverId": self.server, "lines": 100 }),
            "list_job_log" => json!({ "after": 0 }),
            _ => json!({}),
        };
        let set = |arguments: &mut Value, name: &str, id: String| arguments[name] = json!(id);
        set(&mut arguments, "organizationId", organization.to_string());
        if command.contains("stack") || command.ends_with("_plan") {
            set(&mut arguments, "stackId", self.stack.to_string());
        }
        if command.contains("application") || command == "get_container_log" {
            set(&mut arguments, "applicationId", self.application.to_string());
        }
        if command == "open_address" {
            set(&mut arguments, "applicationId", self.application.to_string());
        }
        let on_a_server = ["server", "host_key", "samples", "chart", "address"];
        if on_a_server.iter().any(|part| command.contains(part)) {
            set(&mut arguments, "serverId", self.server.to_string());
        }
        if command.contains("_job") {
            let job = if command == "undo_job" { self.deployment_job } else { self.failed_job };
            set(&mut arguments, "jobId", job.to_string());
        }
        arguments
    }
}

pub(crate) fn server_request(name: &str, credential: &str) -> Value {
    // Nothing listens on port 1, so a verification ends soon.
    json!({ "name": name, "host": "127.0.0.1", "port": 1, "user": "root", "credentialId": credential })
}

fn stack_request(name: &str, cloud: &str, ssh_key: &str) -> Value {
    json!({
        "name": name, "module": "hetzner", "credentialId": cloud, "sshCredentialId": ssh_key,
        "inputs": inputs(1),
    })
}

fn inputs(servers: u16) -> Value {
    json!({ "region": "fsn1", "size": "cx22", "image": "debian-12", "serverCount": servers })
}

pub(crate) fn application_request(name: &str, server: &str) -> Value {
    json!({
        "name": name, "image": "registry.test/shop:1", "domain": format!("{name}.test"),
        "serverIds": [server], "registryCredentialId": null,
        "configuration": {
            "port": 8080, "environment": { "MODE": "test" }, "stopGraceSeconds": 10,
            "healthCheck": {
                "path": "/", "timeoutSeconds": 5, "intervalSeconds": 10, "startPeriodSeconds": 30,
                "successThreshold": 1, "failureThreshold": 3,
            },
        },
    })
}

/// The settings as they are without a choice.
pub(crate) fn settings() -> Value {
    json!({
        "theme": "system", "locale": "en", "fontSize": 16, "sampleIntervalSeconds": 30,
        "terraformPath": "", "terraformCliConfig": "", "modulesPath": "",
        "proxyImage": "haproxy:3.0", "hetznerEndpoint": "https://api.hetzner.cloud/v1",
    })
}
