func.func @rows(%x: memref<30x100xf32> {loop.name = "x"}, %y: memref<30x100xf32> {loop.name = "y"})
    attributes {loop.kernel} {
  %m = loop.alloc heap "m" : memref<30xf32>
  loop.for "i" %i to 30 {
    loop.for "j" %j to 100 {
      %0 = loop.load %x[%i, %j] : memref<30x100xf32>
      loop.reduce max %0 into %m[%i] over (%j) : memref<30xf32>
    }
  }
  loop.for "k" %k to 30 {
    loop.for "l" %l to 100 {
      %0 = loop.load %x[%k, %l] : memref<30x100xf32>
      %1 = loop.load %m[%k] : memref<30xf32>
      %2 = arith.subf %0, %1 : f32
      loop.store %2, %y[%k, %l] : memref<30x100xf32>
    }
  }
  func.return
}
