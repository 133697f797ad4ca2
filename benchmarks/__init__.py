"""How fast Packyard is, side by side with the CNCF distribution registry and nginx on one machine.

`python -m benchmarks` (`make bench`) starts each server in turn on 127.0.0.1 with an empty folder
on the local disk, fills it with the same content, measures every row and writes `results.md` and
`results.json` beside this file. Servers and clients share the machine, so that figures are only
comparable within one run.

- `content`: what is pushed and asked for.
- `client`: pushes with the fewest requests.
- `servers`: how each server is started, and how much memory it takes.
- `drivers`: wrk for reads, own clients for pushes.
- `rows`: what is measured, in which unit, and what is to be reached.
- `report`: the table and the facts of the machine.
"""
