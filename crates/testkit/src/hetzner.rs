//! A small Hetzner Cloud API: the questions that Flightdeck asks, answered in the
//! shapes of <https://docs.hetzner.cloud>.
//!
//! The provider's official Python client is its referee
//! (`crates/testkit/tests/referee.py`): what that client can't read is wrong here.

mod data;

use std::{
    collections::HashMap,
    convert::Infallible,
    future, io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderName, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::stream;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// What the API is told to do wrong, until it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Takes no token.
    Unauthorized,
    /// Takes the token and forbids everything.
    Forbidden,
    /// Has counted too many requests.
    TooManyRequests,
    /// Is broken, and says so in JSON.
    ServerError,
    /// Is behind a broken proxy that speaks HTML.
    BadGateway,
    /// Sends people elsewhere.
    Redirect,
    /// Takes the connection and never answers.
    Hang,
    /// Answers with headers and never ends the body.
    HangInBody,
    /// Answers 200 with something that is no JSON.
    Garbage,
    /// Answers 200 with JSON of another shape.
    WrongShape,
    /// Answers 200 with more than anybody should read.
    Enormous,
    /// Every page has a next page.
    EndlessPages,
    /// Repeats the caller's token in an error.
    EchoToken,
}

/// The API, on a port of this machine, until it is dropped.
#[derive(Debug)]
pub struct HetznerApi {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
}

#[derive(Debug)]
struct Shared {
    token: String,
    behaviour: Mutex<Behaviour>,
}

#[derive(Debug)]
struct Behaviour {
    fault: Fault,
    page_limit: usize,
    requests: Vec<String>,
}

impl HetznerApi {
    /// Listens on a free port and takes `token`.
    pub async fn start(token: &str) -> io::Result<Self> {
        Self::start_on(0, token).await
    }

    /// Listens on `port` and takes `token`.
    pub async fn start_on(port: u16, token: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            token: token.to_owned(),
            behaviour: Mutex::new(Behaviour {
                fault: Fault::None,
                page_limit: 50,
                requests: Vec::new(),
            }),
        });
        let router = router(Arc::clone(&shared));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            tokio::select! {
                _ = axum::serve(listener, router) => {}
                _ = stopped => {}
            }
        });
        Ok(Self { address, shared, server, stop: Some(stop) })
    }

    /// The base address of the API.
    pub fn endpoint(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Starts to do this wrong; [`Fault::None`] ends it.
    pub fn fail(&self, fault: Fault) {
        self.shared.lock().fault = fault;
    }

    /// Gives at most `entries` a page, as if there were many more.
    pub fn limit_pages_to(&self, entries: usize) {
        self.shared.lock().page_limit = entries;
    }

    /// What was asked so far, in order; the first page is not mentioned.
    pub fn requests(&self) -> Vec<String> {
        self.shared.lock().requests.clone()
    }

    /// Gives the port back.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.server).await;
    }
}

impl Drop for HetznerApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/pricing", get(async || axum::Json(data::pricing())))
        .route("/v1/{list}", get(list))
        .route("/v1/{list}/{id}", get(one))
        .fallback(async || error(StatusCode::NOT_FOUND, "not_found", "resource not found"))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), judge))
        .with_state(shared)
}

type Parameters = HashMap<String, String>;

/// Records the request, then refuses it, spoils it, or lets it pass.
async fn judge(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<Parameters>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let page = query.get("page").filter(|page| *page != "1");
    let asked = page.map_or_else(
        || format!("{} {path}", request.method()),
        |page| format!("{} {path}?page={page}", request.method()),
    );
    let fault = {
        let mut behaviour = shared.lock();
        behaviour.requests.push(asked);
        behaviour.fault
    };
    let offered = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default()
        .to_owned();

    if let Some(response) = spoiled(fault, &offered).await {
        return response;
    }
    if offered != shared.token {
        return error(StatusCode::UNAUTHORIZED, "unauthorized", "unable to authenticate");
    }
    next.run(request).await
}

async fn spoiled(fault: Fault, token: &str) -> Option<Response> {
    Some(match fault {
        Fault::None | Fault::EndlessPages => return None,
        Fault::Unauthorized => {
            error(StatusCode::UNAUTHORIZED, "unauthorized", "unable to authenticate")
        }
        Fault::Forbidden => {
            error(StatusCode::FORBIDDEN, "forbidden", "insufficient permissions for this request")
        }
        Fault::TooManyRequests => (
            [(HeaderName::from_static("ratelimit-remaining"), "0"), (header::RETRY_AFTER, "7")],
            error(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_exceeded",
                "limit of 3600 requests per hour reached",
            ),
        )
            .into_response(),
        Fault::ServerError => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "an internal server error occurred",
        ),
        Fault::BadGateway => {
            (StatusCode::BAD_GATEWAY, axum::response::Html("<h1>502</h1>")).into_response()
        }
        Fault::Redirect => {
            (StatusCode::FOUND, [(header::LOCATION, "/v1/elsewhere")]).into_response()
        }
        Fault::Hang => future::pending().await,
        Fault::HangInBody => {
            Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()).into_response()
        }
        Fault::Garbage => "}{ this is not JSON".into_response(),
        Fault::WrongShape => axum::Json(json!({ "locations": 7 })).into_response(),
        Fault::Enormous => Body::from_stream(zeros()).into_response(),
        Fault::EchoToken => error(StatusCode::BAD_REQUEST, "invalid_input", token),
    })
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Path(list): Path<String>,
    Query(query): Query<Parameters>,
) -> Response {
    let Some(entries) = data::list(&list) else {
        return error(StatusCode::NOT_FOUND, "not_found", "resource not found");
    };
    let (fault, page_limit) = {
        let behaviour = shared.lock();
        (behaviour.fault, behaviour.page_limit)
    };
    let number = |name: &'static str, default: usize| {
        query
            .get(name)
            .map_or(Some(default), |text| text.parse().ok().filter(|n| *n > 0))
            .ok_or(name)
    };
    let (page, per_page) = match (number("page", 1), number("per_page", 25)) {
        (Ok(page), Ok(per_page)) => (page, per_page.min(page_limit)),
        (Err(field), _) | (_, Err(field)) => {
            let message = format!("invalid input in field '{field}'");
            return error(StatusCode::BAD_REQUEST, "invalid_input", &message);
        }
    };

    let matching: Vec<Value> = entries
        .into_iter()
        .filter(|entry| {
            ["name", "type", "status", "architecture"].iter().all(|field| {
                query.get(*field).is_none_or(|wanted| entry[*field] == wanted.as_str())
            })
        })
        .collect();
    let total = matching.len();
    let last_page = total.div_ceil(per_page).max(1);
    let next_page = (page < last_page || fault == Fault::EndlessPages).then_some(page + 1);
    let shown: Vec<Value> =
        matching.into_iter().skip((page - 1) * per_page).take(per_page).collect();
    axum::Json(json!({
        list: shown,
        "meta": { "pagination": {
            "page": page,
            "per_page": per_page,
            "previous_page": (page > 1).then(|| page - 1),
            "next_page": next_page,
            "last_page": last_page,
            "total_entries": total,
        } },
    }))
    .into_response()
}

async fn one(Path((list, id)): Path<(String, u64)>) -> Response {
    let singular = list.trim_end_matches('s').to_owned();
    data::list(&list)
        .and_then(|entries| entries.into_iter().find(|entry| entry["id"] == id))
        .map_or_else(
            || error(StatusCode::NOT_FOUND, "not_found", "resource not found"),
            |entry| axum::Json(json!({ singular: entry })).into_response(),
        )
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message, "details": null } });
    (status, axum::Json(body)).into_response()
}

fn zeros() -> impl futures::Stream<Item = Result<Bytes, Infallible>> {
    stream::repeat_with(|| Ok(Bytes::from_static(&[b'0'; 8192])))
}
