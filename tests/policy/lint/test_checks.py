"""What each check finds beyond its page's example, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from policycheck.policy.lint.finding import LintFinding, Run
from policycheck.policy.lint.registry import CHECKS
from policycheck.policy.lint.runner import lint
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
HEAD = "policy: p\nscope: {accounts: [111122223333], regions: [eu-west-1]}\n"
BAD_ENDS = "no FAILED, ABORTED or EXPIRED jobs within 24h"


def load(text: str, folder: Path, name: str = "policy.yaml") -> Policy:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    (policy,) = load_policies([(path, name)], {})
    return policy


def found(text: str, folder: Path, *codes: str, saved_lists: bool = False) -> list[LintFinding]:
    run = Run((load(text, folder),), AS_OF, saved_lists=saved_lists)
    return list(lint(run, [code for code in CHECKS if code.startswith(codes or ("PC",))], {}))


def one(rule: str) -> str:
    """A policy of one rule: the YAML mapping without its braces."""
    return f"{HEAD}rules:\n  - {{id: r, {rule}}}\n"


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        # A rule says that nothing may be there: that it cannot pass while something is, is its meaning.
        ("where: {BackupVaultName: dr}, none: {BackupVaultName: dr}", ["PC004"]),
        ("where: {BackupVaultName: dr}, none: {BackupVaultName: dr}, no_data: quiet", []),
        ("none: {BackupVaultName: dr}", []),
        ("where: {BackupVaultName: dr}, all: {BackupVaultName: prod}, no_data: skip", []),
        # A running job does not exceed a duration yet.
        ("where: {Duration: {more_than: 4h}}, all: {Duration: {at_most: 4h}}", []),
        ("where: {Duration: {more_than: 4h}}, none: {Duration: {more_than: 4h}}", []),
        ("where: {ParentJobId: {present: true}}, jobs: top_level, none: {Overdue: true}", ["PC001"]),
        ("where: {ParentJobId: {present: false}}, jobs: members, none: {Overdue: true}", ["PC001"]),
        ("where: {ParentJobId: {present: true}}, jobs: members, none: {Overdue: true}", []),
        ("within: 7d, clock: CompletionDate, where: {CompletionDate: {present: false}}, none: {Overdue: true}", ["PC001"]),
        ("where: {Outcome: clean}, all: {State: COMPLETED}", ["PC003"]),
        ("where: {Outcome: clean}, none: {State: FAILED}", ["PC003"]),
        # A recovery may make good what violates.
        ("where: {State: FAILED}, none: {State: FAILED}, unless_recovered_within: 6h", []),
        ("where: {ResourceType: EC2}, per: ResourceArn, expect: {newest: {of: {ResourceType: RDS}, at_most: 26h}}", ["PC004"]),
        ("where: {State: COMPLETED}, within: 7d, expect: {count: {of: {State: FAILED}, at_most: 2}}", ["PC003"]),
        ("where: {State: COMPLETED}, followed_by: {dataset: copy_jobs, where: {State: FAILED, Outcome: clean}, within: 6h}", ["PC002"]),
        ("where: {State: COMPLETED}, followed_by: {dataset: copy_jobs, where: {ResourceType: EC2}, within: 6h}", []),
        ("where: {Region: [us-east-1, us-west-2]}, none: {Overdue: true}", ["PC005"]),
        ("where: {Region: [us-east-1, eu-west-1]}, none: {Overdue: true}", []),
        ("where: {Account: '444455556666'}, none: {Overdue: true}", ["PC005"]),
        ("where: {State: [FAILED, EXPIRED]}, none: {State: [EXPIRED, ABORTED]}", ["PC006"]),
        ("none: {State: [EXPIRED, ABORTED]}, where: {ResourceType: [EC2, EBS]}", []),
        ("all: {ResourceType: [EC2, EBS, ec2]}", ["PC007"]),
        ("all: {ResourceName: [EC2, EBS, ec2]}", []),
        ("all: {ResourceName: {contains: [a, a]}}", ["PC007"]),
    ],
)  # fmt: skip
def test_logic(rule: str, codes: list[str], tmp_path: Path) -> None:
    logic = ("PC001", "PC002", "PC003", "PC004", "PC005", "PC006", "PC007")
    assert [finding.code for finding in found(one(rule), tmp_path, *logic)] == codes


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ("ResourceType: DynmoDB", "DynamoDB"),
        ("ResourceType: [EC2, Auroa]", "Aurora"),
        ("ResourceType: dynamodb", ""),
        ("ResourceType: EKS", ""),
        ("ResourceType: ECS", ""),
        ("MessageCategory: SUCESS", "SUCCESS"),
        ("MessageCategory: COMPLETED", "SUCCESS"),
        ("MessageCategory: INVALIDPARAMETERS", ""),
        ("MessageCategory: AGGREGATE_ALL", ""),
        ("StatusMessage: COMPLETE", "COMPLETED"),
        ("StatusMessage: {contains: EXPIERD}", "EXPIRED"),
        ("StatusMessage: {matches: 'state (ABORTD|FAILED)'}", "ABORTED"),
        # Part of a state is found in the state; other words are English, other fields the author's.
        ("StatusMessage: {contains: COMPLETE}", ""),
        ("StatusMessage: {contains: complete}", ""),
        ("StatusMessage: {contains: ACCESS DENIED}", ""),
        ("ResourceName: {matches: ^PROD-FAIL}", ""),
    ],
)
def test_near_misses(condition: str, meant: str, tmp_path: Path) -> None:
    findings = found(one(f"none: {{{condition}}}"), tmp_path, "PC010")
    assert [finding.hint for finding in findings] == ([f"Did you mean {meant}?"] if meant else [])


@pytest.mark.parametrize(
    ("regions", "codes"),
    [("[eu-west-1, us-gov-east-1, us-isob-east-1, ap-southeast-5, eusc-de-east-1]", []), ("[Ireland]", ["PC011"]), ("[eu-west-1a]", ["PC011"])],
)
def test_regions(regions: str, codes: list[str], tmp_path: Path) -> None:
    text = f"policy: p\nscope: {{regions: {regions}}}\nrules: [{{id: r, rule: no job may be overdue}}]\n"
    assert [finding.code for finding in found(text, tmp_path, "PC011")] == codes


@pytest.mark.parametrize(
    ("rules", "unjudged"),
    [
        (["no FAILED jobs within 24h"], "EXPIRED, ABORTED and PARTIAL"),
        (["no FAILED jobs within 24h", "no EXPIRED or ABORTED jobs within 24h"], ""),
        (["no FAILED EC2 jobs within 24h", "no EXPIRED or ABORTED EBS jobs within 24h"], "EXPIRED, ABORTED and PARTIAL"),
        (["no FAILED EC2 jobs in vault prod within 24h", "no EXPIRED jobs within 24h"], "ABORTED and PARTIAL"),
        (["no FAILED jobs within 24h", "every resource must have a COMPLETED job within 26h"], ""),
        (["no FAILED jobs within 24h", "at least 99% of jobs must be COMPLETED within 7d"], ""),
        (["no FAILED jobs within 24h", "at most 2 EXPIRED, ABORTED or PARTIAL jobs within 7d"], ""),
        (["no FAILED jobs within 24h", "for jobs within 24h, every job must have State COMPLETED"], ""),
        (["no FAILED jobs within 24h", "no scheduled run may be missed within 7d"], "EXPIRED, ABORTED and PARTIAL"),
        (["no FAILED copy jobs within 24h"], "PARTIAL"),
        (["no FAILED restore jobs within 24h"], "ABORTED"),
        (["no FAILED copy jobs within 24h", "no PARTIAL jobs within 24h"], "PARTIAL"),
        (["no FAILED or EXPIRED jobs within 24h"], ""),
    ],
)  # fmt: skip
def test_failed_alone(rules: list[str], unjudged: str, tmp_path: Path) -> None:
    text = HEAD + "rules:\n" + "".join(f"  - {{id: r{number}, rule: '{rule}'}}\n" for number, rule in enumerate(rules))
    messages = [finding.message for finding in found(text, tmp_path, "PC101")]
    assert [message.rpartition(" end ")[2] for message in messages] == ([unjudged] if unjudged else [])


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        ("rule: at most 40d may pass without a clean job within 60d", ["PC104"]),
        ("rule: every resource must have a clean job within 29d", []),
        ("rule: every RDS resource must have a restore job with ValidationStatus SUCCESSFUL within 90d", []),
        ("rule: no FAILED or PARTIAL copy jobs within 90d", []),
        ("rule: 'every resource must have a clean job within 3599s'", ["PC105"]),
        ("rule: every resource must have a clean job within 1h", []),
        ("rule: no resource may go longer than 24h without a clean job within 28d", ["PC106"]),
        ("rule: every resource must have a clean job within 1w", ["PC106"]),
        ("none: {State: [EXPIRED, ABORTED], CreationDate: {newer_than: 24h}}", []),
        ("none: {State: [EXPIRED, ABORTED]}, within: 30d, clock: CreationDate", ["PC104"]),
        ("none: {State: [EXPIRED, ABORTED]}, within: 29d, clock: StartBy", ["PC108"]),
        ("none: {State: [EXPIRED, ABORTED]}, within: 8d, clock: CompletionDate", ["PC108"]),
        ("none: {State: [FAILED, ABORTED]}, within: 8d, clock: CompletionDate", []),
        ("none: {IsEncrypted: false}, within: 24h, clock: CreationDate", []),
        ("where: {BackupVaultName: {starts_with: prod}}, none: {Overdue: true}, no_data: skip", ["PC109"]),
        ("where: {not: {BackupVaultName: prod}}, none: {Overdue: true}, no_data: pass", []),
        ("where: {BackupVaultName: prod}, none: {Overdue: true}, no_data: fail", []),
        ("none: {BackupVaultName: legacy}, no_data: pass", []),
        ("where: {ResourceType: aurora}, none: {BytesTransferred: {less_than: 1}}", ["PC110"]),
        ("where: {ResourceType: RDS}, none: {BackupSizeInBytes: {present: true}}", []),
        ("all: {BackupSizeInBytes: {at_least: 1GiB}}", []),
        ("all: {IamRoleName: {contains: AWSBackup}}", ["PC112"]),
        ("all: {IamRoleArn: {contains: [AWSBackup, aws-service-role]}}", []),
        ("all: {IamRoleArn: {contains: MyRole}}", []),
        ("none: {Outcome: unknown}, within: 24h", []),
        ("all: {not: {Outcome: unknown}}, within: 24h", []),
        ("all: {Outcome: [clean, unknown]}, within: 24h", ["PC102"]),
    ],
)  # fmt: skip
def test_evidence(rule: str, codes: list[str], tmp_path: Path) -> None:
    checked = ("PC102", "PC104", "PC105", "PC106", "PC108", "PC109", "PC11")
    assert [finding.code for finding in found(one(rule), tmp_path, *checked)] == codes
    assert [finding.code for finding in found(one(rule), tmp_path, "PC107")] == []


def test_a_long_window_on_saved_lists_is_no_finding(tmp_path: Path) -> None:
    assert found(one("rule: no EXPIRED jobs within 90d"), tmp_path, "PC104", saved_lists=True) == []
    assert len(found(one("rule: no EXPIRED jobs within 90d"), tmp_path, "PC104")) == 1


def waiver(**changes: str) -> str:
    entry = {"rule": "r", "match": "{ResourceArn: {contains: i-1}}", "reason": "x", "owner": "o", "granted": "2026-11-01", "expires": "2026-12-31", **changes}
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in entry.items()) + "}\n"


@pytest.mark.parametrize(
    ("waivers", "codes"),
    [
        ([waiver(expires="2026-11-19")], ["PC201"]),
        ([waiver(expires="2026-11-20")], ["PC202"]),
        ([waiver(expires="2026-12-04")], ["PC202"]),
        ([waiver(expires="2026-12-05")], []),
        ([waiver(granted="2026-11-21", expires="2026-11-22")], []),
        ([waiver(match="{State: COMPLETED}")], ["PC203"]),
        ([waiver(match="any")], ["PC204"]),
        ([waiver(match="any", expires="2026-11-19")], ["PC201"]),
        ([waiver(), waiver(granted="2026-12-31", expires="2027-01-31")], ["PC205"]),
        ([waiver(), waiver(granted="2027-01-01", expires="2027-01-31")], []),
        ([waiver(), waiver(match="{ResourceArn: {contains: i-2}}")], []),
    ],
)
def test_waivers(waivers: list[str], codes: list[str], tmp_path: Path) -> None:
    text = f"{HEAD}rules:\n  - id: r\n    rule: {BAD_ENDS}\nwaivers:\n{''.join(waivers)}"
    assert [finding.code for finding in found(text, tmp_path, "PC2")] == codes


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("none: {State: FAILED}, within: 24h", "within: 1d, none: {State: FAILED}", True),
        ("none: {State: [FAILED, EXPIRED]}", "none: {State: [EXPIRED, FAILED]}", True),
        (
            "where: {ResourceType: EC2, BackupVaultName: a}, none: {Overdue: true}",
            "where: {BackupVaultName: a, ResourceType: EC2}, none: {Overdue: true}",
            True,
        ),
        ("rule: every resource must have a clean job within 24h", "rule: every resource must have a clean job within 1d", True),
        ("none: {State: FAILED}", "none: {State: FAILED}, no_data: quiet", False),
        ("none: {State: FAILED}, severity: high", "none: {State: FAILED}, severity: low", True),
        ("rule: every resource must have a clean job within 24h", "rule: every resource must have a clean job within less than 24h", False),
        ("none: {State: FAILED}", "dataset: copy_jobs, none: {State: FAILED}", False),
    ],
)
def test_duplicate_rules(first: str, second: str, same: bool, tmp_path: Path) -> None:
    text = f"{HEAD}rules:\n  - {{id: a, {first}}}\n  - {{id: b, {second}}}\n"
    assert [finding.rule for finding in found(text, tmp_path, "PC302")] == (["b"] if same else [])


def test_a_rule_of_another_policy_is_a_duplicate_where_the_scope_is_the_same(tmp_path: Path) -> None:
    text = f"rules:\n  - {{id: r, rule: '{BAD_ENDS}'}}\n"
    policies = [
        load(f"policy: {name}\nscope: {{regions: [{region}]}}\n{text}", tmp_path, f"{name}.yaml")
        for name, region in zip("abc", ["r-a-1", "r-a-1", "r-b-1"], strict=True)
    ]
    found = lint(Run(policies, AS_OF), ["PC302"], {})
    assert [(finding.policy, finding.hint.rpartition(" ")[2]) for finding in found] == [("b", "a.yaml:4.")]


@pytest.mark.parametrize(
    ("controls", "codes"),
    [
        ("{nist-800-53: [CP-9, CP-9(1), SI-13(5)], soc2: [A1.2, CC7.4], iso-27001: [A.8.13], pci-dss: [10.5.1], cis-v8: [11.2], dora: [Art. 12]}", []),
        ("{hipaa: [164.308(a)(7)(ii)(A)], nis2: [4.2.2.b], csa-ccm: [BCR-08], fedramp: [CP-9(b)], nist-csf: [PR.DS-11], nist-800-171: [3.8.9]}", []),
        ("{nist-800-53: [CP9]}", ["PC306"]),
        ("{soc2: [A1.9]}", ["PC307"]),
        ("{ISO27001: [A.8.13], our-own: [X1]}", ["PC308"]),
    ],
)
def test_controls(controls: str, codes: list[str], tmp_path: Path) -> None:
    assert [finding.code for finding in found(one(f"rule: '{BAD_ENDS}', controls: {controls}"), tmp_path, "PC306", "PC307", "PC308")] == codes


def test_every_known_control_looks_like_one_of_its_framework() -> None:
    from policycheck.policy.controls import FRAMEWORKS

    assert [(name, control) for name, framework in FRAMEWORKS.items() for control in framework.ids if not framework.looks_right(control)] == []


def test_params_are_used_by_any_value(tmp_path: Path) -> None:
    text = "policy: p\nparams: {window: 24h, vault: a, idle: b}\nrules:\n  - {id: r, rule: 'no job may be overdue within ${window}'}\n"
    text += "  - {id: s, all: {BackupVaultName: ['${vault}', x]}}\n"
    (finding,) = found(text, tmp_path, "PC301")
    assert (finding.message.split(":")[0], finding.location.line) == ("the parameter idle is not used", 2)


def test_the_place_of_a_finding_is_in_the_policy_even_where_a_value_is_not(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("policy: p\nparams: {v: a}\nrules:\n  - {id: r, rule: 'for jobs in vault ${v} within 24h, vault must be ${v}'}\n")
    policies = load_policies([(path, "policy.yaml")], {"v": "prod"})
    assert {finding.location.path for finding in lint(Run(policies, AS_OF), list(CHECKS), {})} == {"policy.yaml"}
