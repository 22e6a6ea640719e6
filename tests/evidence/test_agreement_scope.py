"""Which declared places may be empty: the engine and `reperform.py` say the same of any coverage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from policycheck.engine.scope import in_scope, uncovered_scope, unreached_window
from policycheck.evidence.input_document import make_document, spell_scope
from policycheck.evidence.reperform import Case, read_nothing, read_time
from policycheck.policy.model import Scope
from policycheck.result import Basis, Coverage
from tests.properties import examples

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
ACCOUNTS, REGIONS = ("111122223333", "444455556666", "777788889999"), ("eu-west-1", "us-east-1")
PLACES = [(account, region) for account in ACCOUNTS[:2] for region in REGIONS]
NAMED = [*ACCOUNTS, *(f"{account}/{region}" for account, region in PLACES)]


def _entry(place: tuple[str, str], jobs: int, complete: bool, basis: Basis, silent: list[str]) -> Coverage:
    known = tuple(account for account in silent if basis is Basis.OBSERVED)
    return Coverage("backup_jobs", *place, AS_OF - timedelta(days=30), AS_OF, jobs, complete, basis, silent=known)


def _entries(place: tuple[str, str]) -> st.SearchStrategy[Coverage]:
    silent = st.sampled_from([[], [], [ACCOUNTS[2]], [ACCOUNTS[1]]])
    return st.builds(_entry, st.just(place), st.integers(0, 1), st.booleans(), st.sampled_from([Basis.OBSERVED, Basis.OBSERVED, Basis.ASSERTED]), silent)


coverages = st.tuples(*(st.none() | _entries(place) for place in PLACES)).map(lambda found: [entry for entry in found if entry is not None])
scopes = st.builds(
    Scope,
    st.lists(st.sampled_from(ACCOUNTS), unique=True, max_size=3).map(tuple),
    st.lists(st.sampled_from(REGIONS), unique=True, max_size=2).map(tuple),
    st.lists(st.sampled_from(NAMED), unique=True, max_size=4).map(tuple),
)


def record(number: int, account: str, region: str) -> dict[str, Any]:
    vault = f"arn:aws:backup:{region}:{account}:backup-vault:prod"
    return {"BackupJobId": str(number), "AccountId": account, "BackupVaultArn": vault, "CreationDate": "2026-11-20T03:00:00Z", "State": "COMPLETED"}


@examples(coverage=coverages, scope=scopes, few=60, many=2000)
def test_the_same_places_are_excused(coverage: list[Coverage], scope: Scope) -> None:
    jobs = [record(number, str(entry.account), str(entry.region)) for number, entry in enumerate(coverage) if entry.jobs]
    sources = [{"dataset": "backup_jobs", "name": "a", "records": jobs}]
    document = make_document([], sources, {}, as_of=AS_OF, covers=None, coverage=coverage)
    case = Case(document, read_time(document["as_of"], True), [], read_nothing).within(
        {name: value for name, value in spell_scope(scope).items() if name != "organization"}, organization=False
    )
    # The script knows of what is claimed to be complete no list without a job.
    known = [entry for entry in coverage if entry.jobs or not entry.complete or entry.basis is Basis.OBSERVED]
    counted = [entry for entry in known if in_scope(scope, entry.account, entry.region)]
    engine = not uncovered_scope(scope, coverage, "backup_jobs") and not unreached_window(scope, counted, None, AS_OF) and bool(counted)
    assert case.covers("backup_jobs", None) is engine
