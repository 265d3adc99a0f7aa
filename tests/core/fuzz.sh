#!/bin/sh
# Fuzzes each target for its share of the time. What is found new goes to FOLDER, not to the
# corpus of the repository. Usage: fuzz.sh FOLDER SECONDS TARGET...
folder=$1 seconds=$2
shift 2
each=$((seconds / $#)) passed=0 failed=0
for target in "$@"; do
  found=$folder/found_$target log=$folder/fuzz_$target.log
  mkdir -p "$found"
  if "$folder/fuzz_$target" -max_total_time=$each -max_len=1024 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$folder/crash-$target-" "$found" "corpus/$target" > "$log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    grep -E '^[a-z_./]*\.c:[0-9]+:|^SUMMARY|Test unit written' "$log"
  fi
  echo "$target: $(sed -n 's/stat::number_of_executed_units: *//p' "$log") inputs in $each s"
done
echo "$passed passed, $failed failed" | tee "$folder/fuzz.txt"
[ "$failed" = 0 ]
