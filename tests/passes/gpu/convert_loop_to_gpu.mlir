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

// -----

// A nest for tensor cores in a pipeline of two stages: the buffer is there twice, what fills it runs ahead, and each lane
// says where the rows of matrices begin.

// CHECK-LABEL: func.func @square
// CHECK: gpu.func
// CHECK: %[[SUMS:.*]] = loop.alloc reg "s" : memref<2x2x2xf32>
// CHECK: %[[X:.*]] = loop.alloc shared "xs" swizzle(2) : memref<2x16x16xf16>
// CHECK: loop.for "kb.first"
// CHECK: loop.store {{.*}} async
// CHECK: nvvm.cp.async.commit.group
// CHECK: loop.for "kb"
// CHECK: nvvm.cp.async.wait.group 0
// CHECK-NEXT: gpu.barrier
// CHECK-NEXT: %[[NOW:.*]] = loop.slot
// CHECK-NEXT: %[[NEXT:.*]] = loop.slot {{.*}} + 1 of 2 : index
// CHECK-NEXT: loop.if
// CHECK: loop.store {{.*}}, %[[X]][%[[NEXT]], {{.*}}] async
// CHECK: nvvm.cp.async.commit.group
// CHECK-NOT: gpu.barrier
// CHECK: %[[A:.*]] = loop.ldmatrix %[[X]][%[[NOW]],
// CHECK-NEXT: %[[B:.*]] = loop.ldmatrix transpose
// CHECK-NEXT: loop.mma %[[A]], %[[B]] into %[[SUMS]][0, 0, 0] : vector<8xf16>, vector<8xf16>, memref<2x2x2xf32>
func.func @square(%x: memref<16x32xf16> {loop.name = "x"}, %w: memref<32x16xf16> {loop.name = "w"},
                  %y: memref<16x16xf32> {loop.name = "y"}) attributes {loop.kernel} {
  loop.for "b" %b to 1 warp {
    %s = loop.alloc reg "s" : memref<2x8x2x4x2xf32>
    loop.for "kb" %kb to 2 pipeline(2) {
      %xs = loop.alloc shared "xs" swizzle(2) : memref<16x16xf16>
      loop.for "xs.0" %r to 16 thread {
        loop.for "xs.1" %c to 16 {
          %v = loop.load %x[%r, 16*%kb + %c] : memref<16x32xf16>
          loop.store %v, %xs[%r, %c] : memref<16x16xf16>
        }
      }
      %ws = loop.alloc shared "ws" swizzle(2) : memref<16x16xf16>
      loop.for "ws.0" %r to 16 thread {
        loop.for "ws.1" %c to 16 {
          %v = loop.load %w[16*%kb + %r, %c] : memref<32x16xf16>
          loop.store %v, %ws[%r, %c] : memref<16x16xf16>
        }
      }
      loop.for "ih" %ih to 2 tensor {
        loop.for "ig" %ig to 8 thread {
          loop.for "jp" %jp to 2 unroll {
            loop.for "jt" %jt to 4 thread {
              loop.for "jv" %jv to 2 unroll {
                loop.for "kk" %kk to 16 {
                  %0 = loop.load %xs[8*%ih + %ig, %kk] : memref<16x16xf16>
                  %1 = arith.extf %0 : f16 to f32
                  %2 = loop.load %ws[%kk, 8*%jp + 2*%jt + %jv] : memref<16x16xf16>
                  %3 = arith.extf %2 : f16 to f32
                  %4 = arith.mulf %1, %3 : f32
                  loop.reduce add %4 into %s[%ih, %ig, %jp, %jt, %jv] : memref<2x8x2x4x2xf32>
                }
              }
            }
          }
        }
      }
    }
    loop.for "o" %ih to 2 unroll {
      loop.for "og" %ig to 8 thread {
        loop.for "op" %jp to 2 unroll {
          loop.for "ot" %jt to 4 thread {
            loop.for "ov" %jv to 2 unroll {
              %v = loop.load %s[%ih, %ig, %jp, %jt, %jv] : memref<2x8x2x4x2xf32>
              loop.store %v, %y[8*%ih + %ig, 8*%jp + 2*%jt + %jv] : memref<16x16xf32>
            }
          }
        }
      }
    }
  }
  func.return
}
