# The printed numbers of the paper's Tables 1 and 2 and of its survival figures:
# Rscript data-raw/crlm_tables.R, from the package root.

table_1 <- read.csv(strip.white = TRUE, stringsAsFactors = FALSE, text = "
factor,level,Converted,Not converted,percent_converted,percent_not,printed_p
Gender,Male,14,36,28.0,72.0,0.510
Gender,Female,10,16,38.5,61.5,0.510
Age,< 60,6,20,23.1,76.9,0.416
Age,>= 60,18,32,36.0,64.0,0.416
Primary lesion site,Left colon,14,22,38.9,61.1,0.405
Primary lesion site,Right colon,4,20,16.7,83.3,0.405
Primary lesion site,Rectum,6,10,37.5,62.5,0.405
Differentiation,Mid to high,6,28,17.6,82.4,0.096
Differentiation,Low,18,24,42.9,57.1,0.096
Maximum diameter of liver metastasis,>= 6,8,36,18.2,81.8,0.037
Maximum diameter of liver metastasis,< 6,16,16,50.0,50.0,0.037
Number of liver metastases,> 4,6,34,15.0,85.0,0.020
Number of liver metastases,<= 4,18,18,50.0,50.0,0.020
CEA,>= 10,10,22,31.3,68.8,0.970
CEA,< 10,14,30,31.8,68.2,0.970
Anemia,Yes,10,26,27.8,72.2,0.632
Anemia,No,14,26,35.0,65.0,0.632
", colClasses = c(percent_converted = "character", percent_not = "character"))

as_printed <- function(x) factor(x, unique(x))
each <- rep(seq_len(nrow(table_1)), each = 2)
counts <- rbind(table_1$Converted, table_1$Not.converted)
percents <- rbind(table_1$percent_converted, table_1$percent_not)
crlm_conversion <- data.frame(
  factor = as_printed(table_1$factor)[each],
  level = as_printed(table_1$level)[each],
  conversion = as_printed(rep(c("Converted", "Not converted"), nrow(table_1))),
  n = as.integer(counts),
  printed_percent = as.character(percents),
  printed_p = table_1$printed_p[each]
)

crlm_ablation <- data.frame(
  case = 1:6,
  operative_method = "Liver resection + Ablation",
  preoperative_ct = c(7L, 3L, 2L, 3L, 5L, 2L),
  preoperative_ultrasound = c(7L, 3L, 2L, 3L, 5L, 2L),
  intraoperative_ultrasound = c(7L, 4L, 3L, 3L, 4L, 2L),
  ablated = c(1L, 2L, 2L, 2L, 2L, 1L),
  removed = c(6L, 2L, 1L, 1L, 2L, 1L)
)

crlm_published <- data.frame(
  figure = c(2L, 2L, 3L, 3L),
  group = c("Initially resectable", "Initially unresectable", "Converted",
            "Not converted"),
  n = c(80L, 76L, 24L, 52L),
  median = c(36, 17, 20, 15),
  lower = c(30.004, 14.215, 17.479, 12.514),
  upper = c(41.996, 19.785, 22.521, 17.486),
  printed_p = c("0.001", "0.001", "0.034", "0.034")
)

keep <- function(name) {
  save(list = name, file = file.path("data", paste0(name, ".rda")), compress = "xz",
       version = 2)
}
for (name in c("crlm_conversion", "crlm_ablation", "crlm_published")) keep(name)
