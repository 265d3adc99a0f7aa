# Installation and operational qualification: known data in, known numbers out, on the user's own
# machine. Each check says where its number comes from, so that the report can be filed.

#' Verify the package on this machine
#'
#' Runs the installation and operational qualification: is everything installed, and does it
#' compute the numbers it should here, with this R, this compiler, this processor? Published data
#' go in, and what comes out is compared with printed numbers of 'SAS', of other packages and of
#' manuals, with exact hand calculations, and with the survival and stats packages as they are
#' installed. Takes a few seconds, needs no network and no suggested package, and leaves options
#' and random numbers as they were.
#'
#' @param file Name of a text file to write the full report to (UTF-8), for the files of a
#'   regulated study; `NULL` writes none.
#' @param error Whether a failed check is an error, of class `riskset_error_verification`, after
#'   the report is written: for scripts that must not go on. By default it is a message of class
#'   `riskset_verification`, and what is returned says so.
#' @param x What `verify_riskset()` returned.
#' @param ... Nothing.
#'
#' @return A data frame of class `riskset_verification` with one row for each check:
#'   * `part`: `"installation"` or `"operation"`;
#'   * `requirement`: its number in `vignette("validation")`, which traces each requirement to
#'     the tests of the package too;
#'   * `check`: what was computed; `source`: where the expected number is from;
#'   * `expected`, `observed`: as text. A printed number is shown with the digits of its source;
#'   * `difference`, `tolerance`: the largest difference, and what it may be. For a printed number
#'     that is half a unit of its last digit (and 1e-12 of it, where it has many). For a number of
#'     an installed package or a hand calculation both are relative, and 1e-10 is allowed. `NA`
#'     where no number is compared;
#'   * `passed`: `TRUE` or `FALSE`.
#'
#'   `print()` shows one line for each check, and FAILED where one failed; `format()` gives the
#'   lines of the full report, with sources and the session. `attr(, "session")` is that session.
#' @seealso `vignette("validation", package = "riskset")`: the source of every number, and which
#'   tests of the package cover which requirement.
#' @examples
#' v <- verify_riskset()
#' v
#' all(v$passed)
#' subset(as.data.frame(v), !passed)
#' \dontrun{
#' verify_riskset(file = "riskset-qualification.txt", error = TRUE)
#' }
#' @export
verify_riskset <- function(file = NULL, error = FALSE) {
  if (!is.null(file) && (!is.character(file) || length(file) != 1L || is.na(file))) {
    abort("argument", "`file` must be the name of one file, or NULL, not %s", what(file))
  }
  check_flag(error, "error")
  out <- run_verification(verification_parts())
  if (!is.null(file)) write_report(format(out), file)
  failed <- sum(!out$passed)
  if (failed > 0L) {
    say <- if (error) abort else inform
    say("verification", "%d of %d checks FAILED (%s)", failed, nrow(out),
        paste(unique(out$check[!out$passed]), collapse = "; "))
  }
  out
}

# What is refused or undefined is part of the checks: it must not be heard. Peers read options.
run_verification <- function(parts) {
  old <- options(riskset.threads = getOption("riskset.threads"), riskset.paths = NULL, na.action = "na.omit")
  on.exit(options(old))
  started <- Sys.time()
  out <- suppressWarnings(suppressMessages(Map(function(run, part) {
    rows <- tryCatch(do.call(rbind, run()), error = function(e) {
      check("R01", "a whole group of checks could be run", "?verify_riskset", "checks", stop(e))
    })
    cbind(part = part, rows)
  }, unlist(parts), rep(names(parts), lengths(parts)))))
  out <- do.call(rbind, unname(out))
  out <- out[order(match(out$part, names(parts)), out$requirement, method = "radix"), ]
  rownames(out) <- NULL
  structure(out, class = c("riskset_verification", "data.frame"),
            session = verification_session(started))
}

write_report <- function(lines, file) {
  con <- tryCatch(suppressWarnings(file(file, "wb")), error = function(e) {
    abort("file", "`file` cannot be written: %s", conditionMessage(e))
  })
  on.exit(close(con))
  writeLines(enc2utf8(lines), con, useBytes = TRUE)
}

# ---- One check --------------------------------------------------------------------------

# Expected and observed are evaluated here: an error is a failed check, not the end.
check <- function(requirement, check, source, expected, observed) {
  result <- tryCatch(judge(expected, observed), error = function(e) {
    list(expected = "a result", observed = paste("error:", conditionMessage(e)), difference = NA_real_,
         tolerance = NA_real_, passed = FALSE)
  })
  data.frame(requirement = requirement, check = check, source = source, result)
}

# What a source prints: "0.909 0.818", numbers with their digits.
printed <- function(text) structure(strsplit(text, " +")[[1L]], class = "riskset_printed")

judge <- function(expected, observed) {
  if (inherits(expected, "riskset_printed")) return(judge_printed(unclass(expected), observed))
  if (is.numeric(expected)) return(judge_numbers(expected, observed))
  list(expected = show_values(expected), observed = show_values(observed), difference = NA_real_,
       tolerance = NA_real_, passed = identical(expected, observed))
}

judge_printed <- function(text, observed) {
  value <- suppressWarnings(as.numeric(text))
  observed <- as.numeric(observed)
  off <- abs(observed - value)
  half <- half_unit(text) + 1e-12 * abs(value)
  alike <- length(observed) == length(value) && identical(is.na(observed), is.na(value))
  worst <- which.max(off / half)
  digits <- max(7, nchar(gsub("^[0.]+|[eE].*$|[.]", "", text)), na.rm = TRUE)
  list(expected = paste(text, collapse = ", "), observed = show_values(observed, digits),
       difference = if (length(worst)) off[worst] else NA_real_,
       tolerance = if (length(worst)) half[worst] else NA_real_,
       passed = alike && all(off <= half * (1 + 1e-9), na.rm = TRUE))
}

# Half a unit of the last digit printed; whole numbers are counts, times or ranks.
half_unit <- function(text) {
  mantissa <- sub("[eE].*$", "", text)
  exponent <- ifelse(grepl("[eE]", text), as.numeric(sub("^.*[eE]", "", text)), 0)
  decimals <- ifelse(grepl(".", mantissa, fixed = TRUE), nchar(sub("^[^.]*[.]", "", mantissa)), 0)
  ifelse(decimals == 0 & exponent == 0, 1e-9, 0.5 * 10^(exponent - decimals))
}

# All numbers of a peer, relative to each.
judge_numbers <- function(expected, observed, tolerance = 1e-10) {
  expected <- as.numeric(expected)
  observed <- as.numeric(observed)
  alike <- length(observed) == length(expected) && identical(is.na(observed), is.na(expected))
  off <- if (alike) relative_difference(observed, expected) else Inf
  list(expected = show_values(expected), observed = show_values(observed), difference = max(off, 0),
       tolerance = tolerance, passed = max(off, 0) <= tolerance)
}

relative_difference <- function(x, y) {
  same <- is.na(y) | x == y
  off <- ifelse(is.finite(x) & is.finite(y), abs(x - y) / pmax(abs(y), 1e-4), Inf)
  off[!is.na(same) & same] <- 0
  off
}

show_values <- function(x, digits = 7) {
  if (length(x) == 0L) return("none")
  if (is.numeric(x)) x <- sprintf("%.*g", as.integer(digits), x)
  x <- as.character(x)
  if (length(x) <= 8L) return(paste(x, collapse = ", "))
  sprintf("%s, ... (%d values)", paste(x[1:3], collapse = ", "), length(x))
}

# The class by which something is refused or announced.
refused_as <- function(expr) {
  tryCatch({
    expr
    "no error"
  }, riskset_error = function(e) class(e)[1L],
  error = function(e) paste("another error:", conditionMessage(e)))
}

announced_as <- function(expr) {
  heard <- "no message"
  withCallingHandlers(expr, riskset_message = function(m) heard <<- class(m)[1L])
  heard
}

# ---- Data -------------------------------------------------------------------------------

# Acute myelogenous leukaemia: Miller (1981) Survival Analysis, p. 49; survival::aml.
miller_aml <- function() {
  data.frame(
    time = c(9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161, 5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45),
    status = c(1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1),
    x = rep(c("Maintained", "Nonmaintained"), c(11, 12))
  )
}

# Freireich et al. (1963) Blood 21:699-716: weeks in remission on 6-MP and on placebo.
freireich <- function() {
  data.frame(
    weeks = c(6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35,
              1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23),
    relapse = rep(c(1, 0, 1), c(9, 12, 21)), drug = rep(c("6-MP", "placebo"), each = 21)
  )
}

# Late entry, ties, weights and three groups, without random numbers.
late_entries <- function(n = 60) {
  i <- seq_len(n)
  time <- (i * 37) %% 41 + 3
  data.frame(entry = floor(time * ((i * 7) %% 5) / 8), time = time, status = as.numeric((i * 11) %% 7 < 4),
             group = c("a", "b", "c")[(i * 5) %% 3 + 1], site = (i * 13) %% 4, whole = (i * 3) %% 4,
             part = ((i * 3) %% 4 + 1) / 3)
}

# Enough rows for threads to share.
many_rows <- function(n = 250000) {
  i <- seq_len(n)
  data.frame(days = (i * 7919) %% 977, status = as.numeric((i * 104729) %% 11 < 5), group = (i * 31) %% 3,
             site = (i * 17) %% 7)
}

migraine <- function() array(c(16, 5, 11, 20, 12, 7, 16, 19), c(2, 2, 2))
fat_diet <- function() matrix(c(11, 2, 4, 6), 2)

# Smoking and lung cancer in eight Chinese cities: Agresti (1996), table 3.3.
chinese_smoking <- function() {
  array(c(126, 35, 100, 61, 908, 497, 688, 807, 913, 336, 747, 598, 235, 58, 172, 121, 402, 121, 308, 215,
          182, 72, 156, 98, 60, 11, 99, 43, 104, 21, 89, 36), c(2, 2, 8))
}

rabbits <- function() {
  array(c(0, 0, 6, 5, 3, 0, 3, 6, 6, 2, 0, 4, 5, 6, 1, 0, 2, 5, 0, 0), c(2, 2, 5))
}

# Koch and Edwards (1988): treatment of arthritis x improvement, in women and men.
arthritis <- function() array(c(6, 19, 5, 7, 16, 6, 7, 10, 2, 0, 5, 1), c(2, 3, 2))

berkeley <- function() aperm(datasets::UCBAdmissions, c(2, 1, 3))

# ---- Sources ----------------------------------------------------------------------------

source_survival <- "survival, stored output of its tests, doaml.Rout.save (data: Miller 1981)"
source_difftest <- "survival, stored output of its tests, difftest.Rout.save"
source_sksurv <- "scikit-survival, tests/test_compare.py"
source_832 <- "survminer, pull request 832 (survival::lung)"
source_cookbook <- "Machine Learning with R Cookbook, 2nd ed., Packt (2017), Using the log-rank test"
source_828 <- "survminer, pull request 828 (survival::lung)"
source_princeton <- "Stata, sts list: data.princeton.edu/pop509/gehan.html"
source_freireich <- "survdiff() output, rstudio-pubs-static.s3.amazonaws.com/79128"
source_migraine <- "SAS/STAT 9.2 User's Guide, PROC FREQ, example Migraine (statug_freq_sect031)"
source_fisher <- "R, ?fisher.test (Agresti 1990, p. 61; 2002, p. 57)"
source_tea <- "R output, Penn State STAT 504, lesson 3, TeaLady.out"
source_study <- "the study of ?crlm_published (SPSS 22), on times made to give its numbers"
source_quantile <- "survival, tests/quantile.R"
source_camis <- "CAMIS, R vs SAS, Kaplan-Meier (r-sas_survival.qmd)"
source_r_tutor <- "r-tutor.com, Non-parametric Methods"
by_hand <- "by hand, from the formula in the help page"
must_hold <- "must hold, whatever the data"
source_smoking <- "SAS output, Stanford ED257 handout A.4 (data: Agresti 1996, table 3.3)"
source_berkeley <- "SAS output, University of Toronto STA429, handout 3 (2004)"
source_dept_a <- "SAS output, Penn State STAT 504, lesson 3, berkeley_SAS_Output"
source_arthritis <- "SAS output, York University, Categorical Data Analysis with Graphics, part 2"
source_rabbits <- "R, ?mantelhaen.test (Agresti 1990, pp. 231-237)"
source_penalty <- "SAS output, Penn State STAT 504, lesson 4, death.lst"

peer <- function(call) {
  package <- sub("::.*$", "", call)
  version <- if (package == "stats") getRversion() else utils::packageVersion(package)
  sprintf("%s of this machine (%s)", call, version)
}

# ---- Installation -----------------------------------------------------------------------

verify_versions <- function() {
  needed <- utils::packageDescription("riskset", fields = c("Version", "Built"))
  list(
    check("R01", "riskset was built for the version of R that runs it", "DESCRIPTION, Built", TRUE, {
      built <- package_version(sub("^R ([0-9.]+);.*$", "\\1", needed$Built))
      built[, 1] == getRversion()[, 1] && built <= getRversion()
    }),
    check("R01", "R is 4.1.0 or later", "DESCRIPTION, Depends", TRUE, getRversion() >= "4.1.0"),
    check("R01", "survival is 3.5-3 or later", "DESCRIPTION, Imports", TRUE,
          utils::packageVersion("survival") >= "3.5-3"),
    check("R01", "the loaded namespace is that of the installed version", "DESCRIPTION, Version",
          needed$Version, as.character(getNamespaceVersion("riskset"))),
    check("R01", "every exported function is there", "NAMESPACE", character(), {
      names <- setdiff(getNamespaceExports("riskset"), c("Surv", "strata"))
      found <- vapply(names, exists, NA, envir = asNamespace("riskset"), mode = "function")
      sort(names[!found])
    }),
    check("R01", "the exported functions are those documented", "?riskset and its topics",
          documented_exports, sort(getNamespaceExports("riskset"), method = "radix"))
  )
}

documented_exports <- c("Surv", "audit_crosstab", "cmh", "crosstab", "km", "logrank", "risk_table",
                        "screen_crosstab", "screen_logrank", "strata", "univariate", "verify_riskset")

verify_library <- function() {
  dll <- getLoadedDLLs()[["riskset"]]
  list(
    check("R01", "the compiled library is loaded", "useDynLib", TRUE, !is.null(dll)),
    check("R01", "its routines are registered, and no others are looked up",
          "R_registerRoutines, R_useDynamicSymbols",
          c("TRUE", "FALSE"), {
            routines <- getDLLRegisteredRoutines(dll)$.Call
            c(as.character(length(routines) > 10L), as.character(unclass(dll)$dynamicLookup))
          }),
    check("R01", "doubles are IEC 60559", "R, ?double", c(TRUE, TRUE, TRUE), {
      m <- .Machine
      c(m$double.eps == 2^-52, m$double.digits == 53L, 0.1 + 0.2 != 0.3)
    })
  )
}

verify_data <- function() {
  rows <- lapply(names(data_md5), function(name) {
    check("R01", sprintf("data set %s has the content it was shipped with", name),
          "MD5 sum of its values as text",
          data_md5[[name]], content_md5(shipped(name)))
  })
  c(rows, list(
    check("R01", "survival::lung: patients, deaths, days", "survival 3.5-3 and 3.8-12",
          printed("228 165 69593"),
          with(survival::lung, c(length(time), sum(status == 2), sum(time)))),
    check("R01", "survival::veteran: patients, deaths, days", "survival 3.5-3 and 3.8-12",
          printed("137 128 16663"),
          with(survival::veteran, c(length(time), sum(status), sum(time)))),
    check("R01", "datasets::UCBAdmissions: applicants", "R, ?UCBAdmissions", printed("4526"),
          sum(datasets::UCBAdmissions))
  ))
}

shipped <- function(name) {
  where <- new.env()
  utils::data(list = name, package = "riskset", envir = where)
  get(name, where)
}

data_md5 <- c(
  crlm_ablation = "33e803397568d15a785f2ff0bb6245b8", crlm_conversion = "f47cc35e1b61ab1dc39d1c1876f69025",
  crlm_envelope = "893a29071d83d5dbf9c260fca2caf887", crlm_published = "3ed9b98af2a278014bdde53e37315762",
  crlm_survival = "76306e17b21da42af90b52d8e71522a9"
)

# Text, since the bytes of a saved object depend on version and platform.
content_md5 <- function(x) {
  columns <- if (is.data.frame(x)) as.list(x) else list(unclass(x))
  text <- unlist(lapply(columns, function(v) {
    if (is.numeric(v)) sprintf("%.10g", as.numeric(v)) else as.character(v)
  }))
  file <- tempfile()
  on.exit(unlink(file))
  write_report(c(names(columns), dim(x), text), file)
  unname(tools::md5sum(file))
}

# ---- Operation: survival ----------------------------------------------------------------

# What several checks share is computed in the first that needs it (delayedAssign()), so that an
# error fails these checks and not the run.

verify_curves <- function() {
  delayedAssign("fit", km(Surv(time, status) ~ x, miller_aml()))
  delayedAssign("one", summary(fit[1]))
  delayedAssign("two", summary(fit[2]))
  delayedAssign("stata", km(Surv(weeks, relapse) ~ drug, freireich(), conf.type = "log-log"))
  delayedAssign("control", summary(stata[2]))
  ten <- data.frame(time = c(54, 75, 77, 84, 87, 92, 103, 105, 112, 118), status = rep(1:0, each = 5))
  delayedAssign("camis", km(Surv(time, status) ~ 1, ten, conf.type = "log-log"))
  at <- match(c(77, 118), camis$time)
  list(
    check("R02", "aml: numbers at risk, maintained", source_survival, printed("11 10 8 7 5 4 2"), one$n.risk),
    check("R02", "aml: S(t), maintained", source_survival,
          printed("0.909 0.818 0.716 0.614 0.491 0.368 0.184"),
          one$surv),
    check("R02", "aml: standard errors, maintained", source_survival,
          printed("0.0867 0.1163 0.1397 0.1526 0.1642 0.1627 0.1535"), one$std.err),
    check("R02", "aml: S(t), not maintained", source_survival,
          printed("0.8333 0.6667 0.5833 0.4861 0.3889 0.2917 0.1944 0.0972 0.0000"), two$surv),
    check("R02", "aml: standard errors, not maintained, up to S = 0", source_survival,
          printed("0.1076 0.1361 0.1423 0.1481 0.1470 0.1387 0.1219 0.0919"), two$std.err[1:8]),
    check("R03", "aml: 95% limits on the log scale, maintained, lower", source_survival,
          printed("0.7541 0.6192 0.4884 0.3769 0.2549 0.1549 0.0359"), one$lower),
    check("R03", "aml: 95% limits on the log scale, maintained, upper", source_survival,
          printed("1.000 1.000 1.000 0.999 0.946 0.875 0.944"), one$upper),
    check("R03", "aml: limits are NA where S is 0", source_survival, printed("NA NA"),
          c(two$lower[9], two$upper[9])),
    check("R03", "6-MP trial: first S(t), its error and lower log-log limit, placebo", source_princeton,
          printed("0.9048 0.0641 0.6700"), c(control$surv[1], control$std.err[1], control$lower[1])),
    check("R03", "log-log limits on days 80 and 100", source_camis,
          printed("0.7 0.329 0.892 0.5 0.184 0.753"),
          c(camis$surv[at[1]], camis$lower[at[1]], camis$upper[at[1]],
            camis$surv[at[2]], camis$lower[at[2]], camis$upper[at[2]])),
    check("R02", "S(t) of six subjects is 5/6, 5/8, 5/16, 0", by_hand, c(5 / 6, 5 / 8, 5 / 16, 0),
          with(km(c(1, 2, 3, 4, 5, 6), c(1, 0, 1, 0, 1, 1)), surv[n.event > 0])[c(1, 2, 3, 4)])
  )
}

verify_intervals <- function() {
  lapply(c("log", "log-log", "plain", "logit", "arcsin"), function(type) {
    d <- late_entries()
    formula <- Surv(time, status) ~ group
    theirs <- survival::survfit(formula, d, conf.type = type, conf.int = 0.9)
    check("R03", sprintf("every component of a fit of three groups, 90%% limits, %s", type),
          peer("survival::survfit"), fit_numbers(theirs),
          fit_numbers(km(formula, d, conf.type = type, conf.int = 0.9)))
  })
}

fit_numbers <- function(fit) {
  parts <- c("n", "time", "n.risk", "n.event", "n.censor", "surv", "std.err", "cumhaz", "std.chaz", "strata",
             "lower", "upper")
  unlist(unclass(fit)[parts], use.names = FALSE)
}

verify_quantiles <- function() {
  delayedAssign("aml", quantile(km(Surv(time, status) ~ x, miller_aml()), 0.5))
  delayedAssign("lung", quantile(km(Surv(time, status) ~ sex, survival::lung), 0.5))
  delayedAssign("follow_up", quantile(km(Surv(time, status == 1) ~ sex, survival::lung), 0.5))
  steps <- data.frame(time = c(9, 3, 1, 1, 6, 6, 8, 10), status = c(1, NA, 1, 0, 1, 1, 0, 0))
  at <- 1 - c(13 / 14, 6 / 7, 2 / 3, 0.5, 9 / 35, 0.1)
  delayedAssign("flat", km(c(54, 75, 77, 84, 87, 92, 103, 105, 112, 118), rep(1:0, each = 5)))
  list(
    check("R04", "aml: medians of two groups", source_survival, printed("31 23"), aml$quantile),
    check("R04", "aml: lower and upper limits of these medians", source_survival, printed("18 8 NA NA"),
          c(aml$lower, aml$upper)),
    check("R04", "median survival by sex, with limits", source_828, printed("270 426 212 348 310 550"),
          unlist(lung)),
    check("R04", "median follow-up by sex (reverse), with limits", source_828,
          printed("840 529 806 376 NA NA"),
          unlist(follow_up)),
    check("R04", "quantiles at and between the steps of a curve", source_quantile,
          printed("1 3.5 6 9 9.5 NA"),
          quantile(km(Surv(time, status) ~ 1, steps), at)$quantile),
    check("R04", "median where S is 1/2 to the last, censored day: the midpoint", source_camis,
          printed("102.5"),
          quantile(flat, 0.5)$quantile),
    check("R05", "where S is 1/2 for a while: the first day, with ci = \"spss\"", by_hand, 87,
          quantile(flat, 0.5, ci = "spss", conf.int = FALSE))
  )
}

# S = 27/44 at 23, 27/55 at 31 and 81/220 at 34: the last event time with S >= 0.55, the median
# and the first with S <= 0.45.
verify_spss <- function() {
  delayedAssign("q", quantile(km(Surv(time, status) ~ x, miller_aml()), 0.5, ci = "spss"))
  greenwood <- sqrt(1 / 110 + 1 / 90 + 1 / 56 + 1 / 42 + 1 / 20)
  half <- 1.96 * 27 / 55 * greenwood / ((27 / 44 - 81 / 220) / (34 - 23))
  delayedAssign("groups",
                quantile(km(Surv(months, died) ~ resectable, shipped("crlm_survival")), 0.5, ci = "spss"))
  list(
    check("R05", "median and limits of SPSS, maintained", by_hand, 31 + c(0, -1, 1) * half,
          c(q$quantile[1], q$lower[1], q$upper[1])),
    check("R05", "medians of SPSS, as a study prints them", source_study, printed("36 17"), groups$quantile),
    check("R05", "their lower limits", source_study, printed("30.004 14.215"), groups$lower),
    check("R05", "their upper limits", source_study, printed("41.996 19.785"), groups$upper),
    check("R08", "log-rank P of a study's two groups", source_study, printed("0.001"),
          logrank(Surv(months, died) ~ resectable, shipped("crlm_survival"))$p.value)
  )
}

verify_weights <- function() {
  d <- late_entries()
  often <- d[rep(seq_len(nrow(d)), d$whole), ]
  used <- d[d$whole > 0, ]
  delayedAssign("plain", km(Surv(time, status) ~ 1, miller_aml()))
  delayedAssign("twice", km(Surv(time, status) ~ 1, miller_aml(), weights = rep(2, 23)))
  list(
    check("R07", "weights of 2 leave S(t) alone", source_survival, plain$surv, twice$surv),
    check("R07", "and halve the variance", source_survival, plain$std.err^2, 2 * twice$std.err^2),
    check("R07", "a row of weight k is k rows: every curve", must_hold,
          with(km(Surv(time, status) ~ group, often), c(time, n.risk, surv, std.err)),
          with(km(Surv(time, status) ~ group, used, weights = used$whole),
               c(time, n.risk, surv, std.err))),
    check("R07", "a row of weight k is k rows: log-rank test", must_hold,
          logrank(Surv(time, status) ~ group, often)$statistic,
          logrank(Surv(time, status) ~ group, d, weights = d$whole)$statistic),
    check("R07", "fractional weights, robust variance", peer("survival::survfit"),
          fit_numbers(survival::survfit(Surv(time, status) ~ group, d, weights = d$part)),
          fit_numbers(km(Surv(time, status) ~ group, d, weights = d$part))),
    check("R06", "entry times: every component", peer("survival::survfit"),
          fit_numbers(survival::survfit(Surv(entry, time, status) ~ group, d)),
          fit_numbers(km(Surv(entry, time, status) ~ group, d))),
    check("R06", "entry times and whole weights: every component", peer("survival::survfit"),
          fit_numbers(survival::survfit(Surv(entry, time, status) ~ group, d, weights = d$whole + 1)),
          fit_numbers(km(Surv(entry, time, status) ~ group, d, weights = d$whole + 1))),
    check("R06", "entry at 0 is no late entry: log-rank test", must_hold,
          logrank(Surv(time, status) ~ group, d)$statistic,
          logrank(Surv(0 * time, time, status) ~ group, d)$statistic),
    check("R06", "S(t) of four who enter at 0, 0, 2, 4 is 1/2, 1/4, 1/8, 0", by_hand,
          c(1 / 2, 1 / 4, 1 / 8, 0),
          km(c(1, 3, 5, 6), c(1, 1, 1, 1), entry = c(0, 0, 2, 4))$surv)
  )
}

verify_logrank <- function() {
  delayedAssign("aml", logrank(Surv(time, status) ~ x, miller_aml()))
  dummy <- data.frame(time = c(1, 2, 2, 3, 3, 3, 4), status = 0, x = "Dummy")
  delayedAssign("three", logrank(Surv(time, status) ~ x, rbind(miller_aml(), dummy)))
  delayedAssign("cells", logrank(Surv(time, status) ~ factor(as.character(celltype)), survival::veteran))
  weeks <- freireich()
  toy <- list(time = c(12, 1, 6, 9, 7, 4, 13, 5, 2, 3), group = rep(0:1, each = 5))
  list(
    check("R08", "aml: observed events", source_survival, printed("7 11"), aml$observed),
    check("R08", "aml: expected events", source_survival, printed("10.69 7.31"), aml$expected),
    check("R08", "aml: chi-square and P", source_survival, printed("3.40 0.0653"),
          c(aml$statistic, aml$p.value)),
    check("R08", "survival::lung by sex: expected events, chi-square, P", source_cookbook,
          printed("91.5817 73.4183 10.3267 0.00131"),
          with(logrank(Surv(time, status) ~ sex, survival::lung), c(expected, statistic, p.value))),
    check("R08", "a group without events at risk leaves df and chi-square", source_difftest,
          printed("1 3.4 0.00"),
          c(three$parameter, three$statistic, three$expected[["x=Dummy"]])),
    check("R08", "four groups: expected events", source_sksurv,
          printed("15.6937646143605 34.5494783863493 30.1020793268148 47.6546776724754"), cells$expected),
    check("R08", "four groups: variances", source_sksurv,
          printed("12.9661700605014 24.1990352938484 21.7542679406138 26.3384063667063"),
          diag(cells$variance)),
    check("R08", "four groups: chi-square and P", source_sksurv,
          printed("25.4037003457854 1.27124593900609e-05"),
          c(cells$statistic, cells$p.value)),
    check("R08", "ten subjects: chi-square and P", source_sksurv,
          printed("0.0658861965695617 0.797423444741849"),
          unlist(logrank(toy$time, c(0, 1, 1, 0, 0, 0, 1, 0, 1, 1), toy$group)[c("statistic", "p.value")])),
    check("R08", "ten subjects, four events: chi-square and P", source_sksurv,
          printed("0.843638413831986 0.358358251735077"),
          unlist(logrank(toy$time, c(0, 0, 1, 0, 0, 0, 1, 0, 1, 1), toy$group)[c("statistic", "p.value")])),
    check("R08", "6-MP trial: weeks at risk and relapses", source_princeton, printed("541 30"),
          c(sum(weeks$weeks), sum(weeks$relapse))),
    check("R08", "6-MP trial: expected relapses, chi-square and P", source_freireich,
          printed("19.3 10.7 16.8 4.17e-05"),
          with(logrank(Surv(weeks, relapse) ~ drug, weeks), c(expected, statistic, p.value))),
    check("R08", "three groups with entry times and strata",
          peer("survival::coxph, score test of untied rows"),
          score_test(FALSE), score_test(TRUE)),
    check("R08", "the log-rank test is cmh() with a table for each event time", must_hold,
          cmh_of_event_times(weeks), logrank(Surv(weeks, relapse) ~ drug, weeks)$statistic)
  )
}

# Without ties the score test of a stratified Cox model at 0 is the stratified log-rank test.
score_test <- function(ours) {
  d <- late_entries(40)
  d$time <- d$time + seq_len(40) / 64
  if (ours) return(logrank(Surv(entry, time, status) ~ group + strata(site), d)$statistic)
  fit <- survival::coxph(Surv(entry, time, status) ~ group + strata(site), d, iter.max = 0)
  fit$score
}

cmh_of_event_times <- function(d) {
  times <- sort(unique(d$weeks[d$relapse == 1]))
  tables <- vapply(times, function(t) {
    risk <- d$weeks >= t
    event <- risk & d$weeks == t & d$relapse == 1
    table(d$drug[risk], factor(event[risk], c(TRUE, FALSE)))
  }, matrix(0, 2, 2))
  unname(cmh(tables, correct = FALSE)$statistic)
}

verify_weighted <- function() {
  g <- function(rho, gamma) logrank(Surv(time, status) ~ sex, survival::lung, rho = rho, gamma = gamma)
  delayedAssign("sex", Map(g, c(0, 1, 0, 1), c(0, 0, 1, 1)))
  pair <- function(arms) {
    logrank(Surv(time, status) ~ rx + strata(sex), survival::colon,
            subset = survival::colon$rx %in% arms)$p.value
  }
  d <- late_entries()
  list(
    check("R09", "G(0,0), G(1,0), G(0,1), G(1,1): chi-squares", source_832, printed("10.33 12.71 3.46 7.66"),
          vapply(sex, function(t) t$statistic[[1L]], 0)),
    check("R09", "P values of G(1,0), G(0,1), G(1,1)", source_832, printed("0.0003629 0.0628709 0.0056309"),
          vapply(sex[-1], `[[`, 0, "p.value")),
    check("R09", "G(1,0) of three groups in strata", peer("survival::survdiff"),
          survival::survdiff(Surv(time, status) ~ group + strata(site), d, rho = 1)$chisq,
          logrank(Surv(time, status) ~ group + strata(site), d, rho = 1)$statistic),
    check("R10", "stratified pairs of three arms, adjusted by Benjamini and Hochberg", "survminer, issue 648",
          printed("0.73 1.6e-07 5.9e-07"),
          stats::p.adjust(c(pair(c("Obs", "Lev")), pair(c("Obs", "Lev+5FU")), pair(c("Lev", "Lev+5FU"))),
                          "BH")),
    check("R10", "by sex within institutions", peer("survival::survdiff"),
          survival::survdiff(Surv(time, status) ~ sex + strata(inst), survival::lung)$chisq,
          logrank(Surv(time, status) ~ sex + strata(inst), survival::lung)$statistic),
    check("R10", "a fit is tested as its formula", must_hold,
          logrank(Surv(time, status) ~ group + strata(site), d)$statistic,
          logrank(km(Surv(time, status) ~ group + strata(site), d))$statistic)
  )
}

verify_counts <- function() {
  d <- late_entries()
  count <- function(...) risk_table(Surv(entry, time, status) ~ group + strata(site), d, ...)
  delayedAssign("whole", count())
  delayedAssign("parts", c(count(subset = 1:23), count(subset = 24:60)))
  fit <- survival::survfit(Surv(time, status) ~ sex, survival::lung)
  delayedAssign("theirs", summary(fit, times = c(0, 250, 500), extend = TRUE))
  numbers <- function(x) unlist(as.data.frame(x)[c("time", "n.enter", "n.risk", "n.event", "n.censor")])
  list(
    check("R11", "tables of two parts merge to that of the whole", must_hold, unname(numbers(whole)),
          unname(numbers(parts))),
    check("R11", "numbers at risk under a plot", peer("survival::survfit"), theirs$n.risk,
          summary(risk_table(Surv(time, status) ~ sex, survival::lung), times = c(0, 250, 500))$n.risk),
    check("R11", "a risk table gives the curves of its rows", must_hold,
          fit_numbers(km(Surv(time, status) ~ group, d)),
          fit_numbers(km(risk_table(Surv(time, status) ~ group, d))))
  )
}

# ---- Operation: contingency tables ------------------------------------------------------

four_tests <- function(counts) {
  test <- as.data.frame(crosstab(counts))
  names <- c("Pearson chi-square", "Likelihood ratio", "Continuity correction (Yates)",
             "Linear-by-linear association")
  test$statistic[match(names, test$method, nomatch = 0L)]
}

crosstab_fisher <- function(counts) {
  test <- as.data.frame(crosstab(counts))
  test$p.value[test$method == "Fisher's exact test"]
}

verify_crosstab <- function() {
  tables <- matrix(c(13, 29, 7, 7, 21, 7), 2)
  list(
    check("R12", "admission by sex: Pearson, likelihood ratio, Yates, linear", source_berkeley,
          printed("92.2053 93.4494 91.6096 92.1849"), four_tests(rbind(c(1493, 1198), c(1278, 557)))),
    check("R12", "department A: Pearson, likelihood ratio, Yates, linear", source_dept_a,
          printed("17.2480 19.0540 16.3718 17.2295"), four_tests(rbind(c(313, 512), c(19, 89)))),
    check("R12", "death penalty by race: Pearson, likelihood ratio, Yates, linear", source_penalty,
          printed("0.2214 0.2215 0.0863 0.2208"), four_tests(rbind(c(149, 17), c(141, 19)))),
    check("R12", "2 x 3 arthritis: Pearson, likelihood ratio, linear", source_arthritis,
          printed("13.055 13.530 12.859"), four_tests(tables)),
    check("R12", "cough and bronchitis: Pearson and its P", "SAS, by CAMIS, r-sas_chi-sq.qmd",
          printed("12.1804 0.0005"),
          unlist(as.data.frame(crosstab(matrix(c(26, 247, 44, 1002), 2)))[1, c("statistic", "p.value")])),
    check("R12", "with Yates's correction, P", "R, ?chisq.test", printed("0.4233"),
          as.data.frame(crosstab(matrix(c(12, 5, 7, 7), 2)))$p.value[2]),
    check("R12", "Pearson of hair by eye colour", peer("stats::chisq.test"),
          stats::chisq.test(margin.table(datasets::HairEyeColor, 1:2))$statistic,
          four_tests(margin.table(datasets::HairEyeColor, 1:2))[1]),
    check("R13", "tea tasting: Fisher's P", source_tea, printed("0.4857"),
          crosstab_fisher(matrix(c(3, 1, 1, 3), 2))),
    check("R13", "4 x 4 job satisfaction: Fisher's P", source_fisher, printed("0.7827"),
          crosstab_fisher(matrix(c(1, 2, 1, 0, 3, 3, 6, 1, 10, 10, 14, 9, 6, 7, 12, 11), 4))),
    check("R13", "department B: Fisher's P", source_dept_a, printed("0.6771"),
          crosstab_fisher(rbind(c(207, 353), c(8, 17)))),
    check("R13", "death penalty: Fisher's P", source_penalty, printed("0.7246"),
          crosstab_fisher(rbind(c(149, 17), c(141, 19)))),
    check("R13", "fat diet: Fisher's P is (C(15,5) C(8,8) + C(15,11) C(8,2) + ...) / C(23,13)", by_hand,
          44968 / 1144066, crosstab_fisher(fat_diet()))
  )
}

verify_cmh <- function() {
  delayedAssign("fit", cmh(migraine(), correct = FALSE))
  delayedAssign("china", cmh(chinese_smoking(), correct = FALSE))
  delayedAssign("admitted", cmh(berkeley()))
  theirs <- stats::mantelhaen.test(berkeley())
  list(
    check("R14", "migraine: chi-square and P", source_migraine, printed("8.3052 0.0040"),
          c(fit$statistic, fit$p.value)),
    check("R14", "smoking in eight cities: chi-square", source_smoking, printed("280.138"), china$statistic),
    check("R14", "smoking in eight cities: common odds ratio", source_smoking, printed("2.174"),
          china$estimate),
    check("R14", "rabbits: corrected P", source_rabbits, printed("0.047"), cmh(rabbits())$p.value),
    check("R14", "admission: statistic, P, odds ratio, interval", peer("stats::mantelhaen.test"),
          unlist(theirs[c("statistic", "p.value", "estimate", "conf.int")]),
          unlist(admitted[c("statistic", "p.value", "estimate", "conf.int")])),
    check("R14", "an odds ratio of 4 in each stratum is 4 in common", by_hand, 4,
          cmh(array(c(8, 2, 4, 4, 20, 5, 10, 10), c(2, 2, 2)))$estimate),
    check("R15", "arthritis within sex, general association", peer("stats::mantelhaen.test"),
          stats::mantelhaen.test(arthritis())$statistic, cmh(arthritis())$tests$statistic[3]),
    check("R15", "arthritis, one stratum: nonzero correlation is SAS's Mantel-Haenszel chi-square",
          source_arthritis,
          printed("12.859"), cmh(matrix(c(13, 29, 7, 7, 21, 7), 2))$tests$statistic[1]),
    check("R15", "several outcomes within education", peer("stats::mantelhaen.test"),
          with(datasets::infert, stats::mantelhaen.test(induced, spontaneous, education)$statistic),
          cmh(spontaneous ~ induced + strata(education), datasets::infert)$statistic),
    check("R16", "rabbits: exact P, two-sided", source_rabbits, printed("0.040"),
          cmh(rabbits(), exact = TRUE)$p.value),
    check("R16", "rabbits: exact P, greater", source_rabbits, printed("0.020"),
          cmh(rabbits(), exact = TRUE, alternative = "greater")$p.value),
    check("R17", "smoking in eight cities: Breslow-Day, its df and P", source_smoking,
          printed("5.200 7 0.636"),
          unlist(china$homogeneity[1, c("statistic", "df", "p.value")])),
    check("R17", "equal odds ratios in all strata: Breslow-Day and Tarone are 0", by_hand,
          printed("0.0000 0.0000"),
          cmh(array(c(8, 2, 4, 4, 20, 5, 10, 10), c(2, 2, 2)))$homogeneity$statistic)
  )
}

verify_univariate <- function() {
  delayedAssign("ozone", as.data.frame(univariate(Month ~ Ozone, datasets::airquality)))
  delayedAssign("cars", as.data.frame(univariate(am ~ mpg + cyl, datasets::mtcars)))
  delayedAssign("audit", audit_crosstab(rbind(c(6, 34), c(18, 18)), "0.020"))
  list(
    check("R18", "ozone by month: Kruskal-Wallis and P", paste0(source_r_tutor, ", Kruskal-Wallis"),
          printed("29.267 6.901e-06"), unlist(ozone[1, c("statistic", "p.value")])),
    check("R18", "mileage by transmission: Wilcoxon P", paste0(source_r_tutor, ", Mann-Whitney-Wilcoxon"),
          printed("0.001871"), cars$p.value[cars$factor == "mpg"][1]),
    check("R18", "cylinders by transmission: uncorrected chi-square", peer("stats::chisq.test"),
          stats::chisq.test(table(datasets::mtcars$cyl, datasets::mtcars$am))$statistic,
          cars$statistic[cars$factor == "cyl"][1]),
    check("R21", "a printed P of 0.020 is Pearson's, on half the counts",
          "the study of ?crlm_conversion, number of metastases",
          "Pearson chi-square x 0.5",
          sprintf("%s x %g", audit$method, audit$scale)[audit$match])
  )
}

verify_screens <- function() {
  d <- late_entries()
  columns <- d[c("group", "site", "whole")]
  delayedAssign("screened", screen_logrank(columns, d$time, d$status))
  delayedAssign("alone", lapply(columns, function(g) logrank(d$time, d$status, g)))
  delayedAssign("tables", screen_crosstab(columns, d$status))
  delayedAssign("singles", vapply(columns, function(g) crosstab(g, d$status)$tests$statistic[1], 0))
  delayedAssign("within", screen_crosstab(columns[-2], d$status, strata = d$site))
  list(
    check("R19", "chi-square and P of each column are those of logrank()", must_hold,
          c(vapply(alone, function(t) t$statistic[[1L]], 0), vapply(alone, `[[`, 0, "p.value")),
          c(screened$statistic, screened$p.value)),
    check("R19", "and of survdiff()", peer("survival::survdiff"),
          vapply(columns, function(g) survival::survdiff(Surv(d$time, d$status) ~ g)$chisq, 0),
          screened$statistic),
    check("R20", "chi-square of each column is that of crosstab()", must_hold, singles, tables$statistic),
    check("R20", "and of chisq.test()", peer("stats::chisq.test"),
          vapply(columns, function(g) stats::chisq.test(table(g, d$status), correct = FALSE)$statistic[[1L]],
                 0),
          tables$statistic),
    check("R20", "within strata, that of cmh()", must_hold,
          vapply(columns[-2], function(g) cmh(g, d$status, d$site, correct = FALSE)$tests$statistic[3], 0),
          within$statistic)
  )
}

# ---- Operation: rules -------------------------------------------------------------------

verify_ties <- function() {
  d <- data.frame(t = (seq_len(2000) * 0.6180339887498949) %% 1 * 9 + 0.5,
                  status = rep(c(1, 1, 0), length.out = 2000),
                  group = (seq_len(2000) * 7) %% 11 < 5)
  test <- function(t, ...) logrank(t, d$status, d$group, ...)$statistic
  distinct <- function(t, ...) length(km(t, rep(1, length(t)), ...)$time)
  ulp <- 2^-52
  list(
    check("R22", "0.1 + 0.2 and 0.3 are one time", "?ties", 1, distinct(c(0.1 + 0.2, 0.3))),
    check("R22", "a run reaches 4 units in the last place from its first, and no further", "?ties", 2,
          distinct(1 + c(0, 3, 4, 6, 8) * ulp)),
    check("R22", "timefix = FALSE keeps them all", "?ties", 5,
          distinct(1 + c(0, 3, 4, 6, 8) * ulp, timefix = FALSE)),
    check("R22", "whole numbers are never merged: six seconds of 2023", "?ties", 6, distinct(1.7e9 + 0:5)),
    check("R22", "timefix = \"survival\" makes one time of them", peer("survival::survfit"),
          length(survival::survfit(Surv(1.7e9 + 0:5, rep(1, 6)) ~ 1)$time),
          distinct(1.7e9 + 0:5, timefix = "survival")),
    check("R22", "log-rank test of t * 1e-5, t + 17000 and rank(t) is that of t", must_hold,
          rep(test(d$t), 3),
          c(test(d$t * 1e-5), test(d$t + 17000), test(rank(d$t)))),
    check("R22", "timefix = \"survival\" on t * 1e-5 is survdiff()", peer("survival::survdiff"),
          survival::survdiff(Surv(t * 1e-5, status) ~ group, d)$chisq,
          test(d$t * 1e-5, timefix = "survival")),
    check("R22", "the result counts the distinct times merged", "?ties", 1,
          logrank(c(0.1 + 0.2, 0.3, 1, 2), rep(1, 4), c(1, 2, 1, 2))$merged)
  )
}

verify_missing <- function() {
  delayedAssign("table", risk_table(c(1, NA, NaN, 4, 5), c(1, 1, 1, NA, 0)))
  delayedAssign("counted", crosstab(c(1, 1, 2, 2, NA, 1), c(1, 2, 1, 2, 1, NaN)))
  d <- late_entries()
  delayedAssign("confounded", logrank(d$time, d$status, d$group, strata = d$group))
  delayedAssign("none", logrank(d$time, 0 * d$status, d$group))
  list(
    check("R23", "rows with a missing time or status are dropped and counted, NaN apart", "?risk_table",
          c(3, 1, 2),
          c(sum(table$n.missing), table$n.nan, table$n.used)),
    check("R23", "survival::lung by physician's ECOG score: one of 228 dropped", peer("survival::survdiff"),
          as.vector(survival::survdiff(Surv(time, status) ~ ph.ecog, survival::lung)$n),
          logrank(Surv(time, status) ~ ph.ecog, survival::lung)$n),
    check("R23", "pairs with a missing value are dropped and counted", "?crosstab", c(4, 2),
          c(counted$n, counted$n.missing)),
    check("R25", "without an event statistic and P are NA, not 0 and 1", "?logrank", printed("NA NA"),
          c(none$statistic, none$p.value)),
    check("R25", "groups that are their own strata: NA, not an error of LAPACK", "?logrank", printed("NA NA"),
          c(confounded$statistic, confounded$p.value)),
    check("R25", "this is announced, with a class", "?logrank", c("riskset_no_events", "riskset_undefined"),
          c(announced_as(logrank(d$time, 0 * d$status, d$group)),
            announced_as(logrank(d$time, d$status, d$group, strata = d$group)))),
    check("R25", "tables of one exposure in each stratum: NA, announced", "?cmh",
          c("riskset_undefined", "TRUE"),
          c(announced_as(cmh(array(c(1, 0, 2, 0, 0, 3, 0, 4), c(2, 2, 2)))),
            is.na(cmh(array(c(1, 0, 2, 0, 0, 3, 0, 4), c(2, 2, 2)))$p.value))),
    check("R27", "the logarithm of P does not underflow where P does", peer("stats::pchisq"),
          c(0, stats::pchisq(4e6, 1, lower.tail = FALSE, log.p = TRUE)),
          unlist(crosstab(diag(2e6, 2))$tests[1, c("p.value", "log.p")]))
  )
}

verify_refusals <- function() {
  t <- c(1, 2, 3, 4)
  s <- c(1, 0, 1, 1)
  g <- c(1, 1, 2, 2)
  refused <- function(what, kind, expr, help = "?risk_table") {
    check("R24", paste("refused:", what), help, paste0("riskset_error_", kind), refused_as(expr))
  }
  list(
    refused("a negative time", "time", km(c(-1, 2, 3, 4), s)),
    refused("an event at infinity", "time", km(c(Inf, 2, 3, 4), s)),
    refused("times that are dates", "time", km(as.Date("2020-01-01") + 1:4, s)),
    refused("a status of 0, 1, 2", "status", km(t, c(0, 1, 2, 1))),
    refused("a status that is a factor", "status", km(t, factor(s))),
    refused("a status that is text", "status", km(t, as.character(s))),
    refused("columns of different lengths", "length", km(t, s[1:3])),
    refused("no row without a missing value", "missing", km(c(NA, NaN), c(1, 1))),
    refused("an entry that is not before its time", "entry", km(t, s, entry = t)),
    refused("a negative weight", "weights", km(t, s, weights = c(1, -1, 1, 1))),
    refused("weights that are all zero", "weights", km(t, s, weights = 0 * t)),
    refused("a log-rank test of one group", "group", logrank(t, s, rep(1, 4)), "?logrank"),
    refused("a log-rank test with fractional weights", "weights", logrank(t, s, g, weights = t / 3),
            "?logrank"),
    refused("rho = NA", "argument", logrank(t, s, g, rho = NA), "?logrank"),
    refused("conf.int = 95", "level", km(t, s, conf.int = 95), "?km"),
    refused("a probability of 2", "argument", quantile(km(t, s), 2, ci = "spss"), "?km"),
    refused("an argument that does not exist", "argument", km(t, s, confint = 0.9), "?km"),
    refused("an argument of survfit() that is not supported", "unsupported", km(t, s, id = 1:4), "?km"),
    refused("a negative count", "table", crosstab(matrix(c(1, 2, 3, -4), 2)), "?crosstab"),
    refused("a fractional count", "table", cmh(array(c(1.5, 2, 3, 4), c(2, 2, 1))), "?cmh"),
    refused("a table with an empty row", "table", crosstab(rbind(c(1, 2), c(0, 0))), "?crosstab"),
    refused("conf.level = 95", "level", cmh(migraine(), conf.level = 95), "?cmh"),
    refused("merging tables of different codings", "table", c(risk_table(t, c(1, 2, 1, 2)), risk_table(t, s)))
  )
}

verify_sameness <- function() {
  d <- many_rows()
  back <- rev(seq_len(nrow(d)))
  results <- function(d, ...) {
    old <- options(...)
    on.exit(options(old))
    test <- logrank(Surv(days, status) ~ group + strata(site), d)
    c(test$statistic, test$observed, test$expected, km(Surv(days, status) ~ group, d)$surv)
  }
  delayedAssign("one", results(d, riskset.threads = 1L))
  before <- list(options(), random_seed(), d)
  list(
    check("R26", "two threads give the bits of one", must_hold, TRUE,
          identical(results(d, riskset.threads = 2L), one)),
    check("R26", "sorting gives the bits of counting", must_hold, TRUE,
          identical(results(d, riskset.threads = 1L, riskset.paths = "sort"), one)),
    check("R26", "rows in reverse give the same bits", must_hold, TRUE,
          identical(results(d[back, ], riskset.threads = 1L), one)),
    check("R26", "tables of three parts, merged, give the same bits", must_hold, TRUE, {
      part <- split(seq_len(nrow(d)), (d$days * 3) %/% 977)
      merged <- do.call(c, lapply(unname(part), function(r) risk_table(Surv(days, status) ~ group, d[r, ])))
      identical(km(merged)$surv, km(Surv(days, status) ~ group, d)$surv)
    }),
    check("R31", "options, random numbers and the data are as they were", "?verify_riskset", TRUE,
          identical(before, list(options(), random_seed(), d)))
  )
}

random_seed <- function() get0(".Random.seed", globalenv(), inherits = FALSE)

verification_parts <- function() {
  list(
    installation = list(verify_versions, verify_library, verify_data),
    operation = list(
      verify_curves, verify_intervals, verify_quantiles, verify_spss, verify_weights, verify_logrank,
      verify_weighted, verify_counts, verify_crosstab, verify_cmh, verify_univariate, verify_screens,
      verify_ties, verify_missing, verify_refusals, verify_sameness
    )
  )
}

# ---- Report -----------------------------------------------------------------------------

verification_session <- function(started) {
  user <- Sys.info()
  c(
    `started` = format(started, "%Y-%m-%d %H:%M:%S %Z"),
    `seconds` = sprintf("%.1f", as.numeric(difftime(Sys.time(), started, units = "secs"))),
    `riskset` = paste(getNamespaceVersion("riskset"), "in", getNamespaceInfo("riskset", "path")),
    `R` = R.version.string, `survival` = as.character(utils::packageVersion("survival")),
    `platform` = R.version$platform,
    `system` = paste(user[c("sysname", "release", "machine")], collapse = " "), `user` = user[["user"]],
    `locale` = Sys.getlocale("LC_COLLATE"),
    `OpenMP` = if (calls_openmp()) "yes" else "no (one thread)",
    `threads` = sprintf("riskset.threads = %s, OMP_THREAD_LIMIT = %s",
                        deparse(getOption("riskset.threads", 2L)),
                        Sys.getenv("OMP_THREAD_LIMIT", "not set")),
    `long double` = if (capabilities("long.double")) "yes" else "no"
  )
}

# Whether the compiled library calls GNU's or LLVM's runtime.
calls_openmp <- function() {
  file <- unclass(getLoadedDLLs()[["riskset"]])$path
  bytes <- readBin(file, "raw", file.size(file))
  length(grepRaw("GOMP_parallel|__kmpc_fork_call", bytes)) > 0L
}

verdict <- function(x) {
  failed <- sum(!x$passed)
  if (failed > 0L) return(sprintf("FAILED: %d of %d checks.", failed, nrow(x)))
  exact <- x$difference[x$tolerance %in% 1e-10]
  largest <- if (length(exact)) {
    sprintf(" The largest relative difference from what is not rounded for print is %.2g.", max(exact))
  }
  paste0(sprintf("All %d checks passed.", nrow(x)), largest)
}

#' @rdname verify_riskset
#' @export
format.riskset_verification <- function(x, ...) {
  session <- attr(x, "session")
  number <- function(v) ifelse(is.na(v), "", sprintf("%.2g", v))
  lines <- unlist(lapply(seq_len(nrow(x)), function(i) {
    difference <- if (is.na(x$difference[i])) "" else {
      sprintf("  difference %s, allowed %s", number(x$difference[i]), number(x$tolerance[i]))
    }
    c(sprintf("%3d %-6s %s %s", i, if (x$passed[i]) "ok" else "FAILED", x$requirement[i], x$check[i]),
      paste0("           expected: ", x$expected[i]),
      paste0("           observed: ", x$observed[i], difference),
      paste0("           source:   ", x$source[i]))
  }))
  c("Verification of riskset: installation and operational qualification", "",
    sprintf("%-12s %s", names(session), session), "", lines, "", verdict(x))
}

#' @rdname verify_riskset
#' @export
print.riskset_verification <- function(x, ...) {
  if (!all(c("requirement", "check", "difference", "tolerance", "passed") %in% names(x))) {
    return(invisible(print(as.data.frame(x), ...)))
  }
  for (part in unique(x$part)) {
    rows <- x[x$part == part, ]
    cat(sprintf("\n%s\n", c(installation = "Installation", operation = "Operation")[[part]]))
    numbers <- ifelse(is.na(rows$difference), "",
                      sprintf("  (%.2g of %.2g)", rows$difference, rows$tolerance))
    cat(sprintf("%-6s %s %s%s\n", ifelse(rows$passed, "ok", "FAILED"), rows$requirement, rows$check,
                numbers), sep = "")
  }
  for (i in which(!x$passed)) {
    cat(sprintf("\nFAILED %s %s\n  expected: %s\n  observed: %s\n  source:   %s\n", x$requirement[i],
                x$check[i],
                x$expected[i], x$observed[i], x$source[i]))
  }
  session <- attr(x, "session")
  cat(sprintf("\n%s %s, survival %s, %s\n", verdict(x), session[["R"]], session[["survival"]],
              session[["platform"]]))
  invisible(x)
}

#' @rdname verify_riskset
#' @export
as.data.frame.riskset_verification <- function(x, ...) {
  attr(x, "session") <- NULL
  class(x) <- "data.frame"
  x
}
