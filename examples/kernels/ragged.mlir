func.func @ragged(%x: memref<20xf32> {loop.name = "x"}, %y: memref<20xf32> {loop.name = "y"})
    attributes {loop.kernel} {
  loop.for "b" %b to 3 {
    %s = loop.alloc stack "s" : memref<8xf32>
    loop.for "i" %i to min(8, 20 - 8*%b) {
      %0 = loop.load %x[8*%b + %i] : memref<20xf32>
      loop.store %0, %s[%i] : memref<8xf32>
    }
    loop.for "j" %j to min(8, 20 - 8*%b) {
      %0 = loop.load %s[%j] : memref<8xf32>
      %1 = arith.mulf %0, %0 : f32
      loop.store %1, %s[%j] : memref<8xf32>
    }
    loop.for "k" %k to min(8, 20 - 8*%b) {
      %0 = loop.load %s[%k] : memref<8xf32>
      loop.store %0, %y[8*%b + %k] : memref<20xf32>
    }
  }
  func.return
}
