"""A run evaluated again from what its bundle holds: policies, waivers, scope, inventories and lists are read from there, by the readers that read them then."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from policycheck.control_matrix import ControlMatrix
from policycheck.errors import EvidenceError
from policycheck.evidence.manifest import HeldFile, Manifest, Rules, evaluated_rules
from policycheck.evidence.packing import Contents
from policycheck.policy.control_matrices import load_matrices, map_controls
from policycheck.policy.document import Entries, read_document
from policycheck.policy.load import load_policies, load_scope, read_scope
from policycheck.policy.model import Policy, Scope
from policycheck.policy.selection import keep_rules
from policycheck.policy.waivers import load_waivers
from policycheck.result import Result, Severity
from policycheck.sources.archive.replaying import replay_archive
from policycheck.sources.fetched import KeptPage, replay
from policycheck.sources.files import read_kept
from policycheck.sources.interface import Evidence
from policycheck.sources.inventories import parse_inventory


@dataclass(frozen=True, slots=True)
class Replayed:
    """A run that was evaluated again."""

    policies: tuple[Policy, ...]
    evidence: Evidence
    result: Result


def replay_run(manifest: Manifest, contents: Contents) -> Replayed:
    """Evaluate the run of a bundle again. Nothing is fetched, and no clock is read.

    Raises:
        PolicycheckError: what the bundle holds cannot be read.
    """
    from policycheck.engine.backends.registry import DEFAULT_ENGINE, open_engine
    from policycheck.pipeline import run

    policies, matrices = _policies(manifest.rules, contents)
    inventories = {one.inventory: parse_inventory(one.inventory, one.held.name, contents.read(one.held.file)) for one in manifest.inventories}
    evidence = replace(_evidence(manifest, contents, policies), inventories=inventories)
    threshold = _severity(manifest.rules.fail_on)
    backend, frameworks = open_engine(DEFAULT_ENGINE), manifest.rules.frameworks
    result = run(policies, evidence, as_of=manifest.as_of, fail_on=threshold, backend=backend, answers=True, frameworks=frameworks, matrices=matrices)
    return Replayed(policies, evidence, replace(result, tool_version=manifest.version))


def _severity(text: str | None) -> Severity | None:
    try:
        return None if text is None else Severity(text)
    except ValueError:
        raise EvidenceError("the bundle names a severity that there is not") from None


def _evidence(manifest: Manifest, contents: Contents, policies: Sequence[Policy]) -> Evidence:
    if manifest.archive is not None:
        kept = manifest.archive
        if len(kept.regions) != len(manifest.lists):
            raise EvidenceError("the record of the archive is not of these lists")
        regions = [(record, held.file, contents.read(held.file)) for record, held in zip(kept.regions, manifest.lists, strict=True)]
        told = (kept.not_seen, kept.warnings)
        return replay_archive(kept.name, contents.read(kept.fetches.file), regions, told, as_of=manifest.as_of, policies=policies)
    if manifest.fetch is None:
        files = [(held.name, contents.read(held.file)) for held in manifest.lists]
        return read_kept(files, as_of=manifest.as_of, covers=manifest.covers, policies=policies)
    pages, record = manifest.fetch.pages, manifest.fetch.record
    if record.as_of != manifest.as_of or len(pages) != len(record.lists):
        raise EvidenceError("the record of the fetch is not of this run")
    for one, own in zip(record.lists, pages, strict=True):
        dates = [page.date for page in own if page.date is not None]
        if (one.first_date, one.last_date) != (next(iter(dates), None), next(reversed(dates), None)):
            raise EvidenceError(f"{one.operation} in {one.region}: the record of the fetch names other times than its answers have")
    return replay(record, lambda number: [KeptPage(page.file, contents.read(page.file)) for page in pages[number]])


def _policies(rules: Rules, contents: Contents) -> tuple[tuple[Policy, ...], tuple[ControlMatrix, ...]]:
    """The policies with the rules that were evaluated, and the user's own matrices of controls."""
    with tempfile.TemporaryDirectory() as folder:

        def put(held: HeldFile) -> tuple[Path, str]:
            # The name in the bundle is never that of a file here.
            path = Path(folder, f"{len(list(Path(folder).iterdir()))}.yaml")
            path.write_bytes(contents.read(held.file))
            return path, held.name

        loaded = load_policies([put(held) for held in rules.policies], rules.params, spare=rules.params)
        scope = _scope(rules, put)
        if scope is not None:
            loaded = tuple(replace(policy, scope=scope) for policy in loaded)
        if rules.waivers:
            loaded = load_waivers([put(held) for held in rules.waivers], loaded, foreign=rules.foreign)
        matrices = load_matrices([put(held) for held in rules.controls])
        loaded = map_controls(loaded, matrices)
    chosen = set(rules.evaluated)
    policies = keep_rules(loaded, lambda policy, rule: f"{policy.id}/{rule.id}" in chosen)
    if rules.evaluated != evaluated_rules(policies):
        raise EvidenceError("the rules that were evaluated are not those of the policies")
    return policies, matrices


def _scope(rules: Rules, put: Callable[[HeldFile], tuple[Path, str]]) -> Scope | None:
    if rules.scope is not None:
        return load_scope(*put(rules.scope))
    if not rules.scope_of_run_file or rules.run_file is None:
        return None
    root = read_document(*put(rules.run_file)).root
    node = root.get("scope") if isinstance(root, Entries) else None
    if not isinstance(node, Entries):
        raise EvidenceError("the run file of the bundle declares no scope")
    return read_scope(node)
