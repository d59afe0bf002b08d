"""Schedules: `#loop.schedule`, an ordered list of steps, as text. What a step does is in `passes/loops/steps`.

A step is a dataclass whose `SYNTAX` declares its text: words stand for themselves, `$field` for a name, a number
or a list in parentheses, by the type of the field; `$field?` is left out where the field has its default, and so is
`word=$field?`, a word and then the field.
Names that are not plain identifiers (`k~`) are quoted.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, ClassVar, TypeAlias, cast

from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

PUNCTUATION = ("(", ")", ",")


@dataclass(frozen=True)
class Step:
    """One step of a schedule: its word, then its text as `SYNTAX` has it."""

    WORD: ClassVar[str]
    SYNTAX: ClassVar[str]

    def __str__(self) -> str:
        text = self.WORD
        for token in self.SYNTAX.split():
            if "$" not in token:
                text += token if token in (")", ",") else f" {token}"
                continue
            word, name = _split(token)
            value: Name | int | tuple[Name, ...] = getattr(self, name)
            if token.endswith("?") and value == _field(type(self), name).default:
                continue
            text += ("" if text.endswith("(") else " ") + (f"{word} " if word else "") + _spell(value)
        return text


Name: TypeAlias = str


def _split(token: str) -> tuple[str, str]:
    """The word before a field, or nothing, and the name of the field."""
    word, _, name = token.rstrip("?").partition("$")
    return word.rstrip("="), name


def _spell(value: Name | int | tuple[Name, ...]) -> str:
    """The text of a field's value."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_spell, value))})"
    plain = value.replace(".", "_").replace("$", "_")
    return value if plain.isidentifier() and plain.isascii() else f'"{value}"'


def _field(step: type[Step], name: str) -> Field[Any]:
    return next(field for field in fields(step) if field.name == name)


@dataclass(frozen=True)
class Tile(Step):
    """`tile i 12 into (ip, ir)`"""

    WORD = "tile"
    SYNTAX = "$loop $size into ( $outer , $inner )"

    loop: Name
    size: int
    outer: Name
    inner: Name


@dataclass(frozen=True)
class Interchange(Step):
    """`interchange (jp, k, ir, jr)`"""

    WORD = "interchange"
    SYNTAX = "$loops"

    loops: tuple[Name, ...]


@dataclass(frozen=True)
class Unroll(Step):
    """`unroll ir`, `unroll k 4`"""

    WORD = "unroll"
    SYNTAX = "$loop $factor?"

    loop: Name
    factor: int = 0


@dataclass(frozen=True)
class AddPairs(Step):
    """`add_pairs kp`"""

    WORD = "add_pairs"
    SYNTAX = "$loop"

    loop: Name


@dataclass(frozen=True)
class Jam(Step):
    """`jam i 4 into (io, ir)`"""

    WORD = "jam"
    SYNTAX = "$loop $rows into ( $outer , $inner )"

    loop: Name
    rows: int
    outer: Name
    inner: Name


@dataclass(frozen=True)
class Vectorize(Step):
    """`vectorize jr 16`"""

    WORD = "vectorize"
    SYNTAX = "$loop $lanes"

    loop: Name
    lanes: int


@dataclass(frozen=True)
class Parallelize(Step):
    """`parallelize i`"""

    WORD = "parallelize"
    SYNTAX = "$loop"

    loop: Name


@dataclass(frozen=True)
class Map(Step):
    """`map i to block`, `map j to thread 1`, `map i to grid 256`, `map t to host`"""

    WORD = "map"
    SYNTAX = "$loop to $unit $axis?"

    loop: Name
    unit: Name
    axis: int = 0


@dataclass(frozen=True)
class Stage(Step):
    """`stage C at ip as Cr in reg`, `stage B at kc as Bp in heap (jp, k, jr)`"""

    WORD = "stage"
    SYNTAX = "$buffer at $loop as $copy in $space $layout?"

    buffer: Name
    loop: Name
    copy: Name
    space: Name
    layout: tuple[Name, ...] = ()


@dataclass(frozen=True)
class StageTile(Step):
    """`stage_tile A at kb as As in shared`, `stage_tile A at kb as As in shared swizzle 4`"""

    WORD = "stage_tile"
    SYNTAX = "$buffer at $loop as $copy in $space swizzle=$swizzle?"

    buffer: Name
    loop: Name
    copy: Name
    space: Name
    swizzle: int = 0


@dataclass(frozen=True)
class Tensorize(Step):
    """`tensorize ih`"""

    WORD = "tensorize"
    SYNTAX = "$loop"

    loop: Name


@dataclass(frozen=True)
class Pipeline(Step):
    """`pipeline kb 3`"""

    WORD = "pipeline"
    SYNTAX = "$loop $stages"

    loop: Name
    stages: int


@dataclass(frozen=True)
class Rfactor(Step):
    """`rfactor m as mp over jo parts ji`"""

    WORD = "rfactor"
    SYNTAX = "$buffer as $partial over $loop parts $lanes"

    buffer: Name
    partial: Name
    loop: Name
    lanes: Name


@dataclass(frozen=True)
class Partials(Step):
    """`partials s over b as sp`"""

    WORD = "partials"
    SYNTAX = "$buffer over $loop as $partial"

    buffer: Name
    loop: Name
    partial: Name


@dataclass(frozen=True)
class Keep(Step):
    """`keep X at i as Xr in reg`"""

    WORD = "keep"
    SYNTAX = "$buffer at $loop as $copy in $space"

    buffer: Name
    loop: Name
    copy: Name
    space: Name


@dataclass(frozen=True)
class Clear(Step):
    """`clear As at kb`"""

    WORD = "clear"
    SYNTAX = "$buffer at $loop"

    buffer: Name
    loop: Name


@dataclass(frozen=True)
class Pad(Step):
    """`pad ir`"""

    WORD = "pad"
    SYNTAX = "$loop"

    loop: Name


@dataclass(frozen=True)
class Partition(Step):
    """`partition ip`"""

    WORD = "partition"
    SYNTAX = "$loop"

    loop: Name


@dataclass(frozen=True)
class Fuse(Step):
    """`fuse (i, i1)`"""

    WORD = "fuse"
    SYNTAX = "$loops"

    loops: tuple[Name, ...]


@dataclass(frozen=True)
class Contract(Step):
    """`contract T at i`"""

    WORD = "contract"
    SYNTAX = "$buffer at $loop"

    buffer: Name
    loop: Name


@dataclass(frozen=True)
class Inline(Step):
    """`inline P`"""

    WORD = "inline"
    SYNTAX = "$buffer"

    buffer: Name


@dataclass(frozen=True)
class FuseConsumer(Step):
    """`fuse_consumer T`"""

    WORD = "fuse_consumer"
    SYNTAX = "$buffer"

    buffer: Name


@dataclass(frozen=True)
class Prefetch(Step):
    """`prefetch C at ip`, `prefetch B at k 32` (what is touched 32 iterations later), `prefetch x at j 64 2` (the same,
    into the second cache)"""

    WORD = "prefetch"
    SYNTAX = "$buffer at $loop $ahead? $level?"

    buffer: Name
    loop: Name
    ahead: int = 0
    level: int = 1


@dataclass(frozen=True)
class Nontemporal(Step):
    """`nontemporal Y`, `nontemporal Y 33554432` (only where the run finds that all of it is so many bytes)"""

    WORD = "nontemporal"
    SYNTAX = "$buffer $least?"

    buffer: Name
    least: int = 0


STEPS: tuple[type[Step], ...] = (
    Tile,
    Interchange,
    Unroll,
    AddPairs,
    Jam,
    Vectorize,
    Tensorize,
    Pipeline,
    Parallelize,
    Map,
    Stage,
    StageTile,
    Keep,
    Rfactor,
    Partials,
    Clear,
    Pad,
    Partition,
    Fuse,
    Contract,
    Inline,
    FuseConsumer,
    Prefetch,
    Nontemporal,
)


@irdl_attr_definition
class ScheduleAttr(Data[tuple[Step, ...]]):
    """The steps of a schedule, in order. As `loop.schedule` of a kernel they are to be done, as `loop.applied` done.

    ```mlir
    #loop.schedule<
      tile i 12 into (ip, ir),
      interchange (ip, k, ir),
      unroll ir,
      stage C at ip as Cr in reg
    >
    ```
    """

    name = "loop.schedule"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[Step, ...]:
        """Read the steps."""
        steps = parser.parse_comma_separated_list(parser.Delimiter.ANGLE, lambda: parse_step(parser))
        return tuple(steps)

    def print_parameter(self, printer: Printer) -> None:
        """Print a step a line."""
        lines = ",".join(f"\n  {step}" for step in self.data)
        printer.print_string(f"<{lines}\n>" if lines else "<>")


def parse_step(parser: AttrParser) -> Step:
    """Read one step."""
    word = parser.parse_identifier(" (a schedule step)")
    step = next((step for step in STEPS if word == step.WORD), None)
    if step is None:
        known = ", ".join(step.WORD for step in STEPS)
        parser.raise_error(f"'{word}' is no schedule step; known are {known}")
    values: dict[str, Any] = {}
    for token in step.SYNTAX.split():
        if token in PUNCTUATION:
            parser.parse_characters(token)
        elif "$" in token:
            word, name = _split(token)
            if word and parser.parse_optional_keyword(word) is None:
                continue
            value = _parse_field(parser, _field(step, name), optional=token.endswith("?"))
            values |= {} if value is None else {name: value}
        else:
            parser.parse_keyword(token)
    return step(**values)


def _parse_field(parser: AttrParser, field: Field[Any], *, optional: bool) -> Name | int | tuple[Name, ...] | None:
    """Read the value of a field; None for an optional one that is not there."""
    kind = cast(str, field.type)
    if kind == "int":
        number = parser.parse_optional_integer(allow_boolean=False)
        if number is None and not optional:
            parser.raise_error(f"a number ({field.name}) is expected")
        return number
    if kind == "Name":
        return parser.parse_identifier_or_str_literal(f" ({field.name})")
    names = parser.parse_optional_comma_separated_list(parser.Delimiter.PAREN, parser.parse_identifier_or_str_literal)
    if names is None and field.default is MISSING:
        parser.raise_error(f"a list in parentheses ({field.name}) is expected")
    return None if names is None else tuple(names)
