//! Terraform values: from and to the wire's `MessagePack`, and the cloud's JSON.

use std::collections::BTreeMap;

use serde_json::Number;
use thiserror::Error;

use crate::protocol::tfplugin6::DynamicValue;

/// A value that Terraform passes to the provider or gets from it.
///
/// Sets and lists look alike here: the schema, which Terraform has as well, tells
/// them apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not known before the apply.
    Unknown,
    /// Absent.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole or a decimal number.
    Number(Number),
    /// Text.
    Text(String),
    /// A list, a set or a tuple.
    List(Vec<Value>),
    /// An object or a map.
    Map(BTreeMap<String, Value>),
}

/// Why a value from the wire makes no sense.
#[derive(Debug, Error)]
pub enum ValueError {
    /// The bytes are not `MessagePack`.
    #[error("cannot read a value from the wire")]
    Decode(#[source] rmpv::decode::Error),
    /// The bytes are not JSON.
    #[error("cannot read a JSON value from the wire")]
    Json(#[source] serde_json::Error),
    /// The value is of a kind that Terraform does not send.
    #[error("unexpected value on the wire: `{0}`")]
    Unexpected(String),
    /// The value cannot be written.
    #[error("cannot write a value to the wire")]
    Encode(#[source] rmpv::encode::Error),
}

impl Value {
    /// Reads a value from a message; a missing one is null.
    pub fn from_wire(wire: Option<&DynamicValue>) -> Result<Self, ValueError> {
        match wire {
            Some(wire) if !wire.msgpack.is_empty() => {
                let raw = rmpv::decode::read_value(&mut wire.msgpack.as_slice())
                    .map_err(ValueError::Decode)?;
                Self::from_msgpack(raw)
            }
            Some(wire) if !wire.json.is_empty() => {
                let json = serde_json::from_slice(&wire.json).map_err(ValueError::Json)?;
                Ok(Self::from_json(&json))
            }
            _ => Ok(Self::Null),
        }
    }

    /// Writes the value as a message.
    pub fn to_wire(&self) -> Result<Option<DynamicValue>, ValueError> {
        let mut msgpack = Vec::new();
        rmpv::encode::write_value(&mut msgpack, &self.to_msgpack()).map_err(ValueError::Encode)?;
        Ok(Some(DynamicValue { msgpack, json: Vec::new() }))
    }

    /// Takes a value over from JSON, where nothing is unknown.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(*flag),
            serde_json::Value::Number(number) => Self::Number(number.clone()),
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Self::List(items.iter().map(Self::from_json).collect())
            }
            serde_json::Value::Object(fields) => Self::Map(
                fields.iter().map(|(name, value)| (name.clone(), Self::from_json(value))).collect(),
            ),
        }
    }

    /// The value as JSON; what is unknown becomes null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Unknown | Self::Null => serde_json::Value::Null,
            Self::Bool(flag) => (*flag).into(),
            Self::Number(number) => number.clone().into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()
            }
        }
    }

    /// The field of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(fields) => fields.get(name),
            _ => None,
        }
    }

    /// Sets a field of an object; other values have none and stay as they are.
    pub fn set(&mut self, name: &str, value: Self) {
        if let Self::Map(fields) = self {
            fields.insert(name.to_owned(), value);
        }
    }

    /// A text or a number as text, which is how ids and templates use it.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The object's id, or an empty text before it has one.
    #[must_use]
    pub fn id(&self) -> String {
        self.get("id").and_then(Self::text).unwrap_or_default()
    }

    /// Whether this is the absence of an object.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn from_msgpack(raw: rmpv::Value) -> Result<Self, ValueError> {
        Ok(match raw {
            rmpv::Value::Nil => Self::Null,
            rmpv::Value::Ext(..) => Self::Unknown,
            rmpv::Value::Boolean(flag) => Self::Bool(flag),
            rmpv::Value::Integer(whole) => Self::Number(
                whole
                    .as_i64()
                    .map(Number::from)
                    .or_else(|| whole.as_u64().map(Number::from))
                    .ok_or_else(|| ValueError::Unexpected(whole.to_string()))?,
            ),
            rmpv::Value::F32(decimal) => number(f64::from(decimal))?,
            rmpv::Value::F64(decimal) => number(decimal)?,
            rmpv::Value::String(text) => Self::Text(
                text.into_str().ok_or_else(|| ValueError::Unexpected("text".to_owned()))?,
            ),
            rmpv::Value::Binary(bytes) => Self::Text(String::from_utf8_lossy(&bytes).into_owned()),
            rmpv::Value::Array(items) => {
                Self::List(items.into_iter().map(Self::from_msgpack).collect::<Result<_, _>>()?)
            }
            rmpv::Value::Map(fields) => {
                let mut map = BTreeMap::new();
                for (name, value) in fields {
                    let Some(name) = name.as_str() else {
                        return Err(ValueError::Unexpected(name.to_string()));
                    };
                    map.insert(name.to_owned(), Self::from_msgpack(value)?);
                }
                Self::Map(map)
            }
        })
    }

    fn to_msgpack(&self) -> rmpv::Value {
        match self {
            // Any extension means unknown; zero is the one without refinements.
            Self::Unknown => rmpv::Value::Ext(0, vec![0]),
            Self::Null => rmpv::Value::Nil,
            Self::Bool(flag) => (*flag).into(),
            Self::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(whole), ..) => whole.into(),
                (_, Some(whole), _) => whole.into(),
                (_, _, decimal) => decimal.unwrap_or_default().into(),
            },
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => rmpv::Value::Array(items.iter().map(Self::to_msgpack).collect()),
            Self::Map(fields) => rmpv::Value::Map(
                fields
                    .iter()
                    .map(|(name, value)| (name.as_str().into(), value.to_msgpack()))
                    .collect(),
            ),
        }
    }
}

fn number(decimal: f64) -> Result<Value, ValueError> {
    Number::from_f64(decimal)
        .map(Value::Number)
        .ok_or_else(|| ValueError::Unexpected(decimal.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_survives_the_wire() {
        let json = serde_json::json!({
            "name": "web-1", "ports": [80, 443], "size": 1.5, "on": true, "none": null,
            "labels": { "run": "r-42" },
        });
        let mut value = Value::from_json(&json);
        value.set("later", Value::Unknown);

        let wire = value.to_wire().expect("the value can be written");
        let back = Value::from_wire(wire.as_ref()).expect("the value can be read");

        assert_eq!(back, value, "both directions must agree or Terraform sees a change");
    }

    #[test]
    fn an_id_may_be_a_number() {
        let value = Value::from_json(&serde_json::json!({ "id": 7 }));

        assert_eq!(value.id(), "7", "data sources have numeric ids");
    }
}
