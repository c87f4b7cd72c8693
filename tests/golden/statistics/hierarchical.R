# Golden values of the hierarchical models: lme4, glmmTMB and MASS::glmmPQL on the rows of cases.py.
#
# Made with R 4.2.2, lme4 1.1-31, glmmTMB 1.1.5, MASS 7.3-58.2, nlme 3.1-162. To make them again, from the root of the project:
#   python -m tests.golden.statistics.cases /tmp/rows
#   Rscript tests/golden/statistics/hierarchical.R /tmp/rows tests/golden/statistics [case ...]
# Of each case CASE_terms.csv (fit, term, estimate, se) and CASE_providers.csv (fit, provider, effect, sd, predicted, expected, ratio).
#   terms     (Intercept), x1, x2, ... ; sigma ; log_likelihood ; theta (negative binomial: variance = mean + mean^2 / theta)
#   se        of glmer from its Schur complement (use.hessian = FALSE); of glmmTMB from the Hessian of the Laplace likelihood
#   effect    the mode given the outcomes; sd = sqrt(1 / H), H the curvature at the mode with the fixed effects held
#   predicted, expected   sums over the provider's cases of the mean at its own effect and at the effect 0
# Fits: glmer (Laplace), agq9 (glmer, nAGQ = 9), glmmTMB (Laplace), rspl (restricted, residual scale 1, as PROC GLIMMIX does
# for binary outcomes), mspl (the same by ML), pql (MASS::glmmPQL as it comes: ML and an estimated residual scale, so it is another
# model), mundlak (glmer with the provider means of x behind x).
#   mundlak counts what the means say as case mix; mundlak_own as the provider's own: its effect is u and that part (its mean over all
#   cases 0) together, and expected leaves that part out
# glmmTMB's warning of "singular convergence (7)" says that its optimiser found nothing better at the tight tolerance asked for here.

suppressMessages({library(lme4); library(glmmTMB); library(MASS); library(nlme)})
given <- commandArgs(trailingOnly = TRUE)
rows <- given[1]; out <- given[2]
wanted <- if (length(given) > 2) given[-(1:2)] else c("cbpp", "large", "rare", "tiny", "null", "confounded", "poisson", "negative_binomial")

tight <- glmerControl(optimizer = "bobyqa", tolPwrss = 1e-11, calc.derivs = FALSE,
                      optCtrl = list(rhobeg = 0.02, rhoend = 1e-8, maxfun = 1e5))

terms_of <- function(fit, fixed, se, sigma, loglik, theta = NULL) {
  found <- data.frame(fit = fit, term = names(fixed), estimate = unname(fixed), se = unname(se))
  found <- rbind(found, data.frame(fit = fit, term = "sigma", estimate = sigma, se = NA))
  if (!is.na(loglik)) found <- rbind(found, data.frame(fit = fit, term = "log_likelihood", estimate = loglik, se = NA))
  if (!is.null(theta)) found <- rbind(found, data.frame(fit = fit, term = "theta", estimate = theta, se = NA))
  found
}

providers_of <- function(fit, d, effect, sd, fixed_part, mean_of) {
  labels <- sort(unique(as.character(d$provider)), method = "radix")
  own <- effect[match(as.character(d$provider), names(effect))]
  predicted <- tapply(mean_of(fixed_part + own), as.character(d$provider), sum)[labels]
  expected <- tapply(mean_of(fixed_part), as.character(d$provider), sum)[labels]
  data.frame(fit = fit, provider = labels, effect = unname(effect[labels]), sd = unname(sd[labels]),
             predicted = unname(predicted), expected = unname(expected), ratio = unname(predicted / expected))
}

of_glmer <- function(fit, m, d, mean_of) {
  r <- ranef(m, condVar = TRUE)$provider
  effect <- setNames(r[[1]], rownames(r)); sd <- setNames(sqrt(attr(r, "postVar")[1, 1, ]), rownames(r))
  list(terms = terms_of(fit, fixef(m), sqrt(diag(as.matrix(vcov(m, use.hessian = FALSE)))),
                        sqrt(as.numeric(VarCorr(m)$provider)), as.numeric(logLik(m))),
       providers = providers_of(fit, d, effect, sd, model.matrix(m) %*% fixef(m) + offset_of(d), mean_of))
}

of_glmmTMB <- function(m, d, mean_of, theta = NULL) {
  r <- ranef(m)$cond$provider
  fixed <- fixef(m)$cond
  # TMB's own curvature over its random vector, which holds the effects on the log odds in the order of the levels
  h <- diag(as.matrix(m$obj$env$spHess(m$obj$env$last.par.best, random = TRUE)))
  effect <- setNames(r[[1]], rownames(r)); sd <- setNames(1 / sqrt(h), rownames(r))
  design <- model.matrix(lme4::nobars(formula(m)), d)
  list(terms = terms_of("glmmTMB", fixed, sqrt(diag(vcov(m)$cond)), sqrt(as.numeric(VarCorr(m)$cond$provider)),
                        as.numeric(logLik(m)), theta),
       providers = providers_of("glmmTMB", d, effect, sd, design %*% fixed + offset_of(d), mean_of))
}

# The loop of penalised quasi-likelihood (Breslow and Clayton 1993; Wolfinger and O'Connell 1993): a linear mixed model of the working
# outcome, of which each case has the known variance 1 / w, until the linear predictor stays. Each linear fit is glmmTMB's, since lme's
# REML with a residual scale held at 1 gave another optimum than the restricted likelihood written out (nlme 3.1-162; its ML agrees).
pseudo <- function(fit, d, formula, restricted) {
  design <- model.matrix(formula, d)
  eta <- predict(glm(formula, binomial, d))
  linear <- update(random(formula), working ~ .)
  for (round in 1:200) {
    mu <- plogis(eta); w <- mu * (1 - mu)
    d$working <- eta + (d$y - mu) / w; d$log_variance <- -log(w)
    m <- glmmTMB(linear, d, gaussian(), dispformula = ~ 0 + offset(log_variance), REML = restricted,
                 control = glmmTMBControl(optCtrl = list(iter.max = 1e4, eval.max = 1e4, rel.tol = 1e-13)))
    fixed <- fixef(m)$cond; r <- ranef(m)$cond$provider; effect <- setNames(r[[1]], rownames(r))
    new <- as.numeric(design %*% fixed) + effect[as.character(d$provider)]
    moved <- max(abs(new - eta)); if (moved < 1e-7) break
    eta <- new
  }
  sigma <- sqrt(as.numeric(VarCorr(m)$cond$provider))
  mu <- plogis(new); sd <- (tapply(mu * (1 - mu), as.character(d$provider), sum) + 1 / sigma^2)^-0.5
  message(fit, ": ", round, " rounds, last change ", moved)
  list(terms = terms_of(fit, fixed, sqrt(diag(vcov(m)$cond)), sigma, NA),
       providers = providers_of(fit, d, effect, setNames(as.numeric(sd), names(sd)), design %*% fixed, plogis))
}

as_it_comes <- function(d, formula) {
  m <- glmmPQL(formula, random = ~ 1 | provider, family = binomial, data = d, verbose = FALSE, niter = 100)
  data.frame(fit = "pql", term = c(names(fixef(m)), "sigma", "residual_scale"),
             estimate = c(fixef(m), sqrt(as.numeric(getVarCov(m))), m$sigma), se = c(sqrt(diag(vcov(m))), NA, NA))
}

means_as_own <- function(m, d, given, mean_of) {
  means <- grep("^m[0-9]+$", names(fixef(m)), value = TRUE)
  says <- as.numeric(as.matrix(d[means]) %*% fixef(m)[means]); says <- says - mean(says)
  effect <- setNames(given$effect + as.numeric(tapply(says, as.character(d$provider), mean)[given$provider]), given$provider)
  providers_of("mundlak_own", d, effect, setNames(given$sd, given$provider), model.matrix(m) %*% fixef(m) - says, mean_of)
}

offset_of <- function(d) log(d$exposure)
factors_in <- function(d) grep("^[xm][0-9]+$", names(d), value = TRUE)
random <- function(formula) update(formula, . ~ . + (1 | provider))

write_out <- function(case, found) {
  terms <- do.call(rbind, lapply(found, `[[`, "terms")); providers <- do.call(rbind, lapply(found, `[[`, "providers"))
  tidy <- function(d) { for (k in names(d)) if (is.numeric(d[[k]])) d[[k]] <- signif(d[[k]], 10); d }
  write.csv(tidy(terms), file.path(out, paste0(case, "_terms.csv")), row.names = FALSE, quote = FALSE, na = "")
  write.csv(tidy(providers), file.path(out, paste0(case, "_providers.csv")), row.names = FALSE, quote = FALSE, na = "")
}

for (case in wanted) {
  began <- proc.time()[3]
  d <- read.csv(file.path(rows, paste0(case, ".csv")), stringsAsFactors = FALSE)
  d$provider <- factor(d$provider)
  fixed <- reformulate(factors_in(d), "y"); mixed <- random(fixed)
  found <- list()
  if (case %in% c("cbpp", "large", "rare", "tiny", "null", "confounded")) {
    family <- binomial(); mean_of <- plogis
    found$glmer <- of_glmer("glmer", glmer(mixed, d, family, control = tight), d, mean_of)
    m <- glmmTMB(mixed, d, family, control = glmmTMBControl(optCtrl = list(iter.max = 1e4, eval.max = 1e4, rel.tol = 1e-12)))
    found$glmmTMB <- of_glmmTMB(m, d, mean_of)
    if (case %in% c("cbpp", "rare", "tiny"))
      found$agq9 <- of_glmer("agq9", glmer(mixed, d, family, control = tight, nAGQ = 9), d, mean_of)
    if (case %in% c("cbpp", "tiny")) {
      found$rspl <- pseudo("rspl", d, fixed, restricted = TRUE)
      found$mspl <- pseudo("mspl", d, fixed, restricted = FALSE)
      found$pql <- list(terms = as_it_comes(d, fixed))
    }
    if (case %in% c("tiny", "confounded")) {
      plain <- factors_in(d)
      for (k in plain) d[[sub("x", "m", k)]] <- ave(d[[k]], d$provider)
      mundlak <- random(reformulate(c(plain, sub("x", "m", plain)), "y"))
      m <- glmer(mundlak, d, family, control = tight)
      found$mundlak <- of_glmer("mundlak", m, d, mean_of)
      found$mundlak_own <- list(providers = means_as_own(m, d, found$mundlak$providers, mean_of))
    }
  } else {
    with_offset <- update(mixed, . ~ . + offset(log(exposure))); mean_of <- exp
    kind <- if (case == "poisson") poisson() else nbinom2()
    m <- glmmTMB(with_offset, d, kind, control = glmmTMBControl(optCtrl = list(iter.max = 1e4, eval.max = 1e4, rel.tol = 1e-12)))
    found$glmmTMB <- of_glmmTMB(m, d, mean_of, theta = if (case == "poisson") NULL else sigma(m))
    if (case == "poisson")
      found$glmer <- of_glmer("glmer", glmer(with_offset, d, poisson(), control = tight), d, mean_of)
  }
  write_out(case, found)
  message(case, ": ", round(proc.time()[3] - began), " s")
}
