//! Sockets and ports that only the server reaches.

use std::{
    io::{Read, Write},
    net::TcpListener,
    os::unix::net::UnixListener,
    thread,
    time::{Duration, Instant},
};

use flightdeck_app::port::hosts::{Command, HostError, Hosts, HttpRequest, Lane};
use flightdeck_hosts::SshHosts;

use crate::sshd::{Sshd, free_port};

fn get(port: u16) -> HttpRequest {
    HttpRequest {
        address: "127.0.0.1".to_owned(),
        port,
        host: "example.com".to_owned(),
        path: "/health?full=1".to_owned(),
        deadline: Duration::from_secs(5),
    }
}

/// Answers one request with `answer` and keeps the connection open where `stays`.
fn serve_once(answer: Vec<u8>, stays: bool) -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a visitor");
        let mut request = Vec::new();
        let mut chunk = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut chunk).expect("a request");
            request.extend_from_slice(&chunk[..count]);
        }
        let _ = stream.write_all(&answer);
        if stays {
            let _ = stream.read(&mut chunk);
        }
        String::from_utf8(request).expect("a request is text")
    });
    (port, served)
}

#[tokio::test]
async fn a_socket_is_asked_and_answers_until_it_closes() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let path = sshd.path("daemon.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let daemon = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a visitor");
        let mut request = [0; 5];
        stream.read_exact(&mut request).expect("the request");
        stream.write_all(&vec![7; 500_000]).expect("the answer is taken");
        request
    });

    let answer = hosts
        .ask_socket(&sshd.target(), path.to_str().expect("text"), b"hello", Duration::from_secs(5))
        .await
        .expect("an answer");

    assert!(answer == vec![7; 500_000]);
    assert_eq!(&daemon.join().expect("the daemon"), b"hello");
}

#[tokio::test]
async fn a_missing_socket_is_named_and_the_connection_stays() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let path = sshd.path("missing.sock").display().to_string();

    let error = hosts
        .ask_socket(&target, &path, b"hello", Duration::from_secs(5))
        .await
        .expect_err("nobody listens");

    assert!(matches!(&error, HostError::Forward { address, .. } if *address == path), "{error:?}");
    let next = hosts.run(&target, Lane::Monitor, Command::new(["true"])).await;
    assert!(next.is_ok(), "{next:?}");
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 1);
}

#[tokio::test]
async fn a_socket_that_says_nothing_ends_with_the_deadline() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let path = sshd.path("silent.sock");
    let _listener = UnixListener::bind(&path).expect("a socket");
    let begun = Instant::now();

    let error = hosts
        .ask_socket(&sshd.target(), path.to_str().expect("text"), b"hello", Duration::from_secs(1))
        .await;

    assert!(matches!(error, Err(HostError::Timeout { .. })), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn http_answers_end_where_they_say() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let cases: [(&[u8], bool, u16, &[u8]); 4] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true, 200, b"ok"),
        (chunked, true, 200, b"ok"),
        (b"HTTP/1.0 503 Not Yet\r\n\r\nwait", false, 503, b"wait"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", true, 204, b""),
    ];

    for (bytes, stays, status, body) in cases {
        let (port, served) = serve_once(bytes.to_vec(), stays);
        let answer = hosts.http_get(&target, get(port)).await.expect("an answer");

        assert_eq!((answer.status, answer.body.as_slice()), (status, body));
        let request = served.join().expect("the server");
        assert!(request.starts_with("GET /health?full=1 HTTP/1.1\r\nHost: example.com\r\n"));
    }
}

#[tokio::test]
async fn a_port_that_keeps_silent_is_the_ports_fault() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let (port, _served) = serve_once(Vec::new(), true);
    let request = HttpRequest { deadline: Duration::from_secs(1), ..get(port) };

    let error = hosts.http_get(&sshd.target(), request).await;

    assert!(
        matches!(&error, Err(HostError::Forward { reason, .. }) if reason == "no answer within 1s"),
        "{error:?}"
    );
}

#[tokio::test]
async fn only_the_start_of_a_long_body_is_kept() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let mut bytes = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    bytes.resize(4 << 20, b'x');
    let (port, served) = serve_once(bytes, false);

    let answer = hosts.http_get(&sshd.target(), get(port)).await.expect("an answer");

    assert_eq!(answer.body.len(), 64 << 10);
    served.join().expect("the server was not held up");
}

#[tokio::test]
async fn nobody_and_nonsense_are_told_apart() {
    let (sshd, hosts) = (Sshd::start(), SshHosts::new());
    let target = sshd.target();
    let (port, _served) = serve_once(b"220 mail.example.com ESMTP\r\n".to_vec(), false);

    let nonsense = hosts.http_get(&target, get(port)).await;
    let nobody = hosts.http_get(&target, get(free_port())).await;

    assert!(
        matches!(&nonsense, Err(HostError::Forward { reason, .. }) if reason.contains("not HTTP")),
        "{nonsense:?}"
    );
    assert!(
        matches!(&nobody, Err(HostError::Forward { reason, .. }) if reason.contains("connect failed")),
        "{nobody:?}"
    );
}
