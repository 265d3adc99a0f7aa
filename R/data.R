#' Reconstructed survival times of a study of liver metastases
#'
#' **Reconstructed and synthetic: these are not the patients' data.** 156 individual times
#' made by a program so that they give every survival number a published study of
#' colorectal cancer liver metastases prints, and for nothing else.
#'
#' They reproduce, to every printed digit: the sizes of the groups (80 and 76; 24 and 52
#' within the 76), the four medians (36, 17, 20 and 15 months) and their 95 % intervals as
#' 'SPSS' computes them (30.004-41.996, 14.215-19.785, 17.479-22.521 and 12.514-17.486),
#' both log-rank P values (.001 and .034), the median follow-up (23 months) and its range
#' (3-84 months), and that everyone was followed to death.
#'
#' They determine little else. The printed numbers hold each curve near its median; 1-year
#' and 5-year survival, the tails, the shape of the hazard, and any hazard ratio are
#' choices of the program, not findings of the study. [crlm_envelope] holds 200 such sets,
#' as unlike each other as the search could find; this one, whose curves lie near the middle
#' of the 200, is its first column. Several deaths at one hundredth of a month stand where
#' the printed intervals demand a step.
#'
#' The article says that all patients were followed until death, and also that one of them
#' was alive after nearly four years; here all die, and in 50 columns of [crlm_envelope]
#' he does not.
#'
#' @format A data frame with 156 rows, one for each synthetic patient, sorted by group and
#'   time, and 4 columns:
#' \describe{
#'   \item{months}{Survival time in months, a multiple of 0.01.}
#'   \item{died}{`TRUE` for everyone: nobody is censored.}
#'   \item{resectable}{Factor: `Initially resectable` (80) or `Initially unresectable`
#'     (76).}
#'   \item{conversion}{Factor, for the 76 initially unresectable: `Converted` (24) to
#'     resectable by treatment, or `Not converted` (52). `NA` for the other 80.}
#' }
#' @source The times come from `data-raw/crlm_survival.R` of the package's sources, run
#'   from a fixed seed, and are checked there by two independent checkers. The numbers
#'   they reproduce are those of [crlm_published].
#' @seealso [crlm_envelope], [crlm_published], [crlm_conversion], [crlm_ablation]
#' @examples
#' fit <- km(Surv(months, died) ~ resectable, data = crlm_survival)
#' quantile(fit, 0.5, ci = "spss")
#' logrank(Surv(months, died) ~ resectable, data = crlm_survival)
#'
#' # the 76 initially unresectable; the others have no value of conversion
#' unresectable <- subset(crlm_survival, resectable == "Initially unresectable")
#' logrank(Surv(months, died) ~ conversion, data = unresectable)
#' @docType data
#' @keywords datasets
"crlm_survival"

#' How little the printed numbers determine: 200 reconstructed data sets
#'
#' **Reconstructed and synthetic: these are not the patients' data.** The times of 200
#' data sets that each reproduce every number listed in [crlm_survival], chosen out of a
#' larger pool to differ from each other as much as possible. Where their curves lie
#' apart, the publication says nothing; how often they lie somewhere says nothing either,
#' for the 200 are no sample of anything. The true range may be wider still.
#'
#' In the 150 columns `all_died_001`, ... everyone dies. In the 50 columns `censored_001`,
#' ... the patient who had a portal vein ligation, one of the 24 converted, is alive at 47
#' months (the article says "nearly 4 years") and all others die.
#'
#' @format An integer matrix with 156 rows and 200 columns: survival times in hundredths
#'   of a month. The rows are those of [crlm_survival]: 1 to 80 initially resectable, 81
#'   to 104 converted, 105 to 156 not converted; each group is sorted by time, except that
#'   row 104 of a censored column is the portal-vein patient. The first column is
#'   [crlm_survival] itself.
#'   \describe{
#'     \item{`attr(, "censored_row")`}{An integer for each column: the row of the one
#'       censored patient (104), or 0 where everyone died.}
#'   }
#' @source Made by `data-raw/crlm_survival.R` of the package's sources, as
#'   [crlm_survival].
#' @seealso [crlm_survival]
#' @examples
#' # column j as a data frame
#' set_of <- function(j) {
#'   d <- crlm_survival
#'   d$months <- crlm_envelope[, j] / 100
#'   d$died <- seq_len(nrow(d)) != attr(crlm_envelope, "censored_row")[j]
#'   d
#' }
#' km(Surv(months, died) ~ resectable, data = set_of(200))
#'
#' # 5-year survival of the initially resectable, smallest and largest
#' range(colMeans(crlm_envelope[1:80, ] > 6000))
#' @docType data
#' @keywords datasets
"crlm_envelope"

#' Conversion to resectable by eight factors: a printed table as counts
#'
#' Table 1 of a published study of colorectal cancer liver metastases: how many of the 76
#' patients with initially unresectable metastases became resectable under treatment, by
#' eight factors one at a time. The counts are those printed.
#'
#' All 34 counts are even, and the eight printed P values are Pearson chi-square tests
#' without correction on exactly half of them (see `audit_crosstab()`).
#'
#' @format A data frame with 34 rows, one for each printed count, and 6 columns:
#' \describe{
#'   \item{factor}{Factor: the eight characteristics, in the order printed.}
#'   \item{level}{Factor: their levels, in the order printed. Age is in years, diameter in
#'     cm; the article gives no unit for CEA.}
#'   \item{conversion}{Factor: `Converted` or `Not converted`.}
#'   \item{n}{Number of patients, integer.}
#'   \item{printed_percent}{Percentage of the level as printed, character.}
#'   \item{printed_p}{P value as printed, the same in all rows of one factor. A
#'     number, without the last zero printed (0.51 for 0.510); in [crlm_published] it is
#'     text.}
#' }
#' @source Table 1 of a retrospective study of 156 inpatients with colorectal cancer liver
#'   metastases, Department of Hepatobiliary Surgery, People's Hospital of Peking
#'   University, January 2009 to June 2019 (its title contains "surgical treatment
#'   strategy improves survival in"). Facts only.
#' @seealso [crlm_survival]
#' @examples
#' size <- subset(crlm_conversion, factor == "Maximum diameter of liver metastasis")
#' counts <- xtabs(n ~ level + conversion, data = size, drop.unused.levels = TRUE)
#' chisq.test(counts, correct = FALSE)$p.value
#' chisq.test(counts / 2, correct = FALSE)$p.value # this one was printed: 0.037
#' @docType data
#' @keywords datasets
"crlm_conversion"

#' Lesions found, ablated and removed in six operations
#'
#' Table 2 of a published study of colorectal cancer liver metastases: the six patients
#' who had liver resection combined with radiofrequency ablation.
#'
#' @format A data frame with 6 rows, one for each patient, and 7 columns:
#' \describe{
#'   \item{case}{Number of the case as printed, integer.}
#'   \item{operative_method}{Character, the same for all.}
#'   \item{preoperative_ct}{Number of lesions on computed tomography before the
#'     operation.}
#'   \item{preoperative_ultrasound}{Number of lesions on ultrasound before the operation.}
#'   \item{intraoperative_ultrasound}{Number of lesions on ultrasound during the
#'     operation. It is larger than before in cases 2 and 3, and smaller in case 5.}
#'   \item{ablated}{Number of lesions ablated.}
#'   \item{removed}{Number of lesions removed.}
#' }
#' @source Table 2 of the study described in [crlm_conversion].
#' @examples
#' with(crlm_ablation, ablated + removed == intraoperative_ultrasound)
#' with(crlm_ablation, intraoperative_ultrasound - preoperative_ultrasound)
#' @docType data
#' @keywords datasets
"crlm_ablation"

#' The survival figures a study printed
#'
#' Every number a published study of colorectal cancer liver metastases prints with its
#' two survival figures: what [crlm_survival] and all columns of [crlm_envelope]
#' reproduce.
#'
#' @format A data frame with 4 rows, one for each curve, and 7 columns:
#' \describe{
#'   \item{figure}{Number of the figure, integer: 2 compares the initially resectable and
#'     unresectable patients, 3 divides the unresectable by conversion.}
#'   \item{group}{Name of the group, character, as in [crlm_survival].}
#'   \item{n}{Number of patients, integer.}
#'   \item{median}{Median overall survival in months.}
#'   \item{lower, upper}{Its 95 % confidence limits in months, by 'SPSS'.}
#'   \item{printed_p}{Two-sided log-rank P value of the figure as printed: text, with
#'     every digit printed (in [crlm_conversion] it is a number).}
#' }
#' @source The study described in [crlm_conversion], which names 'SPSS' 22 as its
#'   software.
#' @examples
#' crlm_published
#'
#' # the standard errors 'SPSS' had
#' with(crlm_published, (upper - lower) / 2 / 1.96)
#' @docType data
#' @keywords datasets
"crlm_published"
