"""Whether the verdicts on a variant keep its claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from random import Random

from assurance.matrix.rules import Family, RuleSet
from assurance.matrix.variant import Claim, Variant
from assurance.matrix.world import World
from policycheck.errors import ExitCode, PolicycheckError
from policycheck.result import Verdict

RANKS = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 0, Verdict.SKIPPED: 1, Verdict.WAIVED: 2, Verdict.PASS: 3}
"""How much a verdict looks like compliance."""
_SHARES = {Family.JOBS: 5, Family.GROUPS: 3, Family.RUNS: 1, Family.FOLLOWING: 1}
"""How many of ten variants are checked with rules of a family."""
_COMPLIANT = {verdict.value for verdict, rank in RANKS.items() if rank}


@dataclass(frozen=True, slots=True)
class Breach:
    """A claim that was not kept."""

    world: str
    kind: str
    number: int
    what: str
    claim: Claim
    rule: str
    expected: str
    said: str

    @property
    def gained(self) -> bool:
        """Whether it looks like compliance where it must not; else a crash, or another disagreement."""
        return self.said in _COMPLIANT


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check of one variant came to."""

    refused: bool
    rules: int
    breaches: tuple[Breach, ...] = ()


def judge(world: World, kind: str, number: int, variant: Variant, scratch: Path) -> Outcome:
    """Check a variant with some of the rules that read what was changed; which ones goes by its number."""
    names = _choose(world, variant, Random(f"{world.name}/{kind}/{number}"))
    if not names:
        raise ValueError(f"no rule can break the claim of {kind} {number} in {world.name}")
    needed = {dataset for name in names for dataset in world.rules.lists[name]} | variant.files.keys()
    changed = _write(variant, scratch)

    def breach(rule: str, expected: object, said: object) -> Breach:
        return Breach(world.name, kind, number, variant.what, variant.claim, rule, str(expected), str(said))

    try:
        if variant.refused:
            # A file that is refused is refused whatever lies beside it, and is soonest read alone.
            world.check(names, [path for paths in changed.values() for path in paths])
        result = world.check(names, [path for dataset in world.paths if dataset in needed for path in changed.get(dataset, [world.paths[dataset]])])
    except Exception as error:
        wrong = [] if is_refusal(error) else [breach(", ".join(names), "a verdict or a refusal", repr(error))]
        return Outcome(refused=True, rules=len(names), breaches=tuple(wrong))
    said = {rule.policy: rule.verdict for rule in result.rules}
    wrong = [breach(rule, expected, said[rule]) for rule, expected in _expect(world, variant, names, needed, said).items()]
    return Outcome(refused=False, rules=len(names), breaches=tuple(wrong))


def is_refusal(error: Exception) -> bool:
    """Whether evidence was refused. A crash is a breach like any other, and so is a mistake of whoever asked: nothing would be checked."""
    return isinstance(error, PolicycheckError) and error.exit_code is ExitCode.EVIDENCE


def _expect(world: World, variant: Variant, names: Sequence[str], needed: Set[str], said: Mapping[str, Verdict]) -> dict[str, str]:
    """What was expected of the rules whose verdict is another one."""
    match variant.claim:
        case Claim.NO_GAIN:
            return {name: world.verdicts[name] for name in names if RANKS[said[name]] > RANKS[world.verdicts[name]]}
        case Claim.NO_PASS:
            return {name: "no pass" for name in names if RANKS[said[name]]}
        case Claim.AS_ORACLE:
            again = world.oracle.judge(names, needed, variant.records, {"unclosed": variant.unclosed, "lone": variant.lone})
            return {name: again[name] for name in names if said[name].value != again[name]}


def _choose(world: World, variant: Variant, chance: Random) -> list[str]:
    """Some of the rules that read a changed list and can break the claim."""
    reading = sorted({name for dataset in variant.files for name in world.reading(dataset)})
    able = [name for name in reading if _can_break(world, variant.claim, name)]
    return choose(world.rules, able, world.doubtful, chance, variant.members)


def choose(rules: RuleSet, able: Sequence[str], doubtful: Set[str], chance: Random, members: Set[str] = frozenset()) -> list[str]:
    """Some of the rules, of one family: first those that ask about what was lost and that can gain a pass, then others.

    Args:
        doubtful: the rules that do not pass on the complete evidence.
        members: what was lost, if it was single members.
    """
    families = [family for family in Family if any(rules.family(name) is family for name in able)]
    if not families:
        return []
    (family,) = chance.choices(families, [_SHARES[family] for family in families])
    able = [name for name in able if rules.family(name) is family]
    able = chance.sample(able, len(able))
    apt = [name for name in able if rules.ask_about(name, members)]
    first = [name for name in apt if name in doubtful]
    half = max(1, family.value // 2)
    return list(dict.fromkeys([*first[:half], *[name for name in able if name in doubtful][:half], *apt[:1], *able]))[: family.value]


def _can_break(world: World, claim: Claim, name: str) -> bool:
    match claim:
        case Claim.NO_GAIN:
            return name in world.doubtful
        case Claim.NO_PASS:
            return True
        case Claim.AS_ORACLE:
            return name in world.repeatable


def _write(variant: Variant, scratch: Path) -> dict[str, list[Path]]:
    """The files of the changed lists."""
    written: dict[str, list[Path]] = {}
    for dataset, given in variant.files.items():
        contents = [] if given is None else [given] if isinstance(given, bytes) else given
        written[dataset] = [scratch / f"{dataset}-{number}" for number in range(len(contents))]
        for path, content in zip(written[dataset], contents, strict=True):
            path.write_bytes(content)
    return written
