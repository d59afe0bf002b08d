"""Sizes that are known go through the ops of networks."""

import numpy as np
import pytest
from xdsl.dialects import tensor
from xdsl.dialects.builtin import TensorType

from tests.networks import CASES
from tests.passes.graph.harness import run_passes
from tests.passes.loops.kernels import tensors, type_of
from weft.backends import reference

SIZED = [case for case in CASES if not any(word in case.name for word in ("holes", "great"))]


def forgetful(case, arrays):
    """The op of a case on arguments whose sizes a cast has made unknown."""

    def make(*args):
        unknown = [type_of(x, range(x.ndim)) for x in arrays]
        casts = [
            arg if n in case.fixed or arg.type == wanted else tensor.CastOp(arg, wanted).dest
            for n, (arg, wanted) in enumerate(zip(args, unknown, strict=True))
        ]
        return case.make(*casts)

    return tensors([type_of(x) for x in arrays], make)


@pytest.mark.parametrize("case", SIZED, ids=lambda case: case.name)
def test_what_is_known_of_the_operands_is_known_of_the_result(case):
    arrays = case.arrays(np.dtype(np.float32))
    module = forgetful(case, arrays)
    expected = reference.run(module, "main", arrays)
    run_passes(module, "infer-shapes")
    (op,) = [op for op in module.walk() if op.name.startswith("ml.")]
    assert isinstance(op.results[0].type, TensorType)
    assert op.results[0].type.get_shape() == np.shape(expected[0])
    for found, wanted in zip(reference.run(module, "main", arrays), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
