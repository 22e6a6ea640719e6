"""What is measured against what, and the targets.

A *check* is `python -m policycheck check` of the twenty rules beside this file, with the text report thrown away. Baselines:

- *bare Python*: `python -c pass`, which a program in Python cannot be faster than.
- *its imports*: an interpreter that imports every module a check imports, standard library and third party, but policycheck's own, and ends.
- *imports and decode*: the same, then msgspec alone reads the same file: the bytes of the whole file in one call of `msgspec.json.decode`, into one struct a job with
  every member that policycheck knows in the type it has: texts, whole numbers, truth values, nested structs, and times as `datetime | float | int`. Nothing is done with them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.jobs import AS_OF, write_jobs
from benchmarks.timing import Command
from policycheck.datasets import BACKUP_JOBS, Dataset

ROOT = Path(__file__).parents[1]
POLICY = Path(__file__).with_name("twenty-rules.yaml")
_BASELINE = Path(__file__).with_name("baseline.py")
_OWN = ("policycheck", "__main__", "__mp_main__")

# Ends as main() does, but says first what it has imported.
_LIST_MODULES = """
import json, sys
sys.argv[0] = "policycheck"
from policycheck.__main__ import main
main()
with open({path!r}, "w") as stream:
    json.dump(list(sys.modules), stream)
"""


class Workplace:
    """A temporary folder, and what has been made in it so far: job lists by length, the modules of a check."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def jobs(self, number: int) -> Path:
        """The file with this many jobs."""
        path = self.folder / f"{number}.json"
        if not path.exists():
            write_jobs(path, number)
        return path

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment of every process: this checkout's package, and nothing that changes what a report looks like."""
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR"}}
        return kept | {"PYTHONPATH": str(ROOT)}

    @cached_property
    def modules(self) -> Path:
        """A file with the names of the modules that a check of two jobs imports, policycheck's own left out, in the order it does so."""
        seen = self.folder / "seen.json"
        command = [sys.executable, "-c", _LIST_MODULES.format(path=str(seen)), *check_arguments(self.jobs(2))]
        subprocess.run(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        names = [name for name in json.loads(seen.read_text(encoding="utf-8")) if name.partition(".")[0] not in _OWN]
        path = self.folder / "modules.json"
        path.write_text(json.dumps(self._importable(names)), encoding="utf-8")
        return path

    def _importable(self, names: list[str]) -> list[str]:
        """These names without the few that only a library can put into sys.modules (`os.path` can be imported, `pyexpat.model` cannot)."""
        asked = json.dumps(names)
        answer = subprocess.run([sys.executable, _BASELINE, "try"], env=self.environment, input=asked, text=True, stdout=subprocess.PIPE, check=True)
        importable: list[str] = json.loads(answer.stdout)
        return importable


def check_arguments(jobs: Path) -> list[str]:
    """The arguments of a check of the twenty rules."""
    return ["check", str(POLICY), "--jobs", str(jobs), "--as-of", AS_OF.isoformat()]


@dataclass(frozen=True, slots=True)
class Measure:
    """A process, its baseline, and the ratio it should stay within (None: told, not asked for)."""

    name: str
    against: str
    target: float | None
    subject: Callable[[Workplace], Command]
    baseline: Callable[[Workplace], Command]


def _version(workplace: Workplace) -> Command:
    return Command([sys.executable, "-m", "policycheck", "--version"], workplace.environment)


def _check(number: int) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        # 1: there are findings, as there should be. 3: two jobs cannot fill a window of thirty days.
        arguments = [sys.executable, "-m", "policycheck", *check_arguments(workplace.jobs(number))]
        return Command(arguments, workplace.environment, frozenset({1, 3}))

    return command


def _bare(workplace: Workplace) -> Command:
    return Command([sys.executable, "-c", "pass"], workplace.environment)


def _imports(workplace: Workplace) -> Command:
    return Command([sys.executable, str(_BASELINE), "import", str(workplace.modules)], workplace.environment)


def _decode(number: int) -> Callable[[Workplace], Command]:
    def command(workplace: Workplace) -> Command:
        shape = workplace.folder / "shape.json"
        shape.write_text(json.dumps(shape_of(BACKUP_JOBS)), encoding="utf-8")
        return Command([sys.executable, str(_BASELINE), "decode", str(workplace.modules), str(shape), str(workplace.jobs(number))], workplace.environment)

    return command


def shape_of(dataset: Dataset) -> dict[str, object]:
    """A list's records for `baseline.py`: the kind of each member by its dotted name, under the key of the answer."""
    return {dataset.result_key: {member.name: member.kind.value for member in dataset.members}}


_ALL = (
    Measure("version", "bare Python", 6.0, _version, _bare),
    Measure("check-2-bare", "bare Python", None, _check(2), _bare),
    Measure("check-2", "its imports", 1.6, _check(2), _imports),
    Measure("check-10000", "imports and decode", 1.8, _check(10_000), _decode(10_000)),
    Measure("check-100000", "imports and decode", 2.5, _check(100_000), _decode(100_000)),
)
MEASURES = {measure.name: measure for measure in _ALL}
