//! One folder, one Terraform, and a listener that remembers.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use flightdeck_app::port::terraform::{
    Binary, Deadlines, Event, Leftover, Listener, Outcome, Request, Sensitive, Terraform,
    TerraformError, Work,
};
use flightdeck_domain::{
    id::{RunId, StackId},
    secret::Secret,
};
use flightdeck_terraform::{Graces, TerraformCli, run_root};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

/// Longer than anything takes that is waited for here.
const PATIENCE: Duration = Duration::from_mins(1);

/// A fixture by its path under `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Short graces that still let an unharmed Terraform end by itself.
pub(crate) fn short() -> Graces {
    let short = Duration::from_millis(400);
    Graces { first: short, second: short, plugins: short, adopted: Duration::from_secs(20) }
}

/// Remembers what it hears, as an archive of states would.
#[derive(Default)]
pub(crate) struct Ear {
    events: Mutex<Vec<Event>>,
    states: Mutex<Vec<Value>>,
    is_deaf: AtomicBool,
}

impl Ear {
    /// Refuses every state from now on.
    pub(crate) fn refuse(&self) {
        self.is_deaf.store(true, Ordering::Relaxed);
    }

    /// Takes states again.
    pub(crate) fn accept(&self) {
        self.is_deaf.store(false, Ordering::Relaxed);
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        lock(&self.events).clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = |event| match event {
            Event::Line(line) => Some(line),
            _ => None,
        };
        self.events().into_iter().filter_map(lines).collect()
    }

    pub(crate) fn rungs(&self) -> Vec<&'static str> {
        let rungs = |event| match event {
            Event::Stopping(rung) => Some(rung),
            _ => None,
        };
        self.events().into_iter().filter_map(rungs).collect()
    }

    pub(crate) fn serials(&self) -> Vec<u64> {
        lock(&self.states).iter().filter_map(|state| state["serial"].as_u64()).collect()
    }

    /// The newest state that was handed over.
    pub(crate) fn newest(&self) -> Option<Sensitive> {
        let states = lock(&self.states);
        states.last().map(|state| Sensitive::new(state.to_string().into_bytes()))
    }

    /// The addresses in the newest state, of whole and half-made resources.
    pub(crate) fn resources(&self) -> Vec<String> {
        let states = lock(&self.states);
        let resources = states.last().and_then(|state| state["resources"].as_array().cloned());
        let mut names: Vec<String> = resources
            .into_iter()
            .flatten()
            .map(|resource| resource["name"].as_str().unwrap_or_default().to_owned())
            .collect();
        names.sort();
        names
    }
}

impl Listener for Ear {
    fn event(&self, event: Event) {
        lock(&self.events).push(event);
    }

    fn state(&self, state: &Sensitive) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.is_deaf.load(Ordering::Relaxed) {
            return Err("the archive is full".into());
        }
        lock(&self.states).push(serde_json::from_slice(state.expose())?);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no listener panicked")
}

/// A place to run things, and what all runs of a test share.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    runs: TempDir,
    pub(crate) terraform: TerraformCli,
    pub(crate) ear: Arc<Ear>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) credentials: Vec<(String, String)>,
    pub(crate) deadlines: Deadlines,
    pub(crate) stack_id: StackId,
    binary: Option<Binary>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let root = run_root(folder.path());
        fs::create_dir_all(&root).expect("made");
        let runs = TempDir::new_in(root).expect("a directory");
        Self {
            terraform: TerraformCli::new(runs.path().join("runs")).with_graces(short()),
            folder,
            runs,
            ear: Arc::default(),
            stop: watch::channel(false).0,
            credentials: Vec::new(),
            deadlines: Deadlines::default(),
            stack_id: StackId::new(),
            binary: None,
        }
    }

    /// Runs a script of the fixtures instead of Terraform.
    pub(crate) fn with_binary(mut self, name: &str) -> Self {
        self.binary = Some(Binary {
            path: fixture("bin").join(name),
            product: "Terraform".to_owned(),
            version: "1.11.4".to_owned(),
        });
        self
    }

    /// A folder in the same file system as the run directories.
    pub(crate) fn root(&self) -> &Path {
        self.runs.path()
    }

    /// Asks for the version once instead of before each run.
    pub(crate) async fn located(mut self) -> Self {
        self.binary = Some(self.terraform.locate(None).await.expect("Terraform in the path"));
        self
    }

    pub(crate) async fn request(&self, module: &str, variables: Value, work: Work) -> Request {
        let binary = match &self.binary {
            Some(binary) => binary.clone(),
            None => self.terraform.locate(None).await.expect("Terraform in the path"),
        };
        let credentials = self.credentials.iter();
        Request {
            run_id: RunId::new(),
            stack_id: self.stack_id,
            binary,
            module: fixture("modules").join(module),
            variables: match variables {
                Value::Object(variables) => variables,
                _ => Map::new(),
            },
            credentials: credentials.map(|(n, v)| (n.clone(), Secret::new(v.as_str()))).collect(),
            cli_config: None,
            plugin_cache: self.folder.path().join("plugins"),
            state: self.ear.newest(),
            work,
            deadlines: self.deadlines,
        }
    }

    pub(crate) async fn run(&self, request: Request) -> Result<Outcome, TerraformError> {
        self.terraform.run(request, self.ear.clone(), self.stop.subscribe()).await
    }

    pub(crate) async fn plan(&self, module: &str, variables: Value) -> Outcome {
        let work = Work::Plan { destroy: false };
        self.run(self.request(module, variables, work).await).await.expect("a plan")
    }

    pub(crate) async fn plan_destroy(&self, module: &str, variables: Value) -> Outcome {
        let work = Work::Plan { destroy: true };
        self.run(self.request(module, variables, work).await).await.expect("a plan")
    }

    pub(crate) async fn try_apply(
        &self,
        module: &str,
        variables: Value,
        planned: Outcome,
    ) -> Result<Outcome, TerraformError> {
        let plan = planned.plan.expect("a plan file");
        self.run(self.request(module, variables, Work::Apply { plan }).await).await
    }

    pub(crate) async fn apply(&self, module: &str, variables: Value, planned: Outcome) -> Outcome {
        self.try_apply(module, variables, planned).await.expect("an apply")
    }

    /// Begins an apply of `module` in the background, until its slow resource is at work.
    pub(crate) async fn start_slow(
        &self,
        module: &str,
        variables: Value,
    ) -> tokio::task::JoinHandle<Result<Outcome, TerraformError>> {
        let planned = self.plan(module, variables.clone()).await;
        let plan = planned.plan.expect("a plan file");
        let request = self.request(module, variables, Work::Apply { plan }).await;
        let (terraform, ear) = (self.terraform.clone(), self.ear.clone());
        let stop = self.stop.subscribe();
        tokio::spawn(async move { terraform.run(request, ear, stop).await })
    }

    /// Waits, off the runtime's threads, until `condition` holds.
    pub(crate) async fn until(
        &self,
        what: &'static str,
        condition: impl Fn(&Ear) -> bool + Send + 'static,
    ) {
        let ear = self.ear.clone();
        let waited = tokio::task::spawn_blocking(move || eventually(what, || condition(&ear)));
        waited.await.expect("the condition came true");
    }

    /// Waits for a leftover. A child that a dying program has just forked holds
    /// its locks until it becomes another program.
    pub(crate) async fn leftover(&self) -> Leftover {
        let begun = Instant::now();
        loop {
            let mut leftovers = self.terraform.leftovers().await.expect("listed");
            match leftovers.pop() {
                Some(leftover) if leftovers.is_empty() && !leftover.is_held => return leftover,
                _ => assert!(begun.elapsed() < PATIENCE, "waited in vain for one leftover"),
            }
        }
    }

    /// Whether any run directory is left.
    pub(crate) fn is_clean(&self) -> bool {
        fs::read_dir(self.terraform.root()).map_or(true, |mut entries| entries.next().is_none())
    }
}

/// The variables of the module `basic`.
pub(crate) fn named(name: &str) -> Value {
    json!({ "name": name })
}

/// A process and its arguments, as every user can see them.
pub(crate) struct Process {
    pub(crate) pid: i32,
    arguments: String,
}

impl Process {
    /// Whether `text` stands in its arguments.
    pub(crate) fn runs(&self, text: &str) -> bool {
        self.arguments.contains(text)
    }
}

/// All processes whose working directory is below `folder`.
pub(crate) fn processes_in(folder: &Path) -> Vec<Process> {
    let is_inside =
        |path: &Path| fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    fs::read_dir("/proc")
        .expect("readable")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_inside(path))
        .filter_map(|path| {
            let pid = path.file_name()?.to_str()?.parse().ok()?;
            let arguments = fs::read(path.join("cmdline")).ok()?;
            Some(Process { pid, arguments: String::from_utf8_lossy(&arguments).into_owned() })
        })
        .collect()
}
