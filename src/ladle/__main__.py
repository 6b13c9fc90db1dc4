"""``python -m ladle`` is the command ``ladle``."""

from ladle.cli.main import main

if __name__ == "__main__":
    main()
