# Shared by the tests of the survival half: comparisons with the installed survival, and data.

aml <- survival::aml
heart <- survival::heart
lung <- survival::lung
veteran <- survival::veteran

# ---- Comparisons ------------------------------------------------------------------------

# How x differs from y: nothing, or one line. Every number to a relative 1e-10 of itself; the
# absolute 1e-14 is for what is 0 but for rounding on one of the two sides.
difference <- function(x, y, tolerance = 1e-10) {
  if (!is.numeric(x) || !is.numeric(y)) {
    return(if (!identical(x, y)) paste("is", deparse(x, nlines = 1L), "not", deparse(y, nlines = 1L)))
  }
  if (length(x) != length(y)) return(sprintf("has length %d, not %d", length(x), length(y)))
  if (!identical(names(x), names(y)) || !identical(dimnames(x), dimnames(y))) return("has other names")
  if (!identical(is.na(x), is.na(y))) {
    return(sprintf("is NA in %d places, not in %d", sum(is.na(x)), sum(is.na(y))))
  }
  off <- which(abs(x - y) > tolerance * abs(y) + 1e-14 | is.finite(x) != is.finite(y))
  if (length(off)) sprintf("[%d] is %.17g, not %.17g", off[1L], x[off[1L]], y[off[1L]])
}

differences <- function(x, y, names, tolerance = 1e-10) {
  found <- lapply(names, function(n) difference(x[[n]], y[[n]], tolerance))
  off <- !vapply(found, is.null, NA)
  if (any(off)) paste0(names[off], " ", found[off])
}

# A fit of km() against one of survfit(): the same components in the same order.
expect_same_fit <- function(fit, peer, label = deparse1(peer$call), tolerance = 1e-10) {
  ours <- setdiff(names(fit), c("call", ".Environment"))
  theirs <- setdiff(names(peer), "call")
  found <- if (!identical(ours, theirs)) paste("components are", toString(ours), "not", toString(theirs))
  found <- c(found, differences(fit, peer, setdiff(theirs, "na.action"), tolerance))
  if (!identical(fit$na.action, peer$na.action)) found <- c(found, "na.action differs")
  if (!identical(storage.mode(fit$n), storage.mode(peer$n))) found <- c(found, "n has another type")
  expect(length(found) == 0L, paste(c(label, found), collapse = "\n  "))
  invisible(fit)
}

# Calls km() and survfit() with the same arguments; those of km() only are in `ours`.
expect_survfit <- function(formula, data, ..., ours = list(), theirs = list(), tolerance = 1e-10) {
  args <- list(formula, data = data, ...)
  peer <- suppressWarnings(do.call(survival::survfit, c(args, theirs)))
  expect_same_fit(do.call(km, c(args, ours)), peer, paste(deparse1(formula), "of", nrow(data), "rows"),
                  tolerance)
}

# logrank() against survdiff(), which gives observed and expected by group or group x stratum.
expect_survdiff <- function(formula, data, rho = 0, ...) {
  test <- logrank(formula, data, rho = rho, ...)
  peer <- suppressWarnings(do.call(survival::survdiff, list(formula, data, rho = rho)))
  total <- function(x) if (is.matrix(x)) rowSums(x) else as.vector(x)
  found <- c(
    differences(
      list(observed = unname(test$observed), expected = unname(test$expected),
           variance = unname(test$variance), n = unname(test$n), df = unname(test$parameter)),
      list(observed = total(peer$obs), expected = total(peer$exp), variance = unname(peer$var),
           n = as.numeric(peer$n), df = sum(total(peer$exp) > 0) - 1),
      c("observed", "expected", "n", "df")
    ),
    # Elements of the covariance that cancel are off by the rounding of its largest one, and the
    # statistic by as much.
    if (any(abs(test$variance - peer$var) > 1e-10 * max(peer$var))) "variance differs",
    if (abs(test$statistic - peer$chisq) > 1e-10 * max(peer$chisq, 1e-3)) {
      sprintf("statistic is %.17g, not %.17g", test$statistic, peer$chisq)
    }
  )
  expect(length(found) == 0L, paste(c(deparse1(formula), found), collapse = "\n  "))
  invisible(test)
}

expect_plain_logrank <- function(test, plain) {
  expect_equal(unname(test$observed), plain$observed, tolerance = 1e-10)
  expect_equal(unname(test$expected), plain$expected, tolerance = 1e-10)
  expect_equal(unname(test$variance), plain$variance, tolerance = 1e-10)
  expect_equal(unname(c(test$statistic, test$parameter)), c(plain$statistic, plain$df), tolerance = 1e-9)
}

# An error of the package: of this kind, with this in its message (a regular expression).
expect_refused <- function(expr, message = NULL, kind) {
  expect_error(expr, message, class = paste0("riskset_error_", kind))
}

same_table <- function(x, y, tolerance = 1e-12) {
  expect_equal(as.data.frame(x), as.data.frame(y), tolerance = tolerance)
}

# ---- Ties ---------------------------------------------------------------------------------

# Runs of times by the rule of `timefix = TRUE`, for times 1 + k * 2^-52: there one unit in the
# last place is one step of k.
plain_runs <- function(k) {
  k <- sort(unique(k))
  first <- k[1L]
  vapply(k, function(i) {
    if (i - first > 4) first <<- i
    first
  }, 0)
}

# ---- Data -------------------------------------------------------------------------------

# Small trials with everything that can be mixed: ties, NA, unused levels, weights, entry.
random_trial <- function(seed, n = 30, missing = 2) {
  set.seed(seed)
  d <- data.frame(
    time = sample(list(sample.int(12, n, TRUE), round(rexp(n), 1) + 0.1, rexp(n) + 0.1), 1L)[[1L]],
    status = rbinom(n, 1, 0.6),
    g = factor(sample(c("a", "b", "c"), n, TRUE), levels = c("c", "a", "b", "unused")),
    h = sample(1:3, n, TRUE),
    whole = sample(0:3, n, TRUE), fraction = sample(c(0, 0.25, 1, 2.5), n, TRUE)
  )
  d$entry <- d$time * sample(c(0, 0.25, 0.5), n, TRUE)
  for (column in sample(c("time", "status", "g", "h", "entry"), missing)) d[sample.int(n, 1L), column] <- NA
  d
}

# Columns of classes whose packages are not needed to make them.
as_tibble_like <- function(d) structure(d, class = c("tbl_df", "tbl", "data.frame"))
as_data_table_like <- function(d) structure(d, class = c("data.table", "data.frame"))
as_integer64 <- function(x) { # whole numbers below 2^52 are the bits of subnormal doubles
  bits <- x * 2^-1074
  bits[is.na(x)] <- -0.0
  structure(bits, class = "integer64")
}
as_labelled <- function(x) {
  structure(x, labels = c(No = 0, Yes = 1), label = "A label",
            class = c("haven_labelled", "vctrs_vctr", "double"))
}

# For packages whose own calls fail beside the installed versions of their dependencies.
skip_if_broken <- function(expr, what) {
  message <- tryCatch({
    suppressWarnings(suppressMessages(expr))
    NULL
  }, error = conditionMessage)
  if (!is.null(message)) skip(paste0(what, " fails on its own object: ", message))
}

# Enough rows for two threads to share (core/order.c, rs_threads()), with NA, ties, weights of 0
# and entry times.
shared_rows <- function(groups, n = 210000) {
  d <- data.frame(days = sample.int(900, n, TRUE), real = rexp(n), status = rbinom(n, 1, 0.4),
                  g = sample.int(groups, n, TRUE), h = sample.int(40, n, TRUE), w = sample(0:2, n, TRUE))
  d$real[sample.int(n, 50)] <- NA
  d$early <- floor(d$days * 0.6)
  d
}
