# Shared by the scripts that test: sessions of R, and the results that .ci/summary.R adds up.

results <- data.frame(file = character(), test = character(), passed = integer(), failed = integer(),
                      skipped = character())

# One test of a script: how many of its checks held; the first few that did not are shown.
record <- function(file, test, held) {
  what <- names(held)
  held <- held %in% TRUE
  results[nrow(results) + 1L, ] <<- list(file, test, sum(held), sum(!held) + (length(held) == 0L), "")
  cat(sprintf("%-10s %-60s %5d passed %3d failed\n", file, test, sum(held), sum(!held)))
  if (length(held) == 0L) cat("  nothing was checked\n")
  if (!all(held)) cat(paste0("  ", utils::head(what[!held], 10L), "\n"), sep = "")
}

save_results <- function(results, name) {
  dir.create("build/results", recursive = TRUE, showWarnings = FALSE)
  saveRDS(results, sprintf("build/results/%s.rds", name))
}

# Results of which only the total is known.
total <- function(passed, failed) {
  data.frame(file = "", test = "", passed = passed, failed = failed, skipped = "")
}

finish <- function(name) {
  save_results(results, name)
  if (sum(results$failed) || nrow(results) == 0L) quit(status = 1L)
}

# Runs a script in a session of its own; what it says goes to `log`. The session's status.
session <- function(script, ..., log, env = character()) {
  vanilla <- if (!any(startsWith(env, "R_PROFILE_USER="))) "--vanilla"
  suppressWarnings(system2(file.path(R.home("bin"), "Rscript"), c(vanilla, script, ...),
                           stdout = log, stderr = log, env = env))
}

install_into <- function(library, tarball, ..., env = character()) {
  unlink(library, recursive = TRUE)
  dir.create(library, recursive = TRUE)
  log <- file.path(library, "install.log")
  status <- system2(file.path(R.home("bin"), "R"), c("CMD", "INSTALL", "--no-docs", "--no-multiarch", ...,
                    paste0("--library=", library), tarball), stdout = log, stderr = log, env = env)
  if (status != 0L) stop(paste(utils::tail(readLines(log), 20L), collapse = "\n"), call. = FALSE)
}

# What an installation needs, and `more`, in a directory of its own: without what a compiler left
# behind, and with room for what it will. The directory's path.
copy_sources <- function(more = character()) {
  copy <- file.path(tempfile("copy"), "riskset")
  dir.create(copy, recursive = TRUE)
  file.copy(c("DESCRIPTION", "NAMESPACE", "LICENSE", "R", "src", "data", more), copy, recursive = TRUE)
  unlink(Sys.glob(file.path(copy, "src", c("*.o", "*.so", "core/*.o"))))
  copy
}

compile_shim <- function(to) {
  flags <- c("-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-pthread")
  if (system2("gcc", c(flags, "-o", to, "tests/core/preload.c")) != 0L) {
    stop("tests/core/preload.c does not compile", call. = FALSE)
  }
  normalizePath(to)
}
