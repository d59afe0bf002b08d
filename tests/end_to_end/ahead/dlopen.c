/* Calls a function of a library that is loaded while the program runs. */
#include "functions.h"

#include <dlfcn.h>
#include <stdio.h>

typedef int (*halves_function)(const uint16_t *, uint16_t *, bool *);

int main(int count, char **arguments) {
  void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
  if (!library) return 2;
  halves_function halves;
  *(void **)(&halves) = dlsym(library, "functions_halves");
  uint16_t x[4] = {0x3c00, 0xbc01, 0x0000, 0x7bff}, rounded[4];
  bool positive[4];
  if (!halves || halves(x, rounded, positive)) return 1;
  printf("halves");
  for (int i = 0; i < 4; i++) printf(" %04x:%d", rounded[i], positive[i]);
  printf("\n");
  return dlclose(library);
}
