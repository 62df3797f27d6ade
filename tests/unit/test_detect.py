"""Finding endpoints: what the environment names, and what really answers on this machine."""

import asyncio
import socket
import subprocess
import sys

import pytest

from kibitz.server.errors import ConfigError
from kibitz.server.llm.detect import LOCAL_SERVERS, Found, LocalServer, Probe, detect
from kibitz.server.llm.endpoint import Endpoint, is_loopback
from tests.fakes.openai_server import FakeOpenAI, Reply


def at(port: int) -> tuple[LocalServer, ...]:
    return (LocalServer("ollama", "Ollama", port),)


def unused_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def test_a_local_server_is_found_with_its_models() -> None:
    with FakeOpenAI(models=("llama3.2", "qwen2.5-coder:1.5b")) as server:
        found, probes = await detect({}, servers=at(server.port))
    source = f"found on 127.0.0.1:{server.port} (Ollama)"
    endpoint = Endpoint(server.url, None, "ollama")
    assert found == [Found(endpoint, ("llama3.2", "qwen2.5-coder:1.5b"), source)]
    assert probes[1:] == [Probe(f"127.0.0.1:{server.port} (Ollama)", server.url, True, "2 models")]


async def test_nothing_there_is_nothing_found() -> None:
    found, probes = await detect({}, servers=at(unused_port()))
    assert found == []
    assert [(probe.ok, probe.detail) for probe in probes] == [
        (False, "not set"),
        (False, "nothing listens there"),
    ]


NOT_THIS_API = ["<html>It works!</html>", "[]", '{"data": 3}', '{"data": [{"name": "x"}]}', '{"data": [3]}', "{}"]


@pytest.mark.parametrize("body", NOT_THIS_API)
async def test_some_other_web_server_is_not_taken_for_a_model(body: str) -> None:
    with FakeOpenAI([Reply(at="models", body=body)]) as server:
        found, probes = await detect({}, servers=at(server.port))
    assert found == []
    assert probes[1].detail == "something answers (HTTP 200), but not as an OpenAI-compatible endpoint"


async def test_a_server_without_models_is_found_empty() -> None:
    with FakeOpenAI([Reply(at="models", body='{"object": "list", "data": null}')]) as server:
        found, probes = await detect({}, servers=at(server.port))
    assert found[0].models == ()
    assert probes[1].detail == "0 models"


async def test_the_list_of_models_tells_who_answers() -> None:
    body = '{"object": "list", "data": [{"id": "m", "owned_by": "llamacpp"}]}'
    with FakeOpenAI([Reply(at="models", body=body)]) as server:
        found, _ = await detect({"OPENAI_BASE_URL": server.url}, loopback=False)
    assert found[0].endpoint.kind == "llama.cpp"


async def test_a_server_that_wants_a_key_is_not_used_but_explained() -> None:
    with FakeOpenAI(api_key="k") as server:
        found, probes = await detect({}, servers=at(server.port))
    assert found == []
    assert probes[1].detail == "it wants a key: set OPENAI_BASE_URL and OPENAI_API_KEY"


async def test_a_silent_server_is_left_after_its_time() -> None:
    silent = Reply(at="models", body="{}", delay_s=600)
    with FakeOpenAI([silent] * 4) as server:
        found, probes = await detect({}, timeout_s=0.05, servers=at(server.port) * 4)
        assert await asyncio.to_thread(server.wait_until, "cancelled", count=len(server.requests))
    assert found == []
    assert {probe.detail for probe in probes[1:]} == {"no answer within 0.05 s"}


async def test_all_servers_are_asked_at_the_same_time() -> None:
    all_here = asyncio.Barrier(3)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await all_here.wait()
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"data": []}')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        found, _ = await detect({}, timeout_s=30, servers=at(port) * 3)
    assert len(found) == 3


async def test_a_key_is_never_sent_to_a_server_that_was_only_found() -> None:
    with FakeOpenAI() as server:
        await detect({"OPENAI_API_KEY": "sk-secret"}, servers=at(server.port))
    assert [request.has_key for request in server.requests] == [False]


async def test_a_key_alone_names_no_endpoint() -> None:
    found, probes = await detect({"OPENAI_API_KEY": " sk-secret\n"}, loopback=False)
    assert found == []
    assert probes == [Probe("OPENAI_BASE_URL", "", False, "not set")]


async def test_a_key_that_is_none_is_not_called_a_wrong_address() -> None:
    with pytest.raises(ConfigError) as caught:
        await detect({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "sk\nx"}, loopback=False)
    assert str(caught.value).startswith("The API key holds characters that no key has")


async def test_the_endpoint_of_the_environment_comes_first_and_gets_the_key() -> None:
    with FakeOpenAI(api_key="k", models=("mine",)) as named, FakeOpenAI() as local:
        environ = {"OPENAI_BASE_URL": named.url, "OPENAI_API_KEY": "k"}
        found, _ = await detect(environ, servers=at(local.port))
    assert [f.source for f in found] == ["OPENAI_BASE_URL", f"found on 127.0.0.1:{local.port} (Ollama)"]
    assert found[0].models == ("mine",)
    assert found[0].endpoint.api_key == "k"


async def test_a_named_endpoint_is_kept_even_when_it_does_not_answer_now() -> None:
    url = f"http://127.0.0.1:{unused_port()}/v1"
    found, probes = await detect({"OPENAI_BASE_URL": url}, loopback=False)
    assert found == [Found(Endpoint(url), (), "OPENAI_BASE_URL")]
    assert (probes[0].ok, probes[0].detail) == (False, "nothing listens there")


async def test_a_named_local_server_is_not_asked_twice() -> None:
    with FakeOpenAI() as server:
        found, _ = await detect({"OPENAI_BASE_URL": f"http://localhost:{server.port}"}, servers=at(server.port))
    assert len(found) == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize("url", ["api.openai.com", "ftp://x/v1", "http://", "http://host:port/v1", "http://[::1/v1"])
async def test_a_base_url_that_is_none_is_a_sentence(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^An endpoint's base URL looks like"):
        await detect({"OPENAI_BASE_URL": url}, loopback=False)


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"),
        (" https://gateway.example/openai/v1/ ", "https://gateway.example/openai/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
    ],
)
def test_a_base_url_is_spelled_one_way(url: str, used: str) -> None:
    endpoint = Endpoint(url)
    assert endpoint.base_url == endpoint.shown == used


def test_a_key_with_a_line_end_is_refused_without_being_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint("http://127.0.0.1:1", "sk-secret\nHost: evil")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("127.evil.example", False), ("10.0.0.1", False)],
)
def test_loopback_is_this_machine_only(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def test_the_usual_ports_are_known() -> None:
    assert {server.title: server.port for server in LOCAL_SERVERS} == {
        "Ollama": 11434,
        "llama.cpp": 8080,
        "LM Studio": 1234,
        "vLLM": 8000,
    }


def test_detecting_does_not_import_openai() -> None:
    code = (
        "import asyncio, sys; from kibitz.server.llm.detect import detect;"
        "asyncio.run(detect({}, servers=())); sys.exit('openai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


LISTED = (
    '{"object": "list", "data": [{"id": "a", "max_model_len": 4096}, {"id": "b", "max_model_len": true}, {"id": "c"}]}'
)


async def test_an_endpoint_may_tell_its_models_contexts() -> None:
    with FakeOpenAI([Reply(at="models", body=LISTED)]) as server:
        found, _ = await detect({}, servers=at(server.port))
    assert found[0].contexts == {"a": 4096}


LLAMA = '{"data": [{"id": "a", "owned_by": "llamacpp", "max_model_len": 99}]}'


@pytest.mark.parametrize(
    ("props", "contexts"),
    [
        (Reply(at="props", body='{"default_generation_settings": {"n_ctx": 8192}}'), {"a": 8192}),
        (Reply(at="props", body='{"default_generation_settings": null}'), {"a": 99}),
        (Reply(at="props", body="<html>"), {"a": 99}),
        (Reply(at="props", status=501), {"a": 99}),
    ],
)
async def test_llama_cpp_is_asked_what_it_was_started_with(props: Reply, contexts: dict[str, int]) -> None:
    with FakeOpenAI([Reply(at="models", body=LLAMA), props]) as server:
        found, probes = await detect({}, servers=at(server.port))
    assert found[0].contexts == contexts
    assert probes[1].ok
