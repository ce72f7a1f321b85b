//! `muster.v1.UserService`.

use tonic::{Request, Response, Status};

use super::call::open;
use super::convert::{page, token, user};
use crate::api::v1::user_service_server::UserService;
use crate::api::v1::{
    DescribeUserRequest, DescribeUserResponse, ListUsersRequest, ListUsersResponse,
};
use crate::operations::Muster;

/// The service.
#[derive(Debug)]
pub(super) struct Users(pub(super) Muster);

#[tonic::async_trait]
impl UserService for Users {
    async fn describe_user(
        &self,
        request: Request<DescribeUserRequest>,
    ) -> Result<Response<DescribeUserResponse>, Status> {
        let (call, r) = open(request)?;
        let found = self
            .0
            .describe_user(&call.caller, &r.user_pool_id, &r.username)
            .await;
        call.answer(found, |found| DescribeUserResponse {
            user: Some(user::user(found)),
        })
    }

    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        let (call, r) = open(request)?;
        let page = page(r.page_size, r.page_token);
        let found = self
            .0
            .list_users(&call.caller, &r.user_pool_id, &page)
            .await;
        call.answer(found, |(users, next)| ListUsersResponse {
            users: users.into_iter().map(user::user).collect(),
            next_page_token: token(next),
        })
    }
}
