use flightdeck_domain::{
    id::OrganizationId,
    job::{Failure, JobStatus, StepStatus},
};
use flightdeck_store::job;

use crate::fixture::{Fixture, at, job_row};

#[test]
fn a_job_belongs_to_one_living_process() {
    let fixture = Fixture::new();
    let row = job_row("stk_1", 0);
    let id = row.job.id;

    fixture
        .store
        .main()
        .write_blocking(move |tx| {
            assert!(!job::claim(tx, id, "a", &|_| true)?, "there is no such job yet");
            job::insert(tx, &row)?;
            assert!(job::claim(tx, id, "a", &|_| false)?, "nobody has it");
            assert!(job::claim(tx, id, "a", &|_| false)?, "it has it already");
            assert!(!job::claim(tx, id, "b", &|_| false)?, "a lives");
            assert_eq!(job::by_id(tx, id)?.and_then(|row| row.owner).as_deref(), Some("a"));
            assert!(job::claim(tx, id, "b", &|owner| owner == "a")?, "a is dead");
            job::release(tx, id)?;
            assert_eq!(job::by_id(tx, id)?.and_then(|row| row.owner), None);
            assert!(job::claim(tx, id, "a", &|_| false)?, "b gave it back");
            Ok(())
        })
        .expect("the disk takes it");
}

#[test]
fn of_two_processes_that_claim_at_once_one_gets_the_job() {
    let fixture = Fixture::new();
    let row = job_row("stk_1", 0);
    let id = row.job.id;
    fixture.store.main().write_blocking(move |tx| job::insert(tx, &row)).expect("it is new");
    let stores = [("a", fixture.store.clone()), ("b", fixture.second())];

    let won: Vec<bool> = std::thread::scope(|scope| {
        let claim = |(owner, store): (&'static str, flightdeck_store::Store)| {
            scope.spawn(move || {
                store.main().write_blocking(move |tx| job::claim(tx, id, owner, &|_| false))
            })
        };
        let threads = stores.map(claim);
        threads.into_iter().map(|t| t.join().expect("no panic").expect("it works")).collect()
    });

    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
}

#[test]
fn the_journal_tells_when_each_step_began_and_ended() {
    let fixture = Fixture::new();
    let row = job_row("stk_1", 0);
    let id = row.job.id;

    let steps = fixture
        .store
        .main()
        .write_blocking(move |tx| {
            job::insert(tx, &row)?;
            job::set_step(tx, id, "plan", StepStatus::Running, at(1))?;
            job::set_step_progress(tx, id, "plan", Some(0.5))?;
            job::set_step(tx, id, "plan", StepStatus::Done, at(2))?;
            job::set_step(tx, id, "apply", StepStatus::Running, at(3))?;
            job::set_step_progress(tx, id, "apply", Some(0.25))?;
            Ok(job::by_id(tx, id)?.expect("it is there").job.steps)
        })
        .expect("the disk takes it");

    let told: Vec<_> =
        steps.iter().map(|s| (s.status, s.progress, s.started_at, s.ended_at)).collect();
    assert_eq!(
        told,
        [
            (StepStatus::Done, None, Some(at(1)), Some(at(2))),
            (StepStatus::Running, Some(0.25), Some(at(3)), None),
            (StepStatus::Pending, None, None, None),
        ]
    );
}

#[test]
fn a_journal_entry_for_a_step_that_is_not_there_is_an_error() {
    let fixture = Fixture::new();
    let row = job_row("stk_1", 0);
    let id = row.job.id;
    let main = fixture.store.main();
    main.write_blocking(move |tx| job::insert(tx, &row)).expect("it is new");

    let step =
        main.write_blocking(move |tx| job::set_step(tx, id, "renamed", StepStatus::Done, at(1)));
    let job = main.write_blocking(move |tx| {
        let other = job_row("stk_2", 0).job.id;
        job::set_status(tx, other, JobStatus::Running, None, None)
    });

    assert!(step.is_err(), "a lost entry must not look like a written one");
    assert!(job.is_err(), "a lost entry must not look like a written one");
}

#[test]
fn a_retry_goes_on_where_the_job_failed() {
    let fixture = Fixture::new();
    let row = job_row("stk_1", 0);
    let id = row.job.id;
    let failure = Failure { code: "busy".to_owned(), message: "it is busy".to_owned(), hint: None };

    let row = fixture
        .store
        .main()
        .write_blocking(move |tx| {
            job::insert(tx, &row)?;
            job::set_step(tx, id, "plan", StepStatus::Done, at(1))?;
            job::set_output(tx, id, "plan", &serde_json::json!(1))?;
            job::set_step(tx, id, "apply", StepStatus::Failed, at(2))?;
            job::set_step(tx, id, "register", StepStatus::Undone, at(3))?;
            job::request_cancel(tx, id)?;
            assert!(job::is_cancel_requested(tx, id)?);
            job::set_status(tx, id, JobStatus::Failed, Some(&failure), Some(at(4)))?;
            job::dismiss(tx, id)?;
            job::reset_for_retry(tx, id)?;
            job::by_id(tx, id)
        })
        .expect("the disk takes it")
        .expect("it is there");

    let statuses: Vec<_> = row.job.steps.iter().map(|step| step.status).collect();
    assert_eq!(statuses, [StepStatus::Done, StepStatus::Pending, StepStatus::Pending]);
    assert_eq!(row.job.status, JobStatus::Queued);
    assert_eq!((row.job.failure, row.job.ended_at), (None, None));
    assert!(!row.job.cancel_requested && !row.job.dismissed);
    assert_eq!(row.outputs["plan"], 1, "what was done stays done");
}

#[test]
fn outputs_are_replaced_and_cleared() {
    let fixture = Fixture::new();
    let row = job_row("stk_1", 0);
    let id = row.job.id;

    let (set, cleared) = fixture
        .store
        .main()
        .write_blocking(move |tx| {
            job::insert(tx, &row)?;
            job::set_output(tx, id, "run", &serde_json::json!("old"))?;
            job::set_output(tx, id, "run", &serde_json::json!("new"))?;
            let set = job::by_id(tx, id)?.expect("it is there").outputs;
            job::clear_outputs(tx, id)?;
            Ok((set, job::by_id(tx, id)?.expect("it is there").outputs))
        })
        .expect("the disk takes it");

    assert_eq!(set["run"], "new");
    assert!(cleared.is_empty());
}

#[test]
fn one_job_at_a_time_is_active_on_a_target() {
    let fixture = Fixture::new();
    let row = job_row("stk_1", 0);
    let id = row.job.id;

    fixture
        .store
        .main()
        .write_blocking(move |tx| {
            assert_eq!(job::active_on(tx, "stk_1")?, None);
            job::insert(tx, &row)?;
            assert_eq!(job::active_on(tx, "stk_1")?.as_ref(), Some(&row.job));
            assert_eq!(job::active_on(tx, "stk_2")?, None);
            for status in JobStatus::ALL {
                job::set_status(tx, id, *status, None, None)?;
                let is_active = job::active_on(tx, "stk_1")?.is_some();
                assert_eq!(is_active, !status.is_over(), "{status}");
                let is_unfinished = !job::unfinished(tx)?.is_empty();
                assert_eq!(is_unfinished, !status.is_over(), "{status}");
            }
            Ok(())
        })
        .expect("the disk takes it");
}

#[test]
fn jobs_are_listed_newest_first_with_their_steps() {
    let fixture = Fixture::new();
    let rows = [job_row("stk_1", 0), job_row("stk_2", 1), job_row("stk_3", 2)];
    let ours = rows[0].job.organization_id;
    let ids = rows.each_ref().map(|row| row.job.id);

    fixture
        .store
        .main()
        .write_blocking(move |tx| {
            for row in &rows {
                job::insert(tx, row)?;
            }
            job::dismiss(tx, ids[1])?;

            let shown = job::list(tx, None, false)?;
            assert_eq!(shown, [rows[2].job.clone(), rows[0].job.clone()]);
            let all: Vec<_> = job::list(tx, None, true)?.iter().map(|job| job.id).collect();
            assert_eq!(all, [ids[2], ids[1], ids[0]]);
            assert_eq!(job::list(tx, Some(ours), false)?, [rows[0].job.clone()]);
            assert_eq!(job::list(tx, Some(OrganizationId::new()), true)?, []);
            Ok(())
        })
        .expect("the disk takes it");
}

#[test]
fn a_log_counts_from_one_and_is_read_in_pages() {
    let fixture = Fixture::new();
    let (row, other) = (job_row("stk_1", 0), job_row("stk_2", 0));
    let id = row.job.id;

    fixture
        .store
        .main()
        .write_blocking(move |tx| {
            job::insert(tx, &row)?;
            job::insert(tx, &other)?;
            job::append_log(tx, other.job.id, at(0), "plan", "somebody else's")?;
            for number in 1..=5 {
                let line = job::append_log(tx, id, at(1), "plan", &format!("line {number}"))?;
                assert_eq!(line.number, number);
            }

            let page = job::log(tx, id, 2, 2)?;
            let texts: Vec<_> = page.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(texts, ["line 3", "line 4"]);
            assert_eq!(job::log(tx, id, 5, 100)?, []);
            Ok(())
        })
        .expect("the disk takes it");
}
