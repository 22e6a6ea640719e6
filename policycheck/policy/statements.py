"""The structured form of a rule: its keys to a statement, each mistake reported at its key; and a statement to its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from policycheck.datasets import DATASETS, DEFAULT
from policycheck.policy.calendars import UTC_ZONE, CalendarUnit
from policycheck.policy.conditions import And, Condition, Literal, Operator, Structured, nearest, structured
from policycheck.policy.document import Document, Entries, Items, Node, Text
from policycheck.policy.grouping import per_problem
from policycheck.policy.measures import SHAPES, WITH_WARNING, Measure, Shape, Window
from policycheck.policy.model import (
    FOLLOWERS,
    RESOURCE,
    AllMatch,
    Calendar,
    Expectation,
    Following,
    NoData,
    NoneMatch,
    Qualifiers,
    Requirement,
    Statement,
    SubjectShare,
)
from policycheck.policy.operators import LOWER_BOUNDS
from policycheck.policy.shape import find_entry
from policycheck.policy.structure import read_conditions
from policycheck.text import clean_line

CALENDAR_KEYS = (*CalendarUnit, "zone")
"""What stands beside the limit of a measure of a calendar."""
REQUIREMENTS = ("none", "all", "expect", "followed_by")
STRUCTURED = ("dataset", "where", "within", "per", *REQUIREMENTS, "share_of_subjects", "unless_recovered_within")
"""The keys that cannot be combined with a sentence: it says what they say."""


def read_statement(node: Entries, document: Document) -> Statement | None:
    """The statement the keys of a rule spell; None, or the part that can be read, once its mistakes are reported."""
    return _StatementReader(node, document).read()


def structured_rule(statement: Statement, qualifiers: Qualifiers | None = None) -> Structured:
    """A statement, and what stands beside it, in the structured form of a policy file; what is the default is left out."""
    keys: Structured = {"dataset": statement.dataset} if statement.dataset != DEFAULT.name else {}
    where = structured(statement.where)
    keys |= {"where": where} if where else {}
    keys |= {"within": statement.within.text} if statement.within else {}
    if qualifiers is not None:
        keys |= {"clock": qualifiers.clock} if qualifiers.clock else {}
        keys |= {"jobs": qualifiers.jobs.value} if qualifiers.jobs is not statement.default_jobs else {}
    keys |= _structured_requirement(statement.requirement)
    if qualifiers is not None and qualifiers.no_data is not NoData.INCONCLUSIVE:
        keys["no_data"] = qualifiers.no_data.value
    return keys


def _structured_requirement(requirement: Requirement) -> Structured:
    match requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            return {"none": structured(condition), **({"unless_recovered_within": recovery.text} if recovery else {})}
        case AllMatch(condition=condition):
            return {"all": structured(condition)}
        case Expectation(measure=measure, condition=condition, operator=operator, limit=limit, per=per, inventory=inventory):
            keys: Structured = {"per": list(per) if len(per) > 1 else per[0]} if per else {}
            keys |= {"inventory": inventory.text} if inventory else {}
            matching = structured(condition) if SHAPES[measure].of else {}
            of = {"of": matching} if matching or not (SHAPES[measure].of_any or not SHAPES[measure].of) else {}
            days = requirement.calendar
            beside = {days.unit.value: days.last.text, "zone": days.zone.text} if days else {}
            beside |= {"warning": requirement.warning.text} if requirement.warning else {}
            share = requirement.share
            keys |= {"share_of_subjects": {share.operator.value: share.limit.text}} if share else {}
            return {**keys, "expect": {measure.value: {**of, **({operator.value: limit.text} if operator and limit else {}), **beside}}}
        case Following(dataset=dataset, condition=condition, within=within):
            conditions = structured(condition)
            return {"followed_by": {"dataset": dataset, **({"where": conditions} if conditions else {}), "within": within.text}}
        case _:
            assert_never(requirement)


def read_dataset(name: Text | None, document: Document) -> str | None:
    """The name of a list that is judged; backup_jobs where none is named, None once a wrong one is reported."""
    if name is None:
        return DEFAULT.name
    if name.text in DATASETS:
        return name.text
    judged = f"The datasets are {', '.join(DATASETS)}."
    near = nearest(name.text, DATASETS)
    document.report(name.location, f"there is no dataset {clean_line(name.text)}", f"Did you mean {near}?" if near else judged)
    return None


class _StatementReader:
    def __init__(self, node: Entries, document: Document) -> None:
        self._node = node
        self._document = document

    def read(self) -> Statement | None:
        asked = [key for key in REQUIREMENTS if key in self._node.entries]
        if len(asked) != 1:
            place = self._node.entries[asked[1]][0].location if asked else find_entry(self._node, "id")
            needs = f"a rule needs exactly one of rule, {', '.join(REQUIREMENTS[:-1])} and {REQUIREMENTS[-1]}"
            self._document.report(place, f"a rule has either {asked[0]} or {asked[1]}, not both" if asked else needs)
            return None
        (key,) = asked
        dataset = read_dataset(_text(self._node, "dataset"), self._document)
        within = _literal(self._node, "within")
        if dataset is None:
            # No list, no fields: only the windows can be checked.
            return Statement(NoneMatch(And(), _literal(self._node, "unless_recovered_within")), And(), within)
        where = read_conditions(self._node.get("where"), self._document)
        if key != "expect":
            self._refuse(("per", "inventory", "share_of_subjects"), f"requires expect, not {key}")
        if key != "none":
            self._refuse(("unless_recovered_within",), f"qualifies none, not {key}")
        requirement = self._requirement(key, dataset)
        return Statement(requirement, where, within, dataset) if requirement else None

    def _requirement(self, key: str, dataset: str) -> Requirement | None:
        match key:
            case "none":
                return NoneMatch(self._asked(self._node, key), _literal(self._node, "unless_recovered_within"))
            case "all":
                return AllMatch(self._asked(self._node, key))
            case "expect":
                return self._expectation(dataset)
            case _:
                return self._following(dataset)

    def _refuse(self, keys: tuple[str, ...], message: str) -> None:
        for key in keys:
            if key in self._node.entries:
                self._document.report(self._node.entries[key][0].location, f"{key} {message}")

    def _asked(self, node: Entries, key: str) -> Condition:
        """Conditions that must not be empty."""
        name, value = node.entries[key]
        if isinstance(value, Entries) and not value.entries:
            self._document.report(name.location, f"{key} names no condition", "Name at least one: {State: FAILED}.")
        return read_conditions(value, self._document)

    # expect

    def _expectation(self, dataset: str) -> Expectation | None:
        name, value = self._node.entries["expect"]
        measures = ", ".join(Measure)
        if not isinstance(value, Entries) or not value.entries:
            self._document.report(
                name.location, "expect names no measure", f"Write expect: {{count: {{of: {{State: FAILED}}, at_most: 2}}}}, or one of {measures}."
            )
            return None
        words = [word for word, _ in value.entries.values()]
        if len(words) > 1:
            self._document.report(words[1].location, "expect holds one measure", "Write two rules.")
            return None
        (word,) = words
        if word.text not in set(Measure):
            near = nearest(word.text, Measure)
            hint = f"Did you mean {near}?" if near else f"The measures are {measures}."
            self._document.report(word.location, f"there is no measure {clean_line(word.text)}", hint)
            return None
        measure = Measure(word.text)
        self._check_keys(measure, dataset)
        per = self._per(dataset, each_resource=SHAPES[measure].each_resource) if SHAPES[measure].per else ()
        return self._measured(measure, word, value.entries[word.text][1], per)

    def _check_keys(self, measure: Measure, dataset: str) -> None:
        """What may stand beside a measure."""
        shape = SHAPES[measure]
        if shape.window is Window.REFUSED:
            self._refuse(("within",), f"cannot be combined with {measure}: {'its days are' if shape.of_calendar else 'its limit is'} the window")
        if shape.window is Window.NEEDED and "within" not in self._node.entries:
            self._document.report(self._node.entries["expect"][0].location, f"{measure} requires a window", "Add within: 28d")
        if not shape.per:
            self._refuse(("per", "inventory", "share_of_subjects"), f"cannot be combined with {measure}: it is about each resource that jobs name")
        if shape.of_schedules and not DATASETS[dataset].scheduled:
            scheduled = [one for one in DATASETS.values() if one.scheduled]
            message = f"only {' and '.join(f'{one.noun}s' for one in scheduled)} are scheduled"
            self._document.report(self._node.entries["dataset"][1].location, message, f"{measure} is about {' and '.join(one.name for one in scheduled)}.")
        if shape.lists and dataset not in shape.lists:
            message = f"{measure} is not about {DATASETS[dataset].noun}s"
            self._document.report(self._node.entries["dataset"][1].location, message, f"It is about {' and '.join(shape.lists)}.")

    def _per(self, dataset: str, *, each_resource: bool) -> tuple[str, ...]:
        value = self._node.get("per")
        if value is None and each_resource:
            return (RESOURCE,)
        items = value.items if isinstance(value, Items) else () if value is None else (value,)
        fields: list[str] = []
        for item in items:
            if not isinstance(item, Text):
                continue  # Its shape is reported.
            problem = per_problem(item.text, DATASETS[dataset])
            if item.text in fields:
                problem = (f"{item.text} is named twice", "")
            if problem:
                self._document.report(item.location, *problem)
            fields.append(item.text)
        if each_resource and RESOURCE not in fields:
            self._document.report(self._node.entries["per"][0].location, "what is compared are jobs of one resource", f"Add {RESOURCE}, or omit per.")
        elif "inventory" in self._node.entries and RESOURCE not in fields:
            self._document.report(self._node.entries["inventory"][0].location, "an inventory lists resources", f"Add per: {RESOURCE}")
        return tuple(fields)

    def _measured(self, measure: Measure, word: Text, value: Node, per: tuple[str, ...]) -> Expectation | None:
        shape = SHAPES[measure]
        if not isinstance(value, Entries):
            self._document.report(word.location, f"{measure} takes a mapping", f"Write {shape.example}.")
            return None
        condition: Condition = And()
        if not shape.of:
            if "of" in value.entries:
                self._document.report(value.entries["of"][0].location, f"{measure} has no of: a missed run has no job", "Select the runs with where.")
        elif "of" in value.entries:
            condition = self._asked(value, "of")
        elif not shape.of_any:
            self._document.report(word.location, f"{measure} does not say which jobs count", f"Write {shape.example}.")
        calendar = self._calendar(measure, word, value) if shape.of_calendar else None
        beside = {"of", *(CALENDAR_KEYS if shape.of_calendar else ()), *(["warning"] if shape.limit in WITH_WARNING else ())}
        limits = {key: entry for key, entry in value.entries.items() if key not in beside}
        operator, limit = self._limit(measure, word, limits, shape)
        if shape.of_calendar and calendar is None:
            return None
        if "warning" in beside and "warning" in value.entries and _text(value, "warning") is None:
            self._document.report(value.entries["warning"][0].location, "warning takes one value")
        warning = _literal(value, "warning") if "warning" in beside else None
        return Expectation(measure, condition, operator, limit, per, _literal(self._node, "inventory"), calendar, self._share(), warning)

    def _share(self) -> SubjectShare | None:
        """`share_of_subjects: {at_least: 95%}`."""
        value = self._node.get("share_of_subjects")
        if not isinstance(value, Entries):
            return None  # Its shape is reported.
        for operator in LOWER_BOUNDS:
            if (limit := _literal(value, operator.value)) is not None:
                return SubjectShare(operator, limit)
        return None

    def _calendar(self, measure: Measure, word: Text, value: Entries) -> Calendar | None:
        """The days, weeks or months beside a measure of a calendar; UTC's where no zone is named."""
        units = [unit for unit in CalendarUnit if unit.value in value.entries]
        if len(units) != 1:
            place = value.entries[units[1].value][0].location if units else word.location
            problem = "counts days, weeks or months, not two of them" if units else "does not say of how many days, weeks or months"
            self._document.report(place, f"{measure} {problem}", f"Write {SHAPES[measure].example}.")
            return None
        last, zone = _literal(value, units[0].value), _literal(value, "zone")
        for key in (units[0].value, "zone"):
            if key in value.entries and _text(value, key) is None:
                self._document.report(value.entries[key][0].location, f"{key} takes one value")
        return Calendar(units[0], last, zone or Literal(UTC_ZONE, word.location)) if last else None

    def _limit(self, measure: Measure, word: Text, limits: Mapping[str, tuple[Text, Node]], shape: Shape) -> tuple[Operator | None, Literal | None]:
        known = [operator.value for operator in shape.operators]
        for key, (name, _) in limits.items():
            if key not in known:
                taken = ["of", *known, *(CALENDAR_KEYS if shape.of_calendar else ()), *(["warning"] if shape.limit in WITH_WARNING else ())]
                near = nearest(key, taken)
                hint = f"Did you mean {near}?" if near else f"It takes {', '.join(taken)}."
                self._document.report(name.location, f"{measure} takes no {clean_line(key)}", hint)
                return None, None
        if len(limits) > 1:
            self._document.report(list(limits.values())[1][0].location, f"{measure} has one limit", "Write two rules.")
        elif not limits and known:
            self._document.report(word.location, f"{measure} has no limit", f"Add one of {', '.join(known)}: {shape.limit.value}.")
        if len(limits) != 1:
            return None, None
        ((name, value),) = limits.values()
        if not isinstance(value, Text):
            self._document.report(name.location, f"{name.text} takes one value")
            return None, None
        return Operator(name.text), Literal(value.text, value.location)

    # followed_by

    def _following(self, dataset: str) -> Following | None:
        _, value = self._node.entries["followed_by"]
        if not isinstance(value, Entries):
            return None  # Its shape is reported.
        following = _text(value, "dataset")
        other = read_dataset(following, self._document)
        within = _literal(value, "within")
        condition = self._asked(value, "where") if "where" in value.entries else And()
        if following is None or within is None or other is None:
            return None
        known = FOLLOWERS.get(dataset, ())
        if other not in known:
            hint = f"{' and '.join(known)} follow {dataset}." if known else f"{', '.join(FOLLOWERS)} can be followed."
            self._document.report(following.location, f"{other} do not follow {dataset}", hint)
            return None
        return Following(other, condition, within)


def _text(node: Entries, key: str) -> Text | None:
    value = node.get(key)
    return value if isinstance(value, Text) else None


def _literal(node: Entries, key: str) -> Literal | None:
    value = _text(node, key)
    return None if value is None else Literal(value.text, value.location)
