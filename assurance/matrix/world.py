"""An organization with its evidence on disk, and what is known of the complete evidence: the verdicts, and the document that `reperform.py` reads."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from assurance.matrix.documents import documents_of, encode, plain, stating
from assurance.matrix.oracle import Oracle
from assurance.matrix.organization import AS_OF, NAMES, Organization, Record, make
from assurance.matrix.rules import RuleSet
from policycheck.api import check
from policycheck.cli.app import run
from policycheck.datasets import JOB_LISTS
from policycheck.result import Result, Verdict


@dataclass(frozen=True, eq=False)
class World:
    """One organization, its lists saved in one way."""

    organization: Organization
    covered: bool
    """Whether its lists state their coverage; else they are plain."""
    folder: Path
    rules: RuleSet

    @property
    def name(self) -> str:
        return f"{self.organization.name}, {'stated' if self.covered else 'plain'}"

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The lists as files, by dataset."""
        return {name: encode(document) for name, document in documents_of(self.organization.lists, with_coverage=self.covered).items()}

    def save(self, dataset: str, records: Sequence[Record]) -> bytes:
        """A changed list as a file; one that states its coverage states that of the complete list."""
        complete = self.organization.lists[dataset]
        return encode(stating(dataset, records, complete) if self.covered else plain(dataset, records))

    @cached_property
    def inventory(self) -> Path:
        path = self.folder / "inventory.json"
        path.write_text(json.dumps(list(self.organization.inventory)), encoding="utf-8")
        return path

    @cached_property
    def paths(self) -> Mapping[str, Path]:
        """Where the complete lists are saved."""
        lists = self.folder / "lists"
        lists.mkdir(exist_ok=True)
        for name, content in self.files.items():
            (lists / f"{name}.json").write_bytes(content)
        return {name: lists / f"{name}.json" for name in self.files}

    def check(self, names: Sequence[str], paths: Sequence[Path]) -> Result:
        """The result of some rules on some files. Raises JobFileError where they are refused."""
        policies = [self.rules.policies[name] for name in names]
        return check(policies, paths, as_of=AS_OF, inventories={"prod": self.inventory})

    @cached_property
    def verdicts(self) -> Mapping[str, Verdict]:
        """Of every rule whose lists there are, on the complete evidence."""
        names = [name for name, lists in self.rules.lists.items() if lists <= self.files.keys()]
        return {rule.policy: rule.verdict for rule in self.check(names, list(self.paths.values())).rules}

    def reading(self, dataset: str) -> list[str]:
        """The rules that need a list."""
        return [name for name in self.verdicts if dataset in self.rules.lists[name]]

    @cached_property
    def doubtful(self) -> frozenset[str]:
        """The rules that do not pass on the complete evidence: those that can gain a pass."""
        return frozenset(name for name, verdict in self.verdicts.items() if verdict is not Verdict.PASS)

    @cached_property
    def tender(self) -> tuple[str, ...]:
        """The lists that such rules need."""
        return tuple(dataset for dataset in self.files if any(dataset in self.rules.lists[name] for name in self.doubtful))

    @property
    def document(self) -> dict[str, Any]:
        """The document of an evidence bundle of the job lists: rules, inventory and what the lists state, which are alike in all organizations."""
        key = (self.rules, self.covered)
        if key not in _DOCUMENTS:
            _DOCUMENTS[key] = _bundle(self)
        return _DOCUMENTS[key]

    @cached_property
    def oracle(self) -> Oracle:
        """The second evaluation of its job lists."""
        return Oracle(self.document, self.organization.lists)

    @property
    def repeatable(self) -> frozenset[str]:
        """The rules that `reperform.py` evaluates."""
        return self.oracle.rules


_DOCUMENTS: dict[tuple[RuleSet, bool], dict[str, Any]] = {}


def _bundle(world: World) -> dict[str, Any]:
    """The document for `reperform.py` as the command line writes it."""
    bundle = world.folder / "bundle.zip"
    jobs = [argument for name in JOB_LISTS for argument in ("--jobs", str(world.paths[name]))]
    wanted = [str(world.folder.parent / "rules" / f"{name}.yaml") for name, lists in world.rules.lists.items() if lists <= JOB_LISTS.keys()]
    options = ["--as-of", AS_OF.isoformat(), "--inventory", f"prod={world.inventory}", "--bundle", str(bundle), "--no-config", "--quiet"]
    run(["check", *wanted, *jobs, *options, "--output", f"json={world.folder / 'result.json'}"])
    with zipfile.ZipFile(bundle) as archive:
        name = next(name for name in archive.namelist() if name.endswith("reperform.json"))
        found: dict[str, Any] = json.loads(archive.read(name))
    return found


def make_world(number: int, seed: int, folder: Path, rules: RuleSet) -> World:
    """The world of a number: its trouble, and how its lists are saved, go by the number."""
    home = folder / f"world-{number}"
    home.mkdir(exist_ok=True)
    return World(make(NAMES[number // 2], seed), number % 2 == 1, home, rules)
