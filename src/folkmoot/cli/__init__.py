"""The `folkmoot` command."""

import gc

# What imports make stays: looking through it again and again for what could go is a fifth of the
# start. `main` puts it out of the collector's sight and switches that on, once all is imported.
gc.disable()
