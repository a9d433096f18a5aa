//! The published schema: what each resource takes and gives back.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::file::{self, FileError};
use crate::protocol::tfplugin6 as wire;
use crate::value::Value;

/// The schema of one provider, as `terraform providers schema -json` prints it.
#[derive(Debug, Deserialize)]
pub struct Schema {
    /// The provider's own arguments.
    pub provider: Described,
    /// Every resource, by type.
    #[serde(default)]
    pub resource_schemas: BTreeMap<String, Described>,
    /// Every data source, by type.
    #[serde(default)]
    pub data_source_schemas: BTreeMap<String, Described>,
}

#[derive(Debug, Deserialize)]
struct Document {
    provider_schemas: BTreeMap<String, Schema>,
}

/// The versioned block of one resource, data source or provider.
#[derive(Debug, Deserialize)]
pub struct Described {
    /// The version that upgrades of stored state go by.
    #[serde(default)]
    pub version: i64,
    /// What it takes and gives back.
    pub block: Block,
}

/// Attributes, and blocks inside them.
#[derive(Debug, Default, Deserialize)]
pub struct Block {
    /// The attributes, by name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Attribute>,
    /// The nested blocks, by name.
    #[serde(default)]
    pub block_types: BTreeMap<String, NestedBlock>,
}

/// One attribute.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the schema's own form")]
pub struct Attribute {
    /// The type, in Terraform's JSON notation.
    #[serde(rename = "type")]
    pub kind: serde_json::Value,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    optional: bool,
    /// Whether the cloud may choose the value.
    #[serde(default)]
    pub computed: bool,
    #[serde(default)]
    sensitive: bool,
    /// Whether the provider's documentation advises against it.
    #[serde(default)]
    pub deprecated: bool,
    /// Whether the value is passed on and never stored.
    #[serde(default)]
    pub write_only: bool,
}

impl Attribute {
    /// Whether the attribute is a number.
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.kind == "number"
    }
}

/// A block inside a block.
#[derive(Debug, Deserialize)]
pub struct NestedBlock {
    nesting_mode: NestingMode,
    /// What the block takes.
    pub block: Block,
    #[serde(default)]
    min_items: i64,
    #[serde(default)]
    max_items: i64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NestingMode {
    Single = 1,
    List = 2,
    Set = 3,
    Map = 4,
    Group = 5,
}

impl Schema {
    /// Reads the schema of the one provider that the file describes.
    pub fn read(path: &Path) -> Result<Option<Self>, FileError> {
        let document: Document = file::read_json(path)?;
        Ok(document.provider_schemas.into_values().next())
    }

    /// The block of a resource or a data source.
    #[must_use]
    pub fn block(&self, kind: &str) -> Option<&Block> {
        let described =
            self.resource_schemas.get(kind).or_else(|| self.data_source_schemas.get(kind));
        described.map(|described| &described.block)
    }
}

impl Block {
    /// Calls `visit` with every attribute of `value`, those of nested blocks too.
    pub fn walk(&self, value: &mut Value, visit: &mut dyn FnMut(&str, &Attribute, &mut Value)) {
        let Value::Map(fields) = value else { return };
        for (name, field) in fields {
            if let Some(attribute) = self.attributes.get(name) {
                visit(name, attribute, field);
            } else if let Some(nested) = self.block_types.get(name) {
                nested.walk(field, visit);
            }
        }
    }

    /// The object that has exactly this block's fields, with values from `stored`.
    #[must_use]
    pub fn shape(&self, stored: &Value) -> Value {
        let attributes = self.attributes.keys().map(|name| (name, Value::Null));
        let blocks = self.block_types.iter().map(|(name, nested)| (name, nested.empty()));
        let fields = attributes.chain(blocks).map(|(name, empty)| {
            (name.clone(), stored.get(name).cloned().filter(|own| !own.is_null()).unwrap_or(empty))
        });
        Value::Map(fields.collect())
    }

    fn to_wire(&self) -> wire::schema::Block {
        wire::schema::Block {
            attributes: self
                .attributes
                .iter()
                .map(|(name, attribute)| attribute.to_wire(name))
                .collect(),
            block_types: self
                .block_types
                .iter()
                .map(|(name, nested)| nested.to_wire(name))
                .collect(),
            ..Default::default()
        }
    }
}

impl NestedBlock {
    fn walk(&self, value: &mut Value, visit: &mut dyn FnMut(&str, &Attribute, &mut Value)) {
        match value {
            Value::List(items) => {
                for item in items {
                    self.block.walk(item, visit);
                }
            }
            other => self.block.walk(other, visit),
        }
    }

    fn empty(&self) -> Value {
        match self.nesting_mode {
            NestingMode::Single | NestingMode::Group => Value::Null,
            NestingMode::List | NestingMode::Set => Value::List(Vec::new()),
            NestingMode::Map => Value::Map(BTreeMap::new()),
        }
    }

    fn to_wire(&self, name: &str) -> wire::schema::NestedBlock {
        wire::schema::NestedBlock {
            type_name: name.to_owned(),
            block: Some(self.block.to_wire()),
            nesting: self.nesting_mode as i32,
            min_items: self.min_items,
            max_items: self.max_items,
        }
    }
}

impl Attribute {
    fn to_wire(&self, name: &str) -> wire::schema::Attribute {
        wire::schema::Attribute {
            name: name.to_owned(),
            r#type: self.kind.to_string().into_bytes(),
            required: self.required,
            optional: self.optional,
            computed: self.computed,
            sensitive: self.sensitive,
            deprecated: self.deprecated,
            write_only: self.write_only,
            ..Default::default()
        }
    }
}

impl Described {
    /// The schema as the protocol describes it.
    #[must_use]
    pub fn to_wire(&self) -> wire::Schema {
        wire::Schema { version: self.version, block: Some(self.block.to_wire()) }
    }
}
