"""What kind of operation a function of torch is: its name, and what of it is worth telling."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, WrapperDescriptorType
from types import MethodWrapperType as _Bound
from typing import Any

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_words = str.split

#: Python's operators and protocols by the names that torch has for what they do.
_SPOKEN = {
    "__rsub__": "rsub", "__rdiv__": "div", "__rtruediv__": "div", "__truediv__": "div", "__rpow__": "pow",
    "__rmatmul__": "matmul", "__radd__": "add", "__rmul__": "mul", "__rfloordiv__": "floor_divide",
    "__floordiv__": "floor_divide", "__rmod__": "remainder",
    "__and__": "bitwise_and", "__rand__": "bitwise_and", "__or__": "bitwise_or", "__ror__": "bitwise_or",
    "__xor__": "bitwise_xor", "__rxor__": "bitwise_xor", "__invert__": "bitwise_not", "__pos__": "positive",
    "__lshift__": "bitwise_left_shift", "__rlshift__": "bitwise_left_shift",
    "__rshift__": "bitwise_right_shift", "__rrshift__": "bitwise_right_shift",
    "__iand__": "bitwise_and_", "__ior__": "bitwise_or_", "__ixor__": "bitwise_xor_", "__ipow__": "pow_",
    "__idiv__": "div_", "__itruediv__": "div_", "__ifloordiv__": "floor_divide_", "__imod__": "remainder_",
    "__ilshift__": "bitwise_left_shift_", "__irshift__": "bitwise_right_shift_",
    "__iadd__": "add_", "__isub__": "sub_", "__imul__": "mul_",
}  # fmt: skip
#: Attributes that make a tensor; every other attribute is a fact about one.
_MAKING = frozenset({"T", "mT", "H", "mH", "real", "imag", "data"})
_BORING = frozenset(
    _words("""
    dim size numel nelement element_size stride storage_offset data_ptr ndimension untyped_storage storage
    has_names get_device dim_order result_type can_cast register_hook register_post_accumulate_grad_hook
    retain_grad typename storage_type get_default_dtype set_grad_enabled promote_types broadcast_shapes names
    share_memory_ module_load __len__ __hash__ __repr__ __str__ __format__ __dir__ __reduce_ex__ __setstate__
    __dlpack__ __dlpack_device__ __index__ __sizeof__ __reversed__
    """)
)
_BORING_STARTS = tuple(
    _words("""
    is_ _set_ _record_function _is_ _has_ _version _base _get _reduce _assert _dim _nnz _typed_storage _enter
    _exit _enable _disable _use _debug _sync _backward_hooks
    """)
)
#: New memory that these make has elements of their first argument, perhaps in another order, dtype or place.
_MOVING = frozenset(
    _words("""
    clone contiguous reshape reshape_as flatten ravel view view_as unflatten to type type_as float double half
    bfloat16 int long short char byte bool cfloat cdouble chalf cpu cuda xpu mps deepcopy tensor as_tensor
    asarray new_tensor getitem index_select masked_select take take_along_dim gather flip fliplr flipud rot90
    roll repeat tile repeat_interleave numpy array pin_memory to_dense to_sparse resolve_conj resolve_neg
    alias as_strided diagonal slice split t unbind unfold_copy
    adjoint permute transpose expand expand_as squeeze unsqueeze select narrow detach sparse_mask coalesce
    positive
    """)
)
#: They end like writers, and change what is known about a tensor, not its elements.
_ABOUT = frozenset({"requires_grad_", "detach_", "rename_", "share_memory_", "retain_grad_", "coalesce_"})
_CACHED = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType, _Bound)


class Kind:
    """What is known of an operation before it runs."""

    __slots__ = ("boring", "method", "moving", "name", "parameters", "setter", "writing")

    def __init__(self, func: Any) -> None:
        name, accessor = _name(func)
        self.setter = accessor == "__set__"
        self.boring = _is_boring(name, accessor)
        plain = name[2:-2] if len(name) > 4 and name.startswith("__") and name.endswith("__") else name
        self.name = _SPOKEN.get(name, plain)
        #: It takes the tensor that it is called on as its first argument.
        self.method = bool(accessor) or _is_method(func, name)
        #: Names of positional parameters, of functions written in Python.
        self.parameters = _parameters(func)
        self.moving = (
            self.name in _MOVING  # `unfold` itself is a view, or torch.nn.functional's, which pads with zeros
            or self.name.removesuffix("_copy") in _MOVING
            or self.name.startswith("to_sparse_")
        )
        #: By its name it writes into its first argument.
        self.writing = self.setter or (
            self.name in ("setitem", "__set__") or (self.name.endswith("_") and self.name not in _ABOUT)
        )


_kinds: dict[Any, Kind] = {}


def kind_of(func: Any) -> Kind:
    """The kind of `func`. Functions of the learner's are not remembered, and nothing of theirs is called."""
    if type(func) in _CACHED or (type(func) is FunctionType and _is_torch(func)):
        kind = _kinds.get(func)
        if kind is None:
            kind = _kinds[func] = Kind(func)
        return kind
    return Kind(func)


def _is_torch(func: Any) -> bool:
    module = func.__globals__.get("__name__")
    return type(module) is str and (module == "torch" or module.startswith("torch."))


def _name(func: Any) -> tuple[str, str]:
    """Name of a function; of an attribute its name, and whether it is got or set."""
    if type(func) is _Bound:
        accessor = func.__name__
        if accessor in ("__get__", "__set__", "__delete__"):
            name = getattr(func.__self__, "__name__", None)
            if name is None:  # a property written in Python, of a function or around torch's own
                read = getattr(func.__self__, "fget", None)
                read = read.__self__ if type(read) is _Bound else read
                name = getattr(read, "__name__", "?")
            return str(name), accessor
        return accessor, ""
    try:
        name = object.__getattribute__(func, "__name__")
    except Exception:
        name = type.__dict__["__name__"].__get__(type(func))
    return (str.__str__(name).partition(".")[0] if isinstance(name, str) else "?"), ""


def _is_boring(name: str, accessor: str) -> bool:
    if accessor:
        return name != "data" if accessor == "__set__" else name not in _MAKING
    return name in _BORING or name.startswith(_BORING_STARTS)


def _is_method(func: Any, name: str) -> bool:
    if type(func) in (MethodDescriptorType, WrapperDescriptorType):
        return True
    return type(func) is FunctionType and func.__code__.co_varnames[:1] == ("self",)


def spelled_out(func: FunctionType) -> FunctionType:
    """The function that says the parameters of one that hands on whatever it gets, as `F.max_pool1d` does."""
    code = func.__code__
    if code.co_argcount or "if_false" not in code.co_freevars:
        return func
    behind = (func.__closure__ or ())[code.co_freevars.index("if_false")].cell_contents
    return behind if type(behind) is FunctionType else func


def _parameters(func: Any) -> tuple[str, ...]:
    if type(func) is not FunctionType:
        return ()
    code = spelled_out(func).__code__
    return code.co_varnames[: code.co_argcount]
