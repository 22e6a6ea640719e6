"""The measures of groups of jobs, and what each takes: the table of docs/groups-specification.md, "Keys".

All that the language knows of a measure stands in its row, but for its sentences (`group_sentences.py`). What it computes is the engine's (`engine/kinds`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from typing import Any

from msgspec import Struct, field

from policycheck.policy.literals import BadValue, Value, parse_count, parse_duration, parse_factor, parse_percentage, parse_share
from policycheck.policy.operators import LOWER_BOUNDS, UPPER_BOUNDS, Operator

BOUNDS = (*LOWER_BOUNDS, *UPPER_BOUNDS)


class Measure(StrEnum):
    """What is measured of a group of jobs; the words of the structured form. The engine's kind of each has its name."""

    COUNT = "count"
    SHARE = "share"
    NEWEST = "newest"
    LATEST = "latest"
    STREAK = "streak"
    LONGEST_GAP = "longest_gap"
    MISSED_RUNS = "missed_runs"
    CALENDAR = "calendar"
    SIZE_DROP = "size_drop"
    SIZE_GROWTH = "size_growth"
    SLOWDOWN = "slowdown"


class Window(StrEnum):
    """What a measure makes of `within`."""

    OPTIONAL = "optional"
    NEEDED = "needed"
    REFUSED = "refused"


class Limit(Enum):
    """What the limit of a measure is."""

    NONE = ""
    NUMBER = "a whole number"
    SHARE = "a share"
    DURATION = "a duration"
    PERCENTAGE = "a percentage, 50% or 300%"
    FACTOR = "a factor, 2x or 1.5x"


class Shape(Struct, frozen=True):
    """What one measure takes."""

    operators: tuple[Operator, ...]
    """Empty where the measure has no limit."""
    limit: Limit
    example: str
    """Its keys under `expect`."""
    sentences: Mapping[str, str] = field(default_factory=dict)
    """The rules of the grammar that are sentences about it, by name; `group_sentences.py` reads and renders them."""
    quantities: tuple[str, ...] = ()
    """What may stand after `every SUBJECT must have` and `there must be`, in the grammar."""
    window: Window = Window.OPTIONAL
    by_creation: bool = False
    """Whether its window is told by CreationDate alone, so that no `clock` may stand beside it: when the data that a restore returns to was taken."""
    per: bool = True
    of: bool = True
    """Whether it says which jobs match."""
    of_schedules: bool = False
    """Whether it is about what schedules promise: of no list but those of scheduled jobs."""
    counts_once: bool = False
    """Whether a composite job must not count beside its members, where nothing says which are meant."""
    finished_alone: bool = False
    """Whether a job in progress says nothing to it."""
    waived_by: tuple[str, ...] = ()
    """The fields beside the place that a waiver tells its subjects by, where that is not what `per` names."""
    wants_jobs: bool = False
    """Whether it asks for jobs that match, whatever the operator."""
    of_share: bool = False
    """Whether it may be asked of a share of the subjects alone."""
    of_calendar: bool = False
    """Whether it is about the last days, weeks or months of a time zone: `days: 7` and `zone` stand beside its limit, and are its window."""
    of_any: bool = False
    """Whether every job matches where nothing says which."""
    each_resource: bool = False
    """Whether it compares jobs of one resource, so that `per` names ResourceArn, and nothing else need be named."""
    lists: tuple[str, ...] = ()
    """The lists that it can be of; empty: any."""
    reads: tuple[str, ...] = ()
    """The fields that it reads of a job beside those of conditions."""


WITH_WARNING = frozenset({Limit.DURATION})
"""The limits beside which a softer one may stand: an age grows until a job comes. Of a number, `warning at 3` could mean 3, or more than 3."""

_WITH_OUTCOMES = ("backup_jobs", "copy_jobs")
_OF_PAIRS: Any = {"each_resource": True, "lists": _WITH_OUTCOMES, "reads": ("BackupSizeInBytes", "ResourceType")}

SHAPES: Mapping[Measure, Shape] = {
    Measure.COUNT: Shape(
        BOUNDS,
        Limit.NUMBER,
        "{count: {of: {State: FAILED}, at_most: 2}}",
        # With `consecutive` it is a streak's.
        sentences={"count": "[population] limit [CONSECUTIVE] jobs [group] [within]"},
        quantities=("limit [CONSECUTIVE] jobs [within] -> number",),
        counts_once=True,
        of_share=True,
    ),
    Measure.STREAK: Shape(BOUNDS, Limit.NUMBER, "{streak: {of: {State: FAILED}, at_most: 2}}", finished_alone=True, of_share=True),
    Measure.SHARE: Shape(
        BOUNDS,
        Limit.SHARE,
        "{share: {of: {State: COMPLETED}, at_least: 99%}}",
        sentences={"share": "limit OF jobs [group] demand [within]"},
        counts_once=True,
    ),
    Measure.NEWEST: Shape(
        UPPER_BOUNDS,
        Limit.DURATION,
        "{newest: {of: {Outcome: clean}, at_most: 24h}}",
        quantities=("A jobs within -> newest", "A jobs WITHIN LESS THAN value -> newer"),
        window=Window.REFUSED,
        by_creation=True,
        wants_jobs=True,
        of_share=True,
    ),
    Measure.LATEST: Shape(
        (),
        Limit.NONE,
        "{latest: {of: {State: COMPLETED}}}",
        sentences={"latest": "THE LATEST jobs [OF EVERY subject] demand [within]"},
        finished_alone=True,
        wants_jobs=True,
    ),
    Measure.LONGEST_GAP: Shape(
        UPPER_BOUNDS,
        Limit.DURATION,
        "{longest_gap: {of: {Outcome: clean}, at_most: 26h}}",
        sentences={
            "no_gap": "NO subject MAY GO longer WITHOUT A jobs within [warning]",
            "gap": "[population] limit MAY PASS WITHOUT A jobs within [warning]",
        },
        window=Window.NEEDED,
        by_creation=True,
        wants_jobs=True,
    ),
    Measure.MISSED_RUNS: Shape(
        UPPER_BOUNDS,
        Limit.NUMBER,
        "{missed_runs: {at_most: 0}}",
        sentences={"no_missed": "NO runs MAY BE MISSED within", "missed": "limit runs MAY BE MISSED within"},
        window=Window.NEEDED,
        by_creation=True,
        per=False,
        of=False,
        of_schedules=True,
        waived_by=("ResourceArn", "CreatedBy.BackupPlanArn", "CreatedBy.BackupPlanId"),
    ),
    Measure.CALENDAR: Shape(
        (Operator.AT_LEAST,),
        Limit.NUMBER,
        "{calendar: {of: {Outcome: clean}, at_least: 7, days: 7, zone: Europe/Berlin}}",
        quantities=("A jobs ON EACH span -> on_each", "A jobs ON limit span -> on_some"),
        window=Window.REFUSED,
        by_creation=True,
        wants_jobs=True,
        of_share=True,
        of_calendar=True,
    ),
    Measure.SIZE_DROP: Shape(
        UPPER_BOUNDS,
        Limit.SHARE,
        "{size_drop: {of: {Outcome: clean}, at_most: 50%}}",
        sentences={"size_drop": "NO jobs MAY BE excess SMALLER THAN THE ONE BEFORE [within]"},
        quantities=("NO jobs excess SMALLER THAN THE ONE BEFORE [within] -> smaller",),
        **_OF_PAIRS,
    ),
    Measure.SIZE_GROWTH: Shape(
        UPPER_BOUNDS,
        Limit.PERCENTAGE,
        "{size_growth: {of: {Outcome: clean}, at_most: 300%}}",
        sentences={"size_growth": "NO jobs MAY BE excess LARGER THAN THE ONE BEFORE [within]"},
        quantities=("NO jobs excess LARGER THAN THE ONE BEFORE [within] -> larger",),
        **_OF_PAIRS,
    ),
    Measure.SLOWDOWN: Shape(
        UPPER_BOUNDS,
        Limit.FACTOR,
        "{slowdown: {at_most: 2x}}",
        sentences={"slowdown": "NO jobs MAY TAKE excess THE USUAL DURATION [within]"},
        quantities=("NO jobs TAKING excess THE USUAL DURATION [within] -> slower",),
        of_any=True,
        each_resource=True,
        lists=_WITH_OUTCOMES,
        reads=("Duration", "Outcome"),
    ),
}


def _parse_number(text: str) -> Value:
    if text.endswith("%"):
        raise BadValue("this is a number of jobs", f"A share is written: at most {text} of jobs must be FAILED.")
    return parse_count(text)


def _parse_share(text: str) -> Value:
    if text.replace(".", "", 1).isdecimal():
        raise BadValue("a share is written with %", f"Did you mean {text}%?")
    return parse_share(text)


_PARSERS: Mapping[Limit, Callable[[str], Value]] = {
    Limit.NUMBER: _parse_number,
    Limit.SHARE: _parse_share,
    Limit.DURATION: parse_duration,
    Limit.PERCENTAGE: parse_percentage,
    Limit.FACTOR: parse_factor,
}


def parse_limit(text: str, measure: Measure) -> Value:
    """What the limit of a measure means; raises BadValue or ValueError."""
    return _PARSERS[SHAPES[measure].limit](text)


def limit_problem(operator: Operator, value: Value, limit: Limit) -> str:
    """Why a limit that every group meets, or none can, is no limit; empty for one that is."""
    whole = limit is Limit.SHARE
    if (operator is Operator.AT_LEAST and value == 0) or (operator is Operator.AT_MOST and whole and value == 1):
        return "the rule could not fail, whatever the jobs"
    if (operator is Operator.LESS_THAN and value == 0) or (operator is Operator.MORE_THAN and whole and value == 1):
        return "the rule could not pass, whatever the jobs"
    return ""
