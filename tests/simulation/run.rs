//! One history, from its beginning to its end.

use std::time::Duration;

use crate::actor::{self, Known, LEASE};
use crate::ending;
use crate::plan::{Call, Duty, Mark, Op, Plan, Ready, SERVER};
use crate::postgres::Place;
use crate::seen::{self, Complaints};
use crate::snapshot::Snapshot;
use crate::store::Cut;
use crate::support::muster::admin;
use crate::tally::Tally;
use crate::wire::Order;
use crate::world::{MANY, World};

/// The clocks are put on by less than request ids are kept for.
const MOST_MINUTES: u64 = 20 * 60;
/// What has happened when a promise is broken, at the end of what is told.
const TOLD: usize = 60;

/// Runs a history. The error says which promise was broken, and after what.
pub fn simulate(place: &mut Place, plan: &Plan) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let complaints = Complaints::default();
        let (_listening, turned_away) = seen::listen(&complaints);
        let mut world = World::new(place, plan, complaints).await;
        if let Err(broken) = world.play().await {
            let trace = &world.trace;
            let told = trace[trace.len().saturating_sub(TOLD)..].join("\n");
            return Err(format!("{told}\n{broken}"));
        }
        let away = *turned_away.lock().expect("the count");
        world.tally.count("workers_turned_away", away);
        Ok(world.tally)
    })
}

impl World<'_> {
    async fn play(&mut self) -> Result<(), String> {
        self.tally.count("lists", 1);
        self.prepare().await?;
        for op in &self.plan.ops {
            self.note(format!("{op:?}"));
            self.tally.count("operations", 1);
            self.apply(*op).await?;
        }
        self.finish().await?;
        self.judge().await?;
        self.clear().await
    }

    /// Brings the jobs to where the plan has them at the beginning.
    async fn prepare(&mut self) -> Result<(), String> {
        let mut pools = Vec::new();
        for (number, job) in self.plan.jobs.iter().enumerate() {
            let place = self.plan.pool(number);
            if place == pools.len() {
                pools.push(ending::pool(self.plan, number, &self.muster).await);
            }
            let pool = pools[place].clone();
            if number == 0 || !self.plan.rivals() {
                ending::there(self.plan, number, &pool, &mut self.reader).await;
            }
            let file = ending::file(self.plan, number, false).csv;
            let mut known = Known {
                pool: pool.clone(),
                number,
                id: None,
                max_rejected: job.max_rejected,
                file: file.clone(),
            };
            if job.ready >= Ready::Created {
                let id = actor::create(&self.muster, &known).await.expect("a job");
                if job.ready >= Ready::Uploaded {
                    let uploaded = actor::upload(&self.muster, &pool, &id, file).await;
                    uploaded.expect("an upload");
                }
                if job.ready >= Ready::Started {
                    let started = self.muster.start_job(&admin(), &pool, &id, None).await;
                    started.expect("a start");
                }
                known.id = Some(id);
            }
            if job.ready == Ready::Dispatched {
                self.dispatch().await?;
            }
            self.jobs.lock().expect("the jobs").push(known);
            self.check(false).await?;
        }
        Ok(())
    }

    async fn apply(&mut self, op: Op) -> Result<(), String> {
        match op {
            Op::Tick(worker, duty) => self.tick(worker, duty).await,
            Op::Claim(worker) => self.claim(worker).await,
            Op::TakeOver(worker) => {
                self.leases_run_out().await?;
                self.claim(worker).await
            }
            Op::Call(call, job) => self.call(call, job % self.plan.jobs.len()).await,
            Op::Step(actor, which, many) => {
                for _ in 0..many {
                    if !self.order(actor, which.into(), Order::Pass).await? {
                        break;
                    }
                }
                Ok(())
            }
            Op::To(actor, mark) => self.go_to(actor, mark).await,
            Op::Run(actor) => self.run(actor).await,
            Op::Kill(actor) => self.kill(actor).await,
            Op::Drain(worker) => {
                if self.actors[worker].running() > 0 {
                    self.tally.count("shutdowns", 1);
                    self.actors[worker].drain();
                }
                self.settle(false).await
            }
            Op::CutBefore(actor, which) => self.cut(actor, which, Order::CutBefore).await,
            Op::CutAfter(actor, which) => self.cut(actor, which, Order::CutAfter).await,
            Op::Sever(actor, which) => self.sever(actor, which.into()).await,
            Op::Cancel => {
                let many = self.cancel().await?;
                self.tally.count("statements_cancelled", many);
                self.settle(true).await
            }
            Op::CutRead {
                actor,
                after,
                silent,
            } => {
                let after = after.into();
                self.actors[actor].way.cut(Cut { after, silent });
                if actor == SERVER {
                    self.strand_uploads().await?;
                }
                Ok(())
            }
            Op::LeasesRunOut => self.leases_run_out().await,
            Op::Clock(minutes) => {
                if self.minutes + u64::from(minutes) > MOST_MINUTES {
                    return Ok(());
                }
                self.minutes += u64::from(minutes);
                let time = Duration::from_secs(60 * u64::from(minutes));
                self.clock.advance(time);
                self.put_on(time).await
            }
            Op::Pauses => self.wait(5).await,
            Op::Renewals => self.wait(101).await,
            Op::Restart => {
                self.tally.count("database_restarts", 1);
                self.restart().await
            }
        }
    }

    async fn wait(&mut self, seconds: u64) -> Result<(), String> {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        self.settle(false).await
    }

    /// Begins a round of a duty. A worker that was told to end, and has, is
    /// followed by another.
    pub async fn tick(&mut self, worker: usize, duty: Duty) -> Result<(), String> {
        let actor = &self.actors[worker];
        if actor.draining && actor.running() == 0 {
            let old = self.replace(worker);
            old.wire.open();
            self.graves.push(old);
        }
        self.actors[worker].tick(duty);
        self.settle(false).await
    }

    async fn claim(&mut self, worker: usize) -> Result<(), String> {
        self.tick(worker, Duty::Import).await?;
        self.go_to(worker, Mark::Lock).await
    }

    async fn leases_run_out(&mut self) -> Result<(), String> {
        self.tally.count("leases_run_out", 1);
        self.put_on(LEASE).await
    }

    async fn go_to(&mut self, actor: usize, mark: Mark) -> Result<(), String> {
        for turn in 0..MANY {
            let held = self.actors[actor].wire.held();
            let there = held.iter().any(|(_, sql)| mark.is(sql));
            // One that is there already is gone past.
            if (there && turn > 0) || !self.order(actor, turn, Order::Pass).await? {
                break;
            }
        }
        Ok(())
    }

    async fn call(&mut self, call: Call, job: usize) -> Result<(), String> {
        let jobs = self.jobs.clone();
        let mut known = jobs.lock().expect("the jobs")[job].clone();
        if let Call::Upload { half } = call {
            known.file = ending::file(self.plan, job, half).csv;
            self.uploads.extend(known.id.clone());
        }
        self.actors[SERVER].call(call, known, move |id| {
            jobs.lock().expect("the jobs")[job].id = Some(id);
        });
        self.settle(false).await
    }

    /// Steps of an actor, from its connections in turn, until it has none.
    pub async fn run(&mut self, actor: usize) -> Result<(), String> {
        for turn in 0..MANY {
            if !self.order(actor, turn, Order::Pass).await? {
                return Ok(());
            }
        }
        Err(format!("actor {actor} does not come to rest"))
    }

    async fn kill(&mut self, number: usize) -> Result<(), String> {
        if self.actors[number].running() > 0 {
            self.tally.count("kills", 1);
        }
        if number == SERVER {
            self.strand_uploads().await?;
        }
        let dead = self.replace(number);
        dead.die();
        self.tally.count("reads_cut", dead.way.mend());
        self.graves.push(dead);
        self.settle(true).await
    }

    async fn cut(&mut self, actor: usize, which: u8, order: Order) -> Result<(), String> {
        if self.order(actor, which.into(), order).await? {
            let what = match order {
                Order::CutBefore => "calls_cut_before",
                _ => "calls_cut_after",
            };
            self.tally.count(what, 1);
        }
        Ok(())
    }

    /// Notes which uploads nobody may be able to clear away any more: those of
    /// jobs whose own files were purged before the server got to refuse them.
    async fn strand_uploads(&mut self) -> Result<(), String> {
        let seen = Snapshot::take(&mut self.reader).await?;
        for upload in &self.uploads {
            let id = upload.trim_start_matches("import-");
            if seen
                .job(id)
                .is_none_or(|job| job.status != "CREATED" || job.deletion_date.is_some())
            {
                self.stranded.insert(upload.clone());
            }
        }
        Ok(())
    }

    /// Ends the session of a connection that has a step to take, or of one
    /// that has not.
    async fn sever(&mut self, number: usize, which: usize) -> Result<(), String> {
        let wire = &self.actors[number].wire;
        let mut lines: Vec<u32> = wire.held().into_iter().map(|(id, _)| id).collect();
        lines.extend(wire.resting());
        if !lines.is_empty() {
            wire.order(lines[which % lines.len()], Order::Sever);
            self.tally.count("sessions_ended", 1);
        }
        self.settle(true).await
    }
}
