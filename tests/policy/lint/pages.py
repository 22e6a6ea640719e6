"""The pages of the checks, read as their readers do: headings and examples."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).parents[3]
FOLDER = TOP / "docs" / "lint"
HEADINGS = ["What it checks", "Why it matters", "Example", "How to fix", "References"]
PAGES = sorted(FOLDER.glob("PC*.md"))


def headings(page: Path) -> list[str]:
    return re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)


def examples(page: Path) -> tuple[dict[str, str], dict[str, str]]:
    """(the bad example, the good one): file names and their texts; a file that is no `policy.yaml` says its name in its first line."""
    section = page.read_text(encoding="utf-8").partition("\n## Example\n")[2].partition("\n## ")[0]
    bad, separator, good = section.partition("\nGood:\n")
    assert separator
    return _files(bad), _files(good)


def _files(text: str) -> dict[str, str]:
    files = {}
    for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        named = re.match(r"# (\S+\.yaml)\n", block)
        files[named[1] if named else "policy.yaml"] = block
    return files
