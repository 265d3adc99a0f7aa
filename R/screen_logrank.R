#' Many log-rank tests at once: a screen of markers, or simulated trials
#'
#' One log-rank test for each column of `x` (genes, markers, splits), all against the same times:
#' rows are sorted once, then each test is one pass. Or one test for each simulated trial, with
#' times and statuses as matrices (a column a trial). Each test equals the one that [logrank()]
#' gives alone.
#'
#' A long screen shows its progress where the package cli is installed: see the options in
#' [riskset][riskset-package].
#'
#' @param x For a screen, a matrix or data frame with one row for each subject: each column is a
#'   grouping, of numbers, text, factors or logical. For trials, the group of each subject: one
#'   vector for all trials, or a matrix with a column for each.
#' @param time Times: a numeric vector, or for trials a matrix with a column for each.
#' @param status Numeric (0/1 or 1/2) or logical, of the shape of `time`.
#' @param strata Optional vector of strata, one for each subject.
#' @param hazard.ratio `TRUE` adds `hazard.ratio.one.step`, exp((O - E) / V) of the second group
#'   (in order) against the first, and `std.err`, the standard error of its logarithm, for tests of
#'   two groups (Yusuf et al. 1985, Prog Cardiovasc Dis 27:335-371). It is biased towards 1 where
#'   the hazards differ by far more than twice.
#' @param adjust A method of [stats::p.adjust()]: adds the column `p.adjusted`.
#' @inheritParams risk_table
#'
#' @return A data frame with one row for each column or trial: `column` (its name or number), `n`
#'   and `events` (of subjects without a missing value), `statistic`, `df`, `p.value`, `log.p` (its
#'   logarithm), the columns asked for, and `reason`: why the test is NA (one group only, no event,
#'   more than 50 distinct values, ...), otherwise NA. Its attributes `timefix` and `merged` are the
#'   rule for [ties] and how many distinct times it merged (in all trials). Errors are those of
#'   [risk_table()]; a missing value in a column drops its subject from that test only.
#' @references Mantel N (1966). Evaluation of survival data and two new rank order statistics
#'   arising in its consideration. *Cancer Chemotherapy Reports* 50:163-170.
#' @examples
#' lung <- survival::lung
#' markers <- data.frame(sex = lung$sex, old = lung$age > 65, ecog = lung$ph.ecog)
#' screen_logrank(markers, lung$time, lung$status, adjust = "holm")
#'
#' # 100 simulated trials of 40 subjects each
#' set.seed(1)
#' time <- matrix(rexp(4000), 40)
#' head(screen_logrank(rep(1:2, 20), time, matrix(1, 40, 100)))
#' @export
screen_logrank <- function(x, time, status, strata = NULL, hazard.ratio = FALSE, adjust = NULL,
                           event = NULL, timefix = TRUE) {
  check_given(x = missing(x), time = missing(time), status = missing(status))
  check_flag(hazard.ratio, "hazard.ratio")
  trials <- is.matrix(time)
  out <- if (trials) screen_trials(x, time, status, strata, event, timefix)
         else screen_columns(x, time, status, strata, event, timefix)
  result <- screen_result(out, hazard.ratio, adjust)
  attr(result, "timefix") <- timefix
  attr(result, "merged") <- sum(if (trials) out$merged else out$merged[1L])
  result
}

screen_columns <- function(x, time, status, strata, event, timefix) {
  columns <- screen_input(x, length(time))
  input <- read_survival_vectors(time, status, NULL, strata, NULL, NULL, event)
  ties <- ties_code(timefix)
  sums <- in_parts(length(columns$names), length(time), function(part) {
    .Call(C_screen_logrank, input$rows, pick_columns(columns$values, part), ties)
  })
  check_report(sums)
  c(list(names = columns$names), sums)
}

# ---- Progress ---------------------------------------------------------------------------

# `test` of all columns at once (NULL), or, where the user can watch, of one part of them after
# another. A part that ends early, with its report, is the last.
in_parts <- function(columns, rows, test) {
  work <- columns * rows
  if (!shows_progress(work) || columns < 2) return(test(NULL))
  parts <- min(columns, 100, max(2, ceiling(work / 1e7)))
  ends <- round(columns * seq_len(parts) / parts)
  bar <- cli::cli_progress_bar("Testing columns", total = columns)
  found <- vector("list", parts)
  for (i in seq_len(parts)) {
    found[[i]] <- test(seq(if (i == 1) 1 else ends[i - 1] + 1, ends[i]))
    if (found[[i]]$status != "ok") return(found[[i]])
    cli::cli_progress_update(set = ends[i], id = bar)
  }
  cli::cli_progress_done(id = bar)
  out <- do.call(Map, c(list(f = c), found))
  out[c("status", "report")] <- found[[1L]][c("status", "report")]
  out[names(found[[1L]])]
}

# By itself, only where someone waits for more than a moment.
shows_progress <- function(work) {
  wanted <- getOption("riskset.progress", interactive() && work >= 2e8)
  check_flag(wanted, "options(riskset.progress = )")
  wanted && requireNamespace("cli", quietly = TRUE)
}

pick_columns <- function(x, part) {
  if (is.null(part)) x else if (is.list(x)) x[part] else x[, part, drop = FALSE]
}

# Columns as C reads them: a numeric matrix as it is, anything else as a list of vectors.
screen_input <- function(x, n) {
  if (!is.matrix(x) && !is.data.frame(x)) {
    abort("argument", "`x` must be a matrix or a data frame, not %s", what(x))
  }
  if (nrow(x) != n) {
    abort("length", "`x` has %d rows but `time` has length %d; they must be equal", nrow(x), n)
  }
  names <- colnames(x)
  if (is.null(names)) names <- as.character(seq_len(ncol(x)))
  values <- if (is.matrix(x) && (is.numeric(x) || is.logical(x))) x else lapply(
    stats::setNames(seq_len(ncol(x)), names), function(j) screen_column(x[, j], names[j])
  )
  list(names = names, values = values)
}

# `[[` of a tibble or data.table gives the vector; codes serve as values.
screen_column <- function(x, name) {
  if (is.data.frame(x)) x <- x[[1L]]
  if (!is.null(dim(x))) abort("argument", "`x` must have vectors as columns; `%s` is %s", name, what(x))
  if ((is.numeric(x) || is.logical(x)) && !is.object(x)) x else as.integer(as_codes(x, name)$code)
}

screen_trials <- function(x, time, status, strata, event, timefix) {
  n <- nrow(time)
  if (!identical(dim(status), dim(time))) {
    abort("length", "`status` must be a matrix of the %d x %d shape of `time`, not %s", n, ncol(time),
          what(status))
  }
  if (length(x) != n && !identical(dim(x), dim(time))) {
    abort("length", "`x` must be a vector of length %d or a matrix of the shape of `time`, not %s", n,
          what(x))
  }
  dim(x) <- NULL
  group <- as_codes(x, "x")
  if (length(group$labels) < 2L) abort("group", "`x` has one group only; two at least were wanted")
  stratum <- if (is.null(strata)) list(code = NULL, labels = "all") else as_codes(strata, "strata")
  if (!is.null(strata) && length(strata) != n) {
    abort("length", "`strata` has length %d but trials have %d subjects", length(strata), n)
  }
  check_trials(time, "time")
  check_trials(status, "status")
  ties <- ties_code(timefix)
  event <- trial_event(status, event)
  code <- group$code
  if (length(code) > n) code <- matrix(as.integer(code), n)
  sums <- in_parts(ncol(time), n, function(part) {
    rows <- list(
      time = pick_columns(time, part), status = pick_columns(status, part),
      group = if (is.matrix(code)) pick_columns(code, part) else code,
      n_group = length(group$labels), stratum = stratum$code, n_stratum = length(stratum$labels),
      event = event
    )
    sums <- .Call(C_screen_trials, rows, n, ncol(rows$time), ties)
    if (!is.null(part)) sums$trial <- sums$trial + part[1L] - 1
    sums
  })
  if (sums$status == "row") {
    abort(sums$report$column, "`%s` is not valid in column %.0f, row %.0f: %s", sums$report$column,
          sums$trial, sums$report$row, format(sums$report$value))
  }
  check_report(sums[c("status")])
  names <- colnames(time)
  c(list(names = if (is.null(names)) as.character(seq_len(ncol(time))) else names), sums)
}

# Matrices go to C as they are: copies of them would take longer than the tests.
check_trials <- function(x, name) {
  if (is.object(x) || !(is.double(x) || is.integer(x) || (name == "status" && is.logical(x)))) {
    abort(name, "`%s` must be a numeric matrix, not %s", name, what(x))
  }
  if (length(x) == 0L) abort(name, "`%s` has no rows; at least one was wanted", name)
}

# One coding for all trials: a trial in which all die has no 0 or 1 to tell it by.
trial_event <- function(status, event) {
  if (!is.null(event)) {
    check_status(NULL, event)
    return(as.double(event))
  }
  range <- .Call(C_column_range, status, 1000)
  code <- if (is.numeric(range) && range[2L] == 2) 2 else 1
  if (is.null(range) || (is.numeric(range) && (range[1L] < code - 1 || range[2L] > code))) {
    dim(status) <- NULL
    check_codes(status, code, seq_along(status))
  }
  code
}

screen_result <- function(out, hazard.ratio, adjust) {
  undefined <- is.na(out$statistic)
  df <- ifelse(undefined, NA_real_, out$df)
  p <- chi_p(out$statistic, df)
  result <- data.frame(
    column = out$names, n = out$n, events = out$events, statistic = out$statistic, df = df,
    p.value = p$p, log.p = p$log_p
  )
  if (hazard.ratio) {
    result$hazard.ratio.one.step <- exp(out$effect / out$variance)
    result$std.err <- sqrt(1 / out$variance)
  }
  if (!is.null(adjust)) {
    check_choice(adjust, stats::p.adjust.methods, "adjust")
    result$p.adjusted <- stats::p.adjust(result$p.value, adjust)
  }
  result$reason <- ifelse(undefined, screen_reason(out), NA_character_)
  result
}

screen_reason <- function(out) {
  ifelse(out$n == 0, "all values are missing",
  ifelse(out$groups < 2, "one group only",
  ifelse(out$groups > 50, "more than 50 distinct values",
  ifelse(out$events == 0, "no event",
         "at no event time are two groups of one stratum at risk"))))
}
