"""`muster dev`, started and stopped: what the tests talk to."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

REGION = "us-west-2"
ROLE = "arn:aws:iam::111122223333:role/service-role/Cognito-UserImport-Role"
# Longer than anything takes on a machine that is busy with other tests.
PATIENCE = 120


class Key:
    """An access key of a keys file."""

    def __init__(self, access_key_id, secret, name, pools=("*",), actions=("*",), **more):
        self.access_key_id = access_key_id
        self.secret = secret
        self.entry = {
            "access_key_id": access_key_id,
            "secret_access_key": secret,
            "name": name,
            "pools": list(pools),
            "actions": list(actions),
            **more,
        }


# The key pair of AWS's documentation.
ADMIN = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "admin")
READER = Key(
    "AKIAREADERREADER0001",
    "reader/reader/reader/reader/reader/reader",
    "reader",
    actions=("DescribeUserImportJob", "ListUserImportJobs", "GetCSVHeader"),
)
# It may list pools, and no pool that there is.
STRANGER = Key(
    "AKIASTRANGERSTRANGER",
    "stranger/stranger/stranger/stranger/stran",
    "stranger",
    pools=("us-west-2_nowhere00",),
)
NOTHING = Key(
    "AKIANOTHINGNOTHING01",
    "nothing/nothing/nothing/nothing/nothing/n",
    "nothing",
    # An action of a role that may do none of the others.
    actions=("GetCSVHeader",),
)
HASTY = Key(
    "AKIAHASTYHASTYHASTY1",
    "hasty/hasty/hasty/hasty/hasty/hasty/hasty",
    "hasty",
    calls_per_second=1,
)
JOBLESS = Key(
    "AKIAJOBLESSJOBLESS01",
    "jobless/jobless/jobless/jobless/jobless/j",
    "jobless",
    actions=("ListUserPools",),
)
KEYS = [ADMIN, READER, STRANGER, NOTHING, HASTY, JOBLESS]


class Server:
    """A running `muster dev`. `keys` of None: it takes any credentials."""

    def __init__(self, keys=None, **variables):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="muster-aws-"))
        # Postgres runs as another user when this runs as root, and must get in.
        self.folder.chmod(0o755)
        self.log = self.folder / "log"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
        environment.update({"MUSTER_REGION": REGION, "MUSTER_LOG": "debug", **variables})
        self.keys_file = self.folder / "keys.json"
        if keys is not None:
            self.write_keys(keys)
            environment["MUSTER_AWS_ACCESS_KEYS"] = str(self.keys_file)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    os.environ["MUSTER_BIN"],
                    "dev",
                    f"--data-dir={self.folder / 'data'}",
                    "--grpc-addr=127.0.0.1:0",
                    "--http-addr=127.0.0.1:0",
                ],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.url = self.wait_for_url()

    def write_keys(self, keys):
        self.keys_file.touch(mode=0o600)
        self.keys_file.write_text(json.dumps({"keys": [key.entry for key in keys]}))

    def wait_for_url(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            for line in self.log.read_text().splitlines():
                if "muster is ready" in line:
                    return line.split("HTTP ")[1].split(",")[0]
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"muster dev did not get ready:\n{self.log.read_text()[-4000:]}")

    def postgres(self):
        """The ids of the processes of its Postgres."""
        pid_file = self.folder / "data/postgres/data/postmaster.pid"
        postmaster = int(pid_file.read_text().split()[0])
        children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        return [postmaster, *map(int, children.split())]

    @contextlib.contextmanager
    def no_row_written(self):
        """Within it, an import job gets as far as its first row and no further.

        Gives a function that waits until a job is there: before that, one that is told to stop
        has stopped at once.
        """
        home = self.folder / "data/postgres"
        lines = (home / "data/postmaster.pid").read_text().splitlines()
        postmaster, port, socket_dir = lines[0], lines[3], lines[4]
        # Beside the server's own program.
        psql = pathlib.Path(f"/proc/{postmaster}/exe").resolve().with_name("psql")
        names = {"PGHOST": socket_dir, "PGPORT": port, "PGUSER": "muster", "PGDATABASE": "muster"}
        password = (home / "password").read_text().strip()
        with subprocess.Popen(
            [psql, "-XqtA", "-v", "ON_ERROR_STOP=1"],
            env={**os.environ, **names, "PGPASSWORD": password},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as session:

            def answer(statements):
                session.stdin.write(statements + "\n")
                session.stdin.flush()
                return session.stdout.readline().strip()

            def first_row():
                waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted;"
                end = time.monotonic() + PATIENCE
                while answer(waiting) == "0":
                    assert time.monotonic() < end, "no job came to its first row"
                    time.sleep(0.02)

            # Readers go on.
            assert answer("BEGIN; LOCK TABLE users IN EXCLUSIVE MODE; SELECT 'locked';") == "locked"
            try:
                yield first_row
            finally:
                session.communicate("COMMIT;\n", PATIENCE)
        assert session.returncode == 0

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            finally:
                if self.process.poll() is None:
                    self.process.kill()
                    self.process.wait()
        return self.process.returncode

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def upload(url, body, headers=None):
    """PUTs a file to a signed URL."""
    request = urllib.request.Request(url, data=body, method="PUT", headers=headers or {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return response.status


def csv_file(rows, bad=0, start=0):
    """A CSV file of so many good rows, and bad ones behind them."""
    lines = ["cognito:username,email,email_verified,name"]
    lines += [f"user{n:07},user{n}@example.com,true,User {n}" for n in range(start, start + rows)]
    lines += [f"bad{n},no address,true,Bad {n}" for n in range(bad)]
    return ("\n".join(lines) + "\n").encode()
