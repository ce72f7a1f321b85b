//! The embedded PostgreSQL against the installed programs.

use crate::support::cluster::database;

#[tokio::test]
async fn test_databases_do_not_see_each_other() {
    use sqlx::Connection as _;
    let (one, other) = (database(), database());
    assert_ne!(one.url(), other.url());
    let mut one = sqlx::PgConnection::connect(one.url()).await.expect("one");
    let mut other = sqlx::PgConnection::connect(other.url())
        .await
        .expect("other");
    sqlx::raw_sql("CREATE TABLE mine (a int)")
        .execute(&mut one)
        .await
        .expect("a table");
    let seen: Option<String> = sqlx::query_scalar("SELECT to_regclass('mine')::text")
        .fetch_one(&mut other)
        .await
        .expect("a look");
    assert_eq!(seen, None);
}
