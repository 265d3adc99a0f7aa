# What the paper prints about survival, and two independent checkers of a data set
# against it. Times are whole hundredths of a month, group is "A" (80 initially
# resectable), "B1" (24 converted) or "B2" (52 not converted), died is logical.

printed <- data.frame(
  name = c("A", "B", "B1", "B2"),
  n = c(80, 76, 24, 52),
  median = c(36, 17, 20, 15),
  lower = c("30.004", "14.215", "17.479", "12.514"),
  upper = c("41.996", "19.785", "22.521", "17.486"),
  row.names = c("A", "B", "B1", "B2")
)
printed_p <- c(A_B = "0.001", B1_B2 = "0.034")
z_values <- c(1.96, qnorm(0.975)) # SPSS multiplies by 1.96: both must print the same
portal_vein_time <- 4700L # alive at "nearly 4 years"

# Two-sided log-rank chi-square of `first` against the rest.
logrank_chisq <- function(time, died, first) {
  at <- sort(unique(time[died]))
  n <- length(time) - findInterval(at - 1L, sort(time))
  n1 <- sum(first) - findInterval(at - 1L, sort(time[first]))
  d <- tabulate(match(time[died], at), length(at))
  d1 <- tabulate(match(time[died & first], at), length(at))
  p <- n1 / n
  v <- d * p * (1 - p) * (n - d) / pmax(n - 1, 1)
  sum(d1 - d * p)^2 / sum(v)
}

# (a) Plain formulas. Returns the names of what does not agree: character(0) is a pass.
check_plain <- function(time, group, died) {
  bad <- character()
  need <- function(ok, what) if (!isTRUE(ok)) bad <<- c(bad, what)
  member <- list(A = group == "A", B = group != "A", B1 = group == "B1",
                 B2 = group == "B2")
  curve <- function(keep) {
    at <- sort(unique(time[keep & died]))
    d <- vapply(at, function(t) sum(time == t & keep & died), 1)
    n <- vapply(at, function(t) sum(time >= t & keep), 1)
    data.frame(at, s = cumprod(1 - d / n), g = cumsum(d / (n * (n - d))))
  }
  for (k in names(member)) {
    want <- printed[k, ]
    need(sum(member[[k]]) == want$n, paste(k, "n"))
    km <- curve(member[[k]])
    need(min(abs(outer(km$s, c(0.45, 0.5, 0.55), "-"))) > 1e-6,
         paste(k, "S on a threshold"))
    m <- which(km$s <= 0.5)[1]
    u <- max(which(km$s >= 0.55), 0)
    l <- which(km$s <= 0.45)[1]
    if (anyNA(c(m, l)) || u == 0) {
      need(FALSE, paste(k, "interval missing"))
      next
    }
    need(km$at[m] == 100 * want$median, paste(k, "median"))
    f <- (km$s[u] - km$s[l]) / ((km$at[l] - km$at[u]) / 100)
    se <- km$s[m] * sqrt(km$g[m]) / f
    for (z in z_values) {
      limits <- sprintf("%.3f", km$at[m] / 100 + c(-1, 1) * z * se)
      need(all(limits == c(want$lower, want$upper)),
           paste0(k, " interval at z = ", format(z)))
    }
  }
  unresectable <- member$B
  p <- c(
    logrank_chisq(time, died, member$A),
    logrank_chisq(time[unresectable], died[unresectable], member$B1[unresectable])
  )
  p <- pchisq(p, 1, lower.tail = FALSE)
  need(all(sprintf("%.3f", p) == printed_p), "log-rank P")
  all_156 <- curve(rep(TRUE, length(time)))
  need(min(abs(all_156$s - 0.5)) > 1e-6, "overall S on a threshold")
  need(all_156$at[which(all_156$s <= 0.5)[1]] == 2300, "overall median")
  need(median(time) == 2300, "median follow-up")
  need(min(time) == 300 && max(time) == 8400, "range")
  alive <- which(!died)
  need(length(alive) == 0 || (length(alive) == 1 && group[alive] == "B1" &&
         time[alive] == portal_vein_time), "censoring")
  bad
}

# (b) The survival package, and the interval written again from what survfit() prints.
spss_median_interval <- function(fit, z = 1.96) {
  events <- fit$n.event > 0
  t <- fit$time[events]
  s <- fit$surv[events]
  se_s <- (fit$surv * fit$std.err)[events] # survfit keeps the standard error of log S
  tolerance <- 1e-9
  high <- s >= 0.55 - tolerance
  low <- s <= 0.45 + tolerance
  half <- s <= 0.5 + tolerance
  if (!any(high) || !any(low)) return(rep(NA_real_, 3))
  density <- (min(s[high]) - max(s[low])) / (min(t[low]) - max(t[high]))
  est <- min(t[half])
  est + c(0, -1, 1) * z * se_s[t == est] / density
}

check_survival <- function(time, group, died) {
  d <- data.frame(months = time / 100, died = died, group = group)
  d$arm <- ifelse(d$group == "A", "A", "B")
  y <- survival::Surv(d$months, d$died) # nolint: object_usage_linter. Formulas use it.
  fit_of <- function(keep) survival::survfit(y[keep] ~ 1)
  sets <- list(A = d$arm == "A", B = d$arm == "B", B1 = d$group == "B1",
               B2 = d$group == "B2")
  bad <- character()
  for (k in names(sets)) {
    fit <- fit_of(sets[[k]])
    if (fit$n != printed[k, "n"]) bad <- c(bad, paste(k, "n"))
    if (!isTRUE(unname(quantile(fit, 0.5)$quantile) == printed[k, "median"])) {
      bad <- c(bad, paste(k, "median"))
    }
    if (any(vapply(c(0.45, 0.5, 0.55), function(s) any(abs(fit$surv - s) < 1e-6), NA))) {
      bad <- c(bad, paste(k, "S on a threshold"))
    }
    want <- as.numeric(unlist(printed[k, c("median", "lower", "upper")]))
    for (z in z_values) {
      if (!isTRUE(all.equal(round(spss_median_interval(fit, z), 3), want,
                            tolerance = 1e-9))) {
        bad <- c(bad, paste(k, "interval"))
      }
    }
  }
  p_of <- function(x) pchisq(x$chisq, 1, lower.tail = FALSE)
  p <- c(
    p_of(survival::survdiff(y ~ d$arm)),
    p_of(survival::survdiff(y[sets$B] ~ d$group[sets$B]))
  )
  if (!identical(round(p, 3), as.numeric(printed_p))) bad <- c(bad, "log-rank P")
  overall <- fit_of(rep(TRUE, nrow(d)))
  if (quantile(overall, 0.5)$quantile != 23) bad <- c(bad, "overall median")
  if (median(d$months) != 23) bad <- c(bad, "median follow-up")
  if (!identical(range(d$months), c(3, 84))) bad <- c(bad, "range")
  alive <- d[!d$died, ]
  if (nrow(alive) > 1 || any(alive$group != "B1") || any(alive$months != 47)) {
    bad <- c(bad, "censoring")
  }
  unique(bad)
}

passes_both <- function(time, group, died) {
  length(check_plain(time, group, died)) == 0 &&
    length(check_survival(time, group, died)) == 0
}
