"""Saved lists that say of themselves what they cover (see `statements`): read, checked against their jobs, and made coverage of."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from msgspec import UNSET

from policycheck.datasets import DATASETS, Dataset
from policycheck.errors import JobFileError
from policycheck.policy.model import Policy
from policycheck.result import Basis, Coverage
from policycheck.sources.completeness import has_content
from policycheck.sources.json_text import is_object, members, parse
from policycheck.sources.lists import Source
from policycheck.sources.members import letters
from policycheck.sources.plan import allowed_filters
from policycheck.sources.state_lists import moment_covered
from policycheck.sources.statements import BEFORE_FILTER, MEMBER, SCHEMA, TOLERANCE, StatedList, Statement
from policycheck.text import clean_line, truncate

_BY_OPERATION = {dataset.operation: dataset for dataset in DATASETS.values()}
_HEAD = 200
_RUN_AGAIN = "List again with --with-coverage, and do not change the file."


def is_statement(head: bytes) -> bool:
    """Whether a file that starts so is a statement beside a list."""
    return f'"{SCHEMA}"'.encode() in head[:_HEAD] and head.lstrip().startswith(b"{") and f'"{MEMBER}"'.encode() not in head[:_HEAD]


def read_statement(text: bytes) -> Statement:
    """The statement in a file of its own. Raises JobFileError."""
    try:
        statement = msgspec.json.decode(text, type=Statement)
    except msgspec.DecodeError as error:
        raise JobFileError(f"is not a coverage file: {clean_line(str(error)).replace('`', '')}", hint=_RUN_AGAIN) from None
    if not statement.digest:
        raise JobFileError("is a coverage file that does not name its list", hint=_RUN_AGAIN)
    return _checked(statement)


class _Member(msgspec.Struct, frozen=True):
    Coverage: Statement | msgspec.UnsetType = UNSET


def read_member(text: bytes) -> tuple[StatedList, ...]:
    """What a list's own text says it covers; nothing where one of its documents says nothing. Raises JobFileError for a Coverage that cannot be read."""
    if f'"{MEMBER}"'.encode() not in text or not text.startswith(b"{"):
        return ()
    try:
        members = msgspec.json.Decoder(_Member).decode_lines(text)
    except msgspec.ValidationError as error:
        if f".{MEMBER}" not in str(error):
            return ()
        raise JobFileError(f"has a {MEMBER} that cannot be read: {clean_line(str(error)).replace('`', '')}", hint=_RUN_AGAIN) from None
    except msgspec.DecodeError:
        # The text is no JSON; whoever reads its jobs says so.
        return ()
    statements = [member.Coverage for member in members]
    if any(statement is UNSET for statement in statements):
        return ()
    return tuple(stated for statement in statements if isinstance(statement, Statement) for stated in _checked(statement).lists)


def refuse_unread_filters(text: bytes, elements: Iterable[object]) -> None:
    """Refuse a list that says it was filtered in a form in which what it says of itself is not read: an array, YAML, some documents of several.

    Args:
        elements: of the text, parsed or not.

    Raises:
        JobFileError: so it does.
    """
    if b"overage" not in text:
        return
    for element in filter(is_object, elements):
        told = [parse(value) for key, value in members(element).items() if letters(key) == letters(MEMBER)]
        filters = [value for one in told for value in _filters(one) if has_content(value)]
        if filters:
            shown = truncate(clean_line(json.dumps(filters[0])), 80)
            hint = "Pass the file as policycheck printed it, or list again without filters."
            raise JobFileError(f"is incomplete: it says that the list was filtered, {MEMBER}.lists.filters: {shown}", hint=hint)


def _filters(value: object) -> Iterator[object]:
    match value:
        case dict():
            for name, item in value.items():
                if letters(name) == "filters":
                    yield item
                else:
                    yield from _filters(item)
        case list():
            for item in value:
                yield from _filters(item)
        case _:
            pass


def _checked(statement: Statement) -> Statement:
    if statement.schema != SCHEMA:
        shown = truncate(clean_line(statement.schema), 60)
        raise JobFileError(f"has a {MEMBER} of the schema {shown}, which this policycheck does not know", hint="Update policycheck.")
    for stated in statement.lists:
        if stated.operation not in _BY_OPERATION:
            raise JobFileError(f"has a {MEMBER} of the operation {truncate(clean_line(stated.operation), 60)}, which lists no jobs", hint=_RUN_AGAIN)
        if stated.start.tzinfo is None or stated.end.tzinfo is None:
            raise JobFileError(f"has a {MEMBER} with a time that has no offset from UTC", hint=_RUN_AGAIN)
        if stated.jobs < 0 or stated.pages < 0:
            raise JobFileError(f"has a {MEMBER} with a negative number", hint=_RUN_AGAIN)
    return statement


@dataclass(frozen=True, slots=True)
class StatedFile:
    """A file that says what it covers."""

    name: str
    lists: Mapping[str, Sequence[Source]]
    """By dataset name, as read."""
    stated: tuple[StatedList, ...]

    def check(self) -> None:
        """Raise JobFileError where the jobs are not those the statement is of."""
        for name, sources in self.lists.items():
            noun, count_read = DATASETS[name].noun, sum(len(source.jobs) for source in sources)
            own = [stated for stated in self.stated if _BY_OPERATION[stated.operation].name == name]
            count = sum(stated.jobs for stated in own)
            if count != count_read:
                raise JobFileError(f"holds {count_read:,} {noun}s, and its {MEMBER} says {count:,}", hint=_RUN_AGAIN, place=self.name)
            accounts = {stated.account for stated in own}
            read = (account for source in sources for account, _ in source.jobs.places())
            other = next((account for account in read if account is not None and account not in accounts and None not in accounts), None)
            if other is not None:
                raise JobFileError(f"contains a job of account {clean_line(other)}, which its {MEMBER} does not name", hint=_RUN_AGAIN, place=self.name)


Key = tuple[str, str | None, str | None]
"""Dataset, account and Region."""


def restate(
    asserted: Sequence[Coverage], files: Sequence[StatedFile], plain: Collection[Key], as_of: datetime, policies: Sequence[Policy]
) -> tuple[Coverage, ...]:
    """The coverage of some files, where some of them say it themselves: what they say replaces what would be asserted.

    Args:
        asserted: of all lists together.
        plain: the places of jobs in files that say nothing. Such a place stays asserted where the list that says more is incomplete.
        policies: a filter that leaves out nothing that any rule of theirs needs does not make a list incomplete.

    Raises:
        JobFileError: a file's jobs are not those it speaks of.
    """
    found: dict[Key, Coverage] = {}
    for file in files:
        file.check()
        for stated in file.stated:
            entry = _entry(file, stated, as_of, policies)
            key = (entry.dataset, entry.account, entry.region)
            # What a list shows does not depend on another one: a plain file takes nothing from it, and gives what it lacks.
            if (entry.complete or key not in plain) and (key not in found or _rank(entry) > _rank(found[key])):
                found[key] = entry
    kept: list[Coverage] = []
    for entry in asserted:
        home = _home(entry, found, plain)
        if home is None:
            kept.append(entry)
        else:
            before = found[home]
            reason = "; ".join(filter(None, (before.reason, entry.reason)))
            found[home] = replace(
                before,
                jobs=before.jobs + entry.jobs,
                reason=reason,
                rewound=before.rewound + entry.rewound,
                files=tuple(dict.fromkeys((*before.files, *entry.files))),
            )
    return tuple(sorted((*kept, *found.values()), key=lambda entry: (entry.dataset, entry.account or "", entry.region or "")))


def _rank(entry: Coverage) -> tuple[bool, datetime | None]:
    return entry.complete, entry.end


def _home(entry: Coverage, found: Mapping[Key, Coverage], plain: Collection[Key]) -> Key | None:
    """The stated place that asserted jobs belong to: their own; or the only one that can hold jobs that do not say where they ran, or were copied from afar."""
    key = (entry.dataset, entry.account, entry.region)
    if key in found:
        return key
    if key in plain:
        return None
    fitting = [other for other in found if other[0] == entry.dataset and (entry.account is None or other[1] in (entry.account, None))]
    return fitting[0] if len(fitting) == 1 else None


def _entry(file: StatedFile, stated: StatedList, as_of: datetime, policies: Sequence[Policy]) -> Coverage:
    dataset = _BY_OPERATION[stated.operation]
    start, end = stated.start, as_of if as_of <= stated.end + TOLERANCE else stated.end
    if dataset.of_state:
        start, end = moment_covered(as_of, stated.start, stated.end)
    reason = stated.reason or "the list was cut short" if not stated.complete else _left_out(stated, dataset, policies)
    return Coverage(
        dataset=dataset.name,
        account=stated.account,
        region=stated.region,
        start=min(start, end),
        end=end,
        jobs=0,
        complete=not reason,
        basis=Basis.OBSERVED,
        source=f"{dataset.operation}, {file.name}",
        files=(file.name,),
        reason=clean_line(reason),
    )


def _left_out(stated: StatedList, dataset: Dataset, policies: Sequence[Policy]) -> str:
    """Why jobs that a rule needs may be missing; empty where none can be."""
    allowed = {name: value.lower() for name, value in allowed_filters(policies, dataset.name).items()}
    filters = [(name, value) for name, value in sorted(stated.filters.items()) if name != BEFORE_FILTER and allowed.get(name) != value.lower()]
    if not filters:
        return ""
    shown = ", ".join(f"{truncate(clean_line(name), 60)} {truncate(clean_line(value), 80)}" for name, value in filters)
    return f"the list was filtered ({shown}): other jobs were omitted"


def stated_places(lists: Mapping[str, Sequence[Source]]) -> set[Key]:
    """The places of the jobs of one file."""
    return {(name, account, region) for name, sources in lists.items() for source in sources for account, region in set(source.jobs.places())}
