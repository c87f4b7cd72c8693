# Golden values of the linear mixed model: lme4's lmer, restricted (reml) and full (ml) likelihood.
#
# Made with R 4.2.2, lme4 1.1-31. To make them again, from the root of the project:
#   python -m tests.golden.statistics.cases /tmp/rows
#   Rscript tests/golden/statistics/linear.R /tmp/rows tests/golden/statistics
# Of each case CASE_terms.csv (fit, term, estimate, se) and CASE_providers.csv (fit, provider, effect, sd).
#   sigma, within_sigma   standard deviations between and within providers
#   sd                    of the effect given the coefficients (condVar)

suppressMessages(library(lme4))
given <- commandArgs(trailingOnly = TRUE)
tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, optCtrl = list(rhobeg = 0.1, rhoend = 1e-11, maxfun = 1e5))

fit_of <- function(d, fit) {
  formula <- reformulate(c(grep("^x[0-9]+$", names(d), value = TRUE), "(1 | provider)"), "y")
  m <- lmer(formula, d, REML = fit == "reml", control = tight)
  r <- ranef(m, condVar = TRUE)$provider
  single <- c(sigma = sqrt(as.numeric(VarCorr(m)$provider)), within_sigma = sigma(m), log_likelihood = as.numeric(logLik(m)))
  list(terms = data.frame(fit = fit, term = c(names(fixef(m)), names(single)), estimate = c(fixef(m), single),
                          se = c(sqrt(diag(as.matrix(vcov(m)))), NA, NA, NA)),
       providers = data.frame(fit = fit, provider = rownames(r), effect = r[[1]], sd = sqrt(attr(r, "postVar")[1, 1, ])))
}

tidy <- function(d) { for (k in names(d)) if (is.numeric(d[[k]])) d[[k]] <- signif(d[[k]], 11); d }
write_out <- function(d, name) write.csv(tidy(d), file.path(given[2], name), row.names = FALSE, quote = FALSE, na = "")

for (case in c("linear", "linear_null")) {
  d <- read.csv(file.path(given[1], paste0(case, ".csv")))
  d$provider <- factor(d$provider)
  found <- lapply(c("reml", "ml"), function(fit) fit_of(d, fit))
  write_out(do.call(rbind, lapply(found, `[[`, "terms")), paste0(case, "_terms.csv"))
  write_out(do.call(rbind, lapply(found, `[[`, "providers")), paste0(case, "_providers.csv"))
}
