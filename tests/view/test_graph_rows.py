"""Drawn graphs: every node once, every edge seen, whatever is folded can be opened."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tutor.facts import GraphOutline
from tutor.view.graph_rows import Choices, What, needed_to_see, rows
from tutor.view.graph_shape import GraphShape


def outline(followers: list[list[int]], kind: list[int] | None = None) -> GraphOutline:
    kind = kind or [0] * len(followers)
    kinds = [f"K{number}Backward0" for number in range(max(kind, default=0) + 1)]
    numbers = [100 + at for at in range(len(followers))]
    return GraphOutline(kinds, kind, numbers, followers, total=len(followers))


@st.composite
def graphs(draw: st.DrawFn) -> GraphOutline:
    """Directed graphs without cycles in which all is reached from the first node."""
    count = draw(st.integers(1, 25))
    followers: list[list[int]] = [[] for _ in range(count)]
    for node in range(1, count):
        for above in draw(st.lists(st.integers(0, node - 1), min_size=1, max_size=3)):
            followers[above].append(node)
    kind = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    return outline(followers, kind)


def open_all(shape: GraphShape) -> Choices:
    """Choices with which nothing is folded away."""
    choices = Choices()
    while True:
        shut = {
            shape.outline.numbers[row.node]
            for row in rows(shape, choices)
            if row.what is What.FOLD and shape.outline.numbers[row.node] not in choices.opened
        }
        if not shut:
            return choices
        choices = Choices(choices.opened | shut)


@given(graphs())
@settings(max_examples=300, deadline=None)
def test_opened_out_every_node_is_there_once_and_every_edge_is_seen(graph: GraphOutline) -> None:
    shape = GraphShape(graph)
    found = list(rows(shape, open_all(shape)))
    nodes = [row.node for row in found if row.what is What.NODE]
    assert sorted(nodes) == list(range(len(graph.kind)))
    edges = Counter((at, to) for at, following in enumerate(graph.followers) for to in following)
    references = Counter(row.node for row in found if row.what is What.REFERENCE)
    hanging = Counter(to for to in nodes[1:] if to in graph.followers[shape.above[to]])
    assert references + hanging == Counter(to for (_, to), times in edges.items() for _ in range(times))
    places = {node: at for at, node in enumerate(nodes)}
    assert all(places[shape.above[node]] < places[node] for node in nodes[1:])


@given(graphs())
@settings(max_examples=200, deadline=None)
def test_a_node_hangs_on_the_nearest_that_all_ways_lead_through(graph: GraphOutline) -> None:
    shape = GraphShape(graph)

    def reached_without(left_out: int) -> set[int]:
        pending, seen = [0] if left_out != 0 else [], set()
        while pending:
            node = pending.pop()
            if node not in seen and node != left_out:
                seen.add(node)
                pending += graph.followers[node]
        return seen

    everything = set(range(len(graph.kind)))
    through = {node: everything - reached_without(node) - {node} for node in everything}
    for node in range(1, len(graph.kind)):
        gates = {gate for gate in everything if node in through[gate]}
        nearest = shape.above[node]
        assert nearest in gates
        assert all(nearest == gate or nearest in through[gate] for gate in gates)


@given(graphs(), st.data())
@settings(max_examples=200, deadline=None)
def test_any_node_can_be_brought_to_light(graph: GraphOutline, data: st.DataObject) -> None:
    shape = GraphShape(graph)
    some = st.frozensets(st.sampled_from(graph.numbers))
    choices = Choices(data.draw(some), data.draw(some))
    node = data.draw(st.integers(0, len(graph.kind) - 1))
    found = rows(shape, needed_to_see(shape, node, choices))
    assert any(row.node == node and row.what is What.NODE for row in found)


@given(graphs())
@settings(max_examples=200, deadline=None)
def test_what_is_hidden_is_counted(graph: GraphOutline) -> None:
    shape = GraphShape(graph)
    (only,) = rows(shape, Choices(closed=frozenset({100})))
    assert only.hidden == len(graph.kind) - 1
    shut = list(rows(shape))
    folded = sum(row.fold.nodes * row.fold.repeats for row in shut if row.fold is not None)
    alone = sum(row.what is What.NODE for row in shut)
    assert alone + folded == len(graph.kind)


def test_many_alike_branches_are_one_and_a_fold() -> None:
    graph = outline([list(range(1, 9)), *[[]] * 8])
    shape = GraphShape(graph)
    assert [row.what for row in rows(shape)] == [What.NODE, What.NODE, What.FOLD]
    assert len(list(rows(shape, Choices(frozenset({102}))))) == 10


def test_a_very_deep_nesting_needs_no_recursion() -> None:
    count = 3_000
    followers = [[min(at + 1, count), min(count, at + 2)] for at in range(count)] + [[]]
    shape = GraphShape(outline(followers))
    assert sum(row.what is What.NODE for row in rows(shape, open_all(shape))) == count + 1
