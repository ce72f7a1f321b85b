//! The messages of PostgreSQL's protocol, as far as it takes to see where one
//! ends.

/// One message.
#[derive(Debug)]
pub struct Frame {
    /// Its type; 0 for the first of a connection, which has none.
    pub kind: u8,
    /// All of it.
    pub bytes: Vec<u8>,
}

impl Frame {
    /// What comes after type and length.
    pub fn body(&self) -> &[u8] {
        let head = if self.kind == 0 { 4 } else { 5 };
        &self.bytes[head..]
    }

    /// The strings at the beginning of the body, each ended by a zero.
    pub fn strings(&self) -> impl Iterator<Item = String> {
        let strings = self.body().split(|b| *b == 0);
        strings.map(|s| String::from_utf8_lossy(s).into_owned())
    }
}

/// Cuts what arrives into messages.
#[derive(Debug)]
pub struct Frames {
    buffer: Vec<u8>,
    typed: bool,
}

impl Frames {
    /// What a client sends.
    pub fn of_client() -> Self {
        Self {
            buffer: Vec::new(),
            typed: false,
        }
    }

    /// What the server sends.
    pub fn of_server() -> Self {
        Self {
            buffer: Vec::new(),
            typed: true,
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub fn next(&mut self) -> Option<Frame> {
        let head = usize::from(self.typed);
        let length: [u8; 4] = self.buffer.get(head..head + 4)?.try_into().ok()?;
        let end = head + u32::from_be_bytes(length) as usize;
        if self.buffer.len() < end {
            return None;
        }
        let kind = if self.typed { self.buffer[0] } else { 0 };
        self.typed = true;
        let rest = self.buffer.split_off(end);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        Some(Frame { kind, bytes })
    }
}

#[test]
fn messages_are_found_however_they_arrive() {
    let mut frames = Frames::of_client();
    let sent = b"\0\0\0\x08abcdQ\0\0\0\x0bBEGIN;\0S\0\0\0\x04";
    let mut found = Vec::new();
    for byte in sent {
        frames.push(&[*byte]);
        found.extend(frames.next());
    }
    let kinds: Vec<u8> = found.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [0, b'Q', b'S']);
    assert_eq!(found[0].body(), b"abcd");
    assert_eq!(found[1].strings().next().as_deref(), Some("BEGIN;"));
    assert!(found[2].body().is_empty());
}
