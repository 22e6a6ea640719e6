"""`policycheck explain`: rules by name, and why a subject passed or failed, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import AS_OF, HOSTILE, Cli, Outcome, job, save

GROUPED = """\
policy: g
rules:
  - {id: count, rule: at most 1 FAILED jobs per resource within 7d}
  - {id: newest, rule: every resource must have a clean job within 24h}
  - {id: runs, rule: no scheduled run may be missed within 2d}
  - {id: followed, rule: every COMPLETED job must be followed by a COMPLETED copy job within 6h}
  - {id: listed, rule: every resource in inventory prod must have a COMPLETED job within 24h}
  - {id: long, rule: duration must be at most 30m}
"""
PLAN = {"BackupPlanId": "plan-1", "BackupRuleId": "rule-1", "BackupRuleCron": "cron(0 3 ? * * *)", "BackupPlanVersion": "1"}


@pytest.fixture
def explain(cli: Cli, folder: Path) -> Cli:
    """`policycheck explain RULE POLICY --jobs bad.json --as-of ...` and more, on lists of backup and copy jobs."""
    (folder / "g.yaml").write_text(GROUPED, encoding="utf-8")
    old = {"CreationDate": "2026-11-18T03:00:00Z", "CompletionDate": "2026-11-18T04:00:00Z", "StartBy": "2026-11-18T05:00:00Z"}
    save(folder / "plan.json", job(1, CreatedBy=PLAN, MessageCategory="SUCCESS", **old), job(2, "FAILED", **old), job(3, "RUNNING", CompletionDate=None))
    copy = {"CopyJobId": "c1", "AccountId": "111122223333", "CreatedByBackupJobId": "j1", "State": "COMPLETED", "CompletionDate": "2026-11-18T11:00:00Z"}
    place = {"SourceBackupVaultArn": "arn:aws:backup:eu-west-1:111122223333:backup-vault:prod", "CreationDate": "2026-11-18T04:00:00Z"}
    (folder / "copies.json").write_text(json.dumps({"CopyJobs": [copy | place]}), encoding="utf-8")

    def call(rule: str, *arguments: str) -> Outcome:
        given = ("--jobs", "plan.json", "--jobs", "copies.json", "--as-of", AS_OF, "--covers", "2026-11-01..2026-11-20T06:00:00Z", "--quiet")
        return cli("explain", rule, "g.yaml", *given, *arguments)

    return call


def test_a_rule_is_explained_without_any_job(cli: Cli) -> None:
    outcome = cli("explain", "none-failed", "policy.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("p/none-failed  high  policy.yaml:3:5\n  no FAILED jobs within 24h\n")
    assert "- {State: FAILED, CreationDate: -2h}" in outcome.out


def test_a_rule_of_one_of_several_policies_is_named_with_its_policy(cli: Cli, folder: Path) -> None:
    (folder / "twin.yaml").write_text((folder / "policy.yaml").read_text(encoding="utf-8").replace("policy: p", "policy: q"), encoding="utf-8")
    outcome = cli("explain", "none-failed", "policy.yaml", "twin.yaml")
    assert outcome == (2, "", "error: 2 rules are called none-failed\n  = help: Name one of p/none-failed, q/none-failed.\n")
    assert cli("explain", "q/none-failed", "policy.yaml", "twin.yaml").out.startswith("q/none-failed  high  twin.yaml:3:5\n")


def test_policies_and_lists_are_those_of_the_run_file(cli: Cli, folder: Path) -> None:
    text = f"policies: [policy.yaml]\nsources: {{jobs: [bad.json], as_of: {AS_OF}}}\n"
    (folder / "policycheck.yaml").write_text(text, encoding="utf-8")
    assert cli("explain", "none-failed").code == 0
    assert "i-2  111122223333/eu-west-1: violates" in cli("explain", "none-failed", "--subject", "i-2").out


def test_a_rule_of_a_shipped_pack_needs_no_policy(cli: Cli, folder: Path) -> None:
    named = cli("explain", "no-failed-jobs", "aws-backup-baseline")
    assert named.out.startswith("aws-backup-baseline/no-failed-jobs  high  policies/aws-backup-baseline.yaml:")
    assert cli("explain", "aws-backup-baseline/no-failed-jobs") == named
    (folder / "policycheck.yaml").write_text("params: {vault: prod}\n", encoding="utf-8")
    assert cli("explain", "aws-backup-baseline/no-failed-jobs") == named


def test_policies_of_the_run_file_come_before_a_pack(cli: Cli, folder: Path) -> None:
    (folder / "own.yaml").write_text("policy: demo\nrules: [{id: mine, rule: no FAILED jobs within 24h}]\n", encoding="utf-8")
    (folder / "policycheck.yaml").write_text("policies: [own.yaml]\n", encoding="utf-8")
    assert cli("explain", "demo/mine").out.startswith("demo/mine  ")
    assert cli("explain", "demo/no-failed-jobs").err.startswith("error: no rule is called demo/no-failed-jobs\n")


@pytest.mark.parametrize("rule", ["none-failed", "demo", "dmo/no-failed-jobs", "/demo"])
def test_without_a_policy_the_usage_is_told(rule: str, cli: Cli) -> None:
    assert cli("explain", rule) == (2, "", "error: no policy is named\n  = help: policycheck explain RULE POLICY, or name the policies in policycheck.yaml.\n")


def test_unknown_rule_of_a_pack_is_told_with_the_nearest(cli: Cli) -> None:
    assert cli("explain", "demo/no-faild-jobs") == (2, "", "error: no rule is called demo/no-faild-jobs\n  = help: Did you mean demo/no-failed-jobs?\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none-faild",), "no rule is called none-faild"),
        (("none-failed", "--as-of", AS_OF), "--as-of and --covers require --jobs or --subject"),
        (("none-failed", "--output", "xml"), "there is no format xml"),
        (("none-failed", "--jobs", "bad.json"), "--as-of is required: a saved job list does not record when it was saved"),
        (("none-failed", "--jobs", "bad.json", "--as-of", AS_OF, "--subject", "i-7"), "the rule has no subject i-7"),
        (("none-failed", "--jobs", "bad.json", "--as-of", AS_OF, "--job", "j7"), "no backup job of a subject"),
        (("none-failed", "--jobs", "bad.json", "--as-of", AS_OF, "--region", "eu-west-1"), "--jobs reads saved job lists"),
    ],
)
def test_a_wrong_command_is_exit_2(arguments: tuple[str, ...], message: str, cli: Cli) -> None:
    rule, *more = arguments
    outcome = cli("explain", rule, "policy.yaml", *more)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {message}")


def test_evidence_that_cannot_be_read_is_exit_3(cli: Cli, folder: Path) -> None:
    (folder / "cut.json").write_text('{"BackupJobs": [', encoding="utf-8")
    assert cli("explain", "none-failed", "policy.yaml", "--jobs", "cut.json", "--as-of", AS_OF).code == 3


def test_without_a_subject_all_are_listed(cli: Cli) -> None:
    outcome = cli("explain", "none-failed", "policy.yaml", "--jobs", "bad.json", "--as-of", AS_OF, "--quiet")
    assert outcome.code == 0
    assert "  does not violate   arn:aws:ec2:eu-west-1:111122223333:instance/i-1  111122223333/eu-west-1\n" in outcome.out
    assert "  violates           arn:aws:ec2:eu-west-1:111122223333:instance/i-2  111122223333/eu-west-1\n" in outcome.out
    assert outcome.out.endswith("Select one with --subject TEXT (the end of its name) or --job ID.\n")


def test_each_comparison_is_shown_with_what_was_seen(cli: Cli) -> None:
    outcome = cli("explain", "none-failed", "policy.yaml", "--jobs", "bad.json", "--as-of", AS_OF, "--quiet", "--subject", "i-2")
    assert outcome.out.endswith(
        """\
arn:aws:ec2:eu-west-1:111122223333:instance/i-2  111122223333/eu-west-1: violates
  j2, created 2026-11-20T03:00:00Z, FAILED: violates
    ✓ true    in the population
      ✓ true    window: created, running or ended from 2026-11-19T06:00:00Z to 2026-11-20T06:00:00Z
                (seen: created 2026-11-20T03:00:00Z, ended 2026-11-20T04:00:00Z)
    ✓ true    matches what no job may match
      ✓ true    State FAILED (seen: FAILED)
    ✓ true    violates
"""
    )


def test_a_group_is_shown_with_its_jobs_and_what_was_measured(explain: Cli) -> None:
    text = explain("count", "--subject", "i-2").out
    assert "instance/i-2  111122223333/eu-west-1: does not violate\n  - count: 1\n  - limit: at most 1\n" in text
    assert "  - 2026-11-18T03:00:00Z  FAILED  j2: matches\n" in text
    assert "      ✓ true    State FAILED (seen: FAILED)\n" in text


def test_an_age_is_shown_with_its_limit(explain: Cli) -> None:
    text = explain("newest", "--subject", "i-1").out
    assert "  - newest: 2 d 3 h\n  - limit: at most 24 h\n" in text
    assert "✗ false   window: CreationDate from 2026-11-19T06:00:00Z to 2026-11-20T06:00:00Z" in text


def test_expected_runs_are_shown_with_what_answered_them(explain: Cli) -> None:
    text = " ".join(explain("runs", "--subject", "i-1").out.split())
    assert "missed runs: 2 of 2 due - limit: at most 0 - 2026-11-19T03:00:00Z: missed" in text
    assert "start window to 2026-11-19T05:00:00Z" in text


def test_followers_are_shown_with_why_they_count_or_do_not(explain: Cli) -> None:
    text = explain("followed", "--job", "j1").out
    assert "✗ false   followed by a copy job that counts (seen: deadline 2026-11-18T10:00:00Z; 1 linked)\n" in text
    assert "      ✗ false   copy job c1 counts\n" in text
    assert "✗ false   in time (seen: completed 2026-11-18T11:00:00Z)\n" in text


def test_a_job_in_progress_may_still_change(explain: Cli) -> None:
    text = explain("long", "--job", "j3").out
    assert "j3, created 2026-11-20T03:00:00Z, RUNNING: violates" in text
    assert "duration at most 30m (seen: 3 h)" in text


def test_entries_of_an_inventory_are_subjects(explain: Cli, folder: Path) -> None:
    (folder / "inventory.csv").write_text("arn\narn:aws:ec2:eu-west-1:111122223333:instance/i-9\n", encoding="utf-8")
    text = explain("listed", "--inventory", "prod=inventory.csv", "--subject", "i-9").out
    assert "instance/i-9  111122223333/eu-west-1: violates\n  - newest: no such job\n" in text
    without = explain("listed").out
    assert "inconclusive: this run has no inventory prod" in " ".join(without.split())


def test_json_holds_the_tree(explain: Cli) -> None:
    outcome = explain("count", "--subject", "i-2", "--output", "json")
    assert outcome.code == 0
    (trace,) = json.loads(outcome.out)["evidence"]["traces"]
    assert trace["measured"] == ["count: 1", "limit: at most 1"]
    assert [step["truth"] for step in trace["jobs"][0]["steps"]] == ["true", "true", "true"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_list_says_is_cleaned(form: str, cli: Cli, folder: Path) -> None:
    (folder / "policy.yaml").write_text("policy: p\nrules: [{id: r, none: {StatusMessage: {contains: x}}}]\n", encoding="utf-8")
    save(folder / "hostile.json", job(1, "FAILED", StatusMessage=HOSTILE, BackupJobId=HOSTILE))
    outcome = cli("explain", "r", "policy.yaml", "--jobs", "hostile.json", "--as-of", AS_OF, "--quiet", "--subject", "i-1", "--output", form)
    assert outcome.code == 0
    assert "\x1b" not in outcome.out
    assert "\u202e" not in outcome.out
    assert "##[" not in outcome.out
    assert not any(line.lstrip().startswith("::") for line in outcome.out.splitlines())
