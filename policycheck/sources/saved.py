"""What `--jobs` names: files and folders of saved lists, or an archive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from policycheck.errors import UsageError
from policycheck.policy.model import Policy
from policycheck.sources.interface import Evidence
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.sources.connection import Connection
    from policycheck.sources.raw import FileStore


def read_saved(
    paths: Sequence[str],
    *,
    as_of: datetime,
    covers: tuple[datetime, datetime] | None,
    stdin: BinaryIO,
    policies: Sequence[Policy] = (),
    keep: FileStore | None = None,
    connection: Connection | None = None,
    hashed: bool = False,
) -> Evidence:
    """The jobs that these paths hold, as `read_job_files` or `read_archive` gives them.

    Args:
        keep: where files are put as they are; an archive is not.
        hashed: whether the hashes of files are to be told.
        connection: by whose credentials S3 is reached; None: those of the environment.

    Raises:
        JobFileError: a path that cannot be read, or a file or an archive that is incomplete or damaged.
        UsageError: an archive beside other paths, or a claim about one.
    """
    archives = [path for path in paths if _is_archive(path, connection)]
    if not archives:
        from policycheck.sources.files import read_job_files

        return read_job_files(paths, as_of=as_of, covers=covers, stdin=stdin, policies=policies, keep=keep, connection=connection, hashed=hashed)
    if len(paths) > 1:
        raise UsageError(f"{clean_line(archives[0])} is an archive, and an archive cannot be combined with other lists", hint="Use a single --jobs.")
    if covers is not None:
        raise UsageError("--covers is for saved job lists: an archive records what it covers", hint="Omit --covers.")
    from policycheck.sources.archive.reading import read_archive
    from policycheck.sources.archive.tables import Archive

    return read_archive(Archive(archives[0], connection), as_of=as_of, policies=policies)


def _is_archive(path: str, connection: Connection | None) -> bool:
    from policycheck.sources.archive.tables import is_archive

    return is_archive(path, connection)
