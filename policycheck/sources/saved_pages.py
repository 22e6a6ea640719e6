"""The pages of saved lists, and whether they are the whole of a list."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from policycheck.datasets import DATASETS
from policycheck.errors import JobFileError
from policycheck.job_lists import JobList
from policycheck.sources.completeness import RUN_AGAIN, has_content


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one list that stood in one answer, times normalised; or the bare jobs of a whole file."""

    jobs: JobList
    token: object = None
    """The answer's NextToken."""
    lone: bool = False
    """Each of the jobs is the answer of a describe command: jobs in wrappers; and jobs by themselves with what such answers alone have, beside answers of a
    list command, or of which the file shows no other."""


def refuse_short(pages: Sequence[Page]) -> None:
    """Refuse a list that goes on elsewhere: its last page carries a NextToken, or an earlier one does and the next page does not follow from it."""
    for dataset in DATASETS.values():
        own = [page for page in pages if page.jobs.dataset is dataset]
        for page, follower in zip_longest(own, own[1:]):
            if not has_content(page.token):
                continue
            if follower is None or _is_resume_token(page.token):
                raise JobFileError(f"is incomplete: {dataset.result_key} ends with a NextToken, so the list continues", hint=RUN_AGAIN)
            if other := _other_place(page.jobs, follower.jobs):
                raise JobFileError(
                    f"is incomplete: a page of {dataset.result_key} has a NextToken, and the page after it is of another {other}", hint=RUN_AGAIN
                )


def _other_place(jobs: JobList, others: JobList) -> str:
    """By what a page cannot follow another of the same list; empty where it can.

    AWS lists one Region at a time. The list of an organization has many accounts: two pages of one account each, and of another one, are of two lists.
    """
    for name, part in (("Region", 1), ("account", 0)):
        here, there = ({place[part] for place in each.places() if place[part]} for each in (jobs, others))
        if here and there and not here & there and (name == "Region" or len(here) == len(there) == 1):
            return name
    return ""


def _is_resume_token(token: object) -> bool:
    """Whether the AWS CLI made this token, as it does when --max-items ends a list (base64 of {"NextToken": ..., "boto_truncate_amount": ...}).

    Such a token says that the list is short wherever it stands; a token of the service only says so on the last page.
    """
    try:
        value = json.loads(base64.b64decode(str(token), validate=True))
    except (binascii.Error, ValueError):
        return False
    return isinstance(value, dict) and "NextToken" in value
