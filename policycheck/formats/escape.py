"""Untrusted text inside documents that give text a meaning: Markdown, SARIF messages, and a terminal a CI runner listens to."""

from __future__ import annotations

import re

from policycheck.formats.cleaning import line
from policycheck.text import truncate

_BACKTICKS = re.compile("`+")
_LINK = re.compile(r"\](?=[(\[])")
_PLACEHOLDER = re.compile(r"\{(?=\d)")
_COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;]*m)*):(?=:)")


def code_span(value: str | None, limit: int = 1000) -> str:
    """Markdown code span that shows exactly this text, on one line; "-" where there is none.

    Nothing inside a code span is a link, a mention, an autolink or HTML, and no text can end it: its fence is longer than any run of backticks inside.
    Source: CommonMark 0.31, section 6.1.
    """
    text = truncate(line(value), limit)
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(text)), default=0) + 1)
    return f"{fence} {text} {fence}"


def table_cell(value: str | None, limit: int = 1000) -> str:
    r"""`code_span` for a cell of a table, where a pipe would end the cell even inside a code span.

    Source: GitHub Flavored Markdown, section 4.10: `\|` in a cell is a pipe, code spans included.
    """
    return code_span(value, limit).replace("|", r"\|")


def plain_message(value: str) -> str:
    """SARIF message text without meaning: no embedded link `[text](target)`, no placeholder `{0}`.

    A space breaks either. The escapes of SARIF 2.1.0 (3.11.5, 3.11.6) would do for a reader that follows it, but viewers show their backslashes.
    """
    return _PLACEHOLDER.sub("{ ", _LINK.sub("] ", value))


def defuse_commands(printed_line: str) -> str:
    """A printed line that a GitHub Actions runner takes for plain text.

    The runner looks for `::command::` at the start of a line, white space aside, and for `##[command]` anywhere in it.
    """
    return _COMMAND.sub(r"\1: ", printed_line).replace("##[", "# #[")
