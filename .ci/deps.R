# Installs what one purpose needs and the machine lacks: from Debian, where it is prebuilt,
# else from CRAN. Touches no network when nothing is missing.
# Usage: Rscript .ci/deps.R study|test|document|runtime|coverage|native|lint

purpose <- commandArgs(TRUE)[1L]

described <- function(field) {
  entries <- strsplit(read.dcf("DESCRIPTION", field), ",")[[1L]]
  setdiff(trimws(sub("[(].*", "", entries)), rownames(installed.packages(priority = "base")))
}

# `must`: nothing works without; `may`: whatever else the tests can use.
must <- c(described("Imports"), switch(purpose,
  study = c("knitr", "rmarkdown"),
  test = c("knitr", "rmarkdown", "testthat"),
  document = c("roxygen2", "pkgbuild"),
  runtime = "testthat", coverage = c("covr", "testthat"), lint = "lintr"
))
may <- if (purpose %in% c("test", "runtime", "coverage")) setdiff(c("codetools", described("Suggests")), must)
# `tidy` checks the help pages' HTML; .ci/check.R can leave that out.
programs <- switch(purpose, study = "pandoc", test = c("pandoc", "tidy"), runtime = "gcc",
                   native = c("clang", "valgrind"),
                   lint = c("clang", "clang-tidy", "cppcheck"))

lacking <- function(packages) packages[!nzchar(vapply(packages, find_package, ""))]
find_package <- function(package) system.file(package = package)
# clang is there under its version's name too; its fuzzer and omp.h are packages of their own.
is_there <- function(program) {
  nzchar(Sys.which(program)) || (program == "clang" && any_file("/usr/bin/clang-[0-9]*"))
}
any_file <- function(pattern) length(Sys.glob(pattern)) > 0L
lacking_programs <- function() {
  fuzzer <- any_file("/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer*")
  openmp <- any_file("/usr/lib/llvm-*/lib/clang/*/include/omp.h")
  c(programs[!vapply(as.character(programs), is_there, NA)],
    if (purpose == "native" && !fuzzer) "libclang-rt-dev",
    if (purpose == "lint" && !openmp) "libomp-dev")
}
say <- function(...) cat(sprintf(...), "\n", sep = "")

has_apt <- nzchar(Sys.which("apt-get"))
root <- Sys.info()[["effective_user"]] == "root"
# Debian's R packages serve Debian's own R only.
debian_r <- has_apt && normalizePath(R.home()) == "/usr/lib/R"

# What Debian has of all that is missing.
debian_packages <- function() {
  known <- system2("apt-cache", c("pkgnames", "r-cran-"), stdout = TRUE)
  names <- paste0("r-cran-", tolower(lacking(c(must, may))), recycle0 = TRUE)
  c(lacking_programs(), if (debian_r) intersect(names, known))
}

install_from_debian <- function() {
  apt <- function(...) system2("apt-get", c("-qq", ...), stdout = FALSE, stdin = "/dev/null")
  Sys.setenv(DEBIAN_FRONTEND = "noninteractive")
  apt("update")
  wanted <- debian_packages()
  say("From Debian: %s", toString(wanted))
  apt("install", "-y", "--no-install-recommends", wanted)
}

# The library that R installs into: the first that can be written, else the user's own.
library_to_write <- function() {
  writable <- .libPaths()[file.access(.libPaths(), 2L) == 0L]
  if (length(writable)) return(writable[1L])
  own <- path.expand(Sys.getenv("R_LIBS_USER"))
  dir.create(own, recursive = TRUE, showWarnings = FALSE)
  .libPaths(c(own, .libPaths()))
  own
}

install_from_cran <- function(packages) {
  to <- library_to_write()
  say("From CRAN into %s: %s", to, toString(packages))
  if ("@CRAN@" %in% getOption("repos")) chooseCRANmirror(graphics = FALSE, ind = 1L)
  options(timeout = 600, Ncpus = parallel::detectCores())
  try(install.packages(packages, to))
}

# ggsurvfit needs ggplot2 4 and would replace an older one, and survival, under the packages
# that were built for them: there it is left to `make test-cran`.
from_cran <- function() {
  old <- nzchar(find_package("ggplot2")) && packageVersion("ggplot2") < "4"
  setdiff(lacking(c(must, may)), if (old) "ggsurvfit")
}

stop_short <- function(missing) {
  missing <- setdiff(missing, "tidy")
  if (length(missing)) {
    stop("`make ", purpose, "` cannot do without ", toString(missing), call. = FALSE)
  }
}

if (length(c(from_cran(), lacking_programs()))) {
  if (root && has_apt) {
    install_from_debian()
  } else if (has_apt) {
    say("Missing. An administrator can install what Debian has of these at once:")
    say("  apt-get install %s", paste(debian_packages(), collapse = " "))
    # No use in compiling for minutes if the rest cannot be had.
    stop_short(c(lacking(described("Imports")), lacking_programs()))
  }
  if (length(from_cran())) install_from_cran(from_cran())
}
invisible(library_to_write())

if (length(lacking(may))) say("Goes without: %s", toString(lacking(may)))
stop_short(c(lacking(must), lacking_programs()))
