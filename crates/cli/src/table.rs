//! Columns for people.

use flightdeck_domain::id::ServerId;

/// Rows under a heading, each column as wide as its widest cell.
pub(crate) struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
    nothing: String,
}

impl Table {
    /// A table with these columns; `nothing` is said instead of an empty one.
    pub(crate) fn new<const N: usize>(heading: [&str; N], nothing: impl Into<String>) -> Self {
        let heading = heading.iter().map(|cell| cell.to_uppercase()).collect();
        Self { heading, rows: Vec::new(), nothing: nothing.into() }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        // A cell of many lines would tear the columns apart.
        self.rows.push(cells.iter().map(|cell| cell.replace(['\n', '\r', '\t'], " ")).collect());
    }

    /// The table as text, with a line feed after each row.
    pub(crate) fn text(&self) -> String {
        if self.rows.is_empty() {
            return format!("{}\n", self.nothing);
        }
        let widths: Vec<usize> = (0..self.heading.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let cells = cells.chain(self.heading.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in std::iter::once(&self.heading).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let padding = width.saturating_sub(cell.chars().count()) + 2;
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', padding));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Lines of `label  value`, aligned.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let line = |(label, value): &(&str, String)| {
        let line = format!("{label:width$}  {value}");
        format!("{}\n", line.trim_end())
    };
    facts.iter().map(line).collect()
}

/// `3.9 GB`, in powers of ten as disks are sold.
pub(crate) fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut value = count as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if value < 999.5 {
            let decimals = usize::from(unit != "B" && value < 99.5);
            return format!("{value:.decimals$} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} PB")
}

/// A value that may not be there.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// The names of servers, in the order of `ids`.
pub(crate) fn names(ids: &[ServerId], all: &[(ServerId, String)]) -> String {
    let name = |id: &ServerId| {
        all.iter().find(|(known, _)| known == id).map_or_else(|| id.to_string(), |s| s.1.clone())
    };
    ids.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters_and_not_by_bytes() {
        let mut table = Table::new(["name", "state"], "nothing");
        table.row(["münchen".to_owned(), "ready".to_owned()]);
        table.row(["a".to_owned(), "two\nlines".to_owned()]);

        assert_eq!(table.text(), "NAME     STATE\nmünchen  ready\na        two lines\n");
    }

    #[test]
    fn sizes_are_short() {
        let shown: Vec<String> =
            [0, 999, 1_000, 1_950_000, 123_456_789_000].map(bytes).into_iter().collect();

        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "1.9 MB", "123 GB"]);
    }
}
