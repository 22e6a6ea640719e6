"""The shape of a policy file: pydantic models that check a file once it is text with positions, and the JSON Schema made from them for editors.

Every scalar reaches these models as the author's text, so all of them are strings here; the JSON Schema lets numbers and booleans stand unquoted, as YAML does.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from policycheck.datasets import DATASETS, DEFAULT, TAGS, Dataset, Kind, Presence
from policycheck.datasets import Field as Column
from policycheck.policy.calendars import CalendarUnit
from policycheck.policy.grouping import PER_FIELDS
from policycheck.policy.measures import SHAPES, WITH_WARNING, Limit, Shape
from policycheck.policy.model import FOLLOWERS, JobChoice, NoData
from policycheck.policy.operators import OPERATORS, ORDER, Operator
from policycheck.result import Severity

_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_CONDITIONS = {"$comment": "conditions"}
_NON_EMPTY = {"type": "string", "minLength": 1}

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Scalar = Annotated[str, WithJsonSchema(_SCALAR)]
Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$"), WithJsonSchema({"type": ["string", "integer"], "pattern": "^[0-9]{12}$"})]
Conditions = Annotated[dict[str, Any], WithJsonSchema(_CONDITIONS)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), WithJsonSchema({"type": "string", "format": "date"})]
Web = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"]+$", max_length=2048)]


def _measure_schema(shape: Shape) -> dict[str, Any]:
    parameter = r"\$\{.+\}"
    limits: dict[Limit, dict[str, Any]] = {
        Limit.NUMBER: {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": f"^([0-9]+|{parameter})$"}]},
        Limit.SHARE: {"type": "string", "pattern": f"^([0-9.]+%|{parameter})$"},
        Limit.DURATION: _NON_EMPTY,
        Limit.PERCENTAGE: {"type": "string", "pattern": f"^([0-9.]+%|{parameter})$"},
        Limit.FACTOR: {"type": "string", "pattern": f"^([0-9.]+x|{parameter})$"},
    }
    properties = {operator.value: limits[shape.limit] for operator in shape.operators}
    of = {"of": {**_CONDITIONS, "description": "Which jobs of a group match"}} if shape.of else {}
    required = [] if shape.of_any else list(of)
    least, most = (len(found) + bool(properties) for found in (required, of))
    days: dict[str, Any] = {}
    if shape.of_calendar:
        days = {
            unit.value: {**limits[Limit.NUMBER], "description": f"How many of the last {unit} are looked at; the one that runs is not due"}
            for unit in CalendarUnit
        }
        days["zone"] = {**_NON_EMPTY, "description": "The time zone of the calendar: Europe/Berlin. Default: UTC"}
    warning: dict[str, Any] = {}
    if shape.limit in WITH_WARNING:
        warning = {"warning": {**limits[shape.limit], "description": "A softer limit: what is beyond it and keeps to the limit is a finding of severity low"}}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "minProperties": least + bool(days),
        "maxProperties": most + (2 if days else 0) + len(warning),
        "properties": {**of, **properties, **days, **warning},
        **({"oneOf": [{"required": [unit.value]} for unit in CalendarUnit]} if days else {}),
    }


_EXPECT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {measure.value: _measure_schema(shape) for measure, shape in SHAPES.items()},
}
_PER_FIELD: dict[str, Any] = {"enum": list(PER_FIELDS)}
_PER: dict[str, Any] = {"anyOf": [_PER_FIELD, {"type": "array", "minItems": 1, "uniqueItems": True, "items": _PER_FIELD}]}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Per = Annotated[list[Line], Field(min_length=1), BeforeValidator(_as_list), WithJsonSchema(_PER)]
Measured = Annotated[dict[str, Any], WithJsonSchema(_EXPECT)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class ShareEntry(_Model):
    """The share of the subjects that must keep to the limit: one of the two."""

    model_config = ConfigDict(extra="forbid", strict=False, json_schema_extra={"minProperties": 1, "maxProperties": 1})

    at_least: Line | None = Field(None, description="95%: as many or more")
    more_than: Line | None = Field(None, description="95%: more than that")

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.at_least is None) is (self.more_than is None):
            raise PydanticCustomError("one_share", "it takes one of at_least and more_than")
        return self


class ScopeEntry(_Model):
    """What must be covered by complete job lists before any rule can pass."""

    accounts: Annotated[list[Account], Field(min_length=1)] | Literal["organization"] | None = Field(
        None, description="Account ids of 12 digits, or: organization"
    )
    regions: Annotated[list[str], Field(min_length=1)] | None = Field(None, description="AWS Regions: eu-west-1")
    may_be_empty: list[Scalar] | None = Field(None, description="Accounts or account/Region pairs that may have no job at all: 444455556666/us-east-1")


class WrittenJobs(StrEnum):
    """What `jobs` may say: all choices but the one that stands where nothing is said."""

    ALL = JobChoice.ALL.value
    TOP_LEVEL = JobChoice.TOP_LEVEL.value
    MEMBERS = JobChoice.MEMBERS.value


class DefaultsEntry(_Model):
    """Values for every rule of the file that does not say otherwise."""

    severity: Severity | None = Field(default=None, description="How bad a violation is", json_schema_extra={"default": "medium"})
    no_data: NoData | None = Field(default=None, description="The verdict when there is nothing to evaluate", json_schema_extra={"default": "inconclusive"})
    jobs: WrittenJobs | None = Field(default=None, description="Which records of composite jobs are looked at. Default: each rule's own default")


_FOLLOWING = sorted({name for names in FOLLOWERS.values() for name in names})
_FOLLOWING_KINDS = " or ".join(DATASETS[name].kind for name in _FOLLOWING)


class FollowedByEntry(_Model):
    """The job of another list that must follow."""

    dataset: str = Field(description=f"The list it is in: {_FOLLOWING_KINDS} jobs", json_schema_extra={"enum": [*_FOLLOWING]})
    where: Conditions | None = Field(None, description="Conditions the following job must match; that it has COMPLETED is always asked")
    within: Line = Field(description="How long after the end of the job the following one may complete: 6h")


class RuleEntry(_Model):
    """One rule: a sentence under `rule`, or the structured form with exactly one of `none`, `all`, `expect` and `followed_by`."""

    id: Identifier = Field(description="The rule's name in reports; unique in its policy")
    rule: Line | None = Field(
        None,
        description="The sentence: no FAILED EC2 jobs in vault prod within 24h. Beside it may stand clock, jobs, no_data, inventory and what reports say",
    )
    title: Line | None = Field(None, description="A few words for lists of findings; the sentence is shown beside it")
    severity: Severity | None = Field(None, description="How bad a violation is; --fail-on goes by it", json_schema_extra={"default": "medium"})
    dataset: str | None = Field(None, description="Which list is evaluated", json_schema_extra={"enum": list(DATASETS), "default": DEFAULT.name})
    where: Conditions | None = Field(None, description="Conditions that choose the rule's population; without it every job is in it")
    within: Line | None = Field(
        None, description="A window back from as_of: 90m, 24h, 7d; without it the rule looks at all that is covered. newest takes none: its limit is its window"
    )
    clock: Line | None = Field(
        None, description="The field of a time that must lie in the window; without it a job that was created, running or ended in the window is in it"
    )
    jobs: WrittenJobs | None = Field(
        None,
        description="Composite jobs: all records, parents and plain jobs (no ParentJobId), or members. "
        "Default: all; in a count or a share a child is left out where its parent is counted and answers alike, so that no backup counts twice",
    )
    none: Conditions | None = Field(None, description="No job of the population may match these conditions")
    all: Conditions | None = Field(None, description="Every job of the population must match these conditions")
    unless_recovered_within: Line | None = Field(
        None, description="Beside none: how long after its end a job that matches may be recovered by a clean job of the same resource and vault"
    )
    per: Per | None = Field(None, description="Beside expect: the fields that make one group; without it all jobs are one group")
    inventory: Line | None = Field(
        None,
        description="Beside per with ResourceArn, or a sentence about every resource: the subjects are its entries, whether or not a job names them",
    )
    expect: Measured | None = Field(None, description="A measure of each group must keep to a limit: {count: {of: {State: FAILED}, at_most: 2}}")
    share_of_subjects: ShareEntry | None = Field(
        None, description="Beside per and expect: the share of the groups that must keep to the limit, {at_least: 95%}; without it every one must"
    )
    followed_by: FollowedByEntry | None = Field(None, description="Every job of the population must be followed by a job of another list, in time")
    no_data: NoData | None = Field(
        None,
        description="The verdict when the population is empty though the lists are complete; quiet passes where the same jobs are found outside the window",
        json_schema_extra={"default": "inconclusive"},
    )
    why: Line | None = Field(None, description="Why it matters; reports say it")
    fix: Line | None = Field(None, description="What to do about a finding; reports say it")
    url: Web | None = Field(None, description="Where to read more")
    controls: dict[str, list[Scalar]] | None = Field(
        None, description="Ids of the controls this rule tests, by framework: {soc2: [A1.2]}; --framework chooses by it"
    )
    tags: list[Line] | None = Field(None, description="Words of your own; reports carry them")


class WaiverEntry(_Model):
    """A finding that is known, accepted and owned, until a date."""

    rule: Line = Field(description="The rule's id; in a file of waivers also POLICY/RULE")
    match: Conditions | Literal["any"] = Field(
        description="Which jobs, or of a rule on groups which subjects (by the fields of per, Account, Region and ResourceType); any: every finding of the rule"
    )
    reason: Line = Field(description="Why the finding is accepted")
    owner: Line = Field(description="Who answers for it")
    ticket: Line | None = Field(None, description="Where it is followed up")
    granted: Day = Field(description="The first day it holds, UTC: 2026-11-20")
    expires: Day = Field(description="The last day it holds, UTC; at most max_waiver after granted")


class WaiversEntry(_Model):
    """A file of waivers of policycheck."""

    waivers: list[WaiverEntry] = Field(description="Findings that are accepted")


class PolicyEntry(_Model):
    """A policy file of policycheck."""

    policy: Identifier = Field(description="The policy's name in reports; unique in a run")
    title: Line | None = Field(None, description="What reports call the policy")
    scope: ScopeEntry | None = Field(None, description="What must be covered before any rule can pass; --scope and the run file replace it")
    params: dict[Identifier, Scalar] | None = Field(None, description="Values for ${name}; --param NAME=VALUE overrides them")
    defaults: DefaultsEntry | None = Field(None, description="Values for every rule of the file that does not say otherwise")
    rules: list[RuleEntry] = Field(min_length=1, description="The rules, in the order reports show them")
    waivers: list[WaiverEntry] | None = Field(None, description="Findings that are accepted, each with an owner and an end; also in files of their own")
    max_waiver: Line | None = Field(None, description="The longest a waiver of this policy may hold: 90d; without it a year")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a policy file."""
    schema = PolicyEntry.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    columns: dict[str, Column] = {}
    for dataset in DATASETS.values():
        columns |= dict(dataset.fields)
    definitions["Conditions"] = {
        "type": "object",
        "additionalProperties": False,
        "description": "Field: value, Field: [values], or Field: {operator: value}; any and not combine",
        "properties": {
            "any": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Conditions"}},
            "not": {"$ref": "#/$defs/Conditions"},
            **{name: _comparison_schema(column) for name, column in columns.items()},
        },
        "patternProperties": {f"^{TAGS.replace('.', '[.]')}.": _comparison_schema(Column(f"{TAGS}NAME", Kind.TEXT, Presence.DERIVED))},
    }
    finish_schema(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "policycheck policy", **{k: v for k, v in schema.items() if k != "title"}}


def _comparison_schema(column: Column) -> dict[str, Any]:
    value: dict[str, Any] = {"enum": _all_values(column.name)} if column.kind is Kind.ENUM else dict(_SCALAR)
    operators: dict[str, Any] = {}
    for operator, definition in OPERATORS.items():
        # Why a state has no order, the reader of policies says: the schema lets it be asked.
        if definition.applies(column.kind) or (definition.family is ORDER and column.kind is Kind.ENUM):
            given = value if definition.family.schema is None else dict(definition.family.schema)
            operators[operator.value] = {"anyOf": _any_number_of(given)} if definition.family.lists else given
    whole = _any_number_of(value) if OPERATORS[Operator.IS].applies(column.kind) else []
    any_of = [*whole, {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": dict(sorted(operators.items()))}]
    return {"anyOf": any_of, **({"description": column.doc} if column.doc else {})}


def _any_number_of(value: dict[str, Any]) -> list[dict[str, Any]]:
    return [value, {"type": "array", "minItems": 1, "items": value}]


def _all_values(name: str) -> list[str]:
    datasets: list[Dataset] = list(DATASETS.values())
    return list(dict.fromkeys(value for dataset in datasets if name in dataset.fields for value in dataset.fields[name].values))


def finish_schema(node: Any) -> None:
    """Finish what pydantic made: point at the shared definition of conditions, and let no key take null: an absent key is absent."""
    if isinstance(node, dict):
        choices = node.get("anyOf")
        if isinstance(choices, list) and {"type": "null"} in choices:
            choices.remove({"type": "null"})
            if len(choices) == 1:
                node.pop("anyOf")
                node.update({**choices[0], **node})
            if node.get("default", ...) is None:
                del node["default"]
        if node.pop("$comment", None) == _CONDITIONS["$comment"]:
            node["$ref"] = "#/$defs/Conditions"
        for child in node.values():
            finish_schema(child)
    elif isinstance(node, list):
        for child in node:
            finish_schema(child)
