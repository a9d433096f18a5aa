//! The window's side of the bridge.

use std::sync::{Arc, Mutex, PoisonError};

use flightdeck_app::{
    App,
    error::{Code, Error},
};
use flightdeck_desktop::{Browser, Core, assemble, context};
use flightdeck_domain::{id::OrganizationId, member::Member, permission::Role};
use flightdeck_engine::{Engine, Options, Role as Process};
use flightdeck_store::{change::Author, member};
use serde_json::{Value, json};
use tauri::{
    Manager as _, WebviewWindow, WebviewWindowBuilder,
    async_runtime::block_on,
    http::HeaderMap,
    ipc::{CallbackFn, InvokeBody},
    test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder},
    webview::InvokeRequest,
};
use tempfile::TempDir;

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// The program without its web view, on a data directory of its own.
pub(crate) struct Window {
    pub(crate) view: WebviewWindow<MockRuntime>,
    /// What the system's browser was asked to open.
    pub(crate) opened: Arc<Mutex<Vec<String>>>,
    app: tauri::App<MockRuntime>,
    directory: TempDir,
}

impl Window {
    /// The first run: nobody is set up.
    pub(crate) fn first_run() -> Self {
        let window = Self::without_a_core("main");
        window.start_core();
        window
    }

    /// A second run on the data of an earlier one.
    pub(crate) fn again(earlier: Self) -> Self {
        let Self { directory, app, .. } = earlier;
        block_on(app.state::<Core>().end());
        drop(app);
        let window = Self { directory, ..Self::without_a_core("main") };
        window.start_core();
        window
    }

    /// A window whose core is still on its way.
    pub(crate) fn without_a_core(label: &str) -> Self {
        let opened = Arc::new(Mutex::new(Vec::new()));
        let addresses = opened.clone();
        let browser = Browser::new(move |address| {
            addresses.lock().unwrap_or_else(PoisonError::into_inner).push(address.to_owned());
            Ok(())
        });
        let app = assemble(mock_builder(), browser)
            .build(context())
            .expect("the configuration is one that the toolkit takes");
        let view = WebviewWindowBuilder::new(&app, label, tauri::WebviewUrl::default())
            .build()
            .expect("a window without a screen opens");
        let directory = tempfile::tempdir().expect("there is room for a data directory");
        Self { view, opened, app, directory }
    }

    fn start_core(&self) {
        let directory = Some(self.directory.path().join("data"));
        // Not as the desktop: its sampling would write beside the tests.
        let engine = block_on(async { Engine::start(Options { directory, role: Process::Cli }) });
        self.app.state::<Core>().started(engine.map(Arc::new));
    }

    /// Lets the start of the core fail.
    pub(crate) fn fail_to_start(&self, code: Code) {
        self.app.state::<Core>().started(Err(Error::new(code, "the core does not start")));
    }

    /// Calls a command as the generated client does.
    pub(crate) fn call(&self, command: &str, arguments: &Value) -> Result<Value, Value> {
        let request = InvokeRequest {
            cmd: command.to_owned(),
            callback: CallbackFn(0),
            error: CallbackFn(1),
            url: "tauri://localhost".parse().expect("that is an address"),
            body: InvokeBody::Json(arguments.clone()),
            headers: HeaderMap::default(),
            invoke_key: INVOKE_KEY.to_owned(),
        };
        get_ipc_response(&self.view, request)
            .map(|body| body.deserialize().expect("an answer is JSON"))
    }

    /// Calls a command that must succeed.
    pub(crate) fn ask(&self, command: &str, arguments: &Value) -> Value {
        self.call(command, arguments)
            .unwrap_or_else(|error| panic!("`{command}` was refused: {error}"))
    }

    /// Calls a command that must be refused, and returns the code.
    pub(crate) fn refused(&self, command: &str, arguments: &Value) -> String {
        match self.call(command, arguments) {
            Ok(answer) => panic!("`{command}` was not refused: {answer}"),
            Err(error) => match error["code"].as_str() {
                Some(code) => code.to_owned(),
                None => panic!("`{command}` was refused without a code: {error}"),
            },
        }
    }

    /// Sets the installation up and returns the first organization's id.
    pub(crate) fn set_up(&self) -> OrganizationId {
        let request = json!({
            "protection": "passphrase",
            "passphrase": PASSPHRASE,
            "userName": "Ada",
            "organizationName": "Acme",
        });
        let organization = self.ask("set_up", &json!({ "request": request }));
        text(&organization["id"]).parse().expect("an organization has an id")
    }

    /// Makes a client below an organization.
    pub(crate) fn client_of(&self, parent: OrganizationId, name: &str) -> OrganizationId {
        let request = json!({
            "name": name, "kind": "sub_user", "parentId": parent.to_string(), "color": null,
        });
        let organization = self.ask("create_organization", &json!({ "request": request }));
        text(&organization["id"]).parse().expect("an organization has an id")
    }

    /// The core behind the commands.
    pub(crate) fn core(&self) -> App {
        let engine = block_on(self.app.state::<Core>().engine());
        engine.expect("the core has started").app().clone()
    }

    /// Who a test writes as.
    pub(crate) fn author(&self) -> Author {
        let device = self.core().store().device_id();
        Author { actor: None, device, now: jiff::Timestamp::UNIX_EPOCH }
    }

    /// Gives the person at this desk another role in an organization; none: no place.
    pub(crate) fn play(&self, organization: OrganizationId, role: Option<Role>) {
        let author = self.author();
        let core = self.core();
        let main = core.store().main();
        let change = main.write_blocking(move |tx| {
            let all = member::of_organization(tx, organization)?;
            let Some(place) = all.into_iter().next() else { return Ok(()) };
            match role {
                Some(role) => member::put(tx, &author, &Member { role, ..place }),
                None => member::delete(tx, &author, place.id),
            }
        });
        change.expect("a role can be stored");
    }

    /// Waits until no job is at work.
    pub(crate) fn settle(&self, organization: OrganizationId) {
        let organization_id = organization.to_string();
        let jobs = self.ask("list_jobs", &json!({ "organizationId": organization_id }));
        for job in jobs.as_array().into_iter().flatten() {
            let id = text(&job["id"]).parse().expect("a job has an id");
            block_on(self.core().jobs().wait(id)).expect("a job ends");
        }
    }
}

/// A string out of an answer.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
