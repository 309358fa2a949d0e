//! `session`: drives one real session through the running gateway, as a citizen's browser would.
//!
//! It prints what passes and how large it is, and nothing of its content: neither results nor cookies,
//! queries or values.

mod browser;
mod cookies;
mod header;
mod html;
mod page;
mod tags;
mod verdict;
mod walk;
mod watch;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use http::{HeaderName, HeaderValue};

use self::{
    header::{HeaderParser, repeated},
    tags::Chosen,
    verdict::verdict,
    walk::{Action, Broken, End, Plan, Step, Walk},
    watch::{Counts, Delivery, Unseen, Watch},
};
use super::{ConfigDirectory, EXIT_INVALID, complain, print};
use crate::{
    config::{AuthKind, Brokering, Config, Way, parse_duration},
    metrics::SessionLabels,
    model::{BaseUrl, PluginUrl, path_segment},
    plugins::HttpClient,
    proxy::{client::PluginClient, resolver::Resolver},
    snapshot::reachable_url,
};

/// Pages of plugins and the metrics of large installations are larger than what plugins answer.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

#[derive(Args)]
pub(super) struct SessionArguments {
    #[command(flatten)]
    config: ConfigDirectory,
    /// What the citizen comes for.
    #[arg(long, value_name = "TAG")]
    purpose: String,
    /// The authentication method.
    #[arg(long, value_name = "TAG")]
    auth: String,
    /// The communication method.
    #[arg(long, value_name = "TAG")]
    comm: String,
    /// Cancel at the sign-in page, and expect a session that ends so.
    #[arg(long, conflicts_with = "fail")]
    cancel: bool,
    /// Let the sign-in fail, and expect a session that ends so.
    #[arg(long)]
    fail: bool,
    /// Where the gateway is asked, when that is neither `public_url` nor the public listener's address.
    #[arg(long, value_name = "URL", value_parser = BaseUrl::parse)]
    url: Option<BaseUrl>,
    /// Where the admin listener is asked, when that is not its address in routes.yaml.
    #[arg(long, value_name = "URL", value_parser = BaseUrl::parse)]
    admin_url: Option<BaseUrl>,
    /// A header that the front proxy would add, for the gateway and nobody else. Can be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = HeaderParser)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The longest that all of it may take, a person's part included.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    timeout: Duration,
}

pub(super) fn session(arguments: SessionArguments) -> ExitCode {
    let config = match arguments.config.load() {
        Ok(config) => config,
        Err(invalid) => return invalid,
    };
    let chosen = match chosen(&arguments, &config) {
        Ok(chosen) => chosen,
        Err(reason) => {
            complain(&format!("error: {reason}\n"));
            return ExitCode::from(EXIT_INVALID);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("error: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    let admin = arguments.admin_url.clone();
    let outcome = runtime.block_on(async {
        let http = PluginClient::new(Resolver::default(), 1).with_max_answer(MAX_ANSWER);
        Errand { config: &config, chosen, http: &http, admin }.run(plan(arguments, &config)).await
    });
    match outcome {
        Ok(text) => {
            print(&format!("ok: {text}\n"));
            ExitCode::SUCCESS
        }
        Err(reason) => {
            complain(&format!("error: {reason}\n"));
            ExitCode::FAILURE
        }
    }
}

/// What the command line says, where that can be a session.
fn chosen<'c>(arguments: &SessionArguments, config: &'c Config) -> Result<Chosen<'c>, String> {
    if let Some(name) = repeated(&arguments.headers) {
        return Err(format!("`{name}` is given twice (--header)"));
    }
    Chosen::find(config, &arguments.purpose, &arguments.auth, &arguments.comm)
}

fn plan(arguments: SessionArguments, config: &Config) -> Plan {
    let public = config.gateway.public_url.clone();
    let places = arguments.url.map_or_else(
        || {
            let listener = reachable_url(config.listeners.public).ok();
            let known = [Some(public.clone()), listener].into_iter().flatten();
            let mut places: Vec<_> = known.filter(|url| url.port() != 0).collect();
            places.dedup();
            places
        },
        |url| vec![url],
    );
    let action = match (arguments.cancel, arguments.fail) {
        (true, _) => Action::Cancel,
        (false, true) => Action::Fail,
        (false, false) => Action::Confirm,
    };
    let SessionArguments { purpose, auth, comm, headers, timeout, .. } = arguments;
    Plan { purpose, auth, comm, action, headers, public, places, deadline: Instant::now() + timeout }
}

/// One run of the command.
struct Errand<'a> {
    config: &'a Config,
    chosen: Chosen<'a>,
    http: &'a dyn HttpClient,
    admin: Option<BaseUrl>,
}

impl Errand<'_> {
    /// What came of it, in words; an error for anything but the end that was wanted.
    async fn run(&self, plan: Plan) -> Result<String, String> {
        print("    time  status      body  location  step\n");
        let watch = self.watch(&plan)?;
        let before = watch.counts().await;
        let mut tell = |step: Step| print(&line(&step));
        let mut walk = Walk::new(&plan, self.http, &mut tell);
        let walked = walk.run().await;
        let pressed = walk.pressed();
        let (end, pressed) = match walked {
            Ok(End::Person(url)) => (self.watched(&plan, &url, &watch, &before).await?, true),
            Ok(end) => (end, pressed),
            Err(broken @ Broken::NoGateway(_)) => {
                return Err(format!("{broken}; `id-contact-gateway run` starts it, --url says where it is"));
            }
            Err(broken) => return Err(broken.to_string()),
        };
        let verdict = verdict(plan.action, &end, pressed, self.passes_unread())?;
        match end {
            End::Arrived | End::Call if plan.action == Action::Confirm => {
                with_delivery(verdict, watch.delivery(&before).await)
            }
            _ => Ok(verdict.to_owned()),
        }
    }

    fn watch<'p>(&'p self, plan: &'p Plan) -> Result<Watch<'p>, String> {
        let admin = self.admin.clone().map_or_else(|| reachable_url(self.config.listeners.admin), Ok);
        let admin = admin.map_err(|error| error.to_string())?;
        let labels =
            SessionLabels { purpose: &plan.purpose, auth_method: &plan.auth, comm_method: &plan.comm };
        Ok(Watch { http: self.http, admin, labels, deadline: plan.deadline })
    }

    /// Waits for the end of a session that a person goes on with.
    async fn watched(
        &self,
        plan: &Plan,
        url: &PluginUrl,
        watch: &Watch<'_>,
        before: &Result<Counts, Unseen>,
    ) -> Result<End, String> {
        let brokering = self.chosen.auth.brokering;
        if brokering == Brokering::Bind {
            let path = format!("/choose/{}", path_segment(&plan.purpose));
            print(
                "With `brokering: bind` only the browser that starts may return: start it there once more.\n",
            );
            print(&format!("Open in a browser:\n{}\n", PluginUrl::own(&plan.public, &path).as_str()));
        } else {
            print(&format!("Open in a browser:\n{}\n", url.as_str()));
        }
        let before = before.as_ref().map_err(|unseen| format!("{unseen}, so nothing tells how it ends"))?;
        let admin = &watch.admin;
        print(&format!(
            "Waiting until {admin}/metrics counts the end of a session of this purpose and these methods; \
             another citizen's looks the same.\n"
        ));
        watch.end(before).await.map_err(|reason| match brokering {
            Brokering::Off => format!("{reason}; with `brokering: off` the gateway does not see the end"),
            Brokering::Observe | Brokering::Bind => reason.to_string(),
        })
    }

    /// Whether `inspect` is not expected to read the result: it is encrypted to a plugin.
    fn passes_unread(&self) -> bool {
        let Chosen { auth, comm } = self.chosen;
        matches!(auth.kind, AuthKind::Remote { .. }) && auth.way_to(Some(comm)) == Some(Way::Unread)
    }
}

/// The verdict on a citizen who went on to the communication side, where attributes were to go too.
fn with_delivery(verdict: &str, delivery: Delivery) -> Result<String, String> {
    match delivery {
        Delivery::Done => Ok(format!("{verdict}, and the result was delivered")),
        Delivery::Failed(outcome) => Err(format!(
            "{verdict}, but the attributes were not delivered: \
             the gateway counted `attributes_delivered`, `{outcome}`"
        )),
        Delivery::Unknown(why) => {
            Ok(format!("{verdict}; whether the attributes were delivered is not known: {why}"))
        }
    }
}

fn line(step: &Step) -> String {
    let Step { took, what, status, location, body, verdict } = step;
    let location = location.map_or_else(|| "-".to_owned(), |size| format!("{size} B"));
    format!(
        "{:>5} ms  {status:>6}  {:>8}  {location:>8}  {what}: {verdict}\n",
        took.as_millis(),
        format!("{body} B")
    )
}
