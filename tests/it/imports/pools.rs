//! What a pool asks of its users.

use muster::domain::error::Reason;
use muster::domain::pool::{AttributeDataType, CustomAttribute, MfaConfiguration};
use muster::domain::rejection::RejectionCode as C;

use super::{at, report};
use crate::support::imports::counted;
use crate::support::muster::TestMuster;

#[tokio::test]
async fn usernames_of_a_kind_fill_that_attribute_unless_its_column_does() {
    let test = TestMuster::new();
    let pool = test
        .pool_with(|p| p.username_attributes = vec!["email".to_owned()])
        .await;
    let csv = "cognito:username,email,email_verified\n\
               ann@example.com,,true\n\
               bob@example.com,other@example.com,true\n\
               carol,carol@example.com,true\n\
               +4915100000001,dave@example.com,true\n";
    let job = test.import(&pool, csv).await;
    assert_eq!(
        report(&test, &job).await,
        [
            at(4, C::InvalidUsername, "cognito:username"),
            at(5, C::InvalidUsername, "cognito:username"),
        ]
    );
    let emails: Vec<String> = test
        .users(&pool)
        .await
        .into_iter()
        .map(|u| u.attributes["email"].clone())
        .collect();
    assert_eq!(emails, ["ann@example.com", "other@example.com"]);
}

#[tokio::test]
async fn usernames_may_be_of_either_kind_that_the_pool_names() {
    let test = TestMuster::new();
    let pool = test
        .pool_with(|p| {
            let both = vec!["email".to_owned(), "phone_number".to_owned()];
            p.username_attributes.clone_from(&both);
            p.auto_verified_attributes = both;
        })
        .await;
    let csv = "cognito:username,email_verified,phone_number_verified\n\
               ann@example.com,true,\n\
               +4915100000001,,true\n\
               bob@example.com,,true\n";
    let job = test.import(&pool, csv).await;
    assert_eq!(
        report(&test, &job).await,
        [at(4, C::VerifiedWithoutValue, "phone_number_verified")]
    );
    let users = test.users(&pool).await;
    let phone = users.iter().find(|u| u.username.starts_with('+'));
    let phone = &phone.expect("a user by phone number").attributes;
    assert_eq!(phone["phone_number"], "+4915100000001");
    assert!(!phone.contains_key("email"));
}

#[tokio::test]
async fn required_attributes_may_not_be_empty_and_their_columns_not_missing() {
    let test = TestMuster::new();
    let pool = test
        .pool_with(|p| {
            p.required_attributes = vec!["birthdate".to_owned(), "name".to_owned()];
            p.custom_attributes = vec![CustomAttribute {
                name: "badge".to_owned(),
                data_type: AttributeDataType::String,
                minimum: Some(2),
                maximum: Some(3),
                required: true,
            }];
        })
        .await;
    let header = "cognito:username,email,email_verified,name,birthdate,custom:badge";
    for missing in ["name", "birthdate", "custom:badge"] {
        let job = test.create(&pool).await;
        let cut = header.replace(&format!(",{missing}"), "");
        let error = test.upload(&job, cut).await.expect_err("a column less");
        assert_eq!(error.reason(), Reason::InvalidUpload);
        assert!(error.to_string().contains(missing), "{error}");
    }
    let csv = format!(
        "{header}\n\
         ann,ann@example.com,true,Ann,01/31/1990,xy\n\
         bob,bob@example.com,true,,01/31/1990,xy\n\
         carol,carol@example.com,true,Carol,,xy\n\
         dave,dave@example.com,true,Dave,01/31/1990,\n\
         erin,erin@example.com,true,Erin,01/31/1990,x\n\
         frank,frank@example.com,true,Frank,01/31/1990,wxyz\n"
    );
    let job = test.import(&pool, csv).await;
    assert_eq!(job.counters, counted(1, 0, 5));
    assert_eq!(
        report(&test, &job).await,
        [
            at(3, C::MissingRequiredAttribute, "name"),
            at(4, C::MissingRequiredAttribute, "birthdate"),
            at(5, C::MissingRequiredAttribute, "custom:badge"),
            at(6, C::InvalidCustomAttribute, "custom:badge"),
            at(7, C::InvalidCustomAttribute, "custom:badge"),
        ]
    );
}

#[tokio::test]
async fn multi_factor_authentication_is_what_the_pool_allows() {
    let test = TestMuster::new();
    let csv = "cognito:username,email,email_verified,cognito:mfa_enabled\n\
               ann,ann@example.com,true,true\n\
               bob,bob@example.com,true,false\n\
               carol,carol@example.com,true,\n";
    let refused = |line| vec![at(line, C::MfaNotAllowed, "cognito:mfa_enabled")];
    for (mfa, expected) in [
        (MfaConfiguration::Off, refused(2)),
        (MfaConfiguration::On, refused(3)),
        (MfaConfiguration::Optional, Vec::new()),
    ] {
        let pool = test.pool_with(|p| p.mfa_configuration = mfa).await;
        let job = test.import(&pool, csv).await;
        assert_eq!(report(&test, &job).await, expected, "{mfa:?}");
    }
}

#[tokio::test]
async fn one_of_the_auto_verified_attributes_is_enough() {
    let test = TestMuster::new();
    let pool = test
        .pool_with(|p| {
            p.auto_verified_attributes = ["phone_number", "email"].map(str::to_owned).into();
        })
        .await;
    let csv = "cognito:username,email,email_verified,phone_number,phone_number_verified\n\
               ann,ann@example.com,true,,\n\
               bob,,,+4915100000001,true\n\
               carol,carol@example.com,false,+4915100000001,\n";
    let job = test.import(&pool, csv).await;
    assert_eq!(
        report(&test, &job).await,
        [at(4, C::NoVerifiedAttribute, "phone_number_verified")]
    );
}
