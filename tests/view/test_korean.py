"""What is drawn of programs of all kinds is Korean: no English is left between the code."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from rich.cells import cell_len
from rich.text import Text

from tests.running import running_kernel
from tutor import kernel
from tutor.explain.verdicts import say
from tutor.facts import GraphOutline, LoopFacts, Run, ScalarFacts
from tutor.language import use_language
from tutor.session import Session
from tutor.translation import parted
from tutor.view.detail import Known, detail_lines
from tutor.view.difference import difference_lines
from tutor.view.graph_shape import GraphShape
from tutor.view.live import loop_lines, place_word, scalar_lines
from tutor.view.node_card import card_lines
from tutor.view.operations import OperationLines, rows_of
from tutor.view.palette import INK
from tutor.view.places import Focus, spot
from tutor.view.reasons import reason_words
from tutor.view.relations import relations
from tutor.view.replay import count, replay_lines, title_of
from tutor.view.report import run_report
from tutor.view.strips import storage_strips
from tutor.view.table import group_words
from tutor.view.tree import GraphLines, Painter

#: A terminal of 80 columns, and the inspector beside the code.
WIDTH, NARROW = 76, 44
#: Names whose memory is drawn once for each.
DRAWN = 6
PROGRAMS = {
    "views and writes": """
        x = torch.arange(12.)
        grid = x.view(3, 4)
        row = grid[1]
        same = x
        columns = grid.t()
        flat = columns.reshape(12)
        row.zero_()
        wide = torch.tensor([[1.], [2.]]).expand(2, 5)
        x += 1
        grid.resize_(4, 3)
        del same
        flat = flat.double()
        """,
    "numpy, kinds and odd values": """
        import numpy as np
        array = np.arange(6.)
        shared = torch.from_numpy(array)
        shared[2] = float("nan")
        none = torch.empty(0, 3)
        sparse = torch.eye(3).to_sparse()
        ghost = torch.empty(2, 3, device="meta")
        odd = torch.tensor([float("inf"), float("nan"), 1.0, -2.0])
        big = torch.arange(4_000.).view(40, 100)[::2, 1:]
        turned = torch.complex(torch.ones(2), torch.ones(2)).conj()
        strange = np.frombuffer(b"0123456789", dtype=[("a", "i1"), ("b", "f4")])["b"]
        many = [torch.zeros(2) for _ in range(12)]
        many.reverse()
        many.pop()
        """,
    "autograd": """
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        b = torch.zeros(1, requires_grad=True)
        y = (w * 3 + b).exp()
        y.retain_grad()
        loss = y.sum()
        loss.backward(retain_graph=True)
        loss.backward()
        cut = y.detach()
        w.grad = None
        h = torch.sigmoid(w) * torch.ones(2)
        z = h.pow(2).sum()
        h.data.mul_(2)
        got = torch.autograd.grad(z, w, retain_graph=True)
        v = w * 1
        s = v.sin()
        v.add_(1)
        b.requires_grad_(False)
        far = w.clone()
        for _ in range(8):
            far = far * 2
        part = torch.cat([w, w])[::2] + torch.stack([w, w]).mean()
        """,
    "a model in training": """
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        data = torch.utils.data.TensorDataset(torch.randn(8, 4), torch.arange(8) % 2)
        loader = torch.utils.data.DataLoader(data, batch_size=4)
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
        convolved = torch.nn.Conv2d(1, 2, 3)(torch.randn(1, 1, 5, 5))
        pooled = torch.nn.functional.max_pool2d(convolved, 2)
        normal = torch.nn.LayerNorm(4)(inputs)
        """,
    "devices": """
        a = torch.arange(6.)
        there = a.to("sim")
        more = [there[i].item() for i in range(3)]
        b = torch.ones(6, device="sim", requires_grad=True)
        back = (there * b).sum().cpu()
        back.backward()
        """,
}
#: What torch and numpy call their things, which stays as it is in every language.
_NAMES = frozenset(
    re.findall(
        "[a-z]+",
        "shape stride dtype device grad layout type strided ndarray self other input result out bias weight "
        "alpha beta end start step dim exponent index indices target reduction padding dilation groups "
        "transposed cpu training sim meta inf nan ms norm hooks",
    )
)
_TORCH_SAYS = "Cannot access data pointer of Tensor that doesn't have storage"
#: A word of small letters that stands by itself, and not in an expression or behind the sign of a call.
_WORD = re.compile(r"(?<![^\s,:;(])(?<!› )[a-z]{2,}(?![^\s,:;.)])")


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[asyncio.Runner, Session]]:
    with running_kernel("sim") as pair:
        yield pair


@pytest.fixture(autouse=True)
def korean() -> Iterator[None]:
    use_language("ko")
    yield
    use_language("en")


class Drawing:
    """Everything that can be drawn of the namespace as a run left it."""

    def __init__(self, runner: asyncio.Runner, session: Session, run: Run, width: int) -> None:
        self._ask, self._session, self._run = runner.run, session, run
        self._snapshot, self._width = session.snapshot, width

    def lines(self) -> Iterator[Text]:
        """Operations, facts and memory, nodes of graphs, replays."""
        for step in self._run.steps:
            rows = rows_of(step)
            opened = frozenset(row.key for row in rows)
            yield from (
                line.text for line in OperationLines(rows, step.snapshot, say, INK, self._width).lines(opened)
            )
            for backward in step.backwards:
                yield Text(title_of(backward))
                for at in range(max(1, count(backward))):
                    yield from replay_lines(backward, at, step.snapshot, INK, self._width)
        for at, name in enumerate(self._snapshot.tensors):
            yield from self._name(name, at < DRAWN)
        yield from storage_strips(self._snapshot, INK, self._width, True).split("\n")

    def _name(self, name: str, with_memory: bool) -> Iterator[Text]:
        snapshot, facts = self._snapshot, self._snapshot.tensors[name]
        others = [each.name for each in relations(name, snapshot, {})[0]]
        values = self._ask(self._session.preview(name))
        known = Known(values, {other: self._ask(self._session.compare(name, other)) for other in others[:2]})
        yield from detail_lines(name, snapshot, known, INK, self._width, "written")
        if facts.shape is not None:
            index = (0,) * len(facts.shape)
            yield from detail_lines(name, snapshot, Known(values, index=index), INK, self._width, "new")
        if facts.shape is not None and with_memory:
            lit = Focus(name, spot(name, index, snapshot), values)
            yield from storage_strips(snapshot, INK, self._width, True, focus=lit).split("\n")
        yield Text(group_words(name, [name], 1, snapshot))
        if facts.grad_fn is not None and (outline := self._ask(self._session.outline(name))) is not None:
            yield from self._graph(name, outline)

    def _graph(self, name: str, outline: GraphOutline) -> Iterator[Text]:
        nodes = self._ask(self._session.nodes(name, outline.numbers))
        details = {node.number: node for node in nodes if node.number is not None}
        drawn = GraphLines(Painter(GraphShape(outline), details, self._snapshot, INK, self._width))
        yield from drawn
        for at, number in enumerate(outline.numbers):
            yield from card_lines(outline, at, details.get(number), INK, self._width)


def english_in(line: str, code: str) -> list[str]:
    """Words of a line that are neither of the learner's code, nor names of torch's."""
    own = _NAMES | set(re.findall("[a-z]+", code))
    return [word for word in _WORD.findall(line.replace(_TORCH_SAYS, "")) if word not in own]


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_drawn_of_a_program_is_korean(pair: tuple[asyncio.Runner, Session], name: str) -> None:
    runner, session = pair
    runner.run(session.reset())
    runner.run(session.execute("import torch"))
    code = dedent(PROGRAMS[name]).strip()
    run = runner.run(session.execute(code))
    drawn = [line.plain for line in Drawing(runner, session, run, WIDTH).lines()]
    assert max(map(cell_len, drawn)) <= WIDTH
    narrow = Drawing(runner, session, run, NARROW).lines()
    assert max(cell_len(line.plain) for line in narrow) <= NARROW
    report = run_report(run, INK, 100, say=say).plain.split("\n")
    english = {line: words for line in (*drawn, *report) if (words := english_in(line, code))}
    assert not english


def test_how_a_statement_goes_and_how_code_differs_is_korean() -> None:
    loops = [LoopFacts(3, "i", "2", 3, 10), LoopFacts(4, "j", "7", 8)]
    scalars = [
        ScalarFacts(f"s{n}", "train", (3.0, 2.0, 1.0), 1, 3, 3.0, 1.0, 1.0, 3.0, broken=n) for n in range(10)
    ]
    lines = [*loop_lines(loops, INK, 60), *scalar_lines(scalars, INK, 60)]
    lines += [*difference_lines("x = 1", "x = 2", INK), *difference_lines("x = 1", "x = 1", INK)]
    words = [line.plain for line in lines] + [place_word(3, ""), place_word(3, "train")]
    assert not {line for line in words if english_in(line, "x i j train")}
    assert "3/10번" in words[0]
    assert "8번째 반복" in words[1]


def test_a_name_that_is_drawn_by_itself_has_the_particle_of_its_sound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tutor.translation.translated", lambda _: "{what}은(는) {name}을(를) 봄")
    assert parted("", "x", what="값") == ("값은 ", "를 봄")
    assert parted("", "y1", what="줄") == ("줄은 ", "을 봄")
    use_language("en")
    monkeypatch.setattr("tutor.translation.translated", lambda _: "{what} sees {name}.")
    assert parted("", "x", what="It") == ("It sees ", ".")


def sentences_of(path: Path) -> Iterator[str]:
    """Texts of three words or more in a module of the kernel, `x` where it fills something in."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    filled = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {part for node in filled for part in ast.walk(node)}
    for node in filled:
        yield "".join(str(each.value) if isinstance(each, ast.Constant) else "x" for each in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs | parts:
            yield node.value


@pytest.mark.parametrize("module", ["values", "tensors", "replay/recorder", "replay/watching"])
def test_every_reason_of_the_kernel_is_known(module: str) -> None:
    path = Path(kernel.__file__).parent / f"{module}.py"
    found = [text for text in sentences_of(path) if text.count(" ") > 1]
    # Part of a sentence, and what nobody is told.
    own = ("numpy dtype x", "a quantized tensor is described by itself")
    assert found
    for reason in found:
        assert reason in own or "가" <= max(reason_words(reason)) <= "힣", reason
