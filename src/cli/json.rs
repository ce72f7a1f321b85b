//! Messages as proto3 JSON, after the field names of `proto/`.

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde::{Serialize, Serializer};

use super::failure::Failure;
use crate::api::{FILE_DESCRIPTOR_SET, v1};

/// A message that commands print.
pub trait Answer: Message {
    /// Its full name in the protocol.
    const NAME: &'static str;
}

macro_rules! answers {
    ($($message:ident),* $(,)?) => {
        $(impl Answer for v1::$message {
            const NAME: &'static str = concat!("muster.v1.", stringify!($message));
        })*

        #[cfg(test)]
        const NAMES: &[&str] = &[$(<v1::$message as Answer>::NAME),*];
    };
}

answers!(
    CreateUserImportJobResponse,
    CreateUserPoolResponse,
    DeleteUserImportJobResponse,
    DeleteUserPoolResponse,
    DescribeUserImportJobResponse,
    DescribeUserPoolResponse,
    DescribeUserResponse,
    GetCsvHeaderResponse,
    ListRejectedRowsResponse,
    ListUserImportJobsResponse,
    ListUserPoolsResponse,
    ListUsersResponse,
    RejectedRow,
    StartUserImportJobResponse,
    StopUserImportJobResponse,
    UserImportJob,
    WatchUserImportJobResponse,
);

/// A message that serialises as canonical proto3 JSON, with two choices that
/// the mapping leaves open: field names as in `proto/`, and fields at their
/// defaults present, so that a counter at 0 is there to be read. As the mapping
/// has it, 64-bit integers are strings.
#[derive(Debug)]
pub struct Json(DynamicMessage);

impl Json {
    /// Looks the message up in the compiled protocol.
    ///
    /// # Errors
    ///
    /// None that a test would not have found: the protocol is compiled in.
    pub fn of<M: Answer>(message: &M) -> Result<Self, Failure> {
        let failure = |what: String| Failure::Json(format!("{}: {what}", M::NAME));
        let pool =
            DescriptorPool::decode(FILE_DESCRIPTOR_SET).map_err(|e| failure(e.to_string()))?;
        let descriptor = pool
            .get_message_by_name(M::NAME)
            .ok_or_else(|| failure("no such message".to_owned()))?;
        DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
            .map(Self)
            .map_err(|e| failure(e.to_string()))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let options = SerializeOptions::new()
            .use_proto_field_name(true)
            .skip_default_fields(false);
        self.0.serialize_with_options(serializer, &options)
    }
}

/// The value as JSON over several lines.
///
/// # Errors
///
/// When a message holds what JSON cannot say, such as a time beyond year 9999.
pub fn pretty(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|e| Failure::Json(e.to_string()))
}

/// The value as JSON on one line.
///
/// # Errors
///
/// As [`pretty`].
pub fn compact(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|e| Failure::Json(e.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_answer_is_in_the_protocol() {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        for name in NAMES {
            assert!(pool.get_message_by_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn counters_at_zero_are_present_and_absent_times_are_not() {
        let answer = v1::DescribeUserImportJobResponse {
            user_import_job: Some(v1::UserImportJob {
                job_id: "import-1".to_owned(),
                status: v1::UserImportJobStatus::Created.into(),
                creation_date: Some(prost_types::Timestamp {
                    seconds: 1_750_000_000,
                    nanos: 0,
                }),
                total_bytes: Some(0),
                ..Default::default()
            }),
        };
        let value = serde_json::to_value(Json::of(&answer).unwrap()).unwrap();
        let job = &value["user_import_job"];
        assert_eq!(job["imported_users"], json!("0"));
        assert_eq!(job["skipped_users"], json!("0"));
        assert_eq!(job["failed_users"], json!("0"));
        assert_eq!(job["total_bytes"], json!("0"));
        assert_eq!(job["status"], json!("USER_IMPORT_JOB_STATUS_CREATED"));
        assert_eq!(job["creation_date"], json!("2025-06-15T15:06:40Z"));
        assert_eq!(job.get("completion_date"), None);
        assert_eq!(job.get("total_rows"), None);
    }

    #[test]
    fn fields_come_in_the_order_of_the_protocol() {
        let row = v1::RejectedRow {
            line_number: 7,
            code: "INVALID_EMAIL".to_owned(),
            outcome: v1::RejectedRowOutcome::Failed.into(),
            ..Default::default()
        };
        assert_eq!(
            compact(&Json::of(&row).unwrap()).unwrap(),
            r#"{"line_number":"7","outcome":"REJECTED_ROW_OUTCOME_FAILED","code":"INVALID_EMAIL","column":"","message":""}"#
        );
    }
}
