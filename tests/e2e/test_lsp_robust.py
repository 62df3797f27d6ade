"""A little of every hardship, over real pipes; tests/bench/robust.py does all of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import StartServer
from tests.e2e.hardships import bad_endpoint, cancelled_requests, edited_documents, mutated_messages
from tests.fakes.bad_endpoint import FAULTS, BadEndpoint


@pytest.fixture
def endpoint() -> Iterator[BadEndpoint]:
    with BadEndpoint() as server:
        yield server


def test_messages_that_are_nearly_right_and_requests_that_are_taken_back(
    start_server: StartServer, shop: Path, endpoint: BadEndpoint
) -> None:
    client = start_server(OPENAI_BASE_URL=endpoint.url)
    client.initialize(shop)
    uri = (shop / "bank.py").as_uri()
    assert mutated_messages(client, uri, 300)["requests"] > 50
    assert cancelled_requests(client, uri, 100)["requests"] == 100
    assert endpoint.wait_until_left() == 0
    assert client.shutdown() == 0
    assert "Traceback" not in client.stderr


def test_many_documents_are_edited_by_turns(start_server: StartServer, shop: Path) -> None:
    client = start_server(KIBITZ_EDIT_BUDGET_TOKENS="200000")
    client.initialize(shop)
    assert edited_documents(client, shop, 20, 10)["edits"] == 200
    assert client.shutdown() == 0


def test_an_endpoint_that_fails_in_every_way(start_server: StartServer, shop: Path, endpoint: BadEndpoint) -> None:
    client = start_server(OPENAI_BASE_URL=endpoint.url)
    client.initialize(shop)
    counted = bad_endpoint(client, (shop / "bank.py").as_uri(), endpoint, 6)
    assert counted.keys() == set(FAULTS)
    assert client.shutdown() == 0
    assert "Traceback" not in client.stderr
