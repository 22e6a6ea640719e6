"""A period says of each step what a check as of that step says."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from policycheck.backtesting.steps import evaluate_period
from policycheck.engine.evaluate import evaluate
from policycheck.engine.series import Series
from policycheck.period import Period
from policycheck.pipeline import run
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy, Rule
from policycheck.result import Result, RuleResult, Severity, Verdict
from policycheck.sources.interface import Evidence
from policycheck.sources.inventories import read_inventories
from policycheck.sources.saved import read_saved
from tests.backends import BACKEND
from tests.engine.expectations import covered
from tests.engine.lists import AS_OF, Job, job_list
from tests.engine.test_screen import RULES, estates, histories
from tests.properties import examples
from tests.random_estate import AS_OF as ESTATE_AS_OF
from tests.random_estate import write_random_estate

DAY = timedelta(days=1)


def seen(results: tuple[RuleResult, ...]) -> list[tuple[object, ...]]:
    return [(one.id, one.verdict, one.reason, [finding.fingerprint for finding in one.findings]) for one in results]


@examples(
    estates() | histories(),
    st.lists(st.sampled_from(RULES), min_size=8, max_size=8, unique_by=lambda rule: rule.id),
    st.sampled_from([1, 3, 24]),
    few=2,
    many=60,
)
def test_a_series_says_of_each_instant_what_it_says_by_itself(jobs: list[Job], rules: list[Rule], hours: int) -> None:
    policies, lists, coverage = [Policy("p", "", "p.yaml", tuple(rules))], {"backup_jobs": job_list(jobs)}, [covered(len(jobs))]
    series = Series()
    for number in reversed(range(6)):
        as_of = AS_OF - timedelta(hours=hours * number)
        found = evaluate(policies, lists, coverage, as_of, BACKEND, series=series).rules
        alone = evaluate(policies, lists, coverage, as_of, BACKEND).rules
        assert seen(found) == seen(alone)
        # Findings say what was seen when they began.
        assert [replace(one, findings=()) for one in found] == [replace(one, findings=()) for one in alone]


MORE = """
policy: more
rules:
  - {id: names, rule: 'ResourceName must match "^[a-m]"'}
  - {id: role, rule: IAM role must contain team}
  - {id: denied, rule: no jobs with status message containing "denied" within 7d}
  - {id: tagged, rule: every EC2 resource in inventory prod must have a clean job within 2d}
  - {id: kept, all: {Retention: {at_least: 35d}}, within: 7d, no_data: quiet}
  - {id: old, none: {CreationDate: {older_than: 6d}}, where: {State: RUNNING}}
  - {id: gap, per: [ResourceArn, BackupVaultName], within: 4d, expect: {longest_gap: {of: {State: COMPLETED}, at_most: 30h}}}
  - {id: hours, rule: no jobs may start on Saturday or Sunday in Europe/Berlin}
  - {id: ran, rule: no jobs may run between 00:00 and 04:00 in UTC within 7d}
  - {id: days, rule: every resource must have a COMPLETED job on at least 2 of the last 3 days in Asia/Tokyo}
  - {id: most, rule: at least 60% of resources must have a COMPLETED job within 2d}
  - {id: warned, rule: "every resource must have a COMPLETED job within 3d, warning at 1d"}
  - {id: sizes, rule: no COMPLETED job may be more than 50% smaller than the one before}
  - {id: owners, per: [Account, ResourceType], within: 3d, expect: {count: {of: {State: [FAILED, EXPIRED]}, at_most: 1}}}
"""


@examples(st.integers(0, 100_000), few=1, many=12)
def test_a_period_says_of_each_step_what_a_check_as_of_that_step_says(tmp_path: Path, seed: int) -> None:
    estate = write_random_estate(tmp_path, seed)
    (tmp_path / "more.yaml").write_text(MORE, encoding="utf-8")
    policies = load_policies([(path, path.name) for path in (estate.policy, tmp_path / "more.yaml")], {})
    inventories = read_inventories([f"prod={estate.inventory}"])
    period = Period(ESTATE_AS_OF - 5 * DAY, ESTATE_AS_OF, DAY)

    def read(as_of: datetime) -> Evidence:
        paths = list(map(str, estate.jobs))
        return replace(read_saved(paths, as_of=as_of, covers=None, stdin=io.BytesIO(), policies=policies), inventories=inventories)

    whole = evaluate_period(policies, read(period.end), period, fail_on=Severity.LOW, backend=BACKEND, answers=True)
    steps = [run(policies, read(instant), as_of=instant, fail_on=Severity.LOW, backend=BACKEND) for instant in period.instants]
    for number, rule in enumerate(whole.rules):
        alone = [step.rules[number] for step in steps]
        assert [span.verdict for span in rule.spans for _ in range(span.span.steps)] == [one.verdict for one in alone]
        open_on, waived_on = on_steps(alone, waived=False), on_steps(alone, waived=True)
        for found in rule.findings:
            expected = open_on.get(found.fingerprint) or waived_on[found.fingerprint]
            # A warning that becomes a violation is two stretches.
            assert [period.instants.index(span.start) + step for span in found.spans for step in range(span.steps)] == expected
            assert (found.waiver is None) == (found.fingerprint in open_on)
        assert {found.fingerprint for found in rule.findings} == {*open_on, *waived_on}
        # What stands at the end of the message is what the check said when it last began.
        assert all(found.message.endswith(said[found.fingerprint, found.spans[-1].start]) for found in rule.findings for said in [messages(steps, number)])
    assert whole.scope_uncovered == any(step.scope_uncovered for step in steps)


def on_steps(alone: Sequence[RuleResult], *, waived: bool) -> dict[str, list[int]]:
    """The steps of each finding, by fingerprint."""
    found: dict[str, list[int]] = {}
    for step, rule in enumerate(alone):
        for finding in rule.findings:
            if (finding.waiver is not None) is waived:
                found.setdefault(finding.fingerprint, []).append(step)
    return found


def messages(steps: Sequence[Result], number: int) -> dict[tuple[str, datetime], str]:
    return {(finding.fingerprint, step.as_of): finding.message for step in steps for finding in step.rules[number].findings}


SKIPPING = """
policy: skipping
rules:
  - {id: daily, all: {State: {is: COMPLETED}}, within: 1d, no_data: skip}
  - {id: always, rule: no FAILED jobs within 3d}
"""


def test_a_rule_that_was_skipped_on_a_step_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "skipping.yaml").write_text(SKIPPING, encoding="utf-8")
    policies = load_policies([(tmp_path / "skipping.yaml", "skipping.yaml")], {})
    day = {"CreationDate": "2026-07-0{}T01:00:00Z", "CompletionDate": "2026-07-0{}T02:00:00Z"}
    jobs = [{"BackupJobId": str(n), "State": "COMPLETED", "ResourceType": "EC2", **{key: value.format(n) for key, value in day.items()}} for n in (1, 2, 4)]
    (tmp_path / "jobs.json").write_text(json.dumps({"BackupJobs": jobs}), encoding="utf-8")
    end = datetime(2026, 7, 4, 12, tzinfo=UTC)
    period = Period(end - 2 * DAY, end, DAY)
    found = read_saved([str(tmp_path / "jobs.json")], as_of=end, covers=(end - 30 * DAY, end), stdin=io.BytesIO(), policies=policies)
    daily, always = evaluate_period(policies, found, period, fail_on=Severity.LOW, backend=BACKEND).rules
    assert [span.verdict for span in daily.spans] == [Verdict.PASS, Verdict.SKIPPED, Verdict.PASS]
    assert daily.verdict is Verdict.SKIPPED
    assert daily.reason.startswith("on 1 of 3 days (2026-07-03T12:00:00Z): nothing to evaluate")
    assert always.verdict is Verdict.PASS
