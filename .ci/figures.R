# Draws the picture in README.md.

library(riskset)

dir.create("man/figures", recursive = TRUE, showWarnings = FALSE)
png("man/figures/crlm-figure2.png", width = 1500, height = 1050, res = 200)
plot(km(Surv(months, died) ~ resectable, data = crlm_survival), p.value = TRUE, median = TRUE,
     xlab = "Months", ylab = "Overall survival", main = "Reconstructed (synthetic) data")
invisible(dev.off())
