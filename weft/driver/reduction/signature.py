"""Functions of any dialect as the reducers see them: an op with a `function_type`, a name and a body."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, FunctionType, ModuleOp, StringAttr, SymbolRefAttr
from xdsl.dialects.llvm import LLVMFunctionType, LLVMVoidType
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, SSAValue


def functions(module: ModuleOp) -> list[Operation]:
    """Every function that has a body."""
    return [op for op in module.walk() if is_function(op) and op.regions and op.regions[0].blocks]


def is_function(op: Operation) -> bool:
    """Whether an op is a function."""
    return isinstance(op.get_attr_or_prop("function_type"), FunctionType | LLVMFunctionType)


def function_around(op: Operation) -> Operation | None:
    """The nearest function that an op is in."""
    parent = op.parent_op()
    while parent is not None and not is_function(parent):
        parent = parent.parent_op()
    return parent


def name_of(op: Operation) -> str | None:
    """The name of a symbol."""
    name = op.get_attr_or_prop("sym_name")
    return name.data if isinstance(name, StringAttr) else None


def named_symbols(op: Operation) -> Iterator[str]:
    """The names of all symbols that an op, or one inside it, refers to."""
    for inner in op.walk():
        for attribute in (*inner.properties.values(), *inner.attributes.values()):
            yield from _symbols(attribute)


def _symbols(attribute: Attribute) -> Iterator[str]:
    if isinstance(attribute, SymbolRefAttr):
        yield attribute.root_reference.data
        yield from (nested.data for nested in attribute.nested_references.data)
        return
    parts: Sequence[Attribute] = ()
    if isinstance(attribute, ArrayAttr):
        parts = cast("ArrayAttr[Attribute]", attribute).data
    elif isinstance(attribute, DictionaryAttr):
        parts = tuple(attribute.data.values())
    elif isinstance(attribute, ParametrizedAttribute):
        parts = attribute.parameters
    for part in parts:
        yield from _symbols(part)


def has_callers(module: ModuleOp, function: Operation) -> bool:
    """Whether anything in the module refers to a function by name."""
    return name_of(function) in set(named_symbols(module))


def callers(module: ModuleOp, function: Operation) -> list[Operation] | None:
    """The calls of a function, or None where its name stands in ops that are no plain calls."""
    name = name_of(function)
    users = [op for op in module.walk() if name in set(_symbols(DictionaryAttr({**op.properties, **op.attributes})))]
    return users if all(op.name == "func.call" for op in users) else None


def add_argument(function: Operation, type_: Attribute, hint: str | None) -> SSAValue:
    """A new last argument."""
    block = function.regions[0].blocks[0]
    argument = block.insert_arg(type_, len(block.args))
    argument.name_hint = hint
    _retype(function)
    _edit_list(function, "arg_attrs", lambda items: [*items, DictionaryAttr({})])
    return argument


def drop_argument(function: Operation, index: int) -> None:
    """Take away an argument that is unused."""
    block = function.regions[0].blocks[0]
    block.erase_arg(block.args[index])
    _retype(function)
    _edit_list(function, "arg_attrs", lambda items: [*items[:index], *items[index + 1 :]])


def drop_result_type(function: Operation, index: int) -> None:
    """Take away a result from the type of a function."""
    type_ = function.properties["function_type"]
    if isinstance(type_, FunctionType):
        outputs = [output for n, output in enumerate(type_.outputs.data) if n != index]
        function.properties["function_type"] = FunctionType.from_lists(type_.inputs.data, outputs)
    elif isinstance(type_, LLVMFunctionType):
        function.properties["function_type"] = LLVMFunctionType(type_.inputs, LLVMVoidType(), type_.is_variadic)
    _edit_list(function, "res_attrs", lambda items: [*items[:index], *items[index + 1 :]])


def result_types(function: Operation) -> Sequence[Attribute]:
    """The types that a function returns."""
    type_ = function.properties["function_type"]
    if isinstance(type_, FunctionType):
        return type_.outputs.data
    assert isinstance(type_, LLVMFunctionType)
    return () if isinstance(type_.output, LLVMVoidType) else (type_.output,)


def _retype(function: Operation) -> None:
    """Make a function's type say what its block's arguments are."""
    type_, inputs = function.properties["function_type"], function.regions[0].blocks[0].arg_types
    if isinstance(type_, FunctionType):
        function.properties["function_type"] = FunctionType.from_lists(inputs, type_.outputs.data)
    elif isinstance(type_, LLVMFunctionType):
        function.properties["function_type"] = LLVMFunctionType(inputs, type_.output, type_.is_variadic)


def _edit_list(function: Operation, name: str, edit: Callable[[list[Attribute]], list[Attribute]]) -> None:
    items = function.properties.get(name)
    if isinstance(items, ArrayAttr):
        function.properties[name] = ArrayAttr(edit(list(cast("ArrayAttr[Attribute]", items).data)))
