"""The documentation as a site: it shows what GitHub shows of the same pages, asks no other host for anything, and can be searched.

`POLICYCHECK_SITE_PICTURES=FOLDER` keeps pictures of some pages, on a phone and a desk, light and dark, to be looked at.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from lxml import html
from markdown_it import MarkdownIt

from tests.slow.conftest import install_package
from tests.slow.test_html_report import BROWSERS, PLAYWRIGHT
from tests.test_project import ROOT

DOCS = ROOT / "docs"
COUNTED = ("li", "table", "tr", "pre", "h2", "h3", "strong", "details", "code[not(parent::pre)]", "a[@href]")
LOADED = ("//script/@src", "//link[@rel!='canonical' and @rel!='next' and @rel!='prev']/@href", "//img/@src", "//source/@srcset", "//iframe/@src")
ADDRESSES = ("", "start-ci/", "reference/", "comparison/")
WIDTHS = (390, 1280)

pytestmark = pytest.mark.slow


def build(folder: Path, configuration: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(configuration), "--site-dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def base(site: Path) -> Iterator[str]:
    """The address of the site, served on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def article(site: Path, page: Path) -> html.HtmlElement:
    """What the site shows of a page, without what its theme adds."""
    name = page.relative_to(DOCS)
    folder = name.parent if name.name == "README.md" else name.with_suffix("")
    (found,) = html.parse(str(site / folder / "index.html")).xpath("//article")
    for added in found.xpath(".//a[contains(@class, 'headerlink')] | .//script | .//style"):
        added.drop_tree()
    return found


def count(element: html.HtmlElement, path: str) -> int:
    found = element.xpath(f".//{path}")
    assert isinstance(found, list)
    return len(found)


def text(element: html.HtmlElement) -> str:
    return re.sub(r"\s+", "", element.text_content())


def test_the_site_shows_what_github_shows(site: Path) -> None:
    markdown = MarkdownIt("gfm-like")
    differ = []
    for page in sorted(DOCS.rglob("*.md")):
        expected, shown = html.fromstring(f"<div>{markdown.render(page.read_text(encoding='utf-8'))}</div>"), article(site, page)
        differ += [f"{page.name}: {what}" for what in COUNTED if count(expected, what) != count(shown, what)]
        differ += [f"{page.name}: text"] * (text(expected) != text(shown))
    assert differ == []


def test_no_page_names_another_host_for_what_it_loads(site: Path) -> None:
    elsewhere = set()
    for page in site.rglob("*.html"):
        tree = html.parse(str(page))
        elsewhere |= {str(address) for path in LOADED for address in tree.xpath(path) if re.match(r"(\w+:)?//", str(address))}
    for sheet in site.rglob("*.css"):
        elsewhere |= set(re.findall(r"(?:url\(|@import )[\"']?((?:https?:)?//[^\"')]+)", sheet.read_text(encoding="utf-8")))
    assert elsewhere == set()


@pytest.mark.parametrize("link", ["nowhere.md", "rules.md#nowhere", "../nowhere.txt", "/rules.md"])
def test_a_link_that_leads_nowhere_fails_the_build(link: str, tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy2(ROOT / "mkdocs.yml", tmp_path)
    with (tmp_path / "docs" / "README.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[a link]({link})\n")
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "examples", "policies", "action"):
        (tmp_path / name).symlink_to(ROOT / name)
    done = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert done.returncode != 0
    assert link.rpartition("/")[2] in done.stderr


def test_pages_fit_ask_no_other_host_and_can_be_searched(base: str) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser, "Chromium is needed; .ci/run installs it"
    task = {
        "playwright": str(install_package(PLAYWRIGHT) / "node_modules" / "playwright-core"),
        "browser": browser, "base": base, "addresses": ADDRESSES, "widths": WIDTHS, "words": "recovered",
        "pictures": os.environ.get("POLICYCHECK_SITE_PICTURES"),
    }  # fmt: skip
    command = ["node", str(Path(__file__).with_name("site.cjs"))]
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {address for address in told["requests"] if not address.startswith((base, "data:", "blob:"))} == set()
    assert told["messages"] == []
    assert [page for page in told["pages"] if page["overflow"] > 0] == []
    assert told["found"]["address"].startswith(base)
