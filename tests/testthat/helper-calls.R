# Calls of every verb, and of every routine that C registers, as the verbs call it and as nobody
# should. Used by test-runtime.R and by the scripts of `make memory`, `make sanitize` and
# `make interrupts`.

# ---- Verbs ------------------------------------------------------------------------------

# Data of n rows for each verb, without random numbers; built when the verb is first called.
verb_calls <- function(n) {
  i <- seq_len(n)
  share <- (i * 0.6180339887498949) %% 1
  days <- as.integer(share * 1500) + 1L
  real <- share * 1500 + 1
  status <- as.integer((i * 7L) %% 5L > 1L)
  g <- i %% 3L + 1L
  h <- as.integer((i * 11) %% 40) + 1L
  pairs <- array(as.double((1:400 * 37) %% 53), c(2, 2, 100))
  list(
    `km, counted` = function() km(days, status, g),
    `km, sorted` = function() km(real, status, g),
    `km, fractional weights` = function() km(real, status, g, weights = (i %% 4L) / 2),
    `km, entry times` = function() km(real, status, g, entry = real / 2),
    `risk_table, counted` = function() risk_table(days, status, g, h),
    `risk_table, sorted` = function() risk_table(real, status, g, h),
    `logrank, counted` = function() logrank(days, status, g, h),
    `logrank, sorted` = function() logrank(real, status, g, h, rho = 1),
    `logrank of a fit` = function() logrank(km(real, status, g)),
    crosstab = function() crosstab(g, status),
    `crosstab, weights` = function() crosstab(h, g, weights = h),
    cmh = function() cmh(g == 1L, status, h),
    `cmh, general` = function() cmh(g, status, h),
    `cmh, exact` = function() cmh(pairs * max(1, floor(n / 5e4)), exact = TRUE),
    `screen_logrank` = function() screen_logrank(cbind(g, h %% 2L), real, status, h),
    `screen_logrank, trials` = function() {
      m <- max(2, floor(n / 8))
      trial <- function(x) matrix(x[seq_len(8 * m)], m)
      screen_logrank(g[seq_len(m)], trial(real), trial(status))
    },
    `screen_crosstab` = function() screen_crosstab(cbind(g, h), status),
    `screen_crosstab, strata` = function() screen_crosstab(cbind(g, h), status, h),
    univariate = function() univariate(status ~ g + h, data.frame(status, g, h))
  )
}

# What a call gives, without the call and what it says of it.
quietly <- function(call) suppressMessages(call())

# ---- Registered routines ------------------------------------------------------------------

registered_routines <- function() getDLLRegisteredRoutines("riskset")$.Call

call_routine <- function(name, arguments) {
  do.call(.Call, c(list(get(name, asNamespace("riskset"))), arguments), quote = TRUE)
}

# Rows as C reads them: `whole` times are counted, others sorted.
rows_of <- function(n = 60, whole = TRUE, weight = NULL, entry = FALSE, groups = 3, strata = 4) {
  i <- seq_len(n)
  time <- if (whole) as.double((i * 7) %% 23 + 2) else (i * 0.618034) %% 1 * 20 + 2
  list(
    time = time, entry = if (entry) time / 2 - 0.5, status = as.integer(i %% 3 > 0),
    weight = weight, group = as.integer(i %% groups + 1), n_group = groups,
    stratum = as.integer((i %/% 5) %% strata + 1), n_stratum = strata, event = NA_real_
  )
}

table_of_rows <- function(rows) call_routine("C_tabulate", list(rows, 1L))

# Named lists of arguments: the first call of each routine is the plainest. `n` rows: from
# 200,000 on threads share them.
routine_calls <- function(n = 60) {
  count <- rows_of(n)
  sort <- rows_of(n, whole = FALSE)
  weighted <- rows_of(n, whole = FALSE, weight = as.double(seq_len(n) %% 3 + 1), entry = TRUE)
  fraction <- rows_of(n, weight = seq_len(n) %% 3 + 0.5)
  gone <- replace(sort, "time", list(replace(sort$time, c(3, 9), NA)))
  columns <- matrix(as.double(outer(seq_len(n), 1:5) %% 7 %/% 2), n)
  mixed <- list(seq_len(n) %% 4L, c(0.5, 1)[seq_len(n) %% 2 + 1], seq_len(n) > n / 3)
  trials <- c(lapply(sort[c("time", "status")], rep, 4), sort[-(1:3)])
  counts <- array(as.double((1:48 * 5) %% 11), c(2, 2, 12))
  wide <- array(as.double((1:120 * 5) %% 11), c(3, 4, 10))
  codes <- list(seq_len(n) %% 3L + 1L, 3)
  outcome <- list(seq_len(n) %% 2L + 1L, 2)
  list(
    C_tabulate = list(list(count, 1L), list(sort, 1L), list(weighted, 2L), list(fraction, 0L)),
    C_missing_rows = list(list(gone, 1, 2)),
    C_merge_times = list(list(sort(unique(sort$time)), 1L), list(c(1:20, Inf) + 0, 2L)),
    C_integer64 = list(list(seq_len(n) * 2^-1074)),
    C_small_codes = list(list(seq_len(n) %% 5), list(seq_len(n) %% 5L)),
    C_survival = list(
      list(table_of_rows(sort), 1L, 1.96, TRUE),
      list(table_of_rows(replace(sort, "weight", list(fraction$weight))), 5L, 1.96, FALSE)
    ),
    C_leaving_rows = list(list(
      unclass(table_of_rows(weighted))[c("time", "n.enter")], c(FALSE, TRUE), table_of_rows(weighted)$n.event,
      table_of_rows(weighted)$n.censor, table_of_rows(weighted)$size
    )),
    C_logrank_rows = list(
      list(count, 1L, 0, 0, NULL), list(sort, 1L, 1, 0.5, c("a", "b", "c")), list(weighted, 0L, 0, 0, NULL)
    ),
    C_logrank_table = list(list(table_of_rows(sort), 3, 4, 0, 0, table_of_rows(sort)$rows, NULL)),
    C_screen_logrank = list(list(sort, columns, 1L), list(count, mixed, 1L)),
    C_screen_trials = list(list(trials, n, 4, 1L)),
    C_column_range = list(list(seq_len(n) %% 5, 1000), list(seq_len(n) > 3, 1000)),
    C_count_table = list(
      list(list(codes[[1]], outcome[[1]], NULL), c(1, 1, 0), c(3, 2, 1), NULL),
      list(list(seq_len(n) %% 9 + 0, outcome[[1]], codes[[1]]), c(0, 1, 1), c(9, 2, 3), as.double(seq_len(n)))
    ),
    C_crosstab_tests = list(list(counts[, , 1], c(1, 2), c(0, 1)), list(wide[, , 1], c(1, 2, 5), 1:4 + 0)),
    C_screen_crosstab = list(
      list(columns, outcome, list(NULL, 1), c(0, 1), 0L), list(mixed, outcome, codes, c(0, 1), 2L)
    ),
    C_cmh = list(list(counts), list(wide)),
    C_homogeneity = list(list(counts, 1.5)),
    C_cmh_exact = list(list(counts, 1.5)),
    C_quadratic = list(list(c(1, -2, 1), matrix(c(2, -1, -1, -1, 2, -1, -1, -1, 2), 3))),
    C_chi_p = list(list(c(1, NA, 800), 1), list(3, 1:4))
  )
}

# What a user may put in an argument's place by mistake or by .Call(): the first ones no
# argument can be.
foreign_values <- function() {
  list(
    S4 = methods::new("foreign", x = 1), pointer = methods::new("externalptr"),
    environment = globalenv(), closure = function(x) x, builtin = sum, symbol = quote(x),
    call = quote(f(x)), character = "a", complex = 1i, raw = as.raw(1), pairlist = pairlist(a = 1)
  )
}

odd_values <- function() {
  list(
    null = NULL, empty = double(), none = integer(), nothing = list(), na = NA, na_real = NA_real_,
    nan = NaN, infinite = Inf, minus = -Inf, negative = -1, minus_int = -5L, zero = 0, huge = 1e300,
    beyond = 2^53, large = 2^31, fraction = 0.5, long = as.double(1:1000), ints = 1:1000,
    negatives = -(1:1000) / 3, all_na = rep(NA_integer_, 60), short = 1:59, matrix = matrix(0, 7, 3),
    array = array(1, c(2, 2, 3)), no_rows = matrix(0, 0, 3), list = list(1, "a"),
    named = list(time = 1, size = 1), factor = factor(c("a", "b"))
  )
}

# Every replacement of one argument, or of one element of a list, by each of the values; and
# each argument made one shorter and one longer. As list(label, arguments).
with_values <- function(arguments, values) {
  out <- list()
  add <- function(label, at, value) {
    changed <- arguments
    if (length(at) == 1L) changed[at] <- list(value) else changed[[at[1L]]][at[2L]] <- list(value)
    out[[length(out) + 1L]] <<- list(label = label, arguments = changed)
  }
  resized <- function(x) {
    if (is.null(x) || !is.vector(unclass(c(x)))) return(list())
    list(shorter = x[-1L], longer = x[c(seq_along(x), 1L)])
  }
  for (i in seq_along(arguments)) {
    at <- list(i)
    if (is.list(arguments[[i]])) at <- c(at, lapply(seq_along(arguments[[i]]), function(j) c(i, j)))
    for (place in at) {
      own <- if (length(place) == 1L) arguments[[i]] else arguments[[i]][[place[2L]]]
      all <- c(values, if (!length(values) || "null" %in% names(values)) resized(own))
      for (name in names(all)) add(paste(paste(place, collapse = "/"), name), place, all[[name]])
    }
  }
  out
}
