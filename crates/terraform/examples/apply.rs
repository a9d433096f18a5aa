//! Plans and applies a module, and keeps each version of its state in a folder.
//!
//! `apply <run directories> <module> <folder> <run id>`, with Terraform in the
//! path. The crash tests kill it in the middle.

use std::{env, error::Error, fs, path::PathBuf, sync::Arc};

use flightdeck_app::port::terraform::{
    Deadlines, Event, Listener, Request, Sensitive, Terraform, Work,
};
use flightdeck_domain::id::{RunId, StackId};
use flightdeck_terraform::TerraformCli;
use tokio::sync::watch;

/// Writes what it hears into a folder.
struct Folder(PathBuf);

impl Listener for Folder {
    fn event(&self, _: Event) {}

    fn state(&self, state: &Sensitive) -> Result<(), Box<dyn Error + Send + Sync>> {
        fs::write(self.0.join("state.new"), state.expose())?;
        fs::rename(self.0.join("state.new"), self.0.join("state"))?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut argument = |name: &str| arguments.next().ok_or_else(|| format!("no {name}"));
    let root = argument("folder for run directories")?;
    let module = PathBuf::from(argument("module")?);
    let folder = PathBuf::from(argument("folder for the state")?);
    let run_id: RunId = argument("run id")?.parse()?;

    let terraform = TerraformCli::new(root);
    let binary = terraform.locate(None).await?;
    let stack_id = StackId::new();
    let request = |run_id, work| Request {
        run_id,
        stack_id,
        binary: binary.clone(),
        module: module.clone(),
        variables: serde_json::Map::new(),
        credentials: Vec::new(),
        cli_config: None,
        plugin_cache: folder.join("plugins"),
        state: None,
        work,
        deadlines: Deadlines::default(),
    };
    let listener = Arc::new(Folder(folder.clone()));
    let (_stop, stopped) = watch::channel(false);
    let plan = request(RunId::new(), Work::Plan { destroy: false });
    let planned = terraform.run(plan, listener.clone(), stopped.clone()).await?;
    let apply = request(run_id, Work::Apply { plan: planned.plan.ok_or("no plan")? });
    terraform.run(apply, listener, stopped).await?;
    Ok(())
}
