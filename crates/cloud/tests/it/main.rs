//! What the cloud adapter promises, against the Hetzner API of the test kit.

use std::time::Duration;

use flightdeck_app::port::cloud::{Account, Catalog, Cloud as _, CloudError};
use flightdeck_cloud::{DEADLINE, ProviderApis};
use flightdeck_domain::{credential::Provider, secret::Secret};
use flightdeck_testkit::hetzner::{Fault, HetznerApi};

const TOKEN: &str = "canaryCanaryCanaryCanaryCanaryCanaryCanaryCanaryCanaryCanary0123";

fn apis() -> ProviderApis {
    ProviderApis::new(DEADLINE).expect("TLS can be set up")
}

fn account(endpoint: String) -> Account {
    Account { provider: Provider::Hetzner, endpoint, token: Secret::new(TOKEN) }
}

async fn started() -> (HetznerApi, Account) {
    let api = HetznerApi::start(TOKEN).await.expect("a free port");
    let account = account(api.endpoint());
    (api, account)
}

#[tokio::test]
async fn a_good_token_passes_the_test_with_one_question() {
    let (api, account) = started().await;

    apis().test(&account).await.expect("the token is the one");

    assert_eq!(api.requests(), ["GET /v1/locations"]);
}

#[tokio::test]
async fn a_bad_token_is_refused_in_the_providers_words() {
    let (api, _) = started().await;
    let account = Account { token: Secret::new("wrong"), ..account(api.endpoint()) };

    let error = apis().test(&account).await.expect_err("another token");

    assert_eq!(
        error.to_string(),
        "hetzner refuses the credential: unable to authenticate (unauthorized)"
    );
}

#[tokio::test]
async fn the_catalog_holds_what_can_be_ordered() {
    let (_api, account) = started().await;

    let Catalog { regions, sizes, images } =
        apis().catalog(&account).await.expect("the token is the one");

    assert!(regions.iter().any(|region| region.name == "fsn1"), "{regions:?}");
    let size = sizes.iter().find(|size| size.name == "cx23").expect("a current type");
    assert_eq!((size.cores, size.disk_gb, size.architecture.as_str()), (2, 40, "x86"));
    assert_eq!(size.currency, "EUR");
    assert!(size.hourly_price["fsn1"] > 0.0);
    assert!(!size.hourly_price.contains_key("ash"), "cx23 is not offered in Ashburn");
    assert!(
        !sizes.iter().any(|size| size.name == "cx22"),
        "a deprecated type can't be ordered: it must not be offered"
    );
    let arm = sizes.iter().find(|size| size.name == "cax11").expect("a current type");
    assert!(
        !arm.hourly_price.contains_key("hel1"),
        "a type that is deprecated in one location is offered in the others"
    );
    let large = sizes.iter().find(|size| size.name == "ccx33").expect("a current type");
    assert!(!large.hourly_price.contains_key("ash"), "it is sold out there");
    assert!(images.contains(&"debian-12".to_owned()));
    assert!(images.is_sorted() && images.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(!images.contains(&"centos-7".to_owned()), "a deprecated image is not offered");
}

#[tokio::test]
async fn every_page_is_read() {
    let (api, account) = started().await;
    let whole = apis().catalog(&account).await.expect("the token is the one");

    api.limit_pages_to(3);
    let paged = apis().catalog(&account).await.expect("the token is the one");

    assert_eq!(whole, paged, "the page size must not change what is found");
    assert!(api.requests().contains(&"GET /v1/images?page=2".to_owned()), "{:?}", api.requests());
}

#[tokio::test]
async fn a_list_without_an_end_is_given_up() {
    let (api, account) = started().await;
    api.fail(Fault::EndlessPages);

    let error = apis().catalog(&account).await.expect_err("there is no last page");

    assert!(matches!(error, CloudError::Unexpected { .. }), "{error}");
}

#[tokio::test]
async fn each_failure_has_its_kind_and_its_sentence() {
    let cases = [
        (
            Fault::Unauthorized,
            "hetzner refuses the credential: unable to authenticate (unauthorized)",
        ),
        (
            Fault::Forbidden,
            "hetzner refuses the credential: insufficient permissions for this request (forbidden)",
        ),
        (
            Fault::TooManyRequests,
            "hetzner does not answer: too many requests: limit of 3600 requests per hour reached (rate_limit_exceeded); wait 7 s",
        ),
        (
            Fault::ServerError,
            "hetzner does not answer: it is out of order: an internal server error occurred (server_error)",
        ),
        (Fault::BadGateway, "hetzner does not answer: it is out of order: status 502"),
        (
            Fault::Redirect,
            "hetzner answered something unexpected: it redirects, which its documentation does not have",
        ),
        (
            Fault::Enormous,
            "hetzner answered something unexpected: the answer is longer than any real one",
        ),
    ];
    let (api, account) = started().await;
    let apis = apis();

    for (fault, sentence) in cases {
        api.fail(fault);
        let error = apis.test(&account).await.expect_err("it is told to fail");
        assert_eq!(error.to_string(), sentence);
    }
}

#[tokio::test]
async fn garbage_is_unexpected_and_never_a_success() {
    let (api, account) = started().await;

    for fault in [Fault::Garbage, Fault::WrongShape] {
        api.fail(fault);
        let error = apis().test(&account).await.expect_err("that is no list of locations");
        assert!(matches!(error, CloudError::Unexpected { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_provider_that_hangs_is_given_up_at_the_deadline() {
    let (api, account) = started().await;
    let apis = ProviderApis::new(Duration::from_millis(200)).expect("TLS can be set up");

    for fault in [Fault::Hang, Fault::HangInBody] {
        api.fail(fault);
        let error = apis.test(&account).await.expect_err("it never answers");
        assert_eq!(error.to_string(), "hetzner does not answer: no answer in time");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let (api, account) = started().await;
    api.stop().await;

    let error = apis().test(&account).await.expect_err("nobody listens");

    assert!(
        matches!(&error, CloudError::Unreachable { reason, .. } if reason.contains("refused")),
        "{error}"
    );
}

#[tokio::test]
async fn plain_http_to_another_machine_is_never_spoken() {
    let account = account("http://127.0.0.1.example.invalid/v1".to_owned());

    let error = apis().test(&account).await.expect_err("the token would go out in the clear");

    assert!(error.to_string().contains("not an https address"), "{error}");
}

#[tokio::test]
async fn no_error_repeats_the_token() {
    let (api, account) = started().await;
    api.fail(Fault::EchoToken);

    let error = apis().test(&account).await.expect_err("it is told to fail");

    assert!(!format!("{error:?}").contains(TOKEN), "{error:?}");
    assert!(!format!("{account:?}").contains(TOKEN));
}

#[tokio::test]
async fn providers_without_an_api_say_so() {
    let (_api, account) = started().await;
    let account = Account { provider: Provider::SshKey, ..account };

    let error = apis().test(&account).await.expect_err("a key has no API");

    assert!(error.to_string().contains("no API"), "{error}");
}
