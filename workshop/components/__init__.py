"""Components: Tasks that stand alone, each in a folder with its README, its interface and a run that tests it.

`component` finds and reads them, `interface` compares two interfaces and says which version a change needs, `docs`
makes the tables of a README, `create` starts a new one.

    NAME/NAME.yaml          the Task; its label app.kubernetes.io/version is the component's version
    NAME/README.md          its tables are made from the Task
    NAME/interface.lock     the version and the interface that users of the component have now
    NAME/tests/run.yaml     a PipelineRun or TaskRun that uses the Task and checks its results
"""
