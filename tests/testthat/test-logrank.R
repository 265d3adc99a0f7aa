# ---- Equal to survdiff() ----------------------------------------------------------------

test_that("logrank() equals survdiff() for every data set of survival", {
  cases <- list(
    aml = Surv(time, status) ~ x,
    bladder = Surv(stop, event) ~ rx + strata(enum),
    capacitor = Surv(time, status) ~ voltage,
    colon = Surv(time, status) ~ rx + strata(etype),
    diabetic = Surv(time, status) ~ trt + strata(laser),
    gbsg = Surv(rfstime, status) ~ grade,
    imotor = Surv(time, status) ~ temp,
    jasa = Surv(futime + 1, fustat) ~ transplant,
    kidney = Surv(time, status) ~ disease + strata(sex),
    lung = Surv(time, status) ~ ph.ecog + strata(sex),
    mgus = Surv(futime, death) ~ pcdx,
    mgus2 = Surv(futime, death) ~ sex + strata(age > 70),
    myeloid = Surv(futime, death) ~ trt + strata(sex),
    nwtco = Surv(edrel, rel) ~ stage + strata(histol),
    ovarian = Surv(futime, fustat) ~ rx,
    pbc = Surv(time, status == 2) ~ edema + strata(sex),
    rats = Surv(time, status) ~ rx + strata(litter),
    retinopathy = Surv(futime, status) ~ trt + strata(type, laser),
    rotterdam = Surv(rtime, recur) ~ size + hormon,
    stanford2 = Surv(time, status) ~ (age > 50),
    transplant = Surv(futime, event == "death") ~ abo,
    veteran = Surv(time, status) ~ celltype + strata(trt)
  )
  for (i in seq_along(cases)) {
    data <- getExportedValue("survival", names(cases)[i])
    for (rho in c(0, c(-1.5, -0.5, 0.5, 1, 2)[1 + i %% 5])) {
      expect_survdiff(cases[[i]], data, rho = rho, timefix = "survival")
    }
  }
})

test_that("logrank() equals survdiff() for every rho", {
  for (rho in seq(-1.5, 2, by = 0.25)) {
    expect_survdiff(Surv(time, status) ~ sex, lung, rho = rho)
    expect_survdiff(Surv(time, status) ~ celltype, veteran, rho = rho)
    expect_survdiff(Surv(time, status) ~ celltype + strata(trt, prior), veteran, rho = rho)
  }
})

test_that("logrank() equals survdiff() with missing values, subset, unused levels and several variables", {
  d <- lung
  d$arm <- factor(d$sex, 0:3)
  expect_survdiff(Surv(time, status) ~ sex + ph.ecog, subset(d, ph.ecog < 3))
  expect_survdiff(Surv(time, status) ~ arm + strata(inst), d)
  test <- logrank(Surv(time, status) ~ arm, d, subset = age > 60)
  peer <- survival::survdiff(Surv(time, status) ~ arm, d, subset = age > 60)
  expect_equal(unname(test$statistic), peer$chisq, tolerance = 1e-10)
  expect_identical(names(test$n), c("arm=1", "arm=2"))
  expect_identical(test$unused, c("arm=0", "arm=3"))
  expect_output(print(test), "groups without rows: arm=0, arm=3", fixed = TRUE)
  missing <- logrank(Surv(time, status) ~ ph.ecog, d)
  expect_output(print(missing), "rows dropped for missing values (group: 1)", fixed = TRUE)
  d$time[3] <- NaN
  expect_output(print(logrank(Surv(time, status) ~ sex, d)), "(time: 1; 1 of them NaN)", fixed = TRUE)
})

test_that("names, observed and expected are those of survdiff()", {
  test <- logrank(Surv(time, status) ~ celltype, veteran)
  peer <- survival::survdiff(Surv(time, status) ~ celltype, veteran)
  expect_identical(names(test$observed), names(peer$n))
  expect_identical(dimnames(test$variance), list(names(peer$n), names(peer$n)))
  expect_identical(test$n, stats::setNames(as.numeric(peer$n), names(peer$n)))
  expect_s3_class(test, c("riskset_logrank", "htest"), exact = TRUE)
  expect_identical(test$method, "Log-rank test")
  expect_identical(test$data.name, "Surv(time, status) ~ celltype")
  expect_equal(test$p.value, stats::pchisq(peer$chisq, 3, lower.tail = FALSE), tolerance = 1e-10)
  expect_equal(exp(test$log.p), test$p.value)
})

# ---- Equal to an independent computation ------------------------------------------------

test_that("every rho and gamma, entry, strata and whole weights agree with a computation from rows", {
  powers <- list(c(0, 0), c(1, 0), c(0, 1), c(1, 1), c(0.5, 0.5), c(0.5, 2), c(-1, 0), c(2, 0.25))
  for (seed in 1:48) {
    d <- stats::na.omit(random_trial(seed, n = c(12, 40)[1 + seed %% 2], missing = 0))
    args <- list(time = d$time, status = d$status, group = d$g)
    if (seed %% 2) args$strata <- d$h
    if (seed %% 3 == 0) args$entry <- d$entry
    if (seed %% 4 == 0) args$weights <- d$whole
    power <- powers[[1 + seed %% 8]]
    plain <- do.call(plain_logrank,
                     c(replace(args, "group", list(droplevels(d$g))), rho = power[1], gamma = power[2]))
    if (!all(is.finite(plain$variance)) || plain$df < 1) next
    test <- do.call(logrank, c(args, rho = power[1], gamma = power[2], timefix = FALSE))
    expect_plain_logrank(test, plain)
  }
  h <- heart
  test <- logrank(Surv(start, stop, event) ~ transplant + strata(surgery), h, gamma = 0.5)
  expect_plain_logrank(test, plain_logrank(h$stop, h$event, h$transplant, h$surgery, h$start, gamma = 0.5))
})

test_that("a row of weight k is k rows, in every result (F42, F54, F55)", {
  w <- rep(c(3, 1, 0, 2), length.out = nrow(veteran))
  many <- veteran[rep(seq_along(w), w), ]
  f <- Surv(time, status) ~ celltype + strata(trt)
  for (power in list(c(0, 0), c(1, 0), c(0.5, 2))) {
    weighted <- logrank(f, veteran, weights = w, rho = power[1], gamma = power[2])
    repeated <- logrank(f, many, rho = power[1], gamma = power[2])
    parts <- c("statistic", "parameter", "p.value", "log.p", "observed", "expected", "variance")
    expect_identical(weighted[c(parts, "n")], repeated[c(parts, "n")])
    from_table <- logrank(risk_table(f, veteran, weights = w), rho = power[1], gamma = power[2])
    expect_identical(from_table$n, repeated$n)
  }
  # entry times and times too many to count, too
  late <- Surv(time - 0.5, time + age / 7, status) ~ trt
  expect_identical(logrank(late, veteran, weights = w)$n, logrank(late, many)$n)
  # and of weight 1e9, which overflows an integer in some programs
  huge <- logrank(f, veteran, weights = rep(1e9, 137))
  expect_equal(huge$observed, 1e9 * logrank(f, veteran)$observed)
  expect_true(is.finite(huge$statistic) && huge$p.value == 0 && huge$log.p < -1e9)
  expect_output(print(huge), "p <2e-16")
})

test_that("the log-rank test is the stratified Mantel-Haenszel test of its event times", {
  times <- with(aml, sort(unique(time[status == 1])))
  tables <- vapply(times, function(t) {
    at <- aml$time >= t
    table(aml$x[at], factor(aml$time[at] == t & aml$status[at] == 1, c(TRUE, FALSE)))
  }, matrix(0, 2, 2))
  tables <- tables[, , apply(tables, 3, sum) > 1]
  peer <- stats::mantelhaen.test(tables, correct = FALSE)
  expect_equal(unname(logrank(Surv(time, status) ~ x, aml)$statistic), unname(peer$statistic),
               tolerance = 1e-10)
})

test_that("one stratum is no stratum, and order of rows and groups does not matter (F61)", {
  f <- Surv(time, status) ~ celltype
  plain <- logrank(f, veteran, rho = 1)
  parts <- c("statistic", "parameter", "p.value", "observed", "expected", "variance")
  expect_identical(logrank(Surv(time, status) ~ celltype + strata(1 + 0 * trt), veteran, rho = 1)[parts],
                   plain[parts])
  set.seed(2)
  expect_identical(logrank(f, veteran[sample(137), ], rho = 1)[parts], plain[parts])
  back <- logrank(Surv(time, status) ~ factor(celltype, rev(levels(celltype))), veteran, rho = 1)
  expect_equal(unname(back$statistic), unname(plain$statistic), tolerance = 1e-12)
  expect_equal(unname(rev(back$observed)), unname(plain$observed), tolerance = 1e-12)
})

test_that("the statistic depends on the order of times only (F11)", {
  set.seed(9)
  t <- rexp(2000)
  s <- rbinom(2000, 1, 0.7)
  g <- rbinom(2000, 1, 0.5)
  test <- logrank(t, s, g)
  for (other in list(t * 1e-5, t * 1e9, t + 17000, rank(t))) {
    expect_identical(logrank(other, s, g)$statistic, test$statistic)
  }
  # survdiff() merges times that are close in its unit: seconds of one day of 1970 and of today
  seconds <- 1:400 * 86
  s <- s[1:400]
  g <- g[1:400]
  early <- survival::survdiff(Surv(seconds, s) ~ g)$chisq
  late <- survival::survdiff(Surv(seconds + 1.7e12, s) ~ g)$chisq
  expect_gt(abs(early - late), 0.01)
  expect_equal(unname(logrank(seconds, s, g)$statistic), early, tolerance = 1e-10)
  expect_equal(unname(logrank(seconds + 1.7e12, s, g)$statistic), early, tolerance = 1e-10)
  loose <- logrank(seconds + 1.7e12, s, g, timefix = "survival")
  expect_equal(unname(loose$statistic), late, tolerance = 1e-10)
  merged <- suppressMessages(logrank(1.7e9 + 0:5, rep(1, 6), rep(1:2, 3), timefix = "survival"))
  expect_output(print(merged), "5 distinct times merged as tied")
})

# ---- Doors ------------------------------------------------------------------------------

test_that("vectors, a risk table and a fit give the test of the formula", {
  parts <- c("statistic", "parameter", "p.value", "log.p", "observed", "expected", "variance", "n", "strata",
             "unused", "n.missing")
  f <- Surv(time, status) ~ ph.ecog + strata(sex)
  for (rho in c(0, 1)) {
    by_formula <- logrank(f, lung, rho = rho)
    expect_identical(logrank(km(f, lung), rho = rho)[parts], by_formula[parts])
    expect_identical(logrank(risk_table(f, lung), rho = rho)[parts], by_formula[parts])
    by_vectors <- with(lung, logrank(time, status, ph.ecog, strata = sex, rho = rho))
    expect_identical(lapply(by_vectors[parts[1:4]], identity), lapply(by_formula[parts[1:4]], identity))
    expect_identical(names(by_vectors$n), paste0("group=", 0:3))
    by_name <- with(lung, logrank(time = time, status = status, group = ph.ecog, strata = sex, rho = rho))
    expect_identical(by_name$statistic, by_formula$statistic)
  }
  h <- transform(heart, w = rep(c(1, 0, 2, 1), 43))
  f <- Surv(start, stop, event) ~ transplant + strata(surgery)
  by_formula <- logrank(f, h, weights = w, gamma = 1)
  expect_identical(logrank(km(f, h, weights = w), gamma = 1)[parts], by_formula[parts])
  expect_identical(logrank(risk_table(f, h, weights = w), gamma = 1)[parts], by_formula[parts])
  # The score test of an exact partial likelihood; survdiff() takes no entry times.
  peer <- survival::coxph(Surv(start, stop, event) ~ transplant, h, ties = "exact")
  expect_equal(unname(logrank(Surv(start, stop, event) ~ transplant, h)$statistic), peer$score,
               tolerance = 1e-10)
})

test_that("a fit is tested stratified when its formula has strata(), for its own curves", {
  fit <- km(Surv(time, status) ~ sex + strata(inst), lung)
  expect_equal(unname(logrank(fit)$statistic), 8.5245, tolerance = 1e-5) # S16, n = 227
  expect_identical(logrank(fit)$method, "Stratified log-rank test")
  expect_identical(logrank(fit)$data.name, "Surv(time, status) ~ sex + strata(inst)")
  cells <- km(Surv(time, status) ~ celltype, veteran)
  two <- logrank(cells[c("celltype=large", "celltype=squamous")])
  peer <- survival::survdiff(Surv(time, status) ~ celltype, veteran,
                             subset = celltype %in% c("large", "squamous"))
  expect_equal(unname(two$statistic), peer$chisq, tolerance = 1e-10)
  expect_identical(sum(two$n), 62)
  expect_refused(logrank(cells[1]), "two groups at least, not one \\(celltype=squamous\\)", "group")
  expect_refused(logrank(cells[c(1, 1)]), "a curve taken twice", "table")
  expect_refused(logrank(survival::survfit0(cells)), "survfit0", "table")
})

test_that("broom reads the test, and print() shows it as survdiff() does", {
  test <- logrank(Surv(time, status) ~ celltype + strata(trt), veteran)
  expect_snapshot({
    logrank(Surv(time, status) ~ sex, lung)
    test
    logrank(Surv(time, status) ~ sex, lung, rho = 1, gamma = 0.5)
  })
  skip_if_not_installed("broom")
  tidy <- broom::tidy(test)
  expect_equal(unname(tidy$statistic), unname(test$statistic))
  expect_equal(tidy$p.value, test$p.value)
  expect_equal(tidy$method, "Stratified log-rank test")
})

# ---- Published numbers ------------------------------------------------------------------

test_that("published log-rank tests come out", {
  # S6: scikit-survival tests/test_compare.py; SAS/STAT LIFETEST "VA lung" prints 25.4037, 3 df
  veterans <- logrank(Surv(time, status) ~ celltype, veteran)
  expect_equal(unname(veterans$statistic), 25.4037003457854, tolerance = 1e-12)
  expect_equal(veterans$p.value, 1.27124593900609e-05, tolerance = 1e-9)
  expect_equal(unname(veterans$expected[paste0("celltype=", c("adeno", "large", "smallcell", "squamous"))]),
               c(15.6937646143605, 34.5494783863493, 30.1020793268148, 47.6546776724754), tolerance = 1e-12)
  weighted <- function(rho, gamma) {
    unname(logrank(Surv(time, status) ~ celltype, veteran, rho = rho, gamma = gamma)$statistic)
  }
  expect_equal(c(weighted(1, 0), weighted(0, 1)), c(19.7096, 25.7884), tolerance = 1e-5)
  # S7
  stratified <- logrank(Surv(time, status) ~ trt + strata(celltype), veteran)
  expect_equal(unname(stratified$statistic), 0.7017, tolerance = 1e-4)
  # S16: survminer, pull request 832
  sex <- function(rho, gamma) logrank(Surv(time, status) ~ sex, lung, rho = rho, gamma = gamma)
  tests <- Map(sex, c(0, 1, 0, 1), c(0, 0, 1, 1))
  expect_equal(round(unname(vapply(tests, `[[`, 0, "statistic")), 2), c(10.33, 12.71, 3.46, 7.66))
  p <- vapply(tests, `[[`, 0, "p.value")
  expect_equal(round(p, 7), c(0.0013112, 0.0003629, 0.0628709, 0.0056309), tolerance = 2e-4)
  # S22: survival's own Rout.save
  expect_equal(round(unname(logrank(Surv(time, status) ~ x, aml)$statistic), 4), 3.3964)
  expect_equal(round(unname(logrank(Surv(futime, fustat) ~ rx, survival::ovarian)$statistic), 4), 1.0627)
})

test_that("pairwise tests of colon within sex are those of survminer's issue 648", {
  pair <- function(arms) {
    logrank(Surv(time, status) ~ rx + strata(sex), survival::colon, subset = rx %in% arms)$p.value
  }
  p <- stats::p.adjust(c(pair(c("Obs", "Lev")), pair(c("Obs", "Lev+5FU")), pair(c("Lev", "Lev+5FU"))), "BH")
  expect_equal(signif(p, 2), c(0.73, 1.6e-07, 5.9e-07)) # S17
})

test_that("Freireich's 6-MP trial gives the numbers of the textbooks", {
  skip_if_not_installed("MASS")
  test <- logrank(Surv(time, cens) ~ treat, MASS::gehan) # S10; Kleinbaum & Klein prints 16.79
  expect_equal(unname(round(test$statistic, 4)), 16.7929)
  expect_equal(unname(test$observed), c(9, 21))
  expect_equal(unname(round(test$expected, 1)), c(19.3, 10.7))
  expect_equal(unname(round(logrank(Surv(time, cens) ~ treat, MASS::gehan, rho = 1)$statistic, 4)), 14.4572)
})

test_that("Kalbfleisch and Prentice's rats give their log-rank test", {
  # S11: data of Kalbfleisch & Prentice (1980) p. 2, at www-stat.stanford.edu/~rag/ed351longit
  group1 <- c(143, 164, 188, 188, 190, 192, 206, 209, 213, 216, 220, 227, 230, 234, 246, 265, 304, 216, 244)
  group2 <- c(142, 156, 163, 198, 205, 232, 232, 233, 233, 233, 233, 239, 240, 261, 280, 280, 296, 296, 323,
              204, 344)
  status <- rep(c(1, 0, 1, 0), c(17, 2, 19, 2))
  test <- logrank(c(group1, group2), status, rep(1:2, c(19, 21)))
  expect_equal(unname(test$observed), c(17, 19))
  expect_equal(unname(round(test$expected, 1)), c(12.2, 23.8))
  expect_equal(unname(round(test$statistic, 4)), 3.1227)
})

test_that("kidney patients of Klein and Moeschberger give their Table 7.3", {
  # S9: Klein & Moeschberger (2003) Survival Analysis, section 1.4 (KMsurv::kidney): months to
  # infection with a catheter placed surgically (1) or percutaneously (2)
  infected1 <- rep(c(1, 3, 4, 5, 8, 9, 10, 11, 15, 16, 18, 23, 26) + 0.5, c(1, 1, 2, 1, 2, rep(1, 8)))
  free1 <- rep(c(2:14, 21, 22, 25, 27) + 0.5, c(2, 3, 1, 1, 2, 4, 1, 1, 1, 1, 2, 1, 2, 2, 2, 1, 1))
  infected2 <- rep(c(0.5, 2.5, 3.5, 6.5, 15.5), c(6, 2, 1, 1, 1))
  free2 <- rep(c(0:12, 14, 16, 18, 19, 20, 22, 24, 25, 26, 28) + 0.5,
               c(10, 4, 5, 5, 3, 5, 1, 3, 3, 2, 3, 2, 4, 2, 2, 1, 3, 1, 1, 1, 1, 2, 1))
  time <- c(infected1, free1, infected2, free2)
  event <- rep(c(1, 0, 1, 0), lengths(list(infected1, free1, infected2, free2)))
  type <- rep(1:2, c(43, 76))
  test <- function(rho, gamma) unname(logrank(time, event, type, rho = rho, gamma = gamma)$statistic)
  got <- c(test(0, 0), test(0, 1), test(1, 0), test(1, 1), test(0.5, 0.5), test(0.5, 2))
  expect_equal(got, c(2.5295, 9.668, 1.3865, 9.8341, 9.2849, 8.179), tolerance = 1e-4)
  expect_equal(round(got, 2), c(2.53, 9.67, 1.39, 9.83, 9.28, 8.18)) # as the book prints them
})

test_that("larynx cancer by stage gives the four-sample test", {
  # S12: Klein & Moeschberger, section 1.8 (KMsurv::larynx)
  dead <- list(
    c(0.6, 1.3, 2.4, 3.2, 3.3, 3.5, 3.5, 4, 4, 4.3, 5.3, 6, 6.4, 6.5, 7.4), c(0.2, 1.8, 2, 3.6, 4, 6.2, 7),
    c(0.3, 0.3, 0.5, 0.7, 0.8, 1, 1.3, 1.6, 1.8, 1.9, 1.9, 3.2, 3.5, 5, 6.3, 6.4, 7.8),
    c(0.1, 0.3, 0.4, 0.8, 0.8, 1, 1.5, 2, 2.3, 3.6, 3.8)
  )
  alive <- list(
    c(2.5, 3.2, 3.3, 4.5, 4.5, 5.5, 5.9, 5.9, 6.1, 6.2, 6.5, 6.7, 7, 7.4, 8.1, 8.1, 9.6, 10.7),
    c(2.2, 2.6, 3.3, 3.6, 4.3, 4.3, 5, 7.5, 7.6, 9.3), c(3.7, 4.5, 4.8, 4.8, 5, 5.1, 6.5, 8, 9.3, 10.1),
    c(2.9, 4.3)
  )
  test <- logrank(unlist(c(dead, alive)), rep(1:0, c(50, 40)), rep(c(1:4, 1:4), lengths(c(dead, alive))))
  expect_equal(unname(round(test$statistic, 4)), 22.7628)
  expect_identical(unname(test$parameter), 3)
})

# ---- Undefined and degenerate -----------------------------------------------------------

undefined <- function(expr, class, reason) {
  expect_message(test <- expr, class = class)
  expect_identical(unname(test$statistic), NA_real_)
  expect_identical(test$p.value, NA_real_)
  expect_identical(unname(test$parameter), 0)
  expect_match(test$reason, reason)
  expect_output(print(test), paste("undefined:", reason))
}

test_that("without an event the test is NA with the reason, not P = 1 (F20)", {
  undefined(logrank(1:6, rep(0, 6), rep(1:2, 3)), "riskset_no_events", "no event")
  undefined(logrank(Surv(time, status) ~ sex, lung, event = 9), "riskset_no_events", "no event")
  undefined(logrank(1:6, rep(0, 6), rep(1:3, 2), strata = rep(1:2, 3)), "riskset_no_events", "no event")
  undefined(logrank(km(1:6, rep(0, 6), rep(1:2, 3))), "riskset_no_events", "no event")
  undefined(logrank(1:6, c(1, 0, 0, 0, 0, 0), rep(1:2, 3), weights = c(0, rep(1, 5))), "riskset_no_events",
            "no event")
  # survdiff() has nothing to say either, but says 0
  expect_identical(suppressWarnings(survival::survdiff(Surv(1:6, rep(0, 6)) ~ rep(1:2, 3)))$chisq, 0)
})

test_that("groups confounded with strata are NA with the reason, not LAPACK's complaint (F29)", {
  f <- Surv(time, status) ~ sex + strata(sex)
  undefined(logrank(f, lung), "riskset_undefined", "at no event time are two groups of one stratum at risk")
  undefined(logrank(km(f, lung)), "riskset_undefined", "at no event time")
  apart <- list(t = c(1, 2, 3, 4), s = c(1, 1, 0, 0), g = c(1, 1, 2, 2), e = c(0, 1, 2, 3))
  undefined(logrank(Surv(e, t, s) ~ g, apart), "riskset_undefined", "at no event time")
  undefined(logrank(c(5, 5, 5), c(1, 1, 1), 1:3), "riskset_undefined", "")
  expect_error(survival::survdiff(Surv(1:4, rep(1, 4)) ~ g + strata(g), list(g = c(1, 1, 2, 2))), "Lapack")
})

test_that("weights that are nowhere above 0, or not finite, are the reason they are", {
  d <- list(t = c(2, 3, 4, 5), s = c(1, 0, 0, 0), g = c(1, 2, 1, 2))
  undefined(logrank(Surv(t, s) ~ g, d, gamma = 1), "riskset_undefined",
            "the weights are 0 at every event time")
  # S is 0 after the first event, and others enter then
  two <- list(t = c(1, 3, 4), g = c(1, 1, 2), e = c(0, 1, 1))
  three <- list(t = c(1, 3, 4, 5), g = c(1, 1, 2, 3), e = c(0, 1, 1, 1))
  for (d in list(two, three)) {
    dead <- rep(1, length(d$t))
    undefined(logrank(Surv(e, t, dead) ~ g, d, rho = -1), "riskset_undefined", "the weights are not finite")
  }
})

test_that("degrees of freedom that are lost are announced (F28, F30)", {
  # "c" is censored before the first event
  t <- c(5, 6, 7, 8, 1, 2)
  g <- c("a", "b", "a", "b", "c", "c")
  s <- c(1, 1, 1, 1, 0, 0)
  test <- logrank(t, s, g)
  expect_identical(unname(test$parameter), 1)
  expect_equal(unname(test$statistic), survival::survdiff(Surv(t, s) ~ g)$chisq, tolerance = 1e-10)
  expect_output(print(test), "df is 1, not 2")
  # two pairs of groups, each in its own stratum: rank 2 of 4 groups
  twice <- logrank(c(t[1:4], t[1:4]), rep(1, 8), c(g[1:4], "d", "e", "d", "e"), strata = rep(1:2, each = 4))
  expect_identical(unname(twice$parameter), 2)
  expect_equal(unname(twice$statistic), 2 * unname(logrank(t[1:4], rep(1, 4), g[1:4])$statistic),
               tolerance = 1e-10)
})

test_that("strata of one group or one subject add nothing and are counted (F31)", {
  f <- Surv(time, status) ~ celltype + strata(trt)
  plain <- logrank(f, veteran)
  more <- rbind(veteran, transform(veteran[1, ], trt = 3),
                transform(veteran[1:9, ], trt = 4, celltype = "squamous"))
  test <- logrank(f, more)
  expect_identical(test$statistic, plain$statistic)
  expect_identical(test$variance, plain$variance)
  expect_identical(test$strata, c(total = 4, informative = 2))
  expect_output(print(test), "4 strata, 2 of them informative")
  alone <- Surv(time, status) ~ celltype + strata(seq_along(trt))
  undefined(logrank(alone, veteran), "riskset_undefined", "at no event time")
})

test_that("the last subject at risk adds 0 to the variance, not 0 / 0 (F56)", {
  for (test in list(logrank(1:4, rep(1, 4), c(1, 2, 1, 2)), logrank(Surv(1:4) ~ c(1, 2, 1, 2)),
                    logrank(km(1:4, group = c(1, 2, 1, 2))))) {
    expect_equal(unname(test$variance[1, 1]), 1 / 4 + 2 / 9 + 1 / 4, tolerance = 1e-15)
    expect_equal(unname(test$expected[1]), 2 / 4 + 1 / 3 + 1 / 2, tolerance = 1e-15)
  }
  screen <- screen_logrank(cbind(g = c(1, 2, 1, 2)), 1:4, rep(1, 4), hazard.ratio = TRUE)
  expect_equal(screen$std.err, 1 / sqrt(1 / 4 + 2 / 9 + 1 / 4), tolerance = 1e-15)
  alone <- suppressMessages(logrank(c(1, 1), c(0, 1), 1:2, entry = c(0, 0)))
  expect_equal(unname(alone$statistic), 1)
})

test_that("any finite rho is a test or has a reason, never NaN (F60)", {
  for (rho in c(-1e6, -50, -1, 0.5, 50, 1e6)) {
    test <- suppressMessages(logrank(1:40, rep(1, 40), rep(1:2, 20), rho = rho))
    expect_false(is.nan(test$statistic) || is.nan(test$p.value))
    expect_identical(is.na(test$statistic), !is.null(test$reason), ignore_attr = TRUE)
    expect_identical(is.na(test$p.value), !is.null(test$reason))
  }
  late <- suppressMessages(logrank(1:40, rep(1, 40), rep(1:2, 20), gamma = 1e6))
  expect_match(late$reason, "the weights are 0 at every event time")
  rt <- risk_table(Surv(time, status) ~ sex, lung)
  for (bad in list(NA, Inf, NaN, -Inf, "1")) {
    expect_refused(logrank(rt, rho = bad), "`rho`", "argument")
    expect_refused(logrank(rt, gamma = bad), "`gamma`", "argument")
    expect_refused(with(lung, logrank(time, status, sex, rho = bad)), "`rho`", "argument")
    expect_refused(logrank(km(Surv(time, status) ~ sex, lung), gamma = bad), "`gamma`", "argument")
  }
  expect_refused(logrank(rt, gamma = -50), "not -50", "argument")
})

# ---- Ties -------------------------------------------------------------------------------

# The same order of events, told at other times: units and origins.
clocks <- function(t) {
  list(t * 1e-5, t * 1e9, t * 2^-60, t / 30.4375, t + 17000, t + 1.7e9, t * 86400 + 1.7e9, rank(t))
}

test_that("every log-rank test is the same for t, t * c, t + c and rank(t) (F11)", {
  set.seed(11)
  n <- 3000
  # A grid keeps distinct times far more than 4 ulp apart, whatever the clock.
  t <- sample.int(4000, n, TRUE) / 1000
  d <- data.frame(s = rbinom(n, 1, 0.6), g = sample(c("a", "b", "c"), n, TRUE), h = sample.int(3, n, TRUE))
  results <- function(t) {
    d$t <- t
    test <- logrank(Surv(t, s) ~ g + strata(h), d, rho = 0.5, gamma = 1)
    list(test[c("statistic", "p.value", "observed", "expected", "variance", "merged")],
         logrank(t, d$s, d$g)$statistic, screen_logrank(d[c("g", "h")], t, d$s)$statistic,
         screen_logrank(d$g, matrix(t), matrix(d$s))$statistic, km(t, d$s, d$g)$surv,
         logrank(t, d$s, d$g, timefix = FALSE)$statistic)
  }
  plain <- results(t)
  expect_identical(plain[[1]]$merged, 0)
  for (other in clocks(t)) {
    expect_length(unique(other), length(unique(t)))
    expect_identical(results(other), plain)
  }
})

test_that("survival's rule makes a chi-square of the clock; ours does not (F10, F11)", {
  set.seed(1)
  n <- 3e5
  t <- rexp(n)
  s <- rbinom(n, 1, 0.7)
  g <- rbinom(n, 1, 0.5)
  clocks <- list(t, t * 1e-5, t + 17000, rank(t))
  statistic <- function(t, ...) unname(logrank(t, s, g, ...)$statistic)
  ours <- vapply(clocks, statistic, 0)
  # An origin of 17000 costs digits: a pair of times may come within 4 ulp.
  expect_identical(ours[c(1, 2, 4)], rep(ours[1], 3))
  expect_equal(ours[3], ours[1], tolerance = 1e-4)
  theirs <- vapply(clocks, statistic, 0, timefix = "survival")
  expect_gt(diff(range(theirs)), 0.2)
  # It is survdiff()'s own answer:
  expect_equal(theirs[2], survival::survdiff(Surv(t * 1e-5, s) ~ g)$chisq, tolerance = 1e-9)
  expect_equal(theirs[4], ours[1], tolerance = 1e-12)
})

test_that("7 % of 1e7 distinct times are one with another by survival's rule, none by ours (F10)", {
  # The times from 0.1 to 0.2 of 1e7 exponential ones, moved so that their mean is still 1: the
  # rule looks at that.
  set.seed(2)
  share <- exp(-0.1) - exp(-0.2)
  t <- unique(0.85 - log(exp(-0.1) - share * runif(round(1e7 * share))))
  merged <- length(t) - length(unique(survival::aeqSurv(Surv(t))[, 1]))
  expect_gt(merged / length(t), 0.07)
  expect_equal(risk_table(t, timefix = "survival")$merged, merged)
  expect_identical(risk_table(t)$merged, 0)
})

# ---- Bad input --------------------------------------------------------------------------

test_that("one group only is refused, by every door (F27)", {
  one <- rep("a", 228)
  expect_refused(logrank(Surv(time, status) ~ one, lung), "two groups at least, not one \\(a\\)", "group")
  expect_refused(logrank(Surv(time, status) ~ sex, lung, subset = sex == 2), "sex=2", "group")
  expect_refused(logrank(Surv(time, status) ~ 1, lung), "name the group in the formula", "group")
  expect_refused(logrank(Surv(time, status) ~ strata(sex), lung), "two groups", "group")
  expect_refused(logrank(lung$time, lung$status), "`group` is missing", "group")
  expect_refused(logrank(lung$time, lung$status, one), "two groups", "group")
  expect_refused(logrank(km(Surv(time, status) ~ 1, lung)), "two groups", "group")
  expect_refused(logrank(risk_table(lung$time, lung$status, one)), "two groups", "group")
})

test_that("more groups than a covariance matrix can hold are refused before it is made (F37)", {
  many <- seq_len(60000)
  expect_refused(logrank(many, many %% 2, many), "60000 groups are more than the 10000", "too_large")
  expect_refused(logrank(km(many, many %% 2, many)), "60000 groups", "too_large")
})

test_that("fractional weights are refused by name, by every door (F41)", {
  w <- rep(c(0.5, 1), 114)
  f <- Surv(time, status) ~ sex
  message <- "`weights` must be whole numbers; with fractions the statistic would grow"
  expect_refused(logrank(f, lung, weights = w), message, "weights")
  expect_refused(with(lung, logrank(time, status, sex, weights = w)), message, "weights")
  expect_refused(logrank(risk_table(f, lung, weights = w)), message, "weights")
  expect_refused(logrank(km(f, lung, weights = w)), message, "weights")
})

# Without censoring 1 - S before the k-th of n deaths is (k - 1) / n.
test_that("the weights of late differences are exact while few of many have died", {
  deaths <- 1:5
  n <- 1e6
  test <- logrank(c(deaths, 10, 10), c(rep(1, 5), 0, 0), c("a", "b", "a", "b", "a", "a", "b"),
                  weights = c(rep(1, 5), 499998, 499997), gamma = 1)
  weight <- (deaths - 1) / n
  at_risk <- rbind(500001 - c(0, 1, 1, 2, 2), 499999 - c(0, 0, 1, 1, 2))
  expect_equal(unname(test$observed), c(sum(weight[c(1, 3, 5)]), sum(weight[c(2, 4)])), tolerance = 1e-14)
  expect_equal(unname(test$expected), c(at_risk %*% (weight / colSums(at_risk))), tolerance = 1e-14)
})

test_that("rho and gamma are checked (F60)", {
  f <- Surv(time, status) ~ sex
  for (power in list(NA, NaN, Inf, -Inf, "1", NULL, c(0, 1), TRUE, NA_real_)) {
    expect_refused(logrank(f, lung, rho = power), "`rho` must be one finite number", "argument")
    expect_refused(logrank(f, lung, gamma = power), "`gamma` must be one finite number of at least 0",
                   "argument")
  }
  expect_refused(logrank(f, lung, gamma = -1), "not -1", "argument")
  expect_refused(logrank(km(f, lung), rho = NA), kind = "argument")
})

test_that("na.action says what is done with missing values, as in survdiff()", {
  f <- Surv(time, status) ~ ph.ecog
  dropped <- logrank(f, lung, na.action = na.omit)
  expect_identical(dropped, logrank(f, lung))
  expect_identical(logrank(f, lung, na.action = "na.exclude"), dropped)
  expect_refused(logrank(f, lung, na.action = na.fail), "1 row has a missing value", "missing")
  expect_refused(risk_table(f, lung, na.action = na.fail), "1 row has a missing value", "missing")
  expect_refused(with(lung, logrank(time, status, ph.ecog, na.action = na.fail)), kind = "missing")
  complete <- logrank(Surv(time, status) ~ sex, lung, na.action = na.fail)
  expect_identical(complete$n, c(`sex=1` = 138, `sex=2` = 90))
  expect_refused(logrank(f, lung, na.action = mean), "`na.action`", "argument")
})

test_that("fewer degrees of freedom than groups less one are announced (F28)", {
  early <- list(time = c(1, 1, 5, 6, 7, 8), status = c(0, 0, 1, 1, 0, 1), group = c(1, 1, 2, 2, 3, 3))
  expect_message(test <- do.call(logrank, early), "df is 1, not 2", class = "riskset_rank")
  expect_identical(test$parameter, c(df = 1))
  expect_equal(test$statistic, logrank(5:8, c(1, 1, 0, 1), c(2, 2, 3, 3))$statistic, tolerance = 1e-14)
})

test_that("a table with times that none could have is refused, and soon", {
  rt <- risk_table(1:4, c(1, 1, 0, 1), c(1, 1, 2, 2), weights = rep(30000, 4))
  rt$time <- rt$time - 10
  expect_error(logrank(rt), "not a risk table")
})

test_that("arguments of other tests are refused by name", {
  f <- Surv(time, status) ~ sex
  expect_refused(logrank(f, lung, test = "gehan"), "`test`", "argument")
  expect_error(logrank(f, lung, 1, 2, 3, 4, 5, 6, 7, 8), class = "riskset_error")
  expect_refused(logrank(km(f, lung), data = lung), "`data`", "argument")
  expect_refused(logrank(survival::survfit(f, lung)), "not survfit", "formula")
})

# ---- Paths and threads ------------------------------------------------------------------

test_that("counting, sorting and threads give the same bits (F61)", {
  set.seed(12)
  d <- shared_rows(groups = 5)
  tests <- function() {
    lapply(list(
      logrank(Surv(days, status) ~ g + strata(h), d),
      logrank(Surv(real, status) ~ g + strata(h), d, weights = w),
      logrank(Surv(early, days, status) ~ g, d, gamma = 1),
      logrank(Surv(days, status) ~ g, d, weights = w, rho = 1),
      logrank(Surv(days / 30.4375, status) ~ g + strata(h), d, weights = w),
      logrank(Surv(early / 30.4375, days / 30.4375, status) ~ g, d, rho = 1),
      logrank(Surv(real, status) ~ g, d, gamma = 1)
    ), unclass)
  }
  old <- options(riskset.threads = 1)
  on.exit(options(old))
  alone <- tests()
  options(riskset.paths = "sort")
  expect_identical(tests(), alone)
  options(riskset.threads = 2)
  expect_identical(tests(), alone)
  options(riskset.paths = NULL)
  expect_identical(tests(), alone)
  peer <- survival::survdiff(Surv(days, status) ~ g + strata(h), d)
  expect_equal(unname(alone[[1]]$statistic), peer$chisq, tolerance = 1e-10)
  expect_equal(alone[[1]]$variance, peer$var, tolerance = 1e-10, ignore_attr = TRUE)
})

test_that("segments of a large stratum take up its S(t-): G(1) is survdiff's", {
  set.seed(17)
  d <- data.frame(time = rexp(1e5), status = rbinom(1e5, 1, 0.6), g = sample.int(3, 1e5, TRUE))
  peer <- survival::survdiff(Surv(rank(time), status) ~ g, d, rho = 1)
  ours <- logrank(Surv(time, status) ~ g, d, rho = 1)
  expect_equal(unname(ours$statistic), peer$chisq, tolerance = 1e-10)
  expect_equal(unname(ours$observed), unname(peer$obs), tolerance = 1e-10)
  expect_equal(ours$variance, peer$var, tolerance = 1e-10, ignore_attr = TRUE)
})

test_that("keys of more than 64 bits are sorted as well", {
  set.seed(13)
  n <- 3000
  time <- exp(rnorm(n, 0, 200))
  d <- data.frame(time, rank = rank(time), status = rbinom(n, 1, 0.5), g = sample.int(200, n, TRUE),
                  h = sample.int(30, n, TRUE), w = sample(0:3, n, TRUE))
  d$time[sample.int(n, 5)] <- NA
  for (w in list(NULL, d$w)) {
    wide <- logrank(Surv(time, status) ~ g + strata(h), d, weights = w)
    narrow <- logrank(Surv(rank, status) ~ g + strata(h), d, subset = !is.na(time), weights = w)
    parts <- c("statistic", "variance", "observed", "n")
    expect_identical(wide[parts], narrow[parts])
  }
})

test_that("P and its logarithm are those of pchisq(), missing values and tails included", {
  statistic <- c(0, 1e-300, 0.5, 3.84, 800, 1e6, Inf, NA, NaN)
  for (df in list(1, 3L, 0, seq_along(statistic))) {
    p <- riskset:::chi_p(statistic, df)
    expect_identical(p$p, pchisq(statistic, df, lower.tail = FALSE))
    expect_identical(p$log_p, pchisq(statistic, df, lower.tail = FALSE, log.p = TRUE))
  }
  expect_identical(riskset:::chi_p(numeric(), 1), list(p = numeric(), log_p = numeric()))
})

test_that("a level that reads NA prints beside the missing one", {
  g <- factor(c("NA", "b", NA, "a"), exclude = NULL)
  expect_output(print(logrank(1:4, rep(1, 4), g)), "group=NA")
})
