# The package against the second implementation of helper-formulas.R, on small random data with
# everything mixed. No survival, and no R function that tests.

# What is not as it should be, over many data sets, of which at least `least` must be fit to be
# compared: `compare` gives NA for the others.
disagreements <- function(seeds, least, compare) {
  found <- lapply(seeds, compare)
  compared <- !vapply(found, identical, NA, NA)
  expect_gte(sum(compared), least)
  off <- lengths(found) > 0L & compared
  wrong <- paste0("data set ", rep(seeds[off], lengths(found[off])), ": ", unlist(found[off]))
  expect(!any(off), paste(c("", utils::head(wrong, 10)), collapse = "\n  "))
}

# Statistics are squares of differences: near 0 only the differences are known.
apart <- function(ours, plain) any(abs(ours - plain) > 1e-10 * pmax(1, plain))

complete <- function(d, columns) d[stats::complete.cases(d[columns]), ]

conf_types <- c("log", "log-log", "plain", "logit", "arcsin")

# What differs between curve i of a fit and its plain twin.
curve_differences <- function(fit, curve, type, level) {
  inside <- curve$surv > 0 & curve$surv < 1
  limits <- lapply(plain_limits(curve, type, level), `[`, inside)
  c(
    differences(unclass(fit), curve, setdiff(names(curve), "std.err"), 1e-12),
    difference(fit$std.err, curve$std.err, 1e-10),
    differences(list(lower = fit$lower[inside], upper = fit$upper[inside]), limits, c("lower", "upper"))
  )
}

test_that("km() is the product-limit estimate with Greenwood's error on 390 random data sets", {
  disagreements(1:400, 390, function(seed) {
    d <- random_trial(seed, n = c(4, 15, 40)[1 + seed %% 3], missing = seed %% 4)
    late <- seed %% 2 == 0
    w <- if (seed %% 3 == 0) d$whole
    if (!is.null(w) && sum(w) == 0) return(NA)
    type <- conf_types[1 + seed %% 5]
    level <- c(0.95, 0.8)[1 + seed %% 2]
    used <- complete(transform(d, w = if (is.null(w)) 1 else w), c("time", "status", "g", if (late) "entry"))
    if (nrow(used) == 0 || sum(used$w) == 0) return(NA)
    fit <- km(d$time, d$status, d$g, weights = w, entry = if (late) d$entry, conf.type = type,
              conf.int = level, timefix = FALSE, event = 1)
    groups <- levels(droplevels(used$g))
    unlist(lapply(seq_along(groups), function(i) {
      of <- used[used$g == groups[i], ]
      entry <- if (late) of$entry else rep(-1, nrow(of))
      curve_differences(fit[i], plain_km(of$time, of$status, entry, of$w), type, level)
    }))
  })
})

test_that("quantiles and their intervals are where the curve and its band cross", {
  p <- c(0.25, 0.5, 0.8)
  disagreements(401:600, 200, function(seed) {
    d <- complete(random_trial(seed, n = c(6, 12, 40)[1 + seed %% 3]), c("time", "status"))
    fit <- km(d$time, d$status, conf.type = "plain", timefix = FALSE, event = 1)
    curve <- plain_km(d$time, d$status)
    band <- plain_limits(curve, "plain", 0.95)
    band <- lapply(band, function(x) ifelse(curve$surv == 0, NA, ifelse(curve$surv == 1, 1, x)))
    lines <- list(quantile = curve$surv, lower = band$lower, upper = band$upper)
    falling <- vapply(lines, function(x) !is.unsorted(-x, na.rm = TRUE), NA)
    names <- names(lines)[falling]
    crossings <- lapply(lines, function(x) vapply(1 - p, plain_crossing, 0, time = curve$time, line = x))
    differences(lapply(quantile(fit, p), unname), crossings, names)
  })
})

test_that("logrank() adds up observed, expected and covariance as 380 random data sets do by hand", {
  powers <- list(c(0, 0), c(1, 0), c(0, 1), c(1, 1), c(0.5, 2), c(-1, 0))
  disagreements(1:400, 380, function(seed) {
    d <- random_trial(seed, n = c(8, 20, 40)[1 + seed %% 3], missing = seed %% 4)
    columns <- c("time", "status", "g", if (seed %% 2) "h", if (seed %% 3 == 0) "entry")
    power <- powers[[1 + seed %% 6]]
    used <- complete(d, columns)
    args <- function(d) {
      list(time = d$time, status = d$status, group = d$g, strata = if (seed %% 2) d$h,
           entry = if (seed %% 3 == 0) d$entry, weights = if (seed %% 5 == 0) d$whole,
           rho = power[1], gamma = power[2])
    }
    plain <- args(transform(used, g = droplevels(g)))
    plain <- do.call(plain_logrank, plain[!vapply(plain, is.null, NA)])
    if (seed %% 5 == 0 && sum(used$whole) == 0 || length(unique(used$g)) < 2) return(NA)
    test <- suppressMessages(do.call(logrank, c(args(d), timefix = FALSE, event = 1)))
    if (is.na(plain$statistic)) return(if (!is.na(test$statistic)) "statistic should be NA")
    top <- max(abs(plain$variance))
    c(
      differences(lapply(unclass(test)[c("observed", "expected")], unname), plain, c("observed", "expected")),
      if (any(abs(unname(test$variance) - plain$variance) > 1e-12 * top)) "variance differs",
      difference(unname(test$parameter), as.numeric(plain$df)),
      if (apart(test$statistic, plain$statistic)) "statistic differs",
      difference(test$p.value, stats::pchisq(plain$statistic, plain$df, lower.tail = FALSE), 1e-8)
    )
  })
})

# Counts with empty rows, columns and strata among them.
random_counts <- function(seed, shape) {
  set.seed(seed)
  x <- array(stats::rpois(prod(shape), sample(c(0.4, 1.5, 8, 60), 1)), shape)
  if (seed %% 5 == 0) x[sample(shape[1], 1), , sample(shape[3], 1)] <- 0
  if (seed %% 7 == 0) x[, sample(shape[2], 1), sample(shape[3], 1)] <- 0
  if (seed %% 11 == 0) x[, , sample(shape[3], 1)] <- 0
  x
}

test_that("cmh() of 2 x 2 x K is Mantel and Haenszel's, with its odds ratio and homogeneity, 290 times", {
  disagreements(1:300, 290, function(seed) {
    x <- random_counts(seed, c(2, 2, 1 + seed %% 6))
    if (sum(x) == 0) return(NA)
    plain <- plain_mh(x)
    test <- suppressMessages(cmh(x, conf.level = 0.9))
    if (is.nan(plain$statistic[1])) return(if (!is.na(test$statistic)) "statistic should be NA")
    odds <- difference(unname(test$estimate), plain$odds, 1e-12)
    if (plain$odds %in% c(0, Inf)) return(c(odds, if (!all(is.na(test$conf.int))) "limits should be NA"))
    same <- plain_homogeneity(x, plain$odds)
    reach <- stats::qnorm(0.95) * sqrt(plain$log.variance)
    ours <- test$homogeneity
    c(
      if (apart(test$tests$statistic, plain$statistic)) "statistic differs",
      odds, difference(as.numeric(test$conf.int), plain$odds * exp(c(-reach, reach))),
      if (same$df == 0) {
        if (!all(is.na(ours$statistic))) "homogeneity should be NA"
      } else if (apart(ours$statistic, same$statistic) || ours$df[1] != same$df) {
        "homogeneity differs"
      }
    )
  })
})

test_that("cmh() of I x J x K is the general association, of its rank, 150 times", {
  disagreements(1:200, 150, function(seed) {
    x <- random_counts(seed, c(2 + seed %% 3, 2 + seed %% 4, 1 + seed %% 5))
    if (sum(x) == 0 || all(dim(x)[1:2] == 2)) return(NA)
    plain <- plain_cmh(x)
    test <- suppressMessages(cmh(x))
    if (is.na(plain$statistic)) return(if (!is.na(test$statistic)) "statistic should be NA")
    c(difference(unname(test$parameter), as.numeric(plain$df)),
      if (apart(test$statistic, plain$statistic)) "statistic differs")
  })
})

test_that("crosstab() is the textbook's, exact test included, on 200 random tables", {
  disagreements(1:450, 200, function(seed) {
    x <- random_counts(seed, c(2 + (seed %% 3 == 0) * seed %% 4, 2 + (seed %% 3 == 0) * seed %% 5, 1))[, , 1]
    if (any(rowSums(x) == 0, colSums(x) == 0)) return(NA)
    tests <- crosstab(x)$tests
    plain <- plain_crosstab(x)
    two <- all(dim(x) == 2)
    expected <- unlist(plain[c("pearson", if (two) "yates", "likelihood", "linear")], use.names = FALSE)
    ours <- tests$statistic[tests$method != "Fisher's exact test"]
    c(
      if (apart(ours, expected)) "statistic differs",
      if (two) difference(tests$p.value[4], plain_fisher(x), 1e-10)
    )
  })
})

test_that("a table of text, logical and missing values counts as its rows do", {
  disagreements(1:100, 80, function(seed) {
    set.seed(seed)
    n <- 25
    d <- data.frame(x = sample(c("u", "v", NA), n, TRUE), y = sample(c(TRUE, FALSE, NA), n, TRUE),
                    s = sample(c(1, 2.5, NaN), n, TRUE), w = sample(0:3, n, TRUE))
    used <- stats::na.omit(d)
    x <- stats::xtabs(w ~ x + y + s, used)
    if (any(dim(x)[1:2] < 2) || any(apply(x, 1, sum) == 0, apply(x, 2, sum) == 0)) return(NA)
    test <- suppressMessages(cmh(y ~ x + strata(s), data = d, weights = w))
    plain <- plain_mh(x)
    c(
      difference(as.numeric(test$observed), as.numeric(apply(x, 1:2, sum))),
      if (is.nan(plain$statistic[1])) if (!is.na(test$statistic)) "statistic should be NA",
      if (!is.nan(plain$statistic[1]) && apart(test$tests$statistic, plain$statistic)) "statistic differs"
    )
  })
})
