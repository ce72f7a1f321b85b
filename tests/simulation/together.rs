//! Histories of small jobs of one pool, which are imported together.

use crate::cases::{holds, of_a_plan_at_every_step};
use crate::plan::{Call, Mark, Op, Plan, Pools, SERVER};

/// Three jobs that are IN_PROGRESS, whose users nobody else has.
fn plan(ops: &[Op]) -> Plan {
    let mut plan = crate::cases::plan(1, ops);
    plan.pools = Pools::Neighbours;
    for worker in &mut plan.workers {
        worker.batch_rows = 100;
    }
    plan.jobs[0].there.clear();
    let job = plan.jobs[0].clone();
    plan.jobs.extend([job.clone(), job]);
    plan
}

#[test]
fn they_come_to_their_ends_together() {
    let tally = holds(&plan(&[Op::Claim(0), Op::Run(0)]));
    assert_eq!((tally.of("jobs_together"), tally.of("takeovers")), (1, 0));
    assert_eq!(tally.of("jobs_succeeded"), 3);
}

#[test]
fn their_worker_may_die_between_any_two_of_its_steps() {
    let places = of_a_plan_at_every_step(plan, Op::Kill(0), "kills");
    assert!(places > 15, "{places}");
}

#[test]
fn any_of_its_calls_may_fail_before_it_takes_effect() {
    let places = of_a_plan_at_every_step(plan, Op::CutBefore(0, 0), "calls_cut_before");
    assert!(places > 15, "{places}");
}

#[test]
fn any_of_its_calls_may_fail_after_it_took_effect() {
    let places = of_a_plan_at_every_step(plan, Op::CutAfter(0, 0), "calls_cut_after");
    assert!(places > 15, "{places}");
}

#[test]
fn a_commit_whose_answer_was_lost_is_recognised() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Commit),
        Op::CutAfter(0, 0),
        Op::Run(0),
    ];
    let tally = holds(&plan(&ops));
    assert_eq!(tally.of("calls_cut_after"), 1);
    assert_eq!(tally.of("workers_turned_away"), 0);
    assert_eq!(tally.of("jobs_succeeded"), 3);
}

#[test]
fn a_stop_of_one_lets_none_of_its_rows_through_and_does_not_touch_the_others() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Users),
        Op::Call(Call::Stop, 1),
        Op::Run(SERVER),
        Op::Run(0),
    ];
    let tally = holds(&plan(&ops));
    assert_eq!(tally.of("jobs_together"), 1, "tried");
    assert_eq!(
        (tally.of("jobs_stopped"), tally.of("jobs_succeeded")),
        (1, 2)
    );
}

#[test]
fn whoever_would_take_them_over_leaves_them_to_the_worker_that_ends_them() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Commit),
        Op::TakeOver(1),
        Op::Run(1),
        Op::Run(0),
        Op::Run(1),
    ];
    let tally = holds(&plan(&ops));
    assert_eq!((tally.of("takeovers"), tally.of("jobs_succeeded")), (0, 3));
}

#[test]
fn a_worker_whose_leases_run_out_while_it_writes_leaves_them_to_whoever_waits() {
    let ops = [
        Op::Claim(0),
        Op::To(0, Mark::Users),
        Op::TakeOver(1),
        Op::Run(0),
        Op::Run(1),
    ];
    let tally = holds(&plan(&ops));
    assert_eq!(tally.of("jobs_succeeded"), 3);
}
