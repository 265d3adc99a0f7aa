# The benchmark: ours and the peers on the same data in the same process, compared before they
# are timed. Rscript bench/bench.R [--size 1e7] [--rows pattern] [--out bench/results.md]
# [--keep FILE: the rows as they are] [--after FILE: rows kept by an earlier run, to be added]
# Libraries are those of R_LIBS; a peer that is not there is skipped by name.
# A child measures memory: --memory CALL --data FILE prints the peak of that one call.

library(survival)
library(riskset)

arguments <- commandArgs(TRUE)
option <- function(name, default) {
  at <- match(paste0("--", name), arguments)
  if (is.na(at)) default else arguments[at + 1L]
}
size <- as.numeric(option("size", "1e7"))
pattern <- option("rows", "")
results <- list()
memory <- list()

# ---- Measuring --------------------------------------------------------------------------

has <- function(package) requireNamespace(package, quietly = TRUE)

# Least of up to `times` runs; a slow call is run once.
seconds <- function(f, times = 3L) {
  best <- Inf
  for (i in seq_len(times)) {
    gc(FALSE)
    best <- min(best, system.time(f(), gcFirst = FALSE)[["elapsed"]])
    if (best > 5) break
  }
  if (best >= 0.05) return(best)
  repeats <- max(2, ceiling(0.2 / max(best, 1e-6)))
  if (best < 1e-3) repeats <- 2000
  min(vapply(1:3, function(i) {
    system.time(for (j in seq_len(repeats)) f(), gcFirst = FALSE)[["elapsed"]] / repeats
  }, 0))
}

# Keeps one line of the table and shows it.
record <- function(work, n, peer, peer_s, ours_s, goal, floor = NA) {
  # Those of survival and stats grow faster than we do: their goals are for 1e7 rows, or a small call.
  if (n %in% 1e6 && grepl("^(survival::|table)", peer)) goal <- "-"
  if (grepl("surv(fit|diff)", peer)) peer <- paste(peer, utils::packageVersion("survival"))
  results[[length(results) + 1L]] <<- data.frame(
    work = work, n = n, peer = peer, peer_s = peer_s, ours_s = ours_s, ratio = peer_s / ours_s,
    goal = goal, rows_s = n / ours_s, floor_ratio = ours_s / floor
  )
  cat(sprintf("%-46s %-24s %10.5f s %10.6f s %8.1f  (goal %s)\n", work, peer, peer_s, ours_s,
              peer_s / ours_s, goal))
}

# One row: `agree` is called on both results first and must be TRUE.
row <- function(work, n, ours, peer, peer_name, goal, agree, floor = NA, times = 3L) {
  if (!grepl(pattern, work) && !grepl(pattern, peer_name)) return(invisible())
  verdict <- tryCatch(agree(ours(), peer()), error = function(e) conditionMessage(e))
  if (!isTRUE(verdict)) {
    stop(sprintf("%s, %s: results differ: %s", work, peer_name, paste(verdict, collapse = "; ")))
  }
  own <- seconds(ours, times)
  record(work, n, peer_name, seconds(peer, times), own, goal, floor)
}

skip <- function(package) cat("skipped:", package, "is not installed\n")

close_to <- function(a, b, tolerance = 1e-7) all.equal(a, b, tolerance = tolerance, check.attributes = FALSE)

# The memory-bandwidth floor: reading the same columns once.
sum_floor <- function(...) {
  columns <- list(...)
  seconds(function() for (x in columns) sum(x))
}

# ---- Data -------------------------------------------------------------------------------

make_data <- function(n) {
  set.seed(20)
  d <- data.frame(
    days = sample.int(3650L, n, TRUE), time = rexp(n, 1 / 1000), status = rbinom(n, 1, 0.6),
    arm = factor(sample(c("a", "b"), n, TRUE)), weight = sample.int(3L, n, TRUE),
    site = factor(sample.int(1000L, n, TRUE)), site50 = factor(sample.int(50L, n, TRUE)),
    outcome = factor(sample(c("no", "yes"), n, TRUE)),
    exposure = factor(sample(c("no", "yes"), n, TRUE))
  )
  d$months <- d$days / 30.4375
  d$entry <- d$days * runif(n) * 0.9
  d$entry_day <- floor(d$entry)
  d$arm01 <- as.integer(d$arm) - 1L
  d
}

same_curve <- function(a, b) {
  parts <- c("time", "n.risk", "n.event", "n.censor", "surv", "std.err", "lower", "upper")
  close_to(unclass(a)[parts], unclass(b)[parts])
}
same_chisq <- function(a, b) close_to(unname(a$statistic), b$chisq)

# ---- Large rows -------------------------------------------------------------------------

bench_km <- function(d) {
  n <- nrow(d)
  floor_days <- sum_floor(d$days, d$status, unclass(d$arm))
  floor_time <- sum_floor(d$time, d$status, unclass(d$arm))
  row("km, whole days", n, function() km(Surv(days, status) ~ arm, d),
      function() survfit(Surv(days, status) ~ arm, d), "survival::survfit", ">= 400", same_curve, floor_days)
  row("km, continuous", n, function() km(Surv(time, status) ~ arm, d, timefix = FALSE),
      function() survfit(Surv(time, status) ~ arm, d, timefix = FALSE), "survival::survfit", ">= 60",
      same_curve, floor_time)
  row("km, months (days / 30.4375)", n, function() km(Surv(months, status) ~ arm, d),
      function() survfit(Surv(months, status) ~ arm, d), "survival::survfit", "-", same_curve)
  row("km, whole case weights", n, function() km(Surv(days, status) ~ arm, d, weights = weight),
      function() survfit(Surv(days, status) ~ arm, d, weights = weight), "survival::survfit", ">= 50",
      same_curve)
  row("km, entry times", n, function() km(Surv(entry, days, status) ~ arm, d, timefix = FALSE),
      function() survfit(Surv(entry, days, status) ~ arm, d, timefix = FALSE), "survival::survfit", ">= 50",
      same_curve)
  row("km, entry in whole days", n, function() km(Surv(entry_day, days, status) ~ arm, d),
      function() survfit(Surv(entry_day, days, status) ~ arm, d), "survival::survfit", ">= 50", same_curve)
  if (has("data.table")) {
    row("km, whole days", n, function() km(Surv(days, status) ~ arm, d),
        function() by_hand(d, "days"), "data.table by hand", ">= 8", same_surv, floor_days)
    row("km, continuous", n, function() km(Surv(time, status) ~ arm, d),
        function() by_hand(d, "time"), "data.table by hand", ">= 1.5", same_surv, floor_time)
  } else skip("data.table")
  if (has("collapse")) {
    row("km, whole days", n, function() km(Surv(days, status) ~ arm, d),
        function() by_collapse(d, "days"), "collapse by hand", "-", same_surv, floor_days)
  } else skip("collapse")
}

# Two more that people use; both too slow for the largest size.
bench_others <- function(d) {
  if (nrow(d) > 1e6) return(invisible())
  if (has("prodlim")) {
    row("km, continuous", nrow(d), function() km(Surv(time, status) ~ arm, d),
        function() prodlim::prodlim(prodlim::Hist(time, status) ~ arm, data = d), "prodlim", "-",
        function(a, b) close_to(a$surv, b$surv))
  } else skip("prodlim")
  if (has("coin")) {
    some <- d[seq_len(min(nrow(d), 20000L)), ]
    # Its variance is that of the permutations: only close.
    row("logrank, continuous, 20,000 rows", nrow(some), function() logrank(Surv(time, status) ~ arm, some),
        function() coin::logrank_test(Surv(time, status) ~ arm, some), "coin", "-",
        function(a, b) close_to(unname(a$statistic), coin::statistic(b)^2, 0.05))
  } else skip("coin")
}

# What a fast R user writes: a grouped count, then a cumulative product.
by_hand <- function(d, time) {
  dt <- data.table::as.data.table(unclass(d)[c(time, "status", "arm")])
  data.table::setnames(dt, 1L, "t")
  counts <- dt[, list(d = sum(status), m = .N), keyby = list(arm, t)]
  counts[, n := rev(cumsum(rev(m))), by = arm]
  counts[, surv := cumprod(1 - d / n), by = arm]
  counts$surv
}

by_collapse <- function(d, time) {
  g <- collapse::GRP(d[c("arm", time)], sort = TRUE)
  events <- collapse::fsum(as.double(d$status), g, use.g.names = FALSE)
  n <- as.double(g$group.sizes)
  arm <- as.integer(g$groups$arm)
  risk <- rev(collapse::fcumsum(rev(n), rev(arm)))
  unlist(lapply(split(1 - events / risk, arm), cumprod), use.names = FALSE)
}
.datatable.aware <- TRUE
same_surv <- function(a, b) close_to(a$surv, b)

bench_logrank <- function(d) {
  n <- nrow(d)
  d$rank <- rank(d$time)
  floor_days <- sum_floor(d$days, d$status, unclass(d$arm))
  floor_time <- sum_floor(d$time, d$status, unclass(d$arm))
  row("logrank, whole days", n, function() logrank(Surv(days, status) ~ arm, d),
      function() survdiff(Surv(days, status) ~ arm, d), "survival::survdiff", ">= 400", same_chisq,
      floor_days)
  # survdiff() merges times that differ; on their ranks it does not.
  row("logrank, continuous", n, function() logrank(Surv(time, status) ~ arm, d),
      function() survdiff(Surv(rank, status) ~ arm, d), "survival::survdiff", ">= 150", same_chisq,
      floor_time)
  row("logrank, months (days / 30.4375)", n, function() logrank(Surv(months, status) ~ arm, d),
      function() survdiff(Surv(months, status) ~ arm, d), "survival::survdiff", "-", same_chisq)
  row("logrank, 1,000 strata, days", n, function() logrank(Surv(days, status) ~ arm + strata(site), d),
      function() survdiff(Surv(days, status) ~ arm + strata(site), d), "survival::survdiff", ">= 100",
      same_chisq)
}

bench_fast <- function(d) {
  if (!has("FastSurvival")) return(skip("FastSurvival"))
  fast <- FastSurvival::survdiff_fast
  same_z <- function(a, b) close_to(unname(a$statistic), fast_chisq(b))
  n <- nrow(d)
  row("logrank, whole days", n, function() logrank(d$days, d$status, d$arm),
      function() fast(d$days, d$status, d$arm01, 0), "FastSurvival", ">= 25", same_z)
  row("logrank, continuous", n, function() logrank(d$time, d$status, d$arm),
      function() fast(d$time, d$status, d$arm01, 0), "FastSurvival", ">= 4", same_z)
  row("logrank, 1,000 strata, days", n, function() logrank(d$days, d$status, d$arm, d$site),
      function() fast(d$days, d$status, d$arm01, 0, strata = d$site), "FastSurvival", ">= 15", same_z)
  row("logrank, continuous FH(0,1)", n, function() logrank(d$time, d$status, d$arm, gamma = 1),
      function() fast(d$time, d$status, d$arm01, 0, weight = "fh", rho = 0, gamma = 1), "FastSurvival",
      ">= 5", same_z)
}
fast_chisq <- function(b) as.numeric(b)

bench_lrstat <- function(d) {
  if (!has("lrstat")) return(skip("lrstat"))
  if (nrow(d) > 1e6) return(cat("skipped: lrstat above 1e6 rows\n"))
  lr <- function(...) lrstat::lrtest(d, treat = "arm01", event = "status", ...)
  same_z <- function(a, b) close_to(unname(a$statistic), b$logRankZ^2)
  n <- nrow(d)
  row("logrank, whole days", n, function() logrank(Surv(days, status) ~ arm, d),
      function() lr(time = "days"), "lrstat", ">= 30", same_z)
  row("logrank, continuous", n, function() logrank(Surv(time, status) ~ arm, d),
      function() lr(time = "time"), "lrstat", ">= 5", same_z)
  row("logrank, 50 strata, FH(0,1)", n,
      function() logrank(Surv(days, status) ~ arm + strata(site50), d, gamma = 1),
      function() lr(time = "days", stratum = "site50", rho2 = 1), "lrstat", ">= 20", same_z)
  # Its weights are sampling weights: another variance, so only the work is compared.
  row("logrank, case weights", n, function() logrank(Surv(days, status) ~ arm, d, weights = weight),
      function() lr(time = "days", weight = "weight"), "lrstat", ">= 5", function(a, b) TRUE)
  row("logrank, entry times", n, function() logrank(Surv(entry, days, status) ~ arm, d),
      function() lr(time = "entry", time2 = "days"), "lrstat", ">= 5", same_z)
}

bench_tables <- function(d) {
  n <- nrow(d)
  row("cmh, 2 x 2 x 1000 from rows", n, function() cmh(outcome ~ exposure + strata(site), d),
      function() mantelhaen.test(1 * table(d$exposure, d$outcome, d$site)), "table + mantelhaen.test",
      ">= 30", function(a, b) close_to(a$statistic, b$statistic))
  row("crosstab from rows", n, function() crosstab(outcome ~ exposure, d),
      function() chisq.test(table(d$exposure, d$outcome), correct = FALSE), "table + chisq.test", ">= 30",
      function(a, b) close_to(as.data.frame(a)$statistic[1L], unname(b$statistic)))
}

# ---- Screens, trials and small calls ------------------------------------------------------

# A peer in a loop over all columns would take minutes: the first `some` are timed and scaled.
row_loop <- function(work, columns, some, ours, one, peer_name, goal, agree) {
  if (!grepl(pattern, work) && !grepl(pattern, peer_name)) return(invisible())
  all <- ours()
  few <- vapply(seq_len(min(some, 20L)), one, 0)
  verdict <- agree(all$statistic[seq_along(few)], few)
  if (!isTRUE(verdict)) stop(work, ": results differ: ", verdict)
  other <- seconds(function() for (j in seq_len(some)) one(j), 1L) * columns / some
  record(work, columns, peer_name, other, seconds(ours), goal)
}

bench_screens <- function() {
  set.seed(21)
  n <- 500L
  p <- 20000L
  x <- matrix(sample(0:1, n * p, TRUE), n)
  time <- ceiling(rexp(n, 1 / 500))
  status <- rbinom(n, 1, 0.6)
  site <- sample.int(5L, n, TRUE)
  row_loop("screen_logrank, 20,000 columns, n = 500", p, 500L, function() screen_logrank(x, time, status),
           function(j) survdiff(Surv(time, status) ~ x[, j])$chisq, "survdiff in a loop", ">= 300", close_to)
  row_loop("screen_logrank, the same, 5 strata", p, 500L, function() screen_logrank(x, time, status, site),
           function(j) survdiff(Surv(time, status) ~ x[, j] + strata(site))$chisq, "survdiff in a loop",
           ">= 300", close_to)
  n <- 1000L
  p <- 100000L
  x <- matrix(rbinom(n * p, 2, 0.3), n)
  y <- rbinom(n, 1, 0.4)
  quiet <- function(x, y) suppressWarnings(chisq.test(x, y, correct = FALSE)$statistic)
  row_loop("screen_crosstab, 100,000 columns, n = 1,000", p, 500L, function() screen_crosstab(x, y),
           function(j) quiet(x[, j], y), "chisq.test in a loop", ">= 200", close_to)
  row_loop("screen_crosstab, the same, trend", p, 500L, function() screen_crosstab(x, y, test = "trend"),
           function(j) (n - 1) * cor(x[, j], y)^2 + 0 * quiet(x[, j], y), "chisq.test in a loop", ">= 200",
           close_to)
}

bench_trials <- function() {
  set.seed(22)
  n <- 300L
  m <- 10000L
  time <- matrix(rexp(n * m), n)
  status <- matrix(rbinom(n * m, 1, 0.7), n)
  arm <- rep(0:1, n / 2)
  ours <- function() screen_logrank(arm, time, status)
  row_loop("simulated trials, 10,000 x 300", m, 500L, ours,
           function(j) survdiff(Surv(rank(time[, j]), status[, j]) ~ arm)$chisq, "survdiff in a loop",
           ">= 200", close_to)
  if (has("FastSurvival")) {
    row_loop("simulated trials, 10,000 x 300", m, 2000L, ours,
             function(j) fast_chisq(FastSurvival::survdiff_fast(time[, j], status[, j], arm, 0)),
             "FastSurvival in a loop", ">= 10", close_to)
  } else skip("FastSurvival")
}

bench_small <- function() {
  set.seed(23)
  time <- rexp(300)
  status <- rbinom(300, 1, 0.7)
  arm <- rep(0:1, 150)
  row("vectors, n = 300", 300, function() logrank(time, status, arm),
      function() survdiff(Surv(time, status) ~ arm), "survival::survdiff", ">= 25", same_chisq)
  if (has("FastSurvival")) {
    row("vectors, n = 300", 300, function() logrank(time, status, arm),
        function() FastSurvival::survdiff_fast(time, status, arm, 0), "FastSurvival", ">= 1",
        function(a, b) close_to(unname(a$statistic), fast_chisq(b)))
  } else skip("FastSurvival")
  row("km, 228 patients", 228, function() km(Surv(time, status) ~ sex, lung),
      function() survfit(Surv(time, status) ~ sex, lung), "survival::survfit", ">= 6", same_curve)
  row("logrank, 228 patients", 228, function() logrank(Surv(time, status) ~ sex, lung),
      function() survdiff(Surv(time, status) ~ sex, lung), "survival::survdiff", ">= 6", same_chisq)
  admissions <- aperm(UCBAdmissions, c(2, 1, 3))
  row("cmh, 2 x 2 x 6", 6, function() cmh(admissions), function() mantelhaen.test(admissions),
      "mantelhaen.test", ">= 6", function(a, b) close_to(a$statistic, b$statistic))
}

# library(riskset) beside library(survival), each in fresh processes.
bench_start <- function() {
  if (!grepl(pattern, "library")) return(invisible())
  start <- function(package) {
    code <- sprintf("t <- proc.time()[[3]]; suppressMessages(library(%s)); cat(proc.time()[[3]] - t)",
                    package)
    min(vapply(1:7, function(i) {
      as.numeric(system2(file.path(R.home("bin"), "Rscript"), c("-e", shQuote(code)), stdout = TRUE))
    }, 0))
  }
  record("library(riskset)", NA, "library(survival)", start("survival"), start("riskset"), ">= 0.83")
}

# How time grows with rows.
bench_growth <- function(sizes) {
  if (!grepl(pattern, "growth")) return(invisible())
  taken <- vapply(sizes, function(n) {
    set.seed(24)
    d <- data.frame(days = sample.int(3650L, n, TRUE), status = sample(0:1, n, TRUE),
                    arm = factor(sample(c("a", "b"), n, TRUE)))
    seconds(function() logrank(Surv(days, status) ~ arm, d))
  }, 0)
  # Here the peer is the same call on a tenth of the rows: the ratio is at least 1 / 11.
  for (i in seq_along(sizes)[-1L]) {
    record("growth, logrank, whole days", sizes[i], "a tenth of the rows", taken[i - 1L], taken[i],
           ">= 0.091")
  }
}

# ---- Memory -------------------------------------------------------------------------------

# What is measured, each in a process of its own: the time that its data have, and the call.
memory_calls <- list(
  "km, whole days" = list("days", function(d) km(Surv(days, status) ~ arm, d)),
  "km, continuous" = list("time", function(d) km(Surv(time, status) ~ arm, d, timefix = FALSE)),
  "logrank, whole days" = list("days", function(d) logrank(Surv(days, status) ~ arm, d)),
  "logrank, continuous" = list("time", function(d) logrank(Surv(time, status) ~ arm, d)),
  "survfit, whole days" = list("days", function(d) survfit(Surv(days, status) ~ arm, d))
)
memory_goal <- 64 # MB over the data, for whole days and 1e7 rows

# In the child. What the calls load is loaded first, by calls on few rows. Then the data are read, and
# given to the call or, for "none", looked through in place (but for the factor: anyNA() copies it).
print_peak <- function(name, file) {
  call <- if (name == "none") function(d) vapply(d[1:2], anyNA, NA) else memory_calls[[name]][[2L]]
  for (one in memory_calls) one[[2L]](make_data(1000L))
  gc(FALSE)
  d <- readRDS(file)
  call(d)
  peak <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
  cat("peak", gsub("[^0-9]", "", peak), "\n")
}

# MB, of a new process.
peak_memory <- function(name, file) {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  said <- system2(file.path(R.home("bin"), "Rscript"),
                  shQuote(c(script, "--memory", name, "--data", file)), stdout = TRUE)
  as.numeric(sub("peak ", "", grep("^peak", said, value = TRUE))) / 1024
}

bench_memory <- function(n) {
  if (!grepl(pattern, "memory")) return(invisible())
  if (!any(grepl("^VmHWM", tryCatch(readLines("/proc/self/status"), condition = function(e) "")))) {
    return(cat("skipped: memory, which this system does not tell\n"))
  }
  files <- c(days = tempfile(), time = tempfile())
  on.exit(unlink(files))
  d <- make_data(n)
  for (time in names(files)) saveRDS(d[c(time, "status", "arm")], files[[time]], compress = FALSE)
  data_mb <- file.size(files) / 2^20
  names(data_mb) <- names(files)
  rm(d)
  gc(FALSE)
  before <- vapply(files, peak_memory, 0, name = "none")
  for (name in names(memory_calls)) {
    time <- memory_calls[[name]][[1L]]
    extra <- peak_memory(name, files[[time]]) - before[[time]]
    has_goal <- n == 1e7 && time == "days" && !startsWith(name, "survfit")
    goal <- if (has_goal) paste("<=", memory_goal) else "-"
    memory[[length(memory) + 1L]] <<- data.frame(
      call = name, n = n, data_mb = data_mb[[time]], extra_mb = extra, goal = goal
    )
    cat(sprintf("memory: %-38s %10.1f MB over %.0f MB of data (goal %s)\n", name, extra, data_mb[[time]],
                goal))
  }
}

# ---- All, and the table -------------------------------------------------------------------

# "yes", "no", or nothing where there is no goal: ">= 5" or "<= 5".
met <- function(value, goal) {
  bound <- suppressWarnings(as.numeric(sub("^[<>]= ", "", goal)))
  verdict <- (startsWith(goal, ">=") & value >= bound) | (startsWith(goal, "<=") & value <= bound)
  ifelse(goal == "-", "", ifelse(verdict, "yes", "no"))
}

table_lines <- function(...) {
  cells <- cbind(...)
  lines <- apply(cells, 1L, paste, collapse = " | ")
  c(paste0("| ", paste(colnames(cells), collapse = " | "), " |"),
    paste0("|", strrep("---|", ncol(cells))), paste0("| ", lines, " |"))
}

# Versions, those of survival being the installed one and those that the peers' names end in.
versions_line <- function(peers) {
  packages <- Filter(has, c("FastSurvival", "lrstat", "data.table", "collapse", "prodlim", "coin"))
  version <- function(package) as.character(utils::packageVersion(package))
  named <- sub(".* ", "", grep("surv(fit|diff)", peers, value = TRUE))
  survival <- paste("survival", paste(unique(c(version("survival"), named)), collapse = " and "))
  packages <- paste(packages, vapply(packages, version, ""))
  paste0(R.version.string, "; ",
         paste(c(paste("riskset", version("riskset")), survival, packages), collapse = ", "),
         ". `make bench` makes this page.")
}

time_legend <- c(
  "Each row is one call of riskset and the same work by a peer, on the same data, in the same process. Both",
  "are called once before they are timed, and their results compared: they agree to 1e-7, relative. (Peers",
  "in a loop: on the first 20 columns. coin, whose variance is another: to 5 %. Not compared: lrstat with",
  "case weights, whose variance is another too, `library()` and growth.)", "",
  "- **n**: rows of the data. For screens and trials the number of tests (columns of the matrix), for the",
  "  2 x 2 x 6 table its strata.",
  "- **peer**: what riskset is compared with, survival with its version. \"By hand\" is what a user of that",
  "  package would write; it is in `bench/bench.R`. For growth, the same call on a tenth of the rows.",
  "- **peer, s** and **ours, s**: seconds. The least of three runs; of a call above 5 s, one run; below",
  "  0.05 s, the mean of many calls in a row, least of three such means. `library()` is the least of seven",
  "  new processes. A peer in a loop is timed once, on the first 500 columns (FastSurvival 2,000), and",
  "  scaled to all.",
  "- **peer / ours**: how many times faster we are.",
  "- **goal**: the least \"peer / ours\" aimed at; `-` where there is none. Beside survival and stats it is",
  "  for 1e7 rows or a small call. For growth it is 1 / 11: ten times the rows may take eleven times as",
  "  long.",
  "- **met**: whether \"peer / ours\" reaches the goal.",
  "- **rows/s**: n over our seconds: rows per second, for screens and trials tests, for the 2 x 2 x 6 table",
  "  strata.",
  "- **ours / sum()**: our time over that of `sum()` of the same three columns, which is about the time to",
  "  read them. Blank where it was not measured.", ""
)

memory_legend <- c(
  "", "## Extra memory", "",
  "The peak of a call over the data, in MB (2^20 bytes). Each call runs in a new R process that reads the",
  "data and does nothing else. **over the data** is the peak of that process (`VmHWM`) less the peak of one",
  "that reads the same data and makes no such call. **data** is the size of the three columns. **goal** is",
  "for whole days and 1e7 rows; `-` where there is none.", ""
)

write_results <- function(file, keep, after) {
  all <- do.call(rbind, results)
  if (nzchar(keep)) saveRDS(all, keep)
  if (!nzchar(file)) return(invisible())
  if (nzchar(after) && file.exists(after)) all <- rbind(all, readRDS(after))
  number <- function(x, digits = 3) ifelse(is.na(x), "", trimws(formatC(x, digits = digits, format = "g")))
  size <- function(x) ifelse(is.na(x) | x >= 1e5, number(x), number(x, 5))
  verdicts <- character()
  times <- extra <- NULL
  if (length(all) > 0L) {
    all <- all[order(match(all$work, unique(all$work)), all$n, method = "radix"), ]
    verdicts <- met(all$ratio, all$goal)
    times <- table_lines(
      work = all$work, n = size(all$n), peer = all$peer, `peer, s` = number(all$peer_s),
      `ours, s` = number(all$ours_s), `peer / ours` = number(all$ratio), goal = all$goal, met = verdicts,
      `rows/s` = number(all$rows_s), `ours / sum()` = number(all$floor_ratio)
    )
  }
  if (length(memory) > 0L) {
    used <- do.call(rbind, memory)
    kept <- met(used$extra_mb, used$goal)
    verdicts <- c(verdicts, kept)
    extra <- c(memory_legend, table_lines(
      call = used$call, n = size(used$n), data = sprintf("%.0f", used$data_mb),
      `over the data` = sprintf("%.0f", pmax(0, used$extra_mb)), goal = used$goal, met = kept
    ))
  }
  writeLines(c(
    "# Benchmark", "", versions_line(all$peer), "",
    sprintf("%d of %d goals are met. On %d cores, threads at their default.", sum(verdicts == "yes"),
            sum(verdicts != ""), parallel::detectCores()), "",
    time_legend, times, extra
  ), file)
}

main <- function() {
  if (nzchar(option("memory", ""))) return(print_peak(option("memory", ""), option("data", "")))
  bench_small()
  bench_start()
  bench_screens()
  bench_trials()
  sizes <- unique(c(min(size, 1e6), size))
  for (n in sizes) {
    d <- make_data(n)
    bench_km(d)
    bench_others(d)
    bench_logrank(d)
    bench_fast(d)
    bench_lrstat(d)
    bench_tables(d)
    rm(d)
    gc(FALSE)
  }
  bench_memory(size)
  bench_growth(size * c(0.1, 1, 10))
  write_results(option("out", ""), option("keep", ""), option("after", ""))
}

main()
