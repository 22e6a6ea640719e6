"""Makes the pictures of the reports in docs/images again, from the sample organization at one time: `make pictures`.

A browser shows each report light and dark: the text as a terminal of 100 columns shows it, Markdown in GitHub's style, HTML as it is. Needs Chromium and npm.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from PIL import Image
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, DIMMED_MONOKAI, TerminalTheme
from rich.text import Text

from tests.slow.conftest import install_package

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
AS_OF = "2026-11-20T06:00:00Z"
POLICIES = ("aws-backup-baseline", "recovery-objectives")
COLUMNS, LINES = 100, 24
MOST_WIDTH = 1000
COLOURS = 128
MOST_BYTES = 150_000
PLAYWRIGHT = "playwright-core@1.65.1"
STYLE = "github-markdown-css@5.9.0"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Picture(NamedTuple):
    """A part of a page of a width: from an element on (a selector; without one, from the top), so many pixels high."""

    name: str
    page: str
    start: str
    width: int
    height: int


PICTURES = (
    Picture("text", "text.html", "", 872, 490),
    Picture("markdown", "markdown.html", "", 1000, 760),
    Picture("report", "report.html", "", 1000, 672),
    Picture("report-days", "report.html", "#days", 1250, 742),
)


def main() -> int:
    """Write every picture; 1 if one of them is larger than a picture of the documentation may be."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.stderr.write("Chromium is needed.\n")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pages(folder)
        task = {
            "playwright": str(install_package(PLAYWRIGHT) / "node_modules" / "playwright-core"),
            "browser": browser,
            "most_width": MOST_WIDTH,
            "folder": str(folder),
            "pictures": [{"page": str(folder / one.page), "name": one.name, "from": one.start, "width": one.width, "height": one.height} for one in PICTURES],
        }
        subprocess.run(["node", str(DOCS / "pictures.cjs")], input=json.dumps(task), text=True, check=True, timeout=300)
        made = sorted(folder.glob("*.png"))
        for picture in made:
            Image.open(picture).convert("RGB").quantize(COLOURS).save(IMAGES / picture.name, optimize=True)
    large = [picture.name for picture in made if (IMAGES / picture.name).stat().st_size > MOST_BYTES]
    sys.stdout.writelines(f"docs/images/{picture.name}: {(IMAGES / picture.name).stat().st_size // 1000} kB\n" for picture in made)
    return 1 if large else 0


def make_pages(folder: Path) -> None:
    """The reports of the sample organization, each as a page that a browser can show."""
    policycheck(folder, "demo", "--directory", "demo", "--as-of", AS_OF)
    outputs = ("text", "markdown=report.md", "html=report.html")
    text = policycheck(folder, "check", *POLICIES, "--jobs", "demo/jobs", "--as-of", AS_OF, *(part for output in outputs for part in ("--output", output)))
    (folder / "text.html").write_text(terminal(text), encoding="utf-8")
    (folder / "markdown.html").write_text(github((folder / "report.md").read_text(encoding="utf-8")), encoding="utf-8")


def policycheck(folder: Path, *arguments: str) -> str:
    """What a command, run in a folder, prints on a terminal with colours; it may find something."""
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    done = subprocess.run([sys.executable, "-m", "policycheck", *arguments], capture_output=True, text=True, check=False, env=environment, cwd=folder)
    if done.returncode not in {0, 1, 3}:
        raise RuntimeError(done.stderr)
    return done.stdout


def terminal(text: str) -> str:
    """The first lines, as a terminal shows them; dark where the reader's scheme is."""
    return _page(
        "pre { margin: 0; padding: 14px; font: 14px/1.35 'DejaVu Sans Mono', monospace; overflow: hidden; } .dark { display: none; } "
        "@media (prefers-color-scheme: dark) { .dark { display: block; } .light { display: none; } }",
        f'<div class="light">{_coloured(text, DEFAULT_TERMINAL_THEME)}</div><div class="dark">{_coloured(text, DIMMED_MONOKAI)}</div>',
    )


def _coloured(text: str, theme: TerminalTheme) -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_ansi("\n".join(text.split("\n")[:LINES])), soft_wrap=True)
    background = "#{:02x}{:02x}{:02x}".format(*theme.background_color)
    foreground = "#{:02x}{:02x}{:02x}".format(*theme.foreground_color)
    code = f'<pre style="background: {background}; color: {foreground}">{{code}}</pre>'
    return console.export_html(theme=theme, inline_styles=True, code_format=code)


def github(markdown: str) -> str:
    """Markdown with the tables and the style that GitHub gives it."""
    style = install_package(STYLE) / "node_modules" / "github-markdown-css" / "github-markdown.css"
    return _page(style.read_text(encoding="utf-8"), f'<article class="markdown-body" style="padding: 20px">{MarkdownIt("gfm-like").render(markdown)}</article>')


def _page(style: str, body: str) -> str:
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><style>body {{ margin: 0; }} {style}</style><body>{body}</body></html>'


if __name__ == "__main__":
    sys.exit(main())
