"""From a list to a check: what a list says it covers is what the check takes for observed, and no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from policycheck.cli.app import run
from policycheck.emulator.clock import Clock
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from tests.sources.conftest import aws, no_aws, pauses
from tests.sources.loopback import ACCOUNT, NOW, OTHER, REGION, job

__all__ = ["aws", "no_aws", "pauses"]
pytestmark = pytest.mark.usefixtures("aws", "pauses")

FAR = "us-east-1"
AS_OF = NOW.isoformat()
LATER = (NOW + timedelta(hours=1)).isoformat()
ANY, TYPED = "no FAILED jobs within 24h", "no FAILED EBS jobs in vault prod within 24h"
FILTERED = ["--by-resource-type", "EBS", "--by-backup-vault-name", "prod"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    store = Store(Clock(NOW), management=ACCOUNT)
    for account, region in ((ACCOUNT, REGION), (ACCOUNT, FAR), (OTHER, REGION)):
        store.add(account, region, "backup_jobs", [job(number, account=account, region=region) for number in range(1, 13)])
    with serve(store) as served:
        yield served.url


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(stdin.encode())))
        code = run(arguments)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def listed(cli: Run, url: str) -> Callable[..., str]:
    def call(*options: str) -> str:
        code, out, err = cli("list-backup-jobs", "--endpoint-url", url, "--region", REGION, *options)
        assert code == 0, err
        return out

    return call


@pytest.fixture
def checked(cli: Run, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The result of a check of a rule on lists; `jobs` go to stdin."""

    def call(rule: str, *paths: str, jobs: str = "", as_of: str = AS_OF) -> dict[str, Any]:
        (tmp_path / "policy.yaml").write_text(f"policy: p\nrules:\n  - {{id: a, rule: {rule}}}\n", encoding="utf-8")
        options = [part for path in paths or ("-",) for part in ("--jobs", path)]
        code, out, err = cli("check", "policy.yaml", *options, "--as-of", as_of, "--output", "json", "--quiet", stdin=jobs)
        return {"exit_code": code, "error": err, **(json.loads(out) if out else {})}

    return call


def test_a_whole_list_is_observed(listed: Callable[..., str], checked: Callable[..., dict[str, Any]]) -> None:
    result = checked(ANY, jobs=listed("--with-coverage"))
    assert (result["exit_code"], result["verdict"]) == (0, "pass")
    (entry,) = result["coverage"]
    assert (entry["basis"], entry["account"], entry["region"], entry["jobs"], entry["complete"]) == ("observed", ACCOUNT, REGION, 12, True)


def test_without_the_option_the_list_is_a_plain_file(listed: Callable[..., str], checked: Callable[..., dict[str, Any]]) -> None:
    plain = listed()
    assert list(json.loads(plain)) == ["BackupJobs"]
    assert {entry["basis"] for entry in checked(ANY, jobs=plain)["coverage"]} == {"asserted"}


def test_an_hour_after_the_list_was_made_it_does_not_speak_for_now(listed: Callable[..., str], checked: Callable[..., dict[str, Any]]) -> None:
    assert checked(ANY, jobs=listed("--with-coverage"), as_of=LATER)["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("options", "rule", "verdict"),
    [
        (FILTERED, TYPED, "pass"),
        (FILTERED, ANY, "inconclusive"),
        (FILTERED[:2], TYPED, "pass"),
        (["--by-resource-type", "EC2"], TYPED, "inconclusive"),
        (["--by-state", "COMPLETED"], ANY, "inconclusive"),
        (["--by-message-category", "SUCCESS"], TYPED, "inconclusive"),
        (["--by-created-after", "2026-02-20"], ANY, "inconclusive"),
        (["--by-created-before", "2026-02-28T12:00:00Z"], ANY, "inconclusive"),
        (["--by-created-before", "2026-03-01T12:00:01Z"], ANY, "pass"),
        (["--by-account-id", ACCOUNT], ANY, "pass"),
    ],
)
def test_a_rule_that_needs_what_a_filter_left_out_is_inconclusive(
    options: list[str], rule: str, verdict: str, listed: Callable[..., str], checked: Callable[..., dict[str, Any]]
) -> None:
    assert checked(rule, jobs=listed("--with-coverage", *options))["verdict"] == verdict


def test_a_filtered_list_says_which_filter(listed: Callable[..., str], checked: Callable[..., dict[str, Any]]) -> None:
    (entry,) = checked(ANY, jobs=listed("--with-coverage", "--by-state", "COMPLETED"))["coverage"]
    assert (entry["complete"], "ByState COMPLETED" in entry["reason"]) == (False, True)


REWRITTEN: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "an array": lambda answer: json.dumps([answer]),
    "YAML": lambda answer: "---\n" + json.dumps(answer),
    "beside one that says nothing": lambda answer: json.dumps(answer) + json.dumps({"BackupJobs": []}),
    "in small letters": lambda answer: json.dumps(answer).replace('"Coverage"', '"coverage"'),
}


@pytest.mark.parametrize("form", REWRITTEN)
@pytest.mark.parametrize(("options", "refused"), [((), False), (("--by-state", "COMPLETED"), True)])
def test_a_list_written_otherwise_is_plain_unless_it_was_filtered(
    form: str, options: tuple[str, ...], refused: bool, listed: Callable[..., str], checked: Callable[..., dict[str, Any]]
) -> None:
    result = checked(ANY, jobs=REWRITTEN[form](json.loads(listed("--with-coverage", *options))))
    assert is_refused(result) is refused
    assert refused or {entry["basis"] for entry in result["coverage"]} == {"asserted"}


def is_refused(result: Mapping[str, Any]) -> bool:
    """A list that says it is not whole has no verdict."""
    return result["exit_code"] == 3 and "verdict" not in result and "incomplete" in result["error"]


def test_the_end_of_a_list_is_not_the_list(listed: Callable[..., str], checked: Callable[..., dict[str, Any]]) -> None:
    token = json.loads(listed("--max-items", "5"))["NextToken"]
    rest = listed("--with-coverage", "--starting-token", token)
    assert len(json.loads(rest)["BackupJobs"]) == 7
    assert is_refused(checked(ANY, jobs=rest))


def test_a_page_by_hand_is_not_the_list(listed: Callable[..., str], checked: Callable[..., dict[str, Any]]) -> None:
    token = json.loads(listed("--max-results", "5"))["NextToken"]
    rest = listed("--with-coverage", "--next-token", token)
    assert len(json.loads(rest)["BackupJobs"]) == 7
    assert is_refused(checked(ANY, jobs=rest))


def test_an_empty_list_covers_its_place(listed: Callable[..., str], checked: Callable[..., dict[str, Any]]) -> None:
    result = checked("no FAILED EC2 jobs within 24h", jobs=listed("--with-coverage", "--by-resource-type", "EC2"))
    (entry,) = result["coverage"]
    assert (entry["basis"], entry["account"], entry["jobs"], entry["complete"]) == ("observed", ACCOUNT, 0, True)


def test_each_region_and_account_has_an_entry(cli: Run, url: str, checked: Callable[..., dict[str, Any]]) -> None:
    roles = [part for account in (ACCOUNT, OTHER) for part in ("--role-arn", f"arn:aws:iam::{account}:role/audit")]
    code, out, err = cli("list-backup-jobs", "--endpoint-url", url, "--region", REGION, "--region", FAR, "--with-coverage", *roles)
    assert code == 0, err
    entries = {(entry["account"], entry["region"]): (entry["basis"], entry["jobs"]) for entry in checked(ANY, jobs=out)["coverage"]}
    full = ("observed", 12)
    assert entries == {(ACCOUNT, REGION): full, (ACCOUNT, FAR): full, (OTHER, REGION): full, (OTHER, FAR): ("observed", 0)}


def test_the_organization_has_an_entry_for_each_account(listed: Callable[..., str], checked: Callable[..., dict[str, Any]]) -> None:
    out = listed("--with-coverage", "--account-id", "*")
    assert {entry["account"]: entry["jobs"] for entry in checked(ANY, jobs=out)["coverage"]} == {ACCOUNT: 12, OTHER: 12}


# --- beside the list ---


@pytest.fixture
def beside(listed: Callable[..., str], tmp_path: Path) -> Path:
    """jobs.json, and coverage.json beside it."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "jobs.json").write_text(listed("--coverage", "lists/coverage.json"), encoding="utf-8")
    return tmp_path / "lists"


def test_a_file_beside_the_list_says_the_same(beside: Path, checked: Callable[..., dict[str, Any]]) -> None:
    assert list(json.loads((beside / "jobs.json").read_text(encoding="utf-8"))) == ["BackupJobs"]
    for paths in (["lists/coverage.json", "lists/jobs.json"], ["lists"]):
        result = checked(ANY, *paths)
        assert [entry["basis"] for entry in result["coverage"]] == ["observed"], result["error"]
        assert result["verdict"] == "pass"


def test_a_file_beside_a_list_that_was_changed_is_rejected(beside: Path, checked: Callable[..., dict[str, Any]]) -> None:
    document = json.loads((beside / "jobs.json").read_text(encoding="utf-8"))
    (beside / "jobs.json").write_text(json.dumps(document), encoding="utf-8")
    result = checked(ANY, "lists")
    assert (result["exit_code"], "was changed" in result["error"]) == (3, True)


# --- what contradicts itself ---


def drop(document: dict[str, Any]) -> None:
    document["BackupJobs"].pop()


def move(document: dict[str, Any]) -> None:
    document["BackupJobs"][0]["AccountId"] = "999999999999"


def renamed(document: dict[str, Any]) -> None:
    document["Coverage"]["schema"] = "policycheck/coverage/9"


def unzoned(document: dict[str, Any]) -> None:
    document["Coverage"]["lists"][0]["from"] = "2026-01-01T00:00:00"


def untold(document: dict[str, Any]) -> None:
    del document["Coverage"]["lists"][0]["complete"]


@pytest.mark.parametrize("change", [drop, move, renamed, unzoned, untold])
def test_a_coverage_that_does_not_fit_its_list_is_rejected(
    change: Callable[[dict[str, Any]], None], listed: Callable[..., str], checked: Callable[..., dict[str, Any]]
) -> None:
    document = json.loads(listed("--with-coverage"))
    change(document)
    result = checked(ANY, jobs=json.dumps(document))
    assert (result["exit_code"], "Coverage" in result["error"]) == (3, True)


def test_a_plain_file_of_the_same_place_takes_nothing_from_what_a_list_says(
    listed: Callable[..., str], checked: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "stated.json").write_text(listed("--with-coverage"), encoding="utf-8")
    (tmp_path / "plain.json").write_text(json.dumps({"BackupJobs": [job(20)]}), encoding="utf-8")
    entries = checked(ANY, "stated.json", "plain.json")["coverage"]
    assert {entry["basis"] for entry in entries if entry["region"] == REGION} == {"observed"}
    # Where what the list says is not the whole of its place, the plain file is a claim beside it.
    (tmp_path / "stated.json").write_text(listed("--with-coverage", "--by-state", "COMPLETED"), encoding="utf-8")
    assert {entry["basis"] for entry in checked(ANY, "stated.json", "plain.json")["coverage"]} == {"asserted"}
