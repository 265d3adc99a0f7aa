# One test of association for each of many columns against the same outcome.

#' Screen many variables: one chi-square test a column
#'
#' Tests each column of a matrix (markers, genotypes, questionnaire items) against one outcome,
#' within strata if wanted, in one call: a hundred thousand columns take less than a second. The
#' numbers are those of [crosstab()] and [cmh()] column by column.
#'
#' @param x a matrix or data frame with a row for each subject and a column for each variable:
#'   integers, numbers, factors, text or logical values. Missing values are left out column by
#'   column.
#' @param y the outcome, a vector (factor, text, logical or numbers) with one element for each
#'   row of `x`.
#' @param strata the stratum of each row, or `NULL`; a list of vectors stands for their
#'   combinations.
#' @param test `"pearson"`: Pearson's chi-square; `"trend"`: the linear-by-linear association
#'   \eqn{(N - 1) r^2} with numbers as their own scores and 1, 2, ... for levels (for two
#'   outcomes the Cochran-Armitage test, with \eqn{N - 1} for \eqn{N}); `"cmh"`: the
#'   Cochran-Mantel-Haenszel test of general association. None is corrected for continuity. With
#'   `strata` the test is `"cmh"`.
#' @param odds.ratio whether to add the odds ratio of columns with two values, for two outcomes:
#'   of the table, or the common one of Mantel and Haenszel.
#' @param adjust a method of [stats::p.adjust()], such as `"holm"` or `"BH"`, to add a column
#'   `p.adjusted`; `NULL` for none.
#' @param ... nothing: anything here is an error.
#' @return A data frame with one row a column of `x`: `column` (its name, or number), `n`
#'   (subjects without a missing value), `events` (of them, those at the second level of `y`),
#'   `statistic`, `df`, `p.value`, `log.p` (which does not underflow), `odds.ratio` and
#'   `p.adjusted` if asked for, and `reason`: why the test is `NA`, where it is (a constant
#'   column, no complete row, for `"cmh"` too many values).
#' @details
#' Columns are shared among `getOption("riskset.threads", 2)` threads; the answer does not
#' depend on how many. Columns of few whole numbers, factors and logical values are counted as
#' they stand; those of many different numbers take longer.
#' @section Errors:
#' `riskset_error_data`: `x` is no matrix or data frame, or has no rows; `riskset_error_length`:
#' `y` or `strata` is not as long as `x` has rows; `riskset_error_group`: `y` has a single value;
#' `riskset_error_argument`: `strata` with another test than `"cmh"`.
#' @references Mantel N (1963) Chi-square tests with one degree of freedom. *Journal of the
#'   American Statistical Association* 58:690-700. \doi{10.1080/01621459.1963.10500879}
#' @seealso [crosstab()], [cmh()], [screen_logrank()]
#' @examples
#' cars <- datasets::mtcars[c("cyl", "vs", "gear", "carb")]
#' screen_crosstab(cars, datasets::mtcars$am, adjust = "holm")
#' screen_crosstab(cars, datasets::mtcars$am, test = "trend")
#' screen_crosstab(cars[-1], datasets::mtcars$am, strata = datasets::mtcars$cyl)
#' @export
screen_crosstab <- function(x, y, strata = NULL, test = c("pearson", "trend", "cmh"),
                            odds.ratio = FALSE, adjust = NULL, ...) {
  check_dots(...)
  check_given(x = missing(x), y = missing(y))
  check_flag(odds.ratio, "odds.ratio")
  if (!is.null(adjust)) check_choice(adjust, stats::p.adjust.methods, "adjust")
  test <- screen_test(if (missing(test)) NULL else test, strata)
  x <- screen_matrix(x)
  size <- NROW(x)
  if (is.data.frame(x)) x <- lapply(x, screen_codes)
  outcome <- screen_outcome(y, strata, size)
  kind <- match(test, c("pearson", "trend", "cmh")) - 1L
  names <- screen_names(x)
  found <- in_parts(length(names), size, function(part) {
    .Call(C_screen_crosstab, unname_list(pick_columns(x, part)), outcome$y, outcome$strata,
          outcome$scores, kind)
  })
  check_report(found)
  for (j in which(found$reason == 5L)) {
    found <- screen_wide(found, j, if (is.list(x)) x[[j]] else x[, j], y, strata, test)
  }
  screen_frame(found, names, odds.ratio, adjust)
}

screen_test <- function(test, strata) {
  if (is.null(test)) return(if (is.null(strata)) "pearson" else "cmh")
  test <- check_choice(test, c("pearson", "trend", "cmh"), "test")
  if (!is.null(strata) && test != "cmh") {
    abort("argument", "`test` must be \"cmh\" when `strata` is given, not \"%s\"", test)
  }
  test
}

screen_matrix <- function(x) {
  fine <- is.data.frame(x) || (is.matrix(x) && is.atomic(x) && !is.complex(x))
  if (!fine) abort("data", "`x` must be a matrix or data frame, not %s", what(x))
  if (nrow(x) == 0L) abort("data", "`x` has no rows")
  if (is.character(x)) x <- as.data.frame(x, optional = TRUE)
  x
}

# A column that C can count as it stands, or its codes.
screen_codes <- function(x) {
  plain <- is.factor(x) || is.logical(x) ||
    (is.numeric(x) && !inherits(x, c("Date", "POSIXt", "integer64", "difftime")))
  if (plain && is.null(dim(x))) return(x)
  codes <- as_codes(x, "x")
  if (is.null(codes$values)) codes$code else codes$values[codes$code]
}

unname_list <- function(x) if (is.list(x)) unname(x) else x

screen_outcome <- function(y, strata, n) {
  if (is.null(y) || is.list(y)) abort("group", "`y` must be a vector, not %s", what(y))
  check_length(y, n, "y", "x")
  codes <- as_codes(y, "y")
  k <- length(codes$labels)
  occur <- sum(tabulate(codes$code, k) > 0L)
  if (occur < 2L) abort("group", "`y` must have at least two values, not %d", occur)
  within <- list(NULL, 1)
  if (!is.null(strata)) {
    strata <- strata_list(strata)
    for (s in strata) check_length(s, n, "strata", "x")
    s <- strata_category(strata, most = 0)
    within <- list(s$column, max(1, s$levels))
  }
  list(y = list(codes$code, k), strata = within,
       scores = as.double(if (is.null(codes$values)) seq_len(k) else codes$values))
}

strata_list <- function(strata) {
  if (is.null(strata)) return(NULL)
  if (!is.list(strata)) strata <- list(strata)
  stats::setNames(strata, rep("strata", length(strata)))
}

# A column of many different numbers, tested as crosstab() and cmh() would.
screen_wide <- function(found, j, x, y, strata, test) {
  names <- list(x = "x", y = "y")
  table <- contingency_count(contingency_rows(x, y, strata_list(strata), NULL, NULL, names))
  found$n[j] <- sum(table$counts)
  found$events[j] <- sum(table$counts[, 2L, ])
  table <- drop_unused(table)
  shape <- dim(table$counts)
  found$reason[j] <- if (shape[1L] < 2L) 2L else if (shape[2L] < 2L) 3L else 0L
  if (test == "cmh" && found$reason[j] == 0L && !covariance_fits(shape)) found$reason[j] <- 6L
  if (found$reason[j] != 0L) return(found)
  if (test == "cmh") {
    core <- .Call(C_cmh, table$counts)
    check_report(core)
    if (core$values[1L] == 0) found$reason[j] <- 4L
    answer <- .Call(C_quadratic, as.double(core$observed - core$expected), core$covariance)
    if (all(shape[1:2] == 2L)) found$odds.ratio[j] <- core$values[2L]
  } else {
    v <- .Call(C_crosstab_tests, matrix(table$counts, shape[1L]),
               as.double(table$scores[[1L]]), as.double(table$scores[[2L]]))$values
    o <- table$counts
    if (all(shape[1:2] == 2L)) found$odds.ratio[j] <- o[1L] / o[2L] * (o[4L] / o[3L])
    answer <- if (test == "trend") c(v[7L], 1) else c(v[4L], prod(shape[1:2] - 1))
  }
  if (found$reason[j] == 0L) {
    found$statistic[j] <- answer[1L]
    found$df[j] <- answer[2L]
  }
  found
}

screen_names <- function(x) {
  names <- if (is.list(x)) names(x) else colnames(x)
  if (is.null(names)) as.character(seq_len(if (is.list(x)) length(x) else ncol(x))) else names
}

screen_reasons <- c("no complete row", "the column is constant", "the outcome is constant",
                    "no stratum is informative", NA, "too many distinct values")

screen_frame <- function(found, names, odds.ratio, adjust) {
  out <- list(column = names, n = found$n, events = found$events, statistic = found$statistic,
              df = found$df)
  out[c("p.value", "log.p")] <- chi_p(out$statistic, out$df)
  if (odds.ratio) out$odds.ratio <- found$odds.ratio
  if (!is.null(adjust)) out$p.adjusted <- stats::p.adjust(out$p.value, adjust)
  out$reason <- c(NA, screen_reasons)[found$reason + 1L]
  structure(out, class = "data.frame", row.names = c(NA, -length(names)))
}
