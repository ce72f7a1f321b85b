//! Users.

use super::{cell, enum_name, fields, number, rendered, table};
use crate::api::v1::User;
use crate::cli::text::time;

/// Users, a line each.
#[must_use]
pub fn users(users: &[User]) -> String {
    let mut table = table(&["USERNAME", "STATUS", "CREATED", "JOB ID", "LINE"]);
    for user in users {
        table.add_row([
            cell(&user.username),
            cell(user_status(user)),
            cell(&time(user.user_create_date)),
            cell(&user.import_job_id),
            number(user.import_line),
        ]);
    }
    rendered(&table)
}

/// One user, a line for each field and attribute that has a value.
#[must_use]
pub fn user(user: &User) -> String {
    let mut lines = vec![
        ("username", user.username.clone()),
        ("sub", user.sub.clone()),
        ("status", user_status(user).to_owned()),
        ("enabled", user.enabled.to_string()),
        ("created", time(user.user_create_date)),
        ("job id", user.import_job_id.clone()),
        ("line", user.import_line.to_string()),
    ];
    let mut attributes: Vec<_> = user.attributes.iter().collect();
    attributes.sort();
    lines.extend(
        attributes
            .into_iter()
            .map(|(name, value)| (name.as_str(), value.clone())),
    );
    fields(&lines)
}

fn user_status(user: &User) -> &'static str {
    enum_name(user.user_status().as_str_name(), "USER_STATUS_")
}
