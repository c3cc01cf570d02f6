"""The kernel's end of the channel: length-prefixed msgpack frames over a unix socket."""

from __future__ import annotations

import socket
import struct
import threading
from os import fstat, getpid

import msgspec

from tutor.facts import Reply, Request
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_HEADER = struct.Struct("!I")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Request).decode


def file_identity(fd: int) -> tuple[int, int] | None:
    """Device and inode of an open descriptor, or None when it is closed."""
    try:
        stat = fstat(fd)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


class Channel:
    """Sends replies from any thread of this process, receives requests in one.

    A learner may close our descriptor, and then open a file that gets the same number.
    So each use first checks whom the number belongs to; when it is lost, the channel
    connects again to `address`, the unix socket on which the session listens.
    """

    def __init__(self, fd: int, address: str) -> None:
        self._socket = socket.socket(fileno=fd)
        self._identity = file_identity(fd)
        self._address = address
        self._pid = getpid()
        self._lock = threading.RLock()

    def send(self, message: Reply) -> None:
        """Send one message; does nothing in a forked child, which must never speak for the kernel."""
        if getpid() != self._pid:
            return
        body = _encode(message)
        with self._lock:
            self._reconnect_if_lost()
            self._socket.sendall(_HEADER.pack(len(body)) + body)

    def receive(self) -> Request:
        """The next request; EOFError when the session is gone."""
        while True:
            with self._lock:
                self._reconnect_if_lost()
                current = self._socket
            try:
                (size,) = _HEADER.unpack(self._read(current, _HEADER.size))
                return _decode(self._read(current, size))
            except (EOFError, OSError):
                if current is self._socket and file_identity(current.fileno()) == self._identity:
                    raise EOFError from None

    @staticmethod
    def _read(source: socket.socket, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            chunk = source.recv(size - len(data))
            if not chunk:
                raise EOFError
            data += chunk
        return bytes(data)

    def _reconnect_if_lost(self) -> None:
        if file_identity(self._socket.fileno()) == self._identity:
            return
        self._socket.detach()  # the number may be the learner's by now: never close it
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(self._address)
        self._identity = file_identity(self._socket.fileno())
