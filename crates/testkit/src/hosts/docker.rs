//! A Docker engine, as far as this project talks to one.

use std::collections::{BTreeMap, BTreeSet};

use super::{machine::Answer, proxy::Worker};

/// What a container of an image does once it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// It answers every request with this status.
    Answers(u16),
    /// It runs, and nothing listens.
    Silent,
    /// It ends at once with this code, after it said this.
    Exits(u8, String),
    /// It is the reverse proxy.
    Proxy,
}

/// An image that the simulated registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// Its reference without tag.
    pub(super) repository: String,
    /// `sha256:…`.
    pub(super) digest: String,
    pub(super) behaviour: Behaviour,
    /// The password that pulls it; none: anybody may.
    pub(super) password: Option<String>,
}

/// A container, alive or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// What it is called.
    pub name: String,
    /// The image's reference as it was run.
    pub image: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its environment, as it came over standard input.
    pub environment: String,
    /// Its address in the proxy's network; empty while it does not run.
    pub address: String,
    /// Whether its process is alive.
    pub running: bool,
    /// What its process does.
    pub behaviour: Behaviour,
}

impl Container {
    pub(super) fn is_healthy(&self) -> bool {
        self.running && matches!(self.behaviour, Behaviour::Answers(200..400))
    }
}

/// The engine of one machine.
#[derive(Debug, Default, Clone)]
pub(super) struct Docker {
    pub(super) version: Option<String>,
    pub(super) containers: BTreeMap<String, Container>,
    pub(super) worker: Option<Worker>,
    images: BTreeSet<String>,
    networks: BTreeSet<String>,
    logins: BTreeMap<String, String>,
    addresses: u32,
}

/// What a command may look at besides the engine.
pub(super) struct Surroundings<'a> {
    pub(super) registry: &'a BTreeMap<String, Image>,
    pub(super) files: &'a mut BTreeMap<String, Vec<u8>>,
    pub(super) stdin: &'a str,
}

impl Docker {
    pub(super) fn installed(version: &str) -> Self {
        Self { version: Some(version.to_owned()), ..Self::default() }
    }

    /// Runs `docker ARGUMENTS`.
    pub(super) fn run(&mut self, arguments: &[&str], around: Surroundings<'_>) -> Answer {
        let Some(version) = self.version.clone() else {
            return Answer::failed(127, "sh: docker: not found");
        };
        match arguments {
            ["version", "--format", "{{.Server.Version}}"] => Answer::said(version + "\n"),
            ["inspect", "-f", format, name] => self.inspect(format, name),
            ["network", "inspect", name] => Answer::of(self.networks.contains(*name)),
            ["network", "create", name] => {
                let fresh = self.networks.insert((*name).to_owned());
                if fresh { Answer::fine() } else { Answer::failed(1, "network already exists") }
            }
            ["image", "inspect", reference] => Answer::of(self.images.contains(*reference)),
            ["image", "inspect", "-f", "{{range .RepoDigests}}{{println .}}{{end}}", reference] => {
                match find(around.registry, reference) {
                    Some(image) if self.images.contains(*reference) => {
                        Answer::said(format!("{}@{}\n", image.repository, image.digest))
                    }
                    _ => Answer::failed(1, "No such image"),
                }
            }
            ["pull", "-q", reference] | ["pull", reference] => {
                self.pull(reference, None, around.registry)
            }
            ["--config", config, "pull", reference] => {
                let password = self.logins.get(*config).cloned();
                self.pull(reference, password, around.registry)
            }
            ["--config", config, "login", "--username", _, "--password-stdin", _] => {
                self.logins.insert((*config).to_owned(), around.stdin.to_owned());
                around.files.insert((*config).to_owned(), around.stdin.as_bytes().to_vec());
                Answer::fine()
            }
            ["run", "-d", "--name", name, rest @ ..] => self.start(name, rest, around),
            ["rm", "-f", name] => match self.containers.remove(*name) {
                Some(container) => {
                    if container.behaviour == Behaviour::Proxy {
                        self.worker = None;
                    }
                    Answer::fine()
                }
                None => Answer::failed(1, &format!("Error: No such container: {name}")),
            },
            ["stop", "-t", _, name] => match self.containers.get_mut(*name) {
                Some(container) => {
                    container.running = false;
                    container.address.clear();
                    Answer::fine()
                }
                None => Answer::failed(1, &format!("Error: No such container: {name}")),
            },
            ["logs", .., name] => match self.containers.get(*name) {
                Some(container) => Answer::said(container.log()),
                None => Answer::failed(1, &format!("Error: No such container: {name}")),
            },
            ["ps", "-a", "--filter", filter, "--format", "{{.Names}}"] => {
                let label = filter.strip_prefix("label=").and_then(|label| label.split_once('='));
                let (key, value) = label.unwrap_or_else(|| unknown(arguments));
                let names = self.containers.values().filter(|container| {
                    container.labels.get(key).map(String::as_str) == Some(value)
                });
                Answer::said(names.map(|container| container.name.clone() + "\n").collect())
            }
            ["exec", _, "haproxy", "-c", ..] => Answer::of(self.worker.is_some()),
            ["kill", "-s", "USR2", _] => match &self.worker {
                Some(worker) => {
                    let next = worker.pid + 1;
                    self.worker = Some(Worker::start(next, around.files));
                    Answer::fine()
                }
                None => Answer::failed(1, "container is not running"),
            },
            _ => unknown(arguments),
        }
    }

    fn inspect(&self, format: &str, name: &str) -> Answer {
        let Some(container) = self.containers.get(name) else {
            return Answer::failed(1, &format!("Error: No such object: {name}"));
        };
        let running = container.running;
        let label = |key: &str| container.labels.get(key).cloned().unwrap_or_default();
        Answer::said(match format {
            "{{.State.Running}}" => format!("{running}\n"),
            "{{.State.Running}} {{index .Config.Labels \"deploy.release\"}}" => {
                format!("{running} {}\n", label("deploy.release"))
            }
            "{{.State.Running}} {{(index .NetworkSettings.Networks \"deploy\").IPAddress}}" => {
                format!("{running} {}\n", container.address)
            }
            "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}" => {
                match (&container.behaviour, running) {
                    (Behaviour::Exits(code, _), _) => format!("restarting {code} 1\n"),
                    (_, true) => "running 0 0\n".to_owned(),
                    (_, false) => "exited 137 0\n".to_owned(),
                }
            }
            _ => unknown(&["inspect", "-f", format, name]),
        })
    }

    fn pull(
        &mut self,
        reference: &str,
        password: Option<String>,
        registry: &BTreeMap<String, Image>,
    ) -> Answer {
        let Some(image) = find(registry, reference) else {
            return Answer::failed(1, &format!("manifest for {reference} not found"));
        };
        if image.password.is_some() && image.password != password {
            return Answer::failed(1, "pull access denied: unauthorized");
        }
        self.images.insert(reference.to_owned());
        self.images.insert(format!("{}@{}", image.repository, image.digest));
        Answer::said(format!("{reference}: Pull complete\n"))
    }

    fn start(&mut self, name: &str, rest: &[&str], around: Surroundings<'_>) -> Answer {
        if self.containers.contains_key(name) {
            return Answer::failed(125, &format!("the container name `{name}` is already in use"));
        }
        let mut labels = BTreeMap::new();
        let mut rest = rest.iter();
        let mut image = "";
        while let Some(argument) = rest.next() {
            match *argument {
                "--label" => {
                    let (key, value) =
                        rest.next().and_then(|l| l.split_once('=')).unwrap_or(("", ""));
                    labels.insert(key.to_owned(), value.to_owned());
                }
                "--network" => {
                    let network = rest.next().copied().unwrap_or_default();
                    if !self.networks.contains(network) {
                        return Answer::failed(125, &format!("network {network} not found"));
                    }
                }
                "--restart" | "--stop-timeout" | "--env-file" | "-p" | "--sysctl" | "-v" => {
                    rest.next();
                }
                reference if !reference.starts_with('-') => image = reference,
                _ => unknown(&["run", argument]),
            }
        }
        let Some(found) = find(around.registry, image).filter(|_| self.images.contains(image))
        else {
            return Answer::failed(125, &format!("Unable to find image '{image}' locally"));
        };
        self.addresses += 1;
        let exits = matches!(found.behaviour, Behaviour::Exits(..));
        let address =
            if exits { String::new() } else { format!("172.30.0.{}", self.addresses + 1) };
        let container = Container {
            name: name.to_owned(),
            image: image.to_owned(),
            labels,
            environment: around.stdin.to_owned(),
            address,
            running: true,
            behaviour: found.behaviour.clone(),
        };
        if container.behaviour == Behaviour::Proxy {
            self.worker = Some(Worker::start(100 * self.addresses, around.files));
        }
        self.containers.insert(name.to_owned(), container);
        Answer::fine()
    }
}

impl Container {
    fn log(&self) -> String {
        match &self.behaviour {
            Behaviour::Exits(_, said) => format!("{said}\n"),
            // An application that says what it was told: what redaction is for.
            _ => format!("2026-07-01T01:00:00Z started with {}\n", self.environment.trim()),
        }
    }
}

fn find<'a>(registry: &'a BTreeMap<String, Image>, reference: &str) -> Option<&'a Image> {
    match reference.split_once('@') {
        Some((_, digest)) => registry.values().find(|image| image.digest == digest),
        None => registry.get(reference),
    }
}

fn unknown(arguments: &[&str]) -> ! {
    panic!("the simulated Docker does not know `docker {}`", arguments.join(" "))
}
