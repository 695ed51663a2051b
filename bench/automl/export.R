# Writes the real tables and series that Debian's R packages hold as files of the benchmark.
# Arguments: folder. Tables with a class get a text target. NA stays NA.
folder <- commandArgs(TRUE)[1]
dir.create(file.path(folder, "series"), showWarnings = FALSE, recursive = TRUE)
list_file <- file(file.path(folder, "tables-real.txt"), "w")
table_of <- function(name, task, data, target) {
  data <- as.data.frame(data)
  y <- data[[target]]
  data[[target]] <- NULL
  for (i in seq_along(data)) {
    if (is.factor(data[[i]])) data[[i]] <- as.character(data[[i]])
    if (is.logical(data[[i]])) data[[i]] <- as.integer(data[[i]])
    if (is.character(data[[i]])) data[[i]] <- gsub("[,\"\n]", " ", data[[i]])
  }
  data$target <- if (task == "classification") paste0("c_", y) else as.numeric(y)
  data <- data[!is.na(y), ]
  write.csv(data, file.path(folder, paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
  writeLines(paste(name, task), list_file)
}
load_from <- function(package, name, set = name) {
  environment <- new.env()
  data(list = set, package = package, envir = environment)
  environment[[name]]
}
table_of("spam", "classification", load_from("kernlab", "spam"), "type")
table_of("income", "classification", load_from("kernlab", "income"), "INCOME")
table_of("musk", "classification", load_from("kernlab", "musk"), "Class")
table_of("promotergene", "classification", load_from("kernlab", "promotergene"), "Class")
ticdata <- load_from("kernlab", "ticdata")
table_of("ticdata", "classification", ticdata, "CARAVAN")
table_of("crabs", "classification", transform(load_from("MASS", "crabs"), sp = paste0(sp, sex), sex = NULL, index = NULL), "sp")
birthwt <- load_from("MASS", "birthwt")
birthwt$bwt <- NULL
table_of("birthwt", "classification", birthwt, "low")
table_of("cars93", "regression", transform(load_from("MASS", "Cars93"), Min.Price = NULL, Max.Price = NULL, Make = NULL), "Price")
table_of("salaries", "regression", load_from("carData", "Salaries"), "salary")
table_of("prestige", "regression", load_from("carData", "Prestige"), "prestige")
table_of("chile", "classification", load_from("carData", "Chile"), "vote")
table_of("wvs", "classification", load_from("carData", "WVS"), "poverty")
table_of("stagec", "classification", load_from("rpart", "stagec"), "pgstat")
table_of("cu_summary", "regression", load_from("rpart", "cu.summary"), "Price")
table_of("colon", "classification", transform(subset(load_from("survival", "colon", "cancer"), etype == 2), id = NULL, study = NULL, time = NULL, etype = NULL), "status")
table_of("lung", "regression", transform(load_from("survival", "lung", "cancer"), status = factor(status)), "time")
close(list_file)
for (name in c("ldeaths", "UKDriverDeaths", "WWWusage", "LakeHuron", "austres", "BJsales", "nhtemp", "airmiles", "lh",
               "treering", "presidents")) {
  series <- get(name)
  values <- as.numeric(series)
  values <- values[max(1, length(values) - 599):length(values)]
  # Quarters before the first and gaps: on the line between neighbours.
  if (anyNA(values)) values <- approx(seq_along(values), values, seq_along(values), rule = 2)$y
  writeLines(c(as.character(frequency(series)), format(values, digits = 10, trim = TRUE, scientific = FALSE)),
             file.path(folder, "series", paste0(name, ".csv")))
}
