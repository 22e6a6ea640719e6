"""The pages of the documentation: links that lead somewhere, an index that leaves nothing out, and commands that print what is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import generate
from policycheck.cli.app import build_app
from policycheck.policy.load import load_policies
from policycheck.testing import schema
from tests.tables import each
from tests.test_readme import TOP, execute, matches

DOCS = TOP / "docs"
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
NAMES = [page.relative_to(TOP).as_posix() for page in PAGES]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
OPTIONS_TOLD = {page: set(re.findall(r"(?<![\w-])--[\w-]+", text)) for page, text in TEXTS.items()}
WALKED = [
    "docs/README.md", "docs/testing.md", "docs/waivers.md", "docs/inventories.md", "docs/audit.md", "docs/baseline.md", "docs/start-ci.md", "docs/groups.md",
]  # fmt: skip
"""Pages whose blocks are followed in order: files are written, commands run. (The README's are run by tests/test_readme.py.)"""


def prose(text: str) -> str:
    """The page without what stands in code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    return [link for link in re.findall(r"\]\(<?([^)>\s]+)>?\)", prose(text)) if not re.match(r"[a-z]+:", link)]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them: letters, digits, `_` and `-` stay, spaces become `-`."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each("name", NAMES)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(name: str) -> None:
    page = TOP / name
    broken = []
    for link in links(TEXTS[page]):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    assert broken == []


def test_every_page_is_reachable_from_the_index() -> None:
    index = DOCS / "README.md"
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in links(TEXTS[index])}
    assert [page.name for page in PAGES if page.parent == DOCS and page != index and page not in linked] == []


def test_the_readme_leads_to_the_index() -> None:
    assert "docs/README.md" in links(TEXTS[TOP / "README.md"])


def test_every_recipe_is_in_the_index_of_the_cookbook() -> None:
    page = TEXTS[DOCS / "cookbook.md"]
    before = page.partition("\n## ")[0]
    recipes = anchors("\n".join(re.findall(r"^### .+$", page, re.MULTILINE)))
    assert recipes == {link.removeprefix("#") for link in links(before) if link.startswith("#")}


@each("command", [str(command.name) for command in build_app().registered_commands])
def test_every_command_is_explained_in_words(command: str) -> None:
    told = [page for page, text in TEXTS.items() if page.name != "command-line.md" and f"policycheck {command}" in text]
    assert told, f"no page but the generated one speaks of policycheck {command}"
    assert f"## policycheck {command}" in TEXTS[DOCS / "command-line.md"]


OPTIONS = sorted(set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", TEXTS[DOCS / "command-line.md"], re.MULTILINE)) - {"--help"})


@each("option", OPTIONS)
def test_every_option_is_explained_in_words(option: str) -> None:
    pages = [page.name for page, options in OPTIONS_TOLD.items() if page.name != "command-line.md" and option in options]
    assert pages, f"no page but the generated one speaks of {option}"


def test_the_reference_is_what_the_code_says() -> None:
    assert generate.reference() == TEXTS[DOCS / "reference.md"]


def test_the_reference_has_every_table() -> None:
    marks = set(re.findall(r"<!-- ([\w ]+): generated -->", TEXTS[DOCS / "reference.md"]))
    assert marks == {"sentences", "words", "quoted words", "operators", "measures", "groups", *(f"keys of {name}" for name in generate._MODELS)}
    # One table serves both: it says what a test under `tests` may not have.
    assert set(schema.TestEntry.model_fields) == set(schema.TestsEntry.model_fields) - {"policy", "tests"}


def test_every_sentence_of_the_tests_has_a_form() -> None:
    page = TEXTS[DOCS / "reference.md"]
    assert all(f"### {title}\n" in page for title in generate._FORMS.values())
    assert page.count("| `") > 100


def walk(text: str) -> Iterator[tuple[str, str]]:
    """(name, content) of each file a page shows, told by the name in code before a colon; ("$", session) of each console block. In order."""
    before = 0
    for block in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        lead = re.search(r"`([\w./-]+\.\w+)`:\s*\Z", text[before : block.start()])
        before = block.end()
        if block[1] == "console":
            yield "$", block[2]
        elif lead:
            yield lead[1], block[2]


@pytest.mark.parametrize("name", WALKED)
def test_the_commands_of_a_page_print_what_it_shows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("examples", "policies"):
        (tmp_path / folder).symlink_to(TOP / folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    code = ran = 0
    for file, content in walk(TEXTS[TOP / name]):
        if file != "$":
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(content, encoding="utf-8")
            continue
        for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            if command == "echo $?":
                assert shown.strip() == str(code)
                continue
            code, printed = execute(command)
            assert matches(shown, printed), f"$ {command}\n{printed}"
            ran += 1
    assert ran >= 2


def test_every_sentence_of_the_page_on_groups_is_one(tmp_path: Path) -> None:
    codes = re.findall(r"`([^`]+)`", prose(TEXTS[DOCS / "groups.md"]))
    sentences = [code for code in codes if re.search(r" (must|may|per) ", code) and not code.endswith("...")]
    path = tmp_path / "groups.yaml"
    path.write_text("policy: groups\nrules:\n" + "".join(f"  - {{id: r{number}, rule: '{text}'}}\n" for number, text in enumerate(sentences)), encoding="utf-8")
    (policy,) = load_policies([(path, path.name)], {})
    assert len(policy.rules) == len(sentences) > 20


@each("name", NAMES)
def test_every_whole_policy_of_a_page_loads(name: str, tmp_path: Path) -> None:
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```$", TEXTS[TOP / name], re.MULTILINE | re.DOTALL)):
        if re.match(r"(#.*\n)?policy: [\w.-]+ *(#.*)?\n", block) and "\nrules:" in block:
            path = tmp_path / f"{number}.yaml"
            path.write_text(block, encoding="utf-8")
            load_policies([(path, path.name)], {})
