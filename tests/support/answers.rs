//! Answers for a stub to give: good ones, and every kind of bad one.

use std::time::Duration;

use super::stub::Step;

/// An answer with these headers and a Content-Length.
pub fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<Step> {
    let length = body.as_ref().len();
    answer_with_length(status, headers, length, body)
}

pub fn json(body: &serde_json::Value) -> Vec<Step> {
    answer(200, &[("Content-Type", "application/json")], body.to_string())
}

pub fn redirect(status: u16, location: &str) -> Vec<Step> {
    answer(status, &[("Location", location)], "")
}

/// An answer whose Content-Length is whatever the test says. The connection ends after it, as both
/// sides would disagree about where the next answer begins.
pub fn wrong_length(status: u16, announced: usize, body: impl AsRef<[u8]>) -> Vec<Step> {
    let mut steps = answer_with_length(status, &[], announced, body);
    steps.push(Step::Close);
    steps
}

fn answer_with_length(
    status: u16,
    headers: &[(&str, &str)],
    length: usize,
    body: impl AsRef<[u8]>,
) -> Vec<Step> {
    let head = head(status, headers, &format!("Content-Length: {length}\r\n"));
    vec![Step::Send([head.as_slice(), body.as_ref()].concat())]
}

/// An answer in chunks, with trailers when there are any.
pub fn chunked(status: u16, chunks: &[&[u8]], trailers: &[(&str, &str)]) -> Vec<Step> {
    let mut bytes = head(status, &[], "Transfer-Encoding: chunked\r\n");
    for chunk in chunks {
        bytes.extend_from_slice(&self::chunk(chunk));
    }
    bytes.extend_from_slice(b"0\r\n");
    bytes.extend_from_slice(header_lines(trailers).as_bytes());
    bytes.extend_from_slice(b"\r\n");
    vec![Step::Send(bytes)]
}

/// One chunk of a chunked body; the last one is `0\r\n\r\n`.
pub fn chunk(content: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", content.len()).as_bytes(), content, b"\r\n"].concat()
}

/// An answer without a length, which ends with the connection.
pub fn until_close(status: u16, body: impl AsRef<[u8]>) -> Vec<Step> {
    let head = head(status, &[], "Connection: close\r\n");
    vec![Step::Send([head.as_slice(), body.as_ref()].concat()), Step::Close]
}

/// Sends bytes one at a time, with a pause after each.
pub fn drip(bytes: impl AsRef<[u8]>, pause: Duration) -> Vec<Step> {
    bytes.as_ref().iter().flat_map(|byte| [Step::Send(vec![*byte]), Step::Pause(pause)]).collect()
}

/// Switches to WebSocket (for [`StubServer::on_head`](super::stub::StubServer::on_head)) and sends back whatever comes.
pub fn upgrade_and_echo() -> Vec<Step> {
    let head = head(101, &[("Upgrade", "websocket"), ("Connection", "Upgrade")], "");
    vec![Step::Send(head), Step::Echo, Step::Close]
}

/// Bytes that are no HTTP, and the end of the connection.
pub fn garbage() -> Vec<Step> {
    vec![Step::Send(b"\x15\x03\x01\x00\x02\x02\x28 no HTTP here\r\n\r\n".to_vec()), Step::Close]
}

/// The head of an answer; `framing` is one more header line, or none.
pub fn head(status: u16, headers: &[(&str, &str)], framing: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Stub\r\n{}{framing}\r\n", header_lines(headers)).into_bytes()
}

fn header_lines(headers: &[(&str, &str)]) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}
