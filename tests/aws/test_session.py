"""The session of the README, pasted into a shell."""

import os
import pathlib
import re
import subprocess

from server import PATIENCE

HEADING = "## From Cognito\n"


def session():
    """The first shell block under the heading, wherever it is for now."""
    for file in ("README.md", "docs/from-cognito.md"):
        path = pathlib.Path(file)
        text = path.read_text() if path.exists() else ""
        if HEADING in text:
            section = text.split(HEADING)[1].split("\n## ")[0]
            return re.search(r"```sh\n(.*?)```", section, re.S)[1]
    raise AssertionError(f"nothing under {HEADING}")


def test_the_session_of_the_readme(open_server):
    script = session().replace("http://127.0.0.1:8080", open_server.url)
    assert open_server.url in script
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for part in (
        '"cognito:username"',
        '"Status": "Succeeded"',
        '"ImportedUsers": 958',
        '"SkippedUsers": 5',
        '"FailedUsers": 37',
        "ListUserImportJobs",
        "rhys.thistlewood@example.org",
    ):
        assert part in done.stdout, f"{part} is not in:\n{done.stdout}"
