"""The service: a description or a spec over HTTP, data back.

`main` runs it, `app` is the FastAPI application, `maker` is the process that draws what a request asks for, `jobs`
keeps jobs and `runner` has `ffgen run` carry them out. Nothing but `ffgen serve` imports FastAPI and uvicorn.
"""
