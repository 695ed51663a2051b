# R's forecast on the series of the benchmark: the last periods are held out. Argument: folder. Prints JSON.
suppressPackageStartupMessages(library(forecast))
folder <- file.path(commandArgs(TRUE)[1], "series")
cat("{")
first <- TRUE
for (file in sort(list.files(folder, pattern = "csv$"))) {
  lines <- readLines(file.path(folder, file))
  period <- as.integer(lines[1])
  values <- as.numeric(lines[-1])
  n <- length(values)
  horizon <- min(if (period > 1) 2 * period else 8, n %/% 4)
  train <- ts(values[1:(n - horizon)], frequency = period)
  actual <- values[(n - horizon + 1):n]
  lag <- if (length(train) > 2 * period) period else 1
  scale <- mean(abs(diff(values[1:(n - horizon)], lag = lag)))
  errors <- function(f) {
    p <- as.numeric(f)
    sprintf("{\"smape\": %.6f, \"mase\": %.6f}", mean(2 * abs(p - actual) / (abs(p) + abs(actual))), mean(abs(p - actual)) / scale)
  }
  begin <- proc.time()[[3]]
  arima <- errors(forecast(auto.arima(train), h = horizon)$mean)
  seconds <- proc.time()[[3]] - begin
  other <- function(f) tryCatch(errors(f()), error = function(e) "null")
  cat(sprintf("%s\n \"%s\": {\"arima\": %s, \"arima_seconds\": %.3f, \"ets\": %s, \"theta\": %s, \"snaive\": %s}",
              if (first) "" else ",", sub(".csv", "", file, fixed = TRUE), arima, seconds,
              other(function() forecast(ets(train), h = horizon)$mean), other(function() thetaf(train, h = horizon)$mean),
              other(function() snaive(train, h = horizon)$mean)))
  first <- FALSE
}
cat("\n}\n")
