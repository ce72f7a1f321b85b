"""The real AWS CLI."""

import json
import re

import pytest

from conftest import Cli, make_job, make_pool, wait_for
from server import ROLE, csv_file, upload

ERROR = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation: (.*)", re.S)


@pytest.fixture(scope="module")
def example(idp):
    """The pool of the worked example of `list-user-import-jobs`: three jobs,
    two of them only created, the oldest one failed by one failed user."""
    pool = make_pool(idp, "example")
    failed = make_job(idp, pool, "import-Test1")
    upload(failed["PreSignedUrl"], csv_file(0, bad=1))
    idp.start_user_import_job(UserPoolId=pool, JobId=failed["JobId"])
    wait_for(idp, pool, failed["JobId"], "Failed")
    jobs = [failed, make_job(idp, pool, "Test1"), make_job(idp, pool, "Test2")]
    return pool, [job["JobId"] for job in jobs]


def error(text):
    name, operation, message = ERROR.search(text).groups()
    return name, operation, message.strip()


def test_the_worked_example(cli, example):
    pool, ids = example
    listed = cli.json("list-user-import-jobs", "--user-pool-id", pool, "--max-results", "20")
    assert set(listed) == {"UserImportJobs"}
    jobs = listed["UserImportJobs"]
    assert [job["JobName"] for job in jobs] == ["Test2", "Test1", "import-Test1"]
    assert [job["JobId"] for job in jobs] == ids[::-1]
    for job in jobs[:2]:
        assert set(job) == {
            "JobName", "JobId", "UserPoolId", "PreSignedUrl", "CreationDate", "Status",
            "CloudWatchLogsRoleArn", "ImportedUsers", "SkippedUsers", "FailedUsers",
        }  # fmt: skip
        assert job["Status"] == "Created"
    failed = jobs[2]
    assert set(failed) == {
        "JobName", "JobId", "UserPoolId", "CreationDate", "StartDate", "CompletionDate",
        "Status", "CloudWatchLogsRoleArn", "ImportedUsers", "SkippedUsers", "FailedUsers",
        "CompletionMessage",
    }  # fmt: skip
    assert failed["Status"] == "Failed"
    assert (failed["ImportedUsers"], failed["SkippedUsers"], failed["FailedUsers"]) == (0, 0, 1)
    message = "Too many users have failed or been skipped during the import."
    assert failed["CompletionMessage"] == message


def test_output_as_text_and_table(cli, example):
    pool, ids = example
    arguments = ["list-user-import-jobs", "--user-pool-id", pool, "--max-results", "20"]
    text = cli.text(*arguments, "--output", "text").splitlines()
    assert len(text) == 3 and all(line.startswith("USERIMPORTJOBS\t") for line in text)
    table = cli.text(*arguments, "--output", "table")
    assert "ListUserImportJobs" in table and all(id in table for id in ids)
    queried = cli.text(
        *arguments, "--output", "text", "--query", "UserImportJobs[?Status=='Failed'].[JobId,FailedUsers]"
    )
    assert queried.split() == [ids[0], "1"]


def test_input_from_json(cli, example, tmp_path):
    pool, ids = example
    skeleton = json.loads(cli.text("list-user-import-jobs", "--generate-cli-skeleton"))
    assert set(skeleton) == {"UserPoolId", "MaxResults", "PaginationToken"}
    file = tmp_path / "input.json"
    file.write_text(json.dumps({"UserPoolId": pool, "MaxResults": 20}))
    listed = cli.json("list-user-import-jobs", "--cli-input-json", f"file://{file}")
    assert [job["JobId"] for job in listed["UserImportJobs"]] == ids[::-1]
    skeleton = json.loads(cli.text("create-user-import-job", "--generate-cli-skeleton"))
    skeleton.update(JobName="from a skeleton", UserPoolId=make_pool_id(cli), CloudWatchLogsRoleArn=ROLE)
    file.write_text(json.dumps({k: v for k, v in skeleton.items() if v}))
    made = cli.json("create-user-import-job", "--cli-input-json", f"file://{file}")
    assert made["UserImportJob"]["JobName"] == "from a skeleton"


def make_pool_id(cli):
    pool = cli.json("create-user-pool", "--pool-name", "cli", "--auto-verified-attributes", "email")
    return pool["UserPool"]["Id"]


@pytest.fixture(scope="module")
def many(idp):
    """A pool with 61 jobs, and their ids, newest first."""
    pool = make_pool(idp, "many")
    return pool, [make_job(idp, pool, f"job {n}")["JobId"] for n in range(61)][::-1]


@pytest.mark.parametrize("size, pages", [(20, 4), (60, 2)])
def test_tokens_lead_through_all_pages(cli, many, size, pages):
    pool, ids = many
    arguments = ["list-user-import-jobs", "--user-pool-id", pool, "--max-results", str(size)]
    found, seen, token = [], 0, []
    while True:
        page = cli.json(*arguments, *token)
        seen += 1
        found += [job["JobId"] for job in page["UserImportJobs"]]
        if "PaginationToken" not in page:
            break
        assert len(page["UserImportJobs"]) == size
        token = ["--pagination-token", page["PaginationToken"]]
    assert found == ids and seen == pages


def test_pages_of_one(cli, example):
    pool, ids = example
    first = cli.json("list-user-import-jobs", "--user-pool-id", pool, "--max-results", "1")
    assert [job["JobId"] for job in first["UserImportJobs"]] == ids[2:]
    second = cli.json(
        "list-user-import-jobs", "--user-pool-id", pool, "--max-results", "1",
        "--pagination-token", first["PaginationToken"],
    )  # fmt: skip
    assert [job["JobId"] for job in second["UserImportJobs"]] == ids[1:2]


def test_a_page_of_61_is_refused(cli, example):
    pool, _ = example
    text = cli.error("list-user-import-jobs", "--user-pool-id", pool, "--max-results", "61")
    assert error(text) == (
        "InvalidParameterException",
        "ListUserImportJobs",
        "1 validation error detected: Value '61' at 'maxResults' failed to satisfy constraint:"
        " Member must have value less than or equal to 60",
    )


def test_a_page_of_none_is_refused(cli, loose, example):
    pool, _ = example
    # By the AWS CLI itself...
    text = cli.error("list-user-import-jobs", "--user-pool-id", pool, "--max-results", "0")
    assert "valid min value: 1" in text
    # ...and by the server, where a client does not look.
    with pytest.raises(loose.exceptions.InvalidParameterException) as caught:
        loose.list_user_import_jobs(UserPoolId=pool, MaxResults=0)
    assert caught.value.response["Error"]["Message"] == (
        "1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint:"
        " Member must have value greater than or equal to 1"
    )


def test_other_peoples_tokens_are_refused(cli, many, example):
    pool, _ = many
    token = cli.json("list-user-import-jobs", "--user-pool-id", pool, "--max-results", "1")
    token = token["PaginationToken"]
    changed = ("B" if token[0] == "A" else "A") + token[1:]
    for pool, token in [(example[0], token), (pool, changed), (pool, "tok")]:
        text = cli.error(
            "list-user-import-jobs", "--user-pool-id", pool, "--max-results", "1",
            "--pagination-token", token,
        )  # fmt: skip
        assert error(text)[0] == "InvalidParameterException"


def test_malformed_ids_are_refused_in_awss_words(cli):
    text = cli.error("list-user-import-jobs", "--user-pool-id", "bad", "--max-results", "1")
    name, _, message = error(text)
    assert name == "InvalidParameterException"
    assert message == (
        "1 validation error detected: Value 'bad' at 'userPoolId' failed to satisfy constraint:"
        r" Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+"
    )
    text = cli.error("describe-user-import-job", "--user-pool-id", "bad", "--job-id", "x")
    _, _, message = error(text)
    assert message.startswith("2 validation errors detected: Value 'bad' at 'userPoolId'")
    assert "; Value 'x' at 'jobId' failed" in message


def test_the_whole_life_by_the_cli(cli, tmp_path):
    pool = make_pool_id(cli)
    created = cli.json(
        "create-user-import-job", "--job-name", "cli", "--user-pool-id", pool,
        "--cloud-watch-logs-role-arn", ROLE,
    )["UserImportJob"]  # fmt: skip
    named = ["--user-pool-id", pool, "--job-id", created["JobId"]]
    name, _, message = error(cli.error("start-user-import-job", *named))
    assert name == "PreconditionNotMetException"
    assert message == f"No csv file was uploaded for {created['JobId']}"
    upload(created["PreSignedUrl"], csv_file(3))
    assert cli.json("start-user-import-job", *named)["UserImportJob"]["Status"] == "Pending"
    for _ in range(600):
        job = cli.json("describe-user-import-job", *named)["UserImportJob"]
        if job["Status"] == "Succeeded":
            break
    assert job["ImportedUsers"] == 3
    assert error(cli.error("stop-user-import-job", *named))[0] == "PreconditionNotMetException"
    header = cli.json("get-csv-header", "--user-pool-id", pool)["CSVHeader"]
    assert header[0] == "name" and header[-1] == "cognito:username"
    users = cli.json("list-users", "--user-pool-id", pool, "--filter", 'username ^= "user0"')
    assert len(users["Users"]) == 3
    user = cli.json("admin-get-user", "--user-pool-id", pool, "--username", "user0000001")
    assert user["UserStatus"] == "RESET_REQUIRED"
    listed = cli.json("list-user-pools", "--max-results", "60")["UserPools"]
    assert pool in [p["Id"] for p in listed]
    assert cli.text("delete-user-pool", "--user-pool-id", pool) == ""
    assert error(cli.error("describe-user-pool", "--user-pool-id", pool))[0] == (
        "ResourceNotFoundException"
    )


def test_what_muster_does_not_have(server):
    cli = Cli(server)
    text = cli.error("admin-create-user", "--user-pool-id", "us-west-2_a", "--username", "u")
    assert error(text)[0] == "UnknownOperationException"
