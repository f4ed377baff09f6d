"""Operations that several verbs share, in the lab and on a cluster."""
