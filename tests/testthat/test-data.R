# The three groups of the study as rows of crlm_survival and of every column of
# crlm_envelope.
rows <- list(
  "Initially resectable" = 1:80,
  "Initially unresectable" = 81:156,
  "Converted" = 81:104,
  "Not converted" = 105:156
)
portal_vein_row <- 104

died_in <- function(column) seq_len(156) != attr(crlm_envelope, "censored_row")[column]

# SPSS's median and limits, from the times of one group in hundredths of a month.
spss_median <- function(time, died, z = 1.96) {
  at <- sort(unique(time[died]))
  d <- tabulate(match(time[died], at))
  n <- length(time) - findInterval(at - 0.5, sort(time))
  s <- cumprod(1 - d / n)
  u <- max(which(s >= 0.55))
  m <- which(s <= 0.5)[1]
  l <- which(s <= 0.45)[1]
  se <- s[m] * sqrt(sum((d / (n * (n - d)))[1:m])) * (at[l] - at[u]) / (s[u] - s[l])
  list(interval = (at[m] + c(median = 0, lower = -1, upper = 1) * z * se) / 100, s = s)
}

logrank_p <- function(time, died, first) {
  at <- sort(unique(time[died]))
  n <- length(time) - findInterval(at - 0.5, sort(time))
  n1 <- sum(first) - findInterval(at - 0.5, sort(time[first]))
  d <- tabulate(match(time[died], at))
  d1 <- tabulate(match(time[died & first], at), length(at))
  v <- d * (n1 / n) * (1 - n1 / n) * (n - d) / pmax(n - 1, 1)
  stats::pchisq(sum(d1 - d * n1 / n)^2 / sum(v), 1, lower.tail = FALSE)
}

test_that("the reconstructed patients are 80 + 76, and 24 + 52 within the 76", {
  d <- crlm_survival
  expect_identical(names(d), c("months", "died", "resectable", "conversion"))
  expect_type(d$months, "double")
  expect_equal(d$months, round(d$months, 2))
  expect_identical(d$died, rep(TRUE, 156))
  expect_identical(
    levels(d$resectable), c("Initially resectable", "Initially unresectable")
  )
  expect_identical(as.vector(table(d$resectable)), c(80L, 76L))
  expect_identical(levels(d$conversion), c("Converted", "Not converted"))
  expect_identical(as.vector(table(d$conversion)), c(24L, 52L))
  expect_identical(is.na(d$conversion), d$resectable == "Initially resectable")
})

test_that("they were followed to death for a median of 23 months (3-84)", {
  expect_identical(stats::median(crlm_survival$months), 23)
  expect_identical(range(crlm_survival$months), c(3, 84))
  overall <- survival::survfit(survival::Surv(months, died) ~ 1, crlm_survival)
  expect_identical(unname(quantile(overall, 0.5)$quantile), 23)
})

test_that("survfit() and survdiff() print the study's medians and P values on them", {
  by_group <- survival::Surv(months, died) ~ resectable
  by_conversion <- survival::Surv(months, died) ~ conversion
  medians <- c(
    quantile(survival::survfit(by_group, crlm_survival), 0.5)$quantile,
    quantile(survival::survfit(by_conversion, crlm_survival), 0.5)$quantile
  )
  expect_identical(as.vector(medians), crlm_published$median)
  p <- c(
    survival::survdiff(by_group, crlm_survival)$chisq,
    survival::survdiff(by_conversion, crlm_survival)$chisq
  )
  p <- stats::pchisq(p, 1, lower.tail = FALSE)
  expect_identical(sprintf("%.3f", p), unique(crlm_published$printed_p))
})

test_that("km() gives the study's medians and intervals with ci = \"spss\"", {
  by_group <- km(Surv(months, died) ~ resectable, data = crlm_survival)
  by_conversion <- km(Surv(months, died) ~ conversion, data = crlm_survival)
  parts <- lapply(list(by_group, by_conversion), quantile, 0.5, ci = "spss")
  for (part in c("quantile", "lower", "upper")) {
    got <- unlist(lapply(parts, function(x) as.vector(x[[part]])))
    want <- crlm_published[[if (part == "quantile") "median" else part]]
    expect_identical(sprintf("%.3f", got), sprintf("%.3f", want))
  }
})

test_that("each of the 200 sets prints every survival number of the study", {
  want <- vapply(crlm_published[c("median", "lower", "upper")], sprintf, character(4),
                 fmt = "%.3f")
  wrong <- character()
  for (j in seq_len(ncol(crlm_envelope))) {
    time <- crlm_envelope[, j]
    died <- died_in(j)
    medians <- lapply(rows, function(r) spss_median(time[r], died[r]))
    printed <- t(vapply(medians, function(m) sprintf("%.3f", m$interval), character(3)))
    s <- unlist(lapply(medians, `[[`, "s"))
    b <- rows[["Initially unresectable"]]
    p <- c(
      logrank_p(time, died, seq_len(156) <= 80),
      logrank_p(time[b], died[b], b <= 104)
    )
    ok <- all(printed == want) &&
      all(sprintf("%.3f", p) == c("0.001", "0.034")) &&
      min(abs(outer(s, c(0.45, 0.5, 0.55), "-"))) > 1e-6 &&
      stats::median(time) == 2300 && sum(time < 2300) < 78 && sum(time <= 2300) > 78 &&
      all(range(time) == c(300, 8400))
    if (!ok) wrong <- c(wrong, colnames(crlm_envelope)[j])
  }
  expect_identical(wrong, character())
})

test_that("the limits print the same with 1.959964 as with the 1.96 of SPSS", {
  for (j in c(1, 200)) {
    died <- died_in(j)
    for (r in rows) {
      limits <- lapply(c(1.96, stats::qnorm(0.975)), function(z) {
        sprintf("%.3f", spss_median(crlm_envelope[r, j], died[r], z)$interval)
      })
      expect_identical(limits[[1]], limits[[2]])
    }
  }
})

test_that("a death moved off the median is noticed", {
  time <- crlm_envelope[, 1]
  time[which(time == 3600)[1]] <- 3650L
  limits <- spss_median(time[1:80], rep(TRUE, 80))$interval
  expect_false(identical(sprintf("%.3f", limits), c("36.000", "30.004", "41.996")))
})

test_that("the portal-vein patient is alive at 47 months in 50 sets, dead in 150", {
  expect_identical(dim(crlm_envelope), c(156L, 200L))
  expect_type(crlm_envelope, "integer")
  censored <- startsWith(colnames(crlm_envelope), "censored_")
  expect_identical(startsWith(colnames(crlm_envelope), "all_died_"), !censored)
  expect_identical(sum(censored), 50L)
  expect_equal(attr(crlm_envelope, "censored_row"), ifelse(censored, portal_vein_row, 0))
  expect_true(all(crlm_envelope[portal_vein_row, censored] == 4700))
})

test_that("the first of the 200 sets is crlm_survival, and no two are the same", {
  expect_equal(unname(crlm_envelope[, 1]) / 100, crlm_survival$months)
  expect_identical(anyDuplicated(t(crlm_envelope)), 0L)
})

test_that("no printed number holds 5-year survival of the resectable within 20 points", {
  five_years <- colMeans(crlm_envelope[rows[["Initially resectable"]], ] > 6000)
  expect_gt(diff(range(five_years)), 0.2)
})

test_that("Table 1 counts 24 converted and 52 not under each of eight factors", {
  d <- crlm_conversion
  expect_identical(
    names(d), c("factor", "level", "conversion", "n", "printed_percent", "printed_p")
  )
  expect_identical(nrow(d), 34L)
  expect_type(d$n, "integer")
  expect_type(d$printed_percent, "character")
  expect_type(d$printed_p, "double")
  expect_identical(nlevels(d$factor), 8L)
  expect_identical(nlevels(d$level), 17L)
  expect_true(all(c(">= 6", "<= 4") %in% levels(d$level)))
  totals <- stats::xtabs(n ~ factor + conversion, d)
  expect_true(all(totals[, "Converted"] == 24))
  expect_true(all(totals[, "Not converted"] == 52))
})

test_that("all 34 counts of Table 1 are even, and its percentages are theirs", {
  d <- crlm_conversion
  expect_true(all(d$n %% 2 == 0))
  of_level <- stats::ave(d$n, d$factor, d$level, FUN = sum)
  off <- abs(100 * d$n / of_level - as.numeric(d$printed_percent))
  expect_true(all(off < 0.05 + 1e-9))
})

test_that("Table 2 ablates or removes every lesion found in theatre", {
  d <- crlm_ablation
  expect_identical(d$case, 1:6)
  expect_identical(d$ablated + d$removed, d$intraoperative_ultrasound)
  expect_identical(d$preoperative_ct, d$preoperative_ultrasound)
  more <- d$intraoperative_ultrasound - d$preoperative_ultrasound
  expect_identical(which(more > 0), 2:3)
  expect_identical(which(more < 0), 5L)
})

test_that("the printed survival figures have one row for each curve", {
  d <- crlm_published
  expect_identical(
    names(d), c("figure", "group", "n", "median", "lower", "upper", "printed_p")
  )
  expect_identical(d$group, names(rows))
  expect_identical(d$n, unname(lengths(rows)))
  expect_equal((d$lower + d$upper) / 2, d$median)
  expect_type(d$printed_p, "character")
})
