# Variance of true ratios by maximum likelihood of the negative binomial (MASS::theta.ml, means given), and of true values behind
# estimates with standard errors by DerSimonian and Laird's moments and by restricted maximum likelihood (the likelihood
# written out, optimize).
#
# R 4.2.2, MASS 7.3-58.2. Run in this folder: Rscript empirical_bayes.R
# Writes empirical_bayes.csv (one row a provider) and empirical_bayes_spread.csv.
RNGversion("4.2.2")
set.seed(12)
count <- 60
expected <- round(exp(rnorm(count, 2.5, 0.8)), 3)
observed <- rpois(count, expected * rgamma(count, 12, 12))
error <- round(exp(rnorm(count, -1.2, 0.5)), 4)
estimate <- round(rnorm(count, 0.3, sqrt(0.08 + error^2)), 4)

shape <- as.numeric(MASS::theta.ml(observed, expected, limit = 200, eps = 1e-12))

w <- 1 / error^2
m <- sum(w * estimate) / sum(w)
dl <- max(0, (sum(w * (estimate - m)^2) - (count - 1)) / (sum(w) - sum(w^2) / sum(w)))
restricted <- function(t2) {
  v <- error^2 + t2
  mu <- sum(estimate / v) / sum(1 / v)
  -0.5 * (sum(log(v)) + log(sum(1 / v)) + sum((estimate - mu)^2 / v))
}
reml <- optimize(restricted, c(0, 1), maximum = TRUE, tol = 1e-14)$maximum

drawn <- function(t2) {
  weight <- 1 / (error^2 + t2)
  mu <- sum(weight * estimate) / sum(weight)
  b <- t2 / (t2 + error^2)
  data.frame(mean = mu + b * (estimate - mu), variance = b * error^2)
}
out <- data.frame(
  observed, expected, estimate, error,
  ratio = (observed + shape) / (expected + shape),
  low = qgamma(0.025, observed + shape, expected + shape), high = qgamma(0.975, observed + shape, expected + shape),
  dl = drawn(dl)$mean, dl_variance = drawn(dl)$variance, reml = drawn(reml)$mean, reml_variance = drawn(reml)$variance
)
out[5:11] <- lapply(out[5:11], format, digits = 15, trim = TRUE)
write.csv(out, "empirical_bayes.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(shape = format(shape, digits = 15), dl = format(dl, digits = 15), reml = format(reml, digits = 15)),
          "empirical_bayes_spread.csv", row.names = FALSE, quote = FALSE)
