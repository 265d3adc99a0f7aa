#' riskset: Kaplan-Meier, log-rank and stratified chi-square tests
#'
#' Every statistic of this package is a function of one small table of counts, the risk table:
#' how many subjects entered, had the event and were censored at each time, in each group and
#' stratum. Start with [km()], [logrank()], [crosstab()], [cmh()] and [univariate()].
#'
#' @section Options:
#' `riskset.threads`: threads for large data, 2 unless set, and never more than the machine or the
#' environment variable `OMP_THREAD_LIMIT` allow. No number depends on it.
#'
#' `riskset.progress`: whether [screen_logrank()] and [screen_crosstab()] show their progress (by
#' the package cli, if it is installed). Unless set: in interactive sessions, for more than 2e8
#' values.
#'
#' `riskset.paths`: `"count"` or `"sort"` allows one way only of putting times in order; for
#' tests, as no number depends on it (but for the last digits of sums of fractional weights).
#'
#' @keywords internal
#' @useDynLib riskset, .registration = TRUE
#' @importFrom survival Surv strata
#' @importFrom stats quantile
"_PACKAGE"

#' @export
survival::Surv

#' @export
survival::strata

# A stream's finalizer is code of the library, so it must run before that goes.
.onUnload <- function(libpath) {
  gc()
  library.dynam.unload("riskset", libpath)
}
