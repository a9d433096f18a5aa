//! The one window, and the system's browser beside it.

use std::sync::Arc;

use flightdeck_app::error::{Code, Error, Result};
use tauri::{Manager, Runtime, Theme, window::Color};

/// The window's label; capabilities are granted to it by this name.
const MAIN: &str = "main";

/// The page's own grounds (`--boot-bg` in `ui/index.html`).
const LIGHT: Color = Color(0xff, 0xff, 0xff, 0xff);
const DARK: Color = Color(0x0e, 0x0f, 0x12, 0xff);

/// Shows the window, on the ground that its page will have.
///
/// It is made hidden, so that nobody sees it white before it turns dark.
pub(crate) fn show<R: Runtime>(app: &impl Manager<R>) -> tauri::Result<()> {
    let Some(window) = app.get_webview_window(MAIN) else { return Ok(()) };
    let ground = match window.theme() {
        Ok(Theme::Dark) => DARK,
        _ => LIGHT,
    };
    window.set_background_color(Some(ground))?;
    window.show()
}

/// Brings the window to whoever started the program a second time.
pub(crate) fn come_forward<R: Runtime>(app: &impl Manager<R>) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    let come =
        || window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
    if let Err(error) = come() {
        tracing::warn!(%error, "The window could not be brought forward");
    }
}

/// Opens web addresses outside of this program.
#[derive(Clone)]
pub struct Browser(Arc<Opens>);

type Opens = dyn Fn(&str) -> std::result::Result<(), String> + Send + Sync;

impl Browser {
    /// The browser that the system prefers.
    pub fn of_the_system() -> Self {
        Self::new(|address| {
            tauri_plugin_opener::open_url(address, None::<&str>).map_err(|error| error.to_string())
        })
    }

    /// Whatever opens an address, or says why not.
    pub fn new(
        open: impl Fn(&str) -> std::result::Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(open))
    }

    pub(crate) fn open(&self, address: &str) -> Result<()> {
        (self.0)(address).map_err(|reason| {
            Error::new(Code::WrongState, format!("no browser opens here: {reason}"))
                .hint(format!("open {address} yourself"))
        })
    }
}
