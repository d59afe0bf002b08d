"""Loops and conditions: `loop.for`, `loop.if`, and `loop.index`, a linear form as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from xdsl.dialects.builtin import IndexType, StringAttr
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator, Pure, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException

from weft.dialects.loop.base import LinearOp
from weft.dialects.loop.linear import (
    Form,
    Linear,
    linear,
    pack,
    parse_form,
    print_form,
    print_forms,
)
from weft.dialects.loop.marks import MARKS, MarkAttr, parse_number
from weft.dialects.walking import inside

INDEX = IndexType()


WITHIN_LANES = ("unroll", "dot")
"""Marks of loops that may stand in a vector loop."""


@irdl_op_definition
class ForOp(LinearOp):
    """A loop whose counter runs from 0 by 1 up to the least of its bounds; a bound of 0 or less runs nothing.

    ```mlir
    loop.for "ip" %ip to min(16, 86 - 16*%ic) unroll(4) {
    }
    ```

    The label names the loop for schedule steps. Labels are unique in a kernel, but for those that end in `~`:
    the ragged copies that `partition` makes. The counter is used in linear forms only. The body has no
    terminator and yields nothing: state lives in buffers. The mark says what the lowering makes of the loop.
    """

    name = "loop.for"

    label = prop_def(StringAttr)
    mark = opt_prop_def(MarkAttr)
    body = region_def("single_block")

    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())

    def __init__(
        self,
        label: str,
        bound: Form | Sequence[Form],
        mark: MarkAttr | None = None,
        body: Iterable[Operation] | Region = (),
    ) -> None:
        """A loop with an empty body, or with the given ops; the counter's name hint is the label."""
        rows = bound if isinstance(bound, Sequence) else (bound,)
        counters, matrix = pack([linear(row) for row in rows])
        if not isinstance(body, Region):
            block = Block(arg_types=[INDEX])
            block.add_ops(body)
            body = Region(block)
        properties: dict[str, Attribute] = {"lin": matrix, "label": StringAttr(label)}
        if mark is not None:
            properties["mark"] = mark
        Operation.__init__(self, operands=counters, properties=properties, regions=[body])
        hint = label.replace(".", "_").rstrip("~")
        if SSAValue.is_valid_name(hint):
            self.counter.name_hint = hint

    @property
    def block(self) -> Block:
        """The block of the body."""
        return self.regions[0].block

    @property
    def counter(self) -> BlockArgument:
        """The counter."""
        return self.regions[0].block.args[0]

    def kind(self) -> str:
        """The kind of the mark, `seq` without one."""
        mark = self.mark
        return mark.kind.data if mark is not None else "seq"

    def number(self) -> int:
        """The number of the mark, 0 without one."""
        mark = self.mark
        return mark.number.data if mark is not None else 0

    def trip(self) -> int | None:
        """The number of iterations where the bound is one constant, else None."""
        forms = self.forms()
        return max(forms[0].constant, 0) if len(forms) == 1 and forms[0].is_constant else None

    def greatest_trip(self) -> int | None:
        """The least constant among the bounds, which no run exceeds; None where there is no constant."""
        constants = [form.constant for form in self.forms() if form.is_constant]
        return max(min(constants), 0) if constants else None

    @classmethod
    def parse(cls, parser: Parser) -> ForOp:
        """Read the syntax above."""
        label = parser.parse_str_literal(" (the label of the loop)")
        counter = parser.parse_argument(expect_type=False).resolve(INDEX)
        parser.parse_keyword("to")
        if parser.parse_optional_keyword("min") is not None:
            bound = parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: parse_form(parser))
        else:
            bound = [parse_form(parser)]
        kind = parser.parse_optional_keyword_in(MARKS)
        mark = MarkAttr.of(kind, parse_number(parser)) if kind is not None else None
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(label, bound, mark, parser.parse_region([counter]))
        op.attributes |= attributes.data if attributes is not None else {}
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        forms = self.forms()
        printer.print_string(" ")
        printer.print_string_literal(self.label.data)
        printer.print_string(" ")
        printer.print_block_argument(self.counter, print_type=False)
        printer.print_string(" to min(" if len(forms) > 1 else " to ")
        print_forms(printer, forms)
        printer.print_string(")" if len(forms) > 1 else "")
        if self.mark is not None:
            printer.print_string(" ")
            self.mark.print_bare(printer)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_empty_block=False)

    def verify_(self) -> None:
        """Forms fit, the counter stays in linear forms, the mark can stand here, labels are unique."""
        self.verify_forms()
        if not self.lin.data:
            raise VerifyException("loop.for: a loop needs a bound")
        if not self.label.data.rstrip("~"):
            raise VerifyException("loop.for: a loop needs a label")
        if [arg.type for arg in self.block.args] != [INDEX]:
            raise VerifyException("loop.for: the body takes one argument, the counter, of type index")
        for use in self.counter.uses:
            user = use.operation
            if not isinstance(user, LinearOp) or not user.is_form_operand(use.index):
                raise VerifyException(
                    f"loop.for: the counter of '{self.label.data}' is used by '{user.name}' as a value;"
                    " make a value of it with loop.index"
                )
        self._verify_mark()
        if is_first_loop(self):
            verify_labels(self)

    def _verify_mark(self) -> None:
        """Wholly unrolled loops have a constant bound; only unrolled loops and dots stand in a vector loop."""
        kind, label = self.kind(), self.label.data
        if kind == "unroll" and not self.number() and self.greatest_trip() is None:
            raise VerifyException(f"loop.for: the unroll loop '{label}' needs a constant among its bounds")
        if kind != "vector":
            return
        for op in inside(self.body):
            if isinstance(op, ForOp) and op.kind() not in WITHIN_LANES:
                raise VerifyException(
                    f"loop.for: the vector loop '{label}' holds the loop '{op.label.data}', which is not unrolled"
                )
            if isinstance(op, ForOp | IfOp) and self.counter in op.counters:
                raise VerifyException(
                    f"loop.for: the counter of the vector loop '{label}' decides control flow inside it"
                )


@irdl_op_definition
class IfOp(LinearOp):
    """Runs the first region where a linear form is 0 or more, else the second.

    ```mlir
    loop.if 1012 - 192*%ic - 12*%ip >= 0 {
    } else {
    }
    ```
    """

    name = "loop.if"

    then = region_def("single_block")
    other = region_def("single_block")

    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())

    def __init__(
        self,
        condition: Form,
        then: Iterable[Operation] | Region = (),
        other: Iterable[Operation] | Region = (),
    ) -> None:
        """A condition on the sign of `condition`; both regions are made where not given."""
        counters, matrix = pack([linear(condition)])
        super().__init__(operands=[counters], properties={"lin": matrix}, regions=[_region(then), _region(other)])

    def condition(self) -> Linear:
        """The form that is compared with 0."""
        return self.forms()[0]

    @classmethod
    def parse(cls, parser: Parser) -> IfOp:
        """Read the syntax above."""
        condition = parse_form(parser)
        parser.parse_punctuation(">")
        parser.parse_punctuation("=")
        if parser.parse_integer(allow_boolean=False) != 0:
            parser.raise_error("a linear form is compared with 0")
        attributes = parser.parse_optional_attr_dict_with_keyword()
        then = parser.parse_region()
        other = parser.parse_region() if parser.parse_optional_keyword("else") is not None else Region()
        op = cls(condition, then, other)
        op.attributes |= attributes.data if attributes is not None else {}
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above; an empty second region is left out."""
        printer.print_string(" ")
        print_form(printer, self.condition())
        printer.print_string(" >= 0")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.then, print_empty_block=False)
        if self.other.block.first_op is not None:
            printer.print_string(" else ")
            printer.print_region(self.other, print_empty_block=False)

    def verify_(self) -> None:
        """One form; the regions take nothing."""
        self.verify_forms(1)
        if self.then.block.args or self.other.block.args:
            raise VerifyException("loop.if: its regions take no arguments")


@irdl_op_definition
class IndexOp(LinearOp):
    """A linear form as a value: the only way from a counter to arithmetic.

    ```mlir
    %row = loop.index 192*%ic + %ir : index
    ```
    """

    name = "loop.index"

    result = result_def(INDEX)

    traits = traits_def(Pure())

    def __init__(self, form: Form) -> None:
        """The value of a form."""
        counters, matrix = pack([linear(form)])
        super().__init__(operands=[counters], properties={"lin": matrix}, result_types=[INDEX])

    def form(self) -> Linear:
        """The form."""
        return self.forms()[0]

    @classmethod
    def parse(cls, parser: Parser) -> IndexOp:
        """Read the syntax above."""
        form = parse_form(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        parser.parse_type()
        op = cls(form)
        op.attributes |= attributes
        return op

    def print(self, printer: Printer) -> None:
        """Print the syntax above."""
        printer.print_string(" ")
        print_form(printer, self.form())
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : index")

    def verify_(self) -> None:
        """One form."""
        self.verify_forms(1)


def _region(body: Iterable[Operation] | Region) -> Region:
    """A region of one block: `body`, or made of its ops."""
    region = body if isinstance(body, Region) else Region()
    if not region.blocks:
        region.add_block(Block())
    if not isinstance(body, Region):
        region.block.add_ops(body)
    return region


def loop_of(value: SSAValue) -> ForOp | None:
    """The loop that a counter belongs to; None for a symbol."""
    owner = value.owner
    parent = owner.parent_op() if isinstance(owner, Block) else None
    return parent if isinstance(parent, ForOp) else None


def enclosing(op: Operation) -> Iterator[Operation]:
    """The loops and conditions around an op, innermost first."""
    parent = op.parent_op()
    while isinstance(parent, ForOp | IfOp):
        yield parent
        parent = parent.parent_op()


def loops_around(op: Operation) -> Iterator[ForOp]:
    """The loops around an op, innermost first."""
    return (outer for outer in enclosing(op) if isinstance(outer, ForOp))


def outermost(op: Operation) -> Operation:
    """The outermost loop or condition around an op, or the op itself where nothing is."""
    result = op
    for outer in enclosing(op):
        result = outer
    return result


def is_first_loop(op: ForOp) -> bool:
    """True for the one loop of a function, the first, that speaks for all of them."""
    if isinstance(op.parent_op(), ForOp | IfOp) or (block := op.parent_block()) is None:
        return False
    return next(inner for inner in block.walk() if isinstance(inner, ForOp)) is op


def verify_labels(op: ForOp) -> None:
    """No two loops around `op`'s block have one label, ragged copies aside. Raises VerifyException."""
    block = op.parent_block()
    labels: set[str] = set()
    for inner in inside(block) if block is not None else ():
        if not isinstance(inner, ForOp) or inner.label.data.endswith("~"):
            continue
        if inner.label.data in labels:
            raise VerifyException(f"loop.for: two loops have the label '{inner.label.data}'")
        labels.add(inner.label.data)
