//! Answers to Terraform: one method for each call of the protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::config::{Config, ConfigError, Source};
use crate::overlay::Overlay;
use crate::pace::Stop;
use crate::protocol::tfplugin6 as wire;
use crate::schema::{Block, Schema};
use crate::value::Value;

mod operation;

use operation::Refused;

const WARNING: i32 = 2;

type Answer<T> = Result<Response<T>, Status>;

/// A provider for one cloud.
#[derive(Debug)]
pub struct FolderProvider {
    source: Source,
    schema: Schema,
    overlay: Overlay,
    stop: Arc<Stop>,
}

impl FolderProvider {
    /// Reads the schema and the overlay; the rest is read again for each operation.
    pub fn new(source: Source) -> Result<Self, ConfigError> {
        let (schema, overlay) = (source.schema()?, source.overlay()?);
        Ok(Self { source, schema, overlay, stop: Arc::default() })
    }

    fn config(&self) -> Result<Config, Status> {
        self.source.read().map_err(|error| failed(&error))
    }

    fn block(&self, kind: &str) -> Result<&Block, Status> {
        let unknown = || Status::invalid_argument(format!("no schema for `{kind}`"));
        self.schema.block(kind).ok_or_else(unknown)
    }

    fn replaces(&self, config: &Config, kind: &str, attribute: &str) -> bool {
        let extra = config.force_new.get(kind);
        self.overlay.replaces(kind, attribute)
            || extra.is_some_and(|names| names.iter().any(|name| name == attribute))
    }

    /// Says what a given change would do, the way the real provider's SDK does.
    fn plan(
        &self,
        kind: &str,
        prior: &Value,
        mut proposed: Value,
    ) -> Result<(Value, Vec<wire::AttributePath>), Status> {
        let block = self.block(kind)?;
        let config = self.config()?;
        let mut replaced = Vec::new();
        if prior.is_null() {
            block.walk(&mut proposed, &mut |_, attribute, value| {
                if attribute.computed && value.is_null() {
                    *value = Value::Unknown;
                }
            });
        } else if let Value::Map(fields) = &proposed {
            replaced = fields
                .iter()
                .filter(|(name, value)| prior.get(name) != Some(*value))
                .filter(|(name, _)| self.replaces(&config, kind, name))
                .map(|(name, _)| attribute_path(name))
                .collect();
        }
        block.walk(&mut proposed, &mut |_, attribute, value| {
            if attribute.write_only {
                *value = Value::Null;
            }
        });
        Ok((proposed, replaced))
    }

    /// Warns of deprecated arguments: Terraform leaves that to the provider.
    fn deprecations(
        &self,
        kind: &str,
        mut arguments: Value,
    ) -> Result<Vec<wire::Diagnostic>, Status> {
        let mut warnings = Vec::new();
        self.block(kind)?.walk(&mut arguments, &mut |name, attribute, value| {
            if attribute.deprecated && !value.is_null() {
                warnings.push(wire::Diagnostic {
                    severity: WARNING,
                    summary: "Argument is deprecated".to_owned(),
                    detail: format!("`{name}` of {kind} is marked for removal"),
                    attribute: Some(attribute_path(name)),
                });
            }
        });
        Ok(warnings)
    }

    /// Checks the credential, as the first call to the real cloud would.
    fn authenticate(&self, arguments: &Value) -> Result<(), Refused> {
        let auth = &self.overlay.auth;
        let config = self.source.read().map_err(|error| Refused::internal(&error))?;
        let argument = arguments.get(&auth.argument).and_then(Value::text);
        let token = argument.or_else(|| std::env::var(&auth.environment).ok()).unwrap_or_default();
        if token.is_empty() {
            let (argument, variable, name) = (&auth.argument, &auth.environment, &config.name);
            return Err(Refused::new(
                "Missing API token",
                format!("{name} needs one: set {variable}, or the argument `{argument}`"),
            ));
        }
        if config.token.is_some_and(|expected| expected != token) {
            return Err(Refused::by_cloud("unable to authenticate (unauthorized)", 401));
        }
        Ok(())
    }

    /// Looks a region up by its name or id.
    fn region(&self, kind: &str, lookup: &Value) -> Result<Value, Refused> {
        let regions = &self.overlay.regions;
        if kind != regions.data_source {
            return Ok(lookup.clone());
        }
        let config = self.source.read().map_err(|error| Refused::internal(&error))?;
        let name = lookup.get("name").and_then(Value::text).unwrap_or_default();
        self.overlay.region(&name, config.regions.as_deref()).ok_or_else(|| {
            let label = &regions.label;
            Refused::new(
                "Resource not found",
                format!("Resource ({label}) was not found: name={name}"),
            )
        })
    }
}

#[tonic::async_trait]
impl wire::provider_server::Provider for FolderProvider {
    async fn get_provider_schema(
        &self,
        _: Request<wire::get_provider_schema::Request>,
    ) -> Answer<wire::get_provider_schema::Response> {
        let described = |schemas: &BTreeMap<String, crate::schema::Described>| {
            schemas.iter().map(|(kind, schema)| (kind.clone(), schema.to_wire())).collect()
        };
        Ok(Response::new(wire::get_provider_schema::Response {
            provider: Some(self.schema.provider.to_wire()),
            resource_schemas: described(&self.schema.resource_schemas),
            data_source_schemas: described(&self.schema.data_source_schemas),
            ..Default::default()
        }))
    }

    async fn validate_provider_config(
        &self,
        _: Request<wire::validate_provider_config::Request>,
    ) -> Answer<wire::validate_provider_config::Response> {
        Ok(Response::new(wire::validate_provider_config::Response::default()))
    }

    async fn validate_resource_config(
        &self,
        request: Request<wire::validate_resource_config::Request>,
    ) -> Answer<wire::validate_resource_config::Response> {
        let request = request.into_inner();
        let arguments = received(request.config.as_ref())?;
        let diagnostics = self.deprecations(&request.type_name, arguments)?;
        Ok(Response::new(wire::validate_resource_config::Response { diagnostics }))
    }

    async fn validate_data_resource_config(
        &self,
        _: Request<wire::validate_data_resource_config::Request>,
    ) -> Answer<wire::validate_data_resource_config::Response> {
        Ok(Response::new(wire::validate_data_resource_config::Response::default()))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<wire::upgrade_resource_state::Request>,
    ) -> Answer<wire::upgrade_resource_state::Response> {
        let json = request.into_inner().raw_state.unwrap_or_default().json;
        Ok(Response::new(wire::upgrade_resource_state::Response {
            upgraded_state: Some(wire::DynamicValue { json, msgpack: Vec::new() }),
            diagnostics: Vec::new(),
        }))
    }

    async fn configure_provider(
        &self,
        request: Request<wire::configure_provider::Request>,
    ) -> Answer<wire::configure_provider::Response> {
        let arguments = received(request.into_inner().config.as_ref())?;
        let diagnostics = self.authenticate(&arguments).err().map(Refused::diagnostic);
        Ok(Response::new(wire::configure_provider::Response {
            diagnostics: diagnostics.into_iter().collect(),
        }))
    }

    async fn read_resource(
        &self,
        request: Request<wire::read_resource::Request>,
    ) -> Answer<wire::read_resource::Response> {
        let request = request.into_inner();
        let current = received(request.current_state.as_ref())?;
        let read = self.read(&request.type_name, &current).await;
        let (state, diagnostics) = match read {
            Ok(state) => (state, Vec::new()),
            Err(refused) => (current, vec![refused.diagnostic()]),
        };
        Ok(Response::new(wire::read_resource::Response {
            new_state: sent(&state)?,
            diagnostics,
            private: request.private,
        }))
    }

    async fn plan_resource_change(
        &self,
        request: Request<wire::plan_resource_change::Request>,
    ) -> Answer<wire::plan_resource_change::Response> {
        let request = request.into_inner();
        let prior = received(request.prior_state.as_ref())?;
        let proposed = received(request.proposed_new_state.as_ref())?;
        let (planned, requires_replace) = self.plan(&request.type_name, &prior, proposed)?;
        Ok(Response::new(wire::plan_resource_change::Response {
            planned_state: sent(&planned)?,
            requires_replace,
            planned_private: request.prior_private,
            // What the real provider says too: its SDK predates strict planning.
            legacy_type_system: true,
            ..Default::default()
        }))
    }

    async fn apply_resource_change(
        &self,
        request: Request<wire::apply_resource_change::Request>,
    ) -> Answer<wire::apply_resource_change::Response> {
        let request = request.into_inner();
        let kind = &request.type_name;
        let prior = received(request.prior_state.as_ref())?;
        let planned = received(request.planned_state.as_ref())?;
        self.block(kind)?;
        let done = if prior.is_null() {
            self.create(kind, planned).await
        } else if planned.is_null() {
            self.delete(kind, prior).await
        } else {
            self.update(kind, prior, planned).await
        };
        Ok(Response::new(wire::apply_resource_change::Response {
            new_state: sent(&done.state)?,
            private: request.planned_private,
            diagnostics: done.refused.map(Refused::diagnostic).into_iter().collect(),
            legacy_type_system: true,
        }))
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Answer<wire::import_resource_state::Response> {
        let wire::import_resource_state::Request { type_name, id } = request.into_inner();
        let object = match self.stored(&type_name, &id) {
            Ok(object) => object,
            Err(refused) => {
                return Ok(Response::new(wire::import_resource_state::Response {
                    imported_resources: Vec::new(),
                    diagnostics: vec![refused.diagnostic()],
                }));
            }
        };
        let state = self.block(&type_name)?.shape(&object);
        let imported = wire::import_resource_state::ImportedResource {
            type_name,
            state: sent(&state)?,
            private: Vec::new(),
        };
        Ok(Response::new(wire::import_resource_state::Response {
            imported_resources: vec![imported],
            diagnostics: Vec::new(),
        }))
    }

    async fn read_data_source(
        &self,
        request: Request<wire::read_data_source::Request>,
    ) -> Answer<wire::read_data_source::Response> {
        let request = request.into_inner();
        let lookup = received(request.config.as_ref())?;
        let block = self.block(&request.type_name)?;
        let (state, diagnostics) = match self.region(&request.type_name, &lookup) {
            Ok(found) => (block.shape(&found), Vec::new()),
            Err(refused) => (lookup, vec![refused.diagnostic()]),
        };
        Ok(Response::new(wire::read_data_source::Response { state: sent(&state)?, diagnostics }))
    }

    async fn stop_provider(
        &self,
        _: Request<wire::stop_provider::Request>,
    ) -> Answer<wire::stop_provider::Response> {
        self.stop.request();
        Ok(Response::new(wire::stop_provider::Response::default()))
    }
}

fn attribute_path(name: &str) -> wire::AttributePath {
    let selector = wire::attribute_path::step::Selector::AttributeName(name.to_owned());
    let step = wire::attribute_path::Step { selector: Some(selector) };
    wire::AttributePath { steps: vec![step] }
}

fn received(wire: Option<&wire::DynamicValue>) -> Result<Value, Status> {
    Value::from_wire(wire).map_err(|error| Status::invalid_argument(chain(&error)))
}

fn sent(value: &Value) -> Result<Option<wire::DynamicValue>, Status> {
    value.to_wire().map_err(|error| failed(&error))
}

fn failed(error: &dyn std::error::Error) -> Status {
    Status::internal(chain(error))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
