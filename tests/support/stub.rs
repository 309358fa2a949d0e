//! A server that behaves as told, well or badly: the plugins and upstreams of the tests.
//!
//! A behaviour is a list of [`Step`]s. It is chosen per connection ([`StubServer::on_connect`]), per
//! request head ([`StubServer::on_head`]) or per whole request ([`StubServer::start`]); the usual ones
//! stand in [`answers`](super::answers).

use std::{
    collections::HashMap,
    io::{self, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    DEADLINE, Watched,
    http::{Body, Head},
};

/// Longer than any test runs, and short enough to be added to the present.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

/// What the stub does next on a connection.
#[derive(Debug, Clone)]
pub enum Step {
    Send(Vec<u8>),
    /// Does nothing for so long: drips.
    Pause(Duration),
    /// Does nothing until the gate is opened.
    Await(Gate),
    /// Does nothing until the stub is dropped.
    Stall,
    /// Sends back every byte that comes, until the peer stops sending.
    Echo,
    /// Ends the connection in order.
    Close,
    /// Ends the connection with a TCP reset.
    Reset,
}

/// Something that a test opens when it wants the stub to go on.
#[derive(Clone, Default)]
pub struct Gate(Arc<Watched<bool>>);

/// A request as it came.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// Which connection it came over, counted from 0.
    pub connection: usize,
    pub head: Head,
    /// Empty when the behaviour was chosen by the head alone.
    pub body: Body,
}

/// A server on a port of the system's choice; dropping it ends all its connections and threads.
pub struct StubServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// A stub that plays a plugin is the same server.
pub type StubPlugin = StubServer;

type Behaviour = dyn Fn(&ReceivedRequest) -> Vec<Step> + Send + Sync;

/// When a behaviour is chosen.
enum Script {
    Connect(Vec<Step>),
    Head(Box<Behaviour>),
    Request(Box<Behaviour>),
}

struct Shared {
    script: Script,
    state: Watched<State>,
}

#[derive(Default)]
struct State {
    stopped: bool,
    connections: usize,
    requests: Vec<ReceivedRequest>,
    open: HashMap<usize, TcpStream>,
    gates: Vec<Gate>,
}

impl StubServer {
    /// Answers every request, once it is there with its body, and keeps the connection.
    pub fn start(behaviour: impl Fn(&ReceivedRequest) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::run(Script::Request(Box::new(behaviour)))
    }

    /// Answers as soon as the head is there and leaves the body unread: for streams and upgrades
    /// ([`Step::Echo`] sends it back). One request per connection.
    pub fn on_head(behaviour: impl Fn(&ReceivedRequest) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::run(Script::Head(Box::new(behaviour)))
    }

    /// Takes these steps on every connection, before reading anything.
    pub fn on_connect(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::run(Script::Connect(steps.into_iter().collect()))
    }

    /// Takes these behaviours in turn, one per request; the last one stays.
    pub fn in_turn(behaviours: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let behaviours: Vec<_> = behaviours.into_iter().collect();
        let next = Watched::<usize>::default();
        Self::start(move |_| {
            let mut position = next.lock();
            let steps = behaviours[(*position).min(behaviours.len() - 1)].clone();
            *position += 1;
            steps
        })
    }

    /// Gives every request the same answer.
    pub fn always(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::in_turn([steps.into_iter().collect()])
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port`, as the configuration's files want it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections have been accepted.
    pub fn connections(&self) -> usize {
        self.shared.state.lock().connections
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.state.lock().requests.clone()
    }

    /// Waits until there have been so many requests, and returns them all.
    pub fn wait_for_requests(&self, count: usize) -> Vec<ReceivedRequest> {
        let enough = |state: &mut State| (state.requests.len() >= count).then(|| state.requests.clone());
        let requests = self.shared.state.wait(DEADLINE, enough);
        requests.unwrap_or_else(|| panic!("{} requests came instead of {count}", self.requests().len()))
    }

    /// Waits until no connection is open any more.
    pub fn wait_until_left(&self) {
        let left = self.shared.state.wait(DEADLINE, |state| state.open.is_empty().then_some(()));
        assert!(left.is_some(), "a connection to the stub stays open");
    }

    fn run(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared { script, state: Watched::default() });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept_all(&listener)
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }
}

impl Drop for StubServer {
    #[allow(clippy::disallowed_methods, reason = "a test may block")]
    fn drop(&mut self) {
        self.shared.state.update(|state| {
            state.stopped = true;
            state.gates.iter().for_each(Gate::open);
            for stream in state.open.values() {
                // It fails when the peer has left already, which is as good.
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        // Wakes the acceptor, which sees that it is to stop.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take()
            && acceptor.join().is_err()
            && !thread::panicking()
        {
            panic!("a behaviour of the stub panicked");
        }
    }
}

impl Shared {
    fn accept_all(self: &Arc<Self>, listener: &TcpListener) {
        let mut servers = Vec::new();
        for stream in listener.incoming() {
            let stream = stream.expect("a connection can be accepted");
            let Some(connection) = self.register(&stream) else { break };
            let shared = Arc::clone(self);
            servers.push(thread::spawn(move || {
                // What goes wrong on the wire is the peer's doing, and often what a test wants.
                let _ = shared.serve(connection, &stream);
                shared.state.update(|state| drop(state.open.remove(&connection)));
            }));
        }
        let panicked = servers.into_iter().map(JoinHandle::join).filter(Result::is_err).count();
        assert_eq!(panicked, 0, "behaviours of the stub panicked");
    }

    /// Notes an open connection; `None` when the stub is to stop.
    fn register(&self, stream: &TcpStream) -> Option<usize> {
        let copy = stream.try_clone().expect("a connection can be shared");
        let mut connection = None;
        self.state.update(|state| {
            if !state.stopped {
                state.open.insert(state.connections, copy);
                connection = Some(state.connections);
                state.connections += 1;
            }
        });
        connection
    }

    fn serve(&self, connection: usize, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        if let Script::Connect(steps) = &self.script {
            return self.take(steps, &mut reader).map(drop);
        }
        while let Some(head) = Head::read(&mut reader)? {
            let steps = match &self.script {
                Script::Connect(steps) => steps.clone(),
                Script::Head(behaviour) => {
                    behaviour(&self.record(ReceivedRequest { connection, head, body: Body::default() }))
                }
                Script::Request(behaviour) => {
                    let body = Body::read(&mut reader, &head, false)?;
                    behaviour(&self.record(ReceivedRequest { connection, head, body }))
                }
            };
            let goes_on = self.take(&steps, &mut reader)?;
            if !goes_on || matches!(self.script, Script::Head(_)) {
                break;
            }
        }
        Ok(())
    }

    fn record(&self, request: ReceivedRequest) -> ReceivedRequest {
        self.state.update(|state| state.requests.push(request.clone()));
        request
    }

    /// Takes the steps; whether the connection may serve another request.
    fn take(&self, steps: &[Step], reader: &mut BufReader<&TcpStream>) -> io::Result<bool> {
        let mut stream = *reader.get_ref();
        for step in steps {
            match step {
                Step::Send(bytes) => stream.write_all(bytes)?,
                Step::Pause(length) => self.idle(*length),
                Step::Await(gate) => self.wait_at(gate),
                Step::Stall => self.idle(FOREVER),
                Step::Echo => echo(reader)?,
                Step::Close => return Ok(false),
                Step::Reset => {
                    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Waits for so long, or until the stub is dropped.
    fn idle(&self, length: Duration) {
        self.state.wait(length, |state| state.stopped.then_some(()));
    }

    /// Waits until the test opens the gate, or drops the stub, which then opens it.
    fn wait_at(&self, gate: &Gate) {
        self.state.update(|state| {
            if state.stopped {
                gate.open();
            } else {
                state.gates.push(gate.clone());
            }
        });
        gate.wait();
    }
}

fn echo(reader: &mut BufReader<&TcpStream>) -> io::Result<()> {
    let mut stream = *reader.get_ref();
    let mut bytes = [0; 16 * 1024];
    loop {
        match reader.read(&mut bytes)? {
            0 => return Ok(()),
            length => stream.write_all(&bytes[..length])?,
        }
    }
}

impl Gate {
    pub fn open(&self) {
        self.0.update(|open| *open = true);
    }

    fn wait(&self) {
        self.0.wait(FOREVER, |open| open.then_some(()));
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Gate").field(&*self.0.lock()).finish()
    }
}

impl ReceivedRequest {
    pub fn method(&self) -> &str {
        self.head.word(0)
    }

    /// Path and query as they stood in the request.
    pub fn target(&self) -> &str {
        self.head.word(1)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.head.header_values(name)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body.content)
            .unwrap_or_else(|error| panic!("{error} in the body of {self:?}"))
    }
}
