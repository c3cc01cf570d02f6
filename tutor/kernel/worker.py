"""The kernel process: takes requests from the channel, one at a time, until the session ends."""

from __future__ import annotations

import gc
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, json

from tutor.facts import (
    Check,
    CompareMemory,
    Complete,
    Completions,
    DescribeGraphs,
    DescribeNodes,
    Document,
    Evaluate,
    Execute,
    Graphs,
    InputReply,
    InputRequest,
    Nodes,
    Outlined,
    OutlineGraph,
    Overlap,
    Preview,
    Proceed,
    Ready,
    Refused,
    Request,
    Reset,
    ResetDone,
    is_simulated,
)
from tutor.kernel.channel import Channel
from tutor.kernel.learner import Inputs
from tutor.kernel.limits import die_with_parent, limit_memory, prefer_for_out_of_memory_killer
from tutor.kernel.stdio import Stdio

if TYPE_CHECKING:
    from tutor.kernel.execute import Executor

#: What the session asks for, in order; None says that an interrupt came.
Requests = queue.SimpleQueue[Request | None]


class Boot(Struct, frozen=True):
    """What the session tells a new kernel on its command line, as JSON."""

    channel: int
    address: str
    parent: int
    nonce: str
    folder: str
    device: str = "auto"
    memory: str = "auto"
    #: Path of the script that will run as `__main__`, "-" for standard input, None for cells.
    script: str | None = None
    arguments: tuple[str, ...] = ()
    #: Whether `input()` asks the session; else it reads descriptor 0 as plain Python does.
    ask: bool = True
    #: Whether the namespace has the name `device`.
    bind_device: bool = True


def main(argument: str) -> None:
    """Boot and serve; returns only by ending the process."""
    boot = json.decode(argument, type=Boot)
    die_with_parent(boot.parent)
    prefer_for_out_of_memory_killer()
    channel = Channel(boot.channel, boot.address)
    stdio = Stdio(boot.nonce)
    requests: Requests = queue.SimpleQueue()
    inputs = Inputs(lambda prompt, hidden: _ask(channel, stdio, prompt, hidden))
    threading.Thread(
        target=_receive, args=(channel, requests, inputs), daemon=True, name="receive-requests"
    ).start()
    worker = Worker(channel, _start(boot, channel, stdio, inputs), requests)
    while True:
        worker.serve(requests.get())


def _ask(channel: Channel, stdio: Stdio, prompt: str, hidden: bool) -> None:
    stdio.flush()
    channel.send(InputRequest(prompt, hidden))


def _receive(channel: Channel, requests: Requests, inputs: Inputs) -> None:
    try:
        while True:
            request = channel.receive()
            if isinstance(request, InputReply):
                inputs.answer(request.text)
            else:
                requests.put(request)
    finally:
        os._exit(0)


def _start(boot: Boot, channel: Channel, stdio: Stdio, inputs: Inputs) -> Executor:
    try:
        with _uncollected():
            import torch

            from tutor.kernel.device import DeviceMissing, available, choose
            from tutor.kernel.execute import Executor, prepare_path
            from tutor.kernel.graph import watch_saved_tensor_hooks
            from tutor.kernel.identity import allow_swap_tensors
    except ImportError as error:
        _refuse(channel, f"The kernel cannot import what it needs ({error}): install torch for this Python.")
    try:
        device, preamble = choose(boot.device)
    except DeviceMissing as error:
        _refuse(channel, str(error))
    if device.type == "cpu" or is_simulated(device.type):  # accelerator drivers map far more than they use
        limit_memory(boot.memory)
    watch_saved_tensor_hooks()
    allow_swap_tensors()
    stdio.install()
    if boot.ask:
        inputs.install()
    prepare_path(boot.script, list(boot.arguments))
    executor = Executor(channel.send, stdio, inputs, Path(boot.folder))
    executor.accelerator = None if device.type == "cpu" else device
    executor.bind(preamble, **({"device": device} if boot.bind_device else {}))
    channel.send(Ready(str(device), str(torch.__version__), available(), preamble))
    return executor


@contextmanager
def _uncollected() -> Iterator[None]:
    """What comes in here stays, and looking for garbage in it again and again takes a fifth of the time.

    After it the collector works as ever: thawed objects are its oldest, as if it had seen them all."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        gc.enable()


def _refuse(channel: Channel, sentence: str) -> None:
    channel.send(Refused(sentence))
    os._exit(3)


class Worker:
    """Hands each request to the room that answers it."""

    def __init__(self, channel: Channel, executor: Executor, requests: Requests) -> None:
        self._channel = channel
        self._executor = executor
        self._requests = requests
        executor.pause = self.pause
        executor.interrupts.remembered = lambda: requests.put(None)

    def pause(self, number: int) -> bool:
        """Answer questions until request `number` may go on, or was interrupted; whether to its end."""
        later: list[Request] = []
        to_end = False
        while not self._executor.interrupts.pending:
            match self._requests.get():
                case Proceed(id=given, to_end=to_end) if given == number:
                    break
                case (Execute() | Check() | Reset()) as request:  # not in the middle of another run
                    later.append(request)
                case request:
                    self.serve(request)
        for request in later:
            self._requests.put(request)
        return to_end

    def serve(self, request: Request | None) -> None:
        from tutor.kernel import storage, values
        from tutor.kernel.complete import complete
        from tutor.kernel.document import document
        from tutor.kernel.names import find

        match request:
            case Execute():
                self._executor.execute(request)
            case Evaluate():
                self._executor.evaluate(request)
            case DescribeGraphs() | OutlineGraph() | DescribeNodes():
                self._channel.send(self._graphs(request))
            case CompareMemory(id=number, first=first, second=second):
                pair = find(self._executor.namespace, (first, second))
                self._channel.send(Overlap(number, *storage.compare(*pair)))
            case Preview(id=number, name=name, limits=limits, around=around):
                self._channel.send(values.preview(self._executor.namespace, number, name, limits, around))
            case Complete(id=number):
                self._channel.send(Completions(number, complete(self._executor.namespace, request)))
            case Document(id=number):
                self._channel.send(document(self._executor.namespace, request))
            case Check():
                self._executor.check(request)
            case Reset(id=number):
                self._executor.reset()
                self._channel.send(ResetDone(number))

    def _graphs(self, request: DescribeGraphs | OutlineGraph | DescribeNodes) -> Graphs | Outlined | Nodes:
        from tutor.kernel.graph import describe_graphs, describe_nodes
        from tutor.kernel.outline import outline_graph

        namespace, labels = self._executor.namespace, self._executor.labels()
        origin_of = self._executor.recorder.origin_of_node
        match request:
            case DescribeGraphs(id=number, names=names, limit=limit):
                return Graphs(number, describe_graphs(namespace, names, limit, origin_of=origin_of))
            case OutlineGraph(id=number, name=name, limit=limit):
                return Outlined(number, outline_graph(namespace, name, limit, labels))
            case DescribeNodes(id=number, name=name, numbers=wanted):
                return Nodes(
                    number, describe_nodes(namespace, name, wanted, labels=labels, origin_of=origin_of)
                )
