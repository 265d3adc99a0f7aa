# A second implementation, from the formulas alone: on rows or cells, without a risk table, and
# without a line of this package or of survival. Slow, and short enough to be read.

# ---- Kaplan-Meier -----------------------------------------------------------------------

# Kaplan and Meier (1958), Greenwood's standard error of log S, Nelson and Aalen's sum and that
# of its increments' variances. 0 of 0 subjects is no hazard.
plain_km <- function(time, status, entry = rep(-1, length(time)), weights = rep(1, length(time))) {
  times <- sort(unique(time))
  at <- function(rows) vapply(times, function(t) sum(weights[rows(t)]), 0)
  n <- at(function(t) entry < t & time >= t)
  d <- at(function(t) time == t & status == 1)
  hazard <- ifelse(n > 0, d / n, 0)
  surv <- cumprod(1 - hazard)
  list(
    time = times, n.risk = n, n.event = d, n.censor = at(function(t) time == t & status == 0),
    surv = surv, std.err = sqrt(cumsum(ifelse(d > 0, d / (n * (n - d)), 0))),
    cumhaz = cumsum(hazard), std.chaz = sqrt(cumsum(ifelse(n > 0, d / n^2, 0)))
  )
}

# Pointwise limits on five scales (Collett 2015, section 2.2; Borgan and Liestoel 1990, Scand J
# Stat 17:35-41), where 0 < S < 1.
plain_limits <- function(curve, type, level) {
  s <- curve$surv
  z <- stats::qnorm((1 + level) / 2) * curve$std.err
  limit <- function(z) {
    switch(type,
      plain = s + s * z,
      log = s * exp(z),
      `log-log` = exp(-exp(log(-log(s)) + z / log(s))),
      logit = stats::plogis(stats::qlogis(s) + z / (1 - s)),
      arcsin = sin(pmin(pi / 2, pmax(0, asin(sqrt(s)) + z / 2 * sqrt(s / (1 - s)))))^2
    )
  }
  list(lower = pmax(0, limit(-z)), upper = pmin(1, limit(z)))
}

# Where a falling line reaches `level`; halfway to where it leaves it, if it stays there.
plain_crossing <- function(time, line, level) {
  known <- !is.na(line)
  reached <- time[known & line <= level + 1e-8]
  left <- time[known & line < level - 1e-8]
  if (length(reached) == 0L) return(NA_real_)
  stays <- length(left) == 0L && known[length(line)]
  (reached[1L] + if (stays) time[length(time)] else c(left, reached[1L])[1L]) / 2
}

# The quantile and interval of SPSS's KM for one sample.
plain_spss <- function(time, status, p) {
  times <- sort(unique(time[status == 1]))
  n <- vapply(times, function(t) sum(time >= t), 0)
  d <- vapply(times, function(t) sum(time == t & status == 1), 0)
  surv <- cumprod(1 - d / n)
  se <- surv * sqrt(cumsum(d / (n * (n - d))))
  m <- times[surv <= 1 - p + 1e-9][1L]
  u <- rev(times[surv >= 1 - p + 0.05 - 1e-9])[1L]
  l <- times[surv <= 1 - p - 0.05 + 1e-9][1L]
  slope <- (surv[match(u, times)] - surv[match(l, times)]) / (l - u)
  m + c(0, -1.96, 1.96) * se[match(m, times)] / slope
}

# ---- Log-rank ---------------------------------------------------------------------------

# Fleming and Harrington's G(rho, gamma), one event time after the other: Harrington and Fleming
# (1982) Biometrika 69:553-566. A row of weight k is k rows.
plain_logrank <- function(time, status, group, strata = rep(1, length(time)),
                          entry = rep(-1, length(time)), weights = rep(1, length(time)),
                          rho = 0, gamma = 0) {
  rows <- rep(seq_along(time), weights)
  group <- factor(group)
  k <- nlevels(group)
  observed <- expected <- numeric(k)
  variance <- matrix(0, k, k)
  for (stratum in split(rows, strata[rows])) {
    surv <- 1
    for (t in sort(unique(time[stratum][status[stratum] == 1]))) {
      risk <- stratum[time[stratum] >= t & entry[stratum] < t]
      dead <- risk[time[risk] == t & status[risk] == 1]
      n <- length(risk)
      d <- length(dead)
      share <- tabulate(group[risk], k) / n
      weight <- surv^rho * (1 - surv)^gamma
      observed <- observed + weight * tabulate(group[dead], k)
      expected <- expected + weight * d * share
      if (n > 1) {
        spread <- diag(share, k) - outer(share, share)
        variance <- variance + weight^2 * d * (n - d) / (n - 1) * spread
      }
      surv <- surv * (1 - d / n)
    }
  }
  c(list(observed = observed, expected = expected, variance = variance),
    plain_form(observed - expected, variance))
}

# u' V^- u by the spectrum of V.
plain_form <- function(u, v) {
  if (!all(is.finite(v)) || max(v) <= 0) return(list(statistic = NA_real_, df = 0))
  e <- eigen(v, symmetric = TRUE)
  kept <- e$values > 1e-9 * e$values[1L]
  along <- crossprod(e$vectors[, kept, drop = FALSE], u)
  list(statistic = sum(along^2 / e$values[kept]), df = sum(kept))
}

# ---- Tables in strata -------------------------------------------------------------------

# Mantel and Haenszel (1959) for 2 x 2 x K, with the odds ratio's variance of Robins, Breslow and
# Greenland (1986).
plain_mh <- function(x) {
  n <- apply(x, 3, sum)
  a <- x[1, 1, ]; b <- x[1, 2, ]; c <- x[2, 1, ]; d <- x[2, 2, ]
  part <- function(value) sum(value[n > 0])
  delta <- part(a - (a + b) * (a + c) / n)
  v <- sum(((a + b) * (c + d) * (a + c) * (b + d) / (n^2 * (n - 1)))[n > 1])
  r <- part(a * d / n)
  s <- part(b * c / n)
  agree <- (a + d) / n
  list(
    statistic = c(delta^2, max(0, abs(delta) - 0.5)^2) / v, odds = r / s,
    log.variance = part(agree * a * d / n) / (2 * r^2) + part((1 - agree) * b * c / n) / (2 * s^2) +
      part(agree * b * c / n + (1 - agree) * a * d / n) / (2 * r * s)
  )
}

# Breslow and Day (1980), section 4.4, and Tarone (1985): the fitted first cell by bisection.
plain_homogeneity <- function(x, odds) {
  rows <- apply(x, c(1, 3), sum)
  columns <- apply(x, c(2, 3), sum)
  told <- apply(rows > 0, 2, all) & apply(columns > 0, 2, all)
  r1 <- rows[1, told]; r2 <- rows[2, told]; c1 <- columns[1, told]
  low <- pmax(0, c1 - r2)
  high <- pmin(r1, c1)
  for (i in 1:100) {
    mid <- (low + high) / 2
    above <- mid * (r2 - c1 + mid) > odds * (r1 - mid) * (c1 - mid)
    low <- ifelse(above, low, mid)
    high <- ifelse(above, mid, high)
  }
  v <- 1 / (1 / mid + 1 / (r1 - mid) + 1 / (c1 - mid) + 1 / (r2 - c1 + mid))
  off <- x[1, 1, told] - mid
  list(statistic = sum(off^2 / v) - c(0, sum(off)^2 / sum(v)), df = sum(told) - 1)
}

# General association of Landis, Heyman and Koch (1978): all cells but those of the last row and
# the last column, their covariance a Kronecker product in each stratum.
plain_cmh <- function(x) {
  i <- dim(x)[1]
  j <- dim(x)[2]
  cells <- outer(seq_len(i) < i, seq_len(j) < j, `&`)
  off <- numeric(sum(cells))
  v <- matrix(0, sum(cells), sum(cells))
  for (k in seq_len(dim(x)[3])) {
    n <- sum(x[, , k])
    if (n < 2) next
    p <- rowSums(x[, , k]) / n
    q <- colSums(x[, , k]) / n
    off <- off + (x[, , k] - n * outer(p, q))[cells]
    both <- kronecker(diag(q) - outer(q, q), diag(p) - outer(p, p))
    v <- v + n^2 / (n - 1) * both[cells, cells]
  }
  plain_form(off, v)
}

# ---- One table --------------------------------------------------------------------------

# Pearson's chi-square, Yates's (2 x 2), likelihood ratio and linear-by-linear.
plain_crosstab <- function(x, a = seq_len(nrow(x)), b = seq_len(ncol(x))) {
  n <- sum(x)
  e <- outer(rowSums(x), colSums(x)) / n
  off <- abs(x - e)
  a <- rep(a[row(x)], x)
  b <- rep(b[col(x)], x)
  r <- sum((a - mean(a)) * (b - mean(b)))^2 / (sum((a - mean(a))^2) * sum((b - mean(b))^2))
  list(pearson = sum(off^2 / e), yates = sum((off - min(0.5, off))^2 / e),
       likelihood = 2 * sum((x * log(x / e))[x > 0]), linear = (n - 1) * r)
}

# Fisher's exact test of a 2 x 2 table: all tables with its margins that are no more likely.
plain_fisher <- function(x) {
  first <- max(0, sum(x[, 1]) - sum(x[2, ])):min(sum(x[1, ]), sum(x[, 1]))
  ways <- choose(sum(x[1, ]), first) * choose(sum(x[2, ]), sum(x[, 1]) - first)
  sum(ways[ways <= ways[first == x[1, 1]] * (1 + 1e-7)]) / sum(ways)
}
