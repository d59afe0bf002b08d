"""Attributes of the `nvvm` dialect.

Source: https://mlir.llvm.org/docs/Dialects/NVVMDialect/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntAttr
from xdsl.ir import Attribute, Data, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from weft.dialects.chips import parts
from weft.dialects.keywords import AngledKeyword, Keyword


@dataclass(frozen=True)
class Target:
    """An NVIDIA GPU as code is made for it, with upstream's defaults.

    `level` is that of optimisation, `features` those of LLVM's NVPTX backend (`+ptx86`: the version of PTX).
    """

    level: int = 2
    triple: str = "nvptx64-nvidia-cuda"
    chip: str = "sm_50"
    features: str = "+ptx60"
    flags: Attribute | None = None
    link: Attribute | None = None

    @property
    def capability(self) -> int:
        """The compute capability as a number: 90 for `sm_90a`; 0 for a chip of another name."""
        return parts(self.chip)[0]

    @property
    def suffix(self) -> str:
        """`a` for a chip whose own features are used (`sm_90a`), `f` for those of its family, else nothing."""
        return parts(self.chip)[1]

    @property
    def ptx(self) -> int:
        """The version of PTX: 86 for 8.6; 0 where the features name none."""
        found = re.search(r"\+ptx(\d+)", self.features)
        return int(found[1]) if found else 0


_KEYS = {
    "O": "level",
    "triple": "triple",
    "chip": "chip",
    "features": "features",
    "flags": "flags",
    "link": "link",
}


@irdl_attr_definition
class TargetAttr(Data[Target]):
    """A GPU that a `gpu.module` is compiled for.

    ```mlir
    #nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">
    ```
    """

    name = "nvvm.target"

    @staticmethod
    def of(chip: str, ptx: int) -> TargetAttr:
        """The target of a chip and a version of PTX."""
        return TargetAttr(Target(chip=chip, features=f"+ptx{ptx}"))

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Target:
        """Read `<key = value, ...>`, or nothing."""
        values: dict[str, Any] = {}

        def entry() -> None:
            place = parser.pos
            key = parser.parse_identifier(" (a fact about a target)")
            if key not in _KEYS:
                parser.raise_error(f"'{key}' is no fact about a target; known are {', '.join(_KEYS)}", place)
            parser.parse_punctuation("=")
            values[_KEYS[key]] = _parse_value(parser, key)

        parser.parse_optional_comma_separated_list(parser.Delimiter.ANGLE, entry)
        return replace(Target(), **values)

    def print_parameter(self, printer: Printer) -> None:
        """Print what differs from the defaults."""
        default = Target()
        shown = [key for key, name in _KEYS.items() if getattr(self.data, name) != getattr(default, name)]
        if shown:
            with printer.in_angle_brackets():
                printer.print_list(shown, lambda key: self._print_entry(printer, key))

    def _print_entry(self, printer: Printer, key: str) -> None:
        value = getattr(self.data, _KEYS[key])
        printer.print_string(f"{key} = ")
        if isinstance(value, int):
            printer.print_string(str(value))
        elif isinstance(value, str):
            printer.print_string_literal(value)
        else:
            printer.print_attribute(value)


def _parse_value(parser: AttrParser, key: str) -> int | str | Attribute:
    if key == "O":
        return parser.parse_integer(allow_boolean=False, allow_negative=False)
    if key in ("triple", "chip", "features"):
        return parser.parse_str_literal()
    place = parser.pos
    value = parser.parse_attribute()
    kind, what = (DictionaryAttr, "dictionary") if key == "flags" else (ArrayAttr, "list")
    if type(value) is not kind:
        parser.raise_error(f"'{key}' of a target is a {what}", place)
    return value


@irdl_attr_definition
class ShapeAttr(ParametrizedAttribute):
    """The sizes of a product: A is m x k, B is k x n.

    ```mlir
    #nvvm.shape<m = 16, n = 8, k = 16>
    ```
    """

    name = "nvvm.shape"

    m: IntAttr
    n: IntAttr
    k: IntAttr

    @staticmethod
    def of(m: int, n: int, k: int) -> ShapeAttr:
        """The shape of these sizes."""
        return ShapeAttr(IntAttr(m), IntAttr(n), IntAttr(k))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """m, n and k."""
        return self.m.data, self.n.data, self.k.data

    def __str__(self) -> str:
        return f"m{self.m.data}n{self.n.data}k{self.k.data}"

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> tuple[IntAttr, ...]:
        """Read `<m = 16, n = 8, k = 16>`."""
        sizes: dict[str, IntAttr] = {}

        def entry() -> None:
            key = parser.parse_identifier(" (m, n or k)")
            parser.parse_punctuation("=")
            sizes[key] = IntAttr(parser.parse_integer(allow_boolean=False))

        place = parser.pos
        parser.parse_comma_separated_list(parser.Delimiter.ANGLE, entry)
        if sorted(sizes) != ["k", "m", "n"]:
            parser.raise_error("a shape has m, n and k", place)
        return sizes["m"], sizes["n"], sizes["k"]

    def print_parameters(self, printer: Printer) -> None:
        """Print `<m = 16, n = 8, k = 16>`."""
        with printer.in_angle_brackets():
            printer.print_string(", ".join(f"{k} = {v}" for k, v in zip("mnk", self.sizes, strict=True)))


@irdl_attr_definition
class LayoutAttr(AngledKeyword):
    """How a matrix lies: `#nvvm.mma_layout<row>`."""

    name = "nvvm.mma_layout"
    WORDS: ClassVar = ("row", "col")


@irdl_attr_definition
class MMATypeAttr(AngledKeyword):
    """The elements of a matrix, as PTX calls them: `#nvvm.mma_type<tf32>`."""

    name = "nvvm.mma_type"
    WORDS: ClassVar = ("f16", "f32", "tf32", "u8", "s8", "s32", "b1", "u4", "s4", "bf16", "f64")


@irdl_attr_definition
class FragmentAttr(AngledKeyword):
    """Which matrix of a product it is: `#nvvm.mma_frag<a>`."""

    name = "nvvm.mma_frag"
    WORDS: ClassVar = ("a", "b", "c")


@irdl_attr_definition
class OverflowAttr(AngledKeyword):
    """What an integer sum does when it overflows: `#nvvm.mma_int_overflow<satfinite>`."""

    name = "nvvm.mma_int_overflow"
    WORDS: ClassVar = ("satfinite", "wrapped")


@irdl_attr_definition
class BitOpAttr(AngledKeyword):
    """How bits are multiplied: `#nvvm.mma_b1op<xor_popc>`."""

    name = "nvvm.mma_b1op"
    WORDS: ClassVar = ("none", "xor_popc", "and_popc")


@irdl_attr_definition
class ShuffleKindAttr(Keyword):
    """Which lane a shuffle takes from: `#nvvm<shfl_kind bfly>`."""

    name = "nvvm.shfl_kind"
    WORDS: ClassVar = ("bfly", "up", "down", "idx")


@irdl_attr_definition
class ReduxKindAttr(Keyword):
    """How the values of a warp are combined: `#nvvm<redux_kind add>`."""

    name = "nvvm.redux_kind"
    WORDS: ClassVar = ("add", "and", "max", "min", "or", "umax", "umin", "xor")


@irdl_attr_definition
class VoteKindAttr(Keyword):
    """What is asked of the lanes of a warp: `#nvvm<vote_sync_kind any>`."""

    name = "nvvm.vote_sync_kind"
    WORDS: ClassVar = ("any", "all", "uni")


@irdl_attr_definition
class CacheAttr(Keyword):
    """Which caches a load goes through: `#nvvm<load_cache_modifier cg>`."""

    name = "nvvm.load_cache_modifier"
    WORDS: ClassVar = ("ca", "cg", "cs", "lu", "cv")


@irdl_attr_definition
class ProxyAttr(AngledKeyword):
    """The ways to memory that a fence orders: `#nvvm.proxy_kind<async.shared>`."""

    name = "nvvm.proxy_kind"
    WORDS: ClassVar = ("alias", "async", "async.global", "async.shared")


@irdl_attr_definition
class SharedSpaceAttr(AngledKeyword):
    """Whose shared memory: `#nvvm.shared_space<cta>`."""

    name = "nvvm.shared_space"
    WORDS: ClassVar = ("cta", "cluster")


@irdl_attr_definition
class RegisterActionAttr(Keyword):
    """What is done with the number of registers: `#nvvm<action increase>`."""

    name = "nvvm.action"
    WORDS: ClassVar = ("decrease", "increase")


@irdl_attr_definition
class WgmmaTypeAttr(AngledKeyword):
    """The elements of a matrix of a warpgroup: `#nvvm.wgmma_type<f16>`."""

    name = "nvvm.wgmma_type"
    WORDS: ClassVar = ("f16", "tf32", "u8", "s8", "b1", "bf16", "e4m3", "e5m2", "f32", "s32")


@irdl_attr_definition
class ScaleInAttr(AngledKeyword):
    """By what a factor is multiplied: `#nvvm.wgmma_scale_in<neg>`."""

    name = "nvvm.wgmma_scale_in"
    WORDS: ClassVar = ("one", "neg")


@irdl_attr_definition
class ScaleOutAttr(AngledKeyword):
    """Whether a product is added to what was there: `#nvvm.wgmma_scale_out<one>`."""

    name = "nvvm.wgmma_scale_out"
    WORDS: ClassVar = ("zero", "one")


ATTRIBUTES: tuple[type[Attribute], ...] = (
    BitOpAttr,
    CacheAttr,
    FragmentAttr,
    LayoutAttr,
    MMATypeAttr,
    OverflowAttr,
    ProxyAttr,
    ReduxKindAttr,
    RegisterActionAttr,
    ScaleInAttr,
    ScaleOutAttr,
    ShapeAttr,
    SharedSpaceAttr,
    ShuffleKindAttr,
    TargetAttr,
    VoteKindAttr,
    WgmmaTypeAttr,
)
"""Every attribute of the dialect."""
