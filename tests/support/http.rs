//! HTTP/1.1 messages as bytes: read from a stream without interpreting more than where they end.

use std::io::{self, BufRead, Read};

/// The head of a message: its first line and its header fields, in order, duplicates kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub first_line: String,
    pub headers: Vec<(String, String)>,
    /// The bytes as they came, the empty line at the end included.
    pub raw: Vec<u8>,
}

impl Head {
    /// Reads up to the empty line; `None` when the peer closed before the first byte.
    pub fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut raw = Vec::new();
        while !raw.ends_with(b"\r\n\r\n") && !raw.ends_with(b"\n\n") {
            if stream.read_until(b'\n', &mut raw)? == 0 {
                return if raw.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
        Ok(Some(Self::parse(raw)))
    }

    fn parse(raw: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&raw);
        let mut lines = text.lines();
        let first_line = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self { first_line, headers, raw }
    }

    /// The nth word of the first line, counted from 0.
    pub fn word(&self, position: usize) -> &str {
        self.first_line.split(' ').nth(position).unwrap_or_default()
    }

    /// The value of a header; panics when there are several, which would otherwise go unnoticed.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.header_values(name);
        assert!(values.len() < 2, "several values of {name}: {values:?}");
        values.first().copied()
    }

    /// All values of a header, in order.
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        let same = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }

    fn is_chunked(&self) -> bool {
        self.header_values("transfer-encoding").iter().any(|value| value.eq_ignore_ascii_case("chunked"))
    }

    fn content_length(&self) -> Option<u64> {
        self.header_values("content-length").first()?.parse().ok()
    }
}

/// The body of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// The content, without the framing of chunks.
    pub content: Vec<u8>,
    /// The header fields after a chunked body.
    pub trailers: Vec<(String, String)>,
    /// The bytes as they came.
    pub raw: Vec<u8>,
}

impl Body {
    /// Reads what the head announces. Without an announcement a response goes on to the end of the
    /// connection and a request has no body (RFC 9112, section 6.3).
    pub fn read(stream: &mut impl BufRead, head: &Head, until_close: bool) -> io::Result<Self> {
        if head.is_chunked() {
            return Self::read_chunked(stream);
        }
        let mut raw = Vec::new();
        match head.content_length() {
            Some(length) => read_exactly(stream, length, &mut raw)?,
            None if until_close => drop(stream.read_to_end(&mut raw)?),
            None => {}
        }
        Ok(Self { content: raw.clone(), trailers: Vec::new(), raw })
    }

    fn read_chunked(stream: &mut impl BufRead) -> io::Result<Self> {
        let mut body = Self::default();
        loop {
            let line = read_line(stream, &mut body.raw)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
            if size == 0 {
                break;
            }
            let start = body.raw.len();
            read_exactly(stream, size, &mut body.raw)?;
            body.content.extend_from_slice(&body.raw[start..]);
            read_line(stream, &mut body.raw)?;
        }
        loop {
            let line = read_line(stream, &mut body.raw)?;
            let Some((name, value)) = line.split_once(':') else { return Ok(body) };
            body.trailers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
}

fn read_exactly(stream: &mut impl BufRead, length: u64, into: &mut Vec<u8>) -> io::Result<()> {
    let read = stream.take(length).read_to_end(into)?;
    if read as u64 == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn read_line(stream: &mut impl BufRead, raw: &mut Vec<u8>) -> io::Result<String> {
    let start = raw.len();
    stream.read_until(b'\n', raw)?;
    let line = &raw[start..];
    if line.ends_with(b"\n") {
        Ok(String::from_utf8_lossy(line).trim_end().to_owned())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
