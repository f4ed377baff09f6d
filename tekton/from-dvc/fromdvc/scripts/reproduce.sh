cd "repository/$FOLDER"
# Stages run at the same time. DVC locks its project only while it reads and writes its own files, not during a command.
python3 -m dvc --wait-for-lock repro --single-item -- "$PARAM_STAGE"
