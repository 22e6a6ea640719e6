"""Vaults, recovery points and protected resources that are gone from saved lists, one or two of them, and values of them that rules ask about.

A saved list of what there is does not say how much it holds, so that a record that is gone cannot show, unless it was the last one of its place. `reperform.py`
does not evaluate these lists. So the second evaluation is here, in a few lines a rule, from docs/vaults.md and docs/verdicts.md alone: it reads dictionaries,
and shares nothing with the engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from assurance.matrix.documents import encode, place_of, plain
from assurance.matrix.judging import Breach, Outcome, is_refusal
from assurance.matrix.organization import AS_OF, PLACES, Organization, Record
from assurance.matrix.rules import RuleSet
from assurance.matrix.variant import Claim, pair, pairs
from policycheck.api import check

NAME = "vault, recovery point or protected resource"
HELD = ("vaults", "recovery_points", "protected_resources")
_MOST = 6
_CLAIM = timedelta(minutes=5)
_ASKED = {"vaults": ("Locked",), "recovery_points": ("IsEncrypted", "CreationDate"), "protected_resources": ("LastBackupTime",)}
"""The members whose loss is asked about: all are always recorded, so that a missing one is unknown."""
Lists = Mapping[str, Sequence[Record]]
Answer = bool | None
"""Whether a record or a resource keeps a rule; None: nobody can say."""


# --- the second evaluation ---


def _within(value: Any, length: timedelta) -> Answer:
    return AS_OF - datetime.fromisoformat(value) <= length if value else None


def _keeps_for(point: Record, least: int) -> Answer:
    """Whether a recovery point is kept for so many days. One without a lifecycle is kept for ever; the organization has none."""
    return bool(point["Lifecycle"]["DeleteAfterDays"] >= least)


def _either(answers: Sequence[Answer]) -> Answer:
    return True if True in answers else None if None in answers else False


def _each_has(lists: Lists, subjects: str, of: str, unread: set[tuple[str, str]], fits: Callable[[Record], Answer]) -> list[Answer]:
    """Of each resource that a list names, whether some record of another one fits. What is not in the list of an unread place may be there."""
    places = {record["ResourceArn"]: place_of(subjects, record) for record in lists[subjects]}
    found = []
    for name, place in sorted(places.items()):
        answer = _either([fits(record) for record in lists[of] if record["ResourceArn"] == name])
        found.append(None if answer is False and place in unread else answer)
    return found


def _silent(jobs: Sequence[Record]) -> set[tuple[str, str]]:
    """The places whose jobs all ended, or were made, more than 25 h ago. A saved list without a later job does not show that there was none."""
    told: dict[tuple[str, str], list[datetime]] = {place: [] for place in PLACES}
    for job in jobs:
        told[place_of("backup_jobs", job)] += [datetime.fromisoformat(job[name]) for name in ("CreationDate", "CompletionDate") if name in job]
    return {place for place, times in told.items() if not times or AS_OF - max(times) > timedelta(hours=25)}


def _each_has_job(lists: Lists, fits: Callable[[Record], Answer]) -> list[Answer]:
    return _each_has(lists, "protected_resources", "backup_jobs", _silent(lists["backup_jobs"]), fits)


def _each_has_point(lists: Lists, subjects: str, hours: int) -> list[Answer]:
    """A saved list without a record of a place does not show that the place was read."""
    unread = set(PLACES) - {place_of("recovery_points", point) for point in lists["recovery_points"]}
    return _each_has(lists, subjects, "recovery_points", unread, _recent(timedelta(hours=hours)))


def _well(point: Record) -> bool:
    return point["Status"] in {"AVAILABLE", "COMPLETED"}


def _recent(length: timedelta) -> Callable[[Record], Answer]:
    return lambda point: _within(point.get("CreationDate"), length) if _well(point) else False


def _clean_lately(job: Record) -> Answer:
    return job["State"] == "COMPLETED" and job.get("MessageCategory") == "SUCCESS" and _within(job["CreationDate"], timedelta(hours=25))


def _planned_lately(job: Record) -> Answer:
    return bool(job["CreatedBy"].get("BackupPlanId")) and _within(job["CreationDate"], timedelta(days=3))


_RULES: Mapping[str, tuple[tuple[str, ...], Callable[[Lists], list[Answer]]]] = {
    "held.vaults": (("vaults",), lambda lists: [vault.get("Locked") for vault in lists["vaults"]]),
    "audit-manager.vaults-locked": (("vaults",), lambda lists: [vault.get("Locked") for vault in lists["vaults"]]),
    "held.points": (("recovery_points",), lambda lists: [point.get("IsEncrypted") for point in lists["recovery_points"]]),
    "audit-manager.recovery-points-encrypted": (("recovery_points",), lambda lists: [point.get("IsEncrypted") for point in lists["recovery_points"]]),
    "held.points-kept": (("recovery_points",), lambda lists: [_keeps_for(point, 35) for point in lists["recovery_points"]]),
    "audit-manager.recovery-points-kept": (("recovery_points",), lambda lists: [_keeps_for(point, 35) for point in lists["recovery_points"]]),
    "held.points-newest": (
        ("recovery_points", "backup_jobs"),
        lambda lists: _each_has_point(lists, "backup_jobs", 25),
    ),
    "audit-manager.recent-recovery-point": (
        ("recovery_points", "protected_resources"),
        lambda lists: _each_has_point(lists, "protected_resources", 27),
    ),
    "held.protected": (
        ("protected_resources",),
        lambda lists: [_within(one.get("LastBackupTime"), timedelta(hours=26)) for one in lists["protected_resources"]],
    ),
    "held.protected-jobs": (
        ("backup_jobs", "protected_resources"),
        lambda lists: _each_has_job(lists, _clean_lately),
    ),
    "audit-manager.protected-by-plan": (
        ("backup_jobs", "protected_resources"),
        lambda lists: _each_has_job(lists, _planned_lately),
    ),
}
"""The lists of each rule whose declared places must all be shown, first that which it measures, and whether each of its records or resources keeps it. A list
that subjects come from need only reach the evaluation time, as the user claims."""


def expect(name: str, lists: Lists) -> str:
    """The verdict of a rule: a definite violation fails; else every declared place must be shown, and nothing be unknown."""
    needed, answer = _RULES[name]
    answers = answer(lists)
    if False in answers:
        return "fail"
    shown = all({place_of(dataset, record) for record in lists[dataset]} >= set(PLACES) for dataset in needed)
    shown = shown and not (needed[0] == "backup_jobs" and _silent(lists["backup_jobs"]))
    return "pass" if shown and None not in answers else "inconclusive"


# --- what is removed ---


class HeldWorld:
    """An organization whose lists are saved as the AWS CLI prints them, with the user's claim of when."""

    def __init__(self, organization: Organization, rules: RuleSet, folder: Path) -> None:
        self._organization, self._rules = organization, rules
        self._folder = folder / "held"
        self._folder.mkdir(exist_ok=True)
        self._inventory = self._folder / "inventory.json"
        self._inventory.write_text(json.dumps(list(organization.inventory)), encoding="utf-8")
        self._rows = [(name, row) for name in HELD for row in range(len(organization.lists[name]))]
        self._values = [(name, row, member) for name, row in self._rows for member in _ASKED[name]]
        self.variants = [
            *(("record", number) for number in range(len(self._rows))),
            *(("two records", number) for number in range(pairs(len(self._rows)))),
            *(("value", number) for number in range(len(self._values))),
            *(("two values", number) for number in range(pairs(len(self._values)))),
        ]
        """What is lost, and which."""

    def judge(self, number: int) -> Outcome:
        """Check what is left."""
        how, at = self.variants[number]
        lists, what = self._lose(how, at)
        chance = Random(f"{self._organization.name}/held/{number}")
        names = chance.sample(sorted(_RULES), _MOST)
        needed = sorted({dataset for name in names for dataset in self._rules.lists[name]})
        paths = []
        for dataset in needed:
            paths.append(self._folder / f"{dataset}.json")
            paths[-1].write_bytes(encode(plain(dataset, lists[dataset])))
        try:
            policies = [self._rules.policies[name] for name in names]
            result = check(policies, paths, as_of=AS_OF, covers=(AS_OF - _CLAIM, AS_OF), inventories={"prod": self._inventory})
        except Exception as error:
            wrong = () if is_refusal(error) else (self._breach(number, what, "", "a verdict or a refusal", repr(error)),)
            return Outcome(refused=True, rules=len(names), breaches=wrong)
        said = {rule.policy: rule.verdict for rule in result.rules}
        again = {name: expect(name, lists) for name in names}
        differing = [name for name in names if said[name].value != again[name]]
        return Outcome(refused=False, rules=len(names), breaches=tuple(self._breach(number, what, name, again[name], said[name]) for name in differing))

    def _lose(self, how: str, at: int) -> tuple[dict[str, list[Record]], str]:
        lists = {name: list(records) for name, records in self._organization.lists.items()}
        if how.endswith(("record", "records")):
            gone = {self._rows[number] for number in ((at,) if how == "record" else pair(at, len(self._rows)))}
            for name in HELD:
                lists[name] = [record for row, record in enumerate(lists[name]) if (name, row) not in gone]
            return lists, f"without {sorted(gone)}"
        lost = [self._values[number] for number in ((at,) if how == "value" else pair(at, len(self._values)))]
        for name, row, member in lost:
            lists[name][row] = {other: value for other, value in lists[name][row].items() if other != member}
        return lists, f"without {lost}"

    def _breach(self, number: int, what: str, rule: str, expected: str, said: str) -> Breach:
        return Breach(f"{self._organization.name}, held", NAME, number, what, Claim.AS_ORACLE, rule, expected, str(said))
