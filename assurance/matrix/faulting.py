"""Whether a fetch in which something goes wrong ever says more than one in which nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random

from assurance.matrix.fetches import FetchFault, faults_of, fetch, lists_lost
from assurance.matrix.judging import RANKS, Breach, Outcome
from assurance.matrix.organization import Organization
from assurance.matrix.rules import RuleSet
from assurance.matrix.variant import Claim
from policycheck.emulator.faults import Kind as Fault
from policycheck.result import Verdict

NAME = "fetch fault"
_MOST_RULES = 8


class FaultyWorld:
    """An organization that is served, and what a fetch without a fault comes to."""

    def __init__(self, organization: Organization, rules: RuleSet, folder: Path) -> None:
        self._organization, self._rules, self._folder = organization, rules, folder
        self._whole = fetch(organization, rules, sorted(rules.policies), (), folder)
        self.variants = faults_of(self._whole.requests)

    def judge(self, number: int) -> Outcome:
        """Fetch with the fault of a number. Of the rules that look through a list that cannot come whole none passes, and no other gains a pass."""
        fault = self.variants[number]
        names = self._choose(fault, Random(f"{self._organization.name}/{number}"))
        try:
            fetched = fetch(self._organization, self._rules, names, (fault,), self._folder)
        except Exception as error:  # a crash is a breach like any other
            return Outcome(refused=True, rules=len(names), breaches=(self._breach(number, fault, "", "a verdict or a refusal", repr(error)),))
        if fetched.code not in {0, 1, 3}:
            return Outcome(refused=True, rules=len(names), breaches=(self._breach(number, fault, "", "a verdict or a refusal", f"exit {fetched.code}"),))
        wrong = self._wrong(number, fault, fetched.verdicts)
        if fetched.code == 0 and any(self._rules.lists[name] & lists_lost(fault) for name in names):
            wrong.append(self._breach(number, fault, "", "exit 3", "exit 0"))
        return Outcome(refused=not fetched.verdicts, rules=len(names), breaches=tuple(wrong))

    def _wrong(self, number: int, fault: FetchFault, verdicts: Mapping[str, str]) -> list[Breach]:
        found = []
        for name, said in verdicts.items():
            rank, before = RANKS[Verdict(said)], self._whole.verdicts[name]
            if self._rules.looks_through(name) & lists_lost(fault) and rank:
                found.append(self._breach(number, fault, name, "no pass", said))
            # Other states are no loss: AWS says of another organization that its backups failed, and a backup that failed needs no copy and no restore test.
            elif rank > RANKS[Verdict(before)] and fault.kind is not Fault.CHANGE:
                found.append(self._breach(number, fault, name, before, said))
        return found

    def _breach(self, number: int, fault: FetchFault, rule: str, expected: str, said: str) -> Breach:
        claim = Claim.NO_PASS if lists_lost(fault) else Claim.NO_GAIN
        return Breach(self._organization.name, NAME, number, str(fault), claim, rule, expected, said)

    def _choose(self, fault: FetchFault, chance: Random) -> list[str]:
        """Some rules that need a lost list, and some that do not pass."""
        touched = sorted(name for name, lists in self._rules.lists.items() if lists & lists_lost(fault))
        doubtful = sorted(name for name, verdict in self._whole.verdicts.items() if verdict != "pass")
        half = _MOST_RULES // 2
        chosen = {*chance.sample(touched, min(len(touched), half)), *chance.sample(doubtful, min(len(doubtful), half))}
        return sorted(chosen or set(chance.sample(sorted(self._rules.policies), half)))
