"""One module for each verb, or for a few that belong together: FLAGS by verb, and a function of the verb's name."""
