// An LSTM that counts: it reads a signal one step at a time and says how many ones it has seen since the last reset.
// Its weights are set by hand, so that each gate can be read: the input gate is always open, a one adds 1 to the cell, and
// a reset closes the forget gate.
//
//   weft run examples/lstm.mlir
//
// An scf.for over time carries the cell, the hidden state and the outputs so far; three signals of twelve steps go side by side.

func.func @main() -> (
    tensor<3x12xi32> {weft.name = "ones"},
    tensor<3x12xi32> {weft.name = "resets"},
    tensor<3x12xi32> {weft.name = "counts"}) {
  %ones = ml.constant dense<[[1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1],
                             [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1],
                             [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]]> : tensor<3x12xi32>
  %resets = ml.constant dense<[[0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
                               [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                               [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]]> : tensor<3x12xi32>

  // x[time, signal, feature], features (one, reset)
  %one_t = ml.transpose %ones, perm = [1, 0] : tensor<3x12xi32> to tensor<12x3xi32>
  %reset_t = ml.transpose %resets, perm = [1, 0] : tensor<3x12xi32> to tensor<12x3xi32>
  %one_f = ml.reshape %one_t : tensor<12x3xi32> to tensor<12x3x1xi32>
  %reset_f = ml.reshape %reset_t : tensor<12x3xi32> to tensor<12x3x1xi32>
  %xi = ml.concatenate(%one_f, %reset_f), dim = 2 : (tensor<12x3x1xi32>, tensor<12x3x1xi32>) -> tensor<12x3x2xi32>
  %x = ml.convert %xi : tensor<12x3x2xi32> to tensor<12x3x2xf32>

  // the gates in PyTorch's order: input, forget, cell, output; one hidden unit
  %w = ml.constant dense<[[0.0, 0.0, 20.0, 0.0], [0.0, -80.0, 0.0, 0.0]]> : tensor<2x4xf32>
  %u = ml.constant dense<[[0.0, 0.0, 0.0, 20.0]]> : tensor<1x4xf32>
  %b = ml.constant dense<[20.0, 40.0, 0.0, 20.0]> : tensor<4xf32>

  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c12 = arith.constant 12 : index
  %state = ml.constant dense<0.0> : tensor<3x1xf32>
  %nothing = ml.constant dense<0.0> : tensor<12x3xf32>
  %h, %c, %cells = scf.for %t = %c0 to %c12 step %c1 iter_args(%hidden = %state, %cell = %state, %seen = %nothing)
      -> (tensor<3x1xf32>, tensor<3x1xf32>, tensor<12x3xf32>) {
    %xt = tensor.extract_slice %x[%t, 0, 0] [1, 3, 2] [1, 1, 1] : tensor<12x3x2xf32> to tensor<3x2xf32>
    %h1, %c1_ = func.call @lstm_cell(%xt, %hidden, %cell, %w, %u, %b)
        : (tensor<3x2xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<2x4xf32>, tensor<1x4xf32>, tensor<4xf32>)
        -> (tensor<3x1xf32>, tensor<3x1xf32>)
    %flat = ml.reshape %c1_ : tensor<3x1xf32> to tensor<3xf32>
    %all = tensor.insert_slice %flat into %seen[%t, 0] [1, 3] [1, 1] : tensor<3xf32> into tensor<12x3xf32>
    scf.yield %h1, %c1_, %all : tensor<3x1xf32>, tensor<3x1xf32>, tensor<12x3xf32>
  }
  %rounded = ml.round_even %cells : tensor<12x3xf32>
  %whole = ml.convert %rounded : tensor<12x3xf32> to tensor<12x3xi32>
  %counts = ml.transpose %whole, perm = [1, 0] : tensor<12x3xi32> to tensor<3x12xi32>
  func.return %ones, %resets, %counts : tensor<3x12xi32>, tensor<3x12xi32>, tensor<3x12xi32>
}

// i, f, g, o = x @ w + h @ u + b;  c' = sigmoid(f) * c + sigmoid(i) * tanh(g);  h' = sigmoid(o) * tanh(c')
func.func private @lstm_cell(%x: tensor<3x2xf32>, %h: tensor<3x1xf32>, %c: tensor<3x1xf32>,
                             %w: tensor<2x4xf32>, %u: tensor<1x4xf32>, %b: tensor<4xf32>)
    -> (tensor<3x1xf32>, tensor<3x1xf32>) {
  %xw = ml.matmul %x, %w : (tensor<3x2xf32>, tensor<2x4xf32>) -> tensor<3x4xf32>
  %hu = ml.matmul %h, %u : (tensor<3x1xf32>, tensor<1x4xf32>) -> tensor<3x4xf32>
  %bias = ml.broadcast_in_dim %b, dims = [1] : tensor<4xf32> to tensor<3x4xf32>
  %sum = ml.add %xw, %hu : tensor<3x4xf32>
  %gates = ml.add %sum, %bias : tensor<3x4xf32>
  %gi = ml.slice %gates [0:3, 0:1] : tensor<3x4xf32> to tensor<3x1xf32>
  %gf = ml.slice %gates [0:3, 1:2] : tensor<3x4xf32> to tensor<3x1xf32>
  %gg = ml.slice %gates [0:3, 2:3] : tensor<3x4xf32> to tensor<3x1xf32>
  %go = ml.slice %gates [0:3, 3:4] : tensor<3x4xf32> to tensor<3x1xf32>
  %i = ml.sigmoid %gi : tensor<3x1xf32>
  %f = ml.sigmoid %gf : tensor<3x1xf32>
  %g = ml.tanh %gg : tensor<3x1xf32>
  %o = ml.sigmoid %go : tensor<3x1xf32>
  %kept = ml.mul %f, %c : tensor<3x1xf32>
  %added = ml.mul %i, %g : tensor<3x1xf32>
  %c_new = ml.add %kept, %added : tensor<3x1xf32>
  %squashed = ml.tanh %c_new : tensor<3x1xf32>
  %h_new = ml.mul %o, %squashed : tensor<3x1xf32>
  func.return %h_new, %c_new : tensor<3x1xf32>, tensor<3x1xf32>
}
