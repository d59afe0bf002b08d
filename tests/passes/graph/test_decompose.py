import random

import numpy as np
import pytest

from tests.passes.graph.harness import module_of, ops_of, passed, run_passes
from tests.programs import random_array
from weft.backends import reference
from weft.diagnostics import WeftError
from weft.dialects.ml.dtypes import dtype_of

NAMES = ("softmax", "sigmoid", "silu", "gelu", "softplus", "relu")
TOLERANCE = {"f16": 2e-3, "bf16": 2e-2, "f32": 2e-6, "f64": 1e-13}


def text_of(name, type_):
    return f"""
      func.func @main(%x: {type_}) -> {type_} {{
        %y = ml.{name} %x : {type_}
        func.return %y : {type_}
      }}"""


@pytest.mark.parametrize("element", TOLERANCE)
@pytest.mark.parametrize("name", NAMES)
def test_an_equation_means_what_the_op_means(name, element):
    for shape in [(3, 17), (1, 1), (0, 4), (4, 0)]:
        for dims in ("x".join(map(str, shape)), f"?x{shape[1]}", "?x?"):
            module = module_of(text_of(name, f"tensor<{dims}x{element}>"))
            (parameter,) = module.body.block.first_op.function_type.inputs.data
            x = random_array(random.Random(7), parameter.element_type, shape, special=False)
            (expected,) = reference.run(module, "main", [x])
            run_passes(module, "decompose", ops=(name,))
            assert f"ml.{name}" not in ops_of(module)
            (found,) = reference.run(module, "main", [x])
            assert found.dtype == dtype_of(parameter.element_type)
            tolerance = TOLERANCE[element]
            np.testing.assert_allclose(
                found.astype(np.float64), expected.astype(np.float64), rtol=tolerance, atol=tolerance
            )


def test_nothing_is_decomposed_unless_asked_for():
    text = text_of("softmax", "tensor<4x8xf32>")
    assert ops_of(passed(text, "decompose")) == ["ml.softmax"]
    assert ops_of(passed(text, "decompose", ops=("relu",))) == ["ml.softmax"]


def test_relu_of_integers_has_an_equation():
    module = passed(text_of("relu", "tensor<4xi32>"), "decompose", ops=("relu",))
    (found,) = reference.run(module, "main", [np.array([-1, 0, 3, -(2**31)], np.int32)])
    np.testing.assert_array_equal(found, [0, 0, 3, 0])


def test_an_unknown_name_is_refused():
    with pytest.raises(WeftError, match="no equation for 'sofmax'") as error:
        passed(text_of("softmax", "tensor<4x8xf32>"), "decompose", ops=("sofmax",))
    assert error.value.hint == "did you mean 'softmax'?"
