"""What a bundle says of where it was made: named variables of the CI job, cleaned, and no other."""

from __future__ import annotations

import re

from policycheck.evidence.surroundings import look_around

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://user:secret@github.com/?token=secret",
    "GITHUB_REPOSITORY": "o/r",
    "GITHUB_RUN_ID": "7",
    "GITHUB_SHA": "c" * 40,
    "GITHUB_REF": "refs/heads/x\x1b[2J\n::error::",
    "GITHUB_TOKEN": "secret",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_SERVER_URL": "https://gitlab.example",
    "CI_PROJECT_PATH": "g/p",
    "CI_JOB_ID": "9",
    "CI_COMMIT_SHA": "d" * 40,
    "CI_REPOSITORY_URL": "https://gitlab-ci-token:secret@gitlab.example/g/p.git",
    "CI_JOB_TOKEN": "secret",
}


def test_of_github_actions_the_run_and_the_commit_are_told_and_no_secret() -> None:
    ci = look_around(GITHUB).ci
    assert ci is not None
    assert (ci.system, ci.url, ci.commit) == ("GitHub Actions", "https://github.com/o/r/actions/runs/7", "c" * 40)
    assert ci.variables["GITHUB_REF"] == "refs/heads/x\ufffd[2J ::error::"
    assert "secret" not in str(ci)


def test_of_gitlab_likewise() -> None:
    ci = look_around(GITLAB).ci
    assert ci is not None
    assert (ci.url, ci.commit) == ("https://gitlab.example/g/p/-/jobs/9", "d" * 40)
    assert "secret" not in str(ci)


def test_elsewhere_there_is_no_ci_job_and_versions_are_known() -> None:
    found = look_around({"HOME": "/home/someone", "GITHUB_SHA": "x"})
    assert found.ci is None
    assert {"boto3", "botocore", "msgspec", "polars"} <= found.dependencies.keys()
    assert re.match(r"\d{4}|of the system", found.time_zones)
