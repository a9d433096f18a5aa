//! Notices what another process wrote, so that a window follows the command line.

use std::time::Duration;

use flightdeck_app::{
    App, VaultState,
    event::{Event, Topic},
};

const PERIOD: Duration = Duration::from_secs(1);

/// Everything that another process may have changed.
const TOPICS: &[Topic] = &[
    Topic::Organizations,
    Topic::Credentials,
    Topic::Servers,
    Topic::Stacks,
    Topic::Applications,
    Topic::Jobs,
    Topic::Settings,
];

/// Watches until the process ends.
pub(crate) async fn run(app: App) {
    let mut known = None;
    loop {
        tokio::time::sleep(PERIOD).await;
        pick_up(&app).await;
        // Every act leaves an audit event or a journal line in the main database,
        // so that one counter tells of all workspaces.
        match app.store().main().data_version().await {
            Ok(version) if known.is_some_and(|known| known != version) => {
                known = Some(version);
                for topic in TOPICS {
                    app.publish(Event::Changed { organization_id: None, topic: *topic, id: None });
                }
            }
            Ok(version) => known = Some(version),
            Err(error) => tracing::warn!(%error, "Another process' writes can't be seen"),
        }
    }
}

/// Carries on with jobs that were only written down, or whose process is gone.
async fn pick_up(app: &App) {
    match app.vault().status().await {
        Ok(status) if status.state == VaultState::Open => {}
        // Their steps need keys; unlocking picks them up as well.
        _ => return,
    }
    if let Err(error) = app.jobs().resume().await {
        app.report(&error, "Interrupted jobs could not be resumed");
    }
}
