berkeley <- aperm(datasets::UCBAdmissions, c(2, 1, 3))
titanic <- aperm(datasets::Titanic, c(1, 4, 2, 3))
titanic <- array(titanic, c(4, 2, 4))[, , c(1, 3, 4)]

rabbits <- array(
  c(0, 0, 6, 5, 3, 0, 3, 6, 6, 2, 0, 4, 5, 6, 1, 0, 2, 5, 0, 0), c(2, 2, 5)
)

satisfaction <- array(
  c(1, 2, 0, 0, 3, 3, 1, 2, 11, 17, 8, 4, 2, 3, 5, 2, 1, 0, 0, 0, 1, 3, 0, 1, 2, 5, 7, 9, 1, 1,
    3, 6), c(4, 4, 2)
)

expect_like_mantelhaen <- function(x, ..., tolerance = 1e-10) {
  ours <- suppressMessages(cmh(x, ...))
  peer <- suppressWarnings(stats::mantelhaen.test(x, ...))
  parts <- intersect(names(peer), c("statistic", "parameter", "p.value", "estimate", "conf.int",
                                    "null.value", "alternative", "method"))
  for (part in parts) {
    if (!anyNA(peer[[part]])) expect_equal(ours[[part]], peer[[part]], tolerance = tolerance)
  }
}

random_strata <- function(n, rows, cols, seed) {
  set.seed(seed)
  lapply(seq_len(n), function(i) {
    k <- sample(2:6, 1)
    array(stats::rpois(rows * cols * k, 8) + 1, c(rows, cols, k))
  })
}

test_that("2 x 2 x K equals mantelhaen.test(), corrected or not, one- or two-sided", {
  for (x in c(list(berkeley, rabbits), random_strata(60, 2, 2, 1))) {
    off <- abs(with(cmh(x), observed[1] - expected[1]))
    for (side in c("two.sided", "less", "greater")) {
      expect_like_mantelhaen(x, correct = FALSE, alternative = side, conf.level = 0.9)
      if (off >= 0.5) expect_like_mantelhaen(x, alternative = side)
    }
  }
})

test_that("I x J x K equals mantelhaen.test()", {
  shapes <- list(c(3, 2), c(2, 4), c(3, 3), c(5, 3))
  tables <- unlist(lapply(shapes, function(s) random_strata(10, s[1], s[2], 2)), recursive = FALSE)
  for (x in c(list(satisfaction, titanic, datasets::HairEyeColor), tables)) {
    expect_like_mantelhaen(x)
  }
})

test_that("exact = TRUE equals mantelhaen.test() in P, and where it solves, more exactly", {
  for (x in c(list(rabbits, berkeley), random_strata(20, 2, 2, 3))) {
    for (side in c("two.sided", "less", "greater")) {
      ours <- cmh(x, exact = TRUE, alternative = side)
      peer <- stats::mantelhaen.test(x, exact = TRUE, alternative = side)
      expect_equal(ours$p.value, peer$p.value, tolerance = 1e-10)
      expect_equal(ours$statistic, peer$statistic)
      expect_equal(ours$estimate, peer$estimate, tolerance = 3e-3)
      expect_equal(ours$conf.int, peer$conf.int, tolerance = 5e-3)
      expect_equal(ours$method, peer$method)
    }
  }
})

test_that("exact estimate and limits solve their equations to 1e-12", {
  x <- matrix(c(11, 2, 4, 6), 2)
  fit <- cmh(x, exact = TRUE)
  support <- 5:13
  p <- function(odds) {
    d <- stats::dhyper(support, 13, 10, 15) * odds^support
    d / sum(d)
  }
  expect_equal(sum(support * p(fit$estimate)), 11, tolerance = 1e-12)
  expect_equal(sum(p(fit$conf.int[1])[support >= 11]), 0.025, tolerance = 1e-12)
  expect_equal(sum(p(fit$conf.int[2])[support <= 11]), 0.025, tolerance = 1e-12)
  expect_equal(round(fit$conf.int[2], 3), 105.549) # SAS, PROC FREQ example 3 (C2)
})

test_that("exact limits of a large sample are those of the normal, without a warning", {
  fit <- expect_silent(cmh(array(c(2000, 2100, 1900, 2000), c(2, 2, 3)), exact = TRUE))
  peer <- cmh(array(c(2000, 2100, 1900, 2000), c(2, 2, 3)))
  expect_equal(c(fit$conf.int), c(peer$conf.int), tolerance = 1e-3)
})

test_that("published: migraine trial, SAS STAT freq_sect031 (C1)", {
  x <- array(c(16, 5, 11, 20, 12, 7, 16, 19), c(2, 2, 2))
  fit <- cmh(x, correct = FALSE)
  expect_equal(round(unname(fit$statistic), 4), 8.3052)
  expect_equal(round(fit$p.value, 4), 0.0040)
  expect_equal(round(unname(fit$estimate), 4), 3.3132)
  expect_equal(round(c(fit$conf.int), 4), c(1.4456, 7.5934))
  expect_equal(round(fit$homogeneity$statistic, 4), c(1.4929, 1.4905))
  expect_equal(round(fit$tests$statistic[2], 4), 7.1983)
})

test_that("published: Berkeley admissions (C8)", {
  fit <- cmh(berkeley)
  expect_equal(round(fit$tests$statistic, 4), c(1.5246, 1.4269))
  expect_equal(round(unname(fit$estimate), 4), 0.9047)
  expect_equal(round(fit$homogeneity$statistic, 4), c(18.8255, 18.8255))
  expect_equal(round(fit$homogeneity$p.value, 5), c(0.00207, 0.00207))
  expect_equal(fit$homogeneity$df, c(5, 5))
})

test_that("published: eight centres of Beitler and Landis, Agresti's 6.38, 2.13, 8.0 (C9)", {
  cells <- matrix(c(11, 25, 10, 27, 16, 4, 22, 10, 14, 5, 7, 12, 2, 14, 1, 16, 6, 11, 0, 12,
                    1, 10, 0, 10, 1, 4, 1, 8, 4, 2, 6, 1), 4)
  fit <- cmh(array(cells[c(1, 3, 2, 4), ], c(2, 2, 8)), correct = FALSE)
  expect_equal(round(unname(fit$statistic), 4), 6.3841)
  expect_equal(round(unname(fit$estimate), 4), 2.1345)
  expect_equal(round(c(fit$conf.int), 4), c(1.1776, 3.8692))
  expect_equal(round(fit$homogeneity$statistic[1], 4), 7.9955)
  expect_equal(fit$homogeneity$df[1], 7)
})

test_that("published: penicillin in rabbits (C10) and job satisfaction (C11)", {
  fit <- cmh(rabbits)
  expect_equal(round(unname(fit$statistic), 4), 3.9286)
  exact <- cmh(rabbits, exact = TRUE)
  expect_equal(round(exact$p.value, 4), 0.0399)
  expect_equal(round(unname(exact$estimate), 3), 10.361)
  job <- cmh(satisfaction)
  expect_equal(round(unname(job$statistic), 4), 10.2001)
  expect_equal(round(job$p.value, 4), 0.3345)
})

test_that("published: arthritis trial, 14.632 in Koch and Edwards (C12)", {
  x <- array(c(6, 19, 5, 7, 16, 6, 7, 10, 2, 0, 5, 1), c(2, 3, 2))
  fit <- cmh(x)
  expect_equal(fit$tests$method,
               c("Nonzero correlation", "Row mean scores differ", "General association"))
  expect_equal(round(fit$tests$statistic, 3), c(14.632, 14.632, 14.632))
  expect_equal(fit$tests$df, c(1, 1, 2))
})

test_that("one stratum: correlation is the linear-by-linear association, K = 1 allowed (F52)", {
  m <- table(datasets::mtcars$cyl, datasets::mtcars$gear)
  fit <- cmh(m)
  expect_equal(fit$tests$statistic[1], utils::tail(crosstab(m)$tests$statistic, 1))
  expect_equal(unname(fit$statistic), 31 / 32 * crosstab(m)$tests$statistic[1])
  two <- cmh(matrix(c(11, 2, 4, 6), 2), correct = FALSE)
  expect_equal(unname(two$statistic), 22 / 23 * 4.9597, tolerance = 1e-4)
})

test_that("all three doors give the same test", {
  d <- datasets::infert
  d$often <- d$spontaneous > 0
  by_formula <- cmh(case ~ often + strata(education), data = d)
  by_vectors <- cmh(d$often, d$case, d$education)
  by_table <- cmh(table(d$often, d$case, d$education))
  peer <- stats::mantelhaen.test(d$often, d$case, d$education)
  for (fit in list(by_formula, by_vectors, by_table)) {
    expect_equal(fit$statistic, peer$statistic, tolerance = 1e-12)
    expect_equal(fit$tests, by_formula$tests)
  }
  counts <- as.data.frame(table(often = d$often, case = d$case, education = d$education))
  by_counts <- cmh(case ~ often + strata(education), data = counts, weights = Freq)
  expect_equal(by_counts$tests, by_formula$tests)
  expect_equal(by_formula$data.name, "often and case and education")
})

test_that("several stratifying variables are their combinations, however written", {
  d <- datasets::infert
  peer <- stats::mantelhaen.test(d$induced, d$case, interaction(d$education, d$parity > 2),
                                 correct = FALSE)
  one <- cmh(case ~ induced + strata(education, parity > 2), data = d)
  two <- cmh(case ~ induced + strata(education) + strata(parity > 2), data = d)
  expect_equal(one$statistic, peer$statistic, tolerance = 1e-10)
  expect_equal(two$tests, one$tests)
  named <- cmh(case ~ induced + strata(education, parity > 2, shortlabel = TRUE), data = d)
  expect_equal(named$tests, one$tests)
  expect_equal(cmh(d$induced, d$case, list(d$education, d$parity > 2))$tests, one$tests)
})

test_that("counts up to 2e9 give a finite interval where mantelhaen.test() has none (F43, C15)", {
  for (n in c(813, 1e4, 24e3, 6e4, 1e6, 2e9)) {
    fit <- cmh(array(c(n, n, n, n), c(2, 2, 2)))
    expect_true(all(is.finite(fit$conf.int)))
    half <- stats::qnorm(0.975) * sqrt(4 / (2 * n))
    expect_equal(log(fit$conf.int[2]), half, tolerance = 1e-10)
  }
  peer <- function(n) {
    suppressWarnings(stats::mantelhaen.test(array(as.integer(n), c(2, 2, 2))))
  }
  expect_true(all(is.na(peer(813)$conf.int)))
  expect_error(peer(24e3))
  set.seed(4)
  x <- array(round(stats::runif(20, 1e8, 2e9)), c(2, 2, 5))
  whole <- x
  storage.mode(whole) <- "integer"
  expect_identical(cmh(whole)$tests, cmh(x)$tests)
})

test_that("degenerate, one-subject and empty strata add nothing and are counted (F31, F44, F49)", {
  extra <- c(5, 0, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0)
  x <- array(c(berkeley, extra), c(2, 2, 10))
  fit <- cmh(x)
  plain <- cmh(berkeley)
  expect_equal(fit$statistic, plain$statistic, tolerance = 1e-12)
  expect_equal(fit$estimate, plain$estimate)
  expect_equal(fit$homogeneity, plain$homogeneity)
  expect_equal(fit$strata, c(informative = 6, total = 10))
  expect_error(stats::mantelhaen.test(x), "sample size")
  expect_output(print(fit), "4 without information")
})

test_that("numbers and levels that nobody has are no strata", {
  sparse <- cmh(status ~ sex + strata(inst), survival::lung)
  dense <- cmh(status ~ sex + strata(match(inst, sort(unique(inst)))), survival::lung)
  expect_identical(sparse$strata[["total"]], length(unique(stats::na.omit(survival::lung$inst))) + 0)
  expect_identical(sparse$strata, dense$strata)
  expect_identical(sparse$tests, dense$tests)
  x <- c(0, 1, 0, 1, 0, 1)
  y <- c(0, 1, 1, 0, 0, 1)
  s <- factor(c(2, 2, 2, 5, 5, 5), levels = 1:9)
  expect_identical(cmh(x, y, s)$strata, c(informative = 2, total = 2))
  expect_identical(logrank(1:6, y, x, s)$strata[["total"]], 2)
})

test_that("nothing but degenerate strata is NA with a reason, said once (F29, F45)", {
  x <- array(c(5, 0, 7, 0, 0, 6, 0, 3), c(2, 2, 2))
  expect_message(fit <- cmh(x), class = "riskset_undefined")
  expect_true(is.na(fit$statistic))
  expect_true(is.na(fit$p.value))
  expect_match(fit$reason[1], "no stratum")
  expect_output(print(fit), "Not defined")
  site <- rep(c("a", "b"), each = 20)
  expect_message(fit <- cmh(site, rep(0:1, 20), site), class = "riskset_undefined")
  expect_true(is.na(fit$p.value))
  x <- array(c(5, 0, 0, 7, 0, 0, 0, 6, 0, 3, 0, 0), c(3, 2, 2))[, , 2, drop = FALSE]
  expect_message(fit <- cmh(array(c(5, 0, 0, 7, 0, 0), c(3, 2, 1))), class = "riskset_undefined")
  expect_true(all(is.na(fit$tests$p.value)))
})

test_that("an odds ratio of 0 or infinity has no interval, but a reason (F46, F47)", {
  x <- array(c(4, 0, 6, 7, 2, 0, 5, 3), c(2, 2, 2))
  fit <- cmh(x)
  expect_equal(unname(fit$estimate), Inf)
  expect_true(all(is.na(fit$conf.int)))
  expect_match(fit$reason, "no such interval")
  expect_true(all(is.na(fit$homogeneity$statistic)))
  expect_match(fit$homogeneity$reason[1], "infinite")
  expect_equal(unname(cmh(x[2:1, , ])$estimate), 0)
  exact <- cmh(x, exact = TRUE)
  expect_equal(exact$conf.int[2], Inf)
  expect_equal(exact$conf.int[1], stats::mantelhaen.test(x, exact = TRUE)$conf.int[1],
               tolerance = 3e-3)
})

test_that("a correction of more than |O - E| gives 0, where mantelhaen.test() jumps (F51)", {
  x <- array(c(5, 5, 5, 6, 4, 4, 5, 4), c(2, 2, 2))
  fit <- cmh(x)
  expect_lt(abs(fit$observed[1] - fit$expected[1]), 0.5)
  expect_identical(unname(fit$statistic), 0)
  expect_identical(fit$p.value, 1)
  peer <- stats::mantelhaen.test(x, correct = TRUE)
  expect_equal(unname(peer$statistic), fit$tests$statistic[1])
})

test_that("a row without subjects leaves the degrees of freedom and is announced (F50)", {
  x <- array(0, c(3, 2, 2))
  x[c(1, 3), , ] <- c(5, 7, 8, 4, 6, 9, 9, 3)
  expect_message(fit <- cmh(x), class = "riskset_rank")
  without <- cmh(x[c(1, 3), , ], correct = FALSE)
  expect_equal(unname(fit$parameter), 1)
  expect_equal(unname(fit$statistic), unname(without$statistic), tolerance = 1e-12)
  expect_output(print(fit), "rank 1, not 2")
  expect_error(stats::mantelhaen.test(x), "singular")
})

test_that("groups that share no stratum with others lower the rank (F30)", {
  x <- array(0, c(4, 2, 2))
  x[1:2, , 1] <- c(5, 7, 8, 4)
  x[3:4, , 2] <- c(6, 3, 2, 9)
  expect_message(fit <- cmh(x), class = "riskset_rank")
  parts <- lapply(1:2, function(k) cmh(x[2 * k - 1:0, , k], correct = FALSE)$statistic)
  expect_equal(unname(fit$parameter), 2)
  expect_equal(unname(fit$statistic), sum(unlist(parts)), tolerance = 1e-12)
})

test_that("one subject among a billion in a group keeps the rank (F30, F55)", {
  x <- array(c(1e9, 1e9, 1, 1e9, 1.00001e9, 1, 1e6, 1e6, 0, 1e6, 1e6, 2), c(3, 2, 2))
  fit <- expect_silent(cmh(x))
  expect_equal(unname(fit$parameter), 2)
})

test_that("homogeneity is Breslow and Day's and Tarone's formula", {
  for (x in random_strata(30, 2, 2, 5)) {
    fit <- cmh(x)
    odds <- fit$estimate
    fitted <- apply(x, 3, function(m) {
      r <- rowSums(m)
      k <- colSums(m)[1]
      f <- function(a) a * (r[2] - k + a) - odds * (r[1] - a) * (k - a)
      stats::uniroot(f, c(max(0, k - r[2]), min(r[1], k)), tol = 1e-13)$root
    })
    r <- apply(x, c(1, 3), sum)
    k <- apply(x, c(2, 3), sum)[1, ]
    v <- 1 / (1 / fitted + 1 / (r[1, ] - fitted) + 1 / (k - fitted) + 1 / (r[2, ] - k + fitted))
    bd <- sum((x[1, 1, ] - fitted)^2 / v)
    expect_equal(fit$homogeneity$statistic,
                 c(bd, bd - sum(x[1, 1, ] - fitted)^2 / sum(v)), tolerance = 1e-8)
  }
  expect_match(cmh(matrix(1:4, 2))$homogeneity$reason[1], "only one stratum")
})

test_that("homogeneity is invariant to swapped rows at odds ratios near the limits (F46)", {
  x <- array(c(1e7, 1, 2, 1e7, 2e7, 3, 1, 1e6), c(2, 2, 2))
  expect_equal(cmh(x[2:1, , ])$homogeneity$statistic, cmh(x)$homogeneity$statistic,
               tolerance = 1e-12)
  expect_equal(cmh(x[, 2:1, ])$homogeneity$statistic, cmh(x)$homogeneity$statistic,
               tolerance = 1e-12)
})

test_that("log P does not underflow, the exact one included (F54)", {
  x <- array(c(3000, 100, 120, 2900, 2500, 90, 80, 2400), c(2, 2, 2))
  fit <- cmh(x)
  expect_equal(fit$p.value, 0)
  expect_equal(fit$log.p, stats::pchisq(fit$statistic, 1, lower.tail = FALSE, log.p = TRUE),
               ignore_attr = TRUE)
  one <- matrix(c(300, 60, 50, 300), 2)
  for (side in c("two.sided", "greater")) {
    exact <- cmh(one, exact = TRUE, alternative = side)
    expect_equal(exact$log.p, log(exact$p.value))
  }
  far <- matrix(c(2000, 100, 120, 2000), 2)
  exact <- cmh(far, exact = TRUE, alternative = "greater")
  expect_equal(exact$log.p, stats::phyper(1999, 2100, 2120, 2120, lower.tail = FALSE,
                                          log.p = TRUE), tolerance = 1e-8)
})

test_that("rows, threads and order do not matter (F61)", {
  d <- datasets::esoph
  d$drinks <- as.integer(d$alcgp) > 2
  long <- d[rep(seq_len(nrow(d)), d$ncontrols), ]
  long$case <- seq_len(nrow(long)) %% 3 == 0
  set.seed(6)
  fit <- cmh(case ~ drinks + strata(agegp), data = long)
  shuffled <- cmh(case ~ drinks + strata(agegp), data = long[sample(nrow(long)), ])
  expect_identical(shuffled$tests, fit$tests)
  expect_identical(shuffled$homogeneity, fit$homogeneity)
})

test_that("missing values and unused levels are counted (F01, F26, F32)", {
  d <- datasets::infert
  d$education[1:3] <- NA
  d$induced[2] <- NA
  fit <- cmh(case ~ induced + strata(education), data = d)
  expect_equal(fit$n.missing, 3)
  expect_equal(fit$n, 245)
  x <- factor(d$induced, levels = 0:4)
  fit <- cmh(x, d$case, d$education)
  expect_equal(unname(fit$unused[1]), 2L)
  expect_output(print(fit), "Left out: 2 levels")
})

test_that("broom tidies it as any htest", {
  skip_if_not_installed("broom")
  out <- broom::tidy(cmh(berkeley))
  expect_equal(out$p.value, cmh(berkeley)$p.value)
  expect_equal(out$conf.low, cmh(berkeley)$conf.int[1])
  expect_equal(broom::tidy(suppressMessages(cmh(satisfaction)))$parameter, 9, ignore_attr = TRUE)
})

test_that("it prints counts, both tests with a mark, odds ratio and homogeneity", {
  expect_snapshot(print(cmh(berkeley)))
  expect_snapshot(print(cmh(satisfaction)))
  expect_snapshot(print(cmh(rabbits, exact = TRUE)))
})

test_that("tables of counts that are none are refused (F48)", {
  for (bad in list(-1, NA, Inf, 0.5)) {
    expect_error(cmh(array(c(1, bad, 2, 3, 1, 1, 1, 1), c(2, 2, 2))),
                 class = "riskset_error_table")
  }
  expect_error(cmh(array(1, c(1, 2, 2))), class = "riskset_error_table")
  expect_error(cmh(array(1, c(2, 1, 2))), class = "riskset_error_table")
  expect_error(cmh(array(1, c(2, 2, 2, 2))), class = "riskset_error_table")
  expect_error(cmh(array(0, c(2, 2, 2))), class = "riskset_error_table")
  expect_error(cmh(berkeley, strata = 1), class = "riskset_error_argument")
})

test_that("arguments that cannot be are refused (F59)", {
  for (bad in list(95, -1, 0, 1, NA, c(0.9, 0.95), "a")) {
    expect_error(cmh(berkeley, conf.level = bad), class = "riskset_error_level")
  }
  expect_error(cmh(berkeley, correct = NA), class = "riskset_error_argument")
  expect_error(cmh(berkeley, exact = 1), class = "riskset_error_argument")
  expect_error(cmh(berkeley, alternative = "both"), class = "riskset_error_argument")
  expect_error(cmh(berkeley, continuity = TRUE), class = "riskset_error_argument")
  expect_error(cmh(satisfaction, exact = TRUE), class = "riskset_error_argument")
  expect_error(cmh(satisfaction, alternative = "less"), class = "riskset_error_argument")
})

test_that("vectors, weights and formulas that cannot be are refused (F16, F27, F41)", {
  d <- datasets::infert
  expect_error(cmh(1:3, 1:3, 1:2), class = "riskset_error_length")
  expect_error(cmh(1:3, 1:2, 1:3), class = "riskset_error_length")
  expect_error(cmh(rep(1, 4), c(0, 1, 0, 1), 1:4), class = "riskset_error_group")
  expect_error(cmh(d$induced, d$case, d$education, weights = rep(0.5, 248)),
               class = "riskset_error_weights")
  expect_error(cmh(case ~ strata(education), data = d), class = "riskset_error_formula")
  expect_error(cmh(case ~ induced + strata(), data = d), class = "riskset_error_formula")
  expect_error(cmh(case ~ induced * education, data = d), class = "riskset_error_formula")
  expect_error(cmh(case ~ induced + offset(age), data = d), class = "riskset_error_formula")
  expect_error(cmh(list(1)), class = "riskset_error_formula")
})

test_that("an exact test that would take too long is refused before it starts (F53)", {
  x <- array(5e6, c(2, 2, 3))
  expect_error(cmh(x, exact = TRUE), class = "riskset_error_too_large")
})

test_that("F37: a covariance too large is refused before it is allocated", {
  x <- seq_len(20002)
  expect_error(cmh(x, x %% 10), "20002 exposures and 10 outcomes have more than the 10000 cells",
               class = "riskset_error_too_large")
  expect_error(cmh(y ~ x, data = list(x = x, y = x %% 2)), class = "riskset_error_too_large")
})

test_that("F54: homogeneity has its log P too", {
  x <- array(c(3000, 100, 120, 2900, 90, 2500, 2400, 80), c(2, 2, 2))
  same <- cmh(x)$homogeneity
  expect_identical(same$p.value, c(0, 0))
  expect_equal(same$log.p, pchisq(same$statistic, 1, lower.tail = FALSE, log.p = TRUE))
  expect_equal(exp(cmh(berkeley)$homogeneity$log.p), cmh(berkeley)$homogeneity$p.value)
  expect_identical(cmh(matrix(1:4, 2))$homogeneity$log.p, c(NA_real_, NA_real_))
})

test_that("a two-sided exact P that underflows has both its tails (F54)", {
  for (m in list(c(900, 30, 30, 900), c(5000, 98, 14865, 4948), c(98, 5000, 4948, 14865),
                 c(2000, 0, 3335, 4018), c(60, 2000, 4000, 900))) {
    m <- matrix(m, 2)
    log_p <- cmh(m, exact = TRUE)$log.p
    expect_lt(log_p, log(1e-280))
    expect_equal(log_p, crosstab(m)$tests$log.p[4], tolerance = 1e-9)
  }
})

test_that("the exact limit of an infinite odds ratio is found far out as well (F47)", {
  m <- matrix(c(1964, 0, 2027, 3971), 2)
  limits <- cmh(m, exact = TRUE)$conf.int
  expect_identical(limits[2], Inf)
  # P(S = 1964), its largest value, at that odds ratio, by logarithms of binomials
  x <- 0:1964
  logs <- lchoose(3991, x) + lchoose(3971, 1964 - x) + x * log(limits[1])
  expect_equal(exp(logs[1965] - max(logs)) / sum(exp(logs - max(logs))), 0.025, tolerance = 1e-8)
  expect_equal(cmh(m[2:1, ], exact = TRUE)$conf.int[2], 1 / limits[1], tolerance = 1e-10)
})

test_that("the unit of scores does not matter, and infinite ones are no numbers", {
  set.seed(4)
  x <- sample(c(1, 2, 5), 100, TRUE)
  y <- sample(c(1, 2, 4), 100, TRUE)
  wanted <- cmh(x, y)$tests$statistic
  for (unit in c(1e160, 1e-170)) {
    expect_equal(cmh(x * unit, y * unit)$tests$statistic, wanted, tolerance = 1e-12)
  }
  infinite <- cmh(replace(x, x == 5, Inf), y)$tests$statistic
  expect_identical(is.na(infinite), c(TRUE, FALSE, FALSE))
})
