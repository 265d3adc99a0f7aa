# Conditions of this package: every error has class riskset_error_<kind>, every message
# riskset_<kind> (of each kind that it is of), and carries the call the user typed, not the helper
# that noticed.

abort <- function(kind, ...) {
  message <- sprintf(...)
  stop(structure(
    class = c(paste0("riskset_error_", kind), "riskset_error", "error", "condition"),
    list(message = message, call = user_call())
  ))
}

inform <- function(kind, ...) {
  message(structure(
    class = c(paste0("riskset_", kind), "riskset_message", "message", "condition"),
    list(message = paste0(sprintf(...), "\n"), call = user_call())
  ))
}

# The outermost frame of ours is what the user called; only its name is kept, since the
# arguments may be millions of numbers.
user_call <- function() {
  home <- topenv()
  for (i in seq_len(sys.nframe())) {
    if (identical(topenv(environment(sys.function(i))), home)) {
      head <- sys.call(i)[[1L]]
      return(if (is.function(head)) NULL else as.call(list(generic_name(head))))
    }
  }
  NULL
}

# A method is what the user called, by the name he called it.
generic_name <- function(head) {
  if (is.symbol(head)) as.name(sub("^([a-z.]+)\\.riskset_[a-z]+$", "\\1", as.character(head))) else head
}

# A value as an error message shows it: its type, and itself where that is short.
what <- function(x) {
  if (is.null(x)) return("NULL")
  if (!is.object(x) && !is.null(dim(x))) {
    return(sprintf("%s matrix of %s", typeof(x), paste(dim(x), collapse = " x ")))
  }
  if (is.atomic(x) && length(x) == 1L && !is.object(x)) return(deparse(x))
  kind <- if (is.object(x)) class(x)[1L] else if (is.function(x)) "a function" else typeof(x)
  if (is.atomic(x) || is.list(x)) sprintf("%s of length %d", kind, length(x)) else kind
}

# What the user left out, by its name: R would name the helper that looked for it.
check_given <- function(...) {
  left_out <- c(...)
  if (any(left_out)) {
    abort("argument", "`%s` is missing, with no default", names(left_out)[left_out][1L])
  }
}

check_flag <- function(x, name) {
  if (!is.logical(x) || length(x) != 1L || is.na(x)) {
    abort("argument", "`%s` must be TRUE or FALSE, not %s", name, what(x))
  }
}

check_level <- function(x, name) {
  if (!is_number(x) || length(x) != 1L || is.na(x) || x <= 0 || x >= 1) {
    abort("level", "`%s` must be one number between 0 and 1 (such as 0.95), not %s", name,
          what(x))
  }
}

check_finite <- function(x, name, least = -Inf) {
  if (!is_number(x) || length(x) != 1L || !is.finite(x) || x < least) {
    wanted <- if (is.finite(least)) sprintf(" of at least %g", least) else ""
    abort("argument", "`%s` must be one finite number%s, not %s", name, wanted, what(x))
  }
}

check_digits <- function(x) {
  if (!is_number(x) || length(x) != 1L || is.na(x) || x < 0 || x > 22) {
    abort("argument", "`digits` must be one number from 0 to 22, not %s", what(x))
  }
}

# match.arg() names no argument when it fails, and costs as much as a small test.
check_choice <- function(x, choices, name) {
  if (identical(x, choices)) return(choices[1L])
  if (!is.character(x) || length(x) != 1L || !(x %in% choices)) {
    abort("argument", "`%s` must be one of %s, not %s", name,
          paste0("\"", choices, "\"", collapse = ", "), what(x))
  }
  x
}

# Arguments of survfit(), survdiff() and the like that are not there yet are refused by name:
# taken in silence they would give another number than the user asked for.
check_dots <- function(..., not_yet = character()) {
  if (...length() == 0L) return(invisible())
  given <- ...names()
  if (is.null(given)) given <- rep("", ...length())
  first <- given[1L]
  if (is.na(first) || first == "") {
    abort("argument", "an argument without a name is left over: %s", what(...elt(1L)))
  }
  if (first %in% not_yet) {
    abort("unsupported", "`%s` is not supported yet", first)
  }
  abort("argument", "unused argument `%s`", first)
}
