//! The verbs: arguments in, one use case, an answer out.

pub(crate) mod app;
pub(crate) mod completions;
pub(crate) mod credential;
pub(crate) mod doctor;
pub(crate) mod job;
pub(crate) mod org;
pub(crate) mod server;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod stack;
pub(crate) mod vault;
pub(crate) mod watch;

use flightdeck_engine::Role;

use crate::{
    answer::Answer,
    arguments::{Cli, Verb},
    failure::{Failure, Result},
    registry::{self, Keys},
    session::Session,
    terminal::Terminal,
};

/// Starts the core, opens the vault if the verb at `path` needs it, and calls the verb.
pub(crate) async fn run(cli: Cli, path: &str, terminal: Terminal) -> Result<Answer> {
    let entry = registry::find(path)
        .ok_or_else(|| Failure::internal(format!("the verb `{path}` is not in the registry")))?;
    let role = if matches!(cli.verb, Verb::Watch(_)) { Role::Watch } else { Role::Cli };
    let session = Session::open(cli.globals, terminal, role)?;
    let answer = async {
        if entry.keys == Keys::Open {
            session.unlock().await?;
        }
        call(&session, cli.verb).await
    }
    .await;
    session.engine.shut_down().await;
    answer
}

async fn call(session: &Session, verb: Verb) -> Result<Answer> {
    match verb {
        Verb::Setup(setup) => setup::run(session, setup).await,
        Verb::Org(verb) => org::run(session, verb).await,
        Verb::Vault(verb) => vault::run(session, verb).await,
        Verb::Credential(verb) => credential::run(session, verb).await,
        Verb::Server(verb) => Box::pin(server::run(session, verb)).await,
        Verb::Stack(verb) => Box::pin(stack::run(session, verb)).await,
        Verb::App(verb) => Box::pin(app::run(session, verb)).await,
        Verb::Job(verb) => job::run(session, verb).await,
        Verb::Watch(watch) => Box::pin(watch::run(session, watch)).await,
        Verb::Settings(verb) => settings::run(session, verb).await,
        Verb::Doctor(_) => doctor::run(session).await,
        Verb::Completions { shell } => Ok(completions::script(shell)),
    }
}
