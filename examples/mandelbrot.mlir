// The Mandelbrot set: for each point c of the plane, how many steps z <- z * z + c takes to leave the circle of radius 2.
// Writes a picture, mandelbrot.png, in the current folder: the set is black, the steps outside it are grey.
//
//   weft run examples/mandelbrot.mlir
//
// A loop (scf.for) over whole tensors: the 100 steps of all 480 x 360 points.

func.func @main() -> (tensor<360x480xui8> {weft.name = "picture", weft.output = "mandelbrot.png"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %steps = arith.constant 100 : index

  // c = (-2 .. 0.67) + (-1 .. 1) i, a point every 1/180
  %column = ml.iota dim = 1 : tensor<360x480xf32>
  %row = ml.iota dim = 0 : tensor<360x480xf32>
  %width = ml.constant dense<0.0055555557> : tensor<360x480xf32>
  %left = ml.constant dense<-2.0> : tensor<360x480xf32>
  %bottom = ml.constant dense<-1.0> : tensor<360x480xf32>
  %across = ml.mul %column, %width : tensor<360x480xf32>
  %up = ml.mul %row, %width : tensor<360x480xf32>
  %cr = ml.add %across, %left : tensor<360x480xf32>
  %ci = ml.add %up, %bottom : tensor<360x480xf32>

  %four = ml.constant dense<4.0> : tensor<360x480xf32>
  %zero = ml.constant dense<0.0> : tensor<360x480xf32>
  %none = ml.constant dense<0> : tensor<360x480xi32>
  %zr, %zi, %count = scf.for %step = %c0 to %steps step %c1 iter_args(%r = %zero, %i = %zero, %n = %none)
      -> (tensor<360x480xf32>, tensor<360x480xf32>, tensor<360x480xi32>) {
    %rr = ml.mul %r, %r : tensor<360x480xf32>
    %ii = ml.mul %i, %i : tensor<360x480xf32>
    %ri = ml.mul %r, %i : tensor<360x480xf32>
    %size = ml.add %rr, %ii : tensor<360x480xf32>
    %inside = ml.compare LE, %size, %four : tensor<360x480xf32>

    // z * z + c; points that are outside stay where they are
    %difference = ml.sub %rr, %ii : tensor<360x480xf32>
    %twice = ml.add %ri, %ri : tensor<360x480xf32>
    %r1 = ml.add %difference, %cr : tensor<360x480xf32>
    %i1 = ml.add %twice, %ci : tensor<360x480xf32>
    %r2 = ml.select %inside, %r1, %r : tensor<360x480xi1>, tensor<360x480xf32>
    %i2 = ml.select %inside, %i1, %i : tensor<360x480xi1>, tensor<360x480xf32>
    %one = ml.convert %inside : tensor<360x480xi1> to tensor<360x480xi32>
    %m = ml.add %n, %one : tensor<360x480xi32>
    scf.yield %r2, %i2, %m : tensor<360x480xf32>, tensor<360x480xf32>, tensor<360x480xi32>
  }

  // brighter where it took longer, black where it never left
  %all = ml.constant dense<100> : tensor<360x480xi32>
  %gain = ml.constant dense<8> : tensor<360x480xi32>
  %white = ml.constant dense<255> : tensor<360x480xi32>
  %in_set = ml.compare EQ, %count, %all : tensor<360x480xi32>
  %light = ml.mul %count, %gain : tensor<360x480xi32>
  %held = ml.min %light, %white : tensor<360x480xi32>
  %grey = ml.select %in_set, %none, %held : tensor<360x480xi1>, tensor<360x480xi32>
  %picture = ml.convert %grey : tensor<360x480xi32> to tensor<360x480xui8>
  func.return %picture : tensor<360x480xui8>
}
