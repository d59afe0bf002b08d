#!/bin/sh
# A test for weft reduce: 1 where the module in FILE has a tanh, 0 where it has none.
grep -q 'ml\.tanh ' "$1" && exit 1
exit 0
