verification <- verify_riskset()

# Puts another function in the place of one of the package's while `expr` runs.
with_broken <- function(name, broken, expr) {
  home <- asNamespace("riskset")
  whole <- get(name, home)
  replace <- function(f) {
    unlockBinding(name, home)
    assign(name, f, home)
    lockBinding(name, home)
  }
  replace(broken)
  on.exit(replace(whole))
  expr
}

failed_checks <- function(v) v[!v$passed, ]

# ---- On this machine --------------------------------------------------------------------

test_that("every check passes on this machine", {
  expect_identical(failed_checks(as.data.frame(verification))$check, character())
  expect_gte(sum(verification$part == "operation"), 100L)
  expect_setequal(verification$part, c("installation", "operation"))
  expect_output(print(verification), sprintf("All %d checks passed. The largest", nrow(verification)))
})

test_that("the table has the documented columns, a source for each number, and no check twice", {
  d <- as.data.frame(verification)
  expect_identical(class(d), "data.frame")
  expect_named(d,
               c("part", "requirement", "check", "source", "expected", "observed", "difference", "tolerance",
                    "passed"))
  expect_true(all(nzchar(d$source) & nzchar(d$check)))
  expect_identical(anyDuplicated(d[c("requirement", "check")]), 0L)
  numbers <- !is.na(d$difference)
  expect_gte(sum(numbers), 90L)
  expect_true(all(d$difference[numbers] <= d$tolerance[numbers]))
  printed <- grepl("SAS|Stata|Rout.save|scikit|survminer|R,|Penn State|Cookbook|r-tutor", d$source)
  expect_gte(sum(printed & numbers), 40L)
})

test_that("the exported functions it looks for are those there are", {
  expect_identical(documented_exports, sort(getNamespaceExports("riskset"), method = "radix"))
})

test_that("options, random numbers and the work space are left as they were", {
  old <- options(riskset.paths = "sort", riskset.threads = 1L, na.action = "na.fail", digits = 3,
                 OutDec = ",", warn = 2)
  on.exit(options(old))
  set.seed(1)
  before <- list(options(), .Random.seed, ls(globalenv()))
  v <- verify_riskset()
  expect_identical(list(options(), .Random.seed, ls(globalenv())), before)
  expect_identical(failed_checks(as.data.frame(v))$check, character())
  expect_identical(as.data.frame(v), as.data.frame(verification))
})

test_that("the report holds every check, its source and the session, and is written to a file", {
  file <- tempfile(fileext = ".txt")
  on.exit(unlink(file))
  v <- verify_riskset(file = file)
  lines <- readLines(file, encoding = "UTF-8")
  expect_identical(lines, format(v))
  for (text in c(v$check, v$source, v$expected, R.version.string, "All [0-9]+ checks passed")) {
    fixed <- !startsWith(text, "All")
    expect_true(any(grepl(text, lines, fixed = fixed)), info = text)
  }
  expect_match(grep("^survival ", lines, value = TRUE), as.character(utils::packageVersion("survival")),
               fixed = TRUE)
  expect_match(grep("^OpenMP ", lines, value = TRUE), "yes|no")
})

# ---- When something is broken -----------------------------------------------------------

test_that("a broken interval of SPSS is FAILED in the result, the print and a message, and nothing else is", {
  broken <- function(p, fit, rows) c(1, 1, 1.01) * spss_quantile_before(p, fit, rows)
  environment(broken) <- list2env(list(spss_quantile_before = spss_quantile), parent = asNamespace("riskset"))
  with_broken("spss_quantile", broken, {
    expect_message(v <- verify_riskset(), "2 of [0-9]+ checks FAILED", class = "riskset_verification")
  })
  expect_identical(unique(failed_checks(v)$requirement), "R05")
  expect_match(failed_checks(v)$check, "limits", all = TRUE)
  expect_output(print(v), "FAILED R05 median and limits of SPSS.*FAILED: 2 of")
  expect_match(format(v), "FAILED R05", all = FALSE)
  expect_match(tail(format(v), 1L), "FAILED: 2 of")
})

test_that("error = TRUE stops after the report is written", {
  file <- tempfile(fileext = ".txt")
  on.exit(unlink(file))
  off <- function(statistic, df) list(p = statistic, log_p = statistic)
  with_broken("chi_p", off, {
    expect_error(verify_riskset(file = file, error = TRUE), "FAILED", class = "riskset_error_verification")
  })
  expect_match(readLines(file), "FAILED R14 migraine: chi-square and P", all = FALSE)
})

test_that("a function that fails is a failed check, with its complaint, and the others are still made", {
  with_broken("homogeneity", function(counts, odds) stop("no such thing"), {
    v <- suppressMessages(verify_riskset())
  })
  expect_identical(nrow(v), nrow(verification))
  expect_false(all(v$passed))
  expect_true("R17" %in% failed_checks(v)$requirement)
  expect_match(failed_checks(v)$observed, "no such thing", all = FALSE)
  expect_true(all(v$passed[v$requirement %in% c("R02", "R10", "R12")]))
})

test_that("input that is accepted where it should be refused is FAILED", {
  with_broken("check_level", function(x, name) NULL, {
    v <- suppressMessages(verify_riskset())
  })
  expect_setequal(failed_checks(v)$check, c("refused: conf.int = 95", "refused: conf.level = 95"))
  expect_match(failed_checks(v)$observed, "error")
})

test_that("data that were changed are noticed", {
  d <- crlm_survival
  expect_identical(content_md5(d), data_md5[["crlm_survival"]])
  d$months[80] <- d$months[80] + 0.01
  expect_false(content_md5(d) == data_md5[["crlm_survival"]])
  m <- crlm_envelope
  m[1, 200] <- m[1, 200] + 1L
  expect_false(content_md5(m) == data_md5[["crlm_envelope"]])
})

test_that("a printed number agrees to half a unit of its last digit, and no further", {
  passed <- function(text, value) judge(printed(text), value)$passed
  expect_true(passed("1.23", 1.2349))
  expect_false(passed("1.23", 1.2351))
  expect_false(passed("1.230", 1.2349))
  expect_true(passed("5.9e-07", 5.94e-07))
  expect_false(passed("5.9e-07", 5.96e-07))
  expect_false(passed("31", 31.01))
  expect_true(passed("18 NA", c(18, NA)))
  expect_false(passed("18 NA", c(18, 20)))
  expect_false(passed("18 20", c(18, NA)))
  expect_false(passed("18", c(18, 18)))
  expect_identical(judge(printed("1.23 0.5"), c(1.2351, 0.5))$difference, abs(1.2351 - 1.23))
  expect_equal(half_unit(c("1.23", "7", "1.6e-07", "102.5")), c(0.005, 1e-9, 0.5e-8, 0.05))
})

test_that("a number of a peer agrees to 1e-10 of itself, missing and infinite ones in place", {
  passed <- function(x, y) judge(x, y)$passed
  expect_true(passed(c(1e6, 0, Inf, NA), c(1e6 + 1e-5, 0, Inf, NA)))
  expect_false(passed(1e6, 1e6 + 1e-3))
  expect_false(passed(c(1, NA), c(1, 2)))
  expect_false(passed(c(1, 2), c(1, NA)))
  expect_false(passed(Inf, 1e300))
  expect_false(passed(1, numeric()))
  expect_false(passed(0, 1e-13))
  expect_false(judge("riskset_error_time", "no error")$passed)
})

test_that("arguments that cannot be are refused", {
  for (file in list(1, NA_character_, c("a", "b"), character())) {
    expect_refused(verify_riskset(file = file), "`file` must be the name of one file", "argument")
  }
  for (error in list(NA, 1, "yes", c(TRUE, FALSE))) {
    expect_refused(verify_riskset(error = error), "`error` must be TRUE or FALSE", "argument")
  }
  expect_refused(verify_riskset(file = file.path(tempdir(), "no", "such", "folder.txt")),
                 "cannot be written", "file")
})

test_that("rows and columns picked from it print", {
  expect_output(print(verification[verification$requirement == "R22", ]), "R22.*All [0-9]+ checks passed")
  expect_output(print(verification[c("check", "source")]), "source")
})

# ---- Trace ------------------------------------------------------------------------------

# After tests were added or renamed: Rscript data-raw/trace.R

requirements <- utils::read.csv(system.file("validation", "requirements.csv", package = "riskset"))
traced <- utils::read.csv(system.file("validation", "tests.csv", package = "riskset"))
titles <- test_titles(test_path())

test_that("every requirement that is verified or traced has a text, and each id is there once", {
  expect_identical(setdiff(c(verification$requirement, traced$id), requirements$id), character())
  expect_identical(anyDuplicated(requirements$id), 0L)
  expect_true(all(nzchar(requirements$requirement)))
  expect_identical(anyDuplicated(trace_key(traced)), 0L)
})

test_that("every test that the trace names exists, and every fault a test names is traced", {
  named <- unique(traced[c("file", "test")])
  expect_identical(named$test[!trace_key(named) %in% trace_key(titles)], character())
  faults <- titled_faults(titles)
  expect_identical(faults$test[!trace_key(faults) %in% trace_key(traced)], character())
})

test_that("every requirement has a test", {
  expect_identical(setdiff(requirements$id, traced$id), character())
})
