//! The tenant tree, and who is in it.

use flightdeck_domain::{
    id::{MemberId, OrganizationId, UserId},
    member::{Member, User},
    name,
    organization::{self, Kind, Organization},
    permission::{Permission, Role},
};
use flightdeck_render::stylesheet::stylesheet;
use flightdeck_store::{application, member, organization as table, server, stack, user};
use serde::Serialize;

use crate::{
    App, Ctx,
    error::{Code, Error, Result},
    event::{Event, Topic},
};

/// An organization, and what the person at this desk is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// The organization.
    #[serde(flatten)]
    pub organization: Organization,
    /// The role.
    pub role: Role,
}

/// What a new organization is to be.
#[derive(Debug, Clone)]
pub struct OrganizationRequest {
    /// Its name.
    pub name: String,
    /// Its place in the business.
    pub kind: Kind,
    /// Its colour; none: the next one that no sibling has.
    pub color: Option<String>,
}

/// The use cases of the organization tree.
pub struct Organizations<'a>(pub(crate) &'a App);

impl Organizations<'_> {
    /// The person at this desk; none before the first run.
    pub async fn local_user(&self) -> Result<Option<User>> {
        Ok(self.0.store().main().read(user::first).await?)
    }

    /// The context of the person at this desk in an organization.
    pub async fn context(&self, organization_id: OrganizationId) -> Result<Ctx> {
        let user = self.local_user().await?.ok_or_else(absent)?;
        Ok(Ctx { user_id: user.id, organization_id })
    }

    /// Lists the organizations that a user belongs to: parents before children.
    pub async fn list(&self, user_id: UserId) -> Result<Vec<Membership>> {
        self.0
            .store()
            .main()
            .read(move |conn| {
                let members = member::of_user(conn, user_id)?;
                let mut list = Vec::with_capacity(members.len());
                for member in members {
                    if let Some(organization) = table::by_id(conn, member.organization_id)? {
                        list.push(Membership { organization, role: member.role });
                    }
                }
                list.sort_by(|a, b| {
                    let key = |m: &Membership| (m.organization.level, m.organization.name.clone());
                    key(a).cmp(&key(b))
                });
                Ok(list)
            })
            .await
            .map_err(Into::into)
    }

    /// Lists the organizations of the person at this desk: parents before children.
    pub async fn of_local_user(&self) -> Result<Vec<Membership>> {
        let user = self.local_user().await?.ok_or_else(absent)?;
        self.list(user.id).await
    }

    /// Returns the organization, and what the user is in it.
    pub async fn membership(&self, ctx: &Ctx) -> Result<Membership> {
        let desk = self.0.authorize(ctx, Permission::OrganizationRead).await?;
        let id = desk.organization_id;
        let all = self.list(ctx.user_id).await?;
        all.into_iter()
            .find(|membership| membership.organization.id == id)
            .ok_or_else(|| Error::not_found("organization", id))
    }

    /// Returns the CSS that tints the window in the organization's colour.
    pub async fn stylesheet(&self, ctx: &Ctx) -> Result<String> {
        let desk = self.0.authorize(ctx, Permission::OrganizationRead).await?;
        let organization = self.get(desk.organization_id).await?;
        // Compiling takes tens of milliseconds: too long for a thread that answers others.
        let compiled = tokio::task::spawn_blocking(move || stylesheet(&organization.color)).await;
        let unusable = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(Code::Internal, "the stylesheet can't be made").cause(cause)
        };
        compiled.map_err(|error| unusable(error.into()))?.map_err(|error| unusable(error.into()))
    }

    /// Makes an organization below the context's one; its maker owns it.
    pub async fn create(&self, ctx: &Ctx, request: OrganizationRequest) -> Result<Organization> {
        let desk = self.0.authorize(ctx, Permission::OrganizationCreate).await?;
        let title = name::title("organization name", &request.name)
            .map_err(|error| Error::invalid(&error))?;
        let (parent_id, user_id) = (desk.organization_id, ctx.user_id);
        let (parent, siblings, maker, taken) = self
            .0
            .store()
            .main()
            .read(move |conn| {
                Ok((
                    table::by_id(conn, parent_id)?,
                    table::children(conn, parent_id)?,
                    user::by_id(conn, user_id)?,
                    table::list(conn)?.into_iter().map(|o| o.slug).collect::<Vec<_>>(),
                ))
            })
            .await?;
        let level = organization::level_below(parent.as_ref(), request.kind)
            .map_err(|error| Error::invalid(&error).hint("choose a kind further down the tree"))?;
        if siblings.iter().any(|sibling| sibling.name == title) {
            return Err(Error::new(
                Code::AlreadyExists,
                format!("there is an organization `{title}` here already"),
            )
            .hint("choose another name"));
        }
        let color = if let Some(color) = &request.color {
            color_of(color)?
        } else {
            let colors = organization::COLORS;
            let is_free = |color: &&&str| !siblings.iter().any(|s| s.color == **color);
            let first_free = colors[1..].iter().find(is_free).unwrap_or(&colors[1]);
            (*first_free).to_owned()
        };
        let base = name::slug(&title);
        let slug = std::iter::once(base.clone())
            .chain((2..=taken.len() + 2).map(|n| format!("{base}-{n}")))
            .find(|slug| !taken.contains(slug))
            .unwrap_or(base);
        let organization = Organization {
            id: OrganizationId::new(),
            name: title,
            slug,
            kind: request.kind,
            parent_id: Some(parent_id),
            level,
            color,
            created_at: self.0.now(),
            archived_at: None,
        };
        let maker = maker.ok_or_else(absent)?;
        self.0.found(maker, organization.clone()).await?;
        self.0.audit(ctx, "organization.create", organization.id).await?;
        self.announce(organization.id);
        Ok(organization)
    }

    /// Changes the organization's name and colour.
    pub async fn update(&self, ctx: &Ctx, name: &str, color: &str) -> Result<Organization> {
        let desk = self.0.authorize(ctx, Permission::OrganizationWrite).await?;
        let title =
            name::title("organization name", name).map_err(|error| Error::invalid(&error))?;
        let color = color_of(color)?;
        let mut organization = self.get(desk.organization_id).await?;
        organization.name = title;
        organization.color = color;
        self.put(ctx, organization, "organization.update").await
    }

    /// Puts the organization away: it can be looked at and no more.
    ///
    /// Refused while anything in it costs money or serves people.
    pub async fn archive(&self, ctx: &Ctx) -> Result<Organization> {
        let desk = self.0.authorize(ctx, Permission::OrganizationDelete).await?;
        let id = desk.organization_id;
        let children = self.0.store().main().read(move |conn| table::children(conn, id)).await?;
        let mut alive: Vec<String> = children
            .into_iter()
            .filter(|child| child.archived_at.is_none())
            .map(|child| format!("organization `{}`", child.name))
            .collect();
        let held = desk
            .db
            .read(|conn| {
                let stacks = stack::list(conn)?.into_iter().filter(|stack| {
                    use flightdeck_domain::stack::StackStatus as S;
                    !matches!(stack.status, S::Pending | S::Destroyed)
                });
                let mut held: Vec<String> =
                    stacks.map(|stack| format!("stack `{}`", stack.name)).collect();
                held.extend(server::list(conn)?.iter().map(|s| format!("server `{}`", s.name)));
                held.extend(
                    application::list(conn)?.iter().map(|a| format!("application `{}`", a.name)),
                );
                Ok(held)
            })
            .await?;
        alive.extend(held);
        if !alive.is_empty() {
            return Err(Error::new(
                Code::InUse,
                format!("the organization still has {}", alive.join(", ")),
            )
            .hint("destroy or remove those first"));
        }
        let mut organization = self.get(id).await?;
        if organization.parent_id.is_none() {
            return Err(Error::new(Code::WrongState, "the top of the tree can't be archived"));
        }
        organization.archived_at = Some(self.0.now());
        self.put(ctx, organization, "organization.archive").await
    }

    /// Lists the members with their names.
    pub async fn members(&self, ctx: &Ctx) -> Result<Vec<(Member, User)>> {
        let desk = self.0.authorize(ctx, Permission::OrganizationRead).await?;
        let id = desk.organization_id;
        self.0
            .store()
            .main()
            .read(move |conn| {
                let mut list = Vec::new();
                for member in member::of_organization(conn, id)? {
                    if let Some(user) = user::by_id(conn, member.user_id)? {
                        list.push((member, user));
                    }
                }
                Ok(list)
            })
            .await
            .map_err(Into::into)
    }

    /// Gives a new person a role.
    pub async fn add_member(&self, ctx: &Ctx, name: &str, role: Role) -> Result<Member> {
        let desk = self.0.authorize(ctx, Permission::MemberWrite).await?;
        self.refuse_to_outrank(ctx, role).await?;
        let name = name::title("user name", name).map_err(|error| Error::invalid(&error))?;
        let user = User { id: UserId::new(), name };
        let author = self.0.author(Some(ctx.user_id));
        let member = Member {
            id: MemberId::new(),
            organization_id: desk.organization_id,
            user_id: user.id,
            role,
            created_at: author.now,
        };
        let stored = member.clone();
        self.0
            .store()
            .main()
            .write(move |tx| {
                user::put(tx, &user)?;
                member::put(tx, &author, &stored)
            })
            .await?;
        self.0.audit(ctx, "member.create", member.id).await?;
        self.announce(desk.organization_id);
        Ok(member)
    }

    /// Changes somebody's role. The last owner keeps theirs.
    pub async fn set_role(&self, ctx: &Ctx, member_id: MemberId, role: Role) -> Result<Member> {
        let desk = self.0.authorize(ctx, Permission::MemberWrite).await?;
        self.refuse_to_outrank(ctx, role).await?;
        let mut member = self.member_but_last_owner(ctx, member_id, Some(role)).await?;
        member.role = role;
        let (author, stored) = (self.0.author(Some(ctx.user_id)), member.clone());
        self.0.store().main().write(move |tx| member::put(tx, &author, &stored)).await?;
        self.0.audit(ctx, "member.update", member_id).await?;
        self.announce(desk.organization_id);
        Ok(member)
    }

    /// Takes somebody's role away. The last owner keeps theirs.
    pub async fn remove_member(&self, ctx: &Ctx, member_id: MemberId) -> Result<()> {
        let desk = self.0.authorize(ctx, Permission::MemberWrite).await?;
        self.member_but_last_owner(ctx, member_id, None).await?;
        let author = self.0.author(Some(ctx.user_id));
        self.0.store().main().write(move |tx| member::delete(tx, &author, member_id)).await?;
        self.0.audit(ctx, "member.delete", member_id).await?;
        self.announce(desk.organization_id);
        Ok(())
    }

    async fn member_but_last_owner(
        &self,
        ctx: &Ctx,
        member_id: MemberId,
        next: Option<Role>,
    ) -> Result<Member> {
        let members = self.members(ctx).await?;
        let found = members.iter().find(|(member, _)| member.id == member_id);
        let Some((member, _)) = found else {
            return Err(Error::not_found("member", member_id));
        };
        let owners = members.iter().filter(|(member, _)| member.role == Role::Owner).count();
        if member.role == Role::Owner && next != Some(Role::Owner) {
            self.refuse_to_outrank(ctx, Role::Owner).await?;
            if owners == 1 {
                return Err(Error::new(Code::InUse, "an organization needs an owner")
                    .hint("make somebody else an owner first"));
            }
        }
        Ok(member.clone())
    }

    /// Nobody hands out, or takes away, more than they hold.
    async fn refuse_to_outrank(&self, ctx: &Ctx, role: Role) -> Result<()> {
        let Ctx { user_id, organization_id } = *ctx;
        let own = self
            .0
            .store()
            .main()
            .read(move |conn| member::role(conn, organization_id, user_id))
            .await?;
        if own.is_some_and(|own| own >= role) {
            return Ok(());
        }
        Err(Error::new(Code::Forbidden, format!("only an owner can make or unmake an {role}"))
            .hint("ask an owner of this organization"))
    }

    async fn get(&self, id: OrganizationId) -> Result<Organization> {
        self.0
            .store()
            .main()
            .read(move |conn| table::by_id(conn, id))
            .await?
            .ok_or_else(|| Error::not_found("organization", id))
    }

    async fn put(
        &self,
        ctx: &Ctx,
        organization: Organization,
        action: &'static str,
    ) -> Result<Organization> {
        let (author, stored) = (self.0.author(Some(ctx.user_id)), organization.clone());
        self.0.store().main().write(move |tx| table::put(tx, &author, &stored)).await?;
        self.0.audit(ctx, action, organization.id).await?;
        self.announce(organization.id);
        Ok(organization)
    }

    fn announce(&self, id: OrganizationId) {
        self.0.publish(Event::Changed {
            organization_id: Some(id),
            topic: Topic::Organizations,
            id: Some(id.to_string()),
        });
    }
}

fn color_of(text: &str) -> Result<String> {
    organization::parse_color(text).ok_or_else(|| {
        Error::new(Code::InvalidInput, format!("`{text}` is not a colour"))
            .hint("write it as #rrggbb")
    })
}

fn absent() -> Error {
    Error::new(Code::VaultAbsent, "nobody is set up on this device")
        .hint("set the installation up first")
}
