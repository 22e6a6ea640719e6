"""Sentences to statements: parse, build the tree both spellings share, and say plainly what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from policycheck.datasets import DATASETS
from policycheck.errors import Location
from policycheck.policy import vocabulary
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Operator, Or, conjunction, nearest
from policycheck.policy.document import Text
from policycheck.policy.grammar import parser
from policycheck.policy.model import AllMatch, NoneMatch, Statement
from policycheck.text import clean_line

if TYPE_CHECKING:
    from lark import Token, Tree
    from lark.exceptions import UnexpectedInput

    Branch = Tree[Token]


class SentenceError(Exception):
    """A sentence that does not say a rule: where in the file, what, and what to write instead."""

    def __init__(self, location: Location, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.location, self.message, self.hint = location, message, hint


def parse_sentence(text: Text) -> Statement:
    """The statement a sentence spells; raises SentenceError at the word that does not fit."""
    return _Reader(text).read()


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
            tree = parser().parse(self._sentence)
        except UnexpectedInput as error:
            raise self._explain(error) from None
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
        for child in jobs.children:
            if not _is_branch(child):
                continue
            match child.data:
                case "outcomes":
                    outcomes.append(self._outcomes(child))
                case "types":
                    nouns.append(self._is("ResourceType", [self._type(kind) for kind in _branches(child)], child))
                case "place" | "not_place":
                    nouns.append(self._in_place(child))
                case "with":
                    conditions.append(self._conditions(_branches(child)[0]))
        return outcomes, nouns, conditions

    def _outcomes(self, tree: Branch) -> Condition:
        words = _branches(tree)
        kinds = {word.data for word in words}
        if len(kinds) > 1:
            raise self._error(tree, "clean is an outcome and cannot stand in one list with states", "Write two rules, or use `with (...)`.")
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
        literal = self._literal(cast("Token", tree.children[0]))
        known = {name.lower(): name for name in vocabulary.TYPES}
        return Literal(known.get(literal.text.lower(), literal.text), literal.location)

    def _in_place(self, tree: Branch) -> Condition:
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
                return Not(self._conditions(_branches(tree)[0]))
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
        if test.data in {"present", "absent", "must_be_absent"}:
            asked = Literal("false" if test.data == "absent" else "true", self._place(test))
            condition = Comparison(field, Operator.PRESENT, (asked,), place)
            return Not(condition) if test.data == "must_be_absent" else condition
        negated = test.data == "is_not" or test.data.startswith("not_")
        operator = Operator.IS if test.data == "is_not" else Operator(test.data.removeprefix("not_"))
        condition = Comparison(field, operator, tuple(self._values(_branches(test)[0])), place)
        return Not(condition) if negated else condition

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
        meta = tree if _is_token(tree) else cast("Branch", tree).meta
        start, end = getattr(meta, "start_pos", None), getattr(meta, "end_pos", None)
        return self._span(start or 0, len(self._sentence) if end is None else end)

    def _span(self, start: int, end: int) -> Location:
        source = self._source.location
        if not self._source.verbatim and source.line != source.end_line:
            return source
        # Inside quotes the first character stands one column further on; escapes before it are rare enough to let the caret be off by one.
        offset = source.column + (0 if self._source.verbatim else 1)
        return Location(source.path, source.line, offset + start, source.line, offset + max(end, start + 1))

    def _error(self, tree: Branch, message: str, hint: str = "") -> SentenceError:
        return SentenceError(self._place(tree), message, hint)

    def _explain(self, error: UnexpectedInput) -> SentenceError:
        start = error.pos_in_stream if error.pos_in_stream is not None and error.pos_in_stream >= 0 else len(self._sentence)
        rest = self._sentence[start:]
        word = rest.split(maxsplit=1)[0].rstrip(",") if rest.strip() else ""
        expected = sorted(_expected(error))
        if not word or getattr(getattr(error, "token", None), "type", "") == "$END":
            end = len(self._sentence)
            return SentenceError(self._span(end, end + 1), "the sentence ends too early", _list_expected(expected))
        return SentenceError(self._span(start, start + len(word)), f"{clean_line(word)!r} does not fit here", _suggest(word, expected))


def _expected(error: UnexpectedInput) -> set[str]:
    accepts = getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", None) or set()
    return {str(name) for name in accepts}


_WORDS_OF: dict[str, Sequence[str]] = {
    "STATE": vocabulary.STATES,
    "TYPE": vocabulary.TYPES,
    "PLACE": tuple(vocabulary.PLACES),
    "KIND": tuple(vocabulary.KINDS),
    "PHRASE": tuple(vocabulary.PHRASES),
    "NAME": vocabulary.FIELDS,
    "JOB": ("jobs", "job"),
    "CLEAN": ("clean",),
    "A": ("a", "an"),
}
_DESCRIBED = {
    "STATE": "a state",
    "TYPE": "a resource type",
    "PLACE": "vault, plan, Region or account",
    "KIND": "copy or restore",
    "PHRASE": "",
    "NAME": "a field",
    "JOB": "jobs",
    "WORD": "a value",
    "STRING": "",
    "PARAM": "",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "$END": "the end",
}


def _suggest(word: str, expected: Sequence[str]) -> str:
    known = [text for name in expected for text in _WORDS_OF.get(name, () if name in _DESCRIBED else (name.lower(),))]
    near = nearest(word, known)
    if near:
        return f"Did you mean {near}?"
    if word.lower() == "and" and "OR" in expected:
        return "Join values with or."
    return _list_expected(expected)


def _list_expected(expected: Sequence[str]) -> str:
    words = [_DESCRIBED.get(name, name.lower()) for name in expected]
    words = list(dict.fromkeys(word for word in words if word))
    return f"Expected {', '.join(words[:-1]) + ' or ' if len(words) > 1 else ''}{words[-1]}." if words else ""


_VALUES = ("WORD", "STRING", "PARAM")


def _tokens(tree: Branch, *types: str) -> list[Token]:
    """The tokens of these types anywhere below; an absent optional part is None in the tree."""
    return [cast("Token", child) for child in tree.scan_values(lambda child: child is not None and child.type in types)]


def _child(tree: Branch, name: str) -> Branch | None:
    return next((branch for branch in _branches(tree) if branch.data == name), None)


def _is_branch(child: object) -> bool:
    return hasattr(child, "children")


def _is_token(child: object) -> bool:
    return hasattr(child, "type")


def _branches(tree: Branch) -> list[Branch]:
    return [cast("Branch", child) for child in tree.children if _is_branch(child)]
