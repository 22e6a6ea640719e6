"""What a document says of itself: that it goes on elsewhere, was truncated, or that something failed while it was made.

The names are those of AWS's own APIs (NextToken, IsTruncated, HTTPStatusCode; NextMarker and Truncated in others), of the AWS CLI, and of the scripts that put
lists of several accounts into one file; they are compared by their letters, since scripts spell as their language does. A member with nothing in it says
that nothing is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policycheck.errors import JobFileError
from policycheck.sources.contents import USE_JSON
from policycheck.sources.json_text import Repeated, parse
from policycheck.sources.members import LIST_LETTERS, container_names, letters, refuse_spelling, spelled
from policycheck.text import clean_line, truncate

RUN_AGAIN = "run the command again without --max-items, --no-paginate and --starting-token"

_TOKENS = frozenset(
    "nexttoken nextmarker nextpage nextpagetoken nextlink next nextcursor continuationtoken nextcontinuationtoken paginationtoken lastevaluatedkey".split()
)
_TRUNCATED = frozenset(
    "truncated istruncated wastruncated partial ispartial partialresult partialresults incomplete isincomplete hasmore hasmoreresults hasmorepages more "
    "moreresults morepages moredata hasnext hasnextpage timedout throttled interrupted cutoff aborted".split()
)
_WHOLE = frozenset("complete iscomplete completed whole finished done success successful succeeded issuccess ok".split())
_ERROR = re.compile(
    r"(?!(?:no|ignore|with|.*on)errors?$).*?(?:error|exception|failure)s?(?:code|message|msg|type|text|details?|info|reason|count)?|faults?|stderr"
)
_LEFT_OUT = re.compile(
    r"(?:failed|skipped|unprocessed|missing|unreachable|denied|omitted|dropped|remaining)"
    r"(?:accounts?|accountids?|regions?|pages?|jobs?|backupjobs|copyjobs|restorejobs|records?|items?|calls?|requests?|count)?"
)
_STATUSES = frozenset("httpstatuscode httpstatus httpcode statuscode status responsecode".split())
_EXIT_CODES = frozenset("exitcode exitstatus returncode rc".split())
_OUTCOMES = frozenset("status result outcome".split())
_BAD_OUTCOMES = frozenset(
    "partial incomplete truncated failed failure fail error errors timeout timedout throttled aborted interrupted accessdenied denied running inprogress "
    "pending started unfinished".split()
)
_COUNTS = frozenset(
    "count total totalcount totals totalresults totalitems totaljobs totalrecords numberofjobs numberofitems jobcount jobscount itemcount recordcount "
    "resultcount expectedcount expected backupjobcount copyjobcount restorejobcount backupjobscount copyjobscount restorejobscount".split()
)
_NOTHING = frozenset({"", "none", "null", "nil", "undefined", "false", "no", "off", "0", "0.0", "[]", "{}", "n/a", "-"})
_NUMBER = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Count:
    """How many records a document says there are."""

    member: str
    number: int


def has_content(value: object) -> bool:
    """Whether a value says anything: not null, false, 0, empty, or made of such alone."""
    match value:
        case str():
            return value.strip().lower() not in _NOTHING
        case dict():
            return any(map(has_content, value.values()))
        case list():
            return any(map(has_content, value))
        case _:
            return bool(value)


def refuse_incomplete(beside: Mapping[str, object], where: str) -> list[Count]:
    """Refuse an answer whose members beside its list or job, at any depth, say that it is not whole; their values are parsed or not.

    Returns:
        The numbers of records they speak of, to be compared with the whole file's.

    Raises:
        JobFileError: such a member; a list that would not be read, since it stands deeper or is spelled otherwise; a member twice in one object.
    """
    refuse_repeated(beside)
    counts: list[Count] = []
    for key, value in beside.items():
        if key == "NextToken":  # of a page: what it means depends on the page that follows
            continue
        if name := spelled(key, container_names()):
            refuse_spelling(key, name, where)
        counts += _walk(key, key, parse(value), where)
    return counts


def refuse_incomplete_job(beside: Mapping[str, object], where: str) -> None:
    """The same for a job by itself, whose unknown members may be new ones of the API: only what stands directly beside them, and the answer's metadata.

    Raises:
        JobFileError: as above.
    """
    for key, value in beside.items():
        parsed = parse(value)
        if letters(key) == "responsemetadata":
            list(_walk(key, key, parsed, where))
        elif letters(key) not in _OUTCOMES:
            _refuse_sign(key, key, parsed, where)


def refuse_repeated(members: Mapping[str, object]) -> None:
    """Refuse an answer that has a member twice: of two, JSON readers keep the last, and nobody would know of the other."""
    if isinstance(members, Repeated):
        raise JobFileError(f"has {_shown(members.member)} more than once in one answer", hint=USE_JSON)


def refuse_fewer(counts: list[Count], records: int) -> None:
    """Refuse a file that has fewer records than it says.

    Raises:
        JobFileError: so it has.
    """
    for count in counts:
        if count.number > records:
            raise JobFileError(f"is incomplete: its {count.member} is {count.number}, but it contains {records} records", hint=RUN_AGAIN)


def _walk(path: str, key: str, value: object, where: str) -> Iterator[Count]:
    _refuse_sign(path, key, value, where)
    folded = letters(key)
    if folded in _COUNTS and (number := _number(value)) is not None:
        yield Count(_shown(path), number)
    match value:
        case dict():
            refuse_repeated(value)
            for name, item in value.items():
                if letters(name) in LIST_LETTERS and has_content(item):
                    _refuse_deep(path, name)
                yield from _walk(f"{path}.{name}", name, item, where)
        case list():
            for item in value:
                if isinstance(item, dict) and any(letters(name) in _ids() for name in item):
                    _refuse_deep(path, "jobs")
                yield from _walk(path, "", item, where)
        case _:
            pass


def _ids() -> frozenset[str]:
    return frozenset(name for name in container_names() if name.endswith("jobid"))


def _refuse_deep(path: str, what: str) -> None:
    raise JobFileError(
        f"holds {_shown(what)} in {_shown(path)}, where no list is read", hint=f"keep the answers as they are, one after the other or in a list; {USE_JSON}"
    )


def _refuse_sign(path: str, key: str, value: object, where: str) -> None:
    folded, shown = letters(key), _shown(path)
    at = f" ({where})" if where else ""
    if folded in _TOKENS and has_content(value):
        raise JobFileError(f"is incomplete: it has a {shown}, so the list continues{at}", hint=RUN_AGAIN)
    if (folded in _TRUNCATED and has_content(value)) or (folded in _WHOLE and _denies(value)):
        raise JobFileError(f"is incomplete: it says {shown}: {_value(value)}{at}", hint=RUN_AGAIN)
    if (key == "__type" or _ERROR.fullmatch(folded)) and has_content(value):
        raise JobFileError(f"is incomplete: it contains an error, {shown}: {_value(value)}{at}", hint="run the command again once the error is fixed")
    if _LEFT_OUT.fullmatch(folded) and has_content(value):
        raise JobFileError(f"is incomplete: it says that something is missing, {shown}: {_value(value)}{at}", hint=RUN_AGAIN)
    if _is_failure(folded, value):
        raise JobFileError(f"is incomplete: it says {shown}: {_value(value)}{at}", hint="run the command again and look at its exit code")


def _is_failure(folded: str, value: object) -> bool:
    number = _number(value)
    if folded in _STATUSES and number is not None:
        return number != 200 and (number != 0 or folded.startswith("http"))
    if folded in _EXIT_CODES:
        return has_content(value)
    return folded in _OUTCOMES and isinstance(value, str) and letters(value) in _BAD_OUTCOMES


def _denies(value: object) -> bool:
    """Whether a flag says no; null and nothing at all do not say."""
    match value:
        case str():
            return bool(value.strip()) and letters(value) in {"false", "no", "off", "0", "partial", "partially", "incomplete", "failed"}
        case bool() | int() | float():
            return not value
        case _:
            return False


def _number(value: object) -> int | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _shown(key: str) -> str:
    return truncate(clean_line(key), 80)


def _value(value: object) -> str:
    return truncate(clean_line(str(value)), 80)
