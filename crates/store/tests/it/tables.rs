use flightdeck_domain::{application::DeploymentStatus, id::OrganizationId, organization::Kind};
use flightdeck_store::{
    application, credential, deployment, lease, organization, release, run, sample, server, stack,
    state_version,
};

use crate::fixture::{self, Fixture, at};

#[test]
fn organizations_are_found_by_slug_and_by_their_parent() {
    let fixture = Fixture::new();
    let root = fixture::organization("acme");
    let mut child = fixture::organization("shop");
    (child.kind, child.level, child.parent_id) = (Kind::SubUser, 1, Some(root.id));
    let (author, parent, leaf) = (fixture.author(0), root.clone(), child.clone());

    let (by_slug, children, list) = fixture
        .store
        .main()
        .write_blocking(move |tx| {
            organization::put(tx, &author, &leaf)?;
            organization::put(tx, &author, &parent)?;
            let by_slug = organization::by_slug(tx, "shop")?;
            Ok((by_slug, organization::children(tx, parent.id)?, organization::list(tx)?))
        })
        .expect("the disk takes it");

    assert_eq!(by_slug.as_ref(), Some(&child));
    assert_eq!(children, std::slice::from_ref(&child));
    assert_eq!(list, [root, child], "the root is first");
}

#[test]
fn rows_are_found_by_name_while_they_live() {
    let fixture = Fixture::new();
    let author = fixture.author(0);
    let (login, host, web) =
        (fixture::credential("login"), fixture::server("host"), fixture::stack("web"));
    let shop = fixture::application("shop", vec![host.id]);

    fixture
        .workspace()
        .write_blocking(move |tx| {
            credential::put(tx, &author, &login)?;
            server::put(tx, &author, &host)?;
            stack::put(tx, &author, &web)?;
            application::put(tx, &author, &shop)?;
            assert_eq!(credential::by_name(tx, "login")?.as_ref(), Some(&login));
            assert_eq!(server::by_name(tx, "host")?.as_ref(), Some(&host));
            assert_eq!(stack::by_name(tx, "web")?.as_ref(), Some(&web));
            assert_eq!(application::by_name(tx, "shop")?.as_ref(), Some(&shop));

            credential::delete(tx, &author, login.id)?;
            server::delete(tx, &author, host.id)?;
            stack::delete(tx, &author, web.id)?;
            application::delete(tx, &author, shop.id)?;
            assert_eq!(credential::by_name(tx, "login")?, None);
            assert_eq!(server::by_name(tx, "host")?, None);
            assert_eq!(stack::by_name(tx, "web")?, None);
            assert_eq!(application::by_name(tx, "shop")?, None);
            assert_eq!(credential::list(tx)?, []);
            assert_eq!(server::list(tx)?, []);
            assert_eq!(stack::list(tx)?, []);
            assert_eq!(application::list(tx)?, []);
            Ok(())
        })
        .expect("the disk takes it");
}

#[test]
fn applications_are_found_by_the_servers_they_run_on() {
    let fixture = Fixture::new();
    let author = fixture.author(0);
    let [a, b] = ["a", "b"].map(|name| fixture::server(name).id);
    let everywhere = fixture::application("everywhere", vec![a, b]);
    let only_b = fixture::application("only-b", vec![b]);

    let (on_a, on_b) = {
        let (everywhere, only_b) = (everywhere.clone(), only_b.clone());
        fixture
            .workspace()
            .write_blocking(move |tx| {
                application::put(tx, &author, &only_b)?;
                application::put(tx, &author, &everywhere)?;
                Ok((application::on_server(tx, a)?, application::on_server(tx, b)?))
            })
            .expect("the disk takes it")
    };

    assert_eq!(on_a, std::slice::from_ref(&everywhere));
    assert_eq!(on_b, [everywhere, only_b]);
}

#[test]
fn servers_are_found_by_the_stack_that_made_them() {
    let fixture = Fixture::new();
    let (author, web) = (fixture.author(0), fixture::stack("web").id);
    let mut made = fixture::server("web-1");
    made.stack_id = Some(web);
    let other = fixture::server("other");

    let stored = made.clone();
    let found = fixture
        .workspace()
        .write_blocking(move |tx| {
            server::put(tx, &author, &stored)?;
            server::put(tx, &author, &other)?;
            server::of_stack(tx, web)
        })
        .expect("the disk takes it");

    assert_eq!(found, [made]);
}

#[test]
fn runs_are_listed_newest_first_and_a_plan_is_spent_once() {
    let fixture = Fixture::new();
    let author = fixture.author(0);
    let web = fixture::stack("web");
    let (first, second) = (fixture::run(web.id, 1), fixture::run(web.id, 2));

    fixture
        .workspace()
        .write_blocking(move |tx| {
            stack::put(tx, &author, &web)?;
            run::insert(tx, &first)?;
            run::insert(tx, &second)?;
            assert_eq!(run::latest(tx, web.id)?.as_ref(), Some(&second));
            assert_eq!(run::of_stack(tx, web.id, 10)?, [second.clone(), first.clone()]);
            assert_eq!(run::of_stack(tx, web.id, 1)?, std::slice::from_ref(&second));
            assert_eq!(run::unfinished(tx)?, [first.clone(), second.clone()]);

            run::put_plan(tx, first.id, b"sealed")?;
            assert_eq!(run::plan(tx, first.id)?.as_deref(), Some(&b"sealed"[..]));
            run::take_plan(tx, first.id)?;
            assert_eq!(run::plan(tx, first.id)?, None);

            assert!(!run::decided(tx, first.id)?);
            run::set_decided(tx, first.id)?;
            assert!(run::decided(tx, first.id)?);
            assert!(!run::decided(tx, second.id)?);
            Ok(())
        })
        .expect("the disk takes it");
}

#[test]
fn state_versions_are_kept_once_each_and_pruned_by_age_and_count() {
    let fixture = Fixture::new();
    let author = fixture.author(0);
    let web = fixture::stack("web");
    let run = fixture::run(web.id, 0);
    let versions: Vec<_> = (1_u8..=5)
        .map(|serial| fixture::state_version(run.id, serial.into(), i64::from(serial)))
        .collect();

    fixture
        .workspace()
        .write_blocking(move |tx| {
            stack::put(tx, &author, &web)?;
            run::insert(tx, &run)?;
            for (version, sealed) in versions.iter().zip(1_u8..) {
                state_version::insert(tx, web.id, version, &[sealed])?;
            }
            state_version::insert(tx, web.id, &versions[2], &[99])?;

            let newest = state_version::newest(tx, web.id)?;
            assert_eq!(newest, Some((versions[4].clone(), vec![5])), "a repeat is not newer");
            let third = state_version::by_serial(tx, web.id, "b0a1", 3)?;
            assert_eq!(third, Some((versions[2].clone(), vec![3])));

            state_version::prune(tx, web.id, 2, at(3))?;
            let left: Vec<u64> =
                state_version::list(tx, web.id)?.iter().map(|version| version.serial).collect();
            assert_eq!(left, [5, 4, 3], "3 is not old enough to go");

            state_version::prune(tx, web.id, 0, at(1_000))?;
            let left: Vec<u64> =
                state_version::list(tx, web.id)?.iter().map(|version| version.serial).collect();
            assert_eq!(left, [5], "the newest state stays whatever is asked");
            Ok(())
        })
        .expect("the disk takes it");
}

#[test]
fn releases_count_up_and_deployments_end_once_known() {
    let fixture = Fixture::new();
    let author = fixture.author(0);
    let shop = fixture::application("shop", Vec::new());

    let error = fixture
        .workspace()
        .write_blocking(move |tx| {
            application::put(tx, &author, &shop)?;
            assert_eq!(release::next_number(tx, shop.id)?, 1);
            let first = fixture::release(shop.id, 1);
            release::insert(tx, &first)?;
            assert_eq!(release::next_number(tx, shop.id)?, 2);
            let second = fixture::release(shop.id, 2);
            release::insert(tx, &second)?;

            release::set_digest(tx, second.id, "sha256:abc")?;
            let digests: Vec<_> = release::of_application(tx, shop.id)?
                .into_iter()
                .map(|release| (release.number, release.digest))
                .collect();
            assert_eq!(digests, [(2, Some("sha256:abc".to_owned())), (1, None)]);

            let deployment = fixture::deployment(&second, 1);
            deployment::insert(tx, &deployment)?;
            let status = DeploymentStatus::RolledBack;
            deployment::finish(tx, deployment.id, status, Some("not healthy"), Some(at(9)))?;
            let latest = deployment::latest(tx, shop.id)?.expect("there is one");
            assert_eq!((latest.status, latest.ended_at), (status, Some(at(9))));
            assert_eq!(latest.reason.as_deref(), Some("not healthy"));

            release::insert(tx, &fixture::release(shop.id, 2))
        })
        .expect_err("release 2 is there already");

    assert!(error.is_unique_violation(), "{error:?}");
}

#[test]
fn a_lease_is_held_by_one_and_inherited_from_the_dead() {
    let fixture = Fixture::new();

    fixture
        .store
        .main()
        .write_blocking(|tx| {
            assert!(lease::take(tx, "engine", "a", &|_| false)?);
            assert!(lease::take(tx, "engine", "a", &|_| false)?, "it holds it already");
            assert!(!lease::take(tx, "engine", "b", &|_| false)?);
            assert_eq!(lease::holder(tx, "engine")?.as_deref(), Some("a"));
            assert!(lease::take(tx, "engine", "b", &|owner| owner == "a")?);
            lease::release(tx, "engine", "a")?;
            assert_eq!(lease::holder(tx, "engine")?.as_deref(), Some("b"), "it is not a's to give");
            lease::release(tx, "engine", "b")?;
            assert_eq!(lease::holder(tx, "engine")?, None);
            Ok(())
        })
        .expect("the disk takes it");
}

#[test]
fn a_long_chart_is_thinned_out_and_keeps_its_newest_point() {
    let fixture = Fixture::new();
    let [a, b] = ["a", "b"].map(|name| fixture::server(name).id);

    fixture
        .metrics()
        .write_blocking(move |tx| {
            for second in 0..1_000 {
                sample::insert(tx, &fixture::sample(a, second))?;
            }
            sample::insert(tx, &fixture::sample(b, 7))?;

            let all = sample::since(tx, a, at(0), 5_000)?;
            assert_eq!(all.len(), 1_000);
            let thinned = sample::since(tx, a, at(100), 300)?;
            assert_eq!(thinned.len(), 300, "900 samples, every third");
            assert!(thinned.is_sorted_by_key(|sample| sample.at));
            assert_eq!(thinned.last().map(|sample| sample.at), Some(at(999)));

            let latest = sample::latest(tx)?;
            let mut expected = [(a, at(999)), (b, at(7))];
            expected.sort();
            assert_eq!(latest.iter().map(|s| (s.server_id, s.at)).collect::<Vec<_>>(), expected);

            sample::prune(tx, at(990))?;
            assert_eq!(sample::since(tx, a, at(0), 5_000)?.len(), 10);
            assert_eq!(sample::since(tx, b, at(0), 5_000)?.len(), 0);
            Ok(())
        })
        .expect("the disk takes it");
}

#[test]
fn the_latest_of_no_samples_is_nothing() {
    let fixture = Fixture::new();

    let latest = fixture.metrics().read_blocking(sample::latest).expect("it is readable");

    assert_eq!(latest, []);
}

#[test]
fn workspaces_do_not_see_each_other() {
    let fixture = Fixture::new();
    let author = fixture.author(0);
    fixture
        .workspace()
        .write_blocking(move |tx| server::put(tx, &author, &fixture::server("web-1")))
        .expect("the disk takes it");

    let other = fixture.store.workspace(OrganizationId::new()).expect("a new workspace opens");

    assert_eq!(other.read_blocking(server::list).expect("it is readable"), []);
}
