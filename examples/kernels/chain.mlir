func.func @chain(%x: memref<100xf32> {loop.name = "x"}, %y: memref<100xf32> {loop.name = "y", loop.align = 64 : i64})
    attributes {loop.kernel} {
  %t = loop.alloc heap "t" : memref<100xf32>
  loop.for "i" %i to 100 {
    %0 = loop.load %x[%i] : memref<100xf32>
    %1 = arith.mulf %0, %0 : f32
    loop.store %1, %t[%i] : memref<100xf32>
  }
  loop.for "j" %j to 100 {
    %0 = loop.load %t[%j] : memref<100xf32>
    %1 = arith.negf %0 : f32
    loop.store %1, %y[%j] : memref<100xf32>
  }
  func.return
}
