//! The settings that a cluster is started with.

use std::path::Path;

use super::Options;

/// Rows hold personal data, so no statement, no parameter and no `DETAIL`
/// (which quotes the offending key) may reach the log. The server's own ups
/// and downs are still written; errors are told to the client alone.
const QUIET: &[(&str, &str)] = &[
    ("log_statement", "none"),
    ("log_min_duration_statement", "-1"),
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
    ("log_error_verbosity", "terse"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
];

const COMMON: &[(&str, &str)] = &[
    ("cluster_name", "muster"),
    ("TimeZone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    ("password_encryption", "scram-sha-256"),
    ("unix_socket_permissions", "0700"),
    // Compiling muster's short statements costs more than it saves.
    ("jit", "off"),
];

/// Bulk loads write much WAL: with the default of 1 GB checkpoints would
/// follow one another, each making every page be written in full again.
const DURABLE: &[(&str, &str)] = &[
    // The keys of 5,000,000 users; touched only as far as it is used.
    ("shared_buffers", "512MB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "15min"),
    // A commit waits for less when the log was written out meanwhile.
    ("wal_buffers", "32MB"),
    ("wal_writer_delay", "10ms"),
];

/// The promise of a durable cluster, beyond the reach of other settings.
const PROMISE: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
];

const THROWAWAY: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("checkpoint_timeout", "1h"),
    ("max_wal_size", "1GB"),
];

/// Name and value of every setting, a later one winning over an earlier one.
/// `port` is that of the TCP listener, `None` for the socket alone.
pub(super) fn settings(
    options: &Options,
    port: Option<u16>,
    socket_dir: &Path,
) -> Vec<(String, String)> {
    let (first, last) = if options.durable {
        (DURABLE, PROMISE)
    } else {
        (THROWAWAY, &[][..])
    };
    let listen = if port.is_some() { "127.0.0.1" } else { "" };
    let place = [
        ("listen_addresses", listen.to_owned()),
        // It names the socket's file even where there is no TCP.
        ("port", port.unwrap_or(SOCKET_PORT).to_string()),
        ("unix_socket_directories", list_item(socket_dir)),
    ];
    [QUIET, COMMON, first]
        .concat()
        .iter()
        .map(owned)
        .chain(options.settings.iter().cloned())
        .chain(last.iter().map(owned))
        .chain(place.map(|(name, value)| (name.to_owned(), value)))
        .collect()
}

/// The number in the name of a socket that is alone in its folder.
pub(super) const SOCKET_PORT: u16 = 5432;

fn owned((name, value): &(&str, &str)) -> (String, String) {
    ((*name).to_owned(), (*value).to_owned())
}

/// The setting is a list: a comma or a space in the path must not split it.
fn list_item(dir: &Path) -> String {
    format!("\"{}\"", dir.display().to_string().replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(options: &Options, name: &str) -> Option<String> {
        settings(options, Some(5000), Path::new("/run"))
            .into_iter()
            .rfind(|(n, _)| n == name)
            .map(|(_, value)| value)
    }

    #[test]
    fn no_setting_makes_a_durable_cluster_forgetful() {
        let mut options = Options::durable("/data");
        options.settings = vec![
            ("fsync".to_owned(), "off".to_owned()),
            ("work_mem".to_owned(), "64MB".to_owned()),
        ];
        assert_eq!(last(&options, "fsync").as_deref(), Some("on"));
        assert_eq!(last(&options, "work_mem").as_deref(), Some("64MB"));
    }

    #[test]
    fn a_throwaway_cluster_does_not_flush() {
        let options = Options::throwaway("/data");
        assert_eq!(last(&options, "fsync").as_deref(), Some("off"));
    }
}
