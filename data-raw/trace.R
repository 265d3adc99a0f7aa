# Brings inst/validation/tests.csv up to the tests: drops rows of tests that are gone, and adds one
# for each fault that a title names. Which documented behaviour (R01, ...) a test covers is written
# into the file by hand. Run from the top of the sources: Rscript data-raw/trace.R

source("tests/testthat/helper-trace.R")
path <- "inst/validation/tests.csv"
traced <- utils::read.csv(path)
titles <- test_titles("tests/testthat")

gone <- !trace_key(traced[c("file", "test")]) %in% trace_key(titles)
for (test in traced$test[gone]) cat("gone:", test, "\n")
faults <- titled_faults(titles)
new <- faults[!trace_key(faults) %in% trace_key(traced), ]
for (test in new$test) cat("new:", test, "\n")

traced <- rbind(traced[!gone, ], new)
traced <- traced[order(substr(traced$id, 1L, 1L) != "R", traced$id, traced$file, method = "radix"), ]
utils::write.csv(traced, path, row.names = FALSE)

untraced <- !trace_key(titles) %in% trace_key(traced[c("file", "test")])
for (test in titles$test[untraced]) cat("covers nothing yet:", test, "\n")
lacking <- setdiff(utils::read.csv("inst/validation/requirements.csv")$id, traced$id)
if (length(lacking)) cat("without a test:", lacking, "\n")
