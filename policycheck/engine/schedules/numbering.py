"""Numbers for what jobs say of the rules of plans that made them: what few texts say of many jobs is read once, and compared as a number."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import narwhals as nw

from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.columns import column_of
from policycheck.engine.frame import Frame
from policycheck.engine.schedules.plan_jobs import (
    CRON,
    DEFAULT_TIMEZONE,
    NOT_RECORDED,
    PLAN_ID,
    RULE_ID,
    RULE_NAME,
    TIMEZONE,
    VERSION,
    RuleSchedule,
    same_rules,
)
from policycheck.places import Place

PLAN, RULE, SCHEDULE, SERIES, CALENDAR = "_plan", "_rule", "_schedule", "_series", "_calendar"
"""Columns: the numbers of a plan at a place, of a rule of it, of what it ran by, of a rule with what it ran by, and of a cron expression with its time zone."""
_TEXTS = ("_account", "_region", "_plan_id", "_rule_id", "_rule_name", "_cron", "_zone", "_version")
_NUMBERS = (PLAN, RULE, SCHEDULE, SERIES, CALENDAR)


def is_scheduled() -> nw.Expr:
    """Whether a plan made the job and both its plan and its rule are known. Never null."""
    return ~nw.col(column_of(PLAN_ID)).is_null() & ~nw.col(column_of(RULE_ID)).is_null()


class PlanRule(NamedTuple):
    """A rule of a plan; its id stands for all that it had."""

    place: Place
    plan: str
    rule: str


_Thing = TypeVar("_Thing")


class _Numbers(dict[_Thing, int]):
    """Things by the order in which they were met."""

    def of(self, thing: _Thing) -> int:
        return self.setdefault(thing, len(self))


class Numbering:
    """The scheduled jobs of a list with the numbers of what they say, and what the numbers stand for."""

    def __init__(self, masks: nw.LazyFrame[Any], frame: Frame, kept: list[nw.Expr], backend: Backend) -> None:
        """
        Args:
            masks: of the list, with its places and what it says of plans.
            kept: the columns that the jobs keep.
        """
        told, left = frame.told(TIMEZONE), frame.kept(TIMEZONE)
        default = nw.when(nw.lit(False) | told | left).then(nw.lit(DEFAULT_TIMEZONE)).otherwise(nw.lit(NOT_RECORDED))
        zone = nw.when(nw.col(column_of(TIMEZONE)).is_null()).then(default).otherwise(nw.col(column_of(TIMEZONE)))
        # No text is empty, so that it can stand for one that is missing: nulls are not alike in a join.
        said = [nw.col(column_of(name)).fill_null("") for name in ("Account", "Region", PLAN_ID, RULE_ID, RULE_NAME, CRON)]
        texts = [text.alias(name) for text, name in zip([*said, zone, nw.col(column_of(VERSION)).fill_null("")], _TEXTS, strict=True)]
        jobs = backend.persist(masks.filter(is_scheduled()).select(nw.col("CreationDate").alias("_first"), *kept, *texts))
        # No two are alike in their texts, which are never null; a group comes in any order.
        rows = sorted(backend.rows(jobs.group_by(*_TEXTS).agg(nw.col("_first").min()).select(*map(nw.col, _TEXTS), nw.col("_first"))), key=lambda row: row[:-1])
        self.plans, self.rules, self.schedules = _Numbers[tuple[Place, str]](), _Numbers[PlanRule](), _Numbers[RuleSchedule]()
        self.series, self.calendars = _Numbers[tuple[PlanRule, RuleSchedule]](), _Numbers[tuple[str | None, str]]()
        self.same = same_rules((((a or None, r or None), plan, rule), name or None, version or None) for a, r, plan, rule, name, _, _, version, _ in rows)
        self.first: dict[int, int] = {}
        """By calendar, when the first job was created that ran by it."""
        numbered = []
        for account, region, plan, rule, _, cron, timezone, version, first in rows:
            place = account or None, region or None
            named = PlanRule(place, plan, self.same.get((place, plan, rule), rule))
            schedule = RuleSchedule(cron or None, timezone, version or None)
            calendar = self.calendars.of(schedule[:2])
            if first is not None:
                self.first[calendar] = min(first, self.first.get(calendar, first))
            numbers = self.plans.of((place, plan)), self.rules.of(named), self.schedules.of(schedule), self.series.of((named, schedule)), calendar
            numbered.append(numbers)
        table = {name: (ColumnType.TEXT, [row[index] for row in rows]) for index, name in enumerate(_TEXTS)}
        table |= {name: (ColumnType.INTEGER, [numbers[index] for numbers in numbered]) for index, name in enumerate(_NUMBERS)}
        names = [name for name in jobs.collect_schema().names() if name not in {*_TEXTS, "_first"}]
        self.jobs = backend.persist(jobs.join(backend.frame(table), on=list(_TEXTS), how="inner").select(*map(nw.col, (*names, *_NUMBERS))))
