//! The settings of this installation.

use clap::Subcommand;
use flightdeck_domain::setting::Settings;
use serde_json::{Map, Value};

use crate::{
    answer::Answer,
    failure::{Failure, Result},
    session::Session,
    table::facts,
};

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show every setting
    Show,
    /// Change one setting
    Set {
        /// Its name, as `settings show` prints it
        key: String,
        /// Its new value; empty for the default of a path
        value: String,
    },
}

/// Calls a verb.
pub(crate) async fn run(session: &Session, verb: Verb) -> Result<Answer> {
    let settings = session.app().settings();
    let current = settings.get().await?;
    let settings = match verb {
        Verb::Show => current,
        Verb::Set { key, value } => {
            let changed = with(&current, &key, &value)?;
            settings.update(changed).await?
        }
    };
    let all = fields(&settings)?;
    let lines: Vec<(&str, String)> =
        all.iter().map(|(name, v)| (name.as_str(), plain(v))).collect();
    Answer::new(&settings, facts(&lines))
}

fn fields(settings: &Settings) -> Result<Map<String, Value>> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(Failure::internal("the settings can't be written as JSON")),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The settings with one of them changed.
fn with(settings: &Settings, key: &str, value: &str) -> Result<Settings> {
    let mut all = fields(settings)?;
    let known = all.keys().cloned().collect::<Vec<_>>().join(", ");
    let Some(slot) = all.get_mut(key) else {
        return Err(Failure::invalid(format!("there is no setting `{key}`"))
            .hint(format!("the settings are {known}")));
    };
    let wrong = || {
        Failure::invalid(format!("`{key}` can't be `{value}`"))
            .hint("see what it is now with `flightdeck settings show`")
    };
    *slot = if slot.is_number() {
        Value::Number(value.trim().parse::<u64>().map_err(|_| wrong())?.into())
    } else {
        Value::String(value.to_owned())
    };
    serde_json::from_value(Value::Object(all)).map_err(|_| wrong())
}
