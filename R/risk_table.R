#' The risk table: how many were at risk, had the event, were censored
#'
#' Counts rows of survival data by stratum, group and time. Everything else ([km()],
#' [logrank()]) is computed from this table, and tables of disjoint sets of subjects add up: one
#' for each year, site or file can be built apart and merged with `c()`.
#'
#' @section Ties:
#' With `timefix = TRUE` times that differ by rounding only (up to 4 units in the last place
#' from the first of their run, such as `0.1 + 0.2` and `0.3`) count as one; two whole numbers
#' never do. `timefix = FALSE` compares times exactly. `timefix = "survival"` is the rule of
#' [survival::aeqSurv()], for whoever must match it: it merges times within 1.5e-8 of each other,
#' absolutely or relative to the mean time, in chains. See [ties] for what that
#' changes.
#'
#' @param x,formula A formula `Surv(time, status) ~ group + strata(stratum)`, or
#'   `Surv(entry, time, status) ~ ...` for subjects who come under observation late; a numeric
#'   vector of times; a fit of [km()]. Variables outside `strata()` make the groups (their
#'   combinations, where there are several), those within it the strata. A number with more than
#'   50 distinct values is a group for each of them, which a message of class `riskset_groups` says.
#' @param data A data frame, list or environment with the variables of the formula.
#' @param weights Case weights, one for each row: whole numbers count subjects. Fractional
#'   weights are for [km()] and `risk_table()`; [logrank()] refuses them. Whole ones must sum to
#'   2^53 at most, and of fractional ones the least must be above 2^-52 of their sum (but for 0):
#'   beyond that they lose precision, which is an error of class `riskset_error_weights`.
#' @param subset Rows to use: logical, or row numbers (to keep, or negative ones to drop); evaluated
#'   in `data`.
#' @param event The code of `status` that is an event; every other code is then a censoring.
#'   By default as in [survival::Surv()]: `TRUE`, 2 where 2 occurs, otherwise 1.
#' @param timefix Which times are equal: `TRUE`, `FALSE` or `"survival"`; see [ties].
#' @param na.action What is done with rows that have a missing value: [stats::na.omit()] (the
#'   default) and [stats::na.exclude()] drop and count them, [stats::na.fail()] is an error.
#' @param status Numeric (0/1 or 1/2) or logical, one for each time; `TRUE`, 1 or 2 is the
#'   event. `NULL`: every time is an event.
#' @param group,strata Vectors of any kind (factor, text, numbers), one for each time.
#' @param entry Times at which subjects come under observation, each before its `time`.
#' @param object,row.names,optional,... Methods' arguments; nothing else is accepted.
#' @param time The same as `x`, for calls that name it.
#' @param times Increasing times at which to read the table; by default 0 and round numbers up to
#'   the last time.
#' @param digits Significant digits to print.
#'
#' @return An object of class `riskset_table`. `as.data.frame()` gives its rows: `stratum`,
#'   `group` (factors), `time`, `n.enter` (entered at that time, at risk after it; 0 without
#'   entry times), `n.risk` (at risk just before), `n.event`, `n.censor`. `summary(, times = )`
#'   gives the numbers under a plot: at risk at each time, events and censorings since the
#'   previous one, and cumulated.
#'
#'   Rows with a missing value are dropped and counted; `print()` names groups without rows. 0 is a
#'   time like any other, so that an event there makes S(0) less than 1; a censoring at `Inf` never
#'   leaves the risk set.
#' @section Errors:
#' Those of [km()], [logrank()] and the screens as well. Each has class `riskset_error` and one of
#' its own, and names the argument and the first row at fault. `riskset_error_time`: times that are
#' not numbers (a date, text, a difftime), negative, without rows, or infinite with an event.
#' `riskset_error_status`: other codes than 0/1, 1/2 or logical, or a factor.
#' `riskset_error_entry`: an entry that is negative, infinite or not before its time.
#' `riskset_error_weights`: weights that are missing, negative, infinite, all zero or beyond what a
#' double holds; fractional ones in a log-rank test. `riskset_error_group`: one group only, in a
#' test. `riskset_error_length`: vectors of different lengths. `riskset_error_missing`: no row
#' without a missing value, or any under `na.fail`. `riskset_error_formula`, `riskset_error_data`: a
#' formula that is not `Surv(time, status) ~ group`, or a variable that does not exist.
#' `riskset_error_argument`, `riskset_error_level`: another argument out of its range.
#' `riskset_error_unsupported`: what [survival::survfit()] can do and this package cannot yet.
#' `riskset_error_too_large`: too many groups or strata; `riskset_error_memory`: too little memory.
#' `riskset_error_table`: tables that cannot be merged.
#' @references Kaplan EL, Meier P (1958). Nonparametric estimation from incomplete
#'   observations. *JASA* 53:457-481. \doi{10.1080/01621459.1958.10501452}
#' @examples
#' rt <- risk_table(Surv(time, status) ~ sex, data = survival::lung)
#' rt
#' summary(rt, times = c(0, 250, 500))
#'
#' # two halves, merged, are the whole
#' first <- risk_table(Surv(time, status) ~ sex, data = survival::lung, subset = 1:100)
#' rest <- risk_table(Surv(time, status) ~ sex, data = survival::lung, subset = 101:228)
#' all.equal(as.data.frame(c(first, rest)), as.data.frame(rt))
#' @export
risk_table <- function(x, ...) UseMethod("risk_table")

#' @rdname risk_table
#' @export
risk_table.formula <- function(formula, data = NULL, weights = NULL, subset = NULL, event = NULL,
                               timefix = TRUE, na.action = NULL, ...) {
  check_dots(..., not_yet = not_yet)
  input <- read_survival_formula(formula, data, substitute(weights), substitute(subset), event)
  tabulate_rows(input, timefix, read_na_action(na.action))
}

#' @rdname risk_table
#' @export
risk_table.default <- function(x, status = NULL, group = NULL, strata = NULL, weights = NULL,
                               entry = NULL, event = NULL, timefix = TRUE, na.action = NULL, time = x,
                               ...) {
  if (names_formula(...)) return(call_method(risk_table.formula))
  if (!missing(x)) refuse_list(x)
  check_dots(..., not_yet = not_yet)
  if (missing(x) && missing(time)) abort("formula", "`x` is missing, with no default")
  refuse_list(time)
  input <- read_survival_vectors(time, status, group, strata, weights, entry, event)
  tabulate_rows(input, timefix, read_na_action(na.action))
}

#' @rdname risk_table
#' @export
risk_table.riskset_km <- function(x, ...) {
  check_dots(...)
  table_of_fit(x)
}

#' @rdname risk_table
#' @export
risk_table.riskset_table <- function(x, ...) {
  check_dots(...)
  x
}

# Arguments of survfit() and survdiff() that are refused by name until they exist.
not_yet <- c("id", "cluster", "robust", "istate", "etype", "start.time", "stype", "ctype", "type",
             "influence", "se.fit", "conf.lower", "error", "entry", "time0")

refuse_list <- function(x) {
  if (!is.list(x)) return(invisible())
  if (!is.object(x)) abort("time", "`time` must be a numeric vector, not %s", what(x))
  abort("formula", "`x` must be a formula, numeric times or a risk table, not %s", what(x))
}

# ---- Building ---------------------------------------------------------------------------

tabulate_rows <- function(input, timefix, action) {
  table <- tabulate_once(input, timefix)
  if (action == "fail") refuse_missing(input, table$n.used)
  # Merged times cannot be told apart again, and more data may begin another run: the exact
  # table is kept for c().
  if (table$merged > 0) table$exact <- tabulate_once(input, FALSE)
  table
}

tabulate_once <- function(input, timefix) {
  ties <- ties_code(timefix)
  counts <- .Call(C_tabulate, input$rows, ties)
  check_report(counts, input$kept)
  if (counts$report$weights == 2L) check_precision(counts$report$range)
  new_table(counts, input, timefix)
}

new_table <- function(counts, input, timefix) {
  report <- counts$report
  table <- c(counts[c(table_columns, "size", "rows", "merged")], list(
    group = input$group, stratum = input$stratum, terms = input$terms,
    n_group = input$n_group, n_stratum = input$n_stratum,
    weights = report$weights, event = report$event,
    n.missing = report$missing, n.nan = report$nan, n.used = report$used,
    timefix = timefix
  ))
  class(table) <- "riskset_table"
  table
}

# ---- Labels -----------------------------------------------------------------------------

# For each code of one role: the level of each of its terms, as a list of integer vectors.
term_levels <- function(part, n) {
  sizes <- lengths(part$labels)
  code <- if (is.null(part$used)) seq_len(n) - 1 else part$used
  out <- vector("list", length(sizes))
  for (i in rev(seq_along(sizes))) {
    out[[i]] <- as.integer(code %% sizes[i]) + 1L
    code <- code %/% sizes[i]
  }
  out
}

# One label for each code: the level itself, or "a=1, b=x" where several terms are combined.
code_labels <- function(table, role) {
  part <- if (role == "group") table$group else table$stratum
  n <- if (role == "group") table$n_group else table$n_stratum
  if (length(part$labels) == 0L) return("all")
  if (length(part$labels) == 1L && is.null(part$used)) {
    return(if (n == length(part$labels[[1L]])) part$labels[[1L]] else rep(NA_character_, n))
  }
  names <- vapply(terms_of(table, role), `[[`, "", "name")
  levels <- term_levels(part, n)
  distinct_labels(part$labels, function(labels) {
    pieces <- Map(function(name, labels, at) paste0(name, "=", labels[at]), names, labels, levels)
    do.call(paste, c(unname(pieces), sep = ", "))
  })
}

# Levels that hold ", b=" may make one text of two combinations: then all are quoted.
distinct_labels <- function(labels, write) {
  out <- write(labels)
  if (anyDuplicated(out)) write(lapply(labels, encodeString, quote = "\"")) else out
}

terms_of <- function(table, role) {
  Filter(function(t) t$role == role, table$terms)
}

# ---- Reading ----------------------------------------------------------------------------

#' @rdname risk_table
#' @export
as.data.frame.riskset_table <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(...)
  block <- rep(seq_along(x$size), x$size)
  strata <- code_labels(x, "stratum")
  groups <- code_labels(x, "group")
  data.frame(
    stratum = factor(strata[(block - 1L) %/% x$n_group + 1L], levels = strata),
    group = factor(groups[(block - 1L) %% x$n_group + 1L], levels = groups),
    time = x$time,
    n.enter = if (is.null(x$n.enter)) numeric(length(x$time)) else x$n.enter,
    n.risk = risk_sets(x),
    n.event = x$n.event, n.censor = x$n.censor,
    row.names = row.names
  )
}

risk_sets <- function(table) {
  out <- .Call(C_survival, table, 0L, 0, FALSE)
  check_report(out)
  out$n.risk
}

#' @rdname risk_table
#' @export
summary.riskset_table <- function(object, times, ...) {
  check_dots(...)
  if (missing(times)) times <- c(0, pretty(object$time[is.finite(object$time)]))
  if (!is_number(times) || length(times) == 0L || anyNA(times) || is.unsorted(times)) {
    abort("argument", "`times` must be increasing numbers, not %s", what(times))
  }
  times <- unique(times)
  rows <- as.data.frame(object)
  blocks <- split(rows, rep(factor(seq_along(object$size)), object$size))
  blocks <- blocks[object$rows > 0]
  out <- do.call(rbind, lapply(blocks, table_at, times = times))
  rownames(out) <- NULL
  out
}

# Subjects at risk at t: who left at t or later and entered before t. At time 0 those who enter
# at 0 are shown as at risk, since entering at 0 is no late entry.
risk_at <- function(times, time, leave, enter) {
  before <- findInterval(times, time, left.open = TRUE) + 1L
  entered <- c(0, cumsum(enter))
  at_start <- entered[findInterval(0, time) + 1L]
  sum(leave) - sum(enter) + ifelse(times == 0, at_start, entered[before]) -
    c(0, cumsum(leave))[before]
}

table_at <- function(rows, times) {
  upto <- findInterval(times, rows$time)
  events <- c(0, cumsum(rows$n.event))[upto + 1L]
  censored <- c(0, cumsum(rows$n.censor))[upto + 1L]
  data.frame(
    stratum = rows$stratum[1L], group = rows$group[1L], time = times,
    n.risk = risk_at(times, rows$time, rows$n.event + rows$n.censor, rows$n.enter),
    n.event = diff(c(0, events)), n.censor = diff(c(0, censored)),
    cum.event = events, cum.censor = censored
  )
}

#' @rdname risk_table
#' @export
print.riskset_table <- function(x, digits = max(1L, getOption("digits") - 3L), ...) {
  check_dots(...)
  check_digits(digits)
  used <- x$rows > 0
  strata <- code_labels(x, "stratum")
  groups <- code_labels(x, "group")
  total <- function(v) vapply(split(v, rep(factor(seq_along(x$size)), x$size)), sum, 0)
  block <- seq_along(x$size) - 1L
  out <- data.frame(
    stratum = strata[block %/% x$n_group + 1L], group = groups[block %% x$n_group + 1L],
    n = total(x$n.event) + total(x$n.censor), events = total(x$n.event),
    censored = total(x$n.censor), times = x$size
  )[used, ]
  keep <- c(length(strata) > 1L, length(groups) > 1L, TRUE, TRUE, TRUE, TRUE)
  rows <- formatC(sum(x$rows), format = "f", digits = 0, big.mark = ",", decimal.mark = ".")
  cat("Risk table of", rows, "rows\n\n")
  print(out[keep], digits = digits, row.names = FALSE)
  empty <- groups[rowSums(matrix(x$rows, x$n_group)) == 0]
  if (length(empty)) cat("groups without rows: ", paste(empty, collapse = ", "), "\n", sep = "")
  cat(table_notes(x), sep = "\n")
  invisible(x)
}

# What a reader must know about how the counts came about; nothing when there is nothing.
table_notes <- function(x) {
  notes <- dropped_note(x)
  if (x$merged > 0) {
    notes <- c(notes, sprintf("%.0f distinct %s merged as tied (timefix = %s)", x$merged,
                              if (x$merged == 1) "time" else "times", deparse(x$timefix)))
  }
  notes
}

dropped_note <- function(x) {
  if (!any(x$n.missing > 0)) return(NULL)
  by <- x$n.missing[x$n.missing > 0]
  note <- paste(sprintf("%s: %.0f", names(by), by), collapse = ", ")
  nan <- if (x$n.nan > 0) sprintf("; %.0f of them NaN", x$n.nan) else ""
  sprintf("rows dropped for missing values (%s%s)", note, nan)
}

# ---- Merging ----------------------------------------------------------------------------

#' @rdname risk_table
#' @export
c.riskset_table <- function(...) {
  tables <- list(...)
  for (t in tables) {
    if (!inherits(t, "riskset_table")) {
      abort("table", "only risk tables can be merged with a risk table, not %s", what(t))
    }
  }
  merged <- Reduce(merge_two, lapply(tables, exact_table))
  if (isFALSE(tables[[1L]]$timefix)) merged else apply_ties(merged, tables[[1L]]$timefix)
}

exact_table <- function(table) {
  out <- if (is.null(table$exact)) table else table$exact
  out$exact <- NULL
  out$wanted <- table$timefix
  out
}

merge_two <- function(a, b) {
  check_mergeable(a, b)
  b <- relabel_numbers(b, a)
  terms <- Map(union_term, a$terms, b$terms)
  groups <- union_codes(a, b, "group", terms)
  strata <- union_codes(a, b, "stratum", terms)
  out <- a
  out[c("group", "stratum", "terms")] <- list(groups$part, strata$part, terms)
  out$n_group <- groups$n
  out$n_stratum <- strata$n
  for (count in c("n.missing", "n.nan", "n.used")) out[[count]] <- a[[count]] + b[[count]]
  out$weights <- max(a$weights, b$weights)
  if (is.na(out$event)) out$event <- b$event
  collapse_rows(out, rbind_rows(a, b, groups, strata))
}

check_mergeable <- function(a, b) {
  names <- function(t) lapply(t$terms, `[`, c("name", "role"))
  if (!identical(names(a), names(b))) {
    abort("table", "risk tables of different variables cannot be merged")
  }
  if (!identical(a$wanted, b$wanted)) {
    abort("table", "risk tables with different `timefix` cannot be merged")
  }
  if (!is.na(a$event) && !is.na(b$event) && a$event != b$event) {
    abort("table", "risk tables code an event as %g and as %g; give `event = ` to both", a$event,
          b$event)
  }
  if (a$weights + b$weights == 3L) {
    abort("table", "risk tables with whole and with fractional weights cannot be merged")
  }
  if (length(a$group$used) || length(b$group$used) || length(a$stratum$used) ||
        length(b$stratum$used)) {
    abort("table", "risk tables with more than 1e5 combinations of levels cannot be merged")
  }
}

# A number is a group by its value: options may have changed how it was written.
relabel_numbers <- function(table, like) {
  roles <- vapply(table$terms, `[[`, "", "role")
  for (i in seq_along(roles)) {
    ours <- table$terms[[i]]
    theirs <- like$terms[[i]]
    if (ours$kind != "number" || theirs$kind != "number") next
    at <- match(ours$values, theirs$values)
    labels <- ifelse(is.na(at), ours$labels, theirs$labels[at])
    table$terms[[i]]$labels <- labels
    table[[roles[i]]]$labels[[sum(roles[seq_len(i)] == roles[i])]] <- labels
  }
  table
}

# The levels of both, in the order that the data of both would have given them: numbers by
# value, text in C order, factors as declared.
union_term <- function(s, t) {
  labels <- union(s$labels, t$labels)
  values <- c(s$values, t$values)[match(labels, c(s$labels, t$labels))]
  at <- if (s$kind != t$kind) seq_along(labels)
        else switch(s$kind, number = order(values), text = text_order(labels),
                    seq_along(labels))
  s$labels <- labels[at]
  s["values"] <- list(if (s$kind == "number" && t$kind == "number") values[at])
  if (s$kind != t$kind) s$kind <- "other"
  s$pad <- s$pad || t$pad
  s
}

# The codes of both tables in the levels of both: list(part, n, a = , b = ) with one new code for
# each old one.
union_codes <- function(a, b, role, terms) {
  n_name <- paste0("n_", role)
  labels <- lapply(Filter(function(t) t$role == role, terms), `[[`, "labels")
  n <- max(1, prod(lengths(labels)))
  recode <- function(t) {
    levels <- term_levels(t[[role]], t[[n_name]])
    code <- numeric(t[[n_name]])
    for (i in seq_along(labels)) {
      at <- match(t[[role]]$labels[[i]], labels[[i]])[levels[[i]]]
      code <- code * length(labels[[i]]) + at - 1
    }
    code
  }
  list(part = list(labels = if (length(labels)) labels, used = NULL), n = n, a = recode(a),
       b = recode(b))
}

table_columns <- c("time", "n.event", "n.censor", "n.enter", "rows.event", "rows.censor",
                   "rows.enter", "square.event", "square.censor")

# Both tables' rows with their new block; a table without weights has as many rows as counts.
rbind_rows <- function(a, b, groups, strata) {
  wide <- function(t, side) {
    old <- seq_along(t$size) - 1
    new <- strata[[side]][old %/% t$n_group + 1] * groups$n + groups[[side]][old %% t$n_group + 1]
    t$n.enter <- if (is.null(t$n.enter)) numeric(length(t$time)) else t$n.enter
    for (kind in c("event", "censor", "enter")) {
      for (column in paste0(c("rows.", "square."), kind)) {
        if (is.null(t[[column]])) t[[column]] <- t[[paste0("n.", kind)]]
      }
    }
    list(columns = t[table_columns], block = rep(new, t$size), of_block = new, rows = t$rows)
  }
  a <- wide(a, "a")
  b <- wide(b, "b")
  list(columns = Map(c, a$columns, b$columns), block = c(a$block, b$block),
       of_block = c(a$of_block, b$of_block), rows = c(a$rows, b$rows))
}

# Sorts rows by block and time and adds up those that are equal in both.
collapse_rows <- function(table, rows) {
  blocks <- table$n_group * table$n_stratum
  order <- order(rows$block, rows$columns$time)
  block <- rows$block[order]
  time <- rows$columns$time[order]
  first <- c(TRUE, diff(block) != 0 | diff(time) != 0)
  first[is.na(first)] <- FALSE # +Inf twice
  run <- cumsum(first)
  sums <- lapply(rows$columns[-1L], function(x) as.numeric(rowsum(x[order], run, reorder = FALSE)))
  table[table_columns] <- c(list(time[first]), sums)
  if (all(table$n.enter == 0) && all(table$rows.enter == 0)) {
    table[c("n.enter", "rows.enter")] <- list(NULL)
  }
  table$size <- as.numeric(tabulate(block[first] + 1, blocks))
  table$rows <- numeric(blocks)
  sums <- rowsum(rows$rows, rows$of_block)
  table$rows[as.numeric(rownames(sums)) + 1] <- sums
  drop_columns(table)
}

# Tables without weights carry no rows, those with whole ones no squares.
drop_columns <- function(table) {
  if (table$weights < 2) table[c("square.event", "square.censor")] <- list(NULL)
  if (table$weights < 1) table[c("rows.event", "rows.censor", "rows.enter")] <- list(NULL)
  table
}

apply_ties <- function(table, timefix) {
  exact <- table
  times <- sort(unique(table$time))
  grid <- .Call(C_merge_times, times, ties_code(timefix))
  table$timefix <- timefix
  table$merged <- sum(grid != times)
  if (table$merged == 0) return(table)
  rows <- list(columns = table[table_columns], block = rep(seq_along(table$size) - 1, table$size),
               of_block = seq_along(table$rows) - 1, rows = table$rows)
  rows$columns$time <- grid[match(table$time, times)]
  absent <- vapply(rows$columns, is.null, NA)
  rows$columns[absent] <- list(numeric(length(table$time)))
  table <- collapse_rows(table, rows)
  table[names(rows$columns)[absent]] <- list(NULL)
  exact$timefix <- FALSE
  table$exact <- exact
  table
}
