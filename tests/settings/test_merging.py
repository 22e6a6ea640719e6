"""What wins where both the command line and the run file say something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policycheck.errors import UsageError
from policycheck.formats.registry import FORMATS
from policycheck.settings.merging import Settings, merge, parse_params
from policycheck.settings.options import CONNECTION, OPTIONS, SAVED_LISTS, SOURCE, RunOptions
from policycheck.settings.runfile import load_run_file

ROLE, OTHER_ROLE = (f"arn:aws:iam::{account}:role/Audit" for account in ("111122223333", "444455556666"))
SAVED = "{jobs: [jobs/], as_of: now, covers: 2026-10-20..2026-11-20}"
FETCHED = f"{{profile: audit, regions: [eu-west-1, us-east-1], role_arns: ['{ROLE}']}}"
LISTED = "{accounts: accounts.yaml, role_external_id: e1, role_session_name: me}"
REGIONS = ["eu-west-1", "us-east-1"]
SOURCES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (SAVED, {}, {"jobs": ["jobs"], "as_of": "now", "covers": "2026-10-20..2026-11-20"}),
    (SAVED, {"as_of": "2026-11-20"}, {"jobs": ["jobs"], "as_of": "2026-11-20", "covers": "2026-10-20..2026-11-20"}),
    (SAVED, {"jobs": ["a", "b"]}, {"jobs": ["a", "b"]}),
    (SAVED, {"region": ["eu-west-1"]}, {"region": ["eu-west-1"]}),
    (SAVED, {"no_verify_ssl": True}, {"no_verify_ssl": True}),
    (FETCHED, {}, {"profile": ["audit"], "region": REGIONS, "role_arn": [ROLE]}),
    (FETCHED, {"region": ["all"]}, {"profile": ["audit"], "region": ["all"], "role_arn": [ROLE]}),
    (FETCHED, {"role_arn": [OTHER_ROLE]}, {"profile": ["audit"], "region": REGIONS, "role_arn": [OTHER_ROLE]}),
    (FETCHED, {"account_id": "*"}, {"profile": ["audit"], "region": REGIONS, "account_id": "*"}),
    (FETCHED, {"jobs": ["jobs"], "as_of": "now"}, {"jobs": ["jobs"], "as_of": "now"}),
    (FETCHED, {"as_of": "now"}, {"profile": ["audit"], "region": REGIONS, "role_arn": [ROLE], "as_of": "now"}),
    ("{account_id: '*'}", {"role_arn": [ROLE]}, {"role_arn": [ROLE]}),
    ("{longest_job: 8d}", {}, {"longest_job": "8d"}),
    ("{longest_job: 8d}", {"longest_job": "2d"}, {"longest_job": "2d"}),
    ("{longest_job: 8d}", {"region": ["eu-west-1"]}, {"longest_job": "8d", "region": ["eu-west-1"]}),
    ("{longest_job: 8d}", {"profile": ["other"]}, {"profile": ["other"]}),
    ("{longest_job: 8d}", {"accounts": "a.csv"}, {"accounts": "a.csv"}),
    ("{longest_job: 8d}", {"role_arn": [ROLE]}, {"role_arn": [ROLE]}),
    ("{longest_job: 8d}", {"jobs": ["jobs"], "as_of": "now"}, {"jobs": ["jobs"], "as_of": "now"}),
    (SAVED, {"longest_job": "8d"}, {"longest_job": "8d"}),
    ("{account_id: '*'}", {"profile": ["other"]}, {"account_id": "*", "profile": ["other"]}),
    ("{profile: [a, b], regions: [eu-west-1]}", {}, {"profile": ["a", "b"], "region": ["eu-west-1"]}),
    (LISTED, {}, {"accounts": "accounts.yaml", "role_external_id": "e1", "role_session_name": "me"}),
    (LISTED, {"role_arn": [ROLE]}, {"role_arn": [ROLE], "role_external_id": "e1", "role_session_name": "me"}),
    (LISTED, {"account_id": "*"}, {"account_id": "*"}),
    (FETCHED, {"accounts": "a.csv"}, {"profile": ["audit"], "region": REGIONS, "accounts": "a.csv"}),
]


def merged(project: Path, text: str, given: dict[str, Any]) -> Settings:
    (project / "p.yaml").write_text("policy: p\nrules: [{id: a, rule: no FAILED jobs}]\n", encoding="utf-8")
    (project / "policycheck.yaml").write_text(f"policies: [p.yaml]\n{text}\n", encoding="utf-8")
    run_file = load_run_file(project / "policycheck.yaml", "policycheck.yaml", list(FORMATS), project)
    return merge(RunOptions(**given), given, run_file, command="policycheck check")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_source_on_the_command_line_replaces_the_file_s(project: Path) -> None:
    names = {*SOURCE, *CONNECTION} - {"cli_read_timeout", "cli_connect_timeout"}
    for sources, given, expected in SOURCES:
        settings = merged(project, f"sources: {sources}", given)
        assert {name: getattr(settings, name) for name in names if getattr(settings, name)} == expected, (sources, given)


def test_a_default_is_not_what_is_given(project: Path) -> None:
    assert merged(project, "fail_on: high", {}).fail_on == "high"
    assert merged(project, "fail_on: high", {"fail_on": "low"}).fail_on == "low"
    assert merged(project, "", {}).fail_on == "low"


def test_every_key_of_the_file_becomes_a_setting(project: Path) -> None:
    """A declared option with a key that nothing takes from the file would be a key that does nothing."""
    text = "params: {a: b}\nscope: {regions: [eu-west-1]}\nwaivers: [w]\ninventories: {i: i}\nselect: [s]\nignore: [i]\nframeworks: [f]\ncontrols: [c]\n"
    text += "fail_on: high\nmin_severity: high\nredact: true\nshow_passed: true\nverbose: true\nengine: duckdb\noutputs: {json: r.json}\nbundle: e.zip\n"
    text += "baseline: b.json\nfail_on_new: true\ncategory: c\n"
    saved, fetched = (
        merged(project, f"{text}sources: {SAVED}", {}),
        merged(project, "sources: {account_id: '*', longest_job: 8d, profile: x, regions: [all]}", {}),
    )
    listed = merged(project, f"sources: {LISTED}", {})
    said = {name for settings in (saved, fetched, listed) for name in (settings.run_file.values if settings.run_file else ())} | {"param", "scope", "role_arn"}
    assert said == {name for name, one in OPTIONS.items() if one.option.key}
    for settings in (saved, fetched, listed):
        assert settings.run_file is not None
        for name in settings.run_file.values:
            assert getattr(settings, name) == settings.run_file.values[name] != OPTIONS[name].default
    assert (saved.params, saved.declared_scope is not None) == ({"a": "b"}, True)
    assert merged(project, text, {"scope": Path("s.yaml")}).declared_scope == Path("s.yaml")


def test_parameters_are_merged_by_name(project: Path) -> None:
    settings = merged(project, "params: {a: b, c: d}", {"param": ["a=x"]})
    assert settings.params == {"a": "x", "c": "d"}
    assert [*settings.file_params] == ["c"]


@pytest.mark.parametrize("texts", [["a"], ["=b"], ["a="], ["a=b", "a=c"]])
def test_a_parameter_is_a_name_and_a_value_once(texts: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_params(texts)


def test_without_a_run_file_the_command_line_is_all() -> None:
    options = RunOptions(policies=["first-steps"], select=["a"])
    settings = merge(options, {"policies", "select"}, None, command="policycheck check")
    assert (settings.select, settings.run_file, settings.foreign, settings.has_outputs_of_file) == (["a"], None, False, False)
    with pytest.raises(UsageError, match="no policy is named"):
        merge(RunOptions(), (), None, command="policycheck check")


def test_groups_of_options_are_what_they_are_called() -> None:
    assert SAVED_LISTS == ("jobs", "as_of", "covers")
    assert set(CONNECTION) - set(SOURCE) == {"endpoint_url", "ca_bundle", "no_verify_ssl", "no_sign_request", "cli_read_timeout", "cli_connect_timeout"}
