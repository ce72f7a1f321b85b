//! The fields of a row as the contract has them ("The CSV file", "Fields"),
//! one character at a time, and written without a look at the room `csv`.

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// In a field that began with something else than a quote.
    Unquoted,
    Quoted,
    /// Behind a quote in a quoted field: its end, or the first of two.
    QuoteInQuoted,
    /// Behind the closing quote.
    Closed,
}

/// The values of a row without its line ending.
pub fn values(row: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut state = None;
    let mut before = None;
    // How many characters at the field's end are a value's for sure, so that
    // no space among them is dropped.
    let mut kept = 0;
    for c in row.chars() {
        let field = fields.last_mut().expect("a field");
        let now = match (state, c) {
            (None, '"') => State::Quoted,
            (None, _) => State::Unquoted,
            (Some(State::Quoted), '"') => State::QuoteInQuoted,
            (Some(State::QuoteInQuoted), '"') => State::Quoted,
            (Some(State::QuoteInQuoted), _) => State::Closed,
            (Some(state), _) => state,
        };
        let literal = match now {
            State::Quoted => state == Some(State::Quoted) || state == Some(State::QuoteInQuoted),
            State::QuoteInQuoted => false,
            State::Unquoted | State::Closed => {
                if c == ',' && before != Some('\\') {
                    if now == State::Unquoted {
                        trim(field, kept);
                    }
                    fields.push(String::new());
                    (state, before, kept) = (None, Some(c), 0);
                    continue;
                }
                if c == ',' {
                    // The backslash that made it literal was none itself.
                    field.pop();
                }
                true
            }
        };
        if literal {
            field.push(c);
        }
        if c == ',' && matches!(now, State::Unquoted) {
            kept = field.len();
        }
        state = Some(now);
        before = Some(c);
    }
    if state == Some(State::Unquoted) {
        trim(fields.last_mut().expect("a field"), kept);
    }
    fields
}

/// Drops the spaces around an unquoted value.
fn trim(field: &mut String, kept: usize) {
    while field.len() > kept && field.ends_with(' ') {
        field.pop();
    }
    let leading = field.len() - field.trim_start_matches(' ').len();
    field.drain(..leading);
}
