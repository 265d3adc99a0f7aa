# Lack of memory and of protection: gctorture over every routine, each allocation of the core
# failed in turn, the address space narrowed until R's own allocations fail.
# Usage: Rscript .ci/memory.R TARBALL, which calls itself for each PART in a session of its own

source(".ci/record.R")
source("tests/testthat/helper-calls.R")

no_memory <- function(x) inherits(x, "riskset_error_memory") || (is.list(x) && identical(x$status, "memory"))
attempt <- function(call) tryCatch(suppressMessages(call()), error = identity)

routines <- function(n) {
  calls <- routine_calls(n)
  unlist(lapply(names(calls), function(name) {
    out <- lapply(calls[[name]], function(arguments) function() call_routine(name, arguments))
    names(out) <- paste(name, seq_along(out))
    out
  }))
}

# ---- Garbage collection -----------------------------------------------------------------

# A value that was not protected is another value afterwards; a crash need not follow. R tells of
# a stack imbalance only where calls are not compiled (R_ENABLE_JIT=0).
torture <- function() {
  calls <- routines(40)
  reference <- lapply(calls, function(call) call())
  same <- vapply(names(calls), function(name) {
    call <- calls[[name]]
    gctorture(TRUE)
    on.exit(gctorture(FALSE))
    value <- call()
    gctorture(FALSE)
    identical(value, reference[[name]])
  }, NA)
  record("memory", "every routine gives the same value under gctorture", same)
  torture_errors(routine_calls(40))
  verbs <- verb_calls(200)
  same <- vapply(names(verbs), function(name) {
    before <- suppressMessages(verbs[[name]]())
    gctorture2(500)
    on.exit(gctorture(FALSE))
    value <- suppressMessages(verbs[[name]]())
    gctorture2(0)
    identical(value, before)
  }, NA)
  record("memory", "every verb gives the same value with many collections", same)
}

torture_errors <- function(calls) {
  held <- unlist(lapply(names(calls), function(name) {
    arguments <- calls[[name]][[1L]]
    changed <- with_values(arguments, list(null = NULL, text = "a"))
    reference <- vapply(changed, function(w) message_of(name, w$arguments), "")
    gctorture2(20)
    on.exit(gctorture(FALSE))
    tortured <- vapply(changed, function(w) message_of(name, w$arguments), "")
    gctorture(FALSE)
    stats::setNames(reference == tortured, paste(name, vapply(changed, `[[`, "", "label")))
  }))
  record("memory", "refusals are the same with many collections", held)
}

message_of <- function(name, arguments) {
  tryCatch({
    call_routine(name, arguments)
    "no error"
  }, error = conditionMessage)
}

# ---- Allocations of the core ------------------------------------------------------------

shim <- function(routine, ...) .C(getNativeSymbolInfo(routine, dyn.load(Sys.getenv("SHIM"))), ...)
fail <- function(n) invisible(shim("shim_fail", as.integer(n)))
counts <- function() stats::setNames(unlist(shim("shim_counts", 0L, 0L)), c("seen", "live"))

# Fails the nth allocation, for n = 1 .. the last: alone, and with all that follow it.
fail_each <- function(call) {
  reference <- attempt(call)
  fail(0)
  before <- counts()[["live"]]
  attempt(call)
  last <- counts()[["seen"]]
  held <- c(refused = TRUE, same = TRUE, freed = counts()[["live"]] == before)
  for (n in c(seq_len(last), -seq_len(last))) {
    fail(n)
    result <- attempt(call)
    fail(0)
    # A thread that has nothing yet may leave the work to the others.
    spared <- getOption("riskset.threads") > 1 && identical(result, reference)
    held["refused"] <- held["refused"] && (no_memory(result) || spared)
    held["same"] <- held["same"] && identical(attempt(call), reference)
    held["freed"] <- held["freed"] && counts()[["live"]] == before
  }
  c(held, allocations = last)
}

out_of_memory <- function() {
  sets <- list(`routines, few rows` = routines(60), `verbs, few rows` = verb_calls(300),
               `verbs, rows for two threads` = verb_calls(210000))
  for (set in names(sets)) {
    options(riskset.threads = if (grepl("two threads", set)) 2 else 1)
    found <- vapply(sets[[set]], fail_each, c(refused = 0, same = 0, freed = 0, allocations = 0))
    total <- sum(found["allocations", ])
    about <- sprintf("of %s", set)
    record("memory", paste("a failed allocation", about, "is an error of memory"), found["refused", ] > 0)
    record("memory", paste("the next call", about, "is right"), found["same", ] > 0)
    record("memory", paste("nothing", about, "stays allocated"), found["freed", ] > 0)
    cat(sprintf("  %.0f allocations, each failed alone and with those after it\n", total))
    record("memory", paste("the shim sees allocations", about), c(any = total > 50))
  }
}

# ---- Address space ----------------------------------------------------------------------

# R's own vectors fail too, where no status of ours is in between.
squeeze <- function() {
  options(riskset.threads = 2)
  calls <- verb_calls(5e5)
  small <- verb_calls(300)
  room <- function(bytes) invisible(shim("shim_room", as.double(bytes)))
  refused <- 0
  bytes <- c(0, 2^c(19, 21, 22, 23, 25))
  held <- unlist(lapply(names(calls), function(name) {
    reference <- attempt(calls[[name]])
    plain <- attempt(small[[name]])
    vapply(bytes, function(left) {
      gc()
      room(left)
      result <- attempt(calls[[name]])
      room(-1)
      lacks <- inherits(result, "error") &&
        (no_memory(result) || grepl("cannot allocate|could not allocate", conditionMessage(result)))
      refused <<- refused + lacks
      (lacks || identical(result, reference)) && identical(attempt(small[[name]]), plain)
    }, NA)
  }))
  names(held) <- paste(rep(names(calls), each = length(bytes)), bytes)
  record("memory", "with too little address space a call is an error or right, and the next one right", held)
  record("memory", "the address space was too little for some calls", c(some = refused > length(calls)))
  cat(sprintf("  %d of %d calls were refused\n", refused, length(held)))
}

# ---- Parts ------------------------------------------------------------------------------

parts <- list(torture = torture, out_of_memory = out_of_memory, squeeze = squeeze)

run_part <- function(part) {
  library(riskset)
  parts[[part]]()
  saveRDS(results, sprintf("build/memory/%s.rds", part))
}

run_parts <- function(tarball) {
  install_into("build/memory", tarball)
  shim_file <- compile_shim("build/memory/shim.so")
  own <- paste0("R_LIBS=", normalizePath("build/memory"))
  with_shim <- c(own, paste0("SHIM=", shim_file), paste0("LD_PRELOAD=", shim_file))
  env <- list(torture = c(own, "R_ENABLE_JIT=0"), out_of_memory = with_shim, squeeze = with_shim)
  for (part in names(parts)) {
    log <- sprintf("build/memory/%s.log", part)
    seconds <- system.time(code <- session(".ci/memory.R", part, log = log, env = env[[part]]))[["elapsed"]]
    said <- readLines(log)
    cat(said, sep = "\n")
    if (code == 0L) results <<- rbind(results, readRDS(sprintf("build/memory/%s.rds", part)))
    record("memory", paste("the session of", part, "comes to its end"), c(end = code == 0L))
    if (part == "torture") {
      record("memory", "no stack imbalance", c(none = !any(grepl("stack imbalance", said))))
    }
    cat(sprintf("%s took %.0f s\n", part, seconds))
  }
  finish("memory")
}

argument <- commandArgs(TRUE)[1L]
if (argument %in% names(parts)) run_part(argument) else run_parts(argument)
