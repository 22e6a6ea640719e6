"""Members of saved records: another spelling, twice, another type. Every member of every list."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from policycheck.datasets import BACKUP_JOBS, DATASETS, JOB_LISTS, Dataset
from policycheck.errors import JobFileError
from policycheck.records import record_type
from tests.sources.jobs import dump, dump_yaml, lines, read, read_backup_jobs

SPELLINGS: dict[str, Callable[[str], str]] = {
    "camelCase": lambda name: name[0].lower() + name[1:],
    "snake_case": lambda name: re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower(),
    "UPPER": str.upper,
    "lower": str.lower,
    "kebab-case": lambda name: re.sub("(?<=[a-z])(?=[A-Z])", "-", name).lower(),
    "Spaced Words": lambda name: re.sub("(?<=[a-z])(?=[A-Z])", " ", name),
    "trailing blank": lambda name: f"{name} ",
}
MEMBERS = [(dataset, member.name) for dataset in DATASETS.values() for member in dataset.members if member.name != dataset.id_field or not dataset.of_state]


def record(dataset: Dataset, name: str, value: object) -> dict[str, object]:
    """A record with one member more, nested where the API nests."""
    head, _, tail = name.partition(".")
    return {dataset.id_field: "job-1", head: {tail: value} if tail else value}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_member_in_another_spelling_is_refused(spelling: str) -> None:
    for dataset, name in MEMBERS:
        *heads, last = name.split(".")
        for written in ([*heads, SPELLINGS[spelling](last)], [SPELLINGS[spelling](part) for part in name.split(".")]):
            if written == name.split("."):
                continue
            job = record(dataset, ".".join(written), None)
            wrong = next(part for part, right in zip(written, name.split("."), strict=True) if part != right)
            bare = ([{dataset.id_field: "a"}, job], {dataset.id_field[:-2]: job})
            for value in ({dataset.result_key: [{dataset.id_field: "a"}, job]}, *(() if dataset.of_state else bare)):
                with pytest.raises(JobFileError, match=re.escape(f"has the field {wrong.strip()}, which AWS writes ")) as caught:
                    read(dump(value))
                assert caught.value.hint


@pytest.mark.parametrize(
    "key", [*(name for d in JOB_LISTS.values() for name in (d.result_key, d.id_field[:-2], d.id_field)), "BackupVaultList", "RecoveryPoints"]
)
def test_lists_wrappers_and_ids_in_another_spelling_are_named(key: str) -> None:
    for spell in SPELLINGS.values():
        if spell(key) != key:
            for data in (dump({spell(key): []}), dump_yaml([{spell(key): []}]), lines([{"BackupJobs": [], spell(key): []}])):
                with pytest.raises(JobFileError, match=re.escape(f"which AWS writes {key}")):
                    read(data)


@pytest.mark.parametrize("name", [member.name for member in BACKUP_JOBS.members if "." in member.name])
def test_a_nested_member_beside_the_others_is_refused(name: str) -> None:
    for flat in (name, name.replace(".", "_"), name.partition(".")[2]):
        with pytest.raises(JobFileError, match="which AWS writes {2} in {0}".format(*name.partition("."))):
            read(dump({"BackupJobs": [{"BackupJobId": "a", flat: None}]}))


def test_unknown_members_are_passed_over_but_not_a_record_of_such_alone() -> None:
    job = {"BackupJobId": "a", "ScanJobsCount": 1, "Nested": {"state": "x", "BackupJobId": "y"}, "CreatedBy": {"ExecutionId": "e"}}
    for data in (dump({"BackupJobs": [job]}), dump([job]), lines([job]), dump_yaml([job])):
        [read_job] = read_backup_jobs(data)
        assert read_job == read_backup_jobs(dump({"BackupJobs": [{"BackupJobId": "a", "CreatedBy": {}}]}))[0]
    with pytest.raises(JobFileError, match="record 1: has no field of a backup job, only Id, Zustand"):
        read(dump({"BackupJobs": [{"BackupJobId": "a"}, {"Id": "b", "Zustand": "FAILED"}]}))


TWICE = {
    "compact": '"%s":%s,"%s":%s',
    "spaced": '"%s" : %s , "%s"\t:\n%s',
    "mixed": '"%s": %s, "%s" : %s',
}


@pytest.mark.parametrize("form", TWICE)
def test_every_member_that_stands_twice_is_refused(form: str) -> None:
    for dataset, name in MEMBERS:
        head, _, tail = name.partition(".")
        for first, second in (("null", '"x"'), ("false", "true"), ('"\\u0022"', "1"), ("{}", "[]")):
            for key in (tail or head, f"\\u{ord((tail or head)[0]):04x}{(tail or head)[1:]}"):
                twice = TWICE[form] % (tail or head, first, key, second)
                job = f'{{"{dataset.id_field}": "j", "{head}": {{{twice}}}}}' if tail else f"{{{twice}}}"
                if name == dataset.id_field:
                    continue
                with pytest.raises(JobFileError, match=f"{tail or head}: appears twice in one object"):
                    read(f'{{"{dataset.result_key}": [{{"{dataset.id_field}": "a"}}, {job}]}}'.encode())


def test_a_member_that_stands_twice_has_a_place() -> None:
    job = '{"BackupJobId": "j", "State": "FAILED", "State": "COMPLETED"}'
    for text, place in (
        (f'[{{"BackupJobs": []}}, {{"BackupJobs": [{{}}, {job}]}}]', "page 1: record 1 (BackupJobId j): State: "),
        (f'{{"BackupJobId": "a"}}\n{job}', "record 1 (BackupJobId j): State: "),
        (f'{{"BackupJob": {job}}}', "BackupJob: State: "),
        (f'{{"BackupJobs": [{{"StatusMessage": "\\ud800"}}, {job}]}}', "record 1 (BackupJobId j): State: "),
    ):
        with pytest.raises(JobFileError) as caught:
            read(text.encode())
        assert caught.value.message == f"{place}appears twice in one object"
    with pytest.raises(JobFileError, match="has a field more than once in one object in line 3"):
        read(b"BackupJobs:\n- State: FAILED\n  State: COMPLETED\n")
    with pytest.raises(JobFileError, match="has a YAML merge key in line 2"):
        read(b"BackupJobs:\n- {<<: {State: FAILED}, State: COMPLETED}\n")


@pytest.mark.parametrize("text", ["BackupJobs", "NextToken", "IsTruncated", "Unknown"])
def test_an_answer_has_each_member_once(text: str) -> None:
    for first, second in (("[]", "[]"), ("null", "[]")):
        more = "" if text == "BackupJobs" else ', "BackupJobs": [{}]'
        with pytest.raises(JobFileError, match=f"has {text} more than once in one answer"):
            read(f'{{"{text}": {first}, "{text}": {second}{more}}}'.encode())


@pytest.mark.parametrize(("value", "text"), [(100, "100.0"), (100.0, "100.0"), (0, "0.0"), (55.26, "55.26"), ("55", "55")])
def test_percent_done_is_read_as_text_or_number(value: object, text: str) -> None:
    for data in (dump({"BackupJobs": [{"PercentDone": value}]}), dump_yaml({"BackupJobs": [{"PercentDone": value}]})):
        assert read_backup_jobs(data) == [record_type(BACKUP_JOBS)(PercentDone=text)]


TIMES = [
    1600721892.929, "1600721892.929", "1.600721892929E9", "2020-09-21T20:58:12.929Z", "2020-09-21 13:58:12.929000-07:00", "2020-09-21T13:58:12.929-0700",
    "2020-09-21T20:58:12,929+00:00",
]  # fmt: skip


@pytest.mark.parametrize("value", TIMES)
def test_every_form_of_a_time_is_one_time(value: object) -> None:
    for dataset in JOB_LISTS.values():
        for data in (dump({dataset.result_key: [{"CreationDate": value}]}), dump_yaml({dataset.result_key: [{"CreationDate": value}]})):
            [(_, [job])] = read(data)
            assert job == record_type(dataset)(CreationDate=1600721892929000)


@pytest.mark.parametrize("value", ["1600721892929", "yesterday", "NaN", "1_600_721_892", "2020-09-21", True, {}, [1600721892]])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(JobFileError, match="record 0: CreationDate"):
        read(dump({"BackupJobs": [{"CreationDate": value}]}))


def test_other_types_are_refused_with_their_place() -> None:
    for member, value in (("IsParent", "false"), ("BackupSizeInBytes", 0.5), ("BackupSizeInBytes", "12"), ("State", {}), ("State", 1), ("PercentDone", True),
                          ("CreatedBy", "x"), ("AccountId", 111122223333)):  # fmt: skip
        with pytest.raises(JobFileError, match=rf"page 1: record 1 \(BackupJobId b\): {member}: expected"):
            read(json.dumps([{"BackupJobs": []}, {"BackupJobs": [{"BackupJobId": "a"}, {"BackupJobId": "b", member: value}]}]).encode())
