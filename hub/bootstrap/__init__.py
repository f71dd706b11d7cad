"""
The only room that knows concrete classes: settings in, a hub of working parts out.

Divided by who needs what, since a process loads what it imports: a simulator or a check of the configuration
folder needs no store and no engine, a worker needs no web server.
"""
