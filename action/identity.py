"""Which check of a repository a run is of, by which its comment and its last result are found again; and that result, which is the baseline of the next run."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from action.workflow import annotate, read_input, read_lines, temporary_folder, write_outputs

LAST = "last"
"""What the input baseline says for the result that an earlier run kept."""
RESULT = "result.json"
MAX_NAME = 150


def category() -> str:
    """What tells this check from others of the repository: the input, or the workflow's file and the job."""
    if read_input("category"):
        return read_input("category")
    # OWNER/REPOSITORY/.github/workflows/FILE.yml@REF; a workflow's name need not be its own.
    file = os.environ.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2].rpartition(".")[0]
    parts = file or os.environ.get("GITHUB_WORKFLOW", ""), os.environ.get("GITHUB_JOB", "")
    return "/".join(filter(None, (re.sub(r"[^A-Za-z0-9_.-]+", "-", part).strip("-")[:45] for part in parts))) or "check"


def name() -> str:
    """The policies, as the inputs name them, and the category, for people."""
    return re.sub(r"[^\w./, -]", "_", f"{_policies()}, {category()}")[:MAX_NAME]


def digest() -> str:
    """16 hex digits that are those of this check in every run, and of no other of the repository."""
    named = "\0".join((_policies(), read_input("working-directory"), category()))
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def marker() -> str:
    """First line of the comment, by which the next run of the same check finds the one to replace. The digest tells it, the names are for people."""
    # Two hyphens may end a comment of HTML.
    return f"<!-- policycheck: {name().replace('-', '_')} {digest()} -->"


def _policies() -> str:
    return ", ".join(read_lines("policies")) or read_input("config") or "policycheck.yaml"


def name_kept_result() -> int:
    """Say where the kept result goes, and by which keys of the cache it is found: the newest one of this check. The exit code of the step."""
    # A result of a period cannot be compared with one of an instant.
    prefix = f"policycheck-{'period' if read_input('from') else 'instant'}-{digest()}-"
    run = f"{os.environ.get('GITHUB_RUN_ID', '')}-{os.environ.get('GITHUB_RUN_ATTEMPT', '')}"
    write_outputs({"folder": _kept_folder(), "key": f"{prefix}{run}", "prefix": prefix})
    return 0


def baseline_options(fail_on_new: list[str]) -> list[str]:
    """--baseline and --fail-on-new; of a first run, which has no last result, none: it is evaluated as without, and becomes the baseline.

    Args:
        fail_on_new: the option that the input became.
    """
    named = read_input("baseline")
    if named == LAST:
        last = _kept_folder() / RESULT
        if not last.is_file():
            annotate("notice", "No result of an earlier run is kept: this run is evaluated without a baseline, and its result is the baseline of the next.")
            return []
        named = str(last)
    return [*([f"--baseline={named}"] if named else []), *fail_on_new]


def keep_result(document: Path, result: dict[str, Any] | None, *, passed: bool, found: bool) -> str:
    """`true` where the result of this run is the next baseline: it saw what the last one saw, and has no new finding where such fail the run.

    Args:
        document: the file of the result, which was read from it.
        passed, found: whether the run passed, or failed by findings.
    """
    if read_input("baseline") != LAST or result is None:
        return ""
    told = result.get("baseline")
    whole = not isinstance(told, dict) or not (told.get("lost") or told.get("not_seen"))
    if not whole or not (passed or (found and not (isinstance(told, dict) and told.get("fail_on_new")))):
        return ""
    _kept_folder().mkdir(parents=True, exist_ok=True)
    (_kept_folder() / RESULT).write_bytes(document.read_bytes())
    return "true"


def _kept_folder() -> Path:
    """Where the result that an earlier run kept is put, and the one of this run."""
    return Path(temporary_folder(), f"policycheck-kept-{digest()}")
