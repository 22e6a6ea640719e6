"""Groups that are judged and told of some at a time are judged and told of as all at once."""

from __future__ import annotations

import pytest

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine import group_account, group_findings, groups
from policycheck.engine.evaluate import judge
from policycheck.policy.load import load_policies
from policycheck.result import RuleResult
from tests.backends import BACKEND
from tests.engine.expectations import covered
from tests.engine.lists import AS_OF, ago, job, job_list

RULES = """policy: p
rules:
  - {id: gap, per: ResourceArn, within: 30d, expect: {longest_gap: {of: {State: COMPLETED}, at_most: 30h}}}
  - {id: newest, rule: every resource must have a clean job within 26h}
  - {id: streak, per: [ResourceArn, BackupVaultName], within: 30d, expect: {streak: {of: {State: FAILED}, at_most: 1}}}
"""
"""Kinds that look at jobs one by one, and tell of a group's other jobs."""


def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[RuleResult, ...]:
    path = tmp_path_factory.mktemp("rules") / "policy.yaml"
    path.write_text(RULES, encoding="utf-8")
    failed = {"State": "FAILED", "MessageCategory": "AccessDenied"}
    jobs = [
        job(
            BackupJobId=f"{resource}-{day}",
            ResourceArn=f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{resource}",
            CreationDate=ago(days=day, hours=2),
            CompletionDate=ago(days=day, hours=1),
            **(failed if (resource + day) % 3 else {}),
        )
        for resource in range(7)
        for day in range(4)
    ]
    return judge(load_policies([(path, path.name)], {}), {BACKUP_JOBS.name: job_list(jobs)}, [covered()], AS_OF, BACKEND)


def test_groups_some_at_a_time_are_groups_all_at_once(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = results(tmp_path_factory)
    assert sum(len(rule.findings) for rule in expected) > 10
    for module in (groups, group_account, group_findings):
        monkeypatch.setattr(module, "TOGETHER", 2)
    assert results(tmp_path_factory) == expected
