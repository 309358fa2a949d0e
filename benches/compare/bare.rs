//! Bare Pingora, to compare the gateway with: `bare proxy LISTEN UPSTREAM` forwards every request,
//! `bare answer LISTEN` gives a fixed answer from `request_filter`.
//!
//! The server's settings and the allocator are those of the gateway, so that what differs is the
//! gateway's own work.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a measuring tool may stop at anything unexpected"
)]

use std::{env, net::SocketAddr, num::NonZero, process::ExitCode, sync::Arc, thread};

use async_trait::async_trait;
use bytes::Bytes;
use pingora::{
    Result,
    http::ResponseHeader,
    modules::http::HttpModules,
    prelude::HttpPeer,
    proxy::{ProxyHttp, Session, http_proxy_service},
    server::{Server, configuration::ServerConf},
};

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// As long as the answer to `session_options` in benches/compare/gateway/.
const ANSWER: &[u8; 296] = &[b'a'; 296];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["proxy", listen, upstream] => run(listen, Proxy { upstream: upstream.parse().unwrap() }),
        ["answer", listen] => run(listen, Answer { head: answer_head() }),
        _ => {
            eprintln!("usage: bare proxy LISTEN UPSTREAM | bare answer LISTEN");
            ExitCode::from(64)
        }
    }
}

fn run<P: ProxyHttp + Send + Sync + 'static>(listen: &str, proxy: P) -> ExitCode
where
    P::CTX: Send + Sync,
{
    let configuration = ServerConf {
        threads: thread::available_parallelism().map_or(1, NonZero::get),
        work_stealing: false,
        upstream_keepalive_pool_size: 1024,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, configuration);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, proxy);
    service.add_tcp(listen);
    server.add_service(service);
    server.run_forever()
}

/// Forwards everything to one server.
struct Proxy {
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = ();

    fn new_ctx(&self) {}

    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}

/// Answers everything itself.
struct Answer {
    head: Arc<ResponseHeader>,
}

fn answer_head() -> Arc<ResponseHeader> {
    let mut head = ResponseHeader::build(200, Some(2)).unwrap();
    head.insert_header("Content-Type", "application/json").unwrap();
    head.insert_header("Content-Length", ANSWER.len()).unwrap();
    Arc::new(head)
}

#[async_trait]
impl ProxyHttp for Answer {
    type CTX = ();

    fn new_ctx(&self) {}

    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        session.write_response_header(Box::new(ResponseHeader::clone(&self.head)), false).await?;
        session.write_response_body(Some(Bytes::from_static(ANSWER)), true).await?;
        Ok(true)
    }

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Err(pingora::Error::new_str("everything is answered before"))
    }
}
