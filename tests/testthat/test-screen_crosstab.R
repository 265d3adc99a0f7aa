screened <- function(seed = 1, n = 120) {
  set.seed(seed)
  data.frame(
    snp = sample(c(0:2, NA), n, TRUE), number = sample(c(1, 4, 9.5), n, TRUE),
    text = sample(c("a", "b"), n, TRUE), level = factor(sample(letters[1:3], n, TRUE), letters[1:4]),
    yes = stats::runif(n) < 0.4, far = sample(c(-5e6, 0, 5e6), n, TRUE),
    constant = 1, none = NA
  )
}

test_that("one row a column, equal to crosstab() one by one", {
  d <- screened()
  y <- rep(0:1, 60)
  ours <- screen_crosstab(d, y)
  trend <- screen_crosstab(d, y, test = "trend")
  expect_named(ours, c("column", "n", "events", "statistic", "df", "p.value", "log.p", "reason"))
  expect_equal(ours$column, names(d))
  for (j in 1:6) {
    one <- crosstab(d[[j]], y)
    tests <- one$tests
    expect_equal(ours$statistic[j], tests$statistic[1], tolerance = 1e-13)
    expect_equal(ours$log.p[j], tests$log.p[1], tolerance = 1e-13)
    expect_equal(ours$n[j], one$n)
    expect_equal(ours$events[j], sum(one$observed[, "1"]))
    expect_equal(trend$statistic[j], utils::tail(tests$statistic, 1), tolerance = 1e-13)
    expect_equal(trend$df[j], 1)
  }
})

test_that("with strata, equal to cmh() one by one, missing strata left out", {
  d <- screened(2)
  y <- factor(sample(c("no", "yes"), 120, TRUE))
  site <- sample(c("a", "b", "c", NA), 120, TRUE)
  ours <- screen_crosstab(d, y, strata = site, odds.ratio = TRUE)
  for (j in 1:6) {
    one <- suppressMessages(cmh(d[[j]], y, site, correct = FALSE))
    expect_equal(ours$statistic[j], unname(one$statistic), tolerance = 1e-12)
    expect_equal(ours$df[j], unname(one$parameter))
    expect_equal(ours$n[j], one$n)
    if (one$parameter == 1) expect_equal(ours$odds.ratio[j], unname(one$estimate))
  }
})

test_that("more than two outcomes, and several strata, are as in cmh()", {
  d <- datasets::mtcars
  columns <- d[c("vs", "am", "cyl")]
  ours <- screen_crosstab(columns, d$gear, test = "cmh")
  for (j in 1:3) {
    one <- cmh(columns[[j]], d$gear)
    expect_equal(ours$statistic[j], unname(one$statistic), tolerance = 1e-12)
  }
  both <- screen_crosstab(columns["vs"], d$gear, strata = list(d$am, d$carb > 2))
  one <- suppressMessages(cmh(d$vs, d$gear, list(d$am, d$carb > 2)))
  expect_equal(both$statistic, unname(one$statistic), tolerance = 1e-12)
  expect_equal(both$df, unname(one$parameter))
})

test_that("a matrix of any type is a data frame of its columns", {
  m <- as.matrix(datasets::mtcars[c("cyl", "vs", "gear")])
  y <- datasets::mtcars$am
  frame <- screen_crosstab(as.data.frame(m), y)
  expect_equal(screen_crosstab(m, y), frame)
  expect_equal(screen_crosstab(structure(as.integer(m), dim = dim(m), dimnames = dimnames(m)), y),
               frame)
  text <- m
  storage.mode(text) <- "character"
  expect_equal(screen_crosstab(text, y), frame)
  expect_equal(screen_crosstab(unname(m), y)$column, c("1", "2", "3"))
  expect_equal(screen_crosstab(m == 4, y)$statistic[1], crosstab(m[, "cyl"] == 4, y)$tests$statistic[1])
})

test_that("a constant column, no complete row, a confounded column are NA with a reason (F27, F29)", {
  d <- data.frame(constant = 1, none = NA_real_, site = rep(1:2, each = 10),
                  one_sided = c(NA, 1)[rep(1:2, 10)], half = c(rep(1:2, 5), rep(NA, 10)))
  y <- rep(0:1, each = 10)
  ours <- screen_crosstab(d, y)
  expect_true(all(is.na(ours$p.value[c(1, 2, 4, 5)])))
  expect_equal(ours$reason, c("the column is constant", "no complete row", NA,
                              "the column is constant", "the outcome is constant"))
  within <- screen_crosstab(d["site"], rep(0:1, 10), strata = d$site)
  expect_equal(within$reason, "no stratum is informative")
  expect_true(is.na(within$statistic))
})

test_that("odds ratios and adjusted P come on request", {
  d <- screened(3)
  y <- rep(0:1, 60)
  ours <- screen_crosstab(d, y, odds.ratio = TRUE, adjust = "holm")
  expect_equal(ours$p.adjusted, stats::p.adjust(ours$p.value, "holm"))
  o <- crosstab(d$yes, y)$observed
  expect_equal(ours$odds.ratio[5], o[1] * o[4] / (o[2] * o[3]))
  expect_true(is.na(ours$odds.ratio[4]))
  never <- screen_crosstab(data.frame(x = c(0, 0, 1, 1)), c(0, 0, 1, 1), odds.ratio = TRUE)
  expect_equal(never$odds.ratio, Inf)
})

test_that("the answer does not depend on threads (F61)", {
  set.seed(5)
  m <- matrix(sample(c(0:2, NA), 500 * 400, TRUE), 500)
  y <- sample(0:1, 500, TRUE)
  site <- sample(5, 500, TRUE)
  old <- options(riskset.threads = 1)
  on.exit(options(old))
  one <- list(screen_crosstab(m, y), screen_crosstab(m, y, site))
  options(riskset.threads = 2)
  expect_identical(list(screen_crosstab(m, y), screen_crosstab(m, y, site)), one)
})

test_that("columns with infinite or fractional numbers are categories like any other", {
  x <- cbind(wild = rep(c(-Inf, 0.5, Inf, NaN), 10))
  y <- rep(0:1, each = 20)
  ours <- screen_crosstab(x, y)
  expect_equal(ours$statistic, crosstab(x[, 1], y)$tests$statistic[1])
  expect_equal(ours$n, 30)
})

test_that("a trend is the same whatever the unit of the scores", {
  set.seed(6)
  x <- matrix(sample(0:2, 240, TRUE), 60)
  y <- sample(c(1, 2, 5), 60, TRUE)
  numbers <- c("n", "statistic", "df", "log.p")
  plain <- screen_crosstab(x, y, test = "trend")[numbers]
  for (unit in c(1e160, 1e-170)) {
    expect_equal(screen_crosstab(x, y * unit, test = "trend")[numbers], plain, tolerance = 1e-13)
    expect_equal(screen_crosstab(x * unit, y, test = "trend")[numbers], plain, tolerance = 1e-13)
  }
})

test_that("a P beyond double precision keeps its logarithm (F54)", {
  y <- rep(0:1, each = 1000)
  ours <- screen_crosstab(cbind(same = y), y)
  expect_equal(ours$p.value, 0)
  expect_equal(ours$log.p, stats::pchisq(2000, 1, lower.tail = FALSE, log.p = TRUE))
})

test_that("what is no screen is refused", {
  m <- matrix(0:1, 4, 2)
  expect_error(screen_crosstab(1:4, 1:4), class = "riskset_error_data")
  expect_error(screen_crosstab(list(1:4), 1:4), class = "riskset_error_data")
  expect_error(screen_crosstab(matrix(0, 0, 2), integer()), class = "riskset_error_data")
  expect_error(screen_crosstab(m, 1:3), class = "riskset_error_length")
  expect_error(screen_crosstab(m, c(0, 1, 0, 1), strata = 1:3), class = "riskset_error_length")
  expect_error(screen_crosstab(m, c(1, 1, 1, 1)), class = "riskset_error_group")
  expect_error(screen_crosstab(m, NULL), class = "riskset_error_group")
  expect_error(screen_crosstab(m, c(0, 1, 0, 1), strata = 1:4, test = "trend"),
               class = "riskset_error_argument")
  expect_error(screen_crosstab(m, c(0, 1, 0, 1), test = "fisher"),
               class = "riskset_error_argument")
  expect_error(screen_crosstab(m, c(0, 1, 0, 1), adjust = "none at all"),
               class = "riskset_error_argument")
  expect_error(screen_crosstab(m, c(0, 1, 0, 1), odds.ratio = 1),
               class = "riskset_error_argument")
})

test_that("F37: a column whose covariance would be too large is NA with the reason", {
  d <- list(id = seq_len(12000) / 7, arm = rep(1:2, 6000))
  ours <- screen_crosstab(as.data.frame(d), rep(c(0, 0, 1), 4000), test = "cmh")
  expect_identical(ours$reason, c("too many distinct values", NA))
  expect_identical(is.na(ours$p.value), c(TRUE, FALSE))
})

test_that("an outcome with one value is refused, whatever levels it declares", {
  x <- cbind(a = 1:4)
  for (y in list(rep(TRUE, 4), factor(rep("a", 4), levels = c("a", "b")), c(1, 1, NA, 1))) {
    expect_refused(screen_crosstab(x, y), "`y` must have at least two values, not 1", "group")
  }
})
