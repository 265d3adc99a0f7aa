# Runs targets of tests/core/Makefile and records what their programs counted.
# Usage: Rscript .ci/native.R core|long|fuzz

source(".ci/record.R")

target <- commandArgs(TRUE)[1L]
build <- file.path(normalizePath("."), "build", "core")
counted <- file.path(build, paste0(target, ".txt"))
unlink(counted)
status <- system2("make", c("-s", "-C", "tests/core", paste0("BUILD=", build), target))
last <- if (file.exists(counted)) readLines(counted) else "0 passed, 1 failed"
counts <- as.numeric(regmatches(last, gregexpr("[0-9]+", last))[[1L]])
save_results(total(counts[1L], counts[2L]), target)
if (status != 0L) quit(status = 1L)
