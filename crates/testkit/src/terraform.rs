//! A simulated Terraform, with a cloud in memory.
//!
//! One ssh key and `server_count` servers per stack. A server of it is a machine
//! of [`SimHosts`], so what was applied can be verified and deployed to. What a
//! run has written when its program goes away stays as a leftover.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use flightdeck_app::port::terraform::{
    Binary, Event, Leftover, Listener, Outcome, Request, Sensitive, Terraform, TerraformError, Work,
};
use flightdeck_domain::{
    id::{RunId, StackId},
    stack::{Action, Diagnostic, PlannedChange},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::hosts::{
    SimHosts,
    fault::{Fault, Faults},
};

/// The simulated command line, its cloud, and what crashes left behind.
pub struct SimTerraform {
    /// What goes wrong with its steps: a run's begin, and each resource's turn.
    pub faults: Faults,
    hosts: Arc<SimHosts>,
    world: Mutex<World>,
}

#[derive(Default, Clone)]
struct World {
    is_missing: bool,
    /// Object id to the address of its resource.
    cloud: BTreeMap<String, String>,
    ids: u32,
    directories: BTreeMap<RunId, Directory>,
}

/// What a run has on its disk.
#[derive(Clone)]
struct Directory {
    stack_id: StackId,
    state: Option<State>,
    is_abandoned: bool,
}

/// A state, as far as anybody reads it.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    version: u32,
    serial: u64,
    lineage: String,
    resources: Vec<Resource>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Resource {
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    address: String,
    instances: Vec<Value>,
}

/// A plan file.
#[derive(Serialize, Deserialize)]
struct Plan {
    serial: u64,
    create: Vec<String>,
    delete: Vec<String>,
}

impl SimTerraform {
    /// Starts with an empty cloud whose servers are machines of `hosts`.
    pub fn new(hosts: Arc<SimHosts>) -> Self {
        Self { faults: Faults::default(), hosts, world: Mutex::default() }
    }

    /// Makes a second cloud that begins as this one is, with machines of `hosts`.
    #[must_use]
    pub fn fork(&self, hosts: Arc<SimHosts>) -> Self {
        Self { faults: Faults::default(), hosts, world: Mutex::new(self.lock().clone()) }
    }

    /// The addresses of what exists in the cloud, sorted; twice where it exists twice.
    pub fn objects(&self) -> Vec<String> {
        let mut objects: Vec<String> = self.lock().cloud.values().cloned().collect();
        objects.sort();
        objects
    }

    /// Takes one object away behind everybody's back.
    pub fn lose(&self, address: &str) {
        self.lock().cloud.retain(|_, object| object != address);
    }

    /// Whether any run left something on the disk.
    pub fn has_leftovers(&self) -> bool {
        !self.lock().directories.is_empty()
    }

    /// Takes the binary off the machine.
    pub fn uninstall(&self) {
        self.lock().is_missing = true;
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What should exist, by the module's inputs.
    fn wanted(variables: &Map<String, Value>) -> BTreeSet<String> {
        let name = variables.get("name").and_then(Value::as_str).unwrap_or_default();
        let count = variables.get("server_count").and_then(Value::as_u64).unwrap_or_default();
        let servers = (1..=count).map(|n| format!("hcloud_server.this[\"{name}-{n}\"]"));
        servers.chain([format!("hcloud_ssh_key.this[\"{name}\"]")]).collect()
    }

    fn plan(&self, request: &Request, state: &State, destroy: bool) -> (Plan, Vec<PlannedChange>) {
        let world = self.lock();
        // What the state lists and the cloud has lost is made anew.
        let present: BTreeSet<String> = state
            .resources
            .iter()
            .filter(|resource| world.cloud.contains_key(id_of(resource)))
            .map(|resource| resource.address.clone())
            .collect();
        let wanted = if destroy { BTreeSet::new() } else { Self::wanted(&request.variables) };
        let create: Vec<String> = wanted.difference(&present).cloned().collect();
        let delete: Vec<String> = present.difference(&wanted).cloned().collect();
        let change = |address: &String, action| PlannedChange {
            address: address.clone(),
            resource_type: address.split('.').next().unwrap_or_default().to_owned(),
            action,
        };
        let changes = create
            .iter()
            .map(|address| change(address, Action::Create))
            .chain(delete.iter().map(|address| change(address, Action::Delete)))
            .collect();
        (Plan { serial: state.serial, create, delete }, changes)
    }

    /// Changes one resource in the cloud and, at once, in the run's own state.
    fn change(&self, run_id: RunId, state: &mut State, address: &str, create: bool) {
        let mut world = self.lock();
        if create {
            world.ids += 1;
            let id = format!("{}", world.ids);
            let ip = format!("10.9.{}.{}", world.ids / 200, world.ids % 200 + 1);
            world.cloud.insert(id.clone(), address.to_owned());
            state.resources.push(Resource {
                mode: "managed".to_owned(),
                kind: address.split('.').next().unwrap_or_default().to_owned(),
                address: address.to_owned(),
                instances: vec![json!({ "attributes": { "id": id, "ip": ip } })],
            });
            if address.starts_with("hcloud_server.") {
                self.hosts.boot(&ip);
            }
        } else if let Some(at) = state.resources.iter().position(|r| r.address == address) {
            let gone = state.resources.remove(at);
            world.cloud.remove(id_of(&gone));
            self.hosts.scrap(ip_of(&gone));
        }
        state.serial += 1;
        if let Some(directory) = world.directories.get_mut(&run_id) {
            directory.state = Some(state.clone());
        }
    }

    async fn apply(
        &self,
        request: &Request,
        state: &mut State,
        plan: &Plan,
        (listener, stop): (&dyn Listener, &watch::Receiver<bool>),
    ) -> Result<Outcome, TerraformError> {
        if plan.serial != state.serial {
            return Ok(said_no("Saved plan is stale", "the state was changed by another run"));
        }
        let creates = plan.create.iter().map(|address| (address, true));
        for (address, create) in creates.chain(plan.delete.iter().map(|address| (address, false))) {
            let action = if create { Action::Create } else { Action::Delete };
            listener.event(Event::ResourceStarted { address: address.clone(), action });
            tokio::task::yield_now().await;
            let fault = self.faults.next();
            match fault {
                Some(Fault::Refused | Fault::Dead) => {
                    let address = address.clone();
                    listener.event(Event::ResourceFailed { address, elapsed_seconds: 1 });
                    let token = request.credentials.first().map_or("", |(_, token)| token.expose());
                    let detail = format!("resource limit exceeded for {token}");
                    return Ok(said_no("the provider said no", &detail));
                }
                Some(Fault::Hangs) => wait_for(stop).await,
                Some(Fault::Lost) | None => {}
            }
            if *stop.borrow() {
                return Ok(Outcome { stopped: true, ..said_no("interrupted", "") });
            }
            self.change(request.run_id, state, address, create);
            // Here the object exists, and only the run's directory knows.
            tokio::task::yield_now().await;
            keep(listener, state)?;
            listener.event(Event::ResourceDone {
                address: address.clone(),
                action,
                elapsed_seconds: 1,
                resource_id: None,
            });
            if fault == Some(Fault::Lost) {
                return Ok(said_no("the provider's answer was lost", "connection reset"));
            }
        }
        let outputs = json!({ "servers": { "value": servers(state) } });
        Ok(Outcome {
            success: true,
            stopped: false,
            changes: Vec::new(),
            diagnostics: Vec::new(),
            plan: None,
            outputs: outputs.as_object().cloned(),
        })
    }
}

/// A run that is dropped before its end leaves its directory behind.
struct Guard<'a> {
    terraform: &'a SimTerraform,
    run_id: RunId,
    has_ended: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let mut world = self.terraform.lock();
        if self.has_ended {
            world.directories.remove(&self.run_id);
        } else if let Some(directory) = world.directories.get_mut(&self.run_id) {
            directory.is_abandoned = true;
        }
    }
}

#[async_trait]
impl Terraform for SimTerraform {
    async fn locate(&self, path: Option<PathBuf>) -> Result<Binary, TerraformError> {
        if self.lock().is_missing {
            return Err(TerraformError::Missing { searched: path });
        }
        Ok(Binary {
            path: path.unwrap_or_else(|| PathBuf::from("/usr/bin/tofu")),
            product: "OpenTofu".to_owned(),
            version: "1.10.0".to_owned(),
        })
    }

    async fn run(
        &self,
        request: Request,
        listener: Arc<dyn Listener>,
        stop: watch::Receiver<bool>,
    ) -> Result<Outcome, TerraformError> {
        tokio::task::yield_now().await;
        let unusable = |reason: &str| TerraformError::Directory {
            path: PathBuf::from(request.run_id.to_string()),
            source: std::io::Error::other(reason.to_owned()),
        };
        match self.faults.next() {
            Some(Fault::Refused | Fault::Lost | Fault::Dead) => {
                return Err(unusable("the simulated disk is full"));
            }
            Some(Fault::Hangs) => wait_for(&stop).await,
            None => {}
        }
        let mut state = match &request.state {
            Some(state) => read(state),
            None => State {
                version: 4,
                serial: 0,
                lineage: request.stack_id.short(),
                resources: Vec::new(),
            },
        };
        let directory = Directory { stack_id: request.stack_id, state: None, is_abandoned: false };
        if self.lock().directories.insert(request.run_id, directory).is_some() {
            return Err(unusable("this run has a directory"));
        }
        let mut guard = Guard { terraform: self, run_id: request.run_id, has_ended: false };
        listener.event(Event::Stage("init"));
        tokio::task::yield_now().await;
        let result = match &request.work {
            Work::Plan { destroy } => {
                let (plan, changes) = self.plan(&request, &state, *destroy);
                listener.event(Event::Line(format!("{} changes", changes.len())));
                let token = request.credentials.first().map_or("", |(_, token)| token.expose());
                listener.event(Event::Line(format!("the provider echoes {token}")));
                let plan = serde_json::to_vec(&plan).expect("a plan is JSON");
                Ok(Outcome {
                    success: true,
                    stopped: false,
                    changes,
                    diagnostics: Vec::new(),
                    plan: Some(Sensitive::new(plan)),
                    outputs: None,
                })
            }
            Work::Apply { plan } => {
                let plan: Plan = serde_json::from_slice(plan.expose()).expect("a plan of ours");
                self.apply(&request, &mut state, &plan, (listener.as_ref(), &stop)).await
            }
        };
        tokio::task::yield_now().await;
        guard.has_ended = true;
        result
    }

    async fn leftovers(&self) -> Result<Vec<Leftover>, TerraformError> {
        let world = self.lock();
        let directories = world.directories.iter();
        Ok(directories
            .map(|(run_id, directory)| Leftover {
                run_id: *run_id,
                stack_id: directory.stack_id,
                is_held: !directory.is_abandoned,
            })
            .collect())
    }

    async fn adopt(
        &self,
        leftover: &Leftover,
        listener: Arc<dyn Listener>,
    ) -> Result<bool, TerraformError> {
        let run_id = leftover.run_id;
        let state = match self.lock().directories.get_mut(&run_id) {
            Some(directory) if directory.is_abandoned => {
                directory.is_abandoned = false;
                directory.state.clone()
            }
            _ => return Ok(false),
        };
        let mut guard = Guard { terraform: self, run_id, has_ended: false };
        tokio::task::yield_now().await;
        if let Some(state) = state {
            keep(listener.as_ref(), &state)?;
        }
        tokio::task::yield_now().await;
        guard.has_ended = true;
        Ok(true)
    }
}

async fn wait_for(stop: &watch::Receiver<bool>) {
    let mut stop = stop.clone();
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn keep(listener: &dyn Listener, state: &State) -> Result<(), TerraformError> {
    let bytes = serde_json::to_vec(state).expect("a state is JSON");
    listener.state(&Sensitive::new(bytes)).map_err(|source| TerraformError::StateNotKept { source })
}

fn read(state: &Sensitive) -> State {
    serde_json::from_slice(state.expose()).expect("a state of ours")
}

fn said_no(summary: &str, detail: &str) -> Outcome {
    let diagnostic = Diagnostic {
        is_error: true,
        summary: summary.to_owned(),
        detail: detail.to_owned(),
        place: None,
    };
    Outcome {
        success: false,
        stopped: false,
        changes: Vec::new(),
        diagnostics: vec![diagnostic],
        plan: None,
        outputs: None,
    }
}

fn servers(state: &State) -> Vec<Value> {
    let servers = state.resources.iter().filter(|resource| resource.kind == "hcloud_server");
    servers
        .map(|resource| {
            let name = resource.address.split('"').nth(1).unwrap_or_default();
            json!({
                "name": name, "id": id_of(resource), "public_ipv4": ip_of(resource),
                "public_ipv6": null, "private_ipv4": null, "region": "fsn1", "size": "cx22",
                "ssh_user": "root",
            })
        })
        .collect()
}

fn id_of(resource: &Resource) -> &str {
    attribute(resource, "id")
}

fn ip_of(resource: &Resource) -> &str {
    attribute(resource, "ip")
}

fn attribute<'a>(resource: &'a Resource, name: &str) -> &'a str {
    let attributes = resource.instances.first().and_then(|instance| instance.get("attributes"));
    attributes.and_then(|a| a.get(name)).and_then(Value::as_str).unwrap_or_default()
}
