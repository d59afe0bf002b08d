// RUN: weft opt %s -canonicalize | filecheck %s
// RUN: weft opt %s -pass-pipeline='builtin.module(func.func(canonicalize))' | filecheck %s

// CHECK-LABEL: func.func @folds() -> i32
func.func @folds() -> i32 {
  // CHECK-NEXT: %[[C:.*]] = arith.constant 12 : i32
  // CHECK-NEXT: return %[[C]] : i32
  %0 = arith.constant 5 : i32
  %1 = arith.constant 7 : i32
  %2 = arith.addi %0, %1 : i32
  return %2 : i32
}

// CHECK-LABEL: func.func @neutral(%arg0: i32) -> i32
func.func @neutral(%a: i32) -> i32 {
  // CHECK-NEXT: return %arg0 : i32
  %0 = arith.constant 0 : i32
  %1 = arith.addi %a, %0 : i32
  %2 = arith.constant 1 : i32
  %3 = arith.muli %1, %2 : i32
  return %3 : i32
}

// CHECK-LABEL: func.func @dead(%arg0: f32) {
func.func @dead(%a: f32) {
  // CHECK-NEXT: return
  %0 = arith.addf %a, %a : f32
  return
}

// CHECK-LABEL: func.func @known_branch
func.func @known_branch(%a: i32, %b: i32) -> i32 {
  // CHECK-NEXT: return %arg0 : i32
  %true = arith.constant true
  %0 = arith.select %true, %a, %b : i32
  return %0 : i32
}
