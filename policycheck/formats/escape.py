"""Untrusted text inside documents that give text a meaning: Markdown, SARIF messages, and a terminal a CI runner listens to."""

from __future__ import annotations

import re

from policycheck.formats.cleaning import line
from policycheck.text import truncate

_BACKTICKS = re.compile("`+")
_LINK = re.compile(r"\](?=[(\[])")
_PLACEHOLDER = re.compile(r"\{(?=\d)")
_COMMAND = re.compile(r"^((?:\s|\x1b\[[0-9;]*m)*):(?=:)")
_LINE_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_HASH_COMMAND = re.compile(r"##(?=[a-z]*\[)", re.IGNORECASE)

WORKFLOW_COMMANDS = "text/x-github-workflow-commands"
"""The media type, of our own making, of a document whose every line is meant as a command."""


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
    """A printed line that no CI runner takes for a command.

    A GitHub Actions runner looks for `::command::` at the start of a line, white space aside, and for `##[command]` anywhere in it (actions/runner,
    ActionCommand.cs); an Azure Pipelines agent for `##vso[command]`, a TeamCity agent for `##teamcity[message]`.
    """
    return _HASH_COMMAND.sub("# #", _COMMAND.sub(r"\1: ", printed_line))


def defuse_document(document: str, media_type: str) -> str:
    """A document for a stream that a CI runner may read as its log: no line of it is a command, and JSON and XML still say exactly the same.

    Meant for what is printed. A file is nobody's log, and holds the document as it is.
    """
    if media_type == WORKFLOW_COMMANDS:
        return document
    if re.search(r"[/+]jsonl?$", media_type):
        # Only a string holds a number sign, and none of its lines is broken.
        return _HASH_COMMAND.sub(r"\\u0023#", document)
    if re.search(r"[/+](xml|html)$", media_type):
        return _HASH_COMMAND.sub("&#35;#", _LINE_COMMAND.sub(r"\1&#58;", document))
    return "\n".join(map(defuse_commands, document.split("\n")))


def command_text(text: str) -> str:
    """Text that may stand in a workflow command: a runner that does not know the command would look for `##[another]` in its text."""
    return _HASH_COMMAND.sub("# #", text)


def command_data(text: str) -> str:
    """The text of a workflow command, escaped so that the runner reads exactly `command_text` of it."""
    return command_text(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(value: str) -> str:
    """A property of a workflow command, escaped likewise."""
    return command_data(value).replace(":", "%3A").replace(",", "%2C")
