//! Generated input: proptest makes bytes, and out of these each entry point's
//! generator makes something that it may well take.

mod aws;
mod chance;
mod csv;
mod grpc;
mod http;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use self::chance::Chance;
use crate::checks::offline::Offline;
use crate::checks::world::World;
use crate::checks::{
    self, aws_front, csv_header, csv_rows, csv_users, http_port, page_token, upload_url,
};

/// Tries `cases` inputs, each made of up to `size` bytes of chance. What is
/// found becomes a file of the corpus, not one of seeds.
fn try_out(
    cases: u32,
    size: usize,
    generate: impl Fn(&mut Chance<'_>) -> Vec<u8>,
    check: impl Fn(&[u8]),
) {
    let cases = std::env::var("PROPTEST_CASES").map_or(cases, |c| c.parse().expect("a number"));
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    };
    let tried = TestRunner::new(config).run(&vec(any::<u8>(), 0..size), |bytes| {
        check(&generate(&mut Chance(&bytes)));
        Ok(())
    });
    match tried {
        Err(TestError::Fail(why, bytes)) => {
            let input = generate(&mut Chance(&bytes));
            panic!("{why}\nput this into the corpus: {}", input.escape_ascii());
        }
        other => other.expect("inputs"),
    }
}

#[test]
fn files_of_any_bytes_are_split_into_rows() {
    try_out(1500, 80, csv::rows, csv_rows::check);
}

#[test]
fn headers_are_judged_as_the_contract_says() {
    try_out(3000, 60, csv::header, csv_header::check);
}

#[test]
fn rows_are_judged_as_the_contract_says() {
    try_out(1500, 250, csv::users, csv_users::check);
}

#[test]
fn page_tokens_are_good_for_their_listing_as_they_are() {
    let any = |chance: &mut Chance<'_>| chance.0.to_vec();
    try_out(2000, 40, any, page_token::check);
}

#[test]
fn upload_urls_are_good_as_they_are() {
    let offline = Offline::new();
    try_out(1000, 40, http::upload_url, |input| {
        upload_url::check(&offline, input);
    });
}

#[test]
fn the_http_port_answers_whatever_is_asked() {
    let world = World::new();
    try_out(200, 120, http::request, |input| {
        http_port::check(&world, input);
    });
}

#[test]
fn the_aws_front_answers_whatever_is_asked() {
    let world = World::new();
    try_out(1000, 200, aws::call, |input| {
        aws_front::check(&world, input);
    });
}

#[test]
fn every_method_answers_whatever_is_asked() {
    let world = World::new();
    try_out(600, 200, grpc::call, |input| {
        checks::grpc::check(&world, input);
    });
}
