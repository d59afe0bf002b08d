"""Passes that are wrong on purpose, and running a program under the check."""

from xdsl.dialects.builtin import TensorType

from weft.tools.main import main

SUB = """
func.func @main(%a: tensor<TYPE>, %b: tensor<TYPE>) -> tensor<TYPE> {
  %0 = ml.sub %a, %b : tensor<TYPE>
  func.return %0 : tensor<TYPE>
}
"""


def swap_operands(when=lambda type_: True):
    """A pattern that is wrong: `a - b` becomes `b - a`, once an op, on the types that `when` picks."""

    def swapped(op, builder):
        if "swapped" in op.attributes or not when(op.result.type):
            return None
        new = type(op)(op.rhs, op.lhs)
        new.attributes["swapped"] = TensorType(op.result.type.element_type, [1])
        return [builder.insert(new).results[0]]

    return swapped


def afterwards(monkeypatch, kind, harm):
    """Let `harm` change the module after the pass of this class."""
    right = kind.apply

    def wrong(self, ctx, op):
        right(self, ctx, op)
        harm(op)

    monkeypatch.setattr(kind, "apply", wrong)


def opt(capsys, *arguments):
    """The exit code of `weft opt`, and what it says on stderr."""
    code = main(["opt", *map(str, arguments)])
    return code, capsys.readouterr().err
