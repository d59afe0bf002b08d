// Values get upstream's names and numbers, in either form.
// RUN: weft opt %s | filecheck %s
// RUN: weft opt %s --mlir-print-op-generic | filecheck %s --check-prefix=GENERIC
// RUN: weft opt %s --mlir-print-debuginfo --mlir-print-local-scope | filecheck %s --check-prefix=DEBUG
// RUN: weft opt %s --mlir-elide-elementsattrs-if-larger=2 | filecheck %s --check-prefix=ELIDED
// RUN: weft opt %s -mlir-print-ir-before-all -mlir-print-ir-after-all -cse 2>&1 | filecheck %s --check-prefix=DUMP
// RUN: weft opt %s -cse -mlir-timing 2>&1 | filecheck %s --check-prefix=TIMING
// RUN: weft opt %s -verify-roundtrip -mlir-disable-threading | filecheck %s

// DUMP: // -----// IR Dump Before {{.*}}(cse) //----- //
// DUMP: // -----// IR Dump After {{.*}}(cse) //----- //
// TIMING: ... Execution time report ...
// TIMING: Total Execution Time: {{.*}} seconds
// TIMING: Parser
// TIMING: Rest
// TIMING: Total

// CHECK-LABEL: func.func @names(%arg0: memref<?xf32>, %arg1: index) -> (f32, tensor<3xi32>)
// GENERIC: "func.func"() <{
// GENERIC: bb0(%[[M:.*]]: memref<?xf32>, %[[I:.*]]: index):
// DEBUG: func.func @names(%arg0: memref<?xf32>
func.func @names(%m: memref<?xf32>, %i: index) -> (f32, tensor<3xi32>) {
  // CHECK-NEXT: %c1 = arith.constant 1 : index
  // GENERIC: %{{.*}} = "arith.constant"() <{value = 1 : index}> : () -> index
  // DEBUG: arith.constant 1 : index loc("{{.*}}printing.mlir":26:{{[0-9]+}})
  %one = arith.constant 1 : index
  // CHECK-NEXT: %c1_0 = arith.constant 1 : index
  %two = arith.constant 1 : index
  // CHECK-NEXT: %cst = arith.constant 2.500000e+00 : f32
  %x = arith.constant 2.5 : f32
  // CHECK-NEXT: %cst_1 = arith.constant dense<[1, 2, 3]> : tensor<3xi32>
  // ELIDED: arith.constant dense_resource<__elided__> : tensor<3xi32>
  %t = arith.constant dense<[1, 2, 3]> : tensor<3xi32>
  // CHECK-NEXT: %0 = memref.load %arg0[%arg1] : memref<?xf32>
  // GENERIC: "memref.load"(%[[M]], %[[I]])
  %l = memref.load %m[%i] : memref<?xf32>
  // CHECK-NEXT: %dim = memref.dim %arg0, %c1 : memref<?xf32>
  %d = memref.dim %m, %one : memref<?xf32>
  // CHECK-NEXT: %1:2 = scf.for %arg2 = %c1 to %dim step %c1_0 iter_args(%arg3 = %cst, %arg4 = %0) -> (f32, f32) {
  // GENERIC: "scf.for"
  %r:2 = scf.for %k = %one to %d step %two iter_args(%a = %x, %b = %l) -> (f32, f32) {
    // CHECK-NEXT: %2 = arith.addf %arg3, %arg4 : f32
    %s = arith.addf %a, %b : f32
    // CHECK-NEXT: scf.yield %2, %arg3 : f32, f32
    scf.yield %s, %a : f32, f32
  }
  // CHECK: return %1#1, %cst_1 : f32, tensor<3xi32>
  return %r#1, %t : f32, tensor<3xi32>
}

// CHECK-LABEL: func.func @blocks(%arg0: i1) -> i32
func.func @blocks(%c: i1) -> i32 {
  // CHECK: cf.cond_br %arg0, ^bb1(%c1_i32 : i32), ^bb2
  %one = arith.constant 1 : i32
  cf.cond_br %c, ^first(%one : i32), ^second
// CHECK-NEXT: ^bb1(%0: i32):
^first(%x: i32):
  return %x : i32
// CHECK-NEXT: return
// CHECK-NEXT: ^bb2:
^second:
  cf.br ^first(%one : i32)
}
