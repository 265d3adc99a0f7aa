# The univariate table: one block for each factor. Counting and tests are here, cells and
# footnotes below them; print(), knit_print() and as.data.frame() only lay these out.

#' Univariate analysis: the table of factors against one outcome
#'
#' The univariate table of a clinical paper: for each factor the number of patients at each level,
#' how many of them (and what percent) had each outcome, and a P value. Works from one row a
#' patient or from printed counts.
#'
#' Factors, text, logical values and numbers with up to 10 distinct values are categories:
#' the cells are n (%) and P is Pearson's chi-square **without** continuity correction.
#' Other numbers show median (Q1, Q3) (`quantile()` of type 7) with the Wilcoxon rank-sum
#' test for two outcomes, as `wilcox.test(exact = FALSE)` (normal approximation, corrected
#' for ties and continuity), and the Kruskal-Wallis test for more. The choice never
#' depends on how small the counts are: expected counts below 5 keep Pearson, and the
#' footnote counts those cells. For a small table see Fisher's exact test in [crosstab()].
#'
#' Missing values are dropped factor by factor, so that one factor's gaps do not cost the
#' others their patients; the footnote and column `n.missing` count them.
#'
#' @param formula `outcome ~ a + b + c`. The outcome may have two or more levels; if it is
#'   a number it must have no more than 10 distinct values.
#' @param data a data frame, list or environment with the variables, or `NULL`.
#' @param weights whole numbers: how many patients each row stands for. It is looked up in
#'   `data`. Numeric variables are repeated accordingly, up to 1e7 patients.
#' @param subset which rows to use: logical (`NA` is `FALSE`) or row numbers, looked up in
#'   `data`.
#' @param block for counts of several factors stacked in one table: the variable that says
#'   which factor a row belongs to. The formula then has one variable on its right, the
#'   level.
#' @param percent `"row"`: percent of the level that had the outcome (as most tables of
#'   risk factors). `"column"`: percent of the outcome that is at the level.
#' @param digits decimals of the percents, and the fewest of medians and quartiles that are not
#'   whole; those get more where three significant digits need them.
#' @param rounding 10 of 32 is 31.25 %: `"half-up"` prints 31.3, as SPSS and most papers
#'   do; `"half-even"` prints 31.2, as `sprintf()` in R does.
#' @param adjust a method of [stats::p.adjust()], such as `"holm"`, to add a column of P
#'   values adjusted for the number of factors.
#' @param ... nothing: anything here is an error.
#' @return An object of class `riskset_univariate`, which `print()` shows aligned and R
#'   Markdown knits to a table with its footnotes as a paragraph (HTML, LaTeX, Word).
#'   `as.data.frame()` gives one row a level: `factor`, `level`, `n`, then `n.<outcome>`
#'   and `percent.<outcome>` (not rounded) for each outcome level, `median.`, `q1.` and
#'   `q3.<outcome>` if a factor is numeric, and `statistic`, `df`, `p.value`, `log.p` (its
#'   logarithm, which does not underflow), `p.adjusted` (if asked for), `test`, `n.missing`,
#'   repeated for each level of a factor. `format()` gives the printed cells as a matrix of
#'   text.
#' @section Errors:
#' Each has class `riskset_error` and one of its own. `riskset_error_formula`: no outcome,
#' no variable, an interaction or offset, a variable that does not exist.
#' `riskset_error_outcome`: an outcome with one level or with too many numbers.
#' `riskset_error_weights`: negative, fractional, missing or infinite weights.
#' `riskset_error_unsupported`: `strata()` (see [cmh()]). A factor of which one level is
#' used is no error: its P is `NA`, the footnote says why, and a message of class
#' `riskset_undefined` names it.
#' @references Pearson K (1900) On the criterion that a given system of deviations from
#'   the probable in the case of a correlated system of variables is such that it can be
#'   reasonably supposed to have arisen from random sampling. *Philosophical Magazine*
#'   50:157-175. \doi{10.1080/14786440009463897}
#'
#'   Wilcoxon F (1945) Individual comparisons by ranking methods. *Biometrics Bulletin*
#'   1:80-83. \doi{10.2307/3001968}
#'
#'   Kruskal WH, Wallis WA (1952) Use of ranks in one-criterion variance analysis.
#'   *Journal of the American Statistical Association* 47:583-621.
#'   \doi{10.1080/01621459.1952.10483441}
#' @seealso [crosstab()] for one factor with all its tests, [audit_crosstab()] to check a
#'   printed P.
#' @examples
#' univariate(case ~ education + age + induced, data = datasets::infert)
#'
#' # A published table from its printed counts: its printed P values are others.
#' published <- univariate(conversion ~ level, data = crlm_conversion, weights = n,
#'                         block = factor, adjust = "holm")
#' published
#' head(as.data.frame(published))
#' @export
univariate <- function(formula, data = NULL, weights = NULL, subset = NULL, block = NULL,
                       percent = c("row", "column"), digits = 1,
                       rounding = c("half-up", "half-even"), adjust = "none", ...) {
  check_dots(...)
  check_given(formula = missing(formula))
  style <- univariate_style(percent, digits, rounding, adjust)
  parts <- univariate_formula(formula, data)
  frame <- univariate_frame(parts, data, list(
    weights = substitute(weights), subset = substitute(subset), block = substitute(block)
  ))
  outcome <- read_outcome(frame)
  blocks <- lapply(split_blocks(frame, outcome), univariate_block, length(outcome$labels))
  table <- structure(
    list(blocks = blocks, outcome = outcome[c("name", "labels", "n", "n.missing")],
         style = style),
    class = "riskset_univariate"
  )
  tell_undefined(table)
  table
}

univariate_style <- function(percent, digits, rounding, adjust) {
  check_finite(digits, "digits", 0)
  if (digits != floor(digits) || digits > 15) {
    abort("argument", "`digits` must be a whole number from 0 to 15, not %s",
          what(digits))
  }
  list(
    percent = check_choice(percent, c("row", "column"), "percent"),
    digits = digits,
    rounding = check_choice(rounding, c("half-up", "half-even"), "rounding"),
    adjust = check_choice(adjust, stats::p.adjust.methods, "adjust")
  )
}

univariate_formula <- function(formula, data) {
  parts <- read_formula(formula, data, "outcome ~ a + b")
  if (length(parts$terms) == 0L) {
    abort("formula", "`formula` must have at least one variable on its right side")
  }
  for (term in parts$terms) {
    if (term$role == "stratum") {
      abort("unsupported", "`%s`: univariate() has no strata; %s", term$name,
            "cmh() tests one factor within them")
    }
  }
  parts
}

# Everything the user named, evaluated, of one length, and only the rows that count.
univariate_frame <- function(parts, data, asked) {
  look_up <- function(expr, label) {
    value <- evaluate(expr, data, parts$env, label)
    # Without its package, `[` drops the class of integer64 and leaves the bits.
    if (inherits(value, "integer64")) plain_number(value, label) else value
  }
  outcome_name <- term_name(parts$response)
  columns <- lapply(parts$terms, function(term) look_up(term$expr, term$name))
  names(columns) <- vapply(parts$terms, `[[`, "", "name")
  extras <- Map(look_up, asked, names(asked))
  outcome <- structure(list(look_up(parts$response, outcome_name)), names = outcome_name)
  do.call(same_length, c(outcome, columns, extras[c("weights", "block")]))
  n <- length(outcome[[1L]])
  if (n == 0L) abort("length", "`%s` has no rows", outcome_name)
  keep <- subset_rows(extras$subset, n)
  if (is.null(keep)) keep <- seq_len(n)
  weights <- whole_weights(extras$weights[keep])
  if (!is.null(weights)) keep <- keep[weights > 0]
  list(
    outcome = outcome[[1L]][keep], outcome_name = outcome_name,
    columns = lapply(columns, `[`, keep),
    weights = weights[weights > 0], block = extras$block[keep]
  )
}

whole_weights <- function(weights) {
  if (is.null(weights)) return(NULL)
  weights <- as.numeric(plain_number(weights, "weights", "weights"))
  whole <- weights >= 0 & weights < 2^53 & weights == floor(weights)
  wrong <- which(!whole | is.na(whole))
  if (length(wrong) > 0L) {
    abort("weights", "`weights` must be whole numbers of patients, not %s (row %d)",
          format(weights[wrong[1L]]), wrong[1L])
  }
  if (sum(weights) == 0) abort("weights", "`weights` are all zero")
  if (sum(weights) > 2^53) abort("weights", "`weights` sum to %g, more than 2^53", sum(weights))
  weights
}

# The outcome as codes 1..m of the levels that occur.
read_outcome <- function(frame) {
  x <- frame$outcome
  name <- frame$outcome_name
  if (!is.null(dim(x))) abort("outcome", "`%s` must be a vector, not %s", name, what(x))
  if (is_measured(x)) {
    abort("outcome", "`%s` must be categories, not a number with more than %s", name,
          "10 distinct values")
  }
  codes <- as_codes(x, name)
  counts <- cell_counts(as.integer(codes$code), length(codes$labels), frame$weights)
  used <- which(counts > 0)
  if (length(used) < 2L) {
    abort("outcome", "`%s` must have at least two levels that occur, not %d%s", name,
          length(used), sprintf(" (%s)", codes$labels[used]))
  }
  list(
    name = name, labels = shown_labels(codes$labels[used]), n = counts[used],
    code = match(as.integer(codes$code), used),
    n.missing = patients(is.na(codes$code), frame$weights)
  )
}

# One list(name, x, outcome, weights) for each block of the table.
split_blocks <- function(frame, outcome) {
  if (is.null(frame$block)) {
    return(Map(function(x, name) {
      list(name = name, x = x, outcome = outcome$code, weights = frame$weights)
    }, unname(frame$columns), names(frame$columns)))
  }
  if (length(frame$columns) > 1L) {
    abort("formula", "`formula` must have one variable on its right side %s, not %d",
          "when `block` is given", length(frame$columns))
  }
  codes <- as_codes(frame$block, "block")
  code <- as.integer(codes$code)
  if (all(is.na(code))) abort("missing", "`block` has missing values only")
  lapply(sort(unique(code)), function(j) {
    rows <- which(code == j)
    x <- frame$columns[[1L]][rows]
    # The other levels of a factor belong to other blocks: they are not unused ones.
    if (is.factor(x)) x <- droplevels(x)
    list(name = codes$labels[j], x = x, outcome = outcome$code[rows],
         weights = frame$weights[rows])
  })
}

univariate_block <- function(rows, m) {
  missing <- is.na(rows$x)
  known <- !is.na(rows$outcome)
  n.missing <- patients(missing & known, rows$weights)
  keep <- which(known & !missing)
  rows <- list(name = rows$name, x = rows$x[keep], outcome = rows$outcome[keep],
               weights = rows$weights[keep])
  block <- if (is_measured(rows$x)) measured_block(rows, m) else category_block(rows, m)
  c(list(name = rows$name, n.missing = n.missing), block)
}

# Numbers with more than 10 distinct values are measurements; all else is categories.
is_measured <- function(x) {
  number <- (is.integer(x) || is.double(x)) && is.null(dim(x)) &&
    !inherits(x, c("factor", "Date", "POSIXt"))
  number && length(unique(x[!is.na(x)])) > 10L
}

category_block <- function(rows, m) {
  codes <- as_codes(category_values(rows$x), rows$name)
  k <- length(codes$labels)
  cell <- (rows$outcome - 1) * k + as.integer(codes$code)
  counts <- matrix(cell_counts(cell, k * m, rows$weights), k, m)
  used <- rowSums(counts) > 0
  labels <- shown_labels(codes$labels[used])
  counts <- counts[used, , drop = FALSE]
  if (!any(used)) {
    labels <- NA_character_
    counts <- matrix(0, 1L, m)
  }
  list(measured = FALSE, levels = labels, unused = sum(!used), counts = counts,
       test = category_test(counts), sparse = sparse_cells(counts))
}

# difftime is a number to us, but would be text to as_codes().
category_values <- function(x) if (inherits(x, "difftime")) as.numeric(x) else x

category_test <- function(counts) {
  note <- undefined_reason(counts)
  if (note != "") {
    part <- list(statistic = NA_real_, df = NA_real_, p.value = NA_real_, log.p = NA_real_)
  } else {
    part <- pearson_test(counts[, colSums(counts) > 0, drop = FALSE])
  }
  c(list(test = "Pearson chi-square"), part, list(note = note))
}

undefined_reason <- function(counts) {
  if (sum(counts) == 0) {
    "no values"
  } else if (nrow(counts) < 2L) {
    "only one level is used"
  } else if (sum(colSums(counts) > 0) < 2L) {
    "only one outcome occurs"
  } else {
    ""
  }
}

sparse_cells <- function(counts) {
  expected <- outer(rowSums(counts), colSums(counts)) / sum(counts)
  list(cells = length(expected), below5 = sum(expected < 5), least = min(expected))
}

measured_block <- function(rows, m) {
  x <- as.numeric(plain_number(rows$x, rows$name))
  outcome <- rows$outcome
  if (!is.null(rows$weights)) {
    if (sum(rows$weights) > 1e7) {
      abort("unsupported", "`%s` has more than 10 distinct values: %s", rows$name,
            "weights of more than 1e7 patients in all are not supported for it")
    }
    x <- rep(x, rows$weights)
    outcome <- rep(outcome, rows$weights)
  }
  groups <- split(x, factor(outcome, seq_len(m)))
  probs <- c(0.5, 0.25, 0.75)
  quartiles <- vapply(groups, stats::quantile, numeric(3), probs, names = FALSE)
  list(
    measured = TRUE, levels = NA_character_, unused = 0L,
    counts = matrix(as.numeric(lengths(groups)), 1L),
    quartiles = unname(quartiles), test = rank_test(unname(groups))
  )
}

# The outcome's number of levels chooses the test, not how many of them have values here.
rank_test <- function(groups) {
  two <- length(groups) == 2L
  groups <- groups[lengths(groups) > 0L]
  if (length(groups) < 2L) {
    test <- list(statistic = NA_real_, p.value = NA_real_)
    log_p <- NA_real_
  } else if (two) {
    test <- stats::wilcox.test(groups[[1L]], groups[[2L]], exact = FALSE)
    log_p <- wilcoxon_log_p(groups, test$statistic)
  } else {
    test <- stats::kruskal.test(groups)
    log_p <- chi_p(test$statistic, test$parameter)$log_p
  }
  list(
    test = if (two) "Wilcoxon rank-sum" else "Kruskal-Wallis",
    statistic = as.numeric(test$statistic),
    df = if (is.null(test$parameter)) NA_real_ else as.numeric(test$parameter),
    p.value = test$p.value, log.p = as.numeric(log_p),
    note = if (length(groups) < 2L) "only one outcome occurs" else ""
  )
}

# wilcox.test() gives no logarithm: its normal approximation again, with both corrections.
wilcoxon_log_p <- function(groups, w) {
  size <- as.numeric(lengths(groups))
  n <- sum(size)
  ties <- as.numeric(table(rank(unlist(groups))))
  variance <- prod(size) / 12 * (n + 1 - sum(ties^3 - ties) / (n * (n - 1)))
  off <- max(0, abs(w - prod(size) / 2) - 0.5)
  min(0, log(2) + stats::pnorm(off / sqrt(variance), lower.tail = FALSE, log.p = TRUE))
}

# How many patients have each code 1..k; NA counts for none.
cell_counts <- function(code, k, weights) {
  if (is.null(weights)) return(as.numeric(tabulate(code, k)))
  sums <- rowsum(weights[!is.na(code)], code[!is.na(code)])
  counts <- numeric(k)
  counts[as.numeric(rownames(sums))] <- sums
  counts
}

patients <- function(rows, weights) {
  if (is.null(weights)) sum(rows) else sum(weights[rows])
}

shown_labels <- function(labels) ifelse(is.na(labels), "<NA>", labels)

tell_undefined <- function(table) {
  notes <- vapply(table$blocks, function(block) block$test$note, "")
  if (any(notes != "")) {
    inform("undefined", "P is NA for %s", described(table, notes))
  }
}

# "site (only one level is used), arm (...)": the factors that have a note, with it.
described <- function(table, notes) {
  named <- vapply(table$blocks, `[[`, "", "name")
  paste(paste0(named, " (", notes, ")")[notes != ""], collapse = ", ")
}

#' @rdname univariate
#' @param x a `riskset_univariate` object.
#' @param row.names,optional as in [base::as.data.frame()]; not used.
#' @export
as.data.frame.riskset_univariate <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(...)
  adjusted <- adjusted_p(x)
  measured <- any(vapply(x$blocks, `[[`, NA, "measured"))
  do.call(rbind, Map(tidy_block, x$blocks, adjusted, list(x), measured))
}

tidy_block <- function(block, p.adjusted, x, measured) {
  test <- block$test
  out <- data.frame(factor = block$name, level = block$levels, n = rowSums(block$counts))
  out <- cbind(out, outcome_columns(block, x, measured))
  out$statistic <- test$statistic
  out$df <- test$df
  out$p.value <- test$p.value
  out$log.p <- test$log.p
  if (x$style$adjust != "none") out$p.adjusted <- p.adjusted
  out$test <- test$test
  out$n.missing <- block$n.missing
  out
}

# The counts and percents, or medians and quartiles, of each outcome level as columns.
outcome_columns <- function(block, x, measured) {
  share <- percents(block$counts, x$style$percent)
  if (block$measured) share[] <- NA
  values <- list(n = block$counts, percent = share)
  if (measured) {
    quartiles <- matrix(NA_real_, 3L, ncol(share))
    if (block$measured) quartiles <- block$quartiles
    for (i in 1:3) {
      values[[c("median", "q1", "q3")[i]]] <-
        matrix(quartiles[i, ], nrow(share), ncol(share), byrow = TRUE)
    }
  }
  out <- as.data.frame(do.call(cbind, values))
  names(out) <- paste(rep(names(values), each = ncol(share)), x$outcome$labels, sep = ".")
  out
}

percents <- function(counts, percent) {
  by_row <- percent == "row"
  whole <- if (by_row) rowSums(counts)[row(counts)] else colSums(counts)[col(counts)]
  out <- 100 * counts / whole
  out[is.nan(out)] <- NA
  out
}

adjusted_p <- function(x) {
  p <- vapply(x$blocks, function(block) block$test$p.value, 0)
  stats::p.adjust(p, x$style$adjust)
}

#' @rdname univariate
#' @export
format.riskset_univariate <- function(x, ...) {
  cells <- univariate_cells(x)
  indent <- ifelse(cells$header, "", "  ")
  cells$text[, 1L] <- paste0(indent, cells$text[, 1L])
  cells$text
}

#' @rdname univariate
#' @export
print.riskset_univariate <- function(x, ...) {
  cells <- format(x)
  cells <- rbind(colnames(cells), cells)
  columns <- lapply(seq_len(ncol(cells)), function(j) {
    format(cells[, j], justify = if (j == 1L) "left" else "right")
  })
  lines <- sub(" +$", "", do.call(paste, c(columns, sep = "   ")))
  cat(univariate_title(x), "", lines, "", sep = "\n")
  cat(strwrap(univariate_notes(x), exdent = 2), sep = "\n")
  invisible(x)
}

#' @rdname univariate
#' @exportS3Method knitr::knit_print
knit_print.riskset_univariate <- function(x, ...) { # nolint: object_name_linter. knitr's generic
  # Outside Markdown (Sweave) a pipe table would be printed as it stands.
  sweave <- identical(knitr::opts_knit$get("out.format"), "latex")
  if (sweave) return(knitr::normal_print(x))
  caption <- paste("Table:", markdown_text(univariate_title(x)))
  notes <- paste(markdown_text(univariate_notes(x)), collapse = "\\\n")
  lines <- c("", caption, "", markdown_table(univariate_cells(x)), "", notes, "", "")
  knitr::asis_output(paste(lines, collapse = "\n"))
}

# A pipe table, which pandoc turns into HTML, LaTeX or Word alike. Not kable(): pandoc
# takes relative widths from the dashes when a line is long, and kable() counts escapes as
# width, which squeezes the columns of numbers.
markdown_table <- function(cells) {
  shown <- rbind(colnames(cells$text), cells$text)
  widths <- apply(nchar(shown, "width"), 2L, max) + 4L
  rule <- paste0(strrep("-", widths - 1L), c("-", rep(":", ncol(shown) - 1L)))
  text <- markdown_text(shown)
  # Leading blanks of a cell are lost in every output format; the entity is kept in all.
  indented <- c(FALSE, !cells$header)
  text[indented, 1L] <- paste0("&nbsp;&nbsp;", text[indented, 1L])
  rows <- apply(rbind(text[1L, ], rule, text[-1L, ]), 1L, paste, collapse = "|")
  paste0("|", rows, "|")
}

# Text that Markdown shows as it is: entities, since a backslash before a bracket is
# mathematics to rmarkdown.
markdown_text <- function(text) {
  text[] <- gsub("&", "&amp;", text, fixed = TRUE)
  for (sign in strsplit("\\`*_<>[]{}|$~^@", "")[[1L]]) {
    text[] <- gsub(sign, sprintf("&#%d;", utf8ToInt(sign)), text, fixed = TRUE)
  }
  text
}

# The printed table: `text`, a matrix of cells without indentation, and which rows are
#   headers.
univariate_cells <- function(x) {
  adjusted <- adjusted_p(x)
  blocks <- lapply(seq_along(x$blocks), function(i) {
    block <- x$blocks[[i]]
    p <- printed_p(c(block$test$p.value, if (x$style$adjust != "none") adjusted[i]))
    blank <- rep("", ncol(block$counts) + 1L)
    rbind(c(block$name, blank, p), level_cells(block, x, length(p)))
  })
  text <- do.call(rbind, blocks)
  p_names <- c("P", if (x$style$adjust != "none") sprintf("P (%s)", x$style$adjust))
  colnames(text) <- c("", "n", x$outcome$labels, p_names)
  sizes <- vapply(blocks, nrow, 0L)
  list(text = text, header = sequence(sizes) == 1L)
}

level_cells <- function(block, x, n_p) {
  if (sum(block$counts) == 0) return(NULL)
  if (block$measured) {
    levels <- "median (Q1, Q3)"
    body <- quartile_cells(block$quartiles, x$style)
  } else {
    levels <- block$levels
    share <- percents(block$counts, x$style$percent)
    body <- sprintf("%.0f (%s)", block$counts, printed_percent(share, x$style))
  }
  n <- format_count(rowSums(block$counts))
  body <- matrix(body, length(levels))
  unname(cbind(levels, n, body, matrix("", length(levels), n_p)))
}

printed_percent <- function(share, style) {
  units <- printed_units(share, style$digits, style$rounding)
  text <- sprintf("%.*f", as.integer(style$digits), units / 10^style$digits)
  ifelse(is.na(share), "-", text)
}

# Three significant digits of the largest quartile, or more; no zeros that were not
#   measured.
quartile_cells <- function(quartiles, style) {
  size <- max(abs(quartiles[is.finite(quartiles) & quartiles != 0]), 0)
  digits <- max(style$digits, if (size > 0) 2 - floor(log10(size)))
  shown <- printed_units(quartiles, digits, style$rounding) / 10^digits
  shown[] <- formatC(shown, digits = digits, format = "f", drop0trailing = TRUE)
  cells <- sprintf("%s (%s, %s)", shown[1L, ], shown[2L, ], shown[3L, ])
  ifelse(is.na(quartiles[1L, ]), "-", cells)
}

# Rounded, in units of the last printed digit. A half that binary arithmetic has moved by
# an ulp or so (100 * 1.005) is a half.
printed_units <- function(x, digits, rounding, slack = 8 * .Machine$double.eps) {
  units <- x * 10^digits
  half <- round(2 * units) / 2
  moved <- is.finite(units) & abs(units - half) <= slack * abs(units)
  units[moved] <- half[moved]
  if (rounding == "half-up") sign(units) * floor(abs(units) + 0.5) else round(units)
}

# Three decimals, and never 0.
printed_p <- function(p) {
  text <- ifelse(p < 0.001, "< 0.001", sprintf("%.3f", p))
  ifelse(is.na(p), "NA", text)
}

univariate_title <- function(x) {
  measured <- vapply(x$blocks, `[[`, NA, "measured")
  sprintf("Univariate analysis of %s: %s", x$outcome$name, paste(c(
    if (!all(measured)) sprintf("n (%s %%)", x$style$percent),
    if (any(measured)) "median (Q1, Q3)"
  ), collapse = ", "))
}

# The footnotes: what was tested how, what was left out, what is not defined.
univariate_notes <- function(x) {
  c(tests_note(x), adjust_note(x), undefined_note(x), sparse_note(x), missing_note(x),
    unused_note(x))
}

tests_note <- function(x) {
  wording <- c(
    "Pearson chi-square" = "Pearson chi-square, uncorrected",
    "Wilcoxon rank-sum" =
      "Wilcoxon rank-sum (normal approximation, corrected for ties and continuity)",
    "Kruskal-Wallis" = "Kruskal-Wallis"
  )
  used <- vapply(x$blocks, function(block) block$test$test, "")
  named <- vapply(x$blocks, `[[`, "", "name")
  tests <- unique(used)
  if (length(tests) == 1L) return(sprintf("P: %s.", wording[[tests]]))
  each <- vapply(tests, function(test) {
    sprintf("%s: %s", wording[[test]], paste(named[used == test], collapse = ", "))
  }, "")
  sprintf("P: %s.", paste(each, collapse = "; "))
}

adjust_note <- function(x) {
  if (x$style$adjust == "none") return(NULL)
  tested <- sum(!is.na(adjusted_p(x)))
  sprintf("P (%s): adjusted for %s.", x$style$adjust, plural(tested, "test"))
}

undefined_note <- function(x) {
  notes <- vapply(x$blocks, function(block) block$test$note, "")
  if (any(notes != "")) sprintf("P is not defined for %s.", described(x, notes))
}

sparse_note <- function(x) {
  notes <- vapply(x$blocks, function(block) {
    sparse <- block$sparse
    if (block$measured || is.na(block$test$p.value) || sparse$below5 == 0L) return("")
    sprintf("%d of %d cells, the smallest %.2g", sparse$below5, sparse$cells,
            sparse$least)
  }, "")
  if (any(notes != "")) sprintf("Expected counts below 5: %s.", described(x, notes))
}

missing_note <- function(x) {
  missing <- c(x$outcome$n.missing, vapply(x$blocks, `[[`, 0, "n.missing"))
  named <- c(x$outcome$name, vapply(x$blocks, `[[`, "", "name"))
  if (all(missing == 0)) return(NULL)
  each <- sprintf("%s %.0f", named, missing)[missing > 0]
  sprintf("Missing values left out: %s.", paste(each, collapse = ", "))
}

unused_note <- function(x) {
  unused <- vapply(x$blocks, `[[`, 0L, "unused")
  if (all(unused == 0L)) return(NULL)
  named <- vapply(x$blocks, `[[`, "", "name")
  each <- sprintf("%s %d", named, unused)[unused > 0L]
  sprintf("Left out, levels that nobody has: %s.", paste(each, collapse = ", "))
}
