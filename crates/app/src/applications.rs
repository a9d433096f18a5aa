//! Applications: defined, deployed, rolled back, removed.

mod containers;
mod deploy;
mod reconcile;
mod removal;

use flightdeck_domain::{
    application::{
        self, Application, Configuration, Deployment, DeploymentStatus, Release, Strategy,
    },
    credential::Provider,
    id::{ApplicationId, CredentialId, DeploymentId, JobId, ReleaseId, ServerId},
    image_reference::ImageReference,
    permission::Permission,
    server::{Server, ServerStatus},
};
use flightdeck_store::{application as table, deployment, release, server};
use serde::Serialize;

pub(crate) use self::{deploy::Deploy, removal::Remove};
use crate::{
    App, Ctx, Desk,
    error::{Code, Error, Result},
    event::{Event, Topic},
    work::Work,
};

/// What defines an application.
#[derive(Debug, Clone)]
pub struct ApplicationRequest {
    /// What to call it.
    pub name: String,
    /// The image that releases are made from.
    pub image: String,
    /// The host name to answer for; none: whatever reaches the server.
    pub domain: Option<String>,
    /// Where it runs.
    pub servers: Vec<ServerId>,
    /// The registry login that pulls its image.
    pub registry_credential_id: Option<CredentialId>,
    /// What the next release is made with.
    pub configuration: Configuration,
}

/// An application on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// The server.
    pub server_id: ServerId,
    /// Its name.
    pub server_name: String,
    /// Where people open the application.
    pub address: String,
}

/// An application with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApplicationDetail {
    /// The application.
    #[serde(flatten)]
    pub application: Application,
    /// Where it can be opened.
    pub placements: Vec<Placement>,
    /// The release that runs.
    pub current_release: Option<Release>,
    /// Its releases, newest first.
    pub releases: Vec<Release>,
    /// Its deployments, newest first.
    pub deployments: Vec<Deployment>,
}

/// The use cases of applications.
pub struct Applications<'a>(pub(crate) &'a App);

impl Applications<'_> {
    /// Lists the applications with their history, by name.
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<ApplicationDetail>> {
        let desk = self.0.authorize(ctx, Permission::ApplicationRead).await?;
        Ok(desk
            .db
            .read(|conn| {
                let servers = server::list(conn)?;
                table::list(conn)?.into_iter().map(|a| detail(conn, &servers, a)).collect()
            })
            .await?)
    }

    /// Returns one application.
    pub async fn get(&self, ctx: &Ctx, id: ApplicationId) -> Result<ApplicationDetail> {
        let desk = self.0.authorize(ctx, Permission::ApplicationRead).await?;
        let application = self.0.application(&desk, id).await?;
        Ok(desk.db.read(move |conn| detail(conn, &server::list(conn)?, application)).await?)
    }

    /// Defines an application. Nothing runs yet.
    pub async fn create(&self, ctx: &Ctx, request: ApplicationRequest) -> Result<Application> {
        let desk = self.0.authorize(ctx, Permission::ApplicationWrite).await?;
        let application = self.checked(&desk, None, request).await?;
        self.0.put_application(&desk, application.clone()).await?;
        self.0.audit(ctx, "application.create", application.id).await?;
        Ok(application)
    }

    /// Changes what the next release is made with.
    pub async fn update(
        &self,
        ctx: &Ctx,
        id: ApplicationId,
        request: ApplicationRequest,
    ) -> Result<Application> {
        let desk = self.0.authorize(ctx, Permission::ApplicationWrite).await?;
        let old = self.0.application(&desk, id).await?;
        // A job under way goes by what the application was when it began.
        self.0.jobs().refuse_if_busy(&id.to_string()).await?;
        let application = self.checked(&desk, Some(&old), request).await?;
        let runs = old.current_release_id.is_some();
        if runs && application.name != old.name {
            return Err(Error::new(
                Code::WrongState,
                "an application that runs keeps its name: containers carry it",
            ));
        }
        if runs && old.servers.iter().any(|server| !application.servers.contains(server)) {
            return Err(Error::new(
                Code::InUse,
                "an application that runs can be placed on more servers, not on fewer",
            )
            .hint("remove the application, then create it where you want it"));
        }
        self.0.put_application(&desk, application.clone()).await?;
        self.0.audit(ctx, "application.update", id).await?;
        Ok(application)
    }

    /// Makes a release of `image` and moves the application to it.
    pub async fn deploy(&self, ctx: &Ctx, id: ApplicationId, image: &str) -> Result<JobId> {
        let desk = self.0.authorize(ctx, Permission::DeploymentRun).await?;
        let application = self.0.application(&desk, id).await?;
        let image = ImageReference::parse(image)
            .map_err(|error| Error::invalid(&error).hint("write it as `registry/name:tag`"))?;
        let servers = self.ready_servers(&desk, &application).await?;
        self.0.jobs().refuse_if_busy(&id.to_string()).await?;
        let configuration = application.configuration.clone();
        let (release_id, now) = (ReleaseId::new(), self.0.now());
        let release = desk
            .db
            .write(move |tx| {
                let release = Release {
                    id: release_id,
                    application_id: id,
                    number: release::next_number(tx, id)?,
                    image,
                    digest: None,
                    configuration,
                    created_at: now,
                };
                release::insert(tx, &release)?;
                Ok(release)
            })
            .await?;
        let title = format!("Deploy {} {}", application.name, release.image);
        let job_id = self.start(&desk, (application, release.id, servers), title).await?;
        self.0.audit(ctx, "application.deploy", id).await?;
        Ok(job_id)
    }

    /// Moves the application back to an earlier release, without a rebuild.
    pub async fn roll_back(
        &self,
        ctx: &Ctx,
        id: ApplicationId,
        release_id: ReleaseId,
    ) -> Result<JobId> {
        let desk = self.0.authorize(ctx, Permission::DeploymentRun).await?;
        let application = self.0.application(&desk, id).await?;
        let release = self.0.release(&desk, release_id).await?;
        if release.application_id != id {
            return Err(Error::not_found("release", release_id));
        }
        if application.current_release_id == Some(release_id) {
            return Err(Error::new(
                Code::WrongState,
                format!("release {} runs already", release.number),
            ));
        }
        if release.digest.is_none() {
            return Err(Error::new(
                Code::WrongState,
                format!("release {} never ran", release.number),
            )
            .hint("choose a release that was deployed"));
        }
        let servers = self.ready_servers(&desk, &application).await?;
        let title = format!("Roll {} back to release {}", application.name, release.number);
        let job_id = self.start(&desk, (application, release_id, servers), title).await?;
        self.0.audit(ctx, "application.roll_back", id).await?;
        Ok(job_id)
    }

    /// Takes the application off its servers, then forgets it.
    pub async fn remove(&self, ctx: &Ctx, id: ApplicationId, confirm_name: &str) -> Result<JobId> {
        let desk = self.0.authorize(ctx, Permission::ApplicationWrite).await?;
        let application = self.0.application(&desk, id).await?;
        if confirm_name.trim() != application.name {
            return Err(Error::new(
                Code::InvalidInput,
                "the name that was typed is not the application's",
            )
            .hint(format!("type `{}` to remove it", application.name)));
        }
        let servers = self.placed(&desk, &application).await?;
        let servers = servers.into_iter().map(|server| (server.id, server.name)).collect();
        let work = Work::Remove(Remove { application_id: id, servers });
        let title = format!("Remove {}", application.name);
        let job_id = self.0.jobs().start(&desk, title, work).await?;
        self.0.audit(ctx, "application.remove", id).await?;
        Ok(job_id)
    }

    /// Returns the last lines that the application's container said on a server.
    pub async fn container_log(
        &self,
        ctx: &Ctx,
        id: ApplicationId,
        server_id: ServerId,
        lines: u32,
    ) -> Result<String> {
        let desk = self.0.authorize(ctx, Permission::ApplicationRead).await?;
        let application = self.0.application(&desk, id).await?;
        if !application.servers.contains(&server_id) {
            return Err(Error::not_found("server of this application", server_id));
        }
        let Some(current) = application.current_release_id else {
            return Err(Error::new(Code::WrongState, "nothing was deployed yet")
                .hint("deploy the application first"));
        };
        let release = self.0.release(&desk, current).await?;
        let server = self.0.server(&desk, server_id).await?;
        let target = self.0.target(&desk, &server).await?;
        let name = containers::name(&application, &release);
        let hosts = self.0.ports().hosts.as_ref();
        let log = containers::log(hosts, &target, &name, lines.clamp(1, 5_000)).await?;
        Ok(self.0.redact(&log))
    }

    async fn start(
        &self,
        desk: &Desk,
        (application, release_id, servers): (Application, ReleaseId, Vec<Server>),
        title: String,
    ) -> Result<JobId> {
        let deploy = Deploy {
            application_id: application.id,
            deployment_id: DeploymentId::new(),
            release_id,
            previous_release_id: application.current_release_id,
            servers: servers.into_iter().map(|server| (server.id, server.name)).collect(),
        };
        let work = Work::Deploy(deploy.clone());
        let job_id = JobId::new();
        let deployment = Deployment {
            id: deploy.deployment_id,
            application_id: application.id,
            release_id,
            previous_release_id: deploy.previous_release_id,
            job_id,
            strategy: Strategy::Standard,
            status: DeploymentStatus::Running,
            reason: None,
            started_at: self.0.now(),
            ended_at: None,
        };
        desk.db.write(move |tx| deployment::insert(tx, &deployment)).await?;
        if let Err(error) = self.0.jobs().start_as(desk, job_id, title, work).await {
            // Two people started at once; this deployment never was.
            let (reason, now) = (error.message.clone(), self.0.now());
            desk.db
                .write(move |tx| {
                    let rolled_back = DeploymentStatus::RolledBack;
                    let id = deploy.deployment_id;
                    deployment::finish(tx, id, rolled_back, Some(&reason), Some(now))
                })
                .await?;
            return Err(error);
        }
        self.0.announce_application(desk, application.id);
        Ok(job_id)
    }

    /// The servers that the application is placed on; refused unless all are ready.
    async fn ready_servers(&self, desk: &Desk, application: &Application) -> Result<Vec<Server>> {
        let servers = self.placed(desk, application).await?;
        if servers.is_empty() {
            return Err(Error::new(Code::WrongState, "the application is placed on no server")
                .hint("place it on a server that is ready"));
        }
        match servers.iter().find(|server| server.status != ServerStatus::Ready) {
            None => Ok(servers),
            Some(server) => {
                let failed = server.checks.iter().find(|check| !check.passed);
                let why = failed.map_or("it was not verified yet", |check| &check.detail);
                Err(Error::new(Code::WrongState, format!("`{}` is not ready: {why}", server.name))
                    .hint("verify the server, then deploy again"))
            }
        }
    }

    async fn placed(&self, desk: &Desk, application: &Application) -> Result<Vec<Server>> {
        let ids = application.servers.clone();
        Ok(desk
            .db
            .read(move |conn| {
                let all = server::list(conn)?;
                Ok(all.into_iter().filter(|server| ids.contains(&server.id)).collect())
            })
            .await?)
    }

    async fn checked(
        &self,
        desk: &Desk,
        old: Option<&Application>,
        request: ApplicationRequest,
    ) -> Result<Application> {
        let name = application::application_name(&request.name).map_err(|e| Error::invalid(&e))?;
        let image = ImageReference::parse(&request.image)
            .map_err(|e| Error::invalid(&e).hint("write it as `registry/name:tag`"))?;
        let domain = request.domain.filter(|domain| !domain.trim().is_empty());
        let domain = domain
            .map(|domain| application::parse_domain(&domain))
            .transpose()
            .map_err(|e| Error::invalid(&e))?;
        request.configuration.check().map_err(|e| Error::invalid(&e))?;
        if request.servers.is_empty() {
            return Err(Error::invalid(&application::ApplicationError::NoServers));
        }
        for id in &request.servers {
            self.0.server(desk, *id).await?;
        }
        if let Some(id) = request.registry_credential_id {
            let credential = self.0.credential(desk, id).await?;
            if credential.provider != Provider::Registry {
                return Err(Error::new(
                    Code::InvalidInput,
                    format!("`{}` is no registry login", credential.name),
                ));
            }
        }
        let application = Application {
            id: old.map_or_else(ApplicationId::new, |old| old.id),
            name,
            image,
            domain,
            servers: request.servers,
            registry_credential_id: request.registry_credential_id,
            configuration: request.configuration,
            current_release_id: old.and_then(|old| old.current_release_id),
            created_at: old.map_or_else(|| self.0.now(), |old| old.created_at),
        };
        self.refuse_collisions(desk, &application).await?;
        Ok(application)
    }

    /// Refuses a taken name, and a host name that a proxy would answer twice.
    async fn refuse_collisions(&self, desk: &Desk, wanted: &Application) -> Result<()> {
        let others = desk.db.read(table::list).await?;
        for other in others.iter().filter(|other| other.id != wanted.id) {
            if other.name == wanted.name {
                return Err(Error::new(
                    Code::AlreadyExists,
                    format!("there is an application `{}` already", other.name),
                )
                .hint("choose another name"));
            }
            let shares = other.servers.iter().any(|server| wanted.servers.contains(server));
            if shares && other.domain == wanted.domain {
                let (what, hint) = match &wanted.domain {
                    Some(domain) => (format!("`{domain}`"), "choose another host name"),
                    None => ("the server's own address".to_owned(), "give this one a domain"),
                };
                return Err(Error::new(
                    Code::AlreadyExists,
                    format!("`{}` answers for {what} on that server already", other.name),
                )
                .hint(hint));
            }
        }
        Ok(())
    }
}

fn detail(
    conn: &flightdeck_store::Connection,
    servers: &[Server],
    application: Application,
) -> flightdeck_store::SqlResult<ApplicationDetail> {
    let placements = servers
        .iter()
        .filter(|server| application.servers.contains(&server.id))
        .map(|server| {
            let host = &server.endpoint.host;
            let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
            Placement {
                server_id: server.id,
                server_name: server.name.clone(),
                address: format!("http://{}/", application.domain.as_ref().unwrap_or(&host)),
            }
        })
        .collect();
    let current_release = match application.current_release_id {
        Some(id) => release::by_id(conn, id)?,
        None => None,
    };
    Ok(ApplicationDetail {
        placements,
        current_release,
        releases: release::of_application(conn, application.id)?,
        deployments: deployment::of_application(conn, application.id, 50)?,
        application,
    })
}

impl App {
    pub(crate) async fn application(&self, desk: &Desk, id: ApplicationId) -> Result<Application> {
        desk.db
            .read(move |conn| table::by_id(conn, id))
            .await?
            .ok_or_else(|| Error::not_found("application", id))
    }

    pub(crate) async fn release(&self, desk: &Desk, id: ReleaseId) -> Result<Release> {
        desk.db
            .read(move |conn| release::by_id(conn, id))
            .await?
            .ok_or_else(|| Error::not_found("release", id))
    }

    pub(crate) async fn put_application(
        &self,
        desk: &Desk,
        application: Application,
    ) -> Result<()> {
        let (author, id) = (self.author(Some(desk.actor)), application.id);
        desk.db.write(move |tx| table::put(tx, &author, &application)).await?;
        self.announce_application(desk, id);
        Ok(())
    }

    pub(crate) fn announce_application(&self, desk: &Desk, id: ApplicationId) {
        self.publish(Event::Changed {
            organization_id: Some(desk.organization_id),
            topic: Topic::Applications,
            id: Some(id.to_string()),
        });
    }
}
