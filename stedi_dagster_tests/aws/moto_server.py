"""moto's server, as `python -m moto.server` starts it; but it looks once for the services that it knows.

It would look at each request, through a folder of hundreds: half of its time.
"""

from moto import backends
from moto.server import main

if __name__ == "__main__":
    services = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: services
    main()
