"""The documented life of a job, by boto3 and curl."""

import datetime
import os
import re
import subprocess
import sys

import botocore
import pytest

from conftest import client, import_file, make_job, make_pool, start_job, wait_for
from server import PATIENCE, ROLE, csv_file, upload

HEADER = (
    "name,given_name,family_name,middle_name,nickname,preferred_username,profile,picture,"
    "website,email,email_verified,gender,birthdate,zoneinfo,locale,phone_number,"
    "phone_number_verified,address,updated_at,custom:team,custom:level,"
    "cognito:mfa_enabled,cognito:username"
).split(",")


def curl(*arguments):
    command = ["curl", "--silent", "--show-error", "--fail-with-body", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "headers", [[], ["-H", "x-amz-server-side-encryption:aws:kms"]], ids=["plain", "kms"]
)
def test_create_upload_start_describe(idp, pool, tmp_path, headers):
    file = tmp_path / "users.csv"
    file.write_bytes(csv_file(20))
    before = datetime.datetime.now(datetime.UTC)

    answer = idp.create_user_import_job(JobName="life", UserPoolId=pool, CloudWatchLogsRoleArn=ROLE)
    job = answer["UserImportJob"]
    assert job["Status"] == "Created"
    assert job["JobName"] == "life" and job["UserPoolId"] == pool
    assert job["CloudWatchLogsRoleArn"] == ROLE
    assert (job["ImportedUsers"], job["SkippedUsers"], job["FailedUsers"]) == (0, 0, 0)
    age = (job["CreationDate"] - before).total_seconds()
    assert -1 < age < 60
    assert {"StartDate", "CompletionDate", "CompletionMessage"}.isdisjoint(job)

    curl("-T", str(file), *headers, job["PreSignedUrl"])
    started = idp.start_user_import_job(UserPoolId=pool, JobId=job["JobId"])["UserImportJob"]
    assert started["Status"] == "Pending" and started["StartDate"] >= job["CreationDate"]
    assert "PreSignedUrl" not in started

    done = wait_for(idp, pool, job["JobId"], "Succeeded", "Failed")
    assert done["Status"] == "Succeeded"
    assert done["CompletionMessage"] == "Import Job Completed Successfully."
    assert (done["ImportedUsers"], done["SkippedUsers"], done["FailedUsers"]) == (20, 0, 0)
    assert done["CompletionDate"] >= done["StartDate"]


def test_times_are_seconds_with_milliseconds(idp, pool):
    bodies = []

    def note(response, **_):
        bodies.append(response)

    event = "before-parse.cognito-identity-provider.DescribeUserImportJob"
    job = make_job(idp, pool)
    idp.meta.events.register(event, lambda response_dict, **_: note(response_dict["body"]))
    try:
        idp.describe_user_import_job(UserPoolId=pool, JobId=job["JobId"])
    finally:
        idp.meta.events.unregister(event)
    (body,) = bodies
    assert re.search(rb'"CreationDate":1\d{9}\.\d{1,3}[,}]', body), body
    assert b"null" not in body


def test_stop_of_a_running_job(server, idp):
    with server.no_row_written() as first_row:
        pool, job = start_job(idp)
        first_row()
        running = wait_for(idp, pool, job, "InProgress", "Succeeded")
        assert running["Status"] == "InProgress"
        # A job that stops already is answered.
        for _ in range(2):
            stopping = idp.stop_user_import_job(UserPoolId=pool, JobId=job)["UserImportJob"]
            assert stopping["Status"] == "Stopping"
    done = wait_for(idp, pool, job, "Stopped")
    assert done["CompletionMessage"] == "The Import Job was stopped by the developer."
    pool_now = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert pool_now["EstimatedNumberOfUsers"] == done["ImportedUsers"]


def test_header(idp):
    pool = make_pool(
        idp,
        Schema=[
            {"Name": "team", "AttributeDataType": "String"},
            {"Name": "level", "AttributeDataType": "Number"},
        ],
    )
    answer = idp.get_csv_header(UserPoolId=pool)
    assert answer["UserPoolId"] == pool
    assert answer["CSVHeader"] == HEADER


def test_too_many_failed_rows(idp, pool):
    done = import_file(idp, pool, csv_file(1, bad=2))
    assert done["Status"] == "Failed" and done["FailedUsers"] == 2
    message = "Too many users have failed or been skipped during the import."
    assert done["CompletionMessage"] == message


def test_passwords_come_with_their_hashes(idp, pool):
    job = make_job(idp, pool, PasswordHashingAlgorithm="BCRYPT")
    assert job["PasswordHashingAlgorithm"] == "BCRYPT"
    hash_ = "$2b$10$" + "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
    rows = f"cognito:username,email,email_verified,password_hash\nhashed,h@example.com,true,{hash_}\n"
    upload(job["PreSignedUrl"], rows.encode())
    idp.start_user_import_job(UserPoolId=pool, JobId=job["JobId"])
    done = wait_for(idp, pool, job["JobId"], "Succeeded", "Failed")
    assert done["Status"] == "Succeeded", done
    assert done["PasswordHashingAlgorithm"] == "BCRYPT"
    user = idp.admin_get_user(UserPoolId=pool, Username="hashed")
    assert user["UserStatus"] == "CONFIRMED"
    assert hash_ not in str(user)


def test_an_empty_pool_has_empty_lists(idp, pool):
    jobs = idp.list_user_import_jobs(UserPoolId=pool, MaxResults=60)
    assert jobs["UserImportJobs"] == [] and "PaginationToken" not in jobs
    users = idp.list_users(UserPoolId=pool)
    assert users["Users"] == [] and "PaginationToken" not in users


def test_what_is_gone_is_gone(idp, pool):
    idp.delete_user_pool(UserPoolId=pool)
    with pytest.raises(idp.exceptions.ResourceNotFoundException) as caught:
        idp.describe_user_pool(UserPoolId=pool)
    assert caught.value.response["Error"]["Message"] == f"User pool {pool} does not exist."


def test_the_example_runs_as_shown(open_server, tmp_path):
    """examples/boto3_import.py, by a caller whose credentials nobody knows."""
    command = [sys.executable, "examples/boto3_import.py", "--endpoint-url", open_server.url]
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "anything",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(
        [*command, "examples/users.csv"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Succeeded: 958 imported, 5 skipped, 37 failed" in done.stdout


def test_a_server_without_keys_says_so(open_server):
    assert "takes any credentials" in open_server.log.read_text()
    unsigned = client(open_server, signature_version=botocore.UNSIGNED)
    assert "UserPools" in unsigned.list_user_pools(MaxResults=1)
