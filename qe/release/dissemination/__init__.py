"""Data for an authorized user (42 CFR 401.718): defined, determined to be de-identified, approved, released; the claims themselves.

Not the extract that a provider asks for under 401.717(c): that is qe.release.data_release.
"""
