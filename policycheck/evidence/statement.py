"""The in-toto Statement of a bundle, and what an attestation of somebody else says of one.

The statement itself is made by `formats.in_toto`. Envelope: DSSE v1.0; Sigstore's bundle has one as `dsseEnvelope`. Signatures are not
checked here: that is what `gh attestation verify` and cosign are for.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any

from policycheck.errors import EvidenceError
from policycheck.evidence.manifest import Manifest
from policycheck.formats import in_toto
from policycheck.population import InputFile
from policycheck.result import Result
from policycheck.text import clean_line, truncate

_PAYLOAD_TYPE = "application/vnd.in-toto+json"

Json = dict[str, Any]  # documents are JSON: Any stands for their values


def make_statement(manifest: Manifest, result: Result) -> Json:
    """The statement about the lists of a run: what its rules came to. Its subjects are the lists, or the answers, as received."""
    return in_toto.make_statement([InputFile(held.file, held.sha256) for held in manifest.inputs], make_predicate(manifest, result))


def make_predicate(manifest: Manifest, result: Result) -> Json:
    """The predicate of the `in-toto` format, whose configuration is everything that the rules of the bundle were made of."""
    configuration = [{"name": held.name, "uri": held.file, "digest": {"sha256": held.sha256}} for held in manifest.configuration]
    url = manifest.surroundings.ci.url if manifest.surroundings.ci else ""
    return in_toto.make_predicate(result, url=url) | {"configuration": configuration}


def encode(document: Json) -> bytes:
    """As it stands in a bundle."""
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def attested_digests(content: bytes, place: str) -> set[str]:
    """The SHA-256 of every subject that an attestation names: a Sigstore bundle or a DSSE envelope, one or several, a line each.

    Raises:
        EvidenceError: it is none of these, or names no digest.
    """
    try:
        text = content.decode("utf-8-sig")
        try:
            documents = [json.loads(text)]
        except ValueError:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
        found = {digest for document in _each(documents) for digest in _subjects(document)}
    except (ValueError, RecursionError, binascii.Error) as error:
        raise EvidenceError(f"is not an attestation: {truncate(clean_line(str(error)), 120)}", hint=_HINT, place=place) from None
    if not found:
        raise EvidenceError("names no SHA-256 digest of a subject", hint=_HINT, place=place)
    return found


_HINT = "A Sigstore bundle or a DSSE envelope of an in-toto Statement, as `gh attestation download` saves it."


def _each(documents: Iterable[object]) -> Iterable[object]:
    for document in documents:
        yield from document if isinstance(document, list) else [document]


def _subjects(document: object) -> list[str]:
    if not isinstance(document, dict):
        raise ValueError("a JSON object is expected")
    # What GitHub's API answers has the bundle one level down.
    document = document.get("bundle", document)
    envelope = document.get("dsseEnvelope", document) if isinstance(document, dict) else None
    if not isinstance(envelope, dict) or "payload" not in envelope or not envelope.get("signatures"):
        raise ValueError("it has no signed envelope")
    if envelope.get("payloadType") != _PAYLOAD_TYPE:
        raise ValueError("its payload is not an in-toto Statement")
    statement: object = json.loads(base64.b64decode(str(envelope["payload"]), validate=True))
    if not isinstance(statement, dict) or not str(statement.get("_type", "")).startswith("https://in-toto.io/Statement/"):
        raise ValueError("its payload is not an in-toto Statement")
    subjects = statement.get("subject")
    if not isinstance(subjects, list) or not all(isinstance(subject, dict) for subject in subjects):
        raise ValueError("its Statement has no subjects")
    digests = (subject.get("digest") for subject in subjects)
    return [str(digest["sha256"]).lower() for digest in digests if isinstance(digest, dict) and "sha256" in digest]
