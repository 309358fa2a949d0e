//! The documentation keeps its promises: every YAML example loads without a warning, every key,
//! metric and command that it names exists, and none is left out.
//!
//! A YAML example begins with a comment that names its file (`# plugins.yaml`). What it needs of the
//! other files stands in the same section, or it is taken from the shipped ones.
#![cfg(test)]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

#[path = "config/world.rs"]
mod world;

use http::StatusCode;
use serde_json::Value;
use world::{World, world};

use id_contact_gateway::{
    config::{self, ConfigFile, Sources},
    metrics::{Metrics, SessionLabels},
};

#[test]
fn every_yaml_example_loads_without_a_warning() {
    let mut examples = 0;
    for path in documents() {
        for section in sections(&read(&path)) {
            let files =
                section.files().unwrap_or_else(|mistake| panic!("{path:?}, {}: {mistake}", section.title));
            if !files.is_empty() {
                examples += files.len();
                let complaints = complaints(&files);
                assert!(complaints.is_empty(), "{path:?}, {}:\n{complaints}", section.title);
            }
        }
    }
    assert!(examples > 5, "only {examples} examples were found");
}

/// Each has a README, and loads when its secrets are given.
#[test]
fn every_shipped_example_loads_without_a_warning() {
    let folders = fs::read_dir(root().join("examples")).expect("the folder is readable");
    let folders: Vec<_> = folders.map(|entry| entry.expect("the entry is readable").path()).collect();
    assert!(folders.len() >= 7, "{folders:?}");
    for folder in folders {
        let readme = read(&folder.join("README.md"));
        let prose: usize = readme.split("```").step_by(2).map(|text| text.lines().count()).sum();
        assert!((8..=14).contains(&prose), "{folder:?}: {prose} lines");
        let texts = ConfigFile::ALL.map(|file| read(&folder.join(file.file_name())));
        let mut world = world();
        for variable in texts[2].split("{ env: ").skip(1).filter_map(|rest| rest.split(' ').next()) {
            assert!(readme.contains(&format!("export {variable}=")), "{folder:?} is silent on {variable}");
            world.variables.insert(variable.to_owned(), "hunter2-hunter2-hunter2-hunter2".to_owned());
        }
        let complaints = complaints_about(&texts, &world);
        assert!(complaints.is_empty(), "{folder:?}:\n{complaints}");
    }
}

#[test]
fn an_example_with_a_mistake_is_found() {
    let section = |text: &str| sections(text).remove(0).files();
    let wrong = section("```yaml\n# purposes.yaml: what for\npurposes: [{ tga: x }]\n```").unwrap();
    assert!(complaints(&wrong).contains("tga"));
    let doubtful = section(
        "```yaml\n# routes.yaml\ngateway: { public_url: http://a }\nupstreams: { u: { servers: [http://b] } }\n```",
    );
    assert!(complaints(&doubtful.unwrap()).contains("unused-upstream"));
    assert!(section("```yaml\npurposes: []\n```").is_err(), "it does not name its file");
    let twice = "```yaml\n# purposes.yaml\npurposes: []\n```\n";
    assert!(section(&twice.repeat(2)).is_err(), "which of the two would be meant?");
}

#[test]
fn the_reference_names_exactly_the_keys_that_exist() {
    let mut documented = keys_in(&read(&root().join("docs/configuration.md")));
    documented.extend(rows_of_keys(&read(&root().join("docs/adapters.md"))));
    let (mut leaves, mut all) = (BTreeSet::new(), BTreeSet::new());
    for file in ConfigFile::ALL {
        let schema = config::schema(file);
        collect_keys(&schema, &schema, "", &mut leaves, &mut all);
    }
    assert!(leaves.contains("routes[].headers.request.set") && all.contains("upstreams.NAME.timeouts.read"));
    let missing: Vec<_> = leaves.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/configuration.md and docs/adapters.md lack {missing:?}");
    let invented: Vec<_> = documented.difference(&all).collect();
    assert!(invented.is_empty(), "the reference names keys that do not exist: {invented:?}");
}

#[test]
fn every_metric_is_documented_with_its_labels() {
    let page = read(&root().join("docs/operations.md"));
    let rows: BTreeMap<_, _> = page.lines().filter_map(metric_row).collect();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), names_in_source());
    for (name, labels) in labels_of_samples() {
        assert_eq!(rows.get(&name), Some(&labels), "labels of {name}");
    }
}

#[test]
fn every_command_in_the_examples_exists() {
    let mut commands = BTreeSet::new();
    for path in documents() {
        for line in examples_of_commands(&read(&path)) {
            let words: Vec<_> = line.split_whitespace().take_while(|word| *word != "#").collect();
            let is_inner = words.len() > 1 && listed_commands(&help(&words[..1])).contains(words[1]);
            let (command, arguments) = words.split_at(if is_inner { 2 } else { 1 });
            let help = help(command);
            for option in arguments.iter().filter(|word| word.starts_with("--")) {
                assert!(
                    help.split_whitespace().any(|word| word == *option),
                    "{path:?}: {command:?} has no {option}:\n{help}"
                );
            }
            commands.insert(words[0].to_owned());
            commands.insert(command.join(" "));
        }
    }
    let outer = listed_commands(&help(&[]));
    let inner = |name: &String| {
        let listed = listed_commands(&help(&[name]));
        listed.into_iter().map(|inner| format!("{name} {inner}")).collect::<Vec<_>>()
    };
    let listed: BTreeSet<_> = outer.iter().flat_map(inner).chain(outer.iter().cloned()).collect();
    assert_eq!(commands, listed, "the examples show every command");
}

/// The commands that a help lists.
fn listed_commands(help: &str) -> BTreeSet<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.map_while(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn examples_show_what_the_program_prints() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let readme = read(&root().join("README.md"));
    let mut shown = 0;
    for section in sections(&readme) {
        for example in section.examples("console") {
            let files = section.files().expect("the examples name their files");
            for (file, text) in ConfigFile::ALL.into_iter().zip(completed(&files)) {
                fs::write(directory.path().join(file.file_name()), text).expect("the file can be written");
            }
            let (command, output) = example.split_once('\n').expect("a command and its output");
            let arguments = command.strip_prefix("$ id-contact-gateway ").expect("a command of the program");
            let arguments: Vec<_> = arguments.split_whitespace().collect();
            assert_eq!(printed(&arguments, directory.path()), output, "{command}");
            shown += 1;
        }
    }
    assert!(shown > 0, "no example with its output was found");
}

#[test]
fn every_target_of_make_exists() {
    let makefile = read(&root().join("Makefile"));
    let readme = read(&root().join("README.md"));
    let targets: Vec<_> =
        readme.lines().filter_map(|line| line.strip_prefix("make ")?.split_whitespace().next()).collect();
    assert!(targets.contains(&"run") && targets.contains(&"test"), "{targets:?}");
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "the Makefile has no {target}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for path in documents() {
        let directory = path.parent().expect("a document stands in a directory");
        for target in read(&path).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !target.contains("://") {
                let file = target.split('#').next().unwrap_or_default();
                assert!(directory.join(file).exists(), "{path:?} links to {target}");
            }
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents at the top, in docs/ and in docs/decisions/.
fn documents() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/decisions"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("the folder is readable"));
    let paths = files.map(|entry| entry.expect("the entry is readable").path());
    let documents: Vec<_> = paths.filter(|path| path.extension().is_some_and(|name| name == "md")).collect();
    assert!(documents.iter().any(|path| path.ends_with("docs/operations.md")), "{documents:?}");
    documents
}

/// What stands between two headings.
#[derive(Default)]
struct Section {
    title: String,
    blocks: Vec<Block>,
}

/// A fenced block of an example.
struct Block {
    language: String,
    text: String,
}

fn sections(document: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut inside = false;
    for line in document.lines() {
        let section = sections.last_mut().expect("there is a first one");
        match (line.strip_prefix("```"), section.blocks.last_mut()) {
            (Some(_), _) if inside => inside = false,
            (Some(language), _) => {
                inside = true;
                section.blocks.push(Block { language: language.to_owned(), text: String::new() });
            }
            (None, Some(block)) if inside => block.text += &format!("{line}\n"),
            (None, _) if line.starts_with('#') => {
                sections.push(Section { title: line.to_owned(), ..Section::default() });
            }
            (None, _) => {}
        }
    }
    sections
}

impl Section {
    fn examples(&self, language: &str) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter(move |block| block.language == language).map(|block| block.text.as_str())
    }

    /// Its examples by the name of their file.
    fn files(&self) -> Result<HashMap<&'static str, String>, String> {
        let mut files = HashMap::new();
        for text in self.examples("yaml") {
            let comment = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
            let file = ConfigFile::ALL.into_iter().find(|file| comment.starts_with(file.file_name()));
            let file = file.ok_or_else(|| format!("an example does not name its file:\n{text}"))?;
            if files.insert(file.file_name(), text.to_owned()).is_some() {
                return Err(format!("two examples of {}", file.file_name()));
            }
        }
        Ok(files)
    }
}

/// The texts of the three files; those that are not given are the shipped ones.
fn completed(files: &HashMap<&'static str, String>) -> [String; 3] {
    ConfigFile::ALL.map(|file| match files.get(file.file_name()) {
        Some(text) => text.clone(),
        None => read(&root().join(file.file_name())),
    })
}

/// What the program says about these files.
fn complaints(files: &HashMap<&'static str, String>) -> String {
    complaints_about(&completed(files), &world())
}

fn complaints_about([routes, purposes, plugins]: &[String; 3], world: &World) -> String {
    match config::load(&Sources::from_texts(routes, purposes, plugins), world) {
        Ok(loaded) => loaded.warnings.render(false),
        Err(report) => report.render(false),
    }
}

/// The texts in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The keys that a reference lists: in the first cell of a row, or in a list.
fn keys_in(page: &str) -> BTreeSet<String> {
    let (_, later) = page.split_once("## Not supported yet").expect("the page has this section");
    let later = quoted(later).filter(|key| key.contains('.')).map(str::to_owned);
    rows_of_keys(page).chain(later).filter(|key| !key.contains(".yaml")).collect()
}

/// The keys in the first cells of tables: paths, all of them.
fn rows_of_keys(page: &str) -> impl Iterator<Item = String> {
    let rows = page.lines().filter_map(|line| quoted(line.strip_prefix("| `").map(|_| line)?).next());
    rows.filter(|key| key.contains('.')).map(str::to_owned)
}

/// Collects the paths of a schema's keys: `routes[].id`, `upstreams.NAME.servers`. Leaves are those
/// without keys of their own.
fn collect_keys(
    schema: &Value,
    root: &Value,
    path: &str,
    leaves: &mut BTreeSet<String>,
    all: &mut BTreeSet<String>,
) {
    let schema = resolved(schema, root);
    let items = schema.get("items").map(|items| (format!("{path}[]"), items));
    let values = schema.get("additionalProperties").filter(|values| values.is_object());
    let values = values.map(|values| (format!("{path}.NAME"), values));
    // `file` and `env` of a secret are explained once.
    let inner = schema.get("properties").filter(|_| schema.get("x-secret").is_none());
    let properties = inner.and_then(Value::as_object).into_iter().flatten();
    let properties =
        properties.map(|(name, value)| (format!("{path}.{name}").trim_start_matches('.').to_owned(), value));
    let inner: Vec<_> = items.into_iter().chain(values).chain(properties).collect();
    let inner = inner.into_iter().filter(|(_, value)| !is_plain_element(schema, resolved(value, root)));
    let before = all.len();
    for (path, value) in inner {
        collect_keys(value, root, &path, leaves, all);
    }
    if all.len() == before {
        leaves.insert(path.to_owned());
    }
    all.insert(path.to_owned());
}

/// An item or a value that has no keys, as in a list of names: only its collection is a key.
fn is_plain_element(collection: &Value, element: &Value) -> bool {
    collection.get("properties").is_none() && element.get("properties").is_none()
}

fn resolved<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    // A word or a mapping: the keys are those of the mapping.
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let mapping = choices.and_then(|choices| choices.iter().find(|choice| choice.get("$ref").is_some()));
    let schema = mapping.unwrap_or(schema);
    let reference =
        schema.get("$ref").or_else(|| schema.get("allOf")?.get(0)?.get("$ref")).and_then(Value::as_str);
    match reference {
        Some(reference) => {
            root.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere")
        }
        None => schema,
    }
}

/// The name and the labels in a row of the table of metrics.
fn metric_row(line: &str) -> Option<(String, BTreeSet<String>)> {
    let mut cells = line.strip_prefix("| ")?.split(" | ");
    let name = quoted(cells.next()?).next().filter(|name| name.starts_with("idcontact_"))?;
    Some((name.to_owned(), quoted(cells.next()?).map(str::to_owned).collect()))
}

/// The names of metrics as src/metrics.rs registers them.
fn names_in_source() -> BTreeSet<String> {
    let source = read(&root().join("src/metrics.rs"));
    let program = source.split("#[cfg(test)]").next().unwrap_or_default();
    let strings = program.split('"').filter(|text| text.starts_with("idcontact_"));
    strings.map(str::to_owned).collect()
}

/// The labels of each metric, seen in a sample of it.
fn labels_of_samples() -> BTreeMap<String, BTreeSet<String>> {
    let metrics = Metrics::new().expect("the metrics can be registered");
    let session = SessionLabels { purpose: "p", auth_method: "a", comm_method: "c" };
    metrics.route("r").answered(StatusCode::OK, Duration::ZERO, Duration::ZERO);
    metrics.plugin_called("p", "o", "ok", Duration::ZERO);
    metrics.session_started(session, "full");
    metrics.session_event(session, "start", "ok");
    metrics.session_stage("start", Duration::ZERO);
    metrics.token_operation("seal_state", "ok");
    metrics.configuration_tried(Some(1), 0);
    let text = String::from_utf8(metrics.render()).expect("metrics are text");
    let samples: BTreeMap<_, _> = text.lines().filter(|line| !line.starts_with('#')).map(sample).collect();
    assert_eq!(samples.keys().cloned().collect::<BTreeSet<_>>(), names_in_source(), "a sample of each");
    samples
}

fn sample(line: &str) -> (String, BTreeSet<String>) {
    let (name, labels) = line.split_once('{').unwrap_or((line.split(' ').next().unwrap_or_default(), ""));
    let name = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
    let labels = labels.split("\",").filter_map(|label| label.split_once("=\""));
    let labels = labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le");
    (name.to_owned(), labels.collect())
}

/// What follows the program's name in the examples for a shell.
fn examples_of_commands(document: &str) -> Vec<String> {
    let sections = sections(document);
    let lines = sections.iter().flat_map(|section| section.examples("sh").chain(section.examples("console")));
    let lines = lines.flat_map(str::lines);
    lines.filter_map(|line| Some(line.split_once("id-contact-gateway ")?.1.to_owned())).collect()
}

fn help(command: &[&str]) -> String {
    printed(&[command, &["--help"]].concat(), root())
}

/// What the program prints when it is started in a directory.
fn printed(arguments: &[&str], directory: &Path) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_id-contact-gateway"));
    let output = program.args(arguments).current_dir(directory).output().expect("the program can be started");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("what it prints is text")
}
