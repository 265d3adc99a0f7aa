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

test_that("lengths that differ are refused, with both (F16)", {
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

test_that("a column that is too short is refused within a subset too (F16)", {
  d <- data.frame(t, s, g)
  short <- 1:3
  for (f in verbs) {
    expect_refused(f(Surv(t, s) ~ g, d, weights = short, subset = 1:3), "`weights` has length 3", "length")
    expect_refused(f(Surv(t, short) ~ g, d, subset = 1:3), "`status` has length 3", "length")
    expect_refused(f(Surv(t, s) ~ short, d, subset = 1:3), "`short` has length 3", "length")
  }
})

# ---- Times ------------------------------------------------------------------------------

test_that("times must be numbers (F14)", {
  for (bad in list(as.character(t), factor(t), as.Date("2020-01-01") + t, Sys.time() + t, t + 0i, t > 4,
                   matrix(t))) {
    refused("`time` must be a numeric vector, not", "time", time = bad)
  }
  for (f in verbs) {
    expect_refused(f(NULL, s, g), "`time` must be a numeric vector, not NULL", "time")
    expect_refused(f(Surv(as.list(t), s) ~ g), "`time` must be a numeric vector, not list", "time")
    expect_error(f(t, s, g, entry = "a"), "`entry` must be a numeric vector", class = "riskset_error")
  }
})

test_that("times must not be negative, nor infinite but for a censored +Inf (F03, F04, F05)", {
  refused("`time` must not be negative, but row 2 is -1$", "time", time = replace(t, 2, -1))
  refused("but row 2 is -1e-300 \\(and 1 more\\)", "time", time = replace(t, 2:3, -1e-300))
  refused("`time` must be finite, but row 6 is -Inf", "time", time = replace(t, 6, -Inf))
  refused("`time` must be finite where there is an event, but row 1 is Inf", "time",
          time = replace(t, 1, Inf))
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

test_that("zero rows are refused, and all missing is said to be (F16)", {
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

test_that("status must be 0/1, 1/2 or logical (F22, F23)", {
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

test_that("a factor is refused, naming how to write its event (F21)", {
  refused("not a factor; write `status == \"dead\"`", "status", status = factor(s, 0:1, c("alive", "dead")))
  expect_identical(km(t, factor(s) == "1")$n.event, km(t, s)$n.event)
  # what survfit() makes of it
  expect_s3_class(survival::survfit(Surv(t, factor(s)) ~ 1), "survfitms")
})

test_that("`event` declares one code, and has no meaning for a Surv() object", {
  expect_identical(km(t, c(0, 1, 2, 0, 1, 2), event = 2)$n.event, km(t, c(0, 1, 2, 0, 1, 2) == 2)$n.event)
  expect_identical(km(Surv(t, c(0, 1, 2, 0, 1, 2)) ~ 1, event = 1)$n.event,
                   km(t, c(0, 1, 0, 0, 1, 0))$n.event)
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

test_that("weights must be numbers that are not negative, missing or infinite (F38, F39)", {
  refused("`weights` must not be negative, but row 1 is -1 \\(and 3 more\\)", "weights", weights = -s)
  refused("`weights` must be finite, but row 2 is Inf", "weights", weights = replace(s, 2, Inf))
  refused("`weights` must not be missing, but row 2 is NaN|row 2 is NA", "weights",
          weights = replace(s, 2, NA))
  refused("`weights` must not be missing", "weights", weights = replace(s, 2, NaN))
  refused("`weights` must not all be zero", "weights", weights = 0 * s)
  for (bad in list(as.character(s), factor(s), as.list(s), s > 0, "w")) {
    refused("`weights` must be a numeric vector, not", "weights", weights = bad)
  }
  expect_identical(km(t, s, weights = as_integer64(s + 1))$n.risk, km(t, s, weights = s + 1)$n.risk)
})

test_that("F40: weights whose sums would lose precision are refused, and no error is 0 or NaN by overflow", {
  for (w in list(replace(s, 2, 1e17), rep(1e300, 6), 2^52 * s, c(2^53, rep(1, 5)))) {
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
  for (unit in c(1e-80, 2^-40)) {
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

test_that("labels that differ in one character only are groups of their own (F34)", {
  labels <- c("a", " a", "a ", "", "a,b", "a=b")
  fit <- km(1:6, rep(1, 6), labels)
  expect_setequal(names(fit$strata), paste0("group=", labels))
  latin <- iconv("\u00e4", "UTF-8", "latin1")
  expect_length(km(1:2, c(1, 1), c("\u00e4", latin))$n, 1)
  expect_identical(km(1:3, rep(1, 3), c(0.1 + 0.2, 0.3, 1))$n, c(2L, 1L)) # as factor() labels them
})

test_that("missing groups and strata are dropped and counted by name (F32)", {
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
    expect_silent(suppressMessages(f(Surv(t, s) ~ g, d), classes = "riskset_rank")) # asked for
    expect_silent(suppressMessages(f(Surv(t, s) ~ y + strata(x), d, event = 1),
                                   classes = "riskset_undefined"))
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
    expect_refused(f(Surv(t, s) ~ g, "d"), "`data` must be a data frame, .* or NULL, not \"d\"", "data")
    expect_refused(f(Surv(t, s) ~ g, as.matrix(1:3)), "`data`", "data")
    expect_refused(f(Surv(t, s) ~ ., list2env(d)), kind = "formula")
  }
  expect_identical(km(Surv(t, s) ~ g - 1, d)$n, c(3L, 3L))
  expect_identical(km(Surv(t, s) ~ 0 + g, d)$n, c(3L, 3L))
  expect_identical(km(Surv(t, s) ~ (g + h), d)$n, rep(1L, 6))
})

test_that("something else where a formula was due is refused", {
  for (f in verbs) {
    expect_refused(f(list(t, s)), "`time` must be a numeric vector, not list of length 2", "time")
    expect_refused(f(lung), "`x` must be a formula, .* or a risk table, not data.frame of length 10",
                   "formula")
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
  expect_refused(km(Surv(t, s) ~ 1, d, subset = c(TRUE, FALSE)), "`subset` has length 2 but there are 6 rows",
                 "length")
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

# ---- Every door -------------------------------------------------------------------------

one_column <- function(x) {
  dim(x) <- c(length(x), 1L)
  x
}

# data.frame() needs its package for integer64.
one_frame <- function(x) structure(list(x = x), class = "data.frame", row.names = seq_along(x))

# The log-rank test of rows by each road that leads to it; trials take plain numbers only.
logrank_doors <- list(
  vectors = function(t, s, g, ...) logrank(t, s, g, ...),
  formula = function(t, s, g, ...) logrank(Surv(t, s) ~ g, ...),
  table = function(t, s, g, ...) logrank(risk_table(t, s, g, ...)),
  fit = function(t, s, g, ...) logrank(km(Surv(t, s) ~ g, ...)),
  columns = function(t, s, g, ...) screen_logrank(one_frame(g), t, s, ...),
  trials = function(t, s, g, ...) {
    screen_logrank(if (is.factor(g)) as.character(g) else g, one_column(t), one_column(s), ...)
  }
)

# The test of a table by each road, without correction, as (N - 1) / N times Pearson's.
table_doors <- list(
  crosstab = function(x, y) as_cmh(crosstab(x, y)),
  crosstab_formula = function(x, y) as_cmh(crosstab(y ~ x)),
  cmh = function(x, y) cmh(x, y, correct = FALSE)$statistic,
  cmh_formula = function(x, y) cmh(y ~ x, correct = FALSE)$statistic,
  univariate = function(x, y) {
    rows <- as.data.frame(univariate(y ~ x))
    rows$statistic[1] * (1 - 1 / sum(rows$n))
  },
  pearson = function(x, y) {
    found <- screen_crosstab(one_frame(x), y)
    found$statistic * (1 - 1 / found$n)
  },
  screen_cmh = function(x, y) screen_crosstab(one_frame(x), y, rep(1, length(y)))$statistic
)
as_cmh <- function(fit) fit$tests$statistic[1] * (1 - 1 / fit$n)

# By every door these rows give the test, and the curves, of the plain rows `as`.
same_logrank <- function(time, status, group, as = list(t, s, g), ...) {
  wanted <- logrank(as[[1]], as[[2]], as[[3]])
  classed <- is.object(time) || is.object(status)
  for (door in names(logrank_doors)[seq_len(if (classed) 5 else 6)]) {
    test <- suppressMessages(logrank_doors[[door]](time, status, group, ...))
    expect_equal(unname(c(test$statistic)), unname(wanted$statistic), tolerance = 1e-12, label = door)
  }
  curves <- km(as[[1]], as[[2]], as[[3]])
  for (fit in list(km(time, status, group, ...), km(Surv(time, status) ~ group, ...))) {
    for (part in c("n.risk", "n.event", "surv", "std.err")) expect_equal(fit[[part]], curves[[part]])
  }
}

same_contingency <- function(x, y, as) {
  wanted <- as_cmh(crosstab(as[[1]], as[[2]]))
  for (door in names(table_doors)) {
    expect_equal(unname(table_doors[[door]](x, y)), wanted, tolerance = 1e-12, label = door)
  }
}

# Refused by all six, whatever each calls the argument.
refused_by_all <- function(kind, time = t, status = s, group = g, ...) {
  for (door in names(logrank_doors)) {
    expect_refused(logrank_doors[[door]](time, status, group, ...), kind = kind)
  }
}

x <- rep(c("a", "b", "c"), 8)
y <- rep(c(0, 1, 1, 0, 0, 1, 0, 1), 3)

test_that("rows with a missing time or status are dropped, counted and printed, NaN apart (F01, F02, F24)", {
  time <- c(t, NA, NaN, 3)
  status <- c(s, 1, 0, NA)
  group <- c(g, "a", "b", "a")
  same_logrank(time, status, group)
  for (test in list(logrank(time, status, group), logrank(Surv(time, status) ~ group),
                    risk_table(time, status, group), risk_table(km(time, status, group)))) {
    expect_identical(test$n.missing[c("time", "status")], c(time = 2, status = 1))
    expect_identical(test$n.nan, 1)
    expect_output(print(test), "(time: 2, status: 1; 1 of them NaN)", fixed = TRUE)
  }
  expect_output(print(km(time, status, group)), "3 observations deleted due to missingness")
  for (door in logrank_doors[5:6]) expect_identical(door(time, status, group)$n, 6)
})

test_that("categories that are missing are dropped and counted by every test of a table (F01, F02, F32)", {
  same_contingency(c(x, NA, "a"), c(y, 1, NA), list(x, y))
  number <- match(x, letters)
  same_contingency(c(number, NaN, NA, 1), c(y, 1, 1, NaN), list(x, y))
  for (fit in list(crosstab(c(x, NA), c(y, 1)), cmh(c(x, NA), c(y, 1)), cmh(x, y, replace(y, 2, NA)))) {
    expect_identical(fit$n.missing, 1)
    expect_output(print(fit), "(1 row left out: missing value)", fixed = TRUE)
  }
  expect_output(print(univariate(outcome ~ x, list(x = c(x, NA), outcome = c(y, 1)))),
                "Missing values left out: x 1")
  expect_identical(screen_crosstab(data.frame(c(x, NA)), c(y, 1))$n, 24)
})

test_that("missing groups and strata are dropped by every log-rank test (F32)", {
  same_logrank(c(t, 3), c(s, 1), c(g, NA))
  strata <- c(1, 1, 1, 2, 2, 2, NA)
  wanted <- logrank(t, s, g, strata = strata[1:6])$statistic
  time <- c(t, 3)
  status <- c(s, 1)
  group <- c(g, "a")
  expect_identical(logrank(time, status, group, strata = strata)$statistic, wanted)
  expect_identical(logrank(Surv(time, status) ~ group + strata(strata))$statistic, wanted)
  expect_equal(screen_logrank(data.frame(group), time, status, strata)$statistic, unname(wanted))
  expect_equal(screen_logrank(group, one_column(time), one_column(status), strata)$statistic, unname(wanted))
})

test_that("infinite and negative times are refused by every door, but a censored +Inf (F03, F04, F05)", {
  for (bad in list(replace(t, 1, Inf), replace(t, 1, -Inf), replace(t, 2, -Inf), replace(t, 3, -1e-300))) {
    refused_by_all("time", time = bad)
  }
  expect_error(screen_logrank(g, one_column(replace(t, 4, -Inf)), one_column(s)), "column 1, row 4: -Inf",
               class = "riskset_error_time")
  same_logrank(replace(t, 5, Inf), s, g)
  expect_identical(survival::survfit(Surv(c(-1, 2), c(1, 1)) ~ 1)$time, c(-1, 2)) # without a word
})

test_that("0 is a time: an event there makes S(0) < 1; and -0 is 0 (F06, F07)", {
  time <- c(0, -0, 8, 0, 9, 4)
  same_logrank(time, s, g, list(abs(time), s, g))
  same_logrank(time, s, g, list(rank(abs(time)), s, g))
  expect_identical(km(time, s)$time, c(0, 4, 8, 9))
  expect_identical(km(c(0, -0, 1), c(1, 1, 0))$surv, c(1 / 3, 1 / 3))
  expect_identical(km(c(1, 2), entry = c(-0, 0))$n.risk, c(2, 1))
  expect_refused(km(c(0, 1), entry = c(-0, 0)), "`entry` must be less than `time`, but row 1", "entry")
})

test_that("subnormal, epoch and nanosecond-sized times stay distinct by every door (F08, F10)", {
  order <- rank(t)
  for (time in list(5e-324 * t, 1e-310 * t, 1e-9 * t, 1.7e9 + t, 1e15 + t, 2^53 - t)) {
    as <- list(rank(time), s, g)
    same_logrank(time, s, g, as)
    same_logrank(time, s, g, as, timefix = FALSE)
    expect_length(km(time, s)$time, 6)
  }
  seconds <- as.POSIXct("2026-01-01", tz = "UTC") + t
  same_logrank(as.numeric(seconds), s, g)
  fractions <- 1.7e9 + t * 1e-5
  same_logrank(fractions, s, g)
})

test_that("times some roundings apart are tied by every door, and the result says how many (F09)", {
  time <- c(0.1 + 0.2, 0.3, 0.7, 1, 0.8 - 0.1, 2)
  as <- list(c(1, 1, 2, 3, 2, 4), s, g)
  same_logrank(time, s, g, as)
  for (test in list(logrank(time, s, g), logrank(Surv(time, s) ~ g), logrank(km(time, s, g)),
                    risk_table(time, s, g))) {
    expect_identical(test[c("timefix", "merged")], list(timefix = TRUE, merged = 2))
    expect_output(print(test), "2 distinct times merged as tied (timefix = TRUE)", fixed = TRUE)
  }
  expect_output(print(km(time, s, g)), "2 distinct times merged as tied (timefix = TRUE)", fixed = TRUE)
  same_logrank(time, s, g, list(c(2, 1, 3, 5, 4, 6), s, g), timefix = FALSE)
  refused_by_all("argument", timefix = "no")
})

test_that("integer64, whole or missing, is read as numbers by every door (F12)", {
  same_logrank(as_integer64(c(t, NA)), c(s, 1), c(g, "a"))
  same_logrank(t, as_integer64(s), g)
  same_logrank(t, s, as_integer64(match(g, letters)))
  same_contingency(as_integer64(match(x, letters)), as_integer64(y), list(x, y))
  site <- rep(1:3, each = 8)
  expect_identical(cmh(x, y, as_integer64(site))$tests, cmh(x, y, site)$tests)
  w <- rep(c(2, 0, 3), 8)
  expect_identical(crosstab(x, y, weights = as_integer64(w))$observed, crosstab(x, y, weights = w)$observed)
  expect_identical(logrank(t, s, g, weights = as_integer64(w[1:6]))$observed,
                   logrank(t, s, g, weights = w[1:6])$observed)
  huge <- structure(2^1023, class = "integer64") # its bits are far above 2^53
  for (f in verbs) {
    expect_refused(f(huge, 1, "a"), "`time` has integer64 values of 2\\^53 or more", "argument")
    expect_refused(f(1, 1, "a", weights = huge), "`weights` has integer64 values", "argument")
  }
  counts <- structure(as_integer64(1:4), dim = c(2L, 2L))
  for (f in list(crosstab, cmh)) expect_refused(f(counts), "not integer64 of length 4", "table")
  expect_refused(audit_crosstab(counts, 0.5), "not integer64 of length 4", "table")
})

test_that("an integer NA is missing, not -2147483648, in every column (F13)", {
  same_logrank(c(as.integer(t), NA), c(as.integer(s), 1L), c(match(g, letters), 1L))
  same_logrank(c(as.integer(t), 3L), c(as.integer(s), NA), c(match(g, letters), 1L))
  same_logrank(c(as.integer(t), 3L), c(as.integer(s), 1L), c(match(g, letters), NA))
  same_contingency(c(match(x, letters), NA, 1L), c(as.integer(y), 1L, NA), list(x, y))
  late <- logrank(as.integer(t), s, g, entry = c(NA, 0L, 0L, 0L, 0L, 0L))
  expect_identical(late$n.missing[["entry"]], 1)
  for (f in verbs) expect_refused(f(t, s, g, weights = c(NA, 1L, 1L, 1L, 1L, 1L)), kind = "weights")
})

test_that("a class keeps its number where it has one, and is refused where it has a unit (F14, F25)", {
  same_logrank(as_labelled(t), as_labelled(s), g)
  for (bad in list(as.difftime(t, units = "weeks"), as.Date("2020-01-01") + t,
                   as.POSIXct(0, origin = "1970-01-01") + t, factor(t), as.character(t), t + 0i)) {
    refused_by_all("time", time = bad)
  }
  same_contingency(as_labelled(match(x, letters)), as_labelled(y), list(x, y))
  same_contingency(as.Date("2020-01-01") + match(x, letters), factor(y), list(x, y))
  for (bad in list(as.list(x), cbind(x, x), mean)) {
    for (f in list(crosstab, cmh)) {
      expect_error(f(bad, y), class = "riskset_error")
      expect_error(f(x, bad), class = "riskset_error")
      expect_error(f(y ~ bad), class = "riskset_error")
    }
    expect_error(univariate(y ~ bad), class = "riskset_error")
    expect_error(screen_crosstab(data.frame(x), bad), class = "riskset_error")
  }
})

test_that("sequences that R holds unexpanded, and names, change nothing (F15)", {
  n <- 24
  status <- rep(c(1L, 0L, 1L), 8)
  group <- as.character(rep(1:2, 12))
  as <- list(seq_len(n) + 0, status, group)
  same_logrank(1:24, status, group, as)
  same_logrank(stats::setNames(1:24, letters[1:24]), stats::setNames(status, LETTERS[1:24]), group, as)
  same_contingency(stats::setNames(x, seq_along(x)), stats::setNames(y, x), list(x, y))
  expect_identical(crosstab(1:6, 6:1)$n, 6)
  expect_identical(screen_crosstab(data.frame(a = 1:24), y)$df, 23)
})

test_that("lengths that differ and no rows are refused by every test (F16)", {
  for (f in list(crosstab, cmh)) {
    expect_refused(f(x[-1], y), "length 24 but `x.*` has length 23", "length")
    expect_refused(f(y[-1] ~ x), "length", "length")
    expect_refused(f(x, y, weights = 1:3), "`weights` has length 3", "length")
    expect_refused(f(x[0], y[0]), "has no rows", "length")
    expect_refused(f(y ~ x, data.frame(x, y)[0, ]), "has no rows", "length")
  }
  expect_refused(cmh(x, y, x[-1]), "length 23", "length")
  expect_refused(univariate(y ~ x, list(y = y, x = x[-1])), "`x` has length 23", "length")
  expect_refused(univariate(y ~ x, data.frame(x, y)[0, ]), "no rows", "length")
  expect_refused(screen_crosstab(data.frame(x), y[-1]), "`y` has length 23", "length")
  expect_refused(screen_crosstab(data.frame(x)[0, , drop = FALSE], y[0]), "no rows", "data")
  expect_refused(screen_logrank(data.frame(g), t[-1], s), kind = "length")
  expect_refused(screen_logrank(data.frame(g), t, s[-1]), kind = "length")
  expect_refused(screen_logrank(data.frame(g), t, s, strata = 1:3), kind = "length")
  expect_refused(screen_logrank(data.frame(g)[0, , drop = FALSE], t[0], s[0]), kind = "time")
  expect_error(screen_logrank(g[0], one_column(t[0]), one_column(s[0])), class = "riskset_error")
  expect_refused(screen_logrank(g, one_column(t), one_column(s), strata = 1:2), kind = "length")
})

test_that("one subject, and all times the same, are no error (F16)", {
  expect_identical(km(5, 1)$surv, 0)
  expect_identical(km(Surv(5, 0) ~ 1)$surv, 1)
  expect_identical(as.data.frame(risk_table(5, 1))$n.risk, 1)
  expect_identical(screen_logrank(data.frame(1), 5, 1)$reason, "one group only")
  expect_refused(logrank(5, 1, "a"), "two groups at least", "group")
  same <- rep(3, 6)
  test <- logrank(same, s, g)
  expect_equal(unname(test$statistic), plain_logrank(same, s, g)$statistic)
  same_logrank(same, s, g, list(same, s, g))
  expect_message(all_die <- logrank(same, rep(1, 6), g), class = "riskset_undefined")
  expect_identical(all_die$p.value, NA_real_)
})

test_that("0/1, 1/2, logical are one status; all of one kind are events, as in Surv() (F17, F18, F19)", {
  for (status in list(s, as.integer(s), s == 1, s + 1, as.integer(s) + 1L)) same_logrank(t, status, g)
  dead <- list(t, rep(TRUE, 6), g)
  expect_silent(for (status in list(rep(1, 6), rep(2, 6), rep(1L, 6))) same_logrank(t, status, g, dead))
  expect_identical(unclass(Surv(t, rep(2, 6)))[, 2], rep(1, 6))
  same_logrank(t, s * 3 + 4, g, event = 7)
  same_logrank(t, s * 3, g, event = 3)
  expect_message(logrank(t, s, g, event = 3), class = "riskset_no_events") # declared, so 1 is no event
})

test_that("without an event curves are 1 and tests NA with the reason, at every door (F20)", {
  none <- rep(0, 6)
  expect_identical(km(t, none)$surv, rep(1, 6))
  for (door in names(logrank_doors)) {
    test <- suppressMessages(logrank_doors[[door]](t, none, g))
    expect_identical(c(unname(test$statistic), test$p.value, test$log.p), rep(NA_real_, 3), label = door)
    expect_identical(test$reason, "no event", label = door)
  }
  for (door in logrank_doors[1:4]) expect_message(door(t, none, g), class = "riskset_no_events")
  two <- screen_logrank(cbind(g = c(1, 2), h = 1), c(1, 2), c(1, 0), adjust = "BH")
  expect_identical(two$p.adjusted[1], two$p.value[1]) # the undefined one does not count
})

test_that("a status of other codes, text or factors is refused by every door (F21, F22, F23)", {
  for (bad in list(s / 2, s * 7, s - 1, s + 2, c(0, 1, 2, 0, 1, 2), replace(s, 2, -Inf), as.character(s),
                   factor(s), factor(s, 0:1, c("alive", "dead")))) {
    refused_by_all("status", status = bad)
  }
})

test_that("levels that nobody has are no group of a test, and are named (F26)", {
  wide <- factor(g, levels = c("none", "a", "b", "other"))
  same_logrank(t, s, wide)
  expect_identical(logrank(t, s, wide)$unused, c("group=none", "group=other"))
  expect_output(print(logrank(t, s, wide)), "groups without rows: group=none, group=other")
  expect_output(print(risk_table(t, s, wide)), "groups without rows: none, other")
  expect_identical(levels(as.data.frame(risk_table(t, s, wide))$group), levels(wide))
  expect_length(km(t, s, wide)$strata, 2)
  category <- factor(x, levels = c("never", "c", "b", "a"))
  same_contingency(category, factor(y, levels = 0:2), list(x, y))
  for (fit in list(crosstab(category, y), cmh(category, y))) {
    expect_identical(unname(fit$unused), c(1L, 0L))
    expect_output(print(fit), "1 level that nobody has (category)", fixed = TRUE)
  }
  expect_output(print(univariate(y ~ category)), "levels that nobody has: category 1")
})

test_that("one group only is an error, or a reason where others are tested too (F27)", {
  one <- rep("a", 24)
  for (f in list(crosstab, cmh)) {
    expect_refused(f(one, y), "at least two values, not only a", "group")
    expect_refused(f(y ~ one), "`one` must have at least two values", "group")
    expect_refused(f(x, one), "at least two values", "group")
  }
  expect_refused(cmh(one, y, x), "at least two values", "group")
  expect_refused(univariate(one ~ x), "`one` must have at least two levels .*, not 1 \\(a\\)", "outcome")
  expect_message(univariate(y ~ one), "only one level is used", class = "riskset_undefined")
  expect_refused(screen_crosstab(data.frame(x), one), "`y` must have at least two values", "group")
  expect_identical(screen_crosstab(data.frame(one), y)$reason, "the column is constant")
  expect_refused(screen_logrank(one[1:6], one_column(t), one_column(s)), "one group only", "group")
  expect_identical(screen_logrank(data.frame(one[1:6]), t, s)$reason, "one group only")
  refused <- logrank_doors[1:4]
  for (door in refused) expect_refused(door(t, s, one[1:6]), "two groups at least", "group")
})

test_that("a group that is censored before the first event costs a degree of freedom, by every door (F28)", {
  time <- c(t, 1, 1)
  status <- c(s, 0, 0)
  group <- c(g, "z", "z")
  wanted <- logrank(t, s, g)$statistic
  for (door in logrank_doors[1:4]) {
    test <- door(time, status, group)
    expect_equal(test$statistic, wanted, tolerance = 1e-12)
    expect_identical(unname(test$parameter), 1)
    expect_output(print(test), "df is 1, not 2: some groups are never at risk beside another")
  }
  for (door in logrank_doors[5:6]) {
    test <- door(time, status, group)
    expect_equal(c(test$statistic, test$df), c(unname(wanted), 1), tolerance = 1e-12)
  }
})

test_that("groups confounded with strata have no test, at any door (F29)", {
  f <- Surv(t, s) ~ g + strata(g)
  for (test in list(quote(logrank(f)), quote(logrank(t, s, g, strata = g)), quote(logrank(km(f))),
                    quote(logrank(risk_table(f))))) {
    expect_message(fit <- eval(test), class = "riskset_undefined")
    expect_identical(fit$p.value, NA_real_)
  }
  number <- match(g, letters)
  expect_match(screen_logrank(cbind(number), t, s, number)$reason, "no event time")
  expect_match(screen_logrank(g, one_column(t), one_column(s), g)$reason, "no event time")
  expect_message(fit <- cmh(y ~ x + strata(x)), class = "riskset_undefined")
  expect_identical(unname(fit$statistic), NA_real_)
  expect_identical(screen_crosstab(data.frame(x), y, x)$reason, "no stratum is informative")
})

test_that("two pairs of groups that never meet have rank 2, in a screen too (F30)", {
  time <- c(5, 6, 7, 8, 5, 6, 7, 8)
  group <- c("a", "b", "a", "b", "d", "e", "d", "e")
  site <- rep(1:2, each = 4)
  died <- rep(1, 8)
  test <- logrank(time, died, group, strata = site)
  expect_identical(unname(test$parameter), 2)
  expect_output(print(test), "df is 2, not 3")
  screens <- rbind(screen_logrank(data.frame(group), time, died, site),
                   screen_logrank(group, one_column(time), one_column(died), site))
  expect_identical(screens$df, c(2, 2))
  expect_equal(screens$statistic, rep(unname(test$statistic), 2))
  twice <- rep(1:8, each = 5)
  outcome <- rep(c(0, 1, 1, 0, 1), 8)
  expect_message(fit <- cmh(group[twice], outcome, site[twice]), "rank 2, not 3", class = "riskset_rank")
  screen <- screen_crosstab(data.frame(group[twice]), outcome, site[twice])
  expect_equal(c(screen$statistic, screen$df), unname(c(fit$statistic, fit$parameter)))
})

test_that("strata that tell nothing add nothing to a screen (F31)", {
  time <- c(t, 2, 3, 4)
  status <- c(s, 1, 1, 1)
  group <- c(g, "a", "b", "b")
  site <- c(rep(1, 6), 2, 3, 3)
  wanted <- logrank(t, s, g)$statistic
  for (test in list(logrank(time, status, group, strata = site),
                    screen_logrank(data.frame(group), time, status, site),
                    screen_logrank(group, one_column(time), one_column(status), site))) {
    expect_equal(unname(test$statistic), unname(wanted))
  }
  expect_identical(logrank(time, status, group, strata = site)$strata, c(total = 3, informative = 1))
  more <- list(x = c(x, "a", "b", "b"), y = c(y, 1, 0, 1), site = c(rep(1, 24), 2, 3, 3))
  screen <- screen_crosstab(more["x"] |> as.data.frame(), more$y, more$site)
  expect_equal(screen$statistic, unname(cmh(x, y)$statistic))
  expect_identical(cmh(y ~ x + strata(site), more)$strata, c(informative = 1, total = 3))
})

test_that("labels are told apart to the last character, and one text in two encodings is one (F34)", {
  labels <- c("a", " a", "a ", "", "a,b", "a=b")
  group <- rep(labels, 4)
  time <- rep(1:4, each = 6) + 0.1 * seq_along(group)
  status <- rep(c(1, 0, 1), 8)
  same_logrank(time, status, group, list(time, status, match(group, sort(labels, method = "radix"))))
  same_contingency(group, status, list(match(group, labels), status))
  latin <- iconv("\u00e4", "UTF-8", "latin1")
  mixed <- c("\u00e4", latin, "b", "b", latin, "b")
  same_logrank(t, s, mixed, list(t, s, c("z", "z", "b", "b", "z", "b")))
  same_contingency(rep(mixed, 4), y, list(rep(c("a", "a", "b", "b", "a", "b"), 4), y))
  expect_identical(cmh(rep(1:2, 12), rep(c(0, 0, 1, 1), 6), rep(labels, each = 4))$strata[["total"]], 6)
})

test_that("groups are in the order of levels or of C, whatever the order of rows and the locale (F36)", {
  text <- rep(c("b", "A", "a", "B"), 6)
  order <- c("A", "B", "a", "b")
  old <- Sys.getlocale("LC_COLLATE")
  on.exit(Sys.setlocale("LC_COLLATE", old))
  for (locale in c("C", "en_US.UTF-8")) {
    suppressWarnings(Sys.setlocale("LC_COLLATE", locale)) # where there is one
    for (rows in list(1:24, 24:1)) {
      group <- text[rows]
      expect_identical(names(logrank(1:24, y, group)$n), paste0("group=", order))
      expect_identical(levels(as.data.frame(risk_table(1:24, y, group))$group), order)
      expect_identical(rownames(crosstab(group, y[rows])$observed), order)
      expect_identical(rownames(cmh(group, y[rows])$observed), order)
      expect_identical(as.data.frame(univariate(y[rows] ~ group))$level, order)
      expect_identical(names(logrank(1:24, y, factor(group, rev(order)))$n), paste0("group=", rev(order)))
    }
  }
})

test_that("1e5 strata and many groups are counted as they are, in a test and in a table (F35)", {
  n <- 2e5
  set.seed(35)
  d <- data.frame(site = rep(seq_len(n / 2), 2), arm = rbinom(n, 1, 0.5), out = rbinom(n, 1, 0.4),
                  t = sample.int(9, n, TRUE))
  of_pairs <- with(d, cmh(arm, out, site, correct = FALSE))
  # A pair tells when both arms and both outcomes are in it: McNemar's test.
  first <- seq_len(n / 2)
  apart <- d$arm[first] != d$arm[-first] & d$out[first] != d$out[-first]
  with_event <- sum(d$arm[first][apart] == d$out[first][apart])
  expect_equal(unname(of_pairs$statistic), (2 * with_event - sum(apart))^2 / sum(apart))
  expect_identical(of_pairs$strata, c(informative = sum(apart) + 0, total = n / 2))
  test <- logrank(Surv(t, out) ~ arm + strata(site), d)
  expect_identical(test$strata[["total"]], n / 2)
  expect_equal(sum(test$observed), sum(d$out))
  expect_equal(screen_logrank(d["arm"], d$t, d$out, d$site)$statistic, unname(test$statistic))
  expect_refused(suppressMessages(logrank(1:20000, rep(1, 20000), 1:20000)), "20000 groups", "too_large")
})

test_that("weights of 0 count for nothing in a test, and all 0 are refused (F38)", {
  w <- c(1, 1, 1, 1, 1, 1, 0, 0)
  time <- c(t, 2.5, 7)
  status <- c(s, 1, 0)
  group <- c(g, "a", "b")
  wanted <- logrank(t, s, g)$statistic
  expect_identical(logrank(time, status, group, weights = w)$statistic, wanted)
  expect_identical(logrank(Surv(time, status) ~ group, weights = w)$statistic, wanted)
  fit <- km(time, status, weights = w)
  expect_identical(fit$n, 8L)
  expect_true(all(c(2.5, 7) %in% fit$time))
  expect_identical(fit$surv[match(t, fit$time)], km(t, s)$surv[match(t, km(t, s)$time)])
  w <- c(rep(1, 24), 0)
  more <- list(x = c(x, "d"), y = c(y, 1), w = w)
  expect_equal(crosstab(y ~ x, more, weights = w)$tests, crosstab(x, y)$tests)
  expect_equal(cmh(y ~ x, more, weights = w)$tests, cmh(x, y)$tests)
  expect_equal(as.data.frame(univariate(y ~ x, more, weights = w)), as.data.frame(univariate(y ~ x)))
  for (f in list(crosstab, cmh, univariate)) {
    expect_refused(f(y ~ x, weights = 0 * y), "`weights` are all zero", "weights")
  }
})

test_that("weights that count nobody are refused by every verb that has them (F39, F41)", {
  for (bad in list(-1, NA, NaN, Inf, -Inf)) {
    w <- replace(rep(1, 24), 3, bad)
    for (f in list(crosstab, cmh)) {
      expect_refused(f(x, y, weights = w), "row 3 has", "weights")
      expect_refused(f(y ~ x, weights = w), "row 3 has", "weights")
    }
    expect_refused(univariate(y ~ x, weights = w), "row 3", "weights")
    refused("row 3", "weights", weights = w[1:6])
  }
  half <- rep(0.5, 24)
  for (f in list(crosstab, cmh)) {
    expect_refused(f(x, y, weights = half), "whole numbers", "weights")
    expect_refused(f(y ~ x, weights = half), "whole numbers", "weights")
  }
  expect_refused(univariate(y ~ x, weights = half), "whole numbers", "weights")
})

test_that("a row of weight k is k rows, in every result (F42)", {
  for (seed in 1:10) {
    set.seed(seed)
    k <- c(sample(0:4, 24, TRUE))
    k[1:4] <- 1 # both groups and outcomes are there
    rows <- rep(1:24, k)
    d <- data.frame(t = sample.int(9, 24, TRUE), s = y, g = rep(c("a", "b"), 12), x = x,
                    h = rep(1:2, each = 12), k = k)
    many <- d[rows, ]
    f <- Surv(t, s) ~ g + strata(h)
    expect_identical(logrank(f, d, weights = k)$statistic, logrank(f, many)$statistic)
    weighted <- km(Surv(t, s) ~ 1, subset(d, k > 0), weights = k)
    expect_identical(weighted$surv, km(Surv(t, s) ~ 1, many)$surv)
    expect_equal(weighted$std.err, km(Surv(t, s) ~ 1, many)$std.err, tolerance = 1e-14)
    expect_identical(crosstab(s ~ x, d, weights = k)$tests, crosstab(s ~ x, many)$tests)
    expect_identical(cmh(s ~ x + strata(h), d, weights = k)$tests, cmh(s ~ x + strata(h), many)$tests)
    expect_equal(as.data.frame(univariate(s ~ x, d, weights = k)), as.data.frame(univariate(s ~ x, many)))
  }
})

test_that("order of rows does not change a bit of any result (F61)", {
  d <- random_trial(61, n = 200)
  names(d)[2] <- "s"
  d$y <- rbinom(200, 1, 0.5)
  set.seed(1)
  mixed <- d[sample(200), ]
  both <- function(call) {
    parts <- function(data) suppressMessages(eval(call, list(d = data)))
    expect_identical(parts(mixed), parts(d))
  }
  curve <- function(...) unclass(km(...))[c("surv", "std.err", "lower", "upper", "cumhaz", "std.chaz")]
  both(quote(curve(Surv(time, s) ~ g + strata(h), d, weights = whole)))
  both(quote(curve(Surv(entry, time, s) ~ g, d)))
  sums <- c("statistic", "variance", "expected")
  both(quote(logrank(Surv(entry, time, s) ~ g + strata(h), d, gamma = 0.5)[sums]))
  both(quote(as.data.frame(risk_table(Surv(time, s) ~ g, d, weights = whole))))
  both(quote(crosstab(y ~ g, d)$tests))
  both(quote(cmh(y ~ g + strata(h), d)[c("tests", "covariance")]))
  both(quote(as.data.frame(univariate(y ~ g + h, d))))
  both(quote(screen_logrank(d[c("g", "h")], d$time, d$s)))
  both(quote(screen_crosstab(d[c("g", "h")], d$y, d$h)))
  f <- Surv(time, s) ~ 1
  expect_equal(curve(f, mixed, weights = fraction), curve(f, d, weights = fraction), tolerance = 1e-13)
})

test_that("a call leaves the modes of floating-point arithmetic as they were (F62)", {
  modes <- function() {
    tiny <- 2^-1074
    third <- 1 / 3
    c(tiny / 1 > 0, 2^-1022 / 2 > 0, tiny * 0.5 == 0, 1 + 2^-53 == 1, 1 + 3 * 2^-53 > 1 + 2^-52,
      third * 3 == 1, -1 - 2^-53 == -1)
  }
  expect_true(all(modes()))
  set.seed(62)
  n <- 210000 # enough for a second thread
  d <- data.frame(t = rexp(n), s = rbinom(n, 1, 0.5), g = rep(1:2, n / 2))
  logrank(Surv(t, s) ~ g, d)
  km(Surv(t, s) ~ g, d)
  crosstab(s ~ g, d)
  cmh(s ~ g, d, exact = TRUE)
  screen_logrank(matrix(rbinom(25000, 1, 0.5), 50), d$t[1:50], d$s[1:50])
  screen_crosstab(matrix(rbinom(25000, 1, 0.5), 50), d$s[1:50])
  expect_true(all(modes()))
})

# ---- Texts ------------------------------------------------------------------------------

# As a condition prints; testthat's own form of it changes with its version.
said <- function(expr) {
  e <- tryCatch(expr, error = identity, message = identity)
  what <- if (inherits(e, "error")) "Error" else "Message"
  cat(what, " in ", deparse(conditionCall(e)), ": ", sub("\n$", "", conditionMessage(e)), "\n", sep = "")
}

test_that("errors say which argument, what came and what was wanted", {
  d <- data.frame(t, s, g)
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

test_that("so do the errors of tests of tables and of screens, and messages", {
  counts <- matrix(c(4, 1, 2, 5), 2)
  expect_snapshot({
    said(cmh())
    said(crosstab(x[-1], y))
    said(crosstab(rep("a", 24), y))
    said(crosstab(x, y, weights = y / 2))
    said(crosstab(x, y, weights = 0 * y))
    said(crosstab(-counts))
    said(crosstab(counts * 2^52))
    said(crosstab(y ~ x + strata(x)))
    said(cmh(y ~ nothing))
    said(cmh(counts, conf.level = 95))
    said(cmh(factor(seq_len(11000) %% 5500), rep(0:3, 2750)))
    said(univariate(y ~ x, weights = y - 1))
    said(univariate(x ~ 1))
    said(screen_crosstab(x, y))
    said(screen_crosstab(data.frame(x), y, strata = x, test = "trend"))
    said(screen_logrank(data.frame(g), -t, s))
    said(screen_logrank(g, one_column(-t), one_column(s)))
    said(audit_crosstab(counts, "NS"))
    said(quantile(km(t, s), 50))
    said(km(t, s, weights = c(1e17, 0.5, 1, 1, 1, 1)))
    said(km(t, s, weights = 1e17 * s))
    said(logrank(t, 0 * s, g))
    said(logrank(t, s, g, strata = g))
    said(logrank(1:60, rep(1, 60), 1:60))
    said(cmh(x, y, x))
    said(univariate(y ~ g, list(y = y, g = "a")[c(1, 2)]))
  })
})

test_that("text of a file, not marked as UTF-8 or not valid, makes groups in the order of its bytes (F34)", {
  file <- tempfile()
  on.exit(unlink(file))
  writeBin(as.raw(c(0xc3, 0xa9, 0x0a, 0x62, 0x0a, 0xff, 0x61, 0x0a)), file)
  g <- rep(readLines(file), 2)
  wanted <- g[c(2, 1, 3)]
  time <- 1:6
  died <- c(1, 0, 1, 1, 0, 1)
  expect_identical(levels(as.data.frame(risk_table(time, died, g))$group), wanted)
  expect_identical(names(logrank(time, died, g)$n), paste0("group=", wanted))
  expect_identical(rownames(crosstab(g, died)$observed), wanted)
  expect_identical(cmh(g, died)$n, 6)
  expect_identical(screen_logrank(data.frame(g), time, died)$df, 2)
  expect_identical(screen_crosstab(data.frame(g), died)$df, 2)
  both <- c(risk_table(time, died, g), risk_table(time, died, g))
  expect_identical(levels(as.data.frame(both)$group), wanted)
})

test_that("rows to keep and rows to drop are not mixed", {
  d <- data.frame(t = 1:4, s = c(1, 0, 1, 1), g = c(1, 2, 1, 2))
  expect_refused(km(Surv(t, s) ~ g, d, subset = c(-1, 2)), "`subset`", "argument")
  expect_refused(crosstab(s ~ g, d, subset = c(-1, 2)), "`subset`", "argument")
  expect_refused(univariate(s ~ g, d, subset = c(-1, 2)), "`subset`", "argument")
  expect_identical(km(Surv(t, s) ~ 1, d, subset = c(-1, -2))$time, c(3, 4))
})

test_that("raw bytes are no group", {
  expect_refused(km(1:3, c(1, 1, 1), as.raw(1:3)), "not raw", "group")
  expect_refused(crosstab(as.raw(1:3), 1:3), "not raw", "group")
})
