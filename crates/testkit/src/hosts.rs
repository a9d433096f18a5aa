//! Simulated servers behind the `Hosts` port.
//!
//! Each machine has a host key, files, a Docker engine and, once it was
//! deployed, a reverse proxy with its admin socket. They know the commands that
//! this project sends, and panic at any other one: a test must not pass because
//! a simulation shrugged.

pub mod docker;
pub mod fault;
mod machine;
mod proxy;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use flightdeck_app::port::hosts::{
    Command, HostError, Hosts, HttpAnswer, HttpRequest, Lane, Output, Target,
};
use flightdeck_domain::{
    id::ServerId,
    server::{Endpoint, HostKey},
};

use self::{
    docker::{Behaviour, Container, Image},
    fault::{Fault, Faults},
    machine::Machine,
};

/// Where the proxy's admin socket is on every machine.
const SOCKET: &str = "/var/lib/deploy-proxy/run/admin.sock";

/// Every simulated machine, and the registry that they pull from.
#[derive(Debug, Default)]
pub struct SimHosts {
    /// What goes wrong with the calls of the port.
    pub faults: Faults,
    world: Mutex<World>,
}

#[derive(Debug, Default, Clone)]
struct World {
    machines: BTreeMap<String, Machine>,
    registry: BTreeMap<String, Image>,
    keys: u32,
}

impl SimHosts {
    /// Starts with no machine, and with the proxy's image in the registry.
    pub fn new() -> Self {
        let hosts = Self::default();
        hosts.push_image("haproxy:3.0", Behaviour::Proxy);
        hosts
    }

    /// Makes a second world that begins as this one is, without its faults.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { faults: Faults::default(), world: Mutex::new(self.lock().clone()) }
    }

    /// Boots a machine at `host`; one that runs there already is left alone.
    pub fn boot(&self, host: &str) {
        let mut world = self.lock();
        world.keys += 1;
        let key = key(world.keys);
        world.machines.entry(host.to_owned()).or_insert_with(|| Machine::new(key));
    }

    /// Takes the machine at `host` away for good.
    pub fn scrap(&self, host: &str) {
        self.lock().machines.remove(host);
    }

    /// Cuts, or restores, the way to a machine.
    pub fn set_reachable(&self, host: &str, is_reachable: bool) {
        self.machine(host, |machine| machine.is_reachable = is_reachable);
    }

    /// Gives a machine another host key, as a machine in its place would have.
    pub fn change_key(&self, host: &str) {
        let key = {
            let mut world = self.lock();
            world.keys += 1;
            key(world.keys)
        };
        self.machine(host, |machine| machine.key = key);
    }

    /// Leaves a machine too little memory.
    pub fn make_small(&self, host: &str) {
        self.machine(host, |machine| machine.memory = 256_000_000);
    }

    /// Gives a machine enough memory again.
    pub fn make_large(&self, host: &str) {
        self.machine(host, |machine| machine.memory = machine::MEMORY);
    }

    /// Takes Docker off a machine.
    pub fn uninstall_docker(&self, host: &str) {
        self.machine(host, |machine| machine.docker.version = None);
    }

    /// Puts an image into the registry.
    ///
    /// # Panics
    /// If the reference has no tag.
    pub fn push_image(&self, reference: &str, behaviour: Behaviour) {
        self.push(reference, behaviour, None);
    }

    /// Puts an image into the registry that only `password` pulls.
    ///
    /// # Panics
    /// If the reference has no tag.
    pub fn push_private_image(&self, reference: &str, behaviour: Behaviour, password: &str) {
        self.push(reference, behaviour, Some(password.to_owned()));
    }

    /// The containers of a machine, by name, without the proxy's own.
    pub fn containers(&self, host: &str) -> Vec<Container> {
        self.machine(host, |machine| {
            let all = machine.docker.containers.values();
            all.filter(|container| container.behaviour != Behaviour::Proxy).cloned().collect()
        })
    }

    /// The containers that get a share of the requests for `domain` at a machine.
    pub fn serving(&self, host: &str, domain: &str) -> Vec<Container> {
        self.machine(host, |machine| {
            let docker = &machine.docker;
            docker.worker.as_ref().map_or_else(Vec::new, |worker| {
                worker.serving(domain, &docker.containers).into_iter().cloned().collect()
            })
        })
    }

    /// The back ends that the proxy of a machine runs with.
    pub fn backends(&self, host: &str) -> Vec<String> {
        self.machine(host, |machine| {
            machine.docker.worker.as_ref().map_or_else(Vec::new, proxy::Worker::backends)
        })
    }

    /// Ends a container's process for good, as an operator's `docker stop` does.
    ///
    /// # Panics
    /// If there is no such container.
    pub fn stop_container(&self, host: &str, name: &str) {
        self.machine(host, |machine| {
            let container =
                machine.docker.containers.get_mut(name).expect("the container is there");
            container.running = false;
            container.address.clear();
        });
    }

    /// The paths and contents of a machine's files.
    pub fn files(&self, host: &str) -> BTreeMap<String, Vec<u8>> {
        self.machine(host, |machine| machine.files.clone())
    }

    fn push(&self, reference: &str, behaviour: Behaviour, password: Option<String>) {
        let (repository, _) = reference.rsplit_once(':').expect("the reference has a tag");
        let digest = reference.bytes().fold(7_u64, |hash, byte| {
            hash.wrapping_mul(1_099_511_628_211).wrapping_add(u64::from(byte))
        });
        let image = Image {
            repository: repository.to_owned(),
            digest: format!("sha256:{digest:064x}"),
            behaviour,
            password,
        };
        self.lock().registry.insert(reference.to_owned(), image);
    }

    fn machine<T>(&self, host: &str, use_it: impl FnOnce(&mut Machine) -> T) -> T {
        let mut world = self.lock();
        let machine = world.machines.get_mut(host);
        use_it(machine.unwrap_or_else(|| panic!("there is no machine at `{host}`")))
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries one call to a machine, with whatever goes wrong on the way.
    async fn carry<T>(
        &self,
        endpoint: &Endpoint,
        pinned: Option<&HostKey>,
        call: impl FnOnce(&mut Machine, &BTreeMap<String, Image>) -> Result<T, NobodyListens>,
    ) -> Result<T, HostError> {
        let broken = || HostError::Broken {
            endpoint: endpoint.clone(),
            reason: "the simulated connection broke".to_owned(),
        };
        // Gives whoever shares the thread a turn, as a network would.
        tokio::task::yield_now().await;
        let fault = self.faults.next();
        match fault {
            Some(Fault::Refused | Fault::Dead) => return Err(broken()),
            Some(Fault::Hangs) => std::future::pending::<()>().await,
            Some(Fault::Lost) | None => {}
        }
        let answer = {
            let mut world = self.lock();
            let World { machines, registry, .. } = &mut *world;
            let machine = machines.get_mut(&endpoint.host).filter(|machine| machine.is_reachable);
            let Some(machine) = machine else {
                return Err(HostError::Unreachable {
                    endpoint: endpoint.clone(),
                    reason: "connection refused".to_owned(),
                });
            };
            if let Some(pinned) = pinned.filter(|pinned| **pinned != machine.key) {
                return Err(HostError::HostKeyChanged {
                    endpoint: endpoint.clone(),
                    pinned: pinned.clone(),
                    presented: machine.key.clone(),
                });
            }
            call(machine, registry).map_err(|NobodyListens(address)| HostError::Forward {
                endpoint: endpoint.clone(),
                address,
                reason: "connection refused".to_owned(),
            })
        };
        tokio::task::yield_now().await;
        if fault == Some(Fault::Lost) { Err(broken()) } else { answer }
    }
}

/// Nothing is behind this address of the machine.
struct NobodyListens(String);

fn key(number: u32) -> HostKey {
    HostKey { algorithm: "ssh-ed25519".to_owned(), fingerprint: format!("SHA256:key{number}") }
}

#[async_trait]
impl Hosts for SimHosts {
    async fn host_key(&self, endpoint: &Endpoint) -> Result<HostKey, HostError> {
        self.carry(endpoint, None, |machine, _| Ok(machine.key.clone())).await
    }

    async fn run(
        &self,
        target: &Target,
        _lane: Lane,
        command: Command,
    ) -> Result<Output, HostError> {
        let pinned = Some(&target.host_key);
        self.carry(
            &target.endpoint,
            pinned,
            |machine, registry| Ok(machine.run(&command, registry)),
        )
        .await
    }

    async fn write_file(
        &self,
        target: &Target,
        path: &str,
        _mode: u32,
        content: &[u8],
    ) -> Result<(), HostError> {
        self.carry(&target.endpoint, Some(&target.host_key), |machine, _| {
            machine.files.insert(path.to_owned(), content.to_vec());
            Ok(())
        })
        .await
    }

    async fn ask_socket(
        &self,
        target: &Target,
        socket_path: &str,
        request: &[u8],
        _deadline: Duration,
    ) -> Result<Vec<u8>, HostError> {
        let line = String::from_utf8_lossy(request).trim().to_owned();
        self.carry(&target.endpoint, Some(&target.host_key), |machine, _| {
            let docker = &mut machine.docker;
            match &mut docker.worker {
                Some(worker) if socket_path == SOCKET => {
                    Ok(worker.ask(&line, &docker.containers).into_bytes())
                }
                _ => Err(NobodyListens(socket_path.to_owned())),
            }
        })
        .await
    }

    async fn http_get(
        &self,
        target: &Target,
        request: HttpRequest,
    ) -> Result<HttpAnswer, HostError> {
        self.carry(&target.endpoint, Some(&target.host_key), |machine, _| {
            let mut all = machine.docker.containers.values();
            match all.find(|container| container.address == request.address) {
                Some(Container {
                    behaviour: Behaviour::Answers(status), running: true, ..
                }) => Ok(HttpAnswer { status: *status, body: Vec::new() }),
                _ => Err(NobodyListens(format!("{}:{}", request.address, request.port))),
            }
        })
        .await
    }

    async fn disconnect(&self, _server_id: ServerId) {}
}
