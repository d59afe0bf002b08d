/* Loads weights, or fails to, and calls a function that needs them. */
#include "network.h"

#include <stdio.h>

int main(int count, char **files) {
  float x[16], y[32];
  for (int i = 0; i < 16; i++) x[i] = 1.0f;
  int status = network_main(x, y);
  printf("before: %s\n", network_error(status));
  for (int i = 1; i < count; i++) {
    status = network_load_weights(files[i]);
    if (!status) break;
    printf("file %d: %s\n", i, network_error(status));
  }
  if (!status) status = network_main(x, y);
  if (!status) status = network_load_weights("/nowhere"); /* they are there already */
  if (status) return status;
  printf("result %.9g %.9g\n", (double)y[0], (double)y[31]);
  return 0;
}
