"""What a run shows of controls: nothing is met that no rule showed, or that was shown in part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from policycheck.controls import ControlResult, ControlVerdict, FrameworkResult, Shown, tell_controls
from policycheck.formats.registry import FORMATS
from policycheck.policy.controls import FRAMEWORKS
from policycheck.result import Basis, Finding, LeftOutRule, Result, RuleResult, Verdict
from tests.formats.results import make_coverage, make_finding, make_result, make_rule
from tests.tables import each

SOC2: Mapping[str, tuple[str, ...]] = {"soc2": ("A1.2",)}
OPEN = {Verdict.FAIL: (make_finding(),)}


def rule(verdict: Verdict, controls: Mapping[str, tuple[str, ...]] = SOC2, **changes: object) -> RuleResult:
    findings: tuple[Finding, ...] = OPEN.get(verdict, ())
    return replace(make_rule(verdict=verdict, findings=findings, controls=controls), **changes)  # type: ignore[arg-type]  # any member


def told(*rules: RuleResult, **changes: object) -> dict[str, ControlResult]:
    """The controls of SOC 2 by id."""
    (framework,) = tell_controls(replace(make_result(*rules), **changes))  # type: ignore[arg-type]  # as above
    assert framework.name == "soc2"
    return {control.id: control for control in framework.controls}


PASS, FAIL, WAIVED, INCONCLUSIVE, SKIPPED = Verdict.PASS, Verdict.FAIL, Verdict.WAIVED, Verdict.INCONCLUSIVE, Verdict.SKIPPED


@each(
    ("verdicts", "verdict"),
    [
        ([PASS], ControlVerdict.PASS),
        ([PASS, FAIL], ControlVerdict.FAIL),
        ([INCONCLUSIVE, FAIL], ControlVerdict.FAIL),
        ([PASS, INCONCLUSIVE], ControlVerdict.INCONCLUSIVE),
        ([WAIVED, INCONCLUSIVE], ControlVerdict.INCONCLUSIVE),
        ([PASS, WAIVED], ControlVerdict.WAIVED),
        ([PASS, SKIPPED], ControlVerdict.PASS),
        ([SKIPPED], ControlVerdict.NOT_EVALUATED),
    ],
)
def test_a_control_is_what_the_worst_of_its_rules_makes_it(verdicts: list[Verdict], verdict: ControlVerdict) -> None:
    assert told(*map(rule, verdicts))["A1.2"].verdict is verdict


def test_a_control_without_a_rule_is_never_met() -> None:
    controls = told(rule(PASS))
    assert [(control.id, control.verdict, control.shown) for control in controls.values()] == [
        ("A1.2", ControlVerdict.PASS, (Shown.EVALUATED,)),
        ("A1.3", ControlVerdict.NO_RULE, (Shown.NOT_SHOWN,)),
        ("PI1.5", ControlVerdict.NO_RULE, (Shown.NOT_SHOWN,)),
        ("CC7.4", ControlVerdict.NO_RULE, (Shown.NOT_AUTOMATABLE,)),
    ]


def test_a_rule_that_was_left_out_or_a_scope_that_is_not_covered_keeps_a_control_from_passing() -> None:
    left = LeftOutRule("p", "other", SOC2)
    assert told(rule(PASS), left_out=(left,))["A1.2"].verdict is ControlVerdict.INCONCLUSIVE
    assert told(rule(FAIL), left_out=(left,))["A1.2"].verdict is ControlVerdict.FAIL
    assert told(rule(SKIPPED), left_out=(left,))["A1.2"].verdict is ControlVerdict.INCONCLUSIVE
    assert told(rule(PASS), scope_uncovered=True)["A1.2"].verdict is ControlVerdict.INCONCLUSIVE
    # Of a control that only such rules speak to nothing is known either.
    assert told(rule(PASS), left_out=(LeftOutRule("p", "other", {"soc2": ("A1.3",)}),))["A1.3"].verdict is ControlVerdict.INCONCLUSIVE


def test_how_it_was_shown_is_how_the_lists_of_its_rules_were_obtained() -> None:
    fetched, given = make_coverage(), make_coverage(region="us-east-1", basis=Basis.ASSERTED)
    restores = make_coverage(dataset="restore_jobs")
    tested = rule(PASS, lists=("backup_jobs", "restore_jobs"))
    assert told(rule(PASS), coverage=(fetched,))["A1.2"].shown == (Shown.EVALUATED,)
    assert told(tested, coverage=(fetched, restores))["A1.2"].shown == (Shown.TESTED,)
    assert told(rule(PASS), tested, coverage=(fetched, restores))["A1.2"].shown == (Shown.TESTED, Shown.EVALUATED)
    assert told(rule(PASS), coverage=(fetched, given))["A1.2"].shown == (Shown.ASSERTED,)
    # Nothing that is known to be observed.
    assert told(rule(PASS), coverage=())["A1.2"].shown == (Shown.ASSERTED,)
    assert told(rule(INCONCLUSIVE), coverage=(fetched,))["A1.2"].shown == (Shown.NOT_SHOWN,)


def test_a_framework_of_the_author_has_the_controls_that_rules_name() -> None:
    own = make_result(rule(PASS, {"house": ("H-2", "H-1")}), rule(FAIL, {"soc2": ("CC6.1",)}))
    house, soc2 = tell_controls(own)
    assert [(control.id, control.control) for control in house.controls] == [("H-1", None), ("H-2", None)]
    # One that a rule names and the matrix does not is listed after those of the matrix.
    assert [control.id for control in soc2.controls] == [*FRAMEWORKS["soc2"].ids, "CC6.1"]


def test_a_run_that_was_narrowed_shows_the_framework_it_was_narrowed_to() -> None:
    both = rule(PASS, {**SOC2, "hipaa": ("164.308(a)(7)(i)",)})
    assert [framework.name for framework in tell_controls(make_result(both))] == ["hipaa", "soc2"]
    assert [framework.name for framework in tell_controls(make_result(both, frameworks=("soc2",)))] == ["soc2"]


def test_every_matrix_says_what_each_control_asks_in_words_that_need_no_escaping() -> None:
    for framework in FRAMEWORKS.values():
        for control in framework.controls.values():
            assert control.asks and control.asks[0].isupper() and not control.asks.endswith(".")
            assert control.automatable or control.beyond
            assert not set(control.asks + control.beyond) & set("|`<>*_[]")


def counted(result: Result) -> dict[str, int]:
    frameworks: tuple[FrameworkResult, ...] = tell_controls(result)
    return {str(verdict): sum(framework.count(verdict) for framework in frameworks) for verdict in ControlVerdict}


def test_markdown_and_html_show_every_control() -> None:
    result = make_result(rule(FAIL), rule(PASS, {"hipaa": ("164.308(a)(7)(ii)(A)",)}))
    for name in ("markdown", "html"):
        shown = FORMATS[name].render(result)
        for control in (control for framework in tell_controls(result) for control in framework.controls):
            assert control.id in shown and control.id.split("(")[0] in shown
        for verdict, count in counted(result).items():
            assert count == 0 or verdict in shown
