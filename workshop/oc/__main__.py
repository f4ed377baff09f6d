"""`python -m workshop.oc`."""

from workshop.oc.cli import main

raise SystemExit(main())
