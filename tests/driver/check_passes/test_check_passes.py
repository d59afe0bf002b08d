"""Passes that are wrong on purpose are caught, named and reproduced; the road itself is not blamed."""

from dataclasses import dataclass

import pytest
from xdsl.dialects.builtin import f16
from xdsl.passes import ModulePass

from weft.diagnostics import WeftError
from weft.dialects import loop, ml
from weft.driver.check_passes import CheckPasses
from weft.driver.passes import PassManager
from weft.driver.pipeline import Nest, parse_pipeline
from weft.driver.program import parse
from weft.passes.pipelines import BUFFERS, CPU, KERNELS, SCHEDULED, TENSORS
from weft.registry import context
from weft.tools.main import main

TEXT = """
func.func @main(%a: tensor<?xTYPE>, %b: tensor<?xTYPE>) -> tensor<?xTYPE> {
  %0 = ml.sub %a, %b : tensor<?xTYPE>
  func.return %0 : tensor<?xTYPE>
}
"""


@dataclass(frozen=True)
class SwapOperands(ModulePass):
    """Wrong: `a - b` becomes `b - a`, of one element type where it is given."""

    name = "swap-operands"
    only: str | None = None

    def apply(self, ctx, op):
        for sub in [o for o in op.walk() if isinstance(o, ml.SubOp)]:
            if self.only is None or self.only == str(sub.result.type.element_type):
                sub.operands = [sub.operands[1], sub.operands[0]]


@dataclass(frozen=True)
class DropStores(ModulePass):
    """Wrong: no store is left."""

    name = "drop-stores"

    def apply(self, ctx, op):
        for store in [o for o in op.walk() if isinstance(o, loop.StoreOp)]:
            store.detach()


def check(tmp_path, text, step, before=()):
    """Run the passes before, then the one to be checked, all under the check."""
    steps = [parse_pipeline(f"builtin.module({name})").elements[0] for name in before]
    last = parse_pipeline(f"builtin.module({step.name})").elements[0]
    nest = Nest("builtin.module", (*steps, last))
    known = PassManager.of(Nest("builtin.module", tuple(steps))).passes
    PassManager(nest, {**known, last: step}, True, [CheckPasses(0, tmp_path)]).run(context(), parse(text))


def test_a_wrong_rewrite_is_named_and_its_file_shows_it_again(tmp_path):
    with pytest.raises(WeftError, match="pass 'swap-operands' changed the answer of @main"):
        check(tmp_path, TEXT.replace("TYPE", "f32"), SwapOperands(), ("canonicalize",))
    again = (tmp_path / "check-swap-operands.mlir").read_text()
    with pytest.raises(WeftError, match="swap-operands"):
        check(tmp_path, again, SwapOperands())


def test_a_rewrite_that_is_wrong_for_one_dtype_is_caught_on_that_dtype_alone(tmp_path):
    check(tmp_path, TEXT.replace("TYPE", "f32"), SwapOperands(str(f16)))
    with pytest.raises(WeftError, match="swap-operands"):
        check(tmp_path, TEXT.replace("TYPE", "f16"), SwapOperands(str(f16)))


def test_a_dropped_store_is_caught(tmp_path):
    with pytest.raises(WeftError, match="drop-stores"):
        check(tmp_path, TEXT.replace("TYPE", "ui8"), DropStores(), (*TENSORS, *KERNELS, *BUFFERS))


@pytest.mark.parametrize("element", ["f16", "f32", "ui8", "i64"])
def test_the_road_changes_no_answer(tmp_path, element):
    road = f"builtin.module({','.join((*TENSORS, *KERNELS, *BUFFERS, *SCHEDULED))})"
    PassManager.of(parse_pipeline(road), instruments=[CheckPasses(0, tmp_path)]).run(
        context(), parse(TEXT.replace("TYPE", element))
    )
    assert not list(tmp_path.iterdir())


def test_the_flag_of_weft_opt_checks_and_says_what_it_could_not_check(tmp_path, capsys):
    path = tmp_path / "program.mlir"
    path.write_text(TEXT.replace("TYPE", "f32"))
    assert main(["opt", "--check-passes", "--check-seed=3", "--canonicalize", str(path)]) == 0
    assert "not checked" not in capsys.readouterr().err
    assert main(["opt", "--check-passes", f"--pass-pipeline={CPU}", str(path)]) == 0
    assert "remark: not checked: convert-loop-to-llvm" in capsys.readouterr().err
