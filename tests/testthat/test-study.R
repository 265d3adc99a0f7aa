# Every number that a published study of colorectal liver metastases prints and that can be
# computed, through the verbs a user types. vignettes/crlm.Rmd says what each means.

printed_p <- c("Gender" = "0.510", "Age" = "0.416", "Primary lesion site" = "0.405",
               "Differentiation" = "0.096", "Maximum diameter of liver metastasis" = "0.037",
               "Number of liver metastases" = "0.020", "CEA" = "0.970", "Anemia" = "0.632")
diameter <- "Maximum diameter of liver metastasis"
number <- "Number of liver metastases"

factor_counts <- function(name) {
  rows <- crlm_conversion[crlm_conversion$factor == name, ]
  stats::xtabs(n ~ level + conversion, rows, drop.unused.levels = TRUE)
}

table1 <- function(...) {
  univariate(conversion ~ level, data = crlm_conversion, weights = n, block = factor, ...)
}

one_p_a_factor <- function(table, column = "p.value") {
  rows <- as.data.frame(table)
  rows <- rows[!duplicated(rows$factor), ]
  stats::setNames(rows[[column]], rows$factor)
}

three <- function(x) sprintf("%.3f", x)

resectable <- km(Surv(months, died) ~ resectable, data = crlm_survival)
conversion <- km(Surv(months, died) ~ conversion, data = crlm_survival)

spss_medians <- function(fit) {
  q <- quantile(fit, 0.5, ci = "spss")
  cbind(median = three(q$quantile), lower = three(q$lower), upper = three(q$upper))
}

# One of the 200 reconstructed data sets.
set_of <- function(j) {
  d <- crlm_survival
  d$months <- crlm_envelope[, j] / 100
  d$died <- seq_len(nrow(d)) != attr(crlm_envelope, "censored_row")[j]
  d
}

test_that("156 patients are 80 and 76, and the 76 are 24 and 52", {
  expect_equal(as.vector(resectable$n), c(80, 76))
  expect_equal(as.vector(conversion$n), c(24, 52))
  expect_equal(crlm_published$n, c(80, 76, 24, 52))
  for (name in names(printed_p)) {
    expect_equal(unname(colSums(factor_counts(name))), c(24, 52))
  }
})

test_that("the medians and the intervals of SPSS are those printed", {
  expect_equal(spss_medians(resectable), cbind(
    median = c("36.000", "17.000"), lower = c("30.004", "14.215"), upper = c("41.996", "19.785")
  ))
  expect_equal(spss_medians(conversion), cbind(
    median = c("20.000", "15.000"), lower = c("17.479", "12.514"), upper = c("22.521", "17.486")
  ))
})

test_that("the printed intervals are symmetric, as only SPSS's are", {
  expect_equal((crlm_published$lower + crlm_published$upper) / 2, crlm_published$median)
  band <- quantile(resectable, 0.5)
  expect_true(any(abs((band$lower + band$upper) / 2 - band$quantile) > 0.005))
})

test_that("survfit() gives the same medians, with other intervals", {
  expect_equal(as.vector(quantile(resectable, 0.5)$quantile), c(36, 17))
  expect_equal(as.vector(quantile(conversion, 0.5)$quantile), c(20, 15))
})

test_that("the log-rank tests print .001 and .034", {
  expect_equal(three(logrank(resectable)$p.value), "0.001")
  expect_equal(three(logrank(conversion)$p.value), "0.034")
  by_formula <- logrank(Surv(months, died) ~ conversion, data = crlm_survival)
  expect_equal(by_formula$p.value, logrank(conversion)$p.value)
})

test_that("follow-up has median 23 and goes from 3 to 84 months, until death", {
  all <- km(Surv(months, died) ~ 1, data = crlm_survival)
  expect_equal(unname(quantile(all, 0.5, ci = "spss")$quantile), 23)
  expect_equal(stats::median(crlm_survival$months), 23)
  expect_equal(range(crlm_survival$months), c(3, 84))
  expect_true(all(crlm_survival$died))
})

test_that("all 200 reconstructions give the printed numbers, 50 with a patient alive", {
  alive <- attr(crlm_envelope, "censored_row") > 0
  expect_equal(c(sum(!alive), sum(alive)), c(150, 50))
  for (j in seq_len(ncol(crlm_envelope))) {
    d <- set_of(j)
    first <- km(Surv(months, died) ~ resectable, data = d)
    second <- km(Surv(months, died) ~ conversion, data = d)
    agree <- c(
      identical(spss_medians(first), spss_medians(resectable)),
      identical(spss_medians(second), spss_medians(conversion)),
      three(c(logrank(first)$p.value, logrank(second)$p.value)) == c("0.001", "0.034"),
      c(stats::median(d$months), range(d$months)) == c(23, 3, 84),
      sum(!d$died) == alive[j]
    )
    if (!all(agree)) fail(paste("reconstruction", j))
  }
  succeed()
})

test_that("the reconstructions agree about the medians and about little else", {
  at <- function(rows, month) range(colMeans(crlm_envelope[rows, ] > 100 * month))
  expect_lt(at(1:80, 60)[1], 0.1)
  expect_gt(at(1:80, 60)[2], 0.3)
  expect_lte(at(1:80, 36)[2], 0.5)
})

test_that("a landmark of six months may leave P below .01 or above .3", {
  p <- vapply(seq_len(ncol(crlm_envelope)), function(j) {
    logrank(Surv(months, died) ~ conversion, data = set_of(j), subset = months >= 6)$p.value
  }, 0)
  expect_lt(min(p), 0.01)
  expect_gt(max(p), 0.3)
})

test_that("at the printed counts, Table 1 has other P values than it prints", {
  p <- one_p_a_factor(table1())
  expect_equal(unname(round(p, 4)), c(.3519, .2502, .1637, .0187, .0032, .0010, .9580, .4988))
  expect_false(any(three(p) == printed_p[names(p)]))
})

test_that("at half the counts, Table 1 has exactly the P values it prints", {
  half <- univariate(conversion ~ level, crlm_conversion, weights = n / 2, block = factor)
  expect_equal(three(one_p_a_factor(half)), unname(printed_p))
  for (name in names(printed_p)) {
    tests <- as.data.frame(crosstab(factor_counts(name) / 2))
    expect_equal(three(tests$p.value[tests$method == "Pearson chi-square"]), printed_p[[name]])
  }
})

test_that("the audit finds the half, and Pearson alone for all eight", {
  audits <- do.call(rbind, lapply(names(printed_p), function(name) {
    as.data.frame(audit_crosstab(factor_counts(name), printed_p[[name]]))
  }))
  hits <- audits[audits$match, ]
  expect_equal(unique(hits$scale), 0.5)
  expect_equal(unique(hits$n), 38)
  expect_equal(sum(hits$method == "Pearson chi-square"), 8)
  expect_equal(sum(hits$method == "Likelihood ratio"), 3)
  expect_equal(nrow(hits), 11)
})

test_that("all 34 counts are even, so the halves are whole", {
  expect_equal(nrow(crlm_conversion), 34)
  expect_true(all(crlm_conversion$n %% 2 == 0))
})

test_that("differentiation is significant at the printed counts, but not after Holm", {
  p <- one_p_a_factor(table1(adjust = "holm"))
  holm <- one_p_a_factor(table1(adjust = "holm"), "p.adjusted")
  expect_equal(three(p[["Differentiation"]]), "0.019")
  expect_equal(three(holm[c("Differentiation", diameter, number)]), c("0.112", "0.023", "0.008"))
  expect_equal(sum(p[setdiff(names(p), c(diameter, number))] > 0.05), 5)
})

test_that("after Holm none of the printed P values is below .05", {
  expect_gt(min(stats::p.adjust(as.numeric(printed_p), "holm")), 0.05)
})

test_that("half-up gives all 34 printed percentages, half-even all but one", {
  percents <- function(rounding) {
    cells <- format(table1(rounding = rounding))
    cells <- t(cells[cells[, "n"] != "", c("Converted", "Not converted")])
    sub(".*\\((.*)\\)", "\\1", as.vector(cells))
  }
  printed <- crlm_conversion$printed_percent
  expect_equal(percents("half-up"), printed)
  other <- percents("half-even") != printed
  expect_equal(percents("half-even")[other], "31.2")
  expect_equal(printed[other], "31.3")
})

test_that("the conversion rates of the text are those of Table 1", {
  rates <- as.data.frame(table1())
  rate <- function(name, n) round(rates$percent.Converted[rates$factor == name & rates$n == n], 1)
  expect_equal(c(rate(diameter, 32), rate(diameter, 44)), c(50, 18.2))
  expect_equal(c(rate(number, 36), rate(number, 40)), c(50, 15))
})

test_that("in Table 2 two patients had lesions found only in theatre, and one had fewer", {
  d <- crlm_ablation
  found <- d$intraoperative_ultrasound - d$preoperative_ct
  expect_equal(d$preoperative_ct, d$preoperative_ultrasound)
  expect_equal(d$case[found > 0], 2:3)
  expect_equal(d$case[found < 0], 5)
  expect_equal(d$ablated + d$removed, d$intraoperative_ultrasound)
})

test_that("the groups of Figure 2 differ in age, however many of the 80 were young", {
  # The median of 156 is 57.5, so 78 at least were under 60; 26 of these are in Table 1.
  young <- factor_counts("Age")["< 60", ]
  expect_equal(sum(young), 26)
  p <- vapply((78 - 26):80, function(k) {
    as.data.frame(crosstab(rbind(c(k, 80 - k), c(26, 50))))$p.value[1]
  }, 0)
  expect_equal(max(p), p[1])
  expect_equal(signif(p[1], 2), 0.00012)
})

test_that("101 men and 55 women leave 51 and 29 of the 80, who do not differ in sex", {
  sex <- c(101, 55) - rowSums(factor_counts("Gender"))
  expect_equal(unname(sex), c(51, 29))
  test <- as.data.frame(crosstab(rbind(sex, rowSums(factor_counts("Gender")))))
  expect_gt(test$p.value[1], 0.7)
})
