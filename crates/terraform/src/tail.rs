//! Follows a file that another process appends to.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    mem,
    path::PathBuf,
};

/// A longer line is no message that we know; its content is let go.
const MAX_LINE: usize = 1024 * 1024;

/// How much is read at a time, so that a flood can't hold up the state watch.
const MAX_READ: u64 = 4 * 1024 * 1024;

/// A place in a growing file, at the start of a line.
pub(crate) struct Tail {
    path: PathBuf,
    file: Option<File>,
    /// Bytes of all lines that were returned.
    offset: u64,
    partial: Vec<u8>,
    /// How much of an overlong line was let go so far.
    skipped: u64,
}

impl Tail {
    /// Follows `path` from `offset` on. The file may appear later.
    pub(crate) fn new(path: PathBuf, offset: u64) -> Self {
        Self { path, file: None, offset, partial: Vec::new(), skipped: 0 }
    }

    /// Where the first line starts that was not returned yet.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the lines that were completed since the last call.
    pub(crate) fn lines(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut fresh = Vec::new();
        self.open()?.map(|file| file.take(MAX_READ).read_to_end(&mut fresh)).transpose()?;
        let mut lines = Vec::new();
        for piece in fresh.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                lines.push(self.complete());
            } else if self.partial.len() > MAX_LINE {
                self.skipped += length(&self.partial);
                self.partial.clear();
            }
        }
        Ok(lines)
    }

    /// Returns all that is left, also a last line without an end.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        loop {
            let before = self.position();
            lines.extend(self.lines()?);
            if self.position() == before {
                break;
            }
        }
        if !self.partial.is_empty() || self.skipped > 0 {
            lines.push(self.complete());
        }
        Ok(lines)
    }

    fn position(&self) -> u64 {
        self.offset + self.skipped + length(&self.partial)
    }

    fn open(&mut self) -> io::Result<Option<&mut File>> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(mut file) => {
                    file.seek(SeekFrom::Start(self.offset))?;
                    self.file = Some(file);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.file.as_mut())
    }

    fn complete(&mut self) -> Vec<u8> {
        let mut line = mem::take(&mut self.partial);
        let total = self.skipped + length(&line);
        self.offset += total;
        self.skipped = 0;
        if total > MAX_LINE as u64 {
            return format!("(a line of {total} bytes was left out)").into_bytes();
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        line
    }
}

fn length(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{fs::OpenOptions, io::Write};

    fn append(path: &std::path::Path, bytes: &[u8]) {
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("opened");
        file.write_all(bytes).expect("written");
    }

    #[test]
    fn a_half_written_line_waits_for_its_end() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("out");
        let mut tail = Tail::new(path.clone(), 0);

        assert!(tail.lines().expect("no file yet").is_empty());
        append(&path, b"one\ntw");
        assert_eq!(tail.lines().expect("read"), [b"one"]);
        assert_eq!(tail.offset(), 4);
        append(&path, b"o\nthree");
        assert_eq!(tail.lines().expect("read"), [b"two"]);
        assert_eq!(tail.rest().expect("read"), [b"three"]);
    }

    #[test]
    fn an_overlong_line_is_left_out_and_the_next_one_is_heard() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("out");
        append(&path, &vec![b'x'; 9 * MAX_LINE]);
        append(&path, b"\nnext\n");

        let lines = Tail::new(path, 0).rest().expect("read");

        assert_eq!(lines.len(), 2);
        assert!(lines[0].len() < 100);
        assert_eq!(lines[1], b"next");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_wherever_the_reader_is_replaced(
            pieces in proptest::collection::vec("[a-z\n]{0,20}", 0..20),
        ) {
            let folder = tempfile::tempdir().expect("a directory");
            let path = folder.path().join("out");
            let mut heard = Vec::new();
            let mut offset = 0;

            for piece in &pieces {
                append(&path, piece.as_bytes());
                let mut tail = Tail::new(path.clone(), offset);
                heard.extend(tail.lines().expect("read"));
                offset = tail.offset();
            }
            heard.extend(Tail::new(path, offset).rest().expect("read"));

            let written: Vec<Vec<u8>> =
                pieces.concat().lines().map(|line| line.as_bytes().to_vec()).collect();
            prop_assert_eq!(heard, written);
        }
    }
}
