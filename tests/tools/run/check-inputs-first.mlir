// Values that are missing are said before the passes are checked, which takes its time.
// RUN: not weft run %s --check-passes 2>&1 | filecheck %s
// CHECK: error: @main needs values for x: tensor<4xf32>
// CHECK-NOT: not checked
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  func.return %x : tensor<4xf32>
}
