//! Every verb with the permission that it takes.
//!
//! The tests read it: a verb of the parser that is not here fails one, and each
//! verb that is here is called with every role that lacks its permission. The
//! program reads it for whether the vault must be opened.

use flightdeck_domain::permission::Permission;

/// What somebody needs to call a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// This permission in the organization.
    Permission(Permission),
    /// Nothing but the data directory, for this reason.
    Nothing(&'static str),
}

/// What a verb needs of the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Nothing: it only looks at what is not secret.
    Sealed,
    /// It changes something or uses a secret, so the vault must open.
    Open,
}

/// One verb.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// How it is called: `server register`.
    pub path: &'static str,
    /// What somebody needs to call it.
    pub needs: Needs,
    /// What it needs of the vault.
    pub keys: Keys,
}

/// How many verbs ask for no permission. May only shrink.
pub const EXCEPTIONS: usize = 9;

/// Every verb, in the order of `--help`.
pub const VERBS: &[Entry] = {
    use Permission as P;
    &[
        free("setup", Keys::Sealed, "there is nobody yet"),
        free("org list", Keys::Sealed, "lists only where the person at this desk has a role"),
        looks("org show", P::OrganizationRead),
        acts("org create", P::OrganizationCreate),
        acts("org update", P::OrganizationWrite),
        acts("org archive", P::OrganizationDelete),
        looks("org members", P::OrganizationRead),
        acts("org add-member", P::MemberWrite),
        acts("org set-role", P::MemberWrite),
        acts("org remove-member", P::MemberWrite),
        free("vault status", Keys::Sealed, "a locked vault has to say that it is locked"),
        free("vault check", Keys::Open, "the passphrase is the permission"),
        looks("credential list", P::CredentialRead),
        acts("credential add", P::CredentialWrite),
        acts("credential generate-ssh-key", P::CredentialWrite),
        acts("credential test", P::CredentialWrite),
        acts("credential delete", P::CredentialWrite),
        acts("credential catalog", P::StackWrite),
        looks("server list", P::ServerRead),
        looks("server show", P::ServerRead),
        acts("server register", P::ServerWrite),
        acts("server update", P::ServerWrite),
        acts("server verify", P::ServerWrite),
        acts("server accept-host-key", P::ServerWrite),
        acts("server remove", P::ServerWrite),
        looks("server metrics", P::ServerRead),
        looks("stack list", P::StackRead),
        looks("stack show", P::StackRead),
        acts("stack create", P::StackWrite),
        acts("stack update", P::StackWrite),
        acts("stack plan", P::StackWrite),
        acts("stack apply", P::StackApply),
        acts("stack discard", P::StackWrite),
        acts("stack destroy", P::StackApply),
        acts("stack delete", P::StackWrite),
        looks("app list", P::ApplicationRead),
        looks("app show", P::ApplicationRead),
        acts("app create", P::ApplicationWrite),
        acts("app update", P::ApplicationWrite),
        acts("app deploy", P::DeploymentRun),
        acts("app roll-back", P::DeploymentRun),
        acts("app remove", P::ApplicationWrite),
        acts("app log", P::ApplicationRead),
        looks("job list", P::JobRead),
        looks("job show", P::JobRead),
        looks("job log", P::JobRead),
        acts("job wait", P::JobRead),
        acts("job cancel", P::JobControl),
        acts("job retry", P::JobControl),
        acts("job undo", P::JobControl),
        acts("job dismiss", P::JobControl),
        free("watch", Keys::Open, "the program itself goes on with what was authorized"),
        free("settings show", Keys::Sealed, "belongs to whoever holds the data directory"),
        free("settings set", Keys::Sealed, "belongs to whoever holds the data directory"),
        free("doctor", Keys::Sealed, "has to work where nothing else does"),
        free("completions", Keys::Sealed, "never touches the data directory"),
    ]
};

/// The entry of the verb that is called `path`.
pub fn find(path: &str) -> Option<&'static Entry> {
    VERBS.iter().find(|entry| entry.path == path)
}

const fn looks(path: &'static str, permission: Permission) -> Entry {
    Entry { path, needs: Needs::Permission(permission), keys: Keys::Sealed }
}

const fn acts(path: &'static str, permission: Permission) -> Entry {
    Entry { path, needs: Needs::Permission(permission), keys: Keys::Open }
}

const fn free(path: &'static str, keys: Keys, why: &'static str) -> Entry {
    Entry { path, needs: Needs::Nothing(why), keys }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let path = format!("{path} {}", inner.get_name()).trim().to_owned();
            if inner.has_subcommands() {
                leaves(inner, &path, found);
            } else {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_verb_of_the_parser_is_here_and_no_other() {
        let mut verbs = Vec::new();
        leaves(&crate::command(), "", &mut verbs);
        let here: Vec<&str> = VERBS.iter().map(|entry| entry.path).collect();

        assert_eq!(verbs, here, "a verb without an entry would be called with no permission");
    }

    #[test]
    fn the_verbs_that_ask_for_nothing_get_fewer_and_never_more() {
        let free = VERBS.iter().filter(|entry| matches!(entry.needs, Needs::Nothing(_))).count();

        assert!(free <= EXCEPTIONS, "a new verb needs a permission");
    }

    #[test]
    fn every_verb_is_on_the_page_of_the_command_line() {
        let page = include_str!("../../../docs/cli.md");
        for entry in VERBS {
            let heading = format!("`flightdeck {}", entry.path);

            assert!(page.contains(&heading), "docs/cli.md does not tell of {heading}`");
        }
    }
}
