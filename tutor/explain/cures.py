"""What an argument of the wrong type is, what was wanted, and what to write instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from tutor.explain import calls, repairs
from tutor.explain.reading import failing, path
from tutor.explain.wording import code_list, fill, or_text, phrase
from tutor.facts import Argument, FailedCall, Step

# ── words ────────────────────────────────────────────────────────────────────

_WANTED = {
    "Tensor": "a tensor", "Parameter": "an nn.Parameter", "number": "a number", "int": "a whole number (int)",
    "ints": "whole numbers (ints)", "float": "a number", "floats": "numbers", "bool": "True or False",
    "bools": "truth values", "str": "text (str)", "dtype": "a dtype such as torch.float32",
    "torch.dtype": "a dtype such as torch.float32", "device": "a device such as 'cpu'",
    "list of Tensors": "a list or tuple of tensors", "tuple of Tensors": "a list or tuple of tensors",
    "tuple of ints": "whole numbers (ints)", "Number": "a number", "None": "None", "Module": "a module",
    "list of numbers": "numbers", "tuple": "a tuple", "Generator": "a torch.Generator",
    "layout": "a layout", "memory_format": "a memory format",
}  # fmt: skip
_TYPES = {
    "list": "a list", "tuple": "a tuple", "NoneType": "None", "str": "text (str)", "float": "a float",
    "int": "an int", "bool": "True or False", "dict": "a dictionary", "ndarray": "a numpy array",
    "generator": "a generator", "function": "a function", "method": "a function",
    "builtin_function_or_method": "a function", "type": "a class", "complex": "a complex number",
    "Tensor": "a tensor", "module": "a module of Python", "Parameter": "a tensor", "set": "a set",
    "float64": "a number of numpy (float64)", "int64": "a number of numpy (int64)", "range": "a range",
    "max": "a pair of values and indices", "min": "a pair of values and indices",
    "sort": "a pair of values and indices", "topk": "a pair of values and indices",
    "median": "a pair of values and indices", "mode": "a pair of values and indices",
}  # fmt: skip


_OF_TYPE = "{article} {type}"
_SOMETHING = "something else"
_A_TENSOR = "a tensor"
_TENSOR_IS = "a tensor {what}"
_WITH_KEYS = "{what} with the keys {keys}"
_NAMED = {"class": "the class {name}", "function": "the function {name}"}
_IS = "{name} is {what}"
_OF_NUMPY = ("an array", "a numpy array")


def wanted(kind: str) -> str:
    """What a parameter takes, in words."""
    kind = re.sub(r"(?:tuple|list|Sequence)\[int[^\]]*\]", "ints", kind)
    words = [_WANTED.get(one.strip(), one.strip()) for one in kind.split(" or ")]
    words = list(dict.fromkeys(one for one in words if one != "None"))
    if {"a whole number (int)", "whole numbers (ints)"} <= set(words):
        words.remove("whole numbers (ints)")
    return or_text([phrase(one) for one in words]) if words else kind


def type_words(name: str) -> str:
    """`a list`, `a Dataset`."""
    name = name.rpartition(".")[2]
    if name in _TYPES:
        return phrase(_TYPES[name])
    return phrase(_OF_TYPE, article=f"a{'n' if name[:1] in 'AEIOUaeiou' else ''}", type=name)


def kind(argument: Argument, got: str = "") -> str:
    """What an argument is, in two or three words."""
    if got in _PAIRS:
        return type_words(got)
    if argument.operand is not None and argument.kind != "array" and argument.type:
        return phrase(_A_TENSOR)
    return type_words(argument.type or got) if argument.type or got else phrase(_SOMETHING)


def kind_value(argument: Argument, got: str = "") -> str:
    """The same with its value or shape: `a list, [1, 2]`."""
    words = kind(argument, got)
    if got in _PAIRS:
        return words
    if argument.operand is not None or argument.items:
        array, of_numpy = map(phrase, _OF_NUMPY)
        told = calls.what(argument).replace(array, of_numpy)
        return phrase(_TENSOR_IS, what=told) if told.startswith("[") else told
    if argument.kind == "none" or argument.value is None:
        keys = argument.keys if argument.kind == "dict" else ()
        listed = code_list([repr(one) for one in keys], 5) if keys else ""
        return phrase(_WITH_KEYS, what=words, keys=listed) if keys else words
    if argument.kind in _NAMED:
        return phrase(_NAMED[argument.kind], name=argument.value)
    return words if argument.text == argument.value else f"{words}, {argument.value}"


def is_(argument: Argument, got: str = "") -> str:
    """`\\`x\\` is a list, [1, 2]`."""
    return phrase(_IS, name=calls.label(argument), what=kind_value(argument, got))


# ── what to write ────────────────────────────────────────────────────────────

NONE = """
None is what a function without `return` gives, and what in-place methods of lists give: look where it
was set.
"""
_TENSOR_OF = "Make a tensor of it first: `{code}`."
_TENSOR_OF_NUMBER = """
Make a tensor of it, `{code}`, or use Python's `math` module for plain numbers.
"""
_TENSOR_OF_LIST = """
Make one tensor of the tensors in it: `torch.stack({text})` puts them along a new dimension,
`torch.cat({text})` joins them along one that is there. Or take the one that you mean: `{text}[0]`.
"""
_PICK = "It has several results in it: take the one that you mean, for example `{text}[0]`."
_PICK_VALUES = "It holds `.values` and `.indices`: say which you mean, for example `{text}.values`."
_PICK_KEY = "Take the entry that you mean, for example `{text}[{key}]`."
_ARRAY = """
torch does not mix with arrays: convert it with `{code}`, which shares the array's memory. {float64}
"""
_FLOAT64 = "numpy's own numbers are float64 and a layer's are float32, hence the `.float()`."
_TEXT = "A tensor holds numbers only: turn text into numbers first, such as the number of each word or label."
_DATA = (
    "A dataset or loader is gone through: `for batch in {text}:`, or one item is taken from it, `{text}[0]`."
)
LAYER = "A layer is not a tensor: call it on one, `{text}(x)`, and pass the result."
_CALL = "It was not called: with brackets, `{text}(...)`, it gives a result."
_CLASS = "It is a class: make an object of it first, `{text}(...)`."
_PACK = "Put them into one list: `{code}`."
_PACK_ONE = "To split a tensor into a list use `list({text})`; for several tensors write `[{text}, other]`."
_FLOOR = "`/` always gives a float; `//` divides whole numbers and gives an int: `{code}`."
_WHOLE = "Write it as a whole number: `{code}`."
_NOT_WHOLE = (
    "Decide how to round it, `int(...)` cuts off what is behind the point, `round(...)` goes to the nearest."
)
_BRACKETS = "Sizes stand in brackets here, one size too: `{code}`."
_ITEM = "It has one element: `{code}` gives it as a Python number."
_SHAPE_OF = "For the sizes of a tensor write `{text}.shape`."
_ROW = "Give whole numbers instead, for example with `{text}.tolist()`."
_DTYPE = "dtypes are objects of torch, not text: `{code}`."
_DTYPE_NUMPY = "dtypes of numpy are others than torch's: `{code}`."
_NUMBER_TEXT = "It is text that looks like a number: `{code}`."

_WRITE = "Write `{code}`."
_BY_NAME = """
Flags are best given by name, `…={code}`; if more dimensions were meant, they stand together in brackets,
`dim=(0, 1)`.
"""

_DTYPES = {
    "float": "torch.float32", "int": "torch.int64", "double": "torch.float64", "long": "torch.int64",
    "half": "torch.float16", "bool": "torch.bool", "bool_": "torch.bool",
}  # fmt: skip
_PAIRS = frozenset({"max", "min", "sort", "topk", "median", "mode", "kthvalue", "cummax", "cummin"})
_NEEDS_FLOAT = ("linear", "conv", "batch_norm", "layer_norm", "lstm", "gru", "rnn")
_Cure = tuple[str, str | None]


def cure(step: Step, call: FailedCall, argument: Argument, kind: str, got: str = "") -> _Cure:
    """What to write instead, and the fix where only one thing can be meant."""
    words = [one.strip() for one in kind.split(" or ")]
    if argument.kind == "text" and {"number", "float"} & set(words) and _digits(step, call, argument)[0]:
        return _digits(step, call, argument)
    if any(one in ("Tensor", "Parameter") for one in words):
        return _tensor(step, call, argument, got if got in _PAIRS else argument.type or got)
    if any("list of Tensors" in one or "tuple of Tensors" in one for one in words):
        return _tensors(step, call, argument, argument.type or got)
    if any(one in ("int", "ints", "tuple of ints") for one in words):
        return _int(step, call, argument, only_many="int" not in words)
    if any(one in ("dtype", "torch.dtype") for one in words):
        return _dtype(step, call, argument)
    if any(one in ("float", "Number", "number") for one in words) and argument.kind == "text":
        return _digits(step, call, argument)
    if words == ["bool"]:
        return _flag(step, call, argument)
    return (fill(NONE), None) if argument.kind == "none" else ("", None)


def _flag(step: Step, call: FailedCall, argument: Argument) -> _Cure:
    meant = _FLAGS.get((argument.value or "").strip("\"'").lower())
    if meant is None:
        return "", None
    if argument.place.isdecimal():
        return fill(_BY_NAME, code=meant), None
    code, fix = repairs.given(step, call, argument, meant)
    return fill(_WRITE, code=code), fix


_FLAGS = {"0": "False", "1": "True", "false": "False", "true": "True"}


def _tensor(step: Step, call: FailedCall, argument: Argument, got: str) -> _Cure:
    if got in ("ndarray", "memmap"):
        return _array(step, call, argument)
    if got in ("list", "tuple"):
        return _list(step, call, argument, got)
    if got in ("int", "float", "bool", "complex"):
        code, _ = repairs.given(step, call, argument, "torch.tensor({})")
        plain = call.name.startswith("torch.") and call.name.count(".") == 1
        return fill(_TENSOR_OF_NUMBER if plain else _TENSOR_OF, code=code), None
    key = repr(argument.keys[0]) if argument.keys else '"name"'
    text = argument.text or calls.label(argument).strip("`")
    return fill(_template(argument, got), text=text, key=key), None


def _template(argument: Argument, got: str) -> str:
    """What to say of objects that are no numbers and have no one repair."""
    if got in _PAIRS:
        return _PICK_VALUES
    if argument.kind == "module":
        return LAYER
    if argument.kind == "class" or got == "type":
        return _CLASS
    if argument.kind == "function":
        return _CALL
    if "Dataset" in got or "Loader" in got or got == "Subset":
        return _DATA
    return {"NoneType": NONE, "str": _TEXT, "dict": _PICK_KEY, "function": _CALL}.get(got, "")


def _array(step: Step, call: FailedCall, argument: Argument) -> _Cure:
    """A layer's weights are float32 and numpy's numbers float64: both steps at once."""
    double = argument.operand is None or argument.operand.dtype != "float32"
    narrow = double and calls.operation(call).startswith(_NEEDS_FLOAT)
    template = "torch.from_numpy({})" + (".float()" if narrow else "")
    code, fix = repairs.given(step, call, argument, template)
    return fill(_ARRAY, code=code, float64=_FLOAT64 if narrow else ""), fix


def _list(step: Step, call: FailedCall, argument: Argument, got: str) -> _Cure:
    text = argument.text or calls.label(argument).strip("`")
    if argument.items or "Tensor" in argument.types:
        return fill(_TENSOR_OF_LIST if got == "list" else _PICK, text=text), None
    if got == "tuple" and not argument.type:  # what a call gave; nobody knows what is in it
        return fill(_PICK, text=text), None
    if set(argument.types) & {"NoneType", "dict", "str"}:
        return (fill(_TEXT) if "str" in argument.types else ""), None
    floats = calls.operation(call).startswith(_NEEDS_FLOAT)
    whole = floats and "float" not in argument.types and not re.search(r"\d\.", argument.value or "")
    template = "torch.tensor({}, dtype=torch.float32)" if whole else "torch.tensor({})"
    code, fix = repairs.given(step, call, argument, template)
    return fill(_TENSOR_OF, code=code), fix


def _tensors(step: Step, call: FailedCall, argument: Argument, got: str) -> _Cure:
    """Tensors that were given one by one, or one alone, where a list of them is wanted."""
    positional = [one for one in call.arguments if one.place.isdecimal()]
    found = failing(step)
    nodes = [calls.node_of(found, call, one) if found is not None else None for one in positional]
    packed = len(positional) > 1 and all(one.kind == "tensor" or not one.type for one in positional)
    packed = packed and got == "Tensor"
    if argument.kind == "none":
        return fill(NONE), None
    if not packed:
        text = argument.text or "x"
        return (fill(_PACK_ONE, text=text), None) if argument.kind == "tensor" else ("", None)
    code = f"[{', '.join(one.text for one in positional)}]"
    whole = found.expression if found is not None else None
    fix = None
    if (
        found is not None
        and isinstance(whole, ast.Call)
        and None not in nodes
        and len(whole.args) == len(nodes)
    ):
        name = repairs.code_of(whole.func, found.source)
        rest = [repairs.code_of(word.value, found.source) for word in whole.keywords]
        words = [f"{word.arg}={text}" for word, text in zip(whole.keywords, rest, strict=True)]
        args = ", ".join(repairs.code_of(one, found.source) for one in whole.args)
        fix = repairs.exchange(found, whole, f"{name}({', '.join([f'[{args}]', *words])})")
    return fill(_PACK, code=code), fix


def _int(step: Step, call: FailedCall, argument: Argument, *, only_many: bool = False) -> _Cure:
    if only_many and argument.kind == "number" and argument.type != "float":
        code, fix = repairs.given(step, call, argument, "({},)")
        return fill(_BRACKETS, code=code), fix
    if argument.kind == "none":
        return fill(NONE), None
    if argument.kind == "text":
        return _digits(step, call, argument)
    if argument.kind == "tensor" and argument.operand is not None and argument.operand.shape is not None:
        if all(size == 1 for size in argument.operand.shape):
            code, fix = repairs.given(step, call, argument, "int({})")
            return fill(_ITEM, code=code), fix
        text = argument.text or "x"
        return fill(_SHAPE_OF if argument.operand.shape else _ROW, text=text), None
    at = repairs.place(step, call, argument)
    if argument.type == "float" and at is not None:
        found, node = at
        whole = re.fullmatch(r"(-?\d+)\.0", argument.value or _quotient(node, found.numbers))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and whole is not None:
            left, right = (repairs.code_of(one, found.source) for one in (node.left, node.right))
            code = f"{left} // {right}"
            return fill(_FLOOR, code=code), repairs.exchange(found, node, code)
        if whole is not None:
            code = (
                whole[1] if isinstance(node, ast.Constant) else f"int({repairs.code_of(node, found.source)})"
            )
            return fill(_WHOLE, code=code), repairs.exchange(found, node, code)
    return (fill(_NOT_WHOLE), None) if argument.type == "float" else ("", None)


def _quotient(node: ast.expr, numbers: Mapping[str, int]) -> str:
    """What a division of two plain whole numbers gives."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return ""
    sides = [one.value if isinstance(one, ast.Constant) else numbers.get(path(one) or "") for one in
             (node.left, node.right)]  # fmt: skip
    left, right = sides
    return str(left / right) if type(left) is int and type(right) is int and right else ""


def _dtype(step: Step, call: FailedCall, argument: Argument) -> _Cure:
    name = (argument.value or "").strip("\"'").rpartition(".")[2]
    known = _DTYPES.get(name) or (
        f"torch.{name}"
        if re.fullmatch(r"b?float\d+|bfloat16|u?int(8|16|32|64)|complex(64|128)", name)
        else None
    )
    if known is None:
        return "", None
    code, fix = repairs.given(step, call, argument, known)
    return fill(_DTYPE if argument.kind == "text" else _DTYPE_NUMPY, code=code), fix


def _digits(step: Step, call: FailedCall, argument: Argument) -> _Cure:
    digits = (argument.value or "").strip("\"'")
    if not re.fullmatch(r"-?\d+(\.\d+)?", digits):
        return "", None
    at = repairs.place(step, call, argument)
    literal = at is not None and isinstance(at[1], ast.Constant)
    template = digits if literal else "float({})" if "." in digits else "int({})"
    code, fix = repairs.given(step, call, argument, template)
    return fill(_NUMBER_TEXT, code=code), fix
