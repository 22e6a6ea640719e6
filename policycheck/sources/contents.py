"""From the bytes of a file to UTF-8 text: read with a limit, unpacked, decoded; and the names of what is not a job list."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from io import BytesIO
from typing import BinaryIO

from policycheck.errors import JobFileError
from policycheck.text import clean_line, truncate

MAX_BYTES = 8 * 1024**3
"""The most a file may hold, unpacked: some eight million jobs. A gzip of a few megabytes can claim any size."""
MAX_RATIO = 200
"""The most that gzip data may unpack to, as a multiple of their own size, once FREE_BYTES are unpacked.

Job lists of AWS's own shape, made by `benchmarks.jobs`, pack 12 to 19 times (*measured*, gzip levels 1 and 9); ids and times alone keep even a list of one
resource, redacted, well below a hundred. Text of one letter reaches 1030, the most that the format can do (RFC 1951: 258 bytes from two bits).
"""
FREE_BYTES = 16 * 1024**2
_CHUNK = 8 * 1024**2
_GZIP_LAYERS = 2
_HEAD = 4096

EMPTY = "is empty; an empty file is a failed redirect, not an empty list"
USE_JSON = "save the list again with --output json"

_PACKED = {
    b"PK\x03\x04": "a ZIP archive",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"\xfd7zXZ\x00": "packed by xz",
    b"BZh": "packed by bzip2",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
}
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_TABLE = re.compile(r"-{5,}\s*\n[|+]|\+-|\|")
_AWS_FAILURE = re.compile(
    r"^(?:aws: \[ERROR\]: )?"
    r"(?:An error occurred \(|Unable to locate credentials|Could not connect to the endpoint|Error when retrieving |aws: error: |usage: aws )",
    re.MULTILINE,
)


def read_all(stream: BinaryIO, size: int = _CHUNK) -> bytes:
    """Everything the stream holds; `size` is how much that should be, so that one read does for a file.

    Raises:
        JobFileError: more than MAX_BYTES.
        OSError: the stream cannot be read.
    """
    chunks = [stream.read(min(size, MAX_BYTES) + 1)]
    total = len(chunks[0])
    while total <= MAX_BYTES and (chunk := stream.read(_CHUNK)):
        chunks.append(chunk)
        total += len(chunk)
    if total > MAX_BYTES:
        raise JobFileError(f"is larger than {MAX_BYTES // 1024**3} GiB", hint="split the list into several files")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def read_text(data: bytes) -> bytes:
    """The UTF-8 text in `data`, without a byte-order mark and without blanks before it.

    `data` may be packed by gzip (RFC 1952), once or twice, and may start with a byte-order mark of UTF-8 or UTF-16.

    Bytes that are not UTF-8 are left to whoever parses the text.

    Raises:
        JobFileError: nothing in it, not text, damaged, or more than MAX_BYTES or MAX_RATIO once unpacked.
    """
    for _ in range(_GZIP_LAYERS):
        if data.startswith(b"\x1f\x8b"):
            data = _unpack(data)
    for magic, name in _PACKED.items():
        if data.startswith(magic):
            raise JobFileError(f"is {name}, not a job list", hint="unpack it, or save the list again as JSON")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = _from_utf16(data)
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
    if data[:1].isspace():
        data = data.lstrip()
    if not data:
        raise JobFileError(EMPTY, hint="run the command again and check its output")
    if _CONTROL.search(data[:_HEAD]):
        raise JobFileError(
            "is not text: it contains control characters",
            hint="a job list is JSON or YAML in UTF-8, or in UTF-16 with a byte-order mark; it may be packed by gzip",
        )
    return data


def _unpack(data: bytes) -> bytes:
    packed, chunks, total = BytesIO(data), [], 0
    try:
        with gzip.GzipFile(fileobj=packed) as stream:
            while chunk := stream.read(_CHUNK):
                chunks.append(chunk)
                total += len(chunk)
                _check_unpacked(total, packed.tell())
    except EOFError:
        raise JobFileError("is cut off: its gzip data end early", hint="copy or download the file again") from None
    except (OSError, zlib.error) as error:
        raise JobFileError(f"is damaged gzip data: {error}", hint="copy or download the file again") from None
    return b"".join(chunks)


def _check_unpacked(unpacked: int, packed: int) -> None:
    """Refuse what would fill the memory: `unpacked` bytes so far, out of `packed`."""
    if unpacked > MAX_BYTES:
        raise JobFileError(f"is larger than {MAX_BYTES // 1024**3} GiB once unpacked", hint="split the list into several files")
    if unpacked > FREE_BYTES and unpacked > MAX_RATIO * packed:
        raise JobFileError(
            f"is packed more than {MAX_RATIO} to 1, unlike any job list: unpacking was stopped after {unpacked // 1024**2} MiB",
            hint="save the list again, or unpack the file yourself and check its content",
        )


def _from_utf16(data: bytes) -> bytes:
    try:
        return data.decode("utf-16").encode()
    except UnicodeDecodeError as error:
        raise JobFileError(
            f"is not valid UTF-16: {error.reason} at byte {error.start}", hint="the file was cut off, or two encodings were mixed in it"
        ) from None


def not_utf8(data: bytes) -> JobFileError:
    """The error for text that is not UTF-8, naming the first wrong byte."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return JobFileError(f"is not UTF-8: byte 0x{data[error.start]:02x} in line {line}", hint="convert the file to UTF-8, or save the list again")
    raise AssertionError("the text is UTF-8")  # a caller asked without cause: a bug


def refuse_foreign(text: str) -> None:
    """Refuse what is known to be no job list: other output formats of the AWS CLI, its error messages, web pages. `text` is the start of the file.

    Raises:
        JobFileError: it is one of those.
    """
    first = text.split("\n", 1)[0].rstrip()
    refuse_failure(text)
    if text.startswith("<"):
        raise JobFileError(
            "is an HTML or XML page, not a job list",
            hint="a proxy or login page might have answered instead of AWS; run the command again and check its output",
        )
    if _TABLE.match(text):
        raise JobFileError("is table output of the AWS CLI, which cannot be read back", hint=USE_JSON)
    if "\t" in first:
        raise JobFileError("is text output of the AWS CLI, whose columns vary and cannot be read back", hint=USE_JSON)


def refuse_failure(text: str) -> None:
    """Refuse an error message of the AWS CLI that stands at the start of a line.

    Raises:
        JobFileError: there is one.
    """
    found = _AWS_FAILURE.search(text)
    if found:
        line = truncate(clean_line(text[found.start() :].split("\n", 1)[0]), 200)
        raise JobFileError(
            f"contains an error message of the AWS CLI, not a complete list: {line}",
            hint="run the command again once the error is fixed, without sending stderr into the file",
        )
