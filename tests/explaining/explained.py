"""Rules of every kind, with what surrounds them, for the tests of explanations."""

from __future__ import annotations

from pathlib import Path

from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy, Rule

RULES = {
    "none": "rule: no FAILED or EXPIRED EC2 jobs in vault prod within 24h\n    severity: high\n    why: A day is lost.\n    fix: Start it again.\n"
    "    url: https://example.com/failed\n    controls: {soc2: [A1.2], nist-800-53: [CP-9, CP-10]}\n    tags: [ec2]",
    "all": "rule: 'for EC2 and EBS jobs in vault prod within 7d, duration must be at most 4h'\n    clock: CompletionDate\n    no_data: quiet",
    "outcome": "rule: for jobs within 7d, every job must have State COMPLETED and Retention at least 35d\n    jobs: top_level",
    "recovery": "rule: no FAILED jobs within 24h unless recovered within 6h",
    "inventory-tags": "where: {Tags.Env: prod}\n    within: 24h\n    none: {any: [{State: FAILED}, {not: {IamRoleName: {matches: '^backup-[a-z]+$'}}}]}",
    "count": "rule: every resource must have at least 7 clean jobs within 8d",
    "count-upper": "rule: at most 2 FAILED jobs per resource within 7d",
    "share": "rule: at least 99% of EC2 jobs in vault prod must be COMPLETED within 7d",
    "newest": "rule: every RDS resource in inventory prod must have a clean job within 36h",
    "latest": "rule: the latest job of every resource must be COMPLETED",
    "streak": "rule: at most 2 consecutive FAILED jobs per resource",
    "longest-gap": "rule: no resource may go longer than 26h without a clean job within 28d",
    "missed-runs": "rule: no scheduled run may be missed within 7d",
    "followed": "rule: every clean RDS job must be followed by a COMPLETED copy job within 6h",
    "restored": "rule: every RDS resource must have a restore job with ValidationStatus SUCCESSFUL within 90d",
    "cannot-fail": "rule: at least 99% of clean jobs must be COMPLETED within 7d",
}
"""By id, the keys of each rule."""
WAIVERS = "waivers:\n  - {rule: none, match: {ResourceArn: {ends_with: /i-9}}, reason: being retired, owner: ops, granted: 2026-11-01, expires: 2026-12-01}\n"
TESTS = """\
as_of: 2026-11-20T06:00:00Z
tests:
  - name: a failed job is found
    jobs: [{State: FAILED, ResourceArn: i-1}]
    expect: {none: {verdict: fail, findings: [i-1]}, streak: pass}
  - name: wrong on purpose
    jobs: [{State: COMPLETED}]
    expect: {all: fail}
"""


def write_policy(folder: Path) -> Path:
    """explained.yaml with all the rules, and a test beside it."""
    path = folder / "explained.yaml"
    rules = "".join(f"  - id: {name}\n    {keys}\n" for name, keys in RULES.items())
    scope = "scope: {accounts: [111122223333], regions: [eu-west-1]}\n"
    path.write_text(f"policy: explained\n{scope}rules:\n{rules}{WAIVERS}", encoding="utf-8")
    (folder / "explained.test.yaml").write_text(TESTS.replace("    expect: {all: fail}", "    expect: {all: inconclusive, latest: pass}"), encoding="utf-8")
    return path


def load(path: Path) -> tuple[Policy, dict[str, Rule]]:
    """The policy of a file, called by its name alone, and its rules by id."""
    (policy,) = load_policies([(path, path.name)], {})
    return policy, {rule.id: rule for rule in policy.rules}
