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
            unit.value: {**limits[Limit.NUMBER], "description": f"How many of the last {unit} count; the one that still runs does not"} for unit in CalendarUnit
        }
        days["zone"] = {**_NON_EMPTY, "description": "The time zone of the calendar: Europe/Berlin. Default: UTC"}
    warning: dict[str, Any] = {}
    if shape.limit in WITH_WARNING:
        warning = {"warning": {**limits[shape.limit], "description": "A second limit: a group between the two has a finding of severity low"}}
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

    at_least: Line | None = Field(None, description="This share or more: 95%")
    more_than: Line | None = Field(None, description="More than this share: 95%")

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.at_least is None) is (self.more_than is None):
            raise PydanticCustomError("one_share", "it takes one of at_least and more_than")
        return self


class ScopeEntry(_Model):
    """What must be covered by complete job lists before any rule can pass."""

    accounts: Annotated[list[Account], Field(min_length=1)] | Literal["organization"] | None = Field(
        None, description="Account IDs of 12 digits, or: organization"
    )
    regions: Annotated[list[str], Field(min_length=1)] | None = Field(None, description="Regions: eu-west-1")
    may_be_empty: list[Scalar] | None = Field(None, description="Accounts or account/Region pairs that can be without jobs: 444455556666/us-east-1")


class WrittenJobs(StrEnum):
    """What `jobs` may say: all choices but the one that stands where nothing is said."""

    ALL = JobChoice.ALL.value
    TOP_LEVEL = JobChoice.TOP_LEVEL.value
    MEMBERS = JobChoice.MEMBERS.value


class DefaultsEntry(_Model):
    """Values for every rule of the file that does not set its own."""

    severity: Severity | None = Field(default=None, description="Severity of a violation", json_schema_extra={"default": "medium"})
    no_data: NoData | None = Field(default=None, description="The verdict if there is nothing to evaluate", json_schema_extra={"default": "inconclusive"})
    jobs: WrittenJobs | None = Field(default=None, description="Which records of composite jobs count. Default: as for the rule")


_FOLLOWING = sorted({name for names in FOLLOWERS.values() for name in names})
_FOLLOWING_KINDS = " or ".join(DATASETS[name].kind for name in _FOLLOWING)


class FollowedByEntry(_Model):
    """The job of another list that must follow."""

    dataset: str = Field(description=f"The list it is in: {_FOLLOWING_KINDS} jobs", json_schema_extra={"enum": [*_FOLLOWING]})
    where: Conditions | None = Field(None, description="Conditions that the following job must match; it must always be COMPLETED")
    within: Line = Field(description="How long after the job's end the following job can complete: 6h")


class RuleEntry(_Model):
    """One rule: a sentence under `rule`, or the structured form with exactly one of `none`, `all`, `expect` and `followed_by`."""

    id: Identifier = Field(description="The rule's name in reports; unique in its policy")
    rule: Line | None = Field(
        None,
        description="The sentence: no FAILED EC2 jobs in vault prod within 24h. Can be combined with clock, jobs, no_data, inventory and report texts",
    )
    title: Line | None = Field(None, description="A short name for lists of findings")
    severity: Severity | None = Field(None, description="Severity of a violation; compared with --fail-on", json_schema_extra={"default": "medium"})
    dataset: str | None = Field(None, description="The list to evaluate", json_schema_extra={"enum": list(DATASETS), "default": DEFAULT.name})
    where: Conditions | None = Field(None, description="Conditions that select the population. Default: every job")
    within: Line | None = Field(
        None, description="A window back from as_of: 90m, 24h, 7d. Default: the whole coverage. Not for newest: its limit is its window"
    )
    clock: Line | None = Field(None, description="The time that must lie in the window. Default: a job counts that was created, ran or ended in it")
    jobs: WrittenJobs | None = Field(
        None,
        description="Composite jobs: all records, top-level jobs (no ParentJobId), or child jobs (members). "
        "Default: all; count and share leave out a child whose parent counts and answers alike",
    )
    none: Conditions | None = Field(None, description="No job of the population may match these")
    all: Conditions | None = Field(None, description="Every job of the population must match these")
    unless_recovered_within: Line | None = Field(
        None, description="With none: time after its end in which a matching job can be recovered by a clean job of the same resource and vault"
    )
    per: Per | None = Field(None, description="With expect: the fields that make one group. Default: all jobs are one group")
    inventory: Line | None = Field(
        None,
        description="With ResourceArn in per, or a sentence about every resource: its entries are the subjects, even without jobs",
    )
    expect: Measured | None = Field(None, description="A measure of each group and its limit: {count: {of: {State: FAILED}, at_most: 2}}")
    share_of_subjects: ShareEntry | None = Field(
        None, description="With per and expect: the share of the groups that must keep the limit, {at_least: 95%}. Default: every group"
    )
    followed_by: FollowedByEntry | None = Field(None, description="Every job of the population must be followed by a job of another list")
    no_data: NoData | None = Field(
        None,
        description="The verdict if complete lists leave the population empty; quiet passes if such jobs exist outside the window",
        json_schema_extra={"default": "inconclusive"},
    )
    why: Line | None = Field(None, description="Why it matters; shown in reports")
    fix: Line | None = Field(None, description="How to fix a finding; shown in reports")
    url: Web | None = Field(None, description="A page to read more")
    controls: dict[str, list[Scalar]] | None = Field(
        None, description="IDs of the controls that the rule tests, by framework: {soc2: [A1.2]}; selected by --framework"
    )
    tags: list[Line] | None = Field(None, description="Labels of your own; shown in reports")


class WaiverEntry(_Model):
    """A finding that is known, accepted and owned, until a date."""

    rule: Line = Field(description="The rule's ID; in a file of waivers also POLICY/RULE")
    match: Conditions | Literal["any"] = Field(
        description="The jobs it covers or, for rules on groups, the subjects (by fields of per, Account, Region, ResourceType); any: every finding"
    )
    reason: Line = Field(description="Why the finding is accepted")
    owner: Line = Field(description="Who is responsible for it")
    ticket: Line | None = Field(None, description="A ticket or link for the follow-up")
    granted: Day = Field(description="The first day it is in force, UTC: 2026-11-20")
    expires: Day = Field(description="The last day it is in force, UTC; at most max_waiver after granted")


class WaiversEntry(_Model):
    """A file of waivers of policycheck."""

    waivers: list[WaiverEntry] = Field(description="Accepted findings")


class PolicyEntry(_Model):
    """A policy file of policycheck."""

    policy: Identifier = Field(description="The policy's name in reports; unique in a run")
    title: Line | None = Field(None, description="Title in reports")
    scope: ScopeEntry | None = Field(None, description="What the lists must cover before any rule can pass; replaced by --scope and the run file")
    params: dict[Identifier, Scalar] | None = Field(None, description="Values for ${name}; --param NAME=VALUE overrides them")
    defaults: DefaultsEntry | None = Field(None, description="Values for every rule that does not set its own")
    rules: list[RuleEntry] = Field(min_length=1, description="The rules, in the order of reports")
    waivers: list[WaiverEntry] | None = Field(None, description="Accepted findings, each with an owner and a last day; also in separate files")
    max_waiver: Line | None = Field(None, description="The longest time a waiver can be in force: 90d. Default: a year")


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
