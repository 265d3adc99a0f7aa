#' Kaplan-Meier survival curves
#'
#' Estimates survival curves with confidence intervals, one for each combination of the
#' variables of the formula. The result is a [survival::survfit()] object, equal to it component
#' by component, so that everything made for those (`summary()`, `quantile()`, `lines()`,
#' 'ggsurvfit', 'survminer', 'broom') works on it; it is computed from a [risk_table()].
#'
#' Variances are Greenwood's; with fractional weights they are robust (infinitesimal jackknife),
#' as in [survival::survfit()].
#'
#' `quantile(, ci = "spss")` gives the median that 'SPSS' prints (the smallest time with
#' S <= 0.5; at exactly 0.5 [survival::survfit()] takes a midpoint) and its interval: the median
#' -/+ 1.96 standard errors, where the standard error is that of S at the median over the density
#' (S(u) - S(l)) / (l - u), u the last event time with S >= 0.55 and l the first with
#' S <= 0.45. For other probabilities 0.05 is added and taken likewise. S is compared with a
#' tolerance of 1e-9, since it is a product of rounded factors (of 1.5e-8 for `"band"`). Where a
#' curve does not reach the probability, the quantile is `NA`.
#'
#' Where S is 0 its standard error on the log scale is infinite, and the limits are `NA`.
#'
#' @param x,formula A formula `Surv(time, status) ~ group`, `Surv(entry, time, status) ~ group` or
#'   with `+ strata(stratum)`; numeric times; a [risk_table()]; in methods, a fit of `km()`.
#' @inheritParams risk_table
#' @param time The same as `x`, for calls that name it.
#' @param conf.int Level of the pointwise confidence intervals; `FALSE` for none. In `quantile()`
#'   whether to give limits.
#' @param conf.type Scale on which they are symmetric: `"log"` (the default, as in
#'   [survival::survfit()]), `"log-log"` (that of 'SAS' and 'Stata'), `"plain"`, `"logit"`,
#'   `"arcsin"` or `"none"`.
#' @param ... Nothing else: arguments of [survival::survfit()] that do not exist here yet
#'   (`id`, `cluster`, `start.time`, ...) are refused by name.
#'
#' @return An object of class `c("riskset_km", "survfit")` (and `"survfit2"`, that of
#'   'ggsurvfit', for an unweighted formula) with the components of [survival::survfit()]: `n`,
#'   `time`, `n.risk`, `n.event`, `n.censor`, `surv`, `std.err`, `cumhaz`, `std.chaz`, `strata`,
#'   `lower`, `upper`, ... `quantile()` gives a list of `quantile`, `lower` and `upper`, or without
#'   limits the first alone: vectors by probability, for several curves matrices with a row for each.
#'   For errors see [risk_table()].
#' @references Kaplan EL, Meier P (1958). Nonparametric estimation from incomplete
#'   observations. *JASA* 53:457-481. \doi{10.1080/01621459.1958.10501452}
#' @seealso [logrank()] to compare the curves, [plot.riskset_km()] to draw them.
#' @examples
#' fit <- km(Surv(time, status) ~ sex, data = survival::lung)
#' fit
#' summary(fit, times = c(180, 365))
#' quantile(fit, 0.5)              # survfit's interval
#' quantile(fit, 0.5, ci = "spss") # that of SPSS
#'
#' # from vectors, and from a table of counts
#' with(survival::lung, km(time, status, sex))
#' km(risk_table(Surv(time, status) ~ sex, data = survival::lung))
#' @export
km <- function(x, ...) UseMethod("km")

#' @rdname km
#' @export
km.formula <- function(formula, data = NULL, weights = NULL, subset = NULL, na.action = NULL, conf.int = 0.95,
                       conf.type = c("log", "log-log", "plain", "none", "logit", "arcsin"),
                       event = NULL, timefix = TRUE, ...) {
  call <- match.call()
  call[[1L]] <- quote(km)
  check_dots(..., not_yet = not_yet)
  conf <- read_conf(conf.int, conf.type)
  input <- read_survival_formula(formula, data, substitute(weights), substitute(subset), event)
  action <- read_na_action(na.action)
  table <- tabulate_once(input, timefix)
  fit <- fit_table(table, conf, call, omitted_rows(input, table, action))
  if (is.null(input$rows$weight)) {
    class(fit) <- c("riskset_km", "survfit2", "survfit")
    fit$.Environment <- environment(formula)
  }
  fit
}

#' @rdname km
#' @export
km.default <- function(x, status = NULL, group = NULL, strata = NULL, weights = NULL,
                       entry = NULL, na.action = NULL, conf.int = 0.95,
                       conf.type = c("log", "log-log", "plain", "none", "logit", "arcsin"),
                       event = NULL, timefix = TRUE, time = x, ...) {
  if (names_formula(...)) return(call_method(km.formula))
  call <- match.call()
  call[[1L]] <- quote(km)
  if (!missing(x)) refuse_list(x)
  check_dots(..., not_yet = not_yet)
  if (missing(x) && missing(time)) abort("formula", "`x` is missing, with no default")
  refuse_list(time)
  conf <- read_conf(conf.int, conf.type)
  input <- read_survival_vectors(time, status, group, strata, weights, entry, event)
  action <- read_na_action(na.action)
  table <- tabulate_once(input, timefix)
  fit_table(table, conf, call, omitted_rows(input, table, action))
}

#' @rdname km
#' @export
km.riskset_table <- function(x, conf.int = 0.95,
                             conf.type = c("log", "log-log", "plain", "none", "logit", "arcsin"),
                             ...) {
  call <- match.call()
  call[[1L]] <- quote(km)
  check_dots(..., not_yet = not_yet)
  fit_table(x, read_conf(conf.int, conf.type), call, NULL)
}

conf_codes <- c(log = 1L, `log-log` = 2L, plain = 3L, none = 0L, logit = 4L, arcsin = 5L)
conf_types <- names(conf_codes)

read_conf <- function(conf.int, conf.type) {
  type <- check_choice(conf.type, conf_types, "conf.type")
  if (identical(conf.int, FALSE)) {
    type <- "none"
    conf.int <- 0.95
  }
  if (identical(conf.int, TRUE)) conf.int <- 0.95
  check_level(conf.int, "conf.int")
  list(level = conf.int, type = type)
}

# ---- Missing values as survfit() reports them --------------------------------------------

omitted_rows <- function(input, table, action) {
  dropped <- length(input$rows$time) - table$n.used
  if (dropped == 0) return(NULL)
  if (action == "fail") refuse_missing(input, table$n.used)
  rows <- .Call(C_missing_rows, input$rows, table$event, dropped)
  names <- row_names(input$data, input$kept)
  names(rows) <- as.character(if (is.null(names)) rows else names[rows])
  structure(rows, class = action)
}

# ---- The fit ----------------------------------------------------------------------------

fit_table <- function(table, conf, call, omitted) {
  check_supported(table)
  curves <- curve_order(table)
  table <- permute_blocks(table, curves$block)
  if (!is.null(table$n.enter)) table <- leaving_rows(table)
  z <- stats::qnorm(1 - (1 - conf$level) / 2)
  out <- .Call(C_survival, table, conf_codes[[conf$type]], z, survfit_parts()$closed)
  check_report(out)
  fit <- fit_components(table, out, conf, curves$labels)
  if (!is.null(omitted)) fit$na.action <- omitted
  fit$call <- call
  attr(fit, "riskset") <- fit_origin(table, curves$block)
  class(fit) <- c("riskset_km", "survfit")
  fit
}

check_supported <- function(table) {
  if (table$weights == 2L && !is.null(table$n.enter)) {
    abort("unsupported", "`weights` must be whole numbers with entry times; %s",
          "a robust variance for both is not supported yet")
  }
}

# The curves in survfit()'s order (the first variable of the formula slowest) with its names;
# combinations without rows have no curve.
curve_order <- function(table) {
  used <- which(table$rows > 0)
  terms <- table$terms
  if (length(terms) == 0L) return(list(block = used, labels = NULL))
  if (length(terms) == 1L) {
    return(list(block = used, labels = paste0(terms[[1L]]$name, "=", terms[[1L]]$labels[used])))
  }
  levels <- block_levels(table, used)
  order <- do.call(order, unname(levels))
  list(block = used[order], labels = strata_labels(terms, lapply(levels, `[`, order)))
}

# As survival::strata() writes them, "a=1, b=x ", but of the combinations that occur only: it
# writes all there could be, which seven variables of a registry make billions.
strata_labels <- function(terms, levels) {
  pieces <- Map(function(t, at) {
    shown <- if (t$pad) seq_along(t$labels) else sort(unique(at))
    text <- paste(t$name, t$labels[shown], sep = "=")
    if (!identical(t, terms[[1L]])) text <- format(text)
    text[match(at, shown)]
  }, terms, levels)
  do.call(paste, c(unname(pieces), sep = ", "))
}

# For each of the blocks: the level of each term, in the order of the formula.
block_levels <- function(table, blocks) {
  role <- vapply(table$terms, `[[`, "", "role")
  of_group <- term_levels(table$group, table$n_group)
  of_stratum <- term_levels(table$stratum, table$n_stratum)
  out <- vector("list", length(role))
  out[role == "group"] <- lapply(of_group, `[`, (blocks - 1L) %% table$n_group + 1L)
  out[role == "stratum"] <- lapply(of_stratum, `[`, (blocks - 1L) %/% table$n_group + 1L)
  out
}

# The blocks of the curves, in their order; nothing is copied when that is the table's own, since
# blocks that are left out have no rows.
permute_blocks <- function(table, blocks) {
  if (is.unsorted(blocks)) {
    start <- cumsum(c(0, table$size))
    rows <- unlist(lapply(blocks, function(b) seq_len(table$size[b]) + start[b]))
    table[table_columns] <- lapply(table[table_columns], function(x) x[rows])
  }
  table$size <- table$size[blocks]
  table$rows <- table$rows[blocks]
  table
}

# Times at which subjects only enter are no times of the curve: who enters between two of its
# times is counted at the first of them, which leaves the risk sets as they are.
leaving_rows <- function(table) {
  weighted <- !is.null(table$rows.event)
  columns <- table[table_columns]
  kept <- .Call(C_leaving_rows, columns, table_columns %in% c("n.enter", "rows.enter"),
                if (weighted) table$rows.event else table$n.event,
                if (weighted) table$rows.censor else table$n.censor, table$size)
  table$entries <- c(columns, table["size"])
  table[table_columns] <- kept$columns
  table$size <- kept$size
  table
}

fit_components <- function(table, out, conf, labels) {
  installed <- survfit_parts()
  size <- as.integer(table$size)
  names(size) <- labels
  c(
    list(n = as.integer(table$rows), time = table$time, n.risk = out$n.risk,
         n.event = table$n.event, n.censor = table$n.censor),
    out[c("surv", "std.err", "cumhaz", "std.chaz")],
    if (length(size) > 1L) list(strata = size),
    if (installed$counts && !is.null(table$rows.event)) list(counts = row_counts(table)),
    list(type = if (is.null(table$n.enter)) "right" else "counting", logse = table$weights < 2L,
         conf.int = conf$level, conf.type = conf$type),
    if (conf$type != "none") out[c("lower", "upper")],
    if (installed$t0) list(t0 = 0)
  )
}

# Which components the installed survival gives, and whether limits are closed where S has no
# error (from 3.8 on): asked once, when first needed.
survfit_parts <- local({
  parts <- NULL
  function() {
    if (is.null(parts)) {
      fit <- survival::survfit(survival::Surv(c(1, 2), c(0, 1)) ~ 1, weights = c(1, 2),
                               conf.type = "log-log")
      parts <<- list(counts = "counts" %in% names(fit), t0 = "t0" %in% names(fit),
                     closed = !is.na(fit$lower[1L]))
    }
    parts
  }
})

# Unweighted numbers at risk, with the event and censored.
row_counts <- function(table) {
  risk <- risk_sets(list(time = table$time, n.event = table$rows.event, n.censor = table$rows.censor,
                         n.enter = table$rows.enter, size = table$size))
  cbind(nrisk = risk, nevent = table$rows.event, ncensor = table$rows.censor)
}

# ---- Back to the table ------------------------------------------------------------------

# What the components do not hold: which curve is which group and stratum, and how it was
# counted.
fit_origin <- function(table, blocks) {
  list(blocks = blocks, table = table[c("group", "stratum", "terms", "n_group", "n_stratum",
    "weights", "event", "n.missing", "n.nan", "n.used", "timefix", "merged", "rows", "rows.event",
    "rows.censor", "square.event", "square.censor")], entries = table$entries)
}

table_of_fit <- function(fit) {
  origin <- attr(fit, "riskset")
  if (inherits(fit, "survfit0") || anyDuplicated(origin$blocks)) {
    abort("table", "a fit with %s has no risk table; use the fit it was made from",
          if (inherits(fit, "survfit0")) "times added by survfit0()" else "a curve taken twice")
  }
  curves <- if (is.null(origin$entries)) {
    list(time = fit$time, n.event = fit$n.event, n.censor = fit$n.censor, n.enter = NULL,
         size = as.numeric(if (is.null(fit$strata)) length(fit$time) else fit$strata))
  } else {
    origin$entries
  }
  table <- c(curves, origin$table[setdiff(names(origin$table), names(curves))])
  blocks <- table$n_group * table$n_stratum
  back <- order(origin$blocks)
  size <- rows <- numeric(blocks)
  size[origin$blocks] <- table$size
  rows[origin$blocks] <- table$rows
  if (is.unsorted(origin$blocks)) table <- permute_blocks(table, back)
  table$size <- size
  table$rows <- rows
  structure(table, class = "riskset_table")
}

# ---- Methods ----------------------------------------------------------------------------

#' @rdname km
#' @param drop As in survival. `fit[i]` takes whole curves, by number or name.
#' @export
`[.riskset_km` <- function(x, ..., drop = TRUE) {
  if (...length() == 1L && missing(..1)) return(x)
  at <- if (!is.null(x$strata) && ...length() == 1L) pick_curves(..1, x$strata)
  fit <- NextMethod("[")
  origin <- attr(x, "riskset")
  if (is.null(at)) return(x)
  if (inherits(x, "survfit0")) return(fit)
  take <- unlist(curve_rows(x$strata)[at])
  if (!is.null(x$counts)) fit$counts <- x$counts[take, , drop = FALSE]
  origin$blocks <- origin$blocks[at]
  origin$table$rows <- origin$table$rows[at]
  origin$table$n.used <- sum(origin$table$rows)
  extra <- c("rows.event", "rows.censor", "square.event", "square.censor")
  origin$table[extra] <- lapply(origin$table[extra], function(v) v[take])
  if (!is.null(origin$entries)) origin$entries <- pick_entries(origin$entries, at)
  attr(fit, "riskset") <- origin
  if (inherits(x, "survfit2")) fit$.Environment <- x$.Environment
  class(fit) <- class(x)
  fit
}

pick_curves <- function(i, strata) {
  at <- if (is.character(i)) match(i, names(strata)) else seq_along(strata)[i]
  if (anyNA(at) || length(at) == 0L) {
    abort("argument", "`i` must name curves of the fit (%s)",
          paste0("\"", names(strata), "\"", collapse = ", "))
  }
  at
}

pick_entries <- function(entries, at) {
  take <- unlist(curve_rows(entries$size)[at])
  c(lapply(entries[table_columns], `[`, take), list(size = entries$size[at]))
}

#' @rdname km
#' @param probs Probabilities of the quantiles: 0.5 is the median.
#' @param ci Which interval: `"band"`, where the line crosses the pointwise band
#'   (survfit's), or `"spss"`.
#' @export
quantile.riskset_km <- function(x, probs = c(0.25, 0.5, 0.75), conf.int = TRUE,
                                ci = c("band", "spss"), ...) {
  ci <- check_choice(ci, c("band", "spss"), "ci")
  if (!is_number(probs) || length(probs) == 0L || anyNA(probs) || any(probs < 0 | probs > 1)) {
    abort("argument", "`probs` must be numbers between 0 and 1, not %s", what(probs))
  }
  check_flag(conf.int, "conf.int")
  if (ci == "band") {
    more <- list(...)
    do.call(check_dots, more[!(names(more) %in% c("scale", "tolerance"))])
    if (!x$logse) x <- clean_curves(x)
    return(NextMethod())
  }
  check_dots(...)
  rows <- curve_rows(curve_sizes(x))
  out <- vapply(rows, function(r) vapply(probs, spss_quantile, numeric(3), fit = x, rows = r),
                matrix(0, 3, length(probs)))
  shape_quantiles(out, probs, names(x$strata), conf.int)
}

# survival's method compares S and its limits from one side without a tolerance: with fractional
# weights the last digit would decide.
clean_curves <- function(fit) {
  for (curve in intersect(c("surv", "lower", "upper"), names(fit))) {
    fit[[curve]] <- signif(fit[[curve]], 14)
  }
  fit
}

shape_quantiles <- function(out, probs, curves, conf.int) {
  parts <- c("quantile", "lower", "upper")
  values <- lapply(seq_along(parts), function(i) {
    m <- matrix(out[i, , ], nrow = length(probs))
    if (is.null(curves)) return(stats::setNames(m[, 1L], format(100 * probs, trim = TRUE)))
    matrix(t(m), ncol = length(probs), dimnames = list(curves, format(100 * probs, trim = TRUE)))
  })
  names(values) <- parts
  if (conf.int) values else values$quantile
}

# SPSS's quantile of one curve and its interval. S is compared with a tolerance because it is a
# product of rounded factors.
spss_quantile <- function(p, fit, rows) {
  level <- 1 - p
  time <- fit$time[rows]
  surv <- fit$surv[rows]
  events <- fit$n.event[rows] > 0
  at <- which(surv <= level + 1e-9)[1L]
  upper <- which(surv >= level + 0.05 - 1e-9 & events)
  lower <- which(surv <= level - 0.05 + 1e-9 & events)[1L]
  if (is.na(at)) return(rep(NA_real_, 3L))
  if (length(upper) == 0L || is.na(lower)) return(c(time[at], NA, NA))
  upper <- upper[length(upper)]
  density <- (surv[upper] - surv[lower]) / (time[lower] - time[upper])
  se <- fit$std.err[rows][at] * (if (fit$logse) surv[at] else 1) / density
  time[at] + c(0, -1.96, 1.96) * se
}

#' @rdname km
#' @export
print.riskset_km <- function(x, ...) {
  NextMethod()
  table <- attr(x, "riskset")$table
  if (is.null(table)) return(invisible(x))
  # survival's method counts the rows of `na.action`, but does not tell NaN from NA.
  if (!is.null(x$na.action) && table$n.nan == 0) table$n.missing[] <- 0
  notes <- table_notes(table)
  if (length(notes)) cat(notes, sep = "\n")
  invisible(x)
}
