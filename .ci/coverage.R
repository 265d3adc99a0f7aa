# How many lines of R/ the tests reach, by covr: 95 % is the least. Writes the others' places. Whether
# the tests pass is asked elsewhere; those of test-runtime.R load and unload the package in sessions of
# their own, which covr does not see.
# Usage: Rscript .ci/coverage.R

source(".ci/record.R")

least <- 95
copy <- copy_sources(c("tests", "inst", "man"))
Sys.setenv(NOT_CRAN = "true")

tests <- sprintf(
  "testthat::test_dir(\"%s\", package = \"riskset\", load_package = \"installed\", %s)",
  file.path(copy, "tests/testthat"),
  "filter = \"^(?!runtime)\", perl = TRUE, reporter = \"summary\", stop_on_failure = FALSE"
)
found <- covr::package_coverage(copy, type = "none", code = tests, quiet = TRUE)
lines <- covr::tally_coverage(found, by = "line")
lines <- lines[startsWith(lines$filename, "R/"), ]
reached <- tapply(lines$value > 0, lines$filename, mean)
cat(sprintf("%-24s %6.2f %%\n", names(reached), 100 * reached), sep = "")
missed <- lines[lines$value == 0, ]
cat(sprintf("not reached: %s:%d\n", missed$filename, missed$line), sep = "")
percent <- 100 * mean(lines$value > 0)
cat(sprintf("all of R/: %.2f %% of %d lines\n", percent, nrow(lines)))
record("coverage", sprintf("tests reach %g %% of R/'s lines", least), c(enough = percent >= least))
finish("coverage")
