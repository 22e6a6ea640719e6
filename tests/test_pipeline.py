"""Evidence and policies to a result: what a run says beside its verdicts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from policycheck import __version__
from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, Dataset
from policycheck.errors import Location
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.pipeline import run
from policycheck.policy.measures import Measure
from policycheck.policy.model import Policy, Qualifiers, Rule, Statement
from policycheck.result import Basis, Coverage, PolicyInfo, Result, Severity, Verdict
from policycheck.sources.interface import Evidence
from tests.backends import BACKEND
from tests.engine.expectations import clean, duration, expect
from tests.engine.lists import ACCOUNT, AS_OF, REGION, Job, job, job_list, load

POLICY = "policy: p\ntitle: Title\nrules:\n  - {id: r, rule: no FAILED jobs within 24h}\n"
SCOPED = POLICY.replace("rules:", "scope: {accounts: [111122223333, 444455556666]}\nrules:")


def evidence(jobs: Sequence[Job], *more: Coverage) -> Evidence:
    entry = Coverage("backup_jobs", ACCOUNT, REGION, AS_OF - timedelta(days=60), AS_OF, len(jobs), basis=Basis.OBSERVED)
    return Evidence({"backup_jobs": job_list(jobs)}, (entry, *more), ("the source could not see this",))


def judge(policies: Sequence[Policy], found: Evidence, fail_on: Severity | None = Severity.LOW) -> Result:
    return run(policies, found, as_of=AS_OF, fail_on=fail_on, backend=BACKEND)


def test_result_names_what_was_judged_on_what(tmp_path: Path) -> None:
    found = evidence([job()])
    result = judge(load(POLICY, tmp_path), found)
    assert (result.as_of, result.tool_version, result.jobs) == (AS_OF, __version__, 1)
    content = (tmp_path / "policy.yaml").read_bytes()
    assert result.policies == (PolicyInfo("p", "Title", "policy.yaml", hashlib.sha256(content).hexdigest()),)
    assert result.coverage == found.coverage
    assert (result.verdict, result.exit_code, result.scope_uncovered) == (Verdict.PASS, 0, False)


def test_what_the_source_could_not_see_stands_first(tmp_path: Path) -> None:
    result = judge(load(POLICY, tmp_path), evidence([job()]))
    assert result.not_seen == (
        "the source could not see this",
        "membership not verified: p declares no scope, so a missing account or Region goes unnoticed",
    )


def test_scope_that_is_short_is_noted_once_and_fails_the_run_whatever_fail_on_says(tmp_path: Path) -> None:
    text = SCOPED + "  - {id: other, rule: no ABORTED jobs within 24h}\n  - {id: copies, rule: no FAILED copy jobs within 24h}\n"
    result = judge(load(text, tmp_path), evidence([job()]), None)
    assert result.not_seen[1:] == (
        "p: 444455556666 is declared and no list of backup jobs covers it",
        "p: 111122223333 is declared and no list of copy jobs covers it",
        "p: 444455556666 is declared and no list of copy jobs covers it",
    )
    assert (result.scope_uncovered, result.exit_code) == (True, 3)


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1 backup job is outside the declared scope and was"), (1200, "1,200 backup jobs are outside the declared scope and were")]
)
def test_jobs_out_of_scope_are_counted_and_their_places_named(count: int, text: str, tmp_path: Path) -> None:
    elsewhere = Coverage("backup_jobs", "999988887777", REGION, None, None, count, basis=Basis.OBSERVED)
    result = judge(load(SCOPED.replace(", 444455556666", ""), tmp_path), evidence([job()], elsewhere))
    assert f"p: {text} not evaluated: 999988887777/{REGION}" in result.not_seen
    assert result.verdict is Verdict.PASS


def test_reconstruction_is_told(tmp_path: Path) -> None:
    found = evidence([job()])
    told = replace(found, coverage=(replace(found.coverage[0], rewound=1, reason="reconstructed: 1 job ended after as_of"),))
    assert any(note.startswith("reconstructed: 1 list holds jobs that ended after as_of") for note in judge(load(POLICY, tmp_path), told).not_seen)
    assert not any(note.startswith("reconstructed") for note in judge(load(POLICY, tmp_path), found).not_seen)


def test_only_the_lists_that_rules_ask_about_have_to_be_covered(tmp_path: Path) -> None:
    result = judge(load(SCOPED.replace(", 444455556666", ""), tmp_path), evidence([job()]))
    assert (result.verdict, result.scope_uncovered) == (Verdict.PASS, False)


def test_jobs_of_all_lists_are_counted(tmp_path: Path) -> None:
    found = evidence([job(), job(BackupJobId="j2")])
    both = replace(found, lists={**found.lists, "copy_jobs": job_list([{"CopyJobId": "c"}], COPY_JOBS)})
    assert judge(load(POLICY, tmp_path), both).jobs == 3
    assert BACKUP_JOBS.name in both.lists


def test_scope_is_noted_for_every_list_that_a_rule_needs(tmp_path: Path) -> None:
    """Who must have been restored is asked of the backup jobs: what they do not cover, this run cannot judge."""
    (policy,) = load(SCOPED.replace(", 444455556666", ""), tmp_path)
    restores = replace(grouped_rule(RESTORE_JOBS), id="restores")
    entry = Coverage("restore_jobs", ACCOUNT, REGION, AS_OF - timedelta(days=60), AS_OF, 1, basis=Basis.OBSERVED)
    found = Evidence({"restore_jobs": job_list([{"RestoreJobId": "r"}], RESTORE_JOBS), "backup_jobs": job_list([])}, (entry,), ())
    result = judge([replace(policy, rules=(restores,))], found)
    assert result.not_seen == ("p: 111122223333 is declared and no list of backup jobs covers it",)
    assert (result.scope_uncovered, result.exit_code) == (True, 3)


def test_inventories_of_the_evidence_reach_the_rules(tmp_path: Path) -> None:
    (policy,) = load(POLICY, tmp_path)
    rule = grouped_rule(BACKUP_JOBS, inventory="prod")
    entries = (InventoryEntry("arn:aws:ec2:eu-west-1:111122223333:instance/never"),)
    found = replace(evidence([job()]), inventories={"prod": Inventory("prod", "prod.csv", entries)})
    result = judge([replace(policy, rules=(rule,))], found)
    assert [(finding.subject, finding.cause) for finding in result.rules[0].findings] == [(entries[0].arn, "no_job")]


def grouped_rule(dataset: Dataset, inventory: str | None = None) -> Rule:
    requirement = expect(Measure.COUNT, clean(dataset), "at_least 1", inventory=inventory)
    return Rule("r", "p", Statement(requirement, within=duration("7d"), dataset=dataset.name), Qualifiers(), "", Location("p.yaml"))


def test_findings_say_what_an_inventory_calls_their_account(tmp_path: Path) -> None:
    entry = InventoryEntry("arn:aws:s3:::logs", ACCOUNT, account_name="shop")
    found = evidence([job(State="FAILED")])
    for inventories, name in (({}, None), ({"all": Inventory("all", "all.csv", (entry,))}, "shop")):
        (rule,) = judge(load(POLICY, tmp_path), replace(found, inventories=inventories)).rules
        assert [(finding.account_name, finding.named_account) for finding in rule.findings] == [(name, f"{ACCOUNT} ({name})" if name else ACCOUNT)]


def test_an_inventory_that_a_rule_names_and_nobody_gave_is_not_seen(tmp_path: Path) -> None:
    asked = "none: {in_inventory: [dr, prod]}", "rule: every resource in inventory all must have a clean job within 24h"
    text = "policy: p\nrules:\n" + "".join(f"  - {{id: r{number}, {rule}}}\n" for number, rule in enumerate(asked))
    given = {"prod": Inventory("prod", "prod.csv", (InventoryEntry("arn:aws:s3:::logs"),))}
    result = judge(load(text, tmp_path), replace(evidence([job()]), inventories=given))
    assert [note for note in result.not_seen if "inventory" in note] == [
        "p: no inventory all was given (--inventory all=PATH)",
        "p: no inventory dr was given (--inventory dr=PATH)",
    ]
    assert {rule.verdict for rule in result.rules} == {Verdict.INCONCLUSIVE}
