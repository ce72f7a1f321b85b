//! Decisions out of the bytes that proptest makes. Fewer bytes, and smaller
//! ones, mean simpler inputs: so what it finds shrinks.

/// Where decisions come from. Without bytes the first choice is taken.
pub struct Chance<'a>(pub &'a [u8]);

impl Chance<'_> {
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// Below `n`, of at most 256.
    pub fn below(&mut self, n: usize) -> usize {
        (usize::from(self.byte()) * n) >> 8
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// Whether there is anything left to decide.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// A few bytes as they come.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.byte()).collect()
    }

    /// A text over and over, behind a character that moves it off even places.
    pub fn long(&mut self, text: &str) -> String {
        let times = usize::from(self.byte()) * 8;
        let first = if self.one_in(2) { "x" } else { "" };
        format!("{first}{}", text.repeat(times))
    }

    /// Bytes with a few of them changed, once in a while.
    pub fn damaged(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if !self.one_in(6) {
            return bytes;
        }
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(4) {
                0 => bytes.truncate(bytes.len() - at),
                1 => bytes.insert(at.min(bytes.len()), self.byte()),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                3 if at < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bytes
    }
}
