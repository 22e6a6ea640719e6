"""Check what wheels and sdists say of themselves, as an index does: every field is valid, and the long description is Markdown with text in it."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

from packaging.metadata import Metadata


def read(path: Path) -> bytes:
    """The metadata file of a wheel or an sdist."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")))
    with tarfile.open(path) as sdist:
        member = sdist.extractfile(f"{path.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert member is not None
        return member.read()


def main(paths: list[str]) -> int:
    """Print one line a file that is wrong; 1 if there is any."""
    wrong = 0
    for path in paths:
        try:
            metadata = Metadata.from_email(read(Path(path)), validate=True)
            if metadata.description_content_type != "text/markdown" or not (metadata.description or "").strip():
                raise ValueError("the long description is not Markdown, or is empty")
        except Exception as error:  # whatever is wrong with it, an index would not take it
            details = getattr(error, "exceptions", [error])
            print(f"{path}: {'; '.join(map(str, details))}", file=sys.stderr)
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
