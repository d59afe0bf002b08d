"""Every pass of weft, by name. An entry is imported when a pipeline first names it."""

from __future__ import annotations

PASSES: tuple[tuple[str, str], ...] = (
    # graph
    ("canonicalize", "weft.passes.graph.canonicalize:Canonicalize"),
    ("fold", "weft.passes.graph.fold:Fold"),
    ("cse", "weft.passes.graph.cse:Cse"),
    ("dce", "weft.passes.graph.dce:Dce"),
    ("infer-shapes", "weft.passes.graph.infer_shapes:InferShapes"),
    ("decompose", "weft.passes.graph.decompose:Decompose"),
    ("check-shapes", "weft.passes.graph.check_shapes:CheckShapes"),
    ("outline-kernels", "weft.passes.graph.outline_kernels:OutlineKernels"),
    # loops
    ("bufferize", "weft.passes.loops.bufferize:Bufferize"),
    ("convert-ml-to-loop", "weft.passes.loops.convert_ml_to_loop:ConvertMlToLoop"),
    ("raise-to-loop", "weft.passes.loops.raise_to_loop:RaiseToLoop"),
    ("choose-schedule", "weft.passes.loops.choose_schedule:ChooseSchedule"),
    ("apply-schedule", "weft.passes.loops.apply_schedule:ApplySchedule"),
    ("hoist-buffers", "weft.passes.loops.hoist_buffers:HoistBuffers"),
    ("plan-memory", "weft.passes.loops.plan_memory:PlanMemory"),
    # lower
    ("convert-linalg-to-loops", "weft.passes.lower.convert_linalg_to_loops:ConvertLinalgToLoops"),
    ("lower-affine", "weft.passes.lower.lower_affine:LowerAffine"),
    ("expand-narrow-floats", "weft.passes.lower.expand_narrow_floats:ExpandNarrowFloats"),
    ("convert-loop-to-llvm", "weft.passes.lower.convert_loop_to_llvm:ConvertLoopToLlvm"),
    ("convert-scf-to-cf", "weft.passes.lower.convert_scf_to_cf:ConvertScfToCf"),
    ("convert-to-llvm", "weft.passes.lower.convert_to_llvm:ConvertToLlvm"),
)
