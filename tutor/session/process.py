"""One kernel process: its channel, its output pipe, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tutor.facts import Reply, Request

_HEADER = struct.Struct("!I")
_READ_SIZE = 1 << 16
#: The most that a pipe holds without privileges on Linux.
_LARGEST_PIPE = 1 << 20
#: Seconds that a dead kernel's last output may take to arrive.
_LAST_WORDS = 0.5
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reply).decode


class KernelOptions(msgspec.Struct, frozen=True):
    """How a kernel starts. See `tutor.kernel.worker.Boot`."""

    device: str = "auto"
    memory: str = "auto"
    script: str | None = None
    arguments: tuple[str, ...] = ()
    #: `input()` asks the session; else the kernel inherits our standard input.
    ask: bool = True
    bind_device: bool = True


class KernelProcess:
    """A child process. `spawn` needs no event loop; `attach` connects it to the running one."""

    def __init__(self, options: KernelOptions) -> None:
        self.options = options
        self.nonce = secrets.token_hex(16)
        self.on_message: Callable[[Reply], None]
        self.on_output: Callable[[bytes], None]
        self.on_exit: Callable[[int], None]
        self.mute()
        self._folder = tempfile.mkdtemp(prefix="torchtutor-")
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._channel_open = self._pipe_open = False
        self._drained: asyncio.Event | None = None
        self._last_output = b""
        self._ending: asyncio.Task[None] | None = None
        self._released = False

    # ── start ────────────────────────────────────────────────────────────────

    def spawn(self) -> None:
        """Start the child; it imports torch at once."""
        self._channel, theirs = socket.socketpair()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        address = str(Path(self._folder) / "channel")
        self._listener.bind(address)
        self._listener.listen(1)
        boot = msgspec.json.encode(
            {
                "channel": theirs.fileno(),
                "address": address,
                "parent": os.getpid(),
                "nonce": self.nonce,
                "folder": self._folder,
                **msgspec.structs.asdict(self.options),
            }
        ).decode()
        kernel = Path(__file__).resolve().parents[1] / "kernel" / "__main__.py"
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(kernel), boot],
            stdin=subprocess.DEVNULL if self.options.ask else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def last_line(self) -> str:
        """The last line that the kernel wrote, to say why it did not start."""
        lines = self._last_output.decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def attach(self) -> None:
        """Begin to deliver messages, output and the end to the callbacks, in the running loop."""
        loop = self._loop = asyncio.get_running_loop()
        self._drained = asyncio.Event()
        for source in (self._channel, self._listener):
            source.setblocking(False)
        os.set_blocking(self._pipe, False)
        self._channel_open = self._pipe_open = True
        loop.add_reader(self._channel, self._read_channel)
        loop.add_reader(self._listener, self._accept)
        loop.add_reader(self._pipe, self._read_pipe)
        threading.Thread(target=self._wait, daemon=True, name="wait-for-kernel").start()

    def mute(self) -> None:
        """Deliver nothing from now on."""
        self.on_message = self.on_output = self.on_exit = _ignore

    # ── talk ─────────────────────────────────────────────────────────────────

    def send(self, request: Request) -> None:
        """Queue one request; silently dropped when the kernel is gone (its death is reported)."""
        body = _encode(request)
        self._outbox += _HEADER.pack(len(body)) + body
        self._write_channel()

    def interrupt(self) -> None:
        """SIGINT to the kernel alone, not to its workers."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.returncode is None:
                self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to the kernel's whole group and to children that left it."""
        stray = _descendants(self.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in stray:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def abandon(self) -> None:
        """Kill and forget a child that was never attached."""
        self.kill()
        self._process.wait()
        self._release()

    async def close(self) -> None:
        """Kill and forget, without reporting an end."""
        self.mute()
        if self._drained is None:
            self.abandon()
            return
        self.kill()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._drained.wait(), 2 * _LAST_WORDS)
        finally:
            self._release()

    # ── events of the loop ───────────────────────────────────────────────────

    def _read_channel(self) -> None:
        try:
            data = self._channel.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._channel)
            self._channel_open = False
            self._check_drained()
            return
        self._inbox += data
        self._deliver()

    def _deliver(self) -> None:
        inbox, start = self._inbox, 0
        while len(inbox) - start >= _HEADER.size:
            (size,) = _HEADER.unpack_from(inbox, start)
            end = start + _HEADER.size + size
            if len(inbox) < end:
                break
            message = _decode(bytes(inbox[start + _HEADER.size : end]))
            start = end
            self.on_message(message)
        del inbox[:start]

    def _accept(self) -> None:
        """The learner's code closed the kernel's descriptors and it came back: use the new connection."""
        connection, _ = self._listener.accept()
        with contextlib.suppress(OSError):  # what was sent before comes first
            while data := self._channel.recv(_READ_SIZE):
                self._inbox += data
                self._deliver()
        self._inbox.clear()
        self._loop.remove_reader(self._channel)
        self._loop.remove_writer(self._channel)
        self._channel.close()
        self._channel, self._channel_open = connection, True
        connection.setblocking(False)
        self._loop.add_reader(connection, self._read_channel)
        self._write_channel()

    def _write_channel(self) -> None:
        if self._drained is None or not self._outbox:
            return
        try:
            sent = self._channel.send(self._outbox)
            del self._outbox[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._outbox.clear()
        if self._outbox:
            self._loop.add_writer(self._channel, self._write_channel)
        else:
            self._loop.remove_writer(self._channel)

    def _read_pipe(self) -> bool:
        try:
            data = os.read(self._pipe, _READ_SIZE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._pipe)
            self._pipe_open = False
            self._check_drained()
            return False
        self._last_output = data
        self.on_output(data)
        return True

    def drain(self) -> None:
        """Take what is in the output pipe now, and not what a child goes on pouring into it."""
        for _ in range(_LARGEST_PIPE // _READ_SIZE):
            if not self._pipe_open or not self._read_pipe():
                return

    # ── the end ──────────────────────────────────────────────────────────────

    def _wait(self) -> None:
        self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._loop.call_soon_threadsafe(self._exited)

    def _exited(self) -> None:
        self.kill()  # workers that outlive the kernel would hold its pipe open
        if not self._released:
            self._ending = self._loop.create_task(self._last_words())

    async def _last_words(self) -> None:
        assert self._drained is not None
        self._exit_seen = True
        self._check_drained()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._drained.wait(), _LAST_WORDS)
        self._drained.set()
        self.on_exit(self._process.returncode)
        self._release()

    _exit_seen = False

    def _check_drained(self) -> None:
        if self._exit_seen and not self._channel_open and not self._pipe_open and self._drained:
            self._drained.set()

    def _release(self) -> None:
        self._released = True
        if self._drained is not None:
            self._drained.set()
            for source in (self._channel, self._listener):
                if source.fileno() >= 0:
                    self._loop.remove_reader(source)
                    self._loop.remove_writer(source)
            if self._process.stdout is not None and not self._process.stdout.closed:
                self._loop.remove_reader(self._pipe)
        self._channel.close()
        self._listener.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _ignore(_: object) -> None:
    return None


def _descendants(root: int) -> list[int]:
    """Processes below `root`, where /proc can tell; also those that started a session of their own."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found: list[int] = []
    todo: list[Any] = [root]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found
