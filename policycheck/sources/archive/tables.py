"""Where an archive lies, how its tables are opened and written to, and what goes wrong there in words of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from policycheck.datasets import DATASETS, JOB_LISTS
from policycheck.errors import JobFileError, UsageError
from policycheck.sources.archive.schema import DAY, FETCH_COLUMNS, FILE_COLUMNS, REGION, STATISTICS, delta_schema, job_columns, table_columns
from policycheck.text import clean_line, truncate

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties

    from policycheck.sources.connection import Connection
    from policycheck.sources.session import AwsSession

FETCHES = "fetches"
"""The folder of the table of fetches: what has it is an archive."""
FILES = "files"
"""The folder of the table of files, which has their checksums."""
_OWN = {FETCHES: FETCH_COLUMNS, FILES: FILE_COLUMNS}
_CONTENTS = {FETCHES: "what each fetch covered", FILES: "checksums of its files"}
FORMAT = 1
"""Of the archive; a program reads those up to its own."""
_FORMAT_KEY = "policycheck.format"
_S3 = "s3://"
_CODE = re.compile(r"<Code>(\w+)</Code>")
_PAINT, _FRAME = re.compile(r"\x1b\[[\d;]*m"), re.compile(r"\s*\d+: ")
_SECRETS = re.compile(r"(?i)(credential|signature|security-token|access_?key[^\s:=]*)(\s*[:=]\s*)\S+")


class ArchiveError(JobFileError):
    """An archive cannot be used as it is. `place` names the file or the folder."""


def is_remote(path: str) -> bool:
    """Whether a path is of S3."""
    return path.lower().startswith(_S3)


@dataclass(frozen=True)
class Archive:
    """One archive, at a folder or `s3://bucket/prefix`.

    Raises UsageError where the libraries of the archive are not installed, or the path cannot be.
    """

    path: str
    connection: Connection | None = None
    """By whose credentials S3 is reached; None: those of the environment."""

    def __post_init__(self) -> None:
        try:
            import deltalake  # noqa: F401 - whether it is there
        except ImportError:
            raise UsageError("an archive requires the library deltalake", hint="pip install 'policycheck[archive]'") from None
        if is_remote(self.path) and not urlsplit(self.path).netloc:
            raise UsageError(f"{clean_line(self.path)}: no bucket is named", hint="s3://bucket/prefix")

    @property
    def name(self) -> str:
        """What messages call it."""
        return clean_line(self.path)

    def uri(self, table: str) -> str:
        """Where one of its tables lies."""
        if is_remote(self.path):
            return f"{self.path.rstrip('/')}/{table}"
        return str(Path(self.path).absolute() / table)

    @cached_property
    def _session(self) -> AwsSession:
        from policycheck.sources.connection import Connection
        from policycheck.sources.session import AwsSession

        given = self.connection or Connection()
        # Whose jobs are fetched says nothing of where S3 is: of the connection only the identity counts.
        return AwsSession(Connection(profiles=given.profiles[:1], ca_bundle=given.ca_bundle, verify_ssl=given.verify_ssl))

    @property
    def options(self) -> dict[str, str]:
        """How S3 is reached, with fresh credentials; nothing for a folder. Never to be shown."""
        if not is_remote(self.path):
            return {}
        from policycheck.sources.objects import s3_options

        # Two writers are told apart by S3's conditional writes: no table of locks is needed.
        return {**s3_options(session=self._session), "aws_conditional_put": "etag"}

    @property
    def reading_options(self) -> dict[str, str]:
        """`options` for libraries that only read."""
        return {name: value for name, value in self.options.items() if name != "aws_conditional_put"}

    def read_bytes(self, table: str, path: str) -> bytes:
        """What is in a file of a table. Raises OSError."""
        if not is_remote(self.path):
            return Path(f"{self.uri(table)}/{path}").read_bytes()
        from obstore.exceptions import BaseError
        from obstore.store import from_url

        options = {name.lower(): value for name, value in self.reading_options.items()}
        plain = options.pop("aws_allow_http", "false") == "true"
        try:
            store = from_url(self.uri(table), config=options, client_options={"allow_http": plain})  # type: ignore[call-overload]  # made at run time
            return bytes(store.get(path).bytes())
        except BaseError as error:
            raise OSError(_line(error)) from None

    def open(self, table: str) -> DeltaTable | None:
        """One of its tables as it is now; None where there is none.

        Raises:
            ArchiveError: its log cannot be read.
        """
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        with self.explained(table):
            try:
                return DeltaTable(self.uri(table), storage_options=self.options or None)
            except TableNotFoundError:
                if self._has_log(table):
                    raise
                return None

    def _has_log(self, table: str) -> bool:
        """Whether a transaction of it is there; one that was killed as it made the table leaves none."""
        folder = Path(self.uri(table)) / "_delta_log"
        return not is_remote(self.path) and any(entry.suffix in (".json", ".parquet") for entry in (folder.iterdir() if folder.is_dir() else ()))

    def open_fetches(self) -> DeltaTable:
        """The table of fetches, of a format that this program reads.

        Raises:
            ArchiveError: there is no archive, or a newer program made it.
        """
        found = self.open(FETCHES)
        if found is None:
            raise ArchiveError("is not an archive: it has no table of fetches", hint=f"policycheck fetch --archive {self.name} makes one", place=self.name)
        self._require_format(found)
        return found

    def _require_format(self, table: DeltaTable) -> None:
        told = str(table.metadata().configuration.get(_FORMAT_KEY, ""))
        if not told.isascii() or not told.isdecimal():
            raise ArchiveError("is not an archive of policycheck: its table of fetches does not name its format", place=self.name)
        if int(told) > FORMAT:
            raise ArchiveError(f"has the format {told}, and this version reads up to {FORMAT}", hint="install a newer policycheck", place=self.name)

    def create(self, table: str) -> DeltaTable:
        """One of its tables, made where there is none. Two programs may do so at once.

        Raises:
            ArchiveError: the folder holds something else, or cannot be written to.
        """
        from deltalake import DeltaTable

        found = self.open(table)
        if found is None:
            self._require_free()
            columns = table_columns(_OWN[table]) if table in _OWN else job_columns(DATASETS[table])
            contents = _CONTENTS.get(table) or f"{DATASETS[table].noun}s"
            options = {_FORMAT_KEY: str(FORMAT)} | ({} if table in _OWN else {"delta.dataSkippingStatsColumns": ",".join(STATISTICS)})
            with self.explained(table):
                found = DeltaTable.create(
                    self.uri(table),
                    delta_schema(columns),
                    mode="ignore",
                    partition_by=None if table in _OWN else [REGION, DAY],
                    description=f"policycheck archive: {contents}",
                    configuration=options,
                    storage_options=self.options or None,
                    raise_if_key_not_exists=False,
                )
        if table == FETCHES:
            self._require_format(found)
        return found

    def _require_free(self) -> None:
        """Refuse to put an archive among other files."""
        if is_remote(self.path):
            return
        folder = Path(self.path)
        try:
            names = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")] if folder.exists() else []
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise UsageError(f"--archive {self.name}: {reason}", hint="name a folder of its own for the archive") from None
        if any(name not in {*_OWN, *JOB_LISTS} for name in names):
            raise UsageError(f"--archive {self.name}: the folder holds other files", hint="name an empty folder, or one that does not exist")

    def append(self, table: str, rows: Any) -> int:
        """Add rows to a table in one transaction, whoever else writes to it; its version afterwards.

        Raises:
            ArchiveError: they cannot be written.
        """
        from deltalake import write_deltalake

        self.create(table)
        with self.explained(table):
            write_deltalake(self.uri(table), rows, mode="append", storage_options=self.options or None, writer_properties=writer_properties(table))
        found = self.open(table)
        return found.version() if found is not None else -1

    @contextmanager
    def explained(self, table: str) -> Iterator[None]:
        """Turn what the libraries raise into one line with a place and what to do."""
        from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

        place = f"{self.name}/{table}"
        try:
            yield
        except CommitFailedError as error:
            raise ArchiveError(f"could not be written to: {_line(error)}", hint="run the command again", place=place) from None
        except (TableNotFoundError, DeltaError) as error:
            if is_remote(self.path) and _is_access(str(error)):
                raise ArchiveError(f"cannot be reached: {_line(error)}", hint=_ACCESS_HINT, place=place) from None
            hint = f"restore _delta_log from a copy; without one, move {self.name} away, and fetch into a new archive"
            raise ArchiveError(f"its log is damaged: {_line(error)}", hint=hint, place=f"{place}/_delta_log") from None
        except OSError as error:
            hint = _ACCESS_HINT if is_remote(self.path) else "make sure that the folder can be read and written, and that the disk is not full"
            raise ArchiveError(f"cannot be used: {_line(error)}", hint=hint, place=place) from None


def writer_properties(table: str) -> WriterProperties:
    """How Parquet files are written. Statistics of fifty columns are a third of a small file, and only those of a few are of use (*measured*)."""
    from deltalake import ColumnProperties, WriterProperties

    told = {name: ColumnProperties(statistics_enabled="CHUNK") for name in STATISTICS if table not in _OWN}
    return WriterProperties(
        compression="ZSTD", compression_level=3, default_column_properties=ColumnProperties(statistics_enabled="NONE"), column_properties=told or None
    )


_ACCESS_HINT = "check the bucket's name and Region (AWS_REGION), the credentials (--profile), and that they allow s3:ListBucket, s3:GetObject and s3:PutObject"


def _is_access(text: str) -> bool:
    return any(word in text for word in ("Access", "Forbidden", "403", "301", "credential", "NoSuchBucket", "connect", "timed out", "dns"))


def _line(error: BaseException) -> str:
    """What a library says, as one line, without a backtrace and without anything that may be a credential."""
    if code := _CODE.search(str(error)):
        return f"S3 answered {clean_line(code[1])}"
    parts: list[str] = []
    for line in _PAINT.sub("", str(error)).splitlines():
        if _FRAME.match(line):
            break
        parts.append(line.strip(" \t\u21b3"))
    text = clean_line(" ".join(filter(None, parts)) or type(error).__name__)
    return truncate(_SECRETS.sub(r"\1\2...", text), 300)


def is_archive(path: str, connection: Connection | None = None) -> bool:
    """Whether a path is an archive: it has a table of fetches, or the log of one.

    Raises:
        UsageError: it is one in S3, and the libraries of the archive are not installed.
        EvidenceError: S3 cannot be reached.
    """
    if is_remote(path):
        return Archive(path, connection).open(FETCHES) is not None
    try:
        return (Path(path) / FETCHES / "_delta_log").is_dir()
    except (OSError, ValueError):
        return False
