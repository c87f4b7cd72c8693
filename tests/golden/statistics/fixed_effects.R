# Providers compared by a logistic model with an intercept a provider: glm with a dummy a provider, and the exact test and
# its interval from the Poisson-binomial distribution by convolution and uniroot.
#
# R 4.2.2, packages stats only. Run in this folder: Rscript fixed_effects.R
# Writes fixed_effects_cases.csv (made up here), fixed_effects_slopes.csv and fixed_effects_providers.csv.
RNGversion("4.2.2")
set.seed(20250105)

size <- c(sample(15:70, 30, replace = TRUE), 6, 9, 3)
provider <- rep(sprintf("P%02d", sample(seq_along(size))), size)
n <- length(provider)
effect <- setNames(rnorm(length(size), -1.2, 0.6), unique(provider))
x1 <- round(rnorm(n, 70, 8), 1)
x2 <- rbinom(n, 1, 0.3)
x3 <- rbinom(n, 1, plogis(effect[provider]))
x4 <- round(rexp(n), 2)
y <- rbinom(n, 1, plogis(effect[provider] + 0.04 * (x1 - 70) + 0.5 * x2 - 0.7 * x3 + 0.2 * x4))
sizes <- table(provider)
smallest <- names(sort(sizes))[1:3]
y[provider %in% smallest[1:2]] <- 0 # two providers without an event, one with events only
y[provider == smallest[3]] <- 1
cases <- data.frame(provider, y, x1, x2, x3, x4)
write.csv(cases, "fixed_effects_cases.csv", row.names = FALSE, quote = FALSE)

fitted <- suppressWarnings(glm(y ~ 0 + provider + x1 + x2 + x3 + x4, family = binomial, data = cases,
                               control = glm.control(epsilon = 1e-15, maxit = 100)))
estimate <- coef(fitted)
error <- sqrt(diag(vcov(fitted)))
slopes <- grep("^x", names(estimate))
write.csv(data.frame(factor = names(estimate)[slopes], estimate = format(estimate[slopes], digits = 15, trim = TRUE),
                     error = format(error[slopes], digits = 15, trim = TRUE)),
          "fixed_effects_slopes.csv", row.names = FALSE, quote = FALSE)

providers <- sort(unique(provider))
observed <- as.numeric(tapply(y, provider, sum)[providers])
count <- as.numeric(table(provider)[providers])
gamma <- estimate[paste0("provider", providers)]
gamma_error <- error[paste0("provider", providers)]
gamma[observed == 0] <- -Inf
gamma[observed == count] <- Inf
gamma_error[!is.finite(gamma)] <- Inf
reference <- median(gamma)
xb <- as.matrix(cases[, c("x1", "x2", "x3", "x4")]) %*% estimate[slopes]

probabilities <- function(p) Reduce(function(so_far, q) c(so_far * (1 - q), 0) + c(0, so_far * q), p, 1)
upper <- function(g, own, o) { # mid-P of as many or more
  d <- probabilities(plogis(g + own))
  sum(d[seq_along(d) > o + 1]) + d[o + 1] / 2
}
root <- function(own, o, aim) uniroot(function(g) upper(g, own, o) - aim, c(-40, 40), tol = 1e-13, maxiter = 5000)$root
rows <- lapply(seq_along(providers), function(j) {
  own <- xb[provider == providers[j]]
  o <- observed[j]
  at <- plogis(reference + own)
  p <- upper(reference, own, o)
  low <- if (o == 0) -Inf else root(own, o, 0.025)
  high <- if (o == count[j]) Inf else root(own, o, 0.975)
  data.frame(
    provider = providers[j], observed = o, count = count[j], effect = gamma[j], error = gamma_error[j],
    expected = sum(at), indirect = o / sum(at),
    direct = if (is.finite(gamma[j])) sum(plogis(gamma[j] + xb)) / sum(y) else NA,
    z = (o - sum(at)) / sqrt(sum(at * (1 - at))), p_upper = p, p_value = 2 * min(p, 1 - p),
    effect_low = low, effect_high = high, ratio_low = sum(plogis(low + own)) / sum(at),
    ratio_high = sum(plogis(high + own)) / sum(at)
  )
})
out <- do.call(rbind, rows)
out[-1] <- lapply(out[-1], format, digits = 15, trim = TRUE)
write.csv(out, "fixed_effects_providers.csv", row.names = FALSE, quote = FALSE)
