"""Accesses of buffers at linear places: `loop.load`, `loop.store`, `loop.reduce`, `loop.prefetch`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import IndexType, IntegerAttr, MemRefType, StringAttr, UnitAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from weft.dialects.loop.base import LinearOp, is_element, segment_sizes
from weft.dialects.loop.buffers import memref_of
from weft.dialects.loop.kinds import KINDS, kinds_of
from weft.dialects.loop.linear import (
    Form,
    LinAttr,
    Linear,
    linear,
    pack,
    parse_index,
    print_forms,
)
from weft.dialects.loop.nest import IfOp, enclosing, loop_of, loops_around, outermost

INDEX = IndexType()


class AccessOp(LinearOp):
    """An op that touches one element of a buffer; the buffer is the operand before the counters.

    The index lies inside the buffer for all values that the counters in it can take, whether or not the
    other loops around the access run: steps may copy what a nest will touch before it runs. An access that
    is inside the buffer only under a condition stands in a `loop.if`.
    """

    FIRST: ClassVar[int] = 1

    @property
    def target(self) -> SSAValue:
        """The buffer."""
        return self._operands[self.FIRST - 1]

    @property
    def memref(self) -> MemRefType[Attribute]:
        """The type of the buffer."""
        return memref_of(self.target)

    def index(self) -> tuple[Linear, ...]:
        """The index, a form per dimension."""
        return self.forms()

    def print_access(self, printer: Printer) -> None:
        """Print `%A[index]`."""
        printer.print_ssa_value(self.target)
        printer.print_string("[")
        print_forms(printer, self.forms())
        printer.print_string("]")

    def print_type(self, printer: Printer) -> None:
        """Print the attributes and the type of the buffer."""
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.target.type)

    def verify_access(self) -> None:
        """The element type is one of loops, the index has the rank of the buffer and lies inside."""
        if not is_element(self.memref.element_type):
            raise VerifyException(f"{self.name}: loops do not compute on elements of {self.memref.element_type}")
        self.verify_forms(len(self.memref.get_shape()))
        self.verify_place()

    def verify_place(self) -> None:
        """The index lies inside the buffer, as far as that is known."""
        conditional = any(isinstance(op, IfOp) for op in enclosing(self))
        if conditional or any(loop.trip() in (0, None) for loop in loops_around(self)):
            return
        for form, size in zip(self.index(), self.memref.get_shape(), strict=True):
            self._verify_inside(form, size)

    def _verify_inside(self, form: Linear, size: int) -> None:
        least = greatest = form.constant
        for value, factor in form.terms:
            loop = loop_of(value)
            trip = loop.trip() if loop is not None else None
            if trip is None:
                return
            least += min(0, factor * (trip - 1))
            greatest += max(0, factor * (trip - 1))
        if least < 0 or 0 <= size <= greatest:
            raise VerifyException(
                f"{self.name}: the index runs from {least} to {greatest} in a dimension of size"
                f" {'?' if size < 0 else size}"
            )


def read_type(parser: Parser) -> tuple[dict[str, Attribute], Attribute]:
    """Read the attributes and the type at the end of an access."""
    attributes = parser.parse_optional_attr_dict()
    parser.parse_punctuation(":")
    return attributes, parser.parse_type()


class ReadOp(AccessOp):
    """An access that gives the element that it touches."""

    buffer = operand_def(MemRefType)
    counters = var_operand_def(INDEX)
    lin = prop_def(LinAttr)
    result = result_def()

    traits = traits_def(MemoryReadEffect())

    def __init__(self, buffer: SSAValue, index: Sequence[Form]) -> None:
        """The element of `buffer` at `index`."""
        counters, matrix = pack([linear(form) for form in index])
        Operation.__init__(
            self,
            operands=[buffer, *counters],
            properties={"lin": matrix},
            result_types=[memref_of(buffer).element_type],
        )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Read `%A[index] : type`."""
        name = parser.parse_unresolved_operand()
        index = parse_index(parser)
        attributes, type_ = read_type(parser)
        op = cls(parser.resolve_operand(name, type_), index)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print `%A[index] : type`."""
        printer.print_string(" ")
        self.print_access(printer)
        self.print_type(printer)

    def verify_(self) -> None:
        """The access is right and the result is an element."""
        self.verify_access()
        if self.result.type != self.memref.element_type:
            raise VerifyException(
                f"{self.name}: the result is {self.result.type}, an element is {self.memref.element_type}"
            )


@irdl_op_definition
class LoadOp(ReadOp):
    """Reads an element.

    ```mlir
    %a = loop.load %A[192*%ic + 12*%ip + %ir, %k] : memref<1024x1024xf32>
    ```
    """

    name = "loop.load"


class WriteOp(AccessOp):
    """An access that takes a value, its first operand."""

    FIRST: ClassVar[int] = 2

    @property
    def stored(self) -> SSAValue:
        """The value."""
        return self.operands[0]

    def verify_access(self) -> None:
        """As for every access; the value is an element."""
        super().verify_access()
        if self.stored.type != self.memref.element_type:
            raise VerifyException(
                f"{self.name}: the value is {self.stored.type}, an element is {self.memref.element_type}"
            )


@irdl_op_definition
class StoreOp(WriteOp):
    """Writes an element; `nontemporal` past the caches, for a buffer that is not read again soon.

    A number of bytes behind that asks for it only where the whole buffer has so many, which the run finds out.

    ```mlir
    loop.store %v, %C[%i, 16*%j + %l] nontemporal : memref<8x1024xf32>
    loop.store %v, %C[%i, 16*%j + %l] nontemporal(33554432) : memref<8x1024xf32>
    loop.store %v, %ring[%s, %i, %j] async : memref<3x128x32xf32>
    ```

    With `async`, in a kernel of a GPU, what was loaded may get there later, by a copy that runs by itself: waits and
    barriers that stand in the kernel say when others may read it.
    """

    name = "loop.store"

    value = operand_def()
    buffer = operand_def(MemRefType)
    counters = var_operand_def(INDEX)
    lin = prop_def(LinAttr)
    nontemporal = opt_prop_def(UnitAttr)
    least_bytes = opt_prop_def(IntegerAttr)
    asynchronous = opt_prop_def(UnitAttr)

    traits = traits_def(MemoryWriteEffect())

    def __init__(self, value: SSAValue, buffer: SSAValue, index: Sequence[Form], *, nontemporal: bool = False) -> None:
        """Store `value` into `buffer` at `index`."""
        counters, matrix = pack([linear(form) for form in index])
        properties: dict[str, Attribute] = (
            {"lin": matrix, "nontemporal": UnitAttr()} if nontemporal else {"lin": matrix}
        )
        Operation.__init__(self, operands=[value, buffer, *counters], properties=properties)

    @classmethod
    def parse(cls, parser: Parser) -> StoreOp:
        """Read the syntax above."""
        value = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        name = parser.parse_unresolved_operand()
        index = parse_index(parser)
        nontemporal = parser.parse_optional_keyword("nontemporal") is not None
        least = None
        if nontemporal and parser.parse_optional_punctuation("(") is not None:
            least = IntegerAttr(parser.parse_integer(allow_boolean=False, allow_negative=False), i64)
            parser.parse_punctuation(")")
        asynchronous = parser.parse_optional_keyword("async") is not None
        attributes, type_ = read_type(parser)
        buffer = parser.resolve_operand(name, type_)
        element = memref_of(buffer).element_type
        op = cls(parser.resolve_operand(value, element), buffer, index, nontemporal=nontemporal)
        op.least_bytes = least
        op.asynchronous = UnitAttr() if asynchronous else None
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        printer.print_string(", ")
        self.print_access(printer)
        if self.nontemporal is not None:
            printer.print_string(" nontemporal")
            if self.least_bytes is not None:
                printer.print_string(f"({self.least_bytes.value.data})")
        if self.asynchronous is not None:
            printer.print_string(" async")
        self.print_type(printer)

    def verify_(self) -> None:
        """The access is right; a nontemporal store goes to places that lie whole vectors apart."""
        self.verify_access()
        if self.nontemporal is not None and not moves_by_vectors(self):
            raise VerifyException(
                "loop.store: a nontemporal store needs places that lie whole vectors apart, in every row of the buffer"
            )


@irdl_op_definition
class ReduceOp(WriteOp):
    """Combines a value into an element: `b[x] = kind(b[x], v)`.

    ```mlir
    loop.reduce add %p into %C[%i, %j] over (%kc, %k) : memref<1024x1024xf32>
    ```

    In the iteration in which all counters of `over` are 0 the value is stored, so no start value is
    needed; that iteration must be the first that touches the element. Without `over` it always combines. No
    counter of `over` occurs in the index. After a nest in which a reduction with `over` ran no iteration,
    what the element holds is not specified: guard the nest with a `loop.if` that fills the buffer instead.
    The order of a reduction is free: a kernel that must keep it loads and stores instead.

    Kinds: add mul max min; on integers also umax umin and or xor; on i1 and or xor. `max` and `min` of floats
    propagate NaN, and 0.0 is more than -0.0; with `{fastmath = #arith.fastmath<nnan,nsz>}` they need not, which is
    faster. Of integers they are signed.
    """

    name = "loop.reduce"

    value = operand_def()
    buffer = operand_def(MemRefType)
    counters = var_operand_def(INDEX)
    over = var_operand_def(INDEX)
    lin = prop_def(LinAttr)
    kind = prop_def(StringAttr)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    def __init__(
        self,
        kind: str,
        value: SSAValue,
        buffer: SSAValue,
        index: Sequence[Form],
        over: Iterable[SSAValue] = (),
    ) -> None:
        """Combine `value` into `buffer` at `index`."""
        counters, matrix = pack([linear(form) for form in index])
        over = list(over)
        sizes = segment_sizes(1, 1, len(counters), len(over))
        Operation.__init__(
            self,
            operands=[value, buffer, *counters, *over],
            properties={"lin": matrix, "kind": StringAttr(kind), "operandSegmentSizes": sizes},
        )

    def again(
        self, value: SSAValue, buffer: SSAValue, index: Sequence[Form], over: Iterable[SSAValue] = ()
    ) -> ReduceOp:
        """A reduction that combines as this one does, of something else or elsewhere."""
        made = ReduceOp(self.kind.data, value, buffer, index, over)
        made.attributes |= self.attributes
        return made

    def trailing(self) -> Sequence[SSAValue]:
        """The counters of `over`."""
        matrix = self.lin.data
        return self._operands[self.FIRST + len(matrix[0]) - 1 if matrix else self.FIRST :]

    def set_over(self, over: Iterable[SSAValue]) -> None:
        """Replace the counters of `over`."""
        self.set_forms(self.forms(), over)

    @classmethod
    def parse(cls, parser: Parser) -> ReduceOp:
        """Read the syntax above."""
        kind = parser.parse_identifier(" (the kind of the reduction)")
        value = parser.parse_unresolved_operand()
        parser.parse_keyword("into")
        name = parser.parse_unresolved_operand()
        index = parse_index(parser)
        over: list[SSAValue] = []
        if parser.parse_optional_keyword("over") is not None:
            over = parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: parser.parse_operand(INDEX))
        attributes, type_ = read_type(parser)
        buffer = parser.resolve_operand(name, type_)
        element = memref_of(buffer).element_type
        op = cls(kind, parser.resolve_operand(value, element), buffer, index, over)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(f" {self.kind.data} ")
        printer.print_ssa_value(self.value)
        printer.print_string(" into ")
        self.print_access(printer)
        if self.over:
            printer.print_string(" over (")
            printer.print_list(self.over, printer.print_ssa_value)
            printer.print_string(")")
        self.print_type(printer)

    def verify_(self) -> None:
        """The kind fits; `over` are counters around it, not in the index; one kind a buffer and nest."""
        self.verify_access()
        kind, element = self.kind.data, self.memref.element_type
        if kind not in KINDS:
            raise VerifyException(f"loop.reduce: '{kind}' is no kind; known are {', '.join(KINDS)}")
        if kind not in kinds_of(element):
            raise VerifyException(f"loop.reduce: there is no '{kind}' of {element}")
        if len(set(self.over)) != len(self.over):
            raise VerifyException("loop.reduce: a counter is listed twice in 'over'")
        for value in self.over:
            if loop_of(value) is None:
                raise VerifyException("loop.reduce: 'over' lists counters; a symbol is none")
            if value in self.counters:
                raise VerifyException("loop.reduce: a counter of 'over' occurs in the index")
        self._verify_one_kind()

    def _verify_one_kind(self) -> None:
        """No other reduction of the nest combines into the same buffer in another way."""
        nest = outermost(self)
        for use in self.buffer.uses:
            other = use.operation
            if not isinstance(other, ReduceOp) or other.kind == self.kind:
                continue
            if nest is not self and outermost(other) is nest:
                raise VerifyException(
                    f"loop.reduce: one nest reduces into one buffer by '{self.kind.data}' and by '{other.kind.data}'"
                )


@irdl_op_definition
class PrefetchOp(AccessOp):
    """Asks for the place of an element that is touched soon: written, if the kernel writes the buffer anywhere.

    It changes nothing, and the place may lie outside of the buffer. It is brought into all caches, or from one on that
    `level` says.

    ```mlir
    loop.prefetch %C[%i, 16*%j] : memref<1024x1024xf32>
    loop.prefetch %A[%i, 16*%j] level 2 : memref<1024x1024xf32>
    ```
    """

    name = "loop.prefetch"

    buffer = operand_def(MemRefType)
    counters = var_operand_def(INDEX)
    lin = prop_def(LinAttr)
    level = opt_prop_def(IntegerAttr)

    traits = traits_def(MemoryWriteEffect())

    def __init__(self, buffer: SSAValue, index: Sequence[Form], level: int = 1) -> None:
        """A hint for `buffer` at `index`: into the caches from that one on."""
        counters, matrix = pack([linear(form) for form in index])
        number = None if level == 1 else IntegerAttr(level, 64)
        super().__init__(operands=[buffer, counters], properties={"lin": matrix, "level": number})

    def first_level(self) -> int:
        """The number of the first cache that it is for."""
        return 1 if self.level is None else self.level.value.data

    @classmethod
    def parse(cls, parser: Parser) -> PrefetchOp:
        """Read the syntax above."""
        name = parser.parse_unresolved_operand()
        index = parse_index(parser)
        level = parser.parse_integer(allow_boolean=False) if parser.parse_optional_keyword("level") else 1
        attributes, type_ = read_type(parser)
        op = cls(parser.resolve_operand(name, type_), index, level)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(" ")
        self.print_access(printer)
        if self.first_level() != 1:
            printer.print_string(f" level {self.first_level()}")
        self.print_type(printer)

    def verify_place(self) -> None:
        """Any place will do."""

    def verify_(self) -> None:
        """The access is right, and there is such a cache."""
        self.verify_access()
        if self.first_level() not in (1, 2, 3):
            raise VerifyException(f"loop.prefetch: there are caches 1 to 3, and not {self.first_level()}")


def moves_by_vectors(access: AccessOp) -> bool:
    """True when all vectors of an access in a vector loop are aligned to their own size if the buffer is.

    The strides of the buffer are static, and every counter but the lane moves by whole vectors.
    """
    vector = next((loop for loop in loops_around(access) if loop.kind() == "vector"), None)
    lanes = vector.number() if vector is not None else 1
    strides = access.memref.get_strides()
    if strides is None:
        return False
    factors: dict[SSAValue | None, int] = {None: 0}
    for form, stride in zip(access.index(), strides, strict=True):
        for value, factor in (*form.terms, (None, form.constant)):
            if stride is None and factor:
                return False
            factors[value] = factors.get(value, 0) + factor * (stride or 0)
    lane = vector.counter if vector is not None else None
    return all(c % lanes == 0 for v, c in factors.items() if v is None or v is not lane)
