"""What CONTRIBUTING.md promises: one kind of change is the files its table names, and no other module lists the members of that kind."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path

import pytest

from policycheck.causes import CAUSES
from policycheck.datasets import DATASETS
from policycheck.engine.backends.registry import ENGINES
from policycheck.engine.kinds.registry import measurement_of
from policycheck.engine.operators import TESTS
from policycheck.formats.lint.registry import LINT_FORMATS
from policycheck.formats.registry import FORMATS
from policycheck.listing.forms.registry import FORMS
from policycheck.policy.lint.registry import CHECKS
from policycheck.policy.measures import SHAPES, Measure
from policycheck.policy.model import Expectation
from policycheck.policy.operators import AGE_OPERATORS, OPERATORS, ORDER_OPERATORS, TEXT_OPERATORS, Operator

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "policycheck"

_ENUMS: Mapping[str, type[StrEnum]] = {"Operator": Operator, "Measure": Measure}
Mention = tuple[int, set[str]]
"""A line of a module, and the names that stand together there."""


KINDS: Mapping[str, Sequence[Collection[str]]] = {
    "an operator": (ORDER_OPERATORS, AGE_OPERATORS, TEXT_OPERATORS, OPERATORS),
    "a list of jobs": (tuple(DATASETS),),
    "a measure of groups": (tuple(Measure),),
    "a format of results": (FORMATS,),
    "a format of lint": (LINT_FORMATS,),
    "an engine": (ENGINES,),
    "a check of lint": (CHECKS,),
    "an output form of the list commands": (FORMS,),
    "a class of cause": (CAUSES,),
}
"""By row of the table the sets of members in its registry. Two thirds of a set together are a list of it: what names fewer chooses, for reasons of its own."""


def rows() -> dict[str, list[str]]:
    """The table: by kind of change the files it touches."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("| kind of change | files it touches |\n|---|---|\n")[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return {kind: re.findall(r"`([\w/.]+\.[a-z]+)`", files) for kind, files in cells}


def test_each_kind_of_change_has_its_row() -> None:
    assert rows().keys() >= KINDS.keys()


@pytest.mark.parametrize("kind", rows())
def test_each_file_of_a_row_exists(kind: str) -> None:
    named = rows()[kind]
    # What is added is called NAME.
    assert [name for name in named if not (ROOT / name).exists() and not ((ROOT / name).stem == "NAME" and (ROOT / name).parent.is_dir())] == []
    assert 1 <= len(named) <= 3, "one kind of change is a file or two, and a line in a registry: change the code, not this number"


@pytest.mark.parametrize("kind", KINDS)
def test_no_other_module_lists_the_members_of_a_kind(kind: str) -> None:
    files = {ROOT / name for name in rows()[kind]}
    found = [
        f"{path.relative_to(ROOT)}:{line}: {', '.join(sorted(names))}"
        for path, named in mentions().items()
        # Registries may share names: formats of results and of lint do. reperform.py is independent by design.
        if path not in files and path.name not in {"registry.py", "reperform.py"}
        for line, names in lists(named, KINDS[kind])
    ]
    assert found == []


@cache
def mentions() -> Mapping[Path, Sequence[Mention]]:
    found: dict[Path, list[Mention]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        # Few modules name enough of a set anywhere: only these are parsed.
        words = set(spelled(text))
        if any(list(lists([(0, words | {word.lower() for word in words})], sets)) for sets in KINDS.values()):
            found[path] = list(mentions_in(text))
    return found


def mentions_in(code: str) -> Iterator[Mention]:
    """What stands together: in a collection, the cases of a match, a chain of ifs, an import, or a text."""
    yield from ((line, {name for node in nodes for name in names_in(node)}) for line, nodes in groups(ast.parse(code)))


def lists(mentioned: Iterable[Mention], sets: Sequence[Collection[str]]) -> Iterator[Mention]:
    """Where two thirds of a set of members stand together."""
    for line, named in mentioned:
        shared = next((named & set(members) for members in sets if len(named & set(members)) * 3 >= len(members) * 2), None)
        if shared:
            yield line, shared


def groups(tree: ast.Module) -> Iterator[tuple[int, Iterable[ast.AST]]]:
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys):
                yield node.lineno, [key for key in keys if key is not None]
            case ast.Set(elts=elements) | ast.List(elts=elements) | ast.Tuple(elts=elements):
                yield node.lineno, elements
            case ast.Match(cases=cases):
                yield node.lineno, [inner for case in cases for inner in ast.walk(case.pattern)]
            case ast.If():
                yield node.lineno, [inner for test in chain(node) for inner in ast.walk(test)]
            case ast.ImportFrom() | ast.JoinedStr():
                yield node.lineno, [node]
            case ast.Constant(value=str()) if id(node) not in docstrings:
                yield node.lineno, [node]
            case _:
                pass


def chain(node: ast.If) -> Iterator[ast.expr]:
    yield node.test
    if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        yield from chain(node.orelse[0])


def names_in(node: ast.AST) -> Iterator[str]:
    """The members that a node may name: `Operator.IS`, an imported module, a text and each word of it."""
    match node:
        case ast.Attribute(value=ast.Name(id=kind), attr=name) if kind in _ENUMS and name in _ENUMS[kind].__members__:
            yield str(_ENUMS[kind][name].value)
        case ast.ImportFrom(names=names):
            yield from (name for alias in names for name in spelled(alias.name))
        case ast.Constant(value=str(text)):
            yield from spelled(text)
        case ast.JoinedStr(values=values):
            yield from (name for value in values for name in names_in(value))
        case _:
            pass


def spelled(text: str) -> Iterator[str]:
    """The words of a text, and those that name modules: json_result is json."""
    for word in set(re.findall(r"[\w-]+", text)):
        yield word
        yield word.removesuffix("_result").removesuffix("_report")


def test_lists_are_found_however_they_are_written() -> None:
    operators = KINDS["an operator"]
    for code in (
        "SOME = {Operator.OLDER_THAN: 1, Operator.NEWER_THAN: 2}",
        "SOME = frozenset({Operator.AT_LEAST, Operator.AT_MOST, Operator.LESS_THAN})",
        "match operator:\n    case Operator.CONTAINS | Operator.STARTS_WITH:\n        pass\n    case Operator.MATCHES:\n        pass",
        "if operator is Operator.OLDER_THAN:\n    pass\nelif operator is Operator.NEWER_THAN:\n    pass",
        "SOME = ('older_than', 'newer_than')",
        "help = f'One of older_than, newer_than and {others}.'",
    ):
        assert list(lists(mentions_in(code), operators)), code
    for code in (
        "SOME = {Operator.AT_LEAST, Operator.MORE_THAN}",
        "'''Of older_than and newer_than.'''",
        "match operator:\n    case Operator.IS | Operator.PRESENT:\n        pass",
    ):
        assert not list(lists(mentions_in(code), operators)), code


def test_every_measure_has_its_row_and_its_kind() -> None:
    assert set(SHAPES) == set(Measure)
    requirements = [Expectation(measure) for measure in Measure]
    assert all(type(measurement_of(requirement)).__module__.rpartition(".")[2] == requirement.measure for requirement in requirements)


def test_every_operator_has_its_row_and_what_the_engine_computes() -> None:
    assert list(OPERATORS) == list(Operator)
    assert set(TESTS) == set(Operator) - {Operator.PRESENT, Operator.IN_INVENTORY}
