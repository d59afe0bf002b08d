"""What cannot stand in a kernel is refused, with its place and a way out."""

import pytest

from tests.passes.gpu.ptx import lower
from weft.diagnostics import WeftError


def kernel(body, arguments="", target="sm_80"):
    return f"""gpu.module @m [#nvvm.target<chip = "{target}", features = "+ptx80">] {{
  gpu.func @k({arguments}) kernel {{
    {body}
    gpu.return
  }}
}}"""


@pytest.mark.parametrize(
    ("body", "arguments", "message"),
    [
        ("%m = memref.alloc() : memref<4xf32>", "", "'memref.alloc' cannot stand in a kernel"),
        ("%m = memref.alloca(%n) : memref<?xf32>", "%n: index", "should be known where the kernel is compiled"),
        ('gpu.printf "%d %d" %n : index', "%n: index", "the format takes 2 values, 1 are given"),
        ('gpu.printf "%f" %n : index', "%n: index", "'%f' does not print a value of type i64"),
        ("%t = tensor.empty() : tensor<4xf32>", "", "'tensor.empty' cannot be lowered for a GPU"),
        ("%0 = memref.load %x[] : memref<f32, 7>", "%x: memref<f32, 7>", "a GPU has no address space"),
        (
            "%c0 = arith.constant 0 : index\n%v = vector.load %x[%c0] : memref<8xf32, strided<[2]>>, vector<4xf32>",
            "%x: memref<8xf32, strided<[2]>>",
            "the last dimension of .* has gaps",
        ),
        ("%v = arith.constant dense<0.0> : vector<4x4xf32>", "", "no code can be made"),
    ],
)
def test_refused_in_kernels(body, arguments, message):
    with pytest.raises(WeftError, match=message) as error:
        lower(kernel(body, arguments))
    assert error.value.where.line > 1


def test_products_that_a_chip_lacks_are_refused_by_its_name():
    matrix = '!gpu.mma_matrix<{}, "{}">'
    a, b, c = matrix.format("16x8xf32", "AOp"), matrix.format("8x16xf32", "BOp"), matrix.format("16x16xf32", "COp")
    body = f"""%a = gpu.subgroup_mma_constant_matrix %x : {a}
    %b = gpu.subgroup_mma_constant_matrix %x : {b}
    %c = gpu.subgroup_mma_constant_matrix %x : {c}
    %d = gpu.subgroup_mma_compute %a, %b, %c : {a}, {b} -> {c}"""
    lower(kernel(body, "%x: f32"))
    with pytest.raises(WeftError, match="sm_75 has those of f16 and i8 only"):
        lower(kernel(body, "%x: f32", "sm_75"))


def test_device_functions_may_not_call_in_a_circle():
    text = """gpu.module @m {
  func.func private @f(%x: f32) -> f32 {
    %0 = func.call @f(%x) : (f32) -> f32
    func.return %0 : f32
  }
}"""
    with pytest.raises(WeftError, match="recursion is not supported: @f -> @f"):
        lower(text)
