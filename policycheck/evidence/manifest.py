"""`bundle.json`: what a bundle holds and where it came from, so that the run can be evaluated again (schema policycheck/bundle/1, docs/bundle.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePosixPath

import msgspec

from policycheck.errors import EvidenceError
from policycheck.evidence.surroundings import Surroundings
from policycheck.policy.model import Policy
from policycheck.records import iso
from policycheck.sources.archive.kept import RegionRecord
from policycheck.sources.fetched import FetchRecord
from policycheck.text import clean_line

SCHEMA = "policycheck/bundle/1"
MANIFEST, SUMS, STATEMENT, PREDICATE = "bundle.json", "SHA256SUMS", "statement.json", "predicate.json"
RESULT, DOCUMENT, SCRIPT, README = "result.json", "reperform.json", "reperform.py", "README.txt"
REPORTS = {"json": RESULT, "html": "report.html", "csv": "population.csv"}
"""The file of each format that a bundle holds where there is such a format."""


class HeldFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that the run read."""

    file: str
    """In the bundle."""
    name: str
    """What the run calls it."""
    sha256: str
    """Of its bytes as they were, before anything was unpacked or parsed."""
    size: int

    @classmethod
    def of(cls, file: str, name: str, content: bytes) -> HeldFile:
        return cls(file=file, name=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


class HeldInventory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An inventory, by the name that rules give it."""

    inventory: str
    held: HeldFile


class HeldPage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer of AWS as received."""

    file: str
    sha256: str
    size: int
    request_id: str
    date: datetime | None
    """AWS's clock."""


class HeldFetch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fetch, and the answers of each of its lists."""

    record: FetchRecord
    pages: tuple[tuple[HeldPage, ...], ...]


class HeldArchive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was read from an archive; its records are the manifest's lists."""

    name: str
    fetches: HeldFile
    """What its fetches asked and cover."""
    regions: tuple[RegionRecord, ...]
    """What is known of the records of each list, in the order of the lists."""
    not_seen: tuple[str, ...]
    warnings: tuple[str, ...]


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was evaluated."""

    policies: tuple[HeldFile, ...]
    waivers: tuple[HeldFile, ...]
    controls: tuple[HeldFile, ...] = ()
    """Matrices of controls."""
    scope: HeldFile | None
    """The file of a scope that replaces those of the policies."""
    run_file: HeldFile | None
    scope_of_run_file: bool
    """Whether the scope of the run file replaces those of the policies."""
    params: dict[str, str]
    foreign: bool
    """Whether waivers may name rules that are in none of the policies."""
    evaluated: tuple[str, ...]
    """POLICY/RULE of every rule that was chosen."""
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    frameworks: tuple[str, ...]
    fail_on: str | None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bundle holds."""

    schema: str
    version: str
    """Of policycheck."""
    as_of: datetime
    rules: Rules
    inventories: tuple[HeldInventory, ...]
    lists: tuple[HeldFile, ...]
    """Saved lists, in the order they were read."""
    covers: tuple[datetime, datetime] | None
    """What the user claims these to cover."""
    fetch: HeldFetch | None
    """Set where the lists were fetched."""
    archive: HeldArchive | None = None
    """Set where the lists are from an archive."""
    reports: dict[str, str]
    """The file of each format."""
    surroundings: Surroundings

    @property
    def inputs(self) -> list[HeldFile | HeldPage]:
        """What the rules were evaluated on: lists, or answers."""
        if self.fetch is not None:
            return [page for pages in self.fetch.pages for page in pages]
        return [*self.lists, *([] if self.archive is None else [self.archive.fetches])]

    @property
    def configuration(self) -> list[HeldFile]:
        """What says how: policies and everything beside them."""
        rules = self.rules
        single = [held for held in (rules.scope, rules.run_file) if held is not None]
        return [*rules.policies, *rules.waivers, *rules.controls, *single, *(one.held for one in self.inventories)]

    def encode(self) -> bytes:
        """As it stands in the bundle."""
        text = msgspec.json.encode(msgspec.to_builtins(self, builtin_types=(datetime,)), order="sorted", enc_hook=_spell)
        return msgspec.json.format(text, indent=1) + b"\n"


def _spell(value: object) -> object:
    return iso(value) if isinstance(value, datetime) else value


def read_manifest(content: bytes) -> Manifest:
    """The manifest of a bundle. Raises EvidenceError."""
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise EvidenceError(f"{MANIFEST} cannot be read: {clean_line(str(error)).replace('`', '')}") from None
    if manifest.schema != SCHEMA:
        raise EvidenceError(f"{MANIFEST} has the schema {clean_line(manifest.schema)[:60]}, and this policycheck reads {SCHEMA}", hint="Update policycheck.")
    if any(REPORTS.get(name) != file for name, file in manifest.reports.items()):
        raise EvidenceError(f"{MANIFEST} names a report that this policycheck does not know", hint="Update policycheck.")
    if any(time.tzinfo is None for time in (manifest.as_of, *(manifest.covers or ()))):
        raise EvidenceError(f"{MANIFEST} has a time without an offset from UTC")
    return manifest


def evaluated_rules(policies: Sequence[Policy]) -> tuple[str, ...]:
    """POLICY/RULE of every rule."""
    return tuple(f"{policy.id}/{rule.id}" for policy in policies for rule in policy.rules)


def place_of(folder: str, number: int, name: str) -> str:
    """Where a file of some name stands in a bundle: numbered, and by a name that every system takes."""
    safe = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in PurePosixPath(name.replace("\\", "/")).name)[-80:]
    return f"{folder}/{number:04d}-{safe.strip('.') or 'file'}"


def sums_of(digests: Sequence[tuple[str, str]]) -> bytes:
    """SHA256SUMS, as sha256sum writes and checks it: digest and name of each file, sorted by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests)).encode()
