//! One GET request with a deadline, a bounded answer, and errors in words.

use std::{error::Error as _, net::IpAddr, time::Duration};

use flightdeck_app::port::cloud::{Account, CloudError};
use reqwest::{Client, Response, StatusCode, Url, header::HeaderValue, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};

/// The longest answer that is read: Hetzner's largest page has about 100 KiB.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The longest text of a provider that is passed on.
const MOST_REASON: usize = 200;

/// Connections to providers.
///
/// Redirects are not followed: no documented answer is one, and following it
/// could carry the token to another host.
#[derive(Debug)]
pub(crate) struct Transport {
    internet: Client,
    /// A proxy from the environment must not see requests to this machine.
    loopback: Client,
}

impl Transport {
    pub(crate) fn new(deadline: Duration) -> Result<Self, reqwest::Error> {
        let builder = || {
            Client::builder()
                .timeout(deadline)
                .redirect(Policy::none())
                .user_agent(concat!("flightdeck/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Self {
            internet: builder().https_only(true).build()?,
            loopback: builder().no_proxy().build()?,
        })
    }

    /// Gets `path` below the account's endpoint, as JSON.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        account: &Account,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, CloudError> {
        let url = address(account, path)?;
        let client = if is_loopback(&url) { &self.loopback } else { &self.internet };
        let mut token = HeaderValue::try_from(format!("Bearer {}", account.token.expose().trim()))
            .map_err(|_| refused(account, "the token has characters that no token has"))?;
        token.set_sensitive(true);

        let response = client
            .get(url)
            .query(query)
            .header(reqwest::header::AUTHORIZATION, token)
            .send()
            .await
            .map_err(|error| unreachable(account, &error))?;
        let status = response.status();
        let wait = seconds_to_wait(&response);
        let body = read(account, response).await?;
        if !status.is_success() {
            return Err(from_status(account, status, wait, &body));
        }
        serde_json::from_slice(&body).map_err(|error| {
            unexpected(account, &format!("the answer to `{path}` can't be read: {error}"))
        })
    }
}

/// An error as the provider words it.
#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    code: String,
    message: String,
}

fn address(account: &Account, path: &str) -> Result<Url, CloudError> {
    let base = account.endpoint.trim_end_matches('/');
    let url = Url::parse(&format!("{base}{path}"))
        .map_err(|_| unexpected(account, "its endpoint is not an address"))?;
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
        Ok(url)
    } else {
        Err(unexpected(account, "its endpoint is not an https address"))
    }
}

/// Judges the parsed host: `http://127.0.0.1.example.org` only looks like this machine.
fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

async fn read(account: &Account, mut response: Response) -> Result<Vec<u8>, CloudError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(account, &error))? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(unexpected(account, "the answer is longer than any real one"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn seconds_to_wait(response: &Response) -> Option<u64> {
    response.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

fn from_status(
    account: &Account,
    status: StatusCode,
    wait: Option<u64>,
    body: &[u8],
) -> CloudError {
    let said = serde_json::from_slice::<ErrorBody>(body).map_or_else(
        |_| format!("status {}", status.as_u16()),
        |ErrorBody { error }| format!("{} ({})", error.message, error.code),
    );
    match status.as_u16() {
        401 | 403 => refused(account, &said),
        429 => {
            let when = wait.map_or(String::new(), |seconds| format!("; wait {seconds} s"));
            silent(account, &format!("too many requests: {said}{when}"))
        }
        500..=599 => silent(account, &format!("it is out of order: {said}")),
        300..=399 => unexpected(account, "it redirects, which its documentation does not have"),
        _ => unexpected(account, &said),
    }
}

fn unreachable(account: &Account, error: &reqwest::Error) -> CloudError {
    if error.is_timeout() {
        return silent(account, "no answer in time");
    }
    // The innermost cause is the one that says something; the outer ones repeat the address.
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = cause.to_string();
        source = cause.source();
    }
    silent(account, &reason)
}

fn silent(account: &Account, reason: &str) -> CloudError {
    CloudError::Unreachable { provider: account.provider, reason: clean(account, reason) }
}

fn refused(account: &Account, reason: &str) -> CloudError {
    CloudError::Refused { provider: account.provider, reason: clean(account, reason) }
}

pub(crate) fn unexpected(account: &Account, reason: &str) -> CloudError {
    CloudError::Unexpected { provider: account.provider, reason: clean(account, reason) }
}

/// Makes a stranger's text fit to show: one line, short, and without the token.
fn clean(account: &Account, text: &str) -> String {
    let token = account.token.expose().trim();
    let text = if token.is_empty() { text.to_owned() } else { text.replace(token, "…") };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MOST_REASON)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use flightdeck_domain::{credential::Provider, secret::Secret};

    use super::*;

    fn account(endpoint: &str) -> Account {
        Account {
            provider: Provider::Hetzner,
            endpoint: endpoint.to_owned(),
            token: Secret::new("canary"),
        }
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for endpoint in ["https://api.example.org/v1", "http://127.0.0.1:8080/v1", "http://[::1]"] {
            assert!(address(&account(endpoint), "/locations").is_ok(), "{endpoint}");
        }
        for endpoint in
            ["http://api.example.org", "http://127.0.0.1.example.org", "ftp://127.0.0.1", "v1"]
        {
            assert!(address(&account(endpoint), "/locations").is_err(), "{endpoint}");
        }
    }

    #[test]
    fn a_provider_that_repeats_the_token_does_not_spread_it() {
        let body = br#"{"error":{"code":"x","message":"bad\ntoken canary"}}"#;

        let error = from_status(&account("https://x"), StatusCode::UNAUTHORIZED, None, body);

        assert_eq!(error.to_string(), "hetzner refuses the credential: bad token … (x)");
    }
}
