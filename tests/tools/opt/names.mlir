// Values are numbered as MLIR numbers them; --keep-names keeps those of the source.
// RUN: weft opt %s | filecheck %s
// RUN: weft opt %s --keep-names | filecheck %s --check-prefix=KEPT

// CHECK-LABEL: func.func @names(%arg0: i32, %arg1: tensor<?xf32>)
// KEPT-LABEL: func.func @names(%x: i32, %t: tensor<?xf32>)
func.func @names(%x: i32, %t: tensor<?xf32>) -> (i32, i32) {
  // CHECK-NEXT: %c1_i32 = arith.constant 1 : i32
  // KEPT-NEXT: %one = arith.constant 1 : i32
  %one = arith.constant 1 : i32
  // CHECK-NEXT: %c1_i32_0 = arith.constant 1 : i32
  %again = arith.constant 1 : i32
  // CHECK-NEXT: %true = arith.constant true
  %yes = arith.constant true
  // CHECK-NEXT: %cst = arith.constant 1.000000e+00 : f32
  %f = arith.constant 1.0 : f32
  // CHECK-NEXT: %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : index
  // CHECK-NEXT: %dim = tensor.dim %arg1, %c0 : tensor<?xf32>
  %n = tensor.dim %t, %zero : tensor<?xf32>
  // CHECK-NEXT: %0:2 = scf.if %true -> (i32, i32) {
  %r, %s = scf.if %yes -> (i32, i32) {
    // CHECK-NEXT: %2 = arith.addi %arg0, %c1_i32 : i32
    %a = arith.addi %x, %one : i32
    scf.yield %a, %a : i32, i32
  } else {
    // CHECK: %2 = arith.subi %arg0, %c1_i32_0 : i32
    %b = arith.subi %x, %again : i32
    scf.yield %b, %b : i32, i32
  }
  // CHECK: %1 = arith.addi %0#0, %0#1 : i32
  %sum = arith.addi %r, %s : i32
  // CHECK-NEXT: func.return %1, %0#1 : i32, i32
  func.return %sum, %s : i32, i32
}

// CHECK-LABEL: func.func @loops
func.func @loops(%n: index, %x: i32) -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: %0 = scf.for %arg2 = %c0 to %arg0 step %c1 iter_args(%arg3 = %arg1) -> (i32) {
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %x) -> (i32) {
    scf.yield %acc : i32
  }
  // CHECK: cf.br ^bb1(%0 : i32)
  cf.br ^end(%r : i32)
// CHECK-NEXT: ^bb1(%1: i32):
^end(%y: i32):
  func.return %y : i32
}
