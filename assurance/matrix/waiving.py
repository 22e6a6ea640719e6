"""Waiver files that are cut, or lack waivers or keys. None waives more than the complete one.

In each waiver `match` stands before the dates, as `policycheck waive` writes it and docs/waivers.md shows it. If it stood last, a file that is cut between
two of its conditions would be a whole one of another meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from assurance.matrix.judging import RANKS, Breach, Outcome, is_refusal
from assurance.matrix.organization import AS_OF
from assurance.matrix.variant import Claim, pair, pairs
from assurance.matrix.world import World
from policycheck.api import check
from policycheck.errors import PolicyError
from policycheck.policy.waivers import load_waivers
from policycheck.result import Verdict

NAME = "waiver file"
_OWN = Path(__file__).with_name("rules") / "waived.yaml"
_ORDER = ("rule", "match", "reason", "owner", "ticket", "granted", "expires")
Finding = tuple[str, str | None, str | None, str]
Said = tuple[Mapping[str, Verdict], frozenset[Finding]]
"""The verdicts, and the findings that are waived."""


def _waivers() -> list[dict[str, Any]]:
    found = YAML(typ="safe").load(_OWN)["waivers"]
    spelled = [
        {**one, "rule": f"waived.{one['rule']}/{one['rule']}", "ticket": "T-1", "granted": str(one["granted"]), "expires": str(one["expires"])} for one in found
    ]
    narrow = {"Account": "222233334444", "ResourceType": "RDS"}
    spelled.append({**spelled[0], "match": narrow})
    return [{key: one[key] for key in _ORDER} for one in spelled]


def _as_yaml(waivers: Sequence[Mapping[str, Any]]) -> bytes:
    lines = ["waivers:"]
    for waiver in waivers:
        entries = []
        for key, value in waiver.items():
            entries += (
                [f"{key}:", *(f"  {name}: {json.dumps(item)}" for name, item in value.items())] if isinstance(value, dict) else [f"{key}: {json.dumps(value)}"]
            )
        lines += [f"{'  - ' if number == 0 else '    '}{entry}" for number, entry in enumerate(entries)]
    return ("\n".join(lines) + "\n").encode()


def _as_json(waivers: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps({"waivers": list(waivers)}).encode()


_FORMS = {"YAML": _as_yaml, "YAML in braces": _as_json}


class WaivedWorld:
    """A world of plain lists, and what of it a file of waivers waives."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._policies = [replace(policy, waivers=()) for name, policy in world.rules.policies.items() if name.startswith("waived.") and name in world.verdicts]
        self._waivers = _waivers()
        self._texts = {form: write(self._waivers) for form, write in _FORMS.items()}
        self._whole = self._check(self._texts["YAML"])
        self.variants = [(form, how, number) for form, text in self._texts.items() for how, number in self._losses(len(text))]
        """The form, what is done, and where."""

    def _losses(self, size: int) -> list[tuple[str, int]]:
        counts = {"cut": size, "waiver": len(self._waivers), "two waivers": pairs(len(self._waivers)), "key": len(self._waivers) * len(_ORDER)}
        return [(how, number) for how, count in counts.items() for number in range(count)]

    def _check(self, text: bytes) -> Said:
        path = self._world.folder / "waivers.yaml"
        path.write_bytes(text)
        policies = load_waivers([(path, "waivers.yaml")], self._policies)
        result = check(policies, list(self._world.paths.values()), as_of=AS_OF, inventories={"prod": self._world.inventory})
        waived = {(rule.policy, found.account, found.region, found.subject) for rule in result.rules for found in rule.findings if found.waiver is not None}
        return {rule.policy: rule.verdict for rule in result.rules}, frozenset(waived)

    def judge(self, number: int) -> Outcome:
        """Check with what is left of the file."""
        form, how, at = self.variants[number]
        what = f"waivers in {form}: {how} {at}"

        def breach(rule: str, expected: str, said: str) -> Breach:
            return Breach(self._world.name, NAME, number, what, Claim.NO_GAIN, rule, expected, said)

        try:
            verdicts, waived = self._check(self._lose(form, how, at))
        except Exception as error:
            # A wrong file of waivers is a mistake in what was asked, and nothing is evaluated.
            wrong = () if is_refusal(error) or isinstance(error, PolicyError) else (breach("", "a verdict or a refusal", repr(error)),)
            return Outcome(refused=True, rules=len(self._policies), breaches=wrong)
        before, waived_before = self._whole
        found = [breach(name, before[name], verdicts[name]) for name in verdicts if RANKS[verdicts[name]] > RANKS[before[name]]]
        found += [breach(one[0], f"{one[3]} is not waived", Verdict.WAIVED.value) for one in sorted(waived - waived_before, key=str)]
        return Outcome(refused=False, rules=len(verdicts), breaches=tuple(found))

    def _lose(self, form: str, how: str, at: int) -> bytes:
        match how:
            case "cut":
                return self._texts[form][:at]
            case "key":
                row, key = divmod(at, len(_ORDER))
                kept = [{name: value for name, value in one.items() if (number, name) != (row, _ORDER[key])} for number, one in enumerate(self._waivers)]
                return _FORMS[form](kept)
            case _:
                gone = {at} if how == "waiver" else {*pair(at, len(self._waivers))}
                return _FORMS[form]([one for number, one in enumerate(self._waivers) if number not in gone])
