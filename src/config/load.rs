//! The way from three texts to a [`Config`]: each file is read, brought into shape and
//! deserialised; then values are parsed and references resolved across files.
//! May import: every module of the configuration.

use serde::de::DeserializeOwned;

use super::{
    Config,
    check::Checker,
    combinations, interpolation,
    link::{Names, Used},
    lint, needs, overlap,
    plugins::RawPlugins,
    purposes::RawPurposes,
    report::Report,
    routes::RawRoutes,
    schema,
    secrets::Secrets,
    shape,
    shape::Broken,
    source::{ConfigFile, Environment, Sources},
    yaml,
};

/// A configuration that can be used, and what is doubtful about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Report,
}

/// Turns the three files into a configuration. Pure: the same texts, variables, secret files and time
/// give the same answer.
///
/// # Errors
/// Everything that is wrong, and the warnings that could be given all the same.
pub fn load(sources: &Sources, environment: &dyn Environment) -> Result<Loaded, Report> {
    let mut report = Report::default();
    let config = Loader { sources, environment, report: &mut report }.load();
    report.sort(&ConfigFile::ALL.map(|file| sources.file(file)));
    match config {
        Some(config) if !report.has_errors() => Ok(Loaded { config, warnings: report }),
        _ => Err(report),
    }
}

struct Loader<'a> {
    sources: &'a Sources,
    environment: &'a dyn Environment,
    report: &'a mut Report,
}

impl Loader<'_> {
    fn load(mut self) -> Option<Config> {
        let (routes, broken_routes) = self.raw::<RawRoutes>(ConfigFile::Routes);
        let (purposes, broken_purposes) = self.raw::<RawPurposes>(ConfigFile::Purposes);
        let (plugins, broken_plugins) = self.raw::<RawPlugins>(ConfigFile::Plugins);
        let mut used = Used::default();
        let secrets = Secrets { sources: self.sources, environment: self.environment };

        let mut checker = self.checker(ConfigFile::Routes);
        let upstreams =
            Names::define("upstream", "upstreams", routes.upstream_names(), &broken_routes, &mut checker);
        Names::define("route", "routes", routes.route_ids(), &broken_routes, &mut checker);
        let parsed = routes.parse(&upstreams, &mut used, &mut checker);
        overlap::check(&parsed.keys, parsed.gateway.as_ref(), &mut checker);

        let mut checker = self.checker(ConfigFile::Plugins);
        let auth_tags = Names::define(
            "authentication method",
            "auth",
            plugins.auth_tags(),
            &broken_plugins,
            &mut checker,
        );
        let comm_tags =
            Names::define("communication method", "comm", plugins.comm_tags(), &broken_plugins, &mut checker);
        let auth = plugins.parse_auth(&upstreams, &mut used, secrets, &mut checker);
        let comm = plugins.parse_comm(&upstreams, &mut used, secrets, &mut checker);
        let keys = plugins.parse_keys(secrets, &mut checker);
        Names::define("initiator", "initiators", plugins.kids(), &broken_plugins, &mut checker);
        let places =
            combinations::Places { auth: plugins.auth_places(&checker), comm: plugins.comm_places(&checker) };

        let mut checker = self.checker(ConfigFile::Purposes);
        let purpose_tags =
            Names::define("purpose", "purposes", purposes.tags(), &broken_purposes, &mut checker);
        let parsed_purposes = purposes.parse(&auth_tags, &comm_tags, &mut checker);

        let known = parsed_purposes.as_deref().unwrap_or_default();
        let mut checker = self.checker(ConfigFile::Plugins);
        let initiators = plugins.parse_initiators(&purpose_tags, known, secrets, &mut checker);

        let config = Config {
            gateway: parsed.gateway?,
            listeners: parsed.listeners?,
            upstreams: parsed.upstreams?,
            routes: parsed.routes?,
            purposes: parsed_purposes?,
            auth: auth?,
            comm: comm?,
            initiators: initiators?,
            keys: keys?,
        };
        if !self.report.has_errors() {
            let purpose_places = purposes.places();
            combinations::check_methods(&config, &places, &mut self.checker(ConfigFile::Plugins));
            needs::check_templates(&config, &places.comm, &mut self.checker(ConfigFile::Plugins));
            let checker = &mut self.checker(ConfigFile::Purposes);
            combinations::check_purposes(&config, &purpose_places, &places, checker);
            needs::check_purposes(&config, &purpose_places, &places.comm, checker);
            lint::check_purposes(&config, &purpose_places, checker);
            lint::check_routes(&config, &used, &parsed.places, &mut self.checker(ConfigFile::Routes));
        }
        Some(config)
    }

    fn checker(&mut self, file: ConfigFile) -> Checker<'_> {
        Checker::new(self.sources.file(file), self.report)
    }

    /// What is usable of a file, and what was taken out.
    fn raw<T: DeserializeOwned + Default>(&mut self, file: ConfigFile) -> (T, Broken) {
        let environment = self.environment;
        let mut checker = self.checker(file);
        let Some(mut node) = yaml::read(&mut checker) else {
            return (T::default(), Broken::everything());
        };
        let schema = schema::shared(file);
        interpolation::expand(&mut node, schema, environment, &mut checker);
        let broken = shape::check(&mut node, schema, &mut checker);
        if let Ok(raw) = T::deserialize(node) {
            return (raw, broken);
        }
        checker.error("structure", &(0..0), "the structure of this file is not what the schema promises");
        (T::default(), Broken::everything())
    }
}
