//! The format of binary COPY (PostgreSQL's documentation of COPY, "Binary
//! Format"): a header, rows of a count and values, a trailer.

/// What the data begins with: signature, no flags, no extension.
pub(super) const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(super) const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Appends a value.
pub(super) fn put(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&(value.len() as u32).to_be_bytes());
    bytes.extend_from_slice(value);
}

/// Appends a value, or NULL.
pub(super) fn put_maybe<V: AsRef<[u8]>>(bytes: &mut Vec<u8>, value: Option<V>) {
    match value {
        Some(value) => put(bytes, value.as_ref()),
        None => bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}
