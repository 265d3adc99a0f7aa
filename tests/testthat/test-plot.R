lung <- survival::lung
by_sex <- km(Surv(time, status) ~ sex, data = lung)
alone <- km(Surv(time, status) ~ 1, data = lung)
late <- data.frame(
  enter = c(0, 2, 3, 5, 1, 2), leave = c(4, 6, 8, 10, 7, 9), died = c(1, 1, 0, 1, 1, 0),
  arm = c("a", "a", "b", "b", "a", "b")
)
entered <- km(Surv(enter, leave, died) ~ arm, data = late)

# One curve along the top, one along the bottom: no corner is free.
extreme <- km(Surv(time, status) ~ arm, data = data.frame(
  time = c(rep(100, 9), rep(1, 99), 100), status = rep(c(0, 1, 0), c(9, 99, 1)),
  arm = rep(c("alive", "dead"), c(9, 100))
))

as_survfit <- function(fit) structure(unclass(fit), class = "survfit")

local_device <- function(..., env = parent.frame()) {
  grDevices::pdf(NULL, ...)
  close <- bquote(grDevices::dev.off(.(grDevices::dev.cur())))
  do.call(on.exit, list(close, TRUE), envir = env)
}

theirs <- function(fit, ...) {
  value <- plot(as_survfit(fit), ...)
  list(value = value, usr = par("usr"), log = par("xlog", "ylog"))
}

ours <- function(fit, ...) {
  value <- plot(fit, ...)
  list(value = value, usr = par("usr"), log = par("xlog", "ylog"))
}

# What open_figure() is given.
parts <- function(fit, args = list(), names = curve_names(fit), p = NULL, legend = TRUE, mar = NULL) {
  scale <- curve_scale(args)
  list(fit = as_survfit(fit), args = args, scale = scale, band = FALSE, names = names, p = p,
       legend = legend, risk.table = TRUE, mar = mar)
}

# What was written into the bottom margin of the last figure: text, line and place.
margin_text <- function(draw) {
  grDevices::dev.control("enable")
  draw()
  calls <- grDevices::recordPlot()[[1L]]
  args <- lapply(calls, function(call) as.list(call[[2L]]))
  args <- Filter(function(arg) identical(arg[[1L]]$name, "C_mtext"), args)
  lapply(args, function(arg) list(text = arg[[2L]], line = arg[[4L]], at = arg[[6L]]))
}

test_that("every argument of survival's method gives its value and coordinates", {
  local_device()
  same <- function(...) {
    for (fit in list(by_sex, alone, entered)) {
      expect_identical(ours(fit, ..., band = FALSE), theirs(fit, ...))
    }
  }
  same()
  same(fun = "event")
  same(fun = "F", xmax = 5)
  same(fun = "cumhaz")
  same(cumhaz = TRUE)
  same(fun = "cloglog")
  same(fun = "pct")
  same(fun = "log")
  same(fun = "logpct")
  same(fun = function(s) sqrt(s))
  same(log = TRUE)
  same(log = "x")
  same(xscale = 30, yscale = 100)
  same(xmax = 6)
  same(xlim = c(0, 8), ylim = c(0.2, 1))
  same(ymin = 0.3)
  same(firstx = 0)
  same(xaxs = "S")
  same(conf.int = TRUE)
  same(conf.int = "only")
  same(conf.int = "none")
  same(conf.int = 0.8, conf.type = "plain")
  same(conf.times = c(2, 6), conf.cap = 0.02, conf.offset = 0.03)
  same(mark.time = FALSE)
  same(mark.time = c(2, 5), pch = c("a", "b"), cex = 2)
  same(col = 2:7, lty = 1:6, lwd = 1:6, conf.int = TRUE)
  same(col = "red", lty = 2, lwd = 3)
  same(noplot = "x", main = quote(alpha^2), sub = "s", xlab = "", ylab = "")
  same(axes = FALSE)
  same(xaxt = "n", las = 0, bty = "o", mgp = c(2, 1, 0))
})

test_that("unnamed and abbreviated arguments are taken as survival takes them", {
  local_device()
  expect_identical(ours(by_sex, TRUE, fun = "event"), theirs(by_sex, TRUE, fun = "event"))
  expect_identical(plot_args(list(FALSE, TRUE, mark = 4)),
                   list(conf.int = FALSE, mark.time = TRUE, mark = 4))
  expect_identical(plot_args(list(xla = "Days", main = "M")),
                   list(xlab = "Days", main = "M"))
})

test_that("a band makes room for itself, as limits do, and changes nothing else", {
  local_device()
  for (fit in list(by_sex, alone, entered)) {
    for (fun in c("surv", "event", "pct")) {
      expect_identical(ours(fit, fun = fun), theirs(fit, fun = fun, conf.int = TRUE))
    }
    expect_identical(ours(fit, fun = "cumhaz"),
                     theirs(fit, fun = "cumhaz", conf.int = TRUE, conf.type = "plain"))
    expect_identical(ours(fit, ylim = 0:1, fun = "event"),
                     theirs(fit, ylim = 0:1, fun = "event"))
  }
})

test_that("the outline of a band follows the steps, to the last time drawn", {
  local_device()
  plot.new()
  plot.window(c(0, 5), 0:1)
  limits <- data.frame(x = c(0, 1, 3), lower = c(1, 0.5, NA), upper = c(1, 0.9, NA))
  expect_identical(
    step_outline(limits, Inf),
    list(x = c(0, 1, 1, 3, 3, 1, 1, 0), y = c(1, 1, 0.5, 0.5, 0.9, 0.9, 1, 1))
  )
  expect_identical(step_outline(limits, 2)$x, c(0, 1, 1, 2, 2, 1, 1, 0))
  expect_null(step_outline(limits[3, ], Inf))
  limits$lower[2] <- -Inf
  expect_identical(min(step_outline(limits, Inf)$y), par("usr")[3])
})

test_that("the band is shaded by default only where it helps", {
  shaded <- function(fit, ...) {
    args <- plot_args(list(...))
    band_default(as_survfit(fit), args, curve_scale(args))
  }
  expect_true(shaded(by_sex))
  expect_true(shaded(by_sex, fun = "cumhaz"))
  expect_false(shaded(by_sex, conf.int = FALSE))
  expect_false(shaded(by_sex, conf.times = 100))
  expect_false(shaded(by_sex, log = TRUE))
  expect_false(shaded(by_sex, fun = "cloglog"))
  expect_false(shaded(km(Surv(time, status) ~ sex, data = lung, conf.type = "none")))
  expect_false(shaded(km(Surv(time, status) ~ ph.ecog, data = lung)))
})

test_that("numbers at risk are those of summary()", {
  at <- function(fit, times) {
    fit <- as_survfit(fit)
    counts <- summary(fit, times = times, extend = TRUE)$n.risk
    matrix(counts, nrow = length(times), dimnames = list(NULL, names(fit$strata)))
  }
  days <- c(0, 5, 5.5, 11, 300, 1000, 1022, 1022.5, 3000)
  expect_equal(risk_counts(by_sex, days), at(by_sex, days))
  expect_equal(risk_counts(alone, days), at(alone, days))
  weighted <- km(Surv(time, status) ~ sex, data = lung, weights = lung$age / 50)
  expect_equal(risk_counts(weighted, days), at(weighted, days))
  expect_identical(dim(risk_counts(by_sex, 100)), c(1L, 2L))
})

test_that("numbers at risk of entry data count who is under observation", {
  times <- c(2, 4, 4.5, sort(unique(c(late$enter[late$enter > 0], late$leave))))
  for (arm in c("a", "b")) {
    rows <- late[late$arm == arm, ]
    by_hand <- vapply(times, function(t) sum(rows$enter < t & t <= rows$leave), 0)
    expect_equal(risk_counts(entered, times)[, paste0("arm=", arm)], by_hand)
    expect_equal(risk_counts(entered, 0)[, paste0("arm=", arm)], sum(rows$enter == 0),
                 ignore_attr = TRUE)
  }
})

test_that("counts have a decimal only when weights are fractional", {
  expect_identical(count_text(matrix(c(10, 1e6))), matrix(c("10", "1000000")))
  expect_identical(count_text(matrix(c(10, 2.25))), matrix(c("10.0", "2.2")))
  expect_identical(count_text(matrix(3 + 1e-12)), matrix("3"))
})

test_that("the table stands in the bottom margin, under the ticks of the axis", {
  local_device()
  written <- margin_text(function() plot(by_sex))
  text <- lapply(written, `[[`, "text")
  expect_identical(text[[1]], "Number at risk")
  expect_identical(text[c(2, 4)], list("1", "2"))
  ticks <- c(0, 200, 400, 600, 800, 1000)
  expect_identical(text[[3]], as.character(risk_counts(by_sex, ticks)[, 1]))
  expect_identical(text[[5]], as.character(risk_counts(by_sex, ticks)[, 2]))
  expect_equal(written[[5]]$at, ticks)
  expect_true(all(vapply(written, `[[`, 0, "line") < par("mar")[1]))
})

test_that("risk.times and xscale choose the columns of the table", {
  local_device()
  written <- margin_text(function() plot(by_sex, xscale = 365.25))
  expect_equal(written[[3]]$at, seq(0, 2.5, by = 0.5) * 365.25)
  written <- margin_text(function() plot(by_sex, xscale = 365.25, risk.times = c(0, 100)))
  expect_equal(written[[3]]$at, c(0, 100))
  expect_identical(written[[3]]$text, c("138", "114"))
  written <- margin_text(function() plot(alone, fun = "cloglog"))
  expect_equal(written[[2]]$at, c(5, 10, 20, 50, 100, 200, 500, 1000))
  # axis() leaves out the ticks beyond the axis, and so does the table
  beyond <- margin_text(function() plot(alone, xaxp = c(0, 1200, 6)))
  expect_equal(beyond[[2]]$at, seq(0, 1000, by = 200))
  crowded <- margin_text(function() plot(alone, xaxp = c(0, 1000, 50)))
  gaps <- diff(grconvertX(crowded[[2]]$at, "user", "inches"))
  expect_gt(min(gaps), strwidth("228", "inches", cex = 0.85))
  expect_length(margin_text(function() plot(by_sex, risk.table = FALSE)), 0)
})

test_that("margins do not grow, and shrink again for a smaller table", {
  local_device()
  plot(by_sex)
  once <- par("mar")
  plot(by_sex)
  expect_identical(par("mar"), once)
  plot(km(Surv(time, status) ~ ph.ecog, data = lung), labels = strrep("long name ", 1:4))
  expect_true(all(par("mar")[1:2] > once[1:2]))
  plot(by_sex)
  expect_identical(par("mar"), once)
  plot(by_sex, mar = c(9, 8, 1, 1))
  expect_identical(par("mar"), c(9, 8, 1, 1))
})

test_that("margins without a table, and those on other sides, are the user's", {
  local_device()
  par(mar = c(4, 5, 3, 2))
  plot(by_sex, risk.table = FALSE)
  expect_identical(par("mar"), c(4, 5, 3, 2))
  plot(by_sex)
  expect_identical(par("mar")[3:4], c(3, 2))
})

test_that("nothing but margins and coordinates is left changed", {
  local_device()
  plot(as_survfit(by_sex))
  before <- par(no.readonly = TRUE)
  plot(by_sex, p.value = TRUE, median = TRUE, xscale = 30)
  after <- par(no.readonly = TRUE)
  coordinates <- c("mar", "mai", "pin", "plt", "usr", "xaxp", "yaxp", "fig", "fin")
  expect_identical(after[setdiff(names(after), coordinates)],
                   before[setdiff(names(before), coordinates)])
})

test_that("two figures side by side are both laid out, in one page", {
  local_device(width = 9, height = 5)
  par(mfrow = c(1, 2))
  plot(by_sex)
  first <- par("mfg", "plt", "usr")
  plot(km(Surv(time, status) ~ ph.ecog, data = lung))
  second <- par("mfg", "plt", "usr")
  expect_identical(first$mfg, c(1L, 1L, 1L, 2L))
  expect_identical(second$mfg, c(1L, 2L, 1L, 2L))
  expect_gt(second$plt[3], first$plt[3])
})

test_that("survival's lines and points go on top", {
  local_device()
  plot(by_sex, fun = "event", xmax = 500)
  usr <- par("usr")
  expect_no_error(lines(alone, fun = "event", col = 2))
  # points() of survival 3.5-3 fails for every fit: then also for ours, in the same words.
  outcome <- function(fit) tryCatch(points(fit), error = conditionMessage)
  expect_identical(outcome(by_sex), outcome(as_survfit(by_sex)))
  expect_identical(par("usr"), usr)
})

test_that("small and large fits can be drawn", {
  local_device(width = 6, height = 5)
  one <- function(status) {
    km(Surv(time, status) ~ 1, data = data.frame(time = 3, status = status))
  }
  expect_identical(plot(one(1)), list(x = 3, y = 0))
  expect_identical(plot(one(0)), list(x = 3, y = 1))
  many <- data.frame(time = 1:120, status = 1, group = paste("a rather long name", 1:12))
  expect_length(plot(km(Surv(time, status) ~ group, data = many), p.value = TRUE)$x, 12)
})

# Names of the curves of lung by the right side of a formula.
named <- function(right) {
  lung$Sex <- factor(lung$sex, labels = c("Men", "Women"))
  lung$old <- factor(lung$age >= 50, labels = c("<50", ">=50"))
  few <- lung[lung$ph.ecog %in% 0:1, ]
  curve_names(as_survfit(km(stats::reformulate(right, quote(Surv(time, status))), data = few)))
}

test_that("names lose the variable, not a comparison", {
  expect_identical(named("sex"), c("1", "2"))
  expect_identical(named("age >= 50"), c("FALSE", "TRUE"))
  expect_identical(named("old"), c("<50", ">=50"))
  expect_identical(named("strata(ph.ecog)"), c("0", "1"))
  expect_identical(named("cut(age, 2, right = FALSE)"), c("[39,60.5)", "[60.5,82)"))
  expect_identical(named("Sex + strata(cut(age, 2))")[1], "Men, (39,60.5]")
  expect_identical(named("strata(Sex, cut(age, 2))")[4], "Women, (60.5,82]")
  expect_identical(curve_names(as_survfit(by_sex), c("Men", "Women")), c("Men", "Women"))
})

test_that("bare numbers, TRUE and FALSE keep the variable where several are combined", {
  by_ecog <- c("Men, ph.ecog=0", "Men, ph.ecog=1", "Women, ph.ecog=0", "Women, ph.ecog=1")
  expect_identical(named("Sex + strata(ph.ecog)"), by_ecog)
  expect_identical(named("Sex + ph.ecog"), by_ecog)
  expect_identical(named("strata(Sex, ph.ecog)"), by_ecog)
  expect_identical(named("Sex + (age >= 50)")[2:3], c("Men, age >= 50=TRUE", "Women, age >= 50=FALSE"))
})

test_that("a fit that survival has changed is drawn with the names it has", {
  local_device()
  changed <- survival::survfit0(by_sex)
  expect_identical(curve_names(changed), c("sex=1", "sex=2"))
  expect_length(plot(changed)$x, 2)
})

test_that("curves whose levels read alike have the names of the fit", {
  alike <- data.frame(time = 1:4, status = 1, g = factor(c("a", "a ", "a", "a ")))
  expect_identical(curve_names(km(Surv(time, status) ~ g, data = alike)), c("g=a", "g=a "))
})

test_that("long names are cut in the middle and stay apart", {
  local_device()
  plot.new()
  names <- paste("the same long beginning", 1:2)
  short <- shorten(names, 1, 1)
  expect_true(all(strwidth(short, "inches") <= 1))
  expect_match(short[1], "^the.*[.]{3}.*1$")
  expect_false(short[1] == short[2])
  expect_identical(shorten("a", 1, 1), "a")
})

test_that("long names that differ in the middle are cut elsewhere", {
  local_device(width = 7, height = 5)
  plot.new()
  arms <- sprintf("Chemotherapy plus bevacizumab, %d mg/kg every two weeks", c(5, 10))
  expect_identical(shorten(arms, 2.1, 0.85), c("...5 mg/kg every two weeks", "...10 mg/kg every two weeks"))
  short <- shorten(c(arms, "Placebo"), 1.2, 0.85)
  expect_match(short[1:2], "5 mg/kg|10 mg/kg")
  expect_identical(short[3], "Placebo")
  expect_true(all(strwidth(short, "inches", cex = 0.85) <= 1.2))
})

test_that("names whose difference lies between long ends keep it", {
  local_device()
  plot.new()
  names <- paste0(strrep("surgery and ", 9), c("dose5mg", "dose10mg"), strrep(" then follow-up", 9))
  expect_match(shorten(names, 1.5, 1), "^[.]{3}dose(5|10)mg .*[.]{3}$")
  expect_identical(same_start(c("alpha, beta 12", "alpha, beta 15")), nchar("alpha, beta"))
  expect_identical(same_start(c("alpha 1", "beta 1")), 0L)
})

test_that("names are cut between words, and no number is cut", {
  expect_identical(name_start("up to 250 mg daily", 8), "up to")
  expect_identical(name_start("up to 250 mg daily", 9), "up to 250")
  expect_identical(name_start("dose250", 5), "dose")
  expect_identical(name_end("daily 2.5 mg", 4), "mg")
  expect_identical(name_end("daily 2.5 mg", 6), "2.5 mg")
  expect_identical(name_start("Chemotherapy", 5), "Chemo")
  expect_identical(name_end("after chemotherapy", 8), "otherapy")
  expect_identical(name_end("after chemotherapy", 15), "chemotherapy")
})

test_that("names that stay the same when cut are refused, asking for labels", {
  local_device(width = 5, height = 5)
  side <- strrep("surgery and ", 20)
  both <- paste0(side, c("drug", "none"), strrep(" then follow-up", 20))
  expect_identical(shorten(c("a", "a"), 1, 1), c("a", "a"))
  wrong <- expect_error(plot(by_sex, labels = paste0(strrep("9", 200), 1:2)), class = "riskset_error_device")
  expect_match(wrong$message, "`labels =`")
  expect_length(unique(margin_text(function() plot(by_sex, labels = both))[c(2, 4)]), 2)
})

test_that("legend and table cut a name alike, and P is whole", {
  arms <- sprintf("Chemotherapy plus bevacizumab, %d mg/kg every two weeks", c(5, 10))
  for (size in list(c(7, 5), c(3.5, 3))) {
    local_device(width = size[1], height = size[2])
    figure <- open_figure(parts(by_sex, names = arms, p = "Log-rank P < 0.001"))
    expect_identical(figure$key$call$legend, c(figure$names, "Log-rank P < 0.001"))
    written <- margin_text(function() plot(by_sex, labels = arms))
    expect_identical(written[[2]]$text, figure$names[1])
  }
})

test_that("P is never printed as 0 or 1", {
  label <- function(p) p_label(list(p.value = p, strata = c(total = 1)))
  expect_identical(label(0), "Log-rank P < 0.001")
  expect_identical(label(0.00049), "Log-rank P < 0.001")
  expect_identical(label(0.00086), "Log-rank P = 0.001")
  expect_identical(label(0.001), "Log-rank P = 0.001")
  expect_identical(label(0.0496), "Log-rank P = 0.050")
  expect_identical(label(0.9996), "Log-rank P > 0.999")
  expect_identical(label(NA_real_), "Log-rank P: not defined")
  within <- km(Surv(time, status) ~ sex + strata(ph.ecog), data = lung)
  expect_identical(p_label(logrank(within)), "Stratified log-rank P = 0.001")
})

test_that("axes are named after what they show", {
  local_device()
  label <- function(...) {
    args <- plot_args(list(...))
    curve_args(args, as_survfit(by_sex), curve_scale(args), band = FALSE)$ylab
  }
  expect_identical(label(), "Survival probability")
  expect_identical(label(yscale = 100), "Survival probability (%)")
  expect_identical(label(fun = "event"), "Probability of the event")
  expect_identical(label(cumhaz = TRUE), "Cumulative hazard")
  expect_identical(label(fun = "cumhaz"), "Cumulative hazard")
  expect_identical(label(fun = "cloglog"), "log(-log(survival))")
  expect_identical(label(fun = sqrt), "f(survival)")
  expect_identical(label(ylab = "Alive"), "Alive")
})

test_that("no two curves look the same", {
  looks <- paste(curve_colours(64), curve_types(64))
  expect_identical(anyDuplicated(looks), 0L)
  expect_identical(anyDuplicated(curve_colours(8)), 0L)
  expect_identical(anyDuplicated(curve_types(8)), 0L)
})

test_that("the legend takes a corner that is free", {
  free <- function(y, falls = TRUE) {
    paths <- list(x = seq(0, 1, length.out = length(y)), y = matrix(y))
    names(which(corner_hits(c(0.3, 0.3), paths, corners(falls)) == 0))
  }
  expect_identical(free(seq(1, 0, length.out = 101)), c("topright", "bottomleft"))
  expect_identical(free(rep(0.95, 101)), c("bottomleft", "bottomright"))
  expect_identical(free(seq(0, 1, length.out = 101), FALSE), c("topleft", "bottomright"))
  expect_identical(free(rep(c(0.5, -0.5), c(90, 11))), c("topright", "bottomleft", "topleft"))
})

test_that("the last drop of a curve is on its path", {
  local_device()
  fit <- as_survfit(km(Surv(time, status) ~ 1, data = data.frame(time = c(1, 2, 10), status = c(1, 1, 0))))
  figure <- parts(fit)
  plot(fit, xlim = c(0, 20))
  path <- curve_paths(figure)
  expect_equal(grconvertY(min(path$y, na.rm = TRUE), "npc", "user"), 1 / 3)
  expect_lt(max(path$x[!is.na(path$y)]), 0.6)
})

test_that("a legend that would lie on curves stands above them, in a wider margin", {
  local_device(width = 5, height = 4)
  top <- function(fit, ...) {
    plot(fit, ...)
    par("mar")[3]
  }
  bare <- top(extreme, legend = FALSE)
  expect_gt(top(extreme), bare + 1)
  expect_identical(top(extreme, legend = FALSE), bare)
  expect_identical(top(extreme, legend = "topright"), bare)
  expect_identical(top(extreme, mar = c(8, 6, 1, 1)), 1)
  par(mar = c(5, 4, 3, 2))
  expect_identical(top(extreme), 3)
  expect_identical(open_figure(parts(extreme, mar = c(8, 6, 5, 1)))$key$place, "above")
  expect_match(open_figure(parts(extreme, mar = c(8, 6, 1, 1)))$key$place, "^(top|bottom)(left|right)$")
})

test_that("a legend above the curves stays within the figure", {
  many <- km(Surv(time, status) ~ sex + strata(ph.ecog), data = lung)
  local_device(width = 5, height = 4)
  figure <- open_figure(parts(many, args = list(main = "Title"), p = "Stratified log-rank P = 0.001"))
  key <- figure$key
  expect_identical(key$place, "above")
  expect_lte(key$width, par("fin")[1])
  expect_lte((key$lines + 1.5) * line_inches(), par("mai")[3])
  expect_true("Stratified log-rank P = 0.001" %in% c(key$call$legend, key$test))
})

test_that("there is room for a title when there is one", {
  local_device(width = 7, height = 5)
  top <- function(...) {
    plot(by_sex, ...)
    par("mar")[3]
  }
  bare <- top()
  expect_lt(bare, 1)
  expect_equal(top(main = "Title"), 2.6)
  expect_identical(top(main = ""), bare)
  expect_identical(top(main = "Title", ann = FALSE), bare)
})

test_that("text and margins shrink in small figures, but not what is given", {
  sizes <- function(width, height, ...) {
    local_device(width = width, height = height)
    open_figure(parts(by_sex, ...))
  }
  large <- sizes(7, 5)
  small <- sizes(3.5, 3)
  shrink <- c("cex", "cex.axis", "cex.lab", "cex.main", "mgp", "lwd")
  for (name in shrink) expect_lt(small$args[[name]][1], large$args[[name]][1])
  expect_true(all(small$mar[1:3] < large$mar[1:3]))
  expect_gte(small$args$cex.axis * 12, 7)
  given <- list(cex = 1, cex.axis = 1, cex.lab = 1, cex.main = 2, mgp = 3:1, lwd = 3)
  expect_identical(sizes(3.5, 3, args = given)$args[shrink], given[shrink])
  local_device(width = 7, height = 5)
  par(mfrow = c(2, 2))
  expect_lt(open_figure(parts(by_sex))$args$cex.axis, 1)
})

test_that("four curves with their table leave an inch in a figure of 3.5 x 3 inches", {
  local_device(width = 3.5, height = 3)
  fit <- km(Surv(time, status) ~ celltype, data = survival::veteran)
  plot(fit, p.value = TRUE)
  expect_true(all(par("pin") >= 1))
  title <- strwidth("Survival probability", "inches", cex = open_figure(parts(fit))$args$cex.lab)
  expect_lte(title, par("pin")[2] + 2 * par("mai")[3])
})

test_that("ticks of the censored are left out where there are more than 500", {
  marks <- function(n, ...) {
    fit <- as_survfit(km(Surv(1:n, rep(0, n)) ~ 1))
    curve_args(plot_args(list(...)), fit, curve_scale(list()), band = FALSE)$mark.time
  }
  expect_true(marks(500))
  expect_false(marks(501))
  expect_true(marks(501, mark.time = TRUE))
  expect_true(marks(501, mark = 4))
  expect_identical(marks(501, mark.time = c(3, 5)), c(3, 5))
  expect_false(marks(500, mark.time = FALSE))
})

test_that("arguments that cannot be used are named", {
  local_device()
  wrong <- function(..., fit = by_sex) {
    expect_error(plot(fit, ...), class = "riskset_error_argument")
  }
  expect_match(wrong(risk.table = NA)$message, "`risk.table` must be TRUE or FALSE")
  expect_match(wrong(risk.times = "1")$message, "`risk.times` must be finite times")
  expect_match(wrong(risk.times = numeric())$message, "`risk.times`")
  expect_match(wrong(band = 1)$message, "`band` must be TRUE or FALSE, not 1")
  expect_match(wrong(band = TRUE, conf.int = 0.9)$message, "`conf.int`.*0.95.*not 0.9")
  expect_match(wrong(median = "yes")$message, "`median`")
  expect_match(wrong(median = TRUE, fun = "cumhaz")$message, "`median`")
  expect_match(wrong(p.value = 2)$message, "`p.value` must be TRUE or FALSE, not 2")
  expect_match(wrong(p.value = TRUE, fit = alone)$message, "one curve")
  expect_match(wrong(legend = "top")$message,
               "`legend` must be TRUE, FALSE or one of \"topright\"")
  expect_match(wrong(labels = "Men")$message, "`labels` must be 2 names, one for each curve, not")
  expect_match(wrong(labels = c("a", "b"), fit = alone)$message, "`labels` must be 1 name, not")
  expect_match(wrong(mar = 1:3)$message, "`mar` must be four margins")
  expect_match(wrong(type = "l")$message, "`type`")
  without <- km(Surv(time, status) ~ sex, data = lung, conf.type = "none")
  expect_match(wrong(band = TRUE, fit = without)$message, "without confidence limits")
})

test_that("a figure too small for the table is refused and left as it was", {
  local_device(width = 2, height = 1.5)
  before <- par("mar")
  wrong <- expect_error(plot(by_sex), class = "riskset_error_device")
  for (way in c("pointsize", "legend = FALSE", "risk.table = FALSE", "labels =")) {
    expect_match(wrong$message, way, fixed = TRUE)
  }
  expect_identical(par("mar"), before)
})

test_that("F59: a level that is none is refused before anything is drawn", {
  fit <- km(Surv(time, status) ~ sex, lung)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (level in list(95, -1, 0, NA_real_, c(0.9, 0.95))) {
    expect_refused(plot(fit, conf.int = level), "`conf.int` must be one number between 0 and 1", "level")
  }
})

test_that("a censoring at Inf is drawn, with the numbers at risk that are known (F03)", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_silent(plot(km(c(1, 2, Inf), c(1, 1, 0))))
})
