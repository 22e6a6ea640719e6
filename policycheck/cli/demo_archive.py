"""The part of the demo about an archive: two fetches 40 days apart, and a check that looks back over the gap between them."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from policycheck.cli.connection import connect
from policycheck.cli.diagnostics import show_note
from policycheck.errors import UsageError
from policycheck.records import iso
from policycheck.settings.options import RunOptions

_APART = timedelta(days=40)
_REGION = "eu-west-1"
_POLICY = """\
policy: history
rules:
  - id: nothing-in-legacy-lately
    rule: no jobs in vault legacy within 24h
  - id: nothing-in-legacy
    rule: no jobs in vault legacy within 45d
"""


def show_archive(directory: Path, instant: datetime) -> None:
    """Make an archive in `directory` from two sample organizations, and say on stderr what a check over it finds."""
    try:
        folder = _make_archive(directory / "archive", instant)
    except UsageError as error:
        show_note(f"Not shown: {error.message} ({error.hint}).")
        return
    policy = directory / "archive.yaml"
    policy.write_text(_POLICY, encoding="utf-8")
    show_note("")
    show_note(f"An archive, {folder}: two fetches, {_APART.days} days apart; AWS lists the jobs of 30 days.")
    for line in _check(policy, folder, instant):
        show_note(f"  {line}")
    show_note(f"Again: policycheck check {policy} --jobs {folder} --as-of {iso(instant)}")


def _make_archive(folder: Path, instant: datetime) -> Path:
    from policycheck.emulator.clock import Clock
    from policycheck.emulator.organization import organization
    from policycheck.emulator.server import serve
    from policycheck.emulator.store import Store
    from policycheck.sources.archive.fetching import fetch_into
    from policycheck.sources.archive.tables import Archive, is_archive

    if is_archive(str(folder)):
        # Of an earlier demo: its clocks were others.
        shutil.rmtree(folder)
    archive = Archive(str(folder))
    for number, moment in enumerate((instant - _APART, instant)):
        store = Store.of_organization(organization(moment, 1 + number), Clock(moment))
        with serve(store) as endpoint:
            connection = connect(RunOptions(region=[_REGION], endpoint_url=endpoint.url))
            fetch_into(archive, connection, ("backup_jobs",), now=store.clock.now)
    return folder


def _check(policy: Path, folder: Path, instant: datetime) -> list[str]:
    from policycheck.engine.backends.registry import open_engine
    from policycheck.pipeline import run
    from policycheck.policy.load import load_policies
    from policycheck.result import Severity
    from policycheck.sources.archive.reading import read_archive
    from policycheck.sources.archive.tables import Archive

    policies = load_policies([(policy, policy.as_posix())], {})
    evidence = read_archive(Archive(str(folder)), as_of=instant, policies=policies)
    result = run(policies, evidence, as_of=instant, fail_on=Severity.LOW, backend=open_engine())
    rules = [f"{rule.verdict}: {rule.sentence}" + (f": {rule.reason}" if rule.reason else "") for rule in result.rules]
    return [*rules, *(note for note in evidence.not_seen if note.startswith(("gap:", "archive:")))]
