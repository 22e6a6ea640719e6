"""The engine and `reperform.py` say the same of the sample organization's jobs, judged by the shipped policies and by one that has every measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from policycheck.datasets import JOB_LISTS
from policycheck.evidence.reperform import reperform
from policycheck.policy.catalogue import shipped_packs
from policycheck.policy.load import load_policies
from policycheck.policy.measures import Measure
from policycheck.policy.model import Policy
from tests.evidence.agreement import AS_OF_TIME, Claim, document, judge_by_engine, reperformed, said
from tests.evidence.jobs import AS_OF, Estate, Job
from tests.samples import sample

EVERY_MEASURE = """
policy: every-measure
rules:
  - {id: failed, rule: at most 2 FAILED jobs per resource within 7d}
  - {id: enough, rule: every resource must have at least 7 clean jobs within 8d}
  - {id: share, rule: 'at least 99% of EC2 jobs in vault prod must be COMPLETED within 7d'}
  - {id: share-each, within: 7d, per: ResourceArn, expect: {share: {of: {Outcome: clean}, at_least: 80%}}, no_data: quiet}
  - {id: newest, rule: every resource must have a clean job within 26h}
  - {id: newest-restore, rule: every RDS resource must have a restore job with ValidationStatus SUCCESSFUL within 20d}
  - {id: latest, rule: the latest job of every resource must be COMPLETED}
  - {id: streak, within: 14d, per: [ResourceArn, BackupVaultArn], expect: {streak: {of: {State: FAILED}, at_most: 2}}}
  - {id: streak-clean, within: 7d, per: BackupVaultName, expect: {streak: {of: {Outcome: clean}, at_least: 9}}}
  - {id: gap, rule: no resource may go longer than 26h without a clean job within 14d}
  - {id: gap-warned, rule: 'no resource may go longer than 50h without a clean job within 14d, warning at 25h'}
  - {id: newest-warned, rule: 'every resource must have a clean job within 30h, warning at 8h'}
  - {id: most, rule: at least 90% of resources must have a clean job within 26h}
  - {id: most-vaults, rule: more than 50% of vaults must have at most 2 FAILED jobs within 7d}
  - {id: days, rule: every resource must have a clean job on each of the last 7 days in Europe/Berlin}
  - {id: weeks, rule: every vault must have a clean job on at least 1 of the last 2 weeks}
  - {id: missed, rule: no scheduled run may be missed within 7d}
  - {id: drop, rule: no clean job may be more than 20% smaller than the one before within 7d}
  - {id: growth, rule: no clean job may be more than 20% larger than the one before}
  - {id: slow, rule: no job may take more than 1.2x the usual duration within 3d}
  - {id: copied, rule: every clean RDS job must be followed by a COMPLETED copy job within 6h}
  - {id: restored, where: {Outcome: clean, ResourceType: RDS}, within: 7d, followed_by: {dataset: restore_jobs, where: {Status: COMPLETED}, within: 3d}}
  - {id: copied-on, dataset: copy_jobs, followed_by: {dataset: restore_jobs, within: 2d}, no_data: pass}
  - {id: copies-each, dataset: copy_jobs, per: [ResourceArn, DestinationRegion], within: 7d, expect: {count: {of: {State: COMPLETED}, more_than: 5}}}
  - {id: listed, rule: every resource in inventory prod must have a clean job within 30h}
  - {id: tagged, where: {Tags.env: prod}, per: ResourceArn, inventory: prod, within: 3d, expect: {count: {of: {State: FAILED}, less_than: 1}}}
"""


@cache
def lists() -> Estate:
    made = sample(AS_OF_TIME)
    return {name: [dict(job) for jobs in made.jobs(dataset).values() for job in jobs] for name, dataset in JOB_LISTS.items()}


def _whole(estate: Estate) -> Estate:
    return estate


def _stale(estate: Estate) -> Estate:
    """As of two days ago."""
    return {name: [job for job in jobs if job["CreationDate"] < AS_OF - 2 * 86_400] for name, jobs in estate.items()}


def _short(estate: Estate) -> Estate:
    """The last four days."""
    return {name: [job for job in jobs if job["CreationDate"] > AS_OF - 4 * 86_400] for name, jobs in estate.items()}


def _some(estate: Estate) -> Estate:
    """The jobs of every third resource, for speed."""

    def is_kept(job: Job) -> bool:
        return sum((job.get("ResourceArn") or job.get("SourceResourceArn") or "").encode()) % 3 == 0

    return {name: list(filter(is_kept, jobs)) for name, jobs in estate.items()}


def _full_of_holes(estate: Estate) -> Estate:
    """Every eleventh job lacks a member, another one each time."""
    lost = ["State", "ResourceArn", "CreationDate", "CompletionDate", "MessageCategory", "AccountId", "RecoveryPointArn", "CreatedBy", "ResourceType"]

    def leave_out(number: int, job: Job) -> Job:
        return {key: value for key, value in job.items() if number % 11 or key != lost[number // 11 % len(lost)]}

    return {name: [leave_out(number, job) for number, job in enumerate(jobs)] for name, jobs in _some(estate).items()}


def _without_restores(estate: Estate) -> Estate:
    return {name: jobs for name, jobs in _some(estate).items() if name != "restore_jobs"}


def _inventory(estate: Estate) -> dict[str, list[Job]]:
    """Half of the resources, one that never had a job, and one where nobody looked."""
    arns = sorted({job["ResourceArn"] for job in estate["backup_jobs"] if "ResourceArn" in job and job["ResourceArn"].count(":") > 4})
    entries: list[Job] = [{"arn": arn, "tags": {"env": "prod"} if number % 3 else {}} for number, arn in enumerate(arns[::2])]
    never = {"arn": "arn:aws:dynamodb:eu-west-1:111122223333:table/never", "account": "111122223333", "region": "eu-west-1"}
    far = {"arn": "arn:aws:dynamodb:eu-north-1:111122223333:table/far", "account": "111122223333", "region": "eu-north-1"}
    return {"prod": [*entries, never, far]}


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, ...]:
    own = tmp_path_factory.mktemp("policies") / "every-measure.yaml"
    own.write_text(EVERY_MEASURE, encoding="utf-8")
    shipped = [_of_jobs(policy) for policy in load_policies([(path, path.name) for path in shipped_packs().values()], {})]
    return (*shipped, *load_policies([(own, own.name)], {}))


def _of_jobs(policy: Policy) -> Policy:
    """The rules that the script knows: it reads no lists of what there is."""
    return replace(policy, rules=tuple(rule for rule in policy.rules if set(rule.statement.lists_needed) <= set(JOB_LISTS)))


def test_the_policy_has_every_measure(policies: tuple[Policy, ...]) -> None:
    assert {getattr(rule.statement.requirement, "measure", None) for rule in policies[-1].rules} - {None} == set(Measure)


MONTH = (AS_OF_TIME.replace(month=8, day=20), AS_OF_TIME)


@pytest.mark.parametrize(
    ("change", "covers", "expected"),
    [
        (_some, MONTH, {"pass", "fail"}),
        pytest.param(_whole, MONTH, {"pass", "fail"}, marks=pytest.mark.slow),
        pytest.param(_stale, None, {"fail", "inconclusive"}, marks=pytest.mark.slow),
        pytest.param(_short, None, {"fail", "inconclusive"}, marks=pytest.mark.slow),
        pytest.param(_full_of_holes, MONTH, {"pass", "fail", "inconclusive"}, marks=pytest.mark.slow),
        pytest.param(_without_restores, MONTH, {"pass", "fail", "inconclusive"}, marks=pytest.mark.slow),
    ],
)
def test_of_the_sample_organization_both_say_the_same(
    change: Callable[[Estate], Estate], covers: Claim, expected: set[str], policies: tuple[Policy, ...]
) -> None:
    estate = change(lists())
    inventories = _inventory(estate)
    verdicts: set[str] = set()
    for policy in policies:
        found: list[dict[str, Any]] = sorted(map(said, judge_by_engine(estate, policy.rules, policy.scope, covers, inventories)), key=lambda one: one["id"])
        assert found == reperformed(reperform(document(estate, policy.rules, policy.scope, covers, inventories)))
        verdicts |= {one["verdict"] for one in found}
    # The shipped packs grow: what these lists must at least show.
    assert verdicts >= expected
