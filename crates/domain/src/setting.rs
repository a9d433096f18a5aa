//! Choices that people make once.

use serde::{Deserialize, Serialize};

/// How the window is lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the operating system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// The settings of this installation, whole and valid.
///
/// Unknown fields in a stored file are dropped and missing ones take their
/// default, so an older and a newer program can share one data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Light, dark, or as the system is.
    pub theme: Theme,
    /// BCP 47 tag of the window's language.
    pub locale: String,
    /// Base font size in pixels: 14, 16 or 18.
    pub font_size: u8,
    /// Seconds between two samples of a server, 5 to 300.
    pub sample_interval_seconds: u16,
    /// Where Terraform or OpenTofu is; empty: search the path.
    pub terraform_path: String,
    /// A Terraform CLI configuration file (mirrors); empty: Terraform's own default.
    pub terraform_cli_config: String,
    /// Where modules are looked for; empty: the ones that ship.
    pub modules_path: String,
    /// The image of the reverse proxy that runs on each server.
    pub proxy_image: String,
    /// Base address of the Hetzner API, for tests and private endpoints.
    pub hetzner_endpoint: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            locale: "en".to_owned(),
            font_size: 16,
            sample_interval_seconds: 30,
            terraform_path: String::new(),
            terraform_cli_config: String::new(),
            modules_path: String::new(),
            proxy_image: "haproxy:3.0".to_owned(),
            hetzner_endpoint: "https://api.hetzner.cloud/v1".to_owned(),
        }
    }
}

/// A setting outside its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is {value}; it must be {allowed}")]
pub struct SettingError {
    /// Which setting.
    pub name: &'static str,
    /// What was given.
    pub value: String,
    /// What it may be.
    pub allowed: &'static str,
}

impl Settings {
    /// Checks every bound.
    pub fn check(&self) -> Result<(), SettingError> {
        let bad = |name, value: &dyn std::fmt::Display, allowed| {
            Err(SettingError { name, value: value.to_string(), allowed })
        };
        if ![14, 16, 18].contains(&self.font_size) {
            return bad("font_size", &self.font_size, "14, 16 or 18");
        }
        if !(5..=300).contains(&self.sample_interval_seconds) {
            return bad("sample_interval_seconds", &self.sample_interval_seconds, "from 5 to 300");
        }
        if !["en", "de"].contains(&self.locale.as_str()) {
            return bad("locale", &self.locale, "`en` or `de`");
        }
        if let Err(error) = crate::image_reference::ImageReference::parse(&self.proxy_image) {
            return bad("proxy_image", &error.text, "an image reference such as `haproxy:3.0`");
        }
        if !is_endpoint(&self.hetzner_endpoint) {
            return bad("hetzner_endpoint", &self.hetzner_endpoint, "an https address");
        }
        Ok(())
    }
}

/// Whether a token may be sent there: encrypted, or to this machine.
fn is_endpoint(text: &str) -> bool {
    let host = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
        // Credentials in an address are never meant, and hide the real host.
        (!authority.contains('@')).then_some(authority)
    };
    if let Some(rest) = text.strip_prefix("https://") {
        return host(rest).is_some_and(|authority| !authority.is_empty());
    }
    text.strip_prefix("http://").and_then(host).is_some_and(|authority| {
        let name = authority.split_once(':').map_or(authority.as_str(), |(name, _)| name);
        matches!(name, "127.0.0.1" | "localhost")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_out_encrypted_or_not_at_all() {
        for good in ["https://api.hetzner.cloud/v1", "http://127.0.0.1:8080/v1", "http://localhost"]
        {
            assert!(is_endpoint(good), "`{good}`");
        }
        for bad in [
            "http://api.example",
            "http://127.0.0.1.example",
            "http://127.0.0.1@example",
            "https://",
        ] {
            assert!(!is_endpoint(bad), "`{bad}`");
        }
    }
}
