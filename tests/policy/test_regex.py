"""The one dialect of regular expressions: what it takes means the same to Python and to an engine, and the rest is refused with what to write."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS
from policycheck.policy.conditions import Comparison, Literal, Operator, bind
from policycheck.policy.regex import PatternError, parse_pattern
from tests.properties import examples
from tests.tables import each

FOUND = [
    ("^db[0-9]+$", ["db7", "db07"], ["db", "xdb7", "db7\n", "db7x"]),
    ("prod", ["prod", "a-prod-b"], ["Prod", "pro"]),
    (r"\d", ["7"], ["x", "٣", "\uff17"]),
    (r"^\D$", ["x", "٣", "\n"], ["7"]),
    (r"^\w+$", ["aZ_9"], ["é", "a-b"]),
    (r"a\Wb", ["a-b", "aéb"], ["a_b"]),
    (r"a\sb", ["a b", "a\tb", "a\nb"], ["a\xa0b", "a\u2028b"]),
    (r"^\S$", ["x", "\xa0"], [" "]),
    ("a.b", ["axb", "a\rb", "a\u2028b"], ["a\nb"]),
    ("^[^a]$", ["b", "\n"], ["a"]),
    (r"^[a\]\[\-^.\d]+$", ["a][-^.7"], ["b"]),
    ("^[-a]+$|^[a-]{3}$", ["-a", "a-a"], ["b"]),
    (r"^\x41\.\-\/\ \{$", ["A.-/ {"], ["A.-/ x"]),
    ("a]}", ["a]}"], ["a}"]),
    ("^(?:ab|c|)$", ["", "ab", "c"], ["a"]),
    ("^(a{2,3}?b*?)+$", ["aa", "aaabaa"], ["a"]),
    ("^a{0}b{2,}$", ["bb", "bbb"], ["b", "abb"]),
    ("日本|é", ["日本", "é"], ["本日"]),
    ("a$|^b", ["xa", "bx"], ["ab\n"]),
    ("[&|~]", ["&"], ["-"]),
]
REFUSED = {
    "": "found everywhere",
    "[[:digit:]]": "Write [0-9]",
    "[^[:alpha:]]": "Write [0-9]",
    "[[=a=]]": "Write [0-9]",
    "[[.a.]]": "Write [0-9]",
    r"a\Z": "Write $",
    r"a\z": "Write $",
    r"\Aa": "Write ^",
    r"\G": "Write ^",
    r"\bprod\b": "(^|[^A-Za-z0-9_])",
    r"\B": "(^|[^A-Za-z0-9_])",
    "(?=x)": "several conditions",
    "(?!x)": "several conditions",
    "(?<=x)y": "several conditions",
    "(?<!x)y": "several conditions",
    r"(a)\1": "several conditions",
    "(?P=a)": "several conditions",
    "(?P<a>x)": "a plain group",
    "(?<a>x)": "a plain group",
    r"\k<a>": "several conditions",
    "a++": "possessive",
    "a*+": "possessive",
    "a?+": "possessive",
    "a{2}+": "possessive",
    "a**": "one repeat",
    "a{2}{3}": "one repeat",
    "a+?*": "one repeat",
    "(?>a)": "a plain group",
    "(?i)a": "both cases",
    "(?i:a)": "both cases",
    "(?-s)a": "both cases",
    "(?s:.)": "both cases",
    "(?#a)": "after #",
    "(?(1)a|b)": "alternatives",
    "(?|a|b)": "alternatives",
    "[a-z&&[^x]]": "the characters one by one",
    "[a&&b]": r"\& once",
    "[a--b]": r"\-",
    "[a~~b]": r"\~ once",
    "[a||b]": r"\| once",
    "[a[b]]": r"\[",
    "[[]": r"\[",
    "[]a]": r"\]",
    "[]": r"\]",
    "[^]": r"\]",
    "[a": r"\[",
    "[z-a]": "Turn it around",
    "[a-c-e]": r"\-",
    r"[a-\d]": r"\-",
    r"[\d-a]": r"\-",
    r"[\D]": "[^...]",
    "[+--]": r"\-",
    r"\pL": "[A-Za-z]",
    r"\p{Lu}": "[A-Za-z]",
    r"[\p{L}]": "[A-Za-z]",
    r"\PL": "[A-Za-z]",
    r"\Qa.b\E": "backslash before each",
    r"\0": "two hex digits",
    r"\012": "two hex digits",
    r"\x4": "the character itself",
    r"\x{41}": "the character itself",
    r"\u0041": "the character itself",
    r"\U00000041": "the character itself",
    r"\N{DIGIT ONE}": "the character itself",
    r"\h": r"\s",
    r"\v": r"\s",
    r"\f": r"\s",
    r"\R": r"\s",
    r"\X": "without the backslash",
    r"\cA": r"\s",
    r"\e": r"\s",
    r"\<a": "without the backslash",
    r"a\>": "without the backslash",
    r"\_": "without the backslash",
    r"\q": "without the backslash",
    r"\é": "without the backslash",
    "a{,3}": "{0,3}",
    "a{": r"\{",
    "{2}": r"\{",
    "a{x}": r"\{",
    "a{3,2}": "{2,3}",
    "a{1001}": "Repeat less",
    "a{9999999999}": "Repeat less",
    "(a{100}){100}": "Repeat less",
    "a{600}b{600}": "Repeat less",
    "a{2,1001}": "Repeat less",
    "^*": "Omit the repeat.",
    "${2}": "Omit the repeat.",
    "*a": r"\*",
    "(+a)": r"\+",
    "a|?": r"\?",
    "(a": r"\(",
    "a)": r"\)",
    "a\\": r"\\",
    "(" * 51 + ")" * 51: "Write fewer",
}


def finds(pattern: str, texts: list[str]) -> tuple[list[bool], list[bool]]:
    """What Python and what Polars says of each text."""
    parsed = parse_pattern(pattern)
    return [re.search(parsed.python, text) is not None for text in texts], pl.Series(texts, dtype=pl.String).str.contains(parsed.engines).to_list()


@pytest.mark.parametrize(("pattern", "yes", "no"), FOUND, ids=[pattern for pattern, _, _ in FOUND])
def test_an_expression_means_one_thing(pattern: str, yes: list[str], no: list[str]) -> None:
    expected = [True] * len(yes) + [False] * len(no)
    assert finds(pattern, [*yes, *no]) == (expected, expected)


@each("pattern", REFUSED)
def test_what_engines_read_differently_is_refused_with_what_to_write(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(pattern)
    assert REFUSED[pattern] in f"{caught.value.message} {caught.value.hint}"
    assert ";" not in caught.value.message


def test_every_ascii_escape_is_read_alike_or_refused() -> None:
    texts = [chr(code) for code in range(0x250)]
    taken = []
    for code in range(0x80):
        for pattern in (f"\\{chr(code)}", f"[\\{chr(code)}]", f"[a{chr(code)}]", chr(code)):
            try:
                python, engine = finds(f"^{pattern}$", texts)
            except PatternError:
                continue
            taken.append(pattern)
            assert python == engine, pattern
    assert {r"\d", r"\.", "[\\-]", "[a!]", r"\t", "a", "]"} <= set(taken)


def test_a_mistake_is_told_with_its_place_in_the_expression() -> None:
    told: list[tuple[str, str]] = []
    comparison = Comparison("ResourceName", Operator.MATCHES, (Literal(r"^orders\Z"),))
    bind(comparison, BACKUP_JOBS, lambda _, message, hint: told.append((message, hint)))
    ((message, hint),) = told
    assert "(character 8)" in message
    assert hint == "Write $, which is the end of the text."


_PLAIN = "abAB019_-./ \n\té日٣&~\u017fK"
_plain = st.sampled_from(_PLAIN)


def _member(character: str) -> str:
    return f"\\{character}" if character in "-&~^][\\" else character


_escapes = st.sampled_from([r"\d", r"\w", r"\s", r"\.", r"\-", r"\$", r"\x61", r"\t", r"\n", r"\\"])
_ranges = st.tuples(_plain, _plain).map(lambda pair: f"{_member(min(pair))}-{_member(max(pair))}")
_sets = st.tuples(st.sampled_from(["[", "[^"]), st.lists(st.one_of(_plain.map(_member), _escapes, _ranges), min_size=1, max_size=4)).map(
    lambda pair: f"{pair[0]}{''.join(pair[1])}]"
)
_atoms = st.one_of(_plain.map(lambda c: re.escape(c) if c in ".-" else c), _escapes, st.sampled_from([r"\D", r"\W", r"\S", "."]), _sets)
_repeats = st.sampled_from(["", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{1,3}?"])


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    branches = st.lists(st.lists(st.one_of(st.tuples(inner, _repeats).map("".join), st.sampled_from("^$")), max_size=4).map("".join), min_size=1, max_size=3)
    return st.tuples(st.sampled_from(["(", "(?:"]), branches.map("|".join)).map(lambda pair: f"{pair[0]}{pair[1]})")


expressions = st.tuples(st.sampled_from(["", "^"]), st.recursive(_atoms, _grow, max_leaves=8), st.sampled_from(["", "$"])).map("".join)
_texts = st.lists(st.text(_PLAIN, max_size=6), min_size=8, max_size=8)


@examples(expressions, _texts, few=24, many=600)
def test_python_and_the_engine_agree_on_every_expression_of_the_dialect(pattern: str, texts: list[str]) -> None:
    python, engine = finds(pattern, texts)
    assert python == engine


@examples(st.text("ab\\[]^-$(){}?*+|.:=&0dPz<,", min_size=1, max_size=10), _texts, few=48, many=1200)
def test_what_is_accepted_at_all_runs_and_agrees(pattern: str, texts: list[str]) -> None:
    try:
        python, engine = finds(pattern, texts)
    except PatternError as error:
        assert error.hint
        return
    assert python == engine


def test_the_largest_expressions_run() -> None:
    for pattern in (r"\w{1000}", "[^a]{1000}", r"(?:\W{10}){100}", "(" * 50 + "a" + ")" * 50, ".{0,1000}"):
        python, engine = finds(pattern, ["a" * 1000, "é" * 1000])
        assert python == engine
