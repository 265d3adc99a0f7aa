conf_types <- c("log", "log-log", "plain", "none", "logit", "arcsin")

# ---- Equal to survfit() -----------------------------------------------------------------

test_that("km() equals survfit() in every component, for every data set of survival", {
  cases <- list(
    aml = Surv(time, status) ~ x,
    bladder = Surv(stop, event) ~ rx + size,
    bladder1 = Surv(start, stop, status > 0) ~ treatment,
    bladder2 = Surv(start, stop, event) ~ rx + strata(enum),
    capacitor = Surv(time, status) ~ voltage,
    cgd = Surv(tstart, tstop, status) ~ treat + strata(inherit),
    colon = Surv(time, status) ~ rx + strata(sex, etype),
    diabetic = Surv(time, status) ~ trt + laser,
    gbsg = Surv(rfstime, status) ~ factor(grade),
    genfan = Surv(hours, status) ~ 1,
    heart = Surv(start, stop, event) ~ transplant,
    ifluid = Surv(time) ~ voltage,
    imotor = Surv(time, status) ~ temp,
    jasa = Surv(futime + 1, fustat) ~ transplant,
    jasa1 = Surv(start, stop, event) ~ strata(surgery) + transplant,
    kidney = Surv(time, status) ~ disease,
    lung = Surv(time, status) ~ sex + strata(inst),
    mgus = Surv(futime, death) ~ pcdx,
    mgus1 = Surv(start, stop, status) ~ sex,
    mgus2 = Surv(futime, death) ~ (age > 70) + sex,
    myeloid = Surv(futime, death) ~ trt,
    myeloma = Surv(entry, futime, death) ~ 1,
    nwtco = Surv(edrel, rel) ~ stage + strata(histol),
    ovarian = Surv(futime, fustat) ~ rx,
    pbc = Surv(time, status == 2) ~ trt + sex,
    pbcseq = Surv(futime, status > 0) ~ drug,
    rats = Surv(time, status) ~ rx + strata(litter),
    rats2 = Surv(time1, time2, status) ~ trt,
    retinopathy = Surv(futime, status) ~ trt + type,
    rotterdam = Surv(rtime, recur) ~ size + hormon,
    stanford2 = Surv(time, status) ~ (age > 50),
    transplant = Surv(futime, event == "death") ~ abo,
    valveSeat = Surv(time, status) ~ 1,
    veteran = Surv(time, status) ~ celltype + strata(trt)
  )
  types <- rep(conf_types, length.out = length(cases))
  for (i in seq_along(cases)) {
    data <- getExportedValue("survival", names(cases)[i])
    if (names(cases)[i] == "pbcseq") data$drug <- data$trt == 1
    if (names(cases)[i] == "transplant") data <- subset(data, futime > 0)
    if (all(c("start", "stop") %in% names(data))) data <- subset(data, start < stop)
    if ("time1" %in% names(data)) data <- subset(data, time1 < time2)
    if ("entry" %in% names(data)) data <- subset(data, entry < futime)
    expect_survfit(cases[[i]], data, conf.type = types[i], ours = list(timefix = "survival"))
    # The same where times are taken as they are.
    expect_survfit(cases[[i]], data, conf.type = types[i], ours = list(timefix = FALSE),
                   theirs = list(timefix = FALSE))
  }
})

test_that("km() equals survfit() for every interval and level", {
  for (type in conf_types) {
    for (level in c(0.5, 0.95, 0.999)) {
      expect_survfit(Surv(time, status) ~ sex, lung, conf.type = type, conf.int = level)
      expect_survfit(Surv(start, stop, event) ~ surgery, heart, conf.type = type, conf.int = level)
    }
  }
  expect_survfit(Surv(time, status) ~ 1, lung, conf.int = FALSE)
  expect_survfit(Surv(time, status) ~ 1, lung, conf.int = TRUE)
})

test_that("km() equals survfit() with whole, zero and fractional weights (F38, F41)", {
  d <- lung
  d$whole <- rep(0:3, 57)
  d$double <- as.double(d$whole)
  d$fraction <- rep(c(0.2, 1, 2.5), 76)
  d$mixed <- rep(c(0, 0.5, 1, 3), 57)
  d$one <- 1
  for (column in c("whole", "double", "fraction", "mixed", "one")) {
    w <- as.name(column)
    for (type in conf_types) {
      expect_survfit(Surv(time, status) ~ sex, d, weights = w, conf.type = type)
    }
    expect_survfit(Surv(time, status) ~ sex + strata(inst), d, weights = w)
    expect_survfit(Surv(time, status) ~ 1, d, weights = w, subset = quote(age > 60))
  }
})

test_that("km() equals survfit() with entry times and whole weights", {
  h <- heart
  h$w <- rep(c(2, 0, 1, 1), 43)
  expect_survfit(Surv(start, stop, event) ~ transplant, h, weights = quote(w))
  expect_survfit(Surv(start, stop, event) ~ surgery + strata(transplant), h, weights = quote(w))
  expect_survfit(Surv(start, stop, event) ~ 1, h, weights = quote(w), subset = quote(age > 0))
})

test_that("km() equals survfit() on small random trials", {
  groups <- c("1", "g", "h", "g + h", "g + strata(h)", "strata(h) + g", "strata(g, h)", "g + strata(g, h)")
  weights <- list(NULL, quote(whole), quote(fraction))
  for (seed in 1:120) {
    d <- random_trial(seed, n = c(5, 30, 80)[1 + seed %% 3])
    w <- weights[[1 + seed %% 3]]
    entry <- seed %% 4 == 0 && !identical(w, quote(fraction))
    formula <- stats::as.formula(paste(
      if (entry) "Surv(entry, time, status) ~" else "Surv(time, status) ~", groups[1 + seed %% 8]
    ))
    args <- list(formula, d, conf.type = conf_types[1 + seed %% 6])
    if (!is.null(w)) args$weights <- w
    if (seed %% 5 == 0) args$subset <- quote(h != 2)
    do.call(expect_survfit, args, quote = TRUE)
  }
})

test_that("rows with missing values are reported as survfit() reports them (F01, F02, F24)", {
  d <- lung
  d$time[7] <- NaN
  d$status[9] <- NA
  rownames(d) <- paste0("r", seq_len(nrow(d)))
  fit <- expect_survfit(Surv(time, status) ~ ph.ecog, d)
  expect_s3_class(fit$na.action, "omit")
  expect_identical(names(fit$na.action), c("r7", "r9", "r14"))
  expect_survfit(Surv(time, status) ~ ph.ecog, d, na.action = stats::na.exclude)
  # Within a subset, rows are counted from its beginning, and a subset of NA is a row of NA.
  expect_survfit(Surv(time, status) ~ ph.ecog, d, subset = quote(time > 200))
  expect_survfit(Surv(time, status) ~ ph.ecog, d, subset = quote(wt.loss > 0))
  expect_survfit(Surv(time, status) ~ ph.ecog, d, subset = c(1, 7, 7, 14, NA, 2))
  expect_refused(km(Surv(time, status) ~ ph.ecog, d, na.action = na.fail), kind = "missing")
  expect_refused(km(Surv(time, status) ~ 1, d, na.action = "drop"), kind = "argument")
})

test_that("any kind of variable makes groups as in survfit()", {
  d <- lung
  d$text <- c("b", "A", "c")[1 + d$inst %% 3]
  d$number <- c(2.5, 10, 1)[1 + d$inst %% 3]
  d$yes <- d$age > 60
  d$rare <- factor(d$ph.ecog, levels = 4:0, labels = c("none has this", "three", "two", "one", "zero"))
  d$day <- as.Date("2020-01-01") + d$sex
  old <- Sys.getlocale("LC_COLLATE")
  on.exit(Sys.setlocale("LC_COLLATE", old))
  Sys.setlocale("LC_COLLATE", "C")
  formulas <- list(~text, ~number, ~yes, ~rare, ~day, ~ text + rare, ~ rare + text, ~ yes + number,
                   ~ strata(text), ~ strata(number), ~ strata(yes, number), ~ text + strata(rare),
                   ~ strata(rare) + number, ~ rare + strata(text, yes), ~ interaction(yes, sex),
                   ~ cut(age, c(0, 50, 60, 99)), ~ strata(sex, shortlabel = TRUE), ~ I(sex - 1),
                   ~ text + strata(text))
  for (f in formulas) {
    expect_survfit(stats::update(f, Surv(time, status) ~ .), d)
    expect_survfit(stats::update(f, Surv(time, status) ~ .), d, subset = quote(ph.ecog > 0))
  }
})

test_that("the names of curves are padded as survfit() pads them", {
  d <- data.frame(t = 1:4, s = 1, g = c("a", "b", "a", "b"))
  d$f <- factor(c("x", "y", "x", "y"), levels = c("x", "y", "long, unused"))
  expect_survfit(Surv(t, s) ~ g + f, d)
  expect_survfit(Surv(t, s) ~ f + g, d)
  d$k <- c(1, 1, 10, 10)
  expect_survfit(Surv(t, s) ~ g + strata(k, g), d, subset = quote(k < 5))
  expect_survfit(Surv(t, s) ~ g + strata(k), d, subset = quote(k < 5))
})

test_that("text groups are in C order whatever the locale, so no curve changes its place (F36)", {
  d <- data.frame(t = 1:3, s = 1, g = c("b", "A", "a"))
  expect_named(km(Surv(t, s) ~ g, d)$strata, c("g=A", "g=a", "g=b"))
})

test_that("columns may have any name", {
  d <- lung
  d[c("a b", "it's \"so\"", "x=1, y", "if")] <- d[c("time", "sex", "ph.ecog", "status")]
  fit <- km(Surv(`a b`, `if`) ~ `it's "so"` + strata(`x=1, y`), d)
  peer <- survival::survfit(Surv(time, status) ~ sex + strata(ph.ecog), lung)
  names <- sub("strata(ph.ecog)", "strata(`x=1, y`)", names(peer$strata), fixed = TRUE)
  names(peer$strata) <- sub("sex", "it's \"so\"", gsub("ph.ecog", "x=1, y", names, fixed = TRUE))
  expect_same_fit(fit, peer)
  expect_named(km(Surv(time, status) ~ `it's "so"`, d)$strata, c("it's \"so\"=1", "it's \"so\"=2"))
})

test_that("Surv() may be written in any way", {
  peer <- survival::survfit(Surv(time, status) ~ sex, lung)
  dead <- with(lung, Surv(time, status))
  same <- function(fit) expect_same_fit(fit, peer, deparse1(fit$call))
  same(km(survival::Surv(time, status) ~ sex, lung))
  same(km(Surv(event = status, time = time) ~ sex, lung))
  same(km(Surv(time, time2 = status) ~ sex, lung))
  same(km(Surv(time, status == 2) ~ sex, lung))
  same(km(Surv(time, status, type = "right") ~ sex, lung))
  same(km(dead ~ sex, lung))
  same(km(with(lung, Surv(time, status)) ~ sex, lung))
  Surv <- function(...) survival::Surv(...) # nolint: object_name_linter. somebody's own
  same(km(Surv(time, status) ~ sex, lung))
  expect_same_fit(
    km(Surv(event = event, time2 = stop, start) ~ surgery, heart),
    survival::survfit(survival::Surv(start, stop, event) ~ surgery, heart)
  )
})

test_that("vectors and a risk table give the fit of the formula", {
  parts <- c("n", "time", "n.risk", "n.event", "n.censor", "surv", "std.err", "cumhaz", "std.chaz", "lower",
             "upper")
  same <- function(fit, as) expect_identical(unclass(fit)[parts], unclass(as)[parts])
  by_formula <- km(Surv(time, status) ~ sex + strata(ph.ecog), lung)
  by_vectors <- with(lung, km(time, status, sex, strata = ph.ecog))
  by_table <- km(risk_table(Surv(time, status) ~ sex + strata(ph.ecog), lung))
  same(by_vectors, by_formula)
  same(by_table, by_formula)
  expect_identical(by_table$strata, by_formula$strata)
  names <- sub("strata(ph.ecog)=ph.ecog", "strata", names(by_formula$strata), fixed = TRUE)
  expect_named(by_vectors$strata, sub("sex", "group", names))
  same(with(lung, km(time = time, status = status, group = sex)), km(Surv(time, status) ~ sex, lung))
  same(with(heart, km(stop, event, surgery, entry = start)), km(Surv(start, stop, event) ~ surgery, heart))
  same(with(lung, km(Surv(time, status), group = sex)), km(Surv(time, status) ~ sex, lung))
  same(km(c(1, 2, 4)), km(Surv(c(1, 2, 4)) ~ 1))
  w <- rep(1:3, 76)
  same(with(lung, km(time, status, sex, weights = w)), km(Surv(time, status) ~ sex, lung, weights = w))
})

test_that("the class is survfit2 only where its formula, run again, gives the same fit", {
  f <- Surv(time, status) ~ sex
  expect_s3_class(km(f, lung), c("riskset_km", "survfit2", "survfit"), exact = TRUE)
  expect_identical(km(f, lung)$.Environment, environment(f))
  expect_s3_class(km(f, lung, weights = rep(2, 228)), c("riskset_km", "survfit"), exact = TRUE)
  expect_s3_class(with(lung, km(time, status)), c("riskset_km", "survfit"), exact = TRUE)
  expect_s3_class(km(risk_table(f, lung)), c("riskset_km", "survfit"), exact = TRUE)
  expect_identical(km(f, lung)$call, quote(km(formula = f, data = lung)))
})

test_that("the jackknife loses no digits when the last subject leaves", {
  # Only the last of four has the event: its error is 0, where a sum taken by subtraction left 1e-8.
  for (seed in 1:20) {
    set.seed(seed)
    d <- data.frame(t = 1:4, s = c(0, 0, 0, 1), w = runif(4, 0.1, 3))
    expect_survfit(Surv(t, s) ~ 1, d, weights = quote(w))
  }
})

# ---- Ties -------------------------------------------------------------------------------

test_that("times a few rounding errors apart are one, others are not (F09)", {
  one <- km(c(0.1 + 0.2, 0.3, 1))
  expect_identical(one$time, c(0.3, 1))
  expect_identical(one$n.event, c(2, 1))
  expect_identical(km(c(0.1 + 0.2, 0.3, 1), timefix = FALSE)$time, c(0.3, 0.1 + 0.2, 1))
  days <- 1:5000
  expect_length(km(c(days, days / 30.4375 * 30.4375))$time, 5000)
  # S21: therneau/survival tests/tiedtime.R
  expect_identical(km(c(1, 2, sqrt(2)^2, 2, sqrt(2)^2))$n.event, c(1, 4))
})

test_that("a run of tied times reaches 4 units in the last place from its first", {
  time <- function(k) 1 + k * 2^-52
  expect_identical(km(time(c(0, 4, 5, 9, 10)))$time, time(c(0, 5, 10)))
  expect_identical(km(time(0:12))$time, time(c(0, 5, 10)))
  expect_identical(km(time(c(3, 3, 8)))$time, time(c(3, 8)))
  set.seed(1)
  for (i in 1:20) {
    k <- sample.int(60, sample(2:30, 1))
    fit <- km(time(k))
    runs <- plain_runs(k)
    expect_identical(fit$time, time(unique(runs)))
    expect_identical(fit$n.event, as.numeric(table(runs)))
  }
})

test_that("two whole numbers are never one time, and entry and exit are on one grid (F10)", {
  big <- 2^52 + 0:9
  expect_identical(km(big)$time, big)
  expect_identical(km(c(2^53, 2^53 + 2, 2^53 + 4))$time, 2^53 + c(0, 2, 4))
  expect_identical(km(c(2^51 - 0.5, 2^51, 2^51 + 1))$time, 2^51 + c(-0.5, 1))
  fit <- km(c(0.3, 1), c(1, 1), entry = c(0, 0.1 + 0.2))
  expect_identical(fit$n.risk, c(1, 1))
  expect_refused(km(0.1 + 0.2, 1, entry = 0.3), kind = "entry")
  expect_identical(km(0.1 + 0.2, 1, entry = 0.3, timefix = FALSE)$n.risk, 1)
})

test_that("distinct times stay apart where survfit() makes them one (F08, F10)", {
  epoch <- 1.7e9 + 0:5
  tiny <- 1e-9 * 1:6
  expect_length(survival::survfit(Surv(epoch, rep(1, 6)) ~ 1)$time, 1)
  expect_length(survival::survfit(Surv(tiny, rep(1, 6)) ~ 1)$time, 1)
  expect_identical(km(epoch)$time, epoch)
  expect_identical(km(tiny)$time, tiny)
  expect_identical(km(epoch)$surv, km(tiny)$surv)
  expect_identical(km(epoch, timefix = "survival")$time, epoch[1L])
  expect_identical(km(tiny, timefix = "survival")$time, tiny[1L])
  expect_output(print(km(epoch, timefix = "survival")), "5 distinct times merged as tied")
  expect_identical(km(c(5e-324, 1e-323, 1e-310))$time, c(5e-324, 1e-323, 1e-310))
})

test_that("curves keep their shape when time changes its unit or origin (F11)", {
  set.seed(5)
  t <- rexp(300)
  s <- rbinom(300, 1, 0.7)
  fit <- km(t, s)
  for (other in list(t * 1e-5, t * 1e9, t + 17000, rank(t))) expect_identical(km(other, s)$surv, fit$surv)
})

test_that("timefix = \"survival\" is the rule of survfit(), chained and over the mean", {
  set.seed(3)
  for (scale in c(1e-8, 1, 1e6)) {
    t <- scale * (1 + sample.int(40, 60, TRUE) * sample(c(1e-9, 1e-8, 1e-7), 1L))
    d <- data.frame(t = c(t, 3 * scale), s = 1, g = rep(1:2, length.out = 61))
    expect_survfit(Surv(t, s) ~ g, d, ours = list(timefix = "survival"))
  }
  d <- data.frame(e = c(0, 1), t = c(2, 1 + 1e-9), s = 1)
  expect_error(survival::survfit(Surv(e, t, s) ~ 1, d), "effective length 0")
  expect_refused(km(Surv(e, t, s) ~ 1, d, timefix = "survival"), "row 2", "entry")
  expect_identical(km(Surv(e, t, s) ~ 1, d)$n.risk, c(2, 1))
})

# ---- What reads a fit -------------------------------------------------------------------

same_printed <- function(x, y, ...) {
  printed <- function(fit) capture.output(print(fit, ...))[-(1:2)]
  expect_identical(printed(x), printed(y))
}

test_that("summary(), print(), quantile(), median() and lines() take a fit as survfit()'s", {
  fit <- km(Surv(time, status) ~ sex, lung)
  peer <- survival::survfit(Surv(time, status) ~ sex, lung)
  for (times in list(c(0, 100, 500), c(30, 5000))) {
    for (extend in c(FALSE, TRUE)) {
      ours <- summary(fit, times = times, extend = extend)
      theirs <- summary(peer, times = times, extend = extend)
      expect_equal(ours[setdiff(names(theirs), "call")], theirs[setdiff(names(theirs), "call")],
                   tolerance = 1e-10)
    }
  }
  expect_equal(summary(fit, rmean = 500)$table, summary(peer, rmean = 500)$table, tolerance = 1e-10)
  same_printed(fit, peer)
  same_printed(fit, peer, rmean = 500)
  same_printed(fit, peer, print.rmean = TRUE, rmean = "individual")
  expect_equal(quantile(fit, c(0.1, 0.5, 0.99)), quantile(peer, c(0.1, 0.5, 0.99)), tolerance = 1e-10)
  expect_equal(quantile(fit, 0.3, conf.int = FALSE), quantile(peer, 0.3, conf.int = FALSE), tolerance = 1e-10)
  expect_equal(median(fit), median(peer), tolerance = 1e-10)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  plot(peer)
  expect_equal(lines(fit), lines(peer), tolerance = 1e-10)
  start <- survival::survfit0(fit)
  peer_start <- survival::survfit0(peer)
  parts <- setdiff(names(peer_start), "call")
  expect_equal(unclass(start)[parts], unclass(peer_start)[parts], tolerance = 1e-10, ignore_attr = "riskset")
})

test_that("many variables make the combinations that occur, not all there could be", {
  fit <- km(Surv(time, status) ~ ., lung)
  expect_identical(sum(fit$n), nrow(na.omit(lung)))
})

test_that("data may come first and the formula by its name", {
  expect_equal(km(data = lung, formula = Surv(time, status) ~ sex),
               km(Surv(time, status) ~ sex, data = lung), ignore_attr = TRUE, ignore_formula_env = TRUE)
  expect_error(km(list(1, 2), data = lung), class = "riskset_error_time")
})

test_that("one curve can be taken by number, name or logical, with its counts", {
  w <- rep(1:3, 76)
  for (weights in list(NULL, w, w / 2)) {
    fit <- km(Surv(time, status) ~ sex + strata(ph.ecog), lung, weights = weights)
    for (i in list(1, 2:1, -1, "sex=2, strata(ph.ecog)=ph.ecog=0",
                   c(TRUE, rep(FALSE, length(fit$strata) - 1)))) {
      part <- fit[i]
      peer <- unclass(fit)
      class(peer) <- "survfit"
      peer <- peer[i]
      names <- setdiff(names(peer), c("call", "counts", ".Environment"))
      expect_identical(unclass(part)[names], unclass(peer)[names])
      expect_identical(class(part), class(fit))
    }
    one <- fit[2]
    expect_identical(one$time, with(fit, time[rep(names(strata), strata) == names(strata)[2]]))
    if (!is.null(fit$counts)) {
      expect_identical(dim(one$counts), c(length(one$time), 3L))
      expect_identical(one$counts[, "nrisk"],
                       fit$counts[rep(seq_along(fit$strata), fit$strata) == 2, "nrisk"])
    }
  }
  whole <- km(Surv(time, status) ~ 1, lung)
  expect_identical(whole[1], whole)
  expect_error(whole[2])
  fit <- km(Surv(time, status) ~ sex, lung)
  for (i in list(3, "sex=3", NA, integer())) expect_refused(fit[i], kind = "argument")
})

test_that("broom and residuals take a fit as survfit()'s", {
  skip_if_not_installed("broom")
  for (data in list(lung, subset(lung, time > 100))) {
    fit <- km(Surv(time, status) ~ sex, data)
    peer <- survival::survfit(Surv(time, status) ~ sex, data)
    expect_equal(broom::tidy(fit), broom::tidy(peer), tolerance = 1e-10)
  }
  fit <- km(Surv(time, status) ~ 1, lung)
  peer <- survival::survfit(Surv(time, status) ~ 1, lung)
  expect_equal(broom::glance(fit), broom::glance(peer), tolerance = 1e-10)
  fit <- km(Surv(time, status) ~ sex, survival::lung)
  peer <- survival::survfit(Surv(time, status) ~ sex, survival::lung)
  expect_equal(survival::pseudo(fit, times = 100), survival::pseudo(peer, times = 100), tolerance = 1e-10)
})

test_that("ggsurvfit draws a fit with its risk table, P value and quantiles", {
  skip_if_not_installed("ggsurvfit")
  skip_if_broken(ggsurvfit::ggsurvfit(ggsurvfit::survfit2(Surv(time, status) ~ sex, lung)), "ggsurvfit")
  fit <- km(Surv(time, status) ~ sex, lung)
  peer <- ggsurvfit::survfit2(Surv(time, status) ~ sex, lung)
  draw <- function(x) {
    ggsurvfit::ggsurvfit(x) + ggsurvfit::add_confidence_interval() + ggsurvfit::add_risktable() +
      ggsurvfit::add_pvalue() + ggsurvfit::add_quantile() + ggsurvfit::add_censor_mark()
  }
  expect_equal(
    ggplot2::ggplot_build(draw(fit))$data, ggplot2::ggplot_build(draw(peer))$data, tolerance = 1e-10
  )
  expect_equal(ggsurvfit::tidy_survfit(fit), ggsurvfit::tidy_survfit(peer), tolerance = 1e-10)
  expect_identical(ggsurvfit::survfit2_p(fit), ggsurvfit::survfit2_p(peer))
  for (other in list(km(Surv(time, status) ~ sex, lung, weights = rep(1:2, 114)),
                     with(lung, km(time, status, sex)))) {
    p <- ggsurvfit::ggsurvfit(other) + ggsurvfit::add_risktable()
    expect_s3_class(ggsurvfit::ggsurvfit_build(p), "ggplot")
  }
})

test_that("survminer draws and summarises a fit", {
  skip_if_not_installed("survminer")
  peer <- survival::survfit(Surv(time, status) ~ sex, lung)
  skip_if_broken(survminer::surv_median(peer), "survminer")
  fit <- km(Surv(time, status) ~ sex, lung)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  ours <- suppressWarnings(suppressMessages(
    survminer::ggsurvplot(fit, data = lung, pval = TRUE, risk.table = TRUE)
  ))
  expect_s3_class(ours, "ggsurvplot")
  expect_equal(survminer::surv_summary(fit, lung), survminer::surv_summary(peer, lung), tolerance = 1e-10)
  expect_equal(survminer::surv_pvalue(fit, lung), survminer::surv_pvalue(peer, lung), tolerance = 1e-10)
  medians <- function(x) suppressWarnings(survminer::surv_median(x))
  expect_equal(medians(fit), medians(peer), tolerance = 1e-10)
})

# ---- SPSS's quantiles -------------------------------------------------------------------

test_that("quantile(ci = \"spss\") is the smallest time with S at or below, and its interval", {
  for (d in list(lung, subset(lung, sex == 2), transform(lung, time = ceiling(time / 30)))) {
    fit <- km(Surv(time, status) ~ 1, d)
    for (p in c(0.25, 0.5, 0.6)) {
      q <- quantile(fit, p, ci = "spss")
      expect_equal(unname(c(q$quantile, q$lower, q$upper)), plain_spss(d$time, d$status - 1, p),
                   tolerance = 1e-12)
    }
  }
  q <- quantile(km(Surv(time, status) ~ sex, lung), c(0.25, 0.5), ci = "spss")
  expect_identical(dimnames(q$lower), list(c("sex=1", "sex=2"), c("25", "50")))
  women <- subset(lung, sex == 2)
  upper <- vapply(c(`25` = 0.25, `50` = 0.5), function(p) plain_spss(women$time, women$status - 1, p)[3], 0)
  expect_equal(q$upper[2, ], upper, tolerance = 1e-12)
  q <- quantile(km(Surv(time, status) ~ 1, lung), ci = "spss", conf.int = FALSE)
  expect_identical(q, c(`25` = 170, `50` = 310, `75` = 550))
})

test_that("where S is exactly a half survfit() takes a midpoint and SPSS the smallest time (F58)", {
  fit <- km(1:10)
  expect_identical(unname(quantile(fit, 0.5)$quantile), 5.5)
  expect_identical(unname(quantile(fit, 0.5, ci = "spss")$quantile), 5)
  # S3: CAMIS, "SAS vs R: Kaplan-Meier": of ten times the first five are events; the curve stays
  # at a half, R prints 102.5 and SAS no median.
  camis <- km(c(54, 75, 77, 84, 87, 92, 103, 105, 112, 118), rep(1:0, each = 5), conf.type = "log-log")
  expect_identical(unname(quantile(camis, 0.5)$quantile), 102.5)
  expect_identical(unname(quantile(camis, 0.5, ci = "spss")$quantile), 87)
  expect_equal(round(summary(camis, times = c(80, 100))$lower, 3), c(0.329, 0.184))
  expect_equal(round(summary(camis, times = c(80, 100))$upper, 3), c(0.892, 0.753))
  # Seven factors whose product is a half only but for rounding.
  sevenths <- km(c(1:7, rep(8, 7)), rep(1:0, each = 7))
  expect_identical(unname(quantile(sevenths, 0.5, ci = "spss")$quantile), 7)
})

test_that("an interval of SPSS is NA where S reaches neither side (F58)", {
  q <- quantile(km(1:10, c(rep(1, 5), rep(0, 5))), 0.5, ci = "spss")
  expect_identical(unname(c(q$quantile, q$lower, q$upper)), c(5, NA, NA)) # S never below .45
  q <- quantile(km(c(1, 1, 1, 2)), 0.5, ci = "spss")
  expect_identical(unname(c(q$quantile, q$lower, q$upper)), c(1, NA, NA)) # S never above .55
  q <- quantile(km(1:4, c(1, 0, 0, 0)), 0.5, ci = "spss")
  expect_identical(unname(c(q$quantile, q$lower, q$upper)), rep(NA_real_, 3))
  expect_identical(unname(unlist(quantile(km(1:3, c(0, 0, 0)), 0.5, ci = "spss"))), rep(NA_real_, 3))
})

test_that("quantile() refuses what is no probability or interval (F58)", {
  fit <- km(Surv(time, status) ~ sex, lung)
  for (p in list(1.1, -0.1, NA, "half", NULL)) {
    expect_refused(quantile(fit, p), "`probs`", "argument")
  }
  expect_refused(quantile(fit, 0.5, ci = "sas"), "`ci` must be one of", "argument")
  expect_refused(quantile(fit, 0.5, ci = "spss", conf.int = NA), kind = "argument")
  expect_refused(quantile(fit, 0.5, ci = "spss", scale = 2), kind = "argument")
})

# ---- Published numbers ------------------------------------------------------------------

test_that("medians of Freireich's 6-MP trial are those in the literature", {
  skip_if_not_installed("MASS")
  d <- MASS::gehan # Freireich et al. (1963) Blood 21:699-716; Gehan (1965) Biometrika 52:203-223
  fit <- km(Surv(time, cens) ~ treat, d, conf.type = "log-log")
  expect_equal(unname(quantile(fit, 0.5)$quantile[, 1]), c(23, 8))
  expect_equal(unname(quantile(fit, 0.5)$lower[, 1]), c(13, 4))
  expect_equal(unname(quantile(fit, 0.5)$upper[, 1]), c(NA, 11))
  expect_equal(c(sum(d$time), sum(d$cens)), c(541, 30)) # see data.princeton.edu/pop509/gehan
})

test_that("quantiles at and between the steps of a curve are those of survival's own test", {
  # S20: therneau/survival tests/quantile.R; S is 6/7, 18/35, 9/35 and the probabilities meet each
  test1 <- data.frame(time = c(9, 3, 1, 1, 6, 6, 8, 10), status = c(1, NA, 1, 0, 1, 1, 0, 0),
                      x = c(0, 2, 1, 1, 1, 0, 0, 0))
  levels <- c(13 / 14, 6 / 7, 2 / 3, 0.5, 9 / 35, 0.1)
  fit <- km(Surv(time, status) ~ 1, test1)
  q <- quantile(fit, 1 - levels)
  expect_equal(unname(q$quantile), c(1, 3.5, 6, 9, 9.5, NA))
  expect_equal(unname(q$lower), c(1, 1, 1, 6, 6, 9))
  expect_equal(unname(q$upper), rep(NA_real_, 6))
  # SPSS has no midpoints
  expect_equal(unname(quantile(fit, 1 - levels, ci = "spss", conf.int = FALSE)), c(1, 1, 6, 9, 9, NA))
  by_x <- quantile(km(Surv(time, status) ~ x, test1), 1 - levels, conf.int = FALSE)
  expect_equal(unname(by_x), rbind(c(6, 6, 9, 9, NA, NA), c(1, 1, 3.5, 6, 6, 6)))
})

test_that("reverse Kaplan-Meier of lung is that of survminer's issue 828", {
  fit <- km(Surv(time, status == 1) ~ sex, lung) # S19
  expect_identical(unname(quantile(fit, 0.5)$quantile[, 1]), c(840, 529))
  expect_identical(unname(quantile(fit, 0.5)$lower[, 1]), c(806, 376))
  expect_identical(unname(quantile(km(Surv(time, status) ~ sex, lung), 0.5)$upper[, 1]), c(310, 550))
})

# ---- At the edge ------------------------------------------------------------------------

test_that("one row, all tied, all censored and censored at infinity are fits (F03, F06, F16)", {
  for (d in list(
    data.frame(t = 5, s = 1), data.frame(t = 5, s = 0), data.frame(t = 0, s = 1),
    data.frame(t = rep(2, 9), s = 1),
    data.frame(t = rep(2, 9), s = rep(0:2, 3) > 0), data.frame(t = 1:4, s = 0),
    data.frame(t = c(0, 0, 1), s = c(1, 0, 1))
  )) {
    for (type in conf_types) expect_survfit(Surv(t, s) ~ 1, d, conf.type = type)
  }
  d <- data.frame(t = c(1, 2, Inf, Inf), s = c(1, 0, 0, 0), g = c(1, 2, 1, 2))
  fit <- km(Surv(t, s) ~ 1, d)
  expect_identical(fit$time, c(1, 2, Inf))
  expect_identical(fit$n.risk, c(4, 3, 2))
  expect_identical(km(Surv(t, s) ~ 1, d, timefix = FALSE)$surv, fit$surv)
  d$t[3:4] <- 9
  expect_identical(km(Surv(t, s) ~ g, d)$surv, km(Surv(ifelse(t == 9, Inf, t), s) ~ g, d)$surv)
})

test_that("status is read as Surv() reads it (F17, F18, F19)", {
  t <- c(3, 5, 7, 9)
  dead <- c(TRUE, FALSE, TRUE, FALSE)
  events <- function(...) km(t, ...)$n.event
  for (status in list(dead, as.integer(dead), dead + 0, dead + 1L, dead + 1, as_labelled(dead + 0),
                      as_integer64(dead + 1))) {
    expect_identical(events(status), c(1, 0, 1, 0))
    expect_identical(km(Surv(t, status) ~ 1)$n.event, c(1, 0, 1, 0))
  }
  expect_identical(events(rep(1, 4)), rep(1, 4))
  expect_identical(events(rep(2, 4)), rep(1, 4))
  expect_identical(events(c(0, 5, 5, 7), event = 5), c(0, 1, 1, 0))
  # The coding is that of all the data, whatever the subset.
  expect_identical(km(Surv(t, c(1, 1, 2, 2)) ~ 1, subset = 1:2)$n.event, c(0, 0))
  expect_identical(km(Surv(t, c(NA, 1, 1, 2)) ~ 1, subset = 1:3)$n.event, c(0, 0))
})

test_that("quantiles with fractional weights are survfit()'s where only rounding parts S from the level", {
  set.seed(12)
  for (i in 1:60) {
    n <- sample(4:40, 1)
    d <- data.frame(time = sample(n, n, TRUE), status = rbinom(n, 1, 0.6),
                    w = if (i %% 2) 1 / sample(c(0.4, 0.5, 0.8, 0.9), n, TRUE) else runif(n))
    fit <- km(Surv(time, status) ~ 1, d, weights = w)
    peer <- survival::survfit(Surv(time, status) ~ 1, d, weights = w)
    expect_equal(quantile(fit, 1:9 / 10), quantile(peer, 1:9 / 10))
    expect_true(all(diff(fit$std.err)[fit$n.event[-1] == 0] == 0))
  }
  d <- data.frame(time = 1:4, status = c(0, 1, 0, 0), w = c(0.7, 0.4, 0.4, 0.8))
  expect_identical(quantile(km(Surv(time, status) ~ 1, d, weights = w), 0.25)$quantile, c(`25` = 3))
})

test_that("fit[] is the fit; quantiles and their arguments are checked", {
  fit <- km(Surv(time, status) ~ sex, lung)
  expect_identical(fit[], fit)
  for (bad in list(NA, NULL, "a", c(TRUE, FALSE))) {
    for (ci in c("band", "spss")) {
      expect_refused(quantile(fit, conf.int = bad, ci = ci), "`conf.int`", "argument")
    }
  }
  for (ci in c("band", "spss")) expect_refused(quantile(fit, numeric(0), ci = ci), "`probs`", "argument")
  expect_refused(quantile(fit, 0.5, type = "spss"), "unused argument `type`", "argument")
  expect_equal(quantile(fit, 0.5, scale = 2)$quantile, quantile(fit, 0.5)$quantile / 2)
})

test_that("print() says what survfit()'s does not: rows dropped before, NaN, and merged times (F02)", {
  l <- lung
  l$time[3:4] <- c(NA, NaN)
  f <- Surv(time, status) ~ sex
  expect_output(print(km(f, l)), "(time: 2; 1 of them NaN)", fixed = TRUE)
  expect_output(print(km(risk_table(f, l))), "(time: 2; 1 of them NaN)", fixed = TRUE)
  expect_output(print(km(c(0.1 + 0.2, 0.3, 1))), "1 distinct time merged", fixed = TRUE)
})

test_that("times of other classes count by their number (F12, F13, F14, F25)", {
  t <- c(3, 5, 5, NA)
  s <- c(1, 1, 0, 1)
  for (time in list(as.integer(t), as_labelled(t), as_integer64(t), stats::setNames(t, letters[1:4]))) {
    fit <- km(time, s)
    expect_identical(fit$time, c(3, 5))
    expect_identical(fit$n.risk, c(3, 2))
    expect_identical(km(Surv(time, s) ~ 1)$time, c(3, 5))
  }
  expect_identical(km(as_integer64(2^52 - 0:1))$time, 2^52 - 1:0)
  huge <- structure(2^1023, class = "integer64") # its bits are far above 2^53
  expect_refused(km(huge), "integer64 values of 2\\^53 or more", "argument")
})

test_that("data may be a list, an environment, a tibble, a data.table or nothing", {
  fit <- km(Surv(time, status) ~ sex, lung)
  parts <- setdiff(names(fit), c("call", ".Environment"))
  for (data in list(as.list(lung), list2env(lung), as_tibble_like(lung), as_data_table_like(lung))) {
    expect_identical(unclass(km(Surv(time, status) ~ sex, data))[parts], unclass(fit)[parts])
    expect_identical(unclass(km(Surv(time, status) ~ ph.ecog, data, subset = sex == 1))$surv,
                     km(Surv(time, status) ~ ph.ecog, lung, subset = sex == 1)$surv)
  }
  time <- lung$time
  status <- lung$status
  sex <- lung$sex
  expect_identical(unclass(km(Surv(time, status) ~ sex))[parts], unclass(fit)[parts])
  expect_named(km(Surv(time, status) ~ ., lung[c("time", "status", "sex")])$strata, c("sex=1", "sex=2"))
})

test_that("the input is left as it was, and the random numbers too", {
  d <- random_trial(1)
  before <- lapply(d, identity)
  set.seed(1)
  seed <- .Random.seed
  km(Surv(entry, time, status) ~ g + strata(h), d, weights = whole)
  logrank(Surv(time, status) ~ g, d)
  expect_identical(lapply(d, identity), before)
  expect_identical(.Random.seed, seed)
})

test_that("a fit survives being saved", {
  fit <- km(Surv(start, stop, event) ~ surgery, heart, weights = rep(1:2, 86))
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(file))
  saveRDS(fit, file)
  expect_equal(logrank(readRDS(file)), logrank(fit))
})

test_that("what is not there yet is refused by name", {
  f <- Surv(time, status) ~ sex
  dead <- suppressWarnings(Surv(lung$time, factor(lung$status), type = "mstate"))
  expect_refused(km(f, lung, id = inst), "`id` is not supported yet", "unsupported")
  expect_refused(km(f, lung, cluster = inst), "`cluster`", "unsupported")
  expect_refused(km(f, lung, start.time = 1), "`start.time`", "unsupported")
  expect_refused(km(f, lung, stype = 2), "`stype`", "unsupported")
  expect_refused(km(Surv(time, status) ~ cluster(sex), lung), "`cluster\\(\\)`", "unsupported")
  expect_refused(km(Surv(time, status) ~ tt(sex), lung), "`tt\\(\\)`", "unsupported")
  expect_refused(km(dead ~ 1), "mright", "unsupported")
  expect_refused(km(Surv(time, status, type = "left") ~ 1, lung), "left", "unsupported")
  h <- transform(heart, w = 0.5)
  expect_refused(km(Surv(start, stop, event) ~ 1, h, weights = w),
                 "`weights` must be whole numbers with entry times", "unsupported")
  expect_refused(km(f, lung, fun = "event"), "unused argument `fun`", "argument")
})

test_that("levels and kinds of intervals are checked (F59)", {
  f <- Surv(time, status) ~ sex
  for (level in list(95, -1, NA, 0, 1, NaN, "0.9", c(0.9, 0.95), NULL)) {
    expect_refused(km(f, lung, conf.int = level), "`conf.int` must be one number between 0 and 1", "level")
  }
  for (type in list("loglog", NA, NULL, 1, c("log", "plain"))) {
    expect_refused(km(f, lung, conf.type = type), "`conf.type` must be one of", "argument")
  }
  for (rule in list(NA, "aeqSurv", 1, NULL, c(TRUE, TRUE))) {
    expect_refused(km(f, lung, timefix = rule), "`timefix` must be TRUE, FALSE or \"survival\"", "argument")
  }
  expect_refused(km(risk_table(f, lung), conf.int = 95), kind = "level")
})

test_that("S = 0 has an infinite standard error and no limits, on every scale (F57)", {
  for (type in setdiff(conf_types, "none")) {
    for (fit in list(km(1:3, conf.type = type), km(Surv(1:3, c(1, 1, 1)) ~ 1, conf.type = type))) {
      expect_identical(fit$surv[3], 0)
      expect_identical(fit$std.err[3], Inf)
      expect_true(is.na(fit$lower[3]) && is.na(fit$upper[3]))
    }
  }
  whole <- km(1:3, weights = c(2, 1, 2))
  expect_identical(c(whole$surv[3], whole$std.err[3]), c(0, Inf))
})

test_that("a probability that a curve never reaches is NA, one that it meets but for rounding is met (F58)", {
  never <- quantile(km(1:4, c(1, 0, 0, 0)), c(0.2, 0.5), ci = "band")
  expect_identical(unname(never$quantile), c(1, NA))
  # 0.9, 0.8, ..., by products of rounded factors
  fit <- km(1:10)
  for (p in 1:9 / 10) {
    expect_identical(unname(quantile(fit, p)$quantile), 10 * p + 0.5)
    expect_identical(unname(quantile(fit, p, ci = "spss")$quantile), 10 * p)
  }
  peer <- survival::survfit(Surv(1:10) ~ 1)
  expect_equal(quantile(fit, 0:1)$quantile, quantile(peer, 0:1)$quantile)
  for (p in list(-1e-9, 1 + 1e-9, NaN, Inf, c(0.5, NA), "0.5", TRUE)) {
    for (ci in c("band", "spss")) expect_refused(quantile(fit, p, ci = ci), "`probs`", "argument")
  }
})

# ---- Paths and threads ------------------------------------------------------------------

test_that("counting, sorting and threads give the same fit (F61)", {
  set.seed(11)
  d <- shared_rows(groups = 7)
  fits <- function() {
    list(
      km(Surv(days, status) ~ g, d), km(Surv(real, status) ~ g, d, weights = w),
      km(Surv(early, days, status) ~ g, d), km(Surv(days, status) ~ g, d, weights = w / 7),
      km(Surv(days / 30.4375, status) ~ g, d), km(Surv(days / 7, status) ~ g, d, weights = w)
    )
  }
  old <- options(riskset.threads = 1)
  on.exit(options(old))
  alone <- fits()
  options(riskset.paths = "sort")
  expect_identical(fits()[-4], alone[-4])
  expect_equal(fits()[[4]], alone[[4]], tolerance = 1e-13)
  options(riskset.threads = 2)
  expect_identical(fits()[-4], alone[-4])
  options(riskset.paths = NULL)
  expect_identical(fits(), alone)
  whole <- survival::survfit(Surv(real, status) ~ g, d, weights = w, timefix = FALSE)
  expect_same_fit(km(Surv(real, status) ~ g, d, weights = w, timefix = FALSE), whole)
  months <- survival::survfit(Surv(days / 30.4375, status) ~ g, d)
  expect_same_fit(alone[[5]], months)
})
