"""Operations of AWS Backup as data, from botocore's own model: their parameters, how they page, and the type of an answer.

A parameter that AWS adds comes with the next release of botocore; nothing here names one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache, cached_property
from html.parser import HTMLParser
from typing import Any

import msgspec

from policycheck.datasets import Dataset
from policycheck.errors import UsageError
from policycheck.text import clean_line

_SERVICE = "backup"
_BUCKET = 900
"""Seconds for which a zone's offset is looked up once: zones change it at whole quarters of an hour."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation."""

    name: str
    """As the API spells it: ByState."""
    option: str
    """As the AWS CLI spells it: --by-state."""
    kind: str
    """The model's type: string, timestamp, integer, ..."""
    values: tuple[str, ...]
    """What the model enumerates. AWS Backup alone refuses others."""
    documentation: str
    """The first paragraph, plain text on one line."""


@dataclass(frozen=True)
class Operation:
    """A list operation, ready to build a command from."""

    dataset: Dataset
    documentation: str
    parameters: tuple[Parameter, ...]
    """Without the two that page."""
    token: Parameter
    """NextToken."""
    limit: Parameter
    """MaxResults."""
    _shapes: Any = field(repr=False, compare=False)
    """botocore's OperationModel."""

    @property
    def command(self) -> str:
        """What the AWS CLI calls it: list-backup-jobs."""
        return command_name(self.dataset)

    @cached_property
    def answer_type(self) -> type[msgspec.Struct]:
        """One answer: members in the model's order, what the model does not have left out, as botocore's parser does. The list itself must be there."""
        members: list[Any] = []
        for name, shape in self._shapes.output_shape.members.items():
            kind = str if name == self.token.name else _type_of(shape)
            members.append((name, kind) if name == self.dataset.result_key else (name, kind | None, None))
        return msgspec.defstruct(f"{self.dataset.operation}Output", members, omit_defaults=True, gc=False)

    @cached_property
    def _spell_all(self) -> _Walk | None:
        return _time_walk(self._shapes.output_shape.members[self.dataset.result_key].member)

    def spell_times(self, records: Iterable[Any]) -> None:
        """Replace every time in freshly decoded records by what the AWS CLI prints: ISO 8601 in the zone of this machine."""
        walk = self._spell_all
        if walk is not None:
            for record in records:
                walk(record)

    def check(self, parameters: Mapping[str, object]) -> None:
        """Raise UsageError where botocore would not send these parameters: one that is not there, one of another type."""
        from botocore.validate import ParamValidator

        report = ParamValidator().validate(dict(parameters), self._shapes.input_shape)
        if report.has_errors():
            raise UsageError(f"{self.command}: {clean_line(report.generate_report())}", hint=f"See policycheck {self.command} --help.")

    def sample_input(self) -> dict[str, Any]:
        """Every parameter with a value of its type: the skeleton of --cli-input-json."""
        from botocore.utils import ArgumentGenerator

        sample: dict[str, Any] = _plain(ArgumentGenerator().generate_skeleton(self._shapes.input_shape))
        # botocore draws a value at random, and the AWS CLI 2 takes the first.
        return sample | {parameter.name: parameter.values[0] for parameter in self.parameters if parameter.values}

    def sample_output(self, spell: Callable[[datetime], object] = datetime.isoformat) -> dict[str, Any]:
        """An answer with a value of its type for every member; `spell` writes its times."""
        from botocore.utils import ArgumentGenerator

        sample: dict[str, Any] = _plain(ArgumentGenerator(use_member_names=True).generate_skeleton(self._shapes.output_shape), spell)
        return sample


def command_name(dataset: Dataset) -> str:
    """What the AWS CLI calls the list operation of a dataset."""
    return _hyphened(dataset.operation)


@cache
def read_operation(dataset: Dataset) -> Operation:
    """The list operation of a dataset, as the installed botocore knows it."""
    from botocore.loaders import create_loader
    from botocore.model import ServiceModel

    loader = create_loader()
    shapes = ServiceModel(loader.load_service_model(_SERVICE, "service-2"), _SERVICE).operation_model(dataset.operation)
    paging = loader.load_service_model(_SERVICE, "paginators-1")["pagination"][dataset.operation]
    parameters = {name: _parameter(name, shape) for name, shape in shapes.input_shape.members.items()}
    token, limit = parameters.pop(paging["input_token"]), parameters.pop(paging["limit_key"])
    return Operation(dataset, plain_text(shapes.documentation), tuple(parameters.values()), token, limit, shapes)


def read_moment(value: object) -> datetime:
    """The instant a timestamp parameter means, as botocore reads it: epoch seconds or ISO 8601, without a zone in that of this machine.

    Raises:
        UsageError: it is no time.
    """
    from botocore.utils import parse_to_aware_datetime

    try:
        found: datetime = parse_to_aware_datetime(value)
    except (ValueError, OverflowError, TypeError, OSError):
        raise UsageError(f"'{clean_line(str(value))}' is not a time", hint="ISO 8601 (2026-10-20T06:00:00Z) or seconds since 1970.") from None
    return found


def _hyphened(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _parameter(name: str, shape: Any) -> Parameter:
    return Parameter(name, f"--{_hyphened(name)}", shape.type_name, tuple(getattr(shape, "enum", ()) or ()), plain_text(shape.documentation))


def _plain(value: Any, spell: Callable[[datetime], object] = datetime.isoformat) -> Any:
    """botocore's sample in builtin types, its times as `spell` writes them."""
    match value:
        case dict():
            return {str(key): _plain(item, spell) for key, item in value.items()}
        case list():
            return [_plain(item, spell) for item in value]
        case datetime():
            return spell(value)
        case _:
            return value


# --- answers ---


def _type_of(shape: Any) -> Any:
    """What a member decodes into. Scalars stay what was sent, as botocore leaves them."""
    if shape.type_name == "structure":
        members = [(name, _type_of(member) | None, None) for name, member in shape.members.items()]
        return msgspec.defstruct(shape.name, members, omit_defaults=True, gc=False)
    if shape.type_name == "list" and shape.member.type_name == "structure":
        return list[_type_of(shape.member)]  # type: ignore[misc]  # a type made at run time
    return dict[str, Any] if shape.type_name == "map" else list[Any] if shape.type_name == "list" else Any


_Walk = Callable[[Any], None]


def _time_walk(shape: Any) -> _Walk | None:
    """What spells the times below a structure; None where it has none."""
    times = tuple(name for name, member in shape.members.items() if member.type_name == "timestamp")
    deeper = tuple((name, below, member.type_name == "list") for name, member in shape.members.items() if (below := _time_walk_below(member)) is not None)
    if not times and not deeper:
        return None

    def walk(record: Any) -> None:
        for name in times:
            value = getattr(record, name)
            if value is not None:
                setattr(record, name, spell_time(value))
        for name, inner, many in deeper:
            held = getattr(record, name)
            for item in (held or ()) if many else () if held is None else (held,):
                inner(item)

    return walk


def _time_walk_below(member: Any) -> _Walk | None:
    if member.type_name == "structure":
        return _time_walk(member)
    return _time_walk(member.member) if member.type_name == "list" and member.member.type_name == "structure" else None


def spell_time(value: object) -> object:
    """A time of an answer as the AWS CLI prints it (cli_timestamp_format = iso8601); what is no time stays as it is."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, _zone(int(value // _BUCKET))).isoformat()
        except (ValueError, OverflowError, OSError):
            return value
    from botocore.utils import parse_timestamp

    try:
        return parse_timestamp(value).isoformat() if isinstance(value, str) else value
    except (ValueError, OverflowError, RuntimeError):
        return value


@cache
def _zone(bucket: int) -> timezone:
    """This machine's offset from UTC at that time, as botocore finds it."""
    from botocore.utils import parse_timestamp

    return timezone(parse_timestamp(bucket * _BUCKET).utcoffset() or timedelta())


# --- documentation ---


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = [""]

    def handle_data(self, data: str) -> None:
        self.blocks[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "li", "ul"):
            self.blocks.append("")


def plain_text(documentation: str) -> str:
    """The first paragraph of the model's HTML, on one line; with the items of a list where it only leads to one."""
    reader = _Text()
    reader.feed(documentation)
    reader.close()
    blocks = [text for block in reader.blocks if (text := clean_line(block))]
    return _with_items(blocks)


def _with_items(blocks: Sequence[str]) -> str:
    if not blocks:
        return ""
    first = blocks[0]
    return f"{first} {'; '.join(blocks[1:])}." if first.endswith(":") and len(blocks) > 1 else first
