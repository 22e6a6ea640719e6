"""`policycheck verify`: whether a bundle is whole, is the one that is meant, and comes to the same again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policycheck.errors import EvidenceError, ExitCode, PolicycheckError, PolicyError, UsageError
from policycheck.evidence.answers import answer_of
from policycheck.evidence.bundle import made_files, make_input
from policycheck.evidence.input_document import Json, encode_document
from policycheck.evidence.manifest import DOCUMENT, MANIFEST, RESULT, SCRIPT, SUMS, Manifest, read_manifest, sums_of
from policycheck.evidence.packing import Contents, is_safe, open_bundle
from policycheck.evidence.reperform import InputError, differences, read_object, reperform
from policycheck.evidence.replaying import replay_run
from policycheck.evidence.statement import attested_digests
from policycheck.evidence.surroundings import look_around
from policycheck.formats.json_reading import load_result
from policycheck.formats.registry import FORMATS
from policycheck.result import Result
from policycheck.text import clean_line, truncate
from policycheck.version import __version__

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_LINE = re.compile(rb"([0-9a-f]{64})  ([!-~]+)")


@dataclass(slots=True)
class Verification:
    """What came of a verification."""

    path: str
    sha256: str
    """Of the archive; of an unpacked bundle that of its SHA256SUMS."""
    files: int = 0
    manifest: Manifest | None = None
    """None: the bundle is too damaged."""
    result: Result | None = None
    """What it says; None: that cannot be read."""
    damage: list[str] = field(default_factory=list)
    """What is not as it was, a line each; then nothing was evaluated."""
    differing: list[str] = field(default_factory=list)
    """What does not follow from what the run read, a line each."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know of how it was verified."""
    bound_by: str = ""
    """What shows that it is the bundle that is meant; empty: nothing was given."""
    verdicts_agree: bool = False
    """Whether policycheck comes to the verdicts, counts and findings that the result says, whatever its words are."""
    script_agrees: bool = False
    """Whether `reperform.py` does."""

    @property
    def exit_code(self) -> ExitCode:
        """3 damaged, 1 does not re-perform, 0 verified."""
        return ExitCode.EVIDENCE if self.damage else ExitCode.FINDINGS if self.differing else ExitCode.OK


def verify(path: Path, *, digest: str | None = None, attestation: Path | None = None) -> Verification:
    """Verify a bundle, offline.

    Args:
        path: the archive, or the folder it was unpacked into.
        digest: `sha256:` and the digest that the archive must have, or its SHA256SUMS.
        attestation: a Sigstore bundle or DSSE envelope of which a subject must have that digest. Its signature is not checked.

    Raises:
        UsageError: there is no such file, or the digest is none.
        EvidenceError: the attestation cannot be read.
    """
    wanted = _wanted(digest)
    attested = None if attestation is None else attested_digests(_read(attestation), clean_line(str(attestation)))
    found = Verification(clean_line(str(path)), "")
    try:
        contents = open_bundle(path)
    except EvidenceError as error:
        found.sha256 = _digest_of(path)
        found.damage.append(_told(error))
        found.notes += [error.hint] if error.hint else []
        return found
    found.files = len(contents.names)
    sums = contents.read(SUMS) if SUMS in contents.names else b""
    digests = {"of the archive": _digest_of(path), "of its SHA256SUMS": hashlib.sha256(sums).hexdigest()}
    if path.is_dir():
        del digests["of the archive"]
    found.sha256 = next(iter(digests.values()))
    _bind(found, digests, wanted, attested, attestation)
    found.damage += _damage(contents, sums)
    if found.damage:
        return found
    try:
        found.manifest = read_manifest(contents.read(MANIFEST))
        found.damage += _held(found.manifest, contents)
    except EvidenceError as error:
        found.damage.append(_told(error))
    if not found.damage and found.manifest is not None:
        try:
            found.result = load_result(contents.read(RESULT), place=RESULT)
        except EvidenceError as error:
            found.differing.append(_told(error))
        _evaluate(found, found.manifest, contents)
    return found


def _wanted(digest: str | None) -> str | None:
    if digest is None:
        return None
    known = _DIGEST.fullmatch(digest.strip().lower())
    if known is None:
        raise UsageError("--digest: not a SHA-256 digest", hint="Write sha256: and 64 hex digits.")
    return known[1]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the attestation: {error.strerror or error}", place=clean_line(str(path))) from None


def _digest_of(path: Path) -> str:
    if path.is_dir():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bind(found: Verification, digests: dict[str, str], wanted: str | None, attested: set[str] | None, attestation: Path | None) -> None:
    """Hold the digests against what they must be."""
    if wanted is not None:
        which = next((which for which, digest in digests.items() if digest == wanted), None)
        if which is None:
            found.damage.append(
                f"it is not the bundle of --digest: the digest {' and '.join(f'{which} is sha256:{digest}' for which, digest in digests.items())}"
            )
        else:
            found.bound_by = f"--digest is that {which}"
    if attested is not None:
        which = next((which for which, digest in digests.items() if digest in attested), None)
        name = clean_line(str(attestation))
        if which is None:
            found.damage.append(f"it is not the bundle of {name}: no subject there has a digest that it has")
        else:
            found.bound_by = "; ".join(filter(None, [found.bound_by, f"{name} names the digest {which}"]))
            found.notes.append(f"the signature of {name} was not checked: gh attestation verify does that")


def _damage(contents: Contents, sums: bytes) -> list[str]:
    """What is not as SHA256SUMS says."""
    if not sums:
        return [f"{SUMS} is missing"]
    lines = [_LINE.fullmatch(line) for line in sums.split(b"\n")[:-1]]
    listed = {line[2].decode(): line[1].decode() for line in lines if line}
    if not all(lines) or sums != sums_of(list(listed.items())) or not all(map(is_safe, listed)):
        return [f"{SUMS} is not as policycheck writes it"]
    there = set(contents.names) - {SUMS}
    problems = [f"{name} is missing" for name in sorted(listed.keys() - there)]
    problems += [f"{name} is not in {SUMS}: it was added" for name in sorted(there - listed.keys())]
    for name in sorted(there & listed.keys()):
        try:
            if hashlib.sha256(contents.read(name)).hexdigest() != listed[name]:
                problems.append(f"{name} was changed: it is not what {SUMS} says")
        except EvidenceError as error:
            problems.append(_told(error))
    needed = [name for name in (MANIFEST, RESULT, DOCUMENT, SCRIPT) if name not in listed]
    return problems + [f"{name} is missing" for name in needed]


def _held(manifest: Manifest, contents: Contents) -> Iterator[str]:
    """What of the files that the run read is not as it was read."""
    there = set(contents.names)
    for held in (*manifest.configuration, *manifest.inputs):
        if held.file not in there:
            yield f"{clean_line(held.file)} is missing: {MANIFEST} names it"
        elif (len(content := contents.read(held.file)), hashlib.sha256(content).hexdigest()) != (held.size, held.sha256):
            yield f"{held.file} was changed: it is not what {MANIFEST} says was read"


def _evaluate(found: Verification, manifest: Manifest, contents: Contents) -> None:
    """Evaluate the run again, and hold everything that follows from it against what the bundle has."""
    found.differing += _script(found, contents)
    try:
        replayed = replay_run(manifest, contents)
        document = make_input(manifest, replayed.policies, replayed.evidence, contents.read)
    except PolicycheckError as error:
        found.differing.append(f"the run cannot be evaluated again: {_told(error)}")
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Whoever forges a bundle can write times and names that no run has.
        found.differing.append(f"the run cannot be evaluated again: {type(error).__name__}: {truncate(clean_line(str(error)), 200)}")
    else:
        found.differing += _differing(found, manifest, contents, made_files(manifest, document, replayed.result))
        found.verdicts_agree = _agrees(replayed.result, document, contents)


def _differing(found: Verification, manifest: Manifest, contents: Contents, made: dict[str, bytes]) -> Iterator[str]:
    """What the bundle has otherwise than what was made again."""
    same_version = manifest.version == __version__
    if not same_version:
        found.notes.append(f"the run was of policycheck {clean_line(manifest.version)}, and this is {__version__}")
    others = {name: file for name, file in manifest.reports.items() if name != "json"}
    reports = {*others.values(), *(path.name for name, file in others.items() for path in FORMATS[name].companion_paths(Path(file)).values())}
    for name, content in sorted(made.items(), key=lambda pair: (pair[0] != RESULT, pair[0] != DOCUMENT, pair[0])):
        if name not in contents.names:
            yield f"{name} is missing"
        elif contents.read(name) != content:
            if name in reports and not (same_version and manifest.surroundings.dependencies == look_around().dependencies):
                found.notes.append(f"{name} was not compared: other versions of libraries are installed here ({RESULT} was)")
            elif name == SCRIPT and not same_version:
                found.notes.append(f"{name} is that of another version, and was not compared")
            elif name == SCRIPT:
                yield f"{name} is not that of policycheck {__version__}"
            else:
                yield f"{name} is not what the run comes to{_first_difference(contents.read(name), content)}"
    known = {SUMS, *made, *(held.file for held in (*manifest.configuration, *manifest.inputs))}
    for name in sorted(set(contents.names) - known):
        yield f"{name} is not part of the run"


def _first_difference(given: bytes, made: bytes) -> str:
    """The first lines that differ."""
    pairs = enumerate(zip(given.split(b"\n"), made.split(b"\n"), strict=False), 1)
    line = next(((number, one, other) for number, (one, other) in pairs if one != other), None)
    if line is None:
        return ""
    number, one, other = line
    at = next((place for place, (mine, theirs) in enumerate(zip(one, other, strict=False)) if mine != theirs), min(len(one), len(other)))
    shown = [truncate(clean_line(text[max(at - 30, 0) :].decode(errors="replace")), 70) for text in (one, other)]
    return f": line {number} has {shown[0]!a}, and evaluated again it has {shown[1]!a}"


def _agrees(again: Result, document: Json, contents: Contents) -> bool:
    """Whether the result of the bundle says what was evaluated again, whatever its words are."""
    try:
        return not differences(answer_of(again), json.loads(encode_document(document)), _parsed(contents.read(RESULT)))
    except _NOT_UNDERSTOOD:
        return False


_NOT_UNDERSTOOD = (InputError, EvidenceError, AttributeError, KeyError, TypeError, ValueError, RecursionError)


def _script(found: Verification, contents: Contents) -> Iterator[str]:
    """What `reperform.py` comes to: that of this policycheck, never the bundle's, which anyone may have written."""

    def read(name: str) -> bytes:
        if name not in contents.names:
            raise InputError(f"there is no file {name!a}")
        return contents.read(name)

    try:
        document, result = (_parsed(contents.read(name)) for name in (DOCUMENT, RESULT))
        problems = differences(reperform(document, read), document, result)
    except _NOT_UNDERSTOOD as error:
        yield f"{SCRIPT} cannot evaluate {DOCUMENT}: {truncate(clean_line(str(error)), 200)}"
        return
    found.script_agrees = not problems
    yield from (f"{SCRIPT}: {problem}" for problem in problems)


def _parsed(content: bytes) -> Any:
    return json.loads(content, object_pairs_hook=read_object)


def _told(error: PolicycheckError) -> str:
    if isinstance(error, PolicyError):
        first = error.diagnostics[0]
        return f"{first.location}: {first.message}"
    return f"{error.place}: {error.message}" if error.place else error.message
