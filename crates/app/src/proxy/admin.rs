//! The proxy's admin socket: servers come and go, and no connection is dropped.
//!
//! The order matters. The new server is raised before the old one is lowered;
//! the other way round the back end has no weight at all for a moment, and
//! answers 503.

use std::time::Duration;

use super::{
    config::{FULL_WEIGHT, Route, backend_name, server_line},
    container::SOCKET,
};
use crate::{
    error::{Code, Error, Result},
    port::hosts::{Hosts, Target},
};

const DEADLINE: Duration = Duration::from_secs(10);
/// How long a server may take to pass the proxy's own check.
const HEALTHY_WITHIN: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(200);

/// Moves every route's traffic to its wanted container, and lowers the others.
pub(crate) async fn steer(hosts: &dyn Hosts, target: &Target, routes: &[Route]) -> Result<()> {
    for route in routes {
        let backend = backend_name(&route.application);
        let present = servers(hosts, target, &backend).await?;
        let container = &route.container;
        let name = &container.name;
        let Some(ip) = &container.address else {
            return Err(refused(&format!("nobody knows the address of `{name}`")));
        };
        let address = format!("{ip}:{}", container.port);
        if let Some(known) = present.iter().find(|server| server.name == *name) {
            if known.address != address {
                // The container was made anew and has another address. The answer
                // is prose; whether it worked, the check below tells.
                let moved =
                    format!("set server {backend}/{name} addr {ip} port {}", container.port);
                ask(hosts, target, &moved).await?;
            }
        } else {
            let line = server_line(route, ip, 0);
            let (name, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let add = format!("add server {backend}/{name} {rest}");
            tell(hosts, target, &add, "New server registered.").await?;
        }
        // Also one that is there: we may have been killed right after we added it.
        tell(hosts, target, &format!("enable health {backend}/{name}"), "").await?;
        tell(hosts, target, &format!("enable server {backend}/{name}"), "").await?;
        wait_until_up(hosts, target, &backend, name).await?;
        let raise = format!("set server {backend}/{name} weight {FULL_WEIGHT}");
        tell(hosts, target, &raise, "").await?;
        for server in present.iter().filter(|server| server.name != *name) {
            let lower = format!("set server {backend}/{} weight 0", server.name);
            tell(hosts, target, &lower, "").await?;
        }
    }
    Ok(())
}

/// Waits until the other servers of a back end are idle, then takes them out.
/// After `grace` their last sessions are ended.
pub(crate) async fn drop_others(
    hosts: &dyn Hosts,
    target: &Target,
    application: &str,
    keep: Option<&str>,
    grace: Duration,
) -> Result<()> {
    let backend = backend_name(application);
    for server in servers(hosts, target, &backend).await? {
        if Some(server.name.as_str()) != keep {
            remove(hosts, target, &backend, &server.name, grace).await?;
        }
    }
    Ok(())
}

async fn remove(
    hosts: &dyn Hosts,
    target: &Target,
    backend: &str,
    name: &str,
    grace: Duration,
) -> Result<()> {
    let waited = tokio::time::timeout(grace, async {
        while servers(hosts, target, backend)
            .await?
            .iter()
            .any(|s| s.name == name && s.sessions > 0)
        {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    });
    if let Ok(Err(error)) = waited.await {
        return Err(error);
    }
    tell(hosts, target, &format!("set server {backend}/{name} state maint"), "").await?;
    for attempt in 0..50_u8 {
        let answer = ask(hosts, target, &format!("del server {backend}/{name}")).await?;
        if answer.contains("deleted") || answer.contains("No such server") {
            return Ok(());
        }
        // One that the file names is held by the resolver. It stays, in
        // maintenance, until the next reload.
        if answer.contains("cannot be removed") {
            return Ok(());
        }
        if attempt == 0 {
            ask(hosts, target, &format!("shutdown sessions server {backend}/{name}")).await?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(refused(&format!("the proxy keeps the server `{name}`")))
}

/// A server as the proxy sees it.
struct Present {
    name: String,
    address: String,
    sessions: u32,
    is_up: bool,
}

async fn servers(hosts: &dyn Hosts, target: &Target, backend: &str) -> Result<Vec<Present>> {
    let table = ask(hosts, target, &format!("show stat {backend} 4 -1")).await?;
    Ok(parse(&table))
}

/// Reads the statistics by their own header, since versions add columns.
fn parse(table: &str) -> Vec<Present> {
    let mut lines = table.lines();
    let header = lines.next().unwrap_or_default().trim_start_matches("# ");
    let columns: Vec<&str> = header.split(',').collect();
    let column = |name: &str| columns.iter().position(|column| *column == name);
    let (Some(name), Some(address), Some(sessions), Some(status), Some(check)) = (
        column("svname"),
        column("addr"),
        column("scur"),
        column("status"),
        column("check_status"),
    ) else {
        return Vec::new();
    };
    lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|fields| fields.len() > check.max(address))
        .map(|fields| Present {
            name: fields[name].to_owned(),
            address: fields[address].to_owned(),
            sessions: fields[sessions].parse().unwrap_or(0),
            // Up by default says nothing: the check must have run.
            is_up: fields[status].starts_with("UP") && fields[check].ends_with("OK"),
        })
        .collect()
}

async fn wait_until_up(
    hosts: &dyn Hosts,
    target: &Target,
    backend: &str,
    name: &str,
) -> Result<()> {
    let waited = tokio::time::timeout(HEALTHY_WITHIN, async {
        loop {
            let up = servers(hosts, target, backend).await?;
            if up.iter().any(|server| server.name == name && server.is_up) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    waited.await.unwrap_or_else(|_| {
        Err(Error::new(Code::Unhealthy, format!("the proxy's check of `{name}` does not pass"))
            .hint("check the health check's path and the container's log"))
    })
}

async fn tell(hosts: &dyn Hosts, target: &Target, line: &str, expected: &str) -> Result<()> {
    let answer = ask(hosts, target, line).await?;
    if answer.trim() == expected || (!expected.is_empty() && answer.contains(expected)) {
        Ok(())
    } else {
        Err(refused(&format!("the proxy answered `{}` to `{line}`", answer.trim())))
    }
}

async fn ask(hosts: &dyn Hosts, target: &Target, line: &str) -> Result<String> {
    let request = format!("{line}\n");
    let answer = hosts.ask_socket(target, SOCKET, request.as_bytes(), DEADLINE).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn refused(message: &str) -> Error {
    Error::new(Code::ProxyFailed, message).hint("look at the log of the server's proxy container")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_whose_check_has_run_is_up() {
        let table = "# pxname,svname,scur,status,check_status,addr,\n\
                     app-shop,shop-r1,3,UP,L7OK,172.30.0.3:8080,\n\
                     app-shop,shop-r2,0,UP,INI,172.30.0.4:8080,\n";

        let servers = parse(table);

        assert_eq!(servers.len(), 2);
        assert!(servers[0].is_up);
        assert_eq!(servers[0].sessions, 3);
        assert!(!servers[1].is_up, "nobody has checked it yet");
    }
}
