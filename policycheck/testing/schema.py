"""The shape of a test file (`NAME.test.yaml`): pydantic models, as for policies; every scalar is the author's text."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from policycheck.datasets import DATASETS, DEFAULT
from policycheck.policy.schema import Identifier, Line, Scalar
from policycheck.result import Verdict

Jobs = list[dict[str, Any]]
_JOBS = "records with the fields that matter; the others are filled in"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class ExpectationEntry(_Model):
    """What must come of one rule."""

    verdict: Verdict = Field(description="The rule's verdict")
    findings: list[Line] | None = Field(
        None, description="Every subject with a finding, by its ARN or the end of it; required for fail. Other findings fail the test"
    )
    waived: list[Line] | None = Field(None, description="Every subject whose finding is waived")
    reason: Line | None = Field(None, description="Part of the verdict's reason, of a note or of a finding's message")
    cause: Line | None = Field(None, description="The cause of every finding")


class _Setting(_Model):
    as_of: Line | None = Field(None, description="The evaluation time, ISO 8601; required for each test or for the file")
    params: dict[Identifier, Scalar] | None = Field(None, description="Values of the policy's parameters; a test's override the file's")


LISTS = {"jobs" if dataset is DEFAULT else name: name for name, dataset in DATASETS.items()}
"""The key of each list, and the name of its dataset."""
_FIELDS: dict[str, Any] = {key: (Jobs | None, Field(None, description=f"{DATASETS[name].noun.capitalize()}s: {_JOBS}")) for key, name in LISTS.items()}
_WithLists: Any = create_model("_WithLists", __base__=_Setting, **_FIELDS)


class _Evidence(_WithLists):  # type: ignore[misc]  # made of the lists that there are
    inventories: dict[Identifier, list[Any]] | None = Field(None, description="Inventories by the name that rules use: lists of ARNs or of entries")
    covers: Line | None = Field(None, description="How far back every list is complete", json_schema_extra={"default": "40d"})
    expect: dict[Identifier, Verdict | ExpectationEntry] | None = Field(
        None, description="The expected result of each rule, by its ID: a verdict or a mapping. A rule that is not named must have no finding"
    )


class TestEntry(_Evidence):
    """One test."""

    name: Line = Field(description="What the test shows; its name in reports")


class TestsEntry(_Evidence):
    """A file of tests of one policy: one test, or several under `tests`."""

    policy: Line | None = Field(None, description="The policy file, relative to this file. Default: NAME.yaml for NAME.test.yaml")
    name: Line | None = Field(None, description="What the test shows. Default: the file's name")
    tests: Annotated[list[TestEntry], Field(min_length=1)] | None = Field(
        None, description="Several tests, each with its jobs and expectations; the file's other keys apply to all"
    )
