"""Sentences to statements: parse, build the tree both spellings share, and say plainly what does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from policycheck.datasets import DATASETS, DEFAULT
from policycheck.policy import vocabulary
from policycheck.policy.conditions import Comparison, Literal, Not, Operator
from policycheck.policy.document import Text
from policycheck.policy.grammar import parser
from policycheck.policy.group_sentences import GroupSentences, split_phrase
from policycheck.policy.model import FOLLOWERS, AllMatch, Following, NoneMatch, Statement
from policycheck.policy.syntax import PhraseReader, SentenceError, branches, child_of, tokens

if TYPE_CHECKING:
    from lark import Token

    from policycheck.policy.syntax import Branch


def parse_sentence(text: Text, *, as_typed: bool = True) -> Statement:
    """The statement a canonical sentence spells; raises SentenceError at the word that does not fit.

    Args:
        as_typed: whether the sentence stands so in its file; otherwise everything in it is at the place of the whole.
    """
    return _Reader(text, as_typed=as_typed).read()


_MOMENTS = {"created": "CreationDate", "started": "InitiationDate", "ended": "CompletionDate", "ran": "Running"}
MAX_DEPTH = 100
_PARENTHESES = re.compile(r'[()]|"[^"]*"')


class _Reader(GroupSentences):
    """Builds one statement out of one parse tree."""

    def __init__(self, source: Text, *, as_typed: bool) -> None:
        self._sentence = source.text.rstrip()
        if self._sentence.endswith("."):
            self._sentence = self._sentence[:-1]
        super().__init__(PhraseReader(source, self._sentence, as_typed=as_typed))

    def read(self) -> Statement:
        from lark.exceptions import UnexpectedInput

        try:
            self._check_depth()
            tree = parser().parse(self._sentence)
        except UnexpectedInput as error:
            from policycheck.policy.mistakes import explain

            mistake = explain(self._sentence, error)
            raise SentenceError(self._phrases.span(mistake.start, mistake.end), mistake.message, mistake.hint, of_grammar=True) from None
        forms: dict[str, Callable[[Branch], Statement]] = {
            "no_jobs": self._no_jobs,
            "no_overdue": self._no_overdue,
            "must": self._must,
            "may_when": self._may_when,
            "must_when": self._must_when,
            "must_not_when": self._must_when,
            "for_no": self._for_no,
            "for_every": self._for_every,
            "every_must": self._every_must,
            **self.forms,
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
        kinds = [token for tree in trees for token in tokens(tree, "KIND", "THING")]
        named = [vocabulary.named_list(kind) for kind in kinds]
        for kind, name in zip(kinds[1:], named[1:], strict=True):
            if name != named[0]:
                hint = "Write two rules, or: must be followed by a copy job"
                raise self._phrases.error(kind, f"a sentence is about one list: {DATASETS[named[0]].noun}s", hint)
        return named[0] if named else DEFAULT.name

    # Rules on each job

    def _no_jobs(self, tree: Branch) -> Statement:
        phrase = self._phrases.noun_phrase(branches(tree)[0])
        where, forbidden = split_phrase(phrase)
        return self._statement(NoneMatch(forbidden, self._phrases.value(child_of(tree, "recovered"))), where, self._within(tree))

    def _no_overdue(self, tree: Branch) -> Statement:
        jobs = branches(tree)[0]
        phrase = self._phrases.noun_phrase(jobs)
        if phrase.outcomes:
            raise self._phrases.error(jobs, "an overdue job has no outcome yet", "Omit the state: no EC2 job may be overdue")
        overdue = Comparison("Overdue", Operator.IS, (Literal("true", self._phrases.place(tree)),), self._phrases.place(tree))
        return self._statement(NoneMatch(overdue), phrase.all, self._within(tree))

    def _must(self, tree: Branch) -> Statement:
        where, window = self._population(tree)
        field = cast("Branch", child_of(tree, "field"))
        condition = self._phrases.comparison(field, branches(tree)[branches(tree).index(field) + 1])
        requirement = NoneMatch(condition.part) if isinstance(condition, Not) else AllMatch(condition)
        return self._statement(requirement, where, self._one_window(window, tree))

    # When jobs do what

    def _may_when(self, tree: Branch) -> Statement:
        return self._statement(NoneMatch(self._moment(tree)), self._phrases.noun_phrase(branches(tree)[0]).all, self._within(tree))

    def _must_when(self, tree: Branch) -> Statement:
        condition = self._moment(tree)
        if tree.data == "must_not_when":
            return self._may_when(tree)
        if condition.field == "Running":
            hint = "Write two rules for their start and end: jobs must start ..., and jobs must end ..."
            raise self._phrases.error(branches(tree)[1], "jobs that must run at a time could start, end, or stay in it", hint)
        return self._statement(AllMatch(condition), self._phrases.noun_phrase(branches(tree)[0]).all, self._within(tree))

    def _moment(self, tree: Branch) -> Comparison:
        _, done, when = branches(tree)[:3]
        field, dataset = _MOMENTS[str(done.data)], self._phrases.dataset
        if field not in dataset.fields:
            of_jobs = "CreationDate" in dataset.fields and not dataset.of_state
            hint = "They record when they were created: may be created, must be created." if of_jobs else "Compare a field: with ..."
            raise self._phrases.error(done, f"{dataset.noun}s record no {field}", hint)
        return self._phrases.at_local_time(field, when, self._phrases.place(done))

    def _check_named(self, tree: Branch) -> None:
        """The `for` clause says what a sentence is about: `for jobs, every recovery point must ...` is about two lists."""
        things = [cast("Token", child) for child in tree.children if getattr(child, "type", "") == "THING"]
        if things and not tokens(cast("Branch", child_of(tree, "population")), "THING"):
            raise self._phrases.error(things[0], "a sentence is about one list, which the for clause names", f"Write: for {things[0].lower()}s, ...")

    def _for_no(self, tree: Branch) -> Statement:
        self._check_named(tree)
        where, window = self._population(tree)
        condition = self._phrases.conditions(branches(tree)[1])
        return self._statement(NoneMatch(condition, self._phrases.value(child_of(tree, "recovered"))), where, window)

    def _for_every(self, tree: Branch) -> Statement:
        self._check_named(tree)
        where, window = self._population(tree)
        return self._statement(AllMatch(self._phrases.conditions(branches(tree)[1])), where, window)

    def _every_must(self, tree: Branch) -> Statement:
        """`every recovery point must have ...`: of jobs it would be one word away from what is asked of resources, and stays the `for` clause's."""
        jobs = branches(tree)[0]
        if not tokens(jobs, "THING"):
            have = next(child for child in tree.children if getattr(child, "type", "") == "HAVE")
            raise self._phrases.error(
                cast("Token", have), f"'{have}' does not fit here", "Fields are compared for jobs, for example: for jobs, every job must have IsEncrypted true"
            )
        phrase = self._phrases.noun_phrase(jobs)
        return self._statement(AllMatch(self._phrases.conditions(branches(tree)[-1])), phrase.all, self._within(tree))

    # Jobs of another list

    def _followed(self, tree: Branch) -> Statement:
        first, second = [branch for branch in branches(tree) if branch.data == "jobs"]
        where, dataset = self._phrases.noun_phrase(first).all, self._phrases.dataset
        windows = [branch for branch in branches(tree) if branch.data == "within"]
        following = self._named_list([second])
        if following not in FOLLOWERS.get(dataset.name, ()):
            known = " and ".join(DATASETS[name].noun + "s" for name in FOLLOWERS.get(dataset.name, ()))
            hint = f"After {dataset.noun}s come {known}." if known else _WHAT_FOLLOWS
            raise self._phrases.error(second, f"{DATASETS[following].noun}s do not follow {dataset.noun}s", hint)
        self._phrases.dataset = DATASETS[following]
        condition = self._phrases.noun_phrase(second).all
        within = cast("Literal", self._phrases.value(windows[-1]))
        self._phrases.dataset = dataset
        return self._statement(Following(following, condition, within), where, self._phrases.value(windows[0]) if len(windows) > 1 else None)


_FOLLOWED = " and ".join(DATASETS[name].kind for name in FOLLOWERS)
_FOLLOWING = " and ".join(name.kind for name in DATASETS.values() if name.follows)
_WHAT_FOLLOWS = f"After {_FOLLOWED} jobs come {_FOLLOWING} jobs."
