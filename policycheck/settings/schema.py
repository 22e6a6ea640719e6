"""The shape of a run file: pydantic models made of the options that have a key in it, and the JSON Schema for editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, create_model

from policycheck.engine.backends.registry import ENGINES
from policycheck.policy.schema import Identifier, Line, Scalar, ScopeEntry, finish_schema
from policycheck.result import Severity
from policycheck.settings.options import CATEGORY, OPTIONS, SOURCES, Declared

RoleArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$")]
AccountId = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{12}|\*)$"), WithJsonSchema({"type": ["string", "integer"], "pattern": r"^([0-9]{12}|\*)$", "title": "Account Id"})
]
_ONE_OR_SEVERAL = {"type": ["string", "array"], "minLength": 1, "items": {"type": "string", "minLength": 1}}
Threshold = Literal["critical", "high", "medium", "low", "info", "never"]
ExternalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$")]
SessionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@-]{2,64}$")]
Category = Annotated[str, StringConstraints(pattern=CATEGORY)]
_KINDS: Mapping[str, Any] = {
    # One profile may stand without brackets.
    "profile": Annotated[list[Line], BeforeValidator(lambda value: [value] if isinstance(value, str) else value), WithJsonSchema(_ONE_OR_SEVERAL)],
    "role_external_id": ExternalId,
    "role_session_name": SessionName,
    "role_arns": list[RoleArn],
    "account_id": AccountId,
    "scope": ScopeEntry,
    "params": dict[Identifier, Scalar],
    "inventories": dict[Identifier, Line],
    "outputs": dict[str, Line],
    "fail_on": Threshold,
    "min_severity": Severity,
    "redact": bool,
    "fail_on_new": bool,
    "category": Category,
    "show_passed": bool,
    "verbose": bool,
    "engine": Literal.__getitem__(tuple(ENGINES)),
}
"""What a key takes, where that is not one line of text or a list of such."""
_FIRST, _LAST = ("policies", "scope", "sources", "params"), ("outputs",)
"""Where these keys stand in a run file that reads well; the others stand between them, in the order of the options."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


def _field(one: Declared) -> tuple[Any, Any]:
    kind = _KINDS.get(one.key, list[Line] if one.repeats else Line)
    # An empty list says nothing: it is a mistake.
    return kind | None, Field(None, min_length=1 if one.repeats else None, description=one.help_of_key)


def _made(name: str, text: str, options: Iterable[Declared], **more: Any) -> type[BaseModel]:
    keys = {**{one.key: _field(one) for one in options}, **more}
    order = [*(key for key in _FIRST if key in keys), *(key for key in keys if key not in (*_FIRST, *_LAST)), *(key for key in _LAST if key in keys)]
    made: type[BaseModel] = create_model(name, __base__=_Model, __doc__=text, **{key: keys[key] for key in order})
    return made


SourcesEntry = _made(
    "SourcesEntry",
    "Where the jobs come from: saved job lists (jobs), or AWS (the other keys). Default: AWS.",
    (one for one in OPTIONS.values() if one.option.key.startswith(SOURCES)),
)
RunFileEntry = _made(
    "RunFileEntry",
    "A run file of policycheck. Every path in it is relative to the file.",
    (one for one in OPTIONS.values() if one.option.key and not one.option.key.startswith(SOURCES)),
    sources=(SourcesEntry | None, Field(None, description="Where the jobs come from")),
)


def run_file_schema(formats: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a run file."""
    schema = RunFileEntry.model_json_schema()
    finish_schema(schema)
    schema["minProperties"] = 1
    schema["properties"]["outputs"] |= {"propertyNames": {"enum": list(formats)}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "policycheck run file", **{k: v for k, v in schema.items() if k != "title"}}
