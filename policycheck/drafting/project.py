"""A project around a drafted policy: the policy, its tests, a run file and a pipeline; and how each differs from what is there already."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from policycheck.drafting.document import comment, flow, scalar
from policycheck.errors import UsageError
from policycheck.policy.catalogue import RUN_FILE
from policycheck.resources import data_folder
from policycheck.text import clean_line

PIPELINES: Mapping[str, tuple[str, str]] = {
    "github": ("github.yml", ".github/workflows/policycheck.yml"),
    "gitlab": ("gitlab.yml", ".gitlab-ci.yml"),
    "azure": ("azure-pipelines.yml", "azure-pipelines.yml"),
    "circleci": ("circleci.yml", ".circleci/config.yml"),
    "jenkins": ("Jenkinsfile", "Jenkinsfile"),
}
"""By the name of the CI system: the example in `examples/ci`, and the file that the system reads."""
POLICIES = "policies"


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file of the project."""

    name: str
    """Relative to the project's folder."""
    text: str

    def difference(self, folder: Path) -> str | None:
        """How the file in `folder` would change, as `patch -p1` takes it; empty if it is the same, None if there is no such file.

        Raises:
            UsageError: the file cannot be read.
        """
        path = folder / self.name
        try:
            there = path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UsageError(f"{clean_line(path.as_posix())} cannot be read: {said}") from None
        lines = difflib.unified_diff(there.splitlines(keepends=True), self.text.splitlines(keepends=True), f"a/{self.name}", f"b/{self.name}")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the run file says of where jobs come from, each as a text or texts; what is empty is left out."""

    jobs: Sequence[str] = ()
    as_of: str = ""
    covers: str = ""
    regions: Sequence[str] = ()
    role_arns: Sequence[str] = ()
    accounts: str = ""
    account_id: str = ""
    role_external_id: str = ""
    outside: Sequence[str] = ()
    """Lists that a run file cannot name: they lie outside of the project's folder, or are stdin."""


def run_file(sources: Sources) -> ProjectFile:
    """The run file of a project."""
    keys = ("jobs", "as_of", "covers", "regions", "role_arns", "accounts", "account_id", "role_external_id")
    said = {key: value for key in keys if (value := getattr(sources, key))}
    lines = [
        comment("What `policycheck check`, `lint` and `test` read in this folder. Every path is relative to this file."),
        f"policies: [{POLICIES}/]",
    ]
    if sources.outside:
        told = f"The lists are not in this folder, so name them on the command line: --jobs {' --jobs '.join(sources.outside)}"
        lines += ["", comment(told)]
    if said:
        lines += ["", "sources:", *(f"  {key}: {scalar(value) if isinstance(value, str) else flow(value)}" for key, value in said.items())]
    return ProjectFile(RUN_FILE, "\n".join(lines) + "\n")


def pipeline(name: str) -> ProjectFile:
    """The pipeline for a CI system of `PIPELINES`."""
    example, path = PIPELINES[name]
    return ProjectFile(path, (data_folder("examples") / "ci" / example).read_text(encoding="utf-8"))
