//! The demo's own calls: a pool to import into, and what came of it.

use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use crate::api::v1::user_import_service_client::UserImportServiceClient;
use crate::api::v1::user_pool_service_client::UserPoolServiceClient;
use crate::api::v1::{
    CreateUserPoolRequest, ListRejectedRowsRequest, ListUserImportJobsRequest, RejectedRow,
    UserImportJob,
};

/// A connection to the demo's server.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    channel: Channel,
}

impl Rehearsal {
    /// Connects to a gRPC address.
    pub async fn connect(address: std::net::SocketAddr) -> Result<Self, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
        Ok(Self {
            channel: endpoint.connect().await?,
        })
    }

    /// Makes a pool that auto-verifies `email`, and answers its id.
    pub async fn create_pool(&self) -> Result<String, Status> {
        let request = CreateUserPoolRequest {
            pool_name: "demo".to_owned(),
            auto_verified_attributes: vec!["email".to_owned()],
            ..Default::default()
        };
        let answer = UserPoolServiceClient::new(self.channel.clone())
            .create_user_pool(request)
            .await?
            .into_inner();
        Ok(answer.user_pool.unwrap_or_default().user_pool_id)
    }

    /// The newest job of a pool, and every row that it rejected.
    pub async fn result(&self, pool: &str) -> Result<(UserImportJob, Vec<RejectedRow>), Status> {
        let mut client = UserImportServiceClient::new(self.channel.clone());
        let request = ListUserImportJobsRequest {
            user_pool_id: pool.to_owned(),
            page_size: 1,
            page_token: String::new(),
        };
        let jobs = client.list_user_import_jobs(request).await?.into_inner();
        let job = jobs
            .user_import_jobs
            .into_iter()
            .next()
            .ok_or_else(|| Status::not_found("the pool has no job"))?;
        let mut rows = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListRejectedRowsRequest {
                user_pool_id: pool.to_owned(),
                job_id: job.job_id.clone(),
                page_size: 0,
                page_token,
            };
            let page = client.list_rejected_rows(request).await?.into_inner();
            rows.extend(page.rejected_rows);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok((job, rows));
            }
        }
    }
}
