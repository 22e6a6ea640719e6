from __future__ import annotations

import html
import json
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from policycheck.formats.cleaning import line
from policycheck.formats.escape import code_span, defuse_commands, defuse_document, plain_message, table_cell
from policycheck.text import clean
from tests.formats.results import any_text
from tests.formats.runner_commands import commands

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
        ("##vso[task.setvariable variable=a]b ##teamcity[x]", "# #vso[task.setvariable variable=a]b # #teamcity[x]"),
        ("## [x] ##x ## a[1]", "## [x] ##x ## a[1]"),
    ],
)
def test_a_printed_line_is_no_runner_command(text: str, shown: str) -> None:
    assert defuse_commands(text) == shown


@given(TRICKY)
def test_no_line_is_a_runner_command(value: str) -> None:
    shown = defuse_commands(line(clean(value), ""))
    assert commands(shown) == []
    assert not shown.lstrip().startswith("::")
    assert defuse_commands(shown) == shown


@given(st.recursive(TRICKY, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3), max_leaves=5))
def test_json_that_is_printed_is_no_command_and_says_the_same(value: object) -> None:
    for document in (json.dumps(value), json.dumps(value, indent=2)):
        printed = defuse_document(document, "application/sarif+json")
        assert commands(printed) == []
        assert json.loads(printed) == json.loads(document)


@given(TRICKY, TRICKY)
def test_xml_that_is_printed_is_no_command_and_says_the_same(text: str, attribute: str) -> None:
    root = ElementTree.Element("a", {"b": clean(attribute)})
    root.text = f"\n{clean(text)}\n::error::x"
    document = ElementTree.tostring(root, encoding="unicode")
    printed = defuse_document(document, "application/xml")
    assert commands(printed) == []
    assert ElementTree.canonicalize(printed) == ElementTree.canonicalize(document)


@pytest.mark.parametrize("kind", ["text/plain", "text/markdown", "text/csv"])
@given(TRICKY, TRICKY)
def test_text_that_is_printed_is_no_command(kind: str, first: str, second: str) -> None:
    document = f"{clean(first)}\n  ::error::{clean(second)}\n"
    printed = defuse_document(document, kind)
    assert commands(printed) == []
    assert printed.replace(" ", "") == document.replace(" ", "")


@pytest.mark.parametrize(("text", "plain"), [("[a](b)", "[a] (b)"), ("{0} {12}", "{ 0} { 12}"), ("[a][b]", "[a] [b]"), ("{a} [x] (y)", "{a} [x] (y)")])
def test_a_sarif_message_has_no_links_and_no_placeholders(text: str, plain: str) -> None:
    assert plain_message(text) == plain
