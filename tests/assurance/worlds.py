"""Organizations with several troubles at a time, and what some of the matrix's rules say of them."""

from __future__ import annotations

import atexit
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from hypothesis import strategies as st

from assurance.matrix.documents import Document, documents_of, encode
from assurance.matrix.organization import AS_OF, SOUND, TROUBLES, Organization, make
from assurance.matrix.rules import RuleSet, load_rules
from policycheck.api import check
from policycheck.result import Result

Told = dict[str, tuple[str, list[tuple[str, str, str, tuple[str, ...], bool]]]]
"""Verdict and findings of each rule: account, Region, subject, jobs, and whether it is waived."""


@cache
def folder() -> Path:
    """A folder of this process."""
    made = Path(mkdtemp(prefix="worlds-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def rules() -> RuleSet:
    """All rules of the matrix."""
    home = folder() / "rules"
    home.mkdir()
    return load_rules(home)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which organization: the troubles in it, one after the other, and its seed."""

    troubles: tuple[str, ...]
    seed: int

    def make(self) -> Organization:
        organization = make(SOUND, self.seed)
        for name in self.troubles:
            try:
                TROUBLES[name](organization.lists, Random(f"{self.seed}/{name}"))
            except (KeyError, IndexError, ValueError):
                # What it would change is not there any more.
                return make(name, self.seed)
        return organization


RECIPES = st.builds(Recipe, st.lists(st.sampled_from(sorted(TROUBLES)), max_size=3, unique=True).map(tuple), st.integers(0, 2**16))


def chosen(luck: Random, most: int = 5) -> list[str]:
    """Some of the rules, of every policy alike."""
    names = sorted(rules().policies)
    return luck.sample(names, most)


def save(documents: Mapping[str, Document] | Sequence[tuple[str, Document]], name: str) -> list[Path]:
    """Documents as files of a folder of that name."""
    home = folder() / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    paths = []
    for number, (dataset, document) in enumerate(documents.items() if isinstance(documents, Mapping) else documents):
        paths.append(home / f"{number:02}-{dataset}.json")
        paths[-1].write_bytes(encode(document))
    return paths


def inventory(organization: Organization, change: Callable[[str], str] = str) -> Path:
    path = folder() / "inventory.json"
    path.write_text(change(json.dumps(list(organization.inventory))), encoding="utf-8")
    return path


def judge(organization: Organization, names: Sequence[str], paths: Sequence[Path] | None = None, *, covered: bool = True, **more: Any) -> Result:
    """The result of some rules on the organization, or on other files."""
    files = save(documents_of(organization.lists, with_coverage=covered), "complete") if paths is None else paths
    policies = [rules().policies[name] for name in names]
    return check(policies, list(files), as_of=AS_OF, inventories={"prod": inventory(organization)}, **more)


def told(result: Result) -> Told:
    """What is compared of a result."""
    return {
        rule.policy: (
            rule.verdict.value,
            sorted((one.account or "", one.region or "", one.subject, tuple(sorted(one.jobs)), one.waiver is not None) for one in rule.findings),
        )
        for rule in result.rules
    }
