"""Archives of which a file is cut or gone: Parquet files of records, and the logs that say which of them count."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

from assurance.matrix.fetches import keep
from assurance.matrix.judging import RANKS, Breach, Outcome, is_refusal
from assurance.matrix.organization import Organization
from assurance.matrix.rules import RuleSet
from assurance.matrix.variant import Claim
from policycheck.api import check
from policycheck.datasets import JOB_LISTS
from policycheck.result import Verdict

NAME = "archive file"
_STEP = 64
_MOST_RULES = 6


class ArchivedWorld:
    """An organization that was fetched into an archive, and what the whole archive shows."""

    def __init__(self, organization: Organization, rules: RuleSet, folder: Path) -> None:
        self._organization, self._rules = organization, rules
        self._archive, self._inventory = folder / "archive", folder / "archive-inventory.json"
        shutil.rmtree(self._archive, ignore_errors=True)
        self._inventory.write_text(json.dumps(list(organization.inventory)), encoding="utf-8")
        self._as_of = keep(organization, rules, folder)
        self._names = sorted(name for name, lists in rules.lists.items() if lists <= JOB_LISTS.keys())
        self._whole = self._check(self._names)
        self._files = sorted(path for path in self._archive.rglob("*") if path.is_file())
        self.variants = [(path, point) for path in self._files for point in (-1, *range(0, path.stat().st_size, _STEP))]
        """Each file, gone (-1) or cut after so many bytes."""

    def _check(self, names: list[str]) -> dict[str, Verdict]:
        policies = [self._rules.policies[name] for name in names]
        result = check(policies, self._archive, as_of=self._as_of, inventories={"prod": self._inventory})
        return {rule.policy: rule.verdict for rule in result.rules}

    def judge(self, number: int) -> Outcome:
        """Check the archive with one file changed: no rule gains a pass."""
        (path, point), names = self.variants[number], Random(f"{self._organization.name}/{number}").sample(self._names, _MOST_RULES)
        content = path.read_bytes()
        path.unlink()
        if point >= 0:
            path.write_bytes(content[:point])
        what = f"{path.relative_to(self._archive)} {'gone' if point < 0 else f'cut after {point} of {len(content)} bytes'}"
        try:
            said = self._check(names)
        except Exception as error:
            wrong = () if is_refusal(error) else (self._breach(number, what, "", "a verdict or a refusal", repr(error)),)
            return Outcome(refused=True, rules=len(names), breaches=wrong)
        finally:
            path.write_bytes(content)
        gained = [name for name in names if RANKS[said[name]] > RANKS[self._whole[name]]]
        breaches = tuple(self._breach(number, what, name, self._whole[name], said[name]) for name in gained)
        return Outcome(refused=False, rules=len(names), breaches=breaches)

    def _breach(self, number: int, what: str, rule: str, expected: str, said: str) -> Breach:
        return Breach(self._organization.name, NAME, number, what, Claim.NO_GAIN, rule, expected, said)
