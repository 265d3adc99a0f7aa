#' Draw survival curves with the numbers at risk
#'
#' Draws Kaplan-Meier curves as journals print them: a step for each event, a tick for
#' each censored subject, the confidence band, the name of each group and, under the time
#' axis, how many subjects were still at risk.
#'
#' The curves are drawn by the plot method that \pkg{survival} has for
#' [survival::survfit()], so its arguments keep their meaning, and [lines()], [points()],
#' [abline()], [text()] and [graphics::legend()] can add to the figure afterwards.
#'
#' The table of numbers at risk is written into the bottom margin. Its size follows from
#' the number of groups, and that of the left margin from their names. The top margin has room for
#' `main`, if there is one, and for a legend above the curves, unless it was set to anything else
#' than R's default of 4.1. These margins are set by `par(mar = )` for this plot and stay set,
#' because R would lose the coordinates of the figure if they were put back. Repeated plots do not
#' make them grow. The right margin is left alone, and so are all of them with `risk.table = FALSE`.
#'
#' In a small figure (less than 32 x 24 lines of text, or 6.4 x 4.8 inches at 12 points; one of
#' `par(mfrow = )`, say) text, symbols, lines and margins shrink, down to 7 points; `cex`,
#' `cex.axis`, `cex.lab`, `cex.main`, `mgp`, `tcl` and `lwd` are obeyed where given. An error of
#' class `riskset_error_device` says when less than 1 x 1 inch would be left for the curves.
#'
#' Names wider than 0.3 of the figure are cut, alike in legend and table, where they stay distinct;
#' if they do not, the error asks for `labels`.
#'
#' Someone is at risk at a time who has come under observation before it, and had neither the
#' event nor censoring before it: the numbers are those of `summary(risk_table(x), times = )`.
#'
#' @param x a fit of [km()].
#' @param ... arguments of the plot method of [survival::survfit()], and graphical
#'   parameters:
#'   * `fun`: what is drawn: `"surv"`, `"event"` (one minus survival), `"cumhaz"`,
#'     `"cloglog"`, `"pct"`, `"log"`, `"logpct"`, or a function of the survival
#'     probability; `cumhaz = TRUE` is another way to ask for the cumulative hazard;
#'   * `mark.time`: `TRUE` draws ticks where subjects were censored (the default if there are
#'     at most 500 of these in all curves: more would hide them), `FALSE` none; or the times at
#'     which to put them; `pch` and `cex` are their symbol and size; `mark` is an older name
#'     for `pch`, `mark.col` their colour (since survival 3.8);
#'   * `conf.int`: `TRUE` draws the limits as lines, in place of the band, `"only"`
#'     nothing else, `FALSE` neither; a number is another level; `conf.times` draws them
#'     as bars at these times, with caps of width `conf.cap`, set apart by `conf.offset`;
#'     `conf.type` is how they are computed if the fit has none;
#'   * `col`, `lty`, `lwd`: colour, type and width of the curves. By default, up to 8
#'     colours that colour-blind readers can tell apart, each with its own line type, for
#'     grey print;
#'   * `xlim`, `ylim`, `xmax`, `ymin`, `firstx`: the range drawn; `xaxs = "S"` lets the
#'     curves start on the vertical axis;
#'   * `xscale`, `yscale`: the axes are labelled in units of these: `xscale = 365.25`
#'     shows days as years, `yscale = 100` percent; `log`: logarithmic axes;
#'   * `xlab`, `ylab`, `main`: titles;
#'   * `noplot`, `cumprob`: for fits with several states, which [km()] does not make.
#' @param risk.table `TRUE` writes the numbers at risk under the time axis.
#' @param risk.times the times of these numbers, in the unit of the fit (days, say,
#'   whatever `xscale` is). `NULL`: where the time axis has ticks.
#' @param band `TRUE` shades the confidence band. `NULL`: shaded if there are limits, at
#'   most 3 curves, a linear scale, and neither `conf.int` nor `conf.times` asks for
#'   something else.
#' @param median `TRUE` draws lines to each median.
#' @param p.value `TRUE` adds the P value of [logrank()] to the legend.
#' @param legend `TRUE` names the groups in a corner where no curve or band is; if there is none,
#'   above the curves, as far as the top margin has room or can be widened (not with `mar` or
#'   `risk.table = FALSE`); else in the corner that hides least. One of `"topright"`, `"topleft"`,
#'   `"bottomright"`, `"bottomleft"` for that corner. `FALSE`: no names.
#' @param labels names of the groups, in the order of the fit. `NULL`: those of the fit
#'   without the name of the variable (`sex=1` is `1`), unless several variables are combined and
#'   the level is a number, TRUE or FALSE (`Men, ph.ecog=0`).
#' @param mar the four margins (bottom, left, top, right) in lines, if those computed do
#'   not suit.
#'
#' @return Invisibly, what the method of survival returns: a list of `x` and `y`, the ends
#'   of the curves, so that `text(ends$x, ends$y, ...)` can label them.
#' @seealso [km()], [logrank()], [risk_table()]
#' @examples
#' lung <- survival::lung
#' lung$sex <- factor(lung$sex, labels = c("Men", "Women"))
#' fit <- km(Surv(time, status) ~ sex, data = lung)
#' plot(fit)
#' plot(fit, xscale = 365.25, xlab = "Years", p.value = TRUE, median = TRUE)
#'
#' # deaths instead of survivors, and numbers at risk at chosen times
#' plot(fit, fun = "event", xmax = 730, risk.times = c(0, 182, 365, 547, 730))
#' abline(v = 365, lty = 3)
#' @export
plot.riskset_km <- function(x, ..., risk.table = TRUE, risk.times = NULL, band = NULL,
                            median = FALSE, p.value = FALSE, legend = TRUE, labels = NULL,
                            mar = NULL) {
  check_plot(x, risk.table, risk.times, band, median, p.value, legend, labels, mar)
  args <- plot_args(list(...))
  scale <- curve_scale(args)
  check_scale(scale, median)
  fit <- plain_survfit(x)
  if (is.null(band)) band <- band_default(fit, args, scale)
  if (band) check_band(fit, args)
  figure <- open_figure(list(
    fit = fit, args = args, scale = scale, band = band, names = curve_names(x, labels),
    p = if (p.value) p_label(logrank(x)), legend = legend, risk.table = risk.table, mar = mar
  ))
  draw_axes(fit, figure$args, title = !identical(figure$key$place, "above"))
  if (band) draw_bands(fit, figure$args, scale)
  if (median) draw_medians(fit, figure$args, scale)
  ends <- draw_curves(fit, figure$args)
  draw_key(figure)
  if (risk.table) draw_risk_table(figure, risk.times)
  invisible(ends)
}

check_plot <- function(x, risk.table, risk.times, band, median, p.value, legend, labels,
                       mar) {
  check_flag(risk.table, "risk.table")
  check_flag(median, "median")
  check_flag(p.value, "p.value")
  if (!is.null(risk.times)) check_numbers(risk.times, "risk.times", "finite times")
  if (!is.null(mar)) check_numbers(mar, "mar", "four margins in lines", 4L, least = 0)
  if (!is.null(band)) check_flag(band, "band")
  if (isTRUE(band) && is.null(x$lower)) {
    abort("argument", "`band` must be FALSE for a fit without confidence limits, not %s",
          what(band))
  }
  if (p.value && curve_count(x) < 2L) {
    abort("argument", "`p.value` must be FALSE for a fit with one curve, not TRUE")
  }
  check_legend(legend)
  check_labels(labels, curve_count(x))
}

check_legend <- function(legend) {
  if (is.logical(legend) && length(legend) == 1L && !is.na(legend)) return(invisible())
  places <- names(corners())
  if (!is.character(legend) || length(legend) != 1L || !(legend %in% places)) {
    abort("argument", "`legend` must be TRUE, FALSE or one of %s, not %s",
          paste0("\"", places, "\"", collapse = ", "), what(legend))
  }
}

check_labels <- function(labels, count) {
  if (!is.null(labels) && (!is.character(labels) || length(labels) != count)) {
    wanted <- if (count == 1L) "1 name" else sprintf("%d names, one for each curve", count)
    abort("argument", "`labels` must be %s, not %s", wanted, what(labels))
  }
}

check_numbers <- function(x, name, wanted, count = length(x), least = -Inf) {
  fine <- is_number(x) && length(x) == count && length(x) > 0L
  if (!fine || !all(is.finite(x)) || any(x < least)) {
    abort("argument", "`%s` must be %s, not %s", name, wanted, what(x))
  }
}

check_scale <- function(scale, median) {
  if (median && scale$name %in% c("cumhaz", "function")) {
    abort("argument", "`median` must be FALSE when `fun` gives no survival, not TRUE")
  }
}

check_band <- function(fit, args) {
  level <- args$conf.int
  if (is.numeric(level) && level[1L] != fit$conf.int) {
    abort("argument", "`conf.int` must be the level of the fit (%g) for a band, not %g",
          fit$conf.int, level[1L])
  }
}

# The method of survival does the drawing; ours would call itself again.
plain_survfit <- function(x) {
  class(x) <- "survfit"
  x
}

# Gives every argument its full name, so that abbreviated and unnamed ones, which the
# method of survival takes, are seen as what they are.
plot_args <- function(dots) {
  method <- utils::getS3method("plot", "survfit", envir = asNamespace("survival"))
  typed <- as.call(c(list(quote(plot), quote(x)), dots))
  args <- as.list(match.call(method, typed))[-(1:2)]
  if (is.numeric(args$conf.int)) check_level(args$conf.int, "conf.int")
  if ("type" %in% names(args)) {
    abort("argument", "`type` must be left out (survival curves are steps), not %s",
          what(args$type))
  }
  args
}

curve_count <- function(fit) max(1L, length(fit$strata))

# What the vertical axis shows. `apply` turns survival probabilities into it.
curve_scale <- function(args) {
  fun <- args$fun
  cumhaz <- !is.null(args$cumhaz) && !isFALSE(args$cumhaz)
  name <- if (is.character(fun)) tolower(fun)[1L] else "surv"
  if (cumhaz) name <- "cumhaz"
  if (is.function(fun)) name <- "function"
  apply <- switch(name,
    event = , f = function(s) 1 - s,
    cloglog = function(s) log(-log(s)),
    pct = , logpct = function(s) 100 * s,
    "function" = fun,
    identity
  )
  cumhaz <- cumhaz || name == "cumhaz"
  falls <- if (cumhaz) FALSE else isTRUE(apply(0.2) < apply(0.8))
  list(name = name, cumhaz = cumhaz, apply = apply, falls = falls)
}

scale_label <- function(scale, yscale) {
  label <- switch(scale$name,
    event = , f = "Probability of the event",
    cumhaz = "Cumulative hazard",
    cloglog = "log(-log(survival))",
    pct = "Survival probability (%)",
    log = "Survival probability (log scale)",
    logpct = "Survival probability (%, log scale)",
    "function" = if (scale$cumhaz) "f(cumulative hazard)" else "f(survival)",
    "Survival probability"
  )
  if (identical(as.numeric(yscale), 100)) paste(label, "(%)") else label
}

band_default <- function(fit, args, scale) {
  log_axis <- is.character(args$log) || isTRUE(args$log) ||
    scale$name %in% c("log", "logpct", "cloglog")
  asked <- any(c("conf.int", "conf.times") %in% names(args))
  !is.null(fit$lower) && curve_count(fit) <= 3L && !log_axis && !asked
}

# Defaults where nothing was asked for. With a band the limits are passed on as invisible
# lines, so that the method of survival makes room for them.
curve_args <- function(args, fit, scale, band, size = 1) {
  count <- curve_count(fit)
  house <- c(house_sizes(size), list(
    las = 1, bty = "l", xlab = "Time", ylab = scale_label(scale, args$yscale),
    mark.time = !is.null(args[["mark"]]) || sum(fit$n.censor > 0) <= 500,
    col = curve_colours(count), lty = if (count == 1L) 1 else curve_types(count)
  ))
  args <- c(args, house[setdiff(names(house), names(args))])
  if (band && !shows_limits(args)) {
    args$conf.int <- TRUE
    if (scale$cumhaz && is.null(args$conf.type)) args$conf.type <- "plain"
    args$col <- rep(args$col, length.out = count)
    args$lwd <- rep(args$lwd, length.out = count)
    args$lty <- hide_limits(rep(args$lty, length.out = count))
  }
  args
}

# What shrinks with the text; `size` is 1 in a figure of usual size.
house_sizes <- function(size) {
  list(
    mgp = house_par("mgp", c(3, 1, 0), size * c(2.75, 0.7, 0)),
    tcl = house_par("tcl", -0.5, -0.35 * size),
    cex = 0.75 * size, lwd = 1 + 0.75 * size,
    cex.axis = house_par("cex.axis", 1, size), cex.lab = house_par("cex.lab", 1, size),
    cex.main = house_par("cex.main", 1.2, 1.2 * size), cex.sub = house_par("cex.sub", 1, size)
  )
}

# Text of full size suits a figure of 32 x 24 lines, and some more lines for many curves; below 7
# points it is hard to read.
text_size <- function(count) {
  wanted <- c(32, 24 + 1.2 * max(0, count - 4))
  share <- min(graphics::par("fin") / (line_inches() * wanted))
  points <- graphics::par("ps") * graphics::par("cex")
  min(1, max(share^0.75, 7 / points))
}

# A setting of ours, where the user has left R's.
house_par <- function(name, factory, ours) {
  now <- graphics::par(name)
  if (identical(now, factory)) ours else now
}

shows_limits <- function(args) {
  asked <- args$conf.int
  nothing <- is.null(asked) || isFALSE(asked) || identical(asked, "none")
  !is.null(args$conf.times) || !nothing
}

hide_limits <- function(lty) as.vector(rbind(lty, no_line(lty), no_line(lty)))

no_line <- function(lty) if (is.numeric(lty)) 0 else "blank"

# The colours of Okabe and Ito without yellow, in an order whose neighbours also differ
# when printed in grey.
curve_colours <- function(count) {
  colours <- c("#0072B2", "#E69F00", "#000000", "#D55E00", "#56B4E9", "#009E73",
               "#CC79A7", "#999999")
  rep(colours, length.out = count)
}

# Eight line types, shifted by one whenever the colours start again.
curve_types <- function(count) {
  types <- c("solid", "52", "12", "5212", "92", "921212", "32", "9232")
  at <- seq_len(count) - 1L
  types[(at + at %/% length(types)) %% length(types) + 1L]
}

# One colour, type or width for each curve, from the vectors that survival takes: those
# may hold three for each curve, the second and third for the limits.
per_curve <- function(value, count, args) {
  with_limits <- shows_limits(args) && is.null(args$conf.times)
  if (with_limits && length(value) > count) {
    value <- rep(value, length.out = 3L * count)[seq(1L, 3L * count, by = 3L)]
  }
  rep(value, length.out = count)
}

# The level of each variable; with the variable's name where several are combined and the level
# says nothing by itself ("Men, ph.ecog=0").
curve_names <- function(fit, labels = NULL) {
  if (!is.null(labels)) return(labels)
  if (is.null(fit$strata)) return("All")
  origin <- attr(fit, "riskset")
  if (is.null(origin)) return(names(fit$strata))
  terms <- origin$table$terms
  several <- length(terms) > 1L || grepl("^strata\\(.*,", terms[[1L]]$name)
  pieces <- Map(function(term, at) level_names(term, several)[at], terms,
                block_levels(origin$table, origin$blocks))
  names <- do.call(paste, c(unname(pieces), sep = ", "))
  if (anyDuplicated(names)) names(fit$strata) else names
}

# strata() has written names and levels already: "ph.ecog=0, inst=1"; an equals sign of a
# comparison (`age >= 50=TRUE`) is no separator.
level_names <- function(term, several) {
  levels <- trimws(term$labels)
  if (!startsWith(term$name, "strata(")) {
    return(level_name(paste0(term$name, "=", levels), levels, several))
  }
  pieces <- strsplit(levels, ", (?=(?:[^,()]|\\([^()]*\\))*=)", perl = TRUE)
  vapply(pieces, function(piece) {
    level <- trimws(sub("^.*?(?<![<>=!])=(?!=)", "", piece, perl = TRUE))
    paste(level_name(trimws(piece), level, several), collapse = ", ")
  }, "")
}

level_name <- function(named, level, several) {
  bare <- grepl("^([-+]?[0-9.]+(e[-+]?[0-9]+)?|TRUE|FALSE)$", level)
  ifelse(several & bare, named, level)
}

p_label <- function(test) {
  p <- test$p.value
  name <- if (test$strata[["total"]] > 1) "Stratified log-rank P" else "Log-rank P"
  if (is.na(p)) return(paste0(name, ": not defined"))
  if (p < 0.0005) return(paste(name, "< 0.001")) # 0.00086 is printed 0.001
  if (p >= 0.9995) return(paste(name, "> 0.999"))
  sprintf("%s = %.3f", name, p)
}

# Rows are times, columns curves.
risk_counts <- function(fit, times) {
  from <- attr(fit, "riskset")$entries
  if (is.null(from)) {
    from <- list(time = fit$time, n.event = fit$n.event, n.censor = fit$n.censor,
                 n.enter = 0 * fit$time, size = curve_sizes(fit))
  }
  counts <- vapply(curve_rows(from$size), function(r) {
    risk_at(times, from$time[r], from$n.event[r] + from$n.censor[r], from$n.enter[r])
  }, numeric(length(times)))
  matrix(counts, nrow = length(times), dimnames = list(NULL, names(fit$strata)))
}

curve_sizes <- function(fit) if (is.null(fit$strata)) length(fit$time) else fit$strata

curve_rows <- function(sizes) unname(split(seq_len(sum(sizes)), rep(seq_along(sizes), sizes)))

# Weighted counts need a decimal, sums of whole weights must not show one.
count_text <- function(counts) {
  tenths <- round(counts, 1)
  whole <- all(tenths == round(tenths), na.rm = TRUE)
  text <- formatC(tenths, format = "f", digits = if (whole) 0L else 1L)
  matrix(text, nrow = nrow(counts))
}

# Text can only be measured on a figure that has been started, and the margins depend on how wide
# the names are: so the figure is started empty, and the axes are then drawn on it.
open_figure <- function(figure) {
  old <- graphics::par("mar")
  set <- figure$risk.table || !is.null(figure$mar)
  free <- is.null(figure$mar) && figure$risk.table && old[3L] %in% drawn$tops
  done <- FALSE
  on.exit(if (set && !done) graphics::par(mar = old))
  if (set) graphics::par(mar = c(0, 0, 0, 0))
  graphics::plot.new()
  figure <- fit_text(figure)
  title <- figure$size * if (has_title(figure$args)) 2.6 else 0.8
  if (!set) figure$mar <- old
  if (is.null(figure$mar)) figure$mar <- c(table_margins(figure), if (free) title else old[3L], old[4L])
  set_margins(figure, set)
  figure$key <- place_key(figure, if (free) Inf else figure$mar[3L] - 0.7 * title)
  if (free) {
    figure$mar[3L] <- title + max(0, figure$key$lines)
    drawn$tops <- union(drawn$tops, figure$mar[3L])
    set_margins(figure, set)
  }
  figure$args$cex.lab <- fit_title(figure)
  done <- TRUE
  figure
}

# R's top margin and those of earlier plots: the next one may change them, but none of the user's.
drawn <- list2env(list(tops = 4.1))

has_title <- function(args) {
  !is.null(args$main) && !identical(args$main, "") && !isFALSE(args$ann)
}

fit_text <- function(figure) {
  count <- curve_count(figure$fit)
  figure$size <- text_size(count)
  figure$asked.lab <- figure$args$cex.lab
  figure$args <- curve_args(figure$args, figure$fit, figure$scale, figure$band, figure$size)
  figure$layout <- table_layout(count, figure$args, figure$size)
  figure$named <- count > 1L && (figure$risk.table || !isFALSE(figure$legend))
  if (figure$named) {
    figure$names <- shorten(figure$names, 0.3 * graphics::par("fin")[1L], figure$layout$cex)
  }
  figure
}

# A title longer than the figure would be cut.
fit_title <- function(figure) {
  if (!is.null(figure$asked.lab)) return(figure$asked.lab)
  room <- graphics::par("pin")[2L] + 2 * min(graphics::par("mai")[c(1L, 3L)])
  min(figure$args$cex.lab, room / text_inches(figure$args$ylab, 1))
}

line_inches <- function() {
  graphics::par("cin")[2L] * graphics::par("cex") * graphics::par("mex")
}

set_margins <- function(figure, set) {
  mar <- figure$mar
  fin <- graphics::par("fin")
  left <- fin - line_inches() * c(mar[2L] + mar[4L], mar[1L] + mar[3L])
  if (any(left < 1) && (figure$risk.table || figure$named)) {
    abort("device", "a figure of %.1f x %.1f inches leaves %.1f x %.1f for the curves, less than 1 x 1; %s",
          fin[1L], fin[2L], max(0, left[1L]), max(0, left[2L]),
          paste("enlarge it, give its device a smaller `pointsize`, shorten the names by `labels =`,",
                "or use `legend = FALSE`, `risk.table = FALSE` or `mar`"))
  }
  if (set) graphics::par(mar = mar)
}

# Where the lines of the table stand, in lines of margin below the axis.
table_layout <- function(count, args, size) {
  mgp <- args$mgp
  titled <- !identical(args$xlab, "") && !isFALSE(args$ann)
  cex <- size * if (count <= 6L) 0.85 else 0.7
  heading <- if (titled) mgp[1L] + 1.6 * size else mgp[2L] + 1.3 * size
  heading <- heading + size * !is.null(args$sub)
  rows <- heading + 1.25 * cex * seq_len(count)
  list(cex = cex, heading = heading, rows = rows, bottom = max(rows) + 1 + 0.3 * size,
       left = mgp[1L] + 0.3 + 0.9 * size)
}

table_margins <- function(figure) {
  layout <- figure$layout
  width <- max(text_inches(figure$names, layout$cex))
  width <- width + table_gap(figure$fit, layout$cex) + 0.3 * figure$size * line_inches()
  c(layout$bottom, max(layout$left, width / line_inches()))
}

# Names end where the widest number centred on the left end of the axis would begin.
table_gap <- function(fit, cex) {
  text_inches(widest_count(fit), cex) / 2 + 0.4 * cex * line_inches()
}

widest_count <- function(fit) {
  tenths <- round(fit$n.risk, 1)
  whole <- all(tenths == round(tenths))
  formatC(max(tenths), format = "f", digits = if (whole) 0L else 1L)
}

text_inches <- function(text, cex) graphics::strwidth(text, units = "inches", cex = cex)

# Long names lose what is between their first and last characters, as many of each in all of
# them: then they stay apart only by what they still show. Cut in the middle if that leaves them
# distinct, elsewhere if not.
shorten <- function(names, limit, cex) {
  long <- text_inches(names, cex) > limit
  if (!any(long)) return(names)
  whole <- names[long]
  bare <- paste0("...", sub("^[[:space:],;]+", "", substring(whole, same_start(whole) + 1L)))
  for (share in c(0.5, 0.35, 0.65, 0.2, 0.8, 0, 1, NA)) {
    short <- names
    short[long] <- if (is.na(share)) cut_names(bare, 1, limit, cex) else cut_names(whole, share, limit, cex)
    if (length(unique(short)) == length(unique(names))) return(short)
  }
  abort("device", "names cut to the %.1f inches that a figure of this size has for them are the same; %s",
        limit, "give shorter ones by `labels =`, or enlarge it")
}

cut_names <- function(names, share, limit, cex) {
  for (kept in rev(seq_len(min(nchar(names))))) {
    start <- ceiling(share * kept)
    short <- paste0(name_start(names, start), "...", name_end(names, kept - start))
    short <- ifelse(nchar(names) <= kept, names, short)
    if (all(text_inches(short, cex) <= limit)) break
  }
  short
}

# Whole words where there is one, and no part of a number: "25 mg" must not become "5 mg".
name_start <- function(names, size) {
  start <- substring(names, 1L, size)
  within <- grepl("^[^[:space:]]", substring(names, size + 1L))
  words <- sub("[^[:space:]]+$", "", start)
  none <- !grepl("[^[:space:]]", words)
  words[none] <- sub("[0-9.,]+$", "", start[none])
  sub("[[:space:],;]+$", "", ifelse(within, words, start))
}

name_end <- function(names, size) reversed(name_start(reversed(names), size))

reversed <- function(names) {
  vapply(strsplit(names, ""), function(letters) paste(rev(letters), collapse = ""), "")
}

# The length of the words that all names begin with.
same_start <- function(names) {
  sizes <- seq_len(min(nchar(names)))
  same <- vapply(sizes, function(size) length(unique(substring(names, 1L, size))) == 1L, NA)
  nchar(name_start(names[1L], sum(same)))
}

draw_axes <- function(fit, args, visible = TRUE, title = TRUE) {
  graphics::par(new = TRUE)
  if (!visible) args[c("axes", "ann", "bty")] <- list(FALSE, FALSE, "n")
  if (!title) args$main <- NULL
  args[c("mark", "pch", "mark.col")] <- NULL
  args$mark.time <- FALSE
  args$lty <- "blank"
  # Whatever there is to warn of is said when the curves are drawn.
  suppressWarnings(do.call(plot, c(list(fit), args), quote = TRUE))
}

# Curves come after the band, so that they are not tinted by it: hence a second call, on
# the same figure.
draw_curves <- function(fit, args) {
  args[c("main", "sub")] <- NULL
  args$xlab <- args$ylab <- ""
  args$axes <- FALSE
  graphics::par(new = TRUE)
  do.call(plot, c(list(fit), args), quote = TRUE)
}

# The plot region in data units; survival changes `usr` for its scales, so it holds for
# curves.
region <- function() {
  usr <- graphics::par("usr")
  if (graphics::par("xlog")) usr[1:2] <- 10^usr[1:2]
  if (graphics::par("ylog")) usr[3:4] <- 10^usr[3:4]
  usr
}

draw_bands <- function(fit, args, scale) {
  colours <- band_colours(per_curve(args$col, curve_count(fit), args))
  limits <- curve_limits(survival::survfit0(fit, fit$start.time), scale)
  for (i in seq_along(limits)) {
    outline <- step_outline(limits[[i]], last_time(args))
    if (!is.null(outline)) graphics::polygon(outline, col = colours[i], border = NA)
  }
}

last_time <- function(args) {
  if (!is.null(args$xlim)) max(args$xlim) else if (is.null(args$xmax)) Inf else args$xmax
}

# Not every device can draw what shines through; there, overlapping bands hide each other.
band_colours <- function(colours) {
  if (!identical(grDevices::dev.capabilities("semiTransparency")[[1L]], FALSE)) {
    return(grDevices::adjustcolor(colours, alpha.f = 0.16))
  }
  pale <- 255 - 0.16 * (255 - grDevices::col2rgb(colours))
  grDevices::rgb(t(pale), maxColorValue = 255)
}

curve_limits <- function(fit, scale) {
  if (scale$cumhaz) {
    reach <- stats::qnorm((1 + fit$conf.int) / 2) * fit$std.chaz
    lower <- pmax(0, fit$cumhaz - reach)
    upper <- fit$cumhaz + reach
  } else {
    lower <- fit$lower
    upper <- fit$upper
  }
  lapply(curve_rows(curve_sizes(fit)), function(rows) {
    data.frame(x = fit$time[rows], lower = scale$apply(lower[rows]),
               upper = scale$apply(upper[rows]))
  })
}

# Limits are missing once nobody survives, and infinite on some scales at 0 and 1: they
# are then held at the edge of the figure.
step_outline <- function(limits, last) {
  known <- which(!is.na(limits$lower) & !is.na(limits$upper) & limits$x <= last)
  if (length(known) == 0L) return(NULL)
  end <- min(last, limits$x[min(max(known) + 1L, nrow(limits))])
  edge <- region()
  corners <- as.vector(rbind(limits$x[known], c(limits$x[known[-1L]], end)))
  x <- pmax(corners, edge[1L])
  y <- c(rep(limits$lower[known], each = 2L), rev(rep(limits$upper[known], each = 2L)))
  list(x = c(x, rev(x)), y = pmin(pmax(y, edge[3L]), edge[4L]))
}

draw_medians <- function(fit, args, scale) {
  times <- as.vector(stats::quantile(fit, 0.5, conf.int = FALSE))
  edge <- region()
  height <- scale$apply(0.5)
  reached <- !is.na(times) & times <= last_time(args)
  if (!any(reached)) return(invisible())
  colours <- per_curve(args$col, curve_count(fit), args)
  times <- times[reached]
  graphics::segments(edge[1L], height, max(times), height, col = "grey45", lty = 3)
  graphics::segments(times, height, times, edge[3L], col = colours[reached], lty = 3)
}

# Where the legend may stand, as fractions of the plot region; first choice first.
corners <- function(falls = TRUE) {
  all <- list(topright = c(1, 1), bottomleft = c(0, 0), topleft = c(0, 1),
              bottomright = c(1, 0))
  if (falls) all else all[c("topleft", "bottomright", "topright", "bottomleft")]
}

# In the corner asked for, in one without curves, or else above the curves where `room`, in lines,
# is enough.
place_key <- function(figure, room) {
  named <- !isFALSE(figure$legend)
  if (curve_count(figure$fit) == 1L || !named && is.null(figure$p)) return(NULL)
  draw_axes(figure$fit, figure$args, visible = FALSE)
  asked <- is.character(figure$legend)
  places <- if (asked) corners()[figure$legend] else corners(figure$scale$falls)
  key <- corner_key(key_call(figure, figure$p), curve_paths(figure), places)
  if (asked || key$hits == 0) return(key)
  above <- above_key(figure)
  if (above$lines <= room) above else key
}

# What graphics::legend() is called with; the P value is a last row without a line.
key_call <- function(figure, p) {
  cex <- figure$size * if (curve_count(figure$fit) <= 6L) 0.9 else 0.75
  if (isFALSE(figure$legend)) return(list(legend = p, bty = "n", cex = cex))
  args <- figure$args
  each <- lapply(args[c("col", "lty", "lwd")], per_curve, curve_count(figure$fit), args)
  list(legend = c(figure$names, p), bty = "n", cex = cex, col = c(each$col, NA),
       lty = c(each$lty, no_line(each$lty)), lwd = c(each$lwd, 0), seg.len = 2.6)
}

# The place that meets the fewest curves, in as few columns as that takes.
corner_key <- function(call, paths, places) {
  tries <- lapply(1:3, function(columns) {
    call$ncol <- columns
    size <- key_size(call)
    hits <- corner_hits(size, paths, places)
    list(place = names(places)[which.min(hits)], call = call,
         hits = if (all(size <= 0.95)) min(hits) else Inf)
  })
  tries[[which.min(vapply(tries, `[[`, 0, "hits"))]]
}

# The key in as few rows as the width of the figure allows; P has a line of its own below them if
# that takes less room.
above_key <- function(figure) {
  key <- spread_key(key_call(figure, figure$p))
  if (is.null(figure$p) || isFALSE(figure$legend)) return(key)
  apart <- spread_key(key_call(figure, NULL))
  apart$test <- figure$p
  apart$above <- 1.2 * apart$call$cex
  apart$lines <- apart$lines + apart$above
  if (apart$lines < key$lines) apart else key
}

spread_key <- function(call) {
  count <- length(call$legend)
  for (rows in seq_len(count)) {
    call$ncol <- ceiling(count / rows)
    inches <- key_size(call) * graphics::par("pin")
    if (inches[1L] <= graphics::par("fin")[1L]) break
  }
  list(place = "above", call = call, width = inches[1L], lines = inches[2L] / line_inches(), above = 0)
}

draw_key <- function(figure) {
  key <- figure$key
  if (is.null(key)) return(invisible())
  if (key$place != "above") return(do.call(graphics::legend, c(list(key$place), key$call)))
  left <- graphics::grconvertX(0, "npc", "user")
  end <- graphics::grconvertX(1, "nfc", "inches") - key$width
  x <- min(left, graphics::grconvertX(end, "inches", "user"))
  y <- graphics::grconvertY(1, "npc", "inches") + key$above * line_inches()
  y <- graphics::grconvertY(y, "inches", "user")
  do.call(graphics::legend, c(list(x, y, yjust = 0, xpd = NA), key$call))
  cex <- key$call$cex
  if (!is.null(key$test)) {
    graphics::mtext(key$test, 3, 0.4 * cex, at = left, adj = 0, las = 1, cex = cex * graphics::par("cex"))
  }
  if (has_title(figure$args)) draw_title(figure$args, key$lines + 0.5 * figure$size)
}

draw_title <- function(args, line) {
  look <- args[intersect(c("cex.main", "font.main", "col.main", "adj"), names(args))]
  do.call(graphics::title, c(list(main = args$main, line = line), look), quote = TRUE)
}

# Width and height of a legend, as fractions of the plot region.
key_size <- function(call) {
  size <- do.call(graphics::legend, c(list("topright", plot = FALSE), call))$rect
  c(size$w, size$h) / diff(graphics::par("usr"))[c(1L, 3L)]
}

# Heights at 101 places from left to right of each curve, or of the limits of its band,
# both as fractions of the region; one place more than a curve has, for its last step.
curve_paths <- function(figure) {
  scale <- figure$scale
  fit <- survival::survfit0(figure$fit, figure$fit$start.time)
  at <- seq(0, 1, length.out = 101L)
  times <- graphics::grconvertX(at, "npc", "user")
  curve <- scale$apply(if (scale$cumhaz) fit$cumhaz else fit$surv)
  limits <- if (figure$band) curve_limits(fit, scale)
  rows <- curve_rows(curve_sizes(fit))
  heights <- lapply(seq_along(rows), function(i) {
    y <- cbind(curve[rows[[i]]], limits[[i]]$lower, limits[[i]]$upper)
    y <- y[pmax(1L, findInterval(times, fit$time[rows[[i]]])), , drop = FALSE]
    y[c(FALSE, times[-101L] > min(max(fit$time[rows[[i]]]), last_time(figure$args))), ] <- NA
    graphics::grconvertY(y, "user", "npc")
  })
  list(x = at, y = matrix(unlist(heights), nrow = length(at)))
}

# How many pieces of the curves each corner would hide.
corner_hits <- function(size, paths, corners) {
  before <- paths$y[-length(paths$x), , drop = FALSE]
  after <- paths$y[-1L, , drop = FALSE]
  vapply(corners, function(corner) {
    from <- corner * (1 - size)
    to <- from + size
    across <- paths$x[-1L] >= from[1L] & paths$x[-length(paths$x)] <= to[1L]
    hidden <- pmin(before, after) <= to[2L] & pmax(before, after) >= from[2L]
    sum(hidden[across, ], na.rm = TRUE)
  }, 0)
}

draw_risk_table <- function(figure, times) {
  fit <- figure$fit
  args <- figure$args
  names <- figure$names
  layout <- figure$layout
  cex <- layout$cex * graphics::par("cex")
  if (is.null(times)) times <- axis_times(args, widest_count(fit), layout$cex)
  text <- count_text(risk_counts(fit, times))
  write <- function(text, line, at, adj) {
    graphics::mtext(text, side = 1, line = line, at = at, adj = adj, cex = cex, las = 1)
  }
  left <- graphics::grconvertX(0, "npc", "user")
  edge <- graphics::grconvertX(-table_gap(fit, layout$cex), "inches", "user") -
    graphics::grconvertX(0, "inches", "user") + left
  write("Number at risk", layout$heading, left, 0)
  for (i in seq_along(names)) {
    if (length(names) > 1L) write(names[i], layout$rows[i], edge, 1)
    write(text[, i], layout$rows[i], times, 0.5)
  }
}

# The ticks on the time axis, in the unit of the fit; fewer where numbers would touch.
axis_times <- function(args, widest, cex) {
  times <- axis_ticks(args)
  along <- graphics::grconvertX(times, "user", "npc")
  times <- times[along > -1e-9 & along < 1 + 1e-9]
  places <- graphics::grconvertX(times, "user", "inches")
  needed <- text_inches(paste0(widest, "0"), cex)
  every <- if (length(times) > 1L) ceiling(needed / min(diff(places))) else 1
  times[seq(1L, length(times), by = every)]
}

# Not from `xaxp`: R has computed that anew when survival went back to the unit of the
# fit.
axis_ticks <- function(args) {
  xscale <- if (is.null(args$xscale)) 1 else args$xscale
  if (!is.null(args$xaxp)) return(graphics::axTicks(1, axp = args$xaxp) * xscale)
  usr <- graphics::par("usr")[1:2]
  wanted <- if (is.null(args$lab)) graphics::par("lab")[1L] else args$lab[1L]
  if (graphics::par("xlog")) return(grDevices::axisTicks(usr, log = TRUE, nint = wanted))
  grDevices::axisTicks(usr / xscale, log = FALSE, nint = wanted) * xscale
}
