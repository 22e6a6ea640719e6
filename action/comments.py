"""The body of the comment on a pull request: what policycheck wrote, between the line by which it is found again and the name of the check."""

from __future__ import annotations

from pathlib import Path

from action.identity import marker, name

MAX_COMMENT = 65_536
"""Characters GitHub takes in a comment."""
MAX_MARKER = 200


def write_comment(path: Path, summary: str) -> None:
    """The comment with its marker, and which check it is of; where policycheck wrote none, what the summary says."""
    written = path.read_text(encoding="utf-8") if path.is_file() else summary
    end = f"\n`{name()}`\n"
    path.write_text(f"{marker()}\n{shorten(written, MAX_COMMENT - MAX_MARKER - len(end) - 1)}{end}", encoding="utf-8", newline="\n")


def shorten(document: str, limit: int) -> str:
    """At most `limit` characters of a Markdown document: whole lines of it, what they open closed again, and a line that says so."""
    if len(document) <= limit:
        return document
    closing = "</details>\n"
    notice = "\n**Shortened:** the step summary and the reports of this run have the rest.\n"
    kept: list[str] = []
    size = opened = 0
    for line in document.splitlines(keepends=True):
        opened += line.startswith("<details") - line.startswith("</details")
        size += len(line)
        if size + max(opened, 0) * len(closing) + len(notice) > limit:
            opened -= line.startswith("<details") - line.startswith("</details")
            break
        kept.append(line)
    return "".join(kept) + closing * max(opened, 0) + notice
