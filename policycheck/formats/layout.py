"""Lines of text for a terminal: wrapping by display width, columns, colours, carets."""

from __future__ import annotations

from collections.abc import Iterator

from policycheck.errors import Location
from policycheck.formats.escape import defuse_commands
from policycheck.text import clean, display_width

TAB = "    "
_LEAST_INDENT = 2

# Select Graphic Rendition parameters (ECMA-48, 8.3.117), from the 16 colours that every theme keeps readable.
STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "inconclusive": "1;35",
    "waived": "1;36",
    "skipped": "1;36",
    "pass": "1;32",
    "frame": "1;34",
    "strong": "1",
}


class Page:
    """The lines of a report, in order; colours and the defence against runner commands are applied here alone."""

    def __init__(self, *, width: int, color: bool) -> None:
        self.width = max(width, 40)
        self._color = color
        self._lines: list[str] = []

    def paint(self, style: str, text: str) -> str:
        """`text` in a style of STYLES, or as it is where colours are off."""
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self._color and text else text

    def add(self, text: str = "") -> None:
        """One finished line, at most `width` columns unless a word is longer."""
        self._lines.append(defuse_commands(text.rstrip()))

    def add_wrapped(self, head: str, text: str, *, style: str = "", indent: int | None = None) -> None:
        """`head`, painted, then `text` beside it; lines that follow are indented by `indent` columns, or by the head's width.

        A word that would reach past the edge is indented less, as far as that helps: a terminal would break an ARN or a URL in two.
        """
        hang = display_width(head) if indent is None else indent
        lines = wrap(text, self.width, first=display_width(head), hang=hang)
        self.add((self.paint(style, head) if style else head) + next(lines, ""))
        for following in lines:
            # Never at the edge itself: what a job list says must not look like a line of the report.
            self.add(" " * min(hang, max(self.width - display_width(following), _LEAST_INDENT)) + following)

    @property
    def height(self) -> int:
        """Lines so far."""
        return len(self._lines)

    def block(self) -> Page:
        """An empty page like this one, for lines that are added together or not at all."""
        return Page(width=self.width, color=self._color)

    def add_block(self, block: Page) -> None:
        self._lines += block._lines

    def text(self) -> str:
        """All lines, without blank ones at the end."""
        return "\n".join(self._lines).rstrip("\n") + "\n"


def wrap(text: str, width: int, *, first: int = 0, hang: int = 0) -> Iterator[str]:
    """The words of one clean line, in lines that fit: `first` columns are taken on the first, `hang` on the others.

    A longer word stands alone and whole: it is an ARN or an id that someone will copy.
    """
    current, used = "", first
    for word in text.split(" "):
        columns = display_width(word)
        if current and used + 1 + columns > width:
            yield current
            current, used = word, hang + columns
        else:
            current = f"{current} {word}" if current else word
            used += columns + (1 if current != word else 0)
    yield current


def pad(text: str, columns: int) -> str:
    """`text` and as many spaces as fill `columns`."""
    return text + " " * max(columns - display_width(text), 0)


def caret(source: str, location: Location, limit: int) -> tuple[str, str]:
    """(the source line, the carets under the location), both cut to `limit` columns, tabs shown as four spaces.

    A location that ends on a later line is underlined to the end of this one; an empty one gets a single caret.
    """
    raw = source.rstrip("\r\n")
    start = min(max(location.column, 1) - 1, len(raw))
    end = len(raw) if location.end_line > location.line else min(location.end_column - 1, len(raw))
    before, under = _shown(raw[:start]), _shown(raw[start : max(end, start)].rstrip())
    shown = _shown(raw).rstrip()
    carets = " " * display_width(before) + "^" * max(display_width(under), 1)
    return _cut(shown, limit), carets[:limit]


def _shown(text: str) -> str:
    return clean(text).replace("\n", " ").replace("\t", TAB)


def _cut(text: str, limit: int) -> str:
    if display_width(text) <= limit:
        return text
    while display_width(text) > limit - 1:
        text = text[: limit - 1] if len(text) >= limit else text[:-1]
    return text + "…"
