// RUN: weft-opt %s --convert-loop-to-gpu --split-input-file | filecheck %s

// One loop: ids count through blocks and threads; the last block has more threads than there are elements.

// CHECK-LABEL: func.func @main
// CHECK: %[[GRID:.*]] = arith.constant 4 : index
// CHECK: gpu.launch_func
// CHECK-NOT: func.func private @k
// CHECK: gpu.module
// CHECK: gpu.block_id
// CHECK: gpu.thread_id
// CHECK: loop.if 999 - 256*%[[B:.*]] - %[[T:.*]] >= 0 {
// CHECK-NEXT: loop.load %{{.*}}[256*%[[B]] + %[[T]]]
func.func @main(%x: memref<1000xf32>, %y: memref<1000xf32>) {
  func.call @k(%x, %y) : (memref<1000xf32>, memref<1000xf32>) -> ()
  func.return
}
func.func private @k(%x: memref<1000xf32> {loop.name = "x"}, %y: memref<1000xf32> {loop.name = "y"}) attributes {loop.kernel} {
  loop.for "i" %i to 1000 grid(256) {
    %0 = loop.load %x[%i] : memref<1000xf32>
    loop.store %0, %y[%i] : memref<1000xf32>
  }
  func.return
}

// -----

// Loops on one axis share it, the innermost fastest; a run-time size makes the grid, and the host decides conditions.

// CHECK-LABEL: func.func @two
// CHECK: scf.if
// CHECK: arith.muli
// CHECK: arith.ceildivsi
// CHECK: gpu.launch_func
// CHECK: arith.divui
// CHECK: arith.remui
func.func @two(%x: memref<?x5xf32> {loop.name = "x"}, %y: memref<?x5xf32> {loop.name = "y"}) attributes {loop.kernel} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x5xf32>
  loop.if %n - 1 >= 0 {
    loop.for "i" %i to %n grid(256) {
      loop.for "j" %j to 5 grid(256) {
        %0 = loop.load %x[%i, %j] : memref<?x5xf32>
        loop.store %0, %y[%i, %j] : memref<?x5xf32>
      }
    }
  }
  func.return
}

// -----

// More blocks than y can have go to x.

// CHECK-LABEL: func.func @wide
// CHECK: arith.constant 560000 : index
// CHECK: gpu.launch_func
func.func @wide(%x: memref<8x70000xf32> {loop.name = "x"}) attributes {loop.kernel} {
  %c = arith.constant 1.0 : f32
  loop.for "i" %i to 8 block {
    loop.for "j" %j to 70000 block(1) {
      loop.store %c, %x[%i, %j] : memref<8x70000xf32>
    }
  }
  func.return
}

// -----

// Two nests are two launches; nests with a buffer of the block in common are one.

// CHECK-LABEL: func.func @nests
// CHECK-COUNT-2: gpu.launch_func
// CHECK: func.return
func.func @nests(%x: memref<8xf32> {loop.name = "x"}) attributes {loop.kernel} {
  %c = arith.constant 1.0 : f32
  %s = loop.alloc stack "s" : memref<8xf32>
  loop.for "i" %i to 8 grid(256) {
    loop.store %c, %x[%i] : memref<8xf32>
  }
  loop.for "j" %j to 8 {
    loop.store %c, %s[%j] : memref<8xf32>
  }
  loop.for "k" %k to 8 {
    %0 = loop.load %s[%k] : memref<8xf32>
    loop.store %0, %x[%k] : memref<8xf32>
  }
  func.return
}
