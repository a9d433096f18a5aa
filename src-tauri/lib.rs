//! The desktop shell: one window on the core, and the commands between them.
//!
//! Nothing is decided here. This is the only package that names the toolkit.

mod core;
pub mod ipc;
mod window;

use std::{sync::Arc, time::Duration};

use flightdeck_app::error::{Code, Error};
use flightdeck_engine::{Engine, Options, Role};
use tauri::{AppHandle, Context, Manager, RunEvent, Runtime, async_runtime};
use tauri_plugin_window_state::StateFlags;
use tauri_specta::Event as _;

pub use crate::{core::Core, window::Browser};

/// How long the window's first questions wait for the keychain, so that it does
/// not show a locked vault that opens a moment later.
const UNLOCKING: Duration = Duration::from_millis(800);

/// Opens the window and stays until it is closed.
pub fn run() -> tauri::Result<()> {
    let app = assemble(tauri::Builder::default(), Browser::of_the_system())
        // First of all: a second start must end before it touches anything.
        .plugin(tauri_plugin_single_instance::init(|app, _, _| window::come_forward(app)))
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
                .build(),
        )
        .setup(|app| {
            ipc::builder::<tauri::Wry>().mount_events(app);
            window::show(app)?;
            async_runtime::spawn(start(app.handle().clone()));
            async_runtime::spawn(end_when_asked(app.handle().clone()));
            Ok(())
        })
        .build(context())?;
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            async_runtime::block_on(app.state::<Core>().end());
        }
    });
    Ok(())
}

/// Puts the commands and what they need into `builder`.
pub fn assemble<R: Runtime>(builder: tauri::Builder<R>, browser: Browser) -> tauri::Builder<R> {
    builder
        .manage(Core::starting())
        .manage(browser)
        .invoke_handler(ipc::builder::<R>().invoke_handler())
}

/// The configuration, the embedded page, and what the window may call.
pub fn context<R: Runtime>() -> Context<R> {
    tauri::generate_context!()
}

/// Starts the engine while the window is already painting.
async fn start(app: AppHandle) {
    let options = Options { directory: None, role: Role::Desktop };
    let engine = async_runtime::spawn_blocking(|| Engine::start(options)).await;
    let core = app.state::<Core>();
    let engine = match engine {
        Ok(Ok(engine)) => Arc::new(engine),
        Ok(Err(error)) => return core.started(Err(error)),
        Err(error) => {
            let ended = Error::new(Code::Internal, "the core's start ended early").cause(error);
            return core.started(Err(ended));
        }
    };
    let events = engine.app().subscribe();
    let (told, source) = (app.clone(), engine.app().clone());
    async_runtime::spawn(ipc::events::forward(source, events, move |event| {
        if let Err(error) = event.emit(&told) {
            tracing::warn!(%error, "The window could not be told of an event");
        }
    }));
    let unlocked = engine.clone();
    let mut unlocking = async_runtime::spawn(async move {
        if let Err(error) = unlocked.unlock_if_possible().await {
            unlocked.app().report(&error, "The vault stays locked");
        }
    });
    let _ = tokio::time::timeout(UNLOCKING, &mut unlocking).await;
    core.started(Ok(engine));
}

/// Ends the program in good order when the session or a terminal ends it.
async fn end_when_asked(app: AppHandle) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    app.exit(0);
}
