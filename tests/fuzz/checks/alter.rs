//! Alterations that an input asks for.

/// Another text in the place of a good one: with a byte more, a byte less,
/// another byte, or two bytes swapped. The first byte says which, the next two
/// where, the last what. The result may be the same text.
pub fn bytes(good: &[u8], [how, high, low, what]: [u8; 4]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let at = usize::from(u16::from_be_bytes([high, low]));
    if bytes.is_empty() {
        return vec![what];
    }
    let at = at % bytes.len();
    match how % 5 {
        0 => bytes[at] = what,
        1 => bytes[at] ^= 1 << (what % 8),
        2 => bytes.insert(at, what),
        3 => drop(bytes.remove(at)),
        _ => {
            let other = usize::from(what) % bytes.len();
            bytes.swap(at, other);
        }
    }
    bytes
}
