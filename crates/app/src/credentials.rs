//! Secrets of other systems: kept sealed, opened at the last moment.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use flightdeck_domain::{
    credential::{Credential, CredentialStatus, Fields, Provider},
    id::{CredentialId, UserId},
    name,
    permission::Permission,
    secret::Secret,
};
use flightdeck_store::{application, credential as table, server, stack};
use flightdeck_vault::keys::Purpose;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, rand_core::OsRng};

use crate::{
    App, Ctx, Desk,
    error::{Code, Error, Result},
    event::{Event, Topic},
    port::{
        cloud::{Account, Catalog, CloudError},
        hosts::SshKey,
    },
};

/// How long uses of a credential by one person count as one use.
const USE: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// When each person's last recorded use of a credential was.
pub(crate) type Uses = Mutex<HashMap<(UserId, CredentialId), jiff::Timestamp>>;

/// The use cases of credentials.
pub struct Credentials<'a>(pub(crate) &'a App);

impl Credentials<'_> {
    /// Lists what may be seen of the credentials, by name.
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<Credential>> {
        let desk = self.0.authorize(ctx, Permission::CredentialRead).await?;
        Ok(desk.db.read(table::list).await?)
    }

    /// Seals a filled-in form.
    pub async fn create(
        &self,
        ctx: &Ctx,
        name: &str,
        provider: Provider,
        mut fields: Fields,
    ) -> Result<Credential> {
        let desk = self.0.authorize(ctx, Permission::CredentialWrite).await?;
        let name = name::title("credential name", name).map_err(|e| Error::invalid(&e))?;
        fields.0.retain(|_, value| !value.is_empty());
        fields.check(provider).map_err(|error| Error::invalid(&error))?;
        let (fingerprint, mut public_fields) = match provider {
            Provider::SshKey => describe_key(&fields)?,
            Provider::Hetzner => (last_four(fields.get("token")), BTreeMap::new()),
            Provider::Registry => (last_four(fields.get("password")), BTreeMap::new()),
        };
        for field in provider.fields().iter().filter(|field| !field.secret) {
            if let Some(value) = fields.get(field.name) {
                public_fields.insert(field.name.to_owned(), value.trim().to_owned());
            }
        }
        let credential = Credential {
            id: CredentialId::new(),
            name,
            provider,
            fingerprint,
            public_fields,
            status: CredentialStatus::Untested,
            created_at: self.0.now(),
            last_used_at: None,
        };
        self.store(ctx, &desk, credential, fields).await
    }

    /// Makes an ed25519 key pair; its private half never leaves the vault.
    pub async fn generate_ssh_key(&self, ctx: &Ctx, name: &str) -> Result<Credential> {
        // The permission is checked by `create`, before anything is kept.
        let key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519)
            .and_then(|key| key.to_openssh(LineEnding::LF))
            .map_err(|e| Error::new(Code::Internal, "the key could not be made").cause(e))?;
        let fields =
            Fields(BTreeMap::from([("private_key".to_owned(), Secret::new(key.as_str()))]));
        self.create(ctx, name, Provider::SshKey, fields).await
    }

    /// Asks the provider whether it takes the credential, and keeps the answer.
    pub async fn test(&self, ctx: &Ctx, id: CredentialId) -> Result<Credential> {
        let desk = self.0.authorize(ctx, Permission::CredentialWrite).await?;
        let mut credential = self.0.credential(&desk, id).await?;
        let at = self.0.now();
        credential.status = match credential.provider {
            Provider::Hetzner => {
                let account = self.account(&desk, &credential).await?;
                match self.0.ports().cloud.test(&account).await {
                    Ok(()) => CredentialStatus::Valid { at },
                    Err(CloudError::Refused { reason, .. }) => {
                        CredentialStatus::Invalid { at, reason: self.0.redact(&reason) }
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Provider::SshKey => match self.0.ssh_key(&desk, id).await {
                Ok(_) => CredentialStatus::Valid { at },
                Err(error) if error.code == Code::SshKeyUnusable => {
                    CredentialStatus::Invalid { at, reason: error.message }
                }
                Err(error) => return Err(error),
            },
            Provider::Registry => {
                return Err(Error::new(
                    Code::WrongState,
                    "a registry login is tested by the first pull that uses it",
                ));
            }
        };
        let (author, stored) = (self.0.author(Some(ctx.user_id)), credential.clone());
        desk.db.write(move |tx| table::put(tx, &author, &stored)).await?;
        self.0.audit(ctx, "credential.test", id).await?;
        self.announce(&desk, id);
        Ok(credential)
    }

    /// Deletes a credential and its sealed values; refused while it is used.
    pub async fn delete(&self, ctx: &Ctx, id: CredentialId) -> Result<()> {
        let desk = self.0.authorize(ctx, Permission::CredentialWrite).await?;
        self.0.credential(&desk, id).await?;
        let author = self.0.author(Some(ctx.user_id));
        let users = desk
            .db
            .write(move |tx| {
                let mut users = Vec::new();
                for stack in stack::list(tx)? {
                    if stack.credential_id == id || stack.ssh_credential_id == id {
                        users.push(format!("stack `{}`", stack.name));
                    }
                }
                for server in server::list(tx)? {
                    if server.credential_id == id {
                        users.push(format!("server `{}`", server.name));
                    }
                }
                for application in application::list(tx)? {
                    if application.registry_credential_id == Some(id) {
                        users.push(format!("application `{}`", application.name));
                    }
                }
                if users.is_empty() {
                    table::delete(tx, &author, id)?;
                }
                Ok(users)
            })
            .await?;
        if !users.is_empty() {
            return Err(Error::new(
                Code::InUse,
                format!("the credential is used by {}", users.join(", ")),
            )
            .hint("remove those first, or give them another credential"));
        }
        self.0.audit(ctx, "credential.delete", id).await?;
        self.announce(&desk, id);
        Ok(())
    }

    /// Lists what the credential's provider offers: regions, sizes, images.
    pub async fn catalog(&self, ctx: &Ctx, id: CredentialId) -> Result<Catalog> {
        let desk = self.0.authorize(ctx, Permission::StackWrite).await?;
        let credential = self.0.credential(&desk, id).await?;
        let account = self.account(&desk, &credential).await?;
        Ok(self.0.ports().cloud.catalog(&account).await?)
    }

    async fn account(&self, desk: &Desk, credential: &Credential) -> Result<Account> {
        if credential.provider.module().is_none() {
            return Err(Error::new(
                Code::InvalidInput,
                format!("`{}` is no cloud credential", credential.name),
            ));
        }
        let settings = self.0.settings().get().await?;
        Ok(Account {
            provider: credential.provider,
            endpoint: settings.hetzner_endpoint,
            token: self.0.secret(desk, credential.id, "token").await?,
        })
    }

    async fn store(
        &self,
        ctx: &Ctx,
        desk: &Desk,
        credential: Credential,
        fields: Fields,
    ) -> Result<Credential> {
        let mut sealed = Vec::new();
        for field in credential.provider.fields().iter().filter(|field| field.secret) {
            if let Some(value) = fields.get(field.name) {
                let place = secret_place(credential.id, field.name);
                let value = value.trim_end_matches(['\r', '\n']);
                self.0.remember_secret(value);
                let bytes = self.0.seal(desk, Purpose::Credentials, place, value.as_bytes())?;
                sealed.push((field.name, bytes));
            }
        }
        drop(fields);
        let (author, stored) = (self.0.author(Some(ctx.user_id)), credential.clone());
        desk.db
            .write(move |tx| {
                table::put(tx, &author, &stored)?;
                for (field, bytes) in &sealed {
                    table::put_secret(tx, &author, stored.id, field, bytes)?;
                }
                Ok(())
            })
            .await?;
        self.0.audit(ctx, "credential.create", credential.id).await?;
        self.announce(desk, credential.id);
        Ok(credential)
    }

    fn announce(&self, desk: &Desk, id: CredentialId) {
        self.0.publish(Event::Changed {
            organization_id: Some(desk.organization_id),
            topic: Topic::Credentials,
            id: Some(id.to_string()),
        });
    }
}

impl App {
    /// Finds a credential of this workspace.
    pub(crate) async fn credential(&self, desk: &Desk, id: CredentialId) -> Result<Credential> {
        desk.db
            .read(move |conn| table::by_id(conn, id))
            .await?
            .ok_or_else(|| Error::not_found("credential", id))
    }

    /// Opens one secret field, and writes down that it was used.
    pub(crate) async fn secret(
        &self,
        desk: &Desk,
        id: CredentialId,
        field: &'static str,
    ) -> Result<Secret> {
        let secret = self.optional_secret(desk, id, field).await?.ok_or_else(|| {
            Error::new(Code::InvalidInput, format!("the credential has no `{field}`"))
                .hint("choose a credential of the right kind")
        })?;
        if self.is_new_use(desk.actor, id) {
            let ctx = Ctx { user_id: desk.actor, organization_id: desk.organization_id };
            self.audit(&ctx, "credential.use", id).await?;
        }
        Ok(secret)
    }

    /// Says whether this use is to go on record: the first one in an hour.
    ///
    /// Servers are sampled every few seconds; nobody would find anything in an
    /// audit log that has a line for each.
    fn is_new_use(&self, actor: UserId, id: CredentialId) -> bool {
        let mut uses = self.0.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let is_new = uses.get(&(actor, id)).is_none_or(|last| now - USE >= *last);
        if is_new {
            uses.insert((actor, id), now);
        }
        is_new
    }

    /// Opens the SSH key of a server or a stack.
    pub(crate) async fn ssh_key(&self, desk: &Desk, id: CredentialId) -> Result<Arc<SshKey>> {
        let private = self.secret(desk, id, "private_key").await?;
        let passphrase = self.optional_secret(desk, id, "passphrase").await?;
        parse_key(private.expose(), passphrase.as_ref().map(Secret::expose))?;
        Ok(Arc::new(SshKey { private, passphrase }))
    }

    async fn optional_secret(
        &self,
        desk: &Desk,
        id: CredentialId,
        field: &'static str,
    ) -> Result<Option<Secret>> {
        let now = self.now();
        let sealed = desk
            .db
            .write(move |tx| {
                let sealed = table::secret(tx, id, field)?;
                if sealed.is_some() {
                    table::touch_used(tx, id, now)?;
                }
                Ok(sealed)
            })
            .await?;
        let Some(sealed) = sealed else { return Ok(None) };
        let plain = self.open(desk, Purpose::Credentials, secret_place(id, field), &sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|error| {
            Error::new(Code::SealBroken, "a sealed value is not text").cause(error)
        })?;
        self.remember_secret(text);
        Ok(Some(Secret::new(text)))
    }
}

/// Where a field's sealed value belongs.
fn secret_place(id: CredentialId, field: &str) -> (&'static str, String, &'static str) {
    ("credential_secret", format!("{id}/{field}"), "sealed")
}

fn last_four(secret: Option<&str>) -> String {
    let secret = secret.unwrap_or_default().trim();
    let count = secret.chars().count();
    // Four characters of a short secret would be too much of it.
    if count < 12 { "••••".to_owned() } else { secret.chars().skip(count - 4).collect() }
}

fn parse_key(private: &str, passphrase: Option<&str>) -> Result<PrivateKey> {
    let unusable = |message: &str, hint: &str| Error::new(Code::SshKeyUnusable, message).hint(hint);
    let key = PrivateKey::from_openssh(private.trim_start()).map_err(|error| {
        unusable(
            "the text is not a private key in OpenSSH format",
            "paste the whole file, from `-----BEGIN OPENSSH PRIVATE KEY-----` to its end; \
             `ssh-keygen -p -f FILE` rewrites an older format",
        )
        .cause(error)
    })?;
    if !key.is_encrypted() {
        return Ok(key);
    }
    let Some(passphrase) = passphrase else {
        return Err(unusable(
            "the private key is protected by a passphrase",
            "fill in the passphrase as well",
        ));
    };
    key.decrypt(passphrase).map_err(|error| {
        unusable("the passphrase does not open the private key", "check the passphrase")
            .cause(error)
    })
}

/// The key's fingerprint, and its public half.
fn describe_key(fields: &Fields) -> Result<(String, BTreeMap<String, String>)> {
    let private = fields.get("private_key").unwrap_or_default();
    let key = parse_key(private, fields.get("passphrase"))?;
    let mut public = key.public_key().clone();
    public.set_comment("");
    let line = public
        .to_openssh()
        .map_err(|e| Error::new(Code::SshKeyUnusable, "the key has no public half").cause(e))?;
    let fingerprint = public.fingerprint(HashAlg::Sha256).to_string();
    Ok((fingerprint, BTreeMap::from([("public_key".to_owned(), line.trim().to_owned())])))
}

impl From<CloudError> for Error {
    fn from(error: CloudError) -> Self {
        let message = error.to_string();
        let (code, hint) = match &error {
            CloudError::Refused { .. } => (
                Code::CredentialRefused,
                "make a new token in the provider's console and replace the credential",
            ),
            CloudError::Unreachable { .. } => {
                (Code::ProviderUnreachable, "check the network and try again")
            }
            CloudError::Unexpected { .. } => {
                (Code::ProviderUnreachable, "check the provider's status page and try again")
            }
        };
        Self::new(code, message).hint(hint).cause(error)
    }
}
