table_columns <- c("stratum", "group", "time", "n.enter", "n.risk", "n.event", "n.censor")

# ---- The table --------------------------------------------------------------------------

test_that("as.data.frame() gives the documented columns, as survfit() counts them", {
  rt <- risk_table(Surv(time, status) ~ sex, lung)
  d <- as.data.frame(rt)
  peer <- survival::survfit(Surv(time, status) ~ sex, lung)
  expect_named(d, table_columns)
  expect_identical(levels(d$group), c("1", "2"))
  expect_identical(levels(d$stratum), "all")
  expect_identical(d$time, peer$time)
  counts <- c("n.risk", "n.event", "n.censor")
  expect_identical(d[counts], as.data.frame(unclass(peer)[counts]))
  expect_identical(d$n.enter, numeric(nrow(d)))
  expect_identical(dim(as.data.frame(risk_table(Surv(5, 1) ~ 1))), c(1L, 7L))
})

test_that("strata and groups keep their levels, unused ones too", {
  rt <- risk_table(Surv(time, status) ~ factor(sex, 0:2) + strata(ph.ecog), lung)
  d <- as.data.frame(rt)
  expect_identical(levels(d$group), c("0", "1", "2"))
  expect_identical(levels(d$stratum), paste0("ph.ecog=", 0:3))
  expect_identical(sum(d$n.event + d$n.censor), 227)
  several <- as.data.frame(risk_table(Surv(time, status) ~ sex + ph.ecog, lung))
  expect_identical(levels(several$group)[c(1, 8)], c("sex=1, ph.ecog=0", "sex=2, ph.ecog=3"))
})

test_that("subjects who enter late are counted where they enter and at risk after it", {
  d <- as.data.frame(risk_table(c(5, 8, 9), c(1, 1, 0), entry = c(0, 5, 2)))
  expect_identical(d$time, c(0, 2, 5, 8, 9))
  expect_identical(d$n.enter, c(1, 1, 1, 0, 0))
  expect_identical(d$n.risk, c(0, 1, 2, 2, 1))
  h <- as.data.frame(risk_table(Surv(start, stop, event) ~ transplant, heart))
  peer <- survival::survfit(Surv(start, stop, event) ~ transplant, heart)
  left <- h$n.event + h$n.censor > 0
  expect_identical(h$n.risk[left], peer$n.risk)
  expect_identical(sum(h$n.enter), 172)
})

test_that("weights are summed, whole ones exactly", {
  w <- rep(c(0, 1, 3), 76)
  d <- as.data.frame(risk_table(Surv(time, status) ~ sex, lung, weights = w))
  peer <- survival::survfit(Surv(time, status) ~ sex, lung, weights = w)
  expect_identical(d$n.risk, peer$n.risk)
  huge <- as.data.frame(risk_table(c(1, 2), c(1, 1), weights = c(2^52, 2^52 - 1)))
  expect_identical(huge$n.risk, c(2^53 - 1, 2^52 - 1))
  expect_refused(risk_table(1:3, weights = rep(2^52, 3)), "must sum to 2\\^53 at most", "weights")
})

test_that("print() shows what was counted, dropped and merged (F01, F02, F09)", {
  d <- lung
  d$time[1:2] <- c(NA, NaN)
  expect_snapshot({
    risk_table(Surv(time, status) ~ sex + strata(ph.ecog > 1), d)
    risk_table(c(0.1 + 0.2, 0.3, 1), c(1, 1, 0))
  })
  rt <- risk_table(1:3)
  expect_output(print(rt), "Risk table of 3 rows")
  expect_output(expect_invisible(print(rt)))
  expect_refused(print(rt, wide = TRUE), kind = "argument")
})

test_that("F34: combinations that would be one text are quoted, and stay apart", {
  d <- data.frame(t = 1:8, s = 1, a = rep(c("x, b=y", "x"), 4), b = rep(c("z", "y, b=z"), 4))
  apart <- c("a=\"x\", b=\"y, b=z\"", "a=\"x, b=y\", b=\"z\"")
  f <- Surv(t, s) ~ a + b
  expect_identical(as.character(unique(as.data.frame(risk_table(f, d))$group)), apart)
  expect_identical(as.character(summary(risk_table(f, d), times = 0)$group), apart)
  expect_identical(names(logrank(f, d)$n), apart)
  expect_output(print(logrank(f, d)), apart[2], fixed = TRUE)
  # Curves keep the names of survfit(), which padding tells apart.
  expect_named(km(f, d)$strata, c("a=x, b=y, b=z", "a=x, b=y, b=z     "))
})

# ---- summary(times =) -------------------------------------------------------------------

test_that("summary() gives the numbers under a plot, as summary(survfit, times) does", {
  times <- c(0, 5, 100, 250.5, 500, 883, 2000)
  for (w in list(NULL, rep(1:3, 76), rep(c(0.5, 1), 114))) {
    ours <- summary(risk_table(Surv(time, status) ~ sex, lung, weights = w), times = times)
    theirs <- summary(survival::survfit(Surv(time, status) ~ sex, lung, weights = w), times = times,
                      extend = TRUE)
    for (column in c("n.risk", "n.event", "n.censor")) {
      expect_equal(ours[[column]], theirs[[column]], tolerance = 1e-10)
    }
  }
  expect_named(ours,
               c("stratum", "group", "time", "n.risk", "n.event", "n.censor", "cum.event", "cum.censor"))
  ours <- summary(risk_table(Surv(time, status) ~ sex + strata(ph.ecog), lung), times = c(0, 200))
  expect_identical(nrow(ours), 14L) # seven of the eight curves have rows
  expect_identical(ours$cum.event, stats::ave(ours$n.event, ours$stratum, ours$group, FUN = cumsum))
})

test_that("with entry times summary() counts who is under observation", {
  rt <- risk_table(Surv(start, stop, event) ~ 1, heart)
  at <- c(1, 50, 100.5, 1799)
  here <- vapply(at, function(t) sum(heart$start < t & heart$stop >= t), 0)
  expect_identical(summary(rt, times = at)$n.risk, here)
  # Who enters at 0 is not late.
  expect_identical(summary(rt, times = 0)$n.risk, as.numeric(sum(heart$start == 0)))
})

test_that("summary() chooses times, and takes them increasing only", {
  rt <- risk_table(Surv(time, status) ~ 1, lung)
  expect_identical(summary(rt)$time, c(0, pretty(lung$time))[-2])
  expect_identical(summary(rt, times = c(3, 3, 9))$time, c(3, 9))
  for (times in list(c(2, 1), "1", NA, numeric(), NULL)) {
    expect_refused(summary(rt, times = times), "`times` must be increasing numbers", "argument")
  }
  expect_refused(summary(rt, scale = 2), kind = "argument")
})

# ---- Merging ----------------------------------------------------------------------------

test_that("tables of parts of any data merge to the table of the whole", {
  for (seed in 1:40) {
    d <- stats::na.omit(random_trial(seed, missing = 0))
    formula <- if (seed %% 2) Surv(time, status) ~ g + strata(h) else Surv(time, status) ~ h + strata(g)
    if (seed %% 3 == 0) formula[[2]] <- quote(Surv(entry, time, status))
    d$w <- if (seed %% 3 == 1) d$whole else if (seed %% 6 == 2) d$fraction else 1
    part <- sample(1:3, nrow(d), TRUE)
    tables <- lapply(1:3, function(i) {
      chunk <- d[part == i, ]
      risk_table(formula, chunk, weights = w, event = 1)
    })
    whole <- risk_table(formula, d, weights = w, event = 1)
    # A chunk without fractions among others with them is the reason to refuse, not a mistake.
    kinds <- unique(vapply(tables, `[[`, 0L, "weights"))
    if (all(1:2 %in% kinds)) {
      expect_refused(do.call(c, tables), "whole and with fractional", "table")
      next
    }
    merged <- do.call(c, tables)
    same_table(merged, whole)
    one <- km(merged)
    parts <- names(one) != "call"
    expect_equal(unclass(one)[parts], unclass(km(whole))[parts], tolerance = 1e-12, ignore_attr = "riskset")
    p <- function(table) suppressMessages(logrank(table))$p.value
    if (whole$weights < 2) expect_equal(p(merged), p(whole), tolerance = 1e-12)
    same_table(do.call(c, tables[3:1]), whole)
  }
})

test_that("levels that only one part has take their place", {
  d <- data.frame(t = 1:8, s = rep(1:0, 4), number = c(2, 10, 2, 10, 1, 3, 1, 3))
  d$text <- c("b", "d", "b", "d", "a", "c", "a", "c")
  d$yes <- d$number > 2
  d$factor <- factor(d$text, c("d", "b", "a", "c"))
  for (f in list(Surv(t, s) ~ number, Surv(t, s) ~ text, Surv(t, s) ~ text + strata(number),
                 Surv(t, s) ~ yes + strata(text), Surv(t, s) ~ factor + number)) {
    whole <- risk_table(f, d, event = 1)
    same_table(c(risk_table(f, d[1:4, ], event = 1), risk_table(f, d[5:8, ], event = 1)), whole)
    same_table(c(risk_table(f, d[5:8, ], event = 1), risk_table(f, d[1:4, ], event = 1)), whole)
  }
  # Levels that a part did not declare come after those of the first.
  d$local <- d$text
  f <- Surv(t, s) ~ local
  part <- function(rows) risk_table(f, transform(d[rows, ], local = factor(local)))
  merged <- c(part(1:4), part(5:8))
  expect_identical(levels(as.data.frame(merged)$group), c("b", "d", "a", "c"))
})

test_that("times that tie across parts are merged", {
  first <- risk_table(c(0.1 + 0.2, 1), c(1, 0))
  second <- risk_table(c(0.3, 2), c(1, 0))
  whole <- risk_table(c(0.1 + 0.2, 1, 0.3, 2), c(1, 0, 1, 0))
  same_table(c(first, second), whole)
  expect_identical(as.data.frame(c(first, second))$n.event, c(2, 0, 0))
  expect_equal(c(first, second)$merged, 1)
  # A run of one part may be another run in the whole: 0, 3, 6 are two, and with -2 other two.
  t <- function(k) 1 + k * 2^-52
  parts <- lapply(list(c(3, 6, 9), 0, c(4, 8)), function(k) risk_table(t(k)))
  whole <- risk_table(t(c(3, 6, 9, 0, 4, 8)))
  same_table(do.call(c, parts), whole)
  same_table(c(c(parts[[1]], parts[[2]]), parts[[3]]), whole)
  same_table(c(parts[[3]], c(parts[[1]], parts[[2]])), whole)
  exact <- lapply(list(c(3, 6, 9), 0, c(4, 8)), function(k) risk_table(t(k), timefix = FALSE))
  expect_identical(as.data.frame(do.call(c, exact))$time, t(c(0, 3, 4, 6, 8, 9)))
  loose <- lapply(list(c(1, 3), c(1 + 1e-9, 2)), risk_table, timefix = "survival")
  same_table(do.call(c, loose), risk_table(c(1, 3, 1 + 1e-9, 2), timefix = "survival"))
})

test_that("a part without weights counts one for each row, in any order", {
  d <- transform(lung, w = rep(c(1, 3, 0.5), 76))
  f <- Surv(time, status) ~ sex
  for (other in list(c(3, 0), c(0.5, 2.5))) {
    a <- risk_table(f, lung[1:100, ], weights = rep(1, 100))
    b <- risk_table(f, lung[101:228, ], weights = rep(other, 64))
    whole <- risk_table(f, lung, weights = c(rep(1, 100), rep(other, 64)))
    for (merged in list(c(a, b), c(b, a))) {
      same_table(merged, whole)
      expect_equal(km(merged)$std.err, km(whole)$std.err, tolerance = 1e-10)
      expect_equal(unclass(km(merged))$counts, unclass(km(whole))$counts)
    }
  }
})

test_that("censored at infinity and subjects with and without entry times merge", {
  a <- risk_table(c(1, Inf), c(1, 0))
  same_table(c(a, a), risk_table(c(1, Inf, 1, Inf), c(1, 0, 1, 0)))
  late <- risk_table(Surv(start, stop, event) ~ surgery, heart[1:80, ])
  rest <- risk_table(Surv(stop, event) ~ surgery, heart[81:172, ])
  d <- as.data.frame(c(late, rest))
  expect_identical(sum(d$n.enter), 80)
  expect_identical(d$n.risk[1], sum(heart$surgery[81:172] == 0) - 0)
})

test_that("missing values and rows are added up, and one table is itself", {
  d <- lung
  d$time[1:3] <- c(NA, NaN, NA)
  f <- Surv(time, status) ~ ph.ecog
  merged <- c(risk_table(f, d[1:100, ]), risk_table(f, d[101:228, ]))
  expect_identical(merged$n.missing, risk_table(f, d)$n.missing)
  expect_output(print(merged), "time: 3, group: 1; 1 of them NaN", fixed = TRUE)
  one <- risk_table(f, d)
  same_table(c(one), one)
})

test_that("tables that do not go together are refused", {
  f <- Surv(time, status) ~ sex
  rt <- risk_table(f, lung)
  expect_refused(c(rt, lung), "only risk tables can be merged", "table")
  expect_refused(c(rt, risk_table(Surv(time, status) ~ ph.ecog, lung)), "different variables", "table")
  expect_refused(c(rt, risk_table(Surv(time, status) ~ strata(sex), lung)), "different variables", "table")
  expect_refused(c(rt, risk_table(f, lung, timefix = FALSE)), "different `timefix`", "table")
  expect_error(c(rt, risk_table(f, lung, weights = rep(0.5, 228))), NA)
  twice <- risk_table(f, lung, weights = rep(2, 228))
  half <- risk_table(f, lung, weights = rep(0.5, 228))
  expect_refused(c(twice, half), "whole and with fractional weights", "table")
})

test_that("a part of 1/2-coded data that holds only 1s cannot turn into events (F19)", {
  coded <- function(rows) risk_table(lung$time[rows], lung$status[rows])
  alive <- which(lung$status == 1)
  expect_refused(c(coded(1:100), coded(alive)), "code an event as 2 and as 1; give `event = ` to both",
                 "table")
  all_events <- risk_table(lung$time[1:9])
  expect_refused(c(all_events, coded(alive), coded(1:100)), "code an event", "table")
  declared <- function(rows) risk_table(lung$time[rows], lung$status[rows], event = 2)
  same_table(c(declared(alive), declared(-alive)), coded(TRUE))
})

# ---- From a fit and back ----------------------------------------------------------------

test_that("risk_table(fit) is the table the fit was made from", {
  h <- transform(heart, w = rep(c(1, 0, 2, 1), 43))
  tables <- list(
    risk_table(Surv(time, status) ~ ph.ecog + strata(sex), lung),
    risk_table(Surv(time, status) ~ strata(sex) + ph.ecog, lung),
    risk_table(Surv(time, status) ~ sex + ph.ecog, lung, weights = rep(c(0, 2), 114)),
    risk_table(Surv(time, status) ~ sex, lung, weights = rep(c(0.5, 2), 114)),
    risk_table(Surv(start, stop, event) ~ transplant + strata(surgery), h),
    risk_table(Surv(start, stop, event) ~ strata(surgery) + transplant, h, weights = w),
    risk_table(Surv(time, status) ~ 1, lung)
  )
  for (rt in tables) {
    back <- risk_table(km(rt))
    same_table(back, rt)
    parts <- setdiff(names(rt), c("exact", "rows.enter"))
    expect_identical(unclass(back)[parts], unclass(rt)[parts])
    same_table(c(back, rt), c(rt, rt))
    expect_identical(unclass(km(back))[1:9], unclass(km(rt))[1:9])
  }
  same_table(risk_table(tables[[1]]), tables[[1]])
})

test_that("risk_table(fit[i]) has the rows of these curves", {
  fit <- km(Surv(time, status) ~ ph.ecog + strata(sex), lung)
  part <- as.data.frame(risk_table(fit[c(1, 4)]))
  whole <- as.data.frame(risk_table(fit))
  wanted <- with(whole, (group == "0" & stratum == "sex=1") | (group == "1" & stratum == "sex=2"))
  expect_equal(part, whole[wanted, ], ignore_attr = "row.names")
  expect_identical(risk_table(fit[1])$n.used, 36)
  h <- km(Surv(start, stop, event) ~ transplant, heart, weights = rep(1:2, 86))
  late <- subset(as.data.frame(risk_table(h)), group == "1")
  expect_equal(as.data.frame(risk_table(h[2])), late, ignore_attr = "row.names")
  same_table(c(risk_table(h[1]), risk_table(h[2])), risk_table(h))
})

# ---- Size -------------------------------------------------------------------------------

test_that("many groups, strata and threads give the counts of a plain loop (F35, F61)", {
  set.seed(21)
  n <- 210000 # enough to be shared by threads
  d <- data.frame(t = rexp(n), s = rbinom(n, 1, 0.5), g = sample.int(2000, n, TRUE),
                  h = sample.int(300, n, TRUE), w = sample(0:3, n, TRUE))
  d$t[sample.int(n, 9)] <- NA
  d$g[sample.int(n, 9)] <- NA
  d$e <- d$t * runif(n, 0, 0.9)
  old <- options(riskset.threads = 1)
  on.exit(options(old))
  alone <- risk_table(Surv(t, s) ~ g + strata(h), d, weights = w)
  late <- risk_table(Surv(e, t, s) ~ g + strata(h), d)
  options(riskset.threads = 2)
  expect_identical(risk_table(Surv(t, s) ~ g + strata(h), d, weights = w), alone)
  expect_identical(risk_table(Surv(e, t, s) ~ g + strata(h), d), late)
  used <- stats::na.omit(d)
  used <- used[order(used$h, used$g, used$t), ]
  expect_identical(alone$time, used$t)
  expect_identical(alone$n.event, as.numeric(used$s * used$w))
  expect_identical(alone$n.censor, as.numeric((1 - used$s) * used$w))
  expect_identical(alone$rows[1:2000], as.numeric(table(factor(used$g[used$h == 1], 1:2000))))
})

test_that("more curves than can be counted are refused before anything is allocated (F35, F37)", {
  n <- 30000
  each <- seq_len(n)
  expect_refused(risk_table(each, group = each, strata = each), "are more than 5e8 curves", "too_large")
  d <- data.frame(t = 1:400, s = rep(1:0, 200), a = 400:1, b = rep(1:2, 200), c = 1:400)
  f <- Surv(t, s) ~ a + b + c # 320,000 combinations, 400 of them used
  wide <- risk_table(f, d)
  expect_identical(as.data.frame(wide)$time, as.double(400:1))
  expect_same_fit(km(wide), survival::survfit(f, d))
  expect_identical(unname(logrank(f, d)$n), rep(1, 400))
  expect_refused(c(wide, wide), "more than 1e5 combinations of levels", "table")
})

test_that("options that change how numbers are printed neither break a table nor part its groups (F76)", {
  old <- options(digits = 3, OutDec = ".", scipen = 0)
  on.exit(options(old))
  rt <- risk_table(Surv(time, status) ~ sex, lung)
  expect_output(print(rt), "Risk table of 228 rows", fixed = TRUE)
  options(OutDec = ",")
  many <- risk_table(rep(1, 1200))
  expect_output(print(many), "Risk table of 1,200 rows", fixed = TRUE)
  expect_silent(invisible(utils::capture.output(print(many))))
  options(digits = 7, OutDec = ".")
  before <- risk_table(1:4, rep(1, 4), c(1e5, 123456, 1e5, 123456))
  options(scipen = 100)
  after <- risk_table(1:4, rep(1, 4), c(123456, 1e5, 7, 1e5))
  groups <- as.data.frame(c(before, after))$group
  expect_identical(levels(groups), c("7", "1e+05", "123456"))
  expect_identical(as.numeric(table(groups)), c(1, 4, 3))
})

test_that("digits and arguments that do not exist are refused by name", {
  rt <- risk_table(Surv(time, status) ~ sex, lung)
  for (bad in list(NA, "a", -1, c(1, 2))) {
    expect_refused(print(rt, digits = bad), "`digits`", "argument")
    expect_refused(print(logrank(rt), digits = bad), "`digits`", "argument")
  }
  expect_refused(as.data.frame(rt, zz = 1), "unused argument `zz`", "argument")
})
