# The whole test suite with counting or sorting switched off, alone and with four threads.
# Usage: Rscript .ci/paths.R TARBALL

source(".ci/record.R")

install_into("build/paths", commandArgs(TRUE)[1L])
# Four threads on any machine.
shim <- compile_shim("build/paths/shim.so")
for (path in c("sort", "count")) {
  for (threads in c(1L, 4L)) {
    name <- paste0(path, threads)
    profile <- sprintf("build/paths/%s.R", name)
    log <- sprintf("build/paths/%s.log", name)
    writeLines(sprintf("options(riskset.paths = \"%s\", riskset.threads = %d)", path, threads), profile)
    code <- session(".ci/tests.R", name, log = log, env = c(
      paste0("R_PROFILE_USER=", normalizePath(profile)), paste0("R_LIBS=", normalizePath("build/paths")),
      paste0("LD_PRELOAD=", shim), "SHIM_PROCESSORS=4", "NOT_CRAN=true"
    ))
    what <- sprintf("tests pass with paths = \"%s\" and %d threads", path, threads)
    record("paths", what, c(pass = code == 0L))
    if (code != 0L) cat(utils::tail(readLines(log), 40L), sep = "\n")
  }
}
finish("paths")
