//! Stacks and plans as people read them.

use flightdeck_app::{StackDetail, StackOverview};
use flightdeck_domain::stack::{Action, Run};

use crate::{
    table::{Table, facts, or_dash},
    terminal::ago,
};

/// The stacks of an organization.
pub(super) fn list(list: &[StackOverview]) -> String {
    let nothing = "there is no stack; `flightdeck stack create` defines one";
    let columns = ["name", "status", "module", "region", "size", "servers", "last run"];
    let mut table = Table::new(columns, nothing);
    for one in list {
        let stack = &one.stack;
        let run = one.latest_run.as_ref().map(|overview| &overview.run);
        table.row([
            stack.name.clone(),
            stack.status.to_string(),
            stack.module.clone(),
            stack.inputs.region.clone(),
            stack.inputs.size.clone(),
            format!("{} of {}", one.servers.len(), stack.inputs.server_count),
            or_dash(run.map(|run| format!("{} {}", run.operation, ago(run.started_at)))),
        ]);
    }
    table.text()
}

/// One stack with its history.
pub(super) fn detail(detail: &StackDetail) -> String {
    let stack = &detail.stack.stack;
    let servers: Vec<&str> = detail.stack.servers.iter().map(|(_, name)| name.as_str()).collect();
    let newest = detail.state_versions.first();
    let resources = newest.map_or(0, |version| version.resources);
    let lines = [
        ("Stack", stack.name.clone()),
        ("Status", stack.status.to_string()),
        ("Module", stack.module.clone()),
        ("Region", stack.inputs.region.clone()),
        ("Size", stack.inputs.size.clone()),
        ("Image", stack.inputs.image.clone()),
        ("Wanted", format!("{} servers", stack.inputs.server_count)),
        ("Servers", servers.join(", ")),
        ("State", or_dash(newest.map(|v| format!("serial {}, {resources} resources", v.serial)))),
        ("Id", stack.id.to_string()),
    ];
    let mut runs = Table::new(["run", "status", "changes", "started", "id"], "nothing was run yet");
    for overview in detail.runs.iter().take(10) {
        let run = &overview.run;
        runs.row([
            run.operation.to_string(),
            run.status.to_string(),
            run.changes.len().to_string(),
            ago(run.started_at),
            run.id.to_string(),
        ]);
    }
    let mut text = format!("{}\n{}", facts(&lines), runs.text());
    if let Some(last) = detail.runs.first() {
        for complaint in last.run.diagnostics.iter().filter(|complaint| complaint.is_error) {
            let place = complaint.place.as_ref().map_or_else(String::new, |p| format!(" ({p})"));
            for part in ["\n", &complaint.summary, &place, "\n", &complaint.detail, "\n"] {
                text.push_str(part);
            }
        }
    }
    text
}

/// What a plan would change, with a sum below.
pub(super) fn changes(plan: &Run) -> String {
    let mut table = Table::new(["action", "resource"], "nothing would change");
    for change in &plan.changes {
        table.row([change.action.to_string(), change.address.clone()]);
    }
    let count = |action| plan.changes.iter().filter(|change| change.action == action).count();
    let sum = format!(
        "{} to create, {} to update, {} to replace, {} to delete",
        count(Action::Create),
        count(Action::Update),
        count(Action::Replace),
        count(Action::Delete)
    );
    format!("{}{sum}\nplan: {}\n", table.text(), plan.id)
}
