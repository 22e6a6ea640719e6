"""The single-job questions of `month-rules.yaml` as Cloud Custodian's value filters ask them, in an interpreter that has c7n.

by_custodian.py RECORDS AS_OF      prints how many jobs each filter matches, as JSON

RECORDS has a job's JSON a line. Custodian (0.9.53) has no resource for backup jobs and asks nothing of groups, so that its filters are called on the records
themselves. They know no window that ends in the past: it is added as a comparison of seconds.
"""

import json
import sys
from datetime import datetime

from c7n.filters import ValueFilter  # type: ignore[import-not-found]  # of another interpreter

_DAY = 86_400
QUESTIONS: dict[str, tuple[int, list[dict[str, object]]]] = {
    "failed-day": (1, [{"key": "State", "value": "FAILED"}]),
    "expired-ec2": (7, [{"key": "State", "value": "EXPIRED"}, {"key": "ResourceType", "value": "EC2"}]),
    "role": (30, [{"key": "IamRoleArn", "op": "regex", "value": r"^(?!.*AWSBackup[^/]*$)"}]),
    "aborted": (14, [{"key": "State", "value": "ABORTED"}]),
    "failed-week": (14, [{"key": "State", "value": "FAILED"}, {"key": "ResourceType", "value": "EC2"}]),
    "encrypted": (7, [{"key": "IsEncrypted", "value": False}]),
    "vault": (30, [{"key": "BackupVaultName", "op": "ne", "value": "prod"}]),
    "partial": (7, [{"key": "State", "value": "PARTIAL"}]),
}


def answer(jobs: list[dict[str, object]], as_of: float) -> dict[str, int]:
    """How many jobs each question finds."""
    found = {}
    for name, (days, told) in QUESTIONS.items():
        rest = jobs
        for data in [{"key": "CompletionDate", "op": "ge", "value": as_of - days * _DAY}, *told]:
            one = ValueFilter({"type": "value", **data})
            one.annotate = False
            rest = [job for job in rest if one.match(job)]
        found[name] = len(rest)
    return found


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as stream:  # noqa: PTH123  (run in an interpreter that shares nothing with this project)
        records = [json.loads(line) for line in stream]
    json.dump(answer(records, datetime.fromisoformat(sys.argv[2]).timestamp()), sys.stdout)
