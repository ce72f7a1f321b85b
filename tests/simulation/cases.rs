//! Histories by name: single faults at each place where they can strike, and
//! whatever the made-up histories have found.

use std::time::Duration;

use crate::file::{Fault, Row};
use crate::plan::{Call, Duty, JobPlan, Mark, Op, Plan, Pools, Ready, SERVER, WorkerPlan};
use crate::postgres::Place;
use crate::run::simulate;
use crate::tally::Tally;

/// Users, one of them twice, one that is there before, and rows that break a
/// rule; of several lines one.
fn rows() -> Vec<Row> {
    vec![
        Row::of(1),
        Row::of(2),
        Row {
            upper: true,
            ..Row::of(1)
        },
        Row {
            fault: Some(Fault::Birthdate),
            ..Row::of(3)
        },
        Row {
            breaks: 2,
            blanks: 1,
            ..Row::of(4)
        },
        Row::of(0),
        Row {
            fault: Some(Fault::Fields),
            ..Row::of(5)
        },
    ]
}

/// One job that is IN_PROGRESS, and workers that write two rows at a time.
pub fn plan(lanes: u16, ops: &[Op]) -> Plan {
    let worker = WorkerPlan {
        lanes,
        batch_rows: 2,
        piece: 40,
    };
    Plan {
        jobs: vec![JobPlan {
            rows: rows(),
            there: vec![0],
            aliases: false,
            max_rejected: 100,
            ready: Ready::Dispatched,
        }],
        pools: Pools::Own,
        workers: [worker; 3],
        retain: Duration::ZERO,
        max_fruitless: 1_000,
        ops: ops.to_vec(),
    }
}

fn run(place: &mut Place, plan: &Plan) -> Tally {
    simulate(place, plan).unwrap_or_else(|broken| panic!("{broken}\n{plan:#?}"))
}

pub fn holds(plan: &Plan) -> Tally {
    run(&mut Place::shared(), plan)
}

/// Has a fault strike a worker at its first step, at its second, and so on;
/// then it goes on, if it can, and another takes over. Answers how many
/// places there were.
fn at_every_step(lanes: u16, fault: Op, counted: &'static str) -> usize {
    of_a_plan_at_every_step(|ops| plan(lanes, ops), fault, counted)
}

/// The same, of any plan whose jobs have all their rows imported.
pub fn of_a_plan_at_every_step(
    plan: impl Fn(&[Op]) -> Plan,
    fault: Op,
    counted: &'static str,
) -> usize {
    let mut place = Place::shared();
    for before in 0..=u8::MAX {
        let ops = [
            Op::Tick(0, Duty::Import),
            Op::Step(0, 1, before),
            fault,
            Op::Pauses,
            Op::Run(0),
            Op::TakeOver(1),
            Op::Run(1),
        ];
        let plan = plan(&ops);
        let tally = run(&mut place, &plan);
        if tally.of(counted) == 0 {
            return before.into();
        }
        let jobs = plan.jobs.len() as u64;
        assert_eq!(tally.of("jobs_succeeded"), jobs, "after {before} steps");
    }
    panic!("a job without end");
}

#[test]
fn a_worker_may_die_between_any_two_of_its_steps() {
    let places = at_every_step(1, Op::Kill(0), "kills");
    assert!(places > 30, "{places}");
}

#[test]
fn a_worker_of_two_lanes_may_die_between_any_two_of_its_steps() {
    let places = at_every_step(2, Op::Kill(0), "kills");
    assert!(places > 40, "{places}");
}

#[test]
fn any_call_to_the_database_may_fail_before_it_takes_effect() {
    let places = at_every_step(1, Op::CutBefore(0, 0), "calls_cut_before");
    assert!(places > 30, "{places}");
}

#[test]
fn any_call_to_the_database_may_fail_after_it_took_effect() {
    let places = at_every_step(1, Op::CutAfter(0, 0), "calls_cut_after");
    assert!(places > 30, "{places}");
}

#[test]
fn a_batch_whose_commit_is_in_doubt_is_settled_by_the_worker_itself() {
    for cut in [Op::CutBefore(0, 0), Op::CutAfter(0, 0)] {
        let ops = [
            Op::Claim(0),
            Op::To(0, Mark::Commit),
            cut,
            Op::Pauses,
            Op::To(0, Mark::Commit),
            cut,
            Op::Pauses,
            Op::Run(0),
        ];
        let tally = holds(&plan(1, &ops));
        let cuts = tally.of("calls_cut_before") + tally.of("calls_cut_after");
        assert_eq!((cuts, tally.of("takeovers")), (2, 0), "{cut:?}");
        assert_eq!(tally.of("jobs_succeeded"), 1);
    }
}

#[test]
fn a_worker_that_has_lost_its_job_goes_on_and_writes_nothing() {
    let ops = [
        Op::Claim(0),
        Op::TakeOver(1),
        Op::To(1, Mark::Commit),
        Op::Run(0),
        Op::Run(1),
    ];
    let tally = holds(&plan(2, &ops));
    assert_eq!(
        (tally.of("takeovers"), tally.of("workers_turned_away")),
        (1, 1)
    );
}

/// The batch renews the lease, however long it took: its worker keeps the job.
#[test]
fn whoever_would_take_a_job_over_waits_for_the_batch_that_is_being_written() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Users),
        Op::TakeOver(1),
        Op::Run(0),
        Op::Run(1),
    ];
    let tally = holds(&plan(1, &ops));
    assert_eq!(
        (tally.of("takeovers"), tally.of("workers_turned_away")),
        (0, 0)
    );
    assert_eq!(tally.of("jobs_succeeded"), 1);
}

#[test]
fn whoever_waits_for_a_batch_has_the_job_when_its_worker_dies() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Users),
        Op::TakeOver(1),
        Op::Kill(0),
        Op::Run(1),
    ];
    let tally = holds(&plan(1, &ops));
    assert_eq!((tally.of("takeovers"), tally.of("kills")), (1, 1));
    assert_eq!(tally.of("jobs_succeeded"), 1);
}

#[test]
fn whoever_waits_too_long_for_a_batch_tries_again() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Users),
        Op::TakeOver(1),
        Op::Cancel,
        Op::Kill(0),
        Op::TakeOver(2),
        Op::Run(2),
    ];
    let tally = holds(&plan(1, &ops));
    assert_eq!(
        (tally.of("takeovers"), tally.of("statements_cancelled")),
        (1, 1)
    );
}

#[test]
fn a_worker_whose_session_was_ended_in_the_midst_of_a_batch_has_written_nothing() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Commit),
        Op::Sever(0, 0),
        Op::TakeOver(1),
        Op::Run(1),
        Op::Run(0),
        Op::Pauses,
        Op::Run(0),
    ];
    let tally = holds(&plan(1, &ops));
    assert_eq!(
        (tally.of("takeovers"), tally.of("workers_turned_away")),
        (1, 1)
    );
}

#[test]
fn two_workers_may_take_the_job_from_each_other_at_each_batch() {
    let turns = (0..8).flat_map(|turn| {
        let worker = turn % 2;
        [
            Op::TakeOver(worker),
            Op::To(worker, Mark::Commit),
            Op::Step(worker, 0, 1),
        ]
    });
    let tally = holds(&plan(1, &turns.collect::<Vec<_>>()));
    assert!(tally.of("takeovers") >= 3, "{}", tally.json());
}

#[test]
fn a_stop_lets_the_batch_that_is_being_written_through_and_no_other() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Users),
        Op::Call(Call::Stop, 0),
        Op::Run(SERVER),
        Op::Run(0),
    ];
    let tally = holds(&plan(2, &ops));
    assert_eq!(tally.of("jobs_stopped"), 1);
}

#[test]
fn a_stop_of_a_job_that_has_ended_changes_nothing() {
    let ops = [
        Op::Claim(0),
        Op::Run(0),
        Op::Call(Call::Stop, 0),
        Op::Run(SERVER),
    ];
    let tally = holds(&plan(2, &ops));
    assert_eq!(tally.of("jobs_succeeded"), 1);
}

#[test]
fn a_worker_that_is_shut_down_gives_its_job_back_at_once() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Advance),
        Op::Drain(0),
        Op::Run(0),
        Op::Claim(1),
        Op::Run(1),
    ];
    let tally = holds(&plan(1, &ops));
    assert_eq!((tally.of("shutdowns"), tally.of("leases_run_out")), (1, 0));
    assert_eq!(tally.of("takeovers"), 1);
}

/// An end of the stream that comes too early passed for the end of the file:
/// a job FAILED for half a header, or SUCCEEDED without its last rows.
#[test]
fn an_object_that_seems_to_end_too_early_is_read_again() {
    let mut place = Place::shared();
    for (after, silent) in (0..255).step_by(40).flat_map(|n| [(n, true), (n, false)]) {
        let cut = |actor| Op::CutRead {
            actor,
            after,
            silent,
        };
        let ops = [
            cut(0),
            Op::Claim(0),
            Op::Run(0),
            cut(1),
            Op::TakeOver(1),
            Op::Run(1),
            Op::TakeOver(2),
            Op::Run(2),
        ];
        let tally = run(&mut place, &plan(2, &ops));
        assert_eq!(tally.of("jobs_succeeded"), 1, "{after} {silent}");
        assert_eq!(tally.of("reads_cut"), 2, "{after} {silent}");
    }
}

/// A job that is CREATED, whose file is being uploaded.
fn uploading(ops: &[Op]) -> Plan {
    let mut plan = plan(1, ops);
    plan.jobs[0].ready = Ready::Created;
    plan
}

/// The object was put, and then the database was away: nobody would have
/// deleted it, where the job was gone already.
#[test]
fn an_upload_that_comes_after_its_job_was_purged_leaves_no_object() {
    let ops = [
        Op::Call(Call::Upload { half: false }, 0),
        // The job and its pool have been looked at.
        Op::Step(SERVER, 0, 2),
        Op::Call(Call::Delete, 0),
        Op::Step(SERVER, 1, 4),
        Op::Tick(0, Duty::Purge),
        Op::Run(0),
        Op::Step(SERVER, 0, 1),
        Op::CutBefore(SERVER, 0),
    ];
    let tally = holds(&uploading(&ops));
    assert_eq!(tally.of("calls_cut_before"), 1);
}
