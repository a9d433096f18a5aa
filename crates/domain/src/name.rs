//! Names that people give to things.

/// The longest name of anything but a slug-like one.
pub const MAX_LENGTH: usize = 255;

/// A name that breaks a rule, and which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("the {what} is empty")]
    Empty {
        /// What the name is for.
        what: &'static str,
    },
    /// Longer than allowed.
    #[error("the {what} has {length} characters; {max} are allowed")]
    TooLong {
        /// What the name is for.
        what: &'static str,
        /// How long it is.
        length: usize,
        /// How long it may be.
        max: usize,
    },
    /// Has a character that names of this kind can't have.
    #[error("the {what} `{name}` may have only {allowed}")]
    Characters {
        /// What the name is for.
        what: &'static str,
        /// The name as given.
        name: String,
        /// The characters that may stand in it, in words.
        allowed: &'static str,
    },
}

/// Checks a free text name and returns it trimmed.
pub fn title(what: &'static str, text: &str) -> Result<String, NameError> {
    let name = text.trim();
    let length = name.chars().count();
    if name.is_empty() {
        return Err(NameError::Empty { what });
    }
    if length > MAX_LENGTH {
        return Err(NameError::TooLong { what, length, max: MAX_LENGTH });
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::Characters {
            what,
            name: name.escape_debug().to_string(),
            allowed: "printable characters",
        });
    }
    Ok(name.to_owned())
}

/// Checks a name that ends up in host names, containers and cloud resources.
///
/// 63 characters is what a DNS label holds; the first must be a letter because
/// several clouds refuse anything else.
pub fn label(what: &'static str, text: &str) -> Result<String, NameError> {
    const MAX: usize = 63;
    let name = text.trim();
    if name.is_empty() {
        return Err(NameError::Empty { what });
    }
    if name.len() > MAX {
        return Err(NameError::TooLong { what, length: name.len(), max: MAX });
    }
    let wrong = name.starts_with(|c: char| !c.is_ascii_lowercase())
        || name.ends_with('-')
        || name.chars().any(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
    if wrong {
        return Err(NameError::Characters {
            what,
            name: name.to_owned(),
            allowed: "lower-case letters, digits and inner hyphens, and must start with a letter",
        });
    }
    Ok(name.to_owned())
}

/// Makes a label out of any text, for use as a proposal.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            'ä' => slug.push_str("ae"),
            'ö' => slug.push_str("oe"),
            'ü' => slug.push_str("ue"),
            'ß' => slug.push_str("ss"),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(63);
    let slug = slug.trim_end_matches('-');
    if slug.starts_with(|c: char| c.is_ascii_lowercase()) {
        slug.to_owned()
    } else {
        format!("o-{slug}").trim_end_matches('-').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_always_a_valid_label() {
        for text in ["Müller & Söhne GmbH", "42", "  ", "Ünïcode — Ltd", "a"] {
            let slug = slug(text);
            assert_eq!(label("slug", &slug).as_deref(), Ok(slug.as_str()), "from `{text}`");
        }
    }

    #[test]
    fn a_label_that_a_cloud_would_refuse_is_refused_here() {
        for text in ["", "Web", "1web", "web-", "web_1", "wéb", &"a".repeat(64)] {
            assert!(label("name", text).is_err(), "`{text}`");
        }
    }
}
