"""`check --bundle`: everything that a run read and said, in one archive that anyone can check and evaluate again (docs/bundle.md)."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from policycheck.datasets import DATASETS
from policycheck.errors import UsageError
from policycheck.evidence import reperform
from policycheck.evidence.input_document import Json, encode_document, file_sources, make_document
from policycheck.evidence.manifest import (
    DOCUMENT,
    MANIFEST,
    PREDICATE,
    README,
    REPORTS,
    SCHEMA,
    SCRIPT,
    STATEMENT,
    SUMS,
    HeldArchive,
    HeldFetch,
    HeldFile,
    HeldInventory,
    HeldPage,
    Manifest,
    Rules,
    evaluated_rules,
    place_of,
    sums_of,
)
from policycheck.evidence.packing import pack
from policycheck.evidence.statement import encode, make_predicate, make_statement
from policycheck.evidence.surroundings import Surroundings
from policycheck.formats.interface import DEFAULTS, clean_result
from policycheck.formats.output import write_atomically
from policycheck.formats.registry import FORMATS
from policycheck.policy.model import Policy
from policycheck.records import iso, moment
from policycheck.result import Result, Severity
from policycheck.sources.archive.kept import ArchiveEvidence, RegionRecord, encode_fetches
from policycheck.sources.aws import FetchedEvidence
from policycheck.sources.fetched import FetchedList, FetchRecord
from policycheck.sources.files import FileEvidence
from policycheck.sources.interface import Evidence
from policycheck.sources.raw import FileStore, PageStore, RawPage

_CHUNK = 1024**2


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that a run reads, as it was before it was parsed."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """What a run was asked, beside its job lists."""

    policies: Sequence[ReadFile]
    waivers: Sequence[ReadFile] = ()
    controls: Sequence[ReadFile] = ()
    """Matrices of controls."""
    scope: ReadFile | None = None
    run_file: ReadFile | None = None
    scope_of_run_file: bool = False
    inventories: Sequence[tuple[str, ReadFile]] = ()
    """By the name that rules give them."""
    params: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False
    select: Sequence[str] = ()
    ignore: Sequence[str] = ()
    frameworks: Sequence[str] = ()
    covers: tuple[datetime, datetime] | None = None
    fail_on: Severity | None = Severity.LOW


def write_bundle(
    path: Path, inputs: RunInputs, policies: Sequence[Policy], evidence: Evidence, result: Result, files: FileStore, surroundings: Surroundings
) -> str:
    """Write the bundle of one run; its SHA-256.

    Args:
        policies: with the rules that were evaluated.
        evidence: saved lists that `files` kept, or what was fetched with its pages.

    Raises:
        UsageError: it cannot be written, or is larger than a bundle can be; or the lists come from a source whose answers or files were not kept.
    """
    if isinstance(evidence, ArchiveEvidence) and evidence.regions is None:
        raise UsageError("a bundle cannot hold this archive: some records have no job ID", hint="Omit --bundle.")
    if not isinstance(evidence, FileEvidence | ArchiveEvidence) and not (isinstance(evidence, FetchedEvidence) and evidence.record is not None):
        raise UsageError("a bundle requires saved job lists or jobs fetched from AWS", hint="Omit --bundle.")
    if isinstance(evidence, FileEvidence) and evidence.reported:
        # The script that travels in a bundle reads no reports.
        raise UsageError("a bundle cannot hold job reports of AWS Backup: reperform.py does not read them", hint="Omit --bundle, or pass job lists.")
    held = [DATASETS[name].noun for name in evidence.lists if DATASETS[name].of_state]
    if held:
        raise UsageError(f"a bundle cannot hold {held[0]}s: reperform.py does not read them", hint="Omit --bundle, or the rules about them (--ignore).")
    with tempfile.TemporaryFile() as stream:
        pack(stream, _files(inputs, policies, evidence, result, files, surroundings), result.as_of)
        digest = _digest(stream)
        stream.seek(0)
        write_atomically(path, iter(lambda: stream.read(_CHUNK), b""))
    return digest


def _digest(stream: IO[bytes]) -> str:
    stream.seek(0)
    found = hashlib.sha256()
    while piece := stream.read(_CHUNK):
        found.update(piece)
    return found.hexdigest()


def _files(
    inputs: RunInputs, policies: Sequence[Policy], evidence: Evidence, result: Result, files: FileStore, surroundings: Surroundings
) -> Iterator[tuple[str, bytes | Iterable[bytes]]]:
    """Every file of the bundle; large ones one at a time, and reports in pieces, each of which is taken before the next file is asked for."""
    digests: list[tuple[str, str]] = []

    def note(name: str, content: bytes) -> tuple[str, bytes]:
        digests.append((name, hashlib.sha256(content).hexdigest()))
        return name, content

    lists = [
        HeldFile(file=place_of("lists", number, kept.name), name=kept.name, sha256=kept.sha256, size=kept.size) for number, kept in enumerate(files.files, 1)
    ]
    for held, kept in zip(lists, files.files, strict=True):
        yield note(held.file, files.content(kept))
    archive: HeldArchive | None = None
    if isinstance(evidence, ArchiveEvidence):
        for number, region in enumerate(evidence.regions or (), 1):
            name = f"{region.dataset.name}-{region.region}.json"
            content = region.content()
            lists.append(HeldFile.of(place_of("archive", number, name), name, content))
            yield note(lists[-1].file, content)
        fetches = encode_fetches(evidence.fetches)
        archive = _archive(evidence, HeldFile.of("archive/fetches.json", "fetches.json", fetches))
        yield note(archive.fetches.file, fetches)
    fetch: HeldFetch | None = None
    if isinstance(evidence, FetchedEvidence) and evidence.pages is not None and evidence.record is not None:
        places = _page_places(evidence.record)
        pages: dict[int, list[HeldPage]] = {}
        for number, page in _numbered(evidence.record, evidence.pages):
            file = f"{places[number]}/{page.number:05d}.json"
            digest = hashlib.sha256(page.body).hexdigest()
            pages.setdefault(number, []).append(HeldPage(file=file, sha256=digest, size=len(page.body), request_id=page.request_id, date=page.date))
            yield note(file, page.body)
        fetch = HeldFetch(record=evidence.record, pages=tuple(tuple(pages.get(number, ())) for number in range(len(evidence.record.lists))))
    manifest = _manifest(inputs, policies, result, lists, fetch, archive, surroundings)
    for held, read in zip(manifest.configuration, _configuration(inputs), strict=True):
        yield note(held.file, read.content)
    contents = {held.file: kept for held, kept in zip(lists, files.files, strict=False)}
    document = make_input(manifest, policies, evidence, lambda place: files.content(contents[place]))
    for name, pieces in _made_in_pieces(manifest, document, result):
        made = hashlib.sha256()
        yield name, _noted(pieces, made.update)
        digests.append((name, made.hexdigest()))
    yield SUMS, sums_of(digests)


def _noted(pieces: Iterable[bytes], note: Callable[[bytes], object]) -> Iterator[bytes]:
    for piece in pieces:
        note(piece)
        yield piece


def made_files(manifest: Manifest, document: Json, result: Result) -> dict[str, bytes]:
    """What a bundle holds beside what the run read: all of it follows from that."""
    return {name: b"".join(pieces) for name, pieces in _made_in_pieces(manifest, document, result)}


def _made_in_pieces(manifest: Manifest, document: Json, result: Result) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield from _reports(manifest, result)
    made = {
        DOCUMENT: encode_document(document),
        MANIFEST: manifest.encode(),
        PREDICATE: encode(make_predicate(manifest, result)),
        STATEMENT: encode(make_statement(manifest, result)),
        SCRIPT: script(),
        README: _README.encode(),
    }
    yield from ((name, [content]) for name, content in made.items())


def _reports(manifest: Manifest, result: Result) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The reports of a bundle, and what some formats write beside their own document."""
    shown = clean_result(result)
    for name, file in manifest.reports.items():
        written = FORMATS[name]
        yield file, map(str.encode, written.pieces(shown))
        for beside, path in written.companion_paths(Path(file)).items():
            yield path.name, map(str.encode, written.companions[beside](shown, DEFAULTS))


def script() -> bytes:
    """`reperform.py` as it is here."""
    return Path(reperform.__file__).read_bytes().replace(b"\r\n", b"\n")


def make_input(manifest: Manifest, policies: Sequence[Policy], evidence: Evidence, content: Callable[[str], bytes]) -> Json:
    """What `reperform.py` reads of this bundle."""
    if manifest.fetch is not None:
        sources = [_fetched_source(one, pages) for one, pages in zip(manifest.fetch.record.lists, manifest.fetch.pages, strict=True)]
        return make_document(policies, sources, evidence.inventories, as_of=manifest.as_of, covers=None, coverage=evidence.coverage)
    if manifest.archive is not None:
        sources = [_archived_source(record, held) for record, held in zip(manifest.archive.regions, manifest.lists, strict=True)]
        read = {source["dataset"] for source in sources}
        sources += [{"dataset": name, "name": name, "records": []} for name in evidence.lists if name not in read]
        return make_document(policies, sources, evidence.inventories, as_of=manifest.as_of, covers=None, coverage=evidence.coverage)
    assert isinstance(evidence, FileEvidence)
    sources = file_sources(evidence, [(held.name, held.file) for held in manifest.lists], content)
    coverage = evidence.coverage if evidence.stated else None
    return make_document(policies, sources, evidence.inventories, as_of=manifest.as_of, covers=manifest.covers, coverage=coverage)


def _fetched_source(fetched: FetchedList, pages: Sequence[HeldPage]) -> Json:
    account = next(iter(fetched.accounts)) if len(fetched.accounts) == 1 else None
    name = f"{fetched.operation}, {account or 'organization'}/{fetched.region}"
    return {"dataset": fetched.dataset, "name": name, "files": [page.file for page in pages]}


def _archived_source(record: RegionRecord, held: HeldFile) -> Json:
    source: Json = {"dataset": record.dataset, "name": held.name, "files": [held.file], "seen": [[iso(moment(until)), count] for until, count in record.until]}
    return source | ({"unknown": [[row, list(members)] for row, members in record.unknown]} if record.unknown else {})


def _archive(evidence: ArchiveEvidence, fetches: HeldFile) -> HeldArchive:
    regions = tuple(region.describe() for region in evidence.regions or ())
    return HeldArchive(name=evidence.name, fetches=fetches, regions=regions, not_seen=evidence.not_seen, warnings=evidence.warnings)


def _manifest(
    inputs: RunInputs,
    policies: Sequence[Policy],
    result: Result,
    lists: Sequence[HeldFile],
    fetch: HeldFetch | None,
    archive: HeldArchive | None,
    surroundings: Surroundings,
) -> Manifest:
    rules = Rules(
        policies=tuple(_held("policies", inputs.policies)),
        waivers=tuple(_held("waivers", inputs.waivers)),
        controls=tuple(_held("controls", inputs.controls)),
        scope=next(iter(_held("scope", [inputs.scope])), None) if inputs.scope else None,
        run_file=next(iter(_held("run-file", [inputs.run_file])), None) if inputs.run_file else None,
        scope_of_run_file=inputs.scope_of_run_file,
        params=dict(inputs.params),
        foreign=inputs.foreign,
        evaluated=evaluated_rules(policies),
        select=tuple(inputs.select),
        ignore=tuple(inputs.ignore),
        frameworks=tuple(inputs.frameworks),
        fail_on=None if inputs.fail_on is None else str(inputs.fail_on),
    )
    inventories = [read for _, read in inputs.inventories]
    return Manifest(
        schema=SCHEMA,
        version=result.tool_version,
        as_of=result.as_of,
        rules=rules,
        inventories=tuple(
            HeldInventory(inventory=name, held=held) for (name, _), held in zip(inputs.inventories, _held("inventories", inventories), strict=True)
        ),
        lists=tuple(lists),
        covers=inputs.covers,
        fetch=fetch,
        archive=archive,
        reports={name: file for name, file in REPORTS.items() if name in FORMATS},
        surroundings=surroundings,
    )


def _held(folder: str, files: Sequence[ReadFile]) -> list[HeldFile]:
    return [HeldFile.of(place_of(folder, number, read.name), read.name, read.content) for number, read in enumerate(files, 1)]


def _configuration(inputs: RunInputs) -> list[ReadFile]:
    """In the order of `Manifest.configuration`."""
    single = [read for read in (inputs.scope, inputs.run_file) if read is not None]
    return [*inputs.policies, *inputs.waivers, *inputs.controls, *single, *(read for _, read in inputs.inventories)]


def _numbered(record: FetchRecord, pages: PageStore) -> Iterator[tuple[int, RawPage]]:
    """The pages of the lists in the record, each with the number of its list; a Region that is not enabled has none."""
    numbers = {(one.dataset, one.role_arn, one.profile, one.region): number for number, one in enumerate(record.lists)}
    for page in pages:
        number = numbers.get((page.dataset, page.identity.role_arn, page.identity.profile, page.region))
        if number is not None:
            yield number, page


def _page_places(record: FetchRecord) -> list[str]:
    """The folder of each list's pages."""
    found = []
    for number, one in enumerate(record.lists, 1):
        account = next(iter(one.accounts)) or "unknown" if len(one.accounts) == 1 else "organization"
        found.append(place_of("raw", number, f"{one.dataset}-{account}-{one.region}"))
    return found


_README = """\
This is an evidence bundle of policycheck: the evidence of one check of AWS Backup jobs, the rules, and their verdicts.

Check it without policycheck, with Python 3.9 or later and nothing else:

    python3 reperform.py

It compares every file with SHA256SUMS, evaluates every rule again on the job lists in raw/, lists/ or archive/, and compares the verdicts with result.json.

Check it with policycheck, which also reads the policies again:

    policycheck verify evidence.zip

Both show that the bundle is consistent. Its digest, or an attestation of it, shows that it is the original:

    policycheck verify evidence.zip --digest sha256:...
    gh attestation verify evidence.zip --owner ...

bundle.json       what was read, asked and answered, by whom, and with which versions
result.json       every verdict, finding and waiver
reperform.json    the rules as data, and where the records are, for reperform.py
statement.json    the verdicts as an in-toto Statement about the lists; predicate.json is its predicate
raw/, lists/ or archive/    the answers of AWS, or the saved lists, as they were received; or the records of an archive that counted, and its fetches
policies/, waivers/, controls/, inventories/, scope/, run-file/    what the rules and controls were read from
"""
