"""Seeds from saved answers: plain JSON as `aws backup list-...-jobs` and boto3 save it.

This is a reader for the emulator's own seeds, small on purpose; `policycheck check --jobs` reads many more shapes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from policycheck.datasets import BY_RESULT_KEY, Dataset
from policycheck.emulator.wire import normalise, place_of
from policycheck.errors import JobFileError

Place = tuple[str, str, str]
"""Account, Region, name of the list."""


def read(paths: Iterable[Path], *, account: str = "", region: str = "") -> dict[Place, list[Mapping[str, object]]]:
    """The jobs of the files by where they ran; `account` and `region` where a job's own ARNs do not tell.

    Accepts an object with one or more of BackupJobs, CopyJobs and RestoreJobs, or an array of such objects (saved pages); UTF-8, a byte-order mark or not.
    Raises JobFileError, which names the file and the job.
    """
    found: dict[Place, list[Mapping[str, object]]] = {}
    for path in paths:
        for page in _pages(path):
            for key in BY_RESULT_KEY.keys() & page.keys():
                dataset = BY_RESULT_KEY[key]
                for index, record in enumerate(_records(path, key, page[key])):
                    place = f"{path}: {key}[{index}]"
                    job = _job(place, dataset, record)
                    its_account, its_region = place_of(dataset, job)
                    where = (its_account or account, its_region or region)
                    if not all(where):
                        raise JobFileError("its ARNs do not name an account and a Region", place=place, hint="say which such jobs belong to")
                    found.setdefault((*where, dataset.name), []).append(job)
    return found


def _pages(path: Path) -> list[Mapping[str, object]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_no_number)
    except OSError as error:
        raise JobFileError(f"cannot be read: {error.strerror or error}", place=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise JobFileError("is not JSON", place=str(path), hint="save it with: aws backup list-backup-jobs --output json") from error
    pages = content if isinstance(content, list) else [content]
    if not pages or not all(isinstance(page, dict) and BY_RESULT_KEY.keys() & page.keys() for page in pages):
        keys = ", ".join(BY_RESULT_KEY)
        raise JobFileError("is not a job list", place=str(path), hint=f"a seed is a JSON object with one of the keys {keys}")
    return pages


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def _records(path: Path, key: str, value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list) or not all(isinstance(record, dict) for record in value):
        raise JobFileError(f"{key} is not a list of jobs", place=str(path))
    return value


def _job(place: str, dataset: Dataset, record: Mapping[str, object]) -> Mapping[str, object]:
    try:
        job = normalise(dataset, record, drop_unknown=True)
    except ValueError as error:
        raise JobFileError(str(error), place=place) from error
    if not isinstance(job.get(dataset.id_field), str) or not job[dataset.id_field]:
        raise JobFileError(f"a {dataset.noun} without {dataset.id_field}", place=place)
    return job
