/* Calls the functions of functions.mlir, by plain C and by MLIR's C interface, and prints what they give. */
#include "functions.h"

#include <stdio.h>
#include <stdlib.h>

static void floats(const char *name, const float *values, int64_t count) {
  printf("%s", name);
  for (int64_t i = 0; i < count; i++) printf(" %.9g", (double)values[i]);
  printf("\n");
}

static int layer(void) {
  float x[5 * 4], w[4 * 3], b[3] = {0.5f, -1.0f, 2.0f};
  for (int i = 0; i < 5 * 4; i++) x[i] = (float)(i % 7) - 3.0f;
  for (int i = 0; i < 4 * 3; i++) w[i] = (float)i / 4.0f;
  float *y = NULL;
  int64_t dims[2] = {0, 0};
  int status = functions_layer(x, 5, w, b, &y, dims);
  if (status) return status;
  printf("layer %dx%d:", (int)dims[0], (int)dims[1]);
  floats("", y, dims[0] * dims[1]);
  free(y);

  status = functions_layer(x, 0, w, b, &y, dims);
  printf("empty %dx%d: status %d\n", (int)dims[0], (int)dims[1], status);
  free(y);

  weft_f32_2d xs = {x, x, 0, {2, 4}, {4, 1}}, ws = {w, w, 0, {4, 3}, {3, 1}};
  weft_f32_1d bs = {b, b, 0, {3}, {1}};
  functions_layer_results results;
  status = (int)_mlir_ciface_functions_layer(&results, &xs, &ws, &bs);
  if (status) return status;
  floats("descriptors", results.result0.aligned, results.result0.sizes[0] * results.result0.sizes[1]);
  free(results.result0.allocated);
  return 0;
}

static int scalars(void) {
  bool flag;
  int8_t small;
  int32_t number;
  int64_t size, wide;
  float f;
  double d;
  uint16_t h; /* 0x3e00 is 1.5 in f16 */
  int status = functions_scalars(true, -100, 2000000000, -5, 0.1f, 0.1, 0x3e00, 21, &flag, &small, &number, &wide, &f,
                                 &d, &h, &size);
  if (status) return status;
  printf("scalars %d %d %d %d %.9g %.17g %04x %d\n", flag, small, number, (int)wide, (double)f, d, h, (int)size);
  return 0;
}

static int halves(void) {
  uint16_t x[4] = {0x3c00, 0xbc01, 0x0000, 0x7bff}, rounded[4]; /* 1, -1.001, 0, 65504 */
  bool positive[4];
  int status = functions_halves(x, rounded, positive);
  if (status) return status;
  printf("halves");
  for (int i = 0; i < 4; i++) printf(" %04x:%d", rounded[i], positive[i]);
  printf("\n");
  return 0;
}

static int views(void) {
  float m[16];
  for (int i = 0; i < 16; i++) m[i] = (float)i;
  int status = functions_double(m + 1, 3, 8); /* 1 3 5 and 9 11 13 */
  if (status) return status;
  floats("double", m, 16);

  int32_t grid[12];
  for (int i = 0; i < 12; i++) grid[i] = 10 * i;
  weft_i32_1d row;
  status = functions_row(grid, 2, &row);
  if (status) return status;
  printf("row %d %d %d\n", row.aligned[row.offset], row.aligned[row.offset + 3 * row.strides[0]], (int)row.sizes[0]);
  status = functions_row(grid, 3, &row);
  printf("row 3: %s\n", functions_error(status));
  return 0;
}

static int sum(void) {
  static float big[512 * 512];
  float whole[512], alone[512];
  for (int i = 0; i < 512 * 512; i++) big[i] = (float)(i % 13) / 13.0f;
  int status = functions_sum(big, whole);
  if (status) return status;
  functions_set_threads(1);
  status = functions_sum(big, alone);
  functions_set_threads(0);
  floats("sum", whole, 3);
  floats("alone", alone, 3);
  return status;
}

static int failing(void) {
  float a[3] = {1, 2, 3}, *y = NULL;
  int64_t dim = 0;
  int status = functions_add(a, 3, a, 2, &y, &dim);
  printf("sizes: %s\n", functions_error(status));
  status = functions_add(a, 3, a, -3, &y, &dim);
  printf("below zero: %s\n", functions_error(status));
  printf("others: %s, %s, %d\n", functions_error(1000), functions_error(-1), functions_error(0) == NULL);
  return y != NULL;
}

int main(void) {
  int (*const parts[])(void) = {layer, scalars, halves, views, sum, failing};
  for (int i = 0; i < 6; i++) {
    int status = parts[i]();
    if (status) {
      printf("part %d failed: %s\n", i, functions_error(status));
      return 1;
    }
  }
  return 0;
}
