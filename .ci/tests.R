# Runs the tests on the installed package and records what became of each.
# Usage: Rscript .ci/tests.R NAME

library(testthat)
source(".ci/record.R")

result_of <- function(result) {
  is_a <- function(kind) vapply(result$results, inherits, NA, paste0("expectation_", kind))
  skips <- result$results[is_a("skip")]
  data.frame(
    file = result$file, test = result$test,
    passed = sum(is_a("success")), failed = sum(is_a("failure") | is_a("error")),
    skipped = if (length(skips)) sub("\n.*", "", conditionMessage(skips[[1L]])) else ""
  )
}

# In a copy: what a failing snapshot writes does not belong in the source tree.
copy <- tempfile("tests")
dir.create(copy)
invisible(file.copy("tests/testthat", copy, recursive = TRUE))
results <- test_dir(file.path(copy, "testthat"), reporter = "check", package = "riskset",
                    load_package = "installed", stop_on_failure = FALSE)
records <- do.call(rbind, lapply(results, result_of))
save_results(records, commandArgs(TRUE)[1L])
if (sum(records$failed)) quit(status = 1L)
