# Says where the rendered study is, and prints its headline.

library(riskset)

report <- "build/crlm.html"
if (!file.copy(system.file("doc", "crlm.html", package = "riskset"), report, overwrite = TRUE)) {
  stop("the installed package has no rendered study", call. = FALSE)
}

# Of each group n, the median and SPSS's interval; of each pair the log-rank P.
headline <- function(formula) {
  fit <- km(formula, data = crlm_survival)
  spss <- quantile(fit, 0.5, ci = "spss")
  data.frame(
    group = sub(".*=", "", names(fit$strata)), n = fit$n, median = c(spss$quantile),
    interval = sprintf("%.3f-%.3f", spss$lower, spss$upper),
    P = c(sprintf("%.3f", logrank(fit)$p.value), "")
  )
}

cat("\nSurvival in months, reconstructed data; intervals by SPSS's rule, log-rank P:\n\n")
print(rbind(headline(Surv(months, died) ~ resectable),
            headline(Surv(months, died) ~ conversion)), row.names = FALSE)
cat("\nThe study: ", normalizePath(report), "\n", sep = "")
