//! The organization tree and who is in it.

use clap::Subcommand;
use flightdeck_app::{Membership, OrganizationRequest};
use flightdeck_domain::{
    member::{Member, User},
    organization::{Kind, Organization},
    permission::Role,
};
use serde_json::json;

use crate::{
    answer::Answer,
    arguments::Confirmation,
    failure::Result,
    session::Session,
    table::{Table, facts, or_dash},
    terminal::ago,
};

/// What can be done with organizations.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the organizations that you belong to, parents first
    List,
    /// Show one organization
    Show {
        /// Its slug or id; the one of `--org` without
        #[arg(value_name = "ORG")]
        organization: Option<String>,
    },
    /// Make an organization below the one of `--org`
    Create {
        /// What to call it
        name: String,
        /// `master_branch`, `sub_user` or `end_user`
        #[arg(long, value_name = "KIND", default_value = "sub_user")]
        kind: Kind,
        /// Its colour, `#rrggbb`; the next free one without
        #[arg(long, value_name = "COLOR")]
        color: Option<String>,
    },
    /// Change an organization's name or colour
    Update {
        /// Its slug or id; the one of `--org` without
        #[arg(value_name = "ORG")]
        organization: Option<String>,
        /// Its new name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Its new colour, `#rrggbb`
        #[arg(long, value_name = "COLOR")]
        color: Option<String>,
    },
    /// Put an organization away: it can be looked at and no more
    Archive {
        /// Its slug or id; the one of `--org` without
        #[arg(value_name = "ORG")]
        organization: Option<String>,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// List the members
    Members,
    /// Give a new person a role
    AddMember {
        /// What the person is called
        name: String,
        /// `owner`, `admin`, `member` or `viewer`
        #[arg(long, value_name = "ROLE")]
        role: Role,
    },
    /// Change somebody's role
    SetRole {
        /// The member's id or name
        member: String,
        /// `owner`, `admin`, `member` or `viewer`
        role: Role,
    },
    /// Take somebody's role away
    RemoveMember {
        /// The member's id or name
        member: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// Calls a verb.
pub(crate) async fn run(session: &Session, verb: Verb) -> Result<Answer> {
    let organizations = session.app().organizations();
    match verb {
        Verb::List => {
            let user = organizations.local_user().await?;
            let list = match user {
                Some(user) => organizations.list(user.id).await?,
                None => Vec::new(),
            };
            Answer::new(&list, table_of(&list))
        }
        Verb::Show { organization } => {
            let ctx = session.ctx_in(organization.as_deref()).await?;
            let membership = organizations.membership(&ctx).await?;
            let members = organizations.members(&ctx).await?;
            let text = shown(&membership.organization, Some(membership.role), members.len());
            Answer::new(&membership, text)
        }
        Verb::Create { name, kind, color } => {
            let ctx = session.ctx().await?;
            let request = OrganizationRequest { name, kind, color };
            let made = organizations.create(&ctx, request).await?;
            let text = format!("`{}` is made; use it with `--org {}`\n", made.name, made.slug);
            Answer::new(&made, text)
        }
        Verb::Update { organization, name, color } => {
            let ctx = session.ctx_in(organization.as_deref()).await?;
            let old = organizations.membership(&ctx).await?.organization;
            let (name, color) = (name.unwrap_or(old.name), color.unwrap_or(old.color));
            let changed = organizations.update(&ctx, &name, &color).await?;
            let text = shown(&changed, None, organizations.members(&ctx).await?.len());
            Answer::new(&changed, text)
        }
        Verb::Archive { organization, confirmation } => {
            let ctx = session.ctx_in(organization.as_deref()).await?;
            session.terminal.confirm("Put this organization away?", confirmation.yes)?;
            let archived = organizations.archive(&ctx).await?;
            Answer::new(&archived, format!("`{}` is archived\n", archived.name))
        }
        Verb::Members => {
            let ctx = session.ctx().await?;
            let members = organizations.members(&ctx).await?;
            let mut table = Table::new(["name", "role", "since", "id"], "nobody is in here");
            for (member, user) in &members {
                let (role, id) = (member.role.to_string(), member.id.to_string());
                table.row([user.name.clone(), role, ago(member.created_at), id]);
            }
            let document: Vec<_> = members.iter().map(with_name).collect();
            Answer::new(&document, table.text())
        }
        Verb::AddMember { name, role } => {
            let ctx = session.ctx().await?;
            let member = organizations.add_member(&ctx, &name, role).await?;
            Answer::new(&member, format!("`{}` is {role} now\n", name.trim()))
        }
        Verb::SetRole { member, role } => {
            let ctx = session.ctx().await?;
            let id = session.member(&ctx, &member).await?;
            let changed = organizations.set_role(&ctx, id, role).await?;
            Answer::new(&changed, format!("`{member}` is {role} now\n"))
        }
        Verb::RemoveMember { member, confirmation } => {
            let ctx = session.ctx().await?;
            let id = session.member(&ctx, &member).await?;
            let question = format!("Take away the role of `{member}`?");
            session.terminal.confirm(&question, confirmation.yes)?;
            organizations.remove_member(&ctx, id).await?;
            Answer::new(&json!({ "removed": id }), format!("`{member}` has no role any more\n"))
        }
    }
}

fn with_name((member, user): &(Member, User)) -> serde_json::Value {
    json!({
        "id": member.id,
        "organization_id": member.organization_id,
        "user_id": member.user_id,
        "name": user.name,
        "role": member.role,
        "created_at": member.created_at,
    })
}

fn table_of(list: &[Membership]) -> String {
    let nothing = "you belong to no organization; `flightdeck setup` makes the first";
    let mut table = Table::new(["slug", "name", "kind", "role", "state"], nothing);
    for Membership { organization, role } in list {
        let state = if organization.archived_at.is_some() { "archived" } else { "active" };
        let indent = "  ".repeat(usize::from(organization.level));
        table.row([
            organization.slug.clone(),
            format!("{indent}{}", organization.name),
            organization.kind.to_string(),
            role.to_string(),
            state.to_owned(),
        ]);
    }
    table.text()
}

fn shown(organization: &Organization, role: Option<Role>, members: usize) -> String {
    let mut lines = vec![
        ("Name", organization.name.clone()),
        ("Slug", organization.slug.clone()),
        ("Kind", organization.kind.to_string()),
        ("Colour", organization.color.clone()),
        ("Parent", or_dash(organization.parent_id)),
        ("Members", members.to_string()),
        ("Made", ago(organization.created_at)),
        ("Id", organization.id.to_string()),
    ];
    if let Some(role) = role {
        lines.insert(2, ("Your role", role.to_string()));
    }
    if let Some(at) = organization.archived_at {
        lines.push(("Archived", ago(at)));
    }
    facts(&lines)
}
