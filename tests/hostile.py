"""Text that tries to be something else: what a StatusMessage, a name or an ARN may hold. One corpus for every place that shows or writes such text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar, cast

from policycheck.job_records import SavedJob

T = TypeVar("T")

CORPUS: Mapping[str, str] = {
    # Terminals
    "escape": "\x1b",
    "clear screen": "\x1b[2J\x1b[H",
    "colour": "\x1b[31mred\x1b[0m",
    "eight-bit CSI": "\x9b2J\x9b31m",
    "title": "\x1b]0;owned\x07",
    "hyperlink": "\x1b]8;;https://example.com/\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4K\x07",
    "eight-bit OSC": "\x9d52;c;YQ==\x9c",
    "device control": '\x1bP$q"p\x1b\\',
    "backspaces": "failed\x08\x08\x08\x08\x08\x08passed",
    "carriage return": "failed\rpassed",
    "bell and vertical moves": "\x07\x0b\x0c\x0e\x0f",
    "delete": "a\x7fb",
    # Text that is not what it looks like
    "bidi override": "\u202epass\u202c",
    "bidi embedding": "\u202a\u202b\u202d\u202c",
    "bidi isolates": "\u2066\u2067\u2068pass\u2069",
    "bidi marks": "\u200e\u200f\u061c",
    "zero width": "no\u200b-\u200cfail\u200ded\ufeff\u2060",
    "soft hyphen": "fa\u00adiled",
    "invisible tags": "\U000e0001\U000e0041\U000e007f",
    "interlinear": "\ufff9a\ufffab\ufffb",
    "combining": "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324",
    "variation selectors": "#\ufe0f\u20e3 \U000e0100",
    "right to left": "\u05d2\u05d9\u05d1\u05d5\u05d9 \u0646\u0633\u062e\u0629 123",
    "wide": "\u5099\u4efd\u5931\u6557\uff03\uff03\uff3b",
    # What no encoder takes
    "nul": "a\x00b",
    "lone surrogates": "\ud800a\udfff",
    "surrogates that look like a pair": "\ud83d\ude00",
    "noncharacters": "\ufffe\uffff\U0001fffe\ufdd0",
    # Lines
    "line feed": "a\nb\n\n\nc",
    "carriage return and line feed": "a\r\nb",
    "next line": "a\x85b",
    "separators": "a\u2028b\u2029c",
    "file separators": "a\x1cb\x1db\x1eb\x1f",
    "tabs": "\ta\t\tb",
    # CI runners
    "command": "::error::owned",
    "command after white space": " \t\u3000\u00a0::error file=a,line=1::owned",
    "command on a line of its own": "x\n::set-output name=a::b\n::add-mask::a\r::stop-commands::t\u2028::error::z",
    "command with colour": "\x1b[31m::warning::owned",
    "old command": "##[error]owned",
    "old commands": "a ##[group]b ##[add-mask]c ###[warning]d ####[debug]e",
    "nearly a command": "# #[error] #[error]# ##\n[error] :\n: ::x",
    "Azure Pipelines": "##vso[task.setvariable variable=PATH]/tmp",
    "TeamCity": "##teamcity[buildStatus status='SUCCESS']",
    "GitLab section": "section_start:1:x[collapsed=true]\r\x1b[0Kx",
    "property escapes": "a,line=9,title=b::c",
    "percent escapes": "%0A::error::x%0D%0A%25%3A%2C%250A%",
    "command in percent escapes": "%0A##[error]x",
    "equals": "==a=b=",
    "here document": "x\nEOF\nPATH=/tmp",
    "output delimiter": "x\nghadelimiter_0b5f4d9e-0000-4000-8000-000000000000\nresult<<EOF",
    "output assignment": "result=pass",
    # Markdown
    "pipe": "a | b || c \\| d \\\\| e",
    "backtick": "`",
    "backticks": "`` a ` b ``` c ```` d",
    "backticks at both ends": "``a``",
    "fence": "```\n<script>\n```",
    "link": "[pass](https://example.com/)",
    "script link": "[a](javascript:alert(1))",
    "reference link": "[a][b]\n\n[b]: https://example.com/",
    "image": "![i](https://example.com/i.png)",
    "bare address": "https://example.com/x www.example.com a@example.com",
    "autolink": "<https://example.com>",
    "mention": "@octocat @org/team",
    "reference": "#123 octocat/repo#1 GH-1 abc1234",
    "heading": "# Passed\n===",
    "list": "- a\n1. b\n> c\n---",
    "table": "\n| a |\n|---|\n| b |",
    "task": "- [x] approved",
    "emphasis": "**a** _b_ ~~c~~ $d$ :tada:",
    "template": "{{ 7*7 }} {% raw %} {# x #} ${{ secrets.TOKEN }} ${x}",
    # HTML and XML
    "script": "<script>alert(1)</script>",
    "event": '"><img src=x onerror=alert(1)>',
    "single quote": "' onmouseover='alert(1)",
    "entities": "&amp; &lt; &#35; &#x1b; &nbsp; &undefined;",
    "comment": "<!-- a --> b --> <!--",
    "CDATA": "]]> <![CDATA[ x ]]>",
    "document type": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>&b;',
    "processing instruction": "<?xml version='1.0'?>",
    "closing tags": "</failure></testcase></testsuite></code></td></table>",
    # JSON and SARIF
    "quotes": '"a\\"b\\\\',
    "escapes": "\\u0023\\n\\x1b \\",
    "embedded link": "[a](1) [b](https://example.com) \\[c](2)",
    "placeholders": "{0} {1} {12}",
    "numbers": "NaN Infinity -0 1e999",
    # Tables and shells
    "formula": "=cmd|' /C calc'!A0",
    "formulas": "+1\n-1\n@SUM(1)\n\t=1\r=2",
    "comma": 'a,b;c"d',
    "shell": "$(id) `id` ; id & | > /tmp/x \\",
    "format string": "%s %n {} {0.__class__}",
    # Paths
    "parent folders": "../../etc/passwd",
    "absolute path": "/etc/passwd",
    "drive": "C:\\Windows\\system32",
    "network share": "\\\\host\\share",
    "scheme": "file:///etc/passwd",
    "dots": ".",
    # Nothing, and too much
    "empty": "",
    "space": " ",
    "white space": " \t\n\u3000\u2003 ",
    "invisible only": "\u200b\u2060",
    "long": "x" * 100_000,
    "long words": "word " * 10_000,
    "long with markup": "`|]]>##[" * 3_000,
}
_NAMES = frozenset({"id", "policy", "rule", "subject", "key", "newest"})


def poisoned(value: T, text: str) -> T:
    """The same value with `text` in place of every string in it, whatever its field is called.

    Before what names something, and before keys, it is put in front: what was different stays so, what was equal as well.
    """
    return _poisoned(value, text, named=False)


def _poisoned(value: T, text: str, *, named: bool) -> T:
    # A result holds dataclasses, tuples, mappings and leaves: only Any spans them, and each keeps its kind.
    found: Any = value
    if isinstance(value, str) and not isinstance(value, Enum):
        found = text + value if named else text
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        found = cast("Any", value)._make(_poisoned(item, text, named=name in _NAMES) for name, item in zip(value._fields, value, strict=True))
    elif isinstance(value, SavedJob):
        found = SavedJob(text + value.key, _poisoned(value.fields, text, named=False))
    elif isinstance(value, tuple | list):
        found = type(value)(_poisoned(item, text, named=named) for item in value)
    elif isinstance(value, Mapping):
        found = {_poisoned(key, text, named=True): _poisoned(item, text, named=named) for key, item in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        found = replace(value, **{member.name: _poisoned(getattr(value, member.name), text, named=member.name in _NAMES) for member in fields(value)})
    return cast("T", found)
