from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.providers.pages import next_page


@pytest.mark.parametrize(
    ("body", "path", "following"),
    [
        ({"models": [], "nextPageToken": "t=1&x"}, "/models?pageSize=5", "/models?pageSize=5&pageToken=t%3D1%26x"),
        ({"models": [], "nextPageToken": ""}, "/models", None),
        ({"models": [], "next_page_token": "n"}, "/v1/models?page_token=m", "/v1/models?page_token=n"),
        ({"data": [], "has_more": True, "last_id": "b"}, "/models?after_id=a", "/models?after_id=b"),
        ({"data": [], "has_more": False, "last_id": "b"}, "/models", None),
        ({"result": [], "result_info": {"page": 1, "total_pages": 3}}, "/s?per_page=9", "/s?per_page=9&page=2"),
        ({"result": [], "result_info": {"page": 3, "total_pages": 3}}, "/s?page=3", None),
        ({"modelSummaries": [], "nextToken": "n"}, "https://b.example/x?y=1", "https://b.example/x?y=1&nextToken=n"),
        ({"resources": [], "next": {"href": "https://evil.example/v?start=9"}}, "/v?limit=2", "/v?start=9"),
        ({"data": [], "links": {"next": "/api/v1/models?offset=10"}}, "/models", "/models?offset=10"),
        ({"data": [], "links": {"next": None}}, "/models", None),
        ({"data": []}, "/models", None),
        ([], "/models", None),
    ],
)  # fmt: skip
def test_the_next_page_is_found_in_every_way_in_which_providers_tell_it(
    body: Any, path: str, following: str | None
) -> None:
    assert next_page(json.dumps(body).encode(), path) == following


@given(st.binary())
def test_no_body_breaks_it(body: bytes) -> None:
    next_page(body, "/models")


def test_a_key_is_never_taken_to_a_host_that_a_list_names() -> None:
    body = json.dumps({"next": {"href": "https://evil.example/steal?start=1"}}).encode()
    assert next_page(body, "https://good.example/models") == "https://good.example/models?start=1"
