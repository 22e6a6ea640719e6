"""`policycheck check --bundle`: what the run reads is kept as it was, and written into a bundle once it has been evaluated."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from policycheck.cli.diagnostics import show_note
from policycheck.cli.reports import require_folder
from policycheck.errors import EvidenceError, UsageError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from datetime import datetime

    from policycheck.evidence.bundle import ReadFile, RunInputs
    from policycheck.inventory import Inventory
    from policycheck.policy.model import Policy
    from policycheck.result import Result, Severity
    from policycheck.settings.merging import Settings
    from policycheck.sources.interface import Evidence
    from policycheck.sources.raw import FileStore


@dataclass(frozen=True, slots=True)
class Bundling:
    """A bundle that is to be written."""

    path: Path
    inputs: RunInputs
    files: FileStore
    """The saved lists, as they are read."""
    quiet: bool

    def require_lists(self, policies: Sequence[Policy]) -> None:
        """Raise UsageError where the run will read what a bundle cannot hold: then nothing is read."""
        from policycheck.datasets import DATASETS

        needed = [(rule, name) for policy in policies for rule in policy.rules for name in sorted(rule.statement.lists_needed) if DATASETS[name].of_state]
        if needed:
            nouns = " and ".join(dict.fromkeys(f"{DATASETS[name].noun}s" for _, name in needed))
            ids = " ".join(dict.fromkeys(f"--ignore {rule.id}" for rule, _ in needed))
            raise UsageError(f"a bundle cannot hold {nouns}: reperform.py does not read them", hint=f"Omit --bundle, or the rules about them: {ids}")

    def inventories(self) -> dict[str, Inventory]:
        """The inventories of the run, read from the bytes that the bundle holds. Raises EvidenceError."""
        from policycheck.sources.inventories import parse_inventory

        return {name: parse_inventory(name, read.name, read.content) for name, read in self.inputs.inventories}

    def write(self, policies: Sequence[Policy], evidence: Evidence, result: Result) -> None:
        """Write the bundle, say its digest, and forget what was kept for it. Raises UsageError."""
        from policycheck.evidence.bundle import write_bundle
        from policycheck.evidence.surroundings import look_around

        try:
            digest = write_bundle(self.path, self.inputs, policies, evidence, result, self.files, look_around())
        finally:
            self.files.close()
        if not self.quiet:
            show_note(f"policycheck: evidence bundle {clean_line(str(self.path))}, sha256:{digest}")


def begin_bundle(
    settings: Settings, outputs: Sequence[tuple[str, Path | None]], covers: tuple[datetime, datetime] | None, fail_on: Severity | None
) -> Bundling | None:
    """Keep what the run reads beside its lists; None where no bundle is asked for.

    Raises:
        UsageError: the bundle cannot be written there, or a file cannot be read.
    """
    if settings.bundle is None:
        return None
    from policycheck.sources.raw import FileStore

    path = Path(settings.bundle)
    of_file = settings.run_file is not None and settings.run_file.values.get("bundle") == settings.bundle
    if settings.wait is not None:
        hint = "A gate reads its lists in parts. Run policycheck check --bundle after the gate has passed."
        if not of_file:
            raise UsageError("--bundle and --wait exclude each other", hint=hint)
        if not settings.quiet:
            show_note(f"policycheck: a gate writes no evidence bundle. {hint}")
        return None
    if not of_file:
        require_folder(path, "--bundle")
    if os.path.realpath(path) in {os.path.realpath(other) for _, other in outputs if other is not None}:
        raise UsageError("--bundle and --output would write the same file")
    return Bundling(path, _inputs(settings, covers, fail_on), FileStore(), settings.quiet)


def _inputs(settings: Settings, covers: tuple[datetime, datetime] | None, fail_on: Severity | None) -> RunInputs:
    from policycheck.evidence.bundle import RunInputs
    from policycheck.sources.inventories import split_arguments

    scope, run_file = settings.declared_scope, settings.run_file
    return RunInputs(
        policies=[_read(path, name) for path, name in settings.files],
        waivers=[_read(Path(text), Path(text).as_posix()) for text in settings.waivers or ()],
        controls=[_read(Path(text), Path(text).as_posix()) for text in settings.controls or ()],
        scope=_read(scope, scope.as_posix()) if isinstance(scope, Path) else None,
        run_file=None if run_file is None else _read(Path(run_file.name), run_file.name),
        scope_of_run_file=scope is not None and not isinstance(scope, Path),
        inventories=[(name, _read(Path(path), path, EvidenceError)) for name, path in split_arguments(settings.inventory or ())],
        params=settings.params,
        foreign=settings.foreign,
        select=settings.select or (),
        ignore=settings.ignore or (),
        frameworks=settings.framework or (),
        covers=covers,
        fail_on=fail_on,
    )


def _read(path: Path, name: str, kind: type[UsageError | EvidenceError] = UsageError) -> ReadFile:
    from policycheck.evidence.bundle import ReadFile

    try:
        return ReadFile(name, path.read_bytes())
    except OSError as error:
        raise kind(f"cannot be read: {error.strerror or type(error).__name__}", place=clean_line(name)) from None
