"""The service: a description or a spec over HTTP, data back.

`main` runs it, `app` has its routes, `maker` is the process that draws what a request asks for, `queue` keeps jobs and
`runner` has `ffgen run` carry them out. Built on aiohttp's server, which ffgen needs for models anyway: no other
package, 1.5 ms for a small answer, and a body that fails is cut off, never ended.
"""
