# F71-F76: what happens around a call: interrupts, lack of memory, jumps, forks, finalizers,
# calls by .Call(), reloading, locales and options.

# Runs code in an R session of its own, which may crash: list(value, said, code). `value` is the
# last of it, NULL where the session did not come so far.
in_child <- function(code, seconds = 120, env = character(), set_up = NULL) {
  files <- tempfile(c("code", "value", "said"))
  on.exit(unlink(files))
  helper <- normalizePath(testthat::test_path("helper-calls.R"))
  writeLines(c(
    sprintf(".libPaths(%s)", deparse1(.libPaths())), "library(riskset)", sprintf("source(\"%s\")", helper),
    "value <- local(", deparse(code), ")", sprintf("saveRDS(value, \"%s\")", files[2L])
  ), files[1L])
  status <- suppressWarnings(system2(
    file.path(R.home("bin"), "Rscript"), c("--vanilla", files[1L]), stdout = files[3L], stderr = files[3L],
    env = env, timeout = seconds
  ))
  list(value = if (file.exists(files[2L])) readRDS(files[2L]), said = readLines(files[3L]), code = status)
}

# The value of a child that must have come to its end.
child_value <- function(code, ...) {
  child <- in_child(code, ...)
  said <- c("the session ended early:", utils::tail(child$said, 20L))
  expect(child$code == 0L, paste(said, collapse = "\n"))
  child$value
}

answers <- function(n = 500) lapply(verb_calls(n), quietly)

# ---- F71: interrupts --------------------------------------------------------------------

test_that("Ctrl-C stops a call from inside, and the next call is right (F71, F73)", {
  skip_on_os("windows")
  skip_on_cran()
  found <- child_value(quote({
    calls <- verb_calls(2e6)[c("km, counted", "km, sorted", "logrank, sorted", "risk_table, counted", "cmh",
                               "screen_logrank", "screen_logrank, trials", "screen_crosstab, strata")]
    # TRUE when the signal came while the call ran and the call did not finish.
    stopped_inside <- function(call, seconds) {
      begun <- ended <- FALSE
      signal <- sprintf("(sleep %.3f; kill -INT %d) >/dev/null 2>&1 &", seconds, Sys.getpid())
      tryCatch({
        system(signal)
        begun <- TRUE
        call()
        ended <- TRUE
        Sys.sleep(10)
      }, interrupt = function(e) NULL)
      begun && !ended
    }
    lapply(calls, function(call) {
      before <- quietly(call)
      seconds <- system.time(quietly(call))[["elapsed"]]
      for (try in 1:20) {
        stopped <- stopped_inside(call, seconds * try / 21)
        if (stopped) break
      }
      c(stopped = stopped, same = identical(quietly(call), before))
    })
  }), seconds = 300)
  for (name in names(found)) expect_true(all(found[[name]]), info = name)
})

test_that("handlers see the interrupt where they are, and suspended interrupts wait (F71)", {
  skip_on_os("windows")
  skip_on_cran()
  found <- child_value(quote({
    time <- (seq_len(3e5) * 0.618) %% 1 + 1
    interrupt <- function() tools::pskill(Sys.getpid(), tools::SIGINT)
    seen <- 0
    caught <- tryCatch(
      withCallingHandlers({
        interrupt()
        for (i in 1:50) km(time)
        "not interrupted"
      }, interrupt = function(e) seen <<- seen + 1),
      interrupt = function(e) class(e)
    )
    fit <- NULL
    waited <- tryCatch({
      suspendInterrupts({
        interrupt()
        fit <- km(time)
      })
      for (i in 1:1e4) NULL
      "not interrupted"
    }, interrupt = function(e) "after the call")
    list(caught = caught, seen = seen, waited = waited, whole = identical(fit, km(time)))
  }))
  expect_identical(found, list(caught = c("interrupt", "condition"), seen = 1,
                               waited = "after the call", whole = TRUE))
})

# ---- F72: lack of memory ----------------------------------------------------------------

# That each allocation of the core fails well is tested by `make core` and `make memory`, which can
# make it fail; here R has no room for the answers.
test_that("without memory for its answer a call is an error, and the next call is right (F72)", {
  skip_on_cran()
  found <- child_value(quote({
    time <- sqrt(seq_len(1e6))
    few <- verb_calls(500)[c("km, sorted", "logrank, sorted", "cmh")]
    before <- lapply(few, quietly)
    lapply(1:5, function(i) {
      said <- tryCatch(c("an answer of ", length(km(time)$surv)), error = conditionMessage)
      list(said = said, same = identical(lapply(few, quietly), before),
           events = sum(logrank(time, NULL, time > 500)$observed))
    })
  }), env = "R_MAX_VSIZE=90Mb")
  for (f in found) {
    expect_match(f$said, "cannot allocate|memory", all = FALSE)
    expect_true(f$same)
    expect_identical(f$events, 1e6)
  }
})

# ---- F73: jumps -------------------------------------------------------------------------

test_that("conditions turned into errors leave the next call right, with every warning an error (F73)", {
  reference <- answers()
  old <- options(warn = 2)
  on.exit(options(old))
  expect_identical(answers(), reference)
  stop_at <- function(expr) tryCatch(expr, message = function(m) "stopped")
  expect_identical(stop_at(logrank(1:4, rep(0, 4), c(1, 1, 2, 2))), "stopped")
  expect_identical(stop_at(cmh(c(1, 1, 2, 2), c(0, 1, 0, 1), 1:4)), "stopped")
  for (i in 1:5) expect_refused(km(c(1, -1)), kind = "time")
  expect_identical(answers(), reference)
})

# ---- F74: forks, other processes, finalizers -----------------------------------------------

test_that("a fork after threads were used gives the same bits (F74)", {
  skip_on_os("windows")
  n <- 210000 # enough rows for threads to share
  names <- c("km, counted", "logrank, sorted", "cmh")
  call <- function(...) lapply(verb_calls(n)[names], quietly)
  old <- options(riskset.threads = 2)
  on.exit(options(old))
  here <- call()
  expect_identical(parallel::mclapply(1:3, call, mc.cores = 2), list(here, here, here))
  # A fork of a fork, and the parent's threads still there afterwards.
  nested <- parallel::mclapply(1:2, function(i) parallel::mclapply(1:2, call, mc.cores = 2), mc.cores = 2)
  expect_identical(nested, list(list(here, here), list(here, here)))
  expect_identical(call(), here)
})

test_that("other processes give the same bits: a cluster and callr (F74)", {
  skip_on_cran()
  here <- answers()
  helper <- normalizePath(test_path("helper-calls.R"))
  there <- function(paths, helper) {
    .libPaths(paths)
    library(riskset)
    e <- new.env()
    sys.source(helper, e)
    lapply(e$verb_calls(500), e$quietly)
  }
  environment(there) <- globalenv()
  cluster <- parallel::makeCluster(2)
  on.exit(parallel::stopCluster(cluster))
  expect_equal(parallel::clusterCall(cluster, there, .libPaths(), helper), list(here, here), tolerance = 0)
  skip_if_not_installed("callr")
  expect_equal(callr::r(there, list(.libPaths(), helper)), here, tolerance = 0)
})

test_that("a finalizer may call the package while the package runs (F74)", {
  calls <- verb_calls(60000)
  calls <- calls[c("km, sorted", "logrank, counted", "risk_table, sorted", "screen_crosstab", "cmh")]
  reference <- lapply(calls, quietly)
  inner <- km(c(3, 1, 2), c(1, 0, 1))
  seen <- list()
  for (name in names(calls)) {
    reg.finalizer(new.env(), function(e) seen[[length(seen) + 1L]] <<- km(c(3, 1, 2), c(1, 0, 1)))
    # Every allocation of the call collects garbage, so the finalizer runs inside it.
    gctorture2(10)
    result <- quietly(calls[[name]])
    gctorture2(0)
    expect_identical(result, reference[[name]], info = name)
  }
  expect_gte(length(seen), length(calls) - 1L)
  for (fit in seen) expect_identical(fit, inner)
})

test_that("random numbers and options are as they were after every verb (F74)", {
  set.seed(42)
  seed <- .Random.seed
  before <- options()
  invisible(lapply(verb_calls(300), quietly))
  expect_identical(.Random.seed, seed)
  expect_identical(options(), before)
  rm(".Random.seed", envir = globalenv())
  invisible(lapply(verb_calls(300), quietly))
  expect_false(exists(".Random.seed", globalenv(), inherits = FALSE))
})

# ---- F75: arguments ---------------------------------------------------------------------

test_that("no argument is modified, shared or not, and compact vectors are read (F75)", {
  d <- data.frame(time = c(5, 3, 3, 8, 1.5, 6), status = c(1L, 0L, 1L, 1L, 0L, 1L), g = c(1, 2, 1, 2, 1, 2),
                  w = c(1, 2, 1, 3, 1, 1), early = c(1, 0, 1, 2, 0, 3))
  copy <- unserialize(serialize(d, NULL))
  m <- cbind(d$g, d$status)
  m_copy <- m + 0
  table <- risk_table(Surv(time, status) ~ g, d)
  table_copy <- unserialize(serialize(table, NULL))
  suppressMessages({
    km(Surv(early, time, status) ~ g, d)
    km(d$time, d$status, d$g, weights = d$w / 2)
    logrank(Surv(time, status) ~ g + strata(w), d, subset = early < 3)
    crosstab(d$g, d$status, weights = d$w)
    cmh(d$g, d$status, d$w)
    screen_logrank(m, d$time, d$status)
    screen_logrank(d$g, cbind(d$time), cbind(d$status))
    screen_crosstab(m, d$status)
    univariate(status ~ g + time, d)
    km(table)
    logrank(table)
    c(table, table)
  })
  expect_identical(d, copy)
  expect_identical(m, m_copy)
  expect_identical(table, table_copy)
  plain <- c(1L, 2L, 3L, 4L, 5L, 6L)
  expect_identical(km(1:6, rep(1L, 6), 6:1)$surv, km(plain, rep(1, 6), rev(plain))$surv)
  expect_identical(crosstab(1:6, rep(1:2, 3))$tests, crosstab(plain, c(1, 2, 1, 2, 1, 2))$tests)
})

test_that("every routine refuses what is no argument at all, by an R error (F75)", {
  methods::setClass("foreign", methods::representation(x = "numeric"), where = globalenv())
  on.exit(methods::removeClass("foreign", where = globalenv()))
  calls <- routine_calls()
  expect_setequal(names(calls), names(registered_routines()))
  for (name in names(calls)) {
    arguments <- calls[[name]][[1L]]
    expect_length(arguments, registered_routines()[[name]]$numParameters)
    expect_error(call_routine(name, arguments[-1L]), "Incorrect number of arguments")
    for (changed in with_values(arguments, foreign_values())) {
      if (grepl("/", changed$label)) next
      expect_error(call_routine(name, changed$arguments), info = paste(name, changed$label))
    }
  }
})

test_that("no argument of any kind or length crashes or hangs a routine (F75)", {
  found <- child_value(quote({
    methods::setClass("foreign", methods::representation(x = "numeric"))
    values <- c(foreign_values(), odd_values())
    calls <- routine_calls()
    plain <- function() lapply(names(calls), function(name) call_routine(name, calls[[name]][[1L]]))
    reference <- plain()
    count <- c(refused = 0, answered = 0)
    for (name in names(calls)) {
      for (arguments in calls[[name]]) {
        for (changed in with_values(arguments, values)) {
          cat(name, changed$label, "\n") # the last line said tells which crashed
          refused <- tryCatch({
            call_routine(name, changed$arguments)
            FALSE
          }, error = function(e) TRUE)
          count <- count + c(refused, !refused)
        }
      }
    }
    list(count = count, same = identical(plain(), reference))
  }))
  expect_gt(found$count[["refused"]], 5000)
  expect_true(found$same)
})

# ---- F76: reloading, saving, locales, options ------------------------------------------------

test_that("the package can be unloaded and loaded again, its library too (F76)", {
  found <- child_value(quote({
    first <- lapply(verb_calls(300), quietly)
    again <- list()
    for (i in 1:3) {
      unloadNamespace("riskset")
      gc() # finalizers of what the old code left
      suppressMessages(library(riskset))
      again[[i]] <- lapply(verb_calls(300), quietly)
    }
    unloadNamespace("riskset")
    unloaded <- !("riskset" %in% names(getLoadedDLLs()))
    gc()
    if (.Platform$OS.type == "unix") system("true") # forks
    library(riskset)
    again[[4L]] <- lapply(verb_calls(300), quietly)
    same <- vapply(again, function(a) isTRUE(all.equal(a, first, tolerance = 0)), NA)
    list(same = same, unloaded = unloaded)
  }))
  expect_identical(found, list(same = rep(TRUE, 4), unloaded = TRUE))
})

test_that("saved results print as they did, here and in another session (F76)", {
  here <- lapply(answers(300), function(x) utils::capture.output(print(x)))
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  saveRDS(answers(300), file)
  back <- readRDS(file)
  expect_equal(back, answers(300), tolerance = 0)
  there <- child_value(bquote({
    options(digits = .(getOption("digits")), width = .(getOption("width")),
            useFancyQuotes = .(getOption("useFancyQuotes")), OutDec = .(getOption("OutDec")))
    lapply(readRDS(.(file)), function(x) utils::capture.output(print(x)))
  }), env = paste0("LANG=", Sys.getenv("LANG", "C.UTF-8")))
  expect_identical(there, here)
})

test_that("locales and options change no number (F76)", {
  numbers <- function() rapply(answers(300), identity, "numeric", how = "unlist")
  reference <- numbers()
  old <- options(OutDec = ",", scipen = 100, stringsAsFactors = FALSE, digits = 3, warn = 2,
                 contrasts = c("contr.sum", "contr.poly"), na.action = "na.fail")
  on.exit(options(old))
  expect_identical(numbers(), reference)
  options(old)
  text <- c("\u0130stanbul", "istanbul", "ISTANBUL", "\u0131", "I", "i", "\u00e9", "e", "z", "Z")
  levels_of <- function() names(logrank(c(1:10, 2:11), rep(1, 20), rep(text, 2))$n)
  expected <- levels_of()
  categories <- c("LC_COLLATE", "LC_CTYPE", "LC_NUMERIC")
  locale <- vapply(categories, Sys.getlocale, "")
  on.exit(for (l in categories) suppressWarnings(Sys.setlocale(l, locale[[l]])), add = TRUE)
  tried <- 0
  for (name in c("C", "C.UTF-8", "C.utf8", "tr_TR.UTF-8", "tr_TR.utf8", "de_DE.UTF-8")) {
    for (category in categories) {
      set <- suppressWarnings(Sys.setlocale(category, name))
      if (set == "") next
      tried <- tried + 1
      expect_identical(numbers(), reference, info = paste(category, name))
      if (category != "LC_CTYPE") expect_identical(levels_of(), expected, info = paste(category, name))
    }
  }
  expect_gte(tried, 3)
})

# ---- Paths and threads -------------------------------------------------------------------

test_that("counting, sorting and any number of threads give identical results on varied data", {
  with_options <- function(threads, paths, code) {
    old <- options(riskset.threads = threads, riskset.paths = paths)
    on.exit(options(old))
    code()
  }
  same_everywhere <- function(code, info) {
    reference <- with_options(1, NULL, code)
    for (threads in c(1, 4)) {
      for (paths in list(NULL, "sort", "count", c("count", "sort"))) {
        expect_identical(with_options(threads, paths, code), reference,
                         info = paste(info, threads, "threads,", deparse1(paths)))
      }
    }
  }
  for (seed in 1:40) {
    d <- random_trial(seed, n = 80)
    d$whole_time <- ceiling(d$time)
    d$far <- d$whole_time * 1000 # too wide to be counted
    same_everywhere(function() suppressMessages(list(
      risk_table(Surv(time, status) ~ g + strata(h), d, weights = whole),
      risk_table(Surv(whole_time, status) ~ g + strata(h), d, weights = whole),
      risk_table(Surv(entry / 2, time, status) ~ h, d, timefix = FALSE),
      risk_table(Surv(floor(entry / 2), whole_time, status) ~ h, d),
      logrank(Surv(whole_time, status) ~ g + strata(h), d, weights = whole, rho = 0.5),
      logrank(Surv(far, status) ~ g, d, timefix = "survival"),
      km(Surv(whole_time, status) ~ g + h, d, weights = whole),
      screen_logrank(d[c("g", "h", "whole")], d$whole_time, d$status),
      cmh(g == "a" ~ status + strata(h), d),
      screen_crosstab(d[c("g", "whole")], d$status, d$h)
    )), paste("seed", seed))
  }
  same_everywhere(function() answers(210000), "210,000 rows")
})
