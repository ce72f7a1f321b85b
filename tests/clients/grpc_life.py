#!/usr/bin/env python3
"""The whole life of an import job, by Python's gRPC and reflection alone.

Nothing here is generated from proto/: every message and method is what the
server's reflection says it is, as for a caller who knows the address only.

    grpc_life.py HOST:PORT
"""

import csv
import json
import sys
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_status import rpc_status

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
USERS = EXAMPLES / "users.csv"
EXPECTED = json.loads((EXAMPLES / "users.expected.json").read_text())
SERVICES = {f"muster.v1.{name}" for name in ("UserImportService", "UserPoolService", "UserService")}
TIMEOUT = 60


class Server:
    """Calls any method of the server by its name, with fields as keywords."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        pool = descriptor_pool.DescriptorPool(self.database)
        self.methods = {}
        for service in SERVICES:
            for method in pool.FindServiceByName(service).methods:
                self.methods[method.name] = method

    def __getattr__(self, name):
        method = self.methods[name]
        kind = self.channel.unary_stream if method.server_streaming else self.channel.unary_unary
        request = message_factory.GetMessageClass(method.input_type)
        answer = message_factory.GetMessageClass(method.output_type)
        call = kind(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=request.SerializeToString,
            response_deserializer=answer.FromString,
        )
        return lambda **fields: call(request(**fields), timeout=TIMEOUT)


def status_of(job):
    value = job.DESCRIPTOR.fields_by_name["status"].enum_type.values_by_number[job.status]
    return value.name.removeprefix("USER_IMPORT_JOB_STATUS_")


def counts(job):
    return job.imported_users, job.skipped_users, job.failed_users


def pages(call, field, **fields):
    """All items of a paged list; no page may be larger than asked for."""
    token, items = "", []
    while True:
        page = call(page_token=token, **fields)
        some = getattr(page, field)
        assert len(some) <= fields["page_size"], len(some)
        items += some
        token = page.next_page_token
        if not token:
            return items


def refused(code, call, **fields):
    """The call must fail with the code; answers the details by type."""
    try:
        answer = call(**fields)
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()}: {error.details()}"
        status = rpc_status.from_call(error)
        assert status is not None, f"{code} without details"
        details = {}
        for packed in status.details:
            kind = getattr(error_details_pb2, packed.type_url.rsplit(".", 1)[1])
            details[kind.__name__] = detail = kind()
            assert packed.Unpack(detail)
        assert details["ErrorInfo"].domain == "muster", details
        assert details["RequestInfo"].request_id, details
        return details
    raise AssertionError(f"{code} was expected, not {answer}")


def main():
    [address] = sys.argv[1:]
    server = Server(address)
    steps = 0

    def done(what):
        nonlocal steps
        steps += 1
        print(f"ok {steps:2} - {what}", flush=True)

    named = set(server.database.get_services())
    assert SERVICES <= named and "grpc.health.v1.Health" in named, named
    done("reflection lists the services, health among them")

    health = health_pb2_grpc.HealthStub(server.channel)
    for service in {"", *SERVICES}:
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, service
    done("every service is SERVING")

    pool = server.CreateUserPool(
        pool_name="grpc-life", auto_verified_attributes=["email"]
    ).user_pool
    pool_id = pool.user_pool_id
    assert server.DescribeUserPool(user_pool_id=pool_id).user_pool == pool
    assert pool in pages(server.ListUserPools, "user_pools", page_size=60)
    done(f"pool {pool_id} is made, described and listed")

    with USERS.open(encoding="utf-8", newline="") as file:
        first_line = file.readline().rstrip("\n").split(",")
    assert list(server.GetCsvHeader(user_pool_id=pool_id).csv_header) == first_line
    done("the pool's CSV header is that of the sample")

    details = refused(
        grpc.StatusCode.NOT_FOUND, server.DescribeUserPool, user_pool_id="nowhere_123456789"
    )
    assert details["ErrorInfo"].reason == "USER_POOL_NOT_FOUND", details
    assert details["ResourceInfo"].resource_name == "nowhere_123456789", details
    done("an unknown pool is NOT_FOUND, and named")

    details = refused(
        grpc.StatusCode.INVALID_ARGUMENT,
        server.CreateUserImportJob,
        user_pool_id=pool_id,
        job_name="no;semicolon",
    )
    fields = [v.field for v in details["BadRequest"].field_violations]
    assert fields == ["job_name"], fields
    details = refused(
        grpc.StatusCode.INVALID_ARGUMENT,
        server.ListUserImportJobs,
        user_pool_id=pool_id,
        page_size=61,
    )
    fields = [v.field for v in details["BadRequest"].field_violations]
    assert fields == ["page_size"], fields
    done("a bad name and a page too large are INVALID_ARGUMENT, field by field")

    once = str(uuid.uuid4())
    create = dict(user_pool_id=pool_id, job_name="grpc life", request_id=once)
    job = server.CreateUserImportJob(**create).user_import_job
    job_id, url = job.job_id, urllib.parse.urlsplit(job.pre_signed_url)
    which = dict(user_pool_id=pool_id, job_id=job_id)
    assert status_of(job) == "CREATED" and counts(job) == (0, 0, 0), job
    assert job.pre_signed_url and job.expires_at.seconds > job.creation_date.seconds, job
    assert not job.HasField("start_date") and not job.HasField("total_rows"), job
    assert server.CreateUserImportJob(**create).user_import_job.job_id == job_id
    done(f"{job_id} is made, once, though it was asked for twice")

    details = refused(
        grpc.StatusCode.FAILED_PRECONDITION, server.StartUserImportJob, **which
    )
    assert details["PreconditionFailure"].violations, details
    done("it does not start without a file")

    upload = urllib.request.Request(job.pre_signed_url, data=USERS.read_bytes(), method="PUT")
    with urllib.request.urlopen(upload, timeout=TIMEOUT) as answer:
        assert 200 <= answer.status < 300, answer.status
    done("the file is uploaded")

    job = server.StartUserImportJob(**which).user_import_job
    assert status_of(job) != "CREATED" and job.HasField("start_date"), job
    last, seen = None, []
    for update in server.WatchUserImportJob(**which):
        job = update.user_import_job
        if last is not None:
            assert all(a <= b for a, b in zip(counts(last), counts(job))), (last, job)
        last = job
        if status_of(job) not in seen:
            seen.append(status_of(job))
    assert seen[-1] == "SUCCEEDED", seen
    done(f"it is watched to its end: {' -> '.join(seen)}")

    job = server.DescribeUserImportJob(**which).user_import_job
    wanted = tuple(EXPECTED[k] for k in ("imported", "skipped", "failed"))
    assert counts(job) == wanted, (counts(job), wanted)
    assert job.total_rows == sum(wanted), job
    assert job.processed_bytes == job.total_bytes == USERS.stat().st_size, job
    assert job.completion_message == "Import Job Completed Successfully.", job
    assert job.HasField("completion_date") and not job.pre_signed_url, job
    listed = pages(server.ListUserImportJobs, "user_import_jobs", user_pool_id=pool_id, page_size=1)
    assert [j.job_id for j in listed] == [job_id], listed
    done("imported {}, skipped {}, failed {}, as it must be".format(*counts(job)))

    rows = pages(server.ListRejectedRows, "rejected_rows", **which, page_size=7)
    found = [{"line": row.line_number, "code": row.code} for row in rows]
    assert found == EXPECTED["rejected"], found
    assert all(row.message for row in rows)
    done(f"the {len(found)} rejected rows have the lines and codes that they must have")

    # Uploads and downloads are on the same port.
    report = f"{url.scheme}://{url.netloc}/v1/user-import-jobs/{job_id}/rejected.csv"
    with urllib.request.urlopen(report, timeout=TIMEOUT) as answer:
        assert "attachment" in answer.headers["Content-Disposition"], answer.headers
        lines = answer.read().decode().split("\n")
    assert lines[0].rstrip("\r").split(",") == [
        *first_line,
        "muster:line",
        "muster:code",
        "muster:message",
    ], lines[0]
    done("rejected.csv can be downloaded")

    with USERS.open(encoding="utf-8", newline="") as file:
        row = next(r for r in csv.DictReader(file) if "\n" in (r["address"] or ""))
    username = row["cognito:username"]
    user = server.DescribeUser(user_pool_id=pool_id, username=username.upper()).user
    month, day, year = row["birthdate"].split("/")
    assert (user.username, user.import_job_id) == (username, job_id), user
    assert user.enabled and uuid.UUID(user.sub) and user.HasField("user_create_date"), user
    assert user.attributes["address"] == row["address"], user
    assert user.attributes["birthdate"] == f"{year}-{month}-{day}", user
    assert "" not in user.attributes.values(), user
    users = pages(server.ListUsers, "users", user_pool_id=pool_id, page_size=60)
    assert len({u.username for u in users}) == len(users) == EXPECTED["imported"], len(users)
    refused(
        grpc.StatusCode.NOT_FOUND, server.DescribeUser, user_pool_id=pool_id, username="nobody"
    )
    done(f"user {username} is there, address over several lines and all")

    details = refused(grpc.StatusCode.FAILED_PRECONDITION, server.StopUserImportJob, **which)
    assert "SUCCEEDED" in str(details["PreconditionFailure"]), details
    server.DeleteUserImportJob(**which)
    details = refused(grpc.StatusCode.NOT_FOUND, server.DescribeUserImportJob, **which)
    assert details["ResourceInfo"].resource_name == job_id, details
    server.DescribeUser(user_pool_id=pool_id, username=username)
    done("the job cannot be stopped any more, but deleted; its users stay")

    server.DeleteUserPool(user_pool_id=pool_id)
    refused(grpc.StatusCode.NOT_FOUND, server.DescribeUserPool, user_pool_id=pool_id)
    done("the pool is deleted")
    print(f"grpc_life.py: {steps} steps, all as they must be")


if __name__ == "__main__":
    main()
