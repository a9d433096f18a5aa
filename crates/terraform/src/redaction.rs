//! Takes the run's own credentials out of what it says.

use flightdeck_app::port::terraform::{Event, Request};
use flightdeck_domain::{secret::Secret, stack::Diagnostic};

/// Shorter values are regions and profile names; masking them would hide the
/// text around them and protect nothing.
const SHORTEST: usize = 12;

/// What stands in a secret's place.
const MASK: &str = "(secret)";

/// The texts that must not pass.
///
/// Terraform hides what it knows to be sensitive, not what a provider or a
/// script prints from its environment.
#[derive(Default)]
pub(crate) struct Redaction {
    secrets: Vec<Secret>,
}

impl Redaction {
    /// Hides the credentials of `request`, also line by line (private keys).
    pub(crate) fn new(request: &Request) -> Self {
        let mut secrets: Vec<Secret> = request
            .credentials
            .iter()
            .flat_map(|(_, value)| {
                let whole = value.expose();
                std::iter::once(whole).chain(whole.lines().map(str::trim))
            })
            .filter(|text| text.len() >= SHORTEST)
            .map(Secret::new)
            .collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        secrets.dedup_by(|a, b| a.expose() == b.expose());
        Self { secrets }
    }

    /// Cleans all text that an event brings.
    pub(crate) fn event(&self, event: Event) -> Event {
        match event {
            Event::Line(text) => Event::Line(self.text(text)),
            Event::Diagnostic(diagnostic) => Event::Diagnostic(self.diagnostic(diagnostic)),
            other => other,
        }
    }

    /// Cleans a complaint.
    pub(crate) fn diagnostic(&self, diagnostic: Diagnostic) -> Diagnostic {
        Diagnostic {
            summary: self.text(diagnostic.summary),
            detail: self.text(diagnostic.detail),
            ..diagnostic
        }
    }

    fn text(&self, mut text: String) -> String {
        for secret in &self.secrets {
            if text.contains(secret.expose()) {
                text = text.replace(secret.expose(), MASK);
            }
        }
        text
    }
}
