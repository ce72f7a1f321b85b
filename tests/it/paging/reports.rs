//! Reports by line, in whatever pieces the batches of several lanes left them.

use super::{Kind, pages};
use crate::support::imports::{users_csv, work};
use crate::support::muster::TestMuster;

/// The 512 lines that a piece lies within, several times over.
const ROWS: u64 = 5_000;

#[tokio::test]
async fn rejected_rows_come_by_line_however_many_batches_and_lanes_found_them() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let mut csv = users_csv([] as [&str; 0]);
    let mut wanted: Vec<(i64, String, Option<i64>)> = Vec::new();
    for line in 2..2 + ROWS {
        // Long stretches of one fault, single ones among good rows, and rows
        // whose fault has a detail.
        let (row, code, detail) = match (line % 1_500, line % 7) {
            (0..700, _) => ("ann,nonsense,true".to_owned(), "INVALID_EMAIL", None),
            (700..800, _) => ("too,few".to_owned(), "WRONG_FIELD_COUNT", Some(2)),
            (_, 0) => (format!("u{line},u@example.com,x"), "INVALID_BOOLEAN", None),
            (_, 1) if line > 800 => (
                "u800,u@example.com,true".to_owned(),
                "DUPLICATE_IN_FILE",
                Some(800),
            ),
            _ => (format!("u{line},u@example.com,true"), "", None),
        };
        csv.push_str(&format!("{row}\n"));
        if !code.is_empty() {
            wanted.push((line as i64, code.to_owned(), detail));
        }
    }
    let job = test
        .create_with(&pool, |j| j.max_rejected_percent = Some(100))
        .await
        .expect("a job");
    test.upload(&job, csv).await.expect("an upload");
    test.start(&job).await.expect("a start");
    let scheduler = test.scheduler_with(|s| {
        s.lanes = 3;
        s.lane_bytes = 1;
        s.batch_rows = 150;
    });
    work(&scheduler).await;

    let found: Vec<(i64, String, Option<i64>)> =
        sqlx::query_as("SELECT line, code, detail FROM rejected_rows ORDER BY line")
            .fetch_all(&mut test.connection().await)
            .await
            .expect("the rows");
    assert_eq!(found, wanted);
    assert!(test.rows("rejected_lines").await < wanted.len() as i64 / 5);

    let lines: Vec<String> = wanted.iter().map(|(line, ..)| line.to_string()).collect();
    for size in [60, 17] {
        let all = pages(&test, Kind::Rejected, &job, size).await;
        let (last, full) = all.split_last().expect("a page");
        assert!(full.iter().all(|page| page.len() == size as usize));
        assert!(last.len() <= size as usize);
        assert_eq!(all.concat(), lines, "pages of {size}");
    }
    let detailed = test.rejections(&test.describe(&job).await).await;
    let detailed: Vec<_> = detailed
        .iter()
        .map(|r| {
            (
                r.line as i64,
                r.code.to_string(),
                r.detail.map(|d| d as i64),
            )
        })
        .collect();
    assert_eq!(detailed, wanted);
}
