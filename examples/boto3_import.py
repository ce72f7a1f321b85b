#!/usr/bin/env python3
"""Imports a CSV file of users: the life of a user import job, by boto3.

    pip install boto3
    export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
    python3 examples/boto3_import.py --endpoint-url http://127.0.0.1:8080 examples/users.csv

Without --endpoint-url the same script imports into Amazon Cognito.
"""

import argparse
import pathlib
import time
import urllib.request

import boto3

ROLE = "arn:aws:iam::111122223333:role/service-role/Cognito-UserImport-Role"


def main():
    parser = argparse.ArgumentParser(description="Imports a CSV file of users.")
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--endpoint-url")
    parser.add_argument("--user-pool-id", help="by default a new pool is made")
    parser.add_argument("--role-arn", default=ROLE, help="what Cognito writes its log as")
    options = parser.parse_args()

    cognito = boto3.client("cognito-idp", endpoint_url=options.endpoint_url)
    pool = options.user_pool_id
    if pool is None:
        made = cognito.create_user_pool(
            PoolName="imported", AutoVerifiedAttributes=["email"]
        )
        pool = made["UserPool"]["Id"]
        print(f"made the user pool {pool}")
    header = cognito.get_csv_header(UserPoolId=pool)["CSVHeader"]
    print(f"its CSV files have the columns {','.join(header)}")

    job = cognito.create_user_import_job(
        UserPoolId=pool, JobName=options.file.name, CloudWatchLogsRoleArn=options.role_arn
    )["UserImportJob"]
    print(f"{job['JobId']}: {job['Status']}")
    upload(job["PreSignedUrl"], options.file)
    cognito.start_user_import_job(UserPoolId=pool, JobId=job["JobId"])

    status = None
    while status not in ("Succeeded", "Failed", "Stopped", "Expired"):
        time.sleep(1 if status else 0)
        job = cognito.describe_user_import_job(UserPoolId=pool, JobId=job["JobId"])["UserImportJob"]
        if job["Status"] != status:
            status = job["Status"]
            print(f"{job['JobId']}: {status}")
    print(job["CompletionMessage"])
    print(
        f"{status}: {job['ImportedUsers']} imported, {job['SkippedUsers']} skipped,"
        f" {job['FailedUsers']} failed"
    )
    for user in cognito.list_users(UserPoolId=pool, Limit=3)["Users"]:
        print(f"{user['Username']}: {user['UserStatus']}")
    return 0 if status == "Succeeded" else 1


def upload(url, file):
    """The curl command of Cognito's documentation, without curl."""
    with file.open("rb") as body:
        request = urllib.request.Request(
            url,
            data=body,
            method="PUT",
            headers={
                "Content-Length": str(file.stat().st_size),
                "x-amz-server-side-encryption": "aws:kms",
            },
        )
        urllib.request.urlopen(request).close()


if __name__ == "__main__":
    raise SystemExit(main())
