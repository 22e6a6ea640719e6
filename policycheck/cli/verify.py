"""`policycheck verify`: whether an evidence bundle is whole, is the one that is meant, and comes to the same again."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli.terminal import write_document
from policycheck.text import clean_line, counted

if TYPE_CHECKING:
    from policycheck.evidence.manifest import Manifest
    from policycheck.evidence.verification import Verification
    from policycheck.result import Result

_WIDTH = 100
_INDENT = 14
_MOST = 30


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Bundle that check --bundle wrote, or the folder it was unpacked into.")],
    digest: Annotated[str | None, typer.Option("--digest", metavar="sha256:HEX", help="Digest that the bundle must have.")] = None,
    attestation: Annotated[
        Path | None,
        typer.Option(
            "--attestation",
            metavar="FILE",
            help="Attestation that must name the digest: a Sigstore bundle or DSSE envelope. To check its signature, use gh attestation verify.",
        ),
    ] = None,
) -> None:
    """Check an evidence bundle and re-perform its run, offline.

    Every file is compared with SHA256SUMS. The policies and job lists are read and evaluated again, and the result must be the same, byte for byte. Then
    reperform.py evaluates them, too. A bundle that was rebuilt completely is consistent: only --digest or --attestation detects it.

    Exit codes: 0 verified; 1 the result differs; 2 the command is wrong; 3 the bundle is damaged, or is not the one that --digest or --attestation names.
    """
    from policycheck.evidence.verification import verify as run
    from policycheck.formats.escape import defuse_commands

    found = run(bundle, digest=digest, attestation=attestation)
    write_document("".join(f"{defuse_commands(line)}\n" for line in _screen(found)).encode())
    raise typer.Exit(int(found.exit_code))


def _screen(found: Verification) -> Iterator[str]:
    word = "damaged" if found.damage else "does not re-perform" if found.differing else "verified"
    yield f"{word}: {found.path}"
    yield from _problems([*found.damage, *found.differing])
    yield from _line("digest", f"sha256:{found.sha256}" if found.sha256 else "")
    if not found.damage:
        yield from _line("bound by", found.bound_by or "nothing: compare the digest with the one you kept, or pass --digest or --attestation")
    if found.manifest is not None:
        yield from _line("files", f"{found.files:,}, each as SHA256SUMS says")
    if found.manifest is not None and not found.damage:
        yield from _line("evaluated", _evaluated(found))
    if found.result is not None:
        yield from _line("it says", _verdict(found.result))
    if found.manifest is not None:
        yield from _claims(found.manifest, found.result)
    for note in found.notes:
        yield from _line("note", note)


def _problems(problems: Sequence[str]) -> Iterator[str]:
    for problem in problems[:_MOST]:
        yield from textwrap.wrap(clean_line(problem), _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)
    if len(problems) > _MOST:
        yield f"  and {len(problems) - _MOST:,} more"


def _line(name: str, text: str) -> Iterator[str]:
    if text:
        first = f"  {name:<{_INDENT - 2}}"
        yield from textwrap.wrap(clean_line(text), _WIDTH, initial_indent=first, subsequent_indent=" " * _INDENT, break_on_hyphens=False)


def _evaluated(found: Verification) -> str:
    words = "the same verdicts and counts, with other words" if found.verdicts_agree else "different verdicts or counts"
    again = "the same result, byte for byte" if not found.differing else words
    return f"again: {again}; reperform.py {'agrees' if found.script_agrees else 'does not agree'} with result.json"


def _verdict(result: Result) -> str:
    from policycheck.formats.words import count_line
    from policycheck.records import iso

    policies = ", ".join(policy.id for policy in result.policies)
    return f"{str(result.verdict).upper()} as of {iso(result.as_of)}: {count_line(result)}; policies: {policies}"


def _claims(manifest: Manifest, result: Result | None) -> Iterator[str]:
    """What the bundle says of where it comes from; nothing here can be evaluated again."""
    from policycheck.records import iso

    if manifest.archive is not None:
        yield from _line("read", f"{counted(len(manifest.lists), 'list')} of the archive {manifest.archive.name}: the records that counted, and its fetches")
    elif manifest.fetch is None:
        yield from _line("read", f"{counted(len(manifest.lists), 'saved list')}: {', '.join(held.name for held in manifest.lists[:5])}")
    else:
        record = manifest.fetch.record
        pages = sum(map(len, manifest.fetch.pages))
        regions = len({one.region for one in record.lists})
        answers = f"{counted(len(record.lists), 'list')} in {counted(regions, 'Region')}, {counted(pages, 'answer')}"
        yield from _line("fetched", f"{answers}, from {iso(record.started)} on")
        yield from _line("by", record.caller or "a caller that AWS did not identify")
    if result is not None:
        bases = sorted({str(entry.basis) for entry in result.coverage})
        yield from _line("coverage", f"{', '.join(bases)}: that the lists are complete was {' or '.join(map(_basis, bases))}" if bases else "none")
    surroundings = manifest.surroundings
    yield from _line("made with", f"policycheck {manifest.version}, Python {surroundings.python}, time zones {surroundings.time_zones}")
    if surroundings.ci is not None:
        commit = f", commit {surroundings.ci.commit}" if surroundings.ci.commit else ""
        yield from _line("CI", f"{surroundings.ci.system}{commit} {surroundings.ci.url}")


def _basis(basis: str) -> str:
    return "observed by policycheck" if basis == "observed" else "asserted by the user"
