//! Secrets of other systems. What is put in never comes out again.

use clap::Subcommand;
use flightdeck_app::error::{Code, Error};
use flightdeck_domain::credential::{Credential, CredentialStatus, Provider};
use serde_json::json;

use crate::{
    answer::Answer,
    arguments::Confirmation,
    failure::{Failure, Result},
    form,
    session::Session,
    table::{Table, facts},
    terminal::ago,
};

/// What can be done with credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List what may be seen of the credentials
    List,
    /// Seal a cloud token, an SSH key or a registry login
    #[command(after_help = "Fields: hetzner: token; ssh_key: private_key, passphrase (optional); \
        registry: server, user, password. What is missing is asked for on a terminal.")]
    Add {
        /// `hetzner`, `ssh_key` or `registry`
        provider: Provider,
        /// What to call it
        name: String,
        /// A field: `user=jo`, or `token=-` for a secret on the standard input
        #[arg(long = "field", value_name = "NAME=VALUE")]
        fields: Vec<String>,
        /// A field whose value is in a file: `private_key=/root/.ssh/id_ed25519`
        #[arg(long = "field-file", value_name = "NAME=PATH")]
        files: Vec<String>,
    },
    /// Make an SSH key pair; its private half never leaves the vault
    GenerateSshKey {
        /// What to call it
        name: String,
    },
    /// Ask the provider whether it takes a credential
    Test {
        /// Its name or id
        credential: String,
    },
    /// Delete a credential and its sealed values
    Delete {
        /// Its name or id
        credential: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// List what a cloud credential's provider offers: regions, sizes, images
    Catalog {
        /// Its name or id
        credential: String,
    },
}

/// Calls a verb.
pub(crate) async fn run(session: &Session, verb: Verb) -> Result<Answer> {
    let credentials = session.app().credentials();
    let ctx = session.ctx().await?;
    match verb {
        Verb::List => {
            let list = credentials.list(&ctx).await?;
            let nothing = "there is no credential; `flightdeck credential add` puts one in";
            let columns = ["name", "provider", "fingerprint", "status", "used", "id"];
            let mut table = Table::new(columns, nothing);
            for one in &list {
                table.row([
                    one.name.clone(),
                    one.provider.to_string(),
                    one.fingerprint.clone(),
                    status(&one.status),
                    one.last_used_at.map_or_else(|| "never".to_owned(), ago),
                    one.id.to_string(),
                ]);
            }
            Answer::new(&list, table.text())
        }
        Verb::Add { provider, name, fields, files } => {
            let fields = form::fill_in(provider, &fields, &files, session.terminal)?;
            let made = credentials.create(&ctx, &name, provider, fields).await?;
            let text = format!(
                "`{}` is sealed\n{}next: `flightdeck credential test {}`\n",
                made.name,
                shown(&made),
                made.id
            );
            Answer::new(&made, text)
        }
        Verb::GenerateSshKey { name } => {
            let made = credentials.generate_ssh_key(&ctx, &name).await?;
            let text = format!("`{}` is made and sealed\n{}", made.name, shown(&made));
            Answer::new(&made, text)
        }
        Verb::Test { credential } => {
            let id = session.credential(&ctx, &credential).await?;
            let tested = credentials.test(&ctx, id).await?;
            if let CredentialStatus::Invalid { reason, .. } = &tested.status {
                return Err(refused(&tested, reason));
            }
            Answer::new(&tested, format!("`{}` works\n", tested.name))
        }
        Verb::Delete { credential, confirmation } => {
            let id = session.credential(&ctx, &credential).await?;
            let question = format!("Delete the credential `{credential}`?");
            session.terminal.confirm(&question, confirmation.yes)?;
            credentials.delete(&ctx, id).await?;
            Answer::new(&json!({ "deleted": id }), format!("`{credential}` is deleted\n"))
        }
        Verb::Catalog { credential } => {
            let id = session.credential(&ctx, &credential).await?;
            let catalog = credentials.catalog(&ctx, id).await?;
            let mut regions = Table::new(["region", "where"], "no region is offered");
            for region in &catalog.regions {
                regions.row([region.name.clone(), region.description.clone()]);
            }
            let columns = ["size", "cores", "memory", "disk", "architecture", "from an hour"];
            let mut sizes = Table::new(columns, "no size is offered");
            for size in &catalog.sizes {
                let cheapest = size.hourly_price.values().copied().reduce(f64::min);
                sizes.row([
                    size.name.clone(),
                    size.cores.to_string(),
                    format!("{} GB", size.memory_gb),
                    format!("{} GB", size.disk_gb),
                    size.architecture.clone(),
                    cheapest.map_or_else(String::new, |p| format!("{p:.4} {}", size.currency)),
                ]);
            }
            let images = catalog.images.join(", ");
            let text = format!("{}\n{}\nImages: {images}\n", regions.text(), sizes.text());
            Answer::new(&catalog, text)
        }
    }
}

fn shown(credential: &Credential) -> String {
    let mut lines = vec![
        ("Provider", credential.provider.to_string()),
        ("Fingerprint", credential.fingerprint.clone()),
        ("Id", credential.id.to_string()),
    ];
    for (name, value) in &credential.public_fields {
        let label = if name == "public_key" { "Public key" } else { name.as_str() };
        lines.push((label, value.clone()));
    }
    facts(&lines)
}

fn status(status: &CredentialStatus) -> String {
    match status {
        CredentialStatus::Untested => "untested".to_owned(),
        CredentialStatus::Valid { at } => format!("valid, {}", ago(*at)),
        CredentialStatus::Invalid { at, reason } => format!("invalid, {}: {reason}", ago(*at)),
    }
}

/// A test that the provider answered with no is the verb's failure.
fn refused(credential: &Credential, reason: &str) -> Failure {
    let (code, hint) = match credential.provider {
        Provider::SshKey => (Code::SshKeyUnusable, "put the key in again"),
        Provider::Hetzner | Provider::Registry => (
            Code::CredentialRefused,
            "make a new token in the provider's console, and put it in as a new credential",
        ),
    };
    let message = format!("the provider refuses `{}`: {reason}", credential.name);
    Error::new(code, message).hint(hint).into()
}
