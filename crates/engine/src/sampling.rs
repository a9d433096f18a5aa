//! Goes round the servers: each once an interval, spread over it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use flightdeck_app::{App, error::Code};
use flightdeck_domain::id::{OrganizationId, ServerId};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

/// How often the round looks whose turn it is.
const TICK: Duration = Duration::from_millis(500);
/// How often it looks for servers that came or went.
const RELIST: Duration = Duration::from_secs(5);
const PRUNE: Duration = Duration::from_hours(1);

/// Samples until the process ends.
pub(crate) async fn run(app: App) {
    let mut round = Round::default();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        round.turn(&app).await;
    }
}

#[derive(Default)]
struct Round {
    next: HashMap<(OrganizationId, ServerId), Instant>,
    busy: HashSet<ServerId>,
    tasks: JoinSet<ServerId>,
    listed: Option<Instant>,
    pruned: Option<Instant>,
}

impl Round {
    async fn turn(&mut self, app: &App) {
        while let Some(ended) = self.tasks.try_join_next() {
            match ended {
                Ok(server) => drop(self.busy.remove(&server)),
                Err(error) => tracing::error!(%error, "A sample ended in a panic"),
            }
        }
        let due = app.monitor().take_due();
        let now = Instant::now();
        let interval = match app.settings().get().await {
            Ok(settings) => Duration::from_secs(settings.sample_interval_seconds.into()),
            Err(_) => Duration::from_secs(30),
        };
        if !due.is_empty() || self.listed.is_none_or(|at| now - at >= RELIST) {
            self.relist(app, now, interval).await;
        }
        if self.pruned.is_none_or(|at| now - at >= PRUNE) {
            self.pruned = Some(now);
            if let Err(error) = app.monitor().prune().await {
                app.report(&error, "Old samples could not be dropped");
            }
        }
        for (&(organization, server), next) in &mut self.next {
            let wanted = *next <= now || due.contains(&server);
            // A server that is still being asked is not asked again: one that
            // hangs costs one task, not one more each interval.
            if wanted && self.busy.insert(server) {
                *next = now + interval;
                let app = app.clone();
                self.tasks.spawn(async move {
                    if let Err(error) = app.monitor().sample(organization, server).await
                        && error.code != Code::VaultLocked
                        && error.code != Code::NotFound
                    {
                        app.report(&error, "A server could not be sampled");
                    }
                    server
                });
            }
        }
    }

    /// Takes in new servers, each at its own point of the interval.
    async fn relist(&mut self, app: &App, now: Instant, interval: Duration) {
        self.listed = Some(now);
        let watched = match app.monitor().watched().await {
            Ok(watched) => watched,
            Err(error) => {
                app.report(&error, "The servers could not be listed for sampling");
                return;
            }
        };
        let count = u32::try_from(watched.len().max(1)).unwrap_or(u32::MAX);
        let known: HashSet<_> = watched.iter().copied().collect();
        self.next.retain(|key, _| known.contains(key));
        for (position, key) in (0_u32..).zip(watched) {
            self.next.entry(key).or_insert_with(|| now + interval * position / count);
        }
    }
}
