"""Jobs as AWS answers them, and every form in which a client keeps a list of them."""

from __future__ import annotations

import codecs
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from ruamel.yaml import YAML

from policycheck.datasets import BACKUP_JOBS, Dataset
from policycheck.job_lists import JobList
from policycheck.records import micros, record_type
from policycheck.sources.containers import read_pages
from policycheck.sources.contents import read_text

Job = dict[str, Any]

AS_OF = datetime(2020, 9, 22, tzinfo=UTC)
VAULT = "arn:aws:backup:us-west-2:123456789012:backup-vault:Default"

JOBS: tuple[Job, ...] = (
    {
        "AccountId": "123456789012",
        "BackupJobId": "job-1",
        "BackupVaultArn": VAULT,
        "CreationDate": "2020-09-21T13:58:12.929000-07:00",
        "State": "CREATED",
        "PercentDone": "0.0",
        "CreatedBy": {"BackupPlanId": "p-1"},
        "ResourceType": "EC2",
    },
    {
        "BackupJobId": "job-2",
        "BackupVaultArn": VAULT,
        "ResourceName": 'Größe, "quoted", 漢字 and 🙂',
        "CreationDate": "2020-09-21T13:55:24-07:00",
        "CompletionDate": "2020-09-21T13:55:44.488000-07:00",
        "State": "COMPLETED",
        "BackupSizeInBytes": 9007199254740993,
        "IsParent": False,
        "RecoveryPointLifecycle": {},
    },
    {"BackupJobId": "job-3", "State": "EXPIRED", "StatusMessage": "a\nb, \t c", "ResourceName": None},
)
COPY: Job = {"CopyJobId": "copy-1", "SourceBackupVaultArn": VAULT, "State": "RUNNING", "CreatedByBackupJobId": "job-2"}
RESTORE: Job = {"RestoreJobId": "restore-1", "BackupVaultArn": VAULT, "Status": "PENDING"}


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def dump_yaml(value: object) -> bytes:
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(value, stream)
    return stream.getvalue().encode()


def lines(values: Sequence[object]) -> bytes:
    return b"\n".join(map(dump, values)) + b"\n"


def halves(jobs: Sequence[Job]) -> list[Job]:
    """Two pages, the first with the service's NextToken."""
    middle = len(jobs) // 2
    return [{"BackupJobs": list(jobs[:middle]), "NextToken": "AAAA/opaque=="}, {"BackupJobs": list(jobs[middle:])}]


def retimed(jobs: Sequence[Job], change: Callable[[datetime], object]) -> list[Job]:
    """The jobs with each time written another way."""
    changed = deepcopy(list(jobs))
    for job in changed:
        for member in ("CreationDate", "CompletionDate"):
            if member in job:
                job[member] = change(datetime.fromisoformat(job[member]))
    return changed


FORMS: Mapping[str, Callable[[Sequence[Job]], bytes]] = {
    "one object": lambda jobs: json.dumps({"BackupJobs": list(jobs)}, indent=4).encode(),
    "one object with more keys": lambda jobs: dump({"ResponseMetadata": {"HTTPStatusCode": 200}, "BackupJobs": list(jobs), "NextToken": None}),
    "escaped text": lambda jobs: json.dumps({"BackupJobs": list(jobs)}, ensure_ascii=True).encode(),
    "raw text": lambda jobs: json.dumps({"BackupJobs": list(jobs)}, ensure_ascii=False).encode(),
    "bare list": lambda jobs: dump(list(jobs)),
    "list of pages": lambda jobs: dump(halves(jobs)),
    "one page in a list": lambda jobs: dump([{"BackupJobs": list(jobs)}]),
    "list of lists": lambda jobs: dump([list(jobs[:1]), list(jobs[1:])]),
    "JSON lines of jobs": lines,
    "JSON lines of jobs, blank lines and CRLF": lambda jobs: lines(jobs).replace(b"\n", b"\r\n\r\n"),
    "JSON lines of pages": lambda jobs: lines(halves(jobs)),
    "JSON lines of lists": lambda jobs: lines([jobs[:1], jobs[1:]]),
    "concatenated objects": lambda jobs: b"".join(json.dumps(job, indent=2).encode() for job in jobs),
    "concatenated answers": lambda jobs: b"\n".join(json.dumps({"BackupJobs": [job]}, indent=4).encode() for job in jobs),
    "answers and jobs mixed": lambda jobs: dump([{"BackupJobs": list(jobs[:1])}, *jobs[1:]]),
    "jobs in wrappers": lambda jobs: lines([{"BackupJob": job} for job in jobs]),
    "YAML": lambda jobs: dump_yaml({"BackupJobs": list(jobs)}),
    "YAML bare list": lambda jobs: dump_yaml(list(jobs)),
    "yaml-stream": lambda jobs: b"".join(dump_yaml([page]) for page in halves(jobs)),
    "YAML documents": lambda jobs: b"---\n".join(dump_yaml(page) for page in halves(jobs)),
    "epoch seconds": lambda jobs: dump({"BackupJobs": retimed(jobs, datetime.timestamp)}),
    "json.dump(default=str)": lambda jobs: dump({"BackupJobs": retimed(jobs, str)}),
    "YAML with plain times": lambda jobs: dump_yaml({"BackupJobs": list(jobs)}).replace(b"'2020-", b"2020-").replace(b"-07:00'", b"-07:00"),
    "gzip": lambda jobs: gzip.compress(dump({"BackupJobs": list(jobs)})),
    "gzip of gzip": lambda jobs: gzip.compress(gzip.compress(lines(jobs))),
    "gzip in two members": lambda jobs: gzip.compress(lines(jobs[:1])) + gzip.compress(lines(jobs[1:])),
    "gzip of YAML": lambda jobs: gzip.compress(dump_yaml({"BackupJobs": list(jobs)})),
    "UTF-8 with BOM and CRLF": lambda jobs: codecs.BOM_UTF8 + json.dumps({"BackupJobs": list(jobs)}, indent=4).replace("\n", "\r\n").encode(),
    "two files with BOM, one after the other": lambda jobs: b"".join(codecs.BOM_UTF8 + dump({"BackupJobs": list(half)}) for half in (jobs[:1], jobs[1:])),
    "YAML with BOM": lambda jobs: codecs.BOM_UTF8 + dump_yaml({"BackupJobs": list(jobs)}),
    "UTF-16 LE": lambda jobs: codecs.BOM_UTF16_LE + json.dumps({"BackupJobs": list(jobs)}, ensure_ascii=False).encode("utf-16-le"),
    "UTF-16 BE": lambda jobs: codecs.BOM_UTF16_BE + json.dumps({"BackupJobs": list(jobs)}, ensure_ascii=False).encode("utf-16-be"),
    "blanks around": lambda jobs: b"\r\n\t " + dump({"BackupJobs": list(jobs)}) + b"\n \n",
}
"""Ways to write two backup jobs or more."""


def job_list(jobs: Sequence[Job], dataset: Dataset = BACKUP_JOBS) -> JobList:
    """The list as the records module itself decodes it: what every form has to give."""
    import msgspec

    return JobList.of(dataset, msgspec.convert(list(jobs), list[record_type(dataset)]))  # type: ignore[misc]  # a type that is made at run time


def read(data: bytes) -> list[tuple[str, list[object]]]:
    """What a file holds: the pages' dataset names and records."""
    return [(page.jobs.dataset.name, list(page.jobs.records)) for page in read_pages(read_text(data))]


def read_backup_jobs(data: bytes) -> list[object]:
    """The records of a file of backup jobs, all pages in one."""
    pages = read(data)
    assert {name for name, _ in pages} <= {"backup_jobs"}
    return [record for _, records in pages for record in records]


def microseconds(text: str) -> int:
    return micros(datetime.fromisoformat(text))
