from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Iterator

import pytest

from console.terminal.outlet import Outlet
from console.terminal.pace import NEAR, SLOW, Pace

BIG = "x" * 300_000  # more than the kernel keeps for a terminal nobody reads
Ends = tuple[int, int]


@pytest.fixture
def ends() -> Iterator[Ends]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, slave
    for fd in (master, slave):
        try:
            os.close(fd)
        except OSError:
            continue  # the test hung up itself


async def read_all(master: int, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += await asyncio.to_thread(os.read, master, 65_536)
    return got


async def test_a_terminal_that_does_not_read_never_blocks_and_gets_everything_in_order(ends: Ends) -> None:
    drained = asyncio.Event()
    outlet = Outlet(ends[1], asyncio.get_running_loop(), on_drained=drained.set, on_gone=lambda: None)
    outlet.send(BIG)
    outlet.send("end")
    assert outlet.busy
    assert await read_all(ends[0], len(BIG) + 3) == f"{BIG}end".encode()
    await asyncio.wait_for(drained.wait(), 5)
    assert not outlet.busy
    outlet.close()


async def test_a_terminal_that_does_not_take_all_at_once_is_told_of(ends: Ends) -> None:
    pace = Pace(far=False)
    outlet = Outlet(
        ends[1], asyncio.get_running_loop(), on_drained=lambda: None, on_gone=lambda: None, on_stuck=pace.stuck
    )
    outlet.send("little")
    assert pace.seconds == NEAR
    outlet.send(BIG)
    assert pace.seconds == SLOW
    outlet.close()


async def test_the_given_descriptor_stays_blocking(ends: Ends) -> None:
    outlet = Outlet(ends[1], asyncio.get_running_loop(), on_drained=lambda: None, on_gone=lambda: None)
    assert os.get_blocking(ends[1])
    outlet.close()
    os.write(ends[1], b"still open")


async def test_a_vanished_terminal_is_told_once_and_later_text_is_dropped(ends: Ends) -> None:
    gone: list[bool] = []
    outlet = Outlet(ends[1], asyncio.get_running_loop(), on_drained=lambda: None, on_gone=lambda: gone.append(True))
    os.close(ends[0])
    outlet.send("anyone?")
    outlet.send("anyone?")
    outlet.finish("goodbye")
    assert gone == [True]
    outlet.close()


async def test_a_last_text_gives_up_on_a_terminal_that_takes_nothing(ends: Ends) -> None:
    outlet = Outlet(ends[1], asyncio.get_running_loop(), on_drained=lambda: None, on_gone=lambda: None)
    outlet.send(BIG)
    outlet.finish("restore", within=0.1)
    outlet.close()
    assert not outlet.busy
