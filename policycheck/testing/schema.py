"""The shape of a test file (`NAME.test.yaml`): pydantic models, as for policies; every scalar is the author's text."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from policycheck.policy.schema import Identifier, Line, Scalar
from policycheck.result import Verdict

Jobs = Annotated[list[dict[str, Any]], Field(description="Records with the members that matter; the rest is filled in")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class ExpectationEntry(_Model):
    """What must come of one rule."""

    verdict: Verdict
    findings: list[Line] | None = Field(None, description="The subjects found, whole or the last part of the ARN; all of them")
    waived: list[Line] | None = Field(None, description="The subjects whose findings are waived")
    reason: Line | None = Field(None, description="A part of the reason, or of some finding's message")
    cause: Line | None = Field(None, description="The cause of every finding")


class _Evidence(_Model):
    as_of: Line | None = Field(None, description="The instant everything is measured from, ISO 8601")
    params: dict[Identifier, Scalar] | None = None
    jobs: Jobs | None = None
    copy_jobs: Jobs | None = None
    restore_jobs: Jobs | None = None
    inventories: dict[Identifier, list[Any]] | None = None
    covers: Line | None = Field(None, description="How far back every list reaches; 40d where nothing says")
    expect: dict[Identifier, Verdict | ExpectationEntry] | None = None


class TestEntry(_Evidence):
    """One test."""

    name: Line


class TestsEntry(_Evidence):
    """A file of tests of one policy: one test, or several under `tests`."""

    policy: Line | None = Field(None, description="The policy's file, relative to this one; NAME.yaml of NAME.test.yaml where nothing says")
    name: Line | None = None
    tests: Annotated[list[TestEntry], Field(min_length=1)] | None = None


LISTS = {"jobs": "backup_jobs", "copy_jobs": "copy_jobs", "restore_jobs": "restore_jobs"}
"""The key of each list, and the name of its dataset."""
