//! A request as an input writes it: a first line, headers, a blank line, and
//! the body.

use axum::http::{HeaderName, HeaderValue};

/// The most bytes of headers: with more, the transports refuse to read on.
const MAX_HEAD: usize = 4096;

/// A request, taken apart.
pub struct Written<'a> {
    pub first: &'a str,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: &'a [u8],
}

impl<'a> Written<'a> {
    /// `None` for what is none. Lines that are no header are passed over, and
    /// so are headers that belong to the connection.
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let end = data.windows(2).position(|two| two == b"\n\n");
        let (head, body) = match end {
            Some(end) => (&data[..end], &data[end + 2..]),
            None => (data, &[][..]),
        };
        if head.len() > MAX_HEAD {
            return None;
        }
        let mut lines = head.split(|b| *b == b'\n');
        let first = std::str::from_utf8(lines.next()?).ok()?;
        let headers = lines.filter_map(header).collect();
        Some(Self {
            first,
            headers,
            body,
        })
    }

    /// The last value of a header.
    pub fn header(&self, name: &str) -> Option<&HeaderValue> {
        let mut headers = self.headers.iter().rev();
        headers.find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    const OF_THE_CONNECTION: [&str; 6] = [
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ];
    let colon = line.iter().position(|b| *b == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = line[colon + 1..].trim_ascii();
    let value = HeaderValue::from_bytes(value).ok()?;
    (!OF_THE_CONNECTION.contains(&name.as_str())).then_some((name, value))
}
