//! The settings of this installation.

use std::path::PathBuf;

use flightdeck_domain::{audit::Outcome, setting::Settings};
use flightdeck_store::setting;

use crate::{
    App,
    error::{Error, Result},
    event::{Event, Topic},
    port::terraform::Binary,
};

const KEY: &str = "settings";

/// The use cases of settings.
pub struct SettingsUse<'a>(pub(crate) &'a App);

impl SettingsUse<'_> {
    /// Returns the settings; what was never set has its default.
    ///
    /// They belong to whoever holds the data directory, so no role is asked.
    pub async fn get(&self) -> Result<Settings> {
        let stored = self.0.store().main().read(|conn| setting::get(conn, KEY)).await?;
        let settings = stored.and_then(|text| {
            serde_json::from_str(&text)
                .inspect_err(|error| tracing::warn!(%error, "The stored settings can't be read; using defaults"))
                .ok()
        });
        Ok(settings.unwrap_or_default())
    }

    /// Checks and stores the settings.
    pub async fn update(&self, settings: Settings) -> Result<Settings> {
        settings.check().map_err(|error| Error::invalid(&error))?;
        let text = serde_json::to_string(&settings).map_err(|error| {
            Error::new(crate::error::Code::Internal, "the settings can't be written").cause(error)
        })?;
        let now = self.0.now();
        self.0.store().main().write(move |tx| setting::set(tx, KEY, &text, now)).await?;
        let actor = self.0.organizations().local_user().await?.map(|user| user.id);
        self.0.audit_installation(actor, "settings.update", KEY, Outcome::Success).await?;
        self.0.publish(Event::Changed { organization_id: None, topic: Topic::Settings, id: None });
        Ok(settings)
    }

    /// Where stacks find their modules: where the settings say, or the ones that ship.
    pub async fn modules_directory(&self) -> Result<PathBuf> {
        let settings = self.get().await?;
        Ok(if settings.modules_path.is_empty() {
            self.0.place().modules.clone()
        } else {
            settings.modules_path.into()
        })
    }

    /// Finds the Terraform or OpenTofu binary that runs would use now.
    pub async fn find_terraform(&self) -> Result<Binary> {
        let settings = self.get().await?;
        let path = (!settings.terraform_path.is_empty()).then(|| settings.terraform_path.into());
        Ok(self.0.ports().terraform.locate(path).await?)
    }
}
