#' riskset: Kaplan-Meier, log-rank and stratified chi-square tests
#'
#' Every statistic of this package is a function of one small table of counts, the risk table:
#' how many subjects entered, had the event and were censored at each time, in each group and
#' stratum. Start with [km()], [logrank()], [crosstab()], [cmh()] and [univariate()].
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
