"""Every fault, at the first, a middle and the last page, once and from then on: the whole list on stdout, or nothing and a non-zero exit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from policycheck.cli.app import run
from policycheck.emulator.faults import Kind
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from tests.sources.conftest import aws, no_aws, pauses
from tests.sources.loopback import REGION, Answer, endpoint, job, pages
from tests.sources.test_faults import CASES, JOBS, PAGE, Case, store

__all__ = ["aws", "no_aws", "pauses"]
pytestmark = pytest.mark.usefixtures("aws", "pauses")

List = Callable[..., tuple[int, str, str]]
FAST = {(Kind.TRUNCATED, "middle", True), (Kind.HTML, "last", True), (Kind.CUT, "first", False), (Kind.DENIED, "middle", False), (Kind.SHORT, "middle", True)}


@pytest.fixture
def listed(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> List:
    """Runs list-backup-jobs in this process: exit code, stdout, stderr."""
    monkeypatch.setattr("policycheck.sources.pages.EMPTY_PAGES", 20)

    def call(url: str, *options: str) -> tuple[int, str, str]:
        code = run(["list-backup-jobs", "--endpoint-url", url, "--region", REGION, "--page-size", str(PAGE), *options])
        captured = capsysbinary.readouterr()
        return code, captured.out.decode(), captured.err.decode()

    return call


def ids(out: str) -> list[str]:
    return sorted({record["BackupJobId"] for record in json.loads(out)["BackupJobs"]})


EXPECTED = sorted(job(number)["BackupJobId"] for number in range(JOBS))


def check(case: Case, listed: List, form: str) -> str:
    """What is wrong with the run of a case; empty where nothing is."""
    with serve(store(), faults=[case.spec()]) as served:
        code, out, err = listed(served.url, "--output", form)
    if code == 0:
        whole = ids(out) == EXPECTED if form == "json" else all(name in out for name in EXPECTED)
        return "" if whole and case.whole else f"{case.spec()} {form}: exit 0, whole: {whole}"
    return "" if (code, out) == (3, "") and err.startswith("error: ") and not case.whole else f"{case.spec()} {form}: exit {code}, {len(out)} bytes, {err}"


@pytest.mark.parametrize("case", [case for case in CASES if (case.kind, case.place, case.lasting) in FAST], ids=Case.spec)
def test_a_fault_leaves_the_whole_list_or_none(case: Case, listed: List) -> None:
    assert check(case, listed, "json") == ""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "text", "yaml-stream", "table", "yaml"])
def test_no_fault_makes_a_list_short_in_any_output(form: str, listed: List) -> None:
    found = [check(case, listed, form) for case in CASES]
    print(f"{len(found)} faults with --output {form}")
    assert [wrong for wrong in found if wrong] == []


def test_what_came_before_a_fault_is_printed_with_partial_and_the_token_goes_on(listed: List) -> None:
    with serve(store(), faults=["ListBackupJobs:3-=truncated"]) as served:
        code, out, err = listed(served.url, "--partial", "--with-coverage")
    document = json.loads(out)
    assert (code, len(document["BackupJobs"])) == (3, 2 * PAGE)
    assert "not complete" in err
    assert document["Coverage"]["lists"][0]["complete"] is False
    with serve(store()) as served:
        code, rest, _ = listed(served.url, "--starting-token", document["NextToken"])
    assert code == 0
    assert sorted([*ids(out), *ids(rest)]) == EXPECTED


def test_partial_prints_nothing_where_nothing_came(listed: List) -> None:
    with serve(store(), faults=["ListBackupJobs:*=denied"]) as served:
        code, out, _ = listed(served.url, "--partial")
    assert (code, out) == (3, "")


@pytest.mark.parametrize("page", [{"NextToken": "x"}, {"BackupJobs": None}, {"backupJobs": []}, {"BackupJobs": [], "NextToken": ""}, {"BackupJobs": {}}, []])
def test_an_answer_without_its_list_is_no_empty_list(page: Any, listed: List) -> None:
    with endpoint([Answer.of(page)]) as served:
        code, out, _ = listed(served.url)
    assert (code, out) == (3, "")


def test_members_that_the_model_lacks_are_left_out_and_others_kept_as_they_are(listed: List) -> None:
    strange = job(1, PercentDone=5, Brand="new", StatusMessage=None, BackupSizeInBytes=2**70, RecoveryPointLifecycle={}, State="half \ud83d")
    with endpoint(pages([strange], 10)) as served:
        _, out, _ = listed(served.url)
    (found,) = json.loads(out)["BackupJobs"]
    assert "Brand" not in found and "StatusMessage" not in found
    assert (found["PercentDone"], found["BackupSizeInBytes"], found["RecoveryPointLifecycle"]) == (5, 2**70, {})
    assert found["State"] == "half \ufffd"


def test_an_empty_list_is_a_list(listed: List) -> None:
    with serve(Store(management="111122223333")) as served:
        assert listed(served.url)[:2] == (0, '{\n    "BackupJobs": []\n}\n')
