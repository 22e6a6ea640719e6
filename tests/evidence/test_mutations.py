"""Changed bundles: whoever changes one is noticed, and `verify` and the script alone agree on what the job lists come to."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from policycheck.evidence import reperform
from policycheck.evidence.verification import verify
from tests.evidence.bundles import Files, packed, unpack_into, unpacked
from tests.evidence.mutations import NONE, Mutation, mutate
from tests.evidence.test_bundle import Make, fetched, folder, make  # noqa: F401 - fixtures
from tests.sources.conftest import no_aws  # noqa: F401 - a fixture


def read_by_script(name: str) -> bool:
    """Whether the script reads the file itself; of a list in YAML it has the records in its input."""
    return name == "result.json" or (name.startswith(("lists/", "raw/")) and not name.endswith(".yaml"))


def script(unpacked_bundle: Path) -> int:
    """What `python3 reperform.py` exits with there."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return reperform.main([], unpacked_bundle)


def check(before: Files, mutation: Mutation, digest: str, place: Path) -> str:
    """Hold what both say of a changed bundle against what they must say; what happened, in a word."""
    path = packed(place / "changed.zip", mutation.files)
    told = mutation.told
    # Whatever was changed, and however well: it is not the bundle with that digest.
    assert (verify(path, digest=digest).exit_code == 3) is (mutation.files != before), told
    found = verify(path)
    by_script = script(unpack_into(place / "unpacked", mutation.files))
    if mutation.files == before:
        assert (found.exit_code, by_script) == (0, 0), told
        return "nothing"
    if mutation.corrected == NONE:
        assert (found.exit_code, by_script) == (3, 3), told
        return "hashes"
    # What the script notices verify does; and what verify says that the script comes to, it comes to.
    assert by_script == 0 or found.exit_code != 0, told
    if not found.damage:
        assert found.script_agrees is (by_script == 0), told
    if read_by_script(mutation.file) and by_script != 3:
        # Of the same records both come to the same verdicts, counts and findings; or one cannot read them, and the other has something to say as well.
        assert found.verdicts_agree is (by_script == 0) or (by_script == 2 and found.exit_code != 0), told
    return "noticed" if found.exit_code else "agrees with itself"


def run(before: Files, count: int, seed: int, tmp_path: Path) -> Counter[str]:
    chance, counts = Random(seed), Counter[str]()
    digest = f"sha256:{verify(packed(tmp_path / 'before.zip', before)).sha256}"
    for number in range(count):
        place = tmp_path / str(number)
        place.mkdir()
        counts[check(before, mutate(before, chance), digest, place)] += 1
    return counts


def test_changed_bundles_are_noticed_and_both_agree(make: Make, tmp_path: Path) -> None:  # noqa: F811
    bundle = unpacked(make("--waivers", "waivers.yaml", jobs=("monday.json", "tuesday.yaml")))
    counts = run(bundle, 30, 0, tmp_path)
    assert {"hashes", "noticed"} <= counts.keys()


@pytest.mark.slow
def test_hundreds_of_changed_bundles_of_saved_lists_are_noticed_and_both_agree(make: Make, tmp_path: Path) -> None:  # noqa: F811
    given = ["listed.yaml", "--inventory", "prod=prod.csv", "--waivers", "waivers.yaml"]
    counts = run(unpacked(make(*given, jobs=("monday.json", "tuesday.yaml", "lines", "described"))), 600, 1, tmp_path)
    assert {"hashes", "noticed", "agrees with itself"} <= counts.keys()


@pytest.mark.slow
def test_hundreds_of_changed_bundles_of_fetched_lists_are_noticed_and_both_agree(fetched: Path, tmp_path: Path) -> None:  # noqa: F811
    counts = run(unpacked(fetched), 400, 2, tmp_path)
    assert {"hashes", "noticed", "agrees with itself"} <= counts.keys()
