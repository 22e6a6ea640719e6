"""Cleaning of untrusted text: what a job list says is data, never markup, escape code or command."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from json import dumps

# C0 but tab and newline, DEL, C1, line and paragraph separators, bidi controls (UAX #9), zero-width and
# other invisible format characters, the interlinear marks, the byte-order mark, surrogates, noncharacters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)
_SPACE = re.compile(r"\s+")

REPLACEMENT = "\ufffd"


def clean(value: str) -> str:
    """Replace every character that could steer a terminal, hide or reorder text, or break an encoder.

    Tabs and newlines stay; a CR LF pair counts as one newline. Each other unsafe character becomes U+FFFD, so that
    a reader sees that something stood there. Cleaning what is clean changes nothing.
    """
    if value.isprintable():
        return value
    return _UNSAFE.sub(REPLACEMENT, value.replace("\r\n", "\n"))


def escape_json(text: str) -> str:
    """JSON that says the same, with an escape for each character that `clean` replaces."""
    return text if text.isascii() and "\x7f" not in text else _UNSAFE.sub(lambda found: dumps(found[0])[1:-1], text)


def clean_line(value: str) -> str:
    """`clean`, on one line: every run of white space is one space."""
    if value.isprintable() and "  " not in value:
        return value.strip()
    return _SPACE.sub(" ", clean(value)).strip()


def counted(count: int, noun: str) -> str:
    """`1 backup job`, `1,000 backup jobs`."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def as_sentence(text: str) -> str:
    """A phrase as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in {'.', '?', ''} else '.'}"


def truncate(value: str, limit: int) -> str:
    """At most `limit` characters, the last one an ellipsis where something was cut off."""
    return value if len(value) <= limit else value[: max(limit - 1, 0)] + "…"


def shorten(text: str, limit: int) -> str:
    """`truncate`, after a whole word where there is one in the second half: part of an ARN would pass for another."""
    if len(text) <= limit:
        return text
    words = text[: limit - 1].rpartition(" ")[0]
    return f"{words} …" if words and len(words) >= limit // 2 else truncate(text, limit)


def display_width(value: str) -> int:
    """Terminal columns of one clean line: wide characters take two, combining ones none."""
    if value.isascii():
        return len(value)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in value)


_UNITS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000))


def spell_duration(microseconds: int) -> str:
    """A duration for reading: its two largest units, rounded down (41 h, 3 h 10 m, 2 d 4 h); days from 48 h on."""
    rest = abs(microseconds)
    # From an hour on its whole minutes say it all, and of those few are different: reports have many durations.
    shown = _spell(rest) if rest < _HOUR else _spell_minutes(rest // _MINUTE)
    return f"-{shown}" if microseconds < 0 else shown


def spell_size(size: int) -> str:
    """A number of bytes for reading, to three digits, in the unit that `parse_size` reads: 512 B, 1.5 GiB, 200 GiB."""
    unit, shown = "B", float(size)
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if shown < 1024:
            break
        unit, shown = larger, shown / 1024
    return f"{shown:,.0f} {unit}" if unit == "B" or shown >= 100 else f"{shown:.3g} {unit}"


_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE


@lru_cache(maxsize=100_000)
def _spell_minutes(minutes: int) -> str:
    return _spell(minutes * _MINUTE)


def _spell(rest: int) -> str:
    units = _UNITS if rest >= 2 * _UNITS[0][1] else _UNITS[1:]
    parts: list[tuple[int, str]] = []
    for name, size in units:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, name))
        if len(parts) == 2:
            break
    return " ".join(f"{count} {name}" for count, name in parts if count) or "0 s"
