//! The generated client of the window.

use std::{env, fs, path::Path};

use specta_typescript::Typescript;

#[test]
fn the_bindings_are_current() {
    let directory = tempfile::tempdir().expect("there is room for a temporary directory");
    let fresh = directory.path().join("bindings.gen.ts");
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/ipc/bindings.gen.ts");

    flightdeck_desktop::ipc::builder::<tauri::Wry>()
        .export(Typescript::default(), &fresh)
        .expect("every type has a counterpart in TypeScript");

    let fresh = fs::read_to_string(&fresh).expect("the export was written");
    if env::var_os("BLESS").is_some() {
        fs::write(&committed, &fresh).expect("the client can be written");
    }
    let current = fs::read_to_string(&committed).unwrap_or_default();
    assert!(
        current == fresh,
        "ui/src/ipc/bindings.gen.ts is not what the commands say; run `make codegen`",
    );
}
