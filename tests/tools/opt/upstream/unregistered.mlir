// RUN: weft opt %s -allow-unregistered-dialect | filecheck %s
// RUN: not weft opt %s 2>&1 | filecheck %s --check-prefix=REFUSED
// RUN: weft opt %s -allow-unregistered-dialect -cse -o - | filecheck %s

// REFUSED: unregistered.mlir:10:{{[0-9]+}}: error:
// CHECK-LABEL: func.func @ops
func.func @ops(%a: i32) -> i32 {
  // CHECK: %[[X:.*]]:2 = "some.op"(%arg0) ({
  // CHECK: "some.end"() : () -> ()
  %0:2 = "some.op"(%a) ({
    "some.end"() : () -> ()
  }) {key = "value"} : (i32) -> (i32, f32)
  // CHECK: }) {key = "value"} : (i32) -> (i32, f32)
  // CHECK: "some.op"(%[[X]]#0, %[[X]]#1)
  %1 = "some.op"(%0#0, %0#1) : (i32, f32) -> i32
  return %1 : i32
}
