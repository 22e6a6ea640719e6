"""Cleaning of untrusted text, character by character."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.text import REPLACEMENT, clean, clean_line, escape_json, shorten, spell_duration


def test_a_character_is_cleaned_alone_as_it_is_among_others() -> None:
    # A printable text takes a short cut; a line break sends it the long way round.
    for first in range(0, 0x110000, 4096):
        block = [chr(code) for code in range(first, first + 4096) if chr(code) != "\r"]
        assert "".join(map(clean, block)) == clean("".join(block) + "\n")[:-1]


@pytest.mark.parametrize("unsafe", ["\x1b", "\x07", "\x9b", "\u202e", "\u200b", "\ufeff", "\ud800", "\ufffe", "\U000e0041"])
def test_what_steers_or_hides_is_replaced(unsafe: str) -> None:
    assert clean(f"a{unsafe}b") == f"a{REPLACEMENT}b"


@given(st.text() | st.text("a\x7f\x9b\u202e\u200b\ufeff\U000e0041\x1b\n"))
def test_escaped_json_says_the_same_and_steers_nothing(value: str) -> None:
    escaped = escape_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(escaped) == value
    assert clean(escaped) == escaped


def test_a_line_is_one_line() -> None:
    assert clean_line(" a\r\n b\t c ") == "a b c"


@pytest.mark.parametrize(
    ("microseconds", "spelled"),
    [(0, "0 s"), (999_999, "0 s"), (90_000_000, "1 m 30 s"), (41 * 3_600_000_000, "41 h"), (52 * 3_600_000_000, "2 d 4 h"), (-3_600_000_000, "-1 h")],
)
def test_a_duration_is_its_two_largest_units(microseconds: int, spelled: str) -> None:
    assert spell_duration(microseconds) == spelled


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("short", 5, "short"),
        ("role arn:aws:iam::1:role/long", 12, "role arn:aw…"),
        ("a word arn:aws:iam::1:role/long", 12, "a word …"),
        ("x" * 20, 10, "x" * 9 + "…"),
    ],
)
def test_a_text_is_cut_between_words(text: str, limit: int, shown: str) -> None:
    assert shorten(text, limit) == shown


@given(st.text("ab ", max_size=60), st.integers(1, 50))
def test_what_is_cut_fits(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit
