"""The equation of each named op that is one of smaller ops."""

from __future__ import annotations

from weft.dialects import ml
from weft.dialects.ml.base import MlOp
from weft.passes.graph.equations.activations import gelu, relu, sigmoid, silu, softplus
from weft.passes.graph.equations.attention import attention
from weft.passes.graph.equations.building import exact, rounded_once
from weft.passes.graph.equations.convolutions import convolution_bias
from weft.passes.graph.equations.indexing import one_hot, take, top_k, tri, triangle
from weft.passes.graph.equations.norms import batch_norm_inference, group_norm, layer_norm, rms_norm
from weft.passes.graph.equations.pooling import avg_pool, max_pool
from weft.passes.graph.equations.quantization import dequantize, quantize
from weft.passes.graph.equations.random import random_normal, random_uniform
from weft.passes.graph.equations.random_bits import random_bits
from weft.passes.graph.equations.resize import resize
from weft.passes.graph.equations.shares import cross_entropy, log_softmax, softmax
from weft.passes.graph.worklist import Pattern

DECOMPOSITIONS: dict[type[MlOp], Pattern] = {
    ml.SoftmaxOp: rounded_once(softmax),
    ml.SigmoidOp: rounded_once(sigmoid),
    ml.SiluOp: rounded_once(silu),
    ml.GeluOp: rounded_once(gelu),
    ml.SoftplusOp: rounded_once(softplus),
    ml.ReluOp: exact(relu),
    ml.LogSoftmaxOp: rounded_once(log_softmax),
    ml.CrossEntropyOp: rounded_once(cross_entropy),
    ml.LayerNormOp: rounded_once(layer_norm),
    ml.RmsNormOp: rounded_once(rms_norm),
    ml.GroupNormOp: rounded_once(group_norm),
    ml.BatchNormInferenceOp: rounded_once(batch_norm_inference),
    ml.AttentionOp: rounded_once(attention),
    ml.ConvolutionBiasOp: convolution_bias,
    ml.QuantizeOp: rounded_once(quantize),
    ml.DequantizeOp: rounded_once(dequantize),
    ml.MaxPoolOp: exact(max_pool),
    ml.AvgPoolOp: rounded_once(avg_pool),
    ml.ResizeOp: rounded_once(resize),
    ml.TakeOp: exact(take),
    ml.OneHotOp: exact(one_hot),
    ml.TriOp: exact(tri),
    ml.TrilOp: exact(triangle),
    ml.TriuOp: exact(triangle),
    ml.TopKOp: top_k,
    ml.RandomUniformOp: random_uniform,
    ml.RandomNormalOp: random_normal,
}
"""By op class. An op that has no loops of its own is always replaced on the way to machine code."""

WITHOUT_LOOPS: dict[type[MlOp], Pattern] = {ml.RngBitGeneratorOp: random_bits}
"""Of ops that have loops of their own: what becomes of those that these loops do not cover. The others are left."""
