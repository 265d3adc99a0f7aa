# Checking what a paper printed: which test, on which multiple of the counts, gives its P.

#' Which test, on which counts, gives a printed P value?
#'
#' Papers seldom say which chi-square they used, and sometimes the P values belong to
#' other counts than those printed (a slip between patients and lesions, or an earlier
#' data set). `audit_crosstab()` computes the usual tests on the printed counts and on
#' simple multiples of them, and says which agree with the printed P to its last digit.
#'
#' A P printed as a number agrees when the computed one rounds to it, half-up or
#' half-even. A bound such as `"<0.001"` agrees when it holds. Agreement shows where a P
#' could come from, not where it does: of many tests some agree by chance, most of all
#' with a bound or a P of two digits. Several P values of one table that agree with the
#' same test on the same multiple say far more than one.
#'
#' @param counts a matrix or table of whole numbers with at least two rows and two columns
#'   and no empty row or column, or a [crosstab()] result.
#' @param p the P as printed: text (`"0.020"`, `".034"`, `"P = 0.020"`, `"<0.001"`,
#'   `">0.05"`, with a decimal comma too), which keeps its last zero, or a number.
#' @param digits decimals of a `p` that is a number: 3, or as many as it has if more. For
#'   text they are those printed.
#' @param scales multiples of the counts to try. A multiple that does not leave every
#'   count whole is left out, and the print says so.
#' @return A data frame of class `riskset_audit` with one row a test and scale: `method`,
#'   `scale`, `n` (patients in the scaled table), `p.value`, `log.p` (its logarithm, which does
#'   not underflow), `printed` (the P as printed) and `match`. Methods are
#'   `Pearson chi-square`, `Continuity correction (Yates)` (2 x 2 only), `N-1 chi-square`
#'   (Pearson's times (N - 1) / N), `Likelihood ratio` and `Fisher's exact test`. `print()`
#'   says in words what agrees.
#' @section Errors:
#' Each has class `riskset_error` and one of its own. `riskset_error_table`: counts that
#' are negative, fractional, missing or infinite, a single row or column, a row or column
#' of zeros. `riskset_error_p`: not one P, outside 0 to 1, or text that states no number
#' (`"NS"`). `riskset_error_argument`: `digits` or `scales` out of range.
#' @references Campbell I (2007) Chi-squared and Fisher-Irwin tests of two-by-two tables
#'   with small sample recommendations. *Statistics in Medicine* 26:3661-3675.
#'   \doi{10.1002/sim.2832}
#' @examples
#' # A paper prints P = 0.020 for this table; on these counts Pearson's P is 0.001.
#' number <- subset(crlm_conversion, factor == "Number of liver metastases")
#' counts <- xtabs(n ~ level + conversion, data = number, drop.unused.levels = TRUE)
#' audit <- audit_crosstab(counts, "0.020")
#' audit
#' audit[audit$match, ]
#' @export
audit_crosstab <- function(counts, p, digits = NULL, scales = c(1 / 4, 1 / 3, 1 / 2, 1, 2, 3)) {
  check_given(counts = missing(counts))
  if (missing(p)) abort("p", "`p` is missing; the P that was printed is wanted")
  counts <- audited_counts(counts)
  printed <- read_printed_p(p, digits)
  scales <- read_scales(scales)
  whole <- vapply(scales, function(scale) stays_whole(counts, scale), NA)
  tests <- lapply(scales[whole], function(s) audit_tests(counts / s[2L] * s[1L]))
  values <- vapply(scales[whole], function(scale) scale[1L] / scale[2L], 0)
  out <- data.frame(
    method = as.character(unlist(lapply(tests, `[[`, "method"))),
    scale = rep(values, vapply(tests, nrow, 0L)),
    n = as.numeric(unlist(lapply(tests, `[[`, "n"))),
    p.value = as.numeric(unlist(lapply(tests, `[[`, "p.value"))),
    log.p = as.numeric(unlist(lapply(tests, `[[`, "log.p")))
  )
  out$printed <- rep(printed$text, nrow(out))
  out$match <- agrees(out$p.value, printed)
  structure(out, class = c("riskset_audit", "data.frame"), digits = printed$digits,
            tried = nrow(out), left_out = vapply(scales[!whole], fraction_text, ""))
}

audited_counts <- function(counts) {
  if (inherits(counts, "riskset_crosstab")) counts <- counts$observed
  if (is.data.frame(counts)) counts <- as.matrix(counts)
  counts <- contingency_table(counts, "counts", 2L)$counts[, , 1L]
  for (side in 1:2) {
    empty <- which(apply(counts, side, sum) == 0)
    if (length(empty) > 0L) {
      abort("table", "`counts` must have no row or column of zeros, but %s %d is one",
            c("row", "column")[side], empty[1L])
    }
  }
  counts
}

# The printed P as list(relation, value, digits, text).
read_printed_p <- function(p, digits) {
  if (!(is.numeric(p) || is.character(p)) || length(p) != 1L || is.na(p)) {
    abort("p", "`p` must be one printed P, a number or text such as \"0.020\", not %s",
          what(p))
  }
  if (is.character(p)) read_p_text(p, digits) else read_p_number(as.numeric(p), digits)
}

read_p_number <- function(p, digits) {
  check_p_range(p)
  shown <- decimals(format(p, digits = 15, scientific = FALSE, decimal.mark = "."))
  if (is.null(digits)) digits <- min(max(3, shown), 15)
  check_finite(digits, "digits", 1)
  if (digits != floor(digits) || digits > 15) {
    abort("argument", "`digits` must be a whole number from 1 to 15, not %s",
          what(digits))
  }
  if (shown > digits) {
    abort("argument", "`digits` is %d, but `p` = %s has %d decimals", as.integer(digits),
          format(p, digits = 15), shown)
  }
  list(relation = "=", value = p, digits = digits,
       text = sprintf("%.*f", as.integer(digits), p))
}

read_p_text <- function(p, digits) {
  if (!is.null(digits)) {
    abort("argument", "`digits` must be NULL when `p` is text: \"%s\" has its own", p)
  }
  # Journals print decimal commas and raised dots, and relations as one sign.
  plain <- gsub("[,\u00b7]", ".", trimws(p))
  plain <- gsub("\u2264", "<=", gsub("\u2265", ">=", plain))
  pattern <- paste0("^([Pp]([- ]?value)?)? *(<=|>=|=|<|>)? *",
                    "([0-9]*[.][0-9]+|[0-9]+)([eE]-?[0-9]+)?$")
  part <- regmatches(plain, regexec(pattern, plain))[[1L]]
  if (length(part) == 0L) {
    abort("p", "`p` must be a printed P such as %s; \"%s\" states no number to compare",
          "\"0.020\", \".034\", \"<0.001\" or \"> 0.05\"", p)
  }
  value <- as.numeric(paste0(part[5L], part[6L]))
  check_p_range(value)
  if (value < 1e-300 && grepl("[1-9]", part[5L])) {
    abort("p", "`p` must be at least 1e-300 to be compared, not \"%s\"", p)
  }
  exponent <- if (part[6L] == "") 0 else as.numeric(substring(part[6L], 2L))
  list(
    relation = if (part[4L] == "") "=" else part[4L], value = value,
    digits = max(0, decimals(part[5L]) - exponent),
    text = trimws(sub("^[Pp]([- ]?value)? *=?", "", trimws(p)))
  )
}

check_p_range <- function(p) {
  if (p < 0 || p > 1) abort("p", "`p` must be between 0 and 1, not %s", format(p))
}

decimals <- function(text) {
  if (grepl(".", text, fixed = TRUE)) nchar(sub("^[^.]*[.]", "", text)) else 0L
}

# Does a computed P print as the one in the paper? Fisher's sums carry more rounding error
# than one operation, hence the wider slack at a half.
agrees <- function(p, printed) {
  units <- function(rounding) printed_units(p, printed$digits, rounding, slack = 1e-10)
  target <- round(printed$value * 10^printed$digits)
  out <- switch(printed$relation,
    "=" = units("half-up") == target | units("half-even") == target,
    "<" = p < printed$value,
    "<=" = p <= printed$value,
    ">" = p > printed$value,
    ">=" = p >= printed$value
  )
  out & !is.na(p)
}

# Each scale as a whole numerator and denominator: in binary arithmetic a third of 33 may
# not be 11.
read_scales <- function(scales) {
  wrong <- !is.numeric(scales) || length(scales) == 0L || !all(is.finite(scales)) ||
    any(scales <= 0)
  if (wrong) {
    abort("argument", "`scales` must be finite numbers above 0, not %s", what(scales))
  }
  unique(lapply(scales, as_fraction))
}

as_fraction <- function(scale) {
  denominator <- 1:1000
  numerator <- round(scale * denominator)
  exact <- which(numerator > 0 & abs(numerator / denominator - scale) <= 1e-12 * scale)
  if (length(exact) == 0L || scale > 1000) {
    abort("argument", "`scales` must be fractions up to 1000 with a %s, not %s",
          "denominator up to 1000 (such as 1/3)", format(scale))
  }
  c(numerator[exact[1L]], denominator[exact[1L]])
}

# The fraction is in lowest terms: its denominator must divide every count.
stays_whole <- function(counts, scale) all(counts %% scale[2L] == 0)

fraction_text <- function(fraction) {
  if (fraction[2L] == 1) format(fraction[1L]) else paste(fraction, collapse = "/")
}

# The tests of one table of whole counts: method, p.value, n.
audit_tests <- function(counts) {
  tests <- crosstab_tests(counts)[c("method", "statistic", "df", "p.value", "log.p")]
  n <- sum(counts)
  smaller <- tests[tests$method == "Pearson chi-square", ]
  smaller$method <- "N-1 chi-square"
  smaller[c("p.value", "log.p")] <- chi_p(smaller$statistic * (n - 1) / n, smaller$df)
  tests <- rbind(tests, smaller)
  shown <- c("Pearson chi-square", "Continuity correction (Yates)", "N-1 chi-square",
             "Likelihood ratio", "Fisher's exact test")
  rows <- match(shown, tests$method, 0L)
  data.frame(method = tests$method[rows], p.value = tests$p.value[rows],
             log.p = tests$log.p[rows], n = n)
}

#' @rdname audit_crosstab
#' @param x a `riskset_audit` object.
#' @param ... passed to `print.data.frame()` where `x` is only part of an audit.
#' @export
print.riskset_audit <- function(x, ...) {
  if (!whole_audit(x)) {
    print(as.data.frame(x), ...)
    return(invisible(x))
  }
  lines <- c(audit_verdict(x), "", audit_tried(x))
  cat(strwrap(lines, exdent = 2), sep = "\n")
  invisible(x)
}

# Rows picked from an audit, or several audits bound together, do not tell one story.
whole_audit <- function(x) {
  columns <- c("method", "scale", "n", "p.value", "log.p", "printed", "match")
  identical(names(x), columns) && identical(nrow(x), attr(x, "tried"))
}

audit_verdict <- function(x) {
  if (nrow(x) == 0L) return("No test was tried.")
  printed <- sprintf("P %s is printed;", relation_text(x$printed[1L]))
  hits <- which(x$match)
  if (length(hits) == 0L) {
    nearest <- paste0("Nearest: ", audit_sentence(x, nearest_miss(x)), ".")
    return(c(paste(printed, "no test tried agrees with it."), nearest))
  }
  if (length(hits) == 1L) return(paste0(printed, " ", audit_sentence(x, hits), "."))
  c(sprintf("%s %d tests agree with it:", printed, length(hits)),
    paste0("- ", audit_sentence(x, hits)))
}

nearest_miss <- function(x) {
  value <- read_p_text(x$printed[1L], NULL)$value
  order(abs(x$log.p - log(max(value, 1e-300))))[1L]
}

audit_sentence <- function(x, rows) {
  scale <- vapply(x$scale[rows], function(s) fraction_text(as_fraction(s)), "")
  on <- ifelse(scale == "1", "as printed", paste("times", scale))
  sprintf("%s on the counts %s (n = %s) gives %s", x$method[rows], on,
          format_count(x$n[rows]), two_digits_more(x$p.value[rows], attr(x, "digits")))
}

# Two digits more than printed show how the rounding went: .02047 is .020, .0205 looks
# like a half. A tiny P shows its size instead.
two_digits_more <- function(p, digits) {
  digits <- as.integer(min(digits + 2, 16))
  shown <- ifelse(p < 10^(1 - digits), sprintf("%.2g", p), sprintf("%.*f", digits, p))
  ifelse(p < 2.2e-16, "< 2.2e-16", shown)
}

relation_text <- function(printed) {
  if (!grepl("^[<>\u2264\u2265]", printed)) return(paste("=", printed))
  sub("^([<>]=?|[\u2264\u2265]) *", "\\1 ", printed)
}

audit_tried <- function(x) {
  left_out <- attr(x, "left_out")
  scales <- vapply(unique(x$scale), function(s) fraction_text(as_fraction(s)), "")
  undefined <- sum(is.na(x$p.value))
  paste(c(
    if (nrow(x)) {
      sprintf("Tried: %s, on the counts times %s.", plural(nrow(x), "test"),
              toString(scales))
    },
    if (length(left_out)) {
      sprintf("Left out, as not all counts stay whole: times %s.", toString(left_out))
    },
    if (undefined) sprintf("Not computable: %d.", undefined),
    if (any(x$match)) "Agreement can be chance: it shows where a P could come from."
  ), collapse = " ")
}
