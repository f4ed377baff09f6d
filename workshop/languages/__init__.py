"""The languages of the guide and of the pages: a folder of `workshop/modules` for each, named by its BCP 47 tag.

The folder has the translated modules and `messages.po`, the catalog of the pages' texts. `README.md` in
`workshop/modules` says how to add a language; no code names one.
"""
