//! Calls to servers and to Terraform that go wrong, each in turn.

use flightdeck_domain::job::JobStatus;
use flightdeck_testkit::hosts::fault::Fault;

use crate::{plan::Plan, process::Process, world::World};

/// Which port's calls go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Hosts,
    Terraform,
}

impl Port {
    fn plan(self, world: &World, call: u64, fault: Fault) {
        match self {
            Self::Hosts => world.hosts.faults.plan(call, fault),
            Self::Terraform => world.terraform.faults.plan(call, fault),
        }
    }

    fn calls(self, world: &World) -> u64 {
        match self {
            Self::Hosts => world.hosts.faults.calls(),
            Self::Terraform => world.terraform.faults.calls(),
        }
    }

    fn mend(self, world: &World) {
        match self {
            Self::Hosts => world.hosts.faults.mend(),
            Self::Terraform => world.terraform.faults.mend(),
        }
    }
}

/// Lets each call in turn go wrong; whatever the job did is undone, and a retry works.
///
/// Returns how many of those jobs failed.
async fn recovers_from_every_fault(plan: Plan, port: Port, fault: Fault) -> u32 {
    let origin = plan.world().await;
    let mut failures = 0;
    for call in 1.. {
        let world = origin.fork();
        let process = Process::start(&world, "one").await;
        port.plan(&world, call, fault);
        let job = plan.start(&world, &process.app).await;
        let ended = process.end(job).await;
        let calls = port.calls(&world);
        port.mend(&world);
        let context = format!("{plan:?} with call {call} {fault:?}: {:?}", ended.failure);
        match ended.status {
            JobStatus::Succeeded => plan.check(&world, &process.app, &ended).await,
            JobStatus::Failed | JobStatus::Stuck => {
                failures += 1;
                assert!(ended.status == JobStatus::Failed || fault == Fault::Dead, "{context}");
                if ended.status == JobStatus::Failed {
                    plan.check(&world, &process.app, &ended).await;
                }
                let retried = process.app.jobs().retry(&world.known.ctx, job).await;
                retried.unwrap_or_else(|error| panic!("{context}: no retry: {error}"));
                let again = process.end(job).await;
                let why = again.failure.as_ref().map(|failure| failure.message.clone());
                assert_eq!(again.status, JobStatus::Succeeded, "{context}: retried: {why:?}");
                plan.check(&world, &process.app, &again).await;
            }
            status => panic!("{context}: it ended {status}"),
        }
        process.kill().await;
        if calls < call {
            return failures;
        }
    }
    failures
}

#[tokio::test]
async fn an_apply_does_not_mind_a_connection_that_breaks_while_a_machine_boots() {
    let failures = recovers_from_every_fault(Plan::StackApply, Port::Hosts, Fault::Refused).await;

    assert_eq!(failures, 0, "it tries again until the machine has booted");
}

macro_rules! faults {
    ($($name:ident: $plan:ident, $port:ident, $fault:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let failures =
                recovers_from_every_fault(Plan::$plan, Port::$port, Fault::$fault).await;

            assert!(failures > 0, "some call must matter");
        }
    )*};
}

faults! {
    a_verification_recovers_from_a_refused_call: Verify, Hosts, Refused;
    a_plan_recovers_from_a_refusal: StackPreview, Terraform, Refused;
    an_apply_recovers_from_a_refusal: StackApply, Terraform, Refused;
    an_apply_recovers_from_a_lost_answer: StackApply, Terraform, Lost;
    a_destroy_recovers_from_a_refusal: StackDestroy, Terraform, Refused;
    a_destroy_recovers_from_a_lost_answer: StackDestroy, Terraform, Lost;
    a_first_deployment_recovers_from_a_refused_call: FirstRelease, Hosts, Refused;
    a_first_deployment_recovers_from_a_lost_answer: FirstRelease, Hosts, Lost;
    a_first_deployment_gets_over_a_server_that_dies: FirstRelease, Hosts, Dead;
    a_second_deployment_recovers_from_a_refused_call: SecondRelease, Hosts, Refused;
    a_second_deployment_recovers_from_a_lost_answer: SecondRelease, Hosts, Lost;
    a_second_deployment_gets_over_a_server_that_dies: SecondRelease, Hosts, Dead;
    a_roll_back_recovers_from_a_refused_call: RollBack, Hosts, Refused;
    a_roll_back_recovers_from_a_lost_answer: RollBack, Hosts, Lost;
    a_removal_recovers_from_a_refused_call: Remove, Hosts, Refused;
    a_removal_recovers_from_a_lost_answer: Remove, Hosts, Lost;
}
