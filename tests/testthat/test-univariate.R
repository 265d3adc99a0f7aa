lung <- survival::lung
infert <- datasets::infert

published <- function(...) {
  univariate(conversion ~ level, data = crlm_conversion, weights = n, block = factor, ...)
}

p_values <- function(table) {
  rows <- as.data.frame(table)
  rows <- rows[!duplicated(rows$factor), ]
  structure(rows$p.value, names = rows$factor)
}

uncorrected <- function(x, y) {
  suppressWarnings(stats::chisq.test(table(x, y), correct = FALSE))
}

test_that("a category has the uncorrected chi-square of chisq.test()", {
  rows <- as.data.frame(univariate(case ~ education + induced + spontaneous, infert))
  for (name in c("education", "induced", "spontaneous")) {
    theirs <- uncorrected(infert[[name]], infert$case)
    ours <- rows[rows$factor == name, ]
    expect_equal(ours$p.value[1], theirs$p.value, tolerance = 1e-10)
    expect_equal(ours$statistic[1], theirs$statistic[[1]], tolerance = 1e-10)
    expect_equal(ours$df[1], theirs$parameter[[1]])
  }
})

test_that("a number has the Wilcoxon test of wilcox.test() and its quartiles", {
  row <- as.data.frame(univariate(sex ~ age, lung))
  theirs <- stats::wilcox.test(age ~ sex, lung, exact = FALSE)
  expect_equal(row$p.value, theirs$p.value, tolerance = 1e-10)
  expect_equal(row$statistic, theirs$statistic[[1]])
  men <- stats::quantile(lung$age[lung$sex == 1], c(0.25, 0.5, 0.75), names = FALSE)
  expect_equal(c(row$q1.1, row$median.1, row$q3.1), men)
  expect_identical(row$test, "Wilcoxon rank-sum")
})

test_that("a number has the Kruskal-Wallis test when there are three outcomes", {
  row <- as.data.frame(univariate(education ~ age, infert))
  theirs <- stats::kruskal.test(age ~ education, infert)
  expect_equal(row$p.value, theirs$p.value, tolerance = 1e-10)
  expect_equal(c(row$statistic, row$df), c(theirs$statistic[[1]], theirs$parameter[[1]]))
})

test_that("an outcome of four levels is tested as chisq.test() does", {
  ours <- p_values(univariate(ph.ecog ~ sex, lung))[["sex"]]
  expect_equal(ours, uncorrected(lung$sex, lung$ph.ecog)$p.value, tolerance = 1e-10)
})

test_that("the published counts give the P values known for them", {
  known <- c(.3519, .2502, .1637, .0187, .0032, .0010, .9580, .4988)
  expect_equal(unname(round(p_values(published()), 4)), known)
})

test_that("the levels of other blocks are not unused levels", {
  expect_false(any(grepl("nobody", univariate_notes(published()))))
})

test_that("half the published counts give the P values that the paper prints", {
  half <- univariate(conversion ~ level, crlm_conversion, weights = n / 2, block = factor)
  expect_equal(unname(round(p_values(half), 3)),
               c(0.510, 0.416, 0.405, 0.096, 0.037, 0.020, 0.970, 0.632))
})

test_that("Holm's adjustment over the published counts is p.adjust()'s", {
  table <- published(adjust = "holm")
  rows <- as.data.frame(table)
  rows <- rows[!duplicated(rows$factor), ]
  expect_equal(rows$p.adjusted, stats::p.adjust(rows$p.value, "holm"))
  known <- c("Differentiation" = 0.112, "Maximum diameter of liver metastasis" = 0.023,
             "Number of liver metastases" = 0.008)
  expect_equal(round(rows$p.adjusted[match(names(known), rows$factor)], 3), unname(known))
  expect_match(univariate_notes(table), "P (holm): adjusted for 8 tests.", fixed = TRUE,
               all = FALSE)
})

test_that("counts and the rows they stand for give the same table (F42)", {
  counted <- as.data.frame(table(case = infert$case, education = infert$education,
                                 induced = infert$induced))
  rows <- univariate(case ~ education + induced, transform(infert, case = factor(case)))
  weighted <- univariate(case ~ education + induced, counted, weights = Freq)
  expect_equal(p_values(weighted), p_values(rows))
  expect_equal(as.data.frame(weighted)$n.1, as.data.frame(rows)$n.1)
})

test_that("a number with weights is as if its rows were repeated", {
  weights <- rep_len(0:3, nrow(infert))
  weighted <- as.data.frame(univariate(case ~ age, infert, weights = weights))
  repeated <- infert[rep(seq_len(nrow(infert)), weights), ]
  expect_equal(weighted, as.data.frame(univariate(case ~ age, repeated)))
})

test_that("missing values are dropped factor by factor, counted and printed (F01, F02, F32)", {
  d <- data.frame(y = c(NA, rep(0:1, 10)), z = c(1, NaN, NA, 3:20),
                  a = c("u", NA, rep(c("u", "v"), length.out = 19)),
                  b = c("s", NA, rep(c("s", "t"), each = 10)[-1]))
  rows <- as.data.frame(univariate(y ~ a + b + z, d))
  expect_equal(rows$n.missing[match(c("a", "b", "z"), rows$factor)], c(1, 1, 2))
  expect_equal(sum(rows$n[rows$factor == "a"]), 19)
  expect_output(print(univariate(y ~ a + b + z, d)),
                "Missing values left out: y 1, a 1, b 1, z 2.", fixed = TRUE)
})

test_that("weights count the missing patients, not their rows", {
  d <- data.frame(y = c(0, 1, 0, 1, NA), x = c("a", "b", NA, "a", NA), n = 3:7)
  expect_equal(unique(as.data.frame(univariate(y ~ x, d, weights = n))$n.missing), 5)
})

test_that("percents are of the level or of the outcome", {
  rows <- as.data.frame(published())
  number <- rows[rows$factor == "Number of liver metastases", ]
  expect_equal(number$percent.Converted, 100 * c(6, 18) / c(40, 36))
  column <- as.data.frame(published(percent = "column"))
  column <- column[column$factor == "Number of liver metastases", ]
  expect_equal(column$percent.Converted, 100 * c(6, 18) / 24)
})

test_that("10 of 32 prints as 31.3, and as 31.2 only when half-even is asked for", {
  cell <- function(...) {
    text <- format(published(...))
    unname(text[text[, "n"] == "32" & grepl("^10 ", text[, "Converted"]), "Converted"])
  }
  expect_identical(cell(), "10 (31.3)")
  expect_identical(cell(rounding = "half-even"), "10 (31.2)")
  expect_identical(cell(digits = 0), "10 (31)")
  expect_identical(cell(digits = 2), "10 (31.25)")
})

test_that("halves are found although binary numbers miss them", {
  expect_equal(printed_units(c(1.005, 0.285, 2.5), 2, "half-up"), c(101, 29, 250))
  expect_equal(printed_units(c(0.5, 1.5, 2.5, NA), 0, "half-even"), c(0, 2, 2, NA))
  expect_equal(printed_units(c(-0.5, -1.4), 0, "half-up"), c(-1, -1))
  exact <- 0:1000 / 1000
  expect_equal(printed_units(exact, 3, "half-up"), 0:1000)
})

test_that("up to 10 distinct numbers are categories, 11 are a measurement", {
  d <- data.frame(y = rep(0:1, 33), ten = rep(1:10, length.out = 66), eleven = 1:11)
  rows <- as.data.frame(univariate(y ~ ten + eleven, d))
  expect_equal(sum(rows$factor == "ten"), 10)
  expect_identical(rows$level[rows$factor == "eleven"], NA_character_)
})

test_that("text, logical values, time spans and integer64 are read as such", {
  d <- data.frame(y = rep(c("no", "yes"), 20), flag = rep(c(TRUE, FALSE, FALSE, NA), 10))
  d$wait <- as.difftime(rep(c(1, 2), each = 20), units = "days")
  d$big <- structure(rep(c(4.94065645841247e-324, 9.88131291682493e-324), 20),
                     class = "integer64")
  d$big[1:4] <- d$big[4:1]
  rows <- as.data.frame(univariate(y ~ flag + wait + big, d))
  expect_identical(rows$level, c("FALSE", "TRUE", "1", "2", "1", "2"))
  expect_equal(rows$n[1:2], c(20, 10))
})

test_that("few expected patients keep Pearson, and the footnote counts the cells", {
  d <- data.frame(y = rep(0:1, c(4, 20)), x = rep(c("a", "b"), 12))
  table <- univariate(y ~ x, d)
  expect_equal(p_values(table)[["x"]], uncorrected(d$x, d$y)$p.value)
  expect_match(univariate_notes(table), "below 5: x (2 of 4 cells, the smallest 2).",
               fixed = TRUE, all = FALSE)
})

test_that("an expected count of exactly 5 is not below 5", {
  d <- data.frame(y = rep(0:1, each = 10), x = rep(c("a", "b"), 10))
  expect_false(any(grepl("below 5", univariate_notes(univariate(y ~ x, d)))))
})

test_that("a factor of one used level has P = NA, with the reason in print and message (F27)", {
  d <- data.frame(y = rep(0:1, 5), site = "A", x = rep(c("a", "b"), 5), gone = NA)
  expect_message(table <- univariate(y ~ site + x, d), "site (only one level is used)",
                 fixed = TRUE, class = "riskset_undefined")
  expect_identical(p_values(table)[["site"]], NA_real_)
  expect_output(print(table), "P is not defined for site (only one level is used).",
                fixed = TRUE)
  expect_message(univariate(y ~ gone, d), "no values", class = "riskset_undefined")
})

test_that("a factor known for one outcome only has P = NA, whatever its kind", {
  d <- data.frame(y = rep(0:1, each = 20), number = c(1:20, rep(NA, 20)))
  d$category <- ifelse(is.na(d$number), NA, rep(c("a", "b"), 20))
  expect_message(table <- univariate(y ~ number + category, d),
                 "number (only one outcome occurs), category (only one outcome occurs)",
                 fixed = TRUE, class = "riskset_undefined")
  expect_true(all(is.na(p_values(table))))
})

test_that("an all-missing factor still has a row and a header", {
  d <- data.frame(y = rep(0:1, 5), gone = NA_character_, x = rep(c("a", "b"), 5))
  expect_message(table <- univariate(y ~ gone + x, d), class = "riskset_undefined")
  rows <- as.data.frame(table)
  expect_equal(rows$n, c(0, 5, 5))
  expect_identical(unname(format(table)[, 1]), c("gone", "x", "  a", "  b"))
})

test_that("unused levels of factor and outcome add nothing and are counted (F26)", {
  d <- transform(infert, education = factor(education, c(levels(education), "none")),
                 case = factor(case, 0:2))
  table <- univariate(case ~ education, d)
  expect_equal(p_values(table), p_values(univariate(case ~ education, infert)))
  expect_match(univariate_notes(table), "levels that nobody has: education 1.",
               fixed = TRUE, all = FALSE)
})

test_that("subset takes logical values and row numbers", {
  logical <- univariate(sex ~ ph.ecog + age, lung, subset = ph.ecog < 3)
  numbers <- univariate(sex ~ ph.ecog + age, lung, subset = which(lung$ph.ecog < 3))
  frame <- univariate(sex ~ ph.ecog + age, lung[which(lung$ph.ecog < 3), ])
  expect_equal(as.data.frame(logical), as.data.frame(frame))
  expect_equal(as.data.frame(numbers), as.data.frame(frame))
})

test_that("data may be a list, and names may hold spaces and quotes", {
  d <- list(y = rep(0:1, 6), `it's "x" %d` = rep(c("a", "b", "c"), each = 4))
  table <- univariate(y ~ `it's "x" %d`, d)
  expect_identical(names(p_values(table)), "it's \"x\" %d")
  expect_output(print(table), "it's \"x\" %d", fixed = TRUE)
})

test_that("the printed table is aligned, with P on the line of its factor", {
  printed <- capture.output(print(univariate(case ~ education + age, infert)))
  expect_identical(printed[1:10], c(
    "Univariate analysis of case: n (row %), median (Q1, Q3)",
    "",
    "                      n             0               1       P",
    "education                                               0.999",
    "  0-5yrs             12      8 (66.7)        4 (33.3)",
    "  6-11yrs           120     80 (66.7)       40 (33.3)",
    "  12+ yrs           116     77 (66.4)       39 (33.6)",
    "age                                                     0.954",
    "  median (Q1, Q3)   248   31 (28, 35)   31 (28, 35.5)",
    ""
  ))
  notes <- paste(printed[-(1:10)], collapse = " ")
  expect_match(notes, "Pearson chi-square, uncorrected: education")
  expect_match(notes, "continuity): age.", fixed = TRUE)
})

test_that("a P is never printed as 0 (F54)", {
  expect_identical(printed_p(c(0, 1e-300, 9.9e-4, 0.001, 0.0123, 1, NA)),
                   c("< 0.001", "< 0.001", "< 0.001", "0.001", "0.012", "1.000", "NA"))
})

test_that("small measurements keep three significant digits", {
  d <- data.frame(y = rep(0:1, 20), x = 1:40 / 1e4)
  cells <- format(univariate(y ~ x, d))
  expect_identical(cells[[2, "0"]], "0.002 (0.00105, 0.00295)")
})

test_that("as.data.frame() has the documented columns and one row a level", {
  rows <- as.data.frame(univariate(case ~ education + age, infert, adjust = "BH"))
  expect_named(rows, c("factor", "level", "n", "n.0", "n.1", "percent.0", "percent.1",
                       "median.0", "median.1", "q1.0", "q1.1", "q3.0", "q3.1",
                       "statistic", "df", "p.value", "log.p", "p.adjusted", "test", "n.missing"))
  expect_identical(rows$factor, rep(c("education", "age"), c(3, 1)))
})

test_that("the table knits to HTML, LaTeX and Word with labels as they stand", {
  skip_if_not_installed("rmarkdown")
  skip_if_not(rmarkdown::pandoc_available("1.12.3"))
  labels <- c("*1*", "x|y", "<b>_q_ & [z] $u$ ~2~")
  d <- transform(infert, induced = factor(induced, labels = labels))
  here <- new.env()
  here$table <- univariate(case ~ induced + age, d)
  path <- tempfile(fileext = ".Rmd")
  writeLines(c("---", "title: A table", "---", "```{r}", "table", "```"), path)
  knit <- function(format) {
    out <- rmarkdown::render(path, format, envir = here, quiet = TRUE)
    if (format != "word_document") return(paste(readLines(out), collapse = "\n"))
    xml <- utils::unzip(out, "word/document.xml", exdir = tempfile())
    paste(readLines(xml, warn = FALSE), collapse = "\n")
  }
  html <- knit("html_fragment")
  expect_match(html, "<caption>Univariate analysis of case", fixed = TRUE)
  expect_match(html, "&lt;b&gt;_q_ &amp; [z] $u$ ~2~</td>", fixed = TRUE)
  expect_match(html, "Pearson chi-square, uncorrected: induced", fixed = TRUE)
  expect_match(knit("latex_fragment"), "x\\textbar", fixed = TRUE)
  expect_match(knit("word_document"), "<w:tbl>.*31 .28, 35.5.")
})

test_that("an outcome that cannot be one is refused by name", {
  one <- subset(infert, case == 1)
  expect_error(univariate(case ~ age, one), "`case` must have at least two levels",
               class = "riskset_error_outcome")
  expect_error(univariate(age ~ case, infert), "`age` must be categories",
               class = "riskset_error_outcome")
  expect_error(univariate(Surv(time, status) ~ sex, lung), "must be a vector",
               class = "riskset_error_outcome")
})

test_that("a formula that is not one is refused", {
  refused <- function(formula, class = "riskset_error_formula", ...) {
    expect_error(univariate(formula, infert, ...), class = class)
  }
  refused(list(1))
  refused(~ age)
  refused(case ~ 1)
  refused(case ~ nowhere)
  refused(case ~ age:education)
  refused(case ~ age + offset(parity))
  refused(case ~ age + education, block = induced)
  refused(case ~ education + strata(induced), "riskset_error_unsupported")
})

test_that("weights that are not numbers of patients are refused (F38, F39, F40, F41)", {
  refused <- function(w, class = "riskset_error_weights") {
    expect_error(univariate(case ~ education, infert, weights = w), "`weights`",
                 class = class)
  }
  n <- nrow(infert)
  refused(rep(0.5, n))
  refused(rep(-1, n))
  refused(c(NA, rep(1, n - 1)))
  refused(rep(Inf, n))
  refused(rep(0, n))
  refused(rep(2^52, n))
  refused(rep("1", n))
  refused(1:3, "riskset_error_length")
})

test_that("too many patients are refused for a number, not for a category", {
  expect_error(univariate(case ~ age, infert, weights = rep(1e6, nrow(infert))), "`age`",
               class = "riskset_error_unsupported")
  million <- univariate(case ~ education, infert, weights = rep(1e6, nrow(infert)))
  expect_equal(sum(as.data.frame(million)$n), 1e6 * nrow(infert))
})

test_that("other arguments that cannot be meant are refused by name", {
  expect_error(univariate(case ~ age, infert, digits = -1), "`digits`",
               class = "riskset_error_argument")
  expect_error(univariate(case ~ age, infert, digits = 1.5), "`digits`",
               class = "riskset_error_argument")
  expect_error(univariate(case ~ age, infert, percent = "both"), "`percent`",
               class = "riskset_error_argument")
  expect_error(univariate(case ~ age, infert, rounding = "up"), "`rounding`",
               class = "riskset_error_argument")
  expect_error(univariate(case ~ age, infert, adjust = "sidak"), "`adjust`",
               class = "riskset_error_argument")
  expect_error(univariate(case ~ age, infert, overall = TRUE), "`overall`",
               class = "riskset_error_argument")
  expect_error(univariate(case ~ age, infert, subset = "all"), "`subset`",
               class = "riskset_error_argument")
  expect_error(univariate(case ~ age, infert[0, ]), "no rows",
               class = "riskset_error_length")
  expect_error(univariate(case ~ list(1, 2), infert), class = "riskset_error_length")
})

test_that("F54: every P of the table has its logarithm, which does not underflow", {
  d <- transform(infert, site = 1, wide = stratum + 0.5, ties = round(age / 3))
  for (f in list(case ~ education + wide + ties, education ~ age + wide + induced)) {
    rows <- as.data.frame(univariate(f, d))
    expect_equal(exp(rows$log.p), rows$p.value, tolerance = 1e-10)
  }
  expect_identical(suppressMessages(as.data.frame(univariate(case ~ site, d)))$log.p, NA_real_)
  far <- data.frame(y = rep(0:1, each = 2000), same = rep(c("a", "b"), each = 2000), number = 1:4000)
  far$three <- rep(1:3, c(1000, 1000, 2000))
  rows <- as.data.frame(univariate(y ~ same + number, far))
  expect_identical(rows$p.value, c(0, 0, 0))
  expect_equal(rows$log.p[1], pchisq(4000, 1, lower.tail = FALSE, log.p = TRUE))
  z <- (2000^2 / 2 - 0.5) / sqrt(2000^2 / 12 * 4001)
  expect_equal(rows$log.p[3], log(2) + pnorm(-z, log.p = TRUE))
  rows <- as.data.frame(univariate(three ~ number, far))
  expect_identical(rows$p.value, 0)
  statistic <- kruskal.test(number ~ three, far)$statistic[[1]]
  expect_equal(rows$log.p, pchisq(statistic, 2, lower.tail = FALSE, log.p = TRUE))
  expect_output(print(univariate(y ~ same, far)), "< 0.001")
})

test_that("blocks that are all missing are refused", {
  d <- data.frame(y = c(0, 1, 0, 1), x = c(1, 1, 2, 2))
  expect_refused(univariate(y ~ x, d, block = rep(NA, 4)), "`block` has missing values only", "missing")
})
