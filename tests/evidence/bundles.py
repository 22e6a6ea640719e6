"""Bundles for tests: made by the command line, taken apart, changed, put together again, and checked by the script alone."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policycheck.evidence.manifest import MANIFEST, SUMS, sums_of
from policycheck.evidence.packing import pack

Files = dict[str, bytes]
AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
POLICY = """\
policy: p
params: {age: 26h}
rules:
  - {id: none-failed, rule: no FAILED jobs within 24h, severity: high}
  - {id: newest, rule: 'every resource must have a clean job within ${age}'}
  - {id: share, rule: at least 50% of jobs must be COMPLETED within 3d}
  - {id: roles, rule: IAM role must contain backup}
"""


def unpacked(path: Path) -> Files:
    """The files of a bundle."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    """A bundle of these files, packed as policycheck packs them."""
    stream = io.BytesIO()
    pack(stream, files.items(), AS_OF)
    path.write_bytes(stream.getvalue())
    return path


def with_sums(files: Mapping[str, bytes]) -> Files:
    """The files with SHA256SUMS as they need it."""
    rest = {name: content for name, content in files.items() if name != SUMS}
    return {**rest, SUMS: sums_of([(name, hashlib.sha256(content).hexdigest()) for name, content in rest.items()])}


def forged(before: Mapping[str, bytes], files: Mapping[str, bytes]) -> Files:
    """The files with every digest of a file that was changed replaced wherever it stands, and SHA256SUMS as they need it."""
    digests = {hashlib.sha256(before[name]).hexdigest(): hashlib.sha256(files[name]).hexdigest() for name in files if name in before}
    sizes = {name: len(content) for name, content in files.items()}
    made = dict(files)
    for name in (*(name for name in made if name in ("result.json", "report.html") or name.endswith(".csv")), "statement.json", "predicate.json", MANIFEST):
        text = made.get(name, b"").decode(errors="replace")
        for old, new in digests.items():
            text = text.replace(old, new)
        made[name] = text.encode()
    try:
        manifest = json.loads(made[MANIFEST])
    except ValueError:
        return with_sums(made)
    _correct_sizes(manifest, sizes)
    made[MANIFEST] = (json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    return with_sums(made)


def _correct_sizes(value: Any, sizes: Mapping[str, int]) -> None:
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _correct_sizes(item, sizes)
    if isinstance(value, dict) and value.get("file") in sizes and "size" in value:
        value["size"] = sizes[value["file"]]


def unpack_into(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The files in a folder, as unzip puts them there."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def run_script(folder: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """`python3 reperform.py` in an unpacked bundle: by a Python that sees neither policycheck nor anything else that is installed."""
    return subprocess.run([python, "-I", "-S", "-B", str(folder / "reperform.py")], cwd=folder, capture_output=True, text=True, check=False)
