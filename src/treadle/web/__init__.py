"""The console: server-rendered pages over live values, and one stream of updates. It changes nothing."""
