library(testthat)
library(riskset)

test_check("riskset")
