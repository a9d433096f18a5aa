//! Finds the binary and asks it who it is.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use flightdeck_app::port::terraform::{Binary, MIN_VERSION, TerraformError};
use serde::Deserialize;
use tokio::{process::Command, time::timeout};

use crate::environment;

/// Long enough for a cold disk, short enough for somebody who waits.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Finds the binary: the set path, or `tofu`, or `terraform`.
///
/// A `tofu` that is too old or broken does not hide a `terraform` that works.
pub(crate) async fn locate(path: Option<PathBuf>) -> Result<Binary, TerraformError> {
    if let Some(path) = path {
        return ask(path).await;
    }
    let mut refused = TerraformError::Missing { searched: None };
    for path in ["tofu", "terraform"].into_iter().filter_map(environment::in_path) {
        match ask(path).await {
            Ok(binary) => return Ok(binary),
            Err(error) if matches!(refused, TerraformError::Missing { .. }) => refused = error,
            Err(_) => {}
        }
    }
    Err(refused)
}

/// Reads `major.minor` of a version.
pub(crate) fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[derive(Deserialize)]
struct Answer {
    terraform_version: String,
}

async fn ask(path: PathBuf) -> Result<Binary, TerraformError> {
    let answer = answer(&path, &["version", "-json"]).await?;
    let broken =
        |reason: &str| TerraformError::Broken { path: path.clone(), reason: reason.into() };
    let Answer { terraform_version: version } = serde_json::from_str(&answer)
        .map_err(|_| broken("it does not answer `version -json` with a version"))?;
    let Some(number) = major_minor(&version) else {
        return Err(broken(&format!("`{version}` is not a version")));
    };
    let product = product(&path).await?;
    let binary = Binary { path, product, version };
    if number < MIN_VERSION {
        return Err(TerraformError::TooOld { binary });
    }
    Ok(binary)
}

/// Both products call the JSON key `terraform_version`; only the text tells them apart.
async fn product(path: &Path) -> Result<String, TerraformError> {
    let is_tofu = answer(path, &["version"]).await?.contains("OpenTofu v");
    Ok(if is_tofu { "OpenTofu" } else { "Terraform" }.to_owned())
}

async fn answer(path: &Path, arguments: &[&str]) -> Result<String, TerraformError> {
    let broken = |reason: String| TerraformError::Broken { path: path.to_owned(), reason };
    let mut command = Command::new(path);
    command.args(arguments).env_clear().envs(environment::of_question()).kill_on_drop(true);
    command.stdin(std::process::Stdio::null());
    let output = match timeout(ANSWER_WITHIN, command.output()).await {
        Err(_) => {
            return Err(broken(format!("no answer within {}s", ANSWER_WITHIN.as_secs())));
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound && !path.exists() => {
            return Err(TerraformError::Missing { searched: Some(path.to_owned()) });
        }
        Ok(Err(error)) => return Err(broken(error.to_string())),
        Ok(Ok(output)) => output,
    };
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let said: String = text.trim().chars().take(200).collect();
        return Err(broken(if said.is_empty() { output.status.to_string() } else { said }));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_up_to_the_minor_number() {
        assert_eq!(major_minor("1.11.4"), Some((1, 11)));
        assert_eq!(major_minor("v1.6.0-beta1"), Some((1, 6)));
        assert_eq!(major_minor("1.5-dev"), Some((1, 5)));
        assert_eq!(major_minor("one.two"), None);
    }
}
