"""What a run was made with: versions, time zones, and the CI job where there is one. Nothing of it is evidence; it says where to look."""

from __future__ import annotations

import os
import platform
import re
import zoneinfo
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from policycheck.text import clean_line, truncate

# Named one by one: what is not named here, tokens above all, never gets into a bundle. CI_REPOSITORY_URL of GitLab holds a token.
_CI = {
    "GitHub Actions": (
        "GITHUB_ACTIONS",
        "GITHUB_SERVER_URL GITHUB_REPOSITORY GITHUB_SHA GITHUB_REF GITHUB_RUN_ID GITHUB_RUN_ATTEMPT GITHUB_WORKFLOW_REF GITHUB_JOB GITHUB_EVENT_NAME "
        "GITHUB_ACTOR",
    ),
    "GitLab CI": ("GITLAB_CI", "CI_SERVER_URL CI_PROJECT_PATH CI_COMMIT_SHA CI_COMMIT_REF_NAME CI_PIPELINE_ID CI_JOB_ID CI_JOB_NAME CI_PIPELINE_SOURCE"),
}
_LONGEST = 300
_VERSION = re.compile(r"#\s*version\s+(\S+)|(\d{4}[a-z]+)")


class CiJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The CI job that a run was part of, by variables of its runner."""

    system: str
    variables: dict[str, str]

    @property
    def url(self) -> str:
        """Where the run can be looked at; empty where that is not known."""
        known = self.variables
        if {"GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"} <= known.keys():
            return f"{known['GITHUB_SERVER_URL'].rstrip('/')}/{known['GITHUB_REPOSITORY']}/actions/runs/{known['GITHUB_RUN_ID']}"
        if {"CI_SERVER_URL", "CI_PROJECT_PATH", "CI_JOB_ID"} <= known.keys():
            return f"{known['CI_SERVER_URL'].rstrip('/')}/{known['CI_PROJECT_PATH']}/-/jobs/{known['CI_JOB_ID']}"
        return ""

    @property
    def commit(self) -> str:
        """The commit that was checked out; empty where that is not known."""
        return self.variables.get("GITHUB_SHA") or self.variables.get("CI_COMMIT_SHA") or ""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Versions, and the CI job."""

    python: str
    dependencies: dict[str, str]
    """Of what policycheck is made with, the versions that were installed."""
    time_zones: str
    """The version of the time zone database, and whose it is."""
    ci: CiJob | None = None


def look_around(environment: Mapping[str, str] = os.environ) -> Surroundings:
    """The surroundings of this process."""
    return Surroundings(python=platform.python_version(), dependencies=_dependencies(), time_zones=_time_zones(), ci=_ci_job(environment))


def _dependencies() -> dict[str, str]:
    try:
        required = metadata.requires("policycheck") or []
    except metadata.PackageNotFoundError:
        return {}
    names = {re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0].lower() for text in required if "extra ==" not in text}
    # What others bring along, and what decides how a report looks where it is there.
    names |= {"botocore", "altair", "vl-convert-python", "tzdata"}
    found = {}
    for name in sorted(names):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _time_zones() -> str:
    for folder in zoneinfo.TZPATH:
        if not Path(folder, "UTC").exists():
            continue
        for name in ("tzdata.zi", "+VERSION"):
            try:
                with Path(folder, name).open(encoding="ascii", errors="replace") as stream:
                    found = _VERSION.search(stream.read(100))
            except OSError:
                continue
            if found:
                return f"{found[1] or found[2]}, of the system"
        return "of the system, without a version"
    try:
        return f"{metadata.version('tzdata')}, of the package tzdata"
    except metadata.PackageNotFoundError:
        return "none"


def _ci_job(environment: Mapping[str, str]) -> CiJob | None:
    for system, (mark, names) in _CI.items():
        if environment.get(mark):
            found = {name: _clean(environment[name]) for name in names.split() if environment.get(name)}
            return CiJob(system=system, variables=found)
    return None


def _clean(text: str) -> str:
    """One line, and a URL without who logs in by it."""
    line = truncate(clean_line(text), _LONGEST)
    if "://" not in line:
        return line
    try:
        parts = urlsplit(line)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        return ""
