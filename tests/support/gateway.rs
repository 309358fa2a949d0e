//! The real program on a configuration of the test's own, on ports that the system chooses.
//!
//! What is asked of the program's log (`run --log-format json`, on stderr): one line
//! `{"message":"listening","listener":"public","address":"127.0.0.1:43211"}` for each of the three
//! listeners, then `{"message":"ready"}`.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};
use tempfile::TempDir;

use super::{
    DEADLINE,
    client::RawClient,
    log::{Log, LogLine},
};

/// The three files, as text.
#[derive(Debug, Clone)]
pub struct Files {
    pub routes: String,
    pub purposes: String,
    pub plugins: String,
}

impl Files {
    /// `routes` goes below listeners on ports that the system chooses.
    pub fn new(routes: &str, purposes: &str, plugins: &str) -> Self {
        Self {
            routes: format!("{LISTENERS}{routes}"),
            purposes: purposes.to_owned(),
            plugins: plugins.to_owned(),
        }
    }
}

/// The head of a `routes.yaml` that can run beside any number of others.
pub const LISTENERS: &str = r#"listeners:
  public: { address: "127.0.0.1:0" }
  internal: { address: "127.0.0.1:0" }
  admin: { address: "127.0.0.1:0" }
"#;

/// A running gateway; dropping it kills the process and removes the directory.
pub struct TestGateway {
    pub public: SocketAddr,
    pub internal: SocketAddr,
    pub admin: SocketAddr,
    process: Process,
}

/// A started program that may not have come up.
pub struct Process {
    child: Child,
    directory: TempDir,
    pub log: Log,
}

impl TestGateway {
    /// Starts it and waits until it serves.
    pub fn start(files: &Files) -> Self {
        Self::start_with(files, |command| command)
    }

    /// The same, with arguments or environment variables of the test's own.
    pub fn start_with(files: &Files, adapt: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        Self::wait_ready(Process::start(files, adapt))
    }

    /// Waits until a started gateway serves.
    pub fn wait_ready(process: Process) -> Self {
        let ready = process.log.wait(|line| line.message() == "ready");
        assert!(ready.is_some(), "the gateway does not come up; its log:\n{}", process.log.text());
        let address = |listener| process.listening_address(listener);
        Self { public: address("public"), internal: address("internal"), admin: address("admin"), process }
    }

    pub fn public(&self) -> RawClient {
        RawClient::connect(self.public)
    }

    pub fn internal(&self) -> RawClient {
        RawClient::connect(self.internal)
    }

    pub fn admin(&self) -> RawClient {
        RawClient::connect(self.admin)
    }

    /// Where its configuration stands.
    pub fn directory(&self) -> &Path {
        self.process.directory.path()
    }

    /// Rewrites one of the files in place.
    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.directory().join(file), text).expect("the file can be written");
    }

    /// Replaces one of the files as an editor does: by renaming another over it.
    pub fn replace(&self, file: &str, text: &str) {
        let new = self.directory().join(format!("{file}.new"));
        fs::write(&new, text).expect("the file can be written");
        fs::rename(new, self.directory().join(file)).expect("the file can be renamed");
    }

    pub fn log_lines(&self) -> Vec<LogLine> {
        self.process.log.lines()
    }

    pub fn log_text(&self) -> String {
        self.process.log.text()
    }

    /// A mark for [`wait_for_log_after`](Self::wait_for_log_after).
    pub fn log_mark(&self) -> usize {
        self.process.log.len()
    }

    /// The first line of the log that fits, old or new.
    pub fn wait_for_log(&self, fits: impl Fn(&LogLine) -> bool) -> LogLine {
        self.wait_for_log_after(0, fits)
    }

    /// The first line that fits among those after the mark.
    pub fn wait_for_log_after(&self, mark: usize, fits: impl Fn(&LogLine) -> bool) -> LogLine {
        let line = self.process.log.wait_after(mark, DEADLINE, fits);
        line.unwrap_or_else(|| panic!("no such line after line {mark} of the log:\n{}", self.log_text()))
    }

    /// So many lines that fit among those after the mark, or more; fewer when they do not come.
    pub fn wait_for_logs_after(
        &self,
        mark: usize,
        count: usize,
        fits: impl Fn(&LogLine) -> bool,
    ) -> Vec<LogLine> {
        self.process.log.wait_many(mark, count, fits)
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits until the program has ended by itself, and the log is complete.
    pub fn wait_exit(&mut self) -> ExitStatus {
        self.process.wait_exit(DEADLINE)
    }
}

impl Process {
    /// Starts the program on these files without waiting for anything: for configurations that it
    /// is to refuse.
    pub fn start(files: &Files, adapt: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        for (name, text) in [
            ("routes.yaml", &files.routes),
            ("purposes.yaml", &files.purposes),
            ("plugins.yaml", &files.plugins),
        ] {
            fs::write(directory.path().join(name), text).expect("the file can be written");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_id-contact-gateway"));
        command.arg("run").arg("--config").arg(directory.path()).args(["--log-format", "json"]);
        // Nobody here speaks TLS, and every proxy service reads all certificate authorities of the
        // system: most of the time that a start takes.
        command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/dev/null");
        Self::spawn(adapt(&mut command), directory)
    }

    /// Starts any command and collects what it writes to stderr.
    pub fn spawn(command: &mut Command, directory: TempDir) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let log = Log::collect(child.stderr.take().expect("stderr is piped"));
        Self { child, directory, log }
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id fits");
        signal::kill(Pid::from_raw(id), signal).expect("the process is there");
    }

    /// Waits until the program has ended by itself; panics when it does not in time.
    pub fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        // The kernel tells of an exit by closing stderr, which the log's reader notices.
        assert!(self.log.wait_end(limit), "the program runs on; its log:\n{}", self.log.text());
        self.child.wait().expect("the program can be waited for")
    }

    fn listening_address(&self, listener: &str) -> SocketAddr {
        let lines = self.log.lines();
        let line = lines
            .iter()
            .find(|line| line.message() == "listening" && line.text_field("listener") == Some(listener));
        let address = line.and_then(|line| line.text_field("address"));
        let address = address.unwrap_or_else(|| panic!("no address of {listener} in:\n{}", self.log.text()));
        address.parse().expect("the log shows a socket address")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail when the process has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.log.finish();
    }
}
