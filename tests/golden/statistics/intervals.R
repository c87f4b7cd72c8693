# Poisson intervals of observed / expected: exact, by Byar, and mid-P by uniroot, to counts of a million.
#
# R 4.2.2, packages stats only. Run in this folder: Rscript intervals.R
# Writes intervals.csv.
mid_p <- function(o, tail) {
  upper <- function(mean) ppois(o, mean, lower.tail = FALSE) + dpois(o, mean) / 2
  low <- if (o == 0) 0 else uniroot(function(m) upper(m) - tail, c(max(1e-9, o - 8 * sqrt(o)), o + 1), tol = 1e-13)$root
  high <- uniroot(function(m) 1 - upper(m) - tail, c(max(o - 1, 1e-9), o + 20 + 8 * sqrt(o)), tol = 1e-13)$root
  c(low, high)
}
rows <- list()
for (confidence in c(0.95, 0.998)) for (o in c(0, 1, 2, 3, 17, 100, 4321, 1e6)) {
  tail <- (1 - confidence) / 2
  e <- round(o * 0.9 + 1.5, 3)
  z <- qnorm(1 - tail)
  mid <- mid_p(o, tail) / e
  rows[[length(rows) + 1]] <- data.frame(
    confidence, observed = o, expected = e,
    exact_low = if (o == 0) 0 else qgamma(tail, o) / e, exact_high = qgamma(1 - tail, o + 1) / e,
    byar_low = if (o == 0) 0 else o * (1 - 1 / (9 * o) - z / (3 * sqrt(o)))^3 / e,
    byar_high = (o + 1) * (1 - 1 / (9 * (o + 1)) + z / (3 * sqrt(o + 1)))^3 / e,
    mid_p_low = mid[1], mid_p_high = mid[2]
  )
}
out <- do.call(rbind, rows)
out[4:9] <- lapply(out[4:9], format, digits = 15, trim = TRUE)
write.csv(out, "intervals.csv", row.names = FALSE, quote = FALSE)
