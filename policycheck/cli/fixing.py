"""`policycheck lint --fix`: canonical sentences into policy files, in the place of what was typed."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from policycheck.cli.diagnostics import show_note, show_warning
from policycheck.errors import PolicyError, UsageError
from policycheck.formats.output import write_atomically
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.policy.model import Policy
    from policycheck.policy.rewriting import Rewritten
    from policycheck.settings.merging import Settings


def fix_sentences(policies: Sequence[Policy], settings: Settings) -> bool:
    """Write the canonical sentence of every rule whose sentence was read as it, and say so; whether any file changed.

    Raises:
        UsageError: a file cannot be written, or would not hold the same rules; that file stays as it is.
    """
    paths = {name: path for path, name in settings.files}
    changed = False
    for policy in policies:
        if policy.path in paths and any(rule.typed for rule in policy.rules):
            changed |= _fix(policy, paths[policy.path], settings)
    return changed


def _fix(policy: Policy, path: Path, settings: Settings) -> bool:
    from policycheck.policy.rewriting import rewrite

    content = path.read_bytes().decode("utf-8")
    rewritten, told = rewrite(policy, content)
    if rewritten != content:
        _compare(policy, rewritten, settings)
        write_atomically(path, rewritten.encode("utf-8"))
    for one in told:
        _tell(one, policy.path)
    return rewritten != content


def _compare(policy: Policy, rewritten: str, settings: Settings) -> None:
    """Load what would be written; raises UsageError where its rules are not the ones that were read."""
    from policycheck.policy.load import load_policies

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "policy.yaml"
        copy.write_bytes(rewritten.encode("utf-8"))
        try:
            (after,) = load_policies([(copy, policy.path)], settings.params, spare=settings.params)
            same = [(rule.id, rule.sentence) for rule in after.rules] == [(rule.id, rule.sentence) for rule in policy.rules]
        except PolicyError:
            same = False
    if not same:
        raise UsageError("the canonical sentences cannot be written into this file, so it was not changed", place=policy.path, hint="Write them by hand.")


def _tell(one: Rewritten, name: str) -> None:
    place = f"{name}:{one.typed.location.line}"
    if one.why_not:
        show_warning(f"{place}: not rewritten: {one.why_not}: {one.typed.canonical}")
    else:
        show_note(f"policycheck: {clean_line(place)}: wrote '{one.typed.canonical}' for '{one.typed.text}'")
