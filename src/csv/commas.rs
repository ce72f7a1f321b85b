//! The commas of a row.

/// Bytes that are looked at together.
const BLOCK: usize = 64;
/// Places that are noted at once, whether there are as many or not.
const AT_ONCE: usize = 8;

/// The places of a row's commas. They are so close together that a search
/// which begins anew behind each costs more than the bytes do, and so does a
/// branch that depends on where they are: each block becomes a word with a bit
/// for each byte, and places are taken off it eight at a time.
#[derive(Debug, Default)]
pub(super) struct Commas {
    /// Only the first `count` mean something.
    places: Vec<u32>,
    count: usize,
}

impl Commas {
    /// Finds those of a row; those of the last one are forgotten.
    pub(super) fn find(&mut self, row: &[u8]) {
        self.count = 0;
        let room = row.len() + AT_ONCE;
        if self.places.len() < room {
            self.places.resize(room, 0);
        }
        let (blocks, rest) = row.as_chunks();
        let mut at = 0;
        for block in blocks {
            self.note(at, commas_in(block));
            at += BLOCK as u32;
        }
        let mut last = [0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        self.note(at, commas_in(&last));
    }

    /// Adds those of the block at `at`.
    fn note(&mut self, at: u32, mut bits: u64) {
        let mut end = self.count;
        self.count += bits.count_ones() as usize;
        while end < self.count {
            let Some(places) = self.places[end..].first_chunk_mut::<AT_ONCE>() else {
                // Never: there are no more commas than bytes.
                return;
            };
            for place in places {
                *place = at + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
            end += AT_ONCE;
        }
    }

    /// The places, in order.
    pub(super) fn places(&self) -> &[u32] {
        &self.places[..self.count]
    }
}

/// A bit for each byte that is a comma; the lowest for the first.
fn commas_in(block: &[u8; BLOCK]) -> u64 {
    let (words, _) = block.as_chunks();
    words.iter().rev().fold(0, |bits, word| {
        let found = commas_of_word(u64::from_le_bytes(*word)) >> 7;
        // Brings the eight lowest bits of bytes together in the highest byte.
        bits << 8 | found.wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

/// The highest bit of each byte that is a comma. No carry goes from one byte
/// to the next, so that none is taken for a comma because of its neighbour.
const fn commas_of_word(word: u64) -> u64 {
    let low = u64::from_ne_bytes([0x7f; 8]);
    let zero_where_comma = word ^ u64::from_ne_bytes([b','; 8]);
    !(((zero_where_comma & low) + low) | zero_where_comma | low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_by_one(row: &[u8]) -> Vec<u32> {
        (0..)
            .zip(row)
            .filter(|b| *b.1 == b',')
            .map(|b| b.0)
            .collect()
    }

    #[test]
    fn every_byte_beside_a_comma_is_told_from_one() {
        let mut commas = Commas::default();
        for byte in 0..=u8::MAX {
            for place in 0..9 {
                let mut row = [byte; 9];
                row[place] = b',';
                commas.find(&row);
                assert_eq!(commas.places(), one_by_one(&row), "{row:?}");
            }
        }
    }

    #[test]
    fn rows_of_any_length_may_be_commas_throughout() {
        let mut commas = Commas::default();
        for len in (0..200).chain([70_000, 3]) {
            let row = vec![b','; len];
            commas.find(&row);
            assert_eq!(commas.places(), one_by_one(&row));
        }
    }

    proptest! {
        #[test]
        fn the_places_are_those_of_a_search_byte_by_byte(
            rows in prop::collection::vec(
                prop::collection::vec(prop_oneof![Just(b','), Just(b'-'), any::<u8>()], 0..200),
                1..4,
            ),
        ) {
            let mut commas = Commas::default();
            for row in rows {
                commas.find(&row);
                prop_assert_eq!(commas.places(), one_by_one(&row));
            }
        }
    }
}
