"""Whether the evidence reaches a rule: what is declared, what is covered, from when to when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policycheck.engine.scope import in_scope, uncovered_scope, unreached_window
from policycheck.policy.model import Scope
from policycheck.reasons import ReasonKind
from policycheck.result import Basis, Coverage

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)
A, B = "111122223333", "444455556666"
EU, US = "eu-west-1", "us-east-1"
NOUN = "no list of backup jobs covers it"
UNREAD = "no fetch of backup jobs read it (may_be_empty excuses only an account and Region that was read)"
OBSERVED = Basis.OBSERVED


def entry(
    account: str | None = A, region: str | None = EU, *, jobs: int = 1, complete: bool = True, dataset: str = "backup_jobs", basis: Basis = Basis.ASSERTED
) -> Coverage:
    return Coverage(dataset, account, region, AS_OF - 30 * DAY, AS_OF, jobs, complete, basis)


@pytest.mark.parametrize(
    ("scope", "account", "region", "expected"),
    [
        (Scope(), A, EU, True),
        (Scope(), None, None, True),
        (Scope((A,)), A, US, True),
        (Scope((A,)), B, US, False),
        (Scope((A,)), None, US, True),
        (Scope((A,), (EU,)), A, US, False),
        (Scope((A,), (EU,)), A, None, True),
        (Scope((A,), (EU,)), None, US, False),
        (Scope((), (EU,)), B, EU, True),
    ],
)
def test_job_is_in_scope_unless_it_is_known_to_be_elsewhere(scope: Scope, account: str | None, region: str | None, expected: bool) -> None:
    assert in_scope(scope, account, region) is expected


FOUR = Scope((A, B), (EU, US))
UNCOVERED = [
    (Scope(), [], []),
    (Scope((A,)), [entry()], []),
    (Scope((A,), (EU,)), [entry()], []),
    (FOUR, [entry(), entry(region=US), entry(B), entry(B, US)], []),
    (FOUR, [entry(), entry(region=US), entry(B)], [f"{B}/{US} is declared and {NOUN}"]),
    (FOUR, [], [f"{a}/{r} is declared and {NOUN}" for a in (A, B) for r in (EU, US)]),
    (Scope((A, B), (EU, US), (B,)), [entry(), entry(region=US)], []),
    (Scope((A, B), (EU, US), (f"{B}/{US}",)), [entry(), entry(region=US), entry(B)], []),
    (Scope((A, B), (EU, US), (f"{B}/{US}",)), [entry(), entry(region=US)], [f"{B}/{EU} is declared and {NOUN}"]),
    (Scope((A, B), (EU,), (f"{B}/{EU}",)), [entry()], []),
    (Scope((), (EU, US)), [entry(), entry(B)], [f"{US} is declared and {NOUN}"]),
    (Scope((), (EU, US), (US,)), [entry()], [f"{US} is declared and {NOUN}"]),
    (Scope((A, B)), [entry()], [f"{B} is declared and {NOUN}"]),
    # A list that is short, of another dataset, asserted and empty, or of an unknown place covers nothing that is declared.
    (Scope((A,)), [entry(complete=False)], [f"{A} is declared and {NOUN}"]),
    (Scope((A,)), [entry(dataset="copy_jobs")], [f"{A} is declared and {NOUN}"]),
    (Scope((A,)), [entry(jobs=0)], [f"{A} is declared and {NOUN}"]),
    (Scope((A,)), [entry(None)], [f"{A} is declared and {NOUN}"]),
    (Scope((A,), (EU,)), [entry(region=None)], [f"{A}/{EU} is declared and {NOUN}"]),
    # What was fetched and is empty is covered; an account without any job in any list is not believed.
    (Scope((A,)), [entry(jobs=0, basis=Basis.OBSERVED)], [f"{A} is declared and has no job"]),
    (Scope((A,)), [entry(jobs=0, basis=Basis.OBSERVED), entry(dataset="copy_jobs")], []),
    (Scope((A,), (), (A,)), [entry(jobs=0, basis=Basis.OBSERVED)], []),
    (Scope((A,), (EU, US), (f"{A}/{US}",)), [entry(jobs=0, basis=OBSERVED), entry(A, US, jobs=0, basis=OBSERVED)], [f"{A} is declared and has no job"]),
    # Where lists were fetched, only a place that was asked, and of which every answer arrived, may be empty.
    (Scope((A,), (EU, US), (f"{A}/{US}",)), [entry(basis=OBSERVED), entry(region=US, jobs=0, basis=OBSERVED)], []),
    (Scope((A,), (EU, US), (f"{A}/{US}",)), [entry(basis=OBSERVED)], [f"{A}/{US} is declared and {UNREAD}"]),
    (Scope((A,), (EU, US), (f"{A}/{US}",)), [entry(basis=OBSERVED), entry(region=US, complete=False, basis=OBSERVED)], [f"{A}/{US} is declared and {UNREAD}"]),
    (Scope((A, B), (), (B,)), [entry(basis=OBSERVED), entry(B, jobs=0, basis=OBSERVED), entry(B, US, jobs=0, complete=False, basis=OBSERVED)],
     [f"{B} is declared and has no job"]),
    (Scope((A, B), (), (B,)), [entry(basis=OBSERVED)], [f"{B} is declared and {UNREAD}"]),
    (Scope((A, B), (), (B,)), [entry(basis=OBSERVED, dataset="copy_jobs"), entry()], []),
    # With the whole organization its accounts were asked, and no others.
    (Scope((A, B), (), (B,)), [replace(entry(basis=OBSERVED), silent=(B,))], []),
    (Scope((A, B), (EU, US), (B,)), [replace(entry(basis=OBSERVED), silent=(B,)), entry(region=US, basis=OBSERVED)], [f"{B}/{US} is declared and {UNREAD}"]),
    (Scope((A, B)), [replace(entry(basis=OBSERVED), silent=(B,))], [f"{B} is declared and {NOUN}"]),
    (Scope(organization=True), [entry()], ["the accounts of the organization are not known to this run"]),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "coverage", "expected"), UNCOVERED)
def test_uncovered_scope(scope: Scope, coverage: list[Coverage], expected: list[str]) -> None:
    assert list(map(str, uncovered_scope(scope, coverage, "backup_jobs"))) == expected


def reach(start: datetime | None, end: datetime | None, *, account: str = A, complete: bool = True, reason: str = "") -> Coverage:
    return Coverage("backup_jobs", account, EU, start, end, 1, complete, reason=reason)


START = AS_OF - DAY
WINDOWS = [
    (reach(START, AS_OF), START, []),
    (reach(START - DAY, AS_OF + DAY), START, []),
    (reach(START + timedelta(microseconds=1), AS_OF), START, ["only from 2026-11-19T06:00:00.000Z, but the window begins at 2026-11-19T06:00:00Z"]),
    (reach(AS_OF - timedelta(hours=1), AS_OF), START, [f"{A}/{EU} is covered only from 2026-11-20T05:00:00Z, but the window begins at 2026-11-19T06:00:00Z"]),
    (reach(START, AS_OF - timedelta(hours=1)), START, [f"{A}/{EU} is covered only to 2026-11-20T05:00:00Z, but the window ends at 2026-11-20T06:00:00Z"]),
    (reach(None, None), START, [f"the time that the list of {A}/{EU} covers is unknown"]),
    # Without a window it is the end that counts.
    (reach(None, None), None, [f"the time that the list of {A}/{EU} covers is unknown"]),
    (reach(AS_OF - DAY, AS_OF), None, []),
    (reach(START - DAY, START), None, [f"{A}/{EU} is covered only to 2026-11-19T06:00:00Z, but the evaluation time is 2026-11-20T06:00:00Z"]),
    (reach(START, AS_OF, complete=False, reason="page 3 failed"), START, [f"{A}/{EU} is incomplete: page 3 failed"]),
    (reach(START, AS_OF, complete=False), None, [f"{A}/{EU} is incomplete: the list is incomplete"]),
    (reach(None, None, account=B), START, []),
]  # fmt: skip


@pytest.mark.parametrize(("coverage", "start", "expected"), WINDOWS)
def test_unreached_window(coverage: Coverage, start: datetime | None, expected: list[str]) -> None:
    found = unreached_window(Scope((A,)), [coverage], start, AS_OF)
    assert len(found) == len(expected)
    assert all(part in str(reason) for part, reason in zip(expected, found, strict=True))


def test_every_place_in_scope_has_to_reach_the_window() -> None:
    coverage = [entry(), Coverage("backup_jobs", A, US, START + DAY, AS_OF, 1), Coverage("backup_jobs", None, None, None, None, 1)]
    found = unreached_window(Scope((A,)), coverage, START, AS_OF)
    assert [(reason.kind, reason.names) for reason in found] == [
        (ReasonKind.STARTS_LATE, (f"{A}/{US}",)),
        (ReasonKind.TIME_UNSAID, ("account unknown/Region unknown",)),
    ]
