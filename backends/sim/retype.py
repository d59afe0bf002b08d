"""Pointers of all address spaces as plain ones: on the CPU there is one memory."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from xdsl.dialects import llvm
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, NoneAttr
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, TypeAttribute
from xdsl.rewriter import Rewriter

PLAIN = llvm.LLVMPointerType()


@lru_cache(None)
def plain(attribute: Attribute) -> Attribute:
    """A type (or an attribute that holds types) with pointers of no address space."""
    if isinstance(attribute, llvm.LLVMPointerType):
        return PLAIN
    if isinstance(attribute, ArrayAttr):
        return ArrayAttr([plain(element) for element in cast("ArrayAttr[Attribute]", attribute).data])
    if isinstance(attribute, DictionaryAttr):
        return DictionaryAttr({key: plain(value) for key, value in attribute.data.items()})
    if isinstance(attribute, ParametrizedAttribute) and isinstance(attribute, TypeAttribute):
        return attribute.new([plain(parameter) for parameter in attribute.parameters])
    return attribute


def address_space(type_: Attribute) -> int:
    """The address space of a pointer; 0 for a plain one."""
    assert isinstance(type_, llvm.LLVMPointerType)
    return 0 if isinstance(type_.addr_space, NoneAttr) else type_.addr_space.data


def make_plain(root: Operation) -> None:
    """Give every value and attribute inside an op its plain type."""
    for op in root.walk():
        arguments = [argument for region in op.regions for block in region.blocks for argument in block.args]
        for value in (*op.results, *arguments):
            if (new := plain(value.type)) != value.type:
                Rewriter.replace_value_with_new_type(value, new)
        op.properties.update({key: plain(value) for key, value in op.properties.items()})
