# Adds up what the runs recorded in build/results. A test that every run skipped counts as
# failed, and so does a package that draws or tidies our fits and has no test, and a fault whose
# number no test has in its name.
# Usage: Rscript .ci/summary.R [steps that failed]

consumers <- c("broom", "ggsurvfit", "survminer")
failed_steps <- commandArgs(TRUE)

files <- Sys.glob("build/results/*.rds")
if (length(files) == 0L) {
  cat("0 passed, 1 failed\n")
  quit(status = 1L)
}
runs <- lapply(files, readRDS)
names(runs) <- sub("[.]rds$", "", basename(files))

for (name in names(runs)) {
  run <- runs[[name]]
  cat(sprintf("%-8s %6d passed %4d failed\n", name, sum(run$passed), sum(run$failed)))
  skipped <- run[run$skipped != "", ]
  if (nrow(skipped)) cat(sprintf("  skipped %s, %s: %s\n", skipped$file, skipped$test,
                                 skipped$skipped), sep = "")
}

all_runs <- do.call(rbind, runs)
# The checks record their total only, without a name.
tests <- all_runs[all_runs$test != "", ]
ran <- tapply(tests$skipped == "", paste(tests$file, tests$test, sep = ", "), any)
never <- names(ran)[!ran]

# Names of the tests whose code mentions the package.
tests_with <- function(package) {
  unlist(lapply(Sys.glob("tests/testthat/test-*.R"), function(file) {
    calls <- Filter(function(e) identical(e[[1L]], quote(test_that)) && is.character(e[[2L]]),
                    as.list(parse(file)))
    calls <- Filter(function(e) any(grepl(package, deparse(e), fixed = TRUE)), calls)
    paste(rep(basename(file), length(calls)), vapply(calls, `[[`, "", 2L), sep = ", ",
          recycle0 = TRUE)
  }))
}

untested <- character()
for (package in consumers) {
  mentioned <- tests_with(package)
  cat(sprintf("%s: %d tests mention it, %d of them ran\n", package, length(mentioned),
              sum(ran[mentioned], na.rm = TRUE)))
  if (!any(ran[mentioned], na.rm = TRUE)) untested <- c(untested, package)
}

# Every number of the list of faults that a user's data can have stands in the name of a test.
faults <- sprintf("F%02d", 1:62)
named <- unlist(regmatches(tests$test, gregexpr("F[0-9]{2}", tests$test)))
unnamed <- setdiff(faults, named)

complain <- function(what, which) if (length(which)) cat(paste0(what, ": ", which, "\n"), sep = "")
complain("Skipped in every run", never)
complain("No test ran with", untested)
complain("No test names", unnamed)
complain("Step failed", failed_steps)

failed <- sum(all_runs$failed) + length(never) + length(untested) + length(unnamed) +
  length(failed_steps)
cat(sprintf("%d passed, %d failed\n", sum(all_runs$passed), failed))
if (failed) quit(status = 1L)
