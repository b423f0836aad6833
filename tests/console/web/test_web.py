"""`qd web` as a process, with a real client on real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pyte
import pytest

from console.web.session import MOST_COLUMNS
from tests.console.world import World

DEADLINE = 20.0


class Served(NamedTuple):
    """A server that runs: its process, address and token."""

    process: subprocess.Popen[str]
    base: str
    token: str

    @property
    def port(self) -> str:
        return self.base.rpartition(":")[2]


def serve(workspace: Path, *options: str) -> Served:
    argv = [sys.executable, "-m", "console", "--workspace", str(workspace), "web", *options]
    environ = {**os.environ, "HOME": str(workspace), "XDG_STATE_HOME": "", "XDG_CONFIG_HOME": ""}
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    assert process.stdout is not None
    found = re.search(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", process.stdout.readline())
    assert found is not None
    return Served(process, found[1], found[2])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = World(tmp_path_factory.mktemp("web"))
    world.run("oak")
    world.close()
    running = serve(world.workspace.path, "--readonly")
    yield running
    running.process.send_signal(signal.SIGTERM)
    with running.process as process:
        said, complained = process.communicate(timeout=DEADLINE)
    # asyncio's own remark on a console that was ended while its page was being closed
    complaints = [line for line in complained.splitlines() if not line.startswith("Unknown child process pid")]
    assert complaints == []
    assert process.returncode == 0
    assert running.token not in said


@pytest.fixture
async def browser(served: Served) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser that has opened the address and been given its cookie."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.get(f"{served.base}/?token={served.token}") as answer:
            assert answer.status == 200
            assert answer.url.query_string == ""
        yield client


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


async def until_gone(pid: int) -> None:
    ended = os.pidfd_open(pid)  # readable when the process has ended
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(ended, gone.set)
    async with asyncio.timeout(DEADLINE):
        await gone.wait()
    asyncio.get_running_loop().remove_reader(ended)
    os.close(ended)


class Page:
    """A page's end of the socket, and what its terminal shows."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self.socket = socket
        self.screen = pyte.Screen(100, 30)
        self._stream = pyte.ByteStream(self.screen)
        self.output = b""

    async def until(self, text: str) -> None:
        async with asyncio.timeout(DEADLINE):
            while not any(text in line for line in self.screen.display):
                message = await self.socket.receive()
                assert message.type is aiohttp.WSMsgType.BINARY, message
                self.output += message.data
                self._stream.feed(message.data)

    async def say(self, *message: object) -> None:
        await self.socket.send_str(json.dumps(message))


def connect(client: aiohttp.ClientSession, served: Served, **headers: str) -> aiohttp.client._WSRequestContextManager:
    given = {"Origin": served.base, **headers}
    return client.ws_connect(f"{served.base}/ws?width=100&height=30", headers=given)


async def test_a_console_is_drawn_takes_keys_and_sizes_and_ends_with_its_page(
    served: Served, browser: aiohttp.ClientSession
) -> None:
    async with connect(browser, served) as socket:
        page = Page(socket)
        await page.until("READ-ONLY")
        (child,) = children(served.process.pid)
        await page.say("stdin", ":runs\r")
        await page.until("oak")
        await page.say("stdin", "\x1a")  # there is no shell to stop to
        await page.say("blur")
        await page.say("focus")
        await page.say("resize", {"width": 10**9, "height": -5})
        await page.say("resize", {"width": 90, "height": 24})
        await page.say("ping", 7)
        async with asyncio.timeout(DEADLINE):
            while (message := await socket.receive()).type is not aiohttp.WSMsgType.TEXT:
                page.output += message.data
        assert json.loads(message.data) == ["pong", 7]
        assert b"?1003h" not in page.output
        assert MOST_COLUMNS < 10**9
    await until_gone(child)


async def test_leaving_the_console_ends_the_page(served: Served, browser: aiohttp.ClientSession) -> None:
    async with connect(browser, served) as socket:
        page = Page(socket)
        await page.until("pulse")
        await page.say("stdin", "q")
        async with asyncio.timeout(DEADLINE):
            while (await socket.receive()).type is aiohttp.WSMsgType.BINARY:
                continue
        assert socket.closed


async def test_two_pages_are_two_consoles(served: Served, browser: aiohttp.ClientSession) -> None:
    async with connect(browser, served) as first, connect(browser, served) as second:
        for socket in (first, second):
            await Page(socket).until("pulse")
        assert len(children(served.process.pid)) == 2


async def test_the_page_loads_nothing_from_elsewhere(served: Served, browser: aiohttp.ClientSession) -> None:
    async with browser.get(served.base) as answer:
        text = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert "default-src 'none'" in policy
    assert set(re.findall(r"(?:https?:)?//[\w.]+", text)) <= {"//127.0.0.1"}
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
        async with browser.get(served.base + path) as answer:
            assert answer.status == 200
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/?token=", {}),
        ("/?token=wrong", {}),
        ("/?token=%00%ff", {}),
        ("/static/js/textual.js", {}),
        ("/static/../start.py", {}),
        ("/ws", {}),
        ("/", {"Cookie": "qd_web_0=x; token=y"}),
    ],
)
async def test_who_does_not_know_the_token_gets_nothing(served: Served, path: str, headers: dict[str, str]) -> None:
    async with aiohttp.ClientSession() as client, client.get(f"{served.base}{path}", headers=headers) as answer:
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers
        assert served.token not in await answer.text()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example", ""])
async def test_a_name_that_is_not_this_machines_is_refused_even_with_the_token(served: Served, host: str) -> None:
    """DNS rebinding: a page of evil.example, whose name now leads here."""
    address = f"{served.base}/?token={served.token}"
    async with aiohttp.ClientSession() as client, client.get(address, headers={"Host": host}) as answer:
        assert answer.status in (400, 403)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
async def test_a_foreign_page_opens_no_socket_even_with_the_cookie(
    served: Served, browser: aiohttp.ClientSession, origin: str
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connect(browser, served, Origin=origin)
    assert refused.value.status == 403


async def test_a_socket_without_an_origin_or_a_cookie_is_refused(
    served: Served, browser: aiohttp.ClientSession
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await browser.ws_connect(f"{served.base}/ws")
    async with aiohttp.ClientSession() as stranger:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await connect(stranger, served)


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "DELETE"])
async def test_nothing_is_written_over_http(served: Served, browser: aiohttp.ClientSession, method: str) -> None:
    async with browser.request(method, served.base) as answer:
        assert answer.status == 403


NONSENSE = ("", "not json", "[]", "7", '["stdin"]', '["resize",{}]', '["resize",{"width":"x"}]', "[" * 9_999)


@pytest.mark.parametrize("message", NONSENSE)
async def test_a_page_that_talks_nonsense_is_hung_up_on_and_nobody_else_is_hurt(
    served: Served, browser: aiohttp.ClientSession, message: str
) -> None:
    async with connect(browser, served) as socket:
        await socket.send_str(message)
        async with asyncio.timeout(DEADLINE):
            while (await socket.receive()).type is aiohttp.WSMsgType.BINARY:
                continue
    async with browser.get(served.base) as answer:
        assert answer.status == 200


def test_a_taken_port_and_a_missing_extra_are_told_in_one_line(served: Served, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.close()
    argv = [sys.executable, "-m", "console", "--workspace", str(world.workspace.path), "web", "--port", served.port]
    taken = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert (taken.returncode, taken.stdout) == (2, "")
    assert "--port" in taken.stderr
    (tmp_path / "textual_serve").mkdir()
    (tmp_path / "textual_serve/__init__.py").write_text("raise ModuleNotFoundError(name='textual_serve')\n")
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}
    missing = subprocess.run(argv[:-2], capture_output=True, text=True, check=False, timeout=DEADLINE, env=environ)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "quarterdeck[web]" in missing.stderr
    assert missing.stderr.count("\n") == 1
