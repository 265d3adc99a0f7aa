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
#' the number of groups, and that of the left margin from their names: both are set by
#' `par(mar = )` for this plot and stay set, because R would lose the coordinates of the
#' figure if they were put back. Repeated plots do not make them grow. The top margin
#' becomes 2.6 lines if it is R's default of 4.1; set to anything else it is left alone,
#' and so are the right one, and all of them with `risk.table = FALSE`.
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
#'   * `mark.time`: ticks where subjects were censored (`TRUE` unless told otherwise), or
#'     the times at which to put them; `pch` and `cex` are their symbol and size; `mark`
#'     is an older name for `pch`, `mark.col` their colour (since survival 3.8);
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
#' @param p.value `TRUE` adds the P value of [logrank()].
#' @param legend `TRUE` names the groups in a free corner, or one of `"topright"`,
#'   `"topleft"`, `"bottomright"`, `"bottomleft"` for that corner.
#' @param labels names of the groups, in the order of the fit. `NULL`: those of the fit
#'   without the name of the variable (`sex=1` is `1`).
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
  args <- curve_args(args, fit, scale, band)
  names <- curve_names(fit, labels)
  key <- list(names = names, p = if (p.value) p_label(logrank(x)))

  if (risk.table || !is.null(mar)) open_figure(fit, names, args, mar)
  draw_axes(fit, args, new = risk.table || !is.null(mar))
  if (band) draw_bands(fit, args, scale)
  if (median) draw_medians(fit, args, scale)
  ends <- draw_curves(fit, args)
  if (!isFALSE(legend) || p.value) draw_key(key, fit, args, scale, band, legend)
  if (risk.table) draw_risk_table(fit, names, risk.times, args)
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
    abort("argument", "`labels` must be %d names, one for each curve, not %s", count,
          what(labels))
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
curve_args <- function(args, fit, scale, band) {
  count <- curve_count(fit)
  house <- list(
    mgp = house_par("mgp", c(3, 1, 0), c(2.75, 0.7, 0)),
    tcl = house_par("tcl", -0.5, -0.35),
    las = 1, bty = "l", xlab = "Time", ylab = scale_label(scale, args$yscale),
    mark.time = TRUE, cex = 0.75, col = curve_colours(count),
    lty = if (count == 1L) 1 else curve_types(count), lwd = 1.75
  )
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

# `sex=1` is read as `1`; an equals sign of a comparison (`age >= 50=TRUE`) is no
# separator.
curve_names <- function(fit, labels = NULL) {
  if (!is.null(labels)) return(labels)
  if (is.null(fit$strata)) return("All")
  equals <- "(?<![<>=!])=(?!=)"
  names <- sub(paste0("^.*?", equals), "", names(fit$strata), perl = TRUE)
  names <- gsub(paste0(", strata\\([^,]*?\\)", equals), ", ", names, perl = TRUE)
  trimws(gsub(paste0(", [^,]*?", equals), ", ", names, perl = TRUE))
}

p_label <- function(test) {
  p <- test$p.value
  stratified <- any(grepl("stratified", test$method, ignore.case = TRUE))
  name <- if (stratified) "Stratified log-rank P" else "Log-rank P"
  if (is.na(p)) return(paste0(name, ": not defined"))
  if (p < 0.0005) return(paste(name, "< 0.001")) # 0.00086 is printed 0.001
  if (p >= 0.9995) return(paste(name, "> 0.999"))
  sprintf("%s = %.3f", name, p)
}

# Rows are times, columns curves.
risk_counts <- function(fit, times) {
  from <- attr(fit, "riskset")$entries
  if (is.null(from)) from <- c(unclass(fit)[c("time", "n.event", "n.censor")], list(n.enter = 0 * fit$time))
  size <- if (!is.null(from$size)) from$size else if (is.null(fit$strata)) length(fit$time) else
    fit$strata
  counts <- vapply(split(seq_along(from$time), rep(seq_along(size), size)), function(r) {
    risk_at(times, from$time[r], from$n.event[r] + from$n.censor[r], from$n.enter[r])
  }, numeric(length(times)))
  matrix(counts, nrow = length(times), dimnames = list(NULL, names(fit$strata)))
}

curve_rows <- function(fit) {
  if (is.null(fit$strata)) return(list(seq_along(fit$time)))
  unname(split(seq_along(fit$time), rep(seq_along(fit$strata), fit$strata)))
}

# Weighted counts need a decimal, sums of whole weights must not show one.
count_text <- function(counts) {
  tenths <- round(counts, 1)
  whole <- all(tenths == round(tenths))
  text <- formatC(tenths, format = "f", digits = if (whole) 0L else 1L)
  matrix(text, nrow = nrow(counts))
}

# Text can only be measured on a figure that has been started, and the margins depend on
# how wide the names are: so the figure is started empty, and the axes are then drawn on
# it.
open_figure <- function(fit, names, args, mar) {
  old <- graphics::par(mar = c(0, 0, 0, 0))
  done <- FALSE
  on.exit(if (!done) graphics::par(old))
  graphics::plot.new()
  if (is.null(mar)) {
    mar <- c(table_margins(fit, names, args), top_margin(old$mar), old$mar[4L])
  }
  check_room(mar)
  graphics::par(mar = mar)
  done <- TRUE
}

line_inches <- function() {
  graphics::par("cin")[2L] * graphics::par("cex") * graphics::par("mex")
}

check_room <- function(mar) {
  left <- graphics::par("fin") - line_inches() * c(mar[2L] + mar[4L], mar[1L] + mar[3L])
  if (any(left < 0.4)) {
    abort("device", paste("a figure of %.1f x %.1f inches is too small for this table;",
                          "enlarge it, or use `risk.table = FALSE` or `mar`"),
          graphics::par("fin")[1L], graphics::par("fin")[2L])
  }
}

# Where the lines of the table stand, in lines of margin below the axis.
table_layout <- function(count, args) {
  mgp <- args$mgp
  titled <- !identical(args$xlab, "") && !isFALSE(args$ann)
  cex <- if (count <= 6L) 0.85 else 0.7
  heading <- if (titled) mgp[1L] + 1.6 else mgp[2L] + 1.3
  heading <- heading + !is.null(args$sub)
  rows <- heading + 1.25 * cex * seq_len(count)
  list(cex = cex, heading = heading, rows = rows, bottom = max(rows) + 1.3,
       left = mgp[1L] + 1.1)
}

table_margins <- function(fit, names, args) {
  layout <- table_layout(length(names), args)
  width <- max(text_inches(shorten(names, table_name_limit(), layout$cex), layout$cex))
  width <- width + table_gap(fit, layout$cex) + 0.3 * line_inches()
  c(layout$bottom, max(layout$left, width / line_inches()))
}

# R's default leaves room for four lines of title; one is what is needed, even afterwards.
top_margin <- function(mar) if (isTRUE(all.equal(mar[3L], 4.1))) 2.6 else mar[3L]

table_name_limit <- function() 0.3 * graphics::par("fin")[1L]

# Names end where the widest number centred on the left end of the axis would begin.
table_gap <- function(fit, cex) {
  text_inches(widest_count(fit), cex) / 2 + 0.4 * line_inches()
}

widest_count <- function(fit) {
  tenths <- round(fit$n.risk, 1)
  whole <- all(tenths == round(tenths))
  formatC(max(tenths), format = "f", digits = if (whole) 0L else 1L)
}

text_inches <- function(text, cex) graphics::strwidth(text, units = "inches", cex = cex)

# Cut in the middle: names often differ only at their end.
shorten <- function(names, limit, cex) {
  vapply(names, function(name) {
    if (text_inches(name, cex) <= limit) return(name)
    size <- nchar(name)
    keep <- seq_len(size - 1L)
    cut <- paste0(substring(name, 1L, ceiling(keep / 2)), "...",
                  substring(name, size - floor(keep / 2) + 1L, size))
    cut[max(1L, sum(text_inches(cut, cex) <= limit))]
  }, "", USE.NAMES = FALSE)
}

draw_axes <- function(fit, args, new) {
  if (new) graphics::par(new = TRUE)
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
  lapply(curve_rows(fit), function(rows) {
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

draw_key <- function(key, fit, args, scale, band, legend) {
  if (curve_count(fit) == 1L) return(invisible())
  call <- if (isFALSE(legend)) list(legend = key$p) else key_call(key, fit, args)
  call <- fold_key(c(call, bty = "n", cex = if (curve_count(fit) <= 6L) 0.9 else 0.75))
  if (!is.character(legend)) {
    paths <- curve_paths(fit, args, scale, band)
    legend <- free_corner(key_size(call), paths, corners(scale$falls))
  }
  do.call(graphics::legend, c(list(legend), call))
}

# The P value is a last row without a line.
key_call <- function(key, fit, args) {
  each <- lapply(args[c("col", "lty", "lwd")], per_curve, curve_count(fit), args)
  list(legend = c(key$names, key$p), col = c(each$col, NA),
       lty = c(each$lty, no_line(each$lty)), lwd = c(each$lwd, 0), seg.len = 2.6)
}

# As many columns as it takes to stay within the region.
fold_key <- function(call) {
  full <- call$legend
  for (columns in 1:3) {
    call$ncol <- columns
    call$legend <- shorten(full, 0.6 * graphics::par("pin")[1L] / columns, call$cex)
    if (key_size(call)[2L] <= 0.9) break
  }
  call
}

# Width and height of a legend, as fractions of the plot region.
key_size <- function(call) {
  size <- do.call(graphics::legend, c(list("topright", plot = FALSE), call))$rect
  c(size$w, size$h) / diff(graphics::par("usr"))[c(1L, 3L)]
}

# Heights at 101 places from left to right of each curve, or of the limits of its band,
# both as fractions of the region.
curve_paths <- function(fit, args, scale, band) {
  fit <- survival::survfit0(fit, fit$start.time)
  at <- seq(0, 1, length.out = 101L)
  times <- graphics::grconvertX(at, "npc", "user")
  curve <- scale$apply(if (scale$cumhaz) fit$cumhaz else fit$surv)
  limits <- if (band) curve_limits(fit, scale)
  heights <- lapply(seq_len(curve_count(fit)), function(i) {
    rows <- curve_rows(fit)[[i]]
    y <- cbind(curve[rows], limits[[i]]$lower, limits[[i]]$upper)
    y <- y[pmax(1L, findInterval(times, fit$time[rows])), , drop = FALSE]
    y[times > min(max(fit$time[rows]), last_time(args)), ] <- NA
    graphics::grconvertY(y, "user", "npc")
  })
  list(x = at, y = matrix(unlist(heights), nrow = length(at)))
}

free_corner <- function(size, paths, corners) {
  hits <- vapply(corners, function(corner) {
    inside <- function(at, side, size) if (side == 1) at >= 1 - size else at <= size
    x <- inside(paths$x, corner[1L], size[1L])
    sum(inside(paths$y[x, ], corner[2L], size[2L]), na.rm = TRUE)
  }, 0)
  names(corners)[which.min(hits)]
}

draw_risk_table <- function(fit, names, times, args) {
  layout <- table_layout(length(names), args)
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
    if (length(names) > 1L) {
      write(shorten(names[i], table_name_limit(), layout$cex), layout$rows[i], edge, 1)
    }
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
