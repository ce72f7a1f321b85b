//! How far into a row its limit reaches.

/// The longest UTF-8 sequence: bytes of a row are bounded by this many times
/// its characters, so that invalid bytes cannot grow it without end.
const MAX_CHAR_BYTES: usize = 4;

/// The part of a row that is known to lie within the limit. Characters are
/// counted only in rows that have more bytes than the limit has characters.
#[derive(Debug)]
pub(super) struct Reach {
    max_chars: usize,
    /// This many bytes from the row's start are within the limit.
    pub(super) bytes: usize,
    counted: usize,
    chars: usize,
}

impl Reach {
    pub(super) const fn new(max_chars: usize) -> Self {
        Self {
            max_chars,
            bytes: max_chars,
            counted: 0,
            chars: 0,
        }
    }

    /// The reach of a row that begins behind the bytes `passed`: what was
    /// counted there already is not counted again.
    pub(super) fn behind(&self, passed: &[u8]) -> Self {
        if passed.len() >= self.counted {
            return Self::new(self.max_chars);
        }
        Self {
            max_chars: self.max_chars,
            bytes: self.bytes - passed.len(),
            counted: self.counted - passed.len(),
            chars: self.chars - count_chars(passed),
        }
    }

    /// The most bytes that a row can have.
    pub(super) const fn max_bytes(max_chars: usize) -> usize {
        max_chars.saturating_mul(MAX_CHAR_BYTES)
    }

    /// Tries to reach further into `row`, which must go on behind the reach;
    /// false when the reach is the limit. Each byte is counted once.
    pub(super) fn extend(&mut self, row: &[u8]) -> bool {
        self.chars += count_chars(&row[self.counted..self.bytes]);
        self.counted = self.bytes;
        // As many bytes as characters are left hold no more than these, and
        // continuation bytes behind them add none.
        let mut next = self.bytes.saturating_add(self.max_chars - self.chars);
        if let Some(rest) = row.get(next..) {
            next += rest.iter().take_while(|b| is_continuation(**b)).count();
        }
        next = next.min(Self::max_bytes(self.max_chars));
        let further = next > self.bytes;
        self.bytes = next;
        further
    }
}

fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| !is_continuation(**b)).count()
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}
