"""A run against an earlier one. Findings are named by their subjects; what is not seen is never gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck.baseline import compare
from policycheck.comparison import FindingState
from policycheck.errors import ExitCode, UsageError
from policycheck.period import Period, Span
from policycheck.reasons import told
from policycheck.result import Basis, Finding, PolicyInfo, Result, RuleResult, Severity, Universe, Verdict, VerdictSpan, Waiver
from tests.formats.results import AS_OF, make_coverage, make_finding, make_result, make_rule, results
from tests.properties import examples

WAIVER = Waiver("known", "platform", "2026-11-01", "2026-12-31")
EARLIER = AS_OF - timedelta(days=1)


def rule(*names: str, **changes: Any) -> RuleResult:
    """A rule that fails by these subjects, or passes by none."""
    findings = tuple(make_finding(name, rule=changes.get("id", "no-failed-ec2"), policy=changes.get("policy", "prod-backups")) for name in names)
    return make_rule(**{"verdict": Verdict.FAIL if findings else Verdict.PASS, "findings": findings, **changes})


def run(*rules: RuleResult, **changes: Any) -> Result:
    return make_result(*rules, **{"policies": (PolicyInfo("prod-backups", "", "p.yaml"),), **changes})


def names(findings: Any) -> list[str]:
    return [finding.subject.rpartition("/")[2] for finding in findings]


def open_of(result: Result, state: FindingState) -> list[str]:
    return names(finding for one in result.rules for finding in one.findings if finding.state is state)


def against(now: Result, then: Result, **options: Any) -> dict[str, Any]:
    """What a comparison came to, without what is empty."""
    result = compare(now, replace(then, as_of=EARLIER), **options)
    assert result.baseline is not None
    lists = {
        "new": open_of(result, FindingState.NEW),
        "unchanged": open_of(result, FindingState.UNCHANGED),
        "gone": names(result.baseline.gone),
        "not seen": names(result.baseline.not_seen),
        "lost": list(result.baseline.lost),
        "waived": result.baseline.waived,
    }
    return {"exit": int(result.exit_code), **{name: value for name, value in lists.items() if value}}


def warned(violated: str, near: str) -> RuleResult:
    """A rule that one subject violates and of which another is a warning."""
    return replace(rule(violated, near), findings=(make_finding(violated), make_finding(near, severity=Severity.LOW)), limit_verdict=Verdict.PASS)


def milder(name: str) -> RuleResult:
    """A rule of the least severity."""
    return replace(rule(name), severity=Severity.LOW, findings=(make_finding(name, severity=Severity.LOW),))


def over_days(*steps: str, ends: int = 0, unsure: int = 0) -> Result:
    """A run over a day each, on which these subjects (a letter each) are found; as many days before AS_OF as it ends; unsure on so many steps."""
    days = [AS_OF - timedelta(days=ends + len(steps) - 1 - number) for number in range(len(steps))]
    found = [
        make_finding(name, spans=tuple(Span(day, day, 1) for day, names in zip(days, steps, strict=True) if name in names))
        for name in sorted({*"".join(steps)})
    ]
    verdicts = [Verdict.INCONCLUSIVE] * unsure + [Verdict.FAIL if names else Verdict.PASS for names in steps[unsure:]]
    spans = tuple(VerdictSpan(verdict, Span(day, day, 1)) for verdict, day in zip(verdicts, days, strict=True))
    told = rule(verdict=Verdict.FAIL if found else Verdict.INCONCLUSIVE if unsure else Verdict.PASS, findings=tuple(found), spans=spans)
    return run(told, as_of=days[-1], period=Period(days[0], days[-1], timedelta(days=1)))


UNSURE = rule(verdict=Verdict.INCONCLUSIVE, reason="the list ends early")
LOST_RULE = "rule prod-backups/no-failed-ec2: the baseline evaluated it, and now "
FAR = make_coverage(region="us-east-1")


def far(name: str) -> Finding:
    return make_finding(name, region="us-east-1")


def seen_since(days: int) -> Universe:
    return Universe("backup jobs", AS_OF - timedelta(days=days), 5)


@pytest.mark.parametrize(
    ("now", "then", "found"),
    [
        pytest.param(run(rule("a", "b")), run(rule("b", "c")), {"exit": 1, "new": ["a"], "unchanged": ["b"], "gone": ["c"]}, id="new, unchanged and gone"),
        pytest.param(run(rule()), run(rule("a")), {"exit": 0, "gone": ["a"]}, id="all gone"),
        pytest.param(run(rule("a")), run(milder("a")), {"exit": 1, "new": ["a"]}, id="the rule is more severe now"),
        pytest.param(run(milder("a")), run(rule("a")), {"exit": 1, "unchanged": ["a"]}, id="the rule is less severe now"),
        pytest.param(run(rule("a")), run(rule()), {"exit": 1, "new": ["a"]}, id="all new"),
        pytest.param(
            run(rule(verdict=Verdict.WAIVED, findings=(make_finding("a", waiver=WAIVER),))), run(rule("a")), {"exit": 0, "waived": 1}, id="waived since"
        ),
        pytest.param(
            run(rule("a")),
            run(rule(verdict=Verdict.WAIVED, findings=(make_finding("a", waiver=WAIVER),))),
            {"exit": 1, "new": ["a"]},
            id="its waiver has ended: it counts again",
        ),
        pytest.param(
            run(UNSURE), run(rule("a")),
            {"exit": 3, "not seen": ["a"], "lost": [f"{LOST_RULE}the rule is inconclusive: the list ends early"]},
            id="the rule is inconclusive",
        ),
        pytest.param(
            run(UNSURE), run(rule()), {"exit": 3, "lost": [f"{LOST_RULE}the rule is inconclusive: the list ends early"]}, id="inconclusive, and had passed"
        ),
        pytest.param(run(UNSURE), run(UNSURE), {"exit": 3}, id="inconclusive in both: nothing is lost"),
        pytest.param(
            run(rule(id="other")), run(rule("a"), rule(id="other")),
            {"exit": 3, "not seen": ["a"], "lost": [f"{LOST_RULE}the rule is not in this run"]},
            id="the rule is gone",
        ),
        pytest.param(
            run(rule()), run(rule(), rule("a", id="r", policy="q"), policies=(PolicyInfo("prod-backups", "", "p"), PolicyInfo("q", "", "q"))),
            {"exit": 3, "not seen": ["a"], "lost": ["policy q: the baseline evaluated it, and it is not in this run"]},
            id="the policy is gone",
        ),
        pytest.param(
            run(rule()), run(rule(findings=(far("a"),), verdict=Verdict.FAIL), coverage=(make_coverage(), FAR)),
            {
                "exit": 3,
                "not seen": ["a"],
                "lost": ["backup_jobs of 111122223333/us-east-1: the baseline read it in full, and in this run it was not read"],
            },
            id="a Region is gone",
        ),
        pytest.param(
            run(rule(), coverage=(make_coverage(), replace(FAR, complete=False, reason="AccessDenied"))),
            run(rule(findings=(far("a"),), verdict=Verdict.FAIL), coverage=(make_coverage(), FAR)),
            {
                "exit": 3,
                "not seen": ["a"],
                "lost": ["backup_jobs of 111122223333/us-east-1: the baseline read it in full, and in this run it is incomplete: AccessDenied"],
            },
            id="a Region is incomplete",
        ),
        pytest.param(
            run(rule(lists=("copy_jobs",)), coverage=(make_coverage(),)), run(rule("a", lists=("copy_jobs",)), coverage=(make_coverage(),)),
            {"exit": 3, "not seen": ["a"]},
            id="a list of the rule is not read",
        ),
        pytest.param(
            run(rule(), coverage=(make_coverage(jobs=0, basis=Basis.ASSERTED),)), run(rule("a")),
            {
                "exit": 3,
                "not seen": ["a"],
                "lost": ["backup_jobs of 111122223333/eu-west-1: the baseline read it in full, and in this run it is incomplete"],
            },
            id="a file without a job of the place shows nothing",
        ),
        pytest.param(
            run(rule(universe=seen_since(7))), run(rule("a", universe=seen_since(31))),
            {"exit": 3, "not seen": ["a"], "lost": [f"{LOST_RULE}its subjects are those of jobs of 7 days, and were those of 30 days"]},
            id="the window that names the subjects is shorter",
        ),
        pytest.param(run(rule(universe=seen_since(29))), run(rule("a", universe=seen_since(31))), {"exit": 0, "gone": ["a"]}, id="shorter by a day at most"),
        pytest.param(
            run(rule("b", possible=2)), run(rule("a", "b")),
            {"exit": 1, "unchanged": ["b"], "not seen": ["a"], "lost": [f"{LOST_RULE}jobs that could violate the rule lack fields"]},
            id="other jobs could violate",
        ),
        pytest.param(run(rule(), rule("x", id="added")), run(rule()), {"exit": 1, "new": ["x"]}, id="a rule that the baseline lacks"),
        pytest.param(run(rule("a")), run(UNSURE), {"exit": 1, "new": ["a"]}, id="a rule that the baseline could not evaluate"),
    ],
)  # fmt: skip
def test_what_became_of_findings(now: Result, then: Result, found: dict[str, Any]) -> None:
    assert against(now, then) == found


@pytest.mark.parametrize(
    ("now", "then", "code"),
    [
        (run(rule("a")), run(rule("a", "b")), ExitCode.OK),
        (run(rule("a", "b")), run(rule("a")), ExitCode.FINDINGS),
        (run(rule("a"), fail_on=None), run(rule("a"), rule(id="r")), ExitCode.EVIDENCE),
        # Violated without a finding: old where it was so before.
        (run(rule(verdict=Verdict.FAIL)), run(rule(verdict=Verdict.FAIL)), ExitCode.OK),
        (run(rule(verdict=Verdict.FAIL)), run(rule("a")), ExitCode.FINDINGS),
        # What an old finding hides is not excused: beside it, the evidence is insufficient.
        (run(rule("a", beneath=(Verdict.INCONCLUSIVE, told("a Region is missing")))), run(rule("a")), ExitCode.EVIDENCE),
        (run(rule("a"), scope_uncovered=True), run(rule("a")), ExitCode.EVIDENCE),
        (run(rule("a"), rule("x", id="low", severity=Severity.LOW), fail_on=Severity.HIGH), run(rule("a"), rule(id="low")), ExitCode.OK),
        # A new warning counts where its severity does.
        (run(warned("a", "b"), fail_on=Severity.HIGH), run(rule("a")), ExitCode.OK),
        (run(warned("a", "b")), run(rule("a")), ExitCode.FINDINGS),
        (run(rule("a", "b"), fail_on=Severity.HIGH), run(warned("a", "b")), ExitCode.FINDINGS),
    ],
)
def test_old_findings_do_not_fail_the_run_where_new_ones_do(now: Result, then: Result, code: ExitCode) -> None:
    compared = compare(now, replace(then, as_of=EARLIER), fail_on_new=True)
    assert compared.exit_code is code
    assert compared.verdict is Verdict.FAIL, "what is violated stays violated"
    assert compare(now, replace(then, as_of=EARLIER)).exit_code is not ExitCode.OK


@pytest.mark.parametrize(
    ("now", "then", "found"),
    [
        pytest.param(over_days("a", "ab"), over_days("a", "a", ends=1), {"new": ["b"], "unchanged": ["a"], "gone": []}, id="found on the last step"),
        pytest.param(over_days("a", "", ""), over_days("", "a", "", ends=1), {"new": [], "unchanged": ["a"], "gone": []}, id="ended before the baseline did"),
        pytest.param(over_days("a", "", "a"), over_days("", "a", "", ends=1), {"new": ["a"], "unchanged": [], "gone": []}, id="ended, and found again since"),
        pytest.param(over_days("", ""), over_days("a", ends=2), {"new": [], "unchanged": [], "gone": ["a"]}, id="found on no step of this run"),
    ],
)
def test_periods_are_compared_by_what_was_found_on_any_step(now: Result, then: Result, found: dict[str, list[str]]) -> None:
    result = compare(now, then)
    assert result.baseline is not None
    assert result.baseline.is_complete
    states = {"new": open_of(result, FindingState.NEW), "unchanged": open_of(result, FindingState.UNCHANGED)}
    assert {**states, "gone": names(result.baseline.gone)} == found


def test_what_a_step_could_not_see_is_not_gone_beside_findings_of_other_steps() -> None:
    result = compare(over_days("", "b", unsure=1), over_days("ab", ends=2), fail_on_new=True)
    assert result.baseline is not None
    assert names(result.baseline.not_seen) == ["a"]
    assert result.baseline.not_seen[0].reason == "the rule is inconclusive on 1 day of 2"
    assert result.exit_code is ExitCode.EVIDENCE


@pytest.mark.parametrize(("now", "then"), [(run(rule()), over_days("", ends=1)), (over_days(""), replace(run(rule()), as_of=EARLIER))])
def test_a_period_is_not_compared_with_an_instant(now: Result, then: Result) -> None:
    with pytest.raises(UsageError, match=r"the baseline is of (a period|one instant), and this run is of (a period|one instant)"):
        compare(now, then)


def test_a_run_that_sees_less_than_its_baseline_is_no_pass() -> None:
    result = compare(run(rule()), replace(run(rule(), rule(id="r")), as_of=EARLIER))
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, ExitCode.EVIDENCE)


def test_what_a_baseline_could_not_see_is_carried_until_somebody_sees_it() -> None:
    first = replace(run(rule("a")), as_of=AS_OF - timedelta(days=3))
    blind = compare(replace(run(UNSURE), as_of=AS_OF - timedelta(days=2)), first)
    still_blind = compare(replace(run(UNSURE), as_of=AS_OF - timedelta(days=1)), blind)
    assert still_blind.baseline is not None
    assert names(still_blind.baseline.not_seen) == ["a"]
    for now, found in ((run(rule("a")), {"exit": 1, "unchanged": ["a"]}), (run(rule()), {"exit": 0, "gone": ["a"]})):
        assert against(now, still_blind) == found


def test_a_rule_that_changed_is_noted() -> None:
    result = compare(run(rule(sentence="no FAILED jobs within 48h")), replace(run(rule()), as_of=EARLIER))
    assert result.baseline is not None
    assert result.baseline.notes == ("rule prod-backups/no-failed-ec2 has changed since the baseline: it read no FAILED EC2 jobs in vault prod within 24h",)


def test_a_baseline_of_other_policies_or_of_a_later_time_is_refused() -> None:
    other = run(rule(policy="q"), policies=(PolicyInfo("q", "", "q.yaml"),))
    with pytest.raises(UsageError, match="of other policies: it evaluated q, and this run evaluates prod-backups"):
        compare(run(rule()), other)
    with pytest.raises(UsageError, match="of a later time"):
        compare(run(rule()), replace(run(rule()), as_of=AS_OF + timedelta(seconds=1)))


@examples(results, results, few=5, many=100)
def test_every_finding_of_a_baseline_is_accounted_for_and_no_verdict_changes(now: Result, then: Result) -> None:
    # One finding each: what is arbitrary may name a subject twice.
    policies = (PolicyInfo("p", "", "p.yaml"),)
    now, then = replace(now, policies=policies), replace(then, policies=policies, as_of=now.as_of)
    result = compare(now, then)
    told_of = result.baseline
    assert told_of is not None
    unchanged = {finding.fingerprint for one in result.rules for finding in one.findings if finding.state is FindingState.UNCHANGED}
    assert told_of.findings == len(unchanged) + len(told_of.gone) + len(told_of.not_seen) + len(
        {found.fingerprint for one in now.rules for found in one.findings if found.waiver}
        & {found.fingerprint for one in then.rules for found in one.open_findings} - unchanged
    )
    assert [one.verdict for one in result.rules] == [one.verdict for one in now.rules]
    assert replace(result, baseline=None, rules=()) == replace(now, rules=())


@examples(st.data(), few=10, many=200)
def test_a_run_against_itself_has_nothing_new_and_nothing_gone(data: st.DataObject) -> None:
    now = replace(data.draw(results), policies=(PolicyInfo("p", "", "p.yaml"),))
    told_of = compare(now, now)
    assert told_of.baseline is not None
    assert told_of.baseline.gone == ()
    assert open_of(told_of, FindingState.NEW) == []
