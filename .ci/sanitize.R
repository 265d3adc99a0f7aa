# All tests and all examples with the address, leak and undefined-behaviour sanitizers of gcc.
# Usage: Rscript .ci/sanitize.R TARBALL, which calls itself for each PART

source(".ci/record.R")

flags <- "-fsanitize=address,undefined,float-cast-overflow,float-divide-by-zero"
library_of <- function(file) system2("gcc", paste0("-print-file-name=", file), stdout = TRUE)

# Everything the sanitizers say, of this session and of those that it starts, goes to files.
environment_of <- function(part, leaks = FALSE, threads = 2) {
  logs <- file.path(normalizePath("build/sanitize"), paste0("found-", part))
  profile <- file.path(normalizePath("build/sanitize"), sprintf("threads-%d.R", threads))
  writeLines(sprintf("options(riskset.threads = %d)", threads), profile)
  c(
    sprintf("LD_PRELOAD='%s %s'", library_of("libasan.so"), library_of("libubsan.so")),
    sprintf("ASAN_OPTIONS=detect_leaks=%d:log_path=%s", leaks, logs),
    sprintf("UBSAN_OPTIONS=print_stacktrace=1:suppressions=%s:log_path=%s",
            normalizePath(".ci/ubsan.supp"), logs),
    paste0("R_LIBS=", normalizePath("build/sanitize")), paste0("R_PROFILE_USER=", profile),
    "NOT_CRAN=true"
  )
}

# What was found, without leaks of others: a leak is ours when a frame of its stack is.
findings <- function(part) {
  files <- c(Sys.glob(sprintf("build/sanitize/found-%s*", part)), sprintf("build/sanitize/%s.log", part))
  said <- unlist(lapply(files, readLines, warn = FALSE))
  stacks <- split(said, cumsum(said == ""))
  ours <- vapply(stacks, function(s) any(grepl("leak of", s)) && any(grepl("riskset\\.so|rs_r_", s)), NA)
  c(grep("runtime error|ERROR: AddressSanitizer", said, value = TRUE),
    unlist(stacks[ours], use.names = FALSE))
}

check_session <- function(part, test, code, allowed = 0L) {
  found <- findings(part)
  record("sanitize", paste(test, "have no finding"), c(none = length(found) == 0L))
  if (length(found)) cat(paste0("  ", utils::head(found, 40L), "\n"), sep = "")
  record("sanitize", paste(test, "come to their end"), c(end = code %in% allowed))
  if (!code %in% allowed) cat(utils::tail(readLines(sprintf("build/sanitize/%s.log", part)), 20L), sep = "\n")
}

# ---- Parts ------------------------------------------------------------------------------

examples <- function() {
  grDevices::pdf(NULL)
  for (file in list.files("man", "[.]Rd$", full.names = TRUE)) {
    code <- tempfile(fileext = ".R")
    tools::Rd2ex(file, code, commentDonttest = FALSE)
    if (file.exists(code)) source(code, local = new.env(parent = globalenv()), echo = FALSE)
    cat(basename(file), "\n")
  }
}

# Calls that end in every way: a value, a refusal, a condition, a time limit; five times each.
repeats <- function() {
  source("tests/testthat/helper-calls.R")
  end <- function(call) tryCatch(suppressMessages(call()), error = function(e) NULL)
  limited <- function(call) {
    setTimeLimit(elapsed = 1e-6, transient = TRUE)
    on.exit(setTimeLimit())
    for (i in 1:20) call()
  }
  for (n in c(300, 210000)) {
    for (call in verb_calls(n)) {
      for (i in 1:5) end(call)
      if (n > 300) for (i in 1:5) end(function() limited(call))
    }
  }
  calls <- routine_calls()
  for (name in names(calls)) {
    for (changed in with_values(calls[[name]][[1L]], c(foreign_values()[-1L], odd_values()))) {
      end(function() call_routine(name, changed$arguments))
    }
  }
  options(warn = 2)
  for (i in 1:5) for (call in verb_calls(60000)) tryCatch(call(), message = identity, error = identity)
}

parts <- list(examples = examples, repeats = repeats)

run_parts <- function(tarball) {
  makevars <- file.path(tempdir(), "Makevars")
  writeLines(c(paste("CFLAGS = -g -O1 -fno-omit-frame-pointer -Wall -Wextra", flags),
               paste("LDFLAGS =", flags)), makevars)
  # Not loaded on trial: the sanitizer must come first in the process.
  install_into("build/sanitize", tarball, "--no-test-load", env = paste0("R_MAKEVARS_USER=", makevars))
  for (threads in 1:2) {
    part <- paste0("tests", threads)
    code <- session(".ci/tests.R", paste0("sanitize", threads), log = sprintf("build/sanitize/%s.log", part),
                    env = environment_of(part, threads = threads))
    check_session(part, sprintf("tests with %d threads", threads), code)
  }
  for (part in names(parts)) {
    leaks <- part == "repeats"
    code <- session(".ci/sanitize.R", part, log = sprintf("build/sanitize/%s.log", part),
                    env = environment_of(part, leaks))
    # R itself leaks a byte, which makes the leak sanitizer's own status.
    check_session(part, part, code, if (leaks) c(0L, 1L, 23L) else 0L)
  }
  finish("sanitize")
}

argument <- commandArgs(TRUE)[1L]
if (argument %in% names(parts)) {
  suppressMessages(library(riskset))
  methods::setClass("foreign", methods::representation(x = "numeric"))
  parts[[argument]]()
  cat("done\n")
} else {
  run_parts(argument)
}
