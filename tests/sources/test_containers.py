from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, Dataset
from policycheck.errors import JobFileError
from policycheck.records import record_type
from policycheck.sources import containers, json_text
from tests.properties import examples
from tests.sources.jobs import COPY, FORMS, JOBS, RESTORE, Job, dump, dump_yaml, halves, job_list, lines, read, read_backup_jobs
from tests.tables import each

EXPECTED = list(job_list(JOBS).records)
SURROGATE = r'"half \ud800 of a pair"'


@each("form", FORMS)
def test_every_form_gives_the_same_records(form: str) -> None:
    assert read_backup_jobs(FORMS[form](JOBS)) == EXPECTED


@pytest.mark.parametrize(
    ("dataset", "job", "wrapped"),
    [(BACKUP_JOBS, JOBS[1], "BackupJob"), (COPY_JOBS, COPY, "CopyJob"), (RESTORE_JOBS, RESTORE, "RestoreJob")],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_job_is_told_by_its_id(dataset: Dataset, job: Job, wrapped: str) -> None:
    expected = [(dataset.name, list(job_list([job], dataset).records))]
    written = (job, {wrapped: job}, [job], {dataset.result_key: [job]}, [{dataset.result_key: [job]}])
    assert [read(dump(value)) for value in written] == [expected] * 5
    assert [read(dump_yaml(value)) for value in written] == [expected] * 5
    assert read(lines([job])) == expected


@pytest.mark.parametrize("value", [[*JOBS, COPY, RESTORE], {"BackupJobs": JOBS, "CopyJobs": [COPY], "RestoreJobs": [RESTORE]}])
def test_lists_of_several_kinds_in_one_file_stay_apart(value: object) -> None:
    pages = dict(read(dump(value)))
    assert list(pages) == ["backup_jobs", "copy_jobs", "restore_jobs"]
    assert [len(records) for records in pages.values()] == [3, 1, 1]


@pytest.mark.parametrize("data", [b'{"BackupJobs": []}', b"BackupJobs: []\n", b"- BackupJobs: []\n", b'[{"BackupJobs": []}]'])
def test_an_empty_list_is_a_list(data: bytes) -> None:
    assert read(data) == [("backup_jobs", [])]


@pytest.mark.parametrize("data", [b"[]", b"[]\n[]\n", b"[[], []]"])
def test_a_bare_empty_list_names_no_dataset(data: bytes) -> None:
    assert read(data) == []


def test_a_job_without_an_id_is_kept_in_a_list() -> None:
    assert read_backup_jobs(dump({"BackupJobs": [{"State": "FAILED"}, {}]})) == list(job_list([{"State": "FAILED"}, {}]).records)


def test_integers_are_exact_and_unknown_members_ignored() -> None:
    for data in (dump, dump_yaml):
        [record] = read_backup_jobs(data({"BackupJobs": [{"BackupSizeInBytes": 2**62 + 1, "NewMember": {"deep": [1]}}]}))
        assert record == record_type(BACKUP_JOBS)(BackupSizeInBytes=2**62 + 1)


@pytest.mark.parametrize(
    "data",
    [
        b'{"BackupJobs": [{"BackupJobId": "x", "StatusMessage": ' + SURROGATE.encode() + b"}]}",
        b'{"BackupJobs": [{"BackupJobId": "x", "StatusMessage": ' + SURROGATE.encode() + b', "Unknown": "\\udfff", "\\ud800": 1}]}',
        b'[{"BackupJobId": "x", "StatusMessage": ' + SURROGATE.encode() + b"}]",
        b'{"BackupJobId": "x", "StatusMessage": ' + SURROGATE.encode() + b"}\n",
        b"BackupJobs: [{BackupJobId: x, StatusMessage: " + SURROGATE.encode() + b"}]\n",
    ],
)
def test_half_a_surrogate_pair_becomes_a_replacement_character(data: bytes) -> None:
    assert read_backup_jobs(data) == [record_type(BACKUP_JOBS)(BackupJobId="x", StatusMessage="half \ufffd of a pair")]


def test_whole_surrogate_pairs_and_big_integers_survive_beside_a_half_one() -> None:
    data = rb'{"BackupJobs": [{"ResourceName": "\ud83d\ude42", "BackupSizeInBytes": 9007199254740993, "StatusMessage": "\udc00"}]}'
    assert read_backup_jobs(data) == [record_type(BACKUP_JOBS)(ResourceName="🙂", BackupSizeInBytes=9007199254740993, StatusMessage="\ufffd")]


def token(**value: object) -> str:
    """A NextToken as the AWS CLI makes it for --max-items."""
    return base64.b64encode(json.dumps(value).encode()).decode()


def in_region(region: str, account: str = "123456789012") -> Job:
    return {"BackupJobId": region + account, "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:v"}


INCOMPLETE = {
    "token in the only answer": {"BackupJobs": JOBS, "NextToken": "x"},
    "token in the last page": [{"BackupJobs": JOBS}, {"BackupJobs": [], "NextToken": "x"}],
    "token of --max-items before the last page": [{"BackupJobs": JOBS[:1], "NextToken": token(NextToken=None, boto_truncate_amount=1)}, {"BackupJobs": JOBS}],
    "token of --max-items at the end of a page": [{"BackupJobs": JOBS[:1], "NextToken": token(NextToken="abc")}, {"BackupJobs": JOBS}],
    "token, then a list of another kind": [{"BackupJobs": JOBS, "NextToken": "x"}, {"CopyJobs": [COPY]}],
    "token, then bare jobs": [{"BackupJobs": JOBS, "NextToken": "x"}, JOBS[0]],
    "token, then another Region": [{"BackupJobs": [in_region("eu-west-1")], "NextToken": "x"}, {"BackupJobs": [in_region("eu-west-2")]}],
    "token, then another account": [{"BackupJobs": [in_region("eu-west-1")], "NextToken": "x"}, {"BackupJobs": [in_region("eu-west-1", "210987654321")]}],
}


@pytest.mark.parametrize("case", INCOMPLETE)
def test_a_list_that_goes_on_is_refused(case: str) -> None:
    for data in (dump(INCOMPLETE[case]), dump_yaml(json.loads(dump(INCOMPLETE[case])))):
        with pytest.raises(JobFileError, match=r"is incomplete: .*BackupJobs.*NextToken") as caught:
            read(data)
        assert "--max-items" in caught.value.hint


SPELLINGS = ("nextToken", "nexttoken", "NEXTTOKEN", "next_token", "NEXT_TOKEN", "next-token", "Next-Token")


@pytest.mark.parametrize("key", SPELLINGS)
def test_a_token_in_another_spelling_is_a_token(key: str) -> None:
    answer: dict[str, object] = {"BackupJobs": JOBS, key: "abc"}
    for value in (answer, [answer]):
        document = json.loads(dump(value))
        for data in (dump(value), dump_yaml(document)):
            with pytest.raises(JobFileError, match=f"is incomplete: it has a {key}, so the list continues") as caught:
                read(data)
            assert "--max-items" in caught.value.hint
    with pytest.raises(JobFileError, match="is incomplete"):
        read(b'{"BackupJobs": [{"BackupJobId": "\\ud800"}], "%s": "abc"}' % key.encode())
    for nothing in (None, ""):
        assert read_backup_jobs(dump({"BackupJobs": JOBS, key: nothing})) == EXPECTED
    with pytest.raises(JobFileError, match=f"has {key} more than once"):
        read(b'{"BackupJobs": [], "%s": "abc", "%s": null}' % (key.encode(), key.encode()))


@pytest.mark.parametrize("key", SPELLINGS)
def test_a_token_within_a_text_or_a_job_is_none(key: str) -> None:
    job = {"BackupJobId": "a", "StatusMessage": f'{{"{key}": "abc"}}', "Other": {key: "abc"}, "Words": [key]}
    assert len(read_backup_jobs(dump({"BackupJobs": [job]}))) == 1


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_token_says_nothing(nothing: object) -> None:
    assert read_backup_jobs(dump({"BackupJobs": JOBS, "NextToken": nothing})) == EXPECTED


REFUSED: dict[str, tuple[object, str]] = {
    "empty object": ({}, "is incomplete: the answer lacks its list (BackupJobs or CopyJobs or RestoreJobs or Results or BackupVaultList or RecoveryPoints)"),
    "token only": ({"NextToken": "x"}, "is incomplete: the answer lacks its list"),
    "metadata only": ({"ResponseMetadata": {}}, "is incomplete: the answer lacks its list"),
    "a page without its list": ([halves(JOBS)[0], {"ResponseMetadata": {}}, halves(JOBS)[1]], "is incomplete: page 1 lacks its list"),
    "summaries": ({"BackupJobSummaries": []}, "is not a job list: the answer has the keys BackupJobSummaries, not BackupJobs or CopyJobs or RestoreJobs"),
    "plans": ({"BackupPlansList": [], "NextToken": "x"}, "the answer has the keys BackupPlansList, NextToken, not"),
    "an error as JSON": ({"message": "denied", "__type": "AccessDenied"}, "the answer has the keys __type, message, not"),
    "a job without an id": ([{"State": "FAILED"}], "the answer has the keys State, not"),
    "a job without an id among others": ([JOBS[0], {"State": "FAILED"}], "page 1 has the keys State, not"),
    "null": (None, "is empty; an empty file is a failed redirect, not an empty list: it holds null alone"),
    "a text": (["x"], "is not a job list: it contains only"),
    "nulls among pages": ([*halves(JOBS), None], "holds 'null' as element 2, which is neither a job nor an answer"),
    "ids only": (["job-1", "job-2"], "as element 0, which is neither a job nor an answer"),
    "list null": ({"BackupJobs": None}, "BackupJobs: expected array, got null"),
    "list an object": ({"BackupJobs": {}}, "BackupJobs: expected array, got object"),
    "record null": ({"BackupJobs": [{}, None]}, "record 1: expected object, got null"),
    "record a list": ({"BackupJobs": [[]]}, "record 0: expected object, got array"),
    "wrong type": ({"BackupJobs": [{}, {}, {}, {"State": 1}]}, "record 3: State: expected str, got int"),
    "wrong type on a page": ([{"BackupJobs": [{}]}, {"BackupJobs": [{}, {"State": 1}]}], "page 1: record 1: State: expected str, got int"),
    "wrong type in a bare list": ([JOBS[0], {"BackupJobId": "x", "IsParent": "no"}], "record 1 (BackupJobId x): IsParent: expected bool, got str"),
    "wrong type in a wrapper": ({"CopyJob": {"CopyJobId": 5}}, "CopyJob: CopyJobId: expected str, got int"),
    "nested wrong type": ({"BackupJobs": [{"CreatedBy": {"BackupPlanId": 1}}]}, "record 0: CreatedBy.BackupPlanId: expected str, got int"),
    "fraction of a byte": ({"BackupJobs": [{"BackupSizeInBytes": 1.5}]}, "record 0: BackupSizeInBytes: expected int, got float"),
    "no time": ({"BackupJobs": [{"CreationDate": "yesterday"}]}, "record 0: CreationDate: not an ISO 8601 time"),
    "time of a wrong type": ({"BackupJobs": [{"CreationDate": True}]}, "record 0: CreationDate: expected a time, got bool"),
    "time without an offset": ({"BackupJobs": [{"CreationDate": "2020-09-21T13:58:12"}]}, "record 0: CreationDate: 2020-09-21T13:58:12 has no offset"),
    "milliseconds": ({"BackupJobs": [{"BackupJobId": "j", "StartBy": 1600721892929}]}, "record 0 (BackupJobId j): StartBy: 1600721892929 is not a time"),
    "a huge number": ({"BackupJobs": [{"StartBy": 1e305}]}, "a time is not from 1970 to 2300"),
    "a bad time among kinds": ([COPY, {"BackupJobId": "j", "StartBy": -1}], "record 1 (BackupJobId j): StartBy: -1 is not a time"),
}


@each("case", REFUSED)
def test_what_is_no_whole_job_list_is_refused(case: str) -> None:
    value, message = REFUSED[case]
    for data in (dump(value), dump_yaml(json.loads(dump(value)))):
        with pytest.raises(JobFileError) as caught:
            read(data)
        assert message in caught.value.message
        assert caught.value.hint


@pytest.mark.parametrize("index", range(3))
def test_an_error_on_any_page_is_found_on_json_lines(index: int) -> None:
    pages: list[Job] = [{"BackupJobs": []}, {"BackupJobs": []}, {"BackupJobs": []}]
    pages[index] = {"NextToken": "x"}
    with pytest.raises(JobFileError, match=f"is incomplete: page {index} lacks its list"):
        read(lines(pages))


WHOLE = json.dumps(
    {"BackupJobs": [{"BackupJobId": "a", "IsParent": True, "BackupSizeInBytes": -71, "StatusMessage": "\u00e9 \n", "StartBy": 1.5}]}, indent=1
).encode()


@each("length", range(1, len(WHOLE)))
def test_every_truncation_is_refused(length: int) -> None:
    with pytest.raises(JobFileError, match=r"is cut off: the JSON ends in the middle of a value \(line \d+, column \d+, byte \d+\)"):
        read(WHOLE[:length])


def test_truncation_says_where() -> None:
    with pytest.raises(JobFileError) as caught:
        read(b'{"BackupJobs": [\n{"BackupJobId": "a"},\n')
    assert caught.value.message == "is cut off: the JSON ends in the middle of a value (line 3, column 1, byte 39)"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"BackupJobs": [}', "is not JSON: expecting value (line 1, column 17)"),
        (b'{"BackupJobs": []}\ngarbage', "is not JSON after a whole document: expecting value (line 2, column 1)"),
        (b'{"BackupJobs": []},{"BackupJobs": []}', "is not JSON after a whole document"),
        (
            b'{"BackupJobs": []}\n\nAn error occurred (ThrottlingException) when calling',
            "contains an error message of the AWS CLI, not a complete list: An error occurred",
        ),
        (b"{'BackupJobs': [{'CreationDate': datetime.datetime(2020, 9, 21)}]}", "is a Python print, not JSON"),
        (b'{"BackupJobs": [{"CreationDate": NaN}]}', "holds NaN, which JSON does not know"),
        (b'{"BackupJobs": [{"CreationDate": 1e999, "State": "\\ud800"}]}', "holds the number inf"),
        (b'{"BackupJobs": ' + b"[" * 200_000, "is nested too deeply"),
        (b"[" * 200_000 + b"]" * 200_000, "is nested too deeply"),
        (b'{"BackupJobs": [{"State": "\xff"}]}', "is not UTF-8: byte 0xff in line 1"),
        (b"BackupJobs:\n- State: \xe9\n", "is not UTF-8: byte 0xe9 in line 2"),
        (b"just words\n", "is not a job list: it contains only 'just words'"),
        (b"BackupJobs: [}", "is neither JSON nor YAML"),
        (b"BackupJobs: []\n---\n", "holds 'null' as element 1"),
        (b"BackupJobs:\n- AccountId: 012345678901\n", "record 0: AccountId: expected str, got int"),
        (b"BackupJobs:\n- CreationDate: 2020-09-21T13:58:12\n", "record 0: CreationDate: 2020-09-21T13:58:12 has no offset"),
        (b"BackupJobs:\n- CreationDate: .nan\n", "holds the number nan"),
        (b"BackupJobs: !!set {a, b}\n", "has a YAML tag in line 1"),
        (b"1: 2\n", "the answer has the keys 1, not"),
    ],
)
def test_malformed_text_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(JobFileError) as caught:
        read(data)
    assert message in caught.value.message


def test_untrusted_text_in_an_error_is_clean_and_short() -> None:
    with pytest.raises(JobFileError) as caught:
        read(dump({"\x1b[31m" + "x" * 1000: 1}))
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 300


# --- properties ---

# Three line breaks of YAML 1.1 that a YAML writer may leave bare: a reader then has to fold them, so that YAML cannot keep them.
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029"), max_size=12)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)).map(lambda time: time.replace(tzinfo=UTC).isoformat())


OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "AccountId": WORDS,
    "ResourceName": WORDS,
    "CreationDate": TIMES,
    "CompletionDate": TIMES,
    "State": st.sampled_from(["COMPLETED", "FAILED", "CREATED"]),
    "BackupSizeInBytes": st.integers(0, 2**63 - 1),
    "IsParent": st.booleans(),
    "CreatedBy": st.fixed_dictionaries({}, optional={"BackupPlanId": WORDS}),
}
RECORDS = st.fixed_dictionaries({"BackupJobId": st.text("abcdef0123456789-", min_size=1, max_size=8)}, optional=OPTIONAL)
BACKUP_JOB_LISTS = st.lists(RECORDS, min_size=2, max_size=5)


JSON_FORMS = [form for form in FORMS if "YAML" not in form and "yaml" not in form and form not in ("epoch seconds", "json.dump(default=str)")]


@examples(jobs=BACKUP_JOB_LISTS, form=st.sampled_from(JSON_FORMS), few=9, many=300)
def test_any_jobs_survive_any_json_form(jobs: list[Job], form: str) -> None:
    assert read_backup_jobs(FORMS[form](jobs)) == list(job_list(jobs).records)


@examples(jobs=BACKUP_JOB_LISTS, form=st.sampled_from(["YAML", "YAML bare list", "yaml-stream", "YAML documents", "gzip of YAML"]), few=9, many=300)
def test_any_jobs_survive_any_yaml_form(jobs: list[Job], form: str) -> None:
    assert read_backup_jobs(FORMS[form](jobs)) == list(job_list(jobs).records)


@examples(jobs=BACKUP_JOB_LISTS, form=st.sampled_from(JSON_FORMS), few=9, many=300)
def test_the_slow_road_reads_what_the_fast_one_reads(jobs: list[Job], form: str) -> None:
    fast = FORMS[form](jobs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(containers, "_fast_pages", lambda data: [])
        assert read_backup_jobs(fast) == list(job_list(jobs).records)
        patch.setattr(containers, "json_documents", lambda data: json_text._lenient_documents(data.decode()))
        assert read_backup_jobs(fast) == list(job_list(jobs).records)


@examples(data=st.data(), form=st.sampled_from(list(FORMS)), few=24, many=500)
def test_damage_is_refused_or_read_but_never_a_crash(data: st.DataObject, form: str) -> None:
    whole = bytearray(FORMS[form](JOBS))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(whole))
    except JobFileError as error:
        assert error.message


@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=60) | st.text('{}[]":,\\ud80 \nBackupJobs-', max_size=40).map(str.encode) | st.binary(max_size=30).map(gzip.compress))
def test_any_bytes_are_refused_or_read_but_never_a_crash(data: bytes) -> None:
    try:
        pages: Sequence[object] = read(data)
    except JobFileError as error:
        assert error.message
    else:
        assert all(isinstance(page, tuple) for page in pages)


def test_big_lists_take_the_fast_road(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the slow road was taken")

    monkeypatch.setattr(containers, "_pages", refuse)
    whole = [{member: value for member, value in job.items() if value is not None} for job in JOBS]
    for form in ("one object", "one object with more keys", "bare list", "list of pages", "JSON lines of jobs", "JSON lines of pages", "concatenated objects"):
        assert read_backup_jobs(FORMS[form](whole)) == EXPECTED
    assert isinstance(EXPECTED[0], msgspec.Struct)
    # A member that is null, or unknown, costs a second look at its record and no more, where it stands in an answer.
    assert read_backup_jobs(dump({"BackupJobs": [*JOBS, {"State": "FAILED", "NewMember": {"deep": "x"}}]})) == [
        *EXPECTED,
        record_type(BACKUP_JOBS)(State="FAILED"),
    ]
