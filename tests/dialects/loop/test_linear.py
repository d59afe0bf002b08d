"""Linear forms, and the matrix that they are in the IR."""

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block

from weft.dialects.loop.linear import LinAttr, Linear, pack, unpack


def test_forms_come_back_from_their_matrix():
    a, b = Block(arg_types=[IndexType(), IndexType()]).args
    forms = (Linear(((a, 3), (b, -1)), 5), Linear(((b, 2),)), Linear((), 7))
    operands, matrix = pack(forms)
    assert operands == [a, b] and unpack(operands, matrix) == forms
    assert unpack([], LinAttr(())) == () and unpack([], LinAttr(((4,),))) == (Linear((), 4),)


def test_columns_of_one_value_are_joined():
    (a,) = Block(arg_types=[IndexType()]).args
    assert unpack([a, a], LinAttr(((2, 3, 1), (1, -1, 0)))) == (Linear(((a, 5),), 1), Linear())
