// k-means: finds three groups among 90 points of the plane. The points are scattered around (0, 0), (10, 0) and (5, 8);
// the program knows only how many groups there are, and starts from the first three points of the list.
//
//   weft run examples/kmeans.mlir
//
// Ten rounds in an scf.for: each point goes to the nearest centre (argmin of the distances), each centre to the mean of its
// points (sums by group: a product with the one-hot matrix of the groups).

func.func @main() -> (tensor<3x2xf32> {weft.name = "centres"}, tensor<3xf32> {weft.name = "sizes"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rounds = arith.constant 10 : index

  // point i belongs to group i mod 3; sin(i * i) and cos(i * i) scatter it
  %points = func.call @points() : () -> tensor<90x2xf32>
  %first = ml.slice %points [0:3, 0:2] : tensor<90x2xf32> to tensor<3x2xf32>

  %no_size = ml.constant dense<0.0> : tensor<3xf32>
  %centres, %sizes = scf.for %round = %c0 to %rounds step %c1 iter_args(%centre = %first, %size = %no_size)
      -> (tensor<3x2xf32>, tensor<3xf32>) {
    // squared distances, 90 x 3
    %p = ml.broadcast_in_dim %points, dims = [0, 2] : tensor<90x2xf32> to tensor<90x3x2xf32>
    %q = ml.broadcast_in_dim %centre, dims = [1, 2] : tensor<3x2xf32> to tensor<90x3x2xf32>
    %apart = ml.sub %p, %q : tensor<90x3x2xf32>
    %squares = ml.mul %apart, %apart : tensor<90x3x2xf32>
    %distances = ml.reduce add %squares, dims = [2] : tensor<90x3x2xf32> to tensor<90x3xf32>
    %nearest = ml.argmin %distances, dim = 1 : tensor<90x3xf32> to tensor<90xi32>

    // members[i, g] = 1 where point i is in group g
    %member = ml.one_hot %nearest, dim = 1 : tensor<90xi32> to tensor<90x3xf32>
    %count = ml.reduce add %member, dims = [0] : tensor<90x3xf32> to tensor<3xf32>
    %sums = ml.dot_general %member, %points, contract = [0] x [0]
        : (tensor<90x3xf32>, tensor<90x2xf32>) -> tensor<3x2xf32>
    %divisor = ml.broadcast_in_dim %count, dims = [0] : tensor<3xf32> to tensor<3x2xf32>
    %mean = ml.div %sums, %divisor : tensor<3x2xf32>
    scf.yield %mean, %count : tensor<3x2xf32>, tensor<3xf32>
  }
  // to one decimal
  %ten = ml.constant dense<10.0> : tensor<3x2xf32>
  %tenths = ml.mul %centres, %ten : tensor<3x2xf32>
  %whole = ml.round_even %tenths : tensor<3x2xf32>
  %rounded = ml.div %whole, %ten : tensor<3x2xf32>
  func.return %rounded, %sizes : tensor<3x2xf32>, tensor<3xf32>
}

func.func private @points() -> tensor<90x2xf32> {
  %number = ml.iota dim = 0 : tensor<90xi32>
  %three = ml.constant dense<3> : tensor<90xi32>
  %group = ml.rem %number, %three : tensor<90xi32>
  %true_centres = ml.constant dense<[[0.0, 0.0], [10.0, 0.0], [5.0, 8.0]]> : tensor<3x2xf32>
  %centre = ml.take %true_centres, %group : tensor<3x2xf32>, tensor<90xi32> to tensor<90x2xf32>

  %i = ml.convert %number : tensor<90xi32> to tensor<90xf32>
  %ii = ml.mul %i, %i : tensor<90xf32>
  %sin = ml.sin %ii : tensor<90xf32>
  %cos = ml.cos %ii : tensor<90xf32>
  %x = ml.reshape %sin : tensor<90xf32> to tensor<90x1xf32>
  %y = ml.reshape %cos : tensor<90xf32> to tensor<90x1xf32>
  %direction = ml.concatenate(%x, %y), dim = 1 : (tensor<90x1xf32>, tensor<90x1xf32>) -> tensor<90x2xf32>
  %points = ml.add %centre, %direction : tensor<90x2xf32>
  func.return %points : tensor<90x2xf32>
}
