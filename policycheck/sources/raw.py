"""What was read as received, kept beside the records for evidence, compressed and out of memory: the answers of AWS, and saved lists."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import IO
from weakref import finalize

from policycheck.errors import EvidenceError, FetchError
from policycheck.sources.identity import CALLER, Identity

# Small runs never touch the disk.
_IN_MEMORY = 4 * 1024**2
# Speed over size: level 1 takes 2 us a job and leaves a fifteenth.
_LEVEL = 1


class Spool:
    """Contents in a temporary file that has no name and goes when the spool does, whatever ends the process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as long as the spool
        self._lock = Lock()
        self._closer = finalize(self, self._file.close)

    def put(self, content: bytes) -> tuple[int, int]:
        """Put a content away; where it is. Raises EvidenceError where the disk is full."""
        data = zlib.compress(content, _LEVEL)
        with self._lock:
            try:
                offset = self._file.seek(0, 2)
                self._file.write(data)
            except OSError as error:
                reason = (error.strerror or type(error).__name__).lower()
                raise EvidenceError(f"what was read cannot be kept: {reason}", hint="TMPDIR names the folder for it") from None
        return offset, len(data)

    def get(self, place: tuple[int, int]) -> bytes:
        """The content that was put there."""
        offset, length = place
        with self._lock:
            self._file.seek(offset)
            return zlib.decompress(self._file.read(length))

    def close(self) -> None:
        """Forget everything; closing twice is fine."""
        self._closer()


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
    identity: Identity = CALLER
    """Who asked."""


class PageStore:
    """The answers of one fetch. Safe to use from several threads."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._kept: list[tuple[RawPage, tuple[int, int]]] = []
        """Pages without their bodies, and where these are."""
        self._accounts: dict[tuple[Identity, str], str | None] = {}

    def keep(self, page: RawPage) -> None:
        """Put one answer away. Raises FetchError where the disk is full."""
        try:
            place = self._spool.put(page.body)
        except EvidenceError as error:
            raise FetchError(f"the answers of AWS: {error.message}", hint=error.hint) from None
        self._kept.append((replace(page, body=b""), place))

    def name_accounts(self, accounts: Mapping[tuple[Identity, str], str | None]) -> None:
        """Say whose answers these are: the account by who asked and dataset name."""
        self._accounts = dict(accounts)

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[RawPage]:
        """Every page, sorted by dataset, account, Region, identity and number."""
        pages = [(replace(page, account=self._accounts.get((page.identity, page.dataset), page.account)), place) for page, place in self._kept]
        pages.sort(key=lambda pair: (pair[0].dataset, pair[0].account or "", pair[0].region, pair[0].identity.order, pair[0].number))
        for page, place in pages:
            yield replace(page, body=self._spool.get(place))

    def close(self) -> None:
        """Forget the answers; closing twice is fine."""
        self._spool.close()


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file that was read."""

    name: str
    """What messages and reports call it."""
    size: int
    sha256: str
    """Of its bytes as they were, before anything was unpacked or parsed."""
    place: tuple[int, int]


class FileStore:
    """The files of one run, as they were when they were read, in the order they were read."""

    def __init__(self) -> None:
        self._spool = Spool()
        self.files: list[KeptFile] = []

    def keep(self, name: str, content: bytes) -> None:
        """Put one file away. Raises EvidenceError where the disk is full."""
        self.files.append(KeptFile(name, len(content), hashlib.sha256(content).hexdigest(), self._spool.put(content)))

    def content(self, file: KeptFile) -> bytes:
        """The bytes of one of `files`."""
        return self._spool.get(file.place)

    def close(self) -> None:
        """Forget them; closing twice is fine."""
        self._spool.close()
