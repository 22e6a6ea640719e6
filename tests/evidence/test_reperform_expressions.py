"""The one dialect of regular expressions, as the second implementation reads it."""

from __future__ import annotations

import re

import pytest

from policycheck.evidence.reperform import Expression, InputError
from tests.tables import each


@pytest.mark.parametrize(
    ("expression", "found", "missed"),
    [
        ("^db\\d+$", ["db7"], ["db", "db7\n", "db\u0667", "xdb7"]),
        ("a.c", ["abc", "xa\tcx"], ["a\nc", "ac"]),
        ("a|", ["", "b"], []),
        ("(ab)+", ["ab", "xabab"], ["a"]),
        ("^(?:a|b){2}$", ["ab"], ["a", "aba"]),
        ("^a{2,}$", ["aa", "aaa"], ["a"]),
        ("^a{0}$", [""], ["a"]),
        ("^a{1,2}?$", ["a", "aa"], ["aaa"]),
        ("\\w\\s\\W", ["a\v!", "_ é"], ["é !", "a!!"]),
        ("^\\D$", ["x", "\n", "\u0667"], ["7"]),
        ("[^a]", ["\n", "b"], ["a"]),
        ("^[]\\]-]$".replace("[]", "[\\]"), ["]", "-"], ["x"]),
        ("^[-a]$", ["-", "a"], ["b"]),
        ("^[a-c\\d_-]$", ["b", "7", "_", "-"], ["d"]),
        ("^[\\[\\^&]$", ["[", "^", "&"], ["\\"]),
        ("\\x41\\t\\.", ["A\t."], ["A\tx"]),
        ("}],-", ["}],-"], ["]"]),
        ("É", ["É"], ["é"]),
        ("arn:aws:iam::\\d{12}:role/", ["arn:aws:iam::111122223333:role/x"], ["arn:aws:iam::1:role/"]),
    ],
)
def test_what_every_engine_reads_alike_is_read(expression: str, found: list[str], missed: list[str]) -> None:
    compiled = re.compile(Expression(expression).python)
    assert [text for text in found if not compiled.search(text)] == []
    assert [text for text in missed if compiled.search(text)] == []


@each(
    "expression",
    (
        "( ) a) (a [ [a []a] [^] [] [z-a] [a-\\d] [\\d-z] [a-z-9] [--a] [+--] [a&&b] [!-&&] [a||b] [a~~b] [a--b] [[a] "
        "[[:digit:]] [\\D] [\\b] * ? + a** a*+ a++ a??? a{2}{3} a{3,2} a{1001} a{,3} a{x} { ^* $+ |* (*a) \\ \\b \\B \\A \\z "
        "\\Z \\G \\p{L} \\Q \\h \\R \\v \\f \\0 \\1 \\x4 \\x{41} \\u0041 \\_ \\< \\e (?=a) (?!a) (?<=a) (?<!a) (?P<a>b) (?<a>b) (?P=a) "
        "(?i) (?s:a) (?-i) (?>a) (?(1)a) (?#a) (?|a) (a{1000}){3} "
    ).split(),
)
def test_what_engines_read_differently_is_refused(expression: str) -> None:
    with pytest.raises(InputError):
        Expression(expression)


def test_the_size_of_an_expression_is_bounded() -> None:
    for text in ("", "a\nb", "a" * 1001, "(" * 51 + ")" * 51):
        with pytest.raises(InputError):
            Expression(text)
    assert Expression("a" * 1000).python == "a" * 1000
    Expression("(" * 50 + ")" * 50)
