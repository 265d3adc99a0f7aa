# Sends SIGINT at points all along a call on as many rows as fit (1e8 at most) and prints how long
# the call goes on. Machines differ, so a test fails only where it takes more than 2 seconds.
# Usage: Rscript .ci/interrupts.R [--rows N] [--points K] [names of calls]

source(".ci/record.R")
source("tests/testthat/helper-calls.R")
library(riskset)

arguments <- commandArgs(TRUE)
option <- function(name, default) {
  at <- match(paste0("--", name), arguments)
  if (is.na(at)) return(default)
  value <- as.numeric(arguments[at + 1L])
  arguments <<- arguments[-c(at, at + 1L)]
  value
}

shim <- dyn.load(compile_shim(tempfile(fileext = ".so")))
shim_interrupt <- getNativeSymbolInfo("shim_interrupt", shim)
shim_sent <- getNativeSymbolInfo("shim_sent", shim)

# The largest call needs about 200 bytes a row.
free <- as.numeric(gsub("[^0-9]", "", grep("^MemAvailable", readLines("/proc/meminfo"), value = TRUE))) * 1024
n <- option("rows", min(1e8, floor(free / 200 / 1e6) * 1e6))
points <- option("points", 6)

# Vectors made beforehand, so that no time is R's own.
calls_on <- function(n) {
  d <- environment(verb_calls(n)[[1L]])
  trial <- function(x, rows) matrix(x[seq_len(rows * (n %/% rows))], rows)
  d$millis <- round(d$real * 2000) / 2000
  d$weights <- rep_len(c(1, 0.5, 2), n)
  d$columns <- matrix(c(d$g, d$h), n)
  d$trials <- list(trial(d$real, n %/% 2), trial(d$status, n %/% 2))
  d$short <- list(trial(d$real, 1e4), trial(d$status, 1e4))
  d$pairs <- array(c(24, 31, 40, 27) * 150, c(2, 2, 14)) + rep(1:14, each = 4)
  with(d, list(
    `km, counted` = function() km(days, status, g),
    `km, sorted` = function() km(millis, status, g),
    `km, one curve of distinct times` = function() km(real[seq_len(n %/% 4)], status[seq_len(n %/% 4)]),
    `km, fractional weights` = function() km(millis, status, g, weights = weights),
    `km, entry times` = function() km(millis, status, g, entry = real / 2),
    `risk_table, strata` = function() risk_table(millis, status, g, h),
    `logrank, counted` = function() logrank(days, status, g, h),
    `logrank, sorted` = function() logrank(millis, status, g),
    `logrank, strata` = function() logrank(millis, status, g, h),
    `logrank, outlier` = function() logrank(c(1e-300, millis[-1L]), status, g),
    crosstab = function() crosstab(g, status),
    `crosstab, weights` = function() crosstab(h, g, weights = g),
    cmh = function() cmh(g, status, h),
    `cmh, exact` = function() cmh(pairs, exact = TRUE),
    screen_logrank = function() screen_logrank(columns, millis, status, h),
    `screen_logrank, long trials` = function() {
      screen_logrank(g[seq_len(n %/% 2)], trials[[1L]], trials[[2L]])
    },
    `screen_logrank, short trials` = function() screen_logrank(g[1:1e4], short[[1L]], short[[2L]]),
    screen_crosstab = function() screen_crosstab(columns, status),
    `screen_crosstab, strata` = function() screen_crosstab(columns, status, h)
  ))
}

# Seconds from the signal to its handler; NA where the call had ended.
latency <- function(call, after) {
  gc()
  caught <- NA
  ended <- FALSE
  tryCatch({
    .C(shim_interrupt, as.double(after))
    call()
    ended <- TRUE
    Sys.sleep(60)
  }, interrupt = function(e) caught <<- as.numeric(Sys.time()))
  if (ended) NA_real_ else caught - .C(shim_sent, 0)[[1L]]
}

calls <- calls_on(n)
if (length(arguments)) calls <- calls[arguments]
cat(sprintf("%g rows, %d points a call; seconds from Ctrl-C to the prompt\n", n, points))
for (name in names(calls)) {
  call <- function() suppressMessages(calls[[name]]())
  seconds <- system.time(reference <- call())[["elapsed"]]
  after <- (seq_len(points) - 0.5) / points * seconds
  took <- vapply(after, latency, 0, call = call)
  cat(sprintf("%-32s of %6.2f s: %s\n", name, seconds, paste(sprintf("%.2f", took), collapse = " ")))
  held <- c(took < 2, same = identical(call(), reference))
  names(held)[seq_len(points)] <- sprintf("after %.2f s: %.2f s", after, took)
  # The first call may take longer than the next ones: a signal can come too late.
  record("interrupts", paste(name, "stops, and the next call is right"), held[!is.na(held)])
}
finish("interrupts")
