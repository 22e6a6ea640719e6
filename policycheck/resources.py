"""The data folders that travel with the package: `templates`, `policies` and, of `examples`, the pipelines in `ci`.

In a wheel they are inside the package, under `_data`; in a checkout or an editable install they stand at the repository's top, beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from policycheck.errors import PolicycheckError

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """The folder `name` (`templates`, `policies` or `examples`) of this installation.

    Raises:
        PolicycheckError: the installation lacks it.
    """
    installed = _PACKAGE / "_data" / name
    if installed.is_dir():
        return installed
    top = _PACKAGE.parent
    # Without the project file, `top` is site-packages, and a folder of that name there is someone else's.
    if (top / "pyproject.toml").is_file() and (top / name).is_dir():
        return top / name
    raise PolicycheckError(f"this installation of policycheck lacks its folder {name!r}", hint="install policycheck again", place=str(installed))


def open_templates(printable: Callable[[object], object], *, autoescape: bool) -> Environment:
    """The templates of this installation.

    Args:
        printable: Jinja's last step before a value is printed; raises what the document must not hold.
        autoescape: whether what is printed is escaped as HTML.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 45 ms that only templates need

    return Environment(
        loader=FileSystemLoader(data_folder("templates")),
        autoescape=autoescape,
        undefined=StrictUndefined,
        finalize=printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
