//! The provider's process, and the verbs that prepare its stage.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use terraform_provider_fleet::config::{FleetConfig, Source};
use terraform_provider_fleet::file;
use terraform_provider_fleet::handshake::{
    self, CLIENT_CERTIFICATE_VARIABLE, COOKIE, COOKIE_VARIABLE, Connection, Identity,
};
use terraform_provider_fleet::mirror::Mirror;
use terraform_provider_fleet::protocol::plugin;
use terraform_provider_fleet::protocol::tfplugin6::provider_server::ProviderServer;
use terraform_provider_fleet::provider::FolderProvider;
use tokio::net::UnixListener;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const LARGEST_MESSAGE: usize = 256 << 20;
const PARENT_CHECK: Duration = Duration::from_millis(500);
const LAST_REPLY: Duration = Duration::from_millis(50);

/// A Terraform provider whose cloud is a folder and whose servers are real.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Lay out a provider mirror, its settings and its cloud in a folder
    Mirror {
        /// The folder; what is there of an earlier mirror is kept
        folder: PathBuf,
        /// The only token that is accepted
        #[arg(long)]
        token: Option<String>,
        /// Boot a real server for each one created: the fleet's script
        #[arg(long, value_name = "SCRIPT")]
        fleet: Option<PathBuf>,
        /// The first index of the fleet that may be used
        #[arg(long, default_value_t = 1)]
        base_index: u16,
    },
    /// Destroy the fleet's servers that a mirror's cloud has begun
    DestroyServers {
        /// The mirror's folder
        folder: PathBuf,
    },
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let started_by_terraform = std::env::var(COOKIE_VARIABLE).is_ok_and(|own| own == COOKIE);
    let done = if started_by_terraform { serve().await } else { prepare(Arguments::parse()).await };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            // Nowhere is left to report a standard error that is closed.
            let _ = writeln!(std::io::stderr(), "error: {text}");
            ExitCode::FAILURE
        }
    }
}

async fn prepare(arguments: Arguments) -> Outcome<()> {
    match arguments.verb {
        Verb::Mirror { folder, token, fleet, base_index } => {
            let mirror = Mirror::lay_out(&std::env::current_exe()?, &folder)?;
            let fleet = fleet.map(|script| file::resolve(&script)).transpose()?;
            mirror.edit(|config| {
                config.token = token.or(config.token.take());
                if let Some(script) = fleet {
                    config.fleet = Some(FleetConfig::with_own_environment(script, base_index));
                }
            })?;
            file::say(&mirror.terraform_rc().to_string_lossy())?;
        }
        Verb::DestroyServers { folder } => Mirror::open(&folder)?.destroy_fleet_servers().await?,
    }
    Ok(())
}

/// Serves one Terraform command, from the handshake to its goodbye.
async fn serve() -> Outcome<()> {
    let binary = std::env::args_os().next().unwrap_or_default();
    let provider = FolderProvider::new(Source::of_binary(Path::new(&binary))?)?;
    let certificate = std::env::var(CLIENT_CERTIFICATE_VARIABLE).ok();
    let identity = certificate.as_deref().map(Identity::new).transpose()?;

    let folder = tempfile::Builder::new().prefix("provider-").tempdir()?;
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket)?;
    file::say(&handshake::line(&socket, identity.as_ref()))?;

    let (connected, connections) = mpsc::channel(1);
    let goodbye = Arc::new(Notify::new());
    tokio::spawn(accept(listener, identity.map(Arc::new), connected));
    let calls = ProviderServer::new(provider)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let controller = plugin::grpc_controller_server::GrpcControllerServer::new(Controller {
        goodbye: Arc::clone(&goodbye),
    });
    let server = Server::builder()
        .add_service(calls)
        .add_service(controller)
        .serve_with_incoming(ReceiverStream::new(connections));
    tokio::select! {
        outcome = server => outcome?,
        () = ended(&goodbye) => {}
    }
    Ok(())
}

/// Takes connections, and leaves out those that fail the handshake.
async fn accept(
    listener: UnixListener,
    identity: Option<Arc<Identity>>,
    connected: mpsc::Sender<std::io::Result<Connection>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (identity, connected) = (identity.clone(), connected.clone());
        tokio::spawn(async move {
            let connection = match identity {
                None => Ok(Connection::Plain(stream)),
                Some(identity) => identity.accept(stream).await,
            };
            match connection {
                // The receiver is gone only while the process ends.
                Ok(connection) => drop(connected.send(Ok(connection)).await),
                Err(error) => {
                    let _ = writeln!(std::io::stderr(), "refused a connection: {error}");
                }
            }
        });
    }
}

/// Waits for Terraform's goodbye, or for its death.
///
/// Nothing tells a plugin that Terraform was killed. Its parent changes then, and
/// what was in flight has already been given up with the connection.
async fn ended(goodbye: &Notify) {
    let parent = std::os::unix::process::parent_id();
    let mut check = tokio::time::interval(PARENT_CHECK);
    loop {
        tokio::select! {
            () = goodbye.notified() => {
                tokio::time::sleep(LAST_REPLY).await;
                return;
            }
            _ = check.tick() => {
                if std::os::unix::process::parent_id() != parent {
                    return;
                }
            }
        }
    }
}

/// go-plugin's way to end a plugin; without it Terraform waits two seconds.
struct Controller {
    goodbye: Arc<Notify>,
}

#[tonic::async_trait]
impl plugin::grpc_controller_server::GrpcController for Controller {
    async fn shutdown(&self, _: Request<plugin::Empty>) -> Result<Response<plugin::Empty>, Status> {
        self.goodbye.notify_one();
        Ok(Response::new(plugin::Empty {}))
    }
}
