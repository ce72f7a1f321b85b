//! Every RPC refuses whoever may not call it. One that is added to `proto/`
//! without a case here makes this fail.

use std::collections::BTreeSet;

use muster::api::v1::*;
use muster::domain::principal::Role;
use muster::operations::callers::Callers;
use prost::Message as _;
use prost_reflect::DescriptorPool;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::raw::{call, frame};
use super::{Options, TestServer, ids, tokens};

/// What a caller with enough rights in another pool alone is told.
#[derive(Clone, Copy, PartialEq)]
enum Stranger {
    /// That there is no such pool.
    NotFound,
    /// That it may not.
    Denied,
    /// Its own pools alone.
    OwnOnly,
}

struct Case {
    method: &'static str,
    role: Role,
    stranger: Stranger,
    /// The message, for a pool and a CREATED job in it.
    message: fn(String, String) -> Vec<u8>,
}

const fn case(
    method: &'static str,
    role: Role,
    stranger: Stranger,
    message: fn(String, String) -> Vec<u8>,
) -> Case {
    Case {
        method,
        role,
        stranger,
        message,
    }
}

/// Messages that are alike: a pool and a job, or a pool.
macro_rules! message {
    ($name:ident { pool, job $(, $field:ident: $value:expr)* }) => {
        |user_pool_id, job_id| {
            $name { user_pool_id, job_id $(, $field: $value)*, ..Default::default() }.encode_to_vec()
        }
    };
    ($name:ident { pool $(, $field:ident: $value:expr)* }) => {
        |user_pool_id, _| {
            $name { user_pool_id $(, $field: $value)*, ..Default::default() }.encode_to_vec()
        }
    };
    ($name:ident { $($field:ident: $value:expr),* }) => {
        |_, _| $name { $($field: $value,)* ..Default::default() }.encode_to_vec()
    };
}

#[rustfmt::skip]
#[expect(clippy::needless_update, reason = "one macro for all messages")]
const CASES: &[Case] = &[
    case("muster.v1.UserImportService/CreateUserImportJob", Role::Operator, Stranger::NotFound, message!(CreateUserImportJobRequest { pool, job_name: "n".into() })),
    case("muster.v1.UserImportService/DescribeUserImportJob", Role::Reader, Stranger::NotFound, message!(DescribeUserImportJobRequest { pool, job })),
    case("muster.v1.UserImportService/ListUserImportJobs", Role::Reader, Stranger::NotFound, message!(ListUserImportJobsRequest { pool })),
    case("muster.v1.UserImportService/StartUserImportJob", Role::Operator, Stranger::NotFound, message!(StartUserImportJobRequest { pool, job })),
    case("muster.v1.UserImportService/StopUserImportJob", Role::Operator, Stranger::NotFound, message!(StopUserImportJobRequest { pool, job })),
    case("muster.v1.UserImportService/DeleteUserImportJob", Role::Operator, Stranger::NotFound, message!(DeleteUserImportJobRequest { pool, job })),
    case("muster.v1.UserImportService/WatchUserImportJob", Role::Reader, Stranger::NotFound, message!(WatchUserImportJobRequest { pool, job })),
    case("muster.v1.UserImportService/GetCsvHeader", Role::Reader, Stranger::NotFound, message!(GetCsvHeaderRequest { pool })),
    case("muster.v1.UserImportService/ListRejectedRows", Role::Reader, Stranger::NotFound, message!(ListRejectedRowsRequest { pool, job })),
    case("muster.v1.UserPoolService/CreateUserPool", Role::Admin, Stranger::Denied, message!(CreateUserPoolRequest { pool_name: "n".into() })),
    case("muster.v1.UserPoolService/DescribeUserPool", Role::Reader, Stranger::NotFound, message!(DescribeUserPoolRequest { pool })),
    case("muster.v1.UserPoolService/ListUserPools", Role::Reader, Stranger::OwnOnly, message!(ListUserPoolsRequest { page_size: 60 })),
    case("muster.v1.UserPoolService/DeleteUserPool", Role::Admin, Stranger::NotFound, message!(DeleteUserPoolRequest { pool })),
    case("muster.v1.UserService/DescribeUser", Role::Reader, Stranger::NotFound, message!(DescribeUserRequest { pool, username: "nobody".into() })),
    case("muster.v1.UserService/ListUsers", Role::Reader, Stranger::NotFound, message!(ListUsersRequest { pool })),
];

fn methods() -> BTreeSet<String> {
    let pool = DescriptorPool::decode(muster::api::FILE_DESCRIPTOR_SET).expect("descriptors");
    pool.services()
        .flat_map(|service| {
            let name = service.full_name().to_owned();
            let methods: Vec<_> = service.methods().collect();
            methods
                .into_iter()
                .map(move |m| format!("{name}/{}", m.name()))
        })
        .collect()
}

#[test]
fn every_rpc_has_a_case() {
    let cases: BTreeSet<String> = CASES.iter().map(|c| c.method.to_owned()).collect();
    assert_eq!(cases.len(), CASES.len(), "a method has two cases");
    assert_eq!(methods(), cases);
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map_or_else(String::new, |i| i.reason.clone())
}

/// A token for each role in the pool `*`, and one for another pool.
const ROLES: [(Role, &str); 3] = [
    (Role::Reader, "the reader's token"),
    (Role::Operator, "the operator's token"),
    (Role::Admin, "the admin's token"),
];
const STRANGER: &str = "the stranger's token";

#[tokio::test]
async fn every_rpc_refuses_whom_it_must() {
    let server = TestServer::with(Options {
        callers: Callers::from_tokens(r#"{"tokens": []}"#).expect("a tokens file"),
        ..Options::default()
    })
    .await;
    let other = server.pool().await;
    let mut entries: Vec<_> = ROLES
        .map(|(role, token)| (token, role.as_str(), "*"))
        .into();
    entries.push((STRANGER, "admin", &other));
    server.callers.replace(&tokens(&entries)).expect("tokens");

    for case in CASES {
        let (job, _) = server.open_job().await;
        let (pool, id) = ids(&job);
        let body = frame(&(case.message)(pool.clone(), id));
        let calling = async |authorization: &str| {
            let mut headers = vec![("grpc-timeout", "300m")];
            if !authorization.is_empty() {
                headers.push(("authorization", authorization));
            }
            call(server.grpc, case.method, &headers, body.clone()).await
        };
        for nobody in ["", "Bearer unknown", "Basic abc", "nonsense"] {
            let answer = calling(nobody).await;
            assert_eq!(
                answer.status.code(),
                Code::Unauthenticated,
                "{}",
                case.method
            );
            assert_eq!(reason(&answer.status), "UNAUTHENTICATED");
        }

        let answer = calling(&format!("Bearer {STRANGER}")).await;
        match case.stranger {
            Stranger::NotFound => {
                assert_eq!(answer.status.code(), Code::NotFound, "{}", case.method);
                assert_eq!(reason(&answer.status), "USER_POOL_NOT_FOUND");
            }
            Stranger::Denied => {
                assert_eq!(
                    answer.status.code(),
                    Code::PermissionDenied,
                    "{}",
                    case.method
                );
            }
            Stranger::OwnOnly => {
                let listed = ListUserPoolsResponse::decode(&*answer.messages[0]).expect("pools");
                let ids: Vec<_> = listed.user_pools.iter().map(|p| &p.user_pool_id).collect();
                assert_eq!(ids, [&other], "{}", case.method);
            }
        }

        // Lesser roles first: a call that is let in may change things.
        for (role, token) in ROLES {
            let answer = calling(&format!("Bearer {token}")).await;
            let code = answer.status.code();
            if role < case.role {
                assert_eq!(code, Code::PermissionDenied, "{} by {role:?}", case.method);
                assert_eq!(reason(&answer.status), "PERMISSION_DENIED");
            } else if role == case.role {
                let let_in = !matches!(code, Code::Unauthenticated | Code::PermissionDenied)
                    && reason(&answer.status) != "USER_POOL_NOT_FOUND";
                assert!(let_in, "{} by {role:?}: {:?}", case.method, answer.status);
            }
        }
    }
}

#[tokio::test]
async fn a_reader_is_shown_no_upload_url() {
    let server = TestServer::with(Options {
        callers: Callers::from_tokens(&tokens(&[("r", "reader", "*"), ("o", "operator", "*")]))
            .expect("a tokens file"),
        ..Options::default()
    })
    .await;
    let (job, _) = server.open_job().await;
    let (user_pool_id, job_id) = ids(&job);
    let request = DescribeUserImportJobRequest {
        user_pool_id,
        job_id,
    };
    let mut imports = server.imports().await;
    for (token, shown) in [("r", false), ("o", true)] {
        let answer = imports
            .describe_user_import_job(super::bearing(token, request.clone()))
            .await
            .expect("the job");
        let job = answer.into_inner().user_import_job.expect("the job");
        assert_eq!(!job.pre_signed_url.is_empty(), shown, "{token}");
    }
}
