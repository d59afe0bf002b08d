// What the ops that read and write at computed places say of wrong text.
// RUN: weft-opt %s --split-input-file --verify-diagnostics

func.func @indices(%x: tensor<4xf32>, %i: tensor<2xf32>) {
  // expected-error@+1 {{'ml.take' op the indices must be integers, not tensor<2xf32>}}
  %r = ml.take %x, %i : tensor<4xf32>, tensor<2xf32> to tensor<2xf32>
  func.return
}

// -----

func.func @window(%x: tensor<3x2xf32>, %i: tensor<5xi32>, %u: tensor<5x3xf32>) {
  // expected-error@+1 {{'ml.scatter' op the window of updates is greater than dimension 1: they are 3 and 2}}
  %r = ml.scatter(%x, %i, %u), update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1 : (tensor<3x2xf32>, tensor<5xi32>, tensor<5x3xf32>) -> tensor<3x2xf32> by add
  func.return
}

// -----

func.func @order(%x: tensor<3xf32>) {
  // expected-error@+1 {{an order is one of ascending, descending, or a body in braces}}
  %r = ml.sort(%x) : (tensor<3xf32>) -> tensor<3xf32> by size
  func.return
}

// -----

func.func @format(%x: tensor<3xf32>) {
  // expected-error@+1 {{a format is the bits of exponent and mantissa, such as e5m10}}
  %r = ml.reduce_precision %x, format = half : tensor<3xf32>
  func.return
}

// -----

func.func @state(%s: tensor<3xui64>) {
  // expected-error@+1 {{'ml.rng_bit_generator' op the state must be tensor<2xui64>, not tensor<3xui64>}}
  %n, %r = ml.rng_bit_generator THREE_FRY, %s : tensor<3xui64> to tensor<4xui32>
  func.return
}

// -----

func.func @k(%x: tensor<3xf32>) {
  // expected-error@+1 {{'ml.top_k' op k must not be greater than the last dimension: they are 4 and 3}}
  %v, %i = ml.top_k %x, k = 4 : tensor<3xf32> to tensor<4xf32>, tensor<4xi32>
  func.return
}
