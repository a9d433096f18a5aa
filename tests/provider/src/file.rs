//! File access whose errors name the file.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a file could not be used, and which one.
#[derive(Debug, Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The content is not the JSON that was expected.
    #[error("cannot parse `{}`", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads a text file.
pub fn read(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(io("read", path))
}

/// Reads and parses a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    parse(path, &read(path)?)
}

/// Reads and parses a JSON file, or returns `None` if there is none.
pub fn find_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => parse(path, &text).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io("read", path)(error)),
    }
}

/// Replaces a file in one step: a reader sees the old content or the new.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
    fs::write(&unfinished, content).map_err(io("write", &unfinished))?;
    fs::rename(&unfinished, path).map_err(io("replace", path))
}

/// Replaces a JSON file in one step.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let mut content = serde_json::to_vec_pretty(value)
        .map_err(|source| FileError::Json { path: path.to_owned(), source })?;
    content.push(b'\n');
    write(path, &content)
}

/// Opens a file for a child's output, after what is already in it.
pub fn append(path: &Path) -> Result<File, FileError> {
    File::options().create(true).append(true).open(path).map_err(io("open", path))
}

/// Removes a file; one that is not there is fine.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(io("create", path))
}

/// The files of a folder with this extension, by name.
pub fn with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io("list", folder))? {
        let path = entry.map_err(io("list", folder))?.path();
        if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Puts the file `from` at `to` as well, without copying where that is possible.
pub fn link_or_copy(from: &Path, to: &Path) -> Result<(), FileError> {
    remove(to)?;
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).map_err(io("copy to", to))?;
    }
    Ok(())
}

/// The folder's path without links in it.
pub fn resolve(path: &Path) -> Result<PathBuf, FileError> {
    fs::canonicalize(path).map_err(io("find", path))
}

/// Waits until no other process holds the lock; it is given back on drop.
pub fn lock(path: &Path) -> Result<File, FileError> {
    let file = append(path)?;
    file.lock().map_err(io("lock", path))?;
    Ok(file)
}

/// Writes one line to standard output and flushes it.
pub fn say(line: &str) -> Result<(), FileError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(io("write", Path::new("stdout")))
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FileError> {
    serde_json::from_str(text).map_err(|source| FileError::Json { path: path.to_owned(), source })
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { action, path, source }
}
