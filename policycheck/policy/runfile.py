"""The run file, policycheck.yaml: what a bare `policycheck check` judges, on what evidence, and what it writes.

It comes with a checkout, and who writes to a checkout is not always who owns the credentials it is judged with. So it can name what is judged, but neither
the host that is trusted to answer for AWS nor a file outside: see docs/run-file.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from policycheck.errors import Diagnostic, Location, PolicyError, RunFileError, UsageError
from policycheck.policy.catalogue import RUN_FILE, find_policies, shipped_packs
from policycheck.policy.conditions import nearest
from policycheck.policy.document import Document, Entries, Items, Node, Text, read_document
from policycheck.policy.literals import parse_duration, parse_moment
from policycheck.policy.load import read_scope
from policycheck.policy.model import Scope
from policycheck.policy.schema import Identifier, Line, Scalar, ScopeEntry, finish_schema
from policycheck.policy.shape import Path as TreePath
from policycheck.policy.shape import check_shape, plain
from policycheck.result import Severity
from policycheck.text import clean_line

NOW = "now"
STDOUT = "stdout"
_STDIN = "-"
_MISNAMED = ("policycheck.yml", ".policycheck.yaml", ".policycheck.yml")
_REPOSITORY = ".git"
_LONGEST_CLAIM = timedelta(days=365)
_SHARED = 0o1002
"""Sticky and open to everybody: a folder like /tmp."""

RoleArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$")]
AccountId = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{12}|\*)$"), WithJsonSchema({"type": ["string", "integer"], "pattern": r"^([0-9]{12}|\*)$", "title": "Account Id"})
]
Threshold = Literal["critical", "high", "medium", "low", "info", "never"]


def _listed(description: str) -> Any:
    return Field(None, min_length=1, description=description)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class SourcesEntry(_Model):
    """Where the jobs come from: saved lists (jobs), or AWS (the other keys; AWS is also what is asked where nothing is said)."""

    jobs: list[Line] | None = _listed("Saved job lists: files and folders")
    as_of: Line | None = Field(None, description="The instant everything is measured from, ISO 8601, or: now")
    covers: Line | None = Field(None, description="Your claim of the time the saved lists cover completely: FROM..TO")
    profile: Line | None = Field(None, description="A profile of the AWS configuration")
    regions: list[Line] | None = _listed("AWS Regions, or: [all]")
    role_arns: list[RoleArn] | None = _listed("Roles to take on, one account each")
    account_id: AccountId | None = Field(None, description='An account of the organization, or "*" for all of them')
    longest_job: Line | None = Field(None, description="Your claim that no job takes longer, which narrows what is fetched: 8d")


class RunFileEntry(_Model):
    """A run file of policycheck. Every path in it is relative to the file."""

    policies: list[Line] | None = _listed("Policy files, folders and names of shipped packs")
    scope: ScopeEntry | None = Field(None, description="What must be covered; replaces the policies' own scope")
    sources: SourcesEntry | None = Field(None, description="Where the jobs come from")
    params: dict[Identifier, Scalar] | None = _listed("Values of the policies' parameters")
    waivers: list[Line] | None = _listed("Files of waivers")
    inventories: dict[Identifier, Line] | None = _listed("Inventory files, by the name that rules use")
    select: list[Line] | None = _listed("Judge these rules only: RULE or POLICY/RULE")
    ignore: list[Line] | None = _listed("Leave these rules out: RULE or POLICY/RULE")
    frameworks: list[Line] | None = _listed("Judge only rules that name a control of one of these frameworks")
    fail_on: Threshold | None = Field(None, description="The least severity that fails the run; low where nothing says")
    min_severity: Severity | None = Field(None, description="Show only findings of this severity or worse; changes nothing else")
    outputs: dict[str, Line] | None = _listed("Reports: the file each format is written to, or: stdout")


_NOT_IN_A_FILE = {
    "endpoint_url": "--endpoint-url, or AWS_ENDPOINT_URL",
    "ca_bundle": "--ca-bundle, or AWS_CA_BUNDLE",
    "no_verify_ssl": "--no-verify-ssl",
    "no_sign_request": "--no-sign-request",
    "verify_ssl": "--no-verify-ssl",
    "sign_request": "--no-sign-request",
}
_AWS = ("profile", "regions", "role_arns", "account_id", "longest_job")


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a run file says, checked; None and empty where it says nothing. Paths are relative to the working directory, `policies` to `folder`."""

    name: str
    """The file, relative to the working directory."""
    folder: Path
    repository: Path
    """Where every file that `policies` leads to has to lie, shipped packs excepted; absolute."""
    policies: tuple[str, ...] = ()
    scope: Scope | None = None
    jobs: tuple[str, ...] = ()
    as_of: str | None = None
    covers: str | None = None
    profile: str | None = None
    regions: tuple[str, ...] = ()
    role_arns: tuple[str, ...] = ()
    account_id: str | None = None
    longest_job: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[str, ...] = ()
    inventories: tuple[str, ...] = ()
    """NAME=PATH."""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    fail_on: str | None = None
    min_severity: str | None = None
    outputs: tuple[str, ...] = ()
    """FORMAT or FORMAT=PATH, as on the command line."""
    places: Mapping[TreePath, Location] = field(default_factory=dict, repr=False, compare=False)
    lines: tuple[str, ...] = field(default=(), repr=False, compare=False)

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
                    wrong.append(self.diagnose(("policies", index), f"{clean_line(name)} is a link that leads out of the repository"))
        if wrong:
            raise RunFileError(wrong)
        return find_policies(self.policies, self.folder)


def find_run_file(start: Path) -> Path | None:
    """The run file in this folder (absolute) or the nearest one above it.

    The search ends at the root of a repository, and before a folder that is shared with everybody, as /tmp is: what lies above is somebody else's.

    Raises:
        UsageError: there is a file whose name only looks like that of a run file.
    """
    for folder in (start, *start.parents):
        if folder != start and _is_shared(folder):
            return None
        if os.path.lexists(folder / RUN_FILE):
            return folder / RUN_FILE
        names = sorted(_names(folder))
        if spelled := next((name for name in names if name.lower() == RUN_FILE), None):
            return folder / spelled
        for name in names:
            if name.lower() in _MISNAMED:
                raise UsageError(
                    f"a run file is called {RUN_FILE}; {clean_line(name)} is not read",
                    place=_shown(folder / name, start),
                    hint="Rename it, or name it with --config.",
                )
        if _is_root(folder):
            return None
    return None


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _is_shared(folder: Path) -> bool:
    try:
        return folder.stat().st_mode & _SHARED == _SHARED
    except OSError:
        return True


def _is_root(folder: Path) -> bool:
    return os.path.lexists(folder / _REPOSITORY)


def _shown(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path, start)).as_posix()


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
        self._repository = next((parent for parent in (folder, *folder.parents) if _is_root(parent)), folder)

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
            "jobs": self._paths(_below(sources, "jobs")),
            "waivers": self._paths(root.get("waivers")),
            "inventories": self._inventories(root.get("inventories")),
            "outputs": self._outputs(root.get("outputs")),
        }
        scope = None if any(path[:1] == ("scope",) for path in broken) else self._scope(root)
        if document.diagnostics:
            return empty
        entry = RunFileEntry.model_validate(plain(root))
        given = {key: value for key, value in dict(entry).items() if value is not None}
        given |= {key: value for key, value in dict(given.pop("sources", ())).items() if value is not None}
        given |= {"scope": scope, **paths}
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        return RunFile(name=empty.name, folder=empty.folder, repository=empty.repository, places=dict(_places(root)), lines=tuple(document.lines), **values)

    def _report_shape(self, root: Entries) -> set[TreePath]:
        """Report what does not have the shape of a run file; where that is."""
        wrong = check_shape(RunFileEntry, root)
        for one in wrong:
            key = one.path[-1] if one.path else ""
            if key in _NOT_IN_A_FILE and one.message.startswith("there is no key"):
                hint = f"Who writes this file must not choose who answers for AWS. Use {_NOT_IN_A_FILE[str(key)]}."
                self._document.report(one.location, f"{key} is not taken from a file", hint)
            else:
                self._document.report(one.location, one.message, one.hint)
        return {one.path for one in wrong}

    def _check_sources(self, sources: Entries, broken: set[str | int]) -> None:
        report = self._document.report
        if not sources.entries:
            report(sources.location, "sources names nothing", "Leave it out: then the jobs are fetched from AWS.")
        for key in _AWS:
            if key in sources.entries and "jobs" in sources.entries:
                report(sources.entries[key][0].location, f"{key} cannot stand beside jobs", "The jobs are in saved lists, or they are fetched from AWS.")
        if "covers" in sources.entries and "jobs" not in sources.entries:
            report(sources.entries["covers"][0].location, "covers is a claim about saved lists, and none is named", "Name them under jobs.")
        if {"role_arns", "account_id"} <= sources.entries.keys():
            report(sources.entries["account_id"][0].location, "account_id and role_arns exclude each other", "A role lists the jobs of its own account.")
        for key, parse in (("as_of", parse_moment), ("covers", parse_interval), ("longest_job", parse_longest_job)):
            node = sources.get(key)
            if isinstance(node, Text) and key not in broken and (key, node.text) != ("as_of", NOW):
                try:
                    parse(node.text)
                except ValueError as error:
                    report(node.location, f"{key}: {error}")

    def _check_policies(self, node: Node | None) -> None:
        for item in _texts(node):
            if "/" in item.text or os.path.lexists(self._folder / item.text):
                self._path(item, self._repository)

    def _paths(self, node: Node | None) -> tuple[str, ...]:
        return tuple(self._path(item, self._repository) for item in _texts(node))

    def _inventories(self, node: Node | None) -> tuple[str, ...]:
        entries = node.entries.items() if isinstance(node, Entries) else ()
        return tuple(f"{name}={self._path(value, self._repository)}" for name, (_, value) in entries if isinstance(value, Text))

    def _outputs(self, node: Node | None) -> tuple[str, ...]:
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
        return tuple(outputs.values())

    def _scope(self, root: Entries) -> Scope | None:
        node = root.get("scope")
        if not isinstance(node, Entries):
            return None
        scope = read_scope(node)
        if not scope.declared:
            self._document.report(
                root.entries["scope"][0].location, "the scope declares neither accounts nor regions", "Name at least one, or leave scope out."
            )
        return scope

    def _path(self, node: Text, bound: Path) -> str:
        """The path, relative to the working directory; reported where it leads out of `bound`, by itself or by a symbolic link."""
        text, report = node.text, self._document.report
        if not text.isprintable() or not text.strip():
            report(node.location, "this path holds a character that cannot be in one" if text.strip() else "the path is empty")
            return ""
        if text == _STDIN or "://" in text:
            report(node.location, f"{clean_line(text)} is no path", "Name it on the command line.")
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
            report(node.location, f"{clean_line(text)} leads out of {place}", "A file elsewhere is named on the command line.")
        elif _REPOSITORY in (part.lower() for part in (*real.relative_to(within).parts, *Path(text).parts)):
            report(node.location, f"{clean_line(text)} lies among the files of git itself", "Choose another place.")
        return _shown(Path(path), self._working)


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


def parse_interval(text: str) -> tuple[datetime, datetime]:
    """FROM..TO; raises ValueError."""
    start, separator, end = text.partition("..")
    if not separator:
        raise ValueError("it takes two times, FROM..TO")
    interval = parse_moment(start), parse_moment(end)
    if interval[0] > interval[1]:
        raise ValueError("it ends before it begins")
    return interval


def parse_longest_job(text: str) -> timedelta:
    """A claim that no job takes longer; raises ValueError."""
    longest = timedelta(microseconds=parse_duration(text))
    if not timedelta() < longest <= _LONGEST_CLAIM:
        raise ValueError(f"it is more than 0 and at most {_LONGEST_CLAIM.days}d")
    return longest


def run_file_schema(formats: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a run file."""
    schema = RunFileEntry.model_json_schema()
    finish_schema(schema)
    schema["minProperties"] = 1
    schema["properties"]["outputs"] |= {"propertyNames": {"enum": list(formats)}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "policycheck run file", **{k: v for k, v in schema.items() if k != "title"}}
