"""The answers of AWS as received, kept beside the records for evidence, compressed and out of memory."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import IO
from weakref import finalize

from policycheck.errors import FetchError
from policycheck.sources.identity import Identity

# Small fetches never touch the disk.
_IN_MEMORY = 4 * 1024**2
# Speed over size: level 1 takes 2 us a job and leaves a fifteenth.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class RawPage:
    """One answer to one request."""

    dataset: str
    operation: str
    account: str | None
    """Whose jobs: of the identity that asked, `*` for a whole organization; None where nothing tells."""
    region: str
    number: int
    """From 1, within dataset, account and Region."""
    parameters: Mapping[str, object]
    """What was asked, without the page token; times are aware datetimes."""
    date: datetime | None
    """AWS's clock: the Date header."""
    request_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Kept:
    page: RawPage
    """Without its body."""
    identity: Identity | None
    offset: int
    length: int


class PageStore:
    """Bodies in a temporary file that has no name and goes when the store does, whatever ends the process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as long as the store
        self._kept: list[_Kept] = []
        self._accounts: dict[tuple[Identity | None, str], str | None] = {}
        self._lock = Lock()
        self._closer = finalize(self, self._file.close)

    def keep(self, page: RawPage, identity: Identity | None = None) -> None:
        """Put one answer away. Raises FetchError where the disk is full."""
        data = zlib.compress(page.body, _LEVEL)
        bare = RawPage(page.dataset, page.operation, page.account, page.region, page.number, page.parameters, page.date, page.request_id, b"")
        with self._lock:
            try:
                offset = self._file.seek(0, 2)
                self._file.write(data)
            except OSError as error:
                reason = (error.strerror or type(error).__name__).lower()
                raise FetchError(f"the answers of AWS cannot be kept: {reason}", hint="TMPDIR names the folder for them") from None
            self._kept.append(_Kept(bare, identity, offset, len(data)))

    def name_accounts(self, accounts: Mapping[tuple[Identity | None, str], str | None]) -> None:
        """Say whose answers these are: the account by who asked and dataset name."""
        self._accounts = dict(accounts)

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[RawPage]:
        """Every page, sorted by dataset, account, Region and number."""
        pages = [(self._accounts.get((kept.identity, kept.page.dataset), kept.page.account), kept) for kept in self._kept]
        pages.sort(key=lambda pair: (pair[1].page.dataset, pair[0] or "", pair[1].page.region, pair[1].page.number))
        for account, kept in pages:
            page = kept.page
            yield RawPage(page.dataset, page.operation, account, page.region, page.number, page.parameters, page.date, page.request_id, self._body(kept))

    def _body(self, kept: _Kept) -> bytes:
        with self._lock:
            self._file.seek(kept.offset)
            return zlib.decompress(self._file.read(kept.length))

    def close(self) -> None:
        """Forget the answers; closing twice is fine."""
        self._closer()
