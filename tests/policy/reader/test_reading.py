"""What typed sentences are read as: every example, a golden file of all that was tried, and the property that no word is dropped."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from policycheck.policy.model import Statement
from policycheck.policy.reader.beyond import BEYOND, Beyond
from policycheck.policy.reader.lexicon import NAMES_TOO, known_words, lexicon, names_too, told_words
from policycheck.policy.reader.parts import matcher
from policycheck.policy.reader.pattern import Pattern
from policycheck.policy.reader.patterns import PATTERNS
from policycheck.policy.reader.reading import read
from policycheck.policy.reader.saying import say
from policycheck.policy.reader.words import MOST_WORDS, Sentence
from policycheck.policy.rendering import render
from tests.policy.goldens import assert_equals_golden
from tests.policy.reader.typed import CASES, EXAMPLES, TYPED, check, reading, told
from tests.policy.strategies import statements
from tests.properties import examples
from tests.tables import each


@each("pattern", PATTERNS, ids=lambda pattern: pattern.reads)
def test_every_example_of_a_pattern_is_read_by_it_and_means_what_it_says(pattern: Pattern) -> None:
    for example in pattern.examples:
        own = [said.sentence for slots in matcher(Sentence(example)).find(pattern.reads) for meaning in pattern.meanings for said in say(meaning, slots)]
        meant = {check(sentence) for sentence in own} - {""}
        assert meant, example
        assert check(example) == "", f"{example} is canonical: the reader never sees it"
        assert meant <= {one.sentence for one in reading(example).meanings}, example


@pytest.mark.slow
def test_typed_sentences_mean_what_they_meant() -> None:
    assert_equals_golden("".join(told(text) for text in TYPED), CASES / "typed.expected")


def test_examples_mean_what_they_meant() -> None:
    kept = (CASES / "typed.expected").read_text(encoding="utf-8")
    assert [example for example in EXAMPLES if told(example) not in kept] == []


@each("row", BEYOND, ids=lambda row: row.example)
def test_what_cannot_be_said_is_said_to_be_so(row: Beyond) -> None:
    refusal = reading(row.example).refusal
    assert refusal is not None
    assert (refusal.message, refusal.proposals) == (row.why, ())
    assert not row.nearest or check(row.nearest) == row.nearest
    start, end = refusal.span or (0, 0)
    assert re.fullmatch(row.words, row.example[start:end].lower()) or start


REFUSED = """\
backups must not succeed
no backup may not fail
not all backups must succeed
some backups must succeed
most backups must succeed
any backup must succeed
a backup must succeed within 24h
only EC2 backups may fail
backups must only be in vault prod
EC2 backups must not always fail
no successfully created jobs in vault prod
no EC2 backup for more than 2 days
backups must be at least 35 days
all backups in the last 7 days must be copied to another region
jobs must start in the last hour
every resource tagged as production must have a backup within 24h
every resource with tag Environment!=prod must have a backup within 24h
no jobs in vault "prod
no failed jobs?
no failed jobs; EC2 jobs must succeed
no failed jobs in vault prod, urgently
no failed jobs in the wrong vault
every unprotected resource must have a backup within 24h
failed backups of RDS databases within 24h
every account must be locked
every resource must have a backup in vault prod and dr within 24h
every resource must be backed up at most once a day
every resource must not be backed up daily
no failed jobs are not allowed
at most 95% of backups must succeed this week
the latest backup of every resource must not be failed
retention must not be at least 35 days
backups must not be copied to another region
every backup must be copied to another region or another account
every resource must have a backup within 24h in the last 7 days
no failed jobs this weekend
no failed jobs in vault a, b within 24 hours
no failed jobs except EC2 in vault prod
no jobs in vault 24 hours
no failed jobs in vault the, b within 24 hours
""".splitlines()


@each("text", REFUSED)
def test_a_sentence_whose_words_do_not_all_have_a_place_has_no_meaning(text: str) -> None:
    assert [one.sentence for one in reading(text).meanings] == []


@each(
    ("text", "message", "at"),
    [
        ("no failed backups on weekdays of May", "a day of the week must say whether jobs are created, start, run or end, and in which time zone", "weekdays"),
        ("backups must be snappy", "unknown words: 'snappy'", "snappy"),
        ("backups must not succeed", "'succeed' has no place in this sentence", "succeed"),
        ("no faild backups today", "'faild' is not known; did you mean failed?", "faild"),
        ("no failed jobs in the wrong vault", "unknown words: 'wrong'", "wrong"),
        ("backups must be copied to another account", "the sentence does not say within what time", "backups must be copied to another account"),
        ("backups must be kept for 35 days", "the sentence can mean three things", "backups must be kept for 35 days"),
    ],
)
def test_a_refusal_names_the_word(text: str, message: str, at: str) -> None:
    refusal = reading(text).refusal
    assert refusal is not None
    start, end = refusal.span or (0, len(text))
    assert (refusal.message, text[start:end]) == (message, at)


def test_a_misspelt_word_is_no_word_that_means_something_else() -> None:
    for text in ("no unexpired backups", "no incomplete backups", "every unlocked vault must have a backup within 24h", "no failed jobs in this weak"):
        assert reading(text).meanings == (), text


def _content(text: str) -> list[int]:
    """The words that carry a meaning, by their number; not those that stand where a name does."""
    sentence = Sentence(text)
    names = [position + 1 for position in range(len(sentence)) if sentence.tagged(position, "PLACE") or sentence.tagged(position, "INVENTORY")]
    said = [position for position, word in enumerate(sentence.folded) if word in told_words() and word not in {"the", "our", "my"}]
    return [position for position in said if position not in names or sentence.folded[position] not in names_too()]


@examples(st.sampled_from(EXAMPLES), st.integers(0, 99), st.sampled_from(["zorgle", "zorgles", "Zorgle-1", "unfailed", "notably"]), few=40, many=3000)
def test_a_sentence_with_an_unknown_word_in_the_place_of_a_known_one_is_never_accepted(text: str, number: int, unknown: str) -> None:
    content = _content(text)
    assume(content)
    sentence = Sentence(text)
    start, end = sentence.spans[content[number % len(content)]]
    changed = text[:start] + unknown + text[end:]
    assume(not check(changed))
    accepted = reading(changed).accepted
    # A word with a digit before its noun is a name: `Zorgle-1 vault`.
    assert not accepted or (unknown == "Zorgle-1" and unknown in accepted), f"{changed} => {accepted}"


@examples(st.lists(st.sampled_from([" ".join(phrase) for phrase in lexicon()]), min_size=1, max_size=12), few=40, many=2000)
def test_what_is_accepted_is_canonical(phrases: list[str]) -> None:
    accepted = reading(" ".join(phrases)).accepted
    assert not accepted or check(accepted) == accepted


@examples(statements(), few=12, many=2000)
def test_a_canonical_sentence_never_meets_the_reader_and_would_be_read_as_itself(statement: Statement) -> None:
    rendered = render(statement)
    canonical = check(rendered)
    assume(canonical)
    assert canonical == rendered
    accepted = reading(rendered).accepted
    assert accepted in {"", rendered}


def test_a_long_sentence_is_read_in_no_time_or_not_at_all() -> None:
    asked: list[str] = []

    def count(sentence: str) -> str:
        asked.append(sentence)
        return check(sentence)

    for text in (
        "no " + "failed or " * 28 + "failed jobs",
        "no failed jobs in vault " + "a or " * 27 + "b",
        "no jobs " + "within 24h " * 18,
        "in the last " * 19,
    ):
        assert len(Sentence(text)) <= MOST_WORDS
        read(text, count)
    assert len(asked) < 20
    assert reading("no " + "failed or " * 40 + "failed jobs").meanings == ()


def test_articles_at_the_beginning_say_something() -> None:
    assert reading("the backups must succeed").accepted == "Outcome must be clean"
    assert reading("a backup must succeed").meanings == ()


def test_tags_that_are_names_too_are_tags() -> None:
    assert {tag for meanings in lexicon().values() for tag, _ in meanings} >= NAMES_TOO
    assert names_too() <= known_words()
