printed <- c("Gender" = "0.510", "Age" = "0.416", "Primary lesion site" = "0.405",
             "Differentiation" = "0.096",
             "Maximum diameter of liver metastasis" = "0.037",
             "Number of liver metastases" = "0.020", "CEA" = "0.970", "Anemia" = "0.632")

study_counts <- function(name) {
  rows <- crlm_conversion[crlm_conversion$factor == name, ]
  stats::xtabs(n ~ level + conversion, rows, drop.unused.levels = TRUE)
}

number <- matrix(c(6, 18, 34, 18), 2)

matches <- function(...) {
  audit <- audit_crosstab(...)
  audit <- audit[audit$match, ]
  paste(audit$method, audit$scale)
}

test_that("all eight P values of the study are Pearson's on half the printed counts", {
  for (name in names(printed)) {
    hits <- matches(study_counts(name), printed[[name]])
    expect_true("Pearson chi-square 0.5" %in% hits)
  }
})

test_that("no test on the counts as printed gives any of the study's eight P values", {
  for (name in names(printed)) {
    audit <- audit_crosstab(study_counts(name), printed[[name]], scales = 1)
    expect_false(any(audit$match))
  }
})

test_that("on the halves the likelihood ratio gives three of the eight, and Yates none", {
  hits <- unlist(lapply(names(printed), function(name) {
    matches(study_counts(name), printed[[name]], scales = 1 / 2)
  }))
  expect_equal(sum(hits == "Pearson chi-square 0.5"), 8)
  expect_equal(sum(hits == "Likelihood ratio 0.5"), 3)
  expect_equal(sum(hits == "Continuity correction (Yates) 0.5"), 0)
})

test_that("each test is the one that stats computes", {
  p <- function(method) {
    audit <- audit_crosstab(number, 0.5, scales = 1)
    audit$p.value[audit$method == method]
  }
  pearson <- stats::chisq.test(number, correct = FALSE)
  expect_equal(p("Pearson chi-square"), pearson$p.value, tolerance = 1e-10)
  expect_equal(p("Continuity correction (Yates)"), stats::chisq.test(number)$p.value,
               tolerance = 1e-10)
  expect_equal(p("N-1 chi-square"),
               stats::pchisq(pearson$statistic[[1]] * 75 / 76, 1, lower.tail = FALSE),
               tolerance = 1e-10)
  g <- 2 * sum(number * log(number / pearson$expected))
  expect_equal(p("Likelihood ratio"), stats::pchisq(g, 1, lower.tail = FALSE),
               tolerance = 1e-10)
  expect_equal(p("Fisher's exact test"), stats::fisher.test(number)$p.value,
               tolerance = 1e-10)
})

test_that("the N-1 chi-square of a larger table is the one mantelhaen.test() adds up", {
  counts <- matrix(c(14, 4, 6, 22, 20, 10), 3)
  audit <- audit_crosstab(counts, 0.5, scales = 1)
  theirs <- stats::mantelhaen.test(array(c(counts, counts), c(3, 2, 2)))
  once <- stats::pchisq(theirs$statistic[[1]] / 2, 2, lower.tail = FALSE)
  expect_equal(audit$p.value[audit$method == "N-1 chi-square"], once, tolerance = 1e-10)
})

test_that("Yates's correction is tried for 2 x 2 tables only", {
  audit <- audit_crosstab(matrix(c(14, 4, 6, 22, 20, 10), 3), "0.405")
  expect_false("Continuity correction (Yates)" %in% audit$method)
})

test_that("only multiples that keep every count whole are tried", {
  audit <- audit_crosstab(matrix(c(33, 9, 3, 12), 2), "0.05")
  expect_equal(unique(audit$scale), c(1 / 3, 1, 2, 3))
  expect_equal(unique(audit$n), c(19, 57, 114, 171))
  expect_output(print(audit), "whole: times 1/4, 1/2.", fixed = TRUE)
  expect_output(print(audit_crosstab(matrix(c(7, 9, 3, 12), 2), "0.05", scales = 1 / 2)),
                "No test was tried")
})

test_that("thirds are exact for every multiple of three, and for nothing else", {
  third <- as_fraction(1 / 3)
  whole <- vapply(1:3000, function(k) stays_whole(matrix(k, 2, 2), third), NA)
  expect_identical(which(whole), seq(3L, 3000L, 3L))
})

test_that("a P may be text or a number, and text keeps the digits it prints", {
  expect_identical(matches(number, "0.020"), matches(number, 0.02))
  same <- c(".020", "P = 0.020", "p=.020", "P-value 0.020", " 0,020 ", "0\u00b7020")
  for (text in same) {
    expect_identical(matches(number, text), "Pearson chi-square 0.5")
  }
  expect_true("Likelihood ratio 0.5" %in% matches(number, "0.02"))
  expect_true("Likelihood ratio 0.5" %in% matches(number, 0.02, digits = 2))
})

test_that("a number with more than three decimals is compared to all of them", {
  expect_identical(matches(number, 0.0205), "Pearson chi-square 0.5")
  expect_identical(matches(number, 0.0204), character())
})

test_that("a bound agrees with every P on its side", {
  audit <- audit_crosstab(number, "<0.001")
  expect_identical(audit$match, audit$p.value < 0.001)
  audit <- audit_crosstab(number, "P > 0.05", scales = c(1 / 2, 1))
  expect_identical(audit$match, audit$p.value > 0.05)
  expect_identical(read_printed_p("\u2264 0.01", NULL)$relation, "<=")
  expect_identical(read_printed_p("1e-4", NULL)$digits, 4)
})

test_that("a computed half agrees when printed half-up or half-even, not otherwise", {
  agree <- function(p, text) agrees(p, read_printed_p(text, NULL))
  expect_true(agree(0.0205, "0.021"))
  expect_true(agree(0.0205, "0.020"))
  expect_true(agree(0.0215, "0.022"))
  expect_false(agree(0.0215, "0.021"))
  expect_true(agree(2e-5, "0.000"))
  expect_false(agree(NA, "0.000"))
})

test_that("a crosstab() result, a data frame and a table are taken as counts", {
  table <- as.table(number)
  expect_equal(audit_crosstab(crosstab(number), 0.02), audit_crosstab(number, 0.02))
  expect_equal(audit_crosstab(table, 0.02), audit_crosstab(number, 0.02))
  expect_equal(audit_crosstab(as.data.frame(number), 0.02), audit_crosstab(number, 0.02))
})

test_that("the result is a data frame with the documented columns", {
  audit <- audit_crosstab(number, "0.020")
  expect_s3_class(audit, c("riskset_audit", "data.frame"), exact = TRUE)
  expect_named(audit, c("method", "scale", "n", "p.value", "log.p", "printed", "match"))
})

test_that("print says in words which test agrees, and how nearly", {
  said <- function(...) paste(capture.output(print(audit_crosstab(...))), collapse = " ")
  one <- gsub(" +", " ", said(number, "0.020"))
  expect_match(one, fixed = TRUE, paste("P = 0.020 is printed; Pearson chi-square on the",
                                        "counts times 1/2 (n = 38) gives 0.02047."))
  none <- gsub(" +", " ", said(number, 0.001, scales = 1 / 2))
  expect_match(none, "no test tried agrees with it. Nearest: Likelihood ratio",
               fixed = TRUE)
  many <- said(number, "<0.001")
  expect_match(many, "P < 0.001 is printed; 11 tests agree with it:", fixed = TRUE)
  expect_match(many, "on the counts as printed (n = 76) gives 0.00088", fixed = TRUE)
})

test_that("rows picked from an audit print as rows", {
  audit <- audit_crosstab(number, "0.020")
  expect_output(print(audit[audit$match, ]), "method +scale +n +p.value +log.p")
  expect_output(print(rbind(audit, audit)), "method +scale +n +p.value")
})

test_that("counts that are no table of patients are refused (F48)", {
  refused <- function(counts, message) {
    expect_error(audit_crosstab(counts, 0.05), message, class = "riskset_error_table")
  }
  refused(matrix(c(-1, 2, 3, 4), 2), "`counts`.*-1")
  refused(matrix(c(0.5, 2, 3, 4), 2), "`counts`.*0.5")
  refused(matrix(c(NA, 2, 3, 4), 2), "`counts`.*NA")
  refused(matrix(c(Inf, 2, 3, 4), 2), "`counts`.*Inf")
  refused(matrix(1:3, 1), "`counts`.*two rows")
  refused(matrix(1:3, 3), "`counts`.*two columns")
  refused(matrix(c(0, 0, 3, 4), 2), "`counts`.*column 1")
  refused(matrix(c(0, 3, 0, 4), 2), "`counts`.*row 1")
  refused(1:4, "`counts`")
  refused("table", "`counts`")
  refused(array(1:8, c(2, 2, 2)), "`counts`")
})

test_that("a P that is none is refused", {
  refused <- function(p) {
    expect_error(audit_crosstab(number, p), "`p` must be", class = "riskset_error_p")
  }
  for (p in list(1.2, -0.1, NA, NaN, c(0.1, 0.2), NULL, TRUE, list(0.1))) refused(p)
  for (p in c("NS", "", "1.5", "0.02 to 0.05")) refused(p)
})

test_that("digits and scales out of range are refused", {
  refused <- function(message, ...) {
    expect_error(audit_crosstab(number, ...), message, class = "riskset_error_argument")
  }
  refused("`digits`", 0.02, digits = 0)
  refused("`digits`", 0.02, digits = 2.5)
  refused("`digits`", 0.0205, digits = 3)
  refused("`digits`", "0.020", digits = 3)
  refused("`scales`", 0.02, scales = 0)
  refused("`scales`", 0.02, scales = NA_real_)
  refused("`scales`", 0.02, scales = numeric())
  refused("`scales`", 0.02, scales = pi)
  refused("`scales`", 0.02, scales = "1/2")
})

test_that("F54: a computed P that underflows keeps its logarithm and is not printed as 0", {
  audit <- audit_crosstab(matrix(c(2000, 1, 1, 2000), 2), "0.3", scales = 1:2)
  expect_true(all(audit$p.value == 0))
  tests <- crosstab(matrix(c(2000, 1, 1, 2000), 2))$tests
  expect_identical(audit$log.p[c(1, 2, 4, 5)], tests$log.p[1:4])
  n <- 4002
  expect_equal(audit$log.p[3], pchisq(tests$statistic[1] * (n - 1) / n, 1, lower.tail = FALSE, log.p = TRUE))
  expect_true(all(audit$log.p < -1900))
  # The nearest of them is found by its logarithm.
  expect_output(print(audit), "Nearest: Continuity.*n\\s*=\\s*4002.*gives\\s*<\\s*2.2e-16")
})

test_that("a number is read with all its decimals whatever the decimal mark", {
  counts <- matrix(c(10, 20, 30, 45), 2)
  old <- options(OutDec = ",")
  on.exit(options(old))
  expect_identical(audit_crosstab(counts, 0.5249)$printed[1], "0.5249")
  expect_false(audit_crosstab(counts, 0.5249)$match[1])
})

test_that("a P below what can be compared, or no P at all, is refused", {
  counts <- matrix(c(10, 20, 30, 45), 2)
  expect_refused(audit_crosstab(counts, "1e-400"), "at least 1e-300", "p")
  expect_silent(expect_refused(audit_crosstab(counts, mean), "`p` must be one printed P", "p"))
  expect_silent(expect_refused(audit_crosstab(counts, expression(a)), "`p` must be one printed P", "p"))
})
