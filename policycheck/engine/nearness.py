"""Near misses: a value in a rule that occurs nowhere in the evidence, while one equal to it but for its spelling does.

`no jobs in vault Default` passes for ever where the vault is called default. Such a rule is inconclusive and names both; where a value is only some
letters off another, that is a note. A value that occurs nowhere and is like none stays as it is: a vault may rightly be empty.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial

import narwhals as nw

from policycheck.datasets import DATASETS, DEFAULT, RESOURCE_TYPES, TAGS, Dataset, Kind
from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.entries import entry_value, of_resources
from policycheck.engine.frame import ROW, build_frame
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Comparison, Condition, Literal, Operator, comparisons
from policycheck.policy.model import Expectation, Following
from policycheck.policy.operators import OPERATORS, Part
from policycheck.policy.vocabulary import PHRASE_OF, PLACE_OF
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.records import micros
from policycheck.regions import REGIONS
from policycheck.result import RuleResult, Verdict
from policycheck.text import clean_line, truncate

_KINDS = frozenset({Kind.TEXT, Kind.WORD, Kind.ARN, Kind.ACCOUNT, Kind.NAME})
_SEPARATORS = re.compile(r"[\s_-]+")
_KNOWN: Mapping[str, frozenset[str]] = {
    "ResourceType": frozenset(name.lower() for name in RESOURCE_TYPES),
    **dict.fromkeys(("Region", "DestinationRegion"), frozenset(REGIONS)),
}
"""Fields whose values have names of AWS's own: one that is known is not another one misspelt, however near."""
_SOURCES = ("AccountId", "IamRoleArn", "DestinationBackupVaultArn")
"""What derived texts come from, beside the vault and the resource."""
_LATEST = datetime(2299, 12, 31, tzinfo=UTC)
_MOST_NAMED = 3
_MOST_COMPARED = 2000
_LEAST_SQUEEZED = 5
"""How many characters a part of a text must have to be sought without its blanks and hyphens."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One value of a rule, and the values it could have been meant for."""

    comparison: Comparison
    text: str
    kind: Kind
    values: _Values


@dataclass(frozen=True)
class _Values:
    """The values of one field in the evidence of the run, whatever the window, each with how often."""

    counts: Mapping[str, int]
    """How many jobs have each value; of names, and of what entries of inventories alone say, how often they stand there."""
    counted: str = "jobs"
    entries: frozenset[str] = frozenset()
    """The values that entries of inventories have, and no job."""

    def spell(self, value: str, count: int) -> str:
        """`"default" (412 jobs)`"""
        if not self.counted:
            return _quoted(value)
        one, many = ("entry", "entries") if value in self.entries or self.counted == "entries" else ("job", "jobs")
        return f"{_quoted(value)} ({count:,} {one if count == 1 else many})"

    @cached_property
    def by_form(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for value in self.counts:
            for form in _forms(value):
                found.setdefault(form, []).append(value)
        return found


def apply_nearness(results: Mapping[int, RuleResult], cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
    """The results, by the number of the rule; those of rules with a near miss inconclusive, unless they fail, and with what was meant in reason or notes."""
    known = set[int]() if context.series is None else context.series.occurring(context.lists)
    evidence = _Evidence(context, [case for case in cases if case.number not in known])
    told = dict(results)
    for case in cases:
        if case.number not in known:
            asked = list(evidence.asked(case))
            told[case.number] = _judge(results[case.number], asked)
            if all(map(_occurs, asked)):
                known.add(case.number)
    return told


def _judge(result: RuleResult, asked: Sequence[_Asked]) -> RuleResult:
    missing = [one for one in asked if one.values.counts and not _occurs(one)]
    misses = [(one, near) for one in missing if (near := _without_those_meant(_near(one), one, asked))]
    told = dict.fromkeys(f"{_place(one)} {_quoted(one.text)}; {_has(one, near)}" for one, near in misses)
    missed = {one.text for one, _ in misses}
    alike = [(one, near) for one in missing if one.text not in missed and (near := _without_those_meant(_alike(one), one, asked))]
    notes = dict.fromkeys(f"{_place(one)} {_quoted(one.text)} does not occur; did you mean {_listed(one, near)}?" for one, near in alike)
    result = replace(result, notes=(*result.notes, *notes))
    if not told:
        return result
    reasons: Reasons = (Reason(ReasonKind.SPELLED_OTHERWISE, tuple(told)),)
    if result.verdict is Verdict.FAIL:
        beneath = reasons if result.beneath is None or result.beneath[0] is not Verdict.INCONCLUSIVE else (*result.beneath[1], *reasons)
        limit_verdict = None if result.limit_verdict is None else Verdict.INCONCLUSIVE
        return replace(result, beneath=(Verdict.INCONCLUSIVE, beneath), limit_verdict=limit_verdict, notes=(*result.notes, *told))
    before = result.reasons if result.verdict is Verdict.INCONCLUSIVE else ()
    return replace(result, verdict=Verdict.INCONCLUSIVE, reasons=(*before, *reasons), breach=None)


def _place(one: _Asked) -> str:
    name = one.comparison.field
    return {"in_inventory": "inventory", "Tags": "tag"}.get(name) or PLACE_OF.get(name) or PHRASE_OF.get(name) or name


def _quoted(text: str) -> str:
    return f'"{truncate(clean_line(text), 200)}"'


def _has(one: _Asked, near: Mapping[str, int]) -> str:
    holder = {"in_inventory": "the run has", "Tags": "inventories have"}.get(one.comparison.field, "the list has")
    return f"{holder} {_listed(one, near)}"


def _listed(one: _Asked, near: Mapping[str, int]) -> str:
    chosen = sorted(near.items(), key=lambda pair: (-pair[1], pair[0]))
    spelled = [one.values.spell(value, count) for value, count in chosen[:_MOST_NAMED]]
    more = len(chosen) - _MOST_NAMED
    return " and ".join([", ".join(spelled), *([f"{more:,} more"] if more > 0 else [])])


class _Evidence:
    """The values of all fields that rules compare, counted in one pass a list."""

    def __init__(self, context: Context, cases: Sequence[Case]) -> None:
        self._context = context
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        pairs = {(dataset.name, one.field) for case in cases for dataset, one in self._comparisons(case) if dataset.fields[one.field].kind is not Kind.NAME}
        for name in sorted({dataset for dataset, _ in pairs}):
            self._count(DATASETS[name], sorted(field for dataset, field in pairs if dataset == name))

    def _comparisons(self, case: Case) -> Iterator[tuple[Dataset, Comparison]]:
        for conditions in _conditions(case):
            for dataset, condition in conditions:
                if dataset.name in self._context.lists:
                    yield from ((dataset, one) for one in comparisons(condition) if _is_text(one, dataset))

    def asked(self, case: Case) -> Iterator[_Asked]:
        """Every value of a rule, with those it is compared with."""
        requirement = case.rule.statement.requirement
        inventory = requirement.inventory if isinstance(requirement, Expectation) else None
        names = _Values(Counter(list(self._context.inventories)), "")
        if inventory is not None:
            yield _Asked(Comparison("in_inventory", Operator.IS, (inventory,)), inventory.text, Kind.NAME, names)
        yield from self._tags(case)
        for conditions in _conditions(case):
            read = [(dataset, condition) for dataset, condition in conditions if dataset.name in self._context.lists]
            # What is asked of a resource is asked in both lists.
            lists: dict[Comparison, list[Dataset]] = {}
            for dataset, one in ((dataset, one) for dataset, condition in read for one in comparisons(condition) if _is_text(one, dataset)):
                lists.setdefault(one, []).append(dataset)
            for one, datasets in lists.items():
                kind = datasets[0].fields[one.field].kind
                values = names if kind is Kind.NAME else self._values(one.field, datasets, inventory.text if inventory else None)
                yield from (_Asked(one, str(value), kind, values) for value in one.values)

    def _tags(self, case: Case) -> Iterator[_Asked]:
        """The names of the tags that a rule asks for."""
        named = {one.field for conditions in _conditions(case) for _, condition in conditions for one in comparisons(condition) if one.field.startswith(TAGS)}
        for name in sorted(named):
            key = name.removeprefix(TAGS)
            yield _Asked(Comparison("Tags", Operator.IS, (Literal(key),)), key, Kind.TEXT, self._tag_names)

    @cached_property
    def _tag_names(self) -> _Values:
        return _Values(Counter(key for found in self._context.inventories.values() for entry in found.entries for key in entry.tags), "entries")

    def _values(self, name: str, lists: Sequence[Dataset], inventory: str | None) -> _Values:
        counts = sum((self._counts[dataset.name, name] for dataset in lists), Counter[str]())
        said = name.startswith(TAGS) or name == "AccountName"
        chosen = [found for key, found in self._context.inventories.items() if said or key == inventory]
        entries = Counter(value for found in chosen for entry in found.entries if (value := entry_value(entry, name)) is not None)
        # Resources that jobs name are counted by their jobs.
        alone = Counter({value: count for value, count in entries.items() if value not in counts})
        return _Values(counts + alone, entries=frozenset(alone))

    def _count(self, dataset: Dataset, fields: Sequence[str]) -> None:
        job_list, as_of = self._context.lists[dataset.name], micros(self._context.as_of)
        derived = [name for name in fields if dataset.fields[name].derived]
        recorded = [name for name in fields if name not in derived]
        job_list.load(recorded)
        for name in recorded:
            self._counts[dataset.name, name] = job_list.count_values(name, as_of)
        if derived:
            self._count_derived(job_list, derived, as_of)

    def _count_derived(self, job_list: JobList, fields: Sequence[str], as_of: int) -> None:
        """Derived fields are computed for one record of those that say the same: a frame of them all takes as long as judging a rule."""
        dataset, context = job_list.dataset, self._context
        sources = [member.name for member in dataset.members if member.name in {dataset.vault_field, dataset.resource_field, *_SOURCES}]
        alike = job_list.count_alike(sources, as_of)
        chosen = job_list.chosen(list(alike))
        # Whatever has not happened yet is left out already.
        frame = build_frame(chosen, fields, micros(_LATEST), context.backend, context.inventories)
        weights = list(alike.values())
        for name in fields:
            counts = self._counts[dataset.name, name] = Counter()
            for row, value in context.backend.rows(frame.columns.select(nw.col(ROW), nw.col(name).alias("_value"))):
                if value:
                    counts[value] += weights[row]


def _conditions(case: Case) -> list[list[tuple[Dataset, Condition]]]:
    """What a rule asks, each with the lists it is asked in: of the population, in the list that subjects come from too as far as resources can tell."""
    statement = case.rule.statement
    requirement = statement.requirement
    population: list[tuple[Dataset, Condition]] = [(statement.list, statement.where)]
    if statement.list is not DEFAULT and DEFAULT.name in statement.lists_needed and not isinstance(requirement, Following):
        population.append((DEFAULT, of_resources(statement.where)))
    return [population, [(requirement.list if isinstance(requirement, Following) else statement.list, requirement.condition)]]


def _is_text(one: Comparison, dataset: Dataset) -> bool:
    return OPERATORS[one.operator].holds is not None and dataset.fields[one.field].kind in _KINDS


def _holds(value: str, text: str, operator: Operator, kind: Kind) -> bool:
    """As the engine compares them."""
    if kind is Kind.WORD:
        value, text = value.lower(), text.lower()
    holds = OPERATORS[operator].holds
    return holds is not None and holds(value, text)


def _occurs(one: _Asked) -> bool:
    if one.comparison.operator is Operator.IS and one.text in one.values.counts:
        return True
    return any(_holds(value, one.text, one.comparison.operator, one.kind) for value in one.values.counts)


def _without_those_meant(near: Mapping[str, int], one: _Asked, asked: Sequence[_Asked]) -> dict[str, int]:
    """Values that the rule names beside this one are no slips: `contains denied or Denied`."""
    same = [other.text for other in asked if (other.comparison.field, other.comparison.operator) == (one.comparison.field, one.comparison.operator)]
    return {value: count for value, count in near.items() if not any(_holds(value, text, one.comparison.operator, one.kind) for text in same)}


def _near(one: _Asked) -> dict[str, int]:
    """Values that are this one but for case, blanks, hyphens, a plural or the path of an ARN, with how often they occur."""
    counts = one.values.counts
    if one.comparison.operator is not Operator.IS:
        return _near_parts(one)
    wanted = _forms(one.text)
    if one.comparison.field == "IamRoleName" or one.text.startswith("arn:"):
        wanted |= _forms(re.split("[/:]", one.text)[-1])
    return {value: counts[value] for form in sorted(wanted) for value in one.values.by_form.get(form, ())}


def _forms(text: str) -> frozenset[str]:
    """What two spellings of one name have in common: one is enough."""
    folded = _fold(_without_path(text))
    words = [word for word in _SEPARATORS.split(folded) if word]
    whole = "".join(words)
    forms = {whole, "".join(map(_singular, words)), _singular(whole)}
    if whole.endswith("es") and len(whole) > 4:
        forms.add(whole[:-2])
    return frozenset(forms - {""}) or frozenset({folded})


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 2 else word


def _without_path(text: str) -> str:
    """An ARN without what stands between its kind of resource and its name: role/service-role/X is role/X."""
    head, slash, rest = text.partition("/")
    return f"{head}/{rest.rpartition('/')[2]}" if slash and text.startswith("arn:") else text


def _near_parts(one: _Asked) -> dict[str, int]:
    """Parts of values that this one would be, were its spelling theirs; as they stand there where that can be told."""
    holds = OPERATORS[one.comparison.operator].holds
    for read in _readings(one):
        wanted = read(one.text)
        found: Counter[str] = Counter()
        for value, count in one.values.counts.items():
            if wanted and holds and holds(read(value), wanted):
                found[_part_of(value, one.text, one.comparison.operator)] += count
        if found:
            return dict(found)
    return {}


def _readings(one: _Asked) -> Iterator[Callable[[str], str]]:
    """Ways to read texts in which differences of spelling are gone, from the closest on."""
    yield _fold
    yield lambda text: _SEPARATORS.sub("-", _fold(text))
    if len(_SEPARATORS.sub("", one.text)) >= _LEAST_SQUEEZED:
        yield lambda text: _SEPARATORS.sub("", _fold(text))
    if one.kind is Kind.ARN and "/" in one.text and not one.text.endswith("/"):
        # A path alone names nothing: /aws-service-role/ is in no ARN without one.
        yield lambda text: _fold(re.sub(r"/(?:[^/]*/)+", "/", text))


def _part_of(value: str, text: str, operator: Operator) -> str:
    """The part of a value that a text is, whatever the case; the whole value where it is none."""
    length, part = len(text), OPERATORS[operator].part
    if len(_fold(value)) != len(value):
        return value
    at = 0 if part is Part.START else len(value) - length if part is Part.END else _fold(value).find(_fold(text))
    found = value[at : at + length] if at >= 0 else ""
    return found if _fold(found) == _fold(text) else value


def _alike(one: _Asked) -> dict[str, int]:
    """Values that are a few letters off this one, if it is no name of AWS's own."""
    if one.comparison.operator is not Operator.IS or one.text.lower() in _KNOWN.get(one.comparison.field, ()) or len(one.values.counts) > _MOST_COMPARED:
        return {}
    closed = one.comparison.field in _KNOWN or one.kind is Kind.ACCOUNT
    measure = partial(_is_slip, closed=closed)
    return {value: count for value, count in one.values.counts.items() if measure(_fold(one.text), _fold(value))}


def _is_slip(text: str, value: str, *, closed: bool) -> bool:
    """Whether one is the other with a letter or two wrong, left out or swapped. Names in a row are no slips: prod-1 and prod-2, eu-prod and us-prod.

    Args:
        closed: of a vocabulary in which that is no custom.
    """
    if not closed and _are_in_a_row(text, value):
        return False
    shorter = min(len(text), len(value))
    most = 2 if shorter > 8 and not closed else 1
    distance = _distance(text, value, most)
    return distance <= most and (shorter > 3 or closed or (shorter > 2 and sorted(text) == sorted(value)))


def _are_in_a_row(left: str, right: str) -> bool:
    """Whether two names differ in digits alone, or in words of a letter or two."""
    if re.sub(r"\d", "", left) == re.sub(r"\d", "", right):
        return True
    words, others = _SEPARATORS.split(left), _SEPARATORS.split(right)
    return 1 < len(words) == len(others) and all(one == other or max(len(one), len(other)) <= 2 for one, other in zip(words, others, strict=True))


def _distance(left: str, right: str, most: int) -> int:
    """How many letters are wrong, left out, added or swapped with the next; more than `most` where there are more."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, one in enumerate(left, 1):
        here = [row]
        for column, other in enumerate(right, 1):
            best = min(above[column] + 1, here[-1] + 1, above[column - 1] + (one != other))
            if row > 1 and column > 1 and one == right[column - 2] and left[row - 2] == other:
                best = min(best, before[column - 2] + 1)
            here.append(best)
        if min(here) > most:
            return most + 1
        before, above = above, here
    return above[-1]
