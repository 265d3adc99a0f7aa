# A table of counts and the five tests of its association.

#' Contingency table with its chi-square and exact tests
#'
#' Counts patients by two categories, an exposure (rows) and an outcome (columns), and tests
#' their association in all the ways that statistical packages print: Pearson's chi-square,
#' with and without Yates's continuity correction, the likelihood ratio, Fisher's exact test and
#' the linear-by-linear association. A reader of SPSS CROSSTABS or SAS PROC FREQ will find every
#' number that those print, so that a published P can be traced to its test.
#'
#' @param x,formula a formula `outcome ~ exposure`; or the exposure, a vector (factor, text, logical or
#'   numbers) with one element for each subject; or a table of counts, a matrix or two-way table
#'   with exposures in rows and outcomes in columns.
#' @param y the outcome, a vector as long as `x`; not used with a formula or a table.
#' @param data a data frame, list or environment with the variables of the formula, `weights`
#'   and `subset`, or `NULL`.
#' @param weights whole numbers, one for each row: how many subjects the row stands for.
#' @param subset which rows to use: logical (`NA` is `FALSE`) or row numbers.
#' @param ... nothing: anything here is an error.
#' @return An object of class `riskset_crosstab`: a list with `observed` and `expected` counts
#'   (matrices), `tests` (a data frame: `method`, `statistic`, `df`, `p.value`, `log.p`, and
#'   `reason` where a test is `NA`), `n` (valid cases), `n.missing` (rows left out because of a
#'   missing value), `low.expected` (cells with an expected count below 5), `min.expected`, and
#'   `unused`, the number of levels of either variable that nobody has. `print()` shows it all
#'   as one block; `as.data.frame()` gives `method`, `statistic`, `df`, `p.value`.
#'
#' @details
#' No test is preferred and none is dropped in silence: choose one before looking. Yates's
#' correction exists for 2 x 2 tables only.
#'
#' Fisher's test is two-sided and sums the probabilities of all tables with the observed margins
#' that are at most as likely as the observed one (relative tolerance 1e-7), as
#' [stats::fisher.test()]. For 2 x 2 tables the sum is our own, takes a time that grows with the
#' square root of the number of subjects (up to 1e14), and does not underflow: see `log.p`.
#' Larger tables are given to [stats::fisher.test()] where it is safe: its code can fail in a way
#' that damages what is computed afterwards. Safe are 17 subjects at most, or up to 20, 16, 8 or 5
#' levels beside 2, 3, 4 or 5 of the other variable (with limits on the margins); else P is `NA`,
#' with the reason.
#'
#' The linear-by-linear association is \eqn{(N - 1) r^2}, r being the correlation of the scores
#' of rows and columns: a number counts as itself, the levels of a factor and the rows and
#' columns of a table as 1, 2, ..., unused levels included.
#'
#' Levels that nobody has contribute nothing; they are left out of the table and counted. Rows
#' with a missing value are left out and counted. A number with more than 50 distinct values is a
#' category for each of them, which a message of class `riskset_groups` says.
#'
#' @section Errors:
#' Each has class `riskset_error` and one of its own. `riskset_error_table`: a table of counts
#' that are negative, fractional, missing or infinite, that has one row or one column, or a row
#' or column of zeros. `riskset_error_group`: a variable with a single value.
#' `riskset_error_length`: vectors of different lengths. `riskset_error_weights`: weights that
#' are negative, fractional, missing, infinite or all zero (fractional weights: a chi-square of
#' them would scale with their sum). `riskset_error_formula`, `riskset_error_data`: a formula
#' that is not `outcome ~ exposure`, or a variable that does not exist.
#'
#' @references Pearson K (1900) On the criterion that a given system of deviations from
#'   the probable in the case of a correlated system of variables is such that it can be
#'   reasonably supposed to have arisen from random sampling. *Philosophical Magazine*
#'   50:157-175. \doi{10.1080/14786440009463897}
#'
#'   Yates F (1934) Contingency tables involving small numbers and the chi-square test.
#'   *Supplement to the Journal of the Royal Statistical Society* 1:217-235.
#'   \doi{10.2307/2983604}
#'
#'   Mantel N (1963) Chi-square tests with one degree of freedom. *Journal of the American
#'   Statistical Association* 58:690-700. \doi{10.1080/01621459.1963.10500879}
#'
#'   Agresti A (1992) A survey of exact inference for contingency tables. *Statistical Science*
#'   7:131-153. \doi{10.1214/ss/1177011454}
#' @seealso [cmh()] for a table in strata, [screen_crosstab()] for many tables at once,
#'   [univariate()] for the table of a paper, [audit_crosstab()] to trace a printed P.
#' @examples
#' crosstab(case ~ spontaneous, data = datasets::infert)
#'
#' # Printed counts: a matrix, exposures in rows
#' crosstab(matrix(c(11, 2, 4, 6), 2, dimnames = list(diet = c("high", "low"),
#'                                                    disease = c("yes", "no"))))
#'
#' # Counts as a data frame: one row a cell
#' d <- as.data.frame(datasets::Titanic)
#' fit <- crosstab(Survived ~ Class, data = d, weights = Freq)
#' as.data.frame(fit)
#' @export
crosstab <- function(x, ...) UseMethod("crosstab")

#' @rdname crosstab
#' @export
crosstab.formula <- function(formula, data = NULL, weights = NULL, subset = NULL, ...) {
  check_dots(...)
  rows <- contingency_formula(formula, data, substitute(weights), substitute(subset))
  if (length(rows$strata) > 0L) {
    abort("formula", "`formula` must not have strata() in crosstab(); cmh() tests tables in strata")
  }
  new_crosstab(contingency_told(rows))
}

#' @rdname crosstab
#' @export
crosstab.default <- function(x, y = NULL, weights = NULL, subset = NULL, ...) {
  if (names_formula(...)) return(call_method(crosstab.formula))
  check_given(x = missing(x))
  refuse_no_vector(x)
  check_dots(...)
  if (length(dim(x)) > 0L) {
    no_vectors(y = y, weights = weights, subset = subset)
    return(new_crosstab(contingency_table(x, "x", 2L), counted = FALSE))
  }
  names <- list(x = call_label(substitute(x), "x"), y = call_label(substitute(y), "y"))
  new_crosstab(contingency_told(contingency_vectors(x, y, NULL, weights, subset, names)))
}

new_crosstab <- function(table, counted = TRUE) {
  table <- drop_unused(table)
  check_margins(table, counted)
  counts <- table$counts
  labels <- dimnames(counts)[1:2]
  dim(counts) <- dim(counts)[1:2]
  dimnames(counts) <- labels
  measured <- measure_crosstab(counts, table$scores[[1L]], table$scores[[2L]])
  structure(list(
    observed = counts, expected = measured$expected, tests = measured$tests,
    n = measured$n, n.missing = table$n.missing, low.expected = measured$low,
    min.expected = measured$least, unused = table$unused, data.name = table$data.name
  ), class = "riskset_crosstab")
}

# A printed table with an empty row is more likely a slip than a fact; unused levels of a
# factor are neither.
check_margins <- function(table, counted = TRUE) {
  shape <- dim(table$counts)
  if (!counted && any(table$unused > 0L)) {
    side <- which(table$unused > 0L)[1L]
    abort("table", "`%s` must have no %s of zeros, not %d", table$data.name,
          c("row", "column")[side], table$unused[[side]])
  }
  if (any(shape[1:2] < 2L)) {
    side <- which(shape[1:2] < 2L)[1L]
    abort("group", "`%s` must have at least two values, not only %s",
          names(dimnames(table$counts))[side], dimnames(table$counts)[[side]])
  }
}

# ---- Tests ------------------------------------------------------------------------------

# The tests of a matrix of counts as a data frame. Rows and columns of zeros count for nothing;
# what is not a table then has NA and a reason.
crosstab_tests <- function(counts, row_scores = seq_len(nrow(counts)),
                           col_scores = seq_len(ncol(counts))) {
  rows <- rowSums(counts) > 0
  cols <- colSums(counts) > 0
  if (!all(rows) || !all(cols)) {
    counts <- counts[rows, cols, drop = FALSE]
    row_scores <- row_scores[rows]
    col_scores <- col_scores[cols]
  }
  measure_crosstab(counts, row_scores, col_scores)$tests
}

# Pearson's chi-square without correction: list(statistic, df, p.value, log.p).
# Not by crosstab_tests(): Fisher's test of a larger table can take seconds. The counts
# have no empty row or column.
pearson_test <- function(counts) {
  storage.mode(counts) <- "double"
  scores <- lapply(dim(counts), function(k) as.double(seq_len(k)))
  statistic <- .Call(C_crosstab_tests, counts, scores[[1L]], scores[[2L]])$values[4L]
  df <- (nrow(counts) - 1) * (ncol(counts) - 1)
  p <- chi_p(statistic, df)
  list(statistic = statistic, df = df, p.value = p$p, log.p = p$log_p)
}

crosstab_methods <- c("Pearson chi-square", "Continuity correction (Yates)",
                      "Likelihood ratio", "Fisher's exact test",
                      "Linear-by-linear association")

measure_crosstab <- function(counts, row_scores, col_scores) {
  shape <- dim(counts)
  if (any(shape < 2L)) return(list(tests = undefined_tests(shape)))
  storage.mode(counts) <- "double"
  core <- .Call(C_crosstab_tests, counts, as.double(row_scores), as.double(col_scores))
  v <- core$values
  df <- (shape[1L] - 1) * (shape[2L] - 1)
  exact <- fisher_p(counts, v[1L], v[8L])
  statistic <- c(v[4:6], NA, v[7L])
  df <- c(df, df, df, NA, if (is.na(v[7L])) NA else 1)
  p <- chi_p(statistic, df)
  p$log_p[4L] <- exact$log_p
  p$p[4L] <- exp(exact$log_p)
  reason <- c(NA, NA, NA, exact$reason,
              if (is.na(v[7L])) no_scores(row_scores, col_scores) else NA)
  keep <- if (all(shape == 2L)) 1:5 else c(1L, 3:5)
  dimnames(core$expected) <- dimnames(counts)
  list(
    tests = tests_frame(crosstab_methods, statistic, df, p$p, p$log_p, reason, keep),
    expected = core$expected, n = v[1L], least = v[2L], low = v[3L]
  )
}

no_scores <- function(...) {
  if (all(is.finite(c(...)))) "the scores of rows or columns do not differ"
  else "a score is infinite"
}

undefined_tests <- function(shape) {
  reason <- if (any(shape == 0L)) "the table is empty" else "only one row or column is not empty"
  none <- rep(NA_real_, 5L)
  tests_frame(crosstab_methods, none, none, none, none, rep(reason, 5L), c(1L, 3:5))
}

tests_frame <- function(method, statistic, df, p, log_p, reason, keep) {
  as_frame(method = method[keep], statistic = statistic[keep], df = df[keep],
           p.value = p[keep], log.p = log_p[keep], reason = as.character(reason)[keep])
}

# data.frame() takes longer than all the tests.
as_frame <- function(...) {
  out <- list(...)
  attr(out, "row.names") <- c(NA_integer_, -length(out[[1L]]))
  class(out) <- "data.frame" # last: `[[` of a data frame takes longer than all the rest
  out
}

# fisher.test() stops with an error on tables beyond its workspace, but within these bounds it
# does so soon, and without harm.
fisher_p <- function(counts, n, log_p) {
  if (!is.na(log_p)) return(list(log_p = log_p, reason = NA_character_))
  if (n > 1e5 || length(counts) > 400L || all(dim(counts) == 2L)) {
    return(list(log_p = NA_real_, reason = "too large a table for an exact test"))
  }
  if (!fisher_safe(counts, n)) {
    return(list(log_p = NA_real_, reason = "fisher.test() is not safe on a table of this shape"))
  }
  p <- tryCatch(stats::fisher.test(counts)$p.value, error = function(e) NULL)
  if (is.null(p)) {
    return(list(log_p = NA_real_, reason = "fisher.test() has no workspace for this table"))
  }
  list(log_p = log(p), reason = NA_character_)
}

# FEXACT, the code of fisher.test() for these tables, counts its nodes in static variables.
# Two of its errors, more than 200 nodes ("error 30") and a hash key beyond the integers,
# leave them set, and the next call, for whatever table, writes outside of its memory.
# TRUE if neither can occur. A node is a partition of at most n - 2 subjects: up to n = 17
# there are at most 176. Beyond, their number depends on the sides of the table more than
# on n: a search for the worst margins found at most 125 within these sides (184 in 5 x 6,
# 201 in 4 x 10, 246 in 5 x 7 and 6 x 6). Its time can double with each row of two cells
# (0.3 s at 30 rows of one subject each, hours at 60): beyond 20 rows it is not called.
fisher_safe <- function(counts, n) {
  side <- sort(dim(counts))
  longest <- c(0, 20, 16, 8, 5, 0)[min(side[1L], 6L)]
  (n <= 17 || side[2L] <= longest) &&
    max(fisher_key(rowSums(counts), side[1L]), fisher_key(colSums(counts), side[1L])) <=
      .Machine$integer.max
}

# The largest key of k of the sums: digits in ascending order, base the largest + 1.
fisher_key <- function(sums, k) {
  digits <- sort(sums, decreasing = TRUE)[seq_len(k)]
  sum(digits * (digits[1L] + 1)^(seq_len(k) - 1))
}

# ---- Printing ---------------------------------------------------------------------------

#' @rdname crosstab
#' @param digits decimals of the row percents and expected counts.
#' @export
print.riskset_crosstab <- function(x, digits = 1, ...) {
  check_digits(digits)
  title <- names(dimnames(x$observed))
  cat(sprintf("Crosstabulation of %s (rows) by %s (columns)\n\n", title[1L], title[2L]))
  print_right(crosstab_cells(x, digits))
  cat("\n")
  print_right(crosstab_lines(x$tests))
  cat(paste0("\n", strwrap(crosstab_notes(x), 79L), collapse = ""), "\n", sep = "")
  invisible(x)
}

# Counts with row percents beneath, as text.
crosstab_cells <- function(x, digits) {
  o <- cbind(x$observed, Total = rowSums(x$observed))
  o <- rbind(o, Total = colSums(o))
  share <- formatC(100 * o / o[, ncol(o)], digits = digits, format = "f")
  out <- matrix("", 2L * nrow(o), ncol(o))
  out[2L * seq_len(nrow(o)) - 1L, ] <- format_count(o)
  out[2L * seq_len(nrow(o)), ] <- share
  side <- c(rbind(rownames(o), ""))
  cbind(c(names(dimnames(x$observed))[1L], side), c("", rep(c("n", "% of row"), nrow(o))),
        rbind(colnames(o), out))
}

crosstab_lines <- function(tests) {
  value <- ifelse(is.na(tests$statistic), "", formatC(tests$statistic, digits = 4, format = "f"))
  df <- ifelse(is.na(tests$df), "", format(tests$df))
  p <- ifelse(is.na(tests$p.value), "NA", format_p(tests$p.value))
  rbind(c("Test", "Value", "df", "P (two-sided)"), cbind(tests$method, value, trimws(df), p))
}

crosstab_notes <- function(x) {
  cells <- length(x$observed)
  missing <- if (x$n.missing > 0) {
    sprintf(" (%s left out: missing value)", plural(x$n.missing, "row"))
  }
  undefined <- which(!is.na(x$tests$reason))
  c(
    paste0("N of valid cases: ", format_count(x$n), missing),
    sprintf("%s (%.1f %%) with an expected count below 5; the smallest is %s.",
            plural(x$low.expected, "cell"), 100 * x$low.expected / cells,
            formatC(x$min.expected, digits = 2, format = "f")),
    unused_levels_note(x$unused),
    sprintf("%s: not computed, %s.", x$tests$method[undefined], x$tests$reason[undefined])
  )
}

unused_levels_note <- function(unused) {
  if (sum(unused) == 0L) return(NULL)
  sprintf("Left out: %s that nobody has (%s).", plural(sum(unused), "level"),
          paste(names(unused)[unused > 0L], collapse = ", "))
}

plural <- function(n, noun) paste0(format_count(n), " ", noun, if (n != 1) "s")

format_count <- function(x) {
  out <- formatC(x, digits = 0, format = "f")
  attributes(out) <- NULL
  dim(out) <- dim(x)
  out
}

# P to four significant digits; never 0.
format_p <- function(p) {
  shown <- formatC(p, digits = 4, format = "g", flag = "#")
  ifelse(is.na(p), "NA", ifelse(p < 2.2e-16, "< 2.2e-16", shown))
}

# A matrix of text: the first column to the left, the others to the right.
print_right <- function(cells) {
  cells <- apply(cells, 2L, format, justify = "right")
  cells[, 1L] <- format(trimws(cells[, 1L]))
  cat(sub(" +$", "", apply(cells, 1L, paste, collapse = "  ")), sep = "\n")
}

#' @exportS3Method knitr::knit_print
knit_print.riskset_crosstab <- function(x, ...) { # nolint: object_name_linter. knitr's generic
  cells <- crosstab_cells(x, 1)
  lines <- crosstab_lines(x$tests)
  tables <- lapply(list(cells, lines), function(text) {
    knitr::kable(text[-1L, ], col.names = text[1L, ],
                 align = c("l", rep("r", ncol(text) - 1L)))
  })
  notes <- paste(crosstab_notes(x), collapse = "\\\n")
  knitr::asis_output(paste(c(tables[[1L]], "", tables[[2L]], "", notes, ""), collapse = "\n"))
}

#' @rdname crosstab
#' @param row.names,optional as in [as.data.frame()]; not used.
#' @export
as.data.frame.riskset_crosstab <- function(x, row.names = NULL, optional = FALSE, ...) {
  x$tests[c("method", "statistic", "df", "p.value")]
}
