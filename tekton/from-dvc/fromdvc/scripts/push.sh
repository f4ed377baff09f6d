cd "repository/$FOLDER"
python3 -m dvc --wait-for-lock push --run-cache -- "$@"
