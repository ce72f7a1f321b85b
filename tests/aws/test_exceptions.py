"""Every exception that an operation of botocore's model declares is provoked,
and caught by its boto3 class."""

import os
import re
import signal
import time

import botocore.session
import pytest

import members
from conftest import client, make_job, make_pool, start_job, wait_for
from server import ADMIN, HASTY, JOBLESS, KEYS, NOTHING, READER, ROLE, STRANGER, Key, csv_file, upload

LATE = Key("AKIALATELATELATELATE", "late/late/late/late/late/late/late/late", "late")
NOWHERE = "us-west-2_nowhere00"
GHOST = "import-00000000-0000-7000-8000-000000000000"
MODEL = botocore.session.get_session().get_service_model("cognito-idp")


def declared():
    for operation in members.OPERATIONS:
        for error in MODEL.operation_model(operation).error_shapes:
            yield operation, error.name


def snake(operation):
    """boto3's name for an operation."""
    return {"GetCSVHeader": "get_csv_header"}.get(
        operation, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
    )


def arguments(operation, pool):
    """The least that each operation takes."""
    return {
        "CreateUserPool": {"PoolName": "p"},
        "ListUserPools": {"MaxResults": 1},
        "CreateUserImportJob": {
            "UserPoolId": pool,
            "JobName": "j",
            "CloudWatchLogsRoleArn": ROLE,
        },
        "ListUserImportJobs": {"UserPoolId": pool, "MaxResults": 1},
        "AdminGetUser": {"UserPoolId": pool, "Username": "nobody"},
        "DescribeUserImportJob": {"UserPoolId": pool, "JobId": GHOST},
        "StartUserImportJob": {"UserPoolId": pool, "JobId": GHOST},
        "StopUserImportJob": {"UserPoolId": pool, "JobId": GHOST},
    }.get(operation, {"UserPoolId": pool})


class Provocations:
    """How to provoke each exception: a method of its name calls the operation
    so that it has to answer so."""

    def __init__(self, server, small_server):
        self.server = server
        self.small = small_server
        self.idp = client(server)

    def call(self, idp, operation, given):
        return getattr(idp, snake(operation))(**given)

    def ResourceNotFoundException(self, operation):
        self.call(self.idp, operation, arguments(operation, NOWHERE))

    def UserNotFoundException(self, operation):
        self.call(self.idp, operation, arguments(operation, make_pool(self.idp)))

    def InvalidParameterException(self, operation):
        given = arguments(operation, "bad")
        if "PoolName" in given:
            given["PoolName"] = "a/b"
        if operation == "ListUserPools":
            given["MaxResults"] = 61
        self.call(self.idp, operation, given)

    def NotAuthorizedException(self, operation):
        key = NOTHING if operation != "GetCSVHeader" else JOBLESS
        self.call(client(self.server, key), operation, arguments(operation, NOWHERE))

    def TooManyRequestsException(self, operation):
        hasty = client(self.server, HASTY)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                self.call(hasty, operation, arguments(operation, NOWHERE))
            except hasty.exceptions.ResourceNotFoundException:
                pass

    def LimitExceededException(self, operation):
        idp = client(self.small)
        pool = make_pool(idp)
        for _ in range(3):
            self.call(idp, operation, arguments(operation, pool))

    def PreconditionNotMetException(self, operation):
        pool = make_pool(self.idp)
        job = make_job(self.idp, pool)["JobId"]
        self.call(self.idp, operation, {"UserPoolId": pool, "JobId": job})

    def UserImportInProgressException(self, operation):
        with self.server.no_row_written():
            pool, job = start_job(self.idp)
            self.call(self.idp, operation, {"UserPoolId": pool})

    def InternalErrorException(self, operation):
        idp = client(self.small)
        pool = make_pool(idp)
        stopped = self.small.postgres()
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        try:
            self.call(idp, operation, arguments(operation, pool))
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)


@pytest.fixture(scope="module")
def provocations(server, small_server):
    return Provocations(server, small_server)


@pytest.mark.parametrize("operation, name", list(declared()))
def test_declared_exceptions_are_answered(provocations, operation, name):
    if reason := members.NEVER_ANSWERED.get((operation, name), members.NEVER_ANSWERED.get(name)):
        pytest.skip(reason)
    exceptions = provocations.idp.exceptions
    with pytest.raises(getattr(exceptions, name)) as caught:
        getattr(provocations, name)(operation)
    response = caught.value.response
    assert response["Error"]["Code"] == name
    assert response["Error"]["Message"]
    metadata = response["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == (500 if name == "InternalErrorException" else 400)
    assert re.fullmatch(r"[0-9a-f-]{36}", metadata["RequestId"])
    assert metadata["HTTPHeaders"]["x-amzn-errortype"] == name


def test_the_allow_list_names_what_is_declared_only():
    pairs = set(declared())
    for never in members.NEVER_ANSWERED:
        known = never in pairs if isinstance(never, tuple) else never in {n for _, n in pairs}
        assert known, never


def test_starting_and_stopping_in_a_wrong_status(idp, pool):
    job = make_job(idp, pool)
    named = {"UserPoolId": pool, "JobId": job["JobId"]}
    with pytest.raises(idp.exceptions.PreconditionNotMetException) as caught:
        idp.stop_user_import_job(**named)
    assert "CREATED" in str(caught.value)
    upload(job["PreSignedUrl"], csv_file(1))
    idp.start_user_import_job(**named)
    wait_for(idp, pool, job["JobId"], "Succeeded")
    for operation in (idp.start_user_import_job, idp.stop_user_import_job):
        with pytest.raises(idp.exceptions.PreconditionNotMetException) as caught:
            operation(**named)
        assert "SUCCEEDED" in str(caught.value)


def test_a_pool_that_verifies_nothing_starts_no_job(idp):
    pool = make_pool(idp, AutoVerifiedAttributes=[])
    job = make_job(idp, pool)
    upload(job["PreSignedUrl"], csv_file(1))
    with pytest.raises(idp.exceptions.PreconditionNotMetException):
        idp.start_user_import_job(UserPoolId=pool, JobId=job["JobId"])


def test_a_key_may_do_what_its_actions_say(server, idp, pool):
    reader = client(server, READER)
    job = make_job(idp, pool)
    seen = reader.describe_user_import_job(UserPoolId=pool, JobId=job["JobId"])["UserImportJob"]
    # Who may not write gets no URL to write to.
    assert "PreSignedUrl" not in seen
    assert reader.list_user_import_jobs(UserPoolId=pool, MaxResults=1)["UserImportJobs"]
    with pytest.raises(reader.exceptions.NotAuthorizedException) as caught:
        reader.start_user_import_job(UserPoolId=pool, JobId=job["JobId"])
    message = caught.value.response["Error"]["Message"]
    assert message == "User: reader is not authorized to perform: cognito-idp:StartUserImportJob"


def test_a_pool_of_others_does_not_exist(server, pool):
    stranger = client(server, STRANGER)
    with pytest.raises(stranger.exceptions.ResourceNotFoundException):
        stranger.list_user_import_jobs(UserPoolId=pool, MaxResults=1)
    assert stranger.list_user_pools(MaxResults=60)["UserPools"] == []
    with pytest.raises(stranger.exceptions.NotAuthorizedException):
        stranger.create_user_pool(PoolName="mine")


def test_keys_are_read_again(server, idp):
    server.write_keys([*KEYS, LATE])
    server.process.send_signal(signal.SIGHUP)
    late = client(server, LATE)
    end = time.monotonic() + 10
    while True:
        try:
            late.list_user_pools(MaxResults=1)
            break
        except late.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "UnrecognizedClientException"
            assert time.monotonic() < end
    assert ADMIN.secret not in server.log.read_text()
