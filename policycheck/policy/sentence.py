"""Sentences to statements: parse, build the tree both spellings share, and say plainly what does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from policycheck.datasets import BACKUP_JOBS, DATASETS
from policycheck.policy import vocabulary
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Operator, conjunction
from policycheck.policy.document import Text
from policycheck.policy.grammar import parser
from policycheck.policy.grouping import per_problem
from policycheck.policy.measures import SHAPES, Measure
from policycheck.policy.model import FOLLOWERS, RESOURCE, AllMatch, Expectation, Following, NoneMatch, Statement
from policycheck.policy.syntax import VALUES, NounPhrase, PhraseReader, SentenceError, branches, child_of, tokens

if TYPE_CHECKING:
    from policycheck.policy.syntax import Branch


def parse_sentence(text: Text) -> Statement:
    """The statement a sentence spells; raises SentenceError at the word that does not fit."""
    return _Reader(text).read()


MAX_DEPTH = 100
_PARENTHESES = re.compile(r'[()]|"[^"]*"')


class _Reader:
    """Builds one statement out of one parse tree."""

    def __init__(self, source: Text) -> None:
        self._sentence = source.text.rstrip()
        if self._sentence.endswith("."):
            self._sentence = self._sentence[:-1]
        self._phrases = PhraseReader(source, self._sentence)

    def read(self) -> Statement:
        from lark.exceptions import UnexpectedInput

        try:
            self._check_depth()
            tree = parser().parse(self._sentence)
        except UnexpectedInput as error:
            from policycheck.policy.mistakes import explain

            mistake = explain(self._sentence, error)
            raise SentenceError(self._phrases.span(mistake.start, mistake.end), mistake.message, mistake.hint) from None
        forms: dict[str, Callable[[Branch], Statement]] = {
            "no_jobs": self._no_jobs,
            "no_overdue": self._no_overdue,
            "must": self._must,
            "for_no": self._for_no,
            "for_every": self._for_every,
            "every_has": self._every_has,
            "there_is": self._there_is,
            "count": self._count,
            "share": self._share,
            "latest": self._latest,
            "no_gap": self._no_gap,
            "gap": self._gap,
            "no_missed": self._missed,
            "missed": self._missed,
            "followed": self._followed,
        }
        self._phrases.dataset = DATASETS[self._named_list(branches(tree)[:1] if tree.data == "followed" else [tree])]
        return forms[tree.data](tree)

    def _check_depth(self) -> None:
        """Reading the tree recurses once a parenthesis."""
        depth = 0
        for match in _PARENTHESES.finditer(self._sentence):
            depth += {"(": 1, ")": -1}.get(match[0], 0)
            if depth > MAX_DEPTH:
                raise SentenceError(self._phrases.span(match.start(), match.end()), f"parentheses nested deeper than {MAX_DEPTH} levels")

    def _named_list(self, trees: list[Branch]) -> str:
        """The one list that `copy` or `restore` names; backup jobs where none is named."""
        kinds = [token for tree in trees for token in tokens(tree, "KIND")]
        for kind in kinds[1:]:
            if kind.lower() != kinds[0].lower():
                raise self._phrases.error(kind, f"a sentence is about one list: {kinds[0].lower()} jobs", "Write two rules, or: must be followed by a copy job")
        return vocabulary.KINDS[kinds[0].lower()] if kinds else BACKUP_JOBS.name

    def _statement(
        self, requirement: NoneMatch | AllMatch | Expectation | Following, where: Condition | list[Condition], within: Literal | None = None
    ) -> Statement:
        chosen = conjunction(where) if isinstance(where, list) else where
        return Statement(requirement, chosen, within, self._phrases.dataset.name)

    # Rules on each job

    def _no_jobs(self, tree: Branch) -> Statement:
        phrase = self._phrases.noun_phrase(branches(tree)[0])
        where, forbidden = _split(phrase)
        return self._statement(NoneMatch(forbidden, self._phrases.value(child_of(tree, "recovered"))), where, self._within(tree))

    def _no_overdue(self, tree: Branch) -> Statement:
        jobs = branches(tree)[0]
        phrase = self._phrases.noun_phrase(jobs)
        if phrase.outcomes:
            raise self._phrases.error(jobs, "an overdue job has no outcome yet", "Leave the state out: no EC2 job may be overdue")
        overdue = Comparison("Overdue", Operator.IS, (Literal("true", self._phrases.place(tree)),), self._phrases.place(tree))
        return self._statement(NoneMatch(overdue), phrase.all, self._within(tree))

    def _must(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        field = cast("Branch", child_of(tree, "field"))
        condition = self._phrases.comparison(field, branches(tree)[branches(tree).index(field) + 1])
        requirement = NoneMatch(condition.part) if isinstance(condition, Not) else AllMatch(condition)
        return self._statement(requirement, where, self._one_window(window, tree))

    def _for_no(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        condition = self._phrases.conditions(branches(tree)[1])
        return self._statement(NoneMatch(condition, self._phrases.value(child_of(tree, "recovered"))), where, window)

    def _for_every(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        return self._statement(AllMatch(self._phrases.conditions(branches(tree)[1])), where, window)

    # Rules on groups of jobs

    def _every_has(self, tree: Branch) -> Statement:
        subject, quantity = branches(tree)
        requirement, within = self._quantity(quantity)
        per, inventory = self._group(subject)
        return self._statement(_grouped(requirement, per, inventory), self._phrases.noun_phrase(subject).all, within)

    def _there_is(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        quantity = branches(tree)[-1]
        requirement, within = self._quantity(quantity)
        if window and requirement.measure is Measure.NEWEST:
            raise self._phrases.error(tokens(quantity, "WITHIN")[-1], _TWO_WINDOWS, "How old the newest job may be is the window: keep the last `within`.")
        return self._statement(requirement, where, within if requirement.measure is Measure.NEWEST else self._one_window(window, quantity))

    def _quantity(self, tree: Branch) -> tuple[Expectation, Literal | None]:
        """A job that must be there, or a number of them; and the window."""
        if tree.data == "number":
            limit, jobs = branches(tree)[:2]
            return self._number(tree, limit, self._evidence(jobs)), self._within(tree)
        jobs = branches(tree)[0]
        operator = Operator.LESS_THAN if tree.data == "newer" else Operator.AT_MOST
        age = self._phrases.literal(tokens(tree, *VALUES)[-1])
        return Expectation(Measure.NEWEST, self._evidence(jobs), operator, age), None

    def _count(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        limit, jobs = cast("Branch", child_of(tree, "limit")), cast("Branch", child_of(tree, "jobs"))
        phrase = self._phrases.noun_phrase(jobs)
        self._check_evidence(jobs, phrase)
        nouns, counted = _split(phrase)
        requirement = _grouped(self._number(tree, limit, counted), *self._group(child_of(tree, "group")))
        return self._statement(requirement, [where, *nouns], self._one_window(window, tree))

    def _number(self, tree: Branch, limit: Branch, condition: Condition) -> Expectation:
        measure = Measure.STREAK if any(getattr(child, "type", "") == "CONSECUTIVE" for child in tree.children) else Measure.COUNT
        return Expectation(measure, condition, *self._limit(limit, measure))

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
        subject, longer, jobs, within = branches(tree)
        operator, limit = Operator(longer.data), self._phrases.value(longer)
        requirement = _grouped(Expectation(Measure.LONGEST_GAP, self._evidence(jobs), operator, limit), *self._group(subject))
        return self._statement(requirement, self._phrases.noun_phrase(subject).all, self._phrases.value(within))

    def _gap(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        limit, jobs = branches(tree)[-3:-1]
        requirement = Expectation(Measure.LONGEST_GAP, self._evidence(jobs), *self._limit(limit, Measure.LONGEST_GAP))
        return self._statement(requirement, where, self._one_window(window, tree))

    def _missed(self, tree: Branch) -> Statement:
        runs = cast("Branch", child_of(tree, "runs"))
        limit = child_of(tree, "limit")
        none = Literal("0", self._phrases.place(runs))
        operator, allowed = self._limit(limit, Measure.MISSED_RUNS) if limit else (Operator.AT_MOST, none)
        requirement = Expectation(Measure.MISSED_RUNS, operator=operator, limit=allowed)
        return self._statement(requirement, self._phrases.noun_phrase(runs).all, self._within(tree))

    def _limit(self, tree: Branch, measure: Measure) -> tuple[Operator, Literal]:
        operator = Operator(branches(tree)[0].data)
        if operator not in SHAPES[measure].operators:
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
            raise self._phrases.error(jobs, "any job whatever would count", "Say which jobs count: a clean job, a COMPLETED job, FAILED jobs.")

    def _group(self, tree: Branch | None) -> tuple[tuple[str, ...], Literal | None]:
        """The fields and the inventory behind `every` or `per`."""
        if tree is None:
            return (), None
        fields: list[str] = []
        for branch in branches(cast("Branch", child_of(tree, "per"))):
            (token,) = tokens(branch, "SUBJECT", "NAME")
            field = str(token) if token.type == "NAME" else vocabulary.subject_field(token, self._phrases.dataset)
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

    # Jobs of another list

    def _followed(self, tree: Branch) -> Statement:
        first, second = [branch for branch in branches(tree) if branch.data == "jobs"]
        where, dataset = self._phrases.noun_phrase(first).all, self._phrases.dataset
        windows = [branch for branch in branches(tree) if branch.data == "within"]
        following = self._named_list([second])
        if following not in FOLLOWERS.get(dataset.name, ()):
            known = " and ".join(DATASETS[name].noun + "s" for name in FOLLOWERS.get(dataset.name, ()))
            hint = f"After {dataset.noun}s come {known}." if known else "After backup and copy jobs come copy and restore jobs."
            raise self._phrases.error(second, f"{DATASETS[following].noun}s do not follow {dataset.noun}s", hint)
        self._phrases.dataset = DATASETS[following]
        condition = self._phrases.noun_phrase(second).all
        within = cast("Literal", self._phrases.value(windows[-1]))
        self._phrases.dataset = dataset
        return self._statement(Following(following, condition, within), where, self._phrases.value(windows[0]) if len(windows) > 1 else None)

    # Populations and windows

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
            raise self._phrases.error(within, _TWO_WINDOWS, "Keep one `within`.")
        return window or self._phrases.value(within)


_TWO_WINDOWS = "two windows in one sentence"
_LIMITED = {Measure.LONGEST_GAP: "a gap", Measure.MISSED_RUNS: "a number of missed runs"}


def _split(phrase: NounPhrase) -> tuple[list[Condition], Condition]:
    """The population (types and places) and what is forbidden or counted in it; where nothing else is said, types and places are that."""
    said = [*phrase.outcomes, *phrase.conditions]
    return (phrase.nouns, conjunction(said)) if said else ([], conjunction(phrase.nouns))


def _grouped(requirement: Expectation, per: tuple[str, ...], inventory: Literal | None) -> Expectation:
    return Expectation(requirement.measure, requirement.condition, requirement.operator, requirement.limit, per, inventory)
