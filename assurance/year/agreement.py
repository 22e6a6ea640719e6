"""Whether a period, which rewinds jobs that ended later, says at an instant what a check of the lists says that AWS gave then."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from assurance.year.calendars import DAY, MINUTE, moment
from assurance.year.evaluation import evaluate_instant, name_of
from assurance.year.lists import HORIZON, Lists
from assurance.year.organization import Organization
from policycheck.result import Result

Said = dict[str, tuple[str, frozenset[tuple[str, str]]]]
"""By rule its verdict, and the subjects and causes of its findings."""


@dataclass(frozen=True)
class Sample:
    """One instant that was looked at both ways."""

    at: int
    differing: tuple[str, ...]
    """Rules that do not agree, with what both say."""
    awaited: tuple[str, ...]
    """Rules that do not agree only because AWS had not listed a job yet that had been created."""
    findings: int
    """Open findings on the lists that AWS gave, but for those of the rules that wait for a job."""


def compare_instants(organization: Organization, lists: Lists, end: int, number: int, seed: int) -> list[Sample]:
    """So many instants of the organization's time before `end`, where the lists end; half of them while a job is listed late, if there are such."""
    random = Random(f"instants {seed}")
    late = [(first, last) for first, last in lists.late() if organization.start <= first < end - 3 * DAY]
    found = []
    for turn in range(number):
        if turn % 2 and late:
            first, last = random.choice(late)
            at = (first + last) // 2
        else:
            at = random.randrange(organization.start, end - 3 * DAY) // MINUTE * MINUTE
        found.append(compare_instant(organization, lists, at))
    return found


def compare_instant(organization: Organization, lists: Lists, at: int) -> Sample:
    """Both ways at one instant; where they do not agree and a job is listed late, with that job listed in time, too."""
    rewound = _said(evaluate_instant(organization, lists, at))
    result = _evaluate_answers(organization, lists, at)
    real = _said(result)
    differing = {rule for rule in {*rewound, *real} if rewound.get(rule) != real.get(rule)}
    awaited: set[str] = set()
    if differing and lists.is_late(at):
        punctual = _said(_evaluate_answers(organization, lists.punctual(), at))
        awaited = {rule for rule in differing if rewound.get(rule) == punctual.get(rule)}
    told = {rule: f"{moment(at)} {rule}: {rewound.get(rule)} but {real.get(rule)}" for rule in sorted(differing)}
    found = [rule for rule in result.rules if name_of(rule) not in awaited]
    return Sample(
        at,
        differing=tuple(line for rule, line in told.items() if rule not in awaited),
        awaited=tuple(line for rule, line in told.items() if rule in awaited),
        findings=sum(one.waiver is None for rule in found for one in rule.findings),
    )


def _evaluate_answers(organization: Organization, lists: Lists, at: int) -> Result:
    # Older copies would make resources subjects that a list of thirty days does not name.
    answers = [{name: rows} for name, rows in lists.created(at - HORIZON, at).at(at).items() if rows]
    return evaluate_instant(organization, answers, at)


def _said(result: Result) -> Said:
    return {
        name_of(rule): (rule.verdict.value, frozenset((one.subject, one.cause or "") for one in rule.findings if one.waiver is None)) for rule in result.rules
    }
