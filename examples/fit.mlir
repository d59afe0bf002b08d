// Fits a parabola to nine points: gradient descent finds the coefficients 2, -3 and 0.5 with which they were made.
// Nobody wrote the gradient: @slope is declared as that of @loss, and weft makes it (see docs/gradients.md).
//
//   weft run examples/fit.mlir

func.func @main() -> (tensor<3xf32> {weft.name = "coefficients"}) {
  %none = arith.constant 0 : index
  %one = arith.constant 1 : index
  %steps = arith.constant 1000 : index
  %start = ml.constant dense<0.0> : tensor<3xf32>
  %rate = ml.constant dense<0.2> : tensor<3xf32>
  %found = scf.for %i = %none to %steps step %one iter_args(%c = %start) -> (tensor<3xf32>) {
    %error, %d = func.call @slope(%c) : (tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>)
    %step = ml.mul %rate, %d : tensor<3xf32>
    %next = ml.sub %c, %step : tensor<3xf32>
    scf.yield %next : tensor<3xf32>
  }
  // rounded to hundredths
  %hundred = ml.constant dense<100.0> : tensor<3xf32>
  %0 = ml.mul %found, %hundred : tensor<3xf32>
  %1 = ml.round %0 : tensor<3xf32>
  %2 = ml.div %1, %hundred : tensor<3xf32>
  func.return %2 : tensor<3xf32>
}

// the mean of the squared distances of the parabola from the points; a row of %x has 1, x and x * x
func.func private @loss(%c: tensor<3xf32>) -> tensor<f32> {
  %x = ml.constant dense<[[1.0, -1.0, 1.0], [1.0, -0.75, 0.5625], [1.0, -0.5, 0.25], [1.0, -0.25, 0.0625],
    [1.0, 0.0, 0.0], [1.0, 0.25, 0.0625], [1.0, 0.5, 0.25], [1.0, 0.75, 0.5625], [1.0, 1.0, 1.0]]> : tensor<9x3xf32>
  %y = ml.constant dense<[5.5, 4.53125, 3.625, 2.78125, 2.0, 1.28125, 0.625, 0.03125, -0.5]> : tensor<9xf32>
  %0 = ml.dot_general %x, %c, contract = [1] x [0] : (tensor<9x3xf32>, tensor<3xf32>) -> tensor<9xf32>
  %1 = ml.sub %0, %y : tensor<9xf32>
  %2 = ml.mul %1, %1 : tensor<9xf32>
  %3 = ml.reduce add %2 : tensor<9xf32> to tensor<f32>
  %nine = ml.constant dense<9.0> : tensor<f32>
  %4 = ml.div %3, %nine : tensor<f32>
  func.return %4 : tensor<f32>
}

func.func private @slope(tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>) attributes {weft.gradient = @loss}
