# A library of current CRAN packages, whatever the machine has: those named, or survival and what
# draws or tidies its fits. Kept from one run to the next; CRANLIB says where.

packages <- commandArgs(TRUE)
if (length(packages) == 0L) packages <- c("survival", "ggplot2", "ggsurvfit", "dplyr", "broom",
                                              "testthat")
dir.create(Sys.getenv("CRANLIB"), recursive = TRUE, showWarnings = FALSE)
lib <- normalizePath(Sys.getenv("CRANLIB"))
unlink(Sys.glob(file.path(lib, "00LOCK*")), recursive = TRUE) # of an interrupted run
missing <- function() setdiff(packages, rownames(installed.packages(lib)))

if (length(missing())) {
  .libPaths(lib, include.site = FALSE)
  if (getOption("repos")[["CRAN"]] == "@CRAN@") chooseCRANmirror(graphics = FALSE, ind = 1L)
  # fs, which testthat needs, is built against libuv.
  if (Sys.info()[["effective_user"]] == "root" && nzchar(Sys.which("apt-get"))) {
    system2("apt-get", c("-qq", "update"))
    system2("apt-get", c("-qq", "-y", "install", "--no-install-recommends", "r-base-dev",
                         "libuv1-dev"), stdout = FALSE)
  }
  options(timeout = 600, Ncpus = parallel::detectCores())
  install.packages(missing(), lib)
}
if (length(missing())) stop("could not install ", toString(missing()), call. = FALSE)
