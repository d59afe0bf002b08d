func.func @product(%x: memref<30x20xf32> {loop.name = "x"}, %w: memref<20x64xf32> {loop.name = "w"},
                   %y: memref<30x64xf32> {loop.name = "y"}) attributes {loop.kernel} {
  loop.for "i" %i to 30 {
    loop.for "j" %j to 64 {
      loop.for "k" %k to 20 {
        %0 = loop.load %x[%i, %k] : memref<30x20xf32>
        %1 = loop.load %w[%k, %j] : memref<20x64xf32>
        %2 = arith.mulf %0, %1 : f32
        loop.reduce add %2 into %y[%i, %j] over (%k) : memref<30x64xf32>
      }
    }
  }
  func.return
}
