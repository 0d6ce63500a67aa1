//! A registry on 127.0.0.1 that says what a test tells it to, faults and lies included, and remembers what it was asked.
//!
//! Plain HTTP/1.1 over std alone, so that it shares no code with what it tests.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a connection without requests is kept.
const IDLE: Duration = Duration::from_secs(10);

/// One request as it came in. Names of headers are in lower case.
#[derive(Clone, Debug)]
pub struct Request {
    #[allow(dead_code, reason = "the integration tests do not ask for it, the unit tests that include this file do")]
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The first and the last byte that are asked for; no last one for all from the first on.
    pub fn range(&self) -> Option<(usize, Option<usize>)> {
        let (first, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()))
    }

    /// Whether a text is anywhere in it.
    pub fn has(&self, text: &str) -> bool {
        let is_in_body = self.body.windows(text.len()).any(|window| window == text.as_bytes());
        is_in_body || self.target.contains(text) || format!("{:?}", self.headers).contains(text)
    }
}

/// What to answer. A `content-length` is added unless `headers` has one.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Close the connection after this many bytes of the body.
    pub cut_after: Option<usize>,
    /// Send the body in pieces of this size, with a pause after each.
    pub drip: Option<(usize, Duration)>,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    /// No answer at all: the connection is closed.
    #[allow(dead_code, reason = "of the programs that include this file not each breaks connections off")]
    pub fn none() -> Self {
        Self::status(0)
    }

    /// A part of something that is said to have `total` bytes.
    pub fn part(bytes: &[u8], first: usize, last: usize, total: usize) -> Self {
        Self { status: 206, ..Self::ok(&bytes[first..=last]) }
            .with("content-range", format!("bytes {first}-{last}/{total}"))
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

type Rule = Box<dyn Fn(&Request) -> Option<Answer> + Send>;

#[derive(Default)]
struct Shared {
    /// The last rule that has an answer gives it.
    rules: Mutex<Vec<Rule>>,
    content: Mutex<HashMap<String, Answer>>,
    requests: Mutex<Vec<Request>>,
    /// Bytes of bodies.
    sent: AtomicU64,
    stopped: AtomicBool,
}

/// The server; it stops when this is dropped.
pub struct FakeRegistry {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl FakeRegistry {
    /// Starts a registry that has nothing and asks for no log-in.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind 127.0.0.1");
        let address = listener.local_addr().expect("address of a bound socket");
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stopped.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&accepting);
                // A client that goes away in the middle is part of many tests.
                std::thread::spawn(move || drop(serve(&shared, stream)));
            }
        });
        Self { address, shared }
    }

    /// `127.0.0.1:port`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Gives a path something to serve, with ranges.
    pub fn put(&self, path: &str, content_type: &str, body: &[u8]) {
        let answer = Answer::ok(body).with("content-type", content_type);
        self.shared.content.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Adds a rule that is asked before all earlier ones and before the content. None leaves the request to those.
    pub fn rule(&self, rule: impl Fn(&Request) -> Option<Answer> + Send + 'static) {
        self.shared.rules.lock().unwrap().push(Box::new(rule));
    }

    /// Asks for `authorization` on everything below `/v2/`, with this challenge.
    pub fn require(&self, authorization: &str, challenge: &str) {
        let (authorization, challenge) = (authorization.to_owned(), challenge.to_owned());
        self.rule(move |request| {
            let refused =
                request.target.starts_with("/v2/") && request.header("authorization") != Some(&authorization);
            refused.then(|| Answer::status(401).with("www-authenticate", challenge.clone()))
        });
    }

    /// Answers the first `times` requests whose target contains `part` with this.
    pub fn fail(&self, part: &str, times: usize, answer: Answer) {
        let (part, left) = (part.to_owned(), Mutex::new(times));
        self.rule(move |request| {
            let mut left = left.lock().unwrap();
            if *left == 0 || !request.target.contains(&part) {
                return None;
            }
            *left -= 1;
            Some(answer.clone())
        });
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many requests had a target that contains `part`.
    pub fn count(&self, part: &str) -> usize {
        self.requests().iter().filter(|request| request.target.contains(part)).count()
    }

    /// How many bytes of bodies were sent so far.
    #[allow(dead_code, reason = "of the programs that include this file not each counts them")]
    pub fn bytes_sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Whether any byte that was sent here contains `secret`.
    pub fn has_seen(&self, secret: &str) -> bool {
        self.requests().iter().any(|request| request.has(secret))
    }
}

impl Drop for FakeRegistry {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    // A TLS hello has no lines; common servers without TLS answer it like this.
    if reader.fill_buf()?.first() == Some(&0x16) {
        return (&stream).write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nThis is HTTP, without TLS.\n");
    }
    while let Some(request) = receive(&mut reader)? {
        shared.requests.lock().unwrap().push(request.clone());
        let ruled = shared.rules.lock().unwrap().iter().rev().find_map(|rule| rule(&request));
        let answer = ruled.or_else(|| stored(shared, &request)).unwrap_or_else(|| Answer::status(404));
        if !send(&stream, &answer, &shared.sent)? {
            break;
        }
    }
    Ok(())
}

fn receive(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let mut request = Request { method, target, headers: Vec::new(), body: Vec::new() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}

fn stored(shared: &Shared, request: &Request) -> Option<Answer> {
    let whole = shared.content.lock().unwrap().get(&request.target)?.clone();
    let total = whole.body.len();
    let Some((first, last)) = request.range().filter(|(first, _)| *first < total) else { return Some(whole) };
    let last = last.map_or(total - 1, |last| last.min(total - 1));
    let mut part = Answer::part(&whole.body, first, last, total);
    part.headers.extend(whole.headers);
    Some(part)
}

/// Whether the connection can serve another request.
fn send(mut stream: &TcpStream, answer: &Answer, sent: &AtomicU64) -> std::io::Result<bool> {
    if answer.status == 0 {
        return Ok(false);
    }
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !answer.headers.iter().any(|(name, _)| name == "content-length" || name == "transfer-encoding") {
        head.push_str(&format!("content-length: {}\r\n", answer.body.len()));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let body = &answer.body[..answer.cut_after.unwrap_or(answer.body.len()).min(answer.body.len())];
    let (size, pause) = answer.drip.unwrap_or((body.len().max(1), Duration::ZERO));
    for piece in body.chunks(size) {
        stream.write_all(piece)?;
        sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        std::thread::sleep(pause);
    }
    let honest = answer.headers.iter().all(|(name, _)| name != "content-length");
    Ok(answer.cut_after.is_none() && honest)
}
