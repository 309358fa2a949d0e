//! A client that sends the bytes it is given and shows the bytes it gets: no redirects, no
//! defaults, no repair. One connection each, reused for as long as the server keeps it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

use super::{
    DEADLINE,
    http::{Body, Head},
};

/// One connection to a server.
pub struct RawClient {
    stream: BufReader<TcpStream>,
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub head: Head,
    pub body: Body,
}

impl RawClient {
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the server accepts connections")
    }

    /// For servers that may be gone.
    #[allow(clippy::disallowed_methods, reason = "a test may block")]
    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server takes the bytes");
    }

    /// For servers that may hang up while they are still being written to.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// Reads one answer to anything but HEAD. An interim answer (1xx) counts as one.
    pub fn read_response(&mut self) -> Response {
        self.try_read_response(true).expect("the server answers")
    }

    /// Reads one answer to HEAD, which announces a body that never comes.
    pub fn read_response_to_head(&mut self) -> Response {
        self.try_read_response(false).expect("the server answers")
    }

    pub fn try_read_response(&mut self, with_body: bool) -> io::Result<Response> {
        let head = Head::read(&mut self.stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.word(1).parse().map_err(io::Error::other)?;
        let has_body = with_body && status >= 200 && status != 204 && status != 304;
        let body = if has_body { Body::read(&mut self.stream, &head, true)? } else { Body::default() };
        Ok(Response { status, head, body })
    }

    /// Reads the head of an answer and leaves its body to [`read_bytes`](Self::read_bytes).
    pub fn read_head(&mut self) -> Head {
        Head::read(&mut self.stream).expect("the server answers").expect("the server does not close")
    }

    /// Sends and reads one answer.
    pub fn exchange(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        self.send(bytes);
        self.read_response()
    }

    /// `GET target` with that host and these header lines.
    pub fn get(&mut self, host: &str, target: &str, headers: &[(&str, &str)]) -> Response {
        self.exchange(request("GET", host, target, headers, b""))
    }

    /// `POST target`, with a Content-Length.
    pub fn post(&mut self, host: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.exchange(request("POST", host, target, headers, body))
    }

    /// Reads exactly so many bytes: streamed pieces and WebSocket frames.
    pub fn read_bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("the server sends as many bytes");
        bytes
    }

    /// Says that nothing more will be sent.
    pub fn finish_sending(&mut self) {
        self.stream.get_ref().shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// Waits for the server to hang up; returns what it still sent. A reset counts too.
    pub fn read_until_closed(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => {
                panic!("the server did not close the connection: {error}")
            }
            _ => bytes,
        }
    }

    /// Whether bytes have come that nobody asked for.
    pub fn has_unread_bytes(&mut self) -> bool {
        self.stream.get_ref().set_nonblocking(true).expect("the mode can be set");
        let unread = matches!(self.stream.fill_buf(), Ok(bytes) if !bytes.is_empty());
        self.stream.get_ref().set_nonblocking(false).expect("the mode can be set");
        unread
    }
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.head.header_values(name)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body.content).expect("the body is UTF-8")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body.content)
            .unwrap_or_else(|error| panic!("{error} in the body of {self:?}"))
    }
}

/// One answer over a connection of its own.
pub fn get(address: SocketAddr, target: &str, headers: &[(&str, &str)]) -> Response {
    RawClient::connect(address).get(&address.to_string(), target, headers)
}

/// One answer over a connection of its own.
pub fn post(address: SocketAddr, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    RawClient::connect(address).post(&address.to_string(), target, headers, body)
}

/// The bytes of a request; a Content-Length is added where there is a body or POST asks for one.
pub fn request(method: &str, host: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || method == "POST" {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    [text.as_bytes(), b"\r\n", body].concat()
}
