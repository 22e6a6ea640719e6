"""The data folders that travel with the package: `templates` and `policies`.

In a wheel they are inside the package, under `_data`; in a checkout or an editable install they stand at the repository's top, beside it.
"""

from __future__ import annotations

from pathlib import Path

from policycheck.errors import PolicycheckError

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """The folder `name` (`templates` or `policies`) of this installation.

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
