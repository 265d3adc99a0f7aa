lung <- survival::lung

random_screen <- function(n, p, levels) {
  list(
    x = matrix(sample(levels, n * p, TRUE), n), time = round(rexp(n), 1),
    status = rbinom(n, 1, 0.6), site = sample(letters[1:3], n, TRUE)
  )
}

alone <- function(x, d, strata = NULL) {
  suppressMessages(vapply(seq_len(ncol(x)), function(j) {
    keep <- !is.na(x[, j])
    logrank(d$time[keep], d$status[keep], x[keep, j], strata[keep])$statistic
  }, 0))
}

test_that("each column's test is the one that logrank() gives alone", {
  set.seed(1)
  for (levels in list(0:1, 1:3, c(0.5, 2, 7))) {
    d <- random_screen(60, 12, levels)
    expect_equal(screen_logrank(d$x, d$time, d$status)$statistic, alone(d$x, d), tolerance = 1e-10)
    expect_equal(screen_logrank(d$x, d$time, d$status, d$site)$statistic, alone(d$x, d, d$site),
                 tolerance = 1e-10)
  }
})

test_that("each column's test is survdiff()'s", {
  set.seed(2)
  d <- random_screen(80, 6, 1:4)
  peer <- vapply(1:6, function(j) {
    survival::survdiff(Surv(d$time, d$status) ~ d$x[, j] + strata(d$site))$chisq
  }, 0)
  ours <- screen_logrank(d$x, d$time, d$status, d$site)
  expect_equal(ours$statistic, peer, tolerance = 1e-10)
  expect_equal(ours$p.value, pchisq(peer, 3, lower.tail = FALSE), tolerance = 1e-10)
  expect_equal(ours$log.p, pchisq(peer, 3, lower.tail = FALSE, log.p = TRUE), tolerance = 1e-10)
  expect_identical(names(ours), c("column", "n", "events", "statistic", "df", "p.value", "log.p",
                                  "reason"))
})

test_that("a missing value drops its subject from its own column only (F01, F32)", {
  set.seed(3)
  d <- random_screen(50, 3, 0:1)
  d$x[1:7, 2] <- NA
  ours <- screen_logrank(d$x, d$time, d$status)
  expect_equal(ours$n, c(50, 43, 50))
  expect_equal(ours$events[2], sum(d$status[-(1:7)]))
  expect_equal(ours$statistic, alone(d$x, d), tolerance = 1e-10)
})

test_that("columns of any kind are taken, and their names kept", {
  frame <- data.frame(sex = lung$sex, old = lung$age > 65, site = factor(lung$inst),
                      text = ifelse(lung$sex == 1, "m", "f"))
  ours <- screen_logrank(frame, lung$time, lung$status)
  expect_identical(ours$column, names(frame))
  expect_equal(ours$statistic[1], ours$statistic[4])
  expect_equal(ours$statistic[3], survival::survdiff(Surv(time, status) ~ inst, lung)$chisq,
               tolerance = 1e-10)
  expect_equal(ours$df, c(1, 1, 17, 1))
})

test_that("columns that cannot be tested are NA with a reason (F20, F27, F29, F33)", {
  x <- cbind(constant = 1, none = NA, good = rep(0:1, 10), many = 1:20)
  ours <- screen_logrank(x[, 1:3], 1:20, rep(1, 20))
  expect_identical(is.na(ours$p.value), c(TRUE, TRUE, FALSE))
  expect_identical(ours$reason, c("one group only", "all values are missing", NA))
  expect_identical(screen_logrank(x[, 3, drop = FALSE], 1:20, rep(0, 20))$reason, "no event")
  wide <- matrix(seq_len(60), 60)
  expect_match(screen_logrank(wide, 1:60, rep(1, 60))$reason, "50 distinct")
  confounded <- screen_logrank(x[, 3, drop = FALSE], 1:20, rep(1, 20), rep(0:1, 10))
  expect_match(confounded$reason, "no event time")
})

test_that("hazard ratios are one-step and P values adjusted on request", {
  ours <- screen_logrank(data.frame(sex = lung$sex), lung$time, lung$status, hazard.ratio = TRUE)
  test <- survival::survdiff(Surv(time, status) ~ sex, lung)
  expect_equal(ours$hazard.ratio.one.step, exp((test$obs[2] - test$exp[2]) / test$var[2, 2]))
  expect_equal(ours$std.err, 1 / sqrt(test$var[2, 2]))
  set.seed(4)
  d <- random_screen(40, 5, 0:1)
  adjusted <- screen_logrank(d$x, d$time, d$status, adjust = "holm")
  expect_equal(adjusted$p.adjusted, p.adjust(adjusted$p.value, "holm"))
})

test_that("simulated trials are tested each with its own times", {
  set.seed(5)
  time <- matrix(rexp(40 * 20), 40)
  status <- matrix(rbinom(40 * 20, 1, 0.7), 40)
  arm <- rep(c("a", "b"), 20)
  peer <- vapply(1:20, function(j) {
    survival::survdiff(Surv(rank(time[, j]), status[, j]) ~ arm)$chisq
  }, 0)
  expect_equal(screen_logrank(arm, time, status)$statistic, peer, tolerance = 1e-10)
  arms <- matrix(sample(c("a", "b"), 800, TRUE), 40)
  peer <- vapply(1:20, function(j) {
    survival::survdiff(Surv(rank(time[, j]), status[, j]) ~ arms[, j] + strata(arm))$chisq
  }, 0)
  expect_equal(screen_logrank(arms, time, status, arm)$statistic, peer, tolerance = 1e-10)
})

test_that("results do not depend on the number of threads (F61)", {
  set.seed(6)
  d <- random_screen(500, 500, 0:2) # 250,000 values: enough to be shared
  old <- options(riskset.threads = 1)
  on.exit(options(old))
  one <- screen_logrank(d$x, d$time, d$status)
  options(riskset.threads = 2)
  expect_identical(screen_logrank(d$x, d$time, d$status), one)
})

test_that("bad input is refused by name (F05, F16, F22)", {
  refused <- function(kind, ...) {
    expect_error(screen_logrank(...), class = paste0("riskset_error_", kind))
  }
  refused("argument", 1:3, 1:3, 1:3)
  refused("length", matrix(0, 3, 2), 1:4, c(1, 1, 0, 1))
  refused("time", matrix(0:1, 2, 2), c(-1, 2), c(1, 1))
  refused("status", matrix(0:1, 2, 2), c(1, 2), c(1, 7))
  refused("argument", matrix(0:1, 2, 2), c(1, 2), c(1, 1), hazard.ratio = NA)
  refused("argument", matrix(0:1, 2, 2), c(1, 2), c(1, 1), adjust = "none of these")
  trial <- matrix(1:6, 3)
  refused("length", 1:3, trial, matrix(1, 2, 2))
  refused("length", 1:2, trial, trial > 2)
  refused("group", rep(1, 3), trial, trial > 2)
  refused("time", 1:3, -trial, trial > 2)
  expect_error(screen_logrank(1:3, -trial, trial > 2), "column 1, row 1")
  refused("status", 1:3, trial, matrix(c(0, 1, 7, 1, 0, 1), 3))
  refused("status", 1:3, trial, matrix(c(0, 1, 0.5, 1, 0, 1), 3))
})

test_that("a screen that shows its progress gives the same answer, part by part", {
  skip_if_not_installed("cli")
  set.seed(41)
  n <- 60
  markers <- matrix(sample(c(0:2, NA), n * 25, TRUE), n, dimnames = list(NULL, paste0("m", 1:25)))
  time <- ceiling(rexp(n, 0.05))
  status <- rbinom(n, 1, 0.6)
  trials <- matrix(rexp(n * 12), n)
  died <- matrix(rbinom(n * 12, 1, 0.5), n)
  arms <- matrix(sample(1:2, n * 12, TRUE), n)
  answers <- function() {
    list(screen_logrank(markers, time, status),
         screen_logrank(as.data.frame(markers), time, status, rep(1:3, 20)),
         screen_logrank(rep(1:2, n / 2), trials, died), screen_logrank(arms, trials, died),
         screen_crosstab(markers, status), screen_crosstab(as.data.frame(markers), status, test = "trend"))
  }
  silent <- answers()
  old <- options(riskset.progress = TRUE, cli.progress_handlers_force = "logger")
  on.exit(options(old))
  shown <- capture.output(with_progress <- answers())
  expect_identical(with_progress, silent)
  expect_length(grep("created", shown), 6)
  bad <- replace(trials, cbind(7, 11), -1)
  expect_error(capture.output(screen_logrank(arms, bad, died)), "column 11, row 7",
               class = "riskset_error_time")
  options(riskset.progress = "yes")
  expect_error(screen_logrank(markers, time, status), "riskset.progress", class = "riskset_error_argument")
})

test_that("a screen records the rule for ties and how many distinct times it merged", {
  time <- c(0.1 + 0.2, 0.3, 3:10)
  x <- cbind(rep(1:2, 5), rep(1:2, each = 5))
  screen <- screen_logrank(x, time, rep(1, 10))
  expect_true(attr(screen, "timefix"))
  expect_identical(attr(screen, "merged"), 1)
  expect_identical(attr(screen_logrank(x, time, rep(1, 10), timefix = FALSE), "merged"), 0)
  trials <- screen_logrank(rep(1:2, 5), cbind(time, time, 1:10), matrix(1, 10, 3))
  expect_identical(attr(trials, "merged"), 2)
})

test_that("numbers that differ by rounding are one group, as in logrank()", {
  x <- c(0.3, 0.1 + 0.2, 1, 0.3, 1, 0.1 + 0.2)
  died <- c(1, 1, 0, 1, 1, 1)
  for (column in list(x, -x, rev(x), x * 1e-300, c(x[1:5], 7), rep(x[1:2], 3))) {
    screen <- screen_logrank(cbind(column), 1:6, died, hazard.ratio = TRUE)
    if (length(unique(as.character(column))) < 2) {
      expect_identical(screen$reason, "one group only")
      next
    }
    test <- logrank(1:6, died, column)
    expect_identical(screen$df, test$parameter[["df"]])
    expect_equal(screen$statistic, test$statistic[[1]], tolerance = 1e-12)
    if (screen$df > 1) next
    o_e <- (test$observed - test$expected)[[2]]
    expect_equal(screen$hazard.ratio.one.step, exp(o_e / test$variance[2, 2]), tolerance = 1e-12)
  }
})

test_that("a trial of two groups has a hazard ratio whatever groups others have", {
  trials <- screen_logrank(c(1, 1, 2, 2, 3), cbind(c(1, 2, 3, 4, NA), c(NA, NA, 1, 2, 3), 1:5),
                           matrix(1, 5, 3), hazard.ratio = TRUE)
  ratio <- function(groups, time) {
    screen_logrank(cbind(groups), time, rep(1, length(time)), hazard.ratio = TRUE)$hazard.ratio.one.step
  }
  wanted <- c(ratio(c(1, 1, 2, 2), 1:4), ratio(c(2, 2, 3), 1:3), NA)
  expect_equal(trials$hazard.ratio.one.step, wanted, tolerance = 1e-12)
})

test_that("a value of a subject without a time changes no bit of its column", {
  for (seed in 1:30) {
    set.seed(seed)
    time <- c(rexp(400), NA)
    status <- rbinom(401, 1, 0.5)
    two <- c(sample(0:1, 400, TRUE), 0)
    stray <- replace(two, 401, 2)
    columns <- data.frame(two, stray, as.integer(two), as.integer(stray))
    statistic <- screen_logrank(columns, time, status)$statistic
    expect_identical(statistic, rep(statistic[1], 4))
  }
})
