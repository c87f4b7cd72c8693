"""The rules of the gate by what they look at; `qe.release.gate` lists them all and says which applies to what."""
