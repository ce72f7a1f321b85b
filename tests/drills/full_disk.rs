//! The disk of the object store is full in mid-upload. The limit on the size
//! of files does what a full disk does, and needs no privilege.

use reqwest::StatusCode;
use serde_json::Value;

use crate::file::{File, Spec};
use crate::look::until;
use crate::outcome::prove;
use crate::program::Program;
use crate::seeds::each;
use crate::site::{QUICK, Site};
use crate::support::process::SERVER;
use crate::tally::Tally;

const SPEC: Spec = Spec {
    rows: 300,
    aliases: false,
};
/// One to two MiB, whichever blocks the shell counts in. Past the limit a
/// write fails; without the trap the signal would end the server.
const LITTLE_ROOM: &str = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";

#[test]
fn an_upload_onto_a_full_disk_is_refused_whole_and_works_once_there_is_room() {
    each("full disk", (1, 100), async |_| {
        let mut tally = Tally::default();
        let mut site = Site::new(1, &QUICK);
        let folder = site.folder().to_owned();
        site.server = Program::start("sh", &["-c", LITTLE_ROOM, SERVER], &site.database, &folder);
        let pool = site.pool(SPEC).await;
        let mut client = site.client();
        let job = client.create(&pool).await.expect("a job");
        let file = File::new(SPEC);
        // What fits in one part, and what takes several.
        for mib in [3, 9] {
            let answer = client.upload(&job, too_much(&file, mib)).await;
            refused(answer.status, &answer.text);
            tally.fault("disk full");
            let now = client.describe(&job).await.expect("the job");
            assert_eq!((now.total_bytes, now.start_date), (None, None));
            let refused = client.start(&job, None).await;
            refused.expect_err("a start without a file");
            until("an empty folder", async || {
                site.files(&job).is_empty().then_some(())
            })
            .await;
        }

        let answer = client.upload(&job, file.csv.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let before = site.files(&job);
        // A file that does not fit leaves the one that does.
        let answer = client.upload(&job, too_much(&file, 3)).await;
        refused(answer.status, &answer.text);
        tally.fault("disk full");
        until("the file of before alone", async || {
            (site.files(&job) == before).then_some(())
        })
        .await;
        client.start(&job, None).await.expect("a start");
        let ended = site.watch(&job).await.until_ended().await;
        assert_eq!(ended.status, "SUCCEEDED");
        prove(&mut site, &job, SPEC, &mut tally).await;
        site.end();
        tally
    });
}

/// The file again and again, for more than so many MiB.
fn too_much(file: &File, mib: usize) -> String {
    let (header, rows) = file.csv.split_once('\n').expect("a header");
    let times = (mib << 20) / rows.len() + 1;
    format!("{header}\n{}", rows.repeat(times))
}

fn refused(status: StatusCode, text: &str) {
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{text}");
    let body: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(body["error"]["reason"], "OBJECT_STORE_UNAVAILABLE");
}
