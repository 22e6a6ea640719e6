from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from policycheck.formats.cleaning import line
from policycheck.formats.escape import code_span, defuse_commands, plain_message, table_cell
from policycheck.text import clean
from tests.formats.results import any_text

TRICKY = st.one_of(any_text, st.text(st.sampled_from("\\|`<>a@[]()! *_~&;#{}w.:/")))
GFM = MarkdownIt("gfm-like")


def cells(document: str) -> list[str]:
    return re.findall(r"<td>(.*?)</td>", document, re.DOTALL)


@given(TRICKY)
def test_a_table_cell_shows_exactly_its_text_and_nothing_else(value: str) -> None:
    expected = line(clean(value), "")
    document = GFM.render(f"| a | b |\n|---|---|\n| {table_cell(clean(value))} | x |\n")
    first, second = cells(document)
    assert re.fullmatch(r"<code>[^<>]*</code>", first)
    assert html.unescape(re.sub("</?code>", "", first)).strip() == (expected or "-")
    assert second == "x"


@given(TRICKY)
def test_a_code_span_shows_exactly_its_text_and_nothing_else(value: str) -> None:
    expected = line(clean(value), "")
    document = GFM.render(f"- {code_span(clean(value))}\n")
    shown = re.fullmatch(r"<ul>\n<li>(.*)</li>\n</ul>\n", document, re.DOTALL)
    assert shown
    assert re.fullmatch(r"<code>[^<>]*</code>", shown[1])
    assert html.unescape(re.sub("</?code>", "", shown[1])).strip() == (expected or "-")


def test_a_long_text_is_cut_before_its_fence_is_chosen() -> None:
    assert code_span("`" * 50 + "x", 10).endswith("… " + "`" * 10)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", ": :error::x"),
        ("   ::error::x", "   : :error::x"),
        ("\x1b[1;31m::error::x", "\x1b[1;31m: :error::x"),
        ("\u3000::error::x", "\u3000: :error::x"),
        ("a ::error::x", "a ::error::x"),
        (":single", ":single"),
        (":::x", ": ::x"),
        ("a ##[error]x ##[group]", "a # #[error]x # #[group]"),
        ("###[x", "## #[x"),
    ],
)
def test_a_printed_line_is_no_runner_command(text: str, shown: str) -> None:
    assert defuse_commands(text) == shown


@given(TRICKY)
def test_no_line_is_a_runner_command(value: str) -> None:
    shown = defuse_commands(line(clean(value), ""))
    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown


@pytest.mark.parametrize(("text", "plain"), [("[a](b)", "[a] (b)"), ("{0} {12}", "{ 0} { 12}"), ("[a][b]", "[a] [b]"), ("{a} [x] (y)", "{a} [x] (y)")])
def test_a_sarif_message_has_no_links_and_no_placeholders(text: str, plain: str) -> None:
    assert plain_message(text) == plain
