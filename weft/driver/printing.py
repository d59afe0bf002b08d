"""Modules as text, the way MLIR prints them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, cast

from xdsl.dialect_interfaces.op_asm import OpAsmDialectInterface
from xdsl.dialects.builtin import AnyFloat, Builtin, BytesAttr, ComplexType, DenseIntOrFPElementsAttr, TensorType
from xdsl.ir import Attribute, Block, Dialect, Operation, Region, SSAValue
from xdsl.printer import Printer

from weft.dialects.upstream.syntax import printer_of
from weft.driver.numbering import number


@dataclass(frozen=True)
class Style:
    """What is seldom asked of a printer.

    `elide_resources` leaves out resources of more characters than that; `unique_names` gives no name twice;
    `location_names` names values after `loc("name")`; `skip_regions` prints `{...}` for regions; `value_users` adds
    comments that name who uses a value.
    """

    elide_resources: int | None = None
    unique_names: bool = False
    location_names: bool = False
    skip_regions: bool = False
    value_users: bool = False


PLAIN = Style()


@dataclass(eq=False, repr=False)
class MlirPrinter(Printer):
    """xDSL's printer with MLIR's names: values are numbered, several results are one name (`%0:2`, `%0#1`)."""

    names: dict[SSAValue, str] = field(default_factory=dict[SSAValue, str])
    elide_larger: int | None = None
    style: Style = PLAIN

    def print_op(self, op: Operation) -> None:
        """Print an op, and who uses it where that is asked for."""
        self._print_op(op)
        if self.style.value_users and op.results:
            self.print_string(f" // {self._users(op)}")

    def _users(self, op: Operation) -> str:
        users = dict.fromkeys(use.operation for result in op.results for use in result.uses)
        names = [f"%{self.names[user.results[0]]}" if user.results else user.name for user in users if self.names]
        return f"user{'s' if len(names) != 1 else ''}: {', '.join(names)}" if names else "unused"

    def print_region(self, region: Region, *arguments: Any, **options: Any) -> None:
        """Print a region, or that there is one."""
        if self.style.skip_regions:
            self.print_string("{...}")
        else:
            super().print_region(region, *arguments, **options)

    def print_metadata(self, dialects: Iterable[Dialect]) -> None:
        """Print the resources, without those that are too large."""
        dialects, limit = tuple(dialects), self.style.elide_resources
        if limit is not None:
            for dialect in dialects:
                interface = dialect.get_interface(OpAsmDialectInterface)
                handles = self._dialect_resources.get(dialect.name)
                if interface is not None and handles:
                    built = interface.build_resources(handles)
                    handles.intersection_update(name for name, text in built.items() if len(text) <= limit)
            if not any(self._dialect_resources.values()):
                return
        super().print_metadata(dialects)

    def _print_op(self, op: Operation) -> None:
        """In the syntax that is written here where xDSL has none."""
        body = None if self.print_generic_format else printer_of(type(op))
        if body is None:
            super().print_op(op)
            return
        self._print_results(op)
        self.print_string(op.name)
        body(op, self)
        if self.print_debuginfo:
            self.print_string(" ")
            self.print_attribute(op.location)

    def _print_results(self, op: Operation) -> None:
        results = op.results
        if len(results) < 2 or not self.names:
            super()._print_results(op)
            return
        name = self.names[results[0]].partition("#")[0]
        self.print_string(f"%{name}:{len(results)} = ")

    def print_ssa_value(self, value: SSAValue) -> str:
        """Print a value by its name."""
        name = self.names.get(value)
        if name is None:
            return super().print_ssa_value(value)
        self.print_string(f"%{name}")
        return name

    def print_attribute(self, attribute: Attribute) -> None:
        """Print an attribute, without its data where that is too much."""
        whole: Attribute = attribute
        if isinstance(attribute, DenseIntOrFPElementsAttr):
            dense = cast(DenseIntOrFPElementsAttr, attribute)
            if self._is_too_large(dense):
                self.print_string("dense_resource<__elided__> : ")
                super().print_attribute(cast(Attribute, dense.type))
                return
            if (one := _repeated(dense)) is not None:
                text, _, _ = _shown(one).rpartition(" : ")
                self.print_string(f"{text} : {dense.type}")
                return
            if isinstance(dense.get_element_type(), AnyFloat | ComplexType) and len(dense):
                self.print_string(_floats(dense))
                return
        super().print_attribute(whole)

    def _is_too_large(self, dense: DenseIntOrFPElementsAttr) -> bool:
        return self.elide_larger is not None and len(dense) > self.elide_larger and not dense.is_splat()

    def _populate_block_name(self, block: Block, block_index: int | None = None) -> None:
        if not self.names:
            super()._populate_block_name(block, block_index)
            return
        hint, block.name_hint = block.name_hint, None
        super()._populate_block_name(block, block_index)
        block.name_hint = hint


_FEW = 16
"""So many elements are looked at one by one."""


def _repeated(dense: DenseIntOrFPElementsAttr) -> DenseIntOrFPElementsAttr | None:
    """The one element that large data repeats, as data of its own: to look at each would take long."""
    data, count = dense.data.data, len(dense)
    if count <= _FEW or len(data) % count or data != data[: len(data) // count] * count:
        return None
    one = TensorType(cast(Any, dense.get_element_type()), [1])
    return DenseIntOrFPElementsAttr(cast(Any, one), BytesAttr(data[: len(data) // count]))


def _shown(dense: DenseIntOrFPElementsAttr) -> str:
    if isinstance(dense.get_element_type(), AnyFloat | ComplexType):
        return _floats(dense)
    stream = StringIO()
    Printer(stream).print_attribute(cast(Attribute, dense))
    return stream.getvalue()


def _floats(dense: DenseIntOrFPElementsAttr) -> str:
    """Floats and complex numbers as numbers where these read back everywhere, else as the bits in memory.

    xDSL takes hexadecimal elements, which it prints for what has no short decimal form, as numbers, and prints zeros of
    both signs as a splat.
    """
    stream = StringIO()
    Printer(stream).print_attribute(cast(Attribute, dense))
    text = stream.getvalue()
    data = dense.data.data
    width = len(data) // max(len(dense), 1)
    mixed_zeros = dense.is_splat() and data != data[:width] * len(dense)
    if "0x" not in text and not mixed_zeros:
        return text
    bits = data[:width] if data == data[:width] * len(dense) else data
    return f'dense<"0x{bits.hex().upper()}"> : {dense.type}'


def print_module(
    module: Operation,
    *,
    generic: bool = False,
    debuginfo: bool = False,
    keep_names: bool = False,
    elide_larger: int | None = None,
    style: Style = PLAIN,
    dialects: Iterable[Dialect] = (Builtin,),
) -> str:
    """The text of a module, ending in a newline, with the resources that it refers to.

    `keep_names` keeps the names that values have in the source; `elide_larger` leaves out the data of dense attributes
    with more elements than that; `style` is what is seldom asked for. `dialects` are those that hold resources.
    """
    stream = StringIO()
    names: dict[SSAValue, str] = {}
    if not keep_names:
        number(module, names, unique=style.unique_names, by_location=style.location_names)
    printer = MlirPrinter(
        stream, generic, print_debuginfo=debuginfo, names=names, elide_larger=elide_larger, style=style
    )
    printer.print_op(module)
    printer.print_metadata(dialects)
    return stream.getvalue() + "\n"
