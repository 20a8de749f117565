"""``python -m custodes`` is the ``custodes`` command."""

from custodes.cli.main import run

if __name__ == "__main__":
    run()
