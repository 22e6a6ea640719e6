"""Job reports of AWS Backup Audit Manager, as CSV (docs/job-reports.md), that are cut, or lack rows or columns.

A report says neither how many rows it has nor of which places it is, so that rows which are gone at the ends of lines cannot show: the verdict is that of
the rows that are left, told in JSON. What is cut within a row is rejected, or gains no pass that neither the complete report nor its rows up to there give. A
column that is gone makes its field unknown: no gain.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from assurance.matrix.documents import encode, place_of, plain
from assurance.matrix.judging import RANKS, Breach, Outcome, choose, is_refusal
from assurance.matrix.organization import AS_OF, Organization, Record
from assurance.matrix.rules import RuleSet
from assurance.matrix.variant import Claim, pair, pairs
from policycheck.api import check
from policycheck.datasets import JOB_LISTS
from policycheck.result import Verdict

NAME = "job report"
_STEP = 64
_PERIODS = 31
Row = dict[str, str]
_SAME = "backupJobId copyJobId restoreJobId resourceArn resourceType resourceName iamRoleArn creationDate completionDate initiationDate backupSizeInBytes"
_COLUMNS: Mapping[str, str] = {
    **{name[0].upper() + name[1:]: name for name in _SAME.split()},
    **{
        name[0].upper() + name[1:]: name
        for name in "backupVaultArn backupVaultName recoveryPointArn parentJobId vaultType isEncrypted encryptionKeyArn".split()
    },
    **{f"{end}{what}Arn": f"{end[0].lower()}{end[1:]}{what}Arn" for end in ("Source", "Destination") for what in ("BackupVault", "RecoveryPoint")},
    "State": "jobStatus",
    "Status": "jobStatus",
    "IsParent": "isParentJob",
    "StartBy": "startWindowEnd",
    "VaultLockState": "vaultLockStatus",
    "SourceResourceArn": "sourceResourceArn",
}
"""The columns of the guide's sample reports by the member that they are of."""
_PLAN = {"BackupPlanArn": "backupPlanArn", "BackupPlanName": "backupPlanName", "BackupRuleId": "backupRuleId", "BackupRuleName": "backupRuleName",
         "BackupRuleCron": "backupRuleSchedule", "BackupRuleTimezone": "backupRuleTimezone"}  # fmt: skip


def _row(dataset: str, record: Record) -> Row:
    ended = datetime.fromisoformat(record["CompletionDate"]) if "CompletionDate" in record else AS_OF
    end = AS_OF - timedelta(days=min((AS_OF - ended).days, _PERIODS))
    account, region = place_of(dataset, record)
    row = {
        "reportTimePeriodStart": (end - timedelta(days=1)).isoformat(),
        "reportTimePeriodEnd": end.isoformat(),
        "accountId": account,
        "region": region,
    }
    row |= {column: str(record.get(member, "")) for member, column in _COLUMNS.items() if member in record}
    if dataset == "backup_jobs":
        row |= {column: record["CreatedBy"].get(member, "") for member, column in _PLAN.items()}
        row["deleteAfterDays"] = str(record.get("RecoveryPointLifecycle", {}).get("DeleteAfterDays", ""))
    return row


def _as_csv(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def _as_json(rows: Sequence[Row]) -> bytes:
    return json.dumps({"reportItems": rows}).encode()


class ReportedWorld:
    """An organization one list of which is a report, and what the whole reports show."""

    def __init__(self, organization: Organization, rules: RuleSet, folder: Path) -> None:
        self._organization, self._rules, self._home = organization, rules, folder
        self._inventory = folder / "reported-inventory.json"
        self._inventory.write_text(json.dumps(list(organization.inventory)), encoding="utf-8")
        for name in JOB_LISTS:
            (folder / f"reported-{name}.json").write_bytes(encode(plain(name, organization.lists[name])))
        self._rows: dict[str, list[Row]] = {}
        self._columns: dict[str, list[str]] = {}
        self._whole: dict[str, Mapping[str, Verdict]] = {}
        self.variants: list[tuple[str, str, int]] = []
        """The list, what is done to its report, and where."""
        for name in JOB_LISTS:
            found = [_row(name, record) for record in organization.lists[name]]
            self._columns[name] = list(dict.fromkeys(column for row in found for column in row))
            self._rows[name] = [{column: row.get(column, "") for column in self._columns[name]} for row in found]
            reading = [rule for rule, lists in rules.lists.items() if name in lists and lists <= JOB_LISTS.keys()]
            self._whole[name] = self._check(name, reading, self._text(name))
            self.variants += self._losses(name)

    def _text(self, dataset: str) -> bytes:
        return _as_csv(self._rows[dataset], self._columns[dataset])

    def _losses(self, dataset: str) -> list[tuple[str, str, int]]:
        text, rows, columns = self._text(dataset), len(self._rows[dataset]), len(self._columns[dataset])
        ends = [place for place, byte in enumerate(text) if byte == 10]
        points = sorted({*range(_STEP, len(text), _STEP), *ends, *(end + 1 for end in ends[:-1])})
        counts = {"row": rows, "two rows": pairs(rows), "column": columns, "two columns": pairs(columns)}
        return [(dataset, "cut", point) for point in points] + [(dataset, how, number) for how, count in counts.items() for number in range(count)]

    def _check(self, dataset: str, names: Sequence[str], report: bytes) -> dict[str, Verdict]:
        path = self._home / "report"
        path.write_bytes(report)
        needed = {other for name in names for other in self._rules.lists[name]} - {dataset}
        paths = [path, *(self._home / f"reported-{other}.json" for other in sorted(needed))]
        result = check([self._rules.policies[name] for name in names], paths, as_of=AS_OF, inventories={"prod": self._inventory})
        return {rule.policy: rule.verdict for rule in result.rules}

    def judge(self, number: int) -> Outcome:
        """Check the report with something gone."""
        dataset, how, at = self.variants[number]
        text, partly, like = self._lose(dataset, how, at)
        chance = Random(f"{self._organization.name}/report/{number}")
        names = choose(self._rules, sorted(self._whole[dataset]), {name for name, said in self._whole[dataset].items() if said is not Verdict.PASS}, chance)
        what = f"a report of {dataset}: {how} {at}"
        try:
            said = self._check(dataset, names, text)
        except Exception as error:
            wrong = () if is_refusal(error) else (self._breach(number, what, "", "a verdict or a refusal", repr(error)),)
            return Outcome(refused=True, rules=len(names), breaches=wrong)
        if like is not None:
            again = self._check(dataset, names, _as_json(like))
            differing = [self._breach(number, what, name, again[name], said[name]) for name in names if said[name] is not again[name]]
            return Outcome(refused=False, rules=len(names), breaches=tuple(differing))
        gained = [name for name in names if RANKS[said[name]] > RANKS[self._whole[dataset][name]]]
        for rows in partly if gained else ():
            there = self._check(dataset, gained, _as_json(rows))
            gained = [name for name in gained if RANKS[said[name]] > RANKS[there[name]]]
            if not gained:
                break
        breaches = tuple(self._breach(number, what, name, self._whole[dataset][name], said[name]) for name in gained)
        return Outcome(refused=False, rules=len(names), breaches=breaches)

    def _lose(self, dataset: str, how: str, at: int) -> tuple[bytes, list[list[Row]], list[Row] | None]:
        """What is left; rows that may give as much; and rows that must give the same, if what is left are whole rows."""
        rows, columns = self._rows[dataset], self._columns[dataset]
        match how:
            case "cut":
                text = self._text(dataset)[:at]
                # Texts of the organization have no line breaks.
                whole = max(text.count(b"\n") - 1, 0)
                return text, [part for part in (rows[:whole], rows[: whole + 1]) if part], rows[:whole] if whole and text.endswith(b"\n") else None
            case "row" | "two rows":
                gone = {at} if how == "row" else {*pair(at, len(rows))}
                left = [row for number, row in enumerate(rows) if number not in gone]
                return _as_csv(left, columns), [], left
            case _:
                lost = {at} if how == "column" else {*pair(at, len(columns))}
                return _as_csv(rows, [column for number, column in enumerate(columns) if number not in lost]), [], None

    def _breach(self, number: int, what: str, rule: str, expected: str, said: str) -> Breach:
        return Breach(f"{self._organization.name}, reported", NAME, number, what, Claim.NO_GAIN, rule, str(expected), str(said))
