# The Cochran-Mantel-Haenszel test: a contingency table in each stratum, added up.

#' Cochran-Mantel-Haenszel test: association within strata
#'
#' Tests whether an exposure and an outcome are associated once a third variable (site, age
#' group, centre) is held fixed, and for two exposures and two outcomes estimates the common
#' odds ratio, with a test of whether it is common. One stratum is allowed. What
#' [stats::mantelhaen.test()] can compute is equal to its, but for a corrected statistic where
#' \eqn{|O - E| < 1/2} (see Details) and the exact odds ratio and limits, which are solved more
#' closely here.
#'
#' @param x,formula a formula `outcome ~ exposure + strata(site)`; or the exposure, a vector (factor,
#'   text, logical or numbers) with one element for each subject; or a table of counts, an array
#'   exposures x outcomes x strata, or a matrix for a single stratum.
#' @param y,strata the outcome and the stratum, vectors as long as `x`; not used with a formula
#'   or a table. `strata` may be a list of vectors: their combinations are the strata.
#' @param data a data frame, list or environment with the variables of the formula, `weights`
#'   and `subset`, or `NULL`.
#' @param weights whole numbers, one for each row: how many subjects the row stands for.
#' @param subset which rows to use: logical (`NA` is `FALSE`) or row numbers.
#' @param correct for 2 x 2 tables: whether `statistic` is the one with continuity correction.
#'   Both are in `tests`, and the print marks the one chosen.
#' @param exact for 2 x 2 tables: the exact conditional test, estimate and interval.
#' @param alternative for 2 x 2 tables: `"two.sided"`, or whether the common odds ratio is
#'   `"less"` or `"greater"` than 1.
#' @param conf.level of the interval of the common odds ratio.
#' @param ... nothing: anything here is an error.
#'
#' @return A list of class `c("riskset_cmh", "htest")` with the elements of
#'   [stats::mantelhaen.test()] (`statistic`, `parameter`, `p.value`, `conf.int`, `estimate`,
#'   `null.value`, `alternative`, `method`, `data.name`), and
#'   * `log.p`: the logarithm of P, which does not underflow;
#'   * `tests`: a data frame (`method`, `statistic`, `df`, `p.value`, `log.p`, `reported`). For
#'     2 x 2 tables the uncorrected and the corrected statistic (and the exact test), else SAS's
#'     three: `Nonzero correlation`, `Row mean scores differ`, `General association`;
#'   * `observed`, `expected`: exposures x outcomes, summed over strata; `variance` of the first
#'     cell, and `covariance` of all cells but the last outcome's;
#'   * `homogeneity`: for 2 x 2 tables a data frame with the Breslow-Day test and Tarone's
#'     correction of it (`method`, `statistic`, `df`, `p.value`, `log.p`, `reason`);
#'   * `strata`: how many are `informative`, of how many in `total`; `n`, `n.missing`, and
#'     `unused`, the number of levels of exposure and outcome that nobody has;
#'   * `reason`: why something is `NA`, empty otherwise.
#'
#' @details
#' The statistic adds, over strata, observed less expected counts and their hypergeometric
#' covariance given the margins, by the same routine as [logrank()]: the log-rank test is this
#' test with a stratum for each event time. A stratum of one subject, with a single exposure or
#' a single outcome carries no information: it adds nothing and is counted. If no stratum has
#' any (exposures confounded with strata, say), the test is `NA` with a reason and a message of
#' class `riskset_undefined`.
#'
#' With `correct = TRUE`, \eqn{|O - E|} is reduced by 1/2, but not below 0: the statistic is 0
#' when \eqn{|O - E| < 1/2}. (There [stats::mantelhaen.test()] leaves the correction out, so that
#' its statistic jumps.)
#'
#' The interval of the common odds ratio is that of Robins, Breslow and Greenland; where the
#' estimate is 0 or infinite it is `NA`, with a reason (the exact one is one-sided there).
#' Breslow-Day and Tarone have one degree of freedom less than there are informative strata.
#'
#' For larger tables the covariance may be singular (an exposure without subjects in any
#' informative stratum): its rank is then the number of degrees of freedom, which a message of
#' class `riskset_rank` and the print announce. The rank counts the pivots above 1e-11 of a
#' Cholesky factorisation of the correlations. Scores of the first two of SAS's statistics are
#' numbers themselves, and 1, 2, ... for the levels of factors and tables.
#'
#' A number with more than 50 distinct values is a group for each of them, which a message of class
#' `riskset_groups` says.
#'
#' Tables of more than 10000 cells (without those of the last outcome) in a stratum are an error
#' of class `riskset_error_too_large`, before their covariance is allocated.
#'
#' The exact test takes the work of a convolution over strata; beyond 1e10 multiplications (a
#' few seconds) it is an error of class `riskset_error_too_large`. Its estimate and limits are
#' solved to 1e-12.
#'
#' @section Errors:
#' As in [crosstab()]; tables may have a row or column of zeros here.
#' `riskset_error_level`: `conf.level` outside 0 to 1. `riskset_error_argument`: `exact` or
#' `alternative` for a table that is not 2 x 2.
#'
#' @references Mantel N, Haenszel W (1959) Statistical aspects of the analysis of data from
#'   retrospective studies of disease. *Journal of the National Cancer Institute* 22:719-748.
#'   \doi{10.1093/jnci/22.4.719}
#'
#'   Landis JR, Heyman ER, Koch GG (1978) Average partial association in three-way contingency
#'   tables. *International Statistical Review* 46:237-254. \doi{10.2307/1402373}
#'
#'   Robins J, Breslow N, Greenland S (1986) Estimators of the Mantel-Haenszel variance
#'   consistent in both sparse data and large-strata limiting models. *Biometrics* 42:311-323.
#'   \doi{10.2307/2531052}
#'
#'   Tarone RE (1985) On heterogeneity tests based on efficient scores. *Biometrika* 72:91-95.
#'   \doi{10.1093/biomet/72.1.91}
#' @seealso [crosstab()] for one table, [screen_crosstab()] for many tests at once.
#' @examples
#' # Admission to Berkeley by sex, in six departments: the odds ratio is not common to them
#' cmh(aperm(datasets::UCBAdmissions, c(2, 1, 3)))
#'
#' cmh(case ~ induced + strata(education), data = datasets::infert)
#' cmh(case ~ (spontaneous > 0) + strata(education), data = datasets::infert, exact = TRUE)
#' @export
cmh <- function(x, ...) UseMethod("cmh")

#' @rdname cmh
#' @export
cmh.formula <- function(formula, data = NULL, weights = NULL, subset = NULL, correct = TRUE,
                        exact = FALSE, alternative = c("two.sided", "less", "greater"),
                        conf.level = 0.95, ...) {
  check_dots(...)
  options <- cmh_options(correct, exact, alternative, conf.level)
  rows <- contingency_formula(formula, data, substitute(weights), substitute(subset))
  new_cmh(counted_strata(rows), options)
}

#' @rdname cmh
#' @export
cmh.default <- function(x, y = NULL, strata = NULL, weights = NULL, subset = NULL,
                        correct = TRUE, exact = FALSE,
                        alternative = c("two.sided", "less", "greater"), conf.level = 0.95,
                        ...) {
  if (names_formula(...)) return(call_method(cmh.formula))
  check_given(x = missing(x))
  refuse_no_vector(x)
  check_dots(...)
  options <- cmh_options(correct, exact, alternative, conf.level)
  label <- call_label(substitute(x), "x")
  if (length(dim(x)) > 0L) {
    no_vectors(y = y, strata = strata, weights = weights, subset = subset)
    table <- contingency_table(x, "x", 2:3)
    table$data.name <- label
    return(new_cmh(table, options))
  }
  names <- list(x = label, y = call_label(substitute(y), "y"),
                strata = call_label(substitute(strata), "strata"))
  rows <- contingency_vectors(x, y, strata, weights, subset, names)
  new_cmh(counted_strata(rows), options)
}

cmh_options <- function(correct, exact, alternative, conf.level) {
  check_flag(correct, "correct")
  check_flag(exact, "exact")
  check_level(conf.level, "conf.level")
  list(correct = correct, exact = exact, conf.level = conf.level,
       alternative = check_choice(alternative, c("two.sided", "less", "greater"), "alternative"))
}

# Strata that a table declares may be empty; in rows, a number or level that nobody has is none.
counted_strata <- function(rows) {
  table <- drop_unused(contingency_told(rows))
  shape <- dim(table$counts)
  occurs <- .colSums(table$counts, shape[1L] * shape[2L], shape[3L]) > 0
  if (!all(occurs)) table$counts <- table$counts[, , occurs, drop = FALSE]
  check_margins(table)
  table
}

new_cmh <- function(table, options) {
  counts <- table$counts
  two_by_two <- all(dim(counts)[1:2] == 2L)
  if (!two_by_two && (options$exact || options$alternative != "two.sided")) {
    abort("argument", "`%s` is for tables of two rows and two columns, not %s",
          if (options$exact) "exact" else "alternative", paste(dim(counts), collapse = " x "))
  }
  check_covariance(dim(counts))
  core <- .Call(C_cmh, counts)
  check_report(core)
  test <- if (two_by_two) odds_ratio_test(core, counts, options) else general_test(core, table)
  out <- c(test, list(data.name = table$data.name), cmh_sums(core, table))
  announce_cmh(out)
  class(out) <- c("riskset_cmh", "htest")
  out
}

# As many cells but the last outcome's as a log-rank test can have groups.
covariance_fits <- function(shape) shape[1L] * (shape[2L] - 1) <= 1e4

check_covariance <- function(shape) {
  if (!covariance_fits(shape)) {
    abort("too_large", "%.0f exposures and %.0f outcomes have more than the 10000 cells of %s",
          shape[1L], shape[2L], "which a covariance matrix can be made")
  }
}

cmh_sums <- function(core, table) {
  shape <- dim(table$counts)
  observed <- .rowSums(table$counts, shape[1L] * shape[2L], shape[3L])
  row <- .rowSums(observed, shape[1L], shape[2L])
  expected <- c(core$expected, row - .rowSums(core$expected, shape[1L], shape[2L] - 1L))
  dim(observed) <- dim(expected) <- shape[1:2]
  dimnames(observed) <- dimnames(expected) <- dimnames(table$counts)[1:2]
  list(observed = observed, expected = expected, variance = core$covariance[1L],
       covariance = core$covariance,
       strata = c(informative = core$values[1L], total = shape[3L]),
       n = sum(observed), n.missing = table$n.missing, unused = table$unused)
}

# What is not as usual is said once, by a message that code can catch by its class.
announce_cmh <- function(x) {
  if (is.na(x$statistic)) {
    inform("undefined", "cmh(): the test is not defined: %s", x$reason[1L])
  } else if (x$rank[1L] < x$rank[2L]) {
    inform("rank", "cmh(): the covariance has rank %.0f, not %.0f; df is %.0f", x$rank[1L],
           x$rank[2L], x$rank[1L])
  }
}

no_information <- paste("no stratum has at least two exposures and two outcomes",
                        "(all are degenerate, or exposures are confounded with strata)")

# ---- Two by two -------------------------------------------------------------------------

odds_ratio_test <- function(core, counts, options) {
  delta <- core$observed[1L] - core$expected[1L]
  variance <- core$covariance[1L]
  defined <- core$values[1L] > 0
  off <- c(abs(delta), max(0, abs(delta) - 0.5))
  statistic <- if (defined) off^2 / variance else c(NA_real_, NA_real_)
  p <- cmh_p(statistic, delta, options$alternative)
  tests <- cmh_tests(c("Mantel-Haenszel", "Mantel-Haenszel, continuity-corrected"), statistic,
                     1, p, c(FALSE, TRUE) == options$correct)
  odds <- common_odds(core$values[2L], core$values[3L], options)
  exact <- if (options$exact && defined) exact_test(counts, odds$estimate, options)
  if (!is.null(exact)) tests <- add_exact(tests, exact)
  chosen <- if (options$correct) 2L else 1L
  limits <- if (is.null(exact)) odds$limits else exact$limits
  attr(limits, "conf.level") <- options$conf.level
  c(
    reported_test(tests, chosen, options, exact),
    list(
      conf.int = limits,
      estimate = c(`common odds ratio` = if (is.null(exact)) odds$estimate else exact$estimate),
      null.value = c(`common odds ratio` = 1), alternative = options$alternative,
      tests = tests, homogeneity = homogeneity(counts, core$values[2L]),
      rank = c(1, 1),
      reason = c(if (!defined) no_information, if (is.null(exact)) odds$reason)
    )
  )
}

reported_test <- function(tests, chosen, options, exact) {
  if (!is.null(exact)) {
    return(list(statistic = c(S = exact$statistic), p.value = exact$p, log.p = exact$log_p,
                method = "Exact conditional test of independence in 2 x 2 x k tables"))
  }
  list(
    statistic = c(`Mantel-Haenszel X-squared` = tests$statistic[chosen]),
    parameter = c(df = 1), p.value = tests$p.value[chosen], log.p = tests$log.p[chosen],
    method = if (options$correct) "Mantel-Haenszel chi-squared test with continuity correction"
             else "Mantel-Haenszel chi-squared test without continuity correction"
  )
}

# list(p, log_p) of chi-squares with one degree of freedom; one-sided by the sign of O - E.
cmh_p <- function(statistic, delta, alternative) {
  if (alternative == "two.sided") return(chi_p(statistic, 1))
  z <- sign(delta) * sqrt(statistic)
  less <- alternative == "less"
  list(p = stats::pnorm(z, lower.tail = less),
       log_p = stats::pnorm(z, lower.tail = less, log.p = TRUE))
}

cmh_tests <- function(method, statistic, df, p, reported) {
  as_frame(method = method, statistic = statistic, df = rep_len(df, length(method)),
           p.value = p$p, log.p = p$log_p, reported = reported)
}

add_exact <- function(tests, exact) {
  tests$reported <- FALSE
  rbind(tests, cmh_tests("Exact conditional", exact$statistic, NA_real_,
                         list(p = exact$p, log_p = exact$log_p), TRUE))
}

# Estimate and interval of the common odds ratio.
common_odds <- function(estimate, log_variance, options) {
  if (is.na(estimate) || estimate == 0 || estimate == Inf) {
    reason <- if (is.na(estimate)) "no stratum tells of the odds ratio"
              else sprintf("the common odds ratio is %g: it has no such interval", estimate)
    return(list(estimate = estimate, limits = c(NA_real_, NA_real_), reason = reason))
  }
  tail <- if (options$alternative == "two.sided") (1 - options$conf.level) / 2
          else 1 - options$conf.level
  reach <- stats::qnorm(tail, lower.tail = FALSE) * sqrt(log_variance)
  limits <- estimate * exp(c(-reach, reach))
  if (options$alternative == "less") limits[1L] <- 0
  if (options$alternative == "greater") limits[2L] <- Inf
  list(estimate = estimate, limits = limits, reason = NULL)
}

homogeneity <- function(counts, odds) {
  found <- c(NA_real_, NA_real_)
  df <- reason <- NA
  if (is.na(odds) || odds == 0 || odds == Inf) {
    reason <- "the common odds ratio is 0, infinite or undefined"
  } else {
    core <- .Call(C_homogeneity, counts, odds)
    df <- core[3L] - 1
    if (df > 0) found <- core[1:2] else reason <- "only one stratum is informative"
  }
  p <- chi_p(found, if (is.na(found[1L])) NA_real_ else df)
  as_frame(
    method = c("Breslow-Day", "Tarone"), statistic = found, df = rep(as.double(df), 2L),
    p.value = p$p, log.p = p$log_p, reason = rep(as.character(reason), 2L)
  )
}

# ---- Exact ------------------------------------------------------------------------------

# Given all margins the sum S of first cells has probabilities proportional to
# d(S) odds^S. They come from C at one odds ratio, near the estimate, and are tilted from there.
exact_test <- function(counts, estimate, options) {
  row <- counts[1L, 1L, ] + counts[1L, 2L, ]
  other <- counts[1L, 2L, ] + counts[2L, 2L, ]
  s <- sum(counts[1L, 1L, ])
  low <- sum(pmax(0, row - other))
  at_one <- exact_density(counts, 1)
  high <- low + length(at_one) - 1
  p <- exact_p(at_one, s - low + 1, options$alternative)
  at_end <- c(s == low, s == high)
  known <- if (is.finite(estimate) && estimate > 0) {
    list(base = log(estimate), density = exact_density(counts, estimate))
  } else {
    density_at_end(counts, s - low + 1, at_one, if (s == low) -1 else 1)
  }
  seen <- which(known$density > 0)
  dist <- list(value = low + seen - 1, log = log(known$density[seen]), base = known$base)
  log_p <- if (p > 1e-280) log(p)
           else exact_log_p(counts, low, high, s, estimate, options$alternative)
  list(statistic = s, p = p, log_p = log_p, estimate = exact_estimate(dist, s, at_end),
       limits = exact_limits(dist, s, at_end, options))
}

# Where S is as small or large as it can be: at an odds ratio at which that is not too rare to be
# seen, beginning with `density`, that at 1.
density_at_end <- function(counts, at, density, direction) {
  base <- 0
  for (l in direction * 2^(0:6)) {
    if (density[at] > 1e-100) break
    base <- l
    density <- exact_density(counts, exp(l))
  }
  list(base = base, density = density)
}

exact_density <- function(counts, odds) {
  core <- .Call(C_cmh_exact, counts, odds)
  if (core$status == "large") {
    abort("too_large", "`exact` = TRUE would take more than 1e10 multiplications %s",
          "or 1e7 values with these counts; use exact = FALSE")
  }
  check_report(core)
  core$density
}

exact_p <- function(d, at, alternative) {
  p <- switch(alternative,
    less = sum(d[seq_len(at)]),
    greater = sum(d[at:length(d)]),
    two.sided = sum(d[d <= d[at] * (1 + 1e-7)])
  )
  min(p, 1)
}

# Where the probabilities at odds ratio 1 underflow. Two-sided, those of the other tail that are no
# larger are added: as far on that side as it takes to meet them.
exact_log_p <- function(counts, low, high, s, estimate, alternative) {
  end <- max(-40, min(40, log(estimate)))
  tail <- log_density(end, counts, low)
  observed <- tail$log[match(s, tail$value)]
  logs <- tail$log[if (end > 0) tail$value >= s else tail$value <= s]
  if (alternative == "two.sided") logs <- c(logs, other_tail(-end, counts, low, high, s, observed))
  max(logs) + log(sum(exp(logs - max(logs))))
}

other_tail <- function(end, counts, low, high, s, observed) {
  for (reach in end * 1.5^(0:8)) {
    other <- log_density(reach, counts, low)
    last <- if (end < 0) which.min(other$value) else which.max(other$value)
    if (other$log[last] <= observed || other$value[last] %in% c(low, high)) break
  }
  across <- if (end < 0) other$value < s else other$value > s
  other$log[across & other$log <= observed + 1e-7]
}

# log P(S) at odds ratio 1, of what is seen at a chain of odds ratios up to exp(end): each two
# neighbours are set equal where both are known best, and each value is taken where it is.
log_density <- function(end, counts, low) {
  for (steps in 2^(0:6)) {
    chain <- lapply(end * (0:steps) / steps, known_density, counts, low)
    shift <- cumsum(c(0, mapply(link_densities, chain[-1L - steps], chain[-1L])))
    if (all(is.finite(shift))) break
  }
  all <- do.call(rbind, Map(function(d, by) cbind(d$value, d$log + by, d$known), chain, shift))
  all <- all[order(-all[, 3L]), , drop = FALSE]
  all <- all[!duplicated(all[, 1L]), , drop = FALSE]
  list(value = all[, 1L], log = all[, 2L])
}

# Logarithms of d(S) up to a constant, and how well each is known.
known_density <- function(base, counts, low) {
  d <- exact_density(counts, exp(base))
  seen <- which(d > 0)
  value <- low + seen - 1
  list(value = value, log = log(d[seen]) - value * base, known = log(d[seen]))
}

link_densities <- function(from, to) {
  at <- match(to$value, from$value)
  common <- !is.na(at)
  if (!any(common)) return(-Inf)
  best <- which.max(pmin(from$known[at[common]], to$known[common]))
  from$log[at[common]][best] - to$log[common][best]
}

# Probabilities at the odds ratio exp(l).
tilt <- function(dist, l) {
  d <- dist$log + (dist$value - dist$value[1L]) * (l - dist$base)
  d <- exp(d - max(d))
  d / sum(d)
}

exact_estimate <- function(dist, s, at_end) {
  if (at_end[1L]) return(0)
  if (at_end[2L]) return(Inf)
  exp(solve_increasing(function(l) sum(dist$value * tilt(dist, l)) - s, dist$base))
}

exact_limits <- function(dist, s, at_end, options) {
  two <- options$alternative == "two.sided"
  alpha <- if (two) (1 - options$conf.level) / 2 else 1 - options$conf.level
  above <- dist$value >= s
  excess <- function(l, part) log(max(sum(tilt(dist, l)[part]), 1e-300) / alpha)
  lower <- function() {
    if (at_end[1L]) return(0)
    exp(solve_increasing(function(l) excess(l, above), dist$base))
  }
  upper <- function() {
    if (at_end[2L]) return(Inf)
    exp(solve_increasing(function(l) -excess(l, !above | dist$value == s), dist$base))
  }
  switch(options$alternative, less = c(0, upper()), greater = c(lower(), Inf),
         two.sided = c(lower(), upper()))
}

solve_increasing <- function(f, near) {
  stats::uniroot(f, near + c(-1, 1), extendInt = "upX", tol = 1e-14, maxiter = 500L)$root
}

# ---- More than two by two ---------------------------------------------------------------

general_test <- function(core, table) {
  shape <- dim(table$counts)
  full <- (shape[1L] - 1) * (shape[2L] - 1)
  method <- c("Nonzero correlation", "Row mean scores differ", "General association")
  forms <- if (core$values[1L] > 0) general_forms(core, table$scores)
           else matrix(NA_real_, 2L, 3L)
  statistic <- forms[1L, ]
  df <- forms[2L, ]
  statistic[df %in% 0] <- NA
  p <- chi_p(statistic, df)
  tests <- cmh_tests(method, statistic, df, p, c(FALSE, FALSE, TRUE))
  list(
    statistic = c(`Cochran-Mantel-Haenszel M^2` = statistic[3L]), parameter = c(df = df[3L]),
    p.value = p$p[3L], log.p = p$log_p[3L], method = "Cochran-Mantel-Haenszel test",
    tests = tests, rank = c(df[3L], full),
    reason = if (is.na(statistic[3L])) no_information
  )
}

# Tests do not depend on the unit of scores, but their squares must not overflow.
unit_scores <- function(x) if (any(x != 0) && all(is.finite(x))) x / max(abs(x)) else x

# Statistic and rank of the three: contrasts of the tracked outcomes against the last one
# (Landis, Heyman & Koch 1978, section 3).
general_forms <- function(core, scores) {
  off <- core$observed - core$expected
  last <- length(scores[[2L]])
  columns <- unit_scores(as.double(scores[[2L]][-last] - scores[[2L]][last]))
  means <- off %*% columns
  spread <- kronecker(t(columns), diag(nrow(off)))
  of_means <- spread %*% core$covariance %*% t(spread)
  a <- unit_scores(as.double(scores[[1L]]) - mean(scores[[1L]]))
  correlation <- sum(a * means)
  of_correlation <- as.matrix(sum(a * (of_means %*% a)))
  cbind(
    .Call(C_quadratic, correlation, of_correlation),
    .Call(C_quadratic, as.double(means), of_means),
    .Call(C_quadratic, as.double(off), core$covariance)
  )
}

# ---- Printing ---------------------------------------------------------------------------

#' @rdname cmh
#' @param digits significant digits.
#' @export
print.riskset_cmh <- function(x, digits = 4, ...) {
  check_digits(digits)
  cat(x$method, "\n\ndata: ", x$data.name, "\n\n", sep = "")
  print_right(cmh_counts(x))
  cat("\n")
  print_right(cmh_lines(x$tests, digits))
  cat("* the statistic of this object\n\n")
  if (!is.null(x$estimate)) {
    cat(odds_line(x, digits), "\n\n", sep = "")
    print_right(homogeneity_lines(x$homogeneity, digits))
    cat("\n")
  }
  cat(strwrap(cmh_notes(x), 79L), sep = "\n")
  invisible(x)
}

# N, and observed and expected counts of all outcomes but the last.
cmh_counts <- function(x) {
  labels <- dimnames(x$observed)
  out <- cbind(c(names(labels)[1L], labels[[1L]]), c("N", format_count(rowSums(x$observed))))
  for (j in seq_len(ncol(x$observed) - 1L)) {
    of <- sprintf("(%s %s)", names(labels)[2L], labels[[2L]][j])
    out <- cbind(out, c(paste("Observed", of), format_count(x$observed[, j])),
                 c("Expected", formatC(x$expected[, j], digits = 2, format = "f")))
  }
  out
}

cmh_lines <- function(tests, digits) {
  mark <- ifelse(tests$reported, "*", "")
  rbind(
    c("Test", "", "Value", "df", "P"),
    cbind(tests$method, mark, format_number(tests$statistic, digits),
          format_number(tests$df, digits), format_p(tests$p.value))
  )
}

format_number <- function(x, digits) {
  ifelse(is.na(x), "NA", vapply(x, format, "", digits = digits))
}

odds_line <- function(x, digits) {
  limits <- format_number(x$conf.int, digits)
  sprintf("Common odds ratio %s, %g %% confidence interval %s to %s",
          format_number(x$estimate, digits), 100 * attr(x$conf.int, "conf.level"), limits[1L],
          limits[2L])
}

homogeneity_lines <- function(h, digits) {
  rbind(c("Homogeneity of odds ratios", "Value", "df", "P"),
        cbind(h$method, format_number(h$statistic, digits), format_number(h$df, digits),
              format_p(h$p.value)))
}

cmh_notes <- function(x) {
  silent <- x$strata[["total"]] - x$strata[["informative"]]
  c(
    sprintf("N of valid cases: %s%s, in %s%s.", format_count(x$n),
            if (x$n.missing > 0) {
              sprintf(" (%s left out: missing value)", plural(x$n.missing, "row"))
            } else "",
            if (x$strata[["total"]] == 1) "1 stratum"
            else paste(format_count(x$strata[["total"]]), "strata"),
            if (silent > 0) {
              sprintf(" (%s without information: one subject, exposure or outcome)",
                      format_count(silent))
            } else ""),
    unused_levels_note(x$unused),
    if (!is.na(x$statistic) && x$rank[1L] < x$rank[2L]) {
      sprintf("The covariance has rank %.0f, not %.0f: df is %.0f.", x$rank[1L], x$rank[2L],
              x$rank[1L])
    },
    if (length(x$reason) > 0L) sprintf("Not defined: %s.", x$reason),
    if (!is.null(x$homogeneity) && !is.na(x$homogeneity$reason[1L])) {
      sprintf("Homogeneity not tested: %s.", x$homogeneity$reason[1L])
    }
  )
}
