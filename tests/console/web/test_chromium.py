"""`qd web` in a real browser, driven over its debugging protocol; skipped where there is no Chromium."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.console.world import World

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
DEADLINE = 40.0

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")


class Tab:
    """A page of a browser.

    Args:
        socket: The debugging protocol's.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []

    async def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message: dict[str, Any] = await self._socket.receive_json()
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            if message.get("method") == "Log.entryAdded":
                self.complaints.append(message["params"]["entry"]["text"])

    async def until(self, expression: str) -> None:
        """Wait until a condition holds in the page; looked at after each frame."""
        promise = (
            f"new Promise(done => {{ (function look() {{ ({expression}) ? done(true) : setTimeout(look, 20) }})() }})"
        )
        async with asyncio.timeout(DEADLINE):
            await self.ask("Runtime.evaluate", expression=promise, awaitPromise=True)

    async def type(self, text: str) -> None:
        for char in text:
            key = {"key": "Enter", "windowsVirtualKeyCode": 13} if char == "\r" else {"key": char}
            await self.ask("Input.dispatchKeyEvent", type="keyDown", text=char, **key)
            await self.ask("Input.dispatchKeyEvent", type="keyUp", **key)

    async def picture(self) -> bytes:
        return base64.b64decode((await self.ask("Page.captureScreenshot"))["data"])


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Tab]:
    """A headless browser with one page."""
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
    ]
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *options, "about:blank", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(DEADLINE):
            found = None
            while found is None:
                found = re.search(rb"ws://([^/]+)/", await process.stderr.readline())
        async with aiohttp.ClientSession() as client:
            async with client.get(f"http://{found[1].decode()}/json/list") as answer:
                pages = [page for page in await answer.json() if page["type"] == "page"]
            async with client.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=1 << 26) as socket:
                yield Tab(socket)
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.slow
async def test_the_console_in_chromium(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("oak")
    world.close()
    argv = [sys.executable, "-m", "console", "--workspace", str(world.workspace.path), "web", "--readonly"]
    environ = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": "", "XDG_CONFIG_HOME": ""}
    server = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE, env=environ)
    assert server.stdout is not None
    address = (await server.stdout.readline()).decode().split()[-1]
    try:
        async with browsing(tmp_path / "profile") as tab:
            await tab.ask("Log.enable")
            await tab.ask("Page.enable")
            await tab.ask("Page.navigate", url=address)
            await tab.until("document.body && document.body.classList.contains('-first-byte')")
            assert (await tab.ask("Runtime.evaluate", expression="location.search"))["result"]["value"] == ""
            await tab.until("document.activeElement.classList.contains('xterm-helper-textarea')")
            pulse = await tab.picture()  # whatever of it has been drawn by now
            await tab.type(":runs\r")
            async with asyncio.timeout(DEADLINE):
                while await tab.picture() == pulse:
                    continue
            await tab.type("q")
            await tab.until("document.body.classList.contains('-closed')")
            assert not [text for text in tab.complaints if "WebGL" not in text]  # nothing refused, nothing missing
    finally:
        server.send_signal(signal.SIGTERM)
        assert await server.wait() == 0
