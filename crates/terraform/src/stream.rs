//! The machine-readable stream, message by message.
//!
//! Terraform writes one JSON object per line, but plain text can stand between
//! them, and newer versions add types. Nothing here fails: what is not
//! understood is kept as a line for people.

use flightdeck_app::port::terraform::Event;
use flightdeck_domain::stack::{Action, Diagnostic, PlannedChange};
use serde::Deserialize;

use crate::plain;

/// Returns what one line of the stream says: the line for people, then the event.
pub(crate) fn parse(line: &[u8]) -> Vec<Event> {
    match serde_json::from_slice::<Message>(line) {
        Ok(message) => message.events(),
        Err(_) => plain::lines(&String::from_utf8_lossy(line)),
    }
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "@message")]
    text: String,
    #[serde(default, rename = "type")]
    kind: String,
    change: Option<Change>,
    hook: Option<Hook>,
    diagnostic: Option<Complaint>,
}

#[derive(Deserialize)]
struct Change {
    resource: Resource,
    action: String,
}

#[derive(Deserialize)]
struct Resource {
    addr: String,
    #[serde(default)]
    resource_type: String,
}

#[derive(Deserialize)]
struct Hook {
    resource: Resource,
    #[serde(default)]
    action: String,
    #[serde(default)]
    elapsed_seconds: f64,
    id_value: Option<String>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    severity: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    detail: String,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    filename: String,
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: u64,
}

impl Message {
    fn events(self) -> Vec<Event> {
        let mut events = plain::lines(&self.text);
        let event = match self.kind.as_str() {
            "planned_change" => self.change.and_then(Change::event),
            "diagnostic" => self.diagnostic.map(|complaint| Event::Diagnostic(complaint.into())),
            kind => self.hook.and_then(|hook| hook.event(kind)),
        };
        events.extend(event);
        events
    }
}

impl Change {
    /// A plan also lists what it reads, moves, imports or forgets; nothing is
    /// made or taken away by that.
    fn event(self) -> Option<Event> {
        let action = action(&self.action)?;
        if matches!(action, Action::Read | Action::NoOp) {
            return None;
        }
        let Resource { addr: address, resource_type } = self.resource;
        Some(Event::Planned(PlannedChange { address, resource_type, action }))
    }
}

impl Hook {
    fn event(self, kind: &str) -> Option<Event> {
        let elapsed_seconds = seconds(self.elapsed_seconds);
        let address = self.resource.addr;
        match kind {
            "apply_start" => {
                Some(Event::ResourceStarted { address, action: action(&self.action)? })
            }
            "apply_progress" => Some(Event::ResourceProgress { address, elapsed_seconds }),
            "apply_complete" => Some(Event::ResourceDone {
                address,
                action: action(&self.action)?,
                elapsed_seconds,
                resource_id: self.id_value,
            }),
            "apply_errored" => Some(Event::ResourceFailed { address, elapsed_seconds }),
            _ => None,
        }
    }
}

impl From<Complaint> for Diagnostic {
    fn from(complaint: Complaint) -> Self {
        Self {
            is_error: complaint.severity == "error",
            summary: plain::bounded(&complaint.summary),
            detail: plain::bounded(complaint.detail.trim_end()),
            place: complaint.range.map(|range| format!("{}:{}", range.filename, range.start.line)),
        }
    }
}

fn action(name: &str) -> Option<Action> {
    match name {
        "create" => Some(Action::Create),
        "update" => Some(Action::Update),
        "replace" => Some(Action::Replace),
        "delete" => Some(Action::Delete),
        "read" => Some(Action::Read),
        "noop" => Some(Action::NoOp),
        _ => None,
    }
}

/// Terraform rounds to whole seconds but writes a floating-point number.
fn seconds(elapsed: f64) -> u32 {
    let whole = elapsed.clamp(0.0, f64::from(u32::MAX)).trunc();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range one line above"
    )]
    let seconds = whole as u32;
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(stream: &str) -> Vec<Event> {
        stream.lines().flat_map(|line| parse(line.as_bytes())).collect()
    }

    fn changes(stream: &str) -> Vec<(String, Action)> {
        events(stream)
            .into_iter()
            .filter_map(|event| match event {
                Event::Planned(change) => Some((change.address, change.action)),
                _ => None,
            })
            .collect()
    }

    fn diagnostics(stream: &str) -> Vec<Diagnostic> {
        events(stream)
            .into_iter()
            .filter_map(|event| match event {
                Event::Diagnostic(diagnostic) => Some(diagnostic),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_plan_lists_what_it_would_make() {
        let found = changes(include_str!("../tests/fixtures/plan.jsonl"));

        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|(_, action)| *action == Action::Create));
        assert!(found.iter().any(|(address, _)| address == "terraform_data.server[1]"));
    }

    #[test]
    fn a_destroy_lists_what_it_would_take_away() {
        let found = changes(include_str!("../tests/fixtures/destroy.jsonl"));

        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|(_, action)| *action == Action::Delete));
    }

    #[test]
    fn drift_lines_are_no_changes() {
        let stream = include_str!("../tests/fixtures/aws_drift.jsonl");

        assert_eq!(stream.matches("resource_drift").count(), 10);
        assert_eq!(changes(stream).len(), 2, "real providers print drift after every apply");
    }

    #[test]
    fn an_apply_tells_start_progress_and_end_of_each_resource() {
        let all = events(include_str!("../tests/fixtures/apply.jsonl"));

        let count = |wanted: fn(&Event) -> bool| all.iter().filter(|event| wanted(event)).count();
        assert_eq!(count(|event| matches!(event, Event::ResourceStarted { .. })), 4);
        assert_eq!(count(|event| matches!(event, Event::ResourceProgress { .. })), 1);
        assert_eq!(
            count(|event| matches!(event, Event::ResourceDone { resource_id: Some(_), .. })),
            4
        );
    }

    #[test]
    fn a_complaint_names_its_place() {
        let found = diagnostics(include_str!("../tests/fixtures/apply_error.jsonl"));

        assert_eq!(found.len(), 1);
        assert!(found[0].is_error);
        assert_eq!(found[0].summary, "local-exec provisioner error");
        assert_eq!(found[0].place.as_deref(), Some("main.tf:2"));
    }

    #[test]
    fn an_interrupted_apply_lists_the_failed_resources() {
        let failed: Vec<_> = events(include_str!("../tests/fixtures/interrupt.jsonl"))
            .into_iter()
            .filter(|event| matches!(event, Event::ResourceFailed { elapsed_seconds: 3, .. }))
            .collect();

        assert_eq!(failed.len(), 3);
    }

    #[test]
    fn a_state_that_could_not_be_saved_is_a_complaint() {
        let found = diagnostics(include_str!("../tests/fixtures/state_save_failed.jsonl"));

        assert!(found.iter().any(|diagnostic| diagnostic.summary == "Failed to save state"));
    }

    #[test]
    fn plain_text_between_messages_is_kept_without_its_colours() {
        let all = events(include_str!("../tests/fixtures/init_http_backend_mixed.jsonl"));

        let expected = Event::Line(
            "Successfully configured the backend \"http\"! Terraform will automatically".into(),
        );
        assert!(all.contains(&expected), "{all:#?}");
        assert!(all.iter().any(|event| matches!(event, Event::Diagnostic(d) if !d.is_error)));
    }

    #[test]
    fn an_unknown_type_is_kept_as_its_text() {
        let line =
            br#"{"@level":"info","@message":"tea is ready","type":"tea_time","hook":{"cups":2}}"#;

        assert!(!parse(line).is_empty());
        let line = br#"{"@level":"info","@message":"tea is ready","type":"tea_time"}"#;
        assert_eq!(parse(line), [Event::Line("tea is ready".into())]);
    }

    #[test]
    fn values_of_outputs_are_not_part_of_the_line() {
        let line = br#"{"@message":"Outputs: 1","outputs":{"o":{"sensitive":false,"value":"abc"}},"type":"outputs"}"#;

        assert_eq!(parse(line), [Event::Line("Outputs: 1".into())]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_survived(line in proptest::collection::vec(any::<u8>(), 0..2000)) {
            parse(&line);
        }

        #[test]
        fn arbitrary_damage_to_a_real_stream_is_survived(at in 0usize..18_000, byte in any::<u8>()) {
            let mut stream = include_bytes!("../tests/fixtures/interrupt.jsonl").to_vec();
            let at = at % stream.len();
            stream[at] = byte;
            for line in stream.split(|byte| *byte == b'\n') {
                parse(line);
            }
        }
    }
}
