// RUN: weft opt %s -cse -split-input-file | filecheck %s
// RUN: weft opt %s --pass-pipeline='builtin.module(func.func(cse))' --split-input-file | filecheck %s

// CHECK-LABEL: @same
// CHECK-SAME: %[[A:.*]]: i32
func.func @same(%a: i32) -> (i32, i32) {
  // CHECK-NEXT: %[[X:.*]] = arith.addi %[[A]], %[[A]] : i32
  // CHECK-NEXT: return %[[X]], %[[X]] : i32, i32
  %0 = arith.addi %a, %a : i32
  %1 = arith.addi %a, %a : i32
  return %0, %1 : i32, i32
}

// -----

// CHECK-LABEL: @regions
func.func @regions(%a: i32, %c: i1) -> (i32, i32) {
  // CHECK: %[[X:.*]] = arith.muli
  %0 = arith.muli %a, %a : i32
  // CHECK-NEXT: %[[R:.*]] = scf.if
  %1 = scf.if %c -> (i32) {
    // CHECK-NEXT: scf.yield %[[X]]
    %2 = arith.muli %a, %a : i32
    scf.yield %2 : i32
  // CHECK-NEXT: } else {
  } else {
    // CHECK-NEXT: scf.yield
    scf.yield %a : i32
  }
  // CHECK: return %[[R]], %[[X]]
  return %1, %0 : i32, i32
}

// -----

// CHECK-LABEL: @different_attributes
func.func @different_attributes(%a: i32) -> (i1, i1) {
  // CHECK: arith.cmpi slt
  // CHECK-NEXT: arith.cmpi sgt
  %0 = arith.cmpi slt, %a, %a : i32
  %1 = arith.cmpi sgt, %a, %a : i32
  return %0, %1 : i1, i1
}
