"""Paging and its tokens against botocore's own paginator: the same items, the same token, whatever the pages and options are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from botocore.paginate import Paginator
from hypothesis import given, settings
from hypothesis import strategies as st

from policycheck.errors import UsageError
from policycheck.listing.paging import Pager
from policycheck.listing.tokens import Position, decode, encode, encode_cut
from policycheck.sources.pages import Answer

CONFIG = {"input_token": "NextToken", "output_token": "NextToken", "limit_key": "MaxResults", "result_key": "Jobs"}
FEW = settings(max_examples=25)
PAGES = st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=5)


def answers(pages: Sequence[list[int]], asked: Mapping[str, Any]) -> Iterator[Answer]:
    start = int(str(asked.get("NextToken", "t0")).removeprefix("t"))
    for number in range(start, len(pages)):
        yield Answer(list(pages[number]), f"t{number + 1}" if number + 1 < len(pages) else None, b"", None, "", "")


def ours(pages: Sequence[list[int]], token: str | None, max_items: int | None) -> tuple[list[int], str | None]:
    pager = Pager("NextToken", "MaxResults", start=Position() if token is None else decode(token, "NextToken"), max_items=max_items)
    return [job for page in pager.pages(lambda asked: answers(pages, asked)) for job in page.records], pager.resume


def theirs(pages: Sequence[list[int]], token: str | None, max_items: int | None) -> tuple[list[int], str | None]:
    def call(**asked: Any) -> dict[str, Any]:
        answer = next(answers(pages, asked))
        return {"Jobs": answer.records, **({"NextToken": answer.token} if answer.token else {})}

    paginator = Paginator(call, CONFIG, None)
    found = paginator.paginate(PaginationConfig={"MaxItems": max_items, "StartingToken": token}).build_full_result()
    return found.get("Jobs", []), found.get("NextToken")


@FEW
@given(PAGES, st.none() | st.integers(0, 12))
def test_the_same_items_and_the_same_token(pages: list[list[int]], max_items: int | None) -> None:
    assert ours(pages, None, max_items) == theirs(pages, None, max_items)


@FEW
@given(PAGES, st.integers(1, 5))
def test_going_on_from_each_token_gives_the_whole_list_in_either_tool(pages: list[list[int]], max_items: int) -> None:
    whole = [job for page in pages for job in page]
    for tools in ((ours, ours), (ours, theirs), (theirs, ours)):
        found, token, turn = list[int](), None, 0
        while True:
            jobs, token = tools[turn % 2](pages, token, max_items)
            found += jobs
            turn += 1
            if token is None:
                break
        assert found == whole


@FEW
@given(PAGES, st.integers(0, 4))
def test_a_failure_leaves_the_token_of_the_page_that_failed(pages: list[list[int]], good: int) -> None:
    def failing(asked: Mapping[str, Any]) -> Iterator[Answer]:
        for number, answer in enumerate(answers(pages, asked)):
            if number == good:
                raise ConnectionError
            yield answer

    pager, found = Pager("NextToken", "MaxResults"), list[int]()
    try:
        for page in pager.pages(failing):
            found += page.records
    except ConnectionError:
        assert (pager.resume is None) == (good == 0)
        found += ours(pages, pager.resume, None)[0]
    assert found == [job for page in pages for job in page]


def test_one_page_has_the_service_s_own_token() -> None:
    pager = Pager("NextToken", "MaxResults", paginate=False)
    assert [page.records for page in pager.pages(lambda asked: answers([[1], [2]], asked))] == [[1]]
    assert pager.resume == "t1"


@FEW
@given(st.text("abNone_={}日", min_size=1, max_size=8), st.integers(0, 99))
def test_tokens_are_read_as_they_were_written(token: str, skip: int) -> None:
    position = Position(None if token == "None" else token, skip)
    assert decode(encode(position, "NextToken"), "NextToken") == position
    assert decode(encode_cut(position, "NextToken"), "NextToken") == position


@pytest.mark.parametrize(
    ("text", "position"),
    [("opaque token", Position("opaque token")), ("abc___3", Position("abc", 3)), ("None___2", Position(None, 2)), ("a___b", Position("a___b"))],
)
def test_tokens_of_the_service_and_of_old_clients_are_read(text: str, position: Position) -> None:
    assert decode(text, "NextToken") == position


@pytest.mark.parametrize("content", ['{"Marker": "x"}', '{"NextToken": 3}', '{"NextToken": "x", "boto_truncate_amount": -1}', '{"NextToken": "x", "more": 1}'])
def test_a_token_of_another_list_is_rejected(content: str) -> None:
    import base64

    with pytest.raises(UsageError, match="not a token of this list"):
        decode(base64.b64encode(content.encode()).decode(), "NextToken")
