"""Small programs in the syntax of many dialects."""

SNIPPETS = {
    "structure": """
builtin.module @outer attributes {a.b = 1 : i64} {
  "test.op"() : () -> ()
  module @inner { }
  %0, %1:2 = "test.op"() {x} : () -> (i1, i32, f32)
  "test.op"(%1#1, %0, %1#0) : (f32, i1, i32) -> ()
  "test.termop"(%late) ({
    %x = "test.op"() : () -> i32
    "test.termop"()[^a, ^b] : () -> ()
  ^a:
    "test.termop"(%x)[^b] : (i32) -> ()
  ^b(%y: i32, %z: tensor<2xf32>):
    "test.termop"(%y) : (i32) -> ()
  }, {
  ^bb0(%w: i32):
  }, { }) : (f64) -> ()
  %late = "test.op"() : () -> f64
}
""",
    "func": """
func.func private @declared(tensor<2xf32>, i32) -> (i32, f32)
func.func public @defined(%a: i32 {x.y = 1 : i8}, %b: f32) -> (i32, f32) attributes {z.w} {
  %r:2 = func.call @defined(%a, %b) : (i32, f32) -> (i32, f32)
  return %r#0, %r#1 : i32, f32
}
""",
    "scalars": """
func.func @f(%a: i32, %b: i32, %x: f32, %y: f32, %v: vector<4xf32>, %n: index) {
  %0 = arith.addi %a, %b : i32
  %1 = arith.addi %a, %b overflow<nsw, nuw> : i32
  %2 = arith.cmpi ult, %0, %1 : i32
  %3 = arith.select %2, %x, %y : f32
  %4 = arith.mulf %3, %y fastmath<nnan,contract> : f32
  %5 = arith.index_cast %n : index to i64
  %6 = arith.extf %x : f32 to f64
  %7, %8 = arith.addui_extended %a, %b : i32, i1
  %9 = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : vector<4xf32>
  %10 = arith.maxnumf %v, %9 : vector<4xf32>
  %11 = math.fma %x, %y, %4 : f32
  %12 = math.absf %x {extra = 1 : i32} : f32
  %13 = arith.constant 0x7FC00000 : f32
  %14 = arith.constant true
  %15 = arith.bitcast %x : f32 to i32
  func.return
}
""",
    "control": """
func.func @f(%c: i1, %n: index, %x: f32) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %x) -> (f32, f32) {
    scf.yield %b, %a : f32, f32
  }
  scf.for %i = %c0 to %n step %c1 {
    scf.if %c {
      "test.op"(%i) : (index) -> ()
    }
  }
  %w = scf.while (%v = %x) : (f32) -> f32 {
    scf.condition(%c) %v : f32
  } do {
  ^bb0(%v: f32):
    scf.yield %v : f32
  }
  %s = scf.index_switch %n -> f32
  case 2 {
    scf.yield %x : f32
  }
  default {
    scf.yield %w : f32
  }
  cf.assert %c, "it must hold"
  cf.cond_br %c, ^one(%s, %n : f32, index), ^two
^one(%p: f32, %q: index):
  cf.br ^two
^two:
  cf.switch %n : index, [
    default: ^three(%x : f32),
    1: ^three(%w : f32)
  ]
^three(%t: f32):
  func.return %t : f32
}
""".replace("cf.switch %n : index", "cf.switch %k : i32").replace("%n: index, %x", "%n: index, %k: i32, %x"),
    "buffers": """
"memref.global"() <{sym_name = "table", type = memref<2xi32>, initial_value = dense<[1, 2]> : tensor<2xi32>}> : () -> ()
func.func @f(%m: memref<4x?xf32, strided<[?, 1], offset: ?>>, %i: index) {
  %a = memref.alloc(%i) {alignment = 64 : i64} : memref<4x?xf32>
  %b = memref.alloca() : memref<f32>
  %g = memref.get_global @table : memref<2xi32>
  %v = memref.load %m[%i, %i] : memref<4x?xf32, strided<[?, 1], offset: ?>>
  memref.store %v, %b[] : memref<f32>
  %s = memref.subview %a[0, %i] [4, 2] [1, 1] : memref<4x?xf32> to memref<4x2xf32, strided<[?, 1], offset: ?>>
  %d = memref.dim %a, %i : memref<4x?xf32>
  affine.for %x = 0 to 10 step 2 {
    %e = affine.load %a[%x, %i + 1] : memref<4x?xf32>
    affine.store %e, %a[%x, 3] : memref<4x?xf32>
  }
  %z = affine.apply affine_map<(d0)[s0] -> (d0 * 2 + s0)> (%i)[%d]
  %vec = vector.load %a[%i, %i] : memref<4x?xf32>, vector<8xf32>
  %w = vector.broadcast %v : f32 to vector<8xf32>
  %q = vector.fma %vec, %w, %w : vector<8xf32>
  vector.store %q, %a[%i, %i] : memref<4x?xf32>, vector<8xf32>
  memref.dealloc %a : memref<4x?xf32>
  func.return
}
""",
    "tensors": """
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @f(%t: tensor<4x?xf32>, %i: index, %x: f32) -> tensor<4x?xf32> {
  %e = tensor.empty(%i) : tensor<4x?xf32>
  %v = tensor.extract %t[%i, %i] : tensor<4x?xf32>
  %n = tensor.insert %x into %t[%i, %i] : tensor<4x?xf32>
  %s = tensor.extract_slice %t[0, %i] [2, 2] [1, 1] : tensor<4x?xf32> to tensor<2x2xf32>
  %c = tensor.cast %t : tensor<4x?xf32> to tensor<?x?xf32>
  %f = linalg.fill ins(%x : f32) outs(%e : tensor<4x?xf32>) -> tensor<4x?xf32>
  %g = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%n : tensor<4x?xf32>) outs(%f : tensor<4x?xf32>) attrs = {a.b = 1 : i64} {
  ^bb0(%in: f32, %out: f32):
    %m = arith.mulf %in, %v : f32
    linalg.yield %m : f32
  } -> tensor<4x?xf32>
  %a = linalg.add ins(%g, %g : tensor<4x?xf32>, tensor<4x?xf32>) outs(%e : tensor<4x?xf32>) -> tensor<4x?xf32>
  %b = bufferization.to_buffer %a : tensor<4x?xf32> to memref<4x?xf32>
  func.return %a : tensor<4x?xf32>
}
""",
    "machine": """
llvm.func @printf(!llvm.ptr, ...) -> i32
llvm.func internal @f(%p: !llvm.ptr, %i: i64) -> i64 {
  %c = llvm.mlir.constant(3 : i64) : i64
  %z = llvm.mlir.zero : !llvm.ptr
  %u = llvm.mlir.undef : !llvm.struct<(i64, !llvm.ptr)>
  %q = llvm.getelementptr %p[%i, 1] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<4 x i32>
  %v = llvm.load %q : !llvm.ptr -> i64
  %a = llvm.add %v, %c overflow<nsw> : i64
  %s = llvm.insertvalue %a, %u[0] : !llvm.struct<(i64, !llvm.ptr)>
  llvm.store %a, %p : i64, !llvm.ptr
  llvm.return %a : i64
}
""",
    "ml": """
func.func @f(%a: tensor<?x4xf32>, %b: tensor<4x2xf32>) -> tensor<?xi32> {
  %m = ml.matmul %a, %b : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
  %s = ml.softmax %m : tensor<?x2xf32>
  %r = ml.argmax %s, dim = 1 : tensor<?x2xf32> to tensor<?xi32>
  func.return %r : tensor<?xi32>
}
""",
}
