"""Checksums of the archive's files, in a table of their own: a file that a disk has changed is mostly still a Parquet file, and says something else.

Measured: of single bits that were changed in files of jobs, one in ten was read without an error and changed a value. Objects in S3 are checked by S3 itself as
they are read, so that a check reads their checksums only where it is asked to look at everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from policycheck.errors import PolicycheckError
from policycheck.sources.archive.schema import FILE_COLUMNS, table_columns
from policycheck.sources.archive.tables import FILES, Archive, ArchiveError, is_remote

_THREADS = 4

Digests = Mapping[tuple[str, str], str]
"""By the name of a table and the path of a file in it, the SHA-256 of the file."""


def read_digests(archive: Archive) -> Digests:
    """The checksums that were noted.

    Raises:
        ArchiveError: the table of files is missing or damaged.
    """
    import polars as pl

    table = archive.open(FILES)
    if table is None:
        hint = f"restore it from a copy; policycheck fetch --archive {archive.name} records the files again, as they are now"
        raise ArchiveError("is missing, so the files of the archive cannot be verified", hint=hint, place=f"{archive.name}/{FILES}")
    uris = table.file_uris()
    if not uris:
        return {}
    try:
        rows = pl.read_parquet(uris, columns=list(FILE_COLUMNS), storage_options=archive.reading_options or None, hive_partitioning=False)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        hint = f"remove the folder {archive.name}/{FILES}; policycheck fetch --archive {archive.name} records the files again, as they are now"
        raise ArchiveError("is damaged, so the files of the archive cannot be verified", hint=hint, place=f"{archive.name}/{FILES}") from None
    return {(table, path): digest for table, path, digest in rows.iter_rows()}


def note_files(archive: Archive, names: Iterable[str]) -> None:
    """Note the checksums of the files of these tables that have none yet.

    Raises:
        ArchiveError: a file cannot be read, or the checksums cannot be written.
    """
    import polars as pl

    archive.create(FILES)
    known = read_digests(archive)
    found: list[tuple[str, str, str]] = []
    for name in names:
        table = archive.open(name)
        if table is None:
            continue
        paths = [path for path in pl.DataFrame(table.get_add_actions(flatten=True))["path"] if (name, path) not in known]
        found += [(name, path, digest) for path, digest in zip(paths, digests_of(archive, name, paths), strict=True) if digest]
    if found:
        archive.append(FILES, pl.DataFrame(found, schema=table_columns(FILE_COLUMNS), orient="row"))


def digests_of(archive: Archive, table: str, paths: Sequence[str]) -> list[str]:
    """The checksums of these files as they are now; empty where one cannot be read."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda path: _digest(archive, table, path), paths))


def _digest(archive: Archive, table: str, path: str) -> str:
    try:
        return hashlib.sha256(archive.read_bytes(table, path)).hexdigest()
    except (OSError, PolicycheckError):
        return ""


def find_changed(archive: Archive, table: str, paths: Sequence[str], digests: Digests) -> list[tuple[str, str]]:
    """The files that are missing or not as they were written, and what is wrong with each. A file without a checksum is not looked at."""
    noted = [path for path in paths if (table, path) in digests]
    now = digests_of(archive, table, noted)
    changed = [path for path, digest in zip(noted, now, strict=True) if digest != digests[table, path]]
    return [(path, "is missing" if _is_missing(archive, table, path) else "is damaged: it was changed after it was written") for path in changed]


def _is_missing(archive: Archive, table: str, path: str) -> bool:
    if is_remote(archive.path):
        try:
            archive.read_bytes(table, path)
        except OSError:
            return True
        return False
    return not Path(f"{archive.uri(table)}/{path}").exists()
