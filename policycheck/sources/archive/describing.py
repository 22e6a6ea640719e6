"""Jobs that were in progress when AWS last listed them, and that it lists no more: AWS is asked for each by its id.

AWS lists backup jobs for 30 days, and jobs may take longer. No limit is documented for how long a job can be described.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from policycheck.datasets import Dataset
from policycheck.errors import PolicycheckError
from policycheck.job_lists import JobList
from policycheck.records import RecordError, record_type
from policycheck.sources.aws_errors import explained, parse_date
from policycheck.sources.identity import Identity
from policycheck.sources.session import AwsSession

MOST = 200
"""Jobs that one fetch asks for in one place: AWS Backup gives an account 15 such requests a second."""


@dataclass(slots=True)
class Described:
    """What AWS said of jobs by their ids."""

    found: list[tuple[Any, bytes, datetime | None]] = field(default_factory=list)
    """Record, with times in microseconds; its JSON; AWS's clock."""
    error: str = ""
    """Why it said no more; empty where every job was asked for."""


def describe_jobs(session: AwsSession, dataset: Dataset, region: str, identity: Identity, ids: Sequence[str]) -> Described:
    """Ask for jobs by their ids, and stop where AWS refuses: the permission is an optional one."""
    described = Described()
    operation = dataset.operation.replace("List", "Describe", 1).removesuffix("s")
    try:
        client = session.backup_client(region, identity)
    except PolicycheckError as error:
        described.error = error.message
        return described
    try:
        call = getattr(client, f"describe_{dataset.noun.replace(' ', '_')}", None)
        for job_id in ids[:MOST] if call is not None else ():
            answer = _call(call, operation, {dataset.id_field: job_id})
            if answer is not None and (one := _read(dataset, answer, job_id)) is not None:
                described.found.append(one)
    except PolicycheckError as error:
        described.error = error.message
    finally:
        client.close()
    return described


def _call(call: Any, operation: str, parameters: dict[str, str]) -> dict[str, Any] | None:
    """The answer; None where AWS does not know the job any more."""
    from botocore.exceptions import ClientError

    with explained(operation):
        try:
            found: dict[str, Any] = call(**parameters)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("ResourceNotFoundException", "InvalidParameterValueException"):
                return None
            raise
    return found


def _read(dataset: Dataset, answer: dict[str, Any], job_id: str) -> tuple[Any, bytes, datetime | None] | None:
    headers = answer.pop("ResponseMetadata", {}).get("HTTPHeaders", {})
    # DescribeCopyJob answers the job in an object of its own (API reference).
    told = answer.get(dataset.result_key.removesuffix("s"), answer)
    try:
        text = msgspec.json.encode(told)
        record = msgspec.json.decode(text, type=record_type(dataset))
        (ready,) = JobList.of(dataset, [record]).records
    except (msgspec.MsgspecError, RecordError, OverflowError):
        return None
    # An answer that is not JSON becomes one without a member (measured, botocore 1.44).
    if getattr(ready, dataset.id_field) != job_id:
        return None
    return ready, text, parse_date(headers.get("date", ""))
