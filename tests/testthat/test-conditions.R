caught <- function(expr) tryCatch(expr, error = identity)

test_that("every error has the classes of the package and the call the user typed", {
  e <- caught(km(-1))
  expect_s3_class(e, c("riskset_error_time", "riskset_error", "error", "condition"), exact = TRUE)
  expect_identical(conditionCall(e), quote(km()))
  expect_identical(conditionCall(caught(logrank(Surv(time, nothing) ~ sex, lung))), quote(logrank()))
  expect_identical(conditionCall(caught(risk_table(list(1)))), quote(risk_table()))
  expect_identical(conditionCall(caught(riskset::km(-1))), quote(riskset::km()))
  expect_identical(conditionCall(caught(summary(risk_table(1), times = "a"))), quote(summary()))
  expect_identical(conditionCall(caught(quantile(km(1:3), 2))), quote(quantile()))
  expect_identical(conditionCall(caught(c(risk_table(1), 2))), quote(c()))
  expect_identical(conditionCall(caught(print(risk_table(1), 3, 4))), quote(print()))
})

test_that("the call is that of the verb however it was reached, without its data", {
  wrapper <- function(x) km(x, status = "dead")
  expect_identical(conditionCall(caught(wrapper(1:3))), quote(km()))
  expect_identical(conditionCall(caught(lapply(list(1:3), function(t) km(t, "dead")))), quote(km()))
  expect_null(conditionCall(caught(do.call(km, list(runif(1e5), status = "dead")))))
  e <- caught(eval(quote(logrank(km(1:3)))))
  expect_identical(conditionCall(e), quote(logrank()))
  # An argument that fails is an error of its own.
  expect_error(km(stop("my own error")), "my own error")
  expect_identical(conditionCall(caught(logrank(km(-1)))), quote(logrank()))
})

test_that("messages have a class, a call and can be muffled", {
  m <- tryCatch(logrank(1:4, rep(0, 4), c(1, 1, 2, 2)), message = identity)
  expect_s3_class(m, c("riskset_no_events", "riskset_undefined", "riskset_message", "message", "condition"),
                  exact = TRUE)
  expect_identical(conditionCall(m), quote(logrank()))
  expect_match(conditionMessage(m), "\n$")
  expect_silent(suppressMessages(logrank(1:4, rep(0, 4), c(1, 1, 2, 2))))
  expect_silent(suppressMessages(logrank(1:4, rep(0, 4), c(1, 1, 2, 2)), classes = "riskset_no_events"))
})

test_that("errors remain errors with options(warn = 2), and no warning is ever given", {
  old <- options(warn = 2)
  on.exit(options(old))
  expect_s3_class(caught(km(Surv(time, status) ~ sex, lung, conf.int = 95)), "riskset_error_level")
  expect_s3_class(km(Surv(time, status) ~ sex, lung, conf.type = "arcsin"), "riskset_km")
  expect_s3_class(logrank(Surv(time, status) ~ ph.ecog + strata(inst), lung), "riskset_logrank")
})

test_that("what came is described by its kind, and shown where it is short", {
  said <- function(x) sub(".*, not ", "", conditionMessage(caught(km(1:3, conf.int = x))))
  expect_identical(said(95), "95")
  expect_identical(said("high"), "\"high\"")
  expect_identical(said(NULL), "NULL")
  expect_identical(said(NA_character_), "NA_character_")
  expect_identical(said(1:3), "integer of length 3")
  expect_identical(said(list(1)), "list of length 1")
  expect_identical(said(lung), "data.frame of length 10")
  expect_identical(said(matrix(1:6, 2)), "integer matrix of 2 x 3")
  expect_identical(said(mean), "a function")
  expect_identical(said(quote(x)), "symbol")
  expect_identical(said(Sys.Date()), "Date of length 1")
  expect_identical(said("50%"), "\"50%\"")
})

test_that("an argument left out is named, in the user's call", {
  left_out <- function(expr, argument, verb) {
    e <- caught(expr)
    expect_s3_class(e, "riskset_error")
    expect_match(conditionMessage(e), paste0("`", argument, "` is missing"), fixed = TRUE)
    expect_identical(conditionCall(e), call(verb))
  }
  for (verb in c("km", "logrank", "risk_table", "cmh", "crosstab", "screen_crosstab", "screen_logrank")) {
    left_out(do.call(verb, list()), "x", verb)
  }
  left_out(univariate(), "formula", "univariate")
  left_out(logrank(1:3, c(1, 0, 1)), "group", "logrank")
  left_out(screen_crosstab(matrix(1:4, 4)), "y", "screen_crosstab")
  left_out(screen_logrank(matrix(1:4, 4)), "time", "screen_logrank")
  left_out(screen_logrank(matrix(1:4, 4), 1:4), "status", "screen_logrank")
  left_out(audit_crosstab(p = 0.5), "counts", "audit_crosstab")
  left_out(audit_crosstab(matrix(1:4, 2)), "p", "audit_crosstab")
})
