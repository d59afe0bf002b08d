// RUN: weft-opt %s --collapse-loops --split-input-file | filecheck %s

// Dimensions that always go together become one, for callers a view.

// CHECK-LABEL: func.func @main
// CHECK: memref.reinterpret_cast
// CHECK-SAME: memref<8x7xf32> to memref<56xf32>
// CHECK: func.func private @k(%{{.*}}: memref<56xf32>
// CHECK: loop.for "i" %[[I:.*]] to 56 {
// CHECK-NEXT: loop.store %{{.*}}, %{{.*}}[%[[I]]] : memref<56xf32>
func.func @main(%x: memref<8x7xf32>) {
  func.call @k(%x) : (memref<8x7xf32>) -> ()
  func.return
}
func.func private @k(%x: memref<8x7xf32> {loop.name = "x"}) attributes {loop.kernel} {
  %c = arith.constant 1.0 : f32
  loop.for "i" %i to 8 {
    loop.for "j" %j to 7 {
      loop.store %c, %x[%i, %j] : memref<8x7xf32>
    }
  }
  func.return
}

// -----

// One access that takes a dimension alone keeps both; so does a reduction over one of them.

// CHECK-LABEL: func.func private @apart
// CHECK: loop.for "j" %{{.*}} to 7
// CHECK: loop.for "l" %{{.*}} to 7
func.func private @apart(%x: memref<8x7xf32> {loop.name = "x"}, %b: memref<7xf32> {loop.name = "b"},
    %y: memref<8x7xf32> {loop.name = "y"}, %s: memref<8xf32> {loop.name = "s"}) attributes {loop.kernel} {
  loop.for "i" %i to 8 {
    loop.for "j" %j to 7 {
      %0 = loop.load %b[%j] : memref<7xf32>
      loop.store %0, %x[%i, %j] : memref<8x7xf32>
    }
  }
  loop.for "k" %k to 8 {
    loop.for "l" %l to 7 {
      %1 = loop.load %y[%k, %l] : memref<8x7xf32>
      loop.reduce add %1 into %s[%k] over (%l) : memref<8xf32>
    }
  }
  func.return
}
