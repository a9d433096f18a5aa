//! Sampling servers: one round trip each, spread over the interval.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use flightdeck_domain::{
    id::{OrganizationId, ServerId},
    metrics::{self, CpuTicks, Reading},
    server::{Server, ServerStatus},
};
use flightdeck_store::{organization, sample, server, user};
use jiff::Timestamp;

use crate::{
    App, Desk,
    error::{Code, Error, Result},
    event::Event,
    port::hosts::{Command, Lane},
};

/// One fork for the whole of /proc: `tail` prints a header before each file.
const READ: &str = "tail -n +1 /proc/stat /proc/loadavg /proc/meminfo /proc/uptime \
                    /proc/net/route /proc/net/dev /proc/diskstats; df -Pk /";

/// How long one sample may take before the server counts as silent.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long raw samples are kept.
const KEEP: jiff::SignedDuration = jiff::SignedDuration::from_hours(48);

/// What the sampling remembers between two rounds.
#[derive(Default)]
pub(crate) struct Readings(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    before: HashMap<ServerId, (Timestamp, Reading)>,
    reachable: HashMap<ServerId, bool>,
    due: HashSet<ServerId>,
}

/// The sampling of servers.
pub struct Monitor<'a>(pub(crate) &'a App);

impl Monitor<'_> {
    /// Whether a server answered last time; none before the first sampling.
    pub fn reachable(&self, id: ServerId) -> Option<bool> {
        self.memory(|memory| memory.reachable.get(&id).copied())
    }

    /// Asks for a sample of this server before its turn.
    pub fn look_soon(&self, id: ServerId) {
        self.memory(|memory| memory.due.insert(id));
    }

    /// Takes the servers that somebody wants to see before their turn.
    pub fn take_due(&self) -> HashSet<ServerId> {
        self.memory(|memory| std::mem::take(&mut memory.due))
    }

    /// Lists every server that is verified, of every organization that is not
    /// archived: what the sampling loop goes round.
    pub async fn watched(&self) -> Result<Vec<(OrganizationId, ServerId)>> {
        let organizations = self.0.store().main().read(organization::list).await?;
        let mut watched = Vec::new();
        for organization in organizations.iter().filter(|o| o.archived_at.is_none()) {
            let db = self.0.store().workspace(organization.id)?;
            let servers = db.read(server::list).await?;
            watched.extend(
                servers
                    .iter()
                    .filter(|server| server.status == ServerStatus::Ready)
                    .map(|server| (organization.id, server.id)),
            );
        }
        Ok(watched)
    }

    /// Samples one server and tells whoever looks. A silent server is an event,
    /// not an error; an error means that nothing could be learnt.
    pub async fn sample(&self, organization_id: OrganizationId, id: ServerId) -> Result<()> {
        let user = self.0.store().main().read(user::first).await?;
        let Some(user) = user else { return Ok(()) };
        let desk = self.0.desk(organization_id, user.id)?;
        let server = self.0.server(&desk, id).await?;
        match self.read(&desk, &server).await {
            Ok((at, reading)) => {
                let before = self.memory(|memory| {
                    memory.reachable.insert(id, true);
                    memory.before.insert(id, (at, reading.clone()))
                });
                let before = before.as_ref().map(|(at, reading)| (*at, reading));
                let sample = metrics::sample(id, at, &reading, before);
                let stored = sample.clone();
                desk.metrics.write(move |tx| sample::insert(tx, &stored)).await?;
                self.0.publish(Event::Sampled { organization_id, sample, reachable: true });
                Ok(())
            }
            Err(error) if error.code == Code::VaultLocked => Err(error),
            Err(error) => {
                let was = self.memory(|memory| {
                    memory.before.remove(&id);
                    memory.reachable.insert(id, false)
                });
                if was != Some(false) {
                    self.0.report(&error, "A server stopped answering");
                    self.0.announce_server(&desk, id);
                }
                let latest = desk.metrics.read(sample::latest).await?;
                if let Some(sample) = latest.into_iter().find(|sample| sample.server_id == id) {
                    self.0.publish(Event::Sampled { organization_id, sample, reachable: false });
                }
                Ok(())
            }
        }
    }

    /// Drops raw samples that are older than their keep.
    pub async fn prune(&self) -> Result<()> {
        let before = self.0.now() - KEEP;
        for organization in self.0.store().main().read(organization::list).await? {
            let db = self.0.store().metrics(organization.id)?;
            db.write(move |tx| sample::prune(tx, before)).await?;
        }
        Ok(())
    }

    async fn read(&self, desk: &Desk, server: &Server) -> Result<(Timestamp, Reading)> {
        let target = self.0.target(desk, server).await?;
        let command = Command::new(["sh", "-c", READ]).deadline(DEADLINE);
        let output = self.0.ports().hosts.run(&target, Lane::Monitor, command).await?;
        let at = self.0.now();
        match parse(&output.stdout) {
            Some(reading) => Ok((at, reading)),
            None => Err(Error::new(
                Code::RemoteCommand,
                format!("`{}` did not state its metrics", server.name),
            )
            .hint("check that it runs Linux with /proc")),
        }
    }

    fn memory<T>(&self, use_it: impl FnOnce(&mut Memory) -> T) -> T {
        let readings = &self.0.0.readings.0;
        use_it(&mut readings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads the answer to [`READ`]; none where a part is missing.
fn parse(text: &str) -> Option<Reading> {
    let mut sections: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut current = "";
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("==> ").and_then(|l| l.strip_suffix(" <==")) {
            current = path;
        } else if line.starts_with("Filesystem") {
            current = "df";
        } else if !line.is_empty() {
            sections.entry(current).or_default().push(line);
        }
    }
    let section = |name: &str| sections.get(name).map_or(&[][..], Vec::as_slice);

    let stat = section("/proc/stat");
    let cpu: Vec<u64> =
        stat.first()?.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
    let tick = |index: usize| cpu.get(index).copied().unwrap_or(0);
    let cores = stat.iter().filter(|line| is_core(line)).count();
    let load: Vec<f64> = section("/proc/loadavg")
        .first()?
        .split_whitespace()
        .take(3)
        .filter_map(|n| n.parse().ok())
        .collect();
    let memory = |key: &str| {
        section("/proc/meminfo").iter().find_map(|line| {
            let kib: u64 = line.strip_prefix(key)?.split_whitespace().next()?.parse().ok()?;
            Some(kib.saturating_mul(1024))
        })
    };
    let uptime_seconds =
        section("/proc/uptime").first()?.split_whitespace().next()?.parse().ok()?;
    let (net_received, net_sent) = network(section("/proc/net/route"), section("/proc/net/dev"));
    let (disk_read, disk_written) = disks(section("/proc/diskstats"));
    let df: Vec<&str> = section("df").first()?.split_whitespace().collect();
    let kib = |index: usize| df.get(index)?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024));
    Some(Reading {
        cpu: CpuTicks {
            // user nice system idle iowait irq softirq steal; guest is in user already.
            total: cpu.iter().take(8).sum(),
            idle: tick(3) + tick(4),
            iowait: tick(4),
            steal: tick(7),
        },
        load: [*load.first()?, *load.get(1)?, *load.get(2)?],
        cores: u32::try_from(cores).ok()?,
        memory_total: memory("MemTotal:")?,
        memory_available: memory("MemAvailable:")?,
        swap_total: memory("SwapTotal:").unwrap_or(0),
        swap_free: memory("SwapFree:").unwrap_or(0),
        disk_total: kib(1)?,
        disk_used: kib(2)?,
        disk_read,
        disk_written,
        net_received,
        net_sent,
        uptime_seconds,
        containers_running: None,
    })
}

fn is_core(line: &str) -> bool {
    line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Bytes received and sent on the interface of the default route.
fn network(route: &[&str], dev: &[&str]) -> (u64, u64) {
    let interface = route.iter().find_map(|line| {
        let mut fields = line.split_whitespace();
        let name = fields.next()?;
        (fields.next()? == "00000000").then_some(name)
    });
    dev.iter()
        .find_map(|line| {
            let (name, counters) = line.split_once(':')?;
            (Some(name.trim()) == interface).then_some(())?;
            let counters: Vec<u64> =
                counters.split_whitespace().filter_map(|n| n.parse().ok()).collect();
            Some((*counters.first()?, *counters.get(8)?))
        })
        .unwrap_or((0, 0))
}

/// Bytes read and written on whole disks; partitions would count twice.
fn disks(lines: &[&str]) -> (u64, u64) {
    const SECTOR: u64 = 512;
    let mut total = (0, 0);
    for line in lines {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (Some(name), Some(read), Some(written)) = (fields.get(2), fields.get(5), fields.get(9))
        else {
            continue;
        };
        if is_whole_disk(name) {
            total.0 += read.parse::<u64>().unwrap_or(0) * SECTOR;
            total.1 += written.parse::<u64>().unwrap_or(0) * SECTOR;
        }
    }
    total
}

fn is_whole_disk(name: &str) -> bool {
    let ends_in_digit = name.ends_with(|c: char| c.is_ascii_digit());
    match name {
        _ if name.starts_with("nvme") || name.starts_with("mmcblk") => !name.contains('p'),
        _ if ["sd", "vd", "xvd", "hd"].iter().any(|p| name.starts_with(p)) => !ends_in_digit,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "==> /proc/stat <==
cpu  100 0 50 800 20 0 0 5 0 0
cpu0 50 0 25 400 10 0 0 5 0 0
cpu1 50 0 25 400 10 0 0 0 0 0
intr 1

==> /proc/loadavg <==
0.50 0.40 0.30 1/100 1234

==> /proc/meminfo <==
MemTotal:        2048 kB
MemAvailable:    1024 kB
SwapTotal:          0 kB

==> /proc/uptime <==
3600.50 7000.00

==> /proc/net/route <==
Iface\tDestination\tGateway
eth0\t00000000\t014D4D0A

==> /proc/net/dev <==
Inter-|   Receive
 face |bytes
    lo: 9 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0
  eth0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0

==> /proc/diskstats <==
 254 0 vda 10 0 100 0 10 0 200 0 0 0 0
 254 1 vda1 10 0 100 0 10 0 200 0 0 0 0
Filesystem     1024-blocks  Used Available Capacity Mounted on
/dev/vda1            10000  4000      6000      40% /
";

    #[test]
    fn a_servers_answer_becomes_a_reading() {
        let reading = parse(ANSWER).expect("the answer is complete");

        assert_eq!(reading.cores, 2);
        assert_eq!(reading.cpu, CpuTicks { total: 975, idle: 820, iowait: 20, steal: 5 });
        assert_eq!(reading.memory_total, 2048 * 1024);
        assert_eq!((reading.net_received, reading.net_sent), (1000, 2000));
        assert_eq!((reading.disk_read, reading.disk_written), (51_200, 102_400));
        assert_eq!(reading.disk_used, 4000 * 1024);
    }

    #[test]
    fn half_an_answer_is_no_reading() {
        for end in (0..ANSWER.len()).step_by(40) {
            let cut = &ANSWER[..end];
            assert!(parse(cut).is_none() || cut.contains("/dev/vda1"), "cut at {end}");
        }
    }
}
