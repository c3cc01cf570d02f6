"""The autograd tree: named tensors, shared nodes, folds, bounds."""

import time

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tutor.facts import GraphFacts, NodeFacts, Snapshot
from tutor.view.palette import INK
from tutor.view.tree import graph_lines

from .build import lesson_run

LEAF = ("AccumulateGrad", {"variable": "w"})
STATE = lesson_run().steps[-1].snapshot


def graph(nodes: dict[str, object], *edges: str, **more: object) -> GraphFacts:
    """Nodes by id (a name, or a name and more facts); edges as "a b"."""
    made = []
    for key, value in nodes.items():
        name, facts = (value, {}) if isinstance(value, str) else value
        made.append(NodeFacts(key, name, **facts))
    return GraphFacts(tuple(made), tuple(tuple(edge.split()) for edge in edges), **more)


def chain(names: list[str]) -> GraphFacts:
    return graph(
        {str(i): name for i, name in enumerate(names)}, *(f"{i} {i + 1}" for i in range(len(names) - 1))
    )


def lines(facts: GraphFacts, width: int = 45, **more: int) -> list[str]:
    return [line.plain for line in graph_lines(facts, STATE, INK, width, **more)]


def test_the_picture() -> None:
    facts = graph(
        {
            "m": ("MeanBackward0", {"tensors": ("loss",), "saved": {"_saved_self_sizes": {"shape": [2]}}}),
            "p": ("PowBackward0", {"saved": {"exponent": 2}}),
            "s": "SubBackward0",
            "v": ("MvBackward0", {"tensors": ("h",)}),
            "w": LEAF,
        },
        "m p", "p s", "s v", "v w",
    )  # fmt: skip
    assert lines(facts) == [
        "MeanBackward0  E loss",
        "PowBackward0 exponent 2",
        "SubBackward0",
        "MvBackward0  D h [2]",
        "AccumulateGrad  B w [3]",
    ]
    named = graph_lines(facts, STATE, INK, 45)[0]
    assert INK.hue(5) in str(named.get_style_at_offset(Console(), named.plain.index("loss")))


def test_a_shared_node_is_shown_once() -> None:
    facts = graph(
        {"a": "AddBackward0", "m": "MulBackward0", "e": "ExpBackward0", "w": LEAF},
        "a m", "a e", "m e", "e w",
    )  # fmt: skip
    assert lines(facts) == [
        "AddBackward0",
        "├─ MulBackward0",
        "│  └─ ↓ ExpBackward0 below",
        "└─ ExpBackward0",
        "   AccumulateGrad  B w [3]",
    ]


def test_a_loop_is_folded_and_its_end_is_shown() -> None:
    steps = ["SumBackward0", *["TanhBackward0", "MulBackward0", "AddBackward0"] * 401, "AccumulateGrad"]
    assert lines(chain(steps)) == [
        "SumBackward0",
        "TanhBackward0",
        "MulBackward0",
        "AddBackward0",
        "(3 nodes) × 400 more",
        "AccumulateGrad",
    ]


def test_layers_with_weights_of_their_own_are_folded_too() -> None:
    nodes: dict[str, object] = {"out": "SumBackward0"}
    edges = ["out a0"]
    for i in range(12):
        nodes |= {f"a{i}": "AddmmBackward0", f"b{i}": "AccumulateGrad", f"r{i}": "ReluBackward0"}
        nodes |= {f"t{i}": "TBackward0", f"w{i}": "AccumulateGrad"}
        edges += [f"a{i} b{i}", f"a{i} r{i}", f"a{i} t{i}", f"t{i} w{i}", f"r{i} a{i + 1}"]
    shown = lines(graph(nodes | {"a12": "AccumulateGrad"}, *edges))
    assert any("(5 nodes) × 10 more" in line for line in shown)
    assert len(shown) < 16


def test_named_tensors_are_never_folded_away() -> None:
    nodes = {str(i): ("MulBackward0", {"tensors": ("h",)} if i == 50 else {}) for i in range(100)}
    shown = lines(graph(nodes, *(f"{i} {i + 1}" for i in range(99))))
    assert sum("D h" in line for line in shown) == 1
    assert sum("more" in line for line in shown) == 2


def test_a_long_chain_stays_within_width_and_limit() -> None:
    facts = chain([f"Op{(i * i) % 9973}Backward0" for i in range(20_000)])
    started = time.process_time()
    shown = lines(facts, limit=50)
    assert time.process_time() - started < 3
    assert len(shown) == 50
    assert shown[-1] == "… and 19,951 more"
    assert shown[10] == "Op100Backward0"


def test_a_truncated_walk_says_so() -> None:
    facts = graph({"a": "AddBackward0"}, truncated=True, total_nodes=20_000)
    assert lines(facts) == ["AddBackward0", "… 1 of 20,000 nodes were read"]
    assert lines(GraphFacts()) == []


def test_freed_nodes_and_saved_values() -> None:
    saved = {"_saved_dim": -1, "p": 0.5, "text": "none", "more": 4, "self": {"shape": [2]}}
    facts = graph({"a": ("SoftmaxBackward0", {"saved": saved, "freed": True})})
    assert lines(facts, 80) == ["SoftmaxBackward0 dim -1, p 0.5, text none, freed"]


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30),
    st.integers(12, 60),
    st.integers(2, 12),
)
def test_any_graph_even_with_cycles_is_drawn_within_bounds(
    pairs: list[tuple[int, int]], width: int, limit: int
) -> None:
    nodes = {str(i): f"가{i}\x1bBackward0" for i in range(13)}
    shown = graph_lines(graph(nodes, *(f"{a} {b}" for a, b in pairs)), Snapshot(), INK, width, limit=limit)
    assert 1 <= len(shown) <= limit
    for line in shown:
        assert line.cell_len <= width
        assert "\x1b" not in line.plain
