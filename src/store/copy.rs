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

/// Rows for one COPY.
#[derive(Debug, Default)]
pub(super) struct CopyRows(Vec<u8>);

impl CopyRows {
    /// Begins a row of so many columns; their values follow.
    pub(super) fn row(&mut self, columns: i16) {
        if self.0.is_empty() {
            self.0.extend_from_slice(HEADER);
        }
        self.0.extend_from_slice(&columns.to_be_bytes());
    }

    /// Adds a value to the row.
    pub(super) fn value(&mut self, value: impl AsRef<[u8]>) {
        put(&mut self.0, value.as_ref());
    }

    /// Adds a value or NULL to the row.
    pub(super) fn maybe<V: AsRef<[u8]>>(&mut self, value: Option<V>) {
        put_maybe(&mut self.0, value);
    }

    /// All that COPY takes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&TRAILER);
        self.0
    }
}
