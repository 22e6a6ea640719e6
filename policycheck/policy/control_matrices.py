"""Files of control matrices (`--controls`): YAML or CSV, read with the place of every mistake, and put beside the rules of a run."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from policycheck.control_matrix import ControlMatrix, MatrixControl
from policycheck.errors import Diagnostic, Location, PolicyError
from policycheck.policy.conditions import nearest
from policycheck.policy.controls import FRAMEWORKS
from policycheck.policy.document import MAX_BYTES, Document, Entries, Items, Node, Text, read_document
from policycheck.policy.model import Policy, Rule
from policycheck.policy.schema import Identifier, Line, Scalar
from policycheck.policy.shape import check_shape, find_entry, plain
from policycheck.text import clean_line

COLUMNS = ("framework", "id", "title", "must_show", "rules", "beyond", "automatable")
"""Of a CSV file; the first three are required. `rules` holds several names, separated by semicolons or blanks."""
_REQUIRED = COLUMNS[:3]
_YES, _NO = frozenset({"true", "yes"}), frozenset({"false", "no"})
_NEEDS = "A matrix has at least: framework, controls."


class ControlEntry(BaseModel):
    """One control."""

    model_config = ConfigDict(extra="forbid", strict=False)

    id: Line = Field(description="Its ID, as rules name it")
    title: Line = Field(description="What it requires")
    must_show: Line | None = Field(None, description="What the rules must show; shown in reports")
    rules: list[Line] | None = Field(None, description="The rules that test it, RULE or POLICY/RULE, in addition to those that name it in `controls`")
    beyond: Line | None = Field(None, description="What job lists cannot show about it; shown in reports")
    automatable: Scalar | None = Field(None, description="false: no rule on job lists can show any part of it")


class MatrixEntry(BaseModel):
    """A file with one matrix of controls."""

    model_config = ConfigDict(extra="forbid", strict=False)

    framework: Identifier = Field(description="The name that rules use: controls: {NAME: [ID]}. A name of a built-in matrix replaces that matrix")
    title: Line | None = Field(None, description="Title in reports")
    controls: list[ControlEntry] = Field(min_length=1, description="The controls, in the order of reports")


def load_matrices(paths: Sequence[tuple[Path, str]]) -> tuple[ControlMatrix, ...]:
    """The matrices of these files, in their order.

    Args:
        paths: each file and what diagnostics call it. Names that end in .csv are CSV, others YAML.

    Raises:
        PolicyError: any file has a mistake, or two have the same framework; all mistakes of all files are in it.
    """
    found: list[ControlMatrix] = []
    diagnostics: list[Diagnostic] = []
    for path, name in paths:
        try:
            matrices = _read_csv(path, name) if name.lower().endswith(".csv") else _read_yaml(path, name)
        except PolicyError as error:
            diagnostics += error.diagnostics
            continue
        known = {matrix.framework: matrix.path for matrix in found}
        for matrix in matrices:
            if matrix.framework in known:
                message = f"the framework {matrix.framework} has a matrix in {known[matrix.framework]}, too"
                diagnostics.append(Diagnostic(_line(name, 1), message, "Put the controls of one framework into one file."))
        found += matrices
    if diagnostics:
        raise PolicyError(diagnostics)
    return tuple(found)


def map_controls(policies: Sequence[Policy], matrices: Sequence[ControlMatrix]) -> tuple[Policy, ...]:
    """The policies, with each rule naming the controls that a matrix says it speaks to, after those that it names itself."""
    return tuple(replace(policy, rules=tuple(_mapped(policy, rule, matrices) for rule in policy.rules)) for policy in policies)


def _mapped(policy: Policy, rule: Rule, matrices: Sequence[ControlMatrix]) -> Rule:
    names = {rule.id, f"{policy.id}/{rule.id}"}
    controls: dict[str, tuple[str, ...]] = dict(rule.controls)
    for matrix in matrices:
        own = [control.id for control in matrix.controls if not names.isdisjoint(control.rules)]
        if own:
            controls[matrix.framework] = tuple(dict.fromkeys((*controls.get(matrix.framework, ()), *own)))
    return replace(rule, controls=controls) if controls != rule.controls else rule


# --- YAML ---


def _read_yaml(path: Path, name: str) -> list[ControlMatrix]:
    document = read_document(path, name, _NEEDS)
    for one in check_shape(MatrixEntry, document.root):
        document.report(one.location, one.message, one.hint)
    if not document.diagnostics:
        _check_controls(document)
    if document.diagnostics:
        raise PolicyError(document.diagnostics)
    entry = MatrixEntry.model_validate(plain(document.root))
    rows = [{**control.model_dump(exclude_none=True), "framework": entry.framework} for control in entry.controls]
    return [_matrix(entry.framework, entry.title, name, document.sha256, rows)]


def _check_controls(document: Document) -> None:
    """What a shape does not say: ids are told apart, and `automatable` is true or false."""
    root = document.root
    listed = root.get("controls") if isinstance(root, Entries) else None
    seen: set[str] = set()
    for item in listed.items if isinstance(listed, Items) else ():
        if not isinstance(item, Entries):
            continue
        number, automatable = _text(item.get("id")), _text(item.get("automatable"))
        if number in seen:
            document.report(find_entry(item, "id"), f"the control {number} appears twice")
        seen.add(number)
        if automatable and automatable.lower() not in _YES | _NO:
            document.report(find_entry(item, "automatable"), f"automatable is true or false, not {automatable}")


def _text(node: Node | None) -> str:
    return clean_line(node.text) if isinstance(node, Text) else ""


# --- CSV ---


def _read_csv(path: Path, name: str) -> list[ControlMatrix]:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise _refusal(name, 1, f"cannot read the file: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise _refusal(name, 1, "not UTF-8 text", "Save the file as UTF-8.") from None
    if len(content) > MAX_BYTES:
        raise _refusal(name, 1, f"the file is {len(content):,} bytes; a matrix has at most {MAX_BYTES:,}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        numbered = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise _refusal(name, reader.line_num, f"not CSV: {error}") from None
    if not numbered:
        raise _refusal(name, 1, "the file is empty", f"The first line names the columns: {','.join(COLUMNS)}.")
    (first, header), *rows = numbered
    columns = [cell.strip().lower() for cell in header]
    problems = list(_wrong_columns(name, first, columns)) or list(_wrong_rows(name, columns, rows))
    if problems:
        raise PolicyError(problems)
    listed: dict[str, list[dict[str, object]]] = {}
    for _, row in rows:
        cells: dict[str, object] = {column: cell.strip() for column, cell in zip(columns, row, strict=True)}
        cells["rules"] = str(cells.get("rules", "")).replace(";", " ").split()
        listed.setdefault(str(cells["framework"]), []).append(cells)
    sha256 = hashlib.sha256(content).hexdigest()
    return [_matrix(framework, None, name, sha256, own) for framework, own in listed.items()]


def _wrong_columns(name: str, line: int, columns: Sequence[str]) -> Iterable[Diagnostic]:
    known = f"The columns are {', '.join(COLUMNS)}."
    for column in columns:
        if column not in COLUMNS:
            near = nearest(column, COLUMNS)
            yield Diagnostic(_line(name, line), f"there is no column {clean_line(column) or '(without a name)'}", f"Did you mean {near}?" if near else known)
        elif columns.count(column) > 1:
            yield Diagnostic(_line(name, line), f"the column {column} appears twice", known)
    for column in _REQUIRED:
        if column not in columns:
            yield Diagnostic(_line(name, line), f"the column {column} is missing", known)


def _wrong_rows(name: str, columns: Sequence[str], rows: Sequence[tuple[int, list[str]]]) -> Iterable[Diagnostic]:
    seen: set[tuple[str, str]] = set()
    if not rows:
        yield Diagnostic(_line(name, 1), "the matrix has no control")
    for line, row in rows:
        if len(row) != len(columns):
            yield Diagnostic(_line(name, line), f"the row has {len(row)} cells, and there are {len(columns)} columns", "Put text with a comma into quotes.")
            continue
        cells = {column: clean_line(cell) for column, cell in zip(columns, row, strict=True)}
        for column in _REQUIRED:
            if not cells[column]:
                yield Diagnostic(_line(name, line), f"{column} is empty")
        if (cells["framework"], cells["id"]) in seen:
            yield Diagnostic(_line(name, line), f"the control {cells['id']} appears twice")
        seen.add((cells["framework"], cells["id"]))
        if (told := cells.get("automatable", "")) and told.lower() not in _YES | _NO:
            yield Diagnostic(_line(name, line), f"automatable is true or false, not {told}")


def _line(name: str, number: int) -> Location:
    return Location(name, number, 1, number, 2)


def _refusal(name: str, line: int, message: str, hint: str = "") -> PolicyError:
    return PolicyError([Diagnostic(_line(name, line), message, hint)])


# --- both ---


def _matrix(framework: str, title: str | None, name: str, sha256: str, rows: Iterable[Mapping[str, object]]) -> ControlMatrix:
    known = FRAMEWORKS.get(framework)
    return ControlMatrix(
        framework=clean_line(framework),
        title=clean_line(title or (known.title if known else framework)),
        path=clean_line(name),
        controls=tuple(map(_control, rows)),
        sha256=sha256,
    )


def _control(row: Mapping[str, object]) -> MatrixControl:
    rules = row.get("rules") or ()
    told = {name: clean_line(str(row.get(name) or "")) for name in ("id", "title", "must_show", "beyond", "automatable")}
    return MatrixControl(
        id=told["id"],
        title=told["title"],
        must_show=told["must_show"],
        beyond=told["beyond"],
        automatable=told["automatable"].lower() not in _NO,
        rules=tuple(dict.fromkeys(map(clean_line, rules if isinstance(rules, list) else ()))),
    )
