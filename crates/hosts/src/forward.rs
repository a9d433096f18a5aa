//! Conversations with sockets and ports that only the server can reach.

use std::time::Duration;

use flightdeck_app::port::hosts::{HostError, HttpAnswer, HttpRequest, Lane, Target};
use zeroize::Zeroizing;

use crate::{
    http,
    pool::{Pool, Track},
    session::Stage,
    task::{Input, Order, Purpose},
};

/// What a socket may answer; a long list of containers with all their labels fits.
const SOCKET_LIMIT: usize = 16 << 20;

/// Sends `request` to a UNIX socket and reads until it closes.
pub(crate) async fn ask_socket(
    pool: &Pool,
    target: &Target,
    socket_path: &str,
    request: &[u8],
    deadline: Duration,
) -> Result<Vec<u8>, HostError> {
    if socket_path.contains('\0') {
        return Err(failed(target, socket_path.to_owned(), "the path has a NUL character"));
    }
    let order = Order {
        input: Some(Input::Bytes(Zeroizing::new(request.to_vec()))),
        limit: SOCKET_LIMIT,
        ..Order::quiet(Purpose::Socket(socket_path.to_owned()))
    };
    let gathered = pool.ask(target, Track::Lane(Lane::Monitor), order, deadline).await?;
    Ok(gathered.stdout)
}

/// Sends a GET request that leaves from the server itself.
pub(crate) async fn http_get(
    pool: &Pool,
    target: &Target,
    request: HttpRequest,
) -> Result<HttpAnswer, HostError> {
    let address = format!("{}:{}", request.address, request.port);
    let bytes = http::request(&request.host, &request.path)
        .filter(|_| !request.address.contains('\0'))
        .ok_or_else(|| failed(target, address.clone(), "host or path can't be sent"))?;
    let order = Order {
        input: Some(Input::Bytes(Zeroizing::new(bytes))),
        limit: http::LIMIT,
        enough: Some(http::is_complete),
        ..Order::quiet(Purpose::Port(request.address, request.port))
    };
    let gathered =
        pool.ask(target, Track::Tunnel, order, request.deadline).await.map_err(|error| {
            match error {
                // The server is there; it is the port that keeps silent.
                HostError::Timeout { doing: Stage::ANSWER, after, .. } => {
                    let reason = format!("no answer within {}s", after.as_secs());
                    failed(target, address.clone(), &reason)
                }
                other => other,
            }
        })?;
    http::answer(&gathered.stdout).map_err(|reason| failed(target, address, reason))
}

fn failed(target: &Target, address: String, reason: &str) -> HostError {
    HostError::Forward { endpoint: target.endpoint.clone(), address, reason: reason.to_owned() }
}
