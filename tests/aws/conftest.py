"""Servers and clients for the tests."""

import json
import os
import subprocess
import time

import boto3
import botocore.config
import pytest

import server as servers
from server import ADMIN, HASTY, KEYS, PATIENCE, REGION, ROLE, Server


def running(keys=None, **variables):
    server = Server(keys, **variables)
    try:
        yield server
        assert server.stop() == 0, server.log.read_text()[-4000:]
    finally:
        server.stop()
        server.remove()


@pytest.fixture(scope="session")
def server():
    """The server of most tests: it knows its access keys."""
    yield from running(KEYS)


@pytest.fixture(scope="session")
def open_server():
    """A server that takes any credentials."""
    yield from running()


@pytest.fixture(scope="session")
def small_server():
    """A server of little patience, and with room for two jobs a pool."""
    yield from running(KEYS, MUSTER_MAX_JOBS_PER_POOL="2", MUSTER_REQUEST_TIMEOUT="2s")


def client(server, key=ADMIN, **options):
    """A client as a script makes it, but for the URL, and without retries."""
    options = {"retries": {"total_max_attempts": 1}, **options}
    return boto3.client(
        "cognito-idp",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret,
        config=botocore.config.Config(**options),
    )


@pytest.fixture(scope="session")
def idp(server):
    return client(server)


@pytest.fixture(scope="session")
def loose(server):
    """A client that sends what botocore itself would refuse."""
    return client(server, parameter_validation=False)


@pytest.fixture(scope="session")
def hasty(server):
    return client(server, HASTY)


def make_pool(idp, name="pool", **more):
    options = {"AutoVerifiedAttributes": ["email"], **more}
    return idp.create_user_pool(PoolName=name, **options)["UserPool"]["Id"]


def make_job(idp, pool, name="job", **more):
    return idp.create_user_import_job(
        UserPoolId=pool, JobName=name, CloudWatchLogsRoleArn=ROLE, **more
    )["UserImportJob"]


def wait_for(idp, pool, job, *statuses):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = idp.describe_user_import_job(UserPoolId=pool, JobId=job)["UserImportJob"]
        if found["Status"] in statuses:
            return found
        time.sleep(0.05)
    raise AssertionError(f"still {found}")


def import_file(idp, pool, body, name="job", **more):
    """A job's whole life, to its end."""
    job = make_job(idp, pool, name, **more)
    servers.upload(job["PreSignedUrl"], body)
    idp.start_user_import_job(UserPoolId=pool, JobId=job["JobId"])
    return wait_for(idp, pool, job["JobId"], "Succeeded", "Failed")


@pytest.fixture
def pool(idp):
    return make_pool(idp)


def start_job(idp, body=servers.csv_file(2), **more):
    """A pool with a job that has been started, and the job."""
    pool = make_pool(idp, "busy")
    job = make_job(idp, pool, **more)
    servers.upload(job["PreSignedUrl"], body)
    idp.start_user_import_job(UserPoolId=pool, JobId=job["JobId"])
    return pool, job["JobId"]


class Cli:
    """The real `aws` command."""

    def __init__(self, server, key=ADMIN):
        self.url = server.url
        self.environment = {
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }

    def run(self, *arguments, cwd=None):
        command = ["aws", "cognito-idp", *arguments, "--endpoint-url", self.url]
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE
        )

    def text(self, *arguments, **options):
        done = self.run(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.text(*arguments, "--output", "json", **options))

    def error(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr.strip()


@pytest.fixture(scope="session")
def cli(server):
    return Cli(server)
