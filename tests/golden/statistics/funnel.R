# Funnel limits of ratios (log, square root), proportions and ratios of counts, written out from Spiegelhalter (2005, 2012) in
# base R: once as the formulas stand, once ("funnelplotr") with the literal differences of the R package FunnelPlotR (rounded
# normal deviates, expected events at two places, square root limits not squared, counts by 1 / (2 sqrt(n))). The package itself
# cannot be installed beside R 4.2.2; phi and tau2 of these formulas were compared with six results of it.
#
# R 4.2.2, packages stats only. Run in this folder: Rscript funnel.R
# Writes funnel_input.csv (made up here), funnel_limits.csv and funnel_summary.csv.
RNGversion("4.2.2")
set.seed(71)
count <- 40
expected <- round(exp(rnorm(count, 3.4, 0.9)), 4)
observed <- rpois(count, expected * exp(rnorm(count, 0, 0.25)))
observed[7] <- 0
cases <- sample(8:140, count, replace = TRUE)
events <- rbinom(count, cases, plogis(rnorm(count, 1.2, 0.6)))
events[3] <- cases[3]
other <- rpois(count, expected)
write.csv(data.frame(observed, expected, cases, events, other), "funnel_input.csv", row.names = FALSE, quote = FALSE)

tails <- c(0.025, 0.001)
variant <- function(name, o, e, kind, transform, trim, compat) {
  if (compat && transform == "log") e <- round(e, 2)
  q <- if (compat) c(1.959964, 3.090232) else qnorm(1 - tails)
  target <- if (kind == "ratio") 1 else sum(o) / sum(e)
  if (transform == "log") { y <- log(o / e); s <- 1 / sqrt(e); centre <- 0; back <- exp }
  if (transform == "sqrt") {
    y <- sqrt(o / e); s <- 1 / (2 * sqrt(e)); centre <- 1
    back <- if (compat) identity else function(v) pmax(v, 0)^2
  }
  if (kind == "proportion") {
    y <- asin(sqrt(o / e)); s <- 1 / (2 * sqrt(e)); centre <- asin(sqrt(target))
    back <- function(v) sin(pmin(pmax(v, 0), pi / 2))^2
  }
  if (kind == "ratio_of_counts") {
    y <- log((o + 0.5) / (e + 0.5)); s <- sqrt(o / (o + 0.5)^2 + e / (e + 0.5)^2); centre <- log(target); back <- exp
  }
  z <- (y - centre) / s
  if (transform == "log") {
    k <- 1 / trim
    sp <- floor(rank(z) * k / (length(z) + 1))
    used <- sp > 0 & sp < k - 1
    zw <- z[used]
  } else {
    used <- rep(TRUE, length(z))
    ends <- quantile(z, c(trim, 1 - trim))
    zw <- pmin(pmax(z, ends[1]), ends[2])
  }
  n <- length(zw)
  phi <- sum(zw^2) / n
  w <- 1 / s[used]^2
  tau2 <- if (n * phi < n - 1) 0 else max(0, (n * phi - (n - 1)) / (sum(w) - sum(w^2) / sum(w)))
  if (compat && kind == "ratio_of_counts") s <- 1 / (2 * sqrt(e))
  out <- data.frame(variant = name, row = seq_along(o))
  for (i in 1:2) {
    level <- c("95", "998")[i]
    if (kind == "ratio") {
      out[paste0("low", level)] <- qchisq(tails[i], 2 * e) / 2 / e
      out[paste0("high", level)] <- qchisq(1 - tails[i], 2 * (e + 1)) / 2 / e
    } else {
      out[paste0("low", level)] <- back(centre - q[i] * s)
      out[paste0("high", level)] <- back(centre + q[i] * s)
    }
    out[paste0("overdispersed_low", level)] <- back(centre - q[i] * sqrt(s^2 + tau2))
    out[paste0("overdispersed_high", level)] <- back(centre + q[i] * sqrt(s^2 + tau2))
  }
  list(limits = out, summary = data.frame(variant = name, kind, transform, trim, compat, n, phi, tau2, target))
}
results <- list()
for (compat in c(FALSE, TRUE)) {
  to <- if (compat) "_funnelplotr" else ""
  results <- c(results, list(
    variant(paste0("log", to), observed, expected, "ratio", "log", 0.1, compat),
    variant(paste0("sqrt", to), observed, expected, "ratio", "sqrt", 0.1, compat),
    variant(paste0("proportion", to), events, cases, "proportion", "", 0.05, compat),
    variant(paste0("counts", to), observed, other, "ratio_of_counts", "", 0.1, compat)
  ))
}
limits <- do.call(rbind, lapply(results, `[[`, "limits"))
limits[-(1:2)] <- lapply(limits[-(1:2)], format, digits = 15, trim = TRUE)
write.csv(limits, "funnel_limits.csv", row.names = FALSE, quote = FALSE)
summary <- do.call(rbind, lapply(results, `[[`, "summary"))
summary[7:9] <- lapply(summary[7:9], format, digits = 15, trim = TRUE)
write.csv(summary, "funnel_summary.csv", row.names = FALSE, quote = FALSE)
