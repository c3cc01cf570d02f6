"""Rules of operations that move elements about: views, indexing, joining and splitting, masks."""

from __future__ import annotations

from tutor.translation import say
from tutor.view.derivatives.rules import LETTERS, Rule, Saved, rule, simple

_BACK = "The gradient is laid out in the input's shape again."
_PLACE = "The gradient goes to the elements that were taken; all others get 0."

simple(
    "WhereBackward0",
    "Each element's gradient goes to the side that it came from; the other side gets 0.",
    "where(condition, g, 0)",
    "where(condition, 0, g)",
)
simple(
    "MaskedFillBackward0", "What was filled in gets 0; elsewhere the gradient passes.", "where(mask, 0, g)"
)
simple(
    "MaskedFillBackward1",
    "What was filled in gets 0; elsewhere the gradient passes. The value gets the rest.",
    "where(mask, 0, g)",
    "where(mask, g, 0).sum()",
)
simple("Tril", "The gradient passes in the triangle that was kept.", "g.tril(diagonal)")
simple("Triu", "The gradient passes in the triangle that was kept.", "g.triu(diagonal)")
simple("T", "The gradient is transposed back.", "g.T")
simple("NumpyT", "The gradient is transposed back.", "g.T")
simple(
    "ScatterAdd",
    "The gradient passes; what was added reads it at the same places.",
    "g",
    "g.gather(dim, index)",
)
simple(
    "ScatterBackward0",
    "What was overwritten gets 0; what was written reads the gradient there.",
    "g.scatter(dim, index, 0)",
    "g.gather(dim, index)",
)
simple(
    "ScatterBackward1",
    "What was overwritten gets 0; elsewhere the gradient passes.",
    "g.scatter(dim, index, 0)",
)


def _sizes(saved: Saved) -> str:
    return ", ".join(map(str, saved.sizes or ()))


@rule("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Reshape", "ViewAsReal_")
def _view(saved: Saved) -> Rule | None:
    sizes = saved.sizes
    return None if sizes is None else Rule(_BACK, {"x": f"g.reshape({_sizes(saved) or '()'})"})


@rule("Unsqueeze")
def _unsqueeze(saved: Saved) -> Rule:
    return Rule(_BACK, {"x": f"g.squeeze({saved.get('dim', 0)})"})


@rule("Permute")
def _permute(saved: Saved) -> Rule | None:
    dims = saved.get("dims")
    if not dims:
        return None
    inverse = [dims.index(dim) if dim in dims else dims.index(dim - len(dims)) for dim in range(len(dims))]
    return Rule(
        "The dimensions are put in their old order again.",
        {"x": f"g.permute({', '.join(map(str, inverse))})"},
    )


@rule("Transpose", "SwapaxesBackward", "TransposeCopy")
def _transpose(saved: Saved) -> Rule:
    first, second = saved.get("dim0", 0), saved.get("dim1", 1)
    return Rule("The two dimensions change places again.", {"x": f"g.transpose({first}, {second})"})


@rule("Expand")
def _expand(saved: Saved) -> Rule | None:
    if saved.sizes is None:
        return None
    words = "An element that was repeated gets the sum of the gradients of all its copies."
    return Rule(words, {"x": f"g.sum_to_size({_sizes(saved) or '()'})"})


@rule("Repeat")
def _repeat(saved: Saved) -> Rule | None:
    sizes, repeats = saved.sizes, saved.get("repeats")
    if sizes is None or not repeats:
        return None
    padded = [1] * (len(repeats) - len(sizes)) + sizes
    pairs = ", ".join(f"{times}, {size}" for times, size in zip(repeats, padded, strict=True))
    over = tuple(range(0, 2 * len(repeats), 2))
    words = "An element that was repeated gets the sum of the gradients of all its copies."
    return Rule(words, {"x": f"g.reshape({pairs}).sum({over}).reshape({_sizes(saved) or '()'})"})


@rule("SelectBackward0", "Select")
def _select(saved: Saved) -> Rule:
    at = f"{saved.get('dim', 0)}, {saved.get('index', 0)}"
    return Rule(_PLACE, {"x": f"{saved.like_x()}.select_scatter(g, {at})"})


@rule("Slice")
def _slice(saved: Saved) -> Rule:
    dim, start, step = saved.get("dim", 0), saved.get("start", 0), saved.get("step", 1)
    end = saved.get("end")
    return Rule(_PLACE, {"x": f"{saved.like_x()}.slice_scatter(g, {dim}, {start}, {end}, {step})"})


@rule("Index", "UnsafeIndex")
def _index(saved: Saved) -> Rule:
    words = "The gradient is added at the elements that were taken; one taken twice gets both."
    indices = saved.node.saved.get("indices")
    if not isinstance(indices, list) or None in indices:  # some dimensions were taken whole
        return Rule(words)
    return Rule(words, {"x": f"{saved.like_x()}.index_put(indices, g, accumulate=True)"})


@rule("IndexSelect")
def _index_select(saved: Saved) -> Rule:
    words = "The gradient is added at the rows that were taken; one taken twice gets both."
    return Rule(words, {"x": f"{saved.like_x()}.index_add({saved.get('dim', 0)}, index, g)"})


@rule("Embedding")
def _embedding(saved: Saved) -> Rule:
    words = (
        "Each looked-up row gets the gradient of its place; a row looked up twice gets both, the others 0."
    )
    rows = saved.get("weight_sym_argsize_0")
    if rows is None or saved.get("padding_idx", -1) >= 0 or saved.get("scale_grad_by_freq"):
        return Rule(words)
    return Rule(words, {"x": f"one_hot(indices, {rows}).to(g.dtype).flatten(0, -2).T @ g.flatten(0, -2)"})


@rule("Gather")
def _gather(saved: Saved) -> Rule:
    words = "The gradient is added at the elements that were taken; one taken twice gets both."
    return Rule(words, {"x": f"{saved.like_x()}.scatter_add({saved.get('dim', 0)}, index, g)"})


@rule("Take")
def _take(saved: Saved) -> Rule:
    return Rule(_PLACE, {"x": f"{saved.like_x()}.put(index, g, accumulate=True)"})


@rule("MaskedSelect")
def _masked_select(saved: Saved) -> Rule:
    return Rule(_PLACE, {"x": f"{saved.like_x()}.masked_scatter(mask, g)"})


@rule("MaskedScatter")
def _masked_scatter(_: Saved) -> Rule:
    return Rule("What was overwritten gets 0; what was written gets the gradient there.")


@rule("IndexAdd")
def _index_add(saved: Saved) -> Rule:
    dim = saved.get("dim", 0)
    words = "The gradient passes; what was added reads it at the same places."
    return Rule(words, {"x": "g", "y": f"g.index_select({dim}, index) * alpha"})


@rule("IndexPut", "IndexPutImpl")
def _index_put(saved: Saved) -> Rule:
    if saved.get("accumulate"):
        words = "The gradient passes; what was added reads it at the same places."
        return Rule(words, {"x": "g", "y": "g[indices]"})
    words = "What was overwritten gets 0; what was written reads the gradient there."
    indices = saved.node.saved.get("indices")
    if not isinstance(indices, list) or None in indices:
        return Rule(words)
    return Rule(words, {"x": "g.index_put(indices, zeros(()))", "y": "g[indices]"})


@rule("Cat")
def _cat(saved: Saved) -> Rule:
    dim = saved.get("dim", 0)
    words = "Each of the joined tensors gets its own part of the gradient, cut along dimension {dim}."
    return Rule(say(words, dim=dim))


@rule("Stack")
def _stack(saved: Saved) -> Rule:
    dim = saved.get("dim", 0)
    parts = {letter: f"g.select({dim}, {at})" for at, letter in enumerate(LETTERS)}
    return Rule("Each of the stacked tensors gets its own slice of the gradient.", parts)


@rule("Split", "SplitWithSizes", "Unbind", "Chunk", "TensorSplit", "Unsafe_Split")
def _split(_: Saved) -> Rule:
    return Rule("The gradients of all parts are put together again; a part that was not used counts as 0.")


@rule("Flip")
def _flip(saved: Saved) -> Rule:
    return Rule("The gradient is flipped back.", {"x": f"g.flip({tuple(saved.get('dims', [0]))})"})


@rule("Roll")
def _roll(saved: Saved) -> Rule:
    shifts = tuple(-each for each in saved.get("shifts", [0]))
    dims = saved.get("dims") or []
    given = f"{shifts}, {tuple(dims)}" if dims else f"{shifts[0]}"
    return Rule("The gradient is rolled back.", {"x": f"g.roll({given})"})


@rule("Diagonal", "DiagonalBackward0_copy")
def _diagonal(saved: Saved) -> Rule:
    at = f"{saved.get('offset', 0)}, {saved.get('dim1', 0)}, {saved.get('dim2', 1)}"
    return Rule(_PLACE, {"x": f"{saved.like_x()}.diagonal_scatter(g, {at})"})


@rule("Trace")
def _trace(saved: Saved) -> Rule:
    return Rule("Only the diagonal gets the gradient.", {"x": f"g * eye({_sizes(saved)})"})


@rule("ConstantPadNd")
def _pad(saved: Saved) -> Rule:
    pad = tuple(-each for each in saved.get("pad", []))
    return Rule("What was padded is cut off again.", {"x": f"pad(g, {pad})"})


@rule("AsStrided", "Unfold")
def _strided(_: Saved) -> Rule:
    return Rule("Each element gets the sum of the gradients of all places that show it.")


@rule("CopySlices")
def _copy_slices(_: Saved) -> Rule:
    return Rule(
        "A write into part of a tensor: what was overwritten gets 0, what was written gets the gradient "
        "there, and elsewhere it passes. torch does not tell whether this node is freed.",
    )
