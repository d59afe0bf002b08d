// RUN: weft-opt %s --expand-lone-rows --split-input-file | filecheck %s

// A softmax of one row: each nest goes along the row of a matrix, and so does what stands between nests.

// CHECK-LABEL: func.func @main
// CHECK: memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [1, 37], strides: [37, 1]
// CHECK-LABEL: func.func private @k
// CHECK: loop.alloc heap "m" : memref<1xf32>
// CHECK: loop.for "row" %[[R:.*]] to 1 {
// CHECK-NEXT: loop.for "i" %[[I:.*]] to 37 {
// CHECK-NEXT: loop.load %{{.*}}[%[[R]], %[[I]]] : memref<1x37xf32>
// CHECK-NEXT: loop.reduce add %{{.*}} into %{{.*}}[%[[R]]] over (%[[I]]) : memref<1xf32>
// CHECK: loop.for "row1" %[[S:.*]] to 1 {
// CHECK-NEXT: loop.load %{{.*}}[%[[S]]] : memref<1xf32>
// CHECK-NEXT: arith.divf
// CHECK-NEXT: loop.store %{{.*}}, %{{.*}}[%[[S]]] : memref<1xf32>
// CHECK: loop.for "row2" %[[T:.*]] to 1 {
// CHECK-NEXT: loop.for "j" %[[J:.*]] to 37 {
// CHECK: loop.store %{{.*}}, %{{.*}}[%[[T]], %[[J]]] : memref<1x37xf32>
func.func @main(%x: memref<37xf32>, %y: memref<37xf32>) {
  func.call @k(%x, %y) : (memref<37xf32>, memref<37xf32>) -> ()
  func.return
}
func.func private @k(%x: memref<37xf32> {loop.name = "x"}, %y: memref<37xf32> {loop.name = "y"}) attributes {loop.kernel} {
  %n = arith.constant 37.0 : f32
  %m = loop.alloc heap "m" : memref<f32>
  %d = loop.alloc heap "d" : memref<f32>
  loop.for "i" %i to 37 {
    %0 = loop.load %x[%i] : memref<37xf32>
    loop.reduce add %0 into %m[] over (%i) : memref<f32>
  }
  %1 = loop.load %m[] : memref<f32>
  %2 = arith.divf %1, %n : f32
  loop.store %2, %d[] : memref<f32>
  loop.for "j" %j to 37 {
    %3 = loop.load %d[] : memref<f32>
    %4 = loop.load %x[%j] : memref<37xf32>
    %5 = arith.subf %4, %3 : f32
    loop.store %5, %y[%j] : memref<37xf32>
  }
  func.return
}

// -----

// One nest alone, rows of two sizes, long rows, and accesses that turn a row stay.

// CHECK-LABEL: func.func private @alone
// CHECK-NOT: "row"
func.func private @alone(%x: memref<37xf32> {loop.name = "x"}, %s: memref<f32> {loop.name = "s"}) attributes {loop.kernel} {
  loop.for "i" %i to 37 {
    %0 = loop.load %x[%i] : memref<37xf32>
    loop.reduce add %0 into %s[] over (%i) : memref<f32>
  }
  func.return
}
func.func private @two(%x: memref<37xf32> {loop.name = "x"}, %y: memref<5xf32> {loop.name = "y"}) attributes {loop.kernel} {
  %m = loop.alloc heap "m" : memref<f32>
  loop.for "i" %i to 37 {
    %0 = loop.load %x[%i] : memref<37xf32>
    loop.reduce add %0 into %m[] over (%i) : memref<f32>
  }
  loop.for "j" %j to 5 {
    %1 = loop.load %m[] : memref<f32>
    loop.store %1, %y[%j] : memref<5xf32>
  }
  func.return
}
func.func private @turned(%x: memref<37xf32> {loop.name = "x"}, %y: memref<37xf32> {loop.name = "y"}) attributes {loop.kernel} {
  %m = loop.alloc heap "m" : memref<f32>
  loop.for "i" %i to 37 {
    %0 = loop.load %x[-%i + 36] : memref<37xf32>
    loop.reduce add %0 into %m[] over (%i) : memref<f32>
  }
  loop.for "j" %j to 37 {
    %1 = loop.load %m[] : memref<f32>
    loop.store %1, %y[%j] : memref<37xf32>
  }
  func.return
}
func.func private @long(%x: memref<20000xf32> {loop.name = "x"}, %y: memref<20000xf32> {loop.name = "y"}) attributes {loop.kernel} {
  %m = loop.alloc heap "m" : memref<f32>
  loop.for "i" %i to 20000 {
    %0 = loop.load %x[%i] : memref<20000xf32>
    loop.reduce add %0 into %m[] over (%i) : memref<f32>
  }
  loop.for "j" %j to 20000 {
    %1 = loop.load %m[] : memref<f32>
    loop.store %1, %y[%j] : memref<20000xf32>
  }
  func.return
}
