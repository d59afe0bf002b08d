"""Reading a text with weft's reader and with xDSL's parser, and comparing."""

from io import StringIO

from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.frontends.mlir import parse_module
from weft.registry import context


def printed(module, *, generic=True):
    """The text of a module."""
    out = StringIO()
    Printer(out, print_generic_format=generic).print_op(module)
    return out.getvalue()


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
