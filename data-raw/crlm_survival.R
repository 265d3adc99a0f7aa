# Reconstructs individual survival times that give every survival number the paper
# prints: Rscript data-raw/crlm_survival.R, from the package root.
#
# Group letters as in crlm_check.R: A = 80 initially resectable, B = 76 unresectable
# = B1 (24 converted) + B2 (52 not). Times are whole hundredths of a month.
#
# Without censoring before it, the interval of a median depends on five numbers only:
# with U, M, L deaths at times <= u, m, l its half-width is
# z (l - u) sqrt(M (n - M) / n) / (L - U). So: list the (U, M, L, l - u) that print the
# paper's limits, place u, m, l and as many deaths between them as the list demands,
# draw all other deaths from a wide family of shapes, then move single deaths, never
# across u, m, l or 23 months, until both log-rank P values print as in the paper.

started <- proc.time()[["elapsed"]]
set.seed(20190630)
source("data-raw/crlm_check.R")

n_died <- 150
n_censored <- 50
pool_factor <- 5 # candidates for each set kept
n_few_ties <- 300
# Deaths allowed at one time, where the curve must step over .45, .5 or .55.
max_tie <- c(A = 5, B = 5, B1 = 5, B2 = 5)

## Which (U, M, L, width) print the limits

# Highest count below, and lowest above, a share of n; n * share itself is excluded.
below <- function(n, share) ceiling(n * share - 1e-9) - 1
above <- function(n, share) floor(n * share + 1e-9) + 1

structures_of <- function(k) {
  n <- printed[k, "n"]
  m <- 100 * printed[k, "median"]
  tie <- max_tie[[k]]
  grid <- expand.grid(
    U = seq(above(n, 0.45) - tie, below(n, 0.45)),
    M = seq(above(n, 0.5), below(n, 0.5) + tie),
    L = seq(above(n, 0.55), below(n, 0.55) + tie),
    w = 1:1600
  )
  grid <- grid[grid$L >= grid$M & grid$M != n * 0.55, ]
  half <- with(grid, w / 100 * sqrt(M * (n - M) / n) / (L - U))
  prints <- rep(TRUE, nrow(grid))
  for (z in z_values) {
    prints <- prints & sprintf("%.3f", m / 100 - z * half) == printed[k, "lower"] &
      sprintf("%.3f", m / 100 + z * half) == printed[k, "upper"]
  }
  grid <- grid[prints, ]
  data.matrix(grid[grid$L > grid$M | grid$w < m, ])
}
structures <- sapply(rownames(printed), structures_of, simplify = FALSE)

# One structure with its times: u < v < m <= l, where v is the first death after u.
# `others` are times at which deaths happen anyway; u, v or l is often one of them.
draw_structure <- function(k, others = integer()) {
  s <- structures[[k]]
  s <- as.list(s[sample.int(nrow(s), 1), ])
  s$n <- printed[k, "n"]
  s$tie <- max_tie[[k]]
  s$m <- as.integer(100 * printed[k, "median"])
  u <- if (s$L == s$M) s$m - s$w else seq(s$m - s$w + 1L, s$m - 2L)
  shared <- u[u %in% others | (u + s$w) %in% others]
  if (length(shared) > 0 && runif(1) < 0.7) u <- shared
  s$u <- u[sample.int(length(u), 1)]
  s$l <- s$u + s$w
  v <- others[others > s$u & others < s$m]
  s$v <- if (length(v) > 0 && runif(1) < 0.7) min(v)
    else s$u + 1L + as.integer(min(rexp(1, 1 / 25), s$m - s$u - 2))
  s
}

## How many deaths of each subgroup in each cell

# The times that matter cut the axis into cells: (..p1) [p1] (p1..p2) [p2] ... (pk..).
# Bounds on cumulative counts say all that the structures demand.
cells_of <- function(points) {
  points <- sort(unique(as.integer(points)))
  lo <- hi <- integer(2 * length(points) + 1)
  at <- 2 * seq_along(points)
  lo[at] <- hi[at] <- points
  lo[c(1, at + 1)] <- c(301L, points + 1L)
  hi[c(at - 1, length(lo))] <- c(points - 1L, 8399L)
  list(lo = lo, hi = hi, points = points, room = ceiling(pmax(hi - lo + 1, 0) / 8))
}

bounds_of <- function(s, cells) {
  k <- length(cells$lo)
  b <- list(lo = rep(0, k), hi = rep(s$n, k))
  at <- function(t) 2 * match(t, cells$points)
  put <- function(j, lo, hi = lo) {
    b$lo[j] <<- max(b$lo[j], lo)
    b$hi[j] <<- min(b$hi[j], hi)
  }
  put(at(s$u), s$U)
  put(at(s$u) - 1, s$U - s$tie, s$U - 1)
  put(at(s$v) - 1, s$U)
  put(at(s$v), above(s$n, 0.45), s$U + s$tie)
  put(at(s$m) - 1, s$M - s$tie, below(s$n, 0.5))
  put(at(s$m), s$M)
  put(at(s$l), s$L)
  if (s$l > s$m) put(at(s$l) - 1, s$L - s$tie, below(s$n, 0.55))
  put(k, s$n)
  b$room <- ifelse(cells$lo == cells$hi, s$tie, cells$room)
  b
}

# A random course for one subgroup, through its own u, m and l: the counts aim at it.
latent_course <- function(s, cells) {
  early <- exp(runif(1, -1, 1))
  late <- exp(runif(1, log(0.4), log(6)))
  t <- cells$hi
  middle <- approx(c(s$u, s$m, s$l), c(s$U, s$M, s$L), t, ties = max, rule = 2)$y
  head <- s$U * ((t - 300) / (s$u - 300))^early
  tail <- s$n - (s$n - s$L) * ((8400 - t) / (8400 - s$l))^late
  ifelse(t < s$u, head, ifelse(t <= s$l, middle, tail))
}

# Cumulative counts of one subgroup, or of two and their sum, within all bounds. With the
# second subgroup negated every bound is one on a difference of two unknowns, so the
# shortest paths between them (`d`) say exactly what remains possible: unknowns are
# fixed one by one, in random order, as near to the course as that allows.
# NULL when the bounds contradict each other.
fill_cells <- function(cells, bounds, aims) {
  k <- length(cells$lo)
  subgroups <- length(aims)
  lo <- vapply(bounds, function(b) cummax(b$lo), numeric(k))
  hi <- vapply(bounds, function(b) rev(cummin(rev(b$hi))), numeric(k))
  if (any(lo > hi)) return(NULL)
  # Most contradictions show already here, where they are cheap to find.
  if (subgroups == 2 && any(lo[, 1] + lo[, 2] > hi[, 3] | hi[, 1] + hi[, 2] < lo[, 3])) {
    return(NULL)
  }
  node <- function(j, i) 1 + (j - 1) * k + i # 1 is zero
  d <- matrix(Inf, 1 + subgroups * k, 1 + subgroups * k)
  diag(d) <- 0
  for (j in seq_len(subgroups)) {
    x <- node(j, seq_len(k))
    step <- cbind(x[-1], x[-k])
    d[x, 1] <- if (j == 1) hi[, j] else -lo[, j]
    d[1, x] <- if (j == 1) -lo[, j] else hi[, j]
    d[step] <- if (j == 1) bounds[[j]]$room[-1] else 0
    d[step[, 2:1]] <- if (j == 1) 0 else bounds[[j]]$room[-1]
  }
  if (subgroups == 2) {
    both <- cbind(node(1, seq_len(k)), node(2, seq_len(k)))
    d[both] <- hi[, 3]
    d[both[, 2:1]] <- -lo[, 3]
  }
  for (i in seq_len(nrow(d))) d <- pmin(d, outer(d[, i], d[i, ], "+"))
  if (any(diag(d) < 0)) return(NULL)
  aim <- c(0, aims[[1]], if (subgroups == 2) -aims[[2]])
  for (i in 1 + sample(nrow(d) - 1)) {
    if (d[i, 1] > -d[1, i]) {
      x <- min(max(round(aim[i]), -d[1, i]), d[i, 1])
      d <- pmin(d, outer(d[, i] + x, d[1, ], "+"), outer(d[, 1] - x, d[i, ], "+"))
    }
  }
  cum <- matrix(d[-1, 1], k)
  if (subgroups == 2) cum[, 2] <- -cum[, 2]
  apply(rbind(0, cum), 2, diff)
}

## Times within the cells

# A wide family of shapes for the deaths within a cell, so that early, late, bunched
# and even ones all occur.
draw_times <- function(count, cells) {
  times <- lapply(which(count > 0), function(j) {
    centre <- runif(1, 0.08, 0.92)
    spread <- exp(runif(1, log(1.2), log(12)))
    x <- rbeta(count[j], max(centre * spread, 0.7), max((1 - centre) * spread, 0.7))
    lo <- cells$lo[j]
    hi <- cells$hi[j]
    data.frame(time = pmin(lo + floor(x * (hi - lo + 1)), hi), lo, hi)
  })
  times <- do.call(rbind, times)
  times$free <- times$lo < times$hi
  times
}

# Moves the first (or last) death of the first (last) cell to the end of the printed
# range; NULL when that cell is empty.
pin <- function(times, at) {
  i <- if (at == 300L) which(times$lo == 301L) else which(times$free & times$hi == 8399L)
  if (length(i) == 0) return(NULL)
  i <- i[if (at == 300L) which.min(times$time[i]) else which.max(times$time[i])]
  times$time[i] <- at
  times$free[i] <- FALSE
  times
}

# Moves free deaths within their cells until the log-rank chi-square is in `window`.
steer <- function(time, died, first, cell, window, steps) {
  miss <- function(x) max(window[1] - x, x - window[2], 0)
  now <- miss(logrank_chisq(time, died, first))
  free <- which(cell$free)
  for (i in seq_len(steps)) {
    if (now == 0) return(time)
    j <- free[sample.int(length(free), 1)]
    new <- time
    new[j] <- cell$lo[j] + sample.int(cell$hi[j] - cell$lo[j] + 1, 1) - 1L
    new_miss <- miss(logrank_chisq(new, died, first))
    if (new_miss < now) {
      time <- new
      now <- new_miss
    }
  }
  NULL
}

chisq_window <- function(p) qchisq(rev(p), 1, lower.tail = FALSE)
# Away from the rounding edges.
window_ab <- chisq_window(c(0.00055, 0.00145))
window_b1b2 <- chisq_window(c(0.0336, 0.0344))

make_b <- function(censored, ends) {
  s <- list(B1 = draw_structure("B1"), B2 = draw_structure("B2"))
  s$B <- draw_structure("B", unlist(lapply(s, `[`, c("u", "v", "m", "l"))))
  points <- unlist(lapply(s, `[`, c("u", "v", "m", "l")))
  cells <- cells_of(c(points, 2300L))
  bounds <- lapply(s, bounds_of, cells)
  count <- fill_cells(cells, bounds, lapply(s[1:2], latent_course, cells))
  if (is.null(count)) return(NULL)
  group <- rep(c("B1", "B2"), c(24, 52))
  for (try in 1:6) {
    cell <- list(B1 = draw_times(count[, 1], cells), B2 = draw_times(count[, 2], cells))
    if (censored) {
      tail <- which(cell$B1$free & cell$B1$hi == 8399L)
      if (length(tail) == 0) return(NULL)
      near <- tail[which.min(abs(cell$B1$time[tail] - portal_vein_time))]
      cell$B1$time[near] <- portal_vein_time
      cell$B1$free[near] <- FALSE
    }
    if (ends[1] != "A") cell[[ends[1]]] <- pin(cell[[ends[1]]], 300L)
    if (ends[2] != "A") cell[[ends[2]]] <- pin(cell[[ends[2]]], 8400L)
    if (length(cell) < 2) next
    alive <- if (censored) near else 0
    died <- seq_len(76) != alive
    cell <- rbind(cell$B1, cell$B2)
    time <- steer(cell$time, died, group == "B1", cell, window_b1b2, 150)
    if (!is.null(time)) {
      return(list(time = time, group = group, died = died,
                  structure = lapply(s, function(x) unlist(x[c("U", "M", "L", "w")]))))
    }
  }
  NULL
}

make_a <- function(b, ends) {
  s <- draw_structure("A")
  cells <- cells_of(c(s$u, s$v, s$m, s$l, 2300L))
  bounds <- bounds_of(s, cells)
  j <- 2 * match(2300L, cells$points)
  # Overall, the 78th and the 79th of the 156 are both at 23 months.
  bounds$hi[j - 1] <- min(bounds$hi[j - 1], 77 - sum(b$time < 2300))
  bounds$lo[j] <- max(bounds$lo[j], 79 - sum(b$time <= 2300))
  if (any(bounds$lo > bounds$hi)) return(NULL)
  count <- fill_cells(cells, list(bounds), list(latent_course(s, cells)))
  if (is.null(count)) return(NULL)
  for (try in 1:6) {
    cell <- draw_times(count[, 1], cells)
    if (ends[1] == "A") cell <- pin(cell, 300L)
    if (!is.null(cell) && ends[2] == "A") cell <- pin(cell, 8400L)
    if (is.null(cell)) next
    fixed <- data.frame(time = b$time, lo = b$time, hi = b$time, free = FALSE)
    cell <- rbind(cell, fixed)
    died <- c(rep(TRUE, 80), b$died)
    time <- steer(cell$time, died, seq_len(156) <= 80, cell, window_ab, 60)
    if (!is.null(time)) {
      return(list(time = as.integer(time), group = c(rep("A", 80), b$group),
                  died = died,
                  structure = c(list(A = unlist(s[c("U", "M", "L", "w")])),
                                b$structure)))
    }
  }
  NULL
}

make_set <- function(censored) {
  repeat {
    ends <- sample(c("A", "B1", "B2"), 2, replace = TRUE)
    b <- make_b(censored, ends)
    if (is.null(b)) next
    for (i in 1:5) {
      set <- make_a(b, ends)
      if (!is.null(set)) return(set)
    }
  }
}

## The pool, and the 200 that differ most

# The row order of the shipped data: A, B1, B2, each by time; a censored patient is
# the last of B1, so that his row is always the same.
sort_set <- function(set) {
  o <- order(set$group, !set$died, set$time)
  c(lapply(set[c("time", "group", "died")], `[`, o), set["structure"])
}
row_group <- rep(c("A", "B1", "B2"), c(80, 24, 52))
portal_vein_row <- 104L

censored <- rep(c(FALSE, TRUE), pool_factor * c(n_died, n_censored))
pool <- lapply(censored, function(x) sort_set(make_set(x)))

# More with the smallest ties the limits allow, to choose the one to ship as rows.
max_tie <- c(A = 4, B = 4, B1 = 3, B2 = 3)
structures <- sapply(rownames(printed), structures_of, simplify = FALSE)
window_ab <- chisq_window(c(0.0008, 0.0012))
few_ties <- rep(c(FALSE, TRUE), c(length(pool), n_few_ties))
pool <- c(pool, lapply(seq_len(n_few_ties), function(i) sort_set(make_set(FALSE))))
censored <- c(censored, rep(FALSE, n_few_ties))
pool_seconds <- proc.time()[["elapsed"]] - started

months <- seq(300, 8400, 50)
survival_at <- function(set, group, at = months) {
  keep <- set$group == group
  s <- 1 - findInterval(at, sort(set$time[keep & set$died])) / sum(keep)
  after <- at >= portal_vein_time
  if (group == "B1" && !all(set$died)) { # Kaplan-Meier, by hand: one censored
    later <- sort(set$time[keep & set$died & set$time >= portal_vein_time])
    at_risk <- length(later) + 1
    s[after] <- at_risk / 24 * (1 - findInterval(at[after], later) / length(later))
  }
  s
}
curves <- t(vapply(pool, function(set) {
  c(survival_at(set, "A"), survival_at(set, "B1"), survival_at(set, "B2"))
}, numeric(3 * length(months))))
colnames(curves) <- rep(c("A", "B1", "B2"), each = length(months))

# The set to ship as rows: near the middle of the pool, ties small, no long gaps.
middle <- apply(curves[!few_ties, ], 2, median)
off_middle <- abs(sweep(curves, 2, middle))
off_middle <- rowMeans(sapply(c("A", "B1", "B2"), function(k) {
  apply(off_middle[, colnames(curves) == k], 1, max)
}))
uneven <- vapply(pool, function(set) {
  by_group <- split(set$time, set$group)
  n <- unlist(lapply(by_group, table))
  gaps <- vapply(by_group, function(x) sum(diff(c(300, x, 8400))^2) / 8100^2, 1)
  sum((n[n > 1] - 1)^2) / 100 + sum(gaps)
}, 1)
main <- which.min(ifelse(few_ties, off_middle + 0.1 * uneven, Inf))

# The others: each time the one farthest from all taken, so that the 200 show how
# little the printed numbers determine.
distance <- as.matrix(dist(curves, "manhattan")) / ncol(curves)
taken <- main
while (length(taken) < n_died + n_censored) {
  full <- c(sum(!censored[taken]) == n_died, sum(censored[taken]) == n_censored)
  nearest <- apply(distance[, taken, drop = FALSE], 1, min)
  nearest[full[1 + censored]] <- -1
  taken <- c(taken, which.max(nearest))
}
taken <- c(taken[!censored[taken]], taken[censored[taken]])
sets <- pool[taken]

## Twice checked

for (set in sets) {
  stopifnot(identical(set$group, row_group), passes_both(set$time, set$group, set$died))
}
spoilt <- sets[[1]]
spoilt$time[which(spoilt$time == 3600 & spoilt$group == "A")[1]] <- 3650L
stopifnot(
  length(check_plain(spoilt$time, spoilt$group, spoilt$died)) > 0,
  length(check_survival(spoilt$time, spoilt$group, spoilt$died)) > 0
)

## Shipped

crlm_envelope <- vapply(sets, `[[`, integer(156), "time")
colnames(crlm_envelope) <- c(
  sprintf("all_died_%03d", seq_len(n_died)),
  sprintf("censored_%03d", seq_len(n_censored))
)
attr(crlm_envelope, "censored_row") <- rep(c(0L, portal_vein_row), c(n_died, n_censored))

crlm_survival <- data.frame(
  months = crlm_envelope[, 1] / 100,
  died = TRUE,
  resectable = factor(
    ifelse(row_group == "A", "Initially resectable", "Initially unresectable"),
    c("Initially resectable", "Initially unresectable")
  ),
  conversion = factor(
    c(A = NA, B1 = "Converted", B2 = "Not converted")[row_group],
    c("Converted", "Not converted")
  )
)
rownames(crlm_survival) <- NULL

save(crlm_survival, file = "data/crlm_survival.rda", compress = "xz",
     compression_level = 9, version = 2)
save(crlm_envelope, file = "data/crlm_envelope.rda", compress = "xz",
     compression_level = 9, version = 2)

structure_key <- function(set) paste(unlist(set$structure), collapse = " ")
cat("pool of", length(pool), "in", round(pool_seconds), "s; all in",
    round(proc.time()[["elapsed"]] - started), "s\n")
cat(length(unique(vapply(sets, structure_key, ""))),
    "different (U, M, L, width) of A, B1, B2, B together\n")
cat("survival (%), smallest - largest over the", length(sets), "sets\n")
members <- list(A = "A", B = c("B1", "B2"), B1 = "B1", B2 = "B2")
for (k in names(members)) {
  s <- vapply(sets, function(set) {
    keep <- set$group %in% members[[k]]
    fit <- survival::survfit(survival::Surv(set$time[keep], set$died[keep]) ~ 1)
    summary(fit, c(1200, 3600, 6000), extend = TRUE)$surv
  }, numeric(3))
  cat(sprintf("%-3s", k), sprintf("%d months: %4.1f - %4.1f ", c(12, 36, 60),
      100 * apply(s, 1, min), 100 * apply(s, 1, max)), "\n")
}
