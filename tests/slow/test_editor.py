"""The JSON Schema in an editor: the language server of VS Code's YAML extension, spoken to as an editor does, shows mistakes and offers what is known."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.slow.conftest import Npm
from tests.test_project import ROOT

SCHEMA = (ROOT / "docs" / "policy.schema.json").as_uri()
MODELINE = f"# yaml-language-server: $schema={SCHEMA}\n"
GOOD = "policy: p\nrules:\n  - id: no-failed\n    rule: no FAILED jobs within 24h\n    severity: high\n"
ERROR = 1

pytestmark = pytest.mark.slow


class Editor:
    """One session with a language server over its standard streams."""

    def __init__(self, program: Path, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._server = subprocess.Popen([program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._number = 0
        capabilities = {"textDocument": {"publishDiagnostics": {}}, "workspace": {"configuration": True}}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._send({"method": "initialized", "params": {}})

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """The diagnostics of a document of that name."""
        uri = f"file:///{name}"
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}}})
        while True:
            message = self._receive()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                diagnostics: list[dict[str, Any]] = message["params"]["diagnostics"]
                return diagnostics

    def ask(self, method: str, parameters: dict[str, Any] | None = None) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, **({"params": parameters} if parameters is not None else {})})
        while True:
            message = self._receive()
            if message.get("id") == self._number and "method" not in message:
                return message["result"]

    def close(self) -> None:
        try:
            self.ask("shutdown")
            self._send({"method": "exit"})
            self._server.wait(10)
        finally:
            self._server.kill()
            self._server.communicate()

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._server.stdin
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._server.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """The next message; what the server asks of an editor is answered on the way."""
        assert self._server.stdout
        length = 0
        while header := self._server.stdout.readline().strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the language server has ended"
        message: dict[str, Any] = json.loads(self._server.stdout.read(length))
        if "id" in message and "method" in message:
            asked = message["params"]["items"] if message["method"] == "workspace/configuration" else None
            self._send({"id": message["id"], "result": asked and [self._settings if item.get("section") == "yaml" else {} for item in asked]})
        return message


@pytest.fixture(scope="module")
def editor(npm: Npm) -> Iterator[Editor]:
    # Without the schema store, nothing is fetched. The second way of docs/editors.md: a schema for the files of a folder.
    settings = {"validate": True, "completion": True, "schemaStore": {"enable": False}, "schemas": {SCHEMA: ["**/policies/*.yaml"]}}
    session = Editor(npm("yaml-language-server@2.0.0", "yaml-language-server"), settings)
    yield session
    session.close()


def test_a_good_policy_has_no_diagnostics(editor: Editor) -> None:
    assert editor.open("good.yaml", MODELINE + GOOD) == []


@pytest.mark.parametrize(
    ("wrong", "right", "line", "said"),
    [
        ("severty: high", "severity: high", 5, "severty"),
        ("severity: hihg", "severity: high", 5, "high"),
        ("ruel: no", "rule: no", 4, "ruel"),
        ("polciy: p", "policy: p", 1, "polciy"),
    ],
)
def test_a_mistake_is_shown_at_its_line(editor: Editor, wrong: str, right: str, line: int, said: str) -> None:
    diagnostics = editor.open(f"{wrong.split(':', maxsplit=1)[0]}-{line}.yaml", MODELINE + GOOD.replace(right, wrong))
    shown = [(entry["range"]["start"]["line"], entry["message"]) for entry in diagnostics if entry["severity"] == ERROR]
    assert any(at == line and said in message for at, message in shown), shown


def test_files_of_a_folder_are_checked_by_the_settings_alone(editor: Editor) -> None:
    assert editor.open("home/policies/good.yaml", GOOD) == []
    assert [entry["range"]["start"]["line"] for entry in editor.open("home/policies/bad.yaml", GOOD.replace("severity", "severty"))] == [4]
    assert editor.open("home/elsewhere/bad.yaml", GOOD.replace("severity", "severty")) == []


def test_severities_are_offered(editor: Editor) -> None:
    editor.open("offer.yaml", MODELINE + GOOD.replace("severity: high", "severity: "))
    position = {"textDocument": {"uri": "file:///offer.yaml"}, "position": {"line": 5, "character": len("    severity: ")}}
    offered = editor.ask("textDocument/completion", position)
    items = offered["items"] if isinstance(offered, dict) else offered
    assert {"critical", "high", "medium", "low", "info"} <= {item["label"] for item in items}
