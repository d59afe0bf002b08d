"""ONNX Runtime, with its inputs and outputs bound to arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
from graph import Graph
from measure import Call
from onnx_text import model


def build(graph: Graph, arrays: Sequence[np.ndarray], out: np.ndarray, threads: int) -> Call:
    """A session with every optimization, and a binding of its arrays."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model(graph), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for given, array in zip(session.get_inputs(), arrays, strict=True):
        binding.bind_input(given.name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    binding.bind_output("y", "cpu", 0, np.float32, out.shape, out.ctypes.data)
    names = {"f": session.run_with_iobinding, "b": binding, "held": (arrays, out)}
    return Call("f(b)", names, lambda: out)
