"""The phrases of a parsed sentence: noun phrases, conditions and values, and where each stands in its file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from policycheck.datasets import DEFAULT, Dataset
from policycheck.errors import Location
from policycheck.policy import vocabulary
from policycheck.policy.conditions import Comparison, Condition, Literal, Not, Or, conjunction, negation
from policycheck.policy.document import Text
from policycheck.policy.local_times import spell_local_time
from policycheck.policy.operators import OPERATORS, Operator
from policycheck.text import clean_line

if TYPE_CHECKING:
    from lark import Token, Tree

    Branch = Tree[Token]


class SentenceError(Exception):
    """A sentence that does not say a rule: where in the file, what, and what to write instead."""

    def __init__(self, location: Location, message: str, hint: str = "", *, of_grammar: bool = False) -> None:
        super().__init__(message)
        self.location, self.message, self.hint = location, message, hint
        self.of_grammar = of_grammar
        """Whether the grammar does not know the sentence; otherwise it does, and what the sentence says cannot be."""


class NounPhrase(Struct, frozen=True):
    """What a noun phrase says: its outcomes, its types and places, its `with` conditions."""

    outcomes: list[Condition]
    nouns: list[Condition]
    conditions: list[Condition]

    @property
    def all(self) -> Condition:
        return conjunction([*self.outcomes, *self.nouns, *self.conditions])


class PhraseReader:
    """Reads phrases of one sentence; `dataset` is the list they are about."""

    def __init__(self, source: Text, sentence: str, *, as_typed: bool = True) -> None:
        self._source = source
        self._as_typed = as_typed
        self._sentence = sentence
        self.dataset: Dataset = DEFAULT

    def noun_phrase(self, tree: Branch) -> NounPhrase:
        """The phrase of jobs, subjects or scheduled runs; who the subjects are is not told here."""
        phrase = NounPhrase([], [], [])
        for child in branches(tree):
            match child.data:
                case "outcomes":
                    phrase.outcomes.append(self.outcomes(child))
                case "types":
                    phrase.nouns.append(self.equals("ResourceType", [self._type(kind) for kind in branches(child)], child))
                case "place" | "not_place":
                    phrase.nouns.append(self._in_place(child))
                case "with":
                    phrase.conditions.append(self.conditions(branches(child)[0]))
                case "per" | "inventory":
                    pass
                case _:
                    raise AssertionError(f"a noun phrase has no part {child.data}")
        return phrase

    def outcomes(self, tree: Branch) -> Condition:
        """`FAILED or EXPIRED`, or `clean`."""
        words = branches(tree)
        kinds = {word.data for word in words}
        if len(kinds) > 1:
            raise self.error(
                tree, "clean is an outcome and cannot be in a list with states", "Write two rules, or: no jobs with (Outcome clean, or State FAILED)"
            )
        if kinds == {"clean"}:
            if "Outcome" not in self.dataset.fields and self.dataset.of_state:
                raise self.error(tree, f"{self.dataset.noun}s have no outcome", self._instead_of_clean())
            return self.equals("Outcome", [Literal("clean", self.place(words[0]))], tree)
        known = self.dataset.named_states
        if not known:
            raise self.error(tree, f"{self.dataset.noun}s have no state", f"Compare a field: {self.dataset.noun}s with ...")
        states = []
        for word in words:
            state = str(word.children[0]).upper()
            if state not in known:
                raise self.error(word, f"{self.dataset.noun}s are never {state}", f"Their states are {', '.join(known)}.")
            states.append(Literal(state, self.place(word)))
        return self.equals(self.dataset.state_field, states, tree)

    def _instead_of_clean(self) -> str:
        well = " or ".join(state for state in self.dataset.named_states if state in self.dataset.well)
        return f"Write: {well} {self.dataset.noun}s." if well else f"Compare a field: {self.dataset.noun}s with ..."

    def _type(self, tree: Branch) -> Literal:
        token = cast("Token", tree.children[0])
        literal = self.literal(token)
        if token.type != "TYPE":
            return literal
        known = {name.lower(): name for name in vocabulary.TYPES}
        return Literal(known[literal.text.lower()], literal.location)

    def _in_place(self, tree: Branch) -> Condition:
        self._check_wildcards(tree)
        places = {word.lower(): field for word, field in vocabulary.PLACES.items()}
        name = str(tokens(tree, "PLACE")[0])
        if f"Destination{places[name.lower()]}" in self.dataset.fields:
            # What a copy is in is asked, never assumed.
            raise self.error(
                tree,
                f"a {self.dataset.noun} is of two {name}s: the one it copies from, and the one it copies to",
                f"Say which: with Destination{places[name.lower()]} ..., or with {places[name.lower()]} ... of the one it copies from.",
            )
        condition = self.equals(places[name.lower()], self._values(branches(tree)[0]), tree)
        return Not(condition) if tree.data == "not_place" else condition

    def conditions(self, tree: Branch) -> Condition:
        """A conjunction behind `with` or `have`."""
        return conjunction([self._condition(child) for child in branches(tree)])

    def _condition(self, tree: Branch) -> Condition:
        match tree.data:
            case "issues":
                return self.equals("Outcome", [Literal("with_issues", self.place(tree))], tree)
            case "any":
                return Or(tuple(self.conditions(child) for child in branches(tree)))
            case "negation":
                return negation(self.conditions(branches(tree)[0]))
            case "timed":
                name, when = branches(tree)
                return self.at_local_time(self._field(name), when, self.place(name))
            case _:
                name, test = branches(tree)
                return self.comparison(name, test)

    def at_local_time(self, field: str, when: Branch, place: Location) -> Comparison:
        """`CreationDate on Saturday or Sunday in Europe/Berlin`."""
        words = []
        for part in branches(when):
            values = [self._word_of_time(token) for token in tokens(part, *VALUES)]
            match part.data:
                case "days_or":
                    words += ["on", " or ".join(value.capitalize() for value in values)]
                case "days_to":
                    words += ["on", " to ".join(value.capitalize() for value in values)]
                case "between":
                    words += ["between", " and ".join(values)]
                case "zone":
                    words += ["in", *values]
                case _:
                    words += [str(part.data), *values]
        literal = Literal(spell_local_time(" ".join(words)), self.place(when))
        if child_of(when, "zone") is None:
            raise self.error(when, "a day or a time of day requires a time zone", "Add it at the end: in Europe/Berlin, or in UTC.")
        return Comparison(field, Operator.LOCAL_TIME, (literal,), place)

    def _word_of_time(self, token: Token) -> str:
        literal = self.literal(token)
        if len(literal.text.split()) != 1:
            raise self.error(token, f"'{clean_line(literal.text)}' is not a day, time of day or time zone")
        return literal.text

    def _field(self, name: Branch) -> str:
        token = cast("Token", name.children[0])
        phrases = {phrase.lower(): field for phrase, field in vocabulary.PHRASES.items()}
        return phrases[" ".join(token.lower().split())] if token.type == "PHRASE" else vocabulary.read_field(str(token))

    def comparison(self, name: Branch, test: Branch) -> Condition:
        """A field and a test or verb; a negative one gives a negation."""
        field, place = self._field(name), self.place(name)
        verb = test.data.removeprefix(vocabulary.NEGATED)
        if verb in {"present", "absent"}:
            operator, literals = Operator.PRESENT, [Literal("true" if verb == "present" else "false", self.place(test))]
        else:
            operator, literals = Operator(verb), self._values(test)
            if operator is Operator.IS:
                self._check_absence(test)
                self._check_adjectives(field, test)
            if OPERATORS[operator].holds:
                self._check_wildcards(test)
        condition = Comparison(field, operator, tuple(literals), place)
        return condition if verb == test.data else Not(condition)

    def _check_absence(self, test: Branch) -> None:
        for token in tokens(test, "WORD"):
            if token.lower() in vocabulary.ABSENCES:
                raise self.error(token, f"'{token}' would be compared as a text", f'Use present or absent; quote it as a value: "{token}".')

    def _check_adjectives(self, field: str, test: Branch) -> None:
        for token in tokens(test, "WORD"):
            if field in vocabulary.PLACE_OF and token.lower() in vocabulary.ADJECTIVES:
                word = vocabulary.PLACE_OF[field]
                mistake = self.error(token, f"'{token}' would be read as the name of a {word}", f'Quote it as a name: "{token}".')
                # Nobody means the name: what the reader says of it comes first.
                mistake.of_grammar = True
                raise mistake

    def _check_wildcards(self, tree: Branch) -> None:
        for token in tokens(tree, "WORD"):
            if "*" in token:
                raise self.error(
                    token, f"'{clean_line(token)}': * is not a wildcard", 'Use starting with, ending with, containing or matching; quote it as a value: "a*".'
                )

    def _values(self, tree: Branch) -> list[Literal]:
        return [self.literal(token) for token in tokens(tree, *VALUES)]

    def literal(self, token: Token) -> Literal:
        """A value, its quotes taken off."""
        return Literal(vocabulary.unquoted(token) if token.type == "STRING" else str(token), self.place(token))

    def equals(self, name: str, literals: Sequence[Literal], tree: Branch) -> Comparison:
        """The field is one of the values; it stands where the branch does."""
        return Comparison(name, Operator.IS, tuple(literals), self.place(tree))

    def value(self, tree: Branch | None) -> Literal | None:
        """The value of a branch that has one, `within 24h` or `in inventory prod`."""
        return self.literal(tokens(tree, *VALUES)[0]) if tree else None

    # Places and mistakes

    def place(self, tree: Branch | Token) -> Location:
        """Where a branch or a token stands in the file."""
        meta = getattr(tree, "meta", tree)
        start, end = getattr(meta, "start_pos", None), getattr(meta, "end_pos", None)
        return self.span(start or 0, len(self._sentence) if end is None else end)

    def span(self, start: int, end: int) -> Location:
        """Where these offsets into the sentence stand in the file; of a sentence over several lines, all of it."""
        source = self._source.location
        if source.line != source.end_line or not self._as_typed:
            return source
        first, last = self._source.column(start), self._source.column(max(end, start + 1))
        return Location(source.path, source.line, first, source.line, max(last, first + 1))

    def error(self, tree: Branch | Token, message: str, hint: str = "") -> SentenceError:
        """A mistake at a branch or a token, to be raised."""
        return SentenceError(self.place(tree), message, hint)


VALUES = ("WORD", "STRING", "PARAM")


def tokens(tree: Branch, *types: str) -> list[Token]:
    """The tokens of these types anywhere below; an absent optional part is None in the tree."""
    return list(tree.scan_values(lambda child: getattr(child, "type", "") in types))


def child_of(tree: Branch, name: str) -> Branch | None:
    """The first branch of that name right below."""
    return next((branch for branch in branches(tree) if branch.data == name), None)


def branches(tree: Branch) -> list[Branch]:
    """The branches right below, tokens left out."""
    # Told by what they have, not by their class: Lark is imported only once a sentence is parsed.
    return [cast("Branch", child) for child in tree.children if hasattr(child, "children")]
