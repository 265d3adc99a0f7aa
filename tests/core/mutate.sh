#!/bin/sh
# Changes one comparison of mh.c or survival.c at a time and asks whether the unit tests notice.
# Usage: mutate.sh FOLDER "COMPILER AND FLAGS" "LINKER FLAGS" FILE[:FIRST-LAST]...
folder=$1 compile=$2 wrap=$3
shift 3
files=$*
core=../../src/core
mkdir -p "$folder"
tests="unit.c shim.c target_rows.c target_ties.c target_screen.c target_tables.c target_strata.c
  reader.c naive.c check.c"

objects() { # objects FOLDER FILE...: compiles the files into the folder
  to=$1
  shift
  for file in "$@"; do
    $compile -c -o "$to/$(basename "$file" .c).o" "$file" || exit 1
  done
}

# Each operator with its place: FILE LINE COLUMN OPERATOR, comments and -> left out.
comparisons() {
  awk '
    { line = $0
      gsub(/->/, "@@", line); gsub(/<</, "@@", line); gsub(/>>/, "@@", line)
      if (line ~ /^ *\/\*/ || line ~ /^ \*/ || line ~ /^#/) next
      sub(/\/\*.*/, "", line)
      at = 1
      while (match(substr(line, at), /[<>=!]=|[<>]/)) {
        at += RSTART - 1
        print FNR, at, substr(line, at, RLENGTH)
        at += RLENGTH
      } }' "$1"
}

others() { # what an operator is replaced by
  case $1 in
    "<") echo "<= >" ;;
    "<=") echo "< >" ;;
    ">") echo ">= <" ;;
    ">=") echo "> <" ;;
    "==") echo "!=" ;;
    "!=") echo "==" ;;
  esac
}

# Only the mutant is instrumented: it must stay inside the buffers of the tests.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
base=$folder/base
mkdir -p "$base"
objects "$base" $core/*.c $tests
killed=0 survived=0
for part in $files; do
  file=${part%%:*} lines=1-100000
  [ "$file" = "$part" ] || lines=${part#*:}
  comparisons "$core/$file" | awk -v first="${lines%-*}" -v last="${lines#*-}" \
    '$1 >= first && $1 <= last' > "$folder/places"
  while read -r line column operator; do
    for other in $(others "$operator"); do
      awk -v l="$line" -v c="$column" -v from="$operator" -v to="$other" '
        FNR == l { $0 = substr($0, 1, c - 1) to substr($0, c + length(from)) } { print }' \
        "$core/$file" > "$folder/$file"
      $compile -fsanitize=address -I$core -c -o "$folder/mutant.o" "$folder/$file" 2> /dev/null || continue
      set --
      for object in "$base"/*.o; do
        [ "$(basename "$object" .o)" = "${file%.c}" ] || set -- "$@" "$object"
      done
      $compile -fsanitize=address $wrap -o "$folder/mutant" "$@" "$folder/mutant.o" -lm || exit 1
      if timeout 30 "$folder/mutant" corpus > "$folder/log" 2>&1; then
        survived=$((survived + 1))
        echo "survived: $file:$line $operator -> $other: $(sed -n "${line}p" "$core/$file")"
      else
        killed=$((killed + 1))
      fi
    done
  done < "$folder/places"
done
echo "$killed of $((killed + survived)) mutants killed"
