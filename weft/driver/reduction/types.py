"""Element types become plain, all over the module at once: floats f32, integers i32."""

from __future__ import annotations

from functools import partial

from xdsl.dialects.builtin import AnyFloat, Float32Type, IntegerType, ModuleOp, i1
from xdsl.ir import Attribute

from weft.driver.reduction.remap import remap
from weft.driver.reduction.tree import element_of, values_of


def simplify_element_types(module: ModuleOp) -> list[partial[None]]:
    """`tensor<4xbf16>` -> `tensor<4xf32>`, `i8` -> `i32`: one type a time, everywhere."""
    elements = {element_of(value.type) for value in values_of(module)}
    odd = sorted((element for element in elements if _plain(element) not in (None, element)), key=str)
    return [partial(_replace, module, element) for element in odd]


def _plain(element: Attribute) -> Attribute | None:
    if isinstance(element, AnyFloat):
        return Float32Type()
    return IntegerType(32) if isinstance(element, IntegerType) and element != i1 else None


def _replace(module: ModuleOp, element: Attribute) -> None:
    plain = _plain(element)
    assert plain is not None
    remap(module, lambda attribute: plain if attribute == element else attribute)
