//! What happens to an object of the cloud: create, read, update, delete.

use std::error::Error;

use super::{FolderProvider, chain};
use crate::cloud::Cloud;
use crate::config::{Config, Moment};
use crate::file::FileError;
use crate::fleet::{Fleet, SERVER, Slot};
use crate::pace::{Operation, Stopped, fault};
use crate::protocol::tfplugin6::Diagnostic;
use crate::value::Value;

const ERROR: i32 = 1;

/// Why an operation was not carried out, in the words a person sees.
#[derive(Debug)]
pub(super) struct Refused {
    summary: String,
    detail: String,
}

/// What an operation left behind, and why it did not finish.
///
/// Terraform stores the state in both cases. A create that failed after the cloud
/// made the object therefore returns the object: it is kept, as tainted.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) state: Value,
    pub(super) refused: Option<Refused>,
}

impl Refused {
    pub(super) fn new(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { summary: summary.into(), detail: detail.into() }
    }

    /// An answer of the cloud, in the real provider's form.
    pub(super) fn by_cloud(message: &str, status: u16) -> Self {
        let code = message.rsplit_once('(').map_or("", |(_, code)| code.trim_end_matches(')'));
        let detail = format!(
            "An unexpected error was encountered during an API request.\n\n{message}\n\n\
             Error code: {code}\nStatus code: {status}\n"
        );
        Self::new("API request failed", detail)
    }

    /// A fault of this provider, not of the cloud that it plays.
    pub(super) fn internal(error: &dyn Error) -> Self {
        Self::new("the test cloud failed", chain(error))
    }

    pub(super) fn diagnostic(self) -> Diagnostic {
        let Self { summary, detail } = self;
        Diagnostic { severity: ERROR, summary, detail, attribute: None }
    }
}

impl From<FileError> for Refused {
    fn from(error: FileError) -> Self {
        Self::internal(&error)
    }
}

impl FolderProvider {
    /// The object as the cloud has it, for an import.
    pub(super) fn stored(&self, kind: &str, id: &str) -> Result<Value, Refused> {
        let (_, cloud) = self.open()?;
        let missing = || {
            let detail = format!("`{kind}` with the id `{id}` does not exist");
            Refused::new("Cannot import non-existent remote object", detail)
        };
        cloud.find(kind, id)?.ok_or_else(missing)
    }

    /// What the cloud says today about an object in the state.
    pub(super) async fn read(&self, kind: &str, current: &Value) -> Result<Value, Refused> {
        let (config, cloud) = self.open()?;
        allowed(&config, kind, Operation::Read, current, Moment::Before)?;
        self.paced(&config, kind, Operation::Read).await?;
        let Some(stored) = cloud.find(kind, &current.id())? else { return Ok(Value::Null) };
        let mut state = current.clone();
        if let (Value::Map(fields), Value::Map(found)) = (&mut state, stored) {
            for (name, value) in found {
                fields.entry(name).and_modify(|field| *field = value);
            }
        }
        Ok(state)
    }

    pub(super) async fn create(&self, kind: &str, planned: Value) -> Done {
        let prepared = self.open().and_then(|(config, cloud)| {
            allowed(&config, kind, Operation::Create, &planned, Moment::Before)?;
            let (object, slot) = self.record(&config, &cloud, kind, planned)?;
            Ok((config, cloud, object, slot))
        });
        let (config, cloud, mut object, slot) = match prepared {
            Ok(prepared) => prepared,
            Err(refused) => return Done { state: Value::Null, refused: Some(refused) },
        };
        // From here on the object exists, whatever happens.
        let finished = self.finish(&config, &cloud, kind, &mut object, slot).await;
        Done { state: object, refused: finished.err() }
    }

    pub(super) async fn update(&self, kind: &str, prior: Value, planned: Value) -> Done {
        let changed = async {
            let (config, cloud) = self.open()?;
            allowed(&config, kind, Operation::Update, &planned, Moment::Before)?;
            self.paced(&config, kind, Operation::Update).await?;
            let object = self.complete(kind, planned, 0)?;
            cloud.save(kind, &object)?;
            Ok(object)
        };
        match changed.await {
            Ok(state) => Done { state, refused: None },
            Err(refused) => Done { state: prior, refused: Some(refused) },
        }
    }

    pub(super) async fn delete(&self, kind: &str, prior: Value) -> Done {
        let removed = async {
            let (config, cloud) = self.open()?;
            allowed(&config, kind, Operation::Delete, &prior, Moment::Before)?;
            self.paced(&config, kind, Operation::Delete).await?;
            let id = prior.id();
            if let (SERVER, Some(fleet)) = (kind, &config.fleet) {
                let fleet = Fleet::new(fleet, &cloud)?;
                fleet.destroy(&id).await.map_err(|error| Refused::internal(&error))?;
            }
            cloud.remove(kind, &id)?;
            allowed(&config, kind, Operation::Delete, &prior, Moment::After)
        };
        match removed.await {
            Ok(()) => Done { state: Value::Null, refused: None },
            Err(refused) => Done { state: prior, refused: Some(refused) },
        }
    }

    /// Makes the object, with an id and its address, before anything takes time.
    fn record(
        &self,
        config: &Config,
        cloud: &Cloud,
        kind: &str,
        planned: Value,
    ) -> Result<(Value, Option<Slot>), Refused> {
        let regions = config.regions.as_deref();
        if let Some(message) = self.overlay.refusal(kind, &planned, regions) {
            return Err(Refused::by_cloud(&message, 422));
        }
        let lock = cloud.lock()?;
        if let Some(message) = self.taken(cloud, kind, &planned)? {
            return Err(Refused::by_cloud(&message, 409));
        }
        let mut object = self.complete(kind, planned, cloud.next_number(&lock)?)?;
        drop(lock);
        let mut slot = None;
        if let (SERVER, Some(fleet)) = (kind, &config.fleet) {
            let reserved = Fleet::new(fleet, cloud)?.reserve(&object);
            let reserved = reserved.map_err(|error| Refused::internal(&error))?;
            object.set("ipv4_address", Value::Text(reserved.address()));
            object.set("status", Value::Text("initializing".to_owned()));
            slot = Some(reserved);
        }
        cloud.save(kind, &object)?;
        Ok((object, slot))
    }

    /// Takes the time that a create takes, boots what is real, and says it is done.
    async fn finish(
        &self,
        config: &Config,
        cloud: &Cloud,
        kind: &str,
        object: &mut Value,
        slot: Option<Slot>,
    ) -> Result<(), Refused> {
        self.paced(config, kind, Operation::Create).await?;
        if let (Some(fleet), Some(slot)) = (&config.fleet, slot) {
            let fleet = Fleet::new(fleet, cloud)?;
            fleet.boot(&slot, object).await.map_err(|error| Refused::internal(&error))?;
            object.set("status", Value::Text("running".to_owned()));
            cloud.save(kind, object)?;
        }
        allowed(config, kind, Operation::Create, object, Moment::After)
    }

    /// Fills in what the cloud chooses; the id last, which may be made of the rest.
    fn complete(&self, kind: &str, planned: Value, number: u32) -> Result<Value, Refused> {
        let unknown = || Refused::new("the test cloud failed", format!("no schema for `{kind}`"));
        let block = self.schema.block(kind).ok_or_else(unknown)?;
        let mut object = planned;
        for last in [false, true] {
            let known = object.clone();
            block.walk(&mut object, &mut |name, attribute, value| {
                if *value == Value::Unknown && (name == "id") == last {
                    *value = self.overlay.chosen(kind, name, attribute, &known, number);
                }
            });
        }
        Ok(object)
    }

    /// The cloud's answer if another object already has what must be unique.
    fn taken(&self, cloud: &Cloud, kind: &str, object: &Value) -> Result<Option<String>, Refused> {
        let Some(rules) = self.overlay.unique.get(kind) else { return Ok(None) };
        let others = cloud.all(kind)?;
        let clash = rules.iter().find(|(name, _)| {
            let own = object.get(name).and_then(Value::text);
            own.is_some() && others.iter().any(|other| other.get(name).and_then(Value::text) == own)
        });
        Ok(clash.map(|(_, message)| message.clone()))
    }

    async fn paced(
        &self,
        config: &Config,
        kind: &str,
        operation: Operation,
    ) -> Result<(), Refused> {
        self.stop.pace(config, kind, operation).await.map_err(|Stopped| {
            let detail = format!("{kind}: {} was stopped before it finished", operation.name());
            Refused::new("operation cancelled", detail)
        })
    }

    fn open(&self) -> Result<(Config, Cloud), Refused> {
        let config = self.source.read().map_err(|error| Refused::internal(&error))?;
        let cloud = Cloud::open(&config.cloud)?;
        Ok((config, cloud))
    }
}

/// Whether the settings let this operation through, before or after its work.
fn allowed(
    config: &Config,
    kind: &str,
    operation: Operation,
    object: &Value,
    moment: Moment,
) -> Result<(), Refused> {
    let name = object.get("name").and_then(Value::text);
    match fault(config, kind, operation, name.as_deref(), moment) {
        Some(fault) => Err(Refused::by_cloud(&fault.message, 500)),
        None => Ok(()),
    }
}
