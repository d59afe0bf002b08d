"""The functions of mathematics, element by element on floats, those of StableHLO also on complex numbers.

Each is as exact as its element type can be.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from xdsl.irdl import irdl_op_definition

from weft.dialects.ml import complex_functions, numerics
from weft.dialects.ml.dtypes import Array, Kind
from weft.dialects.ml.elementwise import FloatUnaryOp


@irdl_op_definition
class ExpOp(FloatUnaryOp):
    """e to the power of x. StableHLO: exponential.

    ```mlir
    %r = ml.exp %a : tensor<4xf32>
    ```
    """

    name = "ml.exp"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.exp(x)


@irdl_op_definition
class Expm1Op(FloatUnaryOp):
    """exp(x) - 1, exact near 0. StableHLO: exponential_minus_one.

    ```mlir
    %r = ml.expm1 %a : tensor<4xf32>
    ```
    """

    name = "ml.expm1"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return complex_functions.expm1(x) if x.dtype.kind == "c" else np.expm1(x)


@irdl_op_definition
class Exp2Op(FloatUnaryOp):
    """2 to the power of x.

    ```mlir
    %r = ml.exp2 %a : tensor<4xf32>
    ```
    """

    name = "ml.exp2"

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.exp2(x)


@irdl_op_definition
class LogOp(FloatUnaryOp):
    """The natural logarithm; NaN below 0, -inf at 0. StableHLO: log.

    That of complex numbers has its imaginary part from -pi to pi.

    ```mlir
    %r = ml.log %a : tensor<4xf32>
    ```
    """

    name = "ml.log"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.log(x)


@irdl_op_definition
class Log1pOp(FloatUnaryOp):
    """log(1 + x), exact near 0. StableHLO: log_plus_one.

    That of complex numbers has its imaginary part from -pi to pi.

    ```mlir
    %r = ml.log1p %a : tensor<4xf32>
    ```
    """

    name = "ml.log1p"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return complex_functions.log1p(x) if x.dtype.kind == "c" else np.log1p(x)


@irdl_op_definition
class Log2Op(FloatUnaryOp):
    """The logarithm to base 2.

    ```mlir
    %r = ml.log2 %a : tensor<4xf32>
    ```
    """

    name = "ml.log2"

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.log2(x)


@irdl_op_definition
class SqrtOp(FloatUnaryOp):
    """The square root; NaN below 0. StableHLO: sqrt.

    That of complex numbers has a real part that is not negative.

    ```mlir
    %r = ml.sqrt %a : tensor<4xf32>
    ```
    """

    name = "ml.sqrt"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.sqrt(x)


@irdl_op_definition
class RsqrtOp(FloatUnaryOp):
    """1 / sqrt(x). StableHLO: rsqrt.

    ```mlir
    %r = ml.rsqrt %a : tensor<4xf32>
    ```
    """

    name = "ml.rsqrt"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return 1 / np.sqrt(x)


@irdl_op_definition
class CbrtOp(FloatUnaryOp):
    """The cube root, also of negative numbers. StableHLO: cbrt.

    That of complex numbers has its angle from -pi/3 to pi/3, so that of -1 as a complex number is not -1.

    ```mlir
    %r = ml.cbrt %a : tensor<4xf32>
    ```
    """

    name = "ml.cbrt"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return complex_functions.cbrt(x) if x.dtype.kind == "c" else np.cbrt(x)


@irdl_op_definition
class SinOp(FloatUnaryOp):
    """The sine. StableHLO: sine.

    ```mlir
    %r = ml.sin %a : tensor<4xf32>
    ```
    """

    name = "ml.sin"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.sin(x)


@irdl_op_definition
class CosOp(FloatUnaryOp):
    """The cosine. StableHLO: cosine.

    ```mlir
    %r = ml.cos %a : tensor<4xf32>
    ```
    """

    name = "ml.cos"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.cos(x)


@irdl_op_definition
class TanOp(FloatUnaryOp):
    """The tangent. StableHLO: tan.

    ```mlir
    %r = ml.tan %a : tensor<4xf32>
    ```
    """

    name = "ml.tan"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.tan(x)


@irdl_op_definition
class TanhOp(FloatUnaryOp):
    """The hyperbolic tangent. StableHLO: tanh.

    ```mlir
    %r = ml.tanh %a : tensor<4xf32>
    ```
    """

    name = "ml.tanh"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return np.tanh(x)


@irdl_op_definition
class SigmoidOp(FloatUnaryOp):
    """1 / (1 + exp(-x)). StableHLO: logistic.

    ```mlir
    %r = ml.sigmoid %a : tensor<4xf32>
    ```
    """

    name = "ml.sigmoid"
    TAKES: ClassVar = Kind.FLOAT | Kind.COMPLEX

    @staticmethod
    def meaning(x: Array) -> Array:
        return complex_functions.sigmoid(x) if x.dtype.kind == "c" else numerics.sigmoid(x)


@irdl_op_definition
class ErfOp(FloatUnaryOp):
    """The error function. CHLO: erf.

    ```mlir
    %r = ml.erf %a : tensor<4xf32>
    ```
    """

    name = "ml.erf"

    @staticmethod
    def meaning(x: Array) -> Array:
        return numerics.erf(x)


@irdl_op_definition
class GeluOp(FloatUnaryOp):
    """x * (1 + erf(x / sqrt(2))) / 2, the exact form; NaN at -inf.

    ```mlir
    %r = ml.gelu %a : tensor<4xf32>
    ```
    """

    name = "ml.gelu"

    @staticmethod
    def meaning(x: Array) -> Array:
        return numerics.gelu(x)


@irdl_op_definition
class SiluOp(FloatUnaryOp):
    """x * sigmoid(x); NaN at -inf.

    ```mlir
    %r = ml.silu %a : tensor<4xf32>
    ```
    """

    name = "ml.silu"

    @staticmethod
    def meaning(x: Array) -> Array:
        return x * numerics.sigmoid(x)


@irdl_op_definition
class SoftplusOp(FloatUnaryOp):
    """log(1 + exp(x)), without overflow.

    ```mlir
    %r = ml.softplus %a : tensor<4xf32>
    ```
    """

    name = "ml.softplus"

    @staticmethod
    def meaning(x: Array) -> Array:
        return numerics.softplus(x)
