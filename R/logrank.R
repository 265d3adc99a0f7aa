#' Log-rank test: do survival curves differ?
#'
#' Compares the survival of two or more groups, within strata where they are given. The
#' log-rank test is the Cochran-Mantel-Haenszel test with one table of groups by
#' (event, no event) for each event time; the table's covariance is hypergeometric.
#'
#' With `rho` and `gamma` each event time weighs S(t-)^rho (1 - S(t-))^gamma, S the pooled
#' Kaplan-Meier estimate of its stratum just before t (Fleming and Harrington's G(rho, gamma)):
#' `rho = 1` gives early differences more weight (as in [survival::survdiff()]), `gamma = 1`
#' late ones.
#'
#' @param x,formula A formula `Surv(time, status) ~ group + strata(stratum)`, a fit of [km()]
#'   (its `strata()` are the strata), numeric times, or a [risk_table()];
#'   in `print()`, the test.
#' @inheritParams risk_table
#' @param weights Case weights: whole numbers, which count subjects. Fractional weights are
#'   refused, since the statistic would grow with their sum.
#' @param rho,gamma Powers of the weight: see Details. `rho` may be any finite number, though far
#'   from 0 a few event times decide alone; `gamma` must not be negative.
#' @param time The same as `x`, for calls that name it.
#' @param ... Nothing else: arguments that do not exist here yet are refused by name.
#'
#' @return An object of class `c("riskset_logrank", "htest")`: `statistic` (chi-square),
#'   `parameter` (its degrees of freedom: the rank of the covariance), `p.value`, `log.p` (its
#'   logarithm, which does not underflow), `n` (subjects by group: rows, or the sums of their
#'   weights), `observed` and `expected` (weighted sums by group), `variance` (the covariance matrix
#'   of observed - expected), `strata` (how many, how many informative), `unused` (groups without
#'   rows), `rho`, `gamma`, `n.missing` (missing values by column), `n.nan`, `timefix`, `merged` and,
#'   where the test is undefined (no event, groups confounded with strata), `reason`: statistic and P
#'   are then NA. A message says so, of class `riskset_undefined` (and `riskset_no_events` where that
#'   is why); of class `riskset_rank` it says that degrees of freedom are fewer than groups less one.
#'   Errors are those of [risk_table()], and having one group only.
#' @references
#' Mantel N (1966). Evaluation of survival data and two new rank order statistics arising in its
#' consideration. *Cancer Chemotherapy Reports* 50:163-170.
#'
#' Fleming TR, Harrington DP (1991). *Counting Processes and Survival Analysis*, ch. 7. Wiley.
#' \doi{10.1002/9781118150672}
#' @examples
#' logrank(Surv(time, status) ~ sex, data = survival::lung)
#' logrank(Surv(time, status) ~ sex + strata(inst), data = survival::lung, rho = 1)
#'
#' fit <- km(Surv(time, status) ~ sex, data = survival::lung)
#' logrank(fit)$p.value
#' @export
logrank <- function(x, ...) UseMethod("logrank")

#' @rdname logrank
#' @export
logrank.formula <- function(formula, data = NULL, weights = NULL, subset = NULL, rho = 0, gamma = 0,
                            event = NULL, timefix = TRUE, na.action = NULL, ...) {
  check_dots(..., not_yet = not_yet)
  input <- read_survival_formula(formula, data, substitute(weights), substitute(subset), event)
  action <- read_na_action(na.action)
  test_rows(input, rho, gamma, timefix, action, written(formula))
}

#' @rdname logrank
#' @export
logrank.default <- function(x, status = NULL, group = NULL, strata = NULL, weights = NULL,
                            entry = NULL, rho = 0, gamma = 0, event = NULL, timefix = TRUE,
                            na.action = NULL, time = x, ...) {
  if (names_formula(...)) return(call_method(logrank.formula))
  if (!missing(x)) refuse_list(x)
  check_dots(..., not_yet = not_yet)
  if (missing(x) && missing(time)) abort("formula", "`x` is missing, with no default")
  refuse_list(time)
  if (is.null(group)) abort("group", "`group` is missing; two groups at least were wanted")
  input <- read_survival_vectors(time, status, group, strata, weights, entry, event)
  action <- read_na_action(na.action)
  test_rows(input, rho, gamma, timefix, action, "time and status by group")
}

#' @rdname logrank
#' @export
logrank.riskset_table <- function(x, rho = 0, gamma = 0, ...) {
  check_dots(..., not_yet = not_yet)
  test_table(x, rho, gamma, "a risk table")
}

#' @rdname logrank
#' @export
logrank.riskset_km <- function(x, rho = 0, gamma = 0, ...) {
  check_dots(..., not_yet = not_yet)
  call <- x$call$formula
  name <- if (is.null(call)) "a fit of km()" else written(call)
  test_table(table_of_fit(x), rho, gamma, name)
}

# Groups named as survdiff() names them: "sex=1".
curve_labels <- function(origin) {
  labels <- code_labels(origin, "group")
  if (length(origin$group$labels) != 1L) return(labels)
  for (t in origin$terms) if (t$role == "group") return(paste0(t$name, "=", labels))
}

check_powers <- function(rho, gamma) {
  if (identical(rho, 0) && identical(gamma, 0)) return(invisible())
  check_finite(rho, "rho")
  check_finite(gamma, "gamma", least = 0)
}

refuse_fractions <- function(weights) {
  if (weights == 2L) {
    abort("weights", "`weights` must be whole numbers; %s",
          "with fractions the statistic would grow with their sum")
  }
}

test_rows <- function(input, rho, gamma, timefix, action, name) {
  check_powers(rho, gamma)
  check_groups(input)
  sums <- .Call(C_logrank_rows, input$rows, ties_code(timefix), rho, gamma, curve_labels(input))
  report <- sums$report
  check_report(sums, input$kept)
  if (action == "fail") refuse_missing(input, report$used)
  refuse_fractions(report$weights)
  new_logrank(sums, input, rho, gamma, name, report$missing, report$nan, timefix,
              function() any(.Call(C_tabulate, input$rows, 0L)$n.event > 0))
}

test_table <- function(table, rho, gamma, name) {
  check_powers(rho, gamma)
  refuse_fractions(table$weights)
  check_groups(table)
  sums <- .Call(C_logrank_table, table, table$n_group, table$n_stratum, rho, gamma, table$rows,
                curve_labels(table))
  check_report(sums)
  sums$merged <- table$merged
  new_logrank(sums, table, rho, gamma, name, table$n.missing, table$n.nan, table$timefix,
              function() any(table$n.event > 0))
}

# The covariance has a row and a column for each group.
check_groups <- function(origin) {
  n <- origin$n_group
  if (n < 2) one_group(unlist(origin$group$labels))
  if (n > 1e4) abort("too_large", "%.0f groups are more than the 10000 a log-rank test can have", n)
}

one_group <- function(labels) {
  abort("group", "there must be two groups at least, not one%s",
        if (length(labels)) sprintf(" (%s)", labels[1L]) else "; name the group in the formula")
}

# ---- The test ---------------------------------------------------------------------------

# `sums` has a group's name on each of its elements. any_event(), which may count all rows, is asked
# only where the test is undefined.
new_logrank <- function(sums, origin, rho, gamma, name, n.missing, n.nan, timefix, any_event) {
  used <- sums$rows > 0
  unused <- character()
  if (!all(used)) {
    labels <- names(sums$rows)
    if (sum(used) < 2L) one_group(labels[used])
    unused <- labels[!used]
    sums[c("n", "observed", "expected")] <- lapply(sums[c("n", "observed", "expected")], `[`, used)
    sums$covariance <- sums$covariance[used, used]
  }
  test <- sums$test
  reason <- if (is.na(test[1L])) undefined_logrank(sums, any_event())
  out <- list(
    statistic = c(`X-squared` = test[1L]), parameter = c(df = test[2L]), p.value = test[3L], log.p = test[4L],
    method = logrank_method(rho, gamma, origin$n_stratum > 1), data.name = name,
    n = sums$n, observed = sums$observed, expected = sums$expected, variance = sums$covariance,
    strata = c(total = sums$strata[1L], informative = sums$strata[2L]), unused = unused,
    rho = rho, gamma = gamma, reason = reason,
    n.missing = n.missing, n.nan = n.nan, timefix = timefix, merged = sums$merged
  )
  class(out) <- c("riskset_logrank", "htest")
  if (is.null(reason) && test[2L] < length(sums$n) - 1L) {
    inform("rank", "logrank(): %s", reduced_rank(out))
  }
  out
}

reduced_rank <- function(x) {
  sprintf("df is %.0f, not %d: some groups are never at risk beside another", x$parameter,
          length(x$n) - 1L)
}

logrank_method <- function(rho, gamma, stratified) {
  if (rho == 0 && gamma == 0) return(if (stratified) "Stratified log-rank test" else "Log-rank test")
  sprintf("%sFleming-Harrington G(%s, %s) test", if (stratified) "Stratified " else "", format(rho),
          format(gamma))
}

undefined_logrank <- function(sums, any_event) {
  if (!any_event) {
    inform(c("no_events", "undefined"), "the log-rank test is undefined: no event")
    return("no event")
  }
  reason <- if (!all(is.finite(sums$observed)) || !all(is.finite(sums$covariance))) {
    "the weights are not finite at some event time"
  } else if (sums$times > 0) {
    "the weights are 0 at every event time"
  } else {
    "at no event time are two groups of one stratum at risk"
  }
  inform("undefined", "the log-rank test is undefined: %s", reason)
  reason
}

# list(p, log_p) of chi-squares; the logarithm does not underflow.
chi_p <- function(statistic, df) .Call(C_chi_p, statistic, df)

#' @rdname logrank
#' @param digits Significant digits to print.
#' @export
print.riskset_logrank <- function(x, digits = max(3L, getOption("digits") - 4L), ...) {
  check_digits(digits)
  cat("\n\t", x$method, "\n\ndata:  ", x$data.name, "\n\n", sep = "")
  d <- x$observed - x$expected
  print(data.frame(
    N = x$n, Observed = x$observed, Expected = x$expected,
    `(O-E)^2/E` = ifelse(x$expected > 0, d^2 / x$expected, NA),
    `(O-E)^2/V` = ifelse(diag(x$variance) > 0, d^2 / diag(x$variance), NA),
    row.names = make.unique(names(x$n)), check.names = FALSE
  ), digits = digits)
  p <- format.pval(x$p.value, digits = digits)
  cat(sprintf("\nchi-square = %s on %d %s, p %s\n", format(unname(x$statistic), digits = digits),
              as.integer(x$parameter), if (x$parameter == 1) "degree of freedom" else
                "degrees of freedom", if (grepl("^<", p)) p else paste("=", p)))
  cat(logrank_notes(x), sep = "\n")
  invisible(x)
}

logrank_notes <- function(x) {
  notes <- if (!is.null(x$reason)) paste("undefined:", x$reason)
  if (is.null(x$reason) && x$parameter < length(x$n) - 1L) notes <- c(notes, reduced_rank(x))
  if (x$strata[["total"]] > 1) {
    notes <- c(notes, sprintf("%.0f strata, %.0f of them informative", x$strata[["total"]],
                              x$strata[["informative"]]))
  }
  if (length(x$unused)) {
    notes <- c(notes, sprintf("groups without rows: %s", paste(x$unused, collapse = ", ")))
  }
  c(notes, table_notes(x))
}
