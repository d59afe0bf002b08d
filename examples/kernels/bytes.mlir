func.func @bytes(%x: memref<30x20xi8> {loop.name = "x"}, %w: memref<20x64xi8> {loop.name = "w"},
                 %y: memref<30x64xi32> {loop.name = "y"}) attributes {loop.kernel} {
  loop.for "i" %i to 30 {
    loop.for "j" %j to 64 {
      loop.for "k" %k to 20 {
        %0 = loop.load %x[%i, %k] : memref<30x20xi8>
        %1 = loop.load %w[%k, %j] : memref<20x64xi8>
        %2 = arith.extsi %0 : i8 to i32
        %3 = arith.extsi %1 : i8 to i32
        %4 = arith.muli %2, %3 : i32
        loop.reduce add %4 into %y[%i, %j] over (%k) : memref<30x64xi32>
      }
    }
  }
  func.return
}
