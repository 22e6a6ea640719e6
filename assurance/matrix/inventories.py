"""Inventories, as JSON, YAML and CSV, that are absent or cut, or lack entries or columns.

Without the inventory no rule passes that asks it. JSON that is cut is rejected. An entry that is gone cannot show: nothing else names the resource. Then, and
where a tag is lost, the second evaluation decides, of the entries that an independent reader finds in what is left.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from assurance.matrix.judging import RANKS, Breach, Outcome, is_refusal
from assurance.matrix.organization import AS_OF, Record
from assurance.matrix.variant import Claim, pair, pairs
from assurance.matrix.world import World
from policycheck.api import check
from policycheck.datasets import JOB_LISTS
from policycheck.result import Verdict

NAME = "inventory"
_STEP = 64
_ASKING = re.compile(r"in inventory prod|Tags\.|in_inventory|AccountName")
_COLUMNS = ("ResourceArn", "AccountId", "ResourceType", "tag:tier")
Entries = list[Record]


def _rows(entries: Sequence[Record], columns: Sequence[str]) -> list[dict[str, str]]:
    flat = [{**entry, "tag:tier": entry.get("Tags", {}).get("tier", "")} for entry in entries]
    return [{column: row.get(column, "") for column in columns} for row in flat]


def _as_csv(entries: Sequence[Record], columns: Sequence[str] = _COLUMNS) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(entries, columns))
    return stream.getvalue().encode()


def _as_yaml(entries: Sequence[Record]) -> bytes:
    stream = io.BytesIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.width = 10_000
    writer.dump([dict(entry) for entry in entries], stream)
    return stream.getvalue()


def _as_json(entries: Sequence[Record]) -> bytes:
    return json.dumps(list(entries), indent=2).encode()


_FORMS = {"JSON": _as_json, "YAML": _as_yaml, "CSV": _as_csv}


def _read(form: str, left: bytes) -> Entries | None:
    """The entries in a part of a file; None where it shows that it is none."""
    if form == "JSON":
        return None
    if form == "YAML":
        try:
            found = YAML(typ="safe").load(left.decode())
        except YAMLError:
            return None
        return found if isinstance(found, list) and all(isinstance(entry, dict) for entry in found) else None
    rows = list(csv.reader(io.StringIO(left.decode())))
    if not rows or tuple(rows[0]) != _COLUMNS or any(len(row) != len(_COLUMNS) for row in rows):
        return None
    return [{**dict(zip(_COLUMNS[:3], row, strict=False)), "Tags": {"tier": row[3]}} for row in rows[1:]]


class InventoriedWorld:
    """A world of plain lists, and what its inventory shows."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._entries: Entries = [dict(entry) for entry in world.organization.inventory]
        self._names = sorted(name for name in world.verdicts if world.rules.lists[name] <= JOB_LISTS.keys() and _ASKING.search(world.rules.texts[name]))
        self._texts = {form: write(self._entries) for form, write in _FORMS.items()}
        self.variants = [("", "absent", 0), *self._cuts(), *self._losses()]
        """The form, what is done, and where."""

    def _cuts(self) -> list[tuple[str, str, int]]:
        found = []
        for form, text in self._texts.items():
            ends = [place for place, byte in enumerate(text) if byte == 10]
            points = sorted({*range(_STEP, len(text), _STEP), *ends, *(end + 1 for end in ends)})
            found += [(form, "cut", point) for point in points if point < len(text.rstrip(b"\n"))]
        return found

    def _losses(self) -> list[tuple[str, str, int]]:
        size = len(self._entries)
        counts = {"entry": size, "two entries": pairs(size), "tags of an entry": size, "ARN of an entry": size, "column": 4, "two columns": pairs(4)}
        return [(form, how, number) for form in _FORMS for how, count in counts.items() for number in range(count)]

    def judge(self, number: int) -> Outcome:
        """Check the lists with that inventory."""
        form, how, at = self.variants[number]
        text, entries = self._lose(form, how, at)
        names = self._names
        path = self._world.folder / "changed-inventory"
        path.write_bytes(text or b"")
        needed = {dataset for name in names for dataset in self._world.rules.lists[name]}
        policies = [self._world.rules.policies[name] for name in names]
        given = {} if text is None else {"prod": path}
        claim = Claim.NO_PASS if entries is None else Claim.AS_ORACLE
        what = f"{form or 'no'} inventory: {how} {at}"

        def breach(rule: str, expected: str, said: str) -> Breach:
            return Breach(self._world.name, NAME, number, what, claim, rule, expected, said)

        try:
            result = check(policies, [self._world.paths[name] for name in JOB_LISTS if name in needed], as_of=AS_OF, inventories=given)
        except Exception as error:
            wrong = () if is_refusal(error) else (breach("", "a verdict or a refusal", repr(error)),)
            return Outcome(refused=True, rules=len(names), breaches=wrong)
        said = {rule.policy: rule.verdict for rule in result.rules}
        return Outcome(refused=False, rules=len(names), breaches=tuple(breach(*one) for one in self._wrong(names, needed, entries, said)))

    def _wrong(self, names: Sequence[str], needed: set[str], entries: Entries | None, said: Mapping[str, Verdict]) -> list[tuple[str, str, str]]:
        if entries is None:
            return [(name, "no pass", str(said[name])) for name in names if RANKS[said[name]]]
        again = self._world.oracle.judge(names, needed, {}, {}, inventories={"prod": [_spell(entry) for entry in entries]})
        return [(name, again[name], str(said[name])) for name in names if said[name].value != again[name]]

    def _lose(self, form: str, how: str, at: int) -> tuple[bytes | None, Entries | None]:
        """What is left of the file, and the entries in it; None: that it cannot be read."""
        size = len(self._entries)
        match how:
            case "absent":
                return None, None
            case "cut":
                left = self._texts[form][:at]
                return left, _read(form, left)
            case "entry" | "two entries":
                gone = {at} if how == "entry" else {*pair(at, size)}
                kept = [entry for number, entry in enumerate(self._entries) if number not in gone]
                return _FORMS[form](kept), kept
            case "tags of an entry" | "ARN of an entry":
                member = "Tags" if how.startswith("tags") else "ResourceArn"
                kept = [_without(entry, {member}) if number == at else entry for number, entry in enumerate(self._entries)]
                # In CSV an empty tag is a tag.
                told = [{**entry, "Tags": entry.get("Tags", {"tier": ""})} for entry in kept] if form == "CSV" else kept
                return _FORMS[form](kept), told if member == "Tags" else None
            case _:
                members = ("ResourceArn", "AccountId", "ResourceType", "Tags")
                lost = {members[number] for number in ({at} if how == "column" else pair(at, 4))}
                kept = [_without(entry, lost) for entry in self._entries]
                columns = [column for column, member in zip(_COLUMNS, members, strict=True) if member not in lost]
                return _as_csv(kept, columns) if form == "CSV" else _FORMS[form](kept), None if "ResourceArn" in lost else kept


def _without(entry: Record, members: set[str]) -> Record:
    return {member: value for member, value in entry.items() if member not in members}


_TYPES = {"instance": "EC2", "db": "RDS", "file-system": "EFS", "table": "DynamoDB", "stack": "CloudFormation"}


def _spell(entry: Record) -> dict[str, Any]:
    """An entry as reperform.py reads it: what it does not say of account, Region and type the ARN says."""
    arn = entry["ResourceArn"]
    _, _, _, region, account, resource = arn.split(":", 5)
    kind = entry.get("ResourceType") or _TYPES[re.split("[/:]", resource)[0]]
    spelled = {"arn": arn, "account": account, "region": region, "type": kind}
    return spelled | ({"tags": entry["Tags"]} if "Tags" in entry else {})
