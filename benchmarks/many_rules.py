"""Many rules, each with lengths of its own: those of `estate-rules.yaml` again and again, an hour longer each time."""

from __future__ import annotations

import re
from pathlib import Path

_HOURS = {"h": 1, "d": 24}
_LENGTH = re.compile(r"\b(\d+)([hd])\b")


def write_many_rules(folder: Path, policy: Path, copies: int) -> None:
    """Write this many copies of a policy into a folder."""
    folder.mkdir(exist_ok=True)
    text = policy.read_text(encoding="utf-8")
    for copy in range(copies):
        named = re.sub(r"^policy: (.*)$", rf"policy: \g<1>-{copy}", text, count=1, flags=re.MULTILINE)
        (folder / f"{policy.stem}-{copy}.yaml").write_text(_longer(named, copy), encoding="utf-8")


def _longer(text: str, hours: int) -> str:
    return _LENGTH.sub(lambda found: f"{int(found[1]) * _HOURS[found[2]] + hours}h", text)
