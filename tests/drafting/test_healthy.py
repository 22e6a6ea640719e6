"""The promise of `init`: on a healthy organization the drafted policy finds nothing, that day and the next, and no rule of it looks at nothing."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache

import pytest

from policycheck.datasets import DATASETS
from policycheck.drafting.draft import draft_policy
from policycheck.drafting.profile import read_profile
from policycheck.drafting.trial import TriedDraft
from policycheck.result import Basis, Coverage, RuleResult, Verdict
from policycheck.sources.interface import Evidence
from tests.drafting.drafts import drafted, job_list, judged
from tests.drafting.estates import ACCOUNTS, HORIZON, INSTANTS, REGIONS, ZONES, estate
from tests.samples import sample

SEEDS = range(1, 21)


def fetched(as_of: datetime, seed: int, *, healthy: bool) -> Evidence:
    """The emulator's organization, fetched whole."""
    made = sample(as_of, seed, healthy=healthy)
    lists = {name: job_list(dataset, [dict(job) for jobs in made.jobs(dataset).values() for job in jobs]) for name, dataset in DATASETS.items()}
    coverage = [
        Coverage(name, *place, as_of - HORIZON, as_of, len(jobs), basis=Basis.OBSERVED)
        for name, dataset in sorted(DATASETS.items())
        for place, jobs in sorted(made.jobs(dataset).items())
    ]
    return Evidence(lists, tuple(coverage), ())


def wrong(results: dict[str, RuleResult]) -> dict[str, str]:
    """The rules that do not pass on something."""
    return {name: f"{result.verdict}: {result.reason}" for name, result in results.items() if result.verdict is not Verdict.PASS or not result.examined}


@pytest.mark.parametrize("seed", [seed if seed < SEEDS[2] else pytest.param(seed, marks=pytest.mark.slow) for seed in SEEDS])
def test_a_healthy_organization_keeps_to_its_draft_that_day_and_the_next(seed: int) -> None:
    made = estate(seed)
    tried = drafted(made.evidence(made.as_of, observed=seed % 2 == 0), made.as_of)
    assert len(tried.results) >= 10
    tomorrow = made.as_of + timedelta(days=1)
    next_day = judged(tried.text, made.evidence(tomorrow, observed=seed % 2 == 0), tomorrow)
    for results in ({result.id: result for result in tried.results}, next_day):
        assert wrong(results) == {}
        # Each of the groups is of somebody: a rule on resources that has none would examine none.
        assert {name: result.subjects for name, result in results.items() if result.universe is not None and result.subjects == 0} == {}


def test_the_organizations_differ_in_what_drafts_depend_on() -> None:
    estates = [estate(seed) for seed in SEEDS]
    plans = [plan for made in estates for plan in made.plans]
    assert {plan.account for plan in plans} == set(ACCOUNTS)
    assert {plan.region for plan in plans} == set(REGIONS)
    assert {table.zone for plan in plans for _, table, _ in plan.rules} == set(ZONES)
    assert {made.as_of for made in estates} == set(INSTANTS)
    assert {len({(plan.account, plan.region) for plan in made.plans}) for made in estates} >= {1, 2, 3, 4}
    assert {len(plan.rules) for plan in plans} == {1, 2}
    assert any(plan.members for plan in plans)
    assert any("AWSServiceRoleForBackup" in plan.role for plan in plans)
    assert any(made.old_client for made in estates)


@pytest.mark.slow
def test_every_kind_of_rule_is_drafted_for_some_of_them() -> None:
    estates = [estate(seed) for seed in SEEDS]
    drafts = [draft_policy(read_profile(made.evidence(made.as_of, observed=True), made.as_of), "baseline") for made in estates]
    # What is drafted there is on trial in the test above.
    kinds = {re.sub(r"-\d+$", "", proposal.id) for draft in drafts for proposal in draft.proposals}
    assert kinds >= {
        "no-failed-jobs", "no-jobs-with-issues", "nothing-overdue", "fresh-hourly", "fresh-every-4h", "fresh-daily", "fresh-every-3d",
        "fresh-weekly", "gap-daily",
        "gap-weekly", "no-missed-runs", "no-missed-runs-of-slower-plans", "iam-role-name", "known-vaults", "encrypted", "kept-long-enough", "done-in-time",
        "no-failed-copies", "copied", "no-failed-restores", "restore-tested",
    }  # fmt: skip


@cache
def draft_of_healthy_sample(as_of: datetime, seed: int) -> TriedDraft:
    return drafted(fetched(as_of, seed, healthy=True), as_of)


@pytest.mark.parametrize("seed", [seed if seed < 1 else pytest.param(seed, marks=pytest.mark.slow) for seed in range(4)])
def test_the_healthy_sample_organization_keeps_to_its_draft(seed: int) -> None:
    tried = draft_of_healthy_sample(INSTANTS[seed], seed)
    assert len(tried.results) >= 20
    assert wrong({result.id: result for result in tried.results}) == {}


def test_a_draft_of_the_healthy_sample_organization_finds_the_troubles_of_the_other() -> None:
    as_of = INSTANTS[0]
    tried = draft_of_healthy_sample(as_of, 0)
    results = judged(tried.text, fetched(as_of, 0, healthy=False), as_of)
    failed = {name for name, result in results.items() if result.verdict is Verdict.FAIL}
    assert failed >= {"no-failed-jobs", "nothing-overdue", "fresh-daily", "gap-daily", "no-missed-runs", "iam-role-name", "encrypted", "copied"}
