//! The Hetzner API of the test kit as a process, for end-to-end tests and the demo.

use std::io::{self, Write as _};

use clap::Parser;
use flightdeck_testkit::hetzner::HetznerApi;

/// Answers as the Hetzner Cloud API does, on this machine only.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The token to take.
    #[arg(long, env = "HETZNER_SIM_TOKEN")]
    token: String,
}

/// Prints the endpoint as its only line, then answers until it is interrupted.
#[tokio::main]
async fn main() -> io::Result<()> {
    let Arguments { port, token } = Arguments::parse();
    let api = HetznerApi::start_on(port, &token).await?;
    writeln!(io::stdout(), "{}", api.endpoint())?;
    io::stdout().flush()?;
    tokio::signal::ctrl_c().await?;
    api.stop().await;
    Ok(())
}
