// RUN: weft-opt %s --choose-gpu-schedule --split-input-file | filecheck %s

// CHECK-LABEL: func.func @each
// CHECK: map i to grid 256
// CHECK: map j to grid 256
func.func @each(%x: memref<64x5xf32> {loop.name = "x"}) attributes {loop.kernel} {
  %c = arith.constant 1.0 : f32
  loop.for "i" %i to 64 {
    loop.for "j" %j to 5 {
      loop.store %c, %x[%i, %j] : memref<64x5xf32>
    }
  }
  func.return
}

// -----

// A loop that carries a value stays inside; the others come out.

// CHECK-LABEL: func.func @scan
// CHECK: interchange (j, i)
// CHECK: map j to grid 256
// CHECK-NOT: map i
func.func @scan(%x: memref<64x5xf32> {loop.name = "x"}, %acc: memref<5xf32> {loop.name = "acc"}) attributes {loop.kernel} {
  loop.for "i" %i to 64 {
    loop.for "j" %j to 5 {
      %0 = loop.load %acc[%j] : memref<5xf32>
      %1 = loop.load %x[%i, %j] : memref<64x5xf32>
      %2 = arith.addf %0, %1 : f32
      loop.store %2, %acc[%j] : memref<5xf32>
      loop.store %2, %x[%i, %j] : memref<64x5xf32>
    }
  }
  func.return
}
