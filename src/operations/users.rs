//! Describe, list and search users.

use super::Muster;
use super::fields::{Fields, Page};
use super::tokens::Listing;
use crate::domain::error::{Constraint, Error};
use crate::domain::ids::UserPoolId;
use crate::domain::principal::{Principal, Role};
use crate::domain::rules::username::{MAX_LENGTH, username_key};
use crate::domain::user::{User, UserFilter};
use crate::store;
use crate::store::users::Search;

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
        let (pool, key) = self.named_user(caller, user_pool_id, username).await?;
        store::users::get(&self.0.db, &pool, &key)
            .await?
            .ok_or_else(Error::user_not_found)
    }

    /// Answers the user of that name; failing one, the user who goes by it in
    /// a pool with aliases.
    ///
    /// # Errors
    /// Invalid argument, not found.
    pub async fn find_user(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        name: &str,
    ) -> Result<User, Error> {
        let (pool, key) = self.named_user(caller, user_pool_id, name).await?;
        if let Some(user) = store::users::get(&self.0.db, &pool, &key).await? {
            return Ok(user);
        }
        store::users::get_by_alias(&self.0.db, &pool, &key)
            .await?
            .ok_or_else(Error::user_not_found)
    }

    /// The pool of a request, and what the name in it is compared by.
    async fn named_user(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        username: &str,
    ) -> Result<(UserPoolId, String), Error> {
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
        let key = username_key(username, pool.schema.case_sensitive).into_owned();
        Ok((pool.user_pool_id, key))
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
        self.search_users(caller, user_pool_id, None, page).await
    }

    /// Answers a page of those users of a pool that a filter lets through, by
    /// username, and the next page's token. Usernames and e-mail addresses are
    /// compared without regard to case unless the pool is case-sensitive.
    ///
    /// # Errors
    /// Invalid argument, not found (the pool).
    pub async fn search_users(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        filter: Option<&UserFilter>,
        page: &Page,
    ) -> Result<(Vec<User>, Option<String>), Error> {
        let mut fields = Fields::default();
        let pool = fields.user_pool_id(user_pool_id);
        if let Some(pool) = &pool {
            caller.authorise(Role::Reader, pool)?;
        }
        let size = fields.page_size(page.size);
        if filter.is_some_and(|f| f.value.contains('\0')) {
            let rule = Constraint::Other("holds a NUL character".into());
            fields.refuse("filter", None, rule);
        }
        let pool = fields.finish_with(pool)?;
        let pool = self.pool(caller, Role::Reader, &pool).await?;
        let (pool, case_sensitive) = (pool.user_pool_id, pool.schema.case_sensitive);
        // A token is good for the filter that it was answered with.
        let mut name = vec!["users", pool.as_str()];
        if let Some(filter) = filter {
            name.extend([
                filter.attribute.as_str(),
                filter.comparison.as_str(),
                &filter.value,
            ]);
        }
        let listing = Listing {
            key: &self.0.key,
            name: &name,
            size,
            token: page.token.as_deref(),
        };
        let after: String = listing.after()?.unwrap_or_default();
        let limit = listing.limit();
        let users = match filter {
            None => store::users::list(&self.0.db, &pool, &after, limit).await?,
            Some(filter) => {
                let search = Search::new(filter, case_sensitive);
                store::users::search(&self.0.db, &pool, &search, &after, limit).await?
            }
        };
        let (users, next) = listing.page(users, |u| u.username_key.clone())?;
        Ok((users.into_iter().map(|u| u.user).collect(), next))
    }
}
