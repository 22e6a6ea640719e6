from __future__ import annotations

import codecs
import gzip
import io

import pytest

from policycheck.errors import JobFileError
from policycheck.sources import contents, yaml_text
from tests.sources.jobs import FORMS, JOBS, dump, dump_yaml, read
from tests.tables import each

PAGE = dump({"BackupJobs": JOBS})

REFUSED = {
    "nothing": (b"", "is empty; an empty file is a failed redirect, not an empty list"),
    "blanks": (b" \r\n\t\n", "is empty"),
    "a mark only": (codecs.BOM_UTF8, "is empty"),
    "UTF-16 of nothing": (codecs.BOM_UTF16_LE + "\r\n".encode("utf-16-le"), "is empty"),
    "gzip of nothing": (gzip.compress(b""), "is empty"),
    "gzip cut off": (gzip.compress(PAGE)[:-20], "is cut off: its gzip data end early"),
    "gzip header only": (b"\x1f\x8b", "is cut off: its gzip data end early"),
    "gzip damaged": (gzip.compress(PAGE)[:20] + b"\xff" * 8 + gzip.compress(PAGE)[28:], "is damaged gzip data"),
    "gzip three times": (gzip.compress(gzip.compress(gzip.compress(PAGE))), "is not text"),
    "ZIP": (b"PK\x03\x04rest", "is a ZIP archive, not a job list"),
    "zstd": (b"\x28\xb5\x2f\xfdrest", "is packed by zstd"),
    "Parquet": (b"PAR1rest", "is a Parquet file"),
    "binary": (bytes(range(256)), "is not text"),
    "an image": (b"\x89PNG\r\n\x1a\n\x00\x00", "is not text"),
    "UTF-16 without a mark": (PAGE.decode().encode("utf-16-le"), "is not text"),
    "UTF-16 cut off": (codecs.BOM_UTF16_LE + PAGE.decode().encode("utf-16-le")[:-1], "is not valid UTF-16"),
    "HTML": (b"<!DOCTYPE html><html>login</html>", "is an HTML or XML page, not a job list"),
    "XML": (b"\n<?xml version='1.0'?>", "is an HTML or XML page"),
    "table": (b"-----------------\n| ListBackupJobs|\n+---------------+\n", "is table output of the AWS CLI"),
    "table without a border": (b"+------+\n| a |\n", "is table output of the AWS CLI"),
    "text": (b"BACKUPJOBS\t\tjob-1\t\t\tarn:aws:x\n", "is text output of the AWS CLI"),
    "text of --query": (b"job-1\tCOMPLETED\njob-2\tFAILED\n", "is text output of the AWS CLI"),
    "access denied": (
        b"\nAn error occurred (AccessDenied) when calling the ListBackupJobs operation\n",
        "contains an error message of the AWS CLI, not a complete list: An error",
    ),
    "access denied, CLI 2.3x": (
        b"\naws: [ERROR]: An error occurred (AccessDenied) when calling",
        "contains an error message of the AWS CLI, not a complete list:",
    ),
    "no credentials": (
        b"Unable to locate credentials. You can configure credentials by running",
        "contains an error message of the AWS CLI, not a complete list:",
    ),
    "usage": (b"\nusage: aws [options] <command>\n\naws: error: argument", "contains an error message of the AWS CLI, not a complete list:"),
    "an anchor": (b"BackupJobs: &a []\n", "has a YAML anchor or alias in line 1"),
    "an alias": (b"BackupJobs:\n- a\n- *b\n", "has a YAML anchor or alias in line 3"),
    "a tag": (b"BackupJobs: !!python/object:os.system []\n", "has a YAML tag in line 1"),
}


@each("case", REFUSED)
def test_what_is_no_list_is_refused_with_its_name(case: str) -> None:
    data, message = REFUSED[case]
    with pytest.raises(JobFileError) as caught:
        read(data)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


@pytest.mark.parametrize("case", ["table", "text"])
def test_output_that_cannot_be_read_back_names_the_option(case: str) -> None:
    with pytest.raises(JobFileError) as caught:
        read(REFUSED[case][0])
    assert "--output json" in caught.value.hint


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_BYTES", 100_000)
    with pytest.raises(JobFileError, match=r"is larger than .* once unpacked"):
        read(gzip.compress(b" " * 100_001))
    with pytest.raises(JobFileError, match="is empty"):
        read(gzip.compress(b" " * 100_000))


def test_data_packed_absurdly_are_refused_before_they_fill_the_memory() -> None:
    bomb = gzip.compress(b" " * (contents.FREE_BYTES + 16 * 1024**2), 1)
    for data in (bomb, gzip.compress(bomb), gzip.compress(PAGE) + bomb):
        with pytest.raises(JobFileError, match=r"is packed more than 200 to 1, unlike any job list: unpacking was stopped after (?:16|24|32) MiB"):
            contents.read_text(data)


def test_a_list_of_one_job_again_and_again_is_not_absurd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "FREE_BYTES", 1000)
    jobs = [{**JOBS[1], "BackupJobId": f"{number * 7919:x}"} for number in range(3000)]
    assert len(read(gzip.compress(dump({"BackupJobs": jobs}), 9))[0][1]) == 3000


@pytest.mark.parametrize("size", [0, 5, 10, 11, 1000])
def test_a_stream_is_read_whole_up_to_the_limit(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert contents.read_all(io.BytesIO(b"0123456789"), size) == b"0123456789"
    monkeypatch.setattr(contents, "MAX_BYTES", 10)
    assert contents.read_all(io.BytesIO(b"0123456789"), size) == b"0123456789"
    with pytest.raises(JobFileError, match="is larger than"):
        contents.read_all(io.BytesIO(b"0123456789+"), size)


def test_large_yaml_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dump_yaml({"BackupJobs": []})
    monkeypatch.setattr(yaml_text, "MAX_YAML_BYTES", len(data))
    assert read(data) == [("backup_jobs", [])]
    with pytest.raises(JobFileError, match="is YAML of more than") as caught:
        read(data + b"\n")
    assert "--output json" in caught.value.hint


def test_json_is_not_bound_by_the_limit_of_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MAX_YAML_BYTES", 1)
    assert len(read(FORMS["one object"](JOBS))) == 1
