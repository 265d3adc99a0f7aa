# A library of current CRAN packages, whatever the machine has: those named, or survival and what
# draws or tidies its fits. Kept from one run to the next; CRANLIB says where.

packages <- commandArgs(TRUE)
for_tests <- length(packages) == 0L
if (for_tests) packages <- c("survival", "ggplot2", "ggsurvfit", "dplyr", "broom", "testthat")
dir.create(Sys.getenv("CRANLIB"), recursive = TRUE, showWarnings = FALSE)
lib <- normalizePath(Sys.getenv("CRANLIB"))
unlink(Sys.glob(file.path(lib, "00LOCK*")), recursive = TRUE) # of an interrupted run
missing <- function() setdiff(packages, rownames(installed.packages(lib)))

if (length(missing())) {
  .libPaths(lib, include.site = FALSE)
  if ("@CRAN@" %in% getOption("repos")) chooseCRANmirror(graphics = FALSE, ind = 1L)
  # fs, which testthat needs, is built against libuv; curl, which lrstat needs, against libcurl.
  if (Sys.info()[["effective_user"]] == "root" && nzchar(Sys.which("apt-get"))) {
    system2("apt-get", c("-qq", "update"))
    system2("apt-get", c("-qq", "-y", "install", "--no-install-recommends", "r-base-dev",
                         "libuv1-dev", if (!for_tests) "libcurl4-openssl-dev"), stdout = FALSE)
  }
  # Tests need no optimised C++ and no help pages: half the time.
  if (for_tests) {
    flags <- tempfile()
    writeLines(c("CFLAGS = -O2", paste0("CXX", c("", 11, 14, 17), "FLAGS = -O0")), flags)
    Sys.setenv(R_MAKEVARS_USER = flags)
  }
  options(timeout = 600, Ncpus = parallel::detectCores())
  install.packages(missing(), lib,
                   INSTALL_opts = if (for_tests) c("--no-docs", "--no-test-load"))
}
if (length(missing())) stop("could not install ", toString(missing()), call. = FALSE)
