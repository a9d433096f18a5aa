//! The form of a credential, filled in without a secret on the command line.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
};

use flightdeck_domain::{
    credential::{Field, Fields, Provider},
    secret::Secret,
};

use crate::{
    failure::{Failure, Result},
    terminal::Terminal,
};

/// Fills in a provider's form from `name=value` and `name=path` arguments, and asks
/// for what is missing where somebody can be asked.
pub(crate) fn fill_in(
    provider: Provider,
    values: &[String],
    files: &[String],
    terminal: Terminal,
) -> Result<Fields> {
    let mut fields: BTreeMap<String, Secret> = BTreeMap::new();
    for argument in values {
        let (name, value) = parts(argument, "--field")?;
        let known = field(provider, name)?;
        let value = match value {
            "-" => standard_input(name)?,
            _ if known.secret => return Err(exposed(name)),
            plain => Secret::new(plain),
        };
        fields.insert(name.to_owned(), value);
    }
    for argument in files {
        let (name, path) = parts(argument, "--field-file")?;
        field(provider, name)?;
        let text = fs::read_to_string(path).map(Secret::new).map_err(|error| {
            Failure::invalid(format!("`{path}` can't be read: {error}"))
                .hint("check the path, and that you may read it")
        })?;
        fields.insert(name.to_owned(), text);
    }
    for wanted in provider.fields() {
        if !wanted.required || fields.contains_key(wanted.name) {
            continue;
        }
        let question = format!("{} of the {provider} credential: ", wanted.name);
        let answer = if wanted.secret {
            terminal.ask_secret(&question, &format!("--field {}=-", wanted.name))?
        } else {
            Secret::new(terminal.ask(&question, &format!("--field {}=VALUE", wanted.name))?)
        };
        fields.insert(wanted.name.to_owned(), answer);
    }
    Ok(Fields(fields))
}

fn parts<'a>(argument: &'a str, flag: &str) -> Result<(&'a str, &'a str)> {
    argument.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        // The argument may be a secret that was put in the wrong place: not repeated.
        Failure::usage(format!("`{flag}` takes `name=…`"))
    })
}

fn field(provider: Provider, name: &str) -> Result<Field> {
    provider.fields().iter().copied().find(|field| field.name == name).ok_or_else(|| {
        let known: Vec<&str> = provider.fields().iter().map(|field| field.name).collect();
        Failure::invalid(format!("a {provider} credential has no field `{name}`"))
            .hint(format!("its fields are {}", known.join(", ")))
    })
}

fn standard_input(name: &str) -> Result<Secret> {
    // Room enough, so that reading leaves no half copies behind by growing.
    let mut text = String::with_capacity(1 << 16);
    io::stdin().lock().read_to_string(&mut text).map_err(|error| {
        Failure::invalid(format!("`{name}` can't be read from the standard input: {error}"))
    })?;
    Ok(Secret::new(text))
}

fn exposed(name: &str) -> Failure {
    Failure::usage(format!(
        "`{name}` is secret: on the command line other programs and the shell's history see it"
    ))
    .hint(format!(
        "use `--field {name}=-` and give it on the standard input, or `--field-file {name}=PATH`; \
         the value that you typed should be replaced"
    ))
}
