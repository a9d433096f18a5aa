//! Container image references, as Docker writes them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A reference such as `nginx`, `ghcr.io/acme/shop:1.2` or `shop@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageReference {
    text: String,
}

/// Text that Docker would not take as an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference")]
pub struct ParseImageError {
    /// What was given.
    pub text: String,
}

impl ImageReference {
    /// Takes `text` apart by the rules of the distribution specification.
    pub fn parse(text: &str) -> Result<Self, ParseImageError> {
        let text = text.trim();
        let wrong = || ParseImageError { text: text.to_owned() };
        if text.is_empty() || text.len() > 512 {
            return Err(wrong());
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let is_digest = |d: &str| {
            d.strip_prefix("sha256:")
                .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        if digest.is_some_and(|d| !is_digest(d)) {
            return Err(wrong());
        }
        // A colon after the last slash separates the tag; one before it, a port.
        let after_slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (path, tag) = match rest[after_slash..].find(':') {
            Some(at) => (&rest[..after_slash + at], Some(&rest[after_slash + at + 1..])),
            None => (rest, None),
        };
        let is_tag = |t: &str| {
            !t.is_empty()
                && t.len() <= 128
                && !t.starts_with(['.', '-'])
                && t.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        if tag.is_some_and(|t| !is_tag(t)) {
            return Err(wrong());
        }
        let mut parts: Vec<&str> = path.split('/').collect();
        let has_host =
            parts.len() > 1 && (parts[0].contains(['.', ':']) || parts[0] == "localhost");
        if has_host {
            let host = parts.remove(0);
            let (name, port) = host.split_once(':').map_or((host, None), |(n, p)| (n, Some(p)));
            let bad_port = port.is_some_and(|p| p.parse::<u16>().is_err());
            let bad_name = name.is_empty()
                || name.chars().any(|c| !(c.is_ascii_alphanumeric() || ".-".contains(c)));
            if bad_port || bad_name {
                return Err(wrong());
            }
        }
        let is_part = |p: &&str| {
            !p.is_empty()
                && p.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && p.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && p.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
        };
        if parts.is_empty() || !parts.iter().all(is_part) {
            return Err(wrong());
        }
        Ok(Self { text: text.to_owned() })
    }

    /// The reference without its tag and digest.
    pub fn repository(&self) -> &str {
        let rest = self.text.split_once('@').map_or(self.text.as_str(), |(rest, _)| rest);
        let after_slash = rest.rfind('/').map_or(0, |at| at + 1);
        rest[after_slash..].find(':').map_or(rest, |at| &rest[..after_slash + at])
    }

    /// The same image, pinned to `digest` (`sha256:…`).
    pub fn pinned(&self, digest: &str) -> Result<Self, ParseImageError> {
        Self::parse(&format!("{}@{digest}", self.repository()))
    }

    /// The reference as Docker takes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for ImageReference {
    type Error = ParseImageError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ImageReference> for String {
    fn from(reference: ImageReference) -> Self {
        reference.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_takes_is_taken() {
        let digest = format!("shop@sha256:{}", "0a".repeat(32));
        for text in
            ["nginx", "nginx:1.27-alpine", "10.77.0.1:5000/hello:v1", "ghcr.io/acme/shop", &digest]
        {
            assert!(ImageReference::parse(text).is_ok(), "`{text}`");
        }
    }

    #[test]
    fn what_could_be_read_as_an_option_or_a_command_is_refused() {
        for text in
            ["", "-v", "--privileged", "Nginx", "a b", "a;b", "a//b", "a:", "a@sha256:1", "$(id)"]
        {
            assert!(ImageReference::parse(text).is_err(), "`{text}`");
        }
    }
}
