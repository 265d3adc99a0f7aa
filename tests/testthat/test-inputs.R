# What the verbs accept and refuse. Each refusal is tried through the doors that have it, for
# each of the three verbs; the texts are snapshots at the end.

t <- c(5, 3, 8, 2, 9, 4)
s <- c(1, 0, 1, 1, 0, 1)
g <- c("a", "b", "a", "b", "a", "b")
verbs <- list(km, logrank, risk_table)

# Refused as vectors and in a formula, by each verb.
refused <- function(message, kind, time = t, status = s, group = g, weights = NULL) {
  for (f in verbs) {
    expect_refused(f(time, status, group, weights = weights), message, kind)
    expect_refused(f(Surv(time, status) ~ group, weights = weights), message, kind)
  }
}

# ---- Lengths ----------------------------------------------------------------------------

test_that("lengths that differ are refused, with both", {
  refused("`status` has length 6 but `time` has length 5; they must be equal", "length", time = t[-1])
  refused("`status` has length 5 but `time` has length 6", "length", status = s[-1])
  refused("`group` has length 5 but `time` has length 6", "length", group = g[-1])
  refused("`weights` has length 1 but `time` has length 6", "length", weights = 1)
  for (f in verbs) {
    expect_refused(f(t, s, g, strata = g[-1]), "`strata` has length 5", "length")
    expect_refused(f(t, s, g, entry = 1), "`entry` has length 1", "length")
    expect_refused(f(Surv(0, t, s) ~ g), "`entry` has length 1", "length")
    arm <- g[-1]
    expect_refused(f(Surv(t, s) ~ arm), "`arm` has length 5", "length")
    expect_refused(f(Surv(t, s) ~ g + strata(arm)), "`strata\\(arm\\)` has length 5", "length")
  }
})

test_that("a column that is too short is refused within a subset too", {
  d <- data.frame(t, s, g)
  short <- 1:3
  for (f in verbs) {
    expect_refused(f(Surv(t, s) ~ g, d, weights = short, subset = 1:3), "`weights` has length 3", "length")
    expect_refused(f(Surv(t, short) ~ g, d, subset = 1:3), "`status` has length 3", "length")
    expect_refused(f(Surv(t, s) ~ short, d, subset = 1:3), "`short` has length 3", "length")
  }
})

# ---- Times ------------------------------------------------------------------------------

test_that("times must be numbers", {
  for (bad in list(as.character(t), factor(t), as.Date("2020-01-01") + t, Sys.time() + t, t + 0i, t > 4, matrix(t))) {
    refused("`time` must be a numeric vector, not", "time", time = bad)
  }
  for (f in verbs) {
    expect_refused(f(NULL, s, g), "`time` must be a numeric vector, not NULL", "time")
    expect_refused(f(Surv(as.list(t), s) ~ g), "`time` must be a numeric vector, not list", "time")
    expect_error(f(t, s, g, entry = "a"), "`entry` must be a numeric vector", class = "riskset_error")
  }
})

test_that("times must not be negative, nor infinite but for a censored +Inf", {
  refused("`time` must not be negative, but row 2 is -1$", "time", time = replace(t, 2, -1))
  refused("but row 2 is -1e-300 \\(and 1 more\\)", "time", time = replace(t, 2:3, -1e-300))
  refused("`time` must be finite, but row 6 is -Inf", "time", time = replace(t, 6, -Inf))
  refused("`time` must be finite where there is an event, but row 1 is Inf", "time", time = replace(t, 1, Inf))
  expect_identical(km(replace(t, 2, Inf), s)$n.risk[6], 1)
  expect_identical(km(replace(t, 2, -0), s)$time[1], 0)
})

test_that("the row that is named is that of the data, not of the subset", {
  d <- data.frame(t = replace(t, 6, -1), s, g)
  for (f in verbs) {
    expect_refused(f(Surv(t, s) ~ g, d, subset = 3:6), "row 6 is -1", "time")
    expect_refused(f(Surv(t, s) ~ g, d, subset = t != 8), "row 6 is -1", "time")
    expect_refused(f(Surv(t, s) ~ g, d, subset = c(TRUE, NA, NA, TRUE, NA, TRUE)), "row 6 is -1", "time")
  }
  expect_identical(sum(km(Surv(t, s) ~ g, d, subset = 1:5)$n), 5L)
})

test_that("an entry must be before its time", {
  for (entry in list(t, t + 1, replace(t - 1, 3, 8))) {
    for (f in verbs) {
      expect_refused(f(t, s, g, entry = entry), "`entry` must be less than `time`, but row", "entry")
      expect_refused(f(Surv(entry, t, s) ~ g), "`entry` must be less than `time`, but row", "entry")
    }
  }
  expect_refused(km(t, s, entry = t - 10), "`entry` must not be negative, but row 1 is -5", "entry")
  expect_refused(km(t, s, entry = replace(t - 1, 2, -Inf)), "`entry` must be finite", "entry")
  expect_identical(km(t, s, entry = replace(t - 1, 2, NA))$n, 5L)
})

test_that("zero rows are refused, and all missing is said to be", {
  for (f in verbs) {
    expect_refused(f(numeric(), numeric(), character()), "`time` has no rows", "time")
    expect_refused(f(Surv(time, status) ~ sex, lung[0, ]), "`time` has no rows", "time")
    expect_refused(f(Surv(time, status) ~ sex, lung, subset = time > 1e6), "`subset` leaves no rows", "data")
    expect_refused(f(Surv(time, status) ~ sex, lung, subset = integer()), "`subset` leaves no rows", "data")
  }
  refused("every row has a missing value \\(time\\)", "missing", time = rep(NA_real_, 6))
  refused("every row has a missing value \\(status\\)", "missing", status = rep(NA, 6))
  refused("every row has a missing value \\(group\\)", "missing", group = rep(NA, 6))
  refused("every row has a missing value \\(time, status\\)", "missing",
          time = c(NA, NaN, NA, 1, 2, 3), status = c(1, 0, 1, NA, NA, NA))
})

test_that("F12: bits of integer64 are never taken for numbers, wherever numbers are due", {
  one <- as_integer64(1)
  for (f in verbs) {
    expect_refused(f(t, s, g, event = one), "`event` must be .*, not integer64 of length 1", "status")
    expect_refused(f(Surv(t, s) ~ g, subset = as_integer64(1:6)), "`subset`.*, not integer64", "argument")
  }
  expect_refused(crosstab(g, s, subset = as_integer64(1:6)), "`subset`.*, not integer64", "argument")
  expect_refused(logrank(t, s, g, rho = one), "`rho`.*, not integer64", "argument")
  expect_refused(summary(risk_table(t, s), times = one), "`times`.*, not integer64", "argument")
  expect_refused(quantile(km(t, s), one), "`probs`.*, not integer64", "argument")
  expect_refused(km(t, s, conf.int = as_integer64(0)), "`conf.int`.*, not integer64", "level")
  expect_refused(plot(km(t, s), risk.times = one), "`risk.times`.*, not integer64", "argument")
})

# ---- Status -----------------------------------------------------------------------------

test_that("status must be 0/1, 1/2 or logical", {
  numbers <- list(s / 2, s * 7, s - 1, s + 2, c(0, 1, 2, 0, 1, 2), replace(s, 2, Inf), s * 1i, matrix(s))
  for (bad in c(numbers, list(as.character(s), as.Date("2020-01-01") + s))) {
    refused("`status` must be 0/1, 1/2 or logical", "status", status = bad)
  }
  refused("but row 1 is 0.5 \\(and 3 more\\)", "status", status = s / 2)
  for (f in verbs) expect_refused(f(t, as.list(s), g), "not list of length 6", "status")
})

test_that("a status outside its codes is refused within a subset too", {
  d <- data.frame(t, s = c(0, 1, 7, 7, 0, 1), g)
  for (f in verbs) {
    expect_refused(f(Surv(t, s) ~ g, d, subset = 1:4), "row 3 is 7 \\(and 1 more\\)", "status")
    expect_refused(f(Surv(t, s) ~ g, d, subset = c(2, 4)), "row 4 is 7", "status")
  }
  expect_identical(km(Surv(t, s) ~ g, d, subset = c(1, 2, 5))$n, c(2L, 1L))
})

test_that("a factor is refused, naming how to write its event", {
  refused("not a factor; write `status == \"dead\"`", "status", status = factor(s, 0:1, c("alive", "dead")))
  expect_identical(km(t, factor(s) == "1")$n.event, km(t, s)$n.event)
  # what survfit() makes of it
  expect_s3_class(survival::survfit(Surv(t, factor(s)) ~ 1), "survfitms")
})

test_that("`event` declares one code, and has no meaning for a Surv() object", {
  expect_identical(km(t, c(0, 1, 2, 0, 1, 2), event = 2)$n.event, km(t, c(0, 1, 2, 0, 1, 2) == 2)$n.event)
  expect_identical(km(Surv(t, c(0, 1, 2, 0, 1, 2)) ~ 1, event = 1)$n.event, km(t, c(0, 1, 0, 0, 1, 0))$n.event)
  for (bad in list(NA, "dead", c(1, 2), TRUE, NA_real_)) {
    for (f in verbs) expect_refused(f(t, s, g, event = bad), "`event` must be the one code", "status")
  }
  y <- Surv(t, s)
  for (f in verbs) {
    expect_refused(f(y ~ g, event = 2), "`event` must be 1 where a Surv\\(\\) object", "status")
    expect_refused(f(y, group = g, event = 2), "`event` must be 1", "status")
    expect_refused(f(y, s, g), "`status` is part of a Surv\\(\\) object already", "status")
  }
  expect_identical(km(y ~ g, event = 1)$surv, km(t, s, g)$surv)
})

# ---- Weights ----------------------------------------------------------------------------

test_that("weights must be numbers that are not negative, missing or infinite", {
  refused("`weights` must not be negative, but row 1 is -1 \\(and 3 more\\)", "weights", weights = -s)
  refused("`weights` must be finite, but row 2 is Inf", "weights", weights = replace(s, 2, Inf))
  refused("`weights` must not be missing, but row 2 is NaN|row 2 is NA", "weights", weights = replace(s, 2, NA))
  refused("`weights` must not be missing", "weights", weights = replace(s, 2, NaN))
  refused("`weights` must not all be zero", "weights", weights = 0 * s)
  for (bad in list(as.character(s), factor(s), as.list(s), s > 0, "w")) {
    refused("`weights` must be a numeric vector, not", "weights", weights = bad)
  }
  expect_identical(km(t, s, weights = as_integer64(s + 1))$n.risk, km(t, s, weights = s + 1)$n.risk)
})

test_that("F40: weights whose sums would lose precision are refused, and no error is 0 or NaN by overflow", {
  for (w in list(replace(s, 2, 1e17), rep(1e300, 6), 2^52 * s)) {
    refused("`weights` must sum to 2\\^53 at most", "weights", weights = w)
  }
  for (w in list(c(1e17, 0.5, 1, 1, 1, 1), c(1e300, rep(0.5, 5)), rep(1e-300, 6), c(0.5, rep(1e308, 5)))) {
    for (f in list(km, risk_table)) {
      expect_refused(f(t, s, weights = w), "lose precision", "weights")
      expect_refused(f(Surv(t, s) ~ g, weights = w), "lose precision", "weights")
    }
  }
  # Units far apart are one curve.
  one <- km(t, s, weights = c(0.5, 1, 2, 3, 1, 1))
  for (unit in c(1e-80, 1e80)) {
    fit <- km(t, s, weights = unit * c(0.5, 1, 2, 3, 1, 1))
    expect_equal(fit$surv, one$surv, tolerance = 1e-14)
    expect_equal(fit$std.err, one$std.err, tolerance = 1e-14)
  }
  expect_identical(survival::survfit(Surv(c(1, 2), c(1, 1)) ~ 1, weights = c(1e17, 1))$surv[1], 0)
})

# ---- Groups -----------------------------------------------------------------------------

test_that("groups and strata are vectors of any kind", {
  n <- rep(1:2, 3)
  for (good in list(factor(g), g == "a", as_integer64(n), as_labelled(n - 1), as.Date("2020-01-01") + n, I(g),
                    addNA(factor(g)), n / 10, as.difftime(n, units = "days"))) {
    expect_identical(km(t, s, good)$n, c(3L, 3L))
    expect_identical(km(Surv(t, s) ~ good)$n, c(3L, 3L))
    expect_identical(km(Surv(t, s) ~ strata(good))$n, c(3L, 3L))
  }
  for (bad in list(list(1, 2), cbind(g, g), as.data.frame(g), mean, quote(g))) {
    expect_error(km(t, s, bad), "`group`", class = "riskset_error")
    expect_error(km(t, s, g, strata = bad), "`strata`", class = "riskset_error")
    expect_error(km(Surv(t, s) ~ bad), "`bad`", class = "riskset_error")
  }
})

test_that("labels that differ in one character only are groups of their own", {
  labels <- c("a", " a", "a ", "", "a,b", "a=b")
  fit <- km(1:6, rep(1, 6), labels)
  expect_setequal(names(fit$strata), paste0("group=", labels))
  latin <- iconv("\u00e4", "UTF-8", "latin1")
  expect_length(km(1:2, c(1, 1), c("\u00e4", latin))$n, 1)
  expect_identical(km(1:3, rep(1, 3), c(0.1 + 0.2, 0.3, 1))$n, c(2L, 1L)) # as factor() labels them
})

test_that("missing groups and strata are dropped and counted by name", {
  rt <- risk_table(t, s, replace(g, 1, NA), strata = replace(g, 2:3, NA))
  expect_identical(rt$n.missing[c("group", "stratum")], c(group = 1, stratum = 2))
  expect_identical(rt$n.used, 3)
  expect_output(print(rt), "group: 1, stratum: 2", fixed = TRUE)
})

test_that("F33: a number of more than 50 values makes a group of each, and a message says so", {
  d <- data.frame(t = 1:60, s = rep(0:1, 30), x = (1:60) / 7, g = factor(1:60), y = rep(c(0, 0, 1), 20))
  told <- function(expr) {
    expect_message(expr, "`x` has 60 distinct numbers, each a group of its own", class = "riskset_groups")
  }
  for (f in verbs) {
    told(f(Surv(t, s) ~ x, d))
    expect_message(f(d$t, d$s, d$x), "`group` has 60 distinct numbers", class = "riskset_groups")
    expect_silent(f(Surv(t, s) ~ g, d)) # asked for
    expect_silent(f(Surv(t, s) ~ y + strata(x), d, event = 1))
  }
  for (f in list(crosstab, cmh)) {
    told(f(y ~ x, d))
    told(with(d, f(x, y)))
    told(with(d, f(y, x)))
    expect_silent(f(y ~ g, d))
    expect_silent(f(y ~ t, d, subset = 1:50))
  }
  expect_identical(screen_logrank(d["x"], d$t, d$s)$reason, "more than 50 distinct values")
  expect_identical(screen_crosstab(d["x"], d$y)$df, 59)
  expect_identical(as.data.frame(univariate(y ~ x, d))$test, "Wilcoxon rank-sum")
  expect_silent(survival::survdiff(Surv(t, s) ~ x, d)) # 59 degrees of freedom without a word
})

# ---- Formulas ---------------------------------------------------------------------------

test_that("formulas without a response, without variables that exist, or with more than terms are refused", {
  d <- data.frame(t, s, g, h = c(1, 1, 2, 2, 3, 3))
  for (f in verbs) {
    wrong <- function(formula, message, kind = "formula") expect_refused(f(formula, d), message, kind)
    wrong(~g, "`formula` must have a response on its left side")
    wrong(t ~ g, "left side of `formula` must be Surv\\(time, status\\), not double of length 6")
    wrong(Surv(t, s) ~ nothing, "`nothing` cannot be evaluated: object 'nothing' not found")
    wrong(Surv(t, nothing) ~ g, "`nothing` cannot be evaluated")
    wrong(Surv(nothing, s) ~ g, "`nothing` cannot be evaluated")
    wrong(Surv(t, s) ~ strata(nothing), "`nothing` cannot be evaluated")
    wrong(Surv(t, s) ~ log(g), "`log\\(g\\)` cannot be evaluated: non-numeric argument")
    wrong(Surv(t, s) ~ g * h, "must not have an interaction: `g:h`")
    wrong(Surv(t, s) ~ g:strata(h), "must not have an interaction")
    wrong(Surv(t, s) ~ g + offset(h), "must not have an offset")
    wrong(Surv(t, s) ~ g - h, "must not take a variable away: `h`")
    wrong(Surv(t, s) ~ g + cluster(h), "`cluster\\(\\)` in a formula is not supported yet", "unsupported")
    expect_refused(f(Surv(t, s) ~ g, "d"), "`data` must be a data frame, a list or NULL, not \"d\"", "data")
    expect_refused(f(Surv(t, s) ~ g, as.matrix(1:3)), "`data`", "data")
    expect_refused(f(Surv(t, s) ~ ., list2env(d)), kind = "formula")
  }
  expect_identical(km(Surv(t, s) ~ g - 1, d)$n, c(3L, 3L))
  expect_identical(km(Surv(t, s) ~ 0 + g, d)$n, c(3L, 3L))
  expect_identical(km(Surv(t, s) ~ (g + h), d)$n, rep(1L, 6))
})

test_that("something else where a formula was due is refused", {
  for (f in verbs) {
    expect_refused(f(list(t, s)), "`x` must be a formula, .* or a risk table, not list of length 2", "formula")
    expect_refused(f(lung), "not data.frame of length 10", "formula")
    expect_refused(f("Surv(t, s) ~ g", s, g), "not \"Surv\\(t, s\\) ~ g\"", "time")
    expect_refused(f(mean, s, g), "not a function", "time")
    expect_refused(f(), "`x` is missing", "formula")
  }
})

test_that("weights and subset are found in the data first, then where the formula was made", {
  d <- data.frame(t, s, g, w = 1:6)
  w <- rep(9, 6)
  expect_identical(km(Surv(t, s) ~ 1, d, weights = w)$n.risk[1], 21)
  make <- function(use) {
    w <- use
    km(Surv(t, s) ~ 1, weights = w)
  }
  expect_identical(make(rep(2, 6))$n.risk[1], 12)
  expect_refused(km(Surv(t, s) ~ 1, d, weights = nothing), "`weights` cannot be evaluated", "formula")
  expect_refused(km(Surv(t, s) ~ 1, d, subset = nothing > 1), "`subset` cannot be evaluated", "formula")
  for (bad in list("a", list(1), mean)) {
    expect_refused(km(Surv(t, s) ~ 1, d, subset = bad), "`subset` must be logical or row numbers", "argument")
  }
  expect_refused(km(Surv(t, s) ~ 1, d, subset = c(TRUE, FALSE)), "`subset` has length 2 but there are 6 rows", "length")
})

test_that("arguments that do not exist are refused, by name or place", {
  for (f in verbs) {
    expect_refused(f(t, s, g, sex = s), "unused argument `sex`", "argument")
    expect_refused(f(t, s, g, data = lung), "unused argument `data`", "argument")
    expect_refused(f(Surv(t, s) ~ g, group = g), "unused argument `group`", "argument")
  }
  expect_refused(km(Surv(t, s) ~ g, NULL, NULL, NULL, na.omit, 0.9, "log", NULL, TRUE, 5),
                 "an argument without a name is left over: 5", "argument")
})

# ---- Texts ------------------------------------------------------------------------------

test_that("errors say which argument, what came and what was wanted", {
  d <- data.frame(t, s, g)
  # As an error prints; testthat's own form of it changes with its version.
  said <- function(expr) {
    e <- tryCatch(expr, error = identity)
    cat("Error in ", deparse(conditionCall(e)), ": ", conditionMessage(e), "\n", sep = "")
  }
  expect_snapshot({
    said(km(t[-1], s, g))
    said(km(as.character(t), s))
    said(km(Surv(as.Date("2020-01-01") + t, s) ~ g, d))
    said(km(replace(t, 3, -2), s))
    said(km(replace(t, 3, Inf), s))
    said(km(t, s / 2))
    said(km(t, factor(s)))
    said(km(t, s, entry = t))
    said(km(t[0], s[0]))
    said(km(rep(NA_real_, 6), s))
    said(logrank(t, s, rep("a", 6)))
    said(logrank(t, s, g, weights = s / 2))
    said(logrank(t, s, g, rho = NA))
    said(km(t, s, weights = -s))
    said(km(t, s, weights = 0 * s))
    said(km(t, s, conf.int = 95))
    said(km(~g, d))
    said(km(Surv(t, s) ~ arm, d))
    said(logrank(Surv(t, s) ~ g * s, d))
    said(km(list(t, s)))
    said(c(risk_table(t, s), risk_table(t, s + 1)))
  })
})
