"""Files of control matrices: what is read, and what every mistake is called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policycheck.control_matrix import MatrixControl
from policycheck.errors import PolicyError
from policycheck.policy.control_matrices import load_matrices
from tests.tables import each
from tests.test_project import ROOT

ROW = "{id: A, title: x}"


def load(folder: Path, text: str | bytes, name: str = "m.yaml") -> list[MatrixControl]:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return [control for matrix in load_matrices([(folder / name, name)]) for control in matrix.controls]


def test_yaml_and_csv_say_the_same(tmp_path: Path) -> None:
    yaml = "framework: acme\ncontrols:\n  - {id: 1.10, title: 'a, b', must_show: c, rules: [p/r, s], beyond: d, automatable: no}\n"
    csv = '\ufeffframework,id,Title,must_show,rules,beyond,automatable\r\nacme,1.10,"a, b",c,p/r; s,d,False\r\n\r\n'
    wanted = [MatrixControl("1.10", "a, b", "c", "d", automatable=False, rules=("p/r", "s"))]
    assert load(tmp_path, yaml) == load(tmp_path, csv, "m.csv") == wanted


def test_a_csv_file_has_several_frameworks_and_knows_the_shipped_titles(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("framework,id,title\nacme,A,x\nsoc2,A1.2,y\nacme,B,z\n", encoding="utf-8")
    acme, soc2 = load_matrices([(tmp_path / "m.csv", "m.csv")])
    assert (acme.framework, acme.title, [control.id for control in acme.controls]) == ("acme", "acme", ["A", "B"])
    assert (soc2.title, soc2.path, len(soc2.sha256)) == ("SOC 2", "m.csv", 64)


def test_the_example_of_the_documentation_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(framework: .*?)^```$", page, re.MULTILINE | re.DOTALL)
    controls = load(tmp_path, block)
    assert [control.automatable for control in controls] == [True, True, False]
    policy, _, rule = controls[0].rules[0].partition("/")
    assert f"id: {rule}\n" in (ROOT / "policies" / f"{policy}.yaml").read_text(encoding="utf-8")


@each(
    ("name", "text", "said"),
    [
        ("m.yaml", "", "m.yaml:1:1: the file is empty"),
        ("m.yaml", "framework: acme\n", "m.yaml:1:1: the key controls is missing"),
        ("m.yaml", "framework: acme\ncontrols: []\n", "controls is empty"),
        ("m.yaml", "framework: a b\ncontrols: [{id: A, title: x}]\n", "m.yaml:1:12: a b is not a name of letters"),
        ("m.yaml", "framework: acme\ncontrols:\n  - {id: A, titel: x}\n", "there is no key titel here"),
        ("m.yaml", f"framework: acme\ncontrols: [{ROW}, {ROW}]\n", "m.yaml:2:32: the control A appears twice"),
        ("m.yaml", "framework: acme\ncontrols: [{id: A, title: x, automatable: maybe}]\n", "automatable is true or false, not maybe"),
        ("m.csv", "", "m.csv:1:1: the file is empty"),
        ("m.csv", "framework,id,title\n", "m.csv:1:1: the matrix has no control"),
        ("m.csv", "framework,id\nacme,A\n", "m.csv:1:1: the column title is missing"),
        ("m.csv", "framework,id,title,Owner\nacme,A,x,me\n", "m.csv:1:1: there is no column owner"),
        ("m.csv", "framework,id,title,id\nacme,A,x,B\n", "the column id appears twice"),
        ("m.csv", "framework,id,title\nacme,A,x,y\n", "m.csv:2:1: the row has 4 cells, and there are 3 columns"),
        ("m.csv", "framework,id,title\nacme,,x\n", "m.csv:2:1: id is empty"),
        ("m.csv", "framework,id,title\nacme,A,x\nacme,A,y\n", "m.csv:3:1: the control A appears twice"),
        ("m.csv", "framework,id,title,automatable\nacme,A,x,maybe\n", "m.csv:2:1: automatable is true or false, not maybe"),
        ("m.csv", 'framework,id,title\nacme,A,"x\n', "not CSV"),
        ("m.csv", "framework,id,title\nacme,A,\x1b[2J\n".encode("utf-16"), "not UTF-8 text"),
    ],
)
def test_a_mistake_is_told_with_its_place(name: str, text: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as raised:
        load(tmp_path, text, name)
    told = [f"{one.location.path}:{one.location.line}:{one.location.column}: {one.message}" for one in raised.value.diagnostics]
    assert any(said in line for line in told), told


def test_a_framework_has_one_matrix_and_all_mistakes_are_told(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(f"framework: acme\ncontrols: [{ROW}]\n", encoding="utf-8")
    paths = [(tmp_path / name, name) for name in ("a.yaml", "b.yaml", "gone.yaml")]
    with pytest.raises(PolicyError) as raised:
        load_matrices(paths)
    assert [one.message for one in raised.value.diagnostics] == [
        "the framework acme has a matrix in a.yaml, too",
        "cannot read the file: No such file or directory",
    ]


def test_what_a_matrix_says_is_cleaned(tmp_path: Path) -> None:
    (control,) = load(tmp_path, 'framework,id,title,must_show\nacme,A,\x1b[2Jred,"a\n\u202e b"\n', "m.csv")
    assert (control.title.isprintable(), control.must_show.isprintable()) == (True, True)
