//! The reverse proxy's worker: its back ends, its admin socket, its traffic.

use std::{collections::BTreeMap, fmt::Write as _};

use super::docker::Container;

const CONFIGURATION: &str = "/var/lib/deploy-proxy/etc/haproxy.cfg";
const HOSTS_MAP: &str = "/var/lib/deploy-proxy/etc/hosts.map";

/// One worker process, from one reload to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) pid: u32,
    backends: BTreeMap<String, Vec<Backed>>,
    hosts: BTreeMap<String, String>,
    fallback: String,
}

/// A server of a back end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Backed {
    name: String,
    /// An address, or the name of a container.
    host: String,
    port: String,
    weight: u32,
    in_maintenance: bool,
    is_checked: bool,
}

impl Worker {
    /// Reads what a worker reads when it starts.
    pub(super) fn start(pid: u32, files: &BTreeMap<String, Vec<u8>>) -> Self {
        let text = |path: &str| {
            String::from_utf8_lossy(files.get(path).map_or(&[], Vec::as_slice)).into_owned()
        };
        let mut worker = Self {
            pid,
            backends: BTreeMap::new(),
            hosts: BTreeMap::new(),
            fallback: String::new(),
        };
        let mut current = None;
        for line in text(CONFIGURATION).lines() {
            if let Some(name) = line.strip_prefix("backend ") {
                worker.backends.insert(name.to_owned(), Vec::new());
                current = Some(name.to_owned());
            } else if let Some((_, rest)) = line.split_once("hosts.map,") {
                rest.split(')').next().unwrap_or_default().clone_into(&mut worker.fallback);
            } else if let Some(server) = line.strip_prefix("    server ")
                && let Some(backend) = current.as_ref().and_then(|c| worker.backends.get_mut(c))
            {
                backend.push(Backed { in_maintenance: false, is_checked: true, ..backed(server) });
            }
        }
        for line in text(HOSTS_MAP).lines() {
            if let Some((host, backend)) = line.split_once(' ') {
                worker.hosts.insert(host.to_owned(), backend.to_owned());
            }
        }
        worker
    }

    /// Answers one line on the admin socket.
    pub(super) fn ask(&mut self, line: &str, containers: &BTreeMap<String, Container>) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["show", "info"] => format!("Name: HAProxy\nPid: {}\n", self.pid),
            ["show", "stat", backend, "4", "-1"] => self.statistics(backend, containers),
            ["add", "server", place, ..] => {
                let (backend, name) = split(place);
                let rest = line.split_once('/').map_or("", |(_, rest)| rest);
                match self.backends.get_mut(backend) {
                    None => "No such backend.\n".to_owned(),
                    Some(servers) if servers.iter().any(|server| server.name == name) => {
                        "Already exists a server with the same name in backend.\n".to_owned()
                    }
                    Some(servers) => {
                        servers.push(backed(rest));
                        "New server registered.\n".to_owned()
                    }
                }
            }
            ["enable", "health", place] => self.change(place, |server| server.is_checked = true),
            ["enable", "server", place] => {
                self.change(place, |server| server.in_maintenance = false)
            }
            ["set", "server", place, "weight", weight] => {
                let weight = weight.parse().unwrap_or(0);
                self.change(place, |server| server.weight = weight)
            }
            ["set", "server", place, "state", "maint"] => {
                self.change(place, |server| server.in_maintenance = true)
            }
            ["shutdown", "sessions", "server", place] => self.change(place, |_| {}),
            ["del", "server", place] => {
                let (backend, name) = split(place);
                let servers = self.backends.get_mut(backend);
                let found = servers.and_then(|servers| {
                    let at = servers.iter().position(|server| server.name == name)?;
                    Some((servers, at))
                });
                match found {
                    None => "No such server.\n".to_owned(),
                    Some((servers, at)) if servers[at].in_maintenance => {
                        servers.remove(at);
                        "Server deleted.\n".to_owned()
                    }
                    Some(_) => "Only servers in maintenance mode can be deleted.\n".to_owned(),
                }
            }
            _ => panic!("the simulated proxy does not know `{line}`"),
        }
    }

    /// The containers that get a share of the requests for `host`.
    pub(super) fn serving<'a>(
        &self,
        host: &str,
        containers: &'a BTreeMap<String, Container>,
    ) -> Vec<&'a Container> {
        let backend = self.hosts.get(host).unwrap_or(&self.fallback);
        let servers = self.backends.get(backend).map_or(&[][..], Vec::as_slice);
        servers
            .iter()
            .filter(|server| server.weight > 0 && !server.in_maintenance)
            .filter_map(|server| server.container(containers))
            .collect()
    }

    /// The back ends that applications have here.
    pub(super) fn backends(&self) -> Vec<String> {
        self.backends.keys().filter(|name| *name != "unknown").cloned().collect()
    }

    fn change(&mut self, place: &str, change: impl FnOnce(&mut Backed)) -> String {
        let (backend, name) = split(place);
        let servers = self.backends.get_mut(backend);
        match servers.and_then(|servers| servers.iter_mut().find(|server| server.name == name)) {
            Some(server) => {
                change(server);
                "\n".to_owned()
            }
            None => "No such server.\n".to_owned(),
        }
    }

    fn statistics(&self, backend: &str, containers: &BTreeMap<String, Container>) -> String {
        let Some(servers) = self.backends.get(backend) else {
            return "No such proxy.\n".to_owned();
        };
        let mut table = "# pxname,svname,scur,status,check_status,addr,\n".to_owned();
        for server in servers {
            let container = server.container(containers);
            let (status, check) = match container {
                _ if server.in_maintenance => ("MAINT", ""),
                _ if !server.is_checked => ("no check", ""),
                Some(container) if container.is_healthy() => ("UP", "L7OK"),
                _ => ("DOWN", "L4CON"),
            };
            let address = container.map_or("0.0.0.0", |container| container.address.as_str());
            let (name, port) = (&server.name, &server.port);
            let _ = writeln!(table, "{backend},{name},0,{status},{check},{address}:{port},");
        }
        table
    }
}

impl Backed {
    fn container<'a>(&self, containers: &'a BTreeMap<String, Container>) -> Option<&'a Container> {
        let by_name = containers.get(&self.host);
        let container = by_name.or_else(|| containers.values().find(|c| c.address == self.host));
        container.filter(|container| container.running && !container.address.is_empty())
    }
}

/// Reads `NAME HOST:PORT weight WEIGHT …`; a server that was added waits, unchecked.
fn backed(line: &str) -> Backed {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, address, "weight", weight, ..] = words.as_slice() else {
        panic!("the simulated proxy can't read the server `{line}`")
    };
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    Backed {
        name: (*name).to_owned(),
        host: host.to_owned(),
        port: port.to_owned(),
        weight: weight.parse().unwrap_or(0),
        in_maintenance: true,
        is_checked: false,
    }
}

fn split(place: &str) -> (&str, &str) {
    place.split_once('/').unwrap_or((place, ""))
}
