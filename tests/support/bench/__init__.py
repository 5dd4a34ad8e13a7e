"""`make bench`: what a request costs, beside a floor, peers and other commits (docs/performance.md).

Nothing of the product is imported here but its WSGI application, in `inprocess`, and the embedded
PostgreSQL: so the folder can be copied over the tree of any commit and measure that.
"""
