"""A YAML file as text with positions: every scalar stays what the author wrote, every node knows where it stands.

Resolved as YAML, 012345678901 would be the number 12345678901 and 11.10 the number 11.1. So nothing is resolved here, and whatever could surprise is
refused: directives, tags, duplicate keys, empty values, alias cycles, and files too large or too deep to be a policy.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from policycheck.errors import Diagnostic, Location, PolicyError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.events import Event

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_NODES = 10_000
MAX_LISTED_NODES = 200_000
"""Of files that list an organization: thousands of accounts or waivers."""
_NEEDS = "A policy has at least: policy, rules."


_BREAK = re.compile(r"\r\n|\r|\n")
"""What ends a line: YAML 1.2 knows no other breaks."""

_PIECES = {"'": re.compile(r"''|."), '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.)|.")}
"""What stands for one character between quotes."""


class Text(Struct, frozen=True):
    """A scalar, as written; `verbatim` where it stands on one line without quotes or escapes, so that offsets into it are columns.

    `raw` is what a quoted scalar on one line looks like in the file, quotes and escapes included.
    """

    text: str
    location: Location
    verbatim: bool = True
    raw: str = ""

    def column(self, offset: int) -> int:
        """The column of the character at this offset of `text`, of a scalar on one line."""
        if not self.raw:
            return self.location.column + offset
        starts = [piece.start() for piece in _PIECES[self.raw[0]].finditer(self.raw, 1, len(self.raw) - 1)]
        return self.location.column + (starts[offset] if offset < len(starts) else len(self.raw) - 1)


class Items(Struct, frozen=True):
    """A sequence."""

    items: tuple[Node, ...]
    location: Location


class Entries(Struct, frozen=True):
    """A mapping with text keys, in file order, merge keys resolved."""

    entries: Mapping[str, tuple[Text, Node]]
    location: Location

    def get(self, key: str) -> Node | None:
        entry = self.entries.get(key)
        return None if entry is None else entry[1]


Node = Text | Items | Entries


class Document(Struct):
    """One file: its tree, and the mistakes found in it so far."""

    path: str
    lines: list[str]
    root: Node
    diagnostics: list[Diagnostic] = []
    sha256: str = ""
    """Of the file's bytes; empty of a text that is in none."""

    def report(self, location: Location, message: str, hint: str = "", proposals: Sequence[str] = (), replaces: Location | None = None) -> None:
        """Note one mistake; the source line for the caret is looked up here. What stands at one place is one mistake: the first said of it stays."""
        if any(known.location == location for known in self.diagnostics):
            return
        self.diagnostics.append(Diagnostic(location, message, hint, self.line(location.line), tuple(proposals), replaces))

    def line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


def read_document(path: Path, name: str, needs: str = _NEEDS, most: int = MAX_NODES) -> Document:
    """The tree of one policy file.

    Args:
        path: the file.
        name: what diagnostics call it.
        needs: the hint where the file is empty.
        most: values it may have.

    Raises:
        PolicyError: the file cannot be read, or is no YAML document of a policy's size.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refusal(name, f"the file is {path.stat().st_size:,} bytes; a policy has at most {MAX_BYTES:,}", "Is this a job list? Name it with --jobs.")
        content = path.read_bytes()
    except OSError as error:
        raise _refusal(name, f"cannot read the file: {error.strerror or error}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        place = Location(name, line, 1, line, 2)
        raise PolicyError([Diagnostic(place, f"not UTF-8 text: byte {content[error.start]:#04x} on this line", "Save the file as UTF-8.")]) from None
    document = parse_document(text, name, needs, most)
    document.sha256 = hashlib.sha256(content).hexdigest()
    return document


def parse_document(text: str, name: str, needs: str = _NEEDS, most: int = MAX_NODES) -> Document:
    """The tree of YAML `text` of at most `most` values; raises PolicyError as `read_document` does."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    lines = _BREAK.split(text)
    builder = _Builder(name, lines, most)
    yaml: Any = YAML(typ="safe", pure=True)
    try:
        builder.build(yaml.parse(text))
    except MarkedYAMLError as error:
        raise PolicyError([_explain(builder, error)]) from error
    except ReaderError as error:
        raise PolicyError([_explain_character(builder, text, error.position)]) from error
    except YAMLError as error:
        raise _refusal(name, f"not YAML: {clean_line(str(error).splitlines()[0])}") from error
    if builder.root is None:
        raise _refusal(name, "the file is empty", needs)
    return Document(name, lines, builder.root, builder.diagnostics)


def _refusal(name: str, message: str, hint: str = "") -> PolicyError:
    return PolicyError([Diagnostic(Location(name), message, hint)])


def _explain(builder: _Builder, error: MarkedYAMLError) -> Diagnostic:
    problem = str(error.problem or error.context)
    open_quote = "quoted scalar" in str(error.context) and "end of" in problem
    mark = (error.context_mark if open_quote else None) or error.problem_mark or error.context_mark
    place = Location(builder.name, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2) if mark else Location(builder.name)
    if open_quote:
        return builder.diagnose(place, "this quote is not closed", "Close it; within single quotes a single quote is written twice.")
    return builder.diagnose(place, f"not YAML: {clean_line(problem)}", _hint(builder, place, problem))


def _hint(builder: _Builder, place: Location, problem: str) -> str:
    line = builder.lines[place.line - 1] if place.line <= len(builder.lines) else ""
    if "\\t" in problem:
        return "Indent with spaces, not with tabs."
    if "block mapping start" in problem:
        return "The keys of one mapping begin in one column."
    if "mapping values are not allowed" in problem or "scalar" in problem:
        return "Quote the sentence: rule: '...'" if "rule:" in line else "Quote a value that contains a colon or begins with a quote."
    return "A value is missing before the comma." if "node content" in problem and "','" in problem else ""


def _explain_character(builder: _Builder, text: str, position: int) -> Diagnostic:
    before = _BREAK.split(text[:position])
    place = Location(builder.name, len(before), len(before[-1]) + 1, len(before), len(before[-1]) + 2)
    return builder.diagnose(place, f"the character U+{ord(text[position]):04X} is not allowed in YAML", "Remove it.")


class _Refused(Exception):
    """Stops the building of a tree that must not be built."""

    def __init__(self, location: Location, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.location, self.message, self.hint = location, message, hint


class _Open(Struct):
    """A collection whose end has not been seen."""

    location: Location
    mapping: bool
    flow: bool
    anchor: str | None
    children: list[Node] = []
    nodes: int = 1
    depth: int = 1


class _Anchored(Struct, frozen=True):
    """What an alias stands for, and how much of it there is."""

    node: Node
    nodes: int
    depth: int


class _Builder:
    """Turns parser events into nodes with a stack of its own: depth is bounded before recursion could be."""

    def __init__(self, name: str, lines: list[str], most: int) -> None:
        self.name = name
        self.lines = lines
        self._most = most
        self.root: Node | None = None
        self.diagnostics: list[Diagnostic] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = 0

    def diagnose(self, location: Location, message: str, hint: str = "") -> Diagnostic:
        line = self.lines[location.line - 1] if 0 < location.line <= len(self.lines) else ""
        return Diagnostic(location, message, hint, line)

    def build(self, events: Iterator[Event]) -> None:
        try:
            for event in events:
                self._take(event)
        except _Refused as refused:
            raise PolicyError([*self.diagnostics, self.diagnose(refused.location, refused.message, refused.hint)]) from None

    def _take(self, event: Any) -> None:
        location = self._location(event)
        match type(event).__name__:
            case "DocumentStartEvent":
                if event.version or event.tags:
                    raise _Refused(self._directive(location), "a % directive is not allowed in a policy", "Remove the line.")
                if self.root is not None:
                    raise _Refused(location, "a second YAML document in one file", "Put each policy in a file of its own.")
            case "ScalarEvent":
                self._refuse_tag(event, location)
                verbatim = not event.style and location.line == location.end_line
                if event.value == "" and not event.style:
                    raise self._empty(location)
                self._add(Text(event.value, location, verbatim, self._raw(event, location)), 1, event.anchor)
            case "SequenceStartEvent" | "MappingStartEvent":
                self._refuse_tag(event, location)
                if len(self._stack) >= MAX_DEPTH:
                    raise _Refused(location, f"nested deeper than {MAX_DEPTH} levels")
                if event.anchor:
                    self._anchors[event.anchor] = None
                self._stack.append(_Open(location, type(event).__name__ == "MappingStartEvent", bool(event.flow_style), event.anchor))
            case "SequenceEndEvent" | "MappingEndEvent":
                self._close(location)
            case "AliasEvent":
                self._alias(event.anchor, location)
            case _:
                pass  # The ends of documents and of the file say nothing.

    def _raw(self, event: Any, location: Location) -> str:
        if event.style not in {"'", '"'} or location.line != location.end_line:
            return ""
        raw = self.lines[location.line - 1][location.column - 1 : location.end_column - 1]
        # The parser does not count a byte-order mark as a column: after one in a line, the quotes are not where it says.
        return raw if len(raw) > 1 and raw[0] == raw[-1] == event.style else ""

    def _empty(self, location: Location) -> _Refused:
        """A key without a value: in flow style a comma in an unquoted sentence makes one."""
        pending = self._stack[-1] if self._stack else None
        if pending is None or not pending.mapping or len(pending.children) % 2 == 0:
            return _Refused(location, "the value is empty", 'Write a value, or "" for an empty text.')
        key = pending.children[-1]
        keys = {child.text for child in pending.children[::2] if isinstance(child, Text)}
        torn = pending.flow and "rule" in keys and isinstance(key, Text) and key.text != "rule"
        hint = "Quote the sentence: a comma ends it here." if torn else 'Write a value, or "" for an empty text.'
        return _Refused(key.location, f"{clean_line(key.text) if isinstance(key, Text) else 'the key'} has no value", hint)

    def _directive(self, document: Location) -> Location:
        """The first line that is a directive, of those before the document begins."""
        number = next((index for index, line in enumerate(self.lines[: document.line], 1) if line.startswith("%")), document.line)
        return Location(self.name, number, 1, number, 2)

    def _refuse_tag(self, event: Any, location: Location) -> None:
        if event.tag is not None and str(event.tag) not in {"", "!"}:
            raise _Refused(location, f"the tag {clean_line(str(event.tag))} is not allowed in a policy", "Remove it; values are read by their field's type.")

    def _alias(self, anchor: str, location: Location) -> None:
        if anchor not in self._anchors:
            raise _Refused(location, f"no anchor &{anchor} appears before this alias")
        target = self._anchors[anchor]
        if target is None:
            raise _Refused(location, f"the alias *{anchor} is inside its own anchor")
        if len(self._stack) + target.depth > MAX_DEPTH:
            raise _Refused(location, f"nested deeper than {MAX_DEPTH} levels once aliases are resolved")
        self._add(target.node, target.nodes, None, target.depth)

    def _add(self, node: Node, nodes: int, anchor: str | None, depth: int = 0) -> None:
        self._nodes += nodes
        if self._nodes > self._most:
            raise _Refused(node.location, f"more than {self._most:,} values once aliases are resolved")
        if anchor:
            self._anchors[anchor] = _Anchored(node, nodes, depth)
        if not self._stack:
            self.root = node
            return
        self._stack[-1].children.append(node)
        self._stack[-1].nodes += nodes
        self._stack[-1].depth = max(self._stack[-1].depth, depth + 1)

    def _close(self, end: Location) -> None:
        done = self._stack.pop()
        start = done.location
        location = Location(self.name, start.line, start.column, end.end_line, end.end_column)
        node: Node = self._mapping(done.children, location) if done.mapping else Items(tuple(done.children), location)
        self._nodes -= done.nodes - 1
        self._add(node, done.nodes, done.anchor, done.depth)

    def _mapping(self, children: list[Node], location: Location) -> Entries:
        entries: dict[str, tuple[Text, Node]] = {}
        merged: dict[str, tuple[Text, Node]] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Text):
                self.diagnostics.append(self.diagnose(key.location, "a key must be a word"))
            elif key.text == "<<" and key.verbatim:
                # Of several merged mappings the first that has a key gives it.
                for name, entry in self._merge(value):
                    merged.setdefault(name, entry)
            elif key.text in entries:
                first = entries[key.text][0].location
                self.diagnostics.append(self.diagnose(key.location, f"the key {clean_line(key.text)} appears twice; first on line {first.line}"))
            else:
                entries[key.text] = (key, value)
        return Entries(merged | entries if merged else entries, location)

    def _merge(self, value: Node) -> Iterator[tuple[str, tuple[Text, Node]]]:
        match value:
            case Entries(entries=entries):
                yield from entries.items()
            case Items(items=items):
                for item in items:
                    yield from self._merge(item)
            case Text(location=location):
                self.diagnostics.append(self.diagnose(location, "<< takes a mapping, or a list of mappings"))

    def _location(self, event: Any) -> Location:
        start, end = event.start_mark, event.end_mark
        return Location(self.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
