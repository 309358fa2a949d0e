//! Log lines: where they go, and the access line of a request.
//!
//! Lines are gathered in memory and written by a thread of their own a few milliseconds later, so
//! that no request ever waits for a slow reader of the log; when that reader falls a mebibyte
//! behind, lines are dropped and counted. May import: nothing of this crate.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tracing_subscriber::{
    filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// How long lines are gathered: long enough to write many at once, too short to be noticed.
const GATHERING: Duration = Duration::from_millis(20);
/// Bytes kept for a reader that is too slow.
const CAPACITY: usize = 1024 * 1024;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Where all log lines go. Cheap to clone.
#[derive(Clone)]
pub struct LogSink {
    shared: Arc<Shared>,
    format: LogFormat,
}

struct Shared {
    state: Mutex<State>,
    lines_waiting: Condvar,
    all_written: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    clock: SecondClock,
    writing: bool,
    dropped: u64,
}

/// One answered request. Holds no path and no query: they may carry tokens.
pub struct AccessLine<'a> {
    pub listener: &'static str,
    pub method: &'a str,
    pub route: &'a str,
    pub status: u16,
    /// Time that was not spent waiting for an upstream or a plugin.
    pub gateway: Duration,
    /// Time spent waiting for an upstream or a plugin, if one was asked.
    pub upstream: Option<Duration>,
    pub request_id: &'a str,
    /// Why the request failed, of a closed set.
    pub error: Option<&'a str>,
}

impl LogSink {
    /// A sink whose lines a thread writes to `output`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(format: LogFormat, mut output: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            lines_waiting: Condvar::new(),
            all_written: Condvar::new(),
        });
        let writer = shared.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || writer.write_forever(&mut output))?;
        Ok(Self { shared, format })
    }

    /// Makes this sink the receiver of `tracing` events. Pingora's own lines, which go through the
    /// `log` crate, are not bridged: they may quote requests.
    pub fn receive_events(&self) {
        let registry = tracing_subscriber::registry().with(LevelFilter::INFO);
        // Fails only when another receiver is installed already, in which case that one stays.
        let _ = match self.format {
            LogFormat::Json => registry
                .with(
                    tracing_subscriber::fmt::layer()
                        .json()
                        .flatten_event(true)
                        .with_target(false)
                        .with_writer(self.clone()),
                )
                .try_init(),
            LogFormat::Text => registry
                .with(
                    tracing_subscriber::fmt::layer()
                        .with_ansi(false)
                        .with_target(false)
                        .with_writer(self.clone()),
                )
                .try_init(),
        };
    }

    /// Adds the access line of one request.
    pub fn access(&self, line: &AccessLine<'_>) {
        let mut state = self.shared.lock();
        if state.waiting.len() > CAPACITY {
            state.dropped += 1;
            return;
        }
        let State { waiting, clock, .. } = &mut *state;
        match self.format {
            LogFormat::Json => line.write_json(waiting, clock),
            LogFormat::Text => line.write_text(waiting, clock),
        }
        self.shared.wake(state);
    }

    /// The number of lines lost since the last call.
    pub fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.shared.lock().dropped)
    }

    /// Waits until every line so far is written, or for a second.
    pub fn flush(&self) {
        let state = self.shared.lock();
        let _ = self.shared.all_written.wait_timeout_while(state, Duration::from_secs(1), |state| {
            state.writing || !state.waiting.is_empty()
        });
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        let idle = !state.writing;
        drop(state);
        if idle {
            self.lines_waiting.notify_one();
        }
    }

    fn write_forever(&self, output: &mut dyn Write) {
        let mut batch = Vec::new();
        let mut state = self.lock();
        loop {
            state = self
                .lines_waiting
                .wait_while(state, |state| state.waiting.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            // From here on nobody needs to wake this thread, so a busy gateway makes no system calls.
            state.writing = true;
            while !state.waiting.is_empty() {
                drop(state);
                gather();
                std::mem::swap(&mut batch, &mut self.lock().waiting);
                // Nobody is left to tell when the log itself cannot be written.
                let _ = output.write_all(&batch).and_then(|()| output.flush());
                batch.clear();
                state = self.lock();
            }
            state.writing = false;
            self.all_written.notify_all();
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the log's own thread gathers lines; nobody waits for it")]
fn gather() {
    std::thread::sleep(GATHERING);
}

impl Write for &LogSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.shared.lock();
        if state.waiting.len() > CAPACITY {
            state.dropped += 1;
        } else {
            state.waiting.extend_from_slice(bytes);
            self.shared.wake(state);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogSink {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl AccessLine<'_> {
    // Written by hand: `write!` costs more than all else that the gateway does for a request.
    fn write_json(&self, out: &mut Vec<u8>, clock: &mut SecondClock) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        clock.push_now(out);
        out.extend_from_slice(b"\",\"level\":\"INFO\",\"message\":\"request\",\"listener\":\"");
        out.extend_from_slice(self.listener.as_bytes());
        out.extend_from_slice(b"\",\"method\":\"");
        out.extend_from_slice(self.method.as_bytes());
        out.extend_from_slice(b"\",\"route\":");
        push_quoted(self.route, out);
        out.extend_from_slice(b",\"status\":");
        push_number(u64::from(self.status), 1, out);
        out.extend_from_slice(b",\"gateway_ms\":");
        push_milliseconds(self.gateway, out);
        if let Some(upstream) = self.upstream {
            out.extend_from_slice(b",\"upstream_ms\":");
            push_milliseconds(upstream, out);
        }
        if let Some(error) = self.error {
            out.extend_from_slice(b",\"error\":");
            push_quoted(error, out);
        }
        out.extend_from_slice(b",\"request_id\":");
        push_quoted(self.request_id, out);
        out.extend_from_slice(b"}\n");
    }

    fn write_text(&self, out: &mut Vec<u8>, clock: &mut SecondClock) {
        clock.push_now(out);
        out.extend_from_slice(b"  INFO request listener=");
        out.extend_from_slice(self.listener.as_bytes());
        out.extend_from_slice(b" method=");
        out.extend_from_slice(self.method.as_bytes());
        out.extend_from_slice(b" route=");
        push_quoted(self.route, out);
        out.extend_from_slice(b" status=");
        push_number(u64::from(self.status), 1, out);
        out.extend_from_slice(b" gateway_ms=");
        push_milliseconds(self.gateway, out);
        if let Some(upstream) = self.upstream {
            out.extend_from_slice(b" upstream_ms=");
            push_milliseconds(upstream, out);
        }
        if let Some(error) = self.error {
            out.extend_from_slice(b" error=");
            push_quoted(error, out);
        }
        out.extend_from_slice(b" request_id=");
        push_quoted(self.request_id, out);
        out.push(b'\n');
    }
}

/// A JSON string.
fn push_quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let plain = |byte: u8| byte >= b' ' && !matches!(byte, b'"' | b'\\' | 0x7f);
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                byte if plain(byte) => out.push(byte),
                byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            }
        }
    }
    out.push(b'"');
}

/// A decimal number of at least so many digits.
fn push_number(number: u64, digits: usize, out: &mut Vec<u8>) {
    let mut buffer = [b'0'; 20];
    let mut rest = number;
    let mut written = 0;
    for digit in buffer.iter_mut().rev() {
        if rest == 0 && written >= digits {
            break;
        }
        // A remainder of ten fits any integer.
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        written += 1;
    }
    out.extend(buffer.iter().skip(buffer.len() - written));
}

/// Milliseconds with three decimals.
fn push_milliseconds(duration: Duration, out: &mut Vec<u8>) {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    push_number(micros / 1000, 1, out);
    out.push(b'.');
    push_number(micros % 1000, 3, out);
}

/// Writes the time of day as `tracing` does (RFC 3339 in UTC, with microseconds), and works out
/// the date once a second.
#[derive(Default)]
struct SecondClock {
    second: Option<u64>,
    /// `2026-11-21T09:03:45.`
    prefix: String,
}

impl SecondClock {
    #[allow(clippy::disallowed_methods, reason = "a log line bears the time of day")]
    fn push_now(&mut self, out: &mut Vec<u8>) {
        self.push(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(), out);
    }

    fn push(&mut self, since_1970: Duration, out: &mut Vec<u8>) {
        if self.second != Some(since_1970.as_secs()) {
            self.second = Some(since_1970.as_secs());
            self.prefix = date_and_time(since_1970.as_secs());
        }
        out.extend_from_slice(self.prefix.as_bytes());
        push_number(u64::from(since_1970.subsec_micros()), 6, out);
        out.push(b'Z');
    }
}

fn date_and_time(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // The civil calendar counts best from 1 March 0000, in eras of 400 years.
    let day = days + 719_468;
    let (era, day_of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line<'a>() -> AccessLine<'a> {
        AccessLine {
            listener: "public",
            method: "GET",
            route: "a \"b\"\n",
            status: 200,
            gateway: Duration::from_micros(1_234),
            upstream: Some(Duration::from_micros(50)),
            request_id: "r1",
            error: None,
        }
    }

    #[test]
    fn an_access_line_is_json_whatever_a_route_is_called() {
        let memory = Memory::default();
        let sink = LogSink::start(LogFormat::Json, memory.clone()).unwrap();
        sink.access(&line());
        sink.flush();
        let written = memory.0.lock().unwrap().clone();
        let json: serde_json::Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(json["route"], "a \"b\"\n");
        assert_eq!(json["gateway_ms"], 1.234);
        assert_eq!(json["upstream_ms"], 0.05);
    }

    #[test]
    fn a_slow_reader_costs_lines_and_no_memory() {
        struct Stuck(std::sync::mpsc::Receiver<()>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (_keep_stuck, receiver) = std::sync::mpsc::channel();
        let sink = LogSink::start(LogFormat::Text, Stuck(receiver)).unwrap();
        for _ in 0..40_000 {
            sink.access(&line());
        }
        assert!(sink.shared.lock().waiting.len() < CAPACITY + 1024);
        assert!(sink.take_dropped() > 0);
    }

    #[test]
    fn timestamps_are_rfc_3339() {
        let mut clock = SecondClock::default();
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (1_795_251_825, "2026-11-21T09:03:45.000000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000000Z"),
        ] {
            let mut out = Vec::new();
            clock.push(Duration::from_secs(seconds), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        let mut out = Vec::new();
        clock.push(Duration::from_micros(7), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "1970-01-01T00:00:00.000007Z");
    }
}
