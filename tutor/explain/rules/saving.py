"""Saving and loading files: what a file holds, what is refused, where it is, and on which device."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls
from tutor.explain.elsewhere import call_of, changed, codes, defined, is_module, last_set, source_of
from tutor.explain.engine import failure
from tutor.explain.entries import At
from tutor.explain.past import Past
from tutor.explain.reading import failing
from tutor.explain.wording import fill, phrase
from tutor.facts import Explanation, FailedCall, Snapshot, Step

# ── weights-only ─────────────────────────────────────────────────────────────

_AN_ARRAY = "a numpy array or number"
_A_MODEL, _AN_OBJECT = "a model, of the class {name}", "an object of the class {name}"
_WEIGHTS_TITLE = "`torch.load` refused {kind}: it loads plain data only"
_WEIGHTS = """
The file holds {kind}, and by default (`weights_only=True`) `torch.load` accepts tensors, numbers, texts,
and lists and dictionaries of them: making objects of any class would run code that the file chooses.
{saved} {choice}
"""
_SAVED = "It was written by `{code}` ({at})."
_MODEL = """
The safe way is to save what a model has learned, `torch.save(model.state_dict(), path)`, and to load it
into a model that was made from the class: `model.load_state_dict(torch.load(path))`. For a file that you
made yourself, and for no other, `torch.load(..., weights_only=False)` reads it as it is.
"""
_NUMPY = """
The safe way is to save tensors: `torch.from_numpy(array)` of an array, `float(x)` of a number. For a file
that you made yourself, and for no other, `weights_only=False` reads it as it is.
"""
_OTHER = """
The safe way is to save its values as plain numbers, texts and lists in a dictionary. If you trust where the
file comes from, allow this one class: `with torch.serialization.safe_globals([{name}]):`;
`weights_only=False` would allow all.
"""


@failure
def weights_only(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `torch.load` refused a file because it holds objects of a class, not only plain data."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or call.name != "torch.load":
        return None
    told = re.search(r"Unsupported (?:global: GLOBAL|class) ([\w.]+)", error.message)
    if told is None:
        return None
    path, name = told[1], told[1].rpartition(".")[2]
    own = defined(step, past, name)
    model = path.startswith("torch.nn.modules") or is_module(step, past, own)
    if path.startswith("numpy."):
        kind, choice = phrase(_AN_ARRAY), fill(_NUMPY)
    elif model:
        kind, choice = phrase(_A_MODEL, name=name), fill(_MODEL)
    else:
        kind, choice = phrase(_AN_OBJECT, name=name), fill(_OTHER, name=name)
    saved = _saved(step, past, call)
    words = fill(_SAVED, code=saved[0], at=saved[1]) if saved is not None else ""
    text = fill(_WEIGHTS, kind=kind, saved=words, choice=choice)
    return Explanation("weights-only", "error", fill(_WEIGHTS_TITLE, kind=kind), text)


def _saved(step: Step, past: Past, call: FailedCall) -> tuple[str, At] | None:
    """The call of torch.save that wrote this file, by the code of its path."""
    path = calls.argument(call, "f")
    for code in codes(step, past):
        for root in code.tree:
            for node in ast.walk(root):
                if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("torch.save"):
                    continue
                if path is not None and len(node.args) > 1 and ast.unparse(node.args[1]) == path.text:
                    return ast.unparse(node), code.at(node)
    return None


# ── missing-file ─────────────────────────────────────────────────────────────

_FILE_TITLE = "There is no file {path}"
_FILE = """
`{code}` is to read {given}, and there is no such file. {relative} Look at the name, and whether the code
that saves it has run.
"""
_RELATIVE = """
A path that does not begin with / starts from the folder in which Python runs, which need not be that of the
program.
"""
_IS_FOLDER_TITLE = "{path} is a folder"
_FOLDER_TITLE = "The folder for {path} does not exist"
_FOLDER = """
`{code}` is to write {given}, and the folder {folder} is not there: `torch.save` makes a file, but no
folders. Make it first, `os.makedirs({name}, exist_ok=True)`.
"""
_IS_FOLDER = "{given} in `{code}` is a folder: add the name of the file, such as `model.pt`."


@failure
def missing_file(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the file to load, or the folder to save into, is not there."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or call.name not in ("torch.load", "torch.save"):
        return None
    argument = calls.argument(call, "f")
    if argument is None:
        return None
    path = argument.value or argument.text
    literal = argument.text == argument.value or argument.text[:1] in "'\""
    given = path if literal or not argument.text else f"`{argument.text}` ({path})"
    fields = {"path": path, "code": call.expression, "given": given}
    folder = re.search(r"Parent directory (.+) does not exist", error.message)
    if folder is not None:
        text = fill(_FOLDER, folder=folder[1], name=f'"{folder[1]}"', **fields)
        return Explanation("missing-file", "error", fill(_FOLDER_TITLE, **fields), text)
    if error.type == "IsADirectoryError" or "Is a directory" in error.message:
        text = fill(_IS_FOLDER, **fields)
        return Explanation("missing-file", "error", fill(_IS_FOLDER_TITLE, path=path), text)
    if error.type != "FileNotFoundError":
        return None
    relative = fill(_RELATIVE) if not path.strip("\"'").startswith(("/", "~")) and ":" not in path else ""
    text = fill(_FILE, relative=relative, **fields)
    return Explanation("missing-file", "error", fill(_FILE_TITLE, **fields), text)


# ── not-a-checkpoint ─────────────────────────────────────────────────────────

_BROKEN_TITLE = "`{given}` is no file that `torch.save` wrote"
_BROKEN = "`{code}` cannot read {given}: {why} {what}"
_EMPTY = "the file is empty."
_CUT = "it begins as one that `torch.save` wrote, and its end is missing or damaged."
_ELSE = "its bytes are something else."
_AGAIN = "Save or download it again, and look that the code which wrote it ran to its end."
_READER = """
`torch.load` reads what `torch.save` wrote; other files have readers of their own, such as `np.load`,
`json.load` and `pd.read_csv`.
"""


#: What reading bytes of any kind as a pickle may raise.
_UNREADABLE = frozenset(
    {
        "UnpicklingError",
        "KeyError",
        "UnicodeDecodeError",
        "ValueError",
        "IndexError",
        "AssertionError",
        "error",
    }
)


@failure
def not_a_checkpoint(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the file that `torch.load` is to read is empty, cut off, or of another kind."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or call.name != "torch.load" or "Unsupported global" in error.message:
        return None
    argument = calls.argument(call, "f")
    if argument is None or not argument.text:
        return None
    message = error.message
    if error.type == "EOFError":
        why, what = _EMPTY, _AGAIN
    elif "PytorchStreamReader" in message or "corrupted" in message:
        why, what = _CUT, _AGAIN
    elif error.type in _UNREADABLE:
        why, what = _ELSE, _READER
    else:
        return None
    literal = argument.text[:1] in "'\""
    given = (
        f"`{argument.text}`" if literal or argument.value is None else f"`{argument.text}` ({argument.value})"
    )
    text = fill(_BROKEN, code=call.expression, given=given, why=fill(why), what=fill(what))
    return Explanation("not-a-checkpoint", "error", fill(_BROKEN_TITLE, given=argument.text), text)


# ── cannot-save ──────────────────────────────────────────────────────────────

_A_RUNNING, _A_LAMBDA = "A {type}", "A lambda in it"
_PICKLE_TITLE = "{what} cannot be saved to a file"
_PICKLE = """
`{code}` writes `{given}` by pickling: values are written out, and functions and classes by their names
alone. {what} {why} {instead}
"""
_NO_NAME = "has no name under which it could be found again."
_LOCAL = "is defined inside of a function, where it cannot be found again."
_RUNNING = "is in the middle of running, and cannot be written down."
_STATE = "Save what was learned instead: `torch.save({model}.state_dict(), {path})`."
_LIST = "Save the values themselves, as in a list or a state dict."


@failure
def cannot_save(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `torch.save` is given a lambda, a generator, or an object of a class in a function."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or call.name != "torch.save" or "pickle" not in error.message.lower():
        return None
    given, path = calls.argument(call, "obj"), calls.argument(call, "f")
    if given is None or not given.text:
        return None
    running = re.search(r"cannot pickle '([\w.]+)' object", error.message)
    local = re.search(r"local object '([^']+)'", error.message)
    if running is not None:
        what, why = phrase(_A_RUNNING, type=running[1].rpartition(".")[2]), _RUNNING
    elif "lambda" in error.message:
        what, why = _A_LAMBDA, _NO_NAME
    elif local is not None:
        what, why = f"`{local[1].rpartition('.')[2]}`", _LOCAL
    else:
        return None
    instead = fill(_LIST)
    if given.kind == "module":
        instead = fill(_STATE, model=given.text, path=path.text if path is not None else "path")
    text = fill(_PICKLE, code=call.expression, given=given.text, what=what, why=why, instead=instead)
    return Explanation("cannot-save", "error", fill(_PICKLE_TITLE, what=what.strip("`")), text)


# ── map-location ─────────────────────────────────────────────────────────────

_A_CUDA_DEVICE = "a CUDA device"
_MAP_TITLE = "The tensors were to be loaded to {device}, which is not here"
_MAP = """
A file remembers on which device each tensor was. {asked}, and this machine has none that torch can use. With
`map_location="cpu"` all of it comes to the CPU, and `.to(device)` moves a model from there.
"""
_ASKED = "`{given}` asks for {device}"
_WAS = "These were on a CUDA device"
_NO_DEVICE_TITLE = "{given} is no device"
_NO_DEVICE = """
`{code}` asks for the device {given}, and torch knows none of that name: `"cpu"`, `"cuda"` or `"cuda:0"` for
NVIDIA's cards, `"mps"` for Apple's.
"""


@failure
def map_location(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a file's tensors are to be loaded to a device that is not there, or is none."""
    error, call, found = step.error, calls.failed(step), failing(step)
    if error is None or call is None or call.name != "torch.load" or error.type != "RuntimeError":
        return None
    argument = calls.argument(call, "map_location")
    if "restore data location" in error.message and argument is not None:
        given = argument.value or argument.text
        text = fill(_NO_DEVICE, code=call.expression, given=given)
        return Explanation("map-location", "error", fill(_NO_DEVICE_TITLE, given=given), text)
    if "deserialize object on" not in error.message:
        return None
    fix = None
    node = call_of(found)
    if argument is not None and found is not None:
        fix = changed(found, calls.node_of(found, call, argument), '"cpu"')
    elif node is not None and found is not None and not any(k.arg is None for k in node.keywords):
        inside = ", ".join(ast.unparse(one) for one in (*node.args, *node.keywords))
        fix = changed(found, node, f'{ast.unparse(node.func)}({inside}, map_location="cpu")')
    device = (argument.value or argument.text).strip("\"'") if argument is not None else _A_CUDA_DEVICE
    asked = fill(_ASKED, given=argument.text, device=device) if argument is not None else _WAS
    text = fill(_MAP, asked=asked)
    return Explanation("map-location", "error", fill(_MAP_TITLE, device=device), text, fix)


# ── state-dict-as-model ──────────────────────────────────────────────────────

_AS_TITLE = "`{name}` is a state dict, not a model"
_AS = """
`{name}` was set to `{value}` ({at}), and that is a dictionary of names and tensors: what a model had
learned, without the model. Make the model from its class and load the values into it: `{model} = Net(...)`,
then `{model}.load_state_dict({name})`.
"""
_MODEL_METHODS = frozenset(
    {"eval", "train", "parameters", "to", "cuda", "cpu", "forward", "state_dict", "named_parameters"}
)


@failure
def state_dict_as_model(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when what `torch.load` or `state_dict()` gave, a dictionary, is used like a model."""
    error, found = step.error, failing(step)
    if error is None or found is None:
        return None
    node = found.expression
    missing = error.missing
    if error.type == "TypeError" and re.search(
        r"'(?:collections\.OrderedDict|dict)' object is not callable", error.message
    ):
        target = node.func if isinstance(node, ast.Call) else None
    elif missing is not None and missing.type in ("OrderedDict", "dict") and missing.name in _MODEL_METHODS:
        target = ast.parse(missing.owner, mode="eval").body if missing.owner.isidentifier() else None
    else:
        return None
    name = ast.unparse(target) if isinstance(target, ast.Name) else ""
    binding = last_set(step, past, found, name) if name else None
    made = binding.value if binding is not None else None
    while isinstance(made, ast.Subscript):
        made = made.value
    if binding is None or not isinstance(made, ast.Call):
        return None
    function = ast.unparse(made.func)
    if function.rpartition(".")[2] not in ("load", "state_dict"):
        return None
    model = "net" if name == "model" else "model"
    text = fill(_AS, name=name, value=source_of(binding), at=binding.at, model=model)
    return Explanation("state-dict-as-model", "error", fill(_AS_TITLE, name=name), text)


# ── file-arguments ───────────────────────────────────────────────────────────

_A_TEXT = "a text, `{text}`,"
_SWAPPED_TITLE = "`torch.save` takes the object first and the file second"
_SWAPPED = "`{code}` gives {first} for what to save and {second} for the file. Write `{better}`."
_NO_FILE_TITLE = "`torch.save` was not told where to save"
_NO_FILE = "`{code}` gives what to save and no file: `torch.save({first}, 'model.pt')`."
_NO_PATH_TITLE = "`{given}` is no file"
_NO_PATH = "`{code}` needs a path or an open file, and `{given}` is {what}."


@failure
def file_arguments(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `torch.save` or `torch.load` gets no file, or the object where the file belongs."""
    error, call, found = step.error, calls.failed(step), failing(step)
    node = call_of(found)
    if error is None or call is None or call.name not in ("torch.save", "torch.load") or node is None:
        return None
    if error.type not in ("AttributeError", "TypeError") or found is None:
        return None
    given, file = calls.argument(call, "obj"), calls.argument(call, "f")
    if call.name == "torch.save" and "'f'" in error.message and file is None and given is not None:
        text = fill(_NO_FILE, code=call.expression, first=given.text)
        return Explanation("file-arguments", "error", _NO_FILE_TITLE, text)
    if file is None or not file.text or not file.type or file.kind == "text":
        return None
    if call.name == "torch.save" and given is not None and given.kind == "text" and len(node.args) == 2:
        first, second = (ast.unparse(one) for one in node.args)
        better = f"{ast.unparse(node.func)}({second}, {first})"
        fix = changed(found, node, better) if not node.keywords else None
        shown = {"first": phrase(_A_TEXT, text=given.text), "second": f"`{file.text}`"}
        text = fill(_SWAPPED, code=call.expression, better=better, **shown)
        return Explanation("file-arguments", "error", _SWAPPED_TITLE, text, fix)
    if "seek" in error.message or "write" in error.message:
        text = fill(_NO_PATH, code=call.expression, given=file.text, what=calls.what(file))
        return Explanation("file-arguments", "error", fill(_NO_PATH_TITLE, given=file.text), text)
    return None
