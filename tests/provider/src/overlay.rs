//! What a provider does and its schema does not say.
//!
//! Which argument forces a replacement, what the cloud answers for the values it
//! chooses, which names exist and which must be unique. One JSON file beside the
//! schema, so that another cloud needs no code.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::schema::Attribute;
use crate::value::Value;

/// What the schema of one provider does not say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Where the credential comes from.
    pub auth: Auth,
    /// Attributes whose change replaces the object, by type.
    #[serde(default)]
    pub force_new: BTreeMap<String, Vec<String>>,
    /// Values that the cloud chooses, by type (`*` for all) and attribute.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    /// Attributes that take only certain values, by type.
    #[serde(default)]
    pub one_of: BTreeMap<String, BTreeMap<String, OneOf>>,
    /// Attributes that no two objects may share, by type, with the cloud's answer.
    #[serde(default)]
    pub unique: BTreeMap<String, BTreeMap<String, String>>,
    /// The regions of the cloud.
    pub regions: Regions,
}

/// Where the credential comes from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The provider's argument.
    pub argument: String,
    /// The environment variable that stands in for it.
    pub environment: String,
}

/// The values that an attribute takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneOf {
    /// The allowed values.
    pub values: Vec<String>,
    /// The cloud's answer to any other; `{value}` is what was asked for.
    pub message: String,
}

/// The regions of the cloud, and where they are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    /// The data source that looks a region up by name.
    pub data_source: String,
    /// What the provider calls a region in messages.
    pub label: String,
    /// The attribute that names a region, by resource type.
    pub attributes: BTreeMap<String, String>,
    /// The cloud's answer to a region that does not exist.
    pub message: String,
    /// All of them.
    pub rows: Vec<serde_json::Value>,
}

impl Overlay {
    /// Whether changing `attribute` replaces the object.
    pub fn replaces(&self, kind: &str, attribute: &str) -> bool {
        self.force_new.get(kind).is_some_and(|names| names.iter().any(|name| name == attribute))
    }

    /// The value the cloud chooses for `name` of the object with this `number`.
    ///
    /// A template may use other attributes of `object` (`{location}`, or its part
    /// before the first hyphen: `{subnet_id|head}`), and forms of the number.
    pub fn chosen(
        &self,
        kind: &str,
        name: &str,
        attribute: &Attribute,
        object: &Value,
        number: u32,
    ) -> Value {
        let own = self.values.get(kind).and_then(|values| values.get(name));
        let value = own.or_else(|| self.values.get("*").and_then(|values| values.get(name)));
        match value {
            Some(serde_json::Value::String(template)) => {
                let text = fill(template, object, number);
                if attribute.is_number() {
                    text.parse::<i64>().map_or(Value::Null, |whole| Value::Number(whole.into()))
                } else {
                    Value::Text(text)
                }
            }
            Some(json) => Value::from_json(json),
            None => Value::Null,
        }
    }

    /// The row of the region called `name`, if it is one of `allowed`.
    pub fn region(&self, name: &str, allowed: Option<&[String]>) -> Option<Value> {
        if allowed.is_some_and(|allowed| !allowed.iter().any(|region| region == name)) {
            return None;
        }
        let row = self.regions.rows.iter().find(|row| row["name"] == name)?;
        Some(Value::from_json(row))
    }

    /// The cloud's answer to an object that names something that does not exist.
    pub fn refusal(
        &self,
        kind: &str,
        object: &Value,
        allowed: Option<&[String]>,
    ) -> Option<String> {
        if let Some(region) = self.regions.attributes.get(kind).and_then(|name| named(object, name))
            && self.region(&region, allowed).is_none()
        {
            return Some(self.regions.message.replace("{value}", &region));
        }
        let rules = self.one_of.get(kind)?;
        rules.iter().find_map(|(name, rule)| {
            let value = named(object, name)?;
            (!rule.values.contains(&value)).then(|| rule.message.replace("{value}", &value))
        })
    }
}

fn named(object: &Value, attribute: &str) -> Option<String> {
    object.get(attribute).and_then(Value::text)
}

fn fill(template: &str, object: &Value, number: u32) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((placeholder, tail)) = after.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(&replacement(placeholder, object, number));
        rest = tail;
    }
    filled + rest
}

fn replacement(placeholder: &str, object: &Value, number: u32) -> String {
    match placeholder.split_once('|') {
        Some((attribute, "head")) => {
            let text = named(object, attribute).unwrap_or_default();
            text.split('-').next().unwrap_or_default().to_owned()
        }
        _ => match placeholder {
            "n" => number.to_string(),
            "byte" => (number % 250 + 1).to_string(),
            "hex" => format!("{number:x}"),
            "hex2" => format!("{:02x}", number % 256),
            attribute => named(object, attribute).unwrap_or_default(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_uses_the_number_and_other_attributes() {
        let object = Value::from_json(&serde_json::json!({
            "server_id": 1007, "subnet_id": "1003-10.0.0.0/16",
        }));

        let filled = fill("{server_id}-{subnet_id|head} {n} {hex} {hex2} {byte}", &object, 1016);

        assert_eq!(filled, "1007-1003 1016 3f8 f8 17", "ids of links are made of other ids");
    }

    #[test]
    fn text_without_placeholders_stays_as_it_is() {
        assert_eq!(fill("running", &Value::Null, 1), "running");
        assert_eq!(fill("open { brace", &Value::Null, 1), "open { brace");
    }
}
