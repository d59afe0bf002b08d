"""E06: programs that cannot go down the road."""

from __future__ import annotations

from weft import codes
from weft.driver.explanations.base import Example, Explanation


def _run(file: str) -> Example:
    return Example(file, "weft run FILE")


_LOOP = """func.func @k(%x: memref<8xf32>, %y: memref<8xf32>) attributes {loop.kernel} {
  loop.for "i" %i to 8 {
    %0 = loop.load %x[%i] : memref<8xf32>
    loop.store %0, %y[%i] : memref<8xf32>
  }
  func.return
}
"""

EXPLANATIONS = (
    Explanation(
        codes.CANNOT_LOWER,
        "An op, or this use of it, has no form at the next stop of the road (docs/road.md shows the stops). Ops "
        "of dialects that weft only reads and prints are refused so when the program is compiled.",
        _run('func.func @main() {\n  "test.op"() : () -> ()\n  func.return\n}\n'),
        _run("func.func @main() {\n  func.return\n}\n"),
    ),
    Explanation(
        codes.WRONG_STOP,
        "A pass found ops that another pass takes away before it. The hint names that pass; `weft help PASS` "
        "tells what each pass needs.",
        Example(
            "func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {\n  %0 = ml.neg %a : tensor<4xf32>\n"
            "  func.return %0 : tensor<4xf32>\n}\n",
            "weft opt FILE --bufferize",
        ),
        Example(
            "func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {\n  %0 = ml.neg %a : tensor<4xf32>\n"
            "  func.return %0 : tensor<4xf32>\n}\n",
            "weft opt FILE --outline-kernels --bufferize",
        ),
    ),
    Explanation(
        codes.REFUSED_STEP,
        "A step of a schedule names a loop or a buffer that there is not, or what it does would not be the same "
        "program. The message says what stands against it.",
        Example(_LOOP, 'weft opt FILE --loop-unroll="loop=j"'),
        Example(_LOOP, 'weft opt FILE --loop-unroll="loop=i"'),
    ),
    Explanation(
        codes.UNSUPPORTED_TYPE,
        "A value has a type that neither NumPy nor the machine has, such as i128 or f80. Element types that run "
        "are i1, the integers of 8, 16, 32 and 64 bits, index, f16, bf16, f32 and f64.",
        _run("func.func @main(%a: tensor<4xi7>) -> tensor<4xi7> {\n  func.return %a : tensor<4xi7>\n}\n"),
        Example(
            "func.func @main(%a: tensor<4xi8>) -> tensor<4xi8> {\n  func.return %a : tensor<4xi8>\n}\n",
            "weft run FILE --input a=4xi8=1",
        ),
    ),
    Explanation(
        codes.UNSUPPORTED_LAYOUT,
        "Memory that compiled code reads and writes is strided: `strided<[...], offset: ...>`, or no layout. "
        "Other affine maps have no address that a stride gives.",
        Example(
            "func.func @main(%m: memref<4x4xf32, affine_map<(d0, d1) -> (d0 mod 2, d1)>>, %i: index) {\n"
            "  %0 = memref.load %m[%i, %i] : memref<4x4xf32, affine_map<(d0, d1) -> (d0 mod 2, d1)>>\n"
            "  func.return\n}\n",
            "weft opt FILE --convert-to-llvm",
        ),
        Example(
            "func.func @main(%m: memref<4x4xf32, strided<[8, 1]>>, %i: index) {\n"
            "  %0 = memref.load %m[%i, %i] : memref<4x4xf32, strided<[8, 1]>>\n"
            "  func.return\n}\n",
            "weft opt FILE --convert-to-llvm",
        ),
    ),
    Explanation(
        codes.RECURSIVE_CALL,
        "Functions of a compiled program do not call each other in a circle: the memory of a call is planned "
        "before it runs. Loops (`scf.for`, `scf.while`) say the same.",
        _run("func.func @main() {\n  func.call @main() : () -> ()\n  func.return\n}\n"),
        _run("func.func @main() {\n  func.return\n}\n"),
    ),
    Explanation(
        codes.NO_BODY,
        "A function that is only declared is called. A program holds everything that it calls.",
        _run("func.func private @g()\nfunc.func @main() {\n  func.call @g() : () -> ()\n  func.return\n}\n"),
        _run(
            "func.func private @g() {\n  func.return\n}\nfunc.func @main() {\n  func.call @g() : () -> ()\n"
            "  func.return\n}\n"
        ),
    ),
    Explanation(
        codes.UNKNOWN_SIZE,
        "The memory of a tensor is allocated before it is computed, so its sizes must follow from sizes of "
        "arguments and from integers of the program, not from data of tensors. No op of the ml dialect makes such "
        "a tensor by itself; a rewrite of a program by hand, or an op of a plug-in, can.",
    ),
    Explanation(
        codes.NO_GRADIENT,
        "`differentiate` makes the gradient of a function with respect to its floating-point arguments. The "
        "function computes on values, with structured control flow; ops that have no derivative where it is "
        "needed are named.",
        Example(
            "func.func @main(%x: tensor<4xi32>) -> tensor<4xi32> {\n  func.return %x : tensor<4xi32>\n}\n",
            'weft opt FILE --differentiate="function=main"',
        ),
        Example(
            "func.func @main(%x: tensor<f32>) -> tensor<f32> {\n  %0 = ml.exp %x : tensor<f32>\n"
            "  func.return %0 : tensor<f32>\n}\n",
            'weft opt FILE --differentiate="function=main"',
        ),
    ),
    Explanation(
        codes.TARGET_LACKS,
        "An instruction is for newer chips than the target, or for a later version of PTX "
        "(`--target cuda:CHIP,+ptxNN`); or it computes a function that NVIDIA's GPUs have no instruction for, "
        "which `expand-math` replaces.",
    ),
)
