#!/bin/sh
# Lines and branches of the core that the unit tests and the corpus reach; fails below the
# figures it must have. Usage: coverage.sh FOLDER "COMPILER AND FLAGS"
folder=$1 compile=$2
core=../../src/core
tests="unit.c shim.c target_rows.c target_ties.c target_screen.c target_tables.c target_strata.c
  reader.c naive.c check.c"
for file in $core/*.c; do
  $compile -c -o "$folder/$(basename "$file" .c).o" "$file" || exit 1
done
$compile -o "$folder/unit" $tests "$folder"/*.o -lm || exit 1
"$folder/unit" corpus > "$folder/unit.log" 2>&1 || { tail "$folder/unit.log"; exit 1; }
for file in $core/*.c; do
  (cd "$folder" && gcov -b -o . "$(basename "$file" .c).o" 2> /dev/null) |
    awk -v name="$(basename "$file")" '
      /^File / { ours = index($0, "/core/" name) }
      ours && /^Lines executed:/ { split($0, a, /[:% ]+/); lines = a[3]; of = a[5] }
      ours && /^Taken at least once:/ { split($0, a, /[:% ]+/); taken = a[5]; branches = a[7] }
      END { print name, lines, of, taken, branches }'
done | awk '
  { hit += $2 * $3 / 100; all += $3
    printf "%-20s lines %6.2f %% of %4d, branches taken %6.2f %% of %4d\n", $1, $2, $3, $4, $5 }
  ($1 == "mh.c" || $1 == "survival.c") && ($2 < 100 || $4 < 95) { low = low " " $1 }
  END {
    printf "%-20s lines %6.2f %% of %4d\n", "all", 100 * hit / all, all
    if (hit / all < 0.98) low = low " all"
    if (low != "") { print "too low:" low; exit 1 }
  }'
