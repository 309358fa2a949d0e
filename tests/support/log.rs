//! The program's log as it is written: one JSON object per line.

use std::{
    io::{BufRead, BufReader, Read},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use super::{DEADLINE, Watched};

/// One line.
#[derive(Debug, Clone)]
pub struct LogLine {
    pub text: String,
    /// The line's fields; null for a line that is not JSON.
    pub fields: Value,
}

impl LogLine {
    fn new(text: String) -> Self {
        let fields = serde_json::from_str(&text).unwrap_or_default();
        Self { text, fields }
    }

    /// A field that is a text.
    pub fn text_field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    pub fn message(&self) -> &str {
        self.text_field("message").unwrap_or_default()
    }
}

/// Collects the lines of a stream in a thread of its own.
pub struct Log {
    state: Arc<Watched<State>>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    lines: Vec<LogLine>,
    ended: bool,
}

impl Log {
    pub fn collect(stream: impl Read + Send + 'static) -> Self {
        let state = Arc::new(Watched::<State>::default());
        let shared = Arc::clone(&state);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { break };
                let line = LogLine::new(String::from_utf8_lossy(&line).into_owned());
                shared.update(|state| state.lines.push(line));
            }
            shared.update(|state| state.ended = true);
        });
        Self { state, reader: Some(reader) }
    }

    /// Everything so far.
    pub fn lines(&self) -> Vec<LogLine> {
        self.state.lock().lines.clone()
    }

    /// Everything so far as one text.
    pub fn text(&self) -> String {
        self.lines().iter().map(|line| format!("{}\n", line.text)).collect()
    }

    /// How many lines there are: a mark for [`wait_after`](Self::wait_after).
    pub fn len(&self) -> usize {
        self.state.lock().lines.len()
    }

    /// The first line that fits, old or new; `None` when the stream ends or the time is up first.
    pub fn wait(&self, fits: impl Fn(&LogLine) -> bool) -> Option<LogLine> {
        self.wait_after(0, DEADLINE, fits)
    }

    /// The same, among the lines after a mark.
    pub fn wait_after(
        &self,
        mark: usize,
        limit: Duration,
        fits: impl Fn(&LogLine) -> bool,
    ) -> Option<LogLine> {
        let waited = self.state.wait(limit, |state| {
            let found = state.lines.iter().skip(mark).find(|line| fits(line)).cloned();
            (found.is_some() || state.ended).then_some(found)
        });
        waited.flatten()
    }

    /// So many lines that fit among those after a mark; fewer when the time is up first.
    pub fn wait_many(&self, mark: usize, count: usize, fits: impl Fn(&LogLine) -> bool) -> Vec<LogLine> {
        let fitting =
            |state: &State| state.lines.iter().skip(mark).filter(|line| fits(line)).cloned().collect();
        let waited = self.state.wait(DEADLINE, |state| {
            let found: Vec<_> = fitting(state);
            (found.len() >= count || state.ended).then_some(found)
        });
        waited.unwrap_or_else(|| fitting(&self.state.lock()))
    }

    /// Whether the stream ends in time.
    pub fn wait_end(&self, limit: Duration) -> bool {
        self.state.wait(limit, |state| state.ended.then_some(())).is_some()
    }

    /// Reads to the stream's end: the writer has left, or is about to.
    pub fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the log's reader does not panic");
        }
    }
}
