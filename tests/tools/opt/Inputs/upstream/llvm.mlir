// Printed only: xDSL's ops keep their flags as numbers.
llvm.mlir.global internal constant @text("abc\00") {addr_space = 0 : i32}
llvm.mlir.global external @number(42 : i64) : i64
llvm.mlir.global private @zero() : !llvm.array<4 x f32> {
  %0 = llvm.mlir.zero : !llvm.array<4 x f32>
  llvm.return %0 : !llvm.array<4 x f32>
}
llvm.func @declared(i32, ...) -> i32
llvm.func @puts(!llvm.ptr) -> i32
llvm.func internal @nothing() {
  llvm.return
}
llvm.func @integers(%a: i32, %b: i32, %c: i1) -> i32 {
  %0 = llvm.mlir.constant(7 : i32) : i32
  %1 = llvm.add %a, %b : i32
  %2 = llvm.sub %a, %b : i32
  %3 = llvm.mul %a, %b : i32
  %4 = llvm.udiv %a, %b : i32
  %5 = llvm.sdiv %a, %b : i32
  %6 = llvm.urem %a, %b : i32
  %7 = llvm.srem %a, %b : i32
  %8 = llvm.and %a, %b : i32
  %9 = llvm.or %a, %b : i32
  %10 = llvm.xor %a, %b : i32
  %11 = llvm.shl %a, %b : i32
  %12 = llvm.lshr %a, %b : i32
  %13 = llvm.ashr %a, %b : i32
  %14 = llvm.icmp "eq" %a, %b : i32
  %15 = llvm.icmp "slt" %a, %b : i32
  %16 = llvm.select %c, %a, %b : i1, i32
  %17 = llvm.sext %a : i32 to i64
  %18 = llvm.zext %a : i32 to i64
  %19 = llvm.trunc %a : i32 to i8
  %20 = llvm.sitofp %a : i32 to f32
  %21 = llvm.uitofp %a : i32 to f32
  %22 = llvm.bitcast %a : i32 to f32
  %23 = llvm.add %a, %b overflow<nsw, nuw> : i32
  %24 = llvm.freeze %a : i32
  %25 = llvm.mlir.undef : i32
  %26 = llvm.mlir.poison : vector<4xf32>
  llvm.return %1 : i32
}
llvm.func @floats(%a: f32, %b: f32, %v: vector<4xf32>, %n: vector<4xi1>, %p: !llvm.ptr) {
  %0 = llvm.fadd %a, %b : f32
  %1 = llvm.fsub %a, %b : f32
  %2 = llvm.fmul %a, %b {fastmathFlags = #llvm.fastmath<contract>} : f32
  %3 = llvm.fdiv %a, %b : f32
  %4 = llvm.frem %a, %b : f32
  %5 = llvm.fneg %a : f32
  %6 = llvm.fcmp "olt" %a, %b : f32
  %7 = llvm.fpext %a : f32 to f64
  %8 = llvm.fptrunc %7 : f64 to f32
  %9 = llvm.fptosi %a : f32 to i32
  %10 = llvm.fptoui %a : f32 to i32
  %11 = llvm.intr.fma(%a, %b, %a) : (f32, f32, f32) -> f32
  %12 = llvm.intr.exp(%v) : (vector<4xf32>) -> vector<4xf32>
  %13 = llvm.intr.fabs(%a) : (f32) -> f32
  %14 = llvm.intr.copysign(%a, %b) : (f32, f32) -> f32
  %15 = llvm.intr.maxnum(%a, %b) : (f32, f32) -> f32
  %16 = "llvm.intr.vector.reduce.fadd"(%a, %v) : (f32, vector<4xf32>) -> f32
  %17 = llvm.intr.masked.load %p, %n, %v {alignment = 4 : i32} : (!llvm.ptr, vector<4xi1>, vector<4xf32>) -> vector<4xf32>
  llvm.intr.masked.store %v, %p, %n {alignment = 4 : i32} : vector<4xf32>, vector<4xi1> into !llvm.ptr
  %18 = llvm.intr.sqrt(%a) : (f32) -> f32
  %19 = llvm.intr.ceil(%a) : (f32) -> f32
  %20 = llvm.intr.cos(%a) : (f32) -> f32
  %21 = llvm.intr.exp2(%a) : (f32) -> f32
  %22 = llvm.intr.floor(%a) : (f32) -> f32
  %23 = llvm.intr.log(%a) : (f32) -> f32
  %24 = llvm.intr.log2(%a) : (f32) -> f32
  %25 = llvm.intr.sin(%a) : (f32) -> f32
  %26 = llvm.intr.minnum(%a, %b) : (f32, f32) -> f32
  %27 = llvm.intr.pow(%a, %b) : (f32, f32) -> f32
  %28 = "llvm.intr.vector.reduce.fmul"(%a, %v) : (f32, vector<4xf32>) -> f32
  llvm.return
}
llvm.func @memory(%p: !llvm.ptr, %i: i64, %x: f32, %s: !llvm.struct<(i32, f32)>, %v: vector<4xf32>, %k: i32) -> !llvm.ptr {
  %0 = llvm.alloca %i x f32 {alignment = 16 : i64} : (i64) -> !llvm.ptr
  %1 = llvm.getelementptr %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %2 = llvm.getelementptr inbounds %p[0, 1] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<(i32, f32)>
  %3 = llvm.load %p : !llvm.ptr -> f32
  llvm.store %x, %p : f32, !llvm.ptr
  %4 = llvm.ptrtoint %p : !llvm.ptr to i64
  %5 = llvm.inttoptr %i : i64 to !llvm.ptr
  %6 = llvm.extractvalue %s[1] : !llvm.struct<(i32, f32)>
  %7 = llvm.insertvalue %x, %s[1] : !llvm.struct<(i32, f32)>
  %8 = llvm.extractelement %v[%k : i32] : vector<4xf32>
  %9 = llvm.insertelement %x, %v[%k : i32] : vector<4xf32>
  %10 = llvm.shufflevector %v, %v [0, 1, 4, 5] : vector<4xf32>
  %11 = llvm.mlir.addressof @number : !llvm.ptr
  %12 = llvm.atomicrmw fadd %p, %x monotonic : !llvm.ptr, f32
  %swapped = llvm.cmpxchg %p, %k, %k acq_rel monotonic : !llvm.ptr, i32
  %scoped = llvm.atomicrmw add %p, %k syncscope("device") monotonic : !llvm.ptr, i32
  %13 = llvm.addrspacecast %p : !llvm.ptr to !llvm.ptr<3>
  %14 = llvm.intr.stacksave : !llvm.ptr
  llvm.intr.stackrestore %14 : !llvm.ptr
  %15 = llvm.call @puts(%p) : (!llvm.ptr) -> i32
  %16 = llvm.call @declared(%k, %x) vararg(!llvm.func<i32 (i32, ...)>) : (i32, f32) -> i32
  llvm.call @nothing() : () -> ()
  %17 = llvm.inline_asm "nop", "=r,r" %k : (i32) -> i32
  %18 = llvm.load %p {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
  llvm.return %1 : !llvm.ptr
}
llvm.func @blocks(%c: i1, %x: i32) -> i32 {
  llvm.cond_br %c, ^a(%x : i32), ^b
^a(%0: i32):
  llvm.br ^c(%0 : i32)
^b:
  llvm.switch %x : i32, ^c(%x : i32) [
    1: ^a(%x : i32),
    2: ^d
  ]
^c(%1: i32):
  llvm.return %1 : i32
^d:
  llvm.unreachable
}
