//! What the core costs on its hot paths: sealing, opening, asking for a permission.
//!
//! Prints one line a figure, `name<TAB>value<TAB>unit`, for `xtask bench`.

#![expect(clippy::print_stdout, reason = "a bench speaks by printing")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use flightdeck_app::{App, Ctx, SetUp};
use flightdeck_domain::{id::OrganizationId, permission::Permission, secret::Secret};
use flightdeck_engine::{Engine, Options, Role};
use flightdeck_vault::{
    keys::{MasterKey, Purpose},
    ring::KeyRing,
    seal::Place,
};

/// Long enough that the clock's own cost and a slow first call don't show.
const WINDOW: Duration = Duration::from_secs(1);

fn main() {
    // `cargo test` runs benches once with this; there is nothing to measure then.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    sealing();
    let runtime = tokio::runtime::Runtime::new().expect("threads start");
    runtime.block_on(permissions());
}

fn sealing() {
    let workspace = OrganizationId::new();
    let place = Place { workspace, table: "credential", row: "crd_1".to_owned(), column: "token" };
    let mut ring = KeyRing::default();
    ring.unlock(MasterKey::random());
    ring.create(workspace, Purpose::Credentials).expect("the ring is unlocked");
    for (size, plain) in [("64 B", vec![7; 64]), ("64 KiB", vec![7; 64 << 10])] {
        let seal = || ring.seal(Purpose::Credentials, &place, &plain).expect("there is a key");
        report(&format!("seals of {size}"), rate(|| drop(black_box(seal()))), "/s");
        let sealed = seal();
        let open = || ring.open(Purpose::Credentials, &place, &sealed).expect("it was sealed here");
        report(&format!("opens of {size}"), rate(|| drop(black_box(open()))), "/s");
    }
}

async fn permissions() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let options = Options { directory: Some(folder.path().to_owned()), role: Role::Cli };
    let engine = Engine::start(options).expect("the core starts");
    let app = engine.app();
    let ctx = set_up(app).await;

    let mut calls = 0_u32;
    let started = Instant::now();
    while started.elapsed() < WINDOW {
        black_box(app.authorize(&ctx, Permission::ServerRead).await.expect("owners may read"));
        calls += 1;
    }
    let each = started.elapsed().as_secs_f64() / f64::from(calls);
    report("permission check", each * 1e6, "µs");
    engine.shut_down().await;
}

async fn set_up(app: &App) -> Ctx {
    let request = SetUp {
        passphrase: Some(Secret::new("only for this measurement")),
        user_name: "Bench".to_owned(),
        organization_name: "Bench".to_owned(),
    };
    let organization = app.vault().set_up(request).await.expect("the folder is empty");
    app.organizations().context(organization.id).await.expect("it was just set up")
}

/// How often `work` can be done in a second.
fn rate(work: impl Fn()) -> f64 {
    let mut calls = 0_u32;
    let started = Instant::now();
    while started.elapsed() < WINDOW {
        work();
        calls += 1;
    }
    f64::from(calls) / started.elapsed().as_secs_f64()
}

fn report(name: &str, value: f64, unit: &str) {
    println!("{name}\t{value:.1}\t{unit}");
}
