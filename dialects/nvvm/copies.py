"""The table's copies that run by themselves: `cp.async`, and bulk copies of memory and tensors (TMA)."""

from __future__ import annotations

from weft.dialects.nvvm.instruction import Argument, Code, Instruction, NvvmOp

_SHARED_CLUSTER = 7


def _copy(op: NvvmOp) -> Code:
    size = op.values("cpSize")
    name = f"llvm.nvvm.cp.async.{op.word('modifier')}.shared.global.{op.word('size')}{'.s' if size else ''}"
    return Code(name, (op.value("dst"), op.value("src"), *size))


def _check_copy(op: NvvmOp) -> str | None:
    size, cache = op.word("size"), op.word("modifier")
    if size not in ("4", "8", "16"):
        return f"4, 8 or 16 bytes are copied, not {size}"
    if cache not in ("ca", "cg"):
        return f"a copy goes through the cache ca or cg, not {cache}"
    return "16 bytes are copied through cg" if cache == "cg" and size != "16" else None


def _check_coordinates(op: NvvmOp) -> str | None:
    count = len(op.values("coordinates"))
    if not 1 <= count <= 5:
        return f"a tensor has 1 to 5 coordinates, not {count}"
    offsets = len(op.values("im2colOffsets")) if "im2colOffsets" in op.operand_names else 0
    if offsets and (count < 3 or offsets != count - 2):
        return f"im2col takes 3 to 5 coordinates and two offsets fewer, not {count} and {offsets}"
    return None


def _load_tensor(op: NvvmOp) -> Code:
    """From a tensor in global memory to this block, or by the mask to several of the cluster."""
    coordinates, offsets = op.values("coordinates"), op.values("im2colOffsets")
    masks, hints = op.values("multicastMask"), op.values("l2CacheHint")
    arguments: tuple[Argument, ...] = (
        (op.value("dstMem"), _SHARED_CLUSTER), op.value("mbar"), (op.value("tmaDescriptor"), 0), *coordinates, *offsets,
        *(masks or ("i16 0",)), *(hints or ("i64 0",)), _truth(masks), _truth(hints), "i32 0",
    )  # fmt: skip
    return Code(f"llvm.nvvm.cp.async.bulk.tensor.g2s.{'im2col' if offsets else 'tile'}.{len(coordinates)}d", arguments)


def _load_tensor_where(op: NvvmOp) -> str:
    """The same where a predicate is true."""
    coordinates, offsets = op.values("coordinates"), op.values("im2colOffsets")
    mode = ".im2col" if offsets else ""
    cluster, hint = op.values("multicastMask"), op.values("l2CacheHint")
    return (
        f"cp.async.bulk.tensor.{len(coordinates)}d.shared::cluster.global{mode or '.tile'}.mbarrier::complete_tx::bytes"
        f"{'.multicast::cluster' if cluster else ''}{'.L2::cache_hint' if hint else ''} "
        f"[%dstMem], [%tmaDescriptor, {{%coordinates}}], [%mbar]{', {%im2colOffsets}' if offsets else ''}"
        f"{', %multicastMask' if cluster else ''}{', %l2CacheHint' if hint else ''};"
    )


def _store_tensor(op: NvvmOp) -> Code:
    coordinates = op.values("coordinates")
    arguments: tuple[Argument, ...] = (
        op.value("srcMem"), (op.value("tmaDescriptor"), 0), *coordinates, "i64 0", "i1 false"
    )  # fmt: skip
    return Code(f"llvm.nvvm.cp.async.bulk.tensor.s2g.tile.{len(coordinates)}d", arguments)


def _store_tensor_where(op: NvvmOp) -> str:
    count = len(op.values("coordinates"))
    name = f"cp.async.bulk.tensor.{count}d.global.shared::cta.tile.bulk_group"
    return f"{name} [%tmaDescriptor, {{%coordinates}}], [%srcMem];"


def _load_bytes(op: NvvmOp) -> Code:
    masks, hints = op.values("multicastMask"), op.values("l2CacheHint")
    arguments: tuple[Argument, ...] = (
        (op.value("dstMem"), _SHARED_CLUSTER), op.value("mbar"), op.value("srcMem"), op.value("size"),
        *(masks or ("i16 0",)), *(hints or ("i64 0",)), _truth(masks), _truth(hints),
    )  # fmt: skip
    return Code("llvm.nvvm.cp.async.bulk.global.to.shared.cluster", arguments)


def _truth(values: tuple[object, ...]) -> str:
    return "i1 true" if values else "i1 false"


def _wait_bulk(op: NvvmOp) -> Code:
    return Code(f"llvm.nvvm.cp.async.bulk.wait.group{'.read' if op.has('read') else ''}", (f"i32 {op.word('group')}",))


INSTRUCTIONS: tuple[Instruction, ...] = (
    Instruction("cp.async.shared.global", "dst: shared, src: global, cpSize?: i32", "",
        "$dst `,` $src `,` $size `,` `cache` `=` $modifier (`,` $cpSize^)? attr-dict `:` type(operands)", _copy,
        "Begins to copy 4, 8 or 16 bytes; of `cpSize` bytes, the rest becomes zeros.",
        attributes="size: i32, modifier: load_cache_modifier", chip="sm_80", ptx=70, meaning="copy", check=_check_copy,
        example="nvvm.cp.async.shared.global %dst, %src, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>"),
    Instruction("cp.async.commit.group", "", "", "attr-dict", "llvm.nvvm.cp.async.commit.group",
        "Makes the copies begun so far a group.", chip="sm_80", ptx=70, meaning="copy.commit"),
    Instruction("cp.async.wait.group", "", "", "$n attr-dict", "llvm.nvvm.cp.async.wait.group(i32 {n})",
        "Waits until at most `n` groups of copies are not done.", attributes="n: i32", chip="sm_80", ptx=70,
        meaning="copy.wait"),
    Instruction("cp.async.bulk.commit.group", "", "", "attr-dict", "llvm.nvvm.cp.async.bulk.commit.group",
        "Makes the bulk copies begun so far a group.", chip="sm_90", ptx=80, meaning="bulk.commit"),
    Instruction("cp.async.bulk.wait_group", "", "", "$group attr-dict", _wait_bulk,
        "Waits until at most `group` groups of bulk copies are not done, or (`read`) have not read their sources.",
        attributes="group: i32, read?: unit", chip="sm_90", ptx=80, meaning="bulk.wait"),
    Instruction("cp.async.bulk.shared.cluster.global",
        "dstMem: shared, srcMem: global, mbar: shared, size: i32, multicastMask?: i16, l2CacheHint?: i64", "",
        "$dstMem `,` $srcMem `,` $mbar `,` $size (`multicast_mask` `=` $multicastMask^)? "
        "(`l2_cache_hint` `=` $l2CacheHint^)? attr-dict `:` type($dstMem) `,` type($srcMem)", _load_bytes,
        "Begins to copy bytes into shared memory; the barrier counts them.", chip="sm_90", ptx=80, meaning="bulk.load"),
    Instruction("cp.async.bulk.global.shared.cta", "dstMem: global, srcMem: shared, size: i32", "",
        "$dstMem `,` $srcMem `,` $size attr-dict `:` type($dstMem) `,` type($srcMem)",
        "llvm.nvvm.cp.async.bulk.shared.cta.to.global(dstMem, srcMem, size, i64 0, i1 false)",
        "Begins to copy bytes out of shared memory.", chip="sm_90", ptx=80, meaning="bulk.store"),
    Instruction("cp.async.bulk.tensor.shared.cluster.global",
        "dstMem: shared, tmaDescriptor: ptr, coordinates*: i32, mbar: shared, im2colOffsets*: i16, "
        "multicastMask?: i16, l2CacheHint?: i64, predicate?: i1", "",
        "$dstMem `,` $tmaDescriptor `,` $mbar `,` `box` `[` $coordinates `]` (`im2col` `[` $im2colOffsets^ `]`)? "
        "(`multicast_mask` `=` $multicastMask^)? (`l2_cache_hint` `=` $l2CacheHint^)? (`predicate` `=` $predicate^)? "
        "attr-dict "
        "`:` custom<SharedPointer>(type($dstMem)) `,` type($tmaDescriptor)", _load_tensor,
        "Begins to copy a box of a tensor into shared memory, of several blocks by the mask; "
        "the barrier counts its bytes.",
        predicated=_load_tensor_where, chip="sm_90", ptx=80, meaning="tensor.load", check=_check_coordinates),
    Instruction("cp.async.bulk.tensor.global.shared.cta",
        "tmaDescriptor: ptr, srcMem: shared, coordinates*: i32, predicate?: i1", "",
        "$tmaDescriptor `,` $srcMem `,` `box` `[` $coordinates `]` (`,` `predicate` `=` $predicate^)? attr-dict "
        "`:` type($tmaDescriptor) `,` type($srcMem) `,` "
        "custom<Coordinates>(type($coordinates), type($predicate))", _store_tensor,
        "Begins to copy a box of a tensor out of shared memory.",
        predicated=_store_tensor_where, chip="sm_90", ptx=80, meaning="tensor.store", check=_check_coordinates,
        example="nvvm.cp.async.bulk.tensor.global.shared.cta %tmaDescriptor, %srcMem, box [%coordinates] "
        ": !llvm.ptr, !llvm.ptr<3>, i32"),
    Instruction("prefetch.tensormap", "tmaDescriptor: ptr, predicate?: i1", "",
        "$tmaDescriptor (`,` `predicate` `=` $predicate^)? attr-dict `:` type(operands)",
        "llvm.nvvm.prefetch.tensormap.p0(tmaDescriptor@0)", "Brings what is known of a tensor near.",
        predicated="prefetch.tensormap [%tmaDescriptor];", chip="sm_90", ptx=80, meaning="prefetch"),
)  # fmt: skip
