from __future__ import annotations

import io
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import strategies as st

from policycheck.errors import ExitCode, JobFileError
from policycheck.sources.files import read_job_files
from policycheck.sources.interface import Evidence
from tests.properties import examples
from tests.sources.jobs import AS_OF, COPY, FORMS, JOBS, RESTORE, VAULT, Job, dump, job_list

EXPECTED = list(job_list(JOBS).records)


def evidence(*paths: str | Path, stdin: bytes = b"") -> Evidence:
    return read_job_files([str(path) for path in paths], as_of=AS_OF, covers=None, stdin=io.BytesIO(stdin))


def refusal(*paths: str | Path) -> JobFileError:
    with pytest.raises(JobFileError) as caught:
        evidence(*paths)
    return caught.value


@pytest.fixture
def save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], str]:
    """Write a file below a working directory; its relative path."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, data: bytes) -> str:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)
        return name

    return write


Save = Callable[[str, bytes], str]


def test_a_file_gives_its_list_coverage_and_what_it_does_not_say(save: Save) -> None:
    found = evidence(save("jobs.txt", dump({"BackupJobs": JOBS})))
    assert {name: list(read.records) for name, read in found.lists.items()} == {"backup_jobs": EXPECTED}
    assert [(entry.account, entry.region, entry.jobs, entry.source) for entry in found.coverage] == [
        (None, None, 1, "jobs.txt"),
        ("123456789012", "us-west-2", 2, "jobs.txt"),
    ]
    assert found.not_seen == ("asserted: jobs.txt does not record how it was made: jobs that a filter, a time range or an option left out cannot be seen",)
    assert found.warnings == ()


def test_standard_input_is_read_once_and_named(save: Save) -> None:
    found = evidence("-", "-", stdin=dump(JOBS))
    assert list(found.lists["backup_jobs"].records) == EXPECTED
    assert {entry.source for entry in found.coverage} == {"-"}
    assert found.not_seen[0].startswith("asserted: standard input does not record")


def test_a_file_called_minus_can_be_named(save: Save) -> None:
    save("-", dump(JOBS))
    assert {entry.source for entry in evidence("./-").coverage} == {"./-"}


def test_names_and_extensions_do_not_matter(save: Save) -> None:
    for number, (form, write) in enumerate(FORMS.items()):
        name = save(f"{number}.{random.Random(number).choice(['json', 'yaml', 'gz', 'csv', 'x'])}", write(JOBS))
        assert list(evidence(name).lists["backup_jobs"].records) == EXPECTED, form


def test_lists_of_all_kinds_come_in_one_order(save: Save) -> None:
    found = evidence(save("r", dump(RESTORE)), save("c", dump(COPY)), save("b", dump(JOBS)))
    assert list(found.lists) == ["backup_jobs", "copy_jobs", "restore_jobs"]
    assert found.not_seen[0].startswith("asserted: 3 files (r, c, b) do not record how they were made")


def test_a_folder_is_read_whole_and_in_order_hidden_files_left_out(save: Save) -> None:
    for name, job in zip(("in/b", "in/a/deep/x.json", "in/c"), JOBS, strict=True):
        save(name, dump(job))
    save("in/.hidden", b"junk")
    save("in/.git/config", b"junk")
    found = evidence("in")
    assert [record.BackupJobId for record in found.lists["backup_jobs"].records] == ["job-2", "job-1", "job-3"]
    assert found.not_seen[0].startswith("asserted: 3 files (in/a/deep/x.json, in/b, in/c) do not record")
    assert [entry.source for entry in found.coverage] == ["in/c", "2 files"]


def test_a_file_named_twice_is_read_once(save: Save) -> None:
    save("in/a", dump({"BackupJobs": [{"State": "FAILED"}]}))
    Path("link").symlink_to("in/a")
    found = evidence("in/a", "in", "./in/../in/a", "link")
    assert len(found.lists["backup_jobs"]) == 1
    assert found.coverage[0].source == "in/a"


def test_duplicates_over_files_are_dropped_and_told(save: Save) -> None:
    whole = [{"CreationDate": "2020-09-21T13:55:24-07:00", **job, "ResourceArn": "arn:aws:ec2:us-west-2:123456789012:instance/i-1"} for job in JOBS]
    found = evidence(save("a", dump(whole)), save("b", dump(whole)))
    assert list(found.lists["backup_jobs"].records) == list(job_list(whole).records)
    assert found.warnings == ("3 records repeat a BackupJobId; each job counts once",)
    assert {entry.source for entry in found.coverage} == {"2 files"}


def test_a_list_of_one_state_and_jobs_of_the_future_are_told(save: Save) -> None:
    jobs = [{"BackupJobId": str(number), "State": "FAILED", "CreationDate": "2020-09-23T00:00:00Z"} for number in range(2)]
    future, state = evidence(save("a", dump(jobs))).warnings
    assert future == "2 backup jobs were created after as_of and omitted"
    assert "--by-state" in state


def test_empty_lists_are_told(save: Save) -> None:
    found = evidence(save("a", b'{"BackupJobs": []}'), save("b", b"[]"))
    assert {name: len(read) for name, read in found.lists.items()} == {"backup_jobs": 0}
    assert found.coverage == ()
    assert found.not_seen[1:] == (
        "asserted: no backup job in a; an empty list does not record its account and Region",
        "asserted: nothing in b; an empty list does not record its list, account and Region",
    )


def test_many_files_are_counted_not_listed(save: Save) -> None:
    names = [save(f"{number}.json", dump({**JOBS[0], "BackupJobId": str(number)})) for number in range(9)]
    assert evidence(*names).not_seen[0].startswith("asserted: 9 files (0.json, 1.json, 2.json and 6 more) do not record")


def test_a_pipe_is_read(save: Save) -> None:
    reader, writer = os.pipe()
    os.write(writer, dump(JOBS))
    os.close(writer)
    try:
        assert list(evidence(f"/dev/fd/{reader}").lists["backup_jobs"].records) == EXPECTED
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent", "does not exist"),
        ("absent/deeper", "does not exist"),
        ("", "the name of a job list is empty"),
        ("hidden", "is a folder without a file"),
        ("nul\0byte", "cannot be read"),
        ("file/below", "cannot be read: not a directory"),
        ("x" * 5000, "cannot be read: file name too long"),
    ],
)
def test_paths_that_cannot_be_read_are_refused(path: str, message: str, save: Save) -> None:
    save("file", b"")
    save("hidden/.x", b"")
    error = refusal(path)
    assert error.message.startswith(message)
    assert error.exit_code is ExitCode.EVIDENCE


@pytest.mark.parametrize("path", ["in/file", "in"])
def test_what_may_not_be_read_is_refused(path: str, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    save("in/file", dump(JOBS))

    def refuse(self: Path, mode: str) -> object:
        raise PermissionError(13, "Permission denied", str(self))

    # Modes would not do: an administrator may read everything.
    monkeypatch.setattr(Path, "open", refuse)
    error = refusal(path)
    assert (error.place, error.message) == ("in/file", "cannot be read: permission denied")


def test_an_unreadable_folder_is_refused_even_beside_others(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    save("in/file", dump(JOBS))
    scan = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    Path("in/secret").mkdir()
    monkeypatch.setattr(os, "scandir", refuse)
    error = refusal("in")
    assert (error.place, error.message) == ("in/secret", "cannot be read: permission denied")


def test_one_broken_file_is_named_as_given(save: Save) -> None:
    error = refusal(save("in/./a.json", b'{"BackupJobs": [{"State": 1}]}'))
    assert (error.place, error.message) == ("in/./a.json", "record 0: State: expected str, got int")


def test_all_broken_files_are_named_in_one_error(save: Save) -> None:
    names = [save(f"in/{number:02}", b"") for number in range(25)]
    save("in/whole", dump(JOBS))
    error = refusal("in", "absent")
    first, *each = error.message.split("\n")
    assert first == "26 files or folders cannot be used:"
    assert [line.split(":")[0] for line in each[:-1]] == names[:20]
    assert each[0].startswith("in/00: is empty; an empty file is a failed redirect, not an empty list (run")
    assert each[-1] == "and 6 more"


def test_untrusted_file_names_are_cleaned(save: Save) -> None:
    found = evidence(save("a\x1b[31m\n.json", dump(JOBS)))
    assert "\x1b" not in "".join([*found.not_seen, *(entry.source for entry in found.coverage)])
    assert "\x1b" not in refusal(save("b\x1b", b"")).place


# --- the lists real clients have saved, where they are at hand ---

SAMPLES = Path(os.environ.get("POLICYCHECK_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))
FIVE = ["boto3.jsonl", "utf8-bom-crlf.json", "v1-default.json", "v1-iso8601.json", "v2-default.json", "v2-default.yaml", "v2-default.yaml-stream"]
FIVE += ["v2-query-list.json", "wire.json"]
SINGLE = {"v2-describe.json": 1, "v2-empty.json": 0}
UNREADABLE = {"v2-default.table": "is table output", "v2-default.text": "is text output", "v2-maxitems2.json": "is incomplete"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not part of the repository")
def test_every_sample_of_a_real_client_gives_the_same_list() -> None:
    names = {path.name for path in SAMPLES.iterdir()}
    assert names == {*FIVE, *SINGLE, *UNREADABLE}
    reference = evidence(SAMPLES / "v2-default.json")
    assert len(reference.lists["backup_jobs"]) == 5
    for name in FIVE:
        (read,) = evidence(SAMPLES / name).lists.values()
        # YAML does not say that it ends here, and nothing in it says that it does not.
        assert not read.cut_off, name
        assert {"backup_jobs": replace(read, behind={})} == reference.lists, name
        (*told, last), (*expected, whole) = read.told, reference.lists["backup_jobs"].told
        # It expired, and may have lost its message with the end of the text.
        assert (told, last) == (expected, whole.but(frozenset({"StatusMessage"})) if read.behind else whole), name
    for name, count in SINGLE.items():
        assert {key: len(read) for key, read in evidence(SAMPLES / name).lists.items()} == {"backup_jobs": count}, name
    assert evidence(SAMPLES / "v2-describe.json").lists["backup_jobs"].records[0] in reference.lists["backup_jobs"].records
    for name, message in UNREADABLE.items():
        assert refusal(SAMPLES / name).message.startswith(message), name


# --- properties ---

TIMES = st.sampled_from(["2020-09-19T00:00:00Z", "2020-09-20T00:00:00.5Z", "2020-09-21T23:00:00-07:00", "2020-09-30T00:00:00Z"])
ANY_JOBS = st.lists(
    st.fixed_dictionaries(
        {"BackupJobId": st.sampled_from("abcdef")},
        optional={
            "State": st.sampled_from(["RUNNING", "FAILED", "EXPIRED"]),
            "AccountId": st.sampled_from(["1" * 12, "2" * 12]),
            "BackupVaultArn": st.sampled_from([VAULT, VAULT.replace("us-west-2", "eu-west-1")]),
            "CreationDate": TIMES,
            "CompletionDate": TIMES,
            "StartBy": TIMES,
            "StatusMessage": st.sampled_from("xy"),
        },
    ),
    min_size=1,
    max_size=8,
)


def comparable(found: Evidence) -> object:
    coverage = [(entry.dataset, entry.place, entry.start, entry.end, entry.jobs, entry.reason) for entry in found.coverage]
    return sorted(map(repr, found.lists["backup_jobs"].records)), coverage, found.warnings


@examples(jobs=ANY_JOBS, seed=st.integers(0, 2**16), cut=st.integers(0, 8), few=12, many=300)
def test_order_and_files_do_not_matter(jobs: list[Job], seed: int, cut: int) -> None:
    whole = evidence("-", stdin=dump({"BackupJobs": jobs}))
    shuffled = random.Random(seed).sample(jobs, len(jobs))
    parts: Sequence[list[Job]] = [shuffled[:cut], shuffled[cut:]]
    with TemporaryDirectory() as folder:
        for number, part in enumerate(parts):
            Path(folder, str(number)).write_bytes(dump({"BackupJobs": part}))
        assert comparable(evidence(folder)) == comparable(whole)


def test_a_folder_is_read_through_links_and_a_link_to_nowhere_is_an_error(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "jobs"
    outside.mkdir()
    folder.mkdir()
    (outside / "b.json").write_text('{"BackupJobs": [{"BackupJobId": "b", "State": "FAILED"}]}', encoding="utf-8")
    (folder / "a.json").write_text('{"BackupJobs": [{"BackupJobId": "a", "State": "COMPLETED"}]}', encoding="utf-8")
    (folder / "more").symlink_to(outside)
    (folder / "round").symlink_to(folder)
    evidence = read_job_files([str(folder)], as_of=datetime(2026, 11, 20, tzinfo=UTC), covers=None, stdin=io.BytesIO())
    assert {record.BackupJobId for record in evidence.lists["backup_jobs"].records} == {"a", "b"}
    (folder / "gone.json").symlink_to("nowhere.json")
    with pytest.raises(JobFileError, match="is not a readable file, but a broken link, a pipe or a device"):
        read_job_files([str(folder)], as_of=datetime(2026, 11, 20, tzinfo=UTC), covers=None, stdin=io.BytesIO())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"BackupJobs": [{"BackupJobId": "a"}], "BackupJobs": [{"BackupJobId": "b"}]}', "BackupJobs more than once"),
        (b'{"BackupJobs": [{"BackupJobId": "a"}], "NextToken": "x", "NextToken": null}', "NextToken more than once"),
        (b'{"BackupJobs": [{"BackupJobId": "a", "BackupVaultName": "\\ud800", "X": ' + b"9" * 5000 + b"}]}", "number that is too long"),
        (b"BackupJobs:\n- BackupJobId: a\n  X: !!bool x\n", "YAML tag"),
        (
            b"BackupJobs:\n" + b"- BackupJobId: a\n  State: COMPLETED\n" * 200 + b'\nCould not connect to the endpoint URL: "https://x"\n',
            "error message of the AWS CLI",
        ),
    ],
)
def test_what_would_hide_a_job_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    path.write_bytes(data)
    with pytest.raises(JobFileError, match=message):
        read_job_files([str(path)], as_of=datetime(2026, 11, 20, tzinfo=UTC), covers=None, stdin=io.BytesIO())


def test_an_empty_id_names_no_job(tmp_path: Path) -> None:
    path = tmp_path / "jobs.json"
    path.write_text('{"BackupJobs": [{"BackupJobId": "", "State": "FAILED"}, {"BackupJobId": "", "State": "COMPLETED"}]}', encoding="utf-8")
    evidence = read_job_files([str(path)], as_of=datetime(2026, 11, 20, tzinfo=UTC), covers=None, stdin=io.BytesIO())
    assert len(evidence.lists["backup_jobs"]) == 2
