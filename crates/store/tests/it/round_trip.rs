use std::fmt::Debug;

use flightdeck_domain::{
    audit::{AuditEvent, Outcome},
    credential::{Credential, CredentialStatus},
    id::{AuditEventId, KeyId, MemberId, OrganizationId, ReleaseId, UserId},
    job::{Failure, Job, JobStatus},
    member::{Member, User},
    metrics::Sample,
    organization::{Kind, Organization},
    permission::Role,
    server::Server,
    stack::{Run, RunStatus},
};
use flightdeck_store::{
    Connection, Database, SqlResult, Transaction, application, audit_event, change::Author,
    credential, deployment, job, member, organization, release, run, sample, server, stack, user,
    workspace_key,
};

use crate::fixture::{self, Fixture, at};

type Put<E> = fn(&Transaction<'_>, &Author, &E) -> SqlResult<()>;

/// Puts `entity` and reads it back.
fn stored<E, I>(
    fixture: &Fixture,
    db: &Database,
    entity: &E,
    put: Put<E>,
    id: I,
    by_id: fn(&Connection, I) -> SqlResult<Option<E>>,
) -> Option<E>
where
    E: Clone + Debug + Send + 'static,
    I: Send + 'static,
{
    let (author, put_entity) = (fixture.author(0), entity.clone());
    db.write_blocking(move |tx| put(tx, &author, &put_entity)).expect("the disk takes it");
    db.read_blocking(move |conn| by_id(conn, id)).expect("it is readable")
}

#[test]
fn organizations_come_back_as_they_were_put() {
    let fixture = Fixture::new();
    let parent = fixture::organization("acme");
    let child = Organization {
        kind: Kind::EndUser,
        parent_id: Some(parent.id),
        level: 1,
        archived_at: Some(at(9)),
        ..fixture::organization("shop")
    };

    for entity in [parent, child] {
        let found = stored(
            &fixture,
            fixture.store.main(),
            &entity,
            organization::put,
            entity.id,
            organization::by_id,
        );
        assert_eq!(found, Some(entity));
    }
}

#[test]
fn people_and_their_places_come_back_as_they_were_put() {
    let fixture = Fixture::new();
    let person = User { id: UserId::new(), name: "Zoë".to_owned() };
    let place = Member {
        id: MemberId::new(),
        organization_id: OrganizationId::new(),
        user_id: person.id,
        role: Role::Admin,
        created_at: at(0),
    };

    let found = stored(
        &fixture,
        fixture.store.main(),
        &person,
        |tx, _, person| user::put(tx, person),
        person.id,
        user::by_id,
    );
    assert_eq!(found.as_ref(), Some(&person));
    let found =
        stored(&fixture, fixture.store.main(), &place, member::put, place.id, member::by_id);
    assert_eq!(found.as_ref(), Some(&place));

    let (organization, user_id) = (place.organization_id, person.id);
    let (role, of_user, first) = fixture
        .store
        .main()
        .read_blocking(move |conn| {
            let role = member::role(conn, organization, user_id)?;
            Ok((role, member::of_user(conn, user_id)?, user::first(conn)?))
        })
        .expect("it is readable");
    assert_eq!(role, Some(Role::Admin));
    assert_eq!(of_user, [place]);
    assert_eq!(first, Some(person));
}

#[test]
fn credentials_come_back_as_they_were_put() {
    let fixture = Fixture::new();
    let refused = fixture::credential("registry");
    let untested =
        Credential { status: CredentialStatus::Untested, ..fixture::credential("another") };
    let valid = Credential {
        status: CredentialStatus::Valid { at: at(4) },
        ..fixture::credential("third")
    };

    for entity in [refused, untested, valid] {
        let found = stored(
            &fixture,
            &fixture.workspace(),
            &entity,
            credential::put,
            entity.id,
            credential::by_id,
        );
        assert_eq!(found, Some(entity));
    }
}

#[test]
fn servers_come_back_as_they_were_put() {
    let fixture = Fixture::new();
    let full = fixture::server("web-1");
    let bare = Server {
        host_key: None,
        checks: Vec::new(),
        facts: None,
        stack_id: None,
        ..fixture::server("web-2")
    };

    for entity in [full, bare] {
        let found =
            stored(&fixture, &fixture.workspace(), &entity, server::put, entity.id, server::by_id);
        assert_eq!(found, Some(entity));
    }
}

#[test]
fn stacks_and_their_runs_come_back_as_they_were_put() {
    let fixture = Fixture::new();
    let db = fixture.workspace();
    let web = fixture::stack("web");

    let found = stored(&fixture, &db, &web, stack::put, web.id, stack::by_id);
    assert_eq!(found.as_ref(), Some(&web));

    let begun = fixture::run(web.id, 1);
    let found =
        stored(&fixture, &db, &begun, |tx, _, run| run::insert(tx, run), begun.id, run::by_id);
    assert_eq!(found.as_ref(), Some(&begun));

    let ended = Run { status: RunStatus::Interrupted, ended_at: Some(at(2)), ..begun };
    let found =
        stored(&fixture, &db, &ended, |tx, _, run| run::update(tx, run), ended.id, run::by_id);
    assert_eq!(found, Some(ended));
}

#[test]
fn applications_releases_and_deployments_come_back_as_they_were_put() {
    let fixture = Fixture::new();
    let db = fixture.workspace();
    let mut shop = fixture::application("shop", vec![fixture::server("a").id]);
    shop.current_release_id = Some(ReleaseId::new());

    let found = stored(&fixture, &db, &shop, application::put, shop.id, application::by_id);
    assert_eq!(found.as_ref(), Some(&shop));

    let first = fixture::release(shop.id, 1);
    let found = stored(
        &fixture,
        &db,
        &first,
        |tx, _, release| release::insert(tx, release),
        first.id,
        release::by_id,
    );
    assert_eq!(found.as_ref(), Some(&first));

    let move_to_first = fixture::deployment(&first, 5);
    let found = stored(
        &fixture,
        &db,
        &move_to_first,
        |tx, _, deployment| deployment::insert(tx, deployment),
        move_to_first.id,
        deployment::by_id,
    );
    assert_eq!(found, Some(move_to_first));
}

#[test]
fn jobs_come_back_as_they_were_put() {
    let fixture = Fixture::new();
    let mut row = fixture::job_row("stk_1", 0);
    row.owner = Some("desktop-1".to_owned());
    row.outputs.insert("servers".to_owned(), serde_json::json!(["web-1"]));
    row.job = Job {
        status: JobStatus::Failed,
        failure: Some(Failure {
            code: "host_unreachable".to_owned(),
            message: "no answer".to_owned(),
            hint: None,
        }),
        cancel_requested: true,
        ended_at: Some(at(8)),
        dismissed: true,
        ..row.job
    };
    row.job.steps[1].progress = Some(0.5);

    let found = stored(
        &fixture,
        fixture.store.main(),
        &row,
        |tx, _, row| job::insert(tx, row),
        row.job.id,
        job::by_id,
    );

    assert_eq!(found, Some(row));
}

#[test]
fn keys_come_back_as_they_were_put() {
    let fixture = Fixture::new();
    let organization = OrganizationId::new();
    let key = |version: u32| workspace_key::Row {
        id: KeyId::new(),
        organization_id: organization,
        purpose: "credentials".to_owned(),
        version,
        wrapped: vec![1, 2, 255],
        created_at: at(0),
    };
    let (old, new) = (key(1), key(2));

    for key in [&old, &new] {
        let found = stored(
            &fixture,
            fixture.store.main(),
            key,
            |tx, _, key| workspace_key::insert(tx, key),
            key.id,
            workspace_key::by_id,
        );
        assert_eq!(found.as_ref(), Some(key));
    }

    let newest = fixture
        .store
        .main()
        .read_blocking(move |conn| workspace_key::newest(conn, organization, "credentials"));
    assert_eq!(newest.expect("it is readable").as_ref(), Some(&new));
    fixture
        .store
        .main()
        .write_blocking(move |tx| workspace_key::delete_of_organization(tx, organization))
        .expect("the disk takes it");
    let left = fixture
        .store
        .main()
        .read_blocking(move |conn| workspace_key::of_organization(conn, organization));
    assert_eq!(left.expect("it is readable"), []);
    assert!(!format!("{new:?}").contains("255"), "key bytes are not for logs");
}

#[test]
fn audit_events_come_back_the_newest_first() {
    let fixture = Fixture::new();
    let ours = OrganizationId::new();
    let event = |second, organization_id: Option<OrganizationId>, outcome| AuditEvent {
        id: AuditEventId::new(),
        at: at(second),
        actor: organization_id.map(|_| UserId::new()),
        organization_id,
        action: "stack.apply".to_owned(),
        target: "stk_1".to_owned(),
        outcome,
        details: serde_json::json!({ "changes": 3 }),
    };
    let events = [
        event(0, Some(ours), Outcome::Success),
        event(1, None, Outcome::Failure),
        event(2, Some(ours), Outcome::Denied),
    ];

    let written = events.clone();
    let (all, of_ours, newest) = fixture
        .store
        .main()
        .write_blocking(move |tx| {
            for event in &written {
                audit_event::append(tx, event)?;
            }
            Ok((
                audit_event::list(tx, None, 100)?,
                audit_event::list(tx, Some(ours), 100)?,
                audit_event::list(tx, None, 1)?,
            ))
        })
        .expect("the disk takes it");

    let [first, second, third] = events;
    assert_eq!(all, [third.clone(), second, first.clone()]);
    assert_eq!(of_ours, [third.clone(), first]);
    assert_eq!(newest, [third]);
}

#[test]
fn samples_come_back_as_they_were_measured() {
    let fixture = Fixture::new();
    let full = fixture::sample(fixture::server("web-1").id, 0);
    let first = Sample {
        cpu_percent: None,
        containers_running: None,
        ..fixture::sample(full.server_id, 30)
    };

    let (server, samples) = (full.server_id, [full, first]);
    let written = samples.clone();
    let found = fixture
        .metrics()
        .write_blocking(move |tx| {
            for sample in &written {
                sample::insert(tx, sample)?;
            }
            sample::since(tx, server, at(0), 100)
        })
        .expect("the disk takes it");

    assert_eq!(found, samples);
}
