"""What is true of scripts, found by running them in plain Python with plain torch.

Knows nothing of `tutor`. For each path that comes in, a fork of this process, which has done nothing but
import torch, runs the script's top-level statements one at a time in a fresh `__main__` and prints one JSON
object: after each statement the facts of every tensor, asked of torch one by one.
"""

from __future__ import annotations
import __future__

import ast
import itertools
import json
import os
import sys
import tempfile
import traceback
import types
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

byte_bounds = getattr(np, "byte_bounds", None) or np.lib.array_utils.byte_bounds


class Script:
    """A script on its way, statement by statement."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = Path(path).read_text(encoding="utf-8")
        self.main = types.ModuleType("__main__")
        self.names = self.main.__dict__
        self.names["__file__"] = path
        #: Every storage ever seen: while they live, no other storage gets their `_cdata`.
        self.storages: list[torch.UntypedStorage] = []
        self.warnings: list[list[Any]] = []
        self.flags = 0
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the script runs)
        self.read = 0

    def run(self) -> dict[str, Any]:
        sys.modules["__main__"] = self.main
        sys.argv = [self.path]
        sys.path[0] = str(Path(self.path).resolve().parent)
        torch.set_warn_always(True)
        warnings.simplefilter("always", append=True)
        warnings.showwarning = self._warned
        answer = os.fdopen(os.dup(1), "w")
        os.dup2(self.output.fileno(), 1)
        os.dup2(self.output.fileno(), 2)
        steps, error = [], None
        for node in ast.parse(self.text).body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                self.flags |= getattr(__future__, node.names[0].name).compiler_flag
            step, error = self._statement(node)
            steps.append(step)
            if error is not None:
                break
        facts = {"steps": steps, "error": error, "graphs": self._graphs()}
        json.dump(facts, answer)
        answer.close()
        return facts

    def _statement(self, node: ast.stmt) -> tuple[dict[str, Any], dict[str, Any] | None]:
        error, result = None, None
        self.warnings = []
        try:
            if isinstance(node, ast.Expr):
                value = eval(self._compile(ast.Expression(node.value), "eval"), self.names)
                result = None if value is None else repr(value)
                del value
            else:
                exec(self._compile(ast.Module([node], []), "exec"), self.names)
        except BaseException as problem:
            error = {"type": type(problem).__name__, "line": self._deepest(problem), "message": str(problem)}
        step = {
            "line": node.lineno,
            "end_line": node.end_lineno,
            "source": ast.get_source_segment(self.text, node),
            "stdout": self._printed(),
            "result": result,
            "warnings": sorted(self.warnings),
            "tensors": {name: self._tensor(value) for name, value in self._public(torch.Tensor)},
            "sharing": self._sharing(),
        }
        return step, error

    def _compile(self, tree: ast.AST, mode: str) -> Any:
        return compile(tree, self.path, mode, self.flags, dont_inherit=True)

    def _printed(self) -> str:
        sys.stdout.flush()
        sys.stderr.flush()
        data = os.pread(self.output.fileno(), 1 << 24, self.read)
        self.read += len(data)
        return data.decode()

    def _deepest(self, error: BaseException) -> int:
        line, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.path:
                line = trace.tb_lineno
            trace = trace.tb_next
        return line

    def _warned(self, message: Any, category: type, *_: Any) -> None:
        frame = sys._getframe(1)
        while frame.f_code.co_filename != self.path and frame.f_back is not None:
            frame = frame.f_back
        self.warnings.append([category.__name__, frame.f_lineno])

    def _public(self, kind: type | tuple[type, ...]) -> list[tuple[str, Any]]:
        return [(k, v) for k, v in self.names.items() if k[0] != "_" and isinstance(v, kind)]

    # ── one tensor ───────────────────────────────────────────────────────────

    def _tensor(self, tensor: torch.Tensor) -> dict[str, Any]:
        is_leaf, retains_grad = told(lambda: tensor.is_leaf), told(lambda: tensor.retains_grad)
        gradient = tensor.grad if is_leaf or retains_grad else None
        node = told(lambda: tensor.grad_fn)
        return {
            "shape": list(tensor.shape),
            "stride": told(lambda: list(tensor.stride())),
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "device": str(tensor.device),
            "offset": told(tensor.storage_offset),
            "numel": tensor.numel(),
            "is_contiguous": told(tensor.is_contiguous),
            "requires_grad": tensor.requires_grad,
            "is_leaf": is_leaf,
            "grad_fn": None if node is None else name_of(node),
            "retains_grad": retains_grad,
            "grad": None if gradient is None else {"shape": list(gradient.shape)},
            "version": told(lambda: tensor._version),
            "storage": told(lambda: self._storage(tensor)),
            "data_ptr": told(tensor.data_ptr),
        }

    def _storage(self, tensor: torch.Tensor) -> int:
        storage = tensor.untyped_storage()
        self.storages.append(storage)
        return storage._cdata

    # ── memory ───────────────────────────────────────────────────────────────

    def _sharing(self) -> list[list[str]]:
        values = dict(self._public((torch.Tensor, np.ndarray)))
        spans = {name: span(value) for name, value in values.items()}
        group = {name: {name} for name in spans}
        for a, b in itertools.combinations(spans, 2):
            same = values[a] is values[b] and told(lambda a=a: np.prod(values[a].shape)) != 0
            if (same or meet(spans[a], spans[b])) and group[a] is not group[b]:
                group[a] |= group[b]
                for name in group[a]:
                    group[name] = group[a]
        return sorted({tuple(sorted(names)) for names in group.values() if len(names) > 1})

    # ── graphs ───────────────────────────────────────────────────────────────

    def _graphs(self) -> dict[str, Any]:
        paths: dict[int, list[str]] = {}
        for name, tensor in self._public(torch.Tensor):
            paths.setdefault(id(tensor), []).append(name)
        for name, module in self._public(torch.nn.Module):
            for path, parameter in module.named_parameters(remove_duplicate=False):
                paths.setdefault(id(parameter), []).append(f"{name}.{path}")
        return {
            name: walk(node, paths)
            for name, tensor in self._public(torch.Tensor)
            if (node := told(lambda tensor=tensor: tensor.grad_fn)) is not None
        }


def told(question: Any) -> Any:
    """The answer, or None where torch refuses."""
    try:
        return question()
    except (RuntimeError, NotImplementedError):
        return None


def span(value: torch.Tensor | np.ndarray) -> tuple[str, int, int]:
    """Space and half-open range of the bytes that a value brings into sharing."""
    if isinstance(value, np.ndarray):
        return "cpu", *(byte_bounds(value) if value.size else (0, 0))
    storage = told(value.untyped_storage)
    if value.numel() == 0 or storage is None:
        return "nowhere", 0, 0
    if value.device.type == "meta":
        return f"meta {storage._cdata}", 0, 1
    return str(value.device), storage.data_ptr(), storage.data_ptr() + storage.nbytes()


def meet(a: tuple[str, int, int], b: tuple[str, int, int]) -> bool:
    return a[0] == b[0] and max(a[1], b[1]) < min(a[2], b[2])


def walk(root: Any, paths: dict[int, list[str]]) -> dict[str, Any]:
    """Names of the nodes with their numbers, the same of the edges, and for each leaf its possible paths."""
    nodes, todo = {root}, [root]
    edges: Counter[str] = Counter()
    while todo:
        node = todo.pop()
        for follower, _ in node.next_functions:
            if follower is not None:
                edges[f"{name_of(node)} > {name_of(follower)}"] += 1
                if follower not in nodes:
                    nodes.add(follower)
                    todo.append(follower)
    leaves = [sorted(paths.get(id(n.variable), ())) for n in nodes if hasattr(n, "variable")]
    return {
        "root": name_of(root),
        "nodes": Counter(map(name_of, nodes)),
        "edges": edges,
        "leaves": sorted(leaves),
    }


def name_of(node: Any) -> str:
    return node.name().rsplit("::")[-1]


def answer(path: str) -> None:
    """One line: the object, or nothing where there is none because the process ended otherwise."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.chdir(Path(path).parent)
            Script(path).run()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.waitpid(child, 0)
    print(flush=True)


if __name__ == "__main__":
    while path := sys.stdin.readline():
        answer(path.removesuffix("\n"))
