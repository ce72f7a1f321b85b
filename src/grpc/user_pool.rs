//! `muster.v1.UserPoolService`.

use tonic::{Request, Response, Status};

use super::call::open;
use super::convert::{page, pool, token};
use crate::api::v1::user_pool_service_server::UserPoolService;
use crate::api::v1::{
    CreateUserPoolRequest, CreateUserPoolResponse, DeleteUserPoolRequest, DeleteUserPoolResponse,
    DescribeUserPoolRequest, DescribeUserPoolResponse, ListUserPoolsRequest, ListUserPoolsResponse,
};
use crate::operations::Muster;

/// The service.
#[derive(Debug)]
pub(super) struct UserPools(pub(super) Muster);

#[tonic::async_trait]
impl UserPoolService for UserPools {
    async fn create_user_pool(
        &self,
        request: Request<CreateUserPoolRequest>,
    ) -> Result<Response<CreateUserPoolResponse>, Status> {
        let (call, r) = open(request)?;
        let made = match pool::create_pool(r) {
            Ok(request) => self.0.create_pool(&call.caller, request).await,
            Err(error) => Err(error),
        };
        call.answer(made, |made| CreateUserPoolResponse {
            user_pool: Some(pool::pool(made)),
        })
    }

    async fn describe_user_pool(
        &self,
        request: Request<DescribeUserPoolRequest>,
    ) -> Result<Response<DescribeUserPoolResponse>, Status> {
        let (call, r) = open(request)?;
        let found = self.0.describe_pool(&call.caller, &r.user_pool_id).await;
        call.answer(found, |found| DescribeUserPoolResponse {
            user_pool: Some(pool::pool(found)),
        })
    }

    async fn list_user_pools(
        &self,
        request: Request<ListUserPoolsRequest>,
    ) -> Result<Response<ListUserPoolsResponse>, Status> {
        let (call, r) = open(request)?;
        let page = page(r.page_size, r.page_token);
        let found = self.0.list_pools(&call.caller, &page).await;
        call.answer(found, |(pools, next)| ListUserPoolsResponse {
            user_pools: pools.into_iter().map(pool::pool).collect(),
            next_page_token: token(next),
        })
    }

    async fn delete_user_pool(
        &self,
        request: Request<DeleteUserPoolRequest>,
    ) -> Result<Response<DeleteUserPoolResponse>, Status> {
        let (call, r) = open(request)?;
        let deleted = self.0.delete_pool(&call.caller, &r.user_pool_id).await;
        call.answer(deleted, |()| DeleteUserPoolResponse {})
    }
}
