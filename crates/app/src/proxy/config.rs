//! The proxy's configuration, made from routes and nothing else.

use std::{collections::BTreeMap, fmt::Write as _};

use flightdeck_domain::application::HealthCheck;

/// What one application wants of the proxy of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The application's name.
    pub(crate) application: String,
    /// The host name it answers for; none: whatever no other one answers for.
    pub(crate) domain: Option<String>,
    /// The container that serves it.
    pub(crate) container: Container,
    /// How the proxy itself watches it.
    pub(crate) health_check: HealthCheck,
}

/// A container behind the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    /// Its name: also the server's name in the back end.
    pub(crate) name: String,
    /// Its address in the proxy's network, if it was asked for.
    ///
    /// The configuration goes by the name: a container that is just being
    /// restarted must not lose its place.
    pub(crate) address: Option<String>,
    /// The port it listens on.
    pub(crate) port: u16,
}

/// The back end of an application.
pub(crate) fn backend_name(application: &str) -> String {
    format!("app-{application}")
}

/// The weight of a server that takes its share; 0 takes nothing new.
pub(crate) const FULL_WEIGHT: u8 = 100;

const HEAD: &str = "\
global
    log stdout format raw local0 notice
    stats socket /run/haproxy/admin.sock mode 660 level admin expose-fd listeners
    stats timeout 1m
    # After a reload the previous worker lives until its last connection ends.
    hard-stop-after 60s

defaults
    mode http
    log global
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout http-request 10s
    timeout check 5s
    # A server that refuses costs the client nothing: the next attempt goes to another one.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
    # During a reload an idle keep-alive connection gets one more answer instead of
    # being cut under the client's next request.
    option idle-close-on-response
    option dontlognull

resolvers docker
    nameserver dns 127.0.0.11:53
    hold valid 2s

frontend http
    bind :80
    # A request that may have had an effect is repeated only if it never left here.
    http-request disable-l7-retry unless { method GET HEAD OPTIONS }
    http-request set-header X-Forwarded-Proto http
    option forwardfor
";

/// The part that only a reload can change: back ends and host names.
pub(crate) fn topology(routes: &[Route]) -> String {
    let mut text = HEAD.to_owned();
    let fallback = routes.iter().find(|route| route.domain.is_none());
    let fallback =
        fallback.map_or_else(|| "unknown".to_owned(), |route| backend_name(&route.application));
    let _ = writeln!(
        text,
        "    use_backend %[req.hdr(host),field(1,:),lower,map(/usr/local/etc/haproxy/hosts.map,{fallback})]\n"
    );
    text.push_str(
        "backend unknown\n    http-request return status 404 content-type text/plain \
         string \"no application has this address\\n\"\n",
    );
    for route in routes {
        let _ = write!(
            text,
            "\nbackend {}\n    balance roundrobin\n    option httpchk\n    \
             http-check send meth GET uri {} ver HTTP/1.1 hdr Host {}\n    \
             http-check expect status 200-399\n",
            backend_name(&route.application),
            route.health_check.path,
            route.domain.as_deref().unwrap_or("health.check"),
        );
    }
    text
}

/// The host names, one a line, for the proxy's map file.
pub(crate) fn hosts_map(routes: &[Route]) -> String {
    let mut lines: Vec<String> = routes
        .iter()
        .filter_map(|route| {
            Some(format!("{} {}\n", route.domain.as_deref()?, backend_name(&route.application)))
        })
        .collect();
    lines.sort();
    lines.concat()
}

/// The whole configuration: the topology with each back end's server.
pub(crate) fn whole(routes: &[Route]) -> String {
    let servers: BTreeMap<String, String> = routes
        .iter()
        .map(|route| {
            // By name, since a restart of the server hands out the addresses anew.
            let line = server_line(route, &route.container.name, FULL_WEIGHT);
            (backend_name(&route.application), line + " resolvers docker init-addr libc,none")
        })
        .collect();
    let mut text = String::new();
    let mut server = None;
    for line in topology(routes).lines() {
        if let Some(name) = line.strip_prefix("backend ") {
            server = servers.get(name);
        }
        text.push_str(line);
        text.push('\n');
        if line.starts_with("    http-check expect")
            && let Some(server) = server.take()
        {
            let _ = writeln!(text, "    server {server}");
        }
    }
    text
}

/// A server as both the file and the admin socket take it.
pub(crate) fn server_line(route: &Route, address: &str, weight: u8) -> String {
    let container = &route.container;
    format!(
        "{} {address}:{} weight {weight} check inter {}s fastinter 500ms fall {} rise 1",
        container.name,
        container.port,
        route.health_check.interval_seconds.min(5),
        route.health_check.failure_threshold,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(application: &str, domain: Option<&str>, container: &str) -> Route {
        Route {
            application: application.to_owned(),
            domain: domain.map(str::to_owned),
            container: Container { name: container.to_owned(), address: None, port: 8080 },
            health_check: HealthCheck::default(),
        }
    }

    #[test]
    fn switching_a_container_leaves_the_topology_alone() {
        let before = [route("shop", Some("shop.example"), "shop-r1")];
        let after = [route("shop", Some("shop.example"), "shop-r2")];

        assert_eq!(topology(&before), topology(&after), "a switch must need no reload");
        assert_ne!(whole(&before), whole(&after));
    }

    #[test]
    fn an_application_without_a_domain_gets_what_nobody_else_answers_for() {
        let routes =
            [route("shop", Some("shop.example"), "shop-r1"), route("site", None, "site-r1")];

        assert!(topology(&routes).contains("hosts.map,app-site)"));
        assert_eq!(hosts_map(&routes), "shop.example app-shop\n");
    }

    #[test]
    fn each_server_stands_in_its_own_back_end() {
        let routes = [route("a", Some("a.example"), "a-r1"), route("b", Some("b.example"), "b-r1")];

        let text = whole(&routes);

        let at = |what: &str| text.find(what).expect("it is in the configuration");
        assert!(at("backend app-a") < at("server a-r1 "));
        assert!(at("server a-r1 ") < at("backend app-b"));
        assert!(at("backend app-b") < at("server b-r1 "));
    }
}
