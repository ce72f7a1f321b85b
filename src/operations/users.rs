//! Describe and list users.

use super::fields::{Fields, Page};
use super::{Muster, tokens};
use crate::domain::error::{Constraint, Error};
use crate::domain::principal::{Principal, Role};
use crate::domain::rules::username::{MAX_LENGTH, username_key};
use crate::domain::user::User;
use crate::store;

impl Muster {
    /// Answers one user.
    ///
    /// # Errors
    /// Invalid argument, not found.
    pub async fn describe_user(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        username: &str,
    ) -> Result<User, Error> {
        let mut fields = Fields::default();
        let pool = fields.user_pool_id(user_pool_id);
        if let Some(pool) = &pool {
            caller.authorise(Role::Reader, pool)?;
        }
        // The value is not echoed: it may be an e-mail address.
        if username.is_empty() {
            fields.refuse("username", None, Constraint::Required);
        } else if username.chars().count() > MAX_LENGTH {
            fields.refuse("username", None, Constraint::MaxLength(MAX_LENGTH));
        } else if username.contains('\0') {
            fields.refuse(
                "username",
                None,
                Constraint::Other("holds a NUL character".into()),
            );
        }
        let pool = fields.finish_with(pool)?;
        let pool = self.pool(caller, Role::Reader, &pool).await?;
        let key = username_key(username, pool.schema.case_sensitive);
        store::users::get(&self.0.db, &pool.user_pool_id, &key)
            .await?
            .ok_or_else(Error::user_not_found)
    }

    /// Answers a page of a pool's users by username, and the next page's token.
    ///
    /// # Errors
    /// Invalid argument, not found (the pool).
    pub async fn list_users(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        page: &Page,
    ) -> Result<(Vec<User>, Option<String>), Error> {
        let mut fields = Fields::default();
        let pool = fields.user_pool_id(user_pool_id);
        if let Some(pool) = &pool {
            caller.authorise(Role::Reader, pool)?;
        }
        let size = fields.page_size(page.size);
        let pool = fields.finish_with(pool)?;
        self.pool(caller, Role::Reader, &pool).await?;
        let listing = ["users", pool.as_str()];
        let after: Option<String> = page
            .token
            .as_deref()
            .map(|t| tokens::open(&self.0.key, &listing, t))
            .transpose()?;
        let after = after.unwrap_or_default();
        let mut users = store::users::list(&self.0.db, &pool, &after, size as i64 + 1).await?;
        let next = if users.len() > size {
            users.truncate(size);
            users
                .last()
                .map(|u| tokens::seal(&self.0.key, &listing, &u.username_key))
                .transpose()?
        } else {
            None
        };
        Ok((users.into_iter().map(|u| u.user).collect(), next))
    }
}
