//! A homeserver of a few canned answers.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Method and end of the path, status with reason and further headers, body.
pub type Route = (&'static str, &'static str, &'static str);

/// What every homeserver answers.
pub const VERSIONS: Route = ("GET /_matrix/client/versions", "200 OK", r#"{"versions":["v1.1","v1.11"]}"#);
/// One that takes passwords.
pub const LOGIN: Route =
    ("GET /_matrix/client/v3/login", "200 OK", r#"{"flows":[{"type":"m.login.sso"},{"type":"m.login.password"}]}"#);

/// It ends with the test program.
pub struct Homeserver {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Homeserver {
    /// One that gives these answers, and 404 for everything else.
    pub fn start(routes: &[Route]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (routes, asked) = (routes.to_vec(), Arc::<Mutex<Vec<String>>>::default());
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (routes, seen) = (routes.clone(), Arc::clone(&seen));
                thread::spawn(move || answer(&stream, &routes, &seen));
            }
        });
        Self { port, asked }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The method and path of each request so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("the requests").clone()
    }
}

fn answer(mut stream: &TcpStream, routes: &[Route], seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? <= 2 {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    let request = request.rsplit_once(' ').map_or("", |(request, _)| request).to_owned();
    seen.lock().expect("the requests").push(request.clone());
    let path = request.split('?').next().unwrap_or_default();
    let missing = ("", "404 Not Found", r#"{"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"}"#);
    let (_, head, body) = routes.iter().find(|(route, ..)| *route == path).copied().unwrap_or(missing);
    write!(
        stream,
        "HTTP/1.1 {head}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
