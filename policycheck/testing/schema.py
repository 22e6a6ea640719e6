"""The shape of a test file (`NAME.test.yaml`): pydantic models, as for policies; every scalar is the author's text."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from policycheck.datasets import DATASETS, DEFAULT
from policycheck.policy.schema import Identifier, Line, Scalar
from policycheck.result import Verdict

Jobs = list[dict[str, Any]]
_JOBS = "records with the members that matter; the rest is filled in"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class ExpectationEntry(_Model):
    """What must come of one rule."""

    verdict: Verdict = Field(description="The rule's verdict")
    findings: list[Line] | None = Field(
        None, description="Every subject that must be found, whole or by the end of its ARN; a fail needs it, and no other subject may be found"
    )
    waived: list[Line] | None = Field(None, description="Every subject whose finding must be waived")
    reason: Line | None = Field(None, description="A part of the verdict's reason, of a note or of a finding's message")
    cause: Line | None = Field(None, description="The cause that every finding must have")


class _Setting(_Model):
    as_of: Line | None = Field(None, description="The instant everything is measured from, ISO 8601; each test needs one, its own or the file's")
    params: dict[Identifier, Scalar] | None = Field(None, description="Values of the policy's parameters; those of a test go before the file's")


LISTS = {"jobs" if dataset is DEFAULT else name: name for name, dataset in DATASETS.items()}
"""The key of each list, and the name of its dataset."""
_FIELDS: dict[str, Any] = {key: (Jobs | None, Field(None, description=f"{DATASETS[name].noun.capitalize()}s: {_JOBS}")) for key, name in LISTS.items()}
_WithLists: Any = create_model("_WithLists", __base__=_Setting, **_FIELDS)


class _Evidence(_WithLists):  # type: ignore[misc]  # made of the lists that there are
    inventories: dict[Identifier, list[Any]] | None = Field(None, description="Inventories by the name that rules give them: lists of ARNs or of entries")
    covers: Line | None = Field(None, description="How far back every list reaches", json_schema_extra={"default": "40d"})
    expect: dict[Identifier, Verdict | ExpectationEntry] | None = Field(
        None, description="What must come of each rule, by its id: a verdict alone, or a mapping; of a rule that is not named nothing may be found"
    )


class TestEntry(_Evidence):
    """One test."""

    name: Line = Field(description="What the test shows; reports call it so")


class TestsEntry(_Evidence):
    """A file of tests of one policy: one test, or several under `tests`."""

    policy: Line | None = Field(None, description="The policy's file, relative to this one; without it NAME.yaml of NAME.test.yaml")
    name: Line | None = Field(None, description="What the test shows; without it the file's name")
    tests: Annotated[list[TestEntry], Field(min_length=1)] | None = Field(
        None, description="Several tests; jobs and expectations then stand in each, and what else stands beside them holds for all"
    )
