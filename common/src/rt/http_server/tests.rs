use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

/// Longer than any test here needs.
const GRACE: Duration = Duration::from_secs(60);

/// A server whose listener is held by somebody else too, as the service manager does.
struct Server {
    address: SocketAddr,
    kept: TcpListener,
    stop: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

impl Server {
    fn start(router: Router) -> Self {
        let kept = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self::start_on(kept, router)
    }

    fn start_on(kept: TcpListener, router: Router) -> Self {
        let stop = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "awaited by the test")]
        let serving = tokio::spawn(serve(kept.try_clone().unwrap(), router, stop.clone(), GRACE));
        Self { address: kept.local_addr().unwrap(), kept, stop, serving }
    }

    /// A connection that the server has accepted: those that come later have been served.
    async fn accepted(&self) -> TcpStream {
        let stream = self.connect().await;
        let mut later = self.connect().await;
        ask(&mut later, "/").await;
        assert!(head(&mut later).await.starts_with("HTTP/1.1 200"));
        stream
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

async fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// Reads an answer with a body of five bytes.
async fn head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"hello") {
        let byte = stream.read_u8().await.expect("an answer");
        read.push(byte);
    }
    String::from_utf8(read).unwrap()
}

/// What comes until the end, which must be in order.
async fn rest(stream: &mut TcpStream) -> String {
    let mut read = String::new();
    stream.read_to_string(&mut read).await.expect("an end in order");
    read
}

#[tokio::test]
async fn a_connection_that_asks_only_after_the_stop_is_answered_and_closed() {
    let server = Server::start(hello());
    let mut silent = server.accepted().await;
    server.stop.cancel();
    // Long after whatever the stop sets off at once.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    ask(&mut silent, "/").await;
    let answer = rest(&mut silent).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    server.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_head_that_is_half_sent_at_the_stop_is_waited_for() {
    let server = Server::start(hello());
    let mut slow = server.accepted().await;
    slow.write_all(b"GET / HT").await.unwrap();
    server.stop.cancel();
    // The server reads the half of it, then the other.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    slow.write_all(b"TP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let answer = rest(&mut slow).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    server.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn idle_and_mute_connections_do_not_keep_it_from_ending() {
    let server = Server::start(hello());
    let mut mute = server.accepted().await;
    let mut idle = server.connect().await;
    ask(&mut idle, "/").await;
    let answer = head(&mut idle).await;
    assert!(!answer.contains("connection: close"), "{answer}");
    server.stop.cancel();
    assert_eq!((rest(&mut idle).await, rest(&mut mute).await), (String::new(), String::new()));
    server.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_under_way_is_finished() {
    let (begun, mut begins) = mpsc::channel(1);
    let gate = CancellationToken::new();
    let open = gate.clone();
    let slow = get(async move || {
        begun.send(()).await.unwrap();
        open.cancelled().await;
        "hello"
    });
    let server = Server::start(Router::new().route("/slow", slow));
    let mut stream = server.connect().await;
    ask(&mut stream, "/slow").await;
    begins.recv().await.unwrap();
    server.stop.cancel();
    gate.cancel();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("connection: close") && answer.ends_with("hello"), "{answer}");
    server.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_connects_after_the_stop_is_answered_by_the_next_on_the_listener() {
    let server = Server::start(hello());
    drop(server.accepted().await);
    server.stop.cancel();
    let mut waits = TcpStream::connect(server.address).await.unwrap();
    ask(&mut waits, "/").await;
    server.serving.await.unwrap().unwrap();
    let next = Server::start_on(server.kept, Router::new().route("/", get(|| async { "again hello" })));
    assert!(head(&mut waits).await.ends_with("again hello"));
    next.stop.cancel();
    drop(waits);
    next.serving.await.unwrap().unwrap();
}
