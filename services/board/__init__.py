"""The board: the centre in a browser, for companies and operators. A client of the gRPC doors, without state.

Whoever looks signs in with their own token, and every call is made with that token: what a company may not see, the
services do not tell the board either (P8). Pages are made here, whole, and read without JavaScript.
"""
