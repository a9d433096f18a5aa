//! The cloud: a folder with one JSON file for each object.
//!
//! A test reads it to find orphans, edits a file to make drift, and removes one to
//! lose a server. Several Terraform runs may use one folder at once.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::file::{self, FileError};
use crate::value::Value;

const FIRST_NUMBER: u32 = 1001;

/// The folder that is the cloud.
#[derive(Debug, Clone)]
pub struct Cloud {
    folder: PathBuf,
}

impl Cloud {
    /// Uses `folder`, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, FileError> {
        file::make_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The object of this type and id, if the cloud has it.
    pub fn find(&self, kind: &str, id: &str) -> Result<Option<Value>, FileError> {
        let json: Option<serde_json::Value> = file::find_json(&self.path(kind, id))?;
        Ok(json.map(|json| Value::from_json(&json)))
    }

    /// Every object of this type.
    pub fn all(&self, kind: &str) -> Result<Vec<Value>, FileError> {
        let prefix = format!("{kind}--");
        let mut objects = Vec::new();
        for path in file::with_extension(&self.folder, "json")? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(&prefix)
                && let Some(json) = file::find_json::<serde_json::Value>(&path)?
            {
                objects.push(Value::from_json(&json));
            }
        }
        Ok(objects)
    }

    /// Type and id of everything in the cloud, by name; empty when all is destroyed.
    pub fn contents(&self) -> Result<Vec<(String, String)>, FileError> {
        let files = file::with_extension(&self.folder, "json")?;
        let names = files.iter().filter_map(|path| path.file_stem()?.to_str()?.split_once("--"));
        Ok(names.map(|(kind, id)| (kind.to_owned(), id.replace('_', "/"))).collect())
    }

    /// Stores an object under its id, in one step.
    pub fn save(&self, kind: &str, object: &Value) -> Result<(), FileError> {
        file::write_json(&self.path(kind, &object.id()), &object.to_json())
    }

    /// Forgets an object; one that is not there is fine.
    pub fn remove(&self, kind: &str, id: &str) -> Result<(), FileError> {
        file::remove(&self.path(kind, id))
    }

    /// Keeps every other run out of the cloud until the lock is dropped.
    pub fn lock(&self) -> Result<File, FileError> {
        file::lock(&self.folder.join("lock"))
    }

    /// A number that no other object has; the caller holds the lock.
    pub fn next_number(&self, _lock: &File) -> Result<u32, FileError> {
        let path = self.folder.join("sequence");
        let last: Option<u32> = file::find_json(&path)?;
        let next = last.map_or(FIRST_NUMBER, |last| last + 1);
        file::write_json(&path, &next)?;
        Ok(next)
    }

    fn path(&self, kind: &str, id: &str) -> PathBuf {
        self.folder.join(format!("{kind}--{}.json", id.replace('/', "_")))
    }
}
