#!/bin/sh
# Runs programs of tests and adds up their last lines. Usage: run.sh FOLDER NAME PROGRAM...
folder=$1 name=$2
shift 2
# A size that no machine has is refused, not reported.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1
passed=0 failed=0
for program in "$@"; do
  start=$(date +%s)
  echo "$program"
  "$folder/$program" corpus > "$folder/$program.log" 2>&1
  code=$?
  last=$(tail -n 1 "$folder/$program.log")
  counts=$(echo "$last" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
  # One that ended without its last line has crashed.
  [ -n "$counts" ] || counts="0 1"
  [ "$code" = 0 ] || [ "${counts#* }" != 0 ] || counts="${counts% *} 1"
  [ "${counts#* }" = 0 ] && grep '^ ' "$folder/$program.log" || [ "${counts#* }" = 0 ] ||
    head -n 60 "$folder/$program.log"
  echo "  ${counts% *} passed, ${counts#* } failed in $(($(date +%s) - start)) s"
  passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
done
echo "$passed passed, $failed failed" | tee "$folder/$name.txt"
[ "$failed" = 0 ]
