"""Waivers beside rules and in files of their own: whoever signs one says what, why, who and until when."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from policycheck.errors import Diagnostic, PolicyError
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy
from policycheck.policy.waivers import load_waivers
from policycheck.result import WaiverStatus

RULES = """policy: {name}
{more}rules:
  - id: failed
    rule: no FAILED jobs within 24h
"""
WAIVER = {"rule": "failed", "match": "{ResourceArn: {ends_with: /i-0abc}}", "reason": "gone", "owner": "ops", "granted": "2026-11-20", "expires": "2026-12-01"}


def waiver(**changes: str | None) -> str:
    """A line of YAML; None takes a key away."""
    members = {key: value for key, value in {**WAIVER, **changes}.items() if value is not None}
    return f"  - {{{', '.join(f'{key}: {value}' for key, value in members.items())}}}\n"


def load(folder: Path, waivers: str, *, more: str = "", name: str = "p") -> Policy:
    path = folder / f"{name}.yaml"
    path.write_text(RULES.format(name=name, more=more) + (f"waivers:\n{waivers}" if waivers else ""), encoding="utf-8")
    (policy,) = load_policies([(path, f"{name}.yaml")], {})
    return policy


def mistakes(folder: Path, waivers: str, *, more: str = "") -> tuple[Diagnostic, ...]:
    with pytest.raises(PolicyError) as caught:
        load(folder, waivers, more=more)
    return caught.value.diagnostics


def test_a_waiver_says_what_why_who_and_until_when(tmp_path: Path) -> None:
    (grant,) = load(tmp_path, waiver(ticket="OPS-1")).waivers
    assert (grant.policy, grant.rule, grant.granted, grant.expires) == ("p", "failed", date(2026, 11, 20), date(2026, 12, 1))
    assert (grant.waiver.reason, grant.waiver.owner, grant.waiver.ticket) == ("gone", "ops", "OPS-1")
    assert str(grant.location) == "p.yaml:6:6"


def test_match_any_waives_every_finding(tmp_path: Path) -> None:
    assert load(tmp_path, waiver(match="any")).waivers[0].match is None


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("2026-11-19T23:59:59.999999Z", WaiverStatus.NOT_YET),
        ("2026-11-20T00:00:00Z", WaiverStatus.IN_FORCE),
        ("2026-12-01T23:59:59.999999Z", WaiverStatus.IN_FORCE),
        ("2026-12-02T00:00:00Z", WaiverStatus.EXPIRED),
        ("2026-12-02T01:00:00+02:00", WaiverStatus.IN_FORCE),
    ],
)
def test_a_waiver_holds_from_the_first_day_through_the_last_in_utc(moment: str, status: WaiverStatus, tmp_path: Path) -> None:
    (grant,) = load(tmp_path, waiver()).waivers
    assert grant.status(datetime.fromisoformat(moment)) is status


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"owner": None}, "the key owner is missing"),
        ({"reason": None, "expires": None}, "the keys reason and expires are missing"),
        ({"owner": '""'}, "owner is empty"),
        ({"owner": '" "'}, "owner is empty"),
        ({"rule": "faild"}, "there is no rule faild to waive"),
        ({"match": "{}"}, "match is empty, which would waive every finding"),
        ({"match": "all"}, "match takes a mapping of keys to values"),
        ({"match": "{Resource: x}"}, "backup jobs have no field Resource"),
        ({"match": "{State: FALED}"}, "FALED: State has no such value"),
        ({"match": "{ResourceName: '${name}'}"}, "a waiver takes no parameters"),
        ({"granted": "2026-11-31"}, "granted: this day does not exist"),
        ({"expires": "tomorrow"}, "tomorrow is not a date, 2026-11-20"),
        ({"expires": "2026-12-01T00:00:00Z"}, "2026-12-01T00:00:00Z is not a date, 2026-11-20"),
        ({"expires": "2026-11-19"}, "the waiver expires before it is granted, on 2026-11-20"),
        ({"expires": "2027-11-22"}, "the waiver is in force for 367 days, more than a year"),
        ({"until": "2026-12-01"}, "there is no key until here"),
    ],
)
def test_a_malformed_waiver_is_one_mistake_of_the_policy(changes: dict[str, str | None], message: str, tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, waiver(**changes))
    assert mistake.message == message
    assert mistake.location.line == 6


def test_a_waiver_may_hold_as_long_as_its_policy_says(tmp_path: Path) -> None:
    assert load(tmp_path, waiver(expires="2027-11-21")).waivers
    assert load(tmp_path, waiver(expires="2028-11-20"), more="max_waiver: 800d\n").waivers
    (mistake,) = mistakes(tmp_path, waiver(), more="max_waiver: 10d\n")
    assert mistake.message == "the waiver is in force for 11 days, more than 10 days"
    (mistake,) = mistakes(tmp_path, "", more="max_waiver: long\n")
    assert mistake.message == "long is not a duration"


def test_the_mistakes_of_a_rule_are_not_told_again_of_its_waiver(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"policy: p\nrules:\n  - {{id: failed, rule: no FALED jobs}}\nwaivers:\n{waiver()}", encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policies([(path, "p.yaml")], {})
    assert [found.location.line for found in caught.value.diagnostics] == [3]


def _file(folder: Path, text: str) -> list[tuple[Path, str]]:
    path = folder / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return [(path, "waivers.yaml")]


def test_a_file_adds_waivers_to_those_of_the_policies(tmp_path: Path) -> None:
    policies = (load(tmp_path, waiver(), name="p"), load(tmp_path, "", name="q"))
    p, q = load_waivers(_file(tmp_path, f"waivers:\n{waiver(rule='q/failed')}{waiver(rule='p/failed', match='any')}"), policies)
    assert [grant.match is None for grant in p.waivers] == [False, True]
    assert [str(grant.location) for grant in q.waivers] == ["waivers.yaml:2:6"]


def test_a_file_may_list_the_resources_of_a_large_organization(tmp_path: Path) -> None:
    # A policy has at most 10,000 values; thousands of accounts have more to waive.
    path = tmp_path / "waivers.yaml"
    arns = ", ".join(f"arn:{number}" for number in range(12_000))
    path.write_text("waivers:\n" + waiver(match=f"{{ResourceArn: [{arns}]}}"), encoding="utf-8")
    (policy,) = load_waivers([(path, "waivers.yaml")], [load(tmp_path, "")])
    assert len(policy.waivers) == 1


def test_a_rule_that_two_policies_have_is_named_with_its_policy(tmp_path: Path) -> None:
    policies = (load(tmp_path, "", name="p"), load(tmp_path, "", name="q"))
    with pytest.raises(PolicyError) as caught:
        load_waivers(_file(tmp_path, f"waivers:\n{waiver()}"), policies)
    (mistake,) = caught.value.diagnostics
    assert (mistake.message, mistake.hint) == ("there is no rule failed to waive", "Several policies have one: write POLICY/failed.")


@pytest.mark.parametrize("text", ["- {rule: failed}\n", "waivers: any\n", "waiver: []\n", "waivers:\n  - failed\n"])
def test_a_file_that_is_no_list_of_waivers_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        load_waivers(_file(tmp_path, text), (load(tmp_path, ""),))


def test_a_day_is_that_of_utc(tmp_path: Path) -> None:
    (grant,) = load(tmp_path, waiver()).waivers
    assert grant.status(datetime(2026, 11, 20, tzinfo=UTC)) is WaiverStatus.IN_FORCE


def test_a_pattern_that_engines_read_differently_is_a_mistake_beside_rules_and_in_a_file(tmp_path: Path) -> None:
    listed = waiver(match="{ResourceName: {matches: '^orders\\Z'}}")
    (beside,) = mistakes(tmp_path, listed)
    assert beside.hint == "Write $, which is the end of the text."
    file = tmp_path / "waivers.yaml"
    file.write_text(f"waivers:\n{listed}", encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_waivers([(file, "waivers.yaml")], [load(tmp_path, "")])
    (in_file,) = caught.value.diagnostics
    assert (in_file.message, in_file.hint, in_file.location.path, in_file.location.line) == (beside.message, beside.hint, "waivers.yaml", 2)
