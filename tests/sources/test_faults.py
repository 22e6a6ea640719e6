"""Every fault, at the first, a middle and the last page, once and for ever: the whole list, or no list. Never a short one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from policycheck.emulator.clock import Clock
from policycheck.emulator.faults import Kind
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from policycheck.errors import ExitCode, PolicycheckError
from policycheck.sources.aws import FetchedEvidence, fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.plan import FetchPlan
from tests.sources.loopback import ACCOUNT, NOW, REGION, job

pytestmark = pytest.mark.usefixtures("aws", "pauses")

PLAN = FetchPlan(("backup_jobs",))
PAGE = 10
JOBS = 25
"""Some of them in progress, on three pages."""
PLACES = {"first": 1, "middle": 2, "last": 3}
ARGUMENTS = {
    Kind.LATENCY: ["latency:0.01"],
    Kind.ADVANCE: ["advance:60"],
    Kind.CHANGE: ["change:RUNNING:COMPLETED", "change:COMPLETED:FAILED"],
    Kind.SHORT: ["short", "short:1"],
}
OTHER = "us-east-1"

# What a fault means for the list: whether it comes whole, once the fault has passed, and while it lasts.
HARMLESS = {Kind.LATENCY, Kind.ADVANCE, Kind.CHANGE, Kind.SHORT}
RETRIED = {Kind.THROTTLING, Kind.TOO_MANY, Kind.INTERNAL, Kind.UNAVAILABLE, Kind.TRUNCATED, Kind.HTML, Kind.CUT, Kind.CLOSED, Kind.EMPTY}
FINAL = {Kind.DENIED, Kind.EXPIRED, Kind.DISABLED}


@dataclass(frozen=True)
class Case:
    """One fault: what goes wrong, at which page, and whether it stays."""

    fault: str
    place: str
    lasting: bool

    @property
    def kind(self) -> Kind:
        return Kind(self.fault.partition(":")[0])

    @property
    def whole(self) -> bool:
        """Whether the list must come whole."""
        if self.kind is Kind.REPEAT:
            # The first request has no token to repeat: its page comes a second time, and the list goes on.
            return self.place == "first" and not self.lasting
        return self.kind in HARMLESS or (self.kind in RETRIED and not self.lasting)

    def spec(self, operation: str = "ListBackupJobs") -> str:
        return f"{operation}:{PLACES[self.place]}{'-' if self.lasting else ''}={self.fault}"


CASES = [Case(fault, place, lasting) for kind in Kind for fault in ARGUMENTS.get(kind, [kind.value]) for place in PLACES for lasting in (False, True)]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.sources.pages.PAGE_SIZE", PAGE)
    monkeypatch.setattr("policycheck.sources.pages.EMPTY_PAGES", 20)


def store() -> Store:
    made = Store(Clock(NOW), management=ACCOUNT)
    made.add(ACCOUNT, REGION, "backup_jobs", [job(number, State="RUNNING" if number % 9 == 0 else "COMPLETED") for number in range(JOBS)])
    made.add(ACCOUNT, OTHER, "backup_jobs", [job(number, region=OTHER) for number in range(JOBS)])
    return made


def fetch(spec: str, *regions: str) -> FetchedEvidence:
    with serve(store(), faults=[spec]) as served:
        connection = Connection(regions=regions or (REGION,), endpoint_url=served.url)
        return fetch_jobs(connection, PLAN, as_of=NOW, now=lambda: NOW)


def ids(evidence: FetchedEvidence) -> Iterator[str]:
    return (record.BackupJobId for record in evidence.lists["backup_jobs"].records)


def test_every_fault_there_is_has_an_expectation() -> None:
    assert {case.kind for case in CASES} == set(Kind) == HARMLESS | RETRIED | FINAL | {Kind.REPEAT}


@pytest.mark.slow
def test_no_fault_ever_makes_a_list_short() -> None:
    expected = sorted(job(number)["BackupJobId"] for number in range(JOBS))
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    for case in CASES:
        try:
            evidence = fetch(case.spec())
        except PolicycheckError as error:
            outcomes["refused"] += 1
            named = f"page {PLACES[case.place]}" in error.place or "does not end" in error.message
            if case.whole or not named or error.exit_code is not ExitCode.EVIDENCE:
                wrong.append(f"{case.spec()}: {error.place}: {error.message}")
            continue
        found = sorted(ids(evidence))
        outcomes["whole" if found == expected else "short"] += 1
        if not case.whole or found != expected or not all(entry.complete and entry.jobs == JOBS for entry in evidence.coverage):
            wrong.append(f"{case.spec()}: {len(found)} of {JOBS} jobs")
    print(f"{len(CASES)} faults: {outcomes['whole']} lists whole, {outcomes['refused']} refused with exit 3, {outcomes['short']} short")
    assert wrong == []
    assert (outcomes["short"], outcomes.total()) == (0, len(CASES))


@pytest.mark.parametrize("kind", sorted(RETRIED | FINAL | {Kind.REPEAT}))
def test_a_fault_in_one_of_two_regions_is_named_in_its_coverage(kind: Kind) -> None:
    evidence = fetch(f"ListBackupJobs@{OTHER}:2-={kind}", REGION, OTHER)
    entries = {entry.region: entry for entry in evidence.coverage}
    assert (entries[REGION].complete, entries[REGION].jobs) == (True, JOBS)
    assert not entries[OTHER].complete
    assert entries[OTHER].jobs < JOBS
    assert "page" in entries[OTHER].reason


@pytest.mark.parametrize(("change", "states"), [("RUNNING:COMPLETED", {"COMPLETED", "RUNNING"}), ("COMPLETED:FAILED", {"RUNNING", "COMPLETED", "FAILED"})])
def test_jobs_that_change_state_between_pages_are_all_there_once(change: str, states: set[str]) -> None:
    evidence = fetch(f"ListBackupJobs:2=change:{change}")
    found = list(ids(evidence))
    assert len(found) == len(set(found)) == JOBS
    assert {record.State for record in evidence.lists["backup_jobs"].records} <= states


def test_a_page_that_comes_twice_counts_once() -> None:
    found = list(ids(fetch("ListBackupJobs:1=repeat")))
    assert len(found) == len(set(found)) == JOBS
