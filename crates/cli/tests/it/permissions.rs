use std::{collections::BTreeMap, thread};

use clap::{Arg, Command};
use flightdeck_cli::registry::{Entry, Needs, VERBS};
use flightdeck_domain::permission::{Permission, Role};

use crate::support::{Desk, Ended, TOKEN, id};

/// One of everything in an organization, so that each verb has something to act on.
struct World {
    desk: Desk,
    /// What to write where an argument has this value name.
    values: BTreeMap<&'static str, String>,
}

/// Value names that are ids of something in the organization.
const IDS: &[&str] = &["APP", "CREDENTIAL", "JOB", "MEMBER", "SERVER", "STACK"];

impl World {
    fn new() -> Self {
        let desk = Desk::set_up();
        let key = desk.with_key();
        desk.with_token();
        let stack = desk.with_stack();
        let failure = desk.register_dead_server().failure();
        let server = id(&desk.call(&["server", "show", "s1", "--json"]).json());
        let app = id(&desk
            .call(&[
                "app", "create", "shop", "--image", "shop", "--server", "s1", "--port", "80",
                "--json",
            ])
            .json());
        let member =
            id(&desk.call(&["org", "add-member", "Kim", "--role", "owner", "--json"]).json());
        std::fs::write(desk.path("token"), TOKEN).expect("it is ours");
        let token = desk.path("token");
        let values = BTreeMap::from([
            ("APP", app),
            ("CREDENTIAL", key),
            ("FINGERPRINT", "SHA256:unknown".to_owned()),
            ("HOST", "127.0.0.1".to_owned()),
            ("IMAGE", "shop:2".to_owned()),
            ("JOB", failure["job_id"].as_str().expect("a job failed").to_owned()),
            ("MEMBER", member),
            ("NAME", "new".to_owned()),
            ("NAME=PATH", format!("token={}", token.display())),
            ("PORT", "1".to_owned()),
            ("PROVIDER", "hetzner".to_owned()),
            ("REGION", "fsn1".to_owned()),
            ("ROLE", "viewer".to_owned()),
            ("SERVER", server),
            ("SIZE", "cx22".to_owned()),
            ("STACK", stack),
            ("SYSTEM", "debian-12".to_owned()),
        ]);
        Self { desk, values }
    }

    /// A call of the verb with everything that it must have.
    fn call_of(&self, entry: &Entry) -> Vec<String> {
        let leaf = leaf(entry.path);
        let mut call: Vec<String> = entry.path.split(' ').map(str::to_owned).collect();
        for argument in leaf.get_arguments() {
            let name = argument.get_id().as_str();
            let answers = matches!(name, "yes" | "confirm_name" | "files");
            if !argument.is_required_set() && !answers {
                continue;
            }
            if let Some(long) = argument.get_long() {
                call.push(format!("--{long}"));
            }
            if argument.get_action().takes_values() {
                call.push(self.value_of(entry, argument));
            }
        }
        call.push("--json".to_owned());
        call
    }

    fn value_of(&self, entry: &Entry, argument: &Arg) -> String {
        let name = value_name(argument);
        self.values.get(name.as_str()).cloned().unwrap_or_else(|| {
            panic!("`{}` takes a `{name}`: say here what a test writes for it", entry.path)
        })
    }

    /// The same world, in which the person at this desk has the role.
    fn with_role(&self, role: Role) -> Desk {
        let desk = self.desk.copy();
        desk.call(&["org", "set-role", "Jo", role.as_str()]).text();
        desk
    }
}

fn leaf(path: &str) -> Command {
    let mut command = flightdeck_cli::command();
    command.build();
    path.split(' ').fold(command, |command, name| {
        command.find_subcommand(name).unwrap_or_else(|| panic!("there is no `{name}`")).clone()
    })
}

fn value_name(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    names.first().map_or_else(|| argument.get_id().as_str().to_uppercase(), ToString::to_string)
}

/// The permission of a verb; none where it needs none.
fn permission(entry: &Entry) -> Option<Permission> {
    match entry.needs {
        Needs::Permission(permission) => Some(permission),
        Needs::Nothing(_) => None,
    }
}

/// Calls the verbs, some at a time, and says which calls did not end as they must.
fn complaints(
    calls: Vec<(&'static str, Vec<String>)>,
    desk: &Desk,
    fine: impl Fn(&Ended) -> bool + Sync,
) -> Vec<String> {
    const AT_ONCE: usize = 4;
    let mut complaints = Vec::new();
    for some in calls.chunks(AT_ONCE) {
        thread::scope(|scope| {
            let threads: Vec<_> = some
                .iter()
                .map(|(path, call)| {
                    let call: Vec<&str> = call.iter().map(String::as_str).collect();
                    (path, scope.spawn(move || desk.call(&call)))
                })
                .collect();
            for (path, thread) in threads {
                let ended = thread.join().expect("the call ends");
                if !fine(&ended) {
                    complaints.push(format!("{path}: {} {}", ended.exit, ended.err));
                }
            }
        });
    }
    complaints
}

fn is_forbidden(ended: &Ended) -> bool {
    ended.exit == 4 && ended.failure()["code"] == "forbidden"
}

fn is_not_found(ended: &Ended) -> bool {
    ended.exit == 3 && ended.failure()["code"] == "not_found"
}

#[test]
fn every_verb_is_refused_for_a_role_that_lacks_its_permission() {
    let world = World::new();

    for role in Role::ALL {
        let desk = world.with_role(*role);
        let lacking =
            |entry: &&Entry| permission(entry).is_some_and(|permission| !role.allows(permission));
        let calls: Vec<_> =
            VERBS.iter().filter(lacking).map(|entry| (entry.path, world.call_of(entry))).collect();
        assert_eq!(calls.is_empty(), *role == Role::Owner, "{role} lacks {} verbs", calls.len());

        let complaints = complaints(calls, &desk, is_forbidden);

        assert!(complaints.is_empty(), "{role} is not refused: {complaints:#?}");
    }
}

#[test]
fn every_verb_is_refused_for_another_organizations_ids() {
    let world = World::new();
    let desk = &world.desk;
    let client = id(&desk.call(&["org", "create", "Client A", "--json"]).json());
    let calls: Vec<_> = VERBS
        .iter()
        .filter(|entry| permission(entry).is_some())
        .filter(|entry| {
            let leaf = leaf(entry.path);
            let mut required = leaf.get_arguments().filter(|argument| argument.is_required_set());
            required.any(|argument| IDS.contains(&value_name(argument).as_str()))
        })
        .map(|entry| {
            let mut call = world.call_of(entry);
            call.extend(["--org".to_owned(), client.clone()]);
            (entry.path, call)
        })
        .collect();
    assert!(calls.len() > 25, "only {} verbs take an id", calls.len());

    let complaints = complaints(calls, desk, is_not_found);

    assert!(complaints.is_empty(), "another organization's ids work: {complaints:#?}");
}

#[test]
fn no_verb_says_that_an_organization_of_others_exists() {
    let world = World::new();
    let desk = &world.desk;
    let theirs = id(&desk.call(&["org", "create", "Theirs", "--json"]).json());
    let add = ["org", "add-member", "Ann", "--role", "owner", "--org", &theirs];
    desk.call(&add).text();
    desk.call(&["org", "remove-member", "Jo", "--yes", "--org", &theirs]).text();
    let calls: Vec<_> = VERBS
        .iter()
        .filter(|entry| permission(entry).is_some())
        .map(|entry| {
            let mut call = world.call_of(entry);
            call.extend(["--org".to_owned(), theirs.clone()]);
            (entry.path, call)
        })
        .collect();

    let complaints = complaints(calls, desk, is_not_found);

    assert!(complaints.is_empty(), "it is another's organization: {complaints:#?}");
}

#[test]
fn the_calls_of_these_tests_are_ones_that_an_owner_may_make() {
    let world = World::new();
    let desk = world.desk.copy();
    let calls: Vec<_> = VERBS
        .iter()
        .filter(|entry| permission(entry).is_some())
        .map(|entry| {
            let mut call = world.call_of(entry);
            call.extend(["--org".to_owned(), "acme-hosting".to_owned()]);
            (entry.path, call)
        })
        .collect();

    // One after the other they would take away what the next one needs; that is no
    // matter here, where only the way in is asked about.
    let complaints = complaints(calls, &desk, |ended| ![1, 2, 4, 5].contains(&ended.exit));

    assert!(complaints.is_empty(), "a refusal of these would prove nothing: {complaints:#?}");
}
