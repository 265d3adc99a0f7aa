# The only file that reads what a user passes: formulas, vectors, factors, weights, missing
# values. Everything after it sees codes 1..k with their labels, and plain numeric columns.

# ---- Formulas ---------------------------------------------------------------------------

# The parts of `response ~ a + b + strata(s)`: the response as an expression, and one term for
# each variable on the right, with its role.
read_formula <- function(formula, data, example = "Surv(time, status) ~ group") {
  if (!inherits(formula, "formula")) {
    abort("formula", "`formula` must be a formula such as %s, not %s", example, what(formula))
  }
  if (length(formula) != 3L) {
    abort("formula", "`formula` must have a response on its left side, such as %s", example)
  }
  check_data(data)
  variables <- plain_terms(formula[[3L]])
  if (is.null(variables)) variables <- parsed_terms(formula, data)
  list(
    response = formula[[2L]], env = environment(formula),
    terms = lapply(variables, function(v) list(expr = v, name = term_name(v), role = term_role(v)))
  )
}

# The variables of `a + b + strata(s)`, or of `1`; NULL for anything else: stats::terms() takes
# as long as a small test.
plain_terms <- function(rest) {
  if (identical(rest, 1)) return(list())
  terms <- list()
  while (is.call(rest) && identical(rest[[1L]], quote(`+`)) && length(rest) == 3L) {
    terms <- c(list(rest[[3L]]), terms)
    rest <- rest[[2L]]
  }
  terms <- c(list(rest), terms)
  plain <- vapply(terms, function(t) {
    if (is.symbol(t)) !identical(t, quote(.)) else is.call(t) && term_role(t) == "stratum"
  }, NA)
  if (all(plain) && !anyDuplicated(terms)) terms
}

parsed_terms <- function(formula, data) {
  terms <- tryCatch(
    stats::terms(formula, specials = c("strata", "cluster", "tt"), data = dot_data(formula, data)),
    error = function(e) abort("formula", "`formula` cannot be read: %s", conditionMessage(e))
  )
  check_terms(terms)
  as.list(attr(terms, "variables"))[-(1:2)]
}

# `verb(data = d, formula = f)` reaches the default method, since the first argument decides.
names_formula <- function(...) ...length() > 0L && "formula" %in% ...names()

call_method <- function(method) {
  call <- sys.call(-1L)
  call[[1L]] <- method
  eval(call, parent.frame(2L))
}

check_data <- function(data) {
  if (!is.null(data) && !is.list(data) && !is.environment(data)) {
    abort("data", "`data` must be a data frame, a list, an environment or NULL, not %s", what(data))
  }
}

dot_data <- function(formula, data) {
  if (is.null(data) || !("." %in% all.names(formula))) NULL else as.data.frame(data)
}

check_terms <- function(terms) {
  if (any(attr(terms, "order") > 1L)) {
    abort("formula", "`formula` must not have an interaction: `%s`",
          attr(terms, "term.labels")[attr(terms, "order") > 1L][1L])
  }
  if (!is.null(attr(terms, "offset"))) {
    abort("formula", "`formula` must not have an offset")
  }
  used <- attr(terms, "factors")
  variables <- vapply(as.list(attr(terms, "variables"))[-1L], term_name, "")
  used <- if (length(used)) rowSums(used) > 0 else rep(FALSE, length(variables))
  used[attr(terms, "response")] <- TRUE
  if (!all(used)) {
    abort("formula", "`formula` must not take a variable away: `%s`", variables[!used][1L])
  }
  for (special in c("cluster", "tt")) {
    if (!is.null(attr(terms, "specials")[[special]])) {
      abort("unsupported", "`%s()` in a formula is not supported yet", special)
    }
  }
}

term_role <- function(expr) {
  head <- if (is.call(expr)) expr[[1L]]
  if (identical(head, quote(strata)) || identical(head, quote(survival::strata))) "stratum" else "group"
}

# An expression as text. (deparse() takes longer than a small test.)
written <- function(expr) as.character(list(expr))

# The name model.frame() would give the column, without backticks around `a b`.
term_name <- function(expr) {
  if (is.symbol(expr)) return(as.character(expr))
  if (length(expr) == 2L && is.symbol(expr[[1L]]) && is.symbol(expr[[2L]]) && is.null(names(expr))) {
    inner <- as.character(expr[[2L]])
    if (make.names(inner) == inner) return(paste0(as.character(expr[[1L]]), "(", inner, ")"))
  }
  paste(deparse(expr, 500L), collapse = " ")
}

# A variable by its name, where that is all; anything else is evaluated.
variable <- function(expr, data, env, label) {
  if (is.null(expr)) return(NULL)
  if (is.symbol(expr) && is.list(data)) {
    found <- .subset2(data, as.character(expr))
    if (!is.null(found)) return(found)
  }
  evaluate(expr, data, env, label)
}

evaluate <- function(expr, data, env, label) {
  tryCatch(eval(expr, data, env), error = function(e) {
    if (inherits(e, "riskset_error")) stop(e)
    abort("formula", "`%s` cannot be evaluated: %s", label, conditionMessage(e))
  })
}

# ---- Categories -------------------------------------------------------------------------

# Any vector as integer codes with labels: list(code, labels, values, kind). `code` may be the
# vector itself (a factor is not copied); `values` are the numbers behind a numeric variable's
# levels. Levels of a text vector are in C order, whatever the locale.
as_codes <- function(x, name) {
  if (!is.object(x) && (is.double(x) || is.integer(x)) && is.null(dim(x))) {
    number_codes(x)
  } else if (is.factor(x)) {
    list(code = x, labels = levels(x), values = NULL, kind = "factor")
  } else if (is.logical(x)) {
    list(code = x + 1L, labels = c("FALSE", "TRUE"), values = c(0, 1), kind = "number")
  } else if (is.character(x)) {
    labels <- unique(x)
    labels <- labels[text_order(labels)]
    list(code = match(x, labels), labels = labels, values = NULL, kind = "text")
  } else if (is.numeric(x) && is.null(dim(x)) && !inherits(x, c("Date", "POSIXt"))) {
    number_codes(plain_number(x, name))
  } else if (is.atomic(x) && is.null(dim(x)) && !is.null(x) && !is.raw(x)) {
    f <- factor(x)
    list(code = f, labels = levels(f), values = NULL, kind = "other")
  } else {
    abort("group", "`%s` must be a factor, text, numbers or logical, not %s", name, what(x))
  }
}

# C order, by the bytes of UTF-8, without NA. Text of a file need not be marked as UTF-8, nor valid.
text_order <- function(x) {
  bytes <- x
  latin1 <- Encoding(x) == "latin1"
  bytes[latin1] <- enc2utf8(x[latin1])
  Encoding(bytes) <- "bytes"
  order(bytes, na.last = NA, method = "radix")
}

number_codes <- function(x) {
  small <- .Call(C_small_codes, x)
  if (!is.null(small)) return(small)
  values <- sort(unique(x))
  labels <- as.character(values)
  code <- match(x, values, incomparables = NaN)
  if (anyDuplicated(labels)) {
    code <- match(labels, unique(labels))[code]
    values <- values[!duplicated(labels)]
    labels <- unique(labels)
  }
  list(code = code, labels = labels, values = as.numeric(values), kind = "number")
}

# ---- Numbers ----------------------------------------------------------------------------

# A numeric column as C reads it: integer or double, never integer64's bits. Attributes of a
# labelled column (haven) are ignored.
plain_number <- function(x, name, kind = "argument") {
  if (!is.object(x) && (is.double(x) || is.integer(x)) && is.null(dim(x))) return(x)
  if (inherits(x, "integer64")) return(integer64_number(x, name))
  if (inherits(x, "difftime")) {
    abort(kind, "`%s` is a difftime in %s: as.numeric(%s, units = \"days\") makes it a number", name,
          units(x), name)
  }
  refused <- inherits(x, c("Date", "POSIXt", "factor")) || !is.null(dim(x))
  if (refused || !(is.integer(x) || is.double(x))) {
    abort(kind, "`%s` must be a numeric vector, not %s", name, what(x))
  }
  x
}

# For arguments of few numbers, which are compared as they stand: their bits must be numbers.
is_number <- function(x) is.numeric(x) && !inherits(x, "integer64")

# integer64 holds 64-bit integers in the bits of doubles.
integer64_number <- function(x, name) {
  out <- .Call(C_integer64, unclass(x))
  if (any(abs(out) >= 2^53, na.rm = TRUE)) {
    abort("argument", "`%s` has integer64 values of 2^53 or more, which a double cannot hold",
          name)
  }
  out
}

same_length <- function(...) {
  given <- list(...)
  given <- given[!vapply(given, is.null, NA)]
  for (name in names(given)) {
    check_length(given[[name]], length(given[[1L]]), name, names(given)[1L])
  }
}

check_length <- function(x, n, name, first) {
  if (length(x) != n) {
    abort("length", "`%s` has length %.0f but `%s` has length %.0f; they must be equal",
          name, length(x), first, n)
  }
}

# ---- Survival rows ----------------------------------------------------------------------

# What the C core tabulates, and what it stands for. `rows` goes to C as it is; `terms` name the
# variables behind group and stratum, list(labels, used), in the order of the formula.
survival_rows <- function(y, terms, weights, event, data = NULL, kept = NULL) {
  for (t in terms) {
    if (t$kind == "number" && t$role == "group") tell_many_groups(t$name, length(t$labels))
  }
  group <- combine_terms(terms, "group")
  stratum <- combine_terms(terms, "stratum")
  if (group$n * stratum$n > 5e8) {
    abort("too_large", "%.0f groups in %.0f strata are more than 5e8 curves", group$n, stratum$n)
  }
  for (i in seq_along(terms)) terms[[i]]$code <- NULL
  list(
    rows = list(
      time = y$time, entry = y$entry, status = y$status, weight = weights,
      group = group$code, n_group = group$n, stratum = stratum$code, n_stratum = stratum$n,
      event = if (is.null(event)) NA_real_ else as.double(event)
    ),
    group = group$part, n_group = group$n, stratum = stratum$part, n_stratum = stratum$n,
    terms = terms, data = data, kept = kept
  )
}

# A group for each of many numbers is seldom meant.
many_groups <- 50

tell_many_groups <- function(name, count) {
  if (count > many_groups) {
    inform("groups", "`%s` has %.0f distinct numbers, each a group of its own; cut() makes fewer",
           name, count)
  }
}

# Before anything is subset: a short column would be filled up with NA.
check_columns <- function(y, terms, weights) {
  n <- length(y$time)
  fits <- (is.null(y$entry) || length(y$entry) == n) && (is.null(y$status) || length(y$status) == n) &&
    (is.null(weights) || length(weights) == n)
  for (t in terms) fits <- fits && length(t$code) == n
  if (fits) return(invisible())
  columns <- c(y[c("entry", "status")], list(weights), lapply(terms, `[[`, "code"))
  names(columns) <- c("entry", "status", "weights", vapply(terms, `[[`, "", "name"))
  do.call(same_length, c(list(time = y$time), columns))
}

read_survival_formula <- function(formula, data, weights, subset, event) {
  parts <- read_formula(formula, data)
  y <- read_response(parts$response, data, parts$env, event)
  y["status"] <- list(check_status(y$status, event))
  terms <- lapply(parts$terms, read_term, data = data, env = parts$env)
  weights <- read_weights(variable(weights, data, parts$env, "weights"))
  check_columns(y, terms, weights)
  keep <- variable(subset, data, parts$env, "subset")
  if (is.null(keep)) {
    return(survival_rows(y, terms, weights, event, data))
  }
  keep <- read_subset(keep, length(y$time))
  # The coding of status is that of all the data, as Surv() would have seen it.
  if (is.null(event)) {
    event <- status_event(y$status)
    check_codes(y$status, event, keep)
  }
  y <- lapply(y, function(x) x[keep])
  terms <- lapply(terms, function(t) {
    t$code <- t$code[keep]
    t
  })
  weights <- weights[keep]
  if (!is.null(weights)) weights[is.na(keep)] <- 1 # the row is missing, not its weight
  survival_rows(y, terms, weights, event, data, keep)
}

read_survival_vectors <- function(time, status, group, strata, weights, entry, event) {
  y <- if (inherits(time, "Surv")) {
    if (!is.null(status)) abort("status", "`status` is part of a Surv() object already")
    surv_columns(time, event)
  } else {
    list(time = read_time(time, "time"), entry = if (!is.null(entry)) read_time(entry, "entry"),
         status = status)
  }
  terms <- list()
  if (!is.null(group)) terms <- list(vector_term(group, "group", "group"))
  if (!is.null(strata)) terms <- c(terms, list(vector_term(strata, "strata", "stratum")))
  y["status"] <- list(check_status(y$status, event))
  weights <- read_weights(weights)
  check_columns(y, terms, weights)
  survival_rows(y, terms, weights, event)
}

vector_term <- function(x, name, role) {
  c(list(name = name, role = role, pad = is.factor(x)), as_codes(x, name))
}

# Surv(time, status) in a formula is recognised and its arguments are taken as they are:
# building the object costs more than the whole of the test. Anything else is evaluated.
read_response <- function(expr, data, env, event) {
  if (is_plain_surv(expr, env)) {
    args <- lapply(as.list(expr)[-1L], function(e) variable(e, data, env, term_name(e)))
    return(plain_surv(args))
  }
  y <- evaluate(expr, data, env, paste(deparse(expr), collapse = " "))
  if (!inherits(y, "Surv")) {
    abort("formula", "the left side of `formula` must be Surv(time, status), not %s", what(y))
  }
  surv_columns(y, event)
}

is_plain_surv <- function(expr, env) {
  if (!is.call(expr) || !(length(expr) %in% 2:4)) return(FALSE)
  head <- expr[[1L]]
  ours <- identical(head, quote(survival::Surv)) || (identical(head, quote(Surv)) &&
    identical(get0("Surv", env, mode = "function", ifnotfound = Surv), Surv))
  named <- names(expr)[-1L]
  # Surv(time, time2 = status) is right-censored: left to survival.
  ours && all(named %in% c("", "time", "time2", "event")) &&
    (length(expr) == 4L || !("time2" %in% named))
}

plain_surv <- function(args) {
  names(args) <- surv_names(names(args), length(args))
  if (inherits(args$event, "factor")) refuse_factor_status(args$event)
  if (is.null(args$time2)) {
    list(time = read_time(args$time, "time"), entry = NULL, status = args$event)
  } else {
    list(time = read_time(args$time2, "time"), entry = read_time(args$time, "entry"),
         status = args$event)
  }
}

# Positions as in Surv(): with two arguments the second is the event.
surv_names <- function(given, n) {
  if (is.null(given)) return(if (n < 3L) c("time", "event")[seq_len(n)] else c("time", "time2", "event"))
  free <- setdiff(if (n < 3L) c("time", "event") else c("time", "time2", "event"), given)
  given[given == ""] <- free[seq_len(sum(given == ""))]
  given
}

surv_columns <- function(y, event) {
  type <- attr(y, "type")
  if (!is.null(event) && !identical(as.numeric(event), 1)) {
    abort("status", "`event` must be 1 where a Surv() object has coded the status, not %s",
          what(event))
  }
  if (type == "right") {
    list(time = y[, 1L], entry = NULL, status = y[, 2L])
  } else if (type == "counting") {
    list(time = y[, 2L], entry = y[, 1L], status = y[, 3L])
  } else {
    abort("unsupported", "Surv() of type \"%s\" is not supported yet; only right-censored %s",
          type, "and (entry, time] data are")
  }
}

read_time <- function(x, name) {
  x <- plain_number(x, name, "time")
  if (length(x) == 0L) abort("time", "`%s` has no rows; at least one was wanted", name)
  x
}

check_status <- function(status, event) {
  if (is.null(event) && !is.object(status) && is.null(dim(status)) &&
        (is.integer(status) || is.double(status) || is.logical(status))) {
    return(status)
  }
  if (!is.null(event) && (!is_number(event) || length(event) != 1L || is.na(event))) {
    abort("status", "`event` must be the one code of `status` that is an event, not %s",
          what(event))
  }
  if (inherits(status, "factor")) refuse_factor_status(status)
  if (inherits(status, "integer64")) return(integer64_number(status, "status"))
  if (!is.null(status) && (!(is.logical(status) || is.numeric(status)) || !is.null(dim(status)))) {
    abort("status", "`status` must be 0/1, 1/2 or logical, not %s", what(status))
  }
  status
}

refuse_factor_status <- function(status) {
  abort("status", "`status` must be 0/1, 1/2 or logical, not a factor; write `status == \"%s\"`",
        utils::tail(c("event", levels(status)), 1L))
}

status_event <- function(status) {
  if (is.null(status) || is.logical(status) || !is.numeric(status)) return(NULL)
  if (any(status == 2, na.rm = TRUE) && !any(status > 2, na.rm = TRUE)) 2 else 1
}

# As the core does where nothing is declared, by the rows of the whole data.
check_codes <- function(status, event, keep) {
  if (is.null(event)) return(invisible())
  bad <- which(status[keep] != event & status[keep] != event - 1)
  if (length(bad) > 0L) {
    refuse_row(list(problem = "status", column = "status", row = keep[bad[1L]],
                    rows = length(bad), value = status[keep][bad[1L]]))
  }
}

read_weights <- function(w) {
  if (is.null(w)) NULL else plain_number(w, "weights", "weights")
}

# Of fractional weights: a subject that vanishes beside the sum of all would leave the risk sets
# silently, and squares must not underflow.
check_precision <- function(range) {
  least <- range[1L]
  if (least * 2^52 >= range[3L] && least > 1e-100) return(invisible())
  abort("weights", "`weights` from %g to %g lose precision: the least (but 0) must be above %s",
        least, range[2L], "1e-100 and 2^-52 of their sum")
}

read_subset <- function(keep, n) {
  if (is.logical(keep)) {
    if (length(keep) != n) {
      abort("length", "`subset` has length %d but there are %d rows", length(keep), n)
    }
  } else if (!is_number(keep) || mixes_signs(keep)) {
    abort("argument", "`subset` must be logical or row numbers (all to keep, or negative, to drop), not %s",
          what(keep))
  }
  rows <- seq_len(n)[keep]
  if (length(rows) == 0L) abort("data", "`subset` leaves no rows")
  rows
}

mixes_signs <- function(rows) any(rows < 0, na.rm = TRUE) && (anyNA(rows) || any(rows > 0))

read_term <- function(term, data, env) {
  if (term$role == "stratum") return(c(term[c("name", "role")], stratum_codes(term$expr, data, env)))
  x <- variable(term$expr, data, env, term$name)
  c(term[c("name", "role")], as_codes(x, term$name), list(pad = is.factor(x)))
}

# strata(site) as survival::strata() codes and labels it, without its cost for one variable.
# `pad`: survfit() pads the names of curves to the longest of all labels, used or not.
stratum_codes <- function(expr, data, env) {
  if (length(expr) != 2L || !is.null(names(expr))) {
    expr[[1L]] <- survival::strata
    return(c(as_codes(evaluate(expr, data, env, "strata()"), "strata()"), list(pad = TRUE)))
  }
  label <- term_name(expr[[2L]])
  x <- variable(expr[[2L]], data, env, label)
  codes <- as_codes(x, label)
  if (!is.factor(x) && !is.character(x)) codes$labels <- paste0(label, "=", codes$labels)
  c(codes, list(pad = !is.factor(x)))
}

# As model.frame() names the rows of a subset: none twice, and those that are not there "NA".
row_names <- function(data, keep = NULL) {
  names <- if (is.data.frame(data)) attr(data, "row.names")
  if (is.null(keep)) return(names)
  names <- if (is.null(names)) keep else names[keep]
  if (anyDuplicated(names) == 0L && !anyNA(names)) return(names)
  make.unique(ifelse(is.na(names), "NA", as.character(names)))
}

# All terms of one role as one code, the first term slowest. `used` holds the codes that occur
# where the product of the levels is too large to keep a place for each.
combine_terms <- function(all, role) {
  terms <- list()
  for (t in all) if (t$role == role) terms[[length(terms) + 1L]] <- t
  if (length(terms) == 0L) return(list(n = 1))
  if (length(terms) == 1L) {
    term <- terms[[1L]]
    return(list(code = term$code, n = max(1, length(term$labels)), part = list(labels = list(term$labels))))
  }
  code <- 0
  for (t in terms) code <- code * length(t$labels) + (as.integer(t$code) - 1L)
  labels <- lapply(terms, `[[`, "labels")
  n <- prod(lengths(labels))
  used <- NULL
  if (n > 1e5) {
    used <- sort(unique(code))
    code <- match(code, used) - 1
    n <- length(used)
  }
  list(code = as.integer(code + 1), n = max(1, n), part = list(labels = labels, used = used))
}

# ---- Missing values ---------------------------------------------------------------------

read_na_action <- function(na.action) {
  if (is.null(na.action) || identical(na.action, stats::na.omit)) return("omit")
  if (is.function(na.action)) {
    if (identical(na.action, stats::na.exclude)) return("exclude")
    if (identical(na.action, stats::na.fail)) return("fail")
  }
  known <- c("na.omit", "na.exclude", "na.fail")
  if (is.character(na.action) && length(na.action) == 1L && na.action %in% known) {
    return(sub("na.", "", na.action, fixed = TRUE))
  }
  abort("argument", "`na.action` must be na.omit, na.exclude or na.fail, not %s", what(na.action))
}

refuse_missing <- function(input, used) {
  dropped <- length(input$rows$time) - used
  if (dropped == 0) return(invisible())
  abort("missing", "%.0f %s a missing value and `na.action` is na.fail", dropped,
        if (dropped == 1) "row has" else "rows have")
}

# ---- What the core found ----------------------------------------------------------------

# Turns the core's status and report into the error a user reads; silent when all is well.
# `kept`: the rows of the data that the core was given.
check_report <- function(result, kept = NULL) {
  status <- result$status
  if (status == "memory") abort("memory", "not enough memory for this call")
  if (status == "large") {
    abort("too_large", "the data have too many rows, groups or strata for this method")
  }
  report <- result$report
  if (status == "row") {
    if (!is.null(kept)) report$row <- kept[report$row]
    refuse_row(report)
  }
  if (!is.null(report) && report$used == 0) {
    abort("missing", "every row has a missing value (%s); at least one complete row was wanted",
          paste0(names(report$missing)[report$missing > 0], collapse = ", "))
  }
}

refuse_row <- function(report) {
  wanted <- switch(report$problem,
    negative = "must not be negative",
    infinite = "must be finite",
    `event at infinity` = "must be finite where there is an event",
    status = "must be 0/1, 1/2 or logical",
    order = "must be less than `time`",
    missing = "must not be missing",
    zero = "must not all be zero",
    sum = "must sum to 2^53 at most: beyond it whole numbers lose precision"
  )
  if (report$problem == "tied") {
    abort("entry", "`entry` and `time` of row %.0f are one time by `timefix = \"survival\"`", report$row)
  }
  if (report$problem %in% c("zero", "sum")) abort(report$column, "`%s` %s", report$column, wanted)
  more <- if (report$rows > 1) sprintf(" (and %.0f more)", report$rows - 1) else ""
  abort(report$column, "`%s` %s, but row %.0f is %s%s", report$column, wanted, report$row,
        format(report$value, digits = 15), more)
}

#' Which times are one: `timefix`, and why a number may differ from survdiff's
#'
#' Two subjects are tied when their times are equal. Computed times (0.1 + 0.2 and 0.3, days
#' turned into months) are equal only but for rounding, and programs differ in how much of a
#' difference they take for rounding. If a curve has other times than [survival::survfit()]'s, or
#' a chi-square other digits than [survival::survdiff()]'s, this is the likely reason.
#'
#' @section Three rules:
#' `timefix`, an argument of [km()], [logrank()], [risk_table()] and [screen_logrank()], is one of
#'
#' * `TRUE`, the default. Times are one when they lie within 4 units in the last place of the
#'   first of their run: a relative 4.4e-16 to 8.9e-16, what a few multiplications and additions
#'   can do. Runs do not chain: a time that is near the last of a run but not near its first
#'   begins the next run. Two whole numbers are never one. Entry and exit times share one grid.
#' * `FALSE`. Times are one when they are the same double, as in 'SAS', 'SPSS' and 'Stata'. (0 and
#'   -0 are the same.)
#' * `"survival"`. The rule of [survival::aeqSurv()], which survfit() and survdiff() use unless
#'   told otherwise: sorted distinct times are one when neighbours differ by at most 1.5e-8
#'   (`sqrt(.Machine$double.eps)`), absolutely or relative to the mean time. Neighbours chain, so
#'   that a run has no greatest length.
#'
#' @section What merges where:
#' | times | `TRUE` | `"survival"` |
#' |:------|:-------|:-------------|
#' | 0.1 + 0.2 and 0.3 | one | one |
#' | days, and days / 30.4375 * 30.4375 | one | one |
#' | seconds since 1970: 1.7e9 + 0:5 | 6 | 1 |
#' | 1e-9, 2e-9, ..., 6e-9 | 6 | 1 |
#' | 1e5 exponential times, mean 1 | none | 0.06 to 0.09 % |
#' | 1e6 exponential times | none | 0.7 % |
#' | 1e7 exponential times | none | 7.1 % |
#'
#' (The percentages are of distinct times, in three simulated samples each.) The more subjects,
#' the nearer their times, and the longer the chains.
#'
#' @section Unit and origin:
#' A log-rank test depends on the order of times only: t, t * c, t + c and rank(t) must give the
#' same chi-square. With `timefix = TRUE` they do, as long as distinct times stay more than 4 units
#' in the last place apart before and after. With survival's rule they need not: in years instead
#' of days, or on a later origin, other times merge. The example shows it.
#'
#' @section To see what merged:
#' What km(), logrank() and risk_table() return prints how many distinct times were merged, if any
#' were, and by which rule.
#' The number is `merged` in the test and in the table; for a fit of
#' [km()] it is `risk_table(fit)$merged`.
#'
#' @section To match survdiff or survfit exactly:
#' `timefix = "survival"` gives their numbers. To see what they give without merging, call
#' `survfit(..., timefix = FALSE)`, which is our `FALSE`; survdiff() documents that argument too,
#' but stops when it is given (survival 3.5-3 and 3.8-12), so use `rank(time)` there: ranks are
#' whole or half numbers, which no rule merges at fewer than about 1e8 subjects.
#'
#' @name ties
#' @aliases timefix
#' @examples
#' length(km(c(0.1 + 0.2, 0.3), c(1, 1))$time)
#' length(km(1.7e9 + 0:5, rep(1, 6))$time)
#' length(survival::survfit(Surv(1.7e9 + 0:5, rep(1, 6)) ~ 1)$time)
#'
#' # One data set in four units: survdiff() gives three answers, logrank() one
#' set.seed(1)
#' time <- rexp(10000)
#' status <- rbinom(10000, 1, 0.7)
#' group <- rep(1:2, 5000)
#' units <- list(t = time, `t * 1e-5` = time * 1e-5, `t + 17000` = time + 17000,
#'               `rank(t)` = rank(time))
#' sapply(units, function(t) survival::survdiff(Surv(t, status) ~ group)$chisq)
#' sapply(units, function(t) logrank(t, status, group)$statistic[[1]])
#'
#' # survdiff's rule, and how many distinct times it makes one with another
#' test <- logrank(units[[2]], status, group, timefix = "survival")
#' test
#' test$merged
NULL

ties_code <- function(timefix) {
  if (identical(timefix, TRUE)) return(1L)
  if (identical(timefix, FALSE)) return(0L)
  if (identical(timefix, "survival")) return(2L)
  abort("argument", "`timefix` must be TRUE, FALSE or \"survival\", not %s", what(timefix))
}

# ---- Contingency tables -----------------------------------------------------------------

# Doors of crosstab() and cmh(). The first two give rows, list(x, y, strata, weights, rows,
# names): vectors, a list of strata, and the row numbers kept by `subset` (NULL: all). Rows are
# counted by contingency_count(), tables of counts checked by contingency_table(); both give
# list(counts, scores, fixed, n.missing, data.name).
contingency_formula <- function(formula, data, weights, subset) {
  parts <- read_formula(formula, data, "outcome ~ exposure")
  group <- vapply(parts$terms, function(t) t$role == "group", NA)
  if (sum(group) != 1L) {
    abort("formula", "`formula` must have one exposure on its right side, such as %s, not %d",
          "outcome ~ exposure", sum(group))
  }
  get <- function(expr, label) variable(expr, data, parts$env, label)
  exposure <- parts$terms[[which(group)]]
  names <- list(x = exposure$name, y = term_name(parts$response))
  contingency_rows(
    get(exposure$expr, names$x), get(parts$response, names$y),
    do.call(c, lapply(parts$terms[!group], strata_columns, get)),
    get(weights, "weights"), get(subset, "subset"), names
  )
}

# The variables inside strata(a, b); with its other arguments, survival's own factor.
strata_columns <- function(term, get) {
  given <- as.list(term$expr)[-1L]
  if (length(given) == 0L) abort("formula", "`strata()` must name a variable")
  if (!is.null(names(given))) {
    call <- term$expr
    call[[1L]] <- quote(survival::strata)
    return(list(strata = get(call, term$name)))
  }
  labels <- vapply(given, term_name, "")
  out <- lapply(seq_along(given), function(i) get(given[[i]], labels[i]))
  names(out) <- labels
  out
}

refuse_no_vector <- function(x) {
  if ((is.list(x) && !is.data.frame(x)) || is.function(x)) {
    abort("formula", "`x` must be a formula, a vector or a table of counts, not %s", what(x))
  }
}

contingency_vectors <- function(x, y, strata, weights, subset, names) {
  if (is.list(x)) abort("formula", "`x` must be a vector or a table of counts, not %s", what(x))
  if (is.null(y)) abort("argument", "`y` must be given when `x` is not a table of counts")
  if (!is.null(strata)) {
    if (!is.list(strata)) strata <- list(strata)
    if (is.null(names(strata))) names(strata) <- rep(names$strata, length(strata))
  }
  arguments <- list(x = "x", y = "y", strata = rep("strata", length(strata)))
  contingency_rows(x, y, strata, weights, subset, names, arguments)
}

# `called`: what errors call the vectors, the arguments or the variables of a formula.
contingency_rows <- function(x, y, strata, weights, subset, names,
                             called = c(names[c("x", "y")], list(strata = names(strata)))) {
  n <- length(x)
  names$strata <- paste(unique(names(strata)), collapse = ", ")
  check_length(y, n, called$y, called$x)
  for (i in seq_along(strata)) check_length(strata[[i]], n, called$strata[i], called$x)
  if (!is.null(weights)) {
    weights <- plain_number(weights, "weights", "weights")
    check_length(weights, n, "weights", called$x)
  }
  if (n == 0L) abort("length", "`%s` has no rows", called$x)
  rows <- subset_rows(subset, n)
  if (!is.null(rows)) {
    x <- x[rows]
    y <- y[rows]
    strata <- lapply(strata, `[`, rows)
    weights <- weights[rows]
  }
  list(x = x, y = y, strata = strata, weights = weights, rows = rows, names = names)
}

subset_rows <- function(subset, n) {
  if (is.null(subset)) return(NULL)
  if (is.logical(subset)) {
    check_length(subset, n, "subset", "x")
    rows <- which(subset)
  } else if (is_number(subset) && all(is.finite(subset)) && all(abs(subset) <= n) &&
             !mixes_signs(subset)) {
    rows <- seq_len(n)[subset]
  } else {
    abort("argument", "`subset` must be logical or row numbers from 1 to %.0f, not %s", n,
          what(subset))
  }
  if (length(rows) == 0L) abort("data", "`subset` leaves no rows")
  rows
}

# How C reads a column of categories: list(column, first, levels, values, labels, fixed). A
# column of few whole numbers is counted as it stands, `values` being its range; labels are made
# once it is known which are used. `fixed`: levels are declared, so unused ones are counted.
as_category <- function(x, name, most = 1000) {
  if (is.factor(x)) {
    return(list(column = x, first = 1, levels = nlevels(x), values = seq_len(nlevels(x)),
                labels = levels(x), fixed = TRUE))
  }
  plain <- is.numeric(x) && is.null(dim(x)) && !inherits(x, c("Date", "POSIXt", "integer64"))
  if ((plain || (is.logical(x) && is.null(dim(x)))) && most > 0) {
    range <- .Call(C_column_range, x, most)
    if (is.character(range)) check_report(list(status = range))
    if (!is.null(range)) return(range_category(x, range))
  }
  codes <- as_codes(x, name)
  k <- length(codes$labels)
  values <- if (is.null(codes$values)) seq_len(k) else codes$values
  list(column = codes$code, first = 1, levels = k, values = values, labels = codes$labels,
       fixed = FALSE)
}

range_category <- function(x, range) {
  if (range[1L] > range[2L]) range <- c(0, 0)
  values <- range[1L] + 0:(range[2L] - range[1L])
  labels <- if (is.logical(x)) c("FALSE", "TRUE")[values + 1] else as.character(values)
  list(column = x, first = range[1L], levels = length(values), values = values,
       labels = labels, fixed = FALSE)
}

# Several stratifying variables as one: the combinations, the first moving fastest.
strata_category <- function(strata, most = 1000) {
  if (length(strata) == 1L) return(as_category(strata[[1L]], names(strata), most))
  all <- Map(as_category, strata, names(strata), most)
  code <- 0
  size <- 1
  for (a in all) {
    level <- as.double(unclass(a$column)) - a$first
    level[!(level >= 0 & level < a$levels)] <- NA
    code <- code + size * level
    size <- size * a$levels
  }
  used <- sort(unique(code))
  list(column = match(code, used), first = 1, levels = length(used), values = seq_along(used),
       labels = combined_labels(all, used), fixed = FALSE)
}

combined_labels <- function(all, code) {
  parts <- vector("list", length(all))
  for (i in seq_along(all)) {
    parts[[i]] <- all[[i]]$labels[code %% all[[i]]$levels + 1]
    code <- code %/% all[[i]]$levels
  }
  do.call(paste, c(parts, sep = ", "))
}

contingency_count <- function(rows) {
  read <- contingency_categories(rows)
  if (prod(read$levels) > 1e6) read <- contingency_categories(rows, most = 0)
  if (prod(read$levels) > 2^31 - 1) {
    abort("table", "%s give %.0f cells, more than a table can have",
          "the levels of the variables", prod(read$levels))
  }
  if (any(read$levels == 0)) abort("data", "no row is without a missing value")
  found <- .Call(C_count_table, read$columns, read$first, read$levels, rows$weights)
  check_report(found)
  check_counted(found, rows)
  names(read$labels) <- c(rows$names$x, rows$names$y, rows$names$strata)
  counts <- found$counts
  dim(counts) <- read$levels
  dimnames(counts) <- read$labels
  list(counts = counts, scores = read$values, fixed = read$fixed,
       n.missing = found$missing, data.name = contingency_name(rows$names))
}

# The same for a test of one table, which a number of many values is told in.
contingency_told <- function(rows) {
  table <- contingency_count(rows)
  for (i in 1:2) {
    if (dim(table$counts)[i] > many_groups && is.numeric(rows[[i]]) && !table$fixed[i]) {
      tell_many_groups(names(dimnames(table$counts))[i], sum(apply(table$counts, i, sum) > 0))
    }
  }
  table
}

# The three categories side by side; without strata the third has one level, everybody's.
contingency_categories <- function(rows, most = 1000) {
  x <- as_category(rows$x, rows$names$x, most)
  y <- as_category(rows$y, rows$names$y, most)
  s <- if (length(rows$strata) > 0L) {
    strata_category(rows$strata, most)
  } else {
    list(column = NULL, first = 0, levels = 1, labels = "", values = 0, fixed = FALSE)
  }
  list(
    columns = list(x$column, y$column, s$column), first = c(x$first, y$first, s$first),
    levels = c(x$levels, y$levels, s$levels) + 0, labels = list(x$labels, y$labels, s$labels),
    values = list(x$values, y$values, s$values), fixed = c(x$fixed, y$fixed, s$fixed)
  )
}

contingency_name <- function(names) {
  by <- paste(names$x, "and", names$y)
  if (nzchar(names$strata)) paste(by, "and", names$strata) else by
}

check_counted <- function(found, rows) {
  if (found$bad.weight > 0) {
    w <- rows$weights[found$bad.weight]
    at <- if (is.null(rows$rows)) found$bad.weight else rows$rows[found$bad.weight]
    abort("weights", "`weights` must be whole numbers from 0 to 2^53 (%s); row %.0f has %s",
          "subjects that a row stands for", at, format(w))
  }
  total <- sum(found$counts)
  if (total > 2^53) abort("weights", "`weights` sum to %g, more than 2^53", total)
  if (total > 0) return(invisible())
  if (found$missing == length(rows$x)) abort("data", "no row is without a missing value")
  abort("weights", "`weights` are all zero")
}

# A table of counts as a plain double array of three dimensions with labels.
contingency_table <- function(x, name, dims) {
  if (!is.numeric(x) || is.data.frame(x) || inherits(x, "integer64")) {
    abort("table", "`%s` must be a numeric matrix or table of counts, not %s", name, what(x))
  }
  shape <- dim(x)
  if (!length(shape) %in% dims) {
    abort("table", "`%s` must be a table with %s dimensions, not %d", name,
          paste(dims, collapse = " or "), length(shape))
  }
  if (any(shape[1:2] < 2L) || any(shape < 1L)) {
    abort("table", "`%s` must have at least two rows and two columns, not %s", name,
          paste(shape, collapse = " x "))
  }
  counts <- as.double(x)
  check_counts(counts, name)
  shape <- c(shape, 1L)[1:3]
  dim(counts) <- shape
  dimnames(counts) <- table_labels(x)
  scores <- list(seq_len(shape[1L]), seq_len(shape[2L]), seq_len(shape[3L]))
  list(counts = counts, scores = scores, fixed = c(TRUE, TRUE, TRUE), n.missing = 0, data.name = name)
}

check_counts <- function(x, name) {
  ok <- x >= 0 & x < Inf & x == floor(x)
  if (anyNA(ok) || !all(ok)) {
    at <- which(!ok | is.na(ok))[1L]
    abort("table", "`%s` must hold whole numbers of at least 0; element %.0f is %s", name, at,
          format(x[[at]]))
  }
  n <- sum(x)
  if (n > 2^53) abort("table", "`%s` counts %g subjects, more than 2^53", name, n)
  if (n == 0) abort("table", "`%s` is all zero", name)
}

table_labels <- function(x) {
  shape <- dim(x)
  labels <- dimnames(x)
  if (is.null(labels)) labels <- vector("list", length(shape))
  if (length(shape) == 2L) labels <- c(labels, list(""))
  shape <- c(shape, 1L)[1:3]
  for (i in 1:3) if (is.null(labels[[i]])) labels[[i]] <- as.character(seq_len(shape[i]))
  if (is.null(names(labels))) names(labels) <- rep("", 3L)
  unnamed <- !nzchar(names(labels))
  names(labels)[unnamed] <- c("row", "column", "stratum")[unnamed]
  labels
}

# Leaves out the levels of rows and columns that nobody has, and counts those that were
# declared; strata stay.
drop_unused <- function(table) {
  counts <- table$counts
  shape <- dim(counts)
  flat <- .rowSums(counts, shape[1L] * shape[2L], shape[3L])
  x <- .rowSums(flat, shape[1L], shape[2L]) > 0
  y <- .colSums(flat, shape[1L], shape[2L]) > 0
  table$unused <- c(if (table$fixed[1L]) sum(!x) else 0L, if (table$fixed[2L]) sum(!y) else 0L)
  names(table$unused) <- names(dimnames(counts))[1:2]
  if (!all(x) || !all(y)) {
    table$counts <- counts[x, y, , drop = FALSE]
    table$scores[1:2] <- list(table$scores[[1L]][x], table$scores[[2L]][y])
  }
  table
}

no_vectors <- function(...) {
  if (is.null(c(...))) return(invisible())
  given <- list(...)
  given <- given[!vapply(given, is.null, NA)]
  if (length(given) > 0L) {
    abort("argument", "`%s` has no meaning when `x` is a table of counts", names(given)[1L])
  }
}

# How a message calls a vector: as the user wrote it, if that is short.
call_label <- function(expr, name = "x") {
  if (is.symbol(expr)) return(as.character(expr))
  if (!is.language(expr)) return(name)
  plain <- length(expr) == 3L && is.symbol(expr[[1L]]) && is.symbol(expr[[2L]]) && is.symbol(expr[[3L]])
  if (plain) return(written(expr))
  label <- deparse(expr, 60L, nlines = 2L)
  if (length(label) > 1L) name else label
}
