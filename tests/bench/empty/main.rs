//! The window that all others are measured against: one paragraph, no commands.

fn main() {
    tauri::Builder::default()
        .run(tauri::generate_context!("tests/bench/empty/tauri.conf.json"))
        .expect("a window opens");
}
