"""``python -m bridge`` is ``scope-bridge``."""

from bridge.cli import main

raise SystemExit(main())
