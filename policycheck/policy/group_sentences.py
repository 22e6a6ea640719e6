"""The sentences of measures: read, and rendered in the words an author could have written. Their grammar stands in the rows of `measures.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from policycheck.datasets import DATASETS, Dataset
from policycheck.policy import vocabulary
from policycheck.policy.calendars import UTC_ZONE
from policycheck.policy.compared_phrases import MAY_NOT, excess, none_compared
from policycheck.policy.conditions import And, Condition, Literal, conjunction
from policycheck.policy.grouping import per_problem
from policycheck.policy.measures import SHAPES, Measure, Window
from policycheck.policy.model import EVERY_JOB, RESOURCE, AllMatch, Calendar, Expectation, Following, NoneMatch, Statement, SubjectShare
from policycheck.policy.operators import LOWER_BOUNDS, OPERATORS, UPPER_BOUNDS, Operator
from policycheck.policy.phrases import Phrase, grouped, spell_conditions, spell_value
from policycheck.policy.syntax import VALUES, NounPhrase, PhraseReader, branches, child_of, tokens

if TYPE_CHECKING:
    from policycheck.policy.syntax import Branch


# Reading


class SentenceParts:
    """What sentences of all kinds are made of."""

    def __init__(self, phrases: PhraseReader) -> None:
        self._phrases = phrases

    def _statement(
        self, requirement: NoneMatch | AllMatch | Expectation | Following, where: Condition | list[Condition], within: Literal | None = None
    ) -> Statement:
        chosen = conjunction(where) if isinstance(where, list) else where
        return Statement(requirement, chosen, within, self._phrases.dataset.name)

    def _population(self, tree: Branch) -> tuple[Condition, Literal | None]:
        """What the `for` clause chooses, and its window; every job where there is none."""
        clause = child_of(tree, "population")
        if clause is None:
            return And(), None
        return self._phrases.noun_phrase(branches(clause)[0]).all, self._within(clause)

    def _within(self, tree: Branch) -> Literal | None:
        return self._phrases.value(child_of(tree, "within"))

    def _one_window(self, window: Literal | None, tree: Branch) -> Literal | None:
        """The window of the `for` clause or the one at the end."""
        within = child_of(tree, "within")
        if window and within:
            raise self._phrases.error(within, TWO_WINDOWS, "Keep one `within`.")
        return window or self._phrases.value(within)


TWO_WINDOWS = "two windows in one sentence"


class GroupSentences(SentenceParts):
    """Builds statements on groups of jobs out of parse trees."""

    @property
    def forms(self) -> Mapping[str, Callable[[Branch], Statement]]:
        """By the name of the grammar's rule."""
        return {
            "every_has": self._every_has,
            "share_has": self._share_has,
            "there_is": self._there_is,
            "count": self._count,
            "share": self._share,
            "latest": self._latest,
            "no_gap": self._no_gap,
            "gap": self._gap,
            "no_missed": self._missed,
            "missed": self._missed,
            "size_drop": self._compared,
            "size_growth": self._compared,
            "slowdown": self._compared,
        }

    def _every_has(self, tree: Branch) -> Statement:
        subject, quantity = branches(tree)[:2]
        requirement, within = self._quantity(quantity)
        per, inventory = self._group(subject)
        if SHAPES[requirement.measure].each_resource and RESOURCE not in per:
            raise self._phrases.error(subject, _ONE_RESOURCE, "Write: every resource must have ...")
        return self._statement(self._warned(_grouped(requirement, per, inventory), tree), self._phrases.noun_phrase(subject).all, within)

    def _share_has(self, tree: Branch) -> Statement:
        """`at least 95% of resources must have a clean job within 24h`"""
        limit, subjects, quantity = branches(tree)
        requirement, within = self._quantity(quantity)
        operator, share = self._limit(limit, Measure.SHARE)
        if operator not in LOWER_BOUNDS:
            raise self._phrases.error(branches(limit)[0], "a share of the subjects has a lower limit", "Write at least or more than.")
        per, inventory = self._group(subjects)
        requirement = replace(_grouped(requirement, per, inventory), share=SubjectShare(operator, share))
        return self._statement(requirement, self._phrases.noun_phrase(subjects).all, within)

    def _warned(self, requirement: Expectation, tree: Branch) -> Expectation:
        """With the softer limit of the sentence, if it has one."""
        warning = child_of(tree, "warning")
        return requirement if warning is None else replace(requirement, warning=self._phrases.value(warning))

    def _there_is(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        quantity = next(branch for branch in branches(tree) if branch.data not in {"population", "warning"})
        requirement, within = self._quantity(quantity)
        requirement = self._warned(requirement, tree)
        if SHAPES[requirement.measure].each_resource:
            raise self._phrases.error(quantity, _ONE_RESOURCE, "Write: every resource must have ...")
        if window and requirement.measure is Measure.NEWEST:
            raise self._phrases.error(tokens(quantity, "WITHIN")[-1], TWO_WINDOWS, "The maximum age of the newest job is the window: keep the last `within`.")
        if window and requirement.measure is Measure.CALENDAR:
            raise self._phrases.error(cast("Branch", child_of(quantity, "span")), TWO_WINDOWS, "The days are the window: omit `within`.")
        return self._statement(requirement, where, within if SHAPES[requirement.measure].window is Window.REFUSED else self._one_window(window, quantity))

    def _quantity(self, tree: Branch) -> tuple[Expectation, Literal | None]:
        """A job that must be there, or a number of them; and the window."""
        if tree.data == "number":
            limit, jobs = branches(tree)[:2]
            return self._number(tree, limit, self._evidence(jobs)), self._within(tree)
        if tree.data in _COMPARED:
            return self._compared_quantity(tree)
        jobs = branches(tree)[0]
        if tree.data in {"on_each", "on_some"}:
            return self._on_days(tree, self._evidence(jobs)), None
        operator = Operator.LESS_THAN if tree.data == "newer" else Operator.AT_MOST
        age = self._phrases.literal(tokens(tree, *VALUES)[-1])
        return Expectation(Measure.NEWEST, self._evidence(jobs), operator, age), None

    def _count(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        limit, jobs = cast("Branch", child_of(tree, "limit")), cast("Branch", child_of(tree, "jobs"))
        phrase = self._phrases.noun_phrase(jobs)
        self._check_evidence(jobs, phrase)
        nouns, counted = split_phrase(phrase)
        requirement = _grouped(self._number(tree, limit, counted), *self._group(child_of(tree, "group")))
        return self._statement(requirement, [where, *nouns], self._one_window(window, tree))

    def _number(self, tree: Branch, limit: Branch, condition: Condition) -> Expectation:
        measure = Measure.STREAK if any(getattr(child, "type", "") == "CONSECUTIVE" for child in tree.children) else Measure.COUNT
        return Expectation(measure, condition, *self._limit(limit, measure))

    def _on_days(self, tree: Branch, condition: Condition) -> Expectation:
        """`on each of the last 7 days in Europe/Berlin`, `on at least 6 of them`."""
        span, limit = cast("Branch", child_of(tree, "span")), child_of(tree, "limit")
        last, *zones = [self._phrases.literal(token) for token in tokens(span, *VALUES)]
        calendar = Calendar(vocabulary.UNITS[tokens(span, "UNIT")[0].lower()], last, zones[0] if zones else Literal(UTC_ZONE, self._phrases.place(span)))
        operator, least = self._limit(limit, Measure.CALENDAR) if limit else (Operator.AT_LEAST, last)
        return Expectation(Measure.CALENDAR, condition, operator, least, calendar=calendar)

    def _share(self, tree: Branch) -> Statement:
        limit, jobs = branches(tree)[:2]
        requirement = Expectation(Measure.SHARE, self._demand(tree), *self._limit(limit, Measure.SHARE))
        per, inventory = self._group(child_of(tree, "group"))
        return self._statement(_grouped(requirement, per, inventory), self._phrases.noun_phrase(jobs).all, self._within(tree))

    def _latest(self, tree: Branch) -> Statement:
        jobs, subject = branches(tree)[0], child_of(tree, "subject")
        requirement = _grouped(Expectation(Measure.LATEST, self._demand(tree)), *self._group(subject))
        where = [self._phrases.noun_phrase(jobs).all, *([self._phrases.noun_phrase(subject).all] if subject else [])]
        return self._statement(requirement, where, self._within(tree))

    def _no_gap(self, tree: Branch) -> Statement:
        subject, longer, jobs, within = branches(tree)[:4]
        operator, limit = Operator(longer.data), self._phrases.value(longer)
        requirement = _grouped(Expectation(Measure.LONGEST_GAP, self._evidence(jobs), operator, limit), *self._group(subject))
        return self._statement(self._warned(requirement, tree), self._phrases.noun_phrase(subject).all, self._phrases.value(within))

    def _gap(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        limit, jobs = [branch for branch in branches(tree) if branch.data in {"limit", "jobs"}]
        requirement = Expectation(Measure.LONGEST_GAP, self._evidence(jobs), *self._limit(limit, Measure.LONGEST_GAP))
        return self._statement(self._warned(requirement, tree), where, self._one_window(window, tree))

    def _missed(self, tree: Branch) -> Statement:
        runs = cast("Branch", child_of(tree, "runs"))
        limit = child_of(tree, "limit")
        none = Literal("0", self._phrases.place(runs))
        operator, allowed = self._limit(limit, Measure.MISSED_RUNS) if limit else (Operator.AT_MOST, none)
        requirement = Expectation(Measure.MISSED_RUNS, operator=operator, limit=allowed)
        return self._statement(requirement, self._phrases.noun_phrase(runs).all, self._within(tree))

    # Jobs compared with those before them

    def _compared(self, tree: Branch) -> Statement:
        """`no clean EC2 job in vault prod may be more than 50% smaller than the one before`: types and places are the population's."""
        jobs, excess = branches(tree)[:2]
        measure = Measure(tree.data)
        phrase = self._phrases.noun_phrase(jobs)
        said = conjunction([*phrase.outcomes, *phrase.conditions])
        self._check_compared(jobs, measure, said)
        requirement = Expectation(measure, said, Operator(excess.data), self._phrases.value(excess), (RESOURCE,))
        return self._statement(requirement, phrase.nouns, self._within(tree))

    def _compared_quantity(self, tree: Branch) -> tuple[Expectation, Literal | None]:
        jobs, excess = branches(tree)[:2]
        measure = _COMPARED[tree.data]
        condition = self._phrases.noun_phrase(jobs).all
        self._check_compared(jobs, measure, condition)
        return Expectation(measure, condition, Operator(excess.data), self._phrases.value(excess)), self._within(tree)

    def _check_compared(self, jobs: Branch, measure: Measure, condition: Condition) -> None:
        dataset = self._phrases.dataset
        if dataset.name not in SHAPES[measure].lists:
            known = " and ".join(f"{DATASETS[name].noun}s" for name in SHAPES[measure].lists)
            raise self._phrases.error(jobs, f"{dataset.noun}s are not compared with those before them", f"It applies to {known}.")
        if condition == And() and not SHAPES[measure].of_any:
            raise self._phrases.error(jobs, "the size of a job that failed means little", "Say which jobs are compared: no clean job.")

    def _limit(self, tree: Branch, measure: Measure) -> tuple[Operator, Literal]:
        operator = Operator(branches(tree)[0].data)
        if operator not in SHAPES[measure].operators:
            if SHAPES[measure].of_calendar:
                raise self._phrases.error(branches(tree)[0], "the number of days has a lower limit", "Write on at least.")
            raise self._phrases.error(branches(tree)[0], f"{_LIMITED[measure]} has an upper limit", "Write at most or less than.")
        return operator, cast("Literal", self._phrases.value(tree))

    def _demand(self, tree: Branch) -> Condition:
        """`must be COMPLETED`, `must have Retention at least 35d`."""
        demanded = branches(cast("Branch", child_of(tree, "demand")))[0]
        return self._phrases.outcomes(demanded) if demanded.data == "outcomes" else self._phrases.conditions(demanded)

    def _evidence(self, jobs: Branch) -> Condition:
        """Which jobs count, all in one phrase."""
        phrase = self._phrases.noun_phrase(jobs)
        self._check_evidence(jobs, phrase)
        return phrase.all

    def _check_evidence(self, jobs: Branch, phrase: NounPhrase) -> None:
        if phrase.all == And():
            raise self._phrases.error(jobs, "any job would count", "Say which jobs count: a clean job, a COMPLETED job, FAILED jobs.")

    def _group(self, tree: Branch | None) -> tuple[tuple[str, ...], Literal | None]:
        """The fields and the inventory behind `every` or `per`."""
        if tree is None:
            return (), None
        fields: list[str] = []
        for branch in branches(cast("Branch", child_of(tree, "per"))):
            (token,) = tokens(branch, "SUBJECT", "SUBJECTS", "NAME")
            word = token.removesuffix("s") if token.type == "SUBJECTS" else token
            field = str(token) if token.type == "NAME" else vocabulary.subject_field(word, self._phrases.dataset)
            problem = per_problem(field, self._phrases.dataset)
            if field in fields:
                problem = (f"{field} is named twice", "")
            if problem:
                raise self._phrases.error(branch, *problem)
            fields.append(field)
        inventories = [branch for branch in branches(tree) if branch.data == "inventory"]
        if len(inventories) > 1:
            raise self._phrases.error(inventories[1], "two inventories in one sentence", "The entries of one inventory are the subjects.")
        if inventories and RESOURCE not in fields:
            raise self._phrases.error(inventories[0], "an inventory lists resources", "Write: every resource in inventory ...")
        return tuple(fields), self._phrases.value(inventories[0] if inventories else None)


_LIMITED = {Measure.LONGEST_GAP: "a gap", Measure.MISSED_RUNS: "a number of missed runs"}


_COMPARED = {"smaller": Measure.SIZE_DROP, "larger": Measure.SIZE_GROWTH, "slower": Measure.SLOWDOWN}
"""What is said of jobs that a resource must not have."""
_ONE_RESOURCE = "what is compared are jobs of one resource"


def split_phrase(phrase: NounPhrase) -> tuple[list[Condition], Condition]:
    """The population (types and places) and what is forbidden or counted in it; where nothing else is said, types and places are that."""
    said = [*phrase.outcomes, *phrase.conditions]
    return (phrase.nouns, conjunction(said)) if said else ([], conjunction(phrase.nouns))


def _grouped(requirement: Expectation, per: tuple[str, ...], inventory: Literal | None) -> Expectation:
    return replace(requirement, per=per, inventory=inventory)


# Rendering


@dataclass(frozen=True, slots=True)
class _Wording:
    """How one measure is said."""

    sentence: Callable[[Statement, Expectation, Phrase, Phrase], str]
    """Of a statement, its requirement, its `where` and its `of`, but for `within`."""
    demand: Callable[[Expectation, Phrase], str]
    """What is asked of each group."""


def render_expectation(statement: Statement, requirement: Expectation, where: Phrase) -> str:
    """The sentence of a rule on groups."""
    said = _WORDINGS[requirement.measure].sentence(statement, requirement, where, Phrase(requirement.condition, statement.list))
    return f"{said}{_warning(requirement)}"


def _warning(requirement: Expectation) -> str:
    return f", warning at {spell_value(requirement.warning)}" if requirement.warning else ""


def render_measured(requirement: Expectation, of: Phrase) -> str:
    """What a rule asks of each group: at most 2 FAILED jobs."""
    return f"{_WORDINGS[requirement.measure].demand(requirement, of)}{_warning(requirement)}"


def _say_number(statement: Statement, requirement: Expectation, where: Phrase, of: Phrase) -> str:
    return _render_number(requirement, where, of) + render_within(statement.within)


def _say_newest(statement: Statement, requirement: Expectation, where: Phrase, of: Phrase) -> str:
    return f"{_having(where, requirement)} {_newest(requirement, of)}"


def _say_calendar(statement: Statement, requirement: Expectation, where: Phrase, of: Phrase) -> str:
    return f"{_having(where, requirement)} {_on_days(requirement, of)}"


def _say_share(statement: Statement, requirement: Expectation, where: Phrase, of: Phrase) -> str:
    jobs = f"{where.noun('jobs', 'and')}{_per(requirement, statement.list)}"
    return f"{_limit(requirement)} of {jobs} must {_demand(requirement, of)}{render_within(statement.within)}"


def _say_latest(statement: Statement, requirement: Expectation, where: Phrase, of: Phrase) -> str:
    latest = _latest(requirement, where) if requirement.per else where.noun("job")
    return f"the latest {latest} must {_demand(requirement, of)}{render_within(statement.within)}"


def _say_gap(statement: Statement, requirement: Expectation, where: Phrase, of: Phrase) -> str:
    within = render_within(statement.within)
    if requirement.per:
        return f"no {_subject(requirement, where)} may go {_longer(requirement)} without {of.one()}{within}"
    return f"{_unless_empty(where)}{_limit(requirement)} may pass without {of.one()}{within}"


def _say_missed(statement: Statement, requirement: Expectation, where: Phrase, of: Phrase) -> str:
    return f"{_missed(requirement, where)}{render_within(statement.within)}"


def _subject(requirement: Expectation, where: Phrase) -> str:
    return where.subject(requirement.per, requirement.inventory) if requirement.per else ""


def _render_number(requirement: Expectation, where: Phrase, of: Phrase) -> str:
    """A lower bound is asked of a subject, an upper bound of its jobs; where types and places would be read as the other's, the general forms."""
    one_phrase = not where.said and of.said and not of.nouns
    only_nouns = where.empty and of.nouns and not of.said
    upper = requirement.operator in UPPER_BOUNDS
    if (one_phrase or only_nouns) and (upper or not requirement.per) and requirement.share is None:
        jobs = of.beside(where) if one_phrase else of
        return f"{_number(requirement, jobs)}{_per(requirement, where.dataset)}"
    return f"{_having(where, requirement)} {_number(requirement, of)}"


def _having(where: Phrase, requirement: Expectation) -> str:
    if requirement.share is not None:
        share = f"{OPERATORS[requirement.share.operator].test} {spell_value(requirement.share.limit)}"
        return f"{share} of {where.subject(requirement.per, requirement.inventory, several=True)} must have"
    subject = _subject(requirement, where)
    return f"every {subject} must have" if subject else f"{_unless_empty(where)}there must be"


def _unless_empty(where: Phrase) -> str:
    """The `for` clause; the jobs that follow say which list they are of."""
    return "" if where.empty else where.clause()


def _per(requirement: Expectation, dataset: Dataset) -> str:
    return f" per {grouped(requirement.per, requirement.inventory, dataset)}" if requirement.per else ""


def _latest(requirement: Expectation, where: Phrase) -> str:
    """`FAILED copy job of every RDS resource in vault prod`; what is no resource has no type, and its jobs say theirs."""
    if RESOURCE not in requirement.per:
        return f"{where.noun('job')} of every {grouped(requirement.per, requirement.inventory, where.dataset)}"
    job = " ".join([*where.outcomes, Phrase(EVERY_JOB, where.dataset).noun("job")])
    return f"{job} of every {where.without_outcomes().subject(requirement.per, requirement.inventory)}"


def _demand(requirement: Expectation, of: Phrase) -> str:
    if of.outcomes and not of.nouns and not of.rest:
        return f"be {of.outcomes[0]}"
    return f"have {spell_conditions(requirement.condition)}"


def _limit(requirement: Expectation, *, counted: bool = False) -> str:
    assert requirement.operator is not None
    assert requirement.limit is not None
    bound = "fewer than" if counted and requirement.operator is Operator.LESS_THAN else OPERATORS[requirement.operator].test
    return f"{bound} {spell_value(requirement.limit)}"


def _number(requirement: Expectation, jobs: Phrase) -> str:
    """`at most 2 consecutive FAILED jobs`"""
    consecutive = " consecutive" if requirement.measure is Measure.STREAK else ""
    return f"{_limit(requirement, counted=True)}{consecutive} {jobs.noun('job' if _is_one(requirement) else 'jobs')}"


def _is_one(requirement: Expectation) -> bool:
    return requirement.limit is not None and requirement.limit.text == "1"


def _newest(requirement: Expectation, of: Phrase) -> str:
    """`a clean job within 24h`"""
    assert requirement.limit is not None
    return f"{of.one()} within {'less than ' if requirement.operator is Operator.LESS_THAN else ''}{spell_value(requirement.limit)}"


def _on_days(requirement: Expectation, of: Phrase) -> str:
    """`a clean job on each of the last 7 days in Europe/Berlin`"""
    calendar, limit = requirement.calendar, requirement.limit
    assert calendar is not None
    assert limit is not None
    last = f"the last {spell_value(calendar.last)} {calendar.count_words(calendar.last.text)} in {spell_value(calendar.zone)}"
    return f"{of.one()} on {'each' if limit == calendar.last else _limit(requirement)} of {last}"


def _longer(requirement: Expectation) -> str:
    """What is over the limit: `longer than 26h`; where the limit itself is, `26h or longer`."""
    assert requirement.limit is not None
    limit = spell_value(requirement.limit)
    return f"{limit} or longer" if requirement.operator is Operator.LESS_THAN else f"longer than {limit}"


def _missed(requirement: Expectation, where: Phrase) -> str:
    """`no scheduled run may be missed`"""
    none = requirement.operator is Operator.AT_MOST and requirement.limit == Literal("0")
    runs = where.runs("run" if none or _is_one(requirement) else "runs")
    return f"{'no' if none else _limit(requirement, counted=True)} {runs} may be missed"


def _say_compared(statement: Statement, requirement: Expectation, where: Phrase, of: Phrase) -> str:
    """Of every resource in one phrase; where types and places would be read as the other's, or others are the subjects, the general form."""
    within = render_within(statement.within)
    if requirement.per == (RESOURCE,) and requirement.inventory is None and not where.said and not of.nouns:
        return f"no {of.beside(where).noun('job')} may {MAY_NOT[requirement.measure]} {excess(requirement)}{within}"
    return f"{_having(where, requirement)} {none_compared(requirement, of)}{within}"


def render_within(window: Literal | None) -> str:
    """` within 24h`; empty where there is no window."""
    return f" within {spell_value(window)}" if window else ""


_WORDINGS: Mapping[Measure, _Wording] = {
    Measure.COUNT: _Wording(_say_number, _number),
    Measure.STREAK: _Wording(_say_number, _number),
    Measure.SHARE: _Wording(_say_share, lambda requirement, of: f"{_limit(requirement)} of jobs must {_demand(requirement, of)}"),
    Measure.NEWEST: _Wording(_say_newest, _newest),
    Measure.LATEST: _Wording(_say_latest, lambda requirement, of: f"the latest job must {_demand(requirement, of)}"),
    Measure.LONGEST_GAP: _Wording(_say_gap, lambda requirement, of: f"{_limit(requirement)} may pass without {of.one()}"),
    Measure.CALENDAR: _Wording(_say_calendar, _on_days),
    Measure.MISSED_RUNS: _Wording(_say_missed, lambda requirement, of: _missed(requirement, Phrase(requirement.condition, of.dataset))),
    Measure.SIZE_DROP: _Wording(_say_compared, none_compared),
    Measure.SIZE_GROWTH: _Wording(_say_compared, none_compared),
    Measure.SLOWDOWN: _Wording(_say_compared, none_compared),
}
