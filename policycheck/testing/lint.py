"""Checks of lint that need the engine: what tests have seen, and what a schedule promises."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from policycheck.engine.backends.interface import Backend
from policycheck.engine.schedules.cron import ScheduleError, expected_runs, parse_schedule
from policycheck.policy.lint.finding import Place, Run
from policycheck.policy.lint.reading import FRESHNESS, place_of, required
from policycheck.policy.lint.source import find_key
from policycheck.policy.model import Expectation, Policy, Rule
from policycheck.records import micros
from policycheck.result import Verdict
from policycheck.testing.catalogue import tests_of
from policycheck.testing.document import PolicyTest, load_tests
from policycheck.testing.runner import run_test
from policycheck.text import clean_line, spell_duration

_CRON = "CreatedBy.BackupRuleCron"
_YEAR = timedelta(days=400)
"""How far ahead the runs of a schedule are looked at: a year, and what a yearly one needs to come round."""


def find_in_tests(run: Run, files: Sequence[tuple[Path, str]], codes: Collection[str], backend: Backend) -> dict[str, list[Place]]:
    """What the tests beside these policies leave open, by code; nothing is run where no code asks for it.

    Args:
        files: the policies, and what diagnostics call them.
        codes: the codes that are checked for.

    Raises:
        PolicyError: a test file has a mistake.
    """
    found: dict[str, list[Place]] = {}
    if not {"PC401", "PC402"} & set(codes):
        return found
    beside = {name: tests_of(path, name) for path, name in files}
    tests = load_tests([pair for pairs in beside.values() for pair in pairs]) if "PC401" in codes else ()
    for policy in run.policies:
        own = [test for test in tests if test.policy.path == policy.path]
        if not beside.get(policy.path):
            message = "the policy has no test, so nothing shows that its rules can fail, or that they pass when they should"
            hint = f"{Path(policy.path).stem}.test.yaml beside it with jobs and the expected findings; policycheck test runs it."
            found.setdefault("PC402", []).append(Place(policy, find_key(policy, "policy"), message, hint))
        elif "PC401" in codes:
            found.setdefault("PC401", []).extend(_never_seen(policy, own, backend))
    return found


def _never_seen(policy: Policy, tests: Sequence[PolicyTest], backend: Backend) -> Iterator[Place]:
    """The rules that no test sees fail. A test is run only where it expects a failure that none has shown yet: of passing tests, no other shows one."""
    seen: set[str] = set()
    for test in tests:
        hoped = [rule for rule in test.policy.rules if rule.id not in seen and rule.id in test.expected and test.expected[rule.id].verdict is Verdict.FAIL]
        if hoped:
            seen |= {name for name, verdict in run_test(test, backend, hoped).verdicts if verdict is Verdict.FAIL}
    for rule in policy.rules:
        if rule.id not in seen:
            message = f"no test makes {rule.id} fail, so nothing shows that it can"
            yield Place(policy, rule.location, message, "Add a test with a job that violates it, and expect the finding.", rule)


def find_limits_below_schedule(run: Run) -> Iterator[Place]:
    """A freshness that is shorter than the time between two runs of the schedule whose jobs the rule is about."""
    for policy, rule in run.rules():
        requirement = rule.statement.requirement
        if not isinstance(requirement, Expectation) or requirement.measure not in FRESHNESS or not rule.statement.list.scheduled:
            continue
        limit, crons = requirement.limit, required(rule.statement.where, _CRON) or required(requirement.condition, _CRON)
        if limit is None or limit.value is None or len(crons) != 1:
            # Jobs of several schedules keep each other fresh.
            continue
        between = _longest_interval(crons[0], rule, run.as_of)
        if between is not None and int(limit.value) < between:
            message = f"{clean_line(crons[0])} leaves up to {spell_duration(between)} between two runs, and the rule allows {clean_line(limit.text)}"
            yield Place(policy, place_of(rule, limit.location), message, "Allow the interval, the start window and the time a job takes.", rule)


def _longest_interval(cron: str, rule: Rule, as_of: datetime) -> int | None:
    """Microseconds between two runs of a schedule at most; None where that cannot be told."""
    zones = required(rule.statement.where, "CreatedBy.BackupRuleTimezone")
    try:
        runs = expected_runs(parse_schedule(cron), zones[0] if len(zones) == 1 else None, micros(as_of), micros(as_of + _YEAR))
    except ScheduleError:
        return None
    return max((later - earlier for earlier, later in pairwise(runs)), default=None)
