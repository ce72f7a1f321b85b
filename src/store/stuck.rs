//! Sessions that hold locks and wait for a client that stands still.
//!
//! PostgreSQL looks at its timeouts between the messages of a client. In the
//! midst of a COPY it waits for the next piece without a look at them
//! (`ProcessClientReadInterrupt` in its source), and a client that was stopped,
//! by SIGSTOP or a frozen container, still answers keepalives. Its batch would
//! hold its lane for as long as it stands still.

use super::Database;
use crate::domain::error::Error;

impl Database {
    /// Ends the sessions of this role whose COPY has waited for its client past
    /// the time of a statement: the timeout has run out for them, and would end
    /// them with the next piece in any case. Answers how many.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn end_stuck(&self) -> Result<u64, Error> {
        // Materialised, so that no session is ended before it is looked at. By
        // the clock that query_start goes by, whatever a search_path says.
        let ended = sqlx::query_scalar!(
            r#"WITH stuck AS MATERIALIZED (
                 SELECT pid FROM pg_stat_activity
                 WHERE datname = current_database() AND usename = current_user
                   AND state = 'active' AND wait_event = 'ClientRead'
                   AND query_start < pg_catalog.clock_timestamp() - make_interval(secs => $1))
             SELECT count(*) AS "ended!" FROM stuck WHERE pg_terminate_backend(pid)"#,
            self.settings.statement_timeout.as_secs_f64()
        )
        .fetch_one(&self.pool)
        .await?;
        super::unsigned(ended)
    }
}
