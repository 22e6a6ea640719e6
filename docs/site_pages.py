"""Fits the pages to the site: MkDocs calls this (`hooks` in mkdocs.yml).

The pages are written to be read on GitHub as well. There a link may lead to any file of the repository, a list may follow a line of text, and `<details>` holds
Markdown. Files outside this folder become pages under `repository/`, so that every link of the site leads to a page of it, and MkDocs can check it.
"""

from __future__ import annotations

import logging
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_LOG = logging.getLogger("mkdocs.hooks.site_pages")
TOP = Path(__file__).parents[1]
REPOSITORY = "repository"
"""Under which the site has the files of the repository that pages link to."""
_LANGUAGES = {".yml": "yaml", ".yaml": "yaml", ".json": "json", ".tf": "terraform", ".py": "python", ".txt": "text"}
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
_MEDIA = re.compile(r'(?<=\bsrc=")(?![a-z]+:)([^"]+)|(?<=\bsrcset=")(?![a-z]+:)([^"]+)')
_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
_CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)")
_ITEM = re.compile(r" *(?:[-*]|\d+\.) ")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file outside this folder that a page, or such a file itself, links to."""
    waiting = [f"docs/{file.src_uri}" for file in files.documentation_pages()]
    seen = set(waiting)
    while waiting:
        source = waiting.pop()
        if not source.endswith(".md"):
            continue
        for target in _targets(source):
            if target in seen or target.startswith("docs/"):
                continue
            seen.add(target)
            if (TOP / target).is_file():
                files.append(File.generated(config, _site_path(target), content=_page(target)))
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page as Python-Markdown needs it; links that led out of this folder lead to the pages of `on_files`."""
    source = _repository_path(page.file.src_uri)
    if source is None or not source.endswith(".md"):
        return markdown

    def link(found: re.Match[str]) -> str:
        target = _site_path(_resolve(source, found[1]))
        return posixpath.relpath(target, posixpath.dirname(page.file.src_uri) or ".")

    def media(found: re.Match[str]) -> str:
        file = files.get_file_from_path(_site_path(_resolve(source, found[0])))
        if not file:
            # MkDocs itself does not look at the addresses in HTML.
            _LOG.warning("%s: there is no picture %s", page.file.src_uri, found[0])
            return found[0]
        return file.url_relative_to(page.file)

    parts = _FENCE.split(markdown)
    # Every other part is a fenced block.
    parts[::2] = [_MEDIA.sub(media, _LINK.sub(link, _tables(_lists(part)))).replace("<details>", '<details markdown="1">') for part in parts[::2]]
    return "".join(parts)


def _tables(text: str) -> str:
    """Tables as Python-Markdown knows them: a pipe in code ends no cell, and its backslash would be shown."""
    return _ROW.sub(lambda row: _CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0]), text)


def _lists(text: str) -> str:
    """Lists as Python-Markdown knows them: after an empty line, and nested by four spaces."""
    lines: list[str] = []
    for line in text.split("\n"):
        if _ITEM.match(line):
            begins = lines and lines[-1].strip() and not _is_in_list(lines)
            lines += [""] * bool(begins)
        lines.append(re.sub(r"^ {2,3}(?=\S)", " " * 4, line) if _ITEM.match(line) else line)
    return "\n".join(lines)


def _is_in_list(lines: list[str]) -> bool:
    """Whether the paragraph that the lines end in is an item of a list."""
    for line in reversed(lines):
        if not line.strip():
            return False
        if _ITEM.match(line):
            return True
    return False


def _targets(source: str) -> Iterator[str]:
    prose = _FENCE.sub("", (TOP / source).read_text(encoding="utf-8"))
    for link in _LINK.findall(prose):
        yield _resolve(source, link)


def _resolve(source: str, link: str) -> str:
    """The file a link leads to, from the top of the repository."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))


def _site_path(target: str) -> str:
    """Where the site has a file of the repository."""
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    return f"{REPOSITORY}/{target}" if target.endswith(".md") else f"{REPOSITORY}/{target}.md"


def _repository_path(source: str) -> str | None:
    """The file of the repository that a page of the site shows; None where it is shown as code."""
    if not source.startswith(f"{REPOSITORY}/"):
        return f"docs/{source}"
    path = source.removeprefix(f"{REPOSITORY}/")
    return path if (TOP / path).is_file() else None


def _page(target: str) -> str:
    text = (TOP / target).read_text(encoding="utf-8")
    if target.endswith(".md"):
        return text
    language = _LANGUAGES.get(posixpath.splitext(target)[1], "text")
    return f"# {target}\n\n````{language}\n{text}````\n"
