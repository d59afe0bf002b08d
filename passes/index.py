"""Every pass of weft, by name. An entry is imported when a pipeline first names it."""

from __future__ import annotations

PASSES: tuple[tuple[str, str], ...] = (
    # graph
    ("convert-to-ml", "weft.passes.graph.convert_to_ml:ConvertToMl"),
    ("expand-complex", "weft.passes.graph.expand_complex:ExpandComplex"),
    ("differentiate", "weft.passes.graph.differentiate:Differentiate"),
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
    ("expand-math", "weft.passes.loops.expand_math:ExpandMath"),
    ("raise-to-loop", "weft.passes.loops.raise_to_loop:RaiseToLoop"),
    ("collapse-loops", "weft.passes.loops.collapse_loops:CollapseLoops"),
    ("choose-schedule", "weft.passes.loops.choose_schedule:ChooseSchedule"),
    ("apply-schedule", "weft.passes.loops.apply_schedule:ApplySchedule"),
    # schedule steps
    ("loop-clear", "weft.passes.loops.steps.loop_clear:LoopClear"),
    ("loop-contract", "weft.passes.loops.steps.loop_contract:LoopContract"),
    ("loop-fuse", "weft.passes.loops.steps.loop_fuse:LoopFuse"),
    ("loop-fuse-consumer", "weft.passes.loops.steps.loop_fuse_consumer:LoopFuseConsumer"),
    ("loop-inline", "weft.passes.loops.steps.loop_inline:LoopInline"),
    ("loop-interchange", "weft.passes.loops.steps.loop_interchange:LoopInterchange"),
    ("loop-keep", "weft.passes.loops.steps.loop_keep:LoopKeep"),
    ("loop-map", "weft.passes.loops.steps.loop_map:LoopMap"),
    ("loop-nontemporal", "weft.passes.loops.steps.loop_nontemporal:LoopNontemporal"),
    ("loop-parallelize", "weft.passes.loops.steps.loop_parallelize:LoopParallelize"),
    ("loop-pad", "weft.passes.loops.steps.loop_pad:LoopPad"),
    ("loop-partials", "weft.passes.loops.steps.loop_partials:LoopPartials"),
    ("loop-partition", "weft.passes.loops.steps.loop_partition:LoopPartition"),
    ("loop-pipeline", "weft.passes.loops.steps.loop_pipeline:LoopPipeline"),
    ("loop-prefetch", "weft.passes.loops.steps.loop_prefetch:LoopPrefetch"),
    ("loop-rfactor", "weft.passes.loops.steps.loop_rfactor:LoopRfactor"),
    ("loop-stage", "weft.passes.loops.steps.loop_stage:LoopStage"),
    ("loop-stage-tile", "weft.passes.loops.steps.loop_stage_tile:LoopStageTile"),
    ("loop-tensorize", "weft.passes.loops.steps.loop_tensorize:LoopTensorize"),
    ("loop-tile", "weft.passes.loops.steps.loop_tile:LoopTile"),
    ("loop-unroll", "weft.passes.loops.steps.loop_unroll:LoopUnroll"),
    ("loop-vectorize", "weft.passes.loops.steps.loop_vectorize:LoopVectorize"),
    # after the schedule
    ("hoist-buffers", "weft.passes.loops.hoist_buffers:HoistBuffers"),
    ("plan-memory", "weft.passes.loops.plan_memory:PlanMemory"),
    # gpu
    ("choose-gpu-schedule", "weft.passes.gpu.choose_gpu_schedule:ChooseGpuSchedule"),
    ("convert-loop-to-gpu", "weft.passes.gpu.convert_loop_to_gpu:ConvertLoopToGpu"),
    ("gpu-kernel-outlining", "weft.passes.gpu.gpu_kernel_outlining:GpuKernelOutlining"),
    ("convert-gpu-to-nvvm", "weft.passes.gpu.convert_gpu_to_nvvm:ConvertGpuToNvvm"),
    # lower
    ("convert-linalg-to-loops", "weft.passes.lower.convert_linalg_to_loops:ConvertLinalgToLoops"),
    ("lower-affine", "weft.passes.lower.lower_affine:LowerAffine"),
    ("expand-narrow-floats", "weft.passes.lower.expand_narrow_floats:ExpandNarrowFloats"),
    ("convert-loop-to-llvm", "weft.passes.lower.convert_loop_to_llvm:ConvertLoopToLlvm"),
    ("convert-scf-to-cf", "weft.passes.lower.convert_scf_to_cf:ConvertScfToCf"),
    ("convert-to-llvm", "weft.passes.lower.convert_to_llvm:ConvertToLlvm"),
)
