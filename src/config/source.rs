//! Reading the three files, and what stands around them: variables, secret files, the time. This is
//! the only I/O of the configuration; everything after it is a function of [`Sources`] and an
//! [`Environment`].
//! May import: `report`, `mask`, `model`.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
    ops::Range,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, OnceLock},
};

use secrecy::SecretSlice;

use super::{
    mask,
    report::{Diagnostic, Place, Report},
};
use crate::model::{Clock, SystemClock, UnixSeconds};

/// Largest file that is read. A hundred thousand routes need some 10 MiB.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Largest secret that is read from a file. An RSA key of 16,384 bits needs 13 KiB.
pub const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Longest part of a value that a message repeats, in characters.
const MAX_QUOTE: usize = 60;

/// One of the three files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfigFile {
    Routes,
    Purposes,
    Plugins,
}

impl ConfigFile {
    pub const ALL: [Self; 3] = [Self::Routes, Self::Purposes, Self::Plugins];

    /// `routes`, `purposes` or `plugins`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Routes => "routes",
            Self::Purposes => "purposes",
            Self::Plugins => "plugins",
        }
    }

    /// The name within the configuration directory.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Routes => "routes.yaml",
            Self::Purposes => "purposes.yaml",
            Self::Plugins => "plugins.yaml",
        }
    }
}

/// The text names none of the three files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected routes, purposes or plugins")]
pub struct UnknownFile;

impl FromStr for ConfigFile {
    type Err = UnknownFile;

    fn from_str(text: &str) -> Result<Self, UnknownFile> {
        Self::ALL.into_iter().find(|file| file.name() == text).ok_or(UnknownFile)
    }
}

/// The texts of the three files, as they were at one moment.
#[derive(Debug, Clone)]
pub struct Sources {
    directory: PathBuf,
    routes: Arc<Source>,
    purposes: Arc<Source>,
    plugins: Arc<Source>,
}

impl Sources {
    /// Reads `routes.yaml`, `purposes.yaml` and `plugins.yaml` of a directory.
    ///
    /// # Errors
    /// One diagnostic for each file that is missing, unreadable, larger than [`MAX_FILE_BYTES`] or
    /// not UTF-8.
    pub fn read(directory: &Path) -> Result<Self, Report> {
        let mut report = Report::default();
        let files = ConfigFile::ALL.map(|file| read_file(directory, file, &mut report));
        match files {
            [Some(routes), Some(purposes), Some(plugins)] => {
                Ok(Self { directory: directory.to_owned(), routes, purposes, plugins })
            }
            _ => Err(report),
        }
    }

    /// The three texts without files behind them, for tests and benches.
    pub fn from_texts(routes: &str, purposes: &str, plugins: &str) -> Self {
        let source = |file: ConfigFile, text: &str| Arc::new(Source::new(file.file_name(), text.to_owned()));
        Self {
            directory: PathBuf::new(),
            routes: source(ConfigFile::Routes, routes),
            purposes: source(ConfigFile::Purposes, purposes),
            plugins: source(ConfigFile::Plugins, plugins),
        }
    }

    /// Where the files stand.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path that one of the files gives: relative ones start in the directory of the files.
    pub(super) fn path_of(&self, path: &str) -> PathBuf {
        in_directory(&self.directory, path)
    }

    /// A number that differs when any of the texts does, for all practical purposes: it notices
    /// changes and protects nothing.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for file in ConfigFile::ALL {
            self.file(file).text.hash(&mut hasher);
        }
        hasher.finish()
    }

    pub(super) fn file(&self, file: ConfigFile) -> &Arc<Source> {
        match file {
            ConfigFile::Routes => &self.routes,
            ConfigFile::Purposes => &self.purposes,
            ConfigFile::Plugins => &self.plugins,
        }
    }
}

fn in_directory(directory: &Path, path: &str) -> PathBuf {
    match directory.to_str() {
        Some("." | "") => PathBuf::from(path),
        _ => directory.join(path),
    }
}

fn read_file(directory: &Path, file: ConfigFile, report: &mut Report) -> Option<Arc<Source>> {
    let path = in_directory(directory, file.file_name());
    match read_text(&path) {
        Ok(text) => Some(Arc::new(Source::new(&path.display().to_string(), text))),
        Err(error) => {
            let source = Arc::new(Source::new(&path.display().to_string(), String::new()));
            let diagnostic = Diagnostic::error("file", Place::whole(&source), error.to_string());
            report.push(diagnostic).with_help(error.help());
            None
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the file cannot be read: {0}")]
    Io(&'static str, io::ErrorKind),
    #[error("the file is larger than 16 MiB")]
    TooLarge,
    #[error("the file is not UTF-8: byte {0} cannot be read as text")]
    NotText(usize),
}

impl ReadError {
    fn help(&self) -> &'static str {
        match self {
            Self::Io(_, io::ErrorKind::NotFound) => {
                "the directory given by `--config` holds routes.yaml, purposes.yaml and plugins.yaml"
            }
            Self::Io(..) => "the user that runs the gateway must be able to read it",
            Self::TooLarge => "a hundred thousand routes need some 10 MiB: is this the right file?",
            Self::NotText(_) => "save it as UTF-8",
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(reason(&error), error.kind())
    }
}

fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::IsADirectory => "it is a directory",
        _ => "the system refuses",
    }
}

fn read_text(path: &Path) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| ReadError::NotText(error.utf8_error().valid_up_to() + 1))
}

/// One file's text. Only the parser reads it bare; people get to see [`Source::shown`].
pub(super) struct Source {
    path: String,
    text: String,
    shown: OnceLock<String>,
    line_starts: OnceLock<Vec<usize>>,
}

impl Source {
    fn new(path: &str, text: String) -> Self {
        // A byte order mark is legal at the start of a file and no part of its content.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Self { path: path.to_owned(), text, shown: OnceLock::new(), line_starts: OnceLock::new() }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text as it stands in the file, secrets included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text with every value that looks secret masked, byte for byte as long as the original.
    pub fn shown(&self) -> &str {
        self.shown.get_or_init(|| mask::mask(&self.text))
    }

    /// What people may see of a part of the text; empty when the range is not in it.
    pub fn excerpt(&self, range: Range<usize>) -> &str {
        self.shown().get(range).unwrap_or_default()
    }

    /// A value between backticks, for a message: its first line, without its own quotes.
    pub fn quote(&self, range: &Range<usize>) -> String {
        let shown = self.excerpt(range.clone()).lines().next().unwrap_or_default().trim_end();
        let bare = ['"', '\''].iter().find_map(|quote| shown.strip_prefix(*quote)?.strip_suffix(*quote));
        let text = bare.unwrap_or(shown);
        match text.char_indices().nth(MAX_QUOTE) {
            Some((end, _)) => format!("`{}…`", &text[..end]),
            None => format!("`{text}`"),
        }
    }

    /// Line and column of an offset, both from 1; columns count characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start <= offset);
        let start = starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }

    /// The bytes of a line, counted from 1, without its line break.
    pub fn line(&self, line: usize) -> Range<usize> {
        let starts = self.line_starts();
        let start = starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let end = starts.get(line).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end_matches(['\r', '\n']).len()
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            let breaks = self.text.match_indices('\n').map(|(offset, _)| offset + 1);
            std::iter::once(0).chain(breaks).collect()
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {} bytes)", self.path, self.text.len())
    }
}

/// Why a secret file cannot be read, to be said after its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub &'static str);

/// What the files refer to, and the present time.
pub trait Environment {
    /// The variable's value; `None` when it is not set or not UTF-8.
    fn variable(&self, name: &str) -> Option<String>;

    /// The content of a secret file.
    ///
    /// # Errors
    /// [`Unreadable`], also when it is no regular file or larger than [`MAX_SECRET_BYTES`].
    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, Unreadable>;

    /// The time at which keys may have expired.
    fn now(&self) -> UnixSeconds;
}

/// The environment of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, Unreadable> {
        let unreadable = |error: io::Error| Unreadable(reason(&error));
        // To open a pipe would wait for whoever writes to it.
        let metadata = path.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Unreadable("it is a directory"));
        }
        if !metadata.is_file() {
            return Err(Unreadable("it is no regular file"));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_SECRET_BYTES {
            return Err(Unreadable("it is larger than 64 KiB"));
        }
        Ok(bytes.into())
    }

    fn now(&self) -> UnixSeconds {
        SystemClock.now()
    }
}

/// For tests: variables by their names and files by their paths, at the beginning of 1970.
impl<S: std::hash::BuildHasher> Environment for HashMap<String, String, S> {
    fn variable(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }

    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, Unreadable> {
        let content = path.to_str().and_then(|path| self.get(path));
        content.map(|text| text.clone().into_bytes().into()).ok_or(Unreadable("it does not exist"))
    }

    fn now(&self) -> UnixSeconds {
        0
    }
}
