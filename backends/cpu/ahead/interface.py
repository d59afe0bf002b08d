"""What a compiled function is in C: the parameters of its plain function, and its names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from weft import codes
from weft.backends.complex_pairs import in_pairs, is_complex
from weft.backends.signature import ENTRY, Signature, ValueSpec
from weft.diagnostics import WeftError


@dataclass(frozen=True)
class Element:
    """An element type: in C, as a parameter of a plain function, in registers and in memory of LLVM."""

    c: str
    parameter: str
    register: str
    memory: str
    says: str = ""


def _integer(width: int, prefix: str = "") -> Element:
    return Element(f"{prefix}int{width}_t", f"i{width}", f"i{width}", f"i{width}")


ELEMENTS: dict[str, Element] = {
    "f16": Element("uint16_t", "i16", "half", "half", "the bits of f16 numbers"),
    "bf16": Element("uint16_t", "i16", "bfloat", "bfloat", "the bits of bf16 numbers"),
    "f32": Element("float", "float", "float", "float"),
    "f64": Element("double", "double", "double", "double"),
    "i1": Element("bool", "i1", "i1", "i8"),
    "index": _integer(64),
    **{f"{prefix}{width}": _integer(width) for prefix in ("i", "si") for width in (8, 16, 32, 64)},
    **{f"ui{width}": _integer(width, "u") for width in (8, 16, 32, 64)},
}
"""By MLIR's name. C has no portable types of 16-bit floats: they are passed as the integers that hold their bits."""


@dataclass(frozen=True)
class ComplexElement:
    """A type of complex numbers in the header, by what it is in C and in C++, where they lie alike."""

    name: str
    c: str
    cplusplus: str


COMPLEX: dict[str, ComplexElement] = {
    "complex<f32>": ComplexElement("weft_complex64", "float _Complex", "std::complex<float>"),
    "complex<f64>": ComplexElement("weft_complex128", "double _Complex", "std::complex<double>"),
}
"""By MLIR's name; NumPy's names in C."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a plain function: its C declaration less the name, the name, its LLVM type."""

    c: str
    name: str
    ir: str

    def __str__(self) -> str:
        return f"{self.c}{'' if self.c.endswith('*') else ' '}{self.name}"


_SIZE = "int64_t"


@dataclass(frozen=True)
class Passed:
    """How an argument or result of a function is passed to its plain function.

    `sizes` and `strides` are the parameters for what the type leaves open, None where it does not; a result has one
    parameter for all its sizes. `spec` says what compiled code has: pairs of floats where the `number` is complex.
    """

    spec: ValueSpec
    value: Parameter
    sizes: tuple[Parameter | None, ...] = ()
    strides: tuple[Parameter | None, ...] = ()
    number: ComplexElement | None = None

    @property
    def rank(self) -> int:
        """How many sizes it has for who counts numbers."""
        return len(self.spec.dims) - (self.number is not None)

    def parameters(self) -> list[Parameter]:
        """All parameters, in order."""
        return [self.value, *(p for p in (*self.sizes, *self.strides) if p is not None)]


@dataclass(frozen=True)
class Function:
    """A public function in C.

    `plain` is the name of the function on plain pointers and sizes, `descriptors` that of MLIR's C interface: the same
    with `_mlir_ciface_` before it.
    """

    signature: Signature
    plain: str
    descriptors: str
    arguments: tuple[Passed, ...]
    results: tuple[Passed, ...]

    def parameters(self) -> list[Parameter]:
        """All parameters of the plain function, in order."""
        return [p for passed in (*self.arguments, *self.results) for p in passed.parameters()]


ERROR, THREADS, WEIGHTS = "error", "set_threads", "load_weights"
"""The functions that every library has, after its prefix."""

_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class compl
    concept const const_cast consteval constexpr constinit continue co_await co_return co_yield decltype default delete
    do double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable
    namespace new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast
    requires restrict return short signed sizeof static static_assert static_cast struct switch template this
    thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while
    xor xor_eq linux unix errno NULL EOF int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t"""
_KEYWORDS = frozenset(_WORDS.split())
"""Words that a parameter cannot be called in C or C++, macros of common headers among them."""


def identifier(name: str) -> str:
    """A name as one that C and C++ take: other characters become `_`."""
    text = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if not text or text[0].isdigit() or re.match("_[A-Z_]", text):  # the last belong to the compiler
        text = f"v{text}"
    return f"{text}_" if text in _KEYWORDS else text


@dataclass
class _Names:
    """Names of parameters, each once."""

    used: set[str] = field(default_factory=lambda: {"results"})

    def fresh(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self.used:
            number += 1
            name = f"{wanted}_{number}"
        self.used.add(name)
        return name


def functions_of(signatures: Iterable[Signature], prefix: str) -> tuple[Function, ...]:
    """The functions in C, their plain names with a prefix.

    Raises :class:`WeftError` where two would have one name.
    """
    taken = {prefix + own: f"the function '{prefix}{own}' that every library has" for own in (ERROR, THREADS, WEIGHTS)}
    made: list[Function] = []
    for signature in signatures:
        plain = identifier(prefix + signature.name)
        if plain in taken:
            raise WeftError(
                f"'@{signature.name}' would be called '{plain}' in C, which is the name of {taken[plain]}",
                hint="rename the function",
                code=codes.NAME_TAKEN,
            )
        taken[plain] = f"'@{signature.name}'"
        made.append(_function(signature, plain))
    return tuple(made)


def _function(signature: Signature, plain: str) -> Function:
    for spec in (*signature.arguments, *signature.results):
        if is_complex(spec) and spec.kind != "tensor":
            raise WeftError(
                f"'@{signature.name}' cannot be called from C: '{spec.name}' is {spec}",
                hint="complex numbers are taken in tensors",
                code=codes.UNSUPPORTED_TYPE,
            )
    names = _Names()
    arguments = tuple(_argument(spec, names) for spec in signature.arguments)
    results = tuple(_result(spec, names) for spec in signature.results)
    return Function(signature, plain, ENTRY + plain, arguments, results)


def _argument(spec: ValueSpec, names: _Names) -> Passed:
    name = names.fresh(identifier(spec.name))
    if spec.kind == "scalar":
        element = ELEMENTS[spec.dtype]
        return Passed(spec, Parameter(element.c, name, element.parameter))
    const = "const " if spec.kind == "tensor" else ""
    return Passed(
        in_pairs(spec),
        Parameter(f"{const}{_named(spec)} *", name, "ptr"),
        _open(in_pairs(spec).dims, f"{name}_dim", names),
        _open(spec.strides or (), f"{name}_stride", names),
        COMPLEX.get(spec.dtype),
    )


def _named(spec: ValueSpec) -> str:
    """The C type of the elements."""
    return COMPLEX[spec.dtype].name if is_complex(spec) else ELEMENTS[spec.dtype].c


def _open(numbers: Sequence[int | None], name: str, names: _Names) -> tuple[Parameter | None, ...]:
    return tuple(
        Parameter(_SIZE, names.fresh(f"{name}{n}"), "i64") if number is None else None
        for n, number in enumerate(numbers)
    )


def _result(spec: ValueSpec, names: _Names) -> Passed:
    name = names.fresh(identifier(spec.name))
    if spec.kind == "memref":
        return Passed(spec, Parameter(f"{descriptor_name(spec)} *", name, "ptr"))
    passed, number = in_pairs(spec), COMPLEX.get(spec.dtype)
    if spec.is_out or spec.kind == "scalar":
        return Passed(passed, Parameter(f"{_named(spec)} *", name, "ptr"), number=number)
    sizes = Parameter(f"{_SIZE} *", names.fresh(f"{name}_dims"), "ptr")
    return Passed(passed, Parameter(f"{_named(spec)} **", name, "ptr"), (sizes,), number=number)


def descriptor_name(spec: ValueSpec) -> str:
    """The C type of a descriptor: `weft_f32_2d`."""
    return f"weft_{spec.dtype}_{len(spec.dims)}d"
