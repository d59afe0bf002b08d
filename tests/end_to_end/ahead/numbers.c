/* Calls the functions of a program on complex numbers with those of C, and prints what they give. */
#include "numbers.h"

#include <complex.h>
#include <stdio.h>
#include <stdlib.h>

static void numbers(const char *name, const weft_complex64 *values, int64_t count) {
  printf("%s", name);
  for (int64_t i = 0; i < count; i++) printf(" %.6g,%.6g", (double)crealf(values[i]), (double)cimagf(values[i]));
  printf("\n");
}

int main(void) {
  weft_complex64 z[2][2] = {{3.0f + 4.0f * I, -1.0f}, {-8.0f * I, 0.0f}}, *roots = NULL;
  weft_complex128 turned[2];
  int64_t dims[2] = {0, 0};
  int status = numbers_roots(&z[0][0], 2, &roots, dims, turned);
  if (status) return status;
  printf("%dx%d\n", (int)dims[0], (int)dims[1]);
  numbers("roots", roots, dims[0] * dims[1]);
  free(roots);
  printf("turned %g,%g %g,%g\n", creal(turned[0]), cimag(turned[0]), creal(turned[1]), cimag(turned[1]));

  weft_f32_3d pairs = {(float *)z, (float *)z, 0, {1, 2, 2}, {4, 2, 1}};
  weft_f64_2d outs = {(double *)turned, (double *)turned, 0, {2, 2}, {2, 1}};
  numbers_roots_results results;
  status = (int)_mlir_ciface_numbers_roots(&results, &pairs, &outs);
  if (status) return status;
  numbers("pairs", (weft_complex64 *)results.result0.aligned, 2);
  free(results.result0.allocated);
  return 0;
}
