"""No page of a list is lost: an answer without its list is asked for again, and fails the fetch if it stays so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.config import Config
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, DATASETS
from policycheck.errors import FetchError, UsageError
from policycheck.records import record_type
from policycheck.sources.pages import Cancelled, Page, client_method, guard, list_pages
from policycheck.sources.session import ATTEMPTS
from tests.properties import examples
from tests.sources.loopback import NOW, REGION, Answer, Endpoint, endpoint, job, pages

pytestmark = pytest.mark.usefixtures("aws")
ROOT = Path(__file__).parents[2]
EMPTY = b'{"BackupJobs":[]}'


@contextmanager
def client_of(url: str, **options: Any) -> Iterator[Any]:
    config = Config(retries={"mode": "standard", "total_max_attempts": ATTEMPTS})
    client = boto3.client("backup", region_name=REGION, endpoint_url=url, config=config)
    try:
        guard(client, **options)
        yield client
    finally:
        client.close()


def listed(served: Endpoint, **parameters: object) -> list[Page]:
    with client_of(served.url) as client:
        return list(list_pages(client, BACKUP_JOBS, parameters, REGION))


def ids(found: list[Page]) -> list[str]:
    return [record.BackupJobId for page in found for record in page.jobs.records]


def test_every_page_is_read_in_turn_with_what_was_asked() -> None:
    jobs = [job(number) for number in range(25)]
    with endpoint(pages(jobs, 10)) as served:
        found = listed(served, ByState="FAILED")
    assert ids(found) == [each["BackupJobId"] for each in jobs]
    assert [page.token for page in found] == ["token-10", "token-20", None]
    tokens = [{}, {"nextToken": "token-10"}, {"nextToken": "token-20"}]
    assert served.asked == [{"maxResults": "1000", "state": "FAILED", **token} for token in tokens]


def test_a_page_keeps_its_body_and_the_clock_of_aws() -> None:
    answer = pages([job(0)], 10)[0]
    with endpoint([answer]) as served:
        (page,) = listed(served)
    assert page.body == answer.body
    assert page.date == NOW


@pytest.mark.parametrize("date", ["", "soon", "Sun, 01 Mar 2026 12:00:00"])
def test_a_page_without_a_date_has_none(date: str) -> None:
    with endpoint([Answer(EMPTY, headers={"Date": date})]) as served:
        (page,) = listed(served)
    assert page.date is None


@pytest.mark.parametrize("empty", [1, 3])
def test_an_empty_page_that_leads_on_is_not_the_end(empty: int) -> None:
    middle = [Answer.of({"BackupJobs": [], "NextToken": f"empty-{number}"}) for number in range(empty)]
    with endpoint([*middle, *pages([job(0)], 10)]) as served:
        assert len(ids(listed(served))) == 1


DAMAGED = {
    "cut off": (Answer(EMPTY[:9]), "not complete JSON (9 bytes)"),
    "empty": (Answer(b""), "it is empty"),
    "web page": (Answer(b"<!DOCTYPE html><html>Sign in</html>"), "web page"),
    "connection cut": (Answer(EMPTY[:9], promised=len(EMPTY)), "ended after 9 of 17 bytes"),
    "whole JSON in a cut body": (Answer(EMPTY, promised=len(EMPTY) + 20), "ended after 17 of 37 bytes"),
    "no list": (Answer(b'{"NextToken":"x"}'), "has no BackupJobs"),
    "another list": (Answer(b'{"CopyJobs":[]}'), "has no BackupJobs"),
    "null for a list": (Answer(b'{"BackupJobs":null}'), "expected array"),
    "an array": (Answer(b"[]"), "expected object"),
    "null": (Answer(b"null"), "expected object"),
    "a job that is none": (Answer(b'{"BackupJobs":[5]}'), "expected object"),
    "a state that is none": (Answer(b'{"BackupJobs":[{"State":5}]}'), "$.BackupJobs[0].State"),
    "a token that is none": (Answer(b'{"BackupJobs":[],"NextToken":5}'), "$.NextToken"),
    "not UTF-8": (Answer(b'{"BackupJobs":[{"ResourceName":"\xff"}]}'), "it is not complete JSON ("),
    "too deep": (Answer(b'{"BackupJobs":' + b"[" * 100_000), "$.BackupJobs"),
    "partial content": (Answer(EMPTY, status=206), "status is 206"),
    "no content": (Answer(b"", status=204), "status is 204"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_page_is_asked_for_again(name: str, pauses: list[float]) -> None:
    first, last = pages([job(0), job(1)], 1)
    with endpoint([first, DAMAGED[name][0], DAMAGED[name][0], last]) as served:
        assert len(ids(listed(served))) == 2
    assert [query.get("nextToken") for query in served.asked] == [None, "token-1", "token-1", "token-1"]
    assert len(pauses) == 2


@pytest.mark.parametrize("name", DAMAGED)
def test_a_page_that_stays_damaged_fails_the_fetch_and_says_how(name: str, pauses: list[float]) -> None:
    answer, problem = DAMAGED[name]
    with endpoint([pages([job(0), job(1)], 1)[0], answer]) as served, pytest.raises(FetchError) as caught:
        listed(served)
    assert problem.lower() in caught.value.message.lower()
    assert caught.value.place == "ListBackupJobs, eu-west-1, page 2 (after 1 backup jobs)"
    assert len(served.asked) == 1 + ATTEMPTS
    assert len(pauses) == ATTEMPTS - 1
    assert sum(pauses) < 7


@pytest.mark.parametrize("status", [300, 301, 302, 400, 403, 404, 407, 429, 500, 502, 503, 504])
@pytest.mark.usefixtures("pauses")
def test_an_error_with_any_body_fails_the_fetch(status: int) -> None:
    bodies = [b"", b"<html>no</html>", b"[1]", b"5", b"null", b'{"code":[1],"message":{}}', b'{"__type":5}', b"{", EMPTY]
    attempts = ATTEMPTS if status == 429 or status >= 500 else 1
    with endpoint([Answer(body, status) for body in bodies for _ in range(attempts)]) as served:
        for number, body in enumerate(bodies, start=1):
            with pytest.raises(FetchError) as caught:
                listed(served)
            assert str(status) in caught.value.message, body
            assert len(served.asked) == number * attempts, body


@pytest.mark.usefixtures("pauses")
@examples(st.binary(max_size=60), few=5, many=100)
def test_whatever_a_body_is_the_fetch_fails_or_the_list_was_there(body: bytes) -> None:
    with endpoint([Answer(body)]) as served:
        try:
            found = listed(served)
        except FetchError:
            return
    assert "BackupJobs" in msgspec.json.decode(found[0].body)


@pytest.mark.parametrize(
    ("tokens", "requests"),
    [
        pytest.param(["a", "a"], 2, id="the one that was sent"),
        pytest.param(["a", "b", "a"], 3, id="an earlier one"),
    ],
)
def test_a_token_that_comes_again_fails_the_fetch(tokens: list[str], requests: int) -> None:
    answers = [Answer.of({"BackupJobs": [job(number)], "NextToken": token}) for number, token in enumerate(tokens)]
    with endpoint(answers) as served, pytest.raises(FetchError, match="does not end"):
        listed(served)
    assert len(served.asked) == requests


def test_an_empty_token_fails_the_fetch() -> None:
    with endpoint([Answer.of({"BackupJobs": [job(0)], "NextToken": ""})]) as served, pytest.raises(FetchError, match="NextToken is empty"):
        listed(served)


def test_pages_that_stay_empty_and_lead_on_for_ever_fail_the_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.sources.pages.EMPTY_PAGES", 5)
    with endpoint(lambda number, _: Answer.of({"BackupJobs": [], "NextToken": f"t{number}"})) as served, pytest.raises(FetchError, match="5 pages in a row"):
        listed(served)
    assert len(served.asked) == 5


@pytest.mark.parametrize(("time_text", "problem"), [('"2026-03-01T12:00:00"', "no offset"), ("1e18", "1970 to 2300"), ("-5", "1970 to 2300")])
def test_a_time_that_cannot_be_fails_the_fetch_and_is_named(time_text: str, problem: str) -> None:
    body = f'{{"BackupJobs":[{{}},{{"CreationDate":{time_text}}}]}}'.encode()
    with endpoint([Answer(body)]) as served, pytest.raises(FetchError) as caught:
        listed(served)
    assert "record 1" in caught.value.message
    assert problem in caught.value.message


def test_half_a_surrogate_pair_in_a_name_loses_nothing() -> None:
    body = b'{"BackupJobs":[{"BackupJobId":"j","ResourceName":"a\\ud83d","CreationDate":1772366400.5,"Tag\\ud83d":1}]}'
    with endpoint([Answer(body)]) as served:
        (page,) = listed(served)
    assert page.jobs.records[0].ResourceName == "a\N{REPLACEMENT CHARACTER}"
    assert page.jobs.records[0].CreationDate == 1772366400_500_000


def test_members_the_api_will_get_are_no_damage() -> None:
    with endpoint([Answer.of({"BackupJobs": [{"BackupJobId": "j", "Unheard": {"of": 1}}], "More": 1})]) as served:
        assert ids(listed(served)) == ["j"]


def test_a_parameter_the_api_does_not_have_is_a_mistake_of_the_command_line() -> None:
    with endpoint([Answer(EMPTY)]) as served, pytest.raises(UsageError):
        listed(served, ByMood="bad")
    assert served.asked == []


def test_nothing_is_sent_once_nobody_waits() -> None:
    with endpoint([Answer(EMPTY)]) as served, client_of(served.url, cancelled=lambda: True) as client, pytest.raises(Cancelled):
        list(list_pages(client, BACKUP_JOBS, {}))
    assert served.asked == []


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset.name)
def test_every_list_is_guarded(dataset: Any, pauses: list[float]) -> None:
    good = Answer.of({dataset.result_key: [{dataset.id_field: "x"}]})
    with endpoint([Answer(b"{}"), good]) as served, client_of(served.url) as client:
        (page,) = list_pages(client, dataset, {dataset.each.parameter: "v"} if dataset.each else {})
    assert getattr(page.jobs.records[0], dataset.id_field) == "x"
    assert len(pauses) == 1


def test_operations_have_the_names_boto3_gives_them() -> None:
    assert [client_method(dataset) for dataset in DATASETS.values()] == [
        "list_backup_jobs",
        "list_copy_jobs",
        "list_restore_jobs",
        "list_protected_resources",
        "list_backup_vaults",
        "list_recovery_points_by_backup_vault",
    ]


def test_records_are_what_botocore_makes_of_the_same_page() -> None:
    with endpoint(pages([job(number, ResourceName="Größe 漢字 🙂") for number in range(3)], 10)) as served:
        (ours,) = listed(served)
        client = boto3.client("backup", region_name=REGION, endpoint_url=served.url)
        theirs: list[Mapping[str, Any]] = client.list_backup_jobs()["BackupJobs"]
        client.close()
    for record, expected in zip(ours.jobs.records, theirs, strict=True):
        for name, value in msgspec.to_builtins(record).items():
            other = expected[name]
            assert value == ((other - datetime(1970, 1, 1, tzinfo=UTC)) // datetime.resolution if isinstance(other, datetime) else other)
        assert set(msgspec.to_builtins(record)) == set(expected)


def test_records_of_two_lists_are_of_two_types() -> None:
    assert record_type(BACKUP_JOBS) is not record_type(COPY_JOBS)
