"""YAML as text with positions: nothing is resolved, everything knows where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.errors import Location, PolicyError
from policycheck.policy.document import MAX_BYTES, MAX_NODES, Entries, Items, Node, Text, parse_document, read_document
from tests.policy.policies import as_yaml
from tests.properties import examples


def entries(node: Node | None) -> Entries:
    assert isinstance(node, Entries)
    return node


def text(node: Node | None) -> Text:
    assert isinstance(node, Text)
    return node


def span(location: Location) -> tuple[int, int, int, int]:
    return location.line, location.column, location.end_line, location.end_column


def test_every_node_knows_its_place() -> None:
    document = parse_document("policy: prod\nrules:\n  - id: first\n    tags: [a, 'b c']\n", "policy.yaml")
    root = entries(document.root)
    assert span(root.entries["policy"][0].location) == (1, 1, 1, 7)
    assert span(text(root.get("policy")).location) == (1, 9, 1, 13)
    rules = root.get("rules")
    assert isinstance(rules, Items)
    tags = entries(rules.items[0]).get("tags")
    assert isinstance(tags, Items)
    assert span(tags.location) == (4, 11, 4, 21)
    assert [span(item.location) for item in tags.items] == [(4, 12, 4, 13), (4, 15, 4, 20)]
    assert document.line(4) == "    tags: [a, 'b c']"
    assert document.line(0) == document.line(6) == ""


@pytest.mark.parametrize(
    "written", ["012345678901", "11.10", "true", "yes", "on", "~", "null", "0x1F", "1e3", "2026-13-01", "2026-11-20", "1:30", ".inf", "1_000", "="]
)
def test_scalars_stay_what_was_written(written: str) -> None:
    assert text(entries(parse_document(f"a: {written}", "p").root).get("a")).text == written


@pytest.mark.parametrize(
    ("written", "value", "verbatim"),
    [
        ("plain text", "plain text", True), ("'it''s'", "it's", False), (r'"a\tb\u00e9"', "a\tbé", False),
        ("|\n  a\n  b\n", "a\nb\n", False), (">-\n  a\n  b\n", "a b", False),
        ("one\n  two", "one two", False), ("''", "", False), ("'012'", "012", False),
    ],
)  # fmt: skip
def test_quotes_and_blocks(written: str, value: str, verbatim: bool) -> None:
    node = text(entries(parse_document(f"a: {written}", "p").root).get("a"))
    assert (node.text, node.verbatim) == (value, verbatim)


@pytest.mark.parametrize("quote", ["'", '"'])
@given(value=st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=20))
def test_every_character_of_a_quoted_scalar_has_its_column(quote: str, value: str) -> None:
    body = value.replace("'", "''") if quote == "'" else value.replace("\\", "\\\\").replace('"', '\\"')
    line = f"a: {quote}{body}{quote}"
    node = text(entries(parse_document(line, "p").root).get("a"))
    assert node.text == value
    for offset, character in enumerate(value):
        written = line[node.column(offset) - 1 :]
        assert written.startswith((character, f"\\{character}"))
    assert node.column(len(value)) == len(line)


def test_lines_are_counted_as_yaml_counts_them() -> None:
    document = parse_document('a: "x\u2028y\u0085z"\r\nb: 1\rc: 2\n', "p")
    root = entries(document.root)
    for key in ("b", "c"):
        place = root.entries[key][0].location
        assert document.line(place.line)[place.column - 1] == key


def test_merge_keys_give_way_to_explicit_ones_and_to_earlier_ones() -> None:
    written = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\nd: {'<<': *a}\n"
    root = entries(parse_document(written, "p").root)
    assert {key: text(value).text for key, (_, value) in entries(root.get("c")).entries.items()} == {"x": "1", "y": "1", "z": "3"}
    assert list(entries(root.get("d")).entries) == ["<<"]


def test_an_alias_is_the_node_it_names() -> None:
    root = entries(parse_document("a: &a [x]\nb: *a\n", "p").root)
    assert root.get("a") == root.get("b")


def test_byte_order_mark_within_a_line_does_no_harm() -> None:
    node = text(entries(parse_document("\ufeff\ufeffa: 'b c'\n", "p").root).entries["\ufeffa"][1])
    assert node.text == "b c"
    assert node.column(0) >= 1


def test_every_duplicate_key_is_noted() -> None:
    document = parse_document("a: 1\na: 2\nb: {c: 1, c: 2}\n", "p")
    assert [(diagnostic.location.line, diagnostic.message) for diagnostic in document.diagnostics] == [
        (3, "the key c appears twice; first on line 3"),
        (2, "the key a appears twice; first on line 1"),
    ]


def refusal(written: str) -> str:
    with pytest.raises(PolicyError) as caught:
        parse_document(written, "policy.yaml")
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.message


def test_depth_is_bounded() -> None:
    assert parse_document("[" * 50 + "a" + "]" * 50, "p")
    assert refusal("[" * 51 + "]" * 51) == "nested deeper than 50 levels"


def test_depth_is_bounded_where_aliases_add_up() -> None:
    # Twenty anchors of forty levels each would nest eight hundred deep.
    lines = [f"a0: &a0 {'[' * 40}x{']' * 40}"] + [f"a{number}: &a{number} {'[' * 40}*a{number - 1}{']' * 40}" for number in range(1, 20)]
    assert refusal("\n".join(lines)) == "nested deeper than 50 levels once aliases are resolved"


def test_nodes_are_bounded() -> None:
    assert parse_document(f"[{', '.join('a' * (MAX_NODES - 1))}]", "p")
    assert refusal(f"[{', '.join('a' * MAX_NODES)}]") == "more than 10,000 values once aliases are resolved"


def test_nodes_of_aliases_count() -> None:
    assert refusal(f"a: &a [{', '.join('x' * 100)}]\nb: [{', '.join(['*a'] * 100)}]\n") == "more than 10,000 values once aliases are resolved"


def test_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"#" * (MAX_BYTES - 9) + b"\npolicy: a")
    with pytest.raises(PolicyError, match="1 error"):
        read_document(path, "policy.yaml")
    path.write_bytes(b"#" * (MAX_BYTES - 10) + b"\npolicy: a")
    assert read_document(path, "policy.yaml").root


def test_huge_file_is_refused_without_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "jobs.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("the file was read"))
    with pytest.raises(PolicyError) as caught:
        read_document(path, "jobs.json")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == "the file is 100,000,000 bytes; a policy has at most 1,000,000"
    assert diagnostic.hint == "Is this a job list? Name it with --jobs."


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        read_document(tmp_path / name, name)
    assert caught.value.diagnostics[0].message.startswith("cannot read the file: ")


def test_one_file_does_not_change_how_the_next_is_read() -> None:
    assert refusal("%YAML 1.1\n---\non: 1\n") == "a % directive is not allowed in a policy"
    assert list(entries(parse_document("on: off\n", "p").root).entries) == ["on"]


def test_one_place_is_one_mistake() -> None:
    document = parse_document("a: 1\n", "p")
    place = document.root.location
    document.report(place, "the first said")
    document.report(place, "what follows from it")
    assert [diagnostic.message for diagnostic in document.diagnostics] == ["the first said"]


trees = st.recursive(
    st.text(max_size=10), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3), max_leaves=10
)


@examples(trees, few=18, many=500)
def test_escaped_flow_style_reads_back(tree: object) -> None:
    def unpack(node: Node) -> object:
        match node:
            case Text(text=value):
                return value
            case Items(items=items):
                return [unpack(item) for item in items]
            case Entries(entries=pairs):
                return {key: unpack(value) for key, (_, value) in pairs.items()}

    assert unpack(parse_document(as_yaml(tree), "p").root) == tree
