cd "repository/$FOLDER"
[ -z "${GIT_PASSWORD:-}" ] || log_in "$(git remote get-url origin)"
# dvc.lock, the .gitignore files that DVC writes, pointers of imports, and the outputs that Git keeps.
{
  git ls-files -z --modified --deleted --others --exclude-standard -- \
    ':(glob,top)**/dvc.lock' ':(glob,top)**/.gitignore' ':(glob,top)**/*.dvc'
  [ $# -eq 0 ] || git ls-files -z --modified --deleted --others --exclude-standard -- "$@"
} | git add --all --pathspec-from-file=- --pathspec-file-nul
branch="$PARAM_BRANCH"
if git diff --cached --quiet; then
  echo "---> dvc.lock is up to date"
else
  export GIT_AUTHOR_NAME="${GIT_AUTHOR_NAME:-DVC pipeline}" GIT_AUTHOR_EMAIL="${GIT_AUTHOR_EMAIL:-dvc@pipeline.invalid}"
  export GIT_COMMITTER_NAME="$GIT_AUTHOR_NAME" GIT_COMMITTER_EMAIL="$GIT_AUTHOR_EMAIL"
  # The message keeps a push from starting the next run.
  git commit --quiet --message "Reproduce $FOLDER/dvc.yaml" --message "Run: $PARAM_RUN" --message '[skip ci]'
  own="dvc/$PARAM_RUN"
  case "$PARAM_STATUS" in
    Succeeded | Completed) ;;
    *) branch="$own" ;;
  esac
  if [ "$branch" = "$own" ] || ! git push --quiet origin "HEAD:refs/heads/$branch"; then
    branch="$own"
    git push --quiet origin "HEAD:refs/heads/$branch"
    echo "---> $PARAM_BRANCH does not have the commit, because a stage failed or $PARAM_BRANCH has moved."
    echo "     git fetch origin $branch && git merge FETCH_HEAD takes it; a run with the param revision=$branch goes on from it"
  fi
fi
printf '%s' "$branch" > "$RESULT_BRANCH"
printf '%s' "$(git rev-parse HEAD)" > "$RESULT_COMMIT"
git log -1 --format="---> $branch: %h %s"
