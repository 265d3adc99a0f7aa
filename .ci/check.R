# R CMD check --as-cran; fails on an error, a warning or a note that is not expected.
# Usage: Rscript .ci/check.R TARBALL DIRECTORY [options of R CMD check]

source(".ci/record.R")

arguments <- commandArgs(TRUE)
directory <- arguments[2L]
unlink(directory, recursive = TRUE)
dir.create(directory, recursive = TRUE)

installed <- function(packages) nzchar(vapply(packages, function(p) system.file(package = p), ""))
has_program <- function(name) nzchar(Sys.which(name))

Sys.setenv(
  # A suggested package that could not be had is a note, judged below.
  "_R_CHECK_FORCE_SUGGESTS_" = "false",
  # Debian's own R compiles with these; they are none of the package's.
  "_R_CHECK_COMPILATION_FLAGS_KNOWN_" =
    "-Wformat -Werror=format-security -Wdate-time -mno-omit-leaf-frame-pointer",
  # Names of statisticians are in no dictionary.
  "_R_CHECK_CRAN_INCOMING_USE_ASPELL_" = "false",
  # R notes that it cannot validate HTML without `tidy`.
  "_R_CHECK_RD_VALIDATE_RD2HTML_" = has_program("tidy"),
  # R warns without qpdf, which would compress PDF files; the package has none.
  R_QPDF = "true"
)

# With a suggested package missing, R 4.2 asks CRAN who maintains it and stops when there is
# no answer (_R_CHECK_ORPHANED_, which --as-cran sets): answer that nobody is known.
suggested <- strsplit(read.dcf("DESCRIPTION", "Suggests"), ",")[[1L]]
if (!all(installed(trimws(sub("[(].*", "", suggested))))) {
  dir.create(file.path(directory, "web", "packages"), recursive = TRUE)
  saveRDS(cbind(Package = character(), Maintainer = character()),
          file.path(directory, "web", "packages", "packages.rds"))
  Sys.setenv(R_CRAN_WEB = paste0("file://", normalizePath(directory)))
}

system2(file.path(R.home("bin"), "R"), c(
  "CMD", "check", "--as-cran", if (!has_program("pdflatex")) "--no-manual",
  paste0("--output=", directory), arguments[-(1:2)], arguments[1L]
))

# Why a note is expected, or NA.
expected <- function(check, output) {
  if (startsWith(check, "CRAN incoming feasibility")) {
    # Many findings in one note, a paragraph each: all must be expected.
    why <- vapply(strsplit(output, "\n[[:space:]]*\n")[[1L]], expected_incoming, "")
    return(if (anyNA(why)) NA_character_ else toString(unique(why)))
  }
  if (grepl("unable to verify current time", output)) return("no network")
  if (grepl("^Packages? suggested but not available for checking", output)) {
    return("no version fits the packages of this machine")
  }
  NA_character_
}

expected_incoming <- function(paragraph) {
  if (grepl("^Maintainer:", paragraph)) return("maintainer")
  if (grepl("^New submission", paragraph)) return("new submission")
  if (grepl("^Found the following .*invalid", paragraph) && unreachable(paragraph)) {
    return("no network")
  }
  NA_character_
}

# No answer, or a gateway's or publisher's refusal of robots. An address that does not exist
# (404) is our error.
unreachable <- function(paragraph) {
  lines <- trimws(strsplit(paragraph, "\n")[[1L]])
  status <- sub("^Status: ", "", grep("^Status:", lines, value = TRUE))
  addresses <- grep("^(URL|DOI):", lines)
  length(status) == length(addresses) &&
    all(grepl("^(Error|403|Forbidden|429|Too Many|5[0-9][0-9]|Service)", status))
}

outcome <- Sys.glob(file.path(directory, "*.Rcheck"))
log_file <- file.path(outcome, "00check.log")
log <- tools::check_packages_in_dir_details(logs = log_file)
notes <- log[log$Status == "NOTE", ]
why <- as.character(mapply(expected, notes$Check, notes$Output))

cat("\nNotes: ", nrow(notes), "\n", sep = "")
for (i in seq_len(nrow(notes))) {
  cat("- ", notes$Check[i], ": ",
      if (is.na(why[i])) "NOT EXPECTED" else paste0("expected (", why[i], ")"), "\n",
      paste0("    ", strsplit(notes$Output[i], "\n")[[1L]], "\n"), sep = "")
}

# What testthat printed last, for .ci/summary.R.
tests <- unlist(lapply(Sys.glob(file.path(outcome, "tests", "testthat.Rout*")), readLines))
counts <- regmatches(tests, regexec("FAIL ([0-9]+) .* PASS ([0-9]+) ", tests))
counts <- as.integer(unlist(tail(Filter(length, counts), 1L))[-1L])
if (length(counts) == 0L) counts <- c(1L, 0L)
save_results(total(counts[2L], counts[1L]), basename(directory))

# R's last line also counts what it prints under no heading.
status <- grep("^Status: ", readLines(log_file), value = TRUE)
found <- function(kind) {
  count <- regmatches(status, regexpr(paste0("[0-9]+(?= ", kind, ")"), status, perl = TRUE))
  if (length(count)) as.integer(count) else 0L
}
fine <- length(status) == 1L && found("ERROR") == 0L && found("WARNING") == 0L &&
  found("NOTE") == nrow(notes) && !anyNA(why)
if (!fine) stop("the check did not pass", call. = FALSE)
