"""Reading a text with weft's reader and with xDSL's parser, and comparing."""

from io import StringIO

from xdsl.dialects.builtin import AffineMapAttr
from xdsl.ir.affine import AffineExpr
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.frontends.mlir import parse_module
from weft.registry import context


def printed(module, *, generic=True):
    """The text of a module; in generic form without the one difference between the readers."""
    out = StringIO()
    Printer(out, print_generic_format=generic).print_op(with_dimensions(module) if generic else module)
    return out.getvalue()


def with_dimensions(module):
    """A copy whose affine loads and stores have dimensions only: xDSL takes `%i` for a symbol, weft and MLIR do not."""
    module = module.clone()
    for op in module.walk():
        if op.name in ("affine.load", "affine.store"):
            map_ = op.properties["map"].data
            dims = [AffineExpr.dimension(n) for n in range(map_.num_dims + map_.num_symbols)]
            split = dims[: map_.num_dims], dims[map_.num_dims :]
            op.properties["map"] = AffineMapAttr(map_.replace_dims_and_symbols(*split, len(dims), 0))
    return module


def by_weft(text, *, unregistered=False):
    """The module that weft reads."""
    return parse_module(text, context(allow_unregistered=unregistered), "text.mlir")


def by_xdsl(text, *, unregistered=False):
    """The module that xDSL's parser reads."""
    return Parser(context(allow_unregistered=unregistered), text, "text.mlir").parse_module()


def assert_agree(text, *, unregistered=False):
    """Both read the text to equal IR; what is printed, in both forms, is read to equal IR again. Gives weft's module.

    Equal IR is equal generic text: names of values and blocks count, locations do not.
    """
    ours, theirs = (read(text, unregistered=unregistered) for read in (by_weft, by_xdsl))
    wanted = printed(theirs)
    assert printed(ours) == wanted
    for generic in (True, False):
        again = printed(ours, generic=generic)
        for read in (by_weft, by_xdsl):
            assert printed(read(again, unregistered=unregistered)) == wanted
    return ours


def attribute(text, read=by_weft):
    """The attribute that a text gives."""
    (op,) = read(f'"test.op"() {{a = {text}}} : () -> ()').ops
    return op.attributes["a"]
