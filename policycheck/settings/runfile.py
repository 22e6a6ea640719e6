"""The run file, policycheck.yaml: what a bare `policycheck check` judges, on what evidence, and what it writes.

It comes with a checkout, and who writes to a checkout is not always who owns the credentials it is judged with. So it can name what is judged, but neither
the host that is trusted to answer for AWS nor a file outside: see docs/run-file.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from policycheck.errors import Diagnostic, Location, PolicyError, RunFileError, UsageError
from policycheck.policy.catalogue import RUN_FILE, find_policies, is_pack, shipped_packs
from policycheck.policy.conditions import nearest
from policycheck.policy.document import Document, Entries, Items, Node, Text, read_document
from policycheck.policy.literals import parse_moment
from policycheck.policy.load import read_scope
from policycheck.policy.model import Scope
from policycheck.policy.shape import Path as TreePath
from policycheck.policy.shape import check_shape, plain
from policycheck.settings.finding import REPOSITORY, is_root, shown
from policycheck.settings.options import OPTIONS, SAVED_LISTS, SOURCE
from policycheck.settings.schema import RunFileEntry
from policycheck.settings.times import NOW, parse_interval, parse_longest_job
from policycheck.text import clean_line

STDOUT = "stdout"
_STDIN = "-"
_NOT_IN_A_FILE = {
    key: one.flag + (f", or {one.option.variable}" if one.option.variable else "")
    for one in OPTIONS.values()
    if one.option.not_in_file
    for key in (one.name, one.name.removeprefix("no_"))
}
_AWS = tuple(OPTIONS[name].key for name in SOURCE if name not in SAVED_LISTS)


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a run file says, checked; None and empty where it says nothing. Paths are relative to the working directory, `policies` to `folder`."""

    name: str
    """The file, relative to the working directory."""
    folder: Path
    repository: Path
    """Where every file that `policies` leads to has to lie, shipped packs excepted; absolute."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """By the name of the option, each as a command line gives it: FORMAT=PATH of `output`, NAME=PATH of `inventory`. `param` and `scope` are apart."""
    params: Mapping[str, str] = field(default_factory=dict)
    scope: Scope | None = None
    places: Mapping[TreePath, Location] = field(default_factory=dict, repr=False, compare=False)
    lines: tuple[str, ...] = field(default=(), repr=False, compare=False)

    @property
    def policies(self) -> Sequence[str]:
        """Policy files, folders and packs; none where it says nothing."""
        policies: Sequence[str] = self.values.get("policies", ())
        return policies

    def diagnose(self, path: TreePath, message: str, hint: str = "") -> Diagnostic:
        """A mistake in what stands at this path of the file."""
        place = self.places.get(path, Location(self.name))
        return Diagnostic(place, message, hint, self.lines[place.line - 1] if place.line <= len(self.lines) else "")

    def find_policies(self) -> list[tuple[Path, str]]:
        """The files of `policies`, as `catalogue.find_policies` gives them; raises RunFileError for every entry that leads to none."""
        wrong: list[Diagnostic] = []
        packs = set(shipped_packs().values())
        for index, entry in enumerate(self.policies):
            try:
                files = find_policies([entry], self.folder)
            except UsageError as error:
                wrong.append(self.diagnose(("policies", index), error.message, error.hint))
                continue
            for path, name in files:
                if path not in packs and not path.is_relative_to(self.repository.resolve()):
                    wrong.append(self.diagnose(("policies", index), f"{clean_line(name)} is a link that leads outside the repository"))
        if wrong:
            raise RunFileError(wrong)
        return find_policies(self.policies, self.folder)


def load_run_file(path: Path, name: str, formats: Sequence[str], working: Path) -> RunFile:
    """Load a run file.

    Args:
        path: the file.
        name: what diagnostics call it.
        formats: the names of report formats there are.
        working: the working directory, absolute, which the paths of the result are relative to.

    Raises:
        RunFileError: the file has a mistake; all of them are in it.
    """
    try:
        document = read_document(path, name, needs="A run file has at least: policies.")
    except PolicyError as error:
        raise RunFileError(error.diagnostics) from error
    run_file = _Reader(document, formats, Path(os.path.normpath(working / path.parent)), working).read()
    if document.diagnostics:
        raise RunFileError(document.diagnostics)
    return run_file


class _Reader:
    """Builds a run file out of a document, noting every mistake on the way."""

    def __init__(self, document: Document, formats: Sequence[str], folder: Path, working: Path) -> None:
        self._document = document
        self._formats = formats
        self._folder = folder
        self._working = working
        self._repository = next((parent for parent in (folder, *folder.parents) if is_root(parent)), folder)

    def read(self) -> RunFile:
        """The run file; of use only where the document has no mistakes."""
        document, root = self._document, self._document.root
        empty = RunFile(document.path, Path(os.path.relpath(self._folder, self._working)), self._repository)
        if not isinstance(root, Entries) or not root.entries:
            document.report(root.location, "a run file is a mapping with at least one key", f"The keys are {', '.join(RunFileEntry.model_fields)}.")
            return empty
        if {"policy", "rules"} <= root.entries.keys():
            document.report(root.entries["policy"][0].location, f"this is a policy; {RUN_FILE} is the name of a run file", "Give the policy another name.")
            return empty
        broken = self._report_shape(root)
        sources = root.get("sources")
        if isinstance(sources, Entries):
            self._check_sources(sources, {path[1] for path in broken if path[:1] == ("sources",) and len(path) > 1})
        self._check_policies(root.get("policies"))
        paths = {
            "jobs": self._lists(_below(sources, "jobs")),
            "accounts": self._file(_below(sources, "accounts")),
            "waivers": self._paths(root.get("waivers")),
            "controls": self._paths(root.get("controls")),
            "inventories": self._inventories(root.get("inventories")),
            "outputs": self._outputs(root.get("outputs")),
            "bundle": self._bundle(root.get("bundle")),
            "baseline": self._file(root.get("baseline")),
        }
        scope = None if any(path[:1] == ("scope",) for path in broken) else self._scope(root)
        if document.diagnostics:
            return empty
        said = RunFileEntry.model_validate(plain(root))
        given = {key: value for key, value in dict(said).items() if value is not None}
        given |= {key: value for key, value in dict(given.pop("sources", ())).items() if value is not None}
        given |= {key: value for key, value in paths.items() if value}
        params = given.pop("params", {})
        given.pop("scope", None)
        values = {one.name: given[one.key] for one in OPTIONS.values() if one.key in given}
        return replace(empty, values=values, params=params, scope=scope, places=dict(_places(root)), lines=tuple(document.lines))

    def _report_shape(self, root: Entries) -> set[TreePath]:
        """Report what does not have the shape of a run file; where that is."""
        wrong = check_shape(RunFileEntry, root)
        for one in wrong:
            key = one.path[-1] if one.path else ""
            if key in _NOT_IN_A_FILE and one.message.startswith("there is no key"):
                hint = f"The run file cannot redirect requests to another endpoint. Use {_NOT_IN_A_FILE[str(key)]}."
                self._document.report(one.location, f"{key} is not taken from a file", hint)
            else:
                self._document.report(one.location, one.message, one.hint)
        return {one.path for one in wrong}

    def _check_sources(self, sources: Entries, broken: set[str | int]) -> None:
        report = self._document.report
        if not sources.entries:
            report(sources.location, "sources has no key", "Omit it to fetch the jobs from AWS.")
        for key in _AWS:
            if key in sources.entries and "jobs" in sources.entries:
                report(sources.entries[key][0].location, f"{key} cannot be combined with jobs", "The jobs are in saved lists, or they are fetched from AWS.")
        if "covers" in sources.entries and "jobs" not in sources.entries:
            report(sources.entries["covers"][0].location, "covers is for saved job lists, but there are none", "Name them under jobs.")
        for key, other in (("account_id", "role_arns"), ("account_id", "accounts"), ("accounts", "role_arns")):
            if {key, other} <= sources.entries.keys():
                hint = "A role lists the jobs of its own account." if key == "account_id" else "Name every account and its role in the list of accounts."
                report(sources.entries[key][0].location, f"{key} and {other} exclude each other", hint)
        for key, parse in (("as_of", parse_moment), ("covers", parse_interval), ("longest_job", parse_longest_job)):
            node = sources.get(key)
            if isinstance(node, Text) and key not in broken and (key, node.text) != ("as_of", NOW):
                try:
                    parse(node.text)
                except ValueError as error:
                    report(node.location, f"{key}: {error}")

    def _check_policies(self, node: Node | None) -> None:
        for item in _texts(node):
            path = self._folder / item.text
            if "/" in item.text or (os.path.lexists(path) and not (is_pack(item.text) and path.is_dir())):
                self._path(item, self._repository)

    def _paths(self, node: Node | None) -> list[str]:
        return [self._path(item, self._repository) for item in _texts(node)]

    def _file(self, node: Node | None) -> str:
        return self._path(node, self._repository) if isinstance(node, Text) else ""

    def _inventories(self, node: Node | None) -> list[str]:
        entries = node.entries.items() if isinstance(node, Entries) else ()
        return [f"{name}={self._path(value, self._repository)}" for name, (_, value) in entries if isinstance(value, Text)]

    def _outputs(self, node: Node | None) -> list[str]:
        outputs: dict[str, str] = {}
        targets: set[str] = set()
        for name, (key, value) in node.entries.items() if isinstance(node, Entries) else ():
            if name not in self._formats:
                near = nearest(name, self._formats)
                hint = f"Did you mean {near}?" if near else f"The formats are {', '.join(self._formats)}."
                self._document.report(key.location, f"there is no format {clean_line(name)}", hint)
            if not isinstance(value, Text):
                continue
            to_stdout = value.text in (STDOUT, "-")
            path = STDOUT if to_stdout else self._path(value, self._folder)
            target = STDOUT if to_stdout else os.path.realpath(self._working / path)
            if target in targets:
                self._document.report(value.location, "only one format can go to stdout" if to_stdout else "two formats would write the same file")
            targets.add(target)
            outputs[name] = name if to_stdout else f"{name}={'./' if path == '-' else ''}{path}"
        return list(outputs.values())

    def _lists(self, node: Node | None) -> list[str]:
        """Where saved lists are: paths, and what is in S3."""
        return [item.text if _is_object(item.text) else self._path(item, self._repository) for item in _texts(node)]

    def _bundle(self, node: Node | None) -> str | None:
        return self._path(node, self._folder) if isinstance(node, Text) else None

    def _scope(self, root: Entries) -> Scope | None:
        node = root.get("scope")
        if not isinstance(node, Entries):
            return None
        scope = read_scope(node)
        if not scope.declared:
            self._document.report(root.entries["scope"][0].location, "the scope declares neither accounts nor regions", "Name at least one, or omit scope.")
        return scope

    def _path(self, node: Text, bound: Path) -> str:
        """The path, relative to the working directory; reported where it leads outside `bound`, by itself or by a symbolic link."""
        text, report = node.text, self._document.report
        if not text.isprintable() or not text.strip():
            report(node.location, "this path contains a character that is not allowed" if text.strip() else "the path is empty")
            return ""
        if text == _STDIN or "://" in text:
            report(node.location, f"{clean_line(text)} is not a path", "Name it on the command line.")
            return ""
        if PurePosixPath(text).is_absolute() or PureWindowsPath(text).anchor:
            report(node.location, "a path in a run file is relative to the file", "Name a file elsewhere on the command line.")
            return ""
        # What is checked is what is opened: the text's own .. first, then links.
        path = os.path.normpath(self._folder / text)
        real = Path(os.path.realpath(path))
        within = Path(os.path.realpath(bound))
        if not real.is_relative_to(within):
            place = "the run file's folder" if bound == self._folder else "the repository"
            report(node.location, f"{clean_line(text)} leads outside {place}", "A file elsewhere is named on the command line.")
        elif REPOSITORY in (part.lower() for part in (*real.relative_to(within).parts, *Path(text).parts)):
            report(node.location, f"{clean_line(text)} is in the .git folder", "Choose another place.")
        return shown(Path(path), self._working)


def _is_object(text: str) -> bool:
    return text.startswith("s3://") and text.isprintable() and len(text) > len("s3://")


def _texts(node: Node | None) -> tuple[Text, ...]:
    return tuple(item for item in node.items if isinstance(item, Text)) if isinstance(node, Items) else ()


def _below(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, Entries) else None


def _places(node: Node, path: TreePath = ()) -> Iterator[tuple[TreePath, Location]]:
    """Where each value stands; an item or a value that is a text where that stands, everything else at its key."""
    match node:
        case Text():
            pass
        case Items(items=items):
            for index, item in enumerate(items):
                yield (*path, index), item.location
                yield from _places(item, (*path, index))
        case Entries(entries=entries):
            for key, (name, value) in entries.items():
                yield (*path, key), name.location
                yield from _places(value, (*path, key))
