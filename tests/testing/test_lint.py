"""What lint learns from tests and schedules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policycheck.engine.backends.interface import Backend
from policycheck.errors import PolicyError
from policycheck.policy.lint.finding import Place, Run
from policycheck.policy.load import load_policies
from policycheck.policy.model import Rule
from policycheck.testing import lint
from policycheck.testing.document import PolicyTest
from policycheck.testing.runner import Outcome, run_test
from tests.backends import BACKEND

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
POLICY = "policy: p\nrules:\n  - {id: failed, rule: no FAILED jobs}\n  - {id: expired, rule: no EXPIRED jobs}\n"
TESTS = """\
as_of: 2026-11-20T06:00:00Z
tests:
  - {name: fine, jobs: [{State: COMPLETED}], expect: {failed: pass, expired: pass}}
  - {name: failed, jobs: [{State: FAILED, ResourceArn: i-1}], expect: {failed: {verdict: fail, findings: [i-1]}}}
"""


def in_tests(folder: Path, codes: Collection[str] = ("PC401", "PC402")) -> dict[str, list[Place]]:
    path = folder / "p.yaml"
    files = [(path, "p.yaml")]
    return lint.find_in_tests(Run(load_policies(files, {}), AS_OF), files, codes, BACKEND)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def unseen(found: dict[str, list[Place]]) -> list[str]:
    return [place.rule.id for place in found["PC401"] if place.rule]


def test_a_policy_without_tests_is_told_once(folder: Path) -> None:
    found = in_tests(folder)
    assert list(found) == ["PC402"]
    assert [str(place.location) for place in found["PC402"]] == ["p.yaml:1:1"]


def test_a_rule_that_no_test_sees_fail_is_told(folder: Path) -> None:
    (folder / "p.test.yaml").write_text(TESTS, encoding="utf-8")
    assert unseen(in_tests(folder)) == ["expired"]


def test_every_test_file_of_a_policy_counts(folder: Path) -> None:
    (folder / "p.test.yaml").write_text(TESTS, encoding="utf-8")
    more = "as_of: 2026-11-20T06:00:00Z\nname: x\npolicy: p.yaml\njobs: [{State: EXPIRED, ResourceArn: i-2}]\n"
    more += "expect: {expired: {verdict: fail, findings: [i-2]}}\n"
    (folder / "p.more.test.yaml").write_text(more, encoding="utf-8")
    assert unseen(in_tests(folder)) == []


def test_a_test_that_only_expects_a_failure_shows_none(folder: Path) -> None:
    (folder / "p.test.yaml").write_text(TESTS.replace("State: FAILED", "State: COMPLETED"), encoding="utf-8")
    assert unseen(in_tests(folder)) == ["failed", "expired"]


def test_only_tests_that_may_show_something_new_are_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again = "".join(
        f"  - {{name: t{number}, jobs: [{{State: FAILED, ResourceArn: i}}], expect: {{failed: {{verdict: fail, findings: [i]}}}}}}\n" for number in range(50)
    )
    (folder / "p.test.yaml").write_text(TESTS + again, encoding="utf-8")
    names = []

    def counted(test: PolicyTest, backend: Backend, rules: Sequence[Rule]) -> Outcome:
        names.append(test.name)
        return run_test(test, backend, rules)

    monkeypatch.setattr(lint, "run_test", counted)
    assert unseen(in_tests(folder)) == ["expired"]
    assert names == ["failed"]


def test_a_mistake_in_a_test_is_an_error(folder: Path) -> None:
    (folder / "p.test.yaml").write_text(TESTS.replace("expired: pass", "expird: pass"), encoding="utf-8")
    with pytest.raises(PolicyError, match="1 error"):
        in_tests(folder)


def test_tests_are_not_even_read_where_nothing_asks_for_them(folder: Path) -> None:
    (folder / "p.test.yaml").write_text("no test\n", encoding="utf-8")
    assert in_tests(folder, ["PC101"]) == {}


@pytest.mark.parametrize(
    ("cron", "limit", "told"),
    [
        ("cron(0 5 ? * * *)", "12h", "24 h"),
        ("cron(0 5 ? * * *)", "24h", ""),
        ("cron(0 5 ? * MON-FRI *)", "48h", "3 d"),
        ("cron(0 */6 ? * * *)", "6h", ""),
        ("cron(0 5 1 * ? *)", "30d", "31 d"),
        ("cron(0 5 ? * * *)", "0.5h", "24 h"),
        ("rate(1 day)", "1h", ""),
        ("nonsense", "1h", ""),
        ("[cron(0 5 ? * * *), cron(0 17 ? * * *)]", "12h", ""),
    ],
)
def test_a_limit_is_compared_with_the_schedule_that_the_rule_names(cron: str, limit: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    expect = f"per: ResourceArn, expect: {{newest: {{of: {{Outcome: clean}}, at_most: {limit}}}}}"
    path.write_text(f"policy: p\nrules:\n  - id: r\n    <<: {{where: {{CreatedBy.BackupRuleCron: {_quoted(cron)}}}, {expect}}}\n", encoding="utf-8")
    places = list(lint.find_limits_below_schedule(Run(load_policies([(path, "p.yaml")], {}), AS_OF)))
    assert [told in place.message for place in places] == ([True] if told else [])


def _quoted(cron: str) -> str:
    return "[" + ", ".join(f"'{one}'" for one in cron.strip("[]").split(", ")) + "]"


def test_the_longest_day_of_the_year_counts(tmp_path: Path) -> None:
    """When summer time ends a day has 25 hours."""
    found = {}
    for limit in ("24h", "25h"):
        path = tmp_path / f"{limit}.yaml"
        where = "where: {CreatedBy.BackupRuleCron: cron(0 5 ? * * *), CreatedBy.BackupRuleTimezone: Europe/Berlin}"
        text = f"policy: p\nrules:\n  - id: r\n    {where}\n    per: ResourceArn\n    expect: {{newest: {{of: {{Outcome: clean}}, at_most: {limit}}}}}\n"
        path.write_text(text, encoding="utf-8")
        found[limit] = len(list(lint.find_limits_below_schedule(Run(load_policies([(path, "p.yaml")], {}), AS_OF))))
    assert found == {"24h": 1, "25h": 0}
