"""Every format with text that tries to be something else, read by a reader of its own kind: the text is data, and the document is built as with harmless text.

A format without a reader here fails. A reader says how the document is built (`Structure`), and asserts what its kind of reader must never meet.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from lxml import etree

from policycheck.formats.cleaning import cleaned
from policycheck.formats.interface import Options, clean_result
from policycheck.formats.json_reading import load_result
from policycheck.formats.registry import FORMATS
from policycheck.job_records import SavedJob
from policycheck.result import Result, Verdict
from policycheck.text import clean, clean_line
from tests.formats import runner_commands
from tests.formats import test_exchange as exchange
from tests.formats.results import compared, make_coverage, make_finding, make_result, make_rule
from tests.formats.test_gitlab import SCHEMA as GITLAB_SCHEMA
from tests.formats.test_markdown import GFM, OURS, outside_code
from tests.hostile import CORPUS, poisoned
from tests.tables import each

Structure = list[str]
SGR = re.compile(r"\x1b\[[0-9;]*m")
GITLAB = jsonschema.validators.validator_for(GITLAB_SCHEMA)(GITLAB_SCHEMA)
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def result(text: str) -> Result:
    """A run of every verdict, held against a baseline, with this text in every string."""
    return poisoned(compared(), text)


def options(poisoned_result: Result, *, color: bool = False) -> Options:
    lines = {(clean(rule.location.path), rule.location.line): f"  - {rule.sentence}" for rule in poisoned_result.rules}
    return Options(verbose=True, show_passed=True, source_lines=lines, color=color)


@cache
def rendered(name: str, text: str) -> str:
    made = result(text)
    return FORMATS[name].render(made, options(made))


# Readers


def read_text(document: str) -> Structure:
    """A terminal: characters that only show themselves. What stands at the left edge is ours."""
    hidden = {character for character in document if unicodedata.category(character) in INVISIBLE and character != "\n"}
    assert hidden == set()
    return [re.split(r"[\[ ]", line)[0] for line in document.split("\n") if not line.startswith(" ")]


def read_json(document: str) -> Structure:
    assert document.isascii()
    value = json.loads(document, parse_constant=pytest.fail)
    return list(json_paths(value))


def json_paths(value: object, path: str = "$") -> Iterator[str]:
    """The place and kind of every leaf. Mappings whose keys are somebody's text have only their size."""
    if isinstance(value, dict):
        if path.endswith((".controls", ".jobs.*", ".account_names")):
            yield f"{path}: {len(value)}"
            return
        if path == "$.jobs":
            # Named by ids, which are somebody's text.
            for job in value.values():
                yield from json_paths(job, "$.jobs.*")
            return
        for key, item in value.items():
            yield from json_paths(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from json_paths(item, f"{path}[]")
    else:
        yield f"{path}: {type(value).__name__}"


def read_sarif(document: str) -> Structure:
    for text in messages(json.loads(document)["runs"]):
        assert text.strip()
        assert not re.search(r"(?<!\\)\[[^\]]*\]\(", text), "an embedded link"
        assert not re.search(r"\{\d+\}", text), "a placeholder"
    for uri in re.findall(r'"uri": "([^"]*)"', document):
        assert re.fullmatch(r"(?!/)[A-Za-z0-9_.~%/-]+", uri)
        assert ".." not in uri.split("/")
    # A rule's link is shown where it is one, and its tags are few, and each once.
    return [path for path in read_json(document) if not re.search(r"\.(helpUri|tags\[\]): ", path)]


def messages(value: object) -> Iterator[str]:
    """Every text that SARIF readers look for links and placeholders in."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "text" and isinstance(item, str):
                yield item
            else:
                yield from messages(item)
    elif isinstance(value, list):
        for item in value:
            yield from messages(item)


def read_gitlab(document: str) -> Structure:
    GITLAB.validate(json.loads(document))
    return read_json(document)


def read_junit(document: str) -> Structure:
    root = etree.fromstring(document.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    assert not list(root.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity))
    assert root.getroottree().docinfo.internalDTD is None
    for element in root.iter("failure", "error", "skipped"):
        assert element.get("message", "").strip()
        assert (element.text or "").strip()
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)
    return [f"{element.tag} {sorted(map(str, element.attrib))}" for element in root.iter()]


def read_markdown(document: str) -> Structure:
    shown = GFM.render(document)
    tags = re.findall(r"</?([a-z0-9]+)[ >]", shown)
    assert set(tags) <= OURS
    assert not re.search(r"@[a-z]|https?:|www\.|&lt;|#\d|`", outside_code(shown))
    assert len(document.encode()) <= 1_048_576
    return tags


class TagReader(HTMLParser):
    """A browser's view of tags and attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        pytest.fail(f"an instruction: {data}")


HTML_TAGS = set(
    "html head meta title style body header h1 h2 h3 p strong span b nav a main section table caption thead tbody tr th td br details summary ul li code small "
    "figure figcaption div svg g path".split()
)
HTML_ATTRIBUTES = set(
    "lang charset http-equiv content name class aria-hidden aria-label href rel id scope colspan rowspan open tabindex role focusable "
    "preserveaspectratio width height viewbox fill stroke stroke-width stroke-miterlimit transform d display".split()
)


def read_html(document: str) -> Structure:
    """Only our own tags, attributes and links; nothing is fetched and nothing runs."""
    reader = TagReader()
    reader.feed(document)
    reader.close()
    assert {tag for tag, _ in reader.tags} <= HTML_TAGS
    assert {name for _, attributes in reader.tags for name in attributes} <= HTML_ATTRIBUTES
    # Where a text is no link, or a picture has other numbers, the rest is as it was.
    links = [attributes["href"] or "" for tag, attributes in reader.tags if tag == "a"]
    assert all(re.fullmatch(r"#[a-z0-9-]+|https?://[^\s\"'<>`]+", link) for link in links)
    hidden = {character for character in document if unicodedata.category(character) in INVISIBLE and character != "\n"}
    assert hidden == set()
    return [f"{tag} {sorted(attributes)}" for tag, attributes in reader.tags if tag not in {"a", "path"}]


def read_github(document: str) -> Structure:
    found = [(line, runner_commands.parse(line, registered=runner_commands.REGISTERED)) for line in document.removesuffix("\n").split("\n")]
    structure = []
    for line, command in found:
        assert command is not None, line
        assert runner_commands.lines(line) == [line]
        assert "##[" not in line
        assert len(command.data.encode("utf-16-le")) // 2 <= 4096
        assert command.data.strip()
        assert len(command.properties["title"]) <= 255
        assert "file" not in command.properties or not command.properties["file"].startswith(("/", "../"))
        structure.append(f"{command.name} {sorted(command.properties)} {command.properties.get('line')}")
    return structure


def read_csv(document: str) -> Structure:
    assert document.endswith("\r\n")
    assert "\n" not in document.replace("\r\n", "")
    rows = list(csv.reader(StringIO(document, newline=""), strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}
    cells = [text for row in rows for text in row]
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in cells)
    assert all(text == clean_line(text) for text in cells)
    return [",".join("." if text else "" for text in row) for row in rows]


def read_ocsf(document: str) -> Structure:
    # Whether such events fit the schema is asked in test_exchange.py.
    return [line for event in document.splitlines() for line in read_json(event)]


def read_oscal(document: str) -> Structure:
    exchange.read_oscal(document)
    return read_json(document)


def read_in_toto(document: str) -> Structure:
    exchange.read_in_toto(document)
    return read_json(document)


READERS: Mapping[str, Callable[[str], Structure]] = {
    "text": read_text,
    "json": read_json,
    "junit": read_junit,
    "sarif": read_sarif,
    "markdown": read_markdown,
    "comment": read_markdown,
    "html": read_html,
    "github": read_github,
    "gitlab": read_gitlab,
    "csv": read_csv,
    "ocsf": read_ocsf,
    "oscal": read_oscal,
    "in-toto": read_in_toto,
}
COMMANDS = {"github"}
"""The formats that are meant to speak to a runner."""


@cache
def structure(name: str, text: str) -> Structure:
    """How the document is built that holds this text; it has what its reader asserts."""
    return READERS[name](rendered(name, text))


@cache
def companions(text: str) -> list[Structure]:
    """How the files beside a report are built that hold this text."""
    made = clean_result(result(text))
    return [read_csv("".join(write(made, Options()))) for write in FORMATS["csv"].companions.values()]


def test_every_format_has_a_reader() -> None:
    assert set(READERS) == set(FORMATS)


def strings(value: object) -> Iterator[str]:
    """Every string in a value that is no word of our own."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*strings(key), *strings(item))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from strings(item)
    elif is_dataclass(value):
        for member in fields(value):
            yield from strings(getattr(value, member.name))
    elif isinstance(value, str) and not isinstance(value, Enum):
        yield value


def test_the_corpus_stands_in_every_string_of_a_result() -> None:
    found = list(strings(result("POISON")))
    assert len(found) == len(list(strings(compared()))) > 100
    assert all(text.startswith("POISON") for text in found)


@each("text", CORPUS)
@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_changes_nothing_but_text(name: str, text: str) -> None:
    """Whatever the text, the document is built as it is with a harmless one."""
    if name == "comment" and len(CORPUS[text]) > 1000:
        # Less of it fits into a comment.
        return
    harmless = "x" if clean_line(CORPUS[text]) else CORPUS[text][:1]
    assert structure(name, CORPUS[text]) == structure(name, harmless)


@each("text", CORPUS)
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_printed_is_no_command_and_reads_the_same(name: str, text: str) -> None:
    document = rendered(name, CORPUS[text])
    printed = FORMATS[name].printed(document)
    if name in COMMANDS:
        assert printed == document
        return
    assert runner_commands.commands(printed) == []
    assert not re.search(r"##[a-z]*\[", printed, re.IGNORECASE)
    if printed == document:
        return
    assert READERS[name](printed) == structure(name, CORPUS[text])
    kind = FORMATS[name].media_type
    if kind.endswith("jsonl"):
        assert list(map(json.loads, printed.splitlines())) == list(map(json.loads, document.splitlines()))
    elif kind.endswith("json"):
        assert json.loads(printed) == json.loads(document)
    elif kind.endswith("xml"):
        assert etree.tostring(etree.fromstring(printed.encode()), method="c14n") == etree.tostring(etree.fromstring(document.encode()), method="c14n")


@each("text", CORPUS)
def test_hostile_text_changes_nothing_in_files_beside_a_report(text: str) -> None:
    assert companions(CORPUS[text]) == companions("x" if clean_line(CORPUS[text]) else CORPUS[text][:1])


@each("text", CORPUS)
def test_colour_is_the_only_escape_code_of_a_terminal_report(text: str) -> None:
    made = result(CORPUS[text])
    colored = FORMATS["text"].render(made, options(made, color=True))
    assert SGR.sub("", colored) == rendered("text", CORPUS[text])
    assert runner_commands.commands(SGR.sub("", colored)) == []


@each("text", CORPUS)
def test_a_saved_result_holds_the_cleaned_text_and_is_read_back(text: str) -> None:
    made = result(CORPUS[text])
    assert load_result(rendered("json", CORPUS[text]).encode()) == cleaned(made)


@pytest.mark.parametrize("xsd", ["junit-windyroad.xsd", "junit-jenkins-10.xsd"])
def test_junit_of_any_text_fits_the_published_schemas(xsd: str, schemas: Callable[[str], Path]) -> None:
    schema = etree.XMLSchema(etree.parse(str(schemas(xsd))))
    for text in CORPUS.values():
        made = result(text)
        document = etree.fromstring(FORMATS["junit"].render(made, Options(junit_strict=True)).encode())
        schema.assertValid(document)


@pytest.mark.parametrize("published", ["sarif-2.1.0-oasis.json", "sarif-2.1.0-codeql-action.json"])
def test_sarif_of_any_text_fits_the_published_schemas(published: str, schemas: Callable[[str], Path]) -> None:
    schema = json.loads(schemas(published).read_bytes())
    validator = jsonschema.validators.validator_for(schema)(schema)
    for text in CORPUS.values():
        assert [error.message for error in validator.iter_errors(json.loads(rendered("sarif", text)))] == []


def test_a_megabyte_of_text_floods_no_report() -> None:
    text = "x" * 1_000_000
    finding = make_finding(subject=text, message=text, cause=text, jobs=(text,), account=text, region=text, evidence=(SavedJob("j", {"StatusMessage": text}),))
    coverage = make_coverage(source=text, reason=text, complete=False)
    made = make_result(make_rule(verdict=Verdict.FAIL, findings=(finding,), reason=text), coverage=(coverage,), not_seen=(text,))
    sizes = {name: len(entry.render(made)) for name, entry in FORMATS.items()}
    assert sizes.pop("json") > 7_000_000, "the full result is full"
    assert {name: size for name, size in sizes.items() if size > 60_000} == {}
