#!/bin/sh
# Interesting: a softmax.
for file; do :; done
grep -q "ml.softmax" "$file" && exit 1
exit 0
