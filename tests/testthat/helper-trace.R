# The titles of all tests, from their files: what inst/validation/tests.csv must know.
test_titles <- function(folder) {
  files <- list.files(folder, "^test-.*[.]R$", full.names = TRUE)
  found <- lapply(files, function(file) {
    calls <- as.list(parse(file, keep.source = FALSE))
    tests <- Filter(function(e) is.call(e) && identical(e[[1L]], quote(test_that)) && is.character(e[[2L]]),
                    calls)
    data.frame(file = rep(sub("^test-(.*)[.]R$", "\\1", basename(file)), length(tests)),
               test = vapply(tests, function(e) e[[2L]], ""))
  })
  do.call(rbind, found)
}

# Tests that name a fault (F01, F71) in their title, one row for each fault.
titled_faults <- function(titles) {
  faults <- regmatches(titles$test, gregexpr("\\bF[0-9]{2}\\b", titles$test))
  data.frame(id = as.character(unlist(faults)), titles[rep(seq_len(nrow(titles)), lengths(faults)), ],
             row.names = NULL)
}

trace_key <- function(rows) do.call(paste, c(unname(rows), sep = "\r"))
