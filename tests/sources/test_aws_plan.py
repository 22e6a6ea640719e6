"""What is fetched for which policies: narrowed where that cannot change a verdict, else the whole 30 days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policycheck.datasets import RESTORE_JOBS
from policycheck.policy.load import load_policies
from policycheck.policy.measures import Measure
from policycheck.policy.model import Policy, Statement
from policycheck.sources.plan import FetchPlan, plan_fetch
from tests.engine.expectations import clean, duration, expect

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCOPES = {"": "", "regions": "scope: {regions: [eu-west-1]}\n", "accounts": "scope: {accounts: [111122223333]}\n"}


def planned(tmp_path: Path, *rules: str, scope: str = "", longest_job: timedelta | None = None) -> FetchPlan:
    return plan_fetch(policies(tmp_path, *rules, scope=scope), AS_OF, longest_job)


def policies(tmp_path: Path, *rules: str, scope: str = "") -> tuple[Policy, ...]:
    path = tmp_path / "p.yaml"
    body = "".join(f"  - {{id: r{number}, {rule}}}\n" for number, rule in enumerate(rules))
    path.write_text(f"policy: p\ntitle: P\n{SCOPES[scope]}rules:\n{body}")
    return load_policies([(path, "p.yaml")], {})


def before(**duration: int) -> datetime:
    return AS_OF - timedelta(**duration)


@pytest.mark.parametrize(
    ("rules", "created_after"),
    [
        (["rule: no FAILED jobs within 24h"], before(days=9)),
        (["rule: no FAILED jobs within 24h", "rule: no EXPIRED jobs within 7d"], before(days=15)),
        (["rule: no FAILED jobs within 24h", "rule: IAM role must contain AWSBackup"], None),
        (["rule: no FAILED jobs within 24h, no_data: pass"], before(days=9)),
        (["rule: no FAILED jobs within 24h, no_data: quiet"], None),
        (["none: {State: FAILED}, within: 24h, clock: CompletionDate"], before(days=9)),
        (["none: {State: FAILED}, within: 24h, unless_recovered_within: 6h"], before(days=9, hours=6)),
        (["dataset: restore_jobs, none: {Status: FAILED}, within: 90d"], before(days=98)),
        (["dataset: restore_jobs, none: {Status: FAILED}, within: 90d", "rule: no FAILED jobs"], None),
    ],
)
def test_only_a_claim_of_a_longest_job_narrows_by_time(tmp_path: Path, rules: list[str], created_after: datetime | None) -> None:
    assert planned(tmp_path, *rules, longest_job=timedelta(days=8)).created_after == created_after
    unclaimed = planned(tmp_path, *rules)
    assert (unclaimed.created_after, unclaimed.longest_job) == (None, None)


@pytest.mark.parametrize(
    ("rules", "filters"),
    [
        (["rule: no FAILED EC2 jobs in vault prod within 24h"], {"backup_jobs": {"ByResourceType": "EC2", "ByBackupVaultName": "prod"}}),
        (["rule: no FAILED EC2 jobs within 24h", "rule: no EXPIRED EC2 jobs"], {"backup_jobs": {"ByResourceType": "EC2"}}),
        (["rule: no FAILED EC2 jobs within 24h", "rule: no FAILED RDS jobs within 24h"], {}),
        (["rule: no FAILED EC2 jobs within 24h", "rule: no FAILED jobs within 24h"], {}),
        (["where: {ResourceType: [EC2, RDS]}, none: {State: FAILED}"], {}),
        (["where: {ResourceType: ec2}, none: {State: FAILED}"], {"backup_jobs": {"ByResourceType": "EC2"}}),
        (["where: {ResourceType: Mainframe}, none: {State: FAILED}"], {}),
        (["where: {ResourceType: Storage Gateway}, none: {State: FAILED}"], {}),
        (["where: {ResourceType: {contains: EC2}}, none: {State: FAILED}"], {}),
        (["where: {not: {ResourceType: EC2}}, none: {State: FAILED}"], {}),
        (["where: {any: [{ResourceType: EC2}, {State: FAILED}]}, none: {State: FAILED}"], {}),
        (["dataset: restore_jobs, where: {BackupVaultName: prod, ResourceType: RDS}, none: {Status: FAILED}"], {"restore_jobs": {"ByResourceType": "RDS"}}),
    ],
)
def test_one_vault_or_type_of_the_population_narrows_a_list(tmp_path: Path, rules: list[str], filters: dict[str, dict[str, str]]) -> None:
    assert planned(tmp_path, *rules).filters == filters


@pytest.mark.parametrize("rule", ["none: {ResourceType: EC2}", "none: {BackupVaultName: legacy}", "all: {BackupVaultName: prod}", "none: {State: FAILED}"])
def test_what_a_rule_forbids_or_demands_never_narrows(tmp_path: Path, rule: str) -> None:
    assert planned(tmp_path, rule).filters == {}


def test_a_declared_account_needs_a_job_of_any_kind_so_nothing_is_filtered(tmp_path: Path) -> None:
    rule = "rule: no FAILED EC2 jobs in vault prod within 24h"
    assert planned(tmp_path, rule, scope="accounts").filters == {}
    assert planned(tmp_path, rule, scope="regions").filters != {}


def test_lists_no_rule_asks_about_are_not_fetched(tmp_path: Path) -> None:
    assert planned(tmp_path, "rule: no FAILED jobs").datasets == ("backup_jobs",)
    assert planned(tmp_path, "dataset: restore_jobs, none: {Status: FAILED}", "none: {State: FAILED}").datasets == ("backup_jobs", "restore_jobs")
    assert plan_fetch([], AS_OF) == FetchPlan(("backup_jobs",))


def test_a_list_without_a_horizon_reaches_as_far_as_its_rules_look(tmp_path: Path) -> None:
    plan = planned(
        tmp_path, "dataset: restore_jobs, none: {Status: FAILED}, within: 90d", "dataset: copy_jobs, none: {State: FAILED}, within: 7d", "none: {State: FAILED}"
    )
    assert plan.reaches == {"restore_jobs": before(days=90)}


def test_declared_regions_are_known_to_the_plan(tmp_path: Path) -> None:
    assert planned(tmp_path, "rule: no FAILED jobs", scope="regions").declared_regions == frozenset({"eu-west-1"})


def test_rules_on_groups_fetch_all_backup_jobs_of_thirty_days(tmp_path: Path) -> None:
    """A resource whose jobs stopped is seen in the old ones only, whatever window, type or vault the other rules of the run have."""
    (policy,) = policies(tmp_path, "rule: no FAILED EC2 jobs in vault prod within 24h")
    requirement = expect(Measure.COUNT, clean(RESTORE_JOBS), "at_least 1")
    rule = replace(policy.rules[0], id="restored", statement=Statement(requirement, within=duration("90d"), dataset=RESTORE_JOBS.name))
    plan = plan_fetch([replace(policy, rules=(*policy.rules, rule))], AS_OF)
    assert plan == FetchPlan(("backup_jobs", "restore_jobs"), reaches={"restore_jobs": before(days=90)})


def test_an_inventory_names_the_resources_so_that_backup_jobs_are_not_fetched(tmp_path: Path) -> None:
    (policy,) = policies(tmp_path, "rule: no FAILED jobs")
    requirement = expect(Measure.COUNT, clean(RESTORE_JOBS), "at_least 1", inventory="prod")
    rule = replace(policy.rules[0], statement=Statement(requirement, within=duration("7d"), dataset=RESTORE_JOBS.name))
    assert plan_fetch([replace(policy, rules=(rule,))], AS_OF) == FetchPlan(("restore_jobs",))
