"""Sentences to statements: parse, build the tree both spellings share, and say plainly what does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from policycheck.datasets import DATASETS
from policycheck.errors import Location
from policycheck.policy import vocabulary
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Operator, Or, conjunction, negation
from policycheck.policy.document import Text
from policycheck.policy.grammar import parser
from policycheck.policy.mistakes import explain
from policycheck.policy.model import AllMatch, NoneMatch, Statement
from policycheck.text import clean_line

if TYPE_CHECKING:
    from lark import Token, Tree

    Branch = Tree[Token]


class SentenceError(Exception):
    """A sentence that does not say a rule: where in the file, what, and what to write instead."""

    def __init__(self, location: Location, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.location, self.message, self.hint = location, message, hint


def parse_sentence(text: Text) -> Statement:
    """The statement a sentence spells; raises SentenceError at the word that does not fit."""
    return _Reader(text).read()


MAX_DEPTH = 100
_PARENTHESES = re.compile(r'[()]|"[^"]*"')
_STATE_KEYS = {name: dataset.state_field for name, dataset in DATASETS.items()}


class _Reader:
    """Builds one statement out of one parse tree."""

    def __init__(self, source: Text) -> None:
        self._source = source
        self._sentence = source.text.rstrip()
        if self._sentence.endswith("."):
            self._sentence = self._sentence[:-1]
        self._dataset = "backup_jobs"

    def read(self) -> Statement:
        from lark.exceptions import UnexpectedInput

        try:
            self._check_depth()
            tree = parser().parse(self._sentence)
        except UnexpectedInput as error:
            mistake = explain(self._sentence, error)
            raise SentenceError(self._span(mistake.start, mistake.end), mistake.message, mistake.hint) from None
        kind = next((str(token).lower() for token in _tokens(tree, "KIND")), "backup")
        self._dataset = vocabulary.KINDS[kind]
        forms: dict[str, Callable[[Branch], Statement]] = {
            "no_jobs": self._no_jobs,
            "no_overdue": self._no_overdue,
            "must": self._must,
            "for_no": self._for_no,
            "for_every": self._for_every,
        }
        return forms[tree.data](tree)

    def _check_depth(self) -> None:
        """Reading the tree recurses once a parenthesis."""
        depth = 0
        for match in _PARENTHESES.finditer(self._sentence):
            depth += {"(": 1, ")": -1}.get(match[0], 0)
            if depth > MAX_DEPTH:
                raise SentenceError(self._span(match.start(), match.end()), f"parentheses nested deeper than {MAX_DEPTH} levels")

    # Forms

    def _no_jobs(self, tree: Branch) -> Statement:
        outcomes, nouns, conditions = self._noun_phrase(_branches(tree)[0])
        forbidden = [*outcomes, *conditions]
        where = nouns if forbidden else []
        requirement = NoneMatch(conjunction(forbidden or nouns), self._window(_child(tree, "recovered")))
        return Statement(requirement, conjunction(where), self._window(_child(tree, "within")), self._dataset)

    def _no_overdue(self, tree: Branch) -> Statement:
        jobs = _branches(tree)[0]
        outcomes, nouns, conditions = self._noun_phrase(jobs)
        if outcomes:
            raise self._error(jobs, "an overdue job has no outcome yet", "Leave the state out: no EC2 job may be overdue")
        overdue = Comparison("Overdue", Operator.IS, (Literal("true", self._place(tree)),), self._place(tree))
        return Statement(NoneMatch(overdue), conjunction([*nouns, *conditions]), self._window(_child(tree, "within")), self._dataset)

    def _must(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        branches = _branches(tree)
        name = next(index for index, branch in enumerate(branches) if branch.data == "field")
        condition = self._comparison(branches[name], branches[name + 1])
        within = _child(tree, "within")
        if window and within:
            raise self._error(within, "two windows in one sentence", "Keep one `within`.")
        requirement = NoneMatch(condition.part) if isinstance(condition, Not) else AllMatch(condition)
        return Statement(requirement, where, window or self._window(within), self._dataset)

    def _for_no(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        requirement = NoneMatch(self._conditions(_branches(tree)[1]), self._window(_child(tree, "recovered")))
        return Statement(requirement, where, window, self._dataset)

    def _for_every(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        return Statement(AllMatch(self._conditions(_branches(tree)[1])), where, window, self._dataset)

    # Phrases

    def _population(self, tree: Branch) -> tuple[Condition, Literal | None]:
        """What the `for` clause chooses, and its window; every job where there is none."""
        clause = _child(tree, "population")
        if clause is None:
            return And(), None
        outcomes, nouns, conditions = self._noun_phrase(_branches(clause)[0])
        return conjunction([*outcomes, *nouns, *conditions]), self._window(_child(clause, "within"))

    def _noun_phrase(self, jobs: Branch) -> tuple[list[Condition], list[Condition], list[Condition]]:
        """Its outcomes, its types and places, its `with` conditions."""
        outcomes: list[Condition] = []
        nouns: list[Condition] = []
        conditions: list[Condition] = []
        for child in _branches(jobs):
            match child.data:
                case "outcomes":
                    outcomes.append(self._outcomes(child))
                case "types":
                    nouns.append(self._is("ResourceType", [self._type(kind) for kind in _branches(child)], child))
                case "place" | "not_place":
                    nouns.append(self._in_place(child))
                case "with":
                    conditions.append(self._conditions(_branches(child)[0]))
                case _:
                    raise AssertionError(f"a noun phrase has no part {child.data}")
        return outcomes, nouns, conditions

    def _outcomes(self, tree: Branch) -> Condition:
        words = _branches(tree)
        kinds = {word.data for word in words}
        if len(kinds) > 1:
            raise self._error(
                tree, "clean is an outcome and cannot stand in one list with states", "Write two rules, or: no jobs with (Outcome clean, or State FAILED)"
            )
        if kinds == {"clean"}:
            return self._is("Outcome", [Literal("clean", self._place(words[0]))], tree)
        known = DATASETS[self._dataset].states
        states = []
        for word in words:
            state = str(word.children[0]).upper()
            if state not in known:
                raise self._error(word, f"{DATASETS[self._dataset].noun}s are never {state}", f"Their states are {', '.join(known)}.")
            states.append(Literal(state, self._place(word)))
        return self._is(_STATE_KEYS[self._dataset], states, tree)

    def _type(self, tree: Branch) -> Literal:
        token = cast("Token", tree.children[0])
        literal = self._literal(token)
        if token.type != "TYPE":
            return literal
        known = {name.lower(): name for name in vocabulary.TYPES}
        return Literal(known[literal.text.lower()], literal.location)

    def _in_place(self, tree: Branch) -> Condition:
        self._check_wildcards(tree)
        places = {word.lower(): field for word, field in vocabulary.PLACES.items()}
        name = str(_tokens(tree, "PLACE")[0])
        condition = self._is(places[name.lower()], self._values(_branches(tree)[0]), tree)
        return Not(condition) if tree.data == "not_place" else condition

    def _conditions(self, tree: Branch) -> Condition:
        return conjunction([self._condition(child) for child in _branches(tree)])

    def _condition(self, tree: Branch) -> Condition:
        match tree.data:
            case "issues":
                return self._is("Outcome", [Literal("with_issues", self._place(tree))], tree)
            case "any":
                return Or(tuple(self._conditions(child) for child in _branches(tree)))
            case "negation":
                return negation(self._conditions(_branches(tree)[0]))
            case _:
                name, test = _branches(tree)
                return self._comparison(name, test)

    def _comparison(self, name: Branch, test: Branch) -> Condition:
        """A field and a test or verb; a negative one gives a negation."""
        token = cast("Token", name.children[0])
        word = " ".join(str(token).split())
        phrases = {phrase.lower(): field for phrase, field in vocabulary.PHRASES.items()}
        field = phrases[word.lower()] if token.type == "PHRASE" else word
        place = self._place(name)
        if test.data == "compare":
            literal = self._literal(_tokens(test, *_VALUES)[0])
            return Comparison(field, Operator(_branches(test)[0].data), (literal,), place)
        negated = test.data == "is_not" or test.data.startswith("not_")
        verb = "is" if test.data == "is_not" else test.data.removeprefix("not_")
        if verb in {"present", "absent"}:
            operator, literals = Operator.PRESENT, [Literal("true" if verb == "present" else "false", self._place(test))]
        else:
            operator, literals = Operator(verb), self._values(_branches(test)[0])
            if operator is Operator.IS:
                self._check_absence(test)
            if operator is not Operator.MATCHES:
                self._check_wildcards(test)
        condition = Comparison(field, operator, tuple(literals), place)
        return Not(condition) if negated else condition

    def _check_absence(self, test: Branch) -> None:
        for token in _tokens(test, "WORD"):
            if token.lower() in vocabulary.ABSENCES:
                raise self._error(token, f"'{token}' would be compared as a text", f'Ask with present or absent; as a value it is quoted: "{token}".')

    def _check_wildcards(self, tree: Branch) -> None:
        for token in _tokens(tree, "WORD"):
            if "*" in token:
                raise self._error(
                    token, f"'{clean_line(token)}': * is no wildcard", 'Use starting with, ending with, containing or matching; as a value it is quoted: "a*".'
                )

    def _values(self, tree: Branch) -> list[Literal]:
        return [self._literal(token) for token in _tokens(tree, *_VALUES)]

    def _literal(self, token: Token) -> Literal:
        text = str(token)
        if token.type == "STRING":
            text = text[1:-1].replace('""', '"')
        return Literal(text, self._place(token))

    def _is(self, name: str, literals: Sequence[Literal], tree: Branch) -> Comparison:
        return Comparison(name, Operator.IS, tuple(literals), self._place(tree))

    def _window(self, tree: Branch | None) -> Literal | None:
        return self._literal(_tokens(tree, *_VALUES)[0]) if tree else None

    # Places and mistakes

    def _place(self, tree: Branch | Token) -> Location:
        meta = getattr(tree, "meta", tree)
        start, end = getattr(meta, "start_pos", None), getattr(meta, "end_pos", None)
        return self._span(start or 0, len(self._sentence) if end is None else end)

    def _span(self, start: int, end: int) -> Location:
        source = self._source.location
        if source.line != source.end_line:
            return source
        first, last = self._source.column(start), self._source.column(max(end, start + 1))
        return Location(source.path, source.line, first, source.line, max(last, first + 1))

    def _error(self, tree: Branch | Token, message: str, hint: str = "") -> SentenceError:
        return SentenceError(self._place(tree), message, hint)


_VALUES = ("WORD", "STRING", "PARAM")


def _tokens(tree: Branch, *types: str) -> list[Token]:
    """The tokens of these types anywhere below; an absent optional part is None in the tree."""
    return list(tree.scan_values(lambda child: getattr(child, "type", "") in types))


def _child(tree: Branch, name: str) -> Branch | None:
    return next((branch for branch in _branches(tree) if branch.data == name), None)


def _branches(tree: Branch) -> list[Branch]:
    # Told by what they have, not by their class: Lark is imported only once a sentence is parsed.
    return [cast("Branch", child) for child in tree.children if hasattr(child, "children")]
