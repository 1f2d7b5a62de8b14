//! The lines of a file, plain or gzipped, one at a time.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use landline_protocol::Refusal;

/// Bytes of a line; a longer one is skipped without being held in memory. A message of the longest
/// text fits, however its characters are escaped.
const LINE_BYTES: u64 = 256 * 1024;
/// What a gzipped file begins with, whatever it is called.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line with its number from 1; or why it can't be read.
pub(super) type Numbered<'l> = (u64, Result<&'l [u8], Refusal>);

/// A file that is being read.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
    /// How many lines were read.
    number: u64,
    line: Vec<u8>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Lines {
    pub(super) fn new(file: impl Read + Send + 'static) -> io::Result<Self> {
        let mut file = BufReader::new(file);
        let reader: Box<dyn BufRead + Send> = if file.fill_buf()?.starts_with(&GZIP) {
            Box::new(BufReader::new(MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        Ok(Self {
            reader,
            number: 0,
            line: Vec::new(),
        })
    }

    /// The next line that is not empty, with its number from 1; why it can't be read where it is
    /// too long.
    #[allow(clippy::should_implement_trait, reason = "what it gives is borrowed")]
    pub(super) fn next(&mut self) -> io::Result<Option<Numbered<'_>>> {
        loop {
            self.line.clear();
            if (&mut self.reader)
                .take(LINE_BYTES)
                .read_until(b'\n', &mut self.line)?
                == 0
            {
                return Ok(None);
            }
            self.number += 1;
            if self.line.len() as u64 == LINE_BYTES && !self.line.ends_with(b"\n") && self.skip()? {
                let words = format!("the line has more than {} KiB", LINE_BYTES / 1024);
                return Ok(Some((self.number, Err(Refusal::too_large(words)))));
            }
            if !trimmed(&self.line).is_empty() {
                return Ok(Some((self.number, Ok(trimmed(&self.line)))));
            }
        }
    }

    /// Passes over the rest of a line. Whether there was any.
    fn skip(&mut self) -> io::Result<bool> {
        let mut skipped = false;
        loop {
            let buffer = self.reader.fill_buf()?;
            let (bytes, ends) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            skipped |= bytes > 1 || !ends;
            self.reader.consume(bytes);
            if ends {
                return Ok(skipped);
            }
        }
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(line)
        .trim_ascii()
}
