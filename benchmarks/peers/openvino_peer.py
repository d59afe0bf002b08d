"""OpenVINO, on the ONNX model, with its tensors on the arrays' memory, in f32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openvino
from graph import Graph
from measure import Call
from onnx_text import model


def build(graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int) -> Call:
    """An inference request, compiled for latency."""
    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": 1,
    }
    compiled = core.compile_model(core.read_model(model(graph)), "CPU", settings)
    request = compiled.create_infer_request()
    for number, array in enumerate(arrays):
        request.set_input_tensor(number, openvino.Tensor(array, shared_memory=True))
    if out.ndim:
        request.set_output_tensor(0, openvino.Tensor(out, shared_memory=True))
    names = {"f": request.infer, "held": (compiled, arrays, out)}
    return Call("f()", names, lambda: request.get_output_tensor(0).data)
