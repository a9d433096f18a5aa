//! Every command asks for the permission that the registry states, before it
//! does anything, and none reaches into another organization.

use flightdeck_desktop::ipc::{Command, Need, REGISTRY};
use flightdeck_domain::{
    id::OrganizationId,
    permission::{Permission, Role},
};
use flightdeck_store::{application, credential, job, organization, server, stack};

use crate::{things::Things, window::Window};

/// How many commands ask for no permission. It may only shrink.
const EXCEPTIONS: usize = 9;

/// Commands that name nothing in the organization but the organization itself.
const WITHOUT_IDS: &[&str] = &[
    "create_organization",
    "update_organization",
    "archive_organization",
    "get_stylesheet",
    "list_credentials",
    "create_credential",
    "generate_ssh_key",
    "list_servers",
    "list_stacks",
    "list_applications",
    "list_jobs",
];

#[test]
fn the_commands_that_ask_for_no_permission_do_not_become_more() {
    let without: Vec<&str> = REGISTRY
        .iter()
        .filter(|command| matches!(command.need, Need::Nothing(_)))
        .map(|command| command.name)
        .collect();

    assert_eq!(without.len(), EXCEPTIONS, "{without:?}");
}

#[test]
fn a_role_that_lacks_the_permission_is_refused_and_changes_nothing() {
    let window = Window::first_run();
    let root = window.set_up();
    let client = window.client_of(root, "Client");
    let things = Things::put_into(&window, client);
    let before = everything(&window, client);

    for (command, permission) in guarded() {
        let Some(role) = Role::ALL.iter().rev().find(|role| !role.allows(permission)) else {
            continue;
        };
        window.play(client, Some(*role));

        let code = window.refused(command.name, &things.arguments(command.name, client));

        assert_eq!(code, "forbidden", "`{}` as {role}", command.name);
        assert_eq!(
            everything(&window, client),
            before,
            "`{}` was refused and still changed something",
            command.name
        );
    }
}

#[test]
fn somebody_without_a_place_in_the_organization_finds_nothing() {
    let window = Window::first_run();
    let root = window.set_up();
    let client = window.client_of(root, "Client");
    let things = Things::put_into(&window, client);
    window.play(client, None);
    let before = everything(&window, client);

    for (command, _) in guarded() {
        let code = window.refused(command.name, &things.arguments(command.name, client));

        assert_eq!(code, "not_found", "`{}`", command.name);
    }
    assert_eq!(everything(&window, client), before);
}

#[test]
fn ids_of_another_organization_lead_nowhere() {
    let window = Window::first_run();
    let root = window.set_up();
    let client = window.client_of(root, "Client");
    let things = Things::put_into(&window, client);
    let before = everything(&window, client);

    for (command, _) in guarded().filter(|(command, _)| !WITHOUT_IDS.contains(&command.name)) {
        let code = window.refused(command.name, &things.arguments(command.name, root));

        assert_eq!(
            code, "not_found",
            "`{}` with a client's ids, asked as the parent",
            command.name
        );
    }
    assert_eq!(everything(&window, client), before);
    assert_eq!(
        everything(&window, root).matches("Row {").count(),
        0,
        "nothing began at the parent"
    );
}

fn guarded() -> impl Iterator<Item = (&'static Command, Permission)> {
    REGISTRY.iter().filter_map(|command| match command.need {
        Need::Permission(permission) => Some((command, permission)),
        Need::Nothing(_) => None,
    })
}

/// All that a command may change, as text that can be compared.
fn everything(window: &Window, id: OrganizationId) -> String {
    let core = window.core();
    let store = core.store();
    let main = store.main().read_blocking(move |conn| {
        let jobs = job::list(conn, Some(id), true)?;
        let rows: Vec<_> = jobs.iter().map(|one| job::by_id(conn, one.id)).collect();
        Ok(format!("{:?}\n{rows:?}", organization::list(conn)?))
    });
    let workspace = store.workspace(id).expect("the workspace opens").read_blocking(|conn| {
        Ok(format!(
            "{:?}\n{:?}\n{:?}\n{:?}",
            credential::list(conn)?,
            server::list(conn)?,
            stack::list(conn)?,
            application::list(conn)?,
        ))
    });
    format!("{}\n{}", main.expect("reads work"), workspace.expect("reads work"))
}
