chi <- function(m, ...) suppressWarnings(stats::chisq.test(m, ...))

random_tables <- function(n, rows, cols, seed) {
  set.seed(seed)
  tables <- lapply(seq_len(n), function(i) {
    matrix(stats::rpois(rows * cols, 10^stats::runif(rows * cols, 0, 2.5)), rows)
  })
  Filter(function(m) all(rowSums(m) > 0, colSums(m) > 0), tables)
}

flat_tables <- function() {
  list(
    margin.table(datasets::UCBAdmissions, c(2, 1)), margin.table(datasets::Titanic, c(1, 4)),
    margin.table(datasets::Titanic, c(2, 4)), margin.table(datasets::HairEyeColor, 1:2),
    margin.table(datasets::HairEyeColor, c(1, 3)),
    table(datasets::infert$education, datasets::infert$case),
    table(datasets::mtcars$cyl, datasets::mtcars$gear),
    table(datasets::warpbreaks$tension, datasets::warpbreaks$breaks > 25),
    table(survival::lung$ph.ecog, survival::lung$sex)
  )
}

test_that("chi-squares equal chisq.test() on the tables of datasets", {
  for (m in flat_tables()) {
    ours <- as.data.frame(crosstab(m))
    peer <- chi(m, correct = FALSE)
    expect_equal(ours$statistic[1], unname(peer$statistic), tolerance = 1e-12)
    expect_equal(ours$p.value[1], peer$p.value, tolerance = 1e-10)
    expect_equal(crosstab(m)$expected, peer$expected, tolerance = 1e-12, ignore_attr = TRUE)
  }
})

test_that("2 x 2 tests equal chisq.test() and fisher.test() on random tables", {
  for (m in random_tables(300, 2, 2, 1)) {
    ours <- crosstab_tests(m)
    expect_equal(ours$p.value[1], chi(m, correct = FALSE)$p.value, tolerance = 1e-10)
    expect_equal(ours$p.value[2], chi(m)$p.value, tolerance = 1e-10)
    expect_equal(ours$p.value[4], stats::fisher.test(m)$p.value, tolerance = 1e-10)
  }
})

test_that("likelihood ratio and linear-by-linear are their formulas", {
  for (m in random_tables(40, 3, 4, 2)) {
    ours <- crosstab_tests(m)
    e <- outer(rowSums(m), colSums(m)) / sum(m)
    expect_equal(ours$statistic[2], 2 * sum(ifelse(m > 0, m * log(m / e), 0)), tolerance = 1e-10)
    x <- rep(row(m), m)
    y <- rep(col(m), m)
    expect_equal(ours$statistic[4], (sum(m) - 1) * stats::cor(x, y)^2, tolerance = 1e-10)
  }
})

test_that("larger tables take Fisher's P from fisher.test(), or say why not (F53)", {
  m <- matrix(c(3, 1, 4, 1, 5, 9), 2)
  expect_equal(crosstab_tests(m)$p.value[3], stats::fisher.test(m)$p.value, tolerance = 1e-10)
  wide <- crosstab(margin.table(datasets::HairEyeColor, 1:2))$tests
  expect_true(is.na(wide$p.value[3]))
  expect_match(wide$reason[3], "workspace")
  expect_match(crosstab(matrix(1e6 + 1:6, 2))$tests$reason[3], "too large")
})

# Had it been called and stopped, the reason would be "workspace".
test_that("fisher.test() is not called on tables that could make it crash (F53)", {
  reason <- function(m) crosstab_tests(m)$reason[3]
  set.seed(3)
  for (shape in list(c(6, 8), c(8, 6), c(5, 9), c(6, 7), c(5, 6), c(4, 9), c(3, 17))) {
    m <- 1 + stats::rmultinom(1, 200 - prod(shape), rep(1, prod(shape)))
    expect_match(reason(matrix(m, shape[1])), "not safe")
  }
  expect_match(reason(matrix(200, 4, 4)), "not safe")
  printed <- utils::capture.output(print(crosstab(matrix(m, 3))))
  expect_match(paste(printed, collapse = " "), "exact test: not computed, fisher.test\\(\\) is not safe")
})

test_that("common larger tables equal fisher.test()", {
  # ?fisher.test: job satisfaction by income, Agresti (2002, p. 57)
  job <- matrix(c(1, 2, 1, 0, 3, 3, 6, 1, 10, 10, 14, 9, 6, 7, 12, 11), 4)
  flat <- datasets::HairEyeColor
  tables <- list(job, matrix(c(60, 45, 30, 55, 40, 65), 3), matrix(c(3, 5, 4, 2, 6, 4), 2),
                 matrix(c(20, 6, 5, 4, 12, 15, 4, 6, 10, 7, 9, 3), 4),
                 matrix(c(150, 30, 12, 9, 40, 25, 3, 8, 20, 9, 4, 5), 4), diag(2, 6),
                 margin.table(flat, c(1, 3)), margin.table(flat, c(3, 2)),
                 diag(3, 5) + 1, matrix(c(2, 1, 1, 2, 1, 1, 3), 4, 7))
  for (m in tables) {
    expect_equal(crosstab_tests(m)$p.value[3], stats::fisher.test(m)$p.value,
                 tolerance = 1e-10)
  }
})

test_that("published: SAS statug example of a fat-rich diet (C2)", {
  ours <- as.data.frame(crosstab(matrix(c(11, 2, 4, 6), 2)))
  expect_equal(ours$method, c("Pearson chi-square", "Continuity correction (Yates)",
                              "Likelihood ratio", "Fisher's exact test",
                              "Linear-by-linear association"))
  expect_equal(round(ours$statistic, 4), c(4.9597, 3.1879, 5.0975, NA, 4.7441))
  expect_equal(round(ours$p.value[4], 4), 0.0393)
})

test_that("published: CAMIS comparison of R and SAS (C6, C7)", {
  ours <- as.data.frame(crosstab(matrix(c(22, 39, 39, 113), 2)))
  expect_equal(round(ours$statistic, 4), c(2.3072, 1.8261, 2.2490, NA, 2.2964))
  expect_equal(round(ours$p.value[c(1, 2, 4)], 4), c(0.1288, 0.1766, 0.1350))
  big <- as.data.frame(crosstab(matrix(c(26, 247, 44, 1002), 2)))
  expect_equal(round(big$statistic[1:2], 4), c(12.1804, 11.1453))
})

test_that("cells with an expected count below 5 are counted, and the smallest is told", {
  for (m in c(flat_tables(), random_tables(20, 3, 3, 7))) {
    fit <- crosstab(m)
    e <- outer(rowSums(m), colSums(m)) / sum(m)
    expect_equal(fit$low.expected, sum(e < 5))
    expect_equal(fit$min.expected, min(e))
  }
})

test_that("all three doors give the same table", {
  d <- datasets::infert
  by_formula <- crosstab(case ~ spontaneous, data = d)
  by_vectors <- with(d, crosstab(spontaneous, case))
  by_table <- crosstab(table(d$spontaneous, d$case))
  expect_equal(by_vectors$tests, by_formula$tests)
  expect_equal(by_table$observed, by_formula$observed, ignore_attr = TRUE)
  expect_equal(by_table$tests$statistic[1:2], by_formula$tests$statistic[1:2])
  expect_equal(names(dimnames(by_formula$observed)), c("spontaneous", "case"))
})

test_that("any kind of vector is counted: text, logical, whole and broken numbers", {
  d <- datasets::mtcars
  seen <- crosstab(factor(d$cyl), d$am)$observed
  expect_equal(crosstab(d$cyl, d$am)$observed, seen, ignore_attr = TRUE)
  expect_equal(crosstab(as.character(d$cyl), d$am == 1)$observed, seen, ignore_attr = TRUE)
  expect_equal(crosstab(d$cyl / 7, d$am)$observed, seen, ignore_attr = TRUE)
  expect_equal(crosstab(d$cyl * 1000L, d$am)$observed, seen, ignore_attr = TRUE)
  expect_equal(crosstab(d$cyl - 6, d$am)$observed, seen, ignore_attr = TRUE)
})

test_that("numbers are their own scores, levels are 1, 2, ...", {
  x <- c(1, 1, 2, 2, 10, 10, 10, 1)
  y <- c(0, 1, 0, 1, 1, 1, 1, 0)
  last <- function(fit) utils::tail(fit$tests$statistic, 1)
  expect_equal(last(crosstab(x, y)), 7 * stats::cor(x, y)^2)
  expect_equal(last(crosstab(factor(x), y)), 7 * stats::cor(match(x, c(1, 2, 10)), y)^2)
})

test_that("linear-by-linear is the same whatever the unit of the scores, near the ends of the range too", {
  x <- rep(1:2, c(20, 21))
  y <- rep(c(-1, 0.5, 2, -1, 0.5, 2), c(4, 6, 10, 11, 7, 3))
  last <- function(fit) unlist(utils::tail(fit$tests[c("statistic", "df", "log.p")], 1))
  plain <- last(crosstab(x, y))
  expect_equal(plain[["statistic"]], 40 * stats::cor(x, y)^2)
  for (unit in c(1e160, 1e-170, 1e-300, 2^1022, 2^-1021)) {
    expect_equal(last(crosstab(x, y * unit)), plain, tolerance = 1e-13)
    expect_equal(last(crosstab(y * unit, x / unit)), plain, tolerance = 1e-13)
  }
})

test_that("weights k equal k rows, whole numbers in doubles or integers (F42)", {
  d <- as.data.frame(datasets::Titanic)
  long <- d[rep(seq_len(nrow(d)), d$Freq), ]
  rows <- crosstab(Survived ~ Class, data = long)
  for (w in list(d$Freq, as.integer(d$Freq))) {
    d$w <- w
    expect_equal(crosstab(Survived ~ Class, data = d, weights = w)$tests, rows$tests)
  }
})

test_that("missing values are left out, counted and printed; NaN too (F01, F02)", {
  x <- c(1, 2, NA, 1, 2, NaN, 1, 2)
  y <- c("a", "b", "a", NA, "a", "b", "b", "b")
  fit <- crosstab(x, y)
  expect_equal(fit$n.missing, 3)
  expect_equal(fit$n, 5)
  expect_output(print(fit), "N of valid cases: 5 (3 rows left out: missing value)", fixed = TRUE)
})

test_that("levels that nobody has are left out and counted (F26)", {
  x <- factor(c("a", "b", "a", "b"), levels = c("a", "b", "never", "neither"))
  fit <- crosstab(x, c(0, 1, 1, 0))
  expect_equal(dim(fit$observed), c(2L, 2L))
  expect_equal(unname(fit$unused), c(2L, 0L))
  expect_output(print(fit), "Left out: 2 levels that nobody has (x).", fixed = TRUE)
})

test_that("subset takes logical values and row numbers, and names with blanks work", {
  d <- data.frame(`a b` = c(1, 1, 2, 2, 2), `it's` = c(0, 1, 0, 1, 1), check.names = FALSE)
  all <- crosstab(`it's` ~ `a b`, data = d, subset = c(TRUE, TRUE, TRUE, TRUE, NA))
  expect_equal(all$n, 4)
  expect_equal(crosstab(`it's` ~ `a b`, data = d, subset = -5)$observed, all$observed)
  expect_equal(crosstab(`it's` ~ `a b`, data = as.list(d), subset = 1:4)$observed, all$observed)
})

test_that("Fisher's P neither underflows nor takes long at a billion a cell (F54, F55)", {
  far <- crosstab_tests(matrix(c(1e9, 5e8, 1e9, 1e9), 2))
  expect_equal(far$p.value[4], 0)
  expect_equal(far$log.p[4], far$log.p[3], tolerance = 1e-6)
  # the observed cell is below its mode; the other tail starts where the density is as low
  m <- matrix(c(1e9, 1.0001e9, 1e9, 1e9), 2)
  density <- function(x) stats::dhyper(x, sum(m[, 1]), sum(m[, 2]), sum(m[1, ]), log = TRUE)
  tail <- function(x, ...) stats::phyper(x, sum(m[, 1]), sum(m[, 2]), sum(m[1, ]), ...)
  far_side <- 1e9 + 40000:60000
  first <- min(far_side[density(far_side) <= density(1e9) + 1e-7])
  expect_equal(crosstab_tests(m)$p.value[4], tail(1e9) + tail(first - 1, lower.tail = FALSE),
               tolerance = 1e-8)
  expect_equal(crosstab_tests(matrix(c(40, 1, 2, 60), 2))$log.p[4],
               log(stats::fisher.test(matrix(c(40, 1, 2, 60), 2))$p.value), tolerance = 1e-10)
})

test_that("Fisher's P is 1 at the mode and counts ties on the other side", {
  expect_identical(crosstab_tests(matrix(c(10, 10, 10, 10), 2))$p.value[4], 1)
  m <- matrix(c(3, 7, 7, 3), 2)
  expect_equal(crosstab_tests(m)$p.value[4], 2 * stats::phyper(3, 10, 10, 10), tolerance = 1e-12)
})

test_that("Fisher's P equals fisher.test() on every 2 x 2 table of 14 subjects", {
  cells <- expand.grid(a = 0:14, b = 0:14, c = 0:14)
  cells <- cells[rowSums(cells) <= 14, ]
  cells$d <- 14 - rowSums(cells)
  ok <- with(cells, a + b > 0 & c + d > 0 & a + c > 0 & b + d > 0)
  worst <- 0
  for (i in which(ok)) {
    m <- matrix(unlist(cells[i, ]), 2)
    worst <- max(worst, abs(crosstab_tests(m)$p.value[4] / stats::fisher.test(m)$p.value - 1))
  }
  expect_lt(worst, 1e-12)
})

test_that("counts do not depend on threads, and long columns are counted right (F61)", {
  set.seed(3)
  n <- 300000
  x <- sample(c(NA, 1:5), n, TRUE)
  y <- sample(c(0, 1), n, TRUE)
  old <- options(riskset.threads = 1)
  on.exit(options(old))
  one <- crosstab(x, y)
  options(riskset.threads = 2)
  expect_identical(crosstab(x, y), one)
  expect_equal(c(one$observed), c(table(x, y)))
  expect_equal(one$n.missing, sum(is.na(x)))
})

test_that("the block prints as a reader of SPSS knows it", {
  fit <- crosstab(matrix(c(11, 2, 4, 6), 2, dimnames = list(
    diet = c("high", "low"), disease = c("yes", "no")
  )))
  expect_snapshot(print(fit))
  capture.output(back <- print(fit))
  expect_identical(back, fit)
})

test_that("it knits to tables", {
  skip_if_not_installed("knitr")
  text <- knitr::knit_print(crosstab(matrix(c(11, 2, 4, 6), 2)))
  expect_match(text, "Pearson chi-square", fixed = TRUE)
  expect_match(text, "|:--", fixed = TRUE)
})

test_that("inputs are not modified (F75)", {
  x <- c(1, 2, 1, 2)
  y <- factor(c("a", "a", "b", "b"))
  w <- c(1, 2, 3, 4)
  before <- serialize(list(x, y, w), NULL)
  crosstab(x, y, weights = w)
  expect_identical(serialize(list(x, y, w), NULL), before)
})

test_that("tables of counts that are none are refused (F48)", {
  for (bad in list(-1, NA, Inf, NaN, 1.5)) {
    expect_error(crosstab(matrix(c(1, bad, 2, 3), 2)), class = "riskset_error_table")
  }
  expect_error(crosstab(matrix(c(1, 0, 2, 0), 2)), class = "riskset_error_table")
  expect_error(crosstab(matrix(c(1, 2, 0, 0), 2)), "no column of zeros")
  expect_error(crosstab(matrix(1:4, 1)), class = "riskset_error_table")
  expect_error(crosstab(matrix(1:4, 4)), class = "riskset_error_table")
  expect_error(crosstab(matrix(0, 2, 2)), class = "riskset_error_table")
  expect_error(crosstab(matrix("a", 2, 2)), class = "riskset_error_table")
  expect_error(crosstab(array(1, c(2, 2, 2))), class = "riskset_error_table")
  expect_error(crosstab(matrix(2^53, 2, 2)), class = "riskset_error_table")
  expect_error(crosstab(data.frame(a = 1:2, b = 3:4)), class = "riskset_error_table")
  expect_error(crosstab(matrix(1:4, 2), y = 1:2), class = "riskset_error_argument")
})

test_that("vectors that make no table are refused (F16, F27)", {
  expect_error(crosstab(1:3, 1:4), class = "riskset_error_length")
  expect_error(crosstab(rep(1, 4), c(0, 1, 0, 1)), class = "riskset_error_group")
  expect_error(crosstab(c(NA, NA), c(0, 1)), class = "riskset_error_data")
  expect_error(crosstab(integer(), integer()), class = "riskset_error_length")
  expect_error(crosstab(1:3), class = "riskset_error_argument")
  expect_error(crosstab(list(1, 2), 1:2), class = "riskset_error_formula")
  expect_error(crosstab(1:2, list(1, 2)), class = "riskset_error_group")
  expect_error(crosstab(1:4, c(0, 1, 0, 1), subset = "a"), class = "riskset_error_argument")
  expect_error(crosstab(1:4, c(0, 1, 0, 1), subset = c(TRUE, FALSE)),
               class = "riskset_error_length")
  expect_error(crosstab(1:4, c(0, 1, 0, 1), subset = 9), class = "riskset_error_argument")
  expect_error(crosstab(1:4, c(0, 1, 0, 1), correct = TRUE), class = "riskset_error_argument")
})

test_that("weights that are no counts are refused, by row (F38, F39, F41)", {
  x <- c(1, 2, 1, 2)
  y <- c(0, 0, 1, 1)
  for (bad in list(-1, NA, Inf, NaN, 0.5)) {
    expect_error(crosstab(x, y, weights = c(1, 1, bad, 1)), "row 3",
                 class = "riskset_error_weights")
  }
  expect_error(crosstab(x, y, weights = c(1L, NA, 1L, 1L)), class = "riskset_error_weights")
  expect_error(crosstab(x, y, weights = c(1, 1, 1, -1), subset = c(1, 2, 4)), "row 4")
  expect_error(crosstab(x, y, weights = rep(0, 4)), class = "riskset_error_weights")
  expect_error(crosstab(x, y, weights = "1"), class = "riskset_error_weights")
  expect_error(crosstab(x, y, weights = rep(2^53, 4)), class = "riskset_error_weights")
  expect_error(crosstab(x, y, weights = 1:3), class = "riskset_error_length")
})

test_that("formulas that are none are refused", {
  d <- datasets::infert
  expect_error(crosstab(~case, data = d), class = "riskset_error_formula")
  expect_error(crosstab(case ~ absent_variable, data = d), class = "riskset_error_formula")
  expect_error(crosstab(case ~ age + parity, data = d), class = "riskset_error_formula")
  expect_error(crosstab(case ~ age:parity, data = d), class = "riskset_error_formula")
  expect_error(crosstab(case ~ induced + strata(education), data = d), "cmh",
               class = "riskset_error_formula")
  expect_error(crosstab(case ~ induced, data = 1), class = "riskset_error_data")
})

test_that("an error carries the call that the user typed", {
  error <- tryCatch(crosstab(1:3, 1:4), error = identity)
  expect_identical(conditionCall(error)[[1L]], quote(crosstab))
})

test_that("crosstab_tests() leaves out empty rows and says when nothing is left", {
  full <- crosstab_tests(matrix(c(1, 2, 3, 4), 2))
  expect_equal(crosstab_tests(rbind(c(1, 3), 0, c(2, 4)))$statistic[1], full$statistic[1])
  none <- crosstab_tests(matrix(c(1, 0, 2, 0), 2))
  expect_true(all(is.na(none$p.value)))
  expect_match(none$reason[1], "only one row or column")
  expect_equal(pearson_test(matrix(c(1, 2, 3, 4), 2))$p.value, full$p.value[1])
  wide <- matrix(c(20, 5, 7, 9, 30, 4), 2)
  expect_equal(pearson_test(wide),
               as.list(crosstab_tests(wide)[1, c("statistic", "df", "p.value", "log.p")]))
})

test_that("F37: more cells than a table can have are refused before they are allocated", {
  x <- seq_len(60000)
  expect_error(crosstab(x, x), "more than a table can have", class = "riskset_error_table")
  expect_error(crosstab(y ~ x, data = list(x = x, y = x)), class = "riskset_error_table")
})

test_that("F53: an exact test that would take hours is not begun", {
  x <- seq_len(60)
  fit <- suppressMessages(crosstab(x, rep(c(0, 0, 1), 20)))
  expect_match(fit$tests$reason[3], "not safe")
  expect_equal(fit$tests$statistic[1], 60)
  wide <- suppressMessages(crosstab(rbind(1:21, 21:1)))
  expect_identical(wide$tests$p.value[3], NA_real_)
  expect_false(is.na(crosstab(rbind(1:9, 9:1))$tests$p.value[3]))
})

test_that("integer counts whose margins overflow are counted as doubles, bit for bit (F43, F55)", {
  small <- matrix(c(200000, 199999, 214748, 214000), 2)
  whole <- small * 1e4
  storage.mode(whole) <- "integer"
  double <- whole + 0
  parts <- c("tests", "expected", "n")
  expect_identical(crosstab(whole)[parts], crosstab(double)[parts])
  expect_identical(cmh(whole)$tests, cmh(double)$tests)
  expect_identical(audit_crosstab(whole, 0.5)$log.p, audit_crosstab(double, 0.5)$log.p)
  expect_identical(crosstab(double)$n, sum(double))
  # Chi-square grows with the counts.
  grown <- 1e4 * crosstab(small)$tests$statistic[c(1, 3)]
  expect_equal(crosstab(double)$tests$statistic[c(1, 3)], grown, tolerance = 1e-9)
  for (f in list(crosstab, cmh)) expect_refused(f(matrix(2^52, 2, 2)), "counts 1.8.*e\\+16 subjects", "table")
  expect_refused(audit_crosstab(matrix(2^52, 2, 2), 0.5), "more than 2\\^53", "table")
})

test_that("tables of one subject or with bad counts are refused where they are no table (F48, F49)", {
  for (bad in list(-1, NA, Inf, NaN, 0.5)) {
    expect_refused(audit_crosstab(matrix(c(1, bad, 2, 3), 2), 0.5), "element 2 is", "table")
    expect_refused(crosstab(matrix(c(1, bad, 2, 3), 2)), "element 2 is", "table")
    expect_refused(cmh(matrix(c(1, bad, 2, 3), 2)), "element 2 is", "table")
  }
  one <- matrix(c(1, 0, 0, 0), 2)
  expect_refused(crosstab(one), "no row of zeros", "table")
  expect_message(fit <- cmh(one), class = "riskset_undefined")
  expect_identical(fit$p.value, NA_real_)
  expect_refused(crosstab(1, 1), "at least two values, not only 1", "group")
})
