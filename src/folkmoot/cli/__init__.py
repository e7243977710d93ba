"""The `folkmoot` command."""

import gc

# What imports make stays: looking through it again and again for what could go is a seventh of the
# start. `main` switches the collector on again once all is imported.
gc.disable()
