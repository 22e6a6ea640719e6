"""What it costs to read sentences, in calls of functions: the same on every machine. `python -m benchmarks.reading [FILE]`

FILE has a sentence a line; without it, the canonical sentences that the tests run. The cost is that of loading a policy of them all.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from ruamel.yaml import YAML

from policycheck.policy.load import load_policies

_SENTENCES = Path(__file__).parents[1] / "tests" / "cases" / "sentences.yaml"


def count_calls(sentences: Sequence[str]) -> int:
    """The calls of functions, of Python and of C, that loading a policy of these sentences takes; the grammar was loaded before."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        rules = "".join(f"  - id: r{number}\n    rule: '{text.replace(chr(39), 2 * chr(39))}'\n" for number, text in enumerate(sentences))
        path.write_text(f"policy: p\nparams: {{vault: prod, rpo: 24h, most: '2'}}\nrules:\n{rules}", encoding="utf-8")
        load_policies([(path, "policy.yaml")], {})
        sys.setprofile(count)
        try:
            load_policies([(path, "policy.yaml")], {})
        finally:
            sys.setprofile(None)
    return counted


def main() -> None:
    """Print the calls, and the calls a sentence."""
    if sys.argv[1:]:
        sentences = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    else:
        table = YAML(typ="base", pure=True).load(_SENTENCES.read_text(encoding="utf-8"))
        sentences = [row["sentence"] for row in table["accepted"]]
    calls = count_calls(sentences)
    sys.stdout.write(f"{len(sentences)} sentences: {calls:,} calls, {calls / len(sentences):,.0f} a sentence\n")


if __name__ == "__main__":
    main()
