//! Text that must stay unseen.

use std::fmt;

/// Text that must never reach a log, an error message, or the web view.
///
/// It implements neither `Clone`, `Display` nor `Serialize`, and its `Debug`
/// prints no content: a secret has one owner, and the only way to read it is to
/// say so at the call site. Memory is overwritten when it is dropped.
pub struct Secret(zeroize::Zeroizing<String>);

impl Secret {
    /// Takes `text` into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(zeroize::Zeroizing::new(text.into()))
    }

    /// Reads the text, in full sight of the reviewer.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Says whether there is anything to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes a second owner on purpose.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
