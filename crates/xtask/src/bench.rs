//! Measures what docs/benchmarks.md states, on release builds, and prints it as its table.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

/// Enough that one run which met a busy machine does not move the median.
const CLI_STARTS: usize = 51;
const WINDOW_STARTS: &str = "5";

/// What is measured, and against which aim.
struct Figure {
    name: String,
    value: String,
    aim: &'static str,
}

impl Figure {
    fn new(name: impl Into<String>, value: impl Into<String>, aim: &'static str) -> Self {
        Self { name: name.into(), value: value.into(), aim }
    }
}

/// Builds, measures, prints. Whatever can't be measured fails the run.
pub(crate) fn run() -> ExitCode {
    let bench = Bench::new();
    let mut missing = 0;
    println!("| What | Measured | Aim |\n| --- | --- | --- |");
    for part in [Bench::core, Bench::command_line, Bench::package, Bench::window] {
        match part(&bench) {
            Ok(figures) => {
                for Figure { name, value, aim } in figures {
                    println!("| {name} | {value} | {aim} |");
                }
            }
            Err(problem) => {
                eprintln!("error: {problem}");
                missing += 1;
            }
        }
    }
    if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Bench {
    root: PathBuf,
    release: PathBuf,
    cargo: String,
}

impl Bench {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        Self { root, release: target.join("release"), cargo }
    }

    /// Sealing, opening, permissions.
    fn core(&self) -> Result<Vec<Figure>, String> {
        let text = self.output(
            &self.cargo,
            &["bench", "--quiet", "--package", "flightdeck-engine", "--bench", "core"],
        )?;
        let figures: Vec<Figure> = text
            .lines()
            .filter_map(|line| {
                let mut parts = line.split('\t');
                let (name, value, unit) = (parts.next()?, parts.next()?, parts.next()?);
                Some(Figure::new(name, format!("{value} {unit}"), ""))
            })
            .collect();
        if figures.is_empty() {
            Err(format!("the core's bench said nothing: {text}"))
        } else {
            Ok(figures)
        }
    }

    /// Cold start of the command line, and its size.
    fn command_line(&self) -> Result<Vec<Figure>, String> {
        self.output(
            &self.cargo,
            &["build", "--quiet", "--release", "--package", "flightdeck-cli"],
        )?;
        let binary = self.release.join("flightdeck");
        let program = binary.display().to_string();
        let mut times = Vec::with_capacity(CLI_STARTS);
        for _ in 0..CLI_STARTS {
            let started = Instant::now();
            self.output(&program, &["--help"])?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(vec![
            Figure::new(
                "`flightdeck --help`, median",
                format!("{:.1} ms", times[CLI_STARTS / 2]),
                "< 15 ms",
            ),
            Figure::new("`flightdeck`, size", size(&binary)?, ""),
        ])
    }

    /// The window's program and its Debian package.
    fn package(&self) -> Result<Vec<Figure>, String> {
        let tauri = self.root.join("ui/node_modules/.bin/tauri").display().to_string();
        self.output(&tauri, &["build", "--bundles", "deb"])?;
        let folder = self.release.join("bundle/deb");
        let package = fs::read_dir(&folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .max_by_key(|path| path.metadata().and_then(|metadata| metadata.modified()).ok())
            .ok_or_else(|| format!("{} holds no package", folder.display()))?;
        Ok(vec![
            Figure::new(
                "window, size of the program",
                size(&self.release.join("flightdeck-desktop"))?,
                "",
            ),
            Figure::new("window, size of the `.deb`", size(&package)?, "≤ 20 MiB"),
        ])
    }

    /// First paint and memory, against an empty window in the same run.
    fn window(&self) -> Result<Vec<Figure>, String> {
        self.output(
            &self.cargo,
            &["build", "--quiet", "--release", "--package", "flightdeck-desktop"]
                .into_iter()
                .chain(["--features", "custom-protocol", "--example", "empty-window"])
                .collect::<Vec<_>>(),
        )?;
        let ours = self.release.join("flightdeck-desktop").display().to_string();
        let empty = self.release.join("examples/empty-window").display().to_string();
        let text = self.output(
            "xvfb-run",
            &[
                "--auto-servernum",
                ".ci/with-keychain.sh",
                "node",
                "tests/bench/window.mjs",
                WINDOW_STARTS,
                &ours,
                &empty,
            ],
        )?;
        // Daemons of the session speak here too; a result is a line with a tab.
        let results = text.lines().filter(|line| line.contains('\t'));
        let numbers: Vec<f64> =
            results.flat_map(str::split_whitespace).filter_map(|word| word.parse().ok()).collect();
        let [paint, memory, empty_paint, empty_memory] = numbers[..] else {
            return Err(format!("four numbers were expected from the window's bench: {text}"));
        };
        let against = |ours: f64, empty: f64, unit: &str| {
            format!("{ours:.0} {unit}; empty {empty:.0} {unit}; {:.2} ×", ours / empty)
        };
        Ok(vec![
            Figure::new(
                "window, first contentful paint",
                against(paint, empty_paint, "ms"),
                "≤ 1.25 ×",
            ),
            Figure::new("window, memory (PSS)", against(memory, empty_memory, "MB"), "≤ 1.25 ×"),
        ])
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        #[expect(
            clippy::disallowed_methods,
            reason = "measures programs as a person would start them"
        )]
        let output = std::process::Command::new(program)
            .args(arguments)
            .current_dir(&self.root)
            .output()
            .map_err(|error| format!("`{program}` does not start: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`{program} {}` failed: {}", arguments.join(" "), said.trim()));
        }
        String::from_utf8(output.stdout)
            .map_err(|error| format!("`{program}` wrote no UTF-8: {error}"))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a file of more than 2⁵² bytes is none of ours")]
fn size(path: &Path) -> Result<String, String> {
    let bytes = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.len();
    Ok(format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)))
}
