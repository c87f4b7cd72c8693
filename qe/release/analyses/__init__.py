"""Non-public analyses (42 CFR 401.716, 401.717(f)): defined from a run, noticed, answered, sent to those who ask, released.

definition   what an analysis is, as the ledger holds it
identified   whom its content identifies, named or by inference
content      the files of an analysis, made from a run's results
patients     whose patients the persons of an analysis are (401.703(r)), and their names
staging      exactly the bytes that would go, encrypted until they do
define, notices, answers, extracts, disclosure, status   what the officer does, in this order
"""
