//! Just enough of HTTP/1.1 to ask one question and read one answer.

use flightdeck_app::port::hosts::HttpAnswer;

/// Bytes of a body that are kept.
const BODY: usize = 64 << 10;
/// Bytes of an answer that are read: the body in the smallest chunks, and headers.
pub(crate) const LIMIT: usize = 1 << 20;
const HEADERS: usize = 100;

const TRUNCATED: &str = "it closed in the middle of the answer";
const MALFORMED: &str = "it answered something that is not HTTP";

/// A GET request, or none if host or path would break out of their lines.
pub(crate) fn request(host: &str, path: &str) -> Option<Vec<u8>> {
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_word(host) && is_word(path) && path.starts_with('/')).then(|| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flightdeck\r\n\
             Accept: */*\r\nConnection: close\r\n\r\n"
        )
        .into_bytes()
    })
}

/// Says whether more bytes would change nothing.
pub(crate) fn is_complete(bytes: &[u8]) -> bool {
    !matches!(read(bytes), Ok(Reading { complete: false, .. }) | Err(Fault::Incomplete))
}

/// The answer, once the other end closed or [`is_complete`] said so.
pub(crate) fn answer(bytes: &[u8]) -> Result<HttpAnswer, &'static str> {
    match read(bytes) {
        Ok(Reading { complete, until_close, answer }) if complete || until_close => Ok(answer),
        Err(Fault::Incomplete) if bytes.is_empty() => Err("it closed without an answer"),
        Ok(_) | Err(Fault::Incomplete) => Err(TRUNCATED),
        Err(Fault::Malformed) => Err(MALFORMED),
    }
}

struct Reading {
    answer: HttpAnswer,
    complete: bool,
    /// The end of the connection is the end of the body.
    until_close: bool,
}

#[derive(Clone, Copy)]
enum Fault {
    Incomplete,
    Malformed,
}

/// How a body says where it ends.
enum Framing {
    Length(usize),
    Chunks,
    Close,
}

fn read(bytes: &[u8]) -> Result<Reading, Fault> {
    let (status, framing, body) = head(bytes)?;
    // An interim answer: the real one follows.
    if (100..200).contains(&status) && status != 101 {
        return read(body);
    }
    let (body, ended, until_close) = match framing {
        Framing::Length(length) => {
            (body[..body.len().min(length)].to_vec(), body.len() >= length, false)
        }
        Framing::Chunks => {
            let (body, ended) = unchunk(body)?;
            (body, ended, false)
        }
        Framing::Close => (body.to_vec(), false, true),
    };
    let complete = ended || body.len() >= BODY;
    let body = body[..body.len().min(BODY)].to_vec();
    Ok(Reading { answer: HttpAnswer { status, body }, complete, until_close })
}

fn head(bytes: &[u8]) -> Result<(u16, Framing, &[u8]), Fault> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Err(Fault::Incomplete),
        Err(_) => return Err(Fault::Malformed),
    };
    let status = response.code.ok_or(Fault::Malformed)?;
    let find = |name: &str| {
        let header = response.headers.iter().find(|it| it.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok().map(str::trim)
    };
    let is_chunked = find("transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().ends_with("chunked"));
    let framing = if matches!(status, 100..200 | 204 | 304) {
        Framing::Length(0)
    } else if is_chunked {
        Framing::Chunks
    } else if let Some(length) = find("content-length") {
        Framing::Length(length.parse().map_err(|_| Fault::Malformed)?)
    } else {
        Framing::Close
    };
    Ok((status, framing, &bytes[length..]))
}

/// Joins chunks, and says whether the last one is there.
fn unchunk(mut bytes: &[u8]) -> Result<(Vec<u8>, bool), Fault> {
    let mut body = Vec::new();
    while body.len() < BODY {
        let (start, size) = match httparse::parse_chunk_size(bytes) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok((body, false)),
            Err(_) => return Err(Fault::Malformed),
        };
        if size == 0 {
            return Ok((body, true));
        }
        let rest = &bytes[start..];
        let size = usize::try_from(size).map_err(|_| Fault::Malformed)?;
        body.extend_from_slice(&rest[..rest.len().min(size)]);
        let Some(next) = size.checked_add(2).and_then(|end| rest.get(end..)) else {
            return Ok((body, false));
        };
        bytes = next;
    }
    Ok((body, true))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_body_with_a_length_ends_there() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more";

        assert!(is_complete(bytes));
        assert_eq!(answer(bytes), Ok(HttpAnswer { status: 200, body: b"hello".to_vec() }));
    }

    #[test]
    fn a_body_cut_short_is_no_answer() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";

        assert!(!is_complete(bytes));
        assert_eq!(answer(bytes), Err(TRUNCATED));
    }

    #[test]
    fn chunks_are_joined() {
        let bytes =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";

        assert_eq!(answer(bytes), Ok(HttpAnswer { status: 200, body: b"abcde".to_vec() }));
        assert!(!is_complete(&bytes[..bytes.len() - 8]));
    }

    #[test]
    fn a_body_without_a_length_ends_with_the_connection() {
        let bytes = b"HTTP/1.0 503 Service Unavailable\r\n\r\nnot yet";

        assert!(!is_complete(bytes), "more may follow");
        assert_eq!(answer(bytes), Ok(HttpAnswer { status: 503, body: b"not yet".to_vec() }));
    }

    #[test]
    fn an_interim_answer_is_passed_over() {
        let bytes = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";

        assert!(is_complete(bytes));
        assert_eq!(answer(bytes), Ok(HttpAnswer { status: 204, body: Vec::new() }));
    }

    #[test]
    fn what_is_not_http_is_said_to_be_so() {
        assert_eq!(answer(b"SSH-2.0-OpenSSH_9.2\r\n"), Err(MALFORMED));
    }

    #[test]
    fn a_path_can_not_smuggle_a_header() {
        assert!(request("example.com", "/\r\nX-Evil: 1").is_none());
        assert!(request("example.com\r\nX-Evil: 1", "/").is_none());
        assert!(request("example.com", "/health?full=1").is_some());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            bytes.extend(tail);

            let _ = (is_complete(&bytes), answer(&bytes));
        }
    }
}
