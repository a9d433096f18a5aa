//! The application's icons, from `assets/icon.svg`.
//!
//! The results are committed, so that a build needs no renderer.

use std::{error::Error, fs, path::Path, process::ExitCode};

use flightdeck_render::icon::Master;
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree},
};

/// The side at which the drawing is rasterized; every icon is a fraction of it.
const MASTER_SIDE: u32 = 1024;

/// The files that the desktop shell and its bundler name, with their sides in pixels.
const FILES: [(&str, u32); 6] = [
    ("16x16.png", 16),
    ("32x32.png", 32),
    ("48x48.png", 48),
    ("128x128.png", 128),
    ("128x128@2x.png", 256),
    ("icon.png", 512),
];

/// Draws every icon anew and writes those that changed.
pub(crate) fn run() -> ExitCode {
    match draw() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("icons: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let master = Master::from_png(&rasterize(&fs::read(root.join("assets/icon.svg"))?)?)?;
    let folder = root.join("src-tauri/icons");
    fs::create_dir_all(&folder)?;
    for (name, side) in FILES {
        write(&folder.join(name), &master.png(side)?)?;
    }
    write(&folder.join("icon.ico"), &master.ico()?)
}

/// Only shapes are drawn: the renderer is built without fonts, and would leave text out.
fn rasterize(svg: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let tree = Tree::from_data(svg, &Options::default())?;
    let mut canvas = Pixmap::new(MASTER_SIDE, MASTER_SIDE).ok_or("no memory for the master")?;
    #[expect(clippy::cast_precision_loss, reason = "1024 is exact")]
    let scale = MASTER_SIDE as f32 / tree.size().width();
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut canvas.as_mut());
    Ok(canvas.encode_png()?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    fs::write(path, bytes)?;
    println!("icons: {} ({} bytes)", path.display(), bytes.len());
    Ok(())
}
