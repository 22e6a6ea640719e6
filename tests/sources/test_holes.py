"""Time between two files that no list is of."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from policycheck.pipeline import run
from policycheck.policy.load import load_policies
from policycheck.result import Coverage
from policycheck.sources.files import read_parts
from tests.backends import BACKEND
from tests.engine.expectations import at
from tests.engine.lists import ACCOUNT, AS_OF, INSTANCE, ROLE, VAULT, ago


def test_what_lies_wholly_between_two_files_is_in_a_margin_alone() -> None:
    def hours(number: float) -> datetime:
        return AS_OF - timedelta(hours=number)

    entry = Coverage("copy_jobs", None, None, hours(200), AS_OF, 2, gaps=((hours(75), hours(55)),), holes=((hours(100), hours(30)),))
    for start, end, within in ((99, 90, True), (50, 31, True), (80, 70, True), (101, 90, False), (50, 29, False), (150, 110, False)):
        assert (entry.gap_in(hours(start), hours(end)) == entry.gaps[0]) is within, (start, end)


def test_a_job_between_two_files_of_copies_is_not_known_to_have_no_copy(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("policy: p\nrules:\n  - {id: copied, rule: every COMPLETED job within 9d must be followed by a COMPLETED copy job within 6h}\n")
    points = [f"arn:aws:backup:eu-west-1:{ACCOUNT}:recovery-point:{day}" for day in range(12)]
    backups = [at(24 * day + 3, "i-1", MessageCategory="SUCCESS", RecoveryPointArn=point) for day, point in enumerate(points)]

    def verdict(*nights: range) -> str:
        texts = [("b.json", json.dumps({"BackupJobs": backups}).encode())]
        for number, night in enumerate(nights):
            copies = [
                {
                    "CopyJobId": f"c{day}", "AccountId": ACCOUNT, "SourceBackupVaultArn": VAULT, "DestinationBackupVaultArn": VAULT, "ResourceArn": INSTANCE,
                    "SourceRecoveryPointArn": points[day], "CreationDate": ago(hours=24 * day + 1), "CompletionDate": ago(hours=24 * day),
                    "State": "COMPLETED", "ResourceType": "EC2", "IamRoleArn": ROLE,
                }
                for day in night
            ]  # fmt: skip
            texts.append((f"c{number}.json", json.dumps({"CopyJobs": copies}).encode()))
        evidence = read_parts(texts, as_of=AS_OF, covers=None)
        loaded = load_policies([(policy, "p.yaml")], {})
        return run(loaded, evidence, as_of=AS_OF, fail_on=None, backend=BACKEND).rules[0].verdict.value

    assert verdict(range(12)) == "pass"
    assert verdict(range(6), range(6, 12)) == "pass"
    # A night without a copy within one list is a night without a copy; between two lists nobody knows.
    assert verdict(range(3), range(4, 12)) == "inconclusive"
    assert verdict(range(3), range(7, 12)) == "inconclusive"
