"""Pickled values over a pipe between two processes of one machine; large arrays go through shared memory.

A chunk's samples are 60 MB; copied through a pipe's small buffer they take a third of a second on a busy machine.
Only between our own processes: received data is unpickled.
"""

from __future__ import annotations

import mmap
import os
import pickle
import socket
from contextlib import suppress
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

SHARED = 1 << 18
"""Total bytes of arrays from which shared memory is used."""
_ALIGNED = 64


class Wire:
    """One end of a pipe. Several threads must not send, nor receive, at once."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def send(self, value: Any) -> None:
        """Raises OSError where the other end is closed."""
        arrays: list[pickle.PickleBuffer] = []
        body = pickle.dumps(value, protocol=5, buffer_callback=arrays.append)
        parts = [array.raw() for array in arrays]
        sizes = [part.nbytes for part in parts]
        shared = sum(sizes) >= SHARED and hasattr(os, "memfd_create")
        self._pipe.send_bytes(pickle.dumps((sizes, shared)))
        self._pipe.send_bytes(body)
        if shared:
            self._send_shared(parts, sizes)
        else:
            for part in parts:
                self._pipe.send_bytes(part)

    def receive(self) -> Any:
        """Raises EOFError or OSError where the other end is closed."""
        sizes, shared = pickle.loads(self._pipe.recv_bytes())
        body = self._pipe.recv_bytes()
        parts = self._receive_shared(sizes) if shared else [bytearray(self._pipe.recv_bytes()) for _ in sizes]
        return pickle.loads(body, buffers=parts)

    def close(self) -> None:
        self._pipe.close()

    def shut(self) -> None:
        """End both directions; threads at either end that receive are told so. Of sockets."""
        with suppress(OSError, ValueError), socket.socket(fileno=os.dup(self._pipe.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)

    def _send_shared(self, parts: list[memoryview], sizes: list[int]) -> None:
        handle = os.memfd_create("daylong")
        try:
            os.ftruncate(handle, _aligned_offsets(sizes)[-1])
            with mmap.mmap(handle, _aligned_offsets(sizes)[-1]) as memory:
                for place, part in zip(_aligned_offsets(sizes), parts, strict=False):
                    memory[place : place + part.nbytes] = part
            reduction.send_handle(self._pipe, handle, None)
        finally:
            os.close(handle)

    def _receive_shared(self, sizes: list[int]) -> list[memoryview]:
        handle = reduction.recv_handle(self._pipe)
        try:
            # It goes with the last array that lies in it.
            memory = memoryview(mmap.mmap(handle, _aligned_offsets(sizes)[-1]))
        finally:
            os.close(handle)
        return [memory[place : place + size] for place, size in zip(_aligned_offsets(sizes), sizes, strict=False)]


def _aligned_offsets(sizes: list[int]) -> list[int]:
    """Aligned offset of each array, and the total length."""
    places = [0]
    for size in sizes:
        places.append(places[-1] + -(-size // _ALIGNED) * _ALIGNED)
    return places
