"""What ops with linear forms share: reading the forms, replacing them, and where counters come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, cast

from xdsl.dialects.builtin import (
    BFloat16Type,
    DenseArrayBase,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    Signedness,
    i32,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation, prop_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from weft.dialects.loop.linear import LinAttr, Linear, pack, unpack

FLOATS = (Float16Type, BFloat16Type, Float32Type, Float64Type)
WIDTHS = (1, 8, 16, 32, 64)


def is_element(type_: Attribute) -> bool:
    """True for the types that a buffer may hold: f16 bf16 f32 f64, signless i1 i8 i16 i32 i64, index."""
    width = integer_width(type_)
    return width in WIDTHS if width is not None else isinstance(type_, (*FLOATS, IndexType))


def integer_width(type_: Attribute) -> int | None:
    """The number of bits of a signless integer type, None for any other type."""
    if not isinstance(type_, IntegerType):
        return None
    integer = cast(IntegerType, type_)
    return integer.width.data if integer.signedness.data == Signedness.SIGNLESS else None


@lru_cache(None)
def segment_sizes(*sizes: int) -> DenseArrayBase[IntegerType]:
    """How many operands each operand definition of an op takes, one object for equal numbers."""
    return DenseArrayBase.from_list(i32, sizes)


class LinearOp(IRDLOperation):
    """An op that holds linear forms: the matrix `lin` over the operands `counters`.

    `FIRST` is the number of operands before `counters`. `SYMBOL` says that linear forms may take its result wherever
    it is seen.
    """

    FIRST: ClassVar[int] = 0
    SYMBOL: ClassVar[bool] = False

    counters = var_operand_def(IndexType)
    lin = prop_def(LinAttr)

    def forms(self) -> tuple[Linear, ...]:
        """The linear forms."""
        matrix = cast(LinAttr, self.properties["lin"])
        return unpack(self._operands[self.FIRST : self.FIRST + len(matrix.data[0]) - 1], matrix) if matrix.data else ()

    def trailing(self) -> Sequence[SSAValue]:
        """The operands after `counters`."""
        return ()

    def set_forms(self, forms: Sequence[Linear], trailing: Iterable[SSAValue] | None = None) -> None:
        """Replace the forms (and the trailing operands, where given)."""
        counters, matrix = pack(forms)
        rest = list(self.trailing() if trailing is None else trailing)
        if "operandSegmentSizes" in self.properties:
            sizes = [*[1] * self.FIRST, len(counters), len(rest)]
            self.properties["operandSegmentSizes"] = segment_sizes(*sizes)
        self.operands = [*self.operands[: self.FIRST], *counters, *rest]
        self.properties["lin"] = matrix

    def substitute(self, replacements: Mapping[SSAValue, Linear]) -> None:
        """Replace values in every form."""
        self.set_forms([form.substitute(replacements) for form in self.forms()])

    def is_form_operand(self, index: int) -> bool:
        """True when operand number `index` belongs to the forms, or trails them."""
        return index >= self.FIRST

    def verify_forms(self, count: int | None = None) -> None:
        """Every row fits the operands, which are distinct and used; `count` rows. Raises VerifyException."""
        width = len(self.counters) + 1
        if any(len(row) != width for row in self.lin.data):
            raise VerifyException(
                f"{self.name}: a row of its linear forms has not one entry per counter and a constant"
            )
        if count is not None and len(self.lin.data) != count:
            raise VerifyException(f"{self.name}: {len(self.lin.data)} linear forms, {count} are expected")
        if len(set(self.counters)) != len(self.counters):
            raise VerifyException(f"{self.name}: a counter is listed twice")
        columns = list(zip(*self.lin.data, strict=True))[:-1]
        if len(columns) != len(self.counters) or any(not any(column) for column in columns):
            raise VerifyException(f"{self.name}: a counter is listed that no linear form uses")
        for value in (*self.counters, *self.trailing()):
            self.verify_source(value)

    def verify_source(self, value: SSAValue) -> None:
        """A counter of a loop around the op, or a symbol: a value that no loop or condition computes."""
        owner = value.owner
        parent = owner.parent_op()
        computed = isinstance(owner, Operation) and not (isinstance(owner, LinearOp) and owner.SYMBOL)
        if isinstance(owner, Operation) and computed and isinstance(parent, LinearOp):
            raise VerifyException(
                f"{self.name}: '{owner.name}' inside '{parent.name}' is no symbol;"
                " a linear form takes counters and values from the top of the kernel"
            )
        if not isinstance(owner, Operation) and isinstance(parent, LinearOp) and not parent.is_ancestor(self):
            raise VerifyException(f"{self.name}: it uses the counter of a loop that does not enclose it")
