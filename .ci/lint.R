# Checks that read the code and run none of it: compilers, analyzers, lintr, and the house rules that
# a look at names and symbols can hold. A tool that is absent is a failure.
# Usage: Rscript .ci/lint.R

source(".ci/record.R")

core <- Sys.glob("src/core/*.c")
glue <- Sys.glob("src/*.c")
r_code <- Sys.glob("R/*.R")
r_include <- c("-isystem", R.home("include"))

# ---- Running tools ----------------------------------------------------------------------

# Whether it succeeds; what it says is shown if not.
succeeds <- function(program, ...) {
  said <- tryCatch(suppressWarnings(system2(program, c(...), stdout = TRUE, stderr = TRUE)),
                   error = function(e) structure(conditionMessage(e), status = 127L))
  fine <- is.null(attr(said, "status"))
  if (!fine) cat(utils::head(said, 60L), sep = "\n")
  fine
}

# One record: whether `check` holds for each file, on as many processors as MC_CORES says, else two.
record_files <- function(test, files, check, ...) {
  held <- parallel::mclapply(files, check, ...)
  record("lint", test, stats::setNames(vapply(held, isTRUE, NA), sub(".*/src/", "src/", files)))
}

# clang is there under its version's name too.
clang <- c(Filter(file.exists, c(Sys.which("clang"), Sys.glob("/usr/bin/clang-[0-9]*"))), "clang")[[1L]]

# ---- Compilers --------------------------------------------------------------------------

strict <- c("-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wstrict-prototypes",
            "-Werror", "-c", "-o", "/dev/null")

# The newest standard goes by a working name in older compilers.
newest <- function(compiler) {
  knows <- system2(compiler, c("-std=c23", "-fsyntax-only", "-x", "c", "/dev/null"), stdout = FALSE,
                   stderr = FALSE) == 0L
  if (knows) "c23" else "c2x"
}

compile <- function(compiler, standard, openmp) {
  # Without OpenMP clang says nothing else; with it, it warns of loops that it cannot vectorise.
  flags <- c(paste0("-std=", standard), if (openmp) "-fopenmp", if (compiler == clang) "-Wno-pass-failed")
  name <- paste(c(basename(compiler), flags[!startsWith(flags, "-W")]), collapse = " ")
  record_files(paste("core compiles:", name), core, function(file) {
    succeeds(compiler, flags, strict, "-Wmissing-prototypes", file)
  })
  # R looks its routines up by name: their prototypes are in init.c.
  record_files(paste("glue compiles:", name), glue, function(file) {
    succeeds(compiler, flags, strict, r_include, file)
  })
}

# As tests/core/Makefile compiles them.
compile_tests <- function() {
  flags <- c("-std=gnu99", "-fopenmp", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-DFUZZING",
             "-DTARGET=check_rows", "-Isrc/core", "-Itests/core", "-c", "-o", "/dev/null")
  record_files("tests of the core compile", Sys.glob("tests/core/*.c"), function(file) {
    succeeds("gcc", flags, file)
  })
}

# ---- Analyzers --------------------------------------------------------------------------

# What gcc's analyzer is wrong about. clang's looks for the same in these files, and tests under
# sanitizers and valgrind for the leaks and for values that nobody has set.
misled <- list(
  # Loses memory that the elements of an array hold, and does not count tables that are put down.
  mh.c = c("malloc-leak", "use-of-uninitialized-value"),
  # Takes a column of numbers for one that is absent, and forgets that a batch is read.
  rows.c = c("null-dereference", "use-of-uninitialized-value"),
  stream.c = "null-dereference" # forgets the kind of a stream when its reader is opened
)

# Without OpenMP, and for one processor: in loops that are functions of their own, and across functions
# that are there twice, it loses what was checked before.
analyze_gcc <- function() {
  flags <- c("-std=c99", "-O2", "-DRS_ANY_PROCESSOR", "-fanalyzer", "-fdiagnostics-path-format=none",
             "-Werror", "-c", "-o", "/dev/null")
  record_files("gcc's analyzer", c(core, glue), function(file) {
    wrong <- misled[[basename(file)]]
    succeeds("gcc", flags, if (length(wrong)) paste0("-Wno-analyzer-", wrong), r_include, file)
  })
}

tidy_checks <- c(
  "-*", "bugprone-*", "cert-*", "clang-analyzer-*",
  "-bugprone-easily-swappable-parameters", # a routine of counts and sizes has many of one type
  "-cert-flp30-c",                         # Fisher's tables are counted in doubles, which are whole
  "-cert-dcl37-c", "-cert-dcl51-cpp"       # bugprone-reserved-identifier, without its exceptions
)
tidy_options <- paste("{CheckOptions: [{key: bugprone-reserved-identifier.AllowedIdentifiers,",
                      "value: _DEFAULT_SOURCE}]}")

analyze_clang <- function() {
  flags <- shQuote(c("--quiet", "--warnings-as-errors=*", paste0("--config=", tidy_options),
                     paste0("--checks=", paste(tidy_checks, collapse = ","))))
  record_files("clang-tidy", c(core, glue), function(file) {
    succeeds("clang-tidy", flags, file, "--", "-std=c99", r_include)
  })
}

analyze_cppcheck <- function() {
  flags <- c("--enable=warning,performance,portability", "--std=c99", "--inline-suppr", "--quiet",
             "--error-exitcode=1")
  record("lint", "cppcheck", c(src = succeeds("cppcheck", flags, "src")))
}

# ---- lintr ------------------------------------------------------------------------------

oldest_r <- sub(".*>= *([0-9.]+).*", "\\1", read.dcf("DESCRIPTION", "Depends"))

house_style <- function() {
  banned <- list(setwd = NA, browser = NA, debug = NA, debugonce = NA, undebug = NA, trace = NA, attach = NA)
  more <- c("any_duplicated", "any_is_na", "class_equals", "condition_message", "duplicate_argument",
            "expect_comparison", "expect_length", "expect_not", "expect_null", "expect_s4_class",
            "expect_true_false", "expect_type", "ifelse_censor", "inner_combine", "literal_coercion",
            "missing_argument", "outer_negation", "package_hooks", "redundant_ifelse", "regex_subset",
            "sprintf", "system_file", "todo_comment", "unreachable_code", "yoda_test")
  more <- stats::setNames(lapply(paste0(more, "_linter"), function(linter) {
    getExportedValue("lintr", linter)()
  }), paste0(more, "_linter"))
  do.call(lintr::linters_with_defaults, c(more, list(
    cyclocomp_linter = NULL, # a function fits on a screen; that a check has many branches is no fault
    line_length_linter = lintr::line_length_linter(110L),
    object_name_linter = lintr::object_name_linter(c("snake_case", "dotted.case", "symbols")),
    semicolon_linter = lintr::semicolon_linter(allow_compound = TRUE), # a <- 1; b <- 2 of one table
    backport_linter = lintr::backport_linter(oldest_r),
    undesirable_function_linter = lintr::undesirable_function_linter(banned)
  )))
}

# The house writes `if (x) y else {` and lets one call be a function's body on many lines. R CMD check
# looks names up; lintr does so for variables that nobody uses.
not_ours <- "Either both or neither branch|Any function spanning multiple lines|no visible"

lint_r <- function() {
  style <- house_style()
  for (directory in c("R", "tests/testthat", ".ci", "bench", "data-raw")) {
    files <- list.files(directory, "[.]R$", full.names = TRUE)
    record_files(paste("lintr:", directory), files, function(file) {
      found <- lintr::lint(file, style, parse_settings = FALSE)
      found <- Filter(function(lint) !grepl(not_ours, lint$message), found)
      for (lint in found) {
        cat(sprintf("%s:%d: %s: %s\n", file, lint$line_number, lint$linter, lint$message))
      }
      length(found) == 0L
    })
  }
}

# ---- House rules: C ---------------------------------------------------------------------

# gcc's locks for a critical section.
is_lock <- function(names) startsWith(names, ".gomp_critical_user_")

# The output of nm or objdump, which must have some.
symbols <- function(...) {
  said <- system2(..., stdout = TRUE)
  if (length(said) == 0L || !is.null(attr(said, "status"))) stop("no symbols from ", ..1, call. = FALSE)
  said
}

# Variables that can change: in a section of data, of zeros or common, but for what only relocation
# writes.
mutable <- function(object) {
  table <- symbols("objdump", c("-t", object))
  data <- grepl("([.]t?data|[.]t?bss|[*]COM[*])[^\t]*\t", table) & !grepl("[.]data[.]rel[.]ro", table)
  names <- sub(".* ", "", table[data])
  names[!is_lock(names) & !startsWith(names, ".data") & !startsWith(names, ".bss")]
}

# R's headers open the whole of R to a file; the linker also sees what is declared by hand.
check_core_alone <- function(objects) {
  r_header <- "^ *# *include *[<\"](R|Rinternals|Rmath|Rdefines|Rconfig|Rversion|S|R_ext/.*)[.]h[>\"]"
  record_files("no header of R in the core", Sys.glob("src/core/*.[ch]"), function(file) {
    !any(grepl(r_header, readLines(file)))
  })
  linked <- succeeds("gcc", "-shared", "-fopenmp", "-Wl,--no-undefined", "-o", "/dev/null", objects, "-lm")
  record("lint", "the core needs the C library alone", c(linked = linked))
}

check_variables <- function(core_objects, glue_objects) {
  only <- function(object, allowed) {
    found <- setdiff(mutable(object), allowed)
    if (length(found)) cat(basename(object), "has", found, "\n")
    length(found) == 0L
  }
  record_files("no variable of the core outlives a call", core_objects, only, character())
  record_files("one variable of the glue does: whether it was forked", glue_objects, only, "forked")
}

# What R has closed since 4.2; what it had closed before, tools lists.
closed_since <- c(
  "ATTRIB", "BODY", "CLOENV", "DATAPTR", "DDVAL", "ENCLOS", "ENVFLAGS", "EXTPTR_PROT", "EXTPTR_PTR",
  "EXTPTR_TAG", "FORMALS", "FRAME", "HASHTAB", "INTERNAL", "IS_GROWABLE", "IS_S4_OBJECT", "LEVELS", "NAMED",
  "OBJECT", "PRCODE", "PRENV", "PRSEEN", "PRVALUE", "R_curErrorBuf", "R_lsInternal", "R_nchar",
  "R_shallow_duplicate_attr", "R_tryWrap", "Rf_GetOption", "Rf_NonNullStringMatch", "Rf_allocSExp",
  "Rf_findVar", "Rf_findVarInFrame", "Rf_findVarInFrame3", "Rf_gsetVar", "Rf_isFrame", "SETLENGTH",
  "SETLEVELS", "SET_ATTRIB", "SET_BODY", "SET_CLOENV", "SET_ENCLOS", "SET_ENVFLAGS", "SET_FORMALS",
  "SET_FRAME", "SET_GROWABLE_BIT", "SET_HASHTAB", "SET_NAMED", "SET_OBJECT", "SET_PRCODE", "SET_PRENV",
  "SET_PRVALUE", "SET_S4_OBJECT", "SET_TRUELENGTH", "SET_TYPEOF", "STDVEC_DATAPTR", "STRING_PTR",
  "SYMVALUE", "TRUELENGTH", "UNSET_S4_OBJECT", "VECTOR_PTR", "XTRUELENGTH"
)

check_library <- function(library) {
  visible <- Filter(Negate(is_lock), sub(".* ", "", symbols("nm", c("-D", "--defined-only", library))))
  record("lint", "riskset.so shows R_init_riskset alone",
         stats::setNames(visible == "R_init_riskset", visible))
  used <- sub("@.*", "", sub(".* ", "", symbols("nm", c("-D", "--undefined-only", library))))
  closed <- c(utils::getFromNamespace("nonAPI", "tools"), closed_since)
  record("lint", "calls no entry of R outside its API", stats::setNames(!used %in% closed, used))
}

check_lines <- function() {
  files <- c(core, glue, Sys.glob(c("src/*.h", "src/core/*.h", "tests/core/*.[ch]")))
  record_files("no line of C is longer than 110", files, function(file) all(nchar(readLines(file)) <= 110L))
}

# ---- House rules: R ---------------------------------------------------------------------

# Calls of one function anywhere in an expression.
calls_of <- function(name, e) {
  if (!is.recursive(e)) return(NULL)
  parts <- as.list(e)
  empty <- vapply(seq_along(parts), function(i) identical(as.character(parts[[i]]), ""), NA)
  c(if (is.call(e) && identical(e[[1L]], as.name(name))) list(e),
    unlist(lapply(parts[!empty], calls_of, name = name), recursive = FALSE))
}

# The functions that a file defines, as calls, by name.
functions_in <- function(file) {
  calls <- function(e, name) is.call(e) && identical(e[[1L]], as.name(name))
  defines <- function(e) calls(e, "<-") && calls(e[[3L]], "function")
  definitions <- Filter(defines, as.list(parse(file)))
  stats::setNames(definitions, vapply(definitions, function(e) as.character(e[[2L]]), ""))
}

# R calls those whose name begins with a dot when it loads the package.
check_test_files <- function() {
  defining <- Filter(function(file) !all(startsWith(names(functions_in(file)), ".")), r_code)
  record_files("every file of R has its tests", defining, function(file) {
    file.exists(file.path("tests/testthat", paste0("test-", basename(file))))
  })
}

check_printing <- function() {
  record_files("nothing is printed but by a method of print()", r_code, function(file) {
    printing <- Filter(function(e) length(calls_of("print", e)) > 0L, functions_in(file))
    all(startsWith(names(printing), "print."))
  })
}

# Each routine is called, with as many arguments as it has, and no other is.
check_routines <- function() {
  routines <- getDLLRegisteredRoutines("riskset")$.Call
  arity <- vapply(routines, `[[`, 0L, "numParameters")
  calls <- unlist(lapply(r_code, function(file) calls_of(".Call", as.list(parse(file)))), recursive = FALSE)
  called <- vapply(calls, function(e) as.character(e[[2L]]), "")
  fits <- lengths(calls) - 2L == arity[called]
  record("lint", "every .Call() is of a registered routine, and whole", stats::setNames(fits, called))
  record("lint", "every registered routine is called",
         stats::setNames(names(routines) %in% called, names(routines)))
}

# What is exported for another package is documented there.
check_help <- function() {
  exports <- getNamespaceExports("riskset")
  ours <- Filter(function(name) {
    identical(environment(getExportedValue("riskset", name)), asNamespace("riskset"))
  }, exports)
  pages <- lapply(tools::Rd_db(dir = "."), function(page) {
    tags <- vapply(page, attr, "", "Rd_tag")
    list(tags = tags, aliases = trimws(unlist(page[tags == "\\alias"])))
  })
  has <- function(name, tag) {
    any(vapply(pages, function(page) name %in% page$aliases && tag %in% page$tags, NA))
  }
  for (tag in c("\\value", "\\examples")) {
    held <- vapply(ours, has, NA, tag)
    record("lint", paste("every exported function's help has", tag), held)
  }
}

# ---- All of it --------------------------------------------------------------------------

install <- function() {
  copy <- copy_sources()
  install_into("build/lint", copy)
  loadNamespace("riskset", lib.loc = "build/lint")
  file.path(copy, "src")
}

built <- install()
core_objects <- Sys.glob(file.path(built, "core/*.o"))
check_core_alone(core_objects)
check_variables(core_objects, Sys.glob(file.path(built, "*.o")))
check_library("build/lint/riskset/libs/riskset.so")
check_lines()
check_test_files()
check_printing()
check_routines()
check_help()
for (compiler in c("gcc", clang)) {
  for (standard in c("c99", newest(compiler))) {
    for (openmp in c(FALSE, TRUE)) compile(compiler, standard, openmp)
  }
}
compile_tests()
analyze_gcc()
analyze_clang()
analyze_cppcheck()
lint_r()
finish("lint")
