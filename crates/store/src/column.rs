//! Domain types in and out of columns.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;
use rusqlite::{
    Row,
    types::{FromSql, Type, Value},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::Unreadable;

/// The columns of one row, read by name into domain types.
///
/// It knows the table, so that a value that does not parse is reported with
/// the place where somebody can look at it.
pub(crate) struct Columns<'row, 'statement> {
    table: &'static str,
    row: &'row Row<'statement>,
}

impl<'row, 'statement> Columns<'row, 'statement> {
    pub(crate) fn of(table: &'static str, row: &'row Row<'statement>) -> Self {
        Self { table, row }
    }

    /// Reads what SQLite has a type for.
    pub(crate) fn get<T: FromSql>(&self, column: &'static str) -> rusqlite::Result<T> {
        self.row.get(column)
    }

    /// Reads text that parses.
    pub(crate) fn parsed<T>(&self, column: &'static str) -> rusqlite::Result<T>
    where
        T: FromStr<Err: Display>,
    {
        let text: String = self.row.get(column)?;
        text.parse().map_err(|error: T::Err| self.unreadable(column, Type::Text, &error))
    }

    /// Reads text that parses, or `NULL`.
    pub(crate) fn parsed_optional<T>(&self, column: &'static str) -> rusqlite::Result<Option<T>>
    where
        T: FromStr<Err: Display>,
    {
        match self.row.get::<_, Option<String>>(column)? {
            Some(_) => self.parsed(column).map(Some),
            None => Ok(None),
        }
    }

    /// Reads an integer into the range of `T`.
    pub(crate) fn number<T>(&self, column: &'static str) -> rusqlite::Result<T>
    where
        T: TryFrom<i64, Error: Display>,
    {
        let number: i64 = self.row.get(column)?;
        T::try_from(number).map_err(|error| self.unreadable(column, Type::Integer, &error))
    }

    /// Reads an integer into the range of `T`, or `NULL`.
    pub(crate) fn number_optional<T>(&self, column: &'static str) -> rusqlite::Result<Option<T>>
    where
        T: TryFrom<i64, Error: Display>,
    {
        match self.row.get::<_, Option<i64>>(column)? {
            Some(_) => self.number(column).map(Some),
            None => Ok(None),
        }
    }

    /// Reads unix milliseconds.
    pub(crate) fn time(&self, column: &'static str) -> rusqlite::Result<Timestamp> {
        let millis: i64 = self.row.get(column)?;
        Timestamp::from_millisecond(millis)
            .map_err(|error| self.unreadable(column, Type::Integer, &error))
    }

    /// Reads unix milliseconds, or `NULL`.
    pub(crate) fn time_optional(
        &self,
        column: &'static str,
    ) -> rusqlite::Result<Option<Timestamp>> {
        match self.row.get::<_, Option<i64>>(column)? {
            Some(_) => self.time(column).map(Some),
            None => Ok(None),
        }
    }

    /// Reads JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> rusqlite::Result<T> {
        let text: String = self.row.get(column)?;
        serde_json::from_str(&text).map_err(|error| self.unreadable(column, Type::Text, &error))
    }

    /// Reads JSON, or `NULL`.
    pub(crate) fn json_optional<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> rusqlite::Result<Option<T>> {
        match self.row.get::<_, Option<String>>(column)? {
            Some(_) => self.json(column).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the bare name of an enum's variant, as [`word`] wrote it.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> rusqlite::Result<T> {
        let text: String = self.row.get(column)?;
        serde_json::from_value(serde_json::Value::String(text))
            .map_err(|error| self.unreadable(column, Type::Text, &error))
    }

    fn unreadable(
        &self,
        column: &'static str,
        kind: Type,
        reason: &dyn Display,
    ) -> rusqlite::Error {
        let index = self.row.as_ref().column_index(column).unwrap_or_default();
        let source = Unreadable { table: self.table, column, reason: reason.to_string() };
        rusqlite::Error::FromSqlConversionFailure(index, kind, Box::new(source))
    }
}

/// Text, from whatever prints itself.
pub(crate) fn text(value: impl Display) -> Value {
    Value::Text(value.to_string())
}

/// Text or `NULL`.
pub(crate) fn text_optional(value: Option<impl Display>) -> Value {
    value.map_or(Value::Null, text)
}

/// Unix milliseconds.
pub(crate) fn time(at: Timestamp) -> Value {
    Value::Integer(at.as_millisecond())
}

/// Unix milliseconds or `NULL`.
pub(crate) fn time_optional(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, time)
}

/// An unsigned number, where SQLite has only signed ones.
pub(crate) fn number(value: u64) -> rusqlite::Result<Value> {
    i64::try_from(value)
        .map(Value::Integer)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// JSON text.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> rusqlite::Result<Value> {
    serde_json::to_string(value)
        .map(Value::Text)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// JSON text or `NULL`.
pub(crate) fn json_optional<T: Serialize>(value: Option<&T>) -> rusqlite::Result<Value> {
    value.map_or(Ok(Value::Null), json)
}

/// The bare name of an enum's variant, as it is on the wire.
pub(crate) fn word<T: Serialize>(value: &T) -> rusqlite::Result<Value> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(Value::Text(word)),
        Ok(other) => json(&other),
        Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(error))),
    }
}

/// Fails unless a statement met exactly the row that it named.
///
/// An `UPDATE` of a row that is not there is no error to SQLite; to a journal
/// it is a lost entry.
pub(crate) fn one_row(changed: usize) -> rusqlite::Result<()> {
    match changed {
        1 => Ok(()),
        other => Err(rusqlite::Error::StatementChangedRows(other)),
    }
}
